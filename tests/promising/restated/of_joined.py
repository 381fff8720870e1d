"""Operators that put a stream and others together, that end it by others, and that try again."""

from typing import Final

from miniagents.promising import StreamedPromise, first_to_speak, retry_stream
from miniagents.testing import marble, marbles
from tests.promising.restated.rows import IN_PLACE, REPLAYED, AnyPromise, AnyStream, Row, row, row_of_three, row_of_two

SPARES: Final = "an error is no piece: a stream that only fails has not spoken"
LATEST: Final = "of pieces that are there at once only the last makes a stream"


def thrice(piece: object) -> AnyStream:
    """The piece at once, and twice more."""
    return marbles(f"{piece}-{piece}-{piece}|", name=f"of {piece}")


def at(seconds: int, outcome: str = "x") -> AnyPromise:
    """A promise that is resolved then."""
    return marble("-" * seconds + outcome, name="until")


FLAT_MAP: Final = (
    row("ReactiveX concatMap", "reads one stream after the other", "ab|", lambda s: s.flat_map(thrice), "a-a-ab-b-b|"),
    row(
        "ReactiveX flatMap",
        "reads all at the same time",
        "ab|",
        lambda s: s.flat_map(thrice, concurrency=None, ordered=False),
        "ababab|",
    ),
    row(
        "Kotlin flatMapMerge",
        "reads as many as it is told to",
        "ab-c|",
        lambda s: s.flat_map(thrice, concurrency=2, ordered=False),
        "ababa(bc)-c-c|",
    ),
    row(
        "ReactiveX concatMapEager",
        "reads all at the same time, and keeps the order",
        "ab|",
        lambda s: s.flat_map(thrice, concurrency=None),
        "a-a-a(bbb)|",
    ),
    row(
        "Rust flat_map_unordered",
        "ends with the last stream",
        "a|",
        lambda s: s.flat_map(thrice, concurrency=None, ordered=False),
        "a-a-a|",
    ),
    row(
        "ReactiveX flatMap",
        "an error of the source ends it",
        "a(#|)",
        lambda s: s.flat_map(thrice, concurrency=None, ordered=False),
        "a#a-a|",
        there="a(#|)",
        differs=IN_PLACE,
    ),
    row("aiostream flatmap", "of nothing is empty", "--|", lambda s: s.flat_map(thrice, concurrency=2), "--|"),
)
SWITCH_MAP: Final = (
    row("ReactiveX switchMap", "a new piece ends the old stream", "a-b|", lambda s: s.switch_map(thrice), "a-b-b-b|"),
    row(
        "ReactiveX switchMap",
        "ends with the source and the latest stream",
        "a------b|",
        lambda s: s.switch_map(thrice),
        "a-a-a--b-b-b|",
    ),
    row("Kotlin flatMapLatest", "the end of the source ends no stream", "a|", lambda s: s.switch_map(thrice), "a-a-a|"),
    row(
        "ReactiveX switchMap",
        "of pieces at one moment each begins a stream",
        "(ab)|",
        lambda s: s.switch_map(thrice),
        "b-b-b|",
        there="(ab)-b-b|",
        differs=LATEST,
    ),
    row(
        "ReactiveX switchMap",
        "an error of the source ends it",
        "a-(#|)",
        lambda s: s.switch_map(thrice),
        "a-(#a)-a|",
        there="a-(#|)",
        differs=IN_PLACE,
    ),
    row("aiostream switchmap", "of an empty stream is empty", "--|", lambda s: s.switch_map(thrice), "--|"),
)
TAKE_UNTIL: Final = (
    row("ReactiveX takeUntil", "ends when the other one speaks", "a-b-c-d|", lambda s: s.take_until(at(3)), "a-b|"),
    row("ReactiveX takeUntil", "ends with the source", "a-b|", lambda s: s.take_until(at(9)), "a-b|"),
    row(
        "ReactiveX takeUntil", "has an error of the other one", "a-b-c|", lambda s: s.take_until(at(3, "#")), "a-b(#|)"
    ),
    row("Rust take_until", "ends a stream that never does", "a-b-", lambda s: s.take_until(at(4)), "a-b-|"),
    row(
        "Rust take_until",
        "of a future that is ready is empty",
        "a-b|",
        lambda s: s.take_until(StreamedPromise.of("x")),
        "|",
    ),
)
ZIP: Final = (
    row_of_two(
        "ReactiveX zip",
        "ends when no tuple can come any more, on the right",
        ("a----b|", "-x-|"),
        lambda s, t: s.zip(t),
        "-[ax]-|",
    ),
    row_of_two(
        "ReactiveX zip",
        "ends when no tuple can come any more, on the left",
        ("-x-|", "a----b|"),
        lambda s, t: s.zip(t),
        "-[xa]-|",
    ),
    row_of_two("ReactiveX zip", "an error ends it at once", ("a----b|", "-x(#|)"), lambda s, t: s.zip(t), "-[ax](#|)"),
    row_of_three(
        "ReactiveX zip", "of three", ("a-b|", "-x-y|", "--1-2|"), lambda s, t, u: s.zip(t, u), "--[ax1]-([by2]|)"
    ),
    row_of_two(
        "itertools zip_longest",
        "goes on to the last end",
        ("a-b-c|", "x|"),
        lambda s, t: s.zip_longest(t, fillvalue="-"),
        "[ax]-[b,'-']-[c,'-']|",
    ),
    row_of_two(
        "itertools zip_longest",
        "of equal lengths is zip",
        ("a-b|", "x-y|"),
        lambda s, t: s.zip_longest(t),
        "[ax]-[by]|",
    ),
    row_of_two(
        "aiostream zip",
        "strictly, of equal lengths",
        ("a-b|", "x-y|"),
        lambda s, t: s.zip(t, strict=True),
        "[ax]-[by]|",
    ),
)
FIRST: Final = (
    row_of_two(
        "ReactiveX amb",
        "gives the one that is first",
        ("--a-b|", "-x--y|"),
        first_to_speak,
        "-x--y|",
    ),
    row_of_two(
        "ReactiveX amb",
        "of one moment the first argument",
        ("-a-b|", "-x-y|"),
        first_to_speak,
        "-a-b|",
    ),
    row_of_two(
        "ReactiveX amb",
        "an error is first as well",
        ("-(#|)", "--x|"),
        first_to_speak,
        "--x|",
        there="-(#|)",
        differs=SPARES,
    ),
    row_of_two(
        "ReactiveX amb",
        "an empty stream is first as well",
        ("-|", "--x|"),
        first_to_speak,
        "--x|",
        there="-|",
        differs="an empty stream has not spoken",
    ),
)
LIMITS: Final = (
    row(
        "ReactiveX takeWhile",
        "inclusive: the piece that ends it is the last",
        "1-2-5-1|",
        lambda s: s.take_while(lambda piece: piece < 3, inclusive=True),
        "1-2-(5|)",
    ),
    row(
        "ReactiveX throttleFirst",
        "drops what comes too early",
        "abc--d|",
        lambda s: s.throttle(3, trailing=False),
        "a----d|",
    ),
    row(
        "ReactiveX distinctUntilChanged",
        "leaves out repetitions",
        "a-a-b-a|",
        lambda s: s.distinct_until_changed(),
        "a---b-a|",
    ),
    row(
        "Kotlin distinctUntilChangedBy",
        "compares keys",
        "a-A-b|",
        lambda s: s.distinct_until_changed(str.lower),
        "a---b|",
    ),
    row("ReactiveX do", "changes nothing", "a-b|", lambda s: s.tap_pieces(str.upper), "a-b|"),
    row("aiostream spaceout", "keeps a distance", "abc|", lambda s: s.rate_limit(0.5), "a-b-(c|)"),
    row("Kotlin conflate", "gives a reader who is there everything", "abc|", lambda s: s.conflate(), "abc|"),
    row(
        "Rust chunk_by",
        "groups neighbours",
        "1124|",
        lambda s: s.batch_while(lambda one, other: one == other),
        "--[11][2]([4]|)",
    ),
)
RETRY: Final = (
    row(
        "ReactiveX retry",
        "begins again after an error",
        "a-(#|)",
        lambda s: retry_stream(iter((s, marbles("b|", name="next"))).__next__),
        "a-(b|)",
    ),
    row(
        "Kotlin retry",
        "gives the last error",
        "a-(#|)",
        lambda s: retry_stream(lambda: s, attempts=2),
        "a-(a#|)",
        there="a-a-(#|)",
        differs=REPLAYED,
    ),
    row("Rust retry", "of a stream without errors is that stream", "a-b|", lambda s: retry_stream(lambda: s), "a-b|"),
)
OF_JOINED: Final[tuple[Row, ...]] = (*FLAT_MAP, *SWITCH_MAP, *TAKE_UNTIL, *ZIP, *FIRST, *LIMITS, *RETRY)
