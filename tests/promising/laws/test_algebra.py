"""P10: combinators together, by the laws of algebra, with errors among the pieces and sources that come in any manner.

Two ways to say the same are the same stream: pieces, errors, and the places of both. Functions refuse some pieces.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import pytest
from hypothesis import given as for_all, strategies as st

from miniagents.promising import (
    Promise,
    PromisingContext,
    Stream,
    StreamedPromise,
    all_settled,
    concat,
    first_ok,
    first_to_speak,
    gather,
    merge,
    race,
    retry_stream,
    zip_latest,
)
from tests.effort import examples
from tests.promising.laws.sources import (
    BAD,
    ODD,
    AllError,
    Given,
    Manner,
    OddError,
    Outcome,
    PieceError,
    Script,
    outcomes,
    refuse,
    values,
)

pytestmark = pytest.mark.virtual_clock

few = examples(25)

errors = st.builds(PieceError, st.integers(1, 3)) | st.builds(OddError, st.integers(1, 3))
pieces = st.integers(0, 6) | st.sampled_from([BAD, ODD]) | errors
scripts: st.SearchStrategy[Script] = st.lists(pieces, max_size=7)
counts = st.integers(0, 8)
manners = st.builds(
    Manner, lazy=st.booleans(), max_ahead=st.none() | st.integers(1, 3), pause=st.integers(0, 1), ready=st.booleans()
)


def double(number: int) -> int:
    refuse(number)
    return 2 * number


def increase(number: int) -> int:
    refuse(number)
    return number + 1


def is_odd(number: int) -> bool:
    refuse(number)
    return number % 2 == 1


def is_small(number: int) -> bool:
    refuse(number)
    return number < 4


def is_right(number: int) -> bool:
    """It refuses nothing: errors of a predicate are given once by each who asks it."""
    return number % 3 > 0


def repeated(number: int) -> Stream[int]:
    refuse(number)
    return StreamedPromise.of([number] * (number % 3))


def around(number: int) -> Stream[int]:
    refuse(number)
    return StreamedPromise.of([number, number + 1])


def add(total: int, number: int) -> int:
    refuse(number)
    return total + number


def slowly(fn: Callable[[int], int]) -> Callable[[int], Awaitable[int]]:
    async def slow(number: int) -> int:
        await asyncio.sleep(number / 100)
        return fn(number)

    return slow


def filled(stream: Stream[int]) -> Stream[int]:
    """With a number in the place of each error."""
    return stream.recover_pieces(lambda _: 0, BaseException)


Way: TypeAlias = Callable[[Stream[int]], Promise[object]]
"""What is made of a stream."""


async def expect_same(script: Script, manner: Manner, one: Way, other: Way) -> None:
    """Two things that are made of the same are the same."""
    async with PromisingContext():
        read = [await values(await outcomes(way(Given([script], manner).stream()))) for way in (one, other)]
    assert read[0] == read[1]


SAME: dict[str, tuple[Way, Way]] = {
    "map: identity": (lambda s: s.map_pieces(lambda piece: piece), lambda s: s),
    "map: composition": (
        lambda s: s.map_pieces(double).map_pieces(increase),
        lambda s: s.map_pieces(lambda piece: increase(double(piece))),
    ),
    "then: it is map for functions that wait": (
        lambda s: s.then_pieces(slowly(double)),
        lambda s: s.map_pieces(double),
    ),
    "then: concurrency changes nothing in order": (
        lambda s: s.then_pieces(slowly(double), concurrency=None),
        lambda s: s.then_pieces(slowly(double)),
    ),
    "flat_map: right identity": (lambda s: s.flat_map(lambda piece: StreamedPromise.of([piece])), lambda s: s),
    "flat_map: associativity": (
        lambda s: s.flat_map(around).flat_map(repeated),
        lambda s: s.flat_map(lambda piece: around(piece).flat_map(repeated)),
    ),
    "flat_map: of one piece it is map": (
        lambda s: s.flat_map(lambda piece: StreamedPromise.of([double(piece)])),
        lambda s: s.map_pieces(double),
    ),
    "flat_map: of one piece or none it is filter": (
        lambda s: s.flat_map(lambda piece: StreamedPromise.of([piece] if is_odd(piece) else list[int]())),
        lambda s: s.filter(is_odd),
    ),
    "filter: composition": (
        lambda s: s.filter(is_odd).filter(is_small),
        lambda s: s.filter(lambda piece: is_odd(piece) and is_small(piece)),
    ),
    "filter: twice is once": (lambda s: s.filter(is_odd).filter(is_odd), lambda s: s.filter(is_odd)),
    "filter_map: it is filter, then map": (
        lambda s: s.filter_map(lambda piece: double(piece) if is_odd(piece) else None),
        lambda s: s.filter(is_odd).map_pieces(double),
    ),
    "partition: the halves are filters": (lambda s: s.partition(is_odd)[0], lambda s: s.filter(is_odd)),
    "partition: the other half is the filter of the opposite": (
        lambda s: s.partition(is_odd)[1],
        lambda s: s.filter(lambda piece: not is_odd(piece)),
    ),
    "scan: its last is fold": (
        lambda s: s.scan(add, 0).into(lambda results: [0, *results][-1]).map(lambda last: last),
        lambda s: s.fold(add, 0),
    ),
    "enumerate: it is zip with numbers": (
        lambda s: filled(s).enumerate(),
        lambda s: StreamedPromise.of(range(100)).zip(filled(s)),
    ),
    "enumerate: without the numbers": (lambda s: s.enumerate(3).map_pieces(lambda pair: pair[1]), lambda s: s),
    "flat_map: several at once in order, it is one after the other": (
        lambda s: s.flat_map(repeated, concurrency=3),
        lambda s: s.flat_map(repeated),
    ),
    "switch_map: of one stream it is flat_map": (
        lambda s: s.take(1).switch_map(around),
        lambda s: s.take(1).flat_map(around),
    ),
    "first_to_speak: of one": (first_to_speak, lambda s: s),
    "first_to_speak: of one and of nothing": (lambda s: first_to_speak(around(1).take(0), s), lambda s: s),
    "take_until: for ever": (lambda s: s.take_until(asyncio.Event().wait()), lambda s: s),
    "retry_stream: without errors": (lambda s: retry_stream(lambda: filled(s)), filled),
    "retry_stream: of the same stream": (
        lambda s: retry_stream(lambda: s, attempts=1, errors=BaseException),
        lambda s: s,
    ),
    "tap_pieces: of nothing": (lambda s: s.tap_pieces(lambda piece: None), lambda s: s),
    "take_while: inclusive of all": (lambda s: s.take_while(lambda _: True, inclusive=True), lambda s: s),
    "distinct_until_changed: twice is once": (
        lambda s: s.distinct_until_changed().distinct_until_changed(),
        lambda s: s.distinct_until_changed(),
    ),
    "batch_while: flattened": (
        lambda s: s.batch_while(lambda piece, following: piece < following).flat_map(StreamedPromise.of),
        lambda s: s,
    ),
    "batch: by equal weights": (lambda s: s.batch(4, weight=lambda _: 2), lambda s: s.batch(2)),
    "rate_limit: without a limit": (lambda s: s.rate_limit(float("inf")), lambda s: s),
    "zip: of equal lengths it is strict": (lambda s: s.zip(s, strict=True), lambda s: s.zip(s)),
    "zip_longest: of equal lengths it is zip": (lambda s: s.zip_longest(s), lambda s: s.zip(s)),
    "zip: with itself, it is pairs": (lambda s: s.zip(s), lambda s: s.map_pieces(lambda piece: (piece, piece))),
    "chain: it is concat": (lambda s: s.chain(s, around(1)), lambda s: concat(s, s, around(1))),
    "chain: of nothing": (lambda s: s.chain(around(1).take(0)), lambda s: s),
    "concat: of one": (concat, lambda s: s),
    "concat: left identity": (lambda s: concat(StreamedPromise.of(list[int]()), s), lambda s: s),
    "concat: right identity": (lambda s: concat(s, around(1).take(0)), lambda s: s),
    "concat: associativity": (lambda s: concat(concat(s, around(1)), s), lambda s: concat(s, concat(around(1), s))),
    "merge: of one": (merge, lambda s: s),
    "merge: identity": (lambda s: merge(s, around(1).take(0)), lambda s: s),
    "zip_latest: of one": (zip_latest, lambda s: s.map_pieces(lambda piece: (piece,))),
    "batch: flattened": (lambda s: s.batch(3).flat_map(StreamedPromise.of), lambda s: s),
    "batch: of one": (lambda s: s.batch(1), lambda s: s.map_pieces(lambda piece: (piece,))),
    "batch: with time enough": (lambda s: s.batch(2, within=3600), lambda s: s.batch(2)),
    "window: of one": (lambda s: s.window(1), lambda s: s.map_pieces(lambda piece: (piece,))),
    "window: of two it is zip with what follows": (
        lambda s: filled(s).window(2),
        lambda s: filled(s).zip(filled(s).skip(1)),
    ),
    "distinct: twice is once": (lambda s: s.distinct().distinct(), lambda s: s.distinct()),
    "distinct: of what is distinct": (
        lambda s: s.enumerate().distinct().map_pieces(lambda pair: pair[1]),
        lambda s: s,
    ),
    "recover: of nothing": (lambda s: s.recover_pieces(lambda _: 0, KeyError), lambda s: s),
    "recover: of a class and of the rest": (
        lambda s: s.recover_pieces(lambda _: 0, PieceError).recover_pieces(lambda _: 0, OddError),
        lambda s: s.recover_pieces(lambda _: 0, PieceError, OddError),
    ),
    "on_error: of no error": (
        lambda s: s.recover_pieces(lambda _: 0).on_error(lambda _: around(1)),
        lambda s: s.recover_pieces(lambda _: 0),
    ),
    "buffer: it changes nothing": (lambda s: s.buffer(1).buffer(3), lambda s: s),
    "group_by: of one group": (
        lambda s: filled(s).group_by(lambda _: "all").flat_map(lambda group: group[1]),
        filled,
    ),
    "group_by: each group is a filter": (
        lambda s: filled(s).group_by(is_right).filter(lambda group: group[0]).flat_map(lambda group: group[1]),
        lambda s: filled(s).filter(is_right),
    ),
    "throttle: not at all": (lambda s: s.throttle(0), lambda s: s),
    "timeout_pieces: with time enough": (lambda s: s.timeout_pieces(each=3600, whole=3600), lambda s: s),
    "into and pieces: there and back": (lambda s: s.into(tuple).pieces(), lambda s: s),
    "fold: it is into with a loop": (
        lambda s: s.fold(lambda total, piece: total + piece, 0),
        lambda s: s.into(sum).map(lambda total: total),
    ),
}


@pytest.mark.leaves_errors_unread
@pytest.mark.parametrize("law", SAME)
@few
@for_all(script=scripts, manner=manners)
async def test_p10_two_ways_to_say_the_same(law: str, script: Script, manner: Manner) -> None:
    await expect_same(script, manner, *SAME[law])


# --- with a number ---


COUNTED: dict[str, Callable[[int], tuple[Way, Way]]] = {
    "take: the less of two": lambda count: (lambda s: s.take(4).take(count), lambda s: s.take(min(4, count))),
    "skip: the sum of two": lambda count: (lambda s: s.skip(2).skip(count), lambda s: s.skip(2 + count)),
    "flat_map: left identity": lambda count: (
        lambda _: StreamedPromise.of([count]).flat_map(around),
        lambda _: around(count),
    ),
    "take_while: it is take where the numbers are small": lambda count: (
        lambda s: filled(s).enumerate().take_while(lambda pair: pair[0] < count),
        lambda s: filled(s).enumerate().take(count),
    ),
    "skip_while: it is skip where the numbers are small": lambda count: (
        lambda s: s.enumerate().skip_while(lambda pair: pair[0] < count),
        lambda s: s.enumerate().skip(count),
    ),
}


@pytest.mark.leaves_errors_unread
@pytest.mark.parametrize("law", COUNTED)
@few
@for_all(script=scripts, manner=manners, count=counts)
async def test_p10_two_ways_to_say_the_same_with_a_number(law: str, script: Script, manner: Manner, count: int) -> None:
    await expect_same(script, manner, *COUNTED[law](count))


@few
@for_all(script=scripts, manner=manners, count=counts)
async def test_p10_what_is_taken_and_what_is_skipped_are_the_whole(script: Script, manner: Manner, count: int) -> None:
    """Errors among what is taken are in both: skipping passes them on."""
    async with PromisingContext():
        stream = Given([script], manner).stream()
        taken, skipped = await outcomes(stream.take(count)), await outcomes(stream.skip(count))
        among = [outcome for outcome in taken if isinstance(outcome, BaseException)]
        assert skipped[: len(among)] == among
        assert [*taken, *skipped[len(among) :]] == await outcomes(stream)


@few
@for_all(script=scripts, manner=manners)
async def test_p10_take_while_and_skip_while_are_the_whole(script: Script, manner: Manner) -> None:
    async with PromisingContext():
        stream = Given([script], manner).stream()
        taken = await outcomes(stream.take_while(is_right))
        skipped = await outcomes(stream.skip_while(is_right))
        among = [outcome for outcome in taken if isinstance(outcome, BaseException)]
        assert skipped[: len(among)] == among
        assert [*taken, *skipped[len(among) :]] == await outcomes(stream)


# --- of many ---


def is_interleaving(parts: Sequence[Sequence[Outcome]], whole: Sequence[Outcome]) -> bool:
    """Whether the whole has all of the parts, each in its own order."""
    reachable = {(0,) * len(parts)}
    for outcome in whole:
        reachable = {
            (*places[:part], place + 1, *places[part + 1 :])
            for places in reachable
            for part, place in enumerate(places)
            if place < len(parts[part]) and parts[part][place] == outcome
        }
    return tuple(map(len, parts)) in reachable


@few
@for_all(drawn=st.lists(scripts, max_size=4), manner=manners)
async def test_p10_merge_keeps_all_pieces_and_the_order_of_each_stream(drawn: list[Script], manner: Manner) -> None:
    async with PromisingContext():
        given = Given(drawn, manner)
        merged = merge(*[given.stream() for _ in drawn])
        assert is_interleaving(drawn, await outcomes(merged))
        nested = Given(drawn, manner)
        twice = merge(merge(*[nested.stream() for _ in drawn[:2]]), *[nested.stream() for _ in drawn[2:]])
        assert is_interleaving(drawn, await outcomes(twice))


@pytest.mark.leaves_errors_unread
@few
@for_all(left=scripts, right=scripts, manner=manners)
async def test_p10_zip_gives_back_what_was_zipped(left: Script, right: Script, manner: Manner) -> None:
    async with PromisingContext():
        given = Given([left, right], manner)
        zipped = given.stream().zip(given.stream())
        shorter = min(len(left), len(right))
        read = await outcomes(zipped)
        assert len(read) == shorter
        whole = [
            not any(isinstance(part, BaseException) for part in (left[place], right[place])) for place in range(shorter)
        ]
        assert [isinstance(pair, tuple) for pair in read] == whole
        lefts = await outcomes(zipped.map_pieces(lambda pair: pair[0]).recover_pieces(lambda _: 0, BaseException))
        assert lefts == [piece if ok else 0 for piece, ok in zip(left, whole, strict=False)]


outcomes_of_values = st.integers(0, 6) | errors


@pytest.mark.leaves_errors_unread
@few
@for_all(drawn=st.lists(st.lists(outcomes_of_values, min_size=1, max_size=1), min_size=1, max_size=4), manner=manners)
async def test_p10_of_what_is_there_the_first_argument_comes_first(
    drawn: list[list[int | BaseException]], manner: Manner
) -> None:
    there = [script[0] for script in drawn]
    failed = [outcome for outcome in there if isinstance(outcome, BaseException)]
    fine = [outcome for outcome in there if not isinstance(outcome, BaseException)]

    def promises() -> list[Promise[int]]:
        given = Given(drawn, manner)
        return [given.promise() for _ in drawn]

    async with PromisingContext():
        assert await outcomes(gather(*promises())) == [failed[0] if failed else tuple(fine)]
        assert await outcomes(race(*promises())) == [there[0]]
        settled = await all_settled(*promises())
        assert [getattr(outcome, "error", getattr(outcome, "value", None)) for outcome in settled] == there
        if fine:
            assert await outcomes(first_ok(*promises())) == [fine[0]]
        else:
            (group,) = await values(await outcomes(first_ok(*promises())))
            assert group == AllError(failed)
        assert await outcomes(gather(gather(*promises()))) == await outcomes(
            gather(*promises()).map(lambda every: (every,))
        )


# --- of one promise ---


ONE: dict[str, tuple[Callable[[Promise[int]], Promise[object]], Callable[[Promise[int]], Promise[object]]]] = {
    "map: identity": (lambda p: p.map(lambda value: value), lambda p: p),
    "map: composition": (lambda p: p.map(double).map(increase), lambda p: p.map(lambda value: increase(double(value)))),
    "then: it is map for functions that wait": (lambda p: p.then(slowly(double)), lambda p: p.map(double)),
    "then: it is flatten after map": (
        lambda p: p.map(lambda value: Promise.resolved(value).map(double)).flatten(),
        lambda p: p.then(lambda value: Promise.resolved(value).map(double)),
    ),
    "flatten: right identity": (lambda p: p.map(Promise.resolved).flatten(), lambda p: p),
    "tap: it changes nothing": (lambda p: p.tap(lambda _: None), lambda p: p),
    "recover: of nothing": (lambda p: p.recover(lambda _: 0, KeyError), lambda p: p),
    "timeout: with time enough": (lambda p: p.timeout(3600), lambda p: p),
    "starmap: of one it is map": (lambda p: p.map(lambda value: (value,)).starmap(double), lambda p: p.map(double)),
    "pair: it is gather": (lambda p: p.map(lambda value: (value,)).pair(p), lambda p: gather(p, p)),
    "gather: of one": (gather, lambda p: p.map(lambda value: (value,))),
    "race: of one": (race, lambda p: p),
}


@pytest.mark.parametrize("law", ONE)
@few
@for_all(outcome=pieces, manner=manners)
async def test_p10_two_ways_to_say_the_same_of_one_promise(
    law: str, outcome: int | BaseException, manner: Manner
) -> None:
    async with PromisingContext():
        read = [await outcomes(way(Given([[outcome]], manner).promise())) for way in ONE[law]]
    assert read[0] == read[1]
