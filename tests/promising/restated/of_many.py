"""Operators of several streams."""

from typing import Final

from miniagents.promising import StreamedPromise, concat, merge, zip_latest
from tests.promising.restated.rows import IN_PLACE, REPLAYED, Row, row, row_of_three, row_of_two

MERGE: Final = (
    row_of_two(
        "ReactiveX merge", "gives all pieces as they come", ("a-b-|", "-x-y|"), lambda s, t: merge(s, t), "axby|"
    ),
    row_of_two("ReactiveX merge", "ends with the last source", ("a|", "----x|"), lambda s, t: merge(s, t), "a---x|"),
    row_of_two(
        "ReactiveX merge",
        "of one moment in the order of the sources",
        ("a-b|", "x-y|"),
        lambda s, t: merge(s, t),
        "(ax)-(by)|",
    ),
    row_of_two(
        "ReactiveX merge",
        "all of one source's moment come together",
        ("(ab)|", "(xy)|"),
        lambda s, t: merge(s, t),
        "(abxy)|",
    ),
    row_of_two(
        "ReactiveX merge", "a source that never ends keeps it open", ("a|", "x-"), lambda s, t: merge(s, t), "(ax)"
    ),
    row_of_two("ReactiveX merge", "an empty source adds nothing", ("a-b|", "|"), lambda s, t: merge(s, t), "a-b|"),
    row_of_two(
        "ReactiveX merge",
        "an error ends it",
        ("a-(#|)", "---x|"),
        lambda s, t: merge(s, t),
        "a-#x|",
        there="a-(#|)",
        differs=IN_PLACE,
    ),
    row_of_two(
        "ReactiveX merge",
        "behind a map it is the same",
        ("(ab)|", "x|"),
        lambda s, t: merge(s.map_pieces(str.upper), t),
        "(ABx)|",
    ),
    row_of_three("ReactiveX merge", "of three", ("a--|", "-b-|", "--c|"), lambda s, t, u: merge(s, t, u), "abc|"),
    row_of_three(
        "ReactiveX merge",
        "nested it is the same",
        ("a--|", "a-b|", "--c|"),
        lambda s, t, u: merge(merge(s, t), u),
        "(aa)-(bc)|",
    ),
    row("ReactiveX merge", "of one is that one", "a-b|", lambda s: merge(s), "a-b|"),
    row("ReactiveX merge", "of none is empty", "a|", lambda _: merge(), "|"),
    row_of_two("Kotlin merge", "collects all at the same time", ("a--b|", "-x|"), lambda s, t: merge(s, t), "ax-b|"),
    row_of_two("Rust select", "ends when both have ended", ("a|", "x--|"), lambda s, t: merge(s, t), "(ax)--|"),
    row_of_two(
        "Rust select",
        "takes turns where both are ready",
        ("(ab)|", "(xy)|"),
        lambda s, t: merge(s, t),
        "(abxy)|",
        there="(axby)|",
        differs="ready pieces are given without a switch of tasks; nothing that waits is starved",
    ),
    row_of_three(
        "Rust select_all", "gives what is ready first", ("--a|", "-b-|", "c--|"), lambda s, t, u: merge(s, t, u), "cba|"
    ),
    row_of_two("aiostream merge", "gives items as they come", ("1-3|", "-2|"), lambda s, t: merge(s, t), "123|"),
)

CONCAT: Final = (
    row_of_two(
        "ReactiveX concat",
        "subscribes to the second when the first has ended",
        ("a-b|", "x-y|"),
        lambda s, t: concat(s, t),
        "a-bx-y|",
        is_lazy=True,
    ),
    row_of_two(
        "ReactiveX concat",
        "of hot sources, the second gives what comes from then on",
        ("a-b|", "x-y-z|"),
        lambda s, t: concat(s, t),
        "a-b(xy)z|",
        there="a-b-z|",
        differs=REPLAYED,
    ),
    row_of_two(
        "ReactiveX concat",
        "a first that never ends lets nothing follow",
        ("a-", "x|"),
        lambda s, t: concat(s, t),
        "a",
        is_lazy=True,
    ),
    row_of_two(
        "ReactiveX concat", "an empty first adds nothing", ("|", "x|"), lambda s, t: concat(s, t), "x|", is_lazy=True
    ),
    row_of_two(
        "ReactiveX concat", "an empty second adds nothing", ("a-|", "|"), lambda s, t: concat(s, t), "a-|", is_lazy=True
    ),
    row_of_two(
        "ReactiveX concat",
        "an error of the first ends it",
        ("a(#|)", "x|"),
        lambda s, t: concat(s, t),
        "a(#x)|",
        there="a(#|)",
        differs=IN_PLACE,
        is_lazy=True,
    ),
    row_of_two(
        "ReactiveX onErrorResumeNext",
        "continues with the next, and drops the error",
        ("a(#|)", "x|"),
        lambda s, t: s.on_error(lambda _: t),
        "ax|",
        is_lazy=True,
    ),
    row_of_three(
        "ReactiveX concat", "of three", ("a|", "b|", "c|"), lambda s, t, u: concat(s, t, u), "abc|", is_lazy=True
    ),
    row("ReactiveX concat", "of none is empty", "a|", lambda _: concat(), "|"),
    row_of_two(
        "ReactiveX startWith",
        "puts pieces in front",
        ("--x|", "|"),
        lambda s, _: concat(StreamedPromise.of("ab"), s),
        "(ab)-x|",
    ),
    row_of_two(
        "ReactiveX endWith", "appends pieces", ("x--|", "|"), lambda s, _: s.chain(StreamedPromise.of("ab")), "x--(ab|)"
    ),
    row_of_two(
        "Kotlin onCompletion",
        "emits all of another flow behind",
        ("a-|", "x|"),
        lambda s, t: s.chain(t),
        "a-x|",
        is_lazy=True,
    ),
    row_of_two(
        "Rust chain",
        "reads the second behind the first",
        ("a-|", "-x|"),
        lambda s, t: s.chain(t),
        "a--x|",
        is_lazy=True,
    ),
    row(
        "ReactiveX repeat",
        "runs a cold source once more",
        "a-b|",
        lambda s: s.chain(s),
        "a-b(ab|)",
        there="a-ba-b|",
        differs=REPLAYED,
        is_lazy=True,
    ),
    row_of_two(
        "aiostream chain",
        "reads one after the other",
        ("(ab)|", "(xy)|"),
        lambda s, t: s.chain(t),
        "(ab)(xy)|",
        is_lazy=True,
    ),
    row_of_two(
        "itertools chain",
        "reads one after the other",
        ("(ab)|", "(xy)|"),
        lambda s, t: concat(s, t),
        "(ab)(xy)|",
        is_lazy=True,
    ),
)

ZIP: Final = (
    row_of_two(
        "ReactiveX zip", "pairs the pieces by their places", ("a-b|", "-1-2|"), lambda s, t: s.zip(t), "-[a1]-([b2]|)"
    ),
    row_of_two(
        "ReactiveX zip",
        "a pair comes with the later of both",
        ("abc|", "--1-2-3|"),
        lambda s, t: s.zip(t),
        "--[a1]-[b2]-([c3]|)",
    ),
    row_of_two(
        "ReactiveX zip",
        "pieces wait for their partners",
        ("(abc)--|", "-1-(2|)"),
        lambda s, t: s.zip(t),
        "-[a1]-([b2]|)",
    ),
    row_of_two("ReactiveX zip", "of two empty streams is empty", ("--|", "--|"), lambda s, t: s.zip(t), "--|"),
    row_of_two(
        "ReactiveX zip",
        "ends with the left side when its pieces are used up",
        ("a|", "1-2-3|"),
        lambda s, t: s.zip(t),
        "[a1]|",
    ),
    row_of_two(
        "ReactiveX zip", "an error of the left side ends it", ("a(#|)", "12|"), lambda s, t: s.zip(t), "[a1](#|)"
    ),
    row_of_two(
        "ReactiveX zip",
        "an error in a pair ends it",
        ("a#c|", "123|"),
        lambda s, t: s.zip(t),
        "[a1]#[c3]|",
        there="[a1](#|)",
        differs=IN_PLACE,
    ),
    row("ReactiveX zip", "with itself pairs each piece with itself", "1-2|", lambda s: s.zip(s), "[11]-[22]|"),
    row("ReactiveX zip", "with what follows it is pairwise", "a-b-c|", lambda s: s.zip(s.skip(1)), "--[ab]-[bc]|"),
    row_of_two("Kotlin zip", "ends as soon as one flow ends", ("ab|", "12|"), lambda s, t: s.zip(t), "[a1][b2]|"),
    row_of_two("Rust zip", "waits for both sides", ("a---b|", "-1-2-|"), lambda s, t: s.zip(t), "-[a1]--[b2]|"),
    row_of_two("aiostream zip", "ends with the shorter one", ("(ab)|", "(123)|"), lambda s, t: s.zip(t), "([a1][b2])|"),
    row_of_two("itertools zip", "drops what has no partner", ("(abc)|", "(12)|"), lambda s, t: s.zip(t), "([a1][b2])|"),
)

LATEST: Final = (
    row_of_two(
        "ReactiveX combineLatest",
        "begins when each has given a piece",
        ("a--b|", "-1---|"),
        lambda s, t: zip_latest(s, t),
        "-[a1]-[b1]-|",
    ),
    row_of_two(
        "ReactiveX combineLatest",
        "each piece makes a tuple",
        ("a-b---|", "-1-2-3|"),
        lambda s, t: zip_latest(s, t),
        "-[a1][b1][b2]-[b3]|",
    ),
    row_of_two(
        "ReactiveX combineLatest",
        "of one moment makes two tuples",
        ("a-b|", "1-2|"),
        lambda s, t: zip_latest(s, t),
        "[a1]-([b1][b2])|",
    ),
    row_of_two(
        "ReactiveX combineLatest",
        "before that, only the last piece counts",
        ("abc--|", "---1-|"),
        lambda s, t: zip_latest(s, t),
        "---[c1]-|",
    ),
    row_of_two(
        "ReactiveX combineLatest",
        "ends when a source ends without a piece",
        ("a----|", "--|"),
        lambda s, t: zip_latest(s, t),
        "--|",
    ),
    row_of_two(
        "ReactiveX combineLatest",
        "a source that has ended keeps its last piece",
        ("a|", "--1-2|"),
        lambda s, t: zip_latest(s, t),
        "--[a1]-[a2]|",
    ),
    row_of_two("ReactiveX combineLatest", "is open while one is", ("a|", "1-"), lambda s, t: zip_latest(s, t), "[a1]"),
    row_of_two(
        "ReactiveX combineLatest",
        "an error ends it",
        ("a-#-b|", "1----|"),
        lambda s, t: zip_latest(s, t),
        "[a1]-#-[b1]|",
        there="[a1]-(#|)",
        differs=IN_PLACE,
    ),
    row_of_three(
        "ReactiveX combineLatest",
        "of three",
        ("a---|", "-b--|", "--c-|"),
        lambda s, t, u: zip_latest(s, t, u),
        "--[abc]-|",
    ),
    row("ReactiveX combineLatest", "of one makes tuples", "a-b|", lambda s: zip_latest(s), "[a]-[b]|"),
    row("ReactiveX combineLatest", "of none is empty", "a|", lambda _: zip_latest(), "|"),
    row_of_two(
        "ReactiveX combineLatest",
        "behind a map it is the same",
        ("a-b|", "1-2|"),
        lambda s, t: zip_latest(s.map_pieces(str.upper), t),
        "[A1]-([B1][B2])|",
    ),
    row_of_two(
        "Kotlin combine",
        "uses the latest of both",
        ("a-b--|", "-1--2|"),
        lambda s, t: zip_latest(s, t),
        "-[a1][b1]-[b2]|",
    ),
)

OF_MANY: Final[tuple[Row, ...]] = (*MERGE, *CONCAT, *ZIP, *LATEST)
