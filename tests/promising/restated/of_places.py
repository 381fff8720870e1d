"""Operators that count or remember."""

from typing import Final

from tests.promising.restated.rows import (
    IN_PLACE,
    NOT_COUNTED,
    NOTHING_LOST,
    Row,
    add,
    divide_six,
    is_small,
    row,
)

TAKE: Final = (
    row("ReactiveX take", "ends with the last piece that it takes", "a-b-c|", lambda s: s.take(2), "a-(b|)"),
    row("ReactiveX take", "of more than there is gives all", "a-b|", lambda s: s.take(5), "a-b|"),
    row(
        "ReactiveX take", "of as many as there are does not wait for the end", "a-b---|", lambda s: s.take(2), "a-(b|)"
    ),
    row("ReactiveX take", "of none is empty at once", "-a-b|", lambda s: s.take(0), "|"),
    row("ReactiveX take", "ends what never ends", "a-b-", lambda s: s.take(2), "a-(b|)"),
    row("ReactiveX take", "an error before is given", "a-(#|)", lambda s: s.take(2), "a-(#|)"),
    row("ReactiveX take", "an error behind is not seen", "a-b-(#|)", lambda s: s.take(2), "a-(b|)"),
    row("ReactiveX take", "of one moment takes the first of them", "(abc)|", lambda s: s.take(2), "(ab|)"),
    row("ReactiveX take", "of take is the less of both", "abcd|", lambda s: s.take(3).take(2), "a(b|)"),
    row("ReactiveX first", "is take(1)", "--a-b|", lambda s: s.take(1), "--(a|)"),
    row("ReactiveX elementAt", "is skip and take", "a-b-c|", lambda s: s.skip(1).take(1), "--(b|)"),
    row("Kotlin take", "cancels after the last piece", "1-2-3|", lambda s: s.take(1), "(1|)"),
    row(
        "Rust take",
        "counts errors among the items",
        "a-#-b-c|",
        lambda s: s.take(2),
        "a-#-(b|)",
        there="a-(#|)",
        differs=NOT_COUNTED,
    ),
    row("aiostream take", "gives the first few", "(ab)c|", lambda s: s.take(2), "(ab|)"),
    row("itertools islice", "with a stop", "(abcd)|", lambda s: s.take(3), "(abc|)"),
    row("itertools islice", "with a start and a stop", "(abcd)|", lambda s: s.skip(1).take(2), "(bc|)"),
)

SKIP: Final = (
    row("ReactiveX skip", "leaves out the first few", "a-b-c|", lambda s: s.skip(2), "----c|"),
    row("ReactiveX skip", "of none changes nothing", "a-b|", lambda s: s.skip(0), "a-b|"),
    row("ReactiveX skip", "of more than there is leaves the end", "a-b|", lambda s: s.skip(3), "---|"),
    row("ReactiveX skip", "an error among those passes", "a-(#|)", lambda s: s.skip(3), "--(#|)"),
    row("ReactiveX skip", "of skip is the sum", "abcd|", lambda s: s.skip(1).skip(2), "---d|"),
    row("Kotlin drop", "leaves out the first few of one moment", "(abc)d|", lambda s: s.skip(2), "cd|"),
    row(
        "Rust skip",
        "counts errors among the items",
        "a-#-b-c|",
        lambda s: s.skip(2),
        "--#---c|",
        there="----b-c|",
        differs=NOT_COUNTED,
    ),
    row("aiostream skip", "leaves out the first few", "abc|", lambda s: s.skip(1), "-bc|"),
    row("itertools islice", "with a start alone", "(abcd)|", lambda s: s.skip(2), "(cd)|"),
)

WHILE: Final = (
    row(
        "ReactiveX takeWhile",
        "ends before the first piece that fails",
        "1-2-3-1|",
        lambda s: s.take_while(is_small),
        "1-2-|",
    ),
    row("ReactiveX takeWhile", "may keep nothing", "3-1|", lambda s: s.take_while(is_small), "|"),
    row("ReactiveX takeWhile", "may keep all", "1-2|", lambda s: s.take_while(is_small), "1-2|"),
    row("ReactiveX takeWhile", "an error before passes", "1-(#|)", lambda s: s.take_while(is_small), "1-(#|)"),
    row(
        "ReactiveX takeWhile",
        "an error of the predicate ends the stream",
        "1-0-2-|",
        lambda s: s.take_while(lambda n: divide_six(n) > 1),
        "1-<#ZeroDivisionError>-2-|",
        there="1-(<#ZeroDivisionError>|)",
        differs=IN_PLACE,
    ),
    row("Kotlin takeWhile", "ends what never ends", "1-3-1-", lambda s: s.take_while(is_small), "1-|"),
    row("Rust take_while", "the piece that fails is lost", "(131)|", lambda s: s.take_while(is_small), "(1|)"),
    row("aiostream takewhile", "keeps the pieces before", "123|", lambda s: s.take_while(is_small), "12|"),
    row("itertools takewhile", "keeps the pieces before", "(1231)|", lambda s: s.take_while(is_small), "(12|)"),
    row(
        "ReactiveX skipWhile",
        "passes everything from the first that fails",
        "1-2-3-1|",
        lambda s: s.skip_while(is_small),
        "----3-1|",
    ),
    row("ReactiveX skipWhile", "may leave nothing", "1-2|", lambda s: s.skip_while(is_small), "---|"),
    row("ReactiveX skipWhile", "asks no more after that", "3-1-2|", lambda s: s.skip_while(is_small), "3-1-2|"),
    row("ReactiveX skipWhile", "an error passes", "1-(#|)", lambda s: s.skip_while(is_small), "--(#|)"),
    row("Kotlin dropWhile", "drops the beginning", "1-3-2|", lambda s: s.skip_while(is_small), "--3-2|"),
    row("Rust skip_while", "keeps the piece that fails", "(131)|", lambda s: s.skip_while(is_small), "(31)|"),
    row("aiostream dropwhile", "drops the beginning", "131|", lambda s: s.skip_while(is_small), "-31|"),
    row("itertools dropwhile", "drops the beginning", "(1231)|", lambda s: s.skip_while(is_small), "(31)|"),
)

COUNT: Final = (
    row("Rust enumerate", "counts from zero", "a-b|", lambda s: s.enumerate(), "[0a]-[1b]|"),
    row(
        "Kotlin withIndex",
        "counts the pieces of one moment in order",
        "(ab)c|",
        lambda s: s.enumerate(),
        "([0a][1b])[2c]|",
    ),
    row("aiostream enumerate", "counts from where it is told", "ab|", lambda s: s.enumerate(5), "[5a][6b]|"),
    row(
        "Rust enumerate",
        "counts errors among the items",
        "a-#-b|",
        lambda s: s.enumerate(),
        "[0a]-#-[1b]|",
        there="[0a]-#-[2b]|",
        differs=NOT_COUNTED,
    ),
    row("itertools count", "zipped with it, it is enumerate", "(ab)|", lambda s: s.enumerate(1), "([1a][2b])|"),
)

SCAN: Final = (
    row("ReactiveX scan", "gives every result, without the seed", "1-2-3|", lambda s: s.scan(add, 0), "1-3-6|"),
    row("ReactiveX scan", "begins with the seed", "1-2|", lambda s: s.scan(add, 5), "6-8|"),
    row("ReactiveX scan", "of nothing gives nothing", "--|", lambda s: s.scan(add, 5), "--|"),
    row("ReactiveX scan", "an error passes", "1-(#|)", lambda s: s.scan(add, 0), "1-(#|)"),
    row(
        "ReactiveX scan",
        "an error of the function ends the stream",
        "1-0-2|",
        lambda s: s.scan(lambda total, n: total + divide_six(n), 0),
        "6-<#ZeroDivisionError>-9|",
        there="6-(<#ZeroDivisionError>|)",
        differs=IN_PLACE,
    ),
    row(
        "Kotlin runningFold",
        "gives the seed first",
        "-1-2|",
        lambda s: s.scan(add, 0),
        "-1-3|",
        there="01-3|",
        differs="the seed is no piece of the source; chain it in front if it is wanted",
    ),
    row(
        "Kotlin runningReduce",
        "begins with the first piece",
        "1-2-3|",
        lambda s: s.scan(lambda t, n: n if t is None else t + n, None),
        "1-3-6|",
    ),
    row("aiostream accumulate", "adds up", "1-2-3|", lambda s: s.scan(add, 0), "1-3-6|"),
    row("itertools accumulate", "adds up", "(123)|", lambda s: s.scan(add, 0), "(136)|"),
    row("itertools accumulate", "with max it is the highest so far", "(132)|", lambda s: s.scan(max, 0), "(133)|"),
    row(
        "itertools accumulate",
        "with `initial` gives it first",
        "(12)|",
        lambda s: s.scan(add, 4),
        "(57)|",
        there="(457)|",
        differs="the seed is no piece of the source, as in ReactiveX",
    ),
)

FOLD: Final = (
    row("ReactiveX reduce", "gives the last result at the end", "1-2-3|", lambda s: s.fold(add, 0), "-----6"),
    row("ReactiveX reduce", "of nothing gives the seed", "--|", lambda s: s.fold(add, 5), "--5"),
    row("ReactiveX reduce", "of what never ends gives nothing", "1-2-", lambda s: s.fold(add, 0), ""),
    row("ReactiveX reduce", "an error is the result at once", "1-(#|)", lambda s: s.fold(add, 0), "--#"),
    row("ReactiveX count", "counts the pieces", "a-(bc)|", lambda s: s.fold(lambda total, _: total + 1, 0), "---3"),
    row("ReactiveX toArray", "gives all pieces at the end", "a-b|", lambda s: s.map(tuple), "---[ab]"),
    row(
        "ReactiveX every",
        "is known at the end",
        "1-2|",
        lambda s: s.fold(lambda yes, n: yes and is_small(n), True),
        "---<True>",
    ),
    row("Kotlin fold", "gives the result of all", "(12)3|", lambda s: s.fold(add, 0), "--6"),
    row("Kotlin toList", "collects", "(ab)|", lambda s: s.into(list).map(tuple), "-[ab]"),
    row("Rust fold", "waits for the end", "1--|", lambda s: s.fold(add, 1), "---2"),
    row("Rust try_fold", "an error ends it early", "1-#--2|", lambda s: s.fold(add, 0), "--#"),
    row("Rust collect", "makes a collection of the whole", "1-1-2|", lambda s: s.into(set).map(len), "-----2"),
    row("aiostream reduce", "gives the last result", "123|", lambda s: s.fold(add, 0), "---6"),
)

DISTINCT: Final = (
    row("ReactiveX distinct", "leaves out what has come before", "a-b-a-c|", lambda s: s.distinct(), "a-b---c|"),
    row("ReactiveX distinct", "by a key", "a-A-b|", lambda s: s.distinct(str.lower), "a---b|"),
    row("ReactiveX distinct", "an error passes", "a-a-(#|)", lambda s: s.distinct(), "a---(#|)"),
    row(
        "ReactiveX distinct",
        "an error of the key ends the stream",
        "1-0-2-1|",
        lambda s: s.distinct(divide_six),
        "1-<#ZeroDivisionError>-2--|",
        there="1-(<#ZeroDivisionError>|)",
        differs=IN_PLACE,
    ),
    row("itertools unique_everseen", "remembers all", "(abcab)|", lambda s: s.distinct(), "(abc)|"),
    row(
        "itertools unique_justseen",
        "remembers the last one",
        "(aaba)|",
        lambda s: s.distinct(),
        "(ab)|",
        there="(aba)|",
        differs="`distinct` remembers all pieces, as ReactiveX's does",
    ),
)

BATCH: Final = (
    row("ReactiveX bufferCount", "gives so many at a time", "a-b-c-d|", lambda s: s.batch(2), "--[ab]---[cd]|"),
    row("ReactiveX bufferCount", "the last may be shorter", "a-b-c|", lambda s: s.batch(2), "--[ab]--([c]|)"),
    row("ReactiveX bufferCount", "of nothing is nothing", "--|", lambda s: s.batch(2), "--|"),
    row("ReactiveX bufferCount", "of one makes tuples", "a-b|", lambda s: s.batch(1), "[a]-[b]|"),
    row(
        "ReactiveX bufferCount",
        "an error drops the pieces that wait",
        "a-b-c-(#|)",
        lambda s: s.batch(2),
        "--[ab]---([c]#|)",
        there="--[ab]---(#|)",
        differs=NOTHING_LOST,
    ),
    row("ReactiveX toArray", "is one batch of all", "a-b-c|", lambda s: s.batch(99), "-----([abc]|)"),
    row("Kotlin chunked", "gives so many at a time", "(abc)|", lambda s: s.batch(2), "[ab]([c]|)"),
    row("Rust chunks", "holds pieces until there are enough", "a---b|", lambda s: s.batch(2), "----[ab]|"),
    row("Rust chunks", "of one moment gives several", "(abcd)|", lambda s: s.batch(2), "([ab][cd])|"),
    row("Rust try_chunks", "an error gives what waits", "a-b-c-#|", lambda s: s.batch(2), "--[ab]---([c]#)|"),
    row("aiostream chunks", "gives so many at a time", "abcde|", lambda s: s.batch(3), "--[abc]--([de]|)"),
    row("itertools batched", "gives so many at a time", "(abcde)|", lambda s: s.batch(2), "([ab][cd])([e]|)"),
)

WINDOW: Final = (
    row("ReactiveX pairwise", "gives each piece with the one before", "a-b-c|", lambda s: s.window(2), "--[ab]-[bc]|"),
    row("ReactiveX pairwise", "of one piece is empty", "a-|", lambda s: s.window(2), "--|"),
    row("ReactiveX pairwise", "an error passes", "a-b-(#|)", lambda s: s.window(2), "--[ab]-(#|)"),
    row(
        "ReactiveX bufferCount",
        "that begins a buffer with each piece gives the short ones at the end",
        "a-b-c|",
        lambda s: s.window(2),
        "--[ab]-[bc]|",
        there="--[ab]-[bc]([c]|)",
        differs="a window is never shorter, as Kotlin's and Rust's are not",
    ),
    row("Kotlin windowed", "slides by one", "abcd|", lambda s: s.window(3), "--[abc][bcd]|"),
    row("Rust windows", "are never shorter", "(ab)|", lambda s: s.window(3), "-|"),
    row("itertools pairwise", "gives neighbours", "(abc)|", lambda s: s.window(2), "([ab][bc])|"),
)

OF_PLACES: Final[tuple[Row, ...]] = (
    *TAKE,
    *SKIP,
    *WHILE,
    *COUNT,
    *SCAN,
    *FOLD,
    *DISTINCT,
    *BATCH,
    *WINDOW,
)
