"""The cases of streams and their pieces, of one and of many."""

import functools
from collections.abc import AsyncIterable, Iterable, Iterator, Sequence
from typing import Final

from miniagents.promising import Stream, StreamedPromise, concat, merge, zip_latest
from tests.promising.laws.models import (
    batched,
    batched_by_weight,
    batched_while,
    changed,
    combines_latest,
    debounced,
    distinct,
    each,
    flat,
    folded,
    grouped,
    in_a_row,
    kept,
    numbered,
    one,
    replaced,
    resumed,
    same,
    scanned,
    skipped,
    skipped_while,
    taken,
    taken_while,
    throttled,
    throttled_first,
    windows,
)
from tests.promising.laws.registry import PIECES, SAME_STREAM, Case, Law, first_error
from tests.promising.laws.sources import OddError, PieceError, Script, refuse

OTHER_HALF: Final = "the other half uses the source as well"
DROPS: Final = "it reads on to see whether there is another piece, and drops the one it has"
OWNED: Final = "the function begins the source as a part of the work of the result"
READS_ALL: Final = {Law.BOUNDED: "a promise of one value reads its source to the end"}
READS_NOTHING: Final[dict[Law, str]] = {law: "it reads nothing" for law in Law if law is not Law.MODEL}


def double(number: int) -> int:
    refuse(number)
    return 2 * number


def is_small(number: int) -> bool:
    refuse(number)
    return number < 3


def is_large(number: int) -> bool:
    refuse(number)
    return number >= 3


def is_odd(number: int) -> bool:
    refuse(number)
    return number % 2 == 1


def is_even(number: int) -> bool:
    refuse(number)
    return number % 2 == 0


def remainder(number: int) -> int:
    refuse(number)
    return number % 3


def half(number: int) -> int | None:
    refuse(number)
    return None if number % 2 else number // 2


def add(total: int, number: int) -> int:
    refuse(number)
    return total + number


def number_of(error: BaseException) -> int:
    return error.number if isinstance(error, PieceError | OddError) else -1


def careful_sum(numbers: Iterable[int]) -> int:
    return functools.reduce(add, numbers, 0)


def total_of(script: Script) -> list[object]:
    """The sum, or the first error of the stream; else the first of the function that makes the whole."""
    return [first_error(script)] if first_error(script) else list(folded(add, 0)([script]))


def allowed(number: int) -> int:
    refuse(number)
    return number


def weight_of(number: int) -> int:
    refuse(number)
    return number % 4


def is_no_step_down(number: int, following: int) -> bool:
    refuse(following)
    return number % 3 < following % 3


def repeated(number: int) -> list[int]:
    refuse(number)
    return [number] * (number % 3)


def stream_of_repeated(number: int) -> AsyncIterable[int]:
    return StreamedPromise.of(repeated(number))


def each_to_the_next(scripts: Sequence[Script]) -> Iterator[object]:
    """For each piece of the first script the next of the others, and nothing where there is none."""
    others = iter(scripts[1:])
    for piece in scripts[0]:
        yield from [piece] if isinstance(piece, BaseException) else next(others, ())


CASES: Final = (
    Case(
        combinator="StreamedPromise.of",
        takes=[],
        make=lambda _: StreamedPromise.of([1, 2]),
        gives=lambda _: [1, 2],
    ),
    Case(
        combinator="StreamedPromise.into",
        make=lambda given: given.stream().into(careful_sum),
        gives=one(same),
        whole=one(total_of),
        exempt=SAME_STREAM,
    ),
    Case(
        combinator="StreamedPromise.pieces",
        make=lambda given: given.stream().into(sum).pieces(),
        gives=one(same),
        exempt=SAME_STREAM,
    ),
    Case(
        combinator="StreamedPromise.fold",
        make=lambda given: given.stream().fold(add, 5),
        gives=folded(add, 5),
        exempt=READS_ALL,
    ),
    Case(
        combinator="StreamedPromise.map_pieces",
        make=lambda given: given.stream().map_pieces(double),
        gives=each(double),
    ),
    Case(
        combinator="StreamedPromise.tap_pieces",
        make=lambda given: given.stream().tap_pieces(refuse),
        gives=each(allowed),
    ),
    Case(
        combinator="StreamedPromise.filter",
        make=lambda given: given.stream().filter(is_odd),
        gives=kept(is_odd),
        needs=lambda count: 2 * count,
    ),
    Case(
        combinator="StreamedPromise.filter",
        variant="that drops everything",
        make=lambda given: given.stream().filter(lambda _: False),
        gives=kept(lambda _: False),
        exempt={Law.BOUNDED: "what gives no pieces is ahead of nobody"},
    ),
    Case(
        combinator="StreamedPromise.filter_map",
        make=lambda given: given.stream().filter_map(half),
        gives=one(lambda script: [made for made in each(half)([script]) if made is not None]),
        needs=lambda count: 2 * count,
    ),
    Case(
        combinator="StreamedPromise.recover_pieces",
        make=lambda given: given.stream().recover_pieces(number_of),
        gives=replaced(number_of, Exception),
        exempt={Law.UNREAD: "it reads the error", Law.DEADLOCK: "it recovers from it"},
    ),
    Case(
        combinator="StreamedPromise.recover_pieces",
        variant="of a class",
        make=lambda given: given.stream().recover_pieces(number_of, OddError),
        gives=replaced(number_of, OddError),
    ),
    Case(
        combinator="StreamedPromise.on_error",
        make=lambda given: given.stream().on_error(lambda error: StreamedPromise.of([number_of(error), 1])),
        gives=resumed(lambda error: [number_of(error), 1]),
        exempt={Law.UNREAD: "it reads the error", Law.DEADLOCK: "it recovers from it"},
    ),
    Case(
        combinator="StreamedPromise.on_error",
        variant="in the stream that it goes on with",
        takes=[PIECES, PIECES],
        scripts=[(1, PieceError(1)), (2, 3)],
        make=lambda given: given.stream().on_error(lambda _: given.iterable()),
        gives=lambda scripts: resumed(lambda _: scripts[1])(scripts),
        exempt={
            Law.UNREAD: "it reads the error",
            Law.DEADLOCK: "it recovers from it",
            Law.BOUNDED: "its second source begins at the error of the first",
            Law.CANCEL: "it has let go of the first source, which the test holds",
            Law.HELD: OWNED,
            Law.RESPONSIVE: "its second source begins at the error of the first",
        },
    ),
    Case(
        combinator="StreamedPromise.partition",
        variant="yes",
        make=lambda given: given.stream().partition(is_odd)[0],
        gives=kept(is_odd),
        needs=lambda count: 2 * count,
        exempt={Law.CANCEL: OTHER_HALF, Law.LETTING_GO: OTHER_HALF},
    ),
    Case(
        combinator="StreamedPromise.partition",
        variant="no",
        make=lambda given: given.stream().partition(is_large)[1],
        gives=kept(is_small),
        scripts=[(1, 2)],
        exempt={
            Law.BOUNDED: "few numbers are small: it reads on for another",
            Law.CANCEL: OTHER_HALF,
            Law.LETTING_GO: OTHER_HALF,
        },
    ),
    Case(
        combinator="StreamedPromise.partition",
        variant="both halves",
        make=lambda given: merge(*given.stream().partition(is_odd)),
        gives=lambda scripts: [*kept(is_odd)(scripts), *kept(is_even)(scripts)],
        ordered=False,
        exempt={Law.BOUNDED: "it is made in two steps, each with a bound of its own"},
    ),
    Case(
        combinator="StreamedPromise.chain",
        takes=[PIECES, PIECES, PIECES],
        make=lambda given: given.stream().chain(given.iterable(), given.iterable()),
        gives=in_a_row,
    ),
    Case(
        combinator="StreamedPromise.chain",
        variant="of nothing more",
        make=lambda given: given.stream().chain(*list[Stream[int]]()),
        gives=in_a_row,
    ),
    Case(
        combinator="StreamedPromise.flat_map",
        make=lambda given: given.stream().flat_map(stream_of_repeated),
        gives=flat(repeated),
        needs=lambda count: count + 2,
    ),
    Case(
        combinator="StreamedPromise.flat_map",
        variant="to other streams",
        takes=[PIECES, PIECES, PIECES],
        scripts=[(1, 1), (2, 3, 4), (5,)],
        make=lambda given: given.stream().flat_map(lambda _: given.iterable()),
        gives=each_to_the_next,
        exempt={Law.HELD: OWNED},
    ),
    Case(
        combinator="StreamedPromise.scan",
        make=lambda given: given.stream().scan(add, 5),
        gives=scanned(add, 5),
    ),
    Case(
        combinator="StreamedPromise.take",
        make=lambda given: given.stream().take(5),
        gives=taken(5),
        exempt={Law.RESPONSIVE: "it ends early", Law.BOUNDED: "it ends early"},
    ),
    Case(
        combinator="StreamedPromise.take",
        variant="of nothing",
        make=lambda given: given.stream().take(0),
        gives=taken(0),
        exempt=READS_NOTHING,
    ),
    Case(
        combinator="StreamedPromise.enumerate",
        make=lambda given: given.stream().enumerate(5),
        gives=numbered(5),
    ),
    Case(
        combinator="StreamedPromise.skip",
        make=lambda given: given.stream().skip(2),
        gives=skipped(2),
        needs=lambda count: count + 2,
    ),
    Case(
        combinator="StreamedPromise.take_while",
        make=lambda given: given.stream().take_while(lambda number: number < 100_000_000),
        gives=one(same),
    ),
    Case(
        combinator="StreamedPromise.take_while",
        variant="to a piece that is large",
        scripts=[(1, 2)],
        make=lambda given: given.stream().take_while(is_small),
        gives=taken_while(is_small),
        exempt={Law.RESPONSIVE: "it ends early", Law.BOUNDED: "it ends early"},
    ),
    Case(
        combinator="StreamedPromise.take_while",
        variant="with the piece that ends it",
        scripts=[(1, 2)],
        make=lambda given: given.stream().take_while(is_small, inclusive=True),
        gives=taken_while(is_small, inclusive=True),
        exempt={Law.RESPONSIVE: "it ends early", Law.BOUNDED: "it ends early"},
    ),
    Case(
        combinator="StreamedPromise.skip_while",
        make=lambda given: given.stream().skip_while(is_small),
        gives=skipped_while(is_small),
        needs=lambda count: count + 3,
    ),
    Case(
        combinator="StreamedPromise.batch",
        make=lambda given: given.stream().batch(2),
        gives=batched(2),
        needs=lambda count: 2 * count,
    ),
    Case(
        combinator="StreamedPromise.batch",
        variant="by weight",
        make=lambda given: given.stream().batch(4, weight=weight_of),
        gives=batched_by_weight(4, weight_of),
        needs=lambda count: 3 * count + 1,
    ),
    Case(
        combinator="StreamedPromise.batch_while",
        make=lambda given: given.stream().batch_while(is_no_step_down),
        gives=batched_while(is_no_step_down),
        needs=lambda count: 3 * count + 1,
    ),
    Case(
        combinator="StreamedPromise.window",
        make=lambda given: given.stream().window(3),
        gives=windows(3),
        needs=lambda count: count + 2,
    ),
    Case(
        combinator="StreamedPromise.distinct",
        make=lambda given: given.stream().distinct(),
        gives=distinct(lambda number: number),
    ),
    Case(
        combinator="StreamedPromise.distinct",
        variant="by key",
        make=lambda given: given.stream().distinct(remainder),
        gives=distinct(remainder),
        exempt={Law.BOUNDED: "there are three keys: it reads on for a fourth"},
    ),
    Case(
        combinator="StreamedPromise.distinct_until_changed",
        make=lambda given: given.stream().distinct_until_changed(),
        gives=changed(lambda number: number),
    ),
    Case(
        combinator="StreamedPromise.distinct_until_changed",
        variant="by key",
        make=lambda given: given.stream().distinct_until_changed(half),
        gives=changed(half),
        needs=lambda count: count + 1,
    ),
    Case(
        combinator="merge",
        takes=[PIECES, PIECES, PIECES],
        make=lambda given: merge(given.stream(), given.iterable(), given.iterable()),
        gives=in_a_row,
        needs=lambda count: count + 1,
        ordered=False,
    ),
    Case(
        combinator="merge",
        variant="of one",
        make=lambda given: merge(given.iterable()),
        gives=in_a_row,
        needs=lambda count: count + 1,
    ),
    Case(
        combinator="merge",
        variant="of nothing",
        takes=[],
        make=lambda _: merge(),
        gives=in_a_row,
    ),
    Case(
        combinator="concat",
        takes=[PIECES, PIECES, PIECES],
        make=lambda given: concat(given.iterable(), given.stream(), given.iterable()),
        gives=in_a_row,
    ),
    Case(
        combinator="concat",
        variant="of nothing",
        takes=[],
        make=lambda _: concat(),
        gives=in_a_row,
    ),
    Case(
        combinator="zip_latest",
        takes=[PIECES, PIECES],
        make=lambda given: zip_latest(given.stream(), given.iterable()),
        judge=combines_latest,
        needs=lambda count: count + 2,
    ),
    Case(
        combinator="zip_latest",
        variant="of one",
        make=lambda given: zip_latest(given.iterable()),
        gives=one(lambda script: [piece if isinstance(piece, BaseException) else (piece,) for piece in script]),
        needs=lambda count: count + 1,
    ),
    Case(
        combinator="StreamedPromise.then_pieces",
        make=lambda given: given.stream().then_pieces(given.slowly(double)),
        gives=each(double),
        needs=lambda count: count + 1,
        calls=True,
    ),
    Case(
        combinator="StreamedPromise.then_pieces",
        variant="three at once",
        make=lambda given: given.stream().then_pieces(given.slowly(double), concurrency=3),
        gives=each(double),
        needs=lambda count: count + 3,
        calls=True,
    ),
    Case(
        combinator="StreamedPromise.then_pieces",
        variant="all at once",
        make=lambda given: given.stream().then_pieces(given.slowly(double), concurrency=None),
        gives=each(double),
        needs=lambda count: 2 * count,
        calls=True,
    ),
    Case(
        combinator="StreamedPromise.then_pieces",
        variant="as they finish",
        make=lambda given: given.stream().then_pieces(given.slowly(double), concurrency=3, ordered=False),
        gives=each(double),
        ordered=False,
        needs=lambda count: count + 3,
        calls=True,
    ),
    Case(
        combinator="StreamedPromise.buffer",
        make=lambda given: given.stream().buffer(2),
        gives=one(same),
        needs=lambda count: count + 2,
        exempt={Law.FINISHED: "its bound holds it back until somebody reads it"},
    ),
    Case(
        combinator="StreamedPromise.group_by",
        make=lambda given: given.stream().group_by(remainder),
        gives=grouped(remainder),
        exempt={Law.BOUNDED: "there are three groups: it reads on for a fourth"},
    ),
    Case(
        combinator="StreamedPromise.group_by",
        variant="with a group for each piece",
        make=lambda given: given.stream().group_by(lambda number: number),
        gives=grouped(lambda number: number),
        many=5_000,
    ),
    Case(
        combinator="StreamedPromise.batch",
        variant="in time",
        make=lambda given: given.stream().batch(2, within=60),
        gives=batched(2),
        needs=lambda count: 2 * count,
    ),
    Case(
        combinator="StreamedPromise.throttle",
        make=lambda given: given.stream().throttle(60),
        gives=one(throttled),
        exempt={Law.BOUNDED: DROPS},
    ),
    Case(
        combinator="StreamedPromise.throttle",
        variant="without the last",
        make=lambda given: given.stream().throttle(60, trailing=False),
        gives=one(throttled_first),
        exempt={Law.BOUNDED: DROPS},
    ),
    Case(
        combinator="StreamedPromise.rate_limit",
        make=lambda given: given.stream().rate_limit(10),
        gives=one(same),
        exempt={Law.RESPONSIVE: "the clock stands still while the loop is never idle"},
    ),
    Case(
        combinator="StreamedPromise.rate_limit",
        variant="without a limit",
        make=lambda given: given.stream().rate_limit(float("inf")),
        gives=one(same),
    ),
    Case(
        combinator="StreamedPromise.debounce",
        make=lambda given: given.stream().debounce(60),
        gives=one(debounced),
        exempt={Law.BOUNDED: DROPS},
    ),
    Case(
        combinator="StreamedPromise.timeout_pieces",
        variant="for each",
        make=lambda given: given.stream().timeout_pieces(each=3600),
        gives=one(same),
    ),
    Case(
        combinator="StreamedPromise.timeout_pieces",
        variant="for all",
        make=lambda given: given.stream().timeout_pieces(whole=3600),
        gives=one(same),
    ),
)
