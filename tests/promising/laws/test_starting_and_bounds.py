"""P2, P4 and P9: results are as lazy and as bounded as their sources, and never keep the loop for themselves."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import pytest

from miniagents.promising import Promise, PromisingContext
from miniagents.promising.core.access import buffer_of
from miniagents.promising.core.pieces import FAIR_SHARE
from tests.promising.laws.cases import each_case
from tests.promising.laws.registry import Case, Law
from tests.promising.laws.sources import Given, Manner, is_stream, outcomes, turns

pytestmark = pytest.mark.virtual_clock

SCALE: Final = int(os.environ.get("LAWS_SCALE", "1"))
"""How many times the usual ten thousand ready pieces the laws about them give; 100 for a million, by hand."""

A_WHILE: Final = 120
"""Turns of the loop after which nothing moves any more that waits."""


A_FEW_HUNDRED: Final = 2 * FAIR_SHARE
"""Pieces of one source from one turn of the loop to the next."""


async def expect_nothing_before_the_first_reader(case: Case, given: Given) -> None:
    result = case.result(given)
    await turns(10)
    assert [source for source in given.sources if source.started] == []
    assert not result.done()
    await case.expect(given, await outcomes(result))


@each_case(Law.LAZY)
async def test_p2_of_a_lazy_source_nothing_runs_before_the_result_is_read(case: Case) -> None:
    async with PromisingContext():
        await expect_nothing_before_the_first_reader(case, Given(case.plain(), Manner(lazy=True)))


@each_case(Law.LAZY_CONTEXT)
async def test_p2_in_a_lazy_context_nothing_runs_before_the_result_is_read(case: Case) -> None:
    async with PromisingContext(start_asap=False):
        await expect_nothing_before_the_first_reader(case, Given(case.plain()))


@each_case(Law.LAZY)
async def test_p2_awaiting_a_lazy_result_starts_it_as_well(case: Case) -> None:
    async with PromisingContext():
        given = Given(case.plain(), Manner(lazy=True))
        result = case.result(given)
        await turns(3)
        assert not result.done()
        await result
        assert result.done()
        assert all(source.started for source in given.sources)


# --- bounds ---


@each_case(Law.BOUNDED)
@pytest.mark.parametrize("max_ahead", [1, 3, 10])
@pytest.mark.parametrize("foreign", [False, True])
async def test_p9_what_is_made_of_a_bounded_source_is_bounded(case: Case, max_ahead: int, foreign: bool) -> None:
    async with PromisingContext():
        given = Given(case.numbers(200), Manner(max_ahead=max_ahead, foreign=foreign))
        result = case.result(given)
        pieces = aiter(result) if is_stream(result) else None
        assert pieces is not None
        for count in range(6):
            await turns(A_WHILE)
            # the result is ahead of its readers by its own bound, and its sources are ahead of the result by theirs
            most = case.needs(count + max_ahead) + max_ahead
            bounded = [source for source in given.sources if not source.is_foreign()]
            assert [source.made for source in bounded if source.made > most] == []
            await anext(pieces)
        await case.expect(given, await outcomes(result))


@each_case(Law.BOUNDED)
@pytest.mark.parametrize("max_ahead", [1, 3])
async def test_p9_a_bound_that_a_source_gets_later_holds_as_well(case: Case, max_ahead: int) -> None:
    async with PromisingContext():
        given = Given(case.numbers(200), Manner())
        result = case.result(given)
        assert is_stream(result)
        streams = [source.promise for source in given.sources if is_stream(source.promise)]
        pieces = aiter(result)
        waiting = asyncio.ensure_future(anext(pieces))
        for stream in streams:
            buffer_of(stream).bound(max_ahead)
        for count in range(1, 6):
            await waiting
            await turns(A_WHILE)
            most = case.needs(count + max_ahead) + max_ahead + 1
            assert [source.made for source in given.sources if source.promise in streams and source.made > most] == []
            waiting = asyncio.ensure_future(anext(pieces))
        await waiting
        await case.expect(given, await outcomes(result))


# --- the loop ---


@dataclass
class Ticks:
    """The turns of the loop that others got.

    Attributes:
        count: how many.
        longest: the most that went on from one to the next.
    """

    count: int = 0
    longest: int = 0


async def ticks_while(work: Awaitable[object], progress: Callable[[], int]) -> Ticks:
    """Looks at the progress of something as often as the loop lets others have a turn."""
    ticks = Ticks()

    async def tick() -> None:
        before = progress()
        while True:
            await asyncio.sleep(0)
            now = progress()
            ticks.count += 1
            ticks.longest = max(ticks.longest, now - before)
            before = now

    ticker = asyncio.create_task(tick())
    await work
    ticker.cancel()
    await asyncio.gather(ticker, return_exceptions=True)
    return ticks


def pieces_so_far(result: Promise[object]) -> int:
    return len(result._buffer.pieces) if is_stream(result) else 0


@each_case(Law.RESPONSIVE)
async def test_p4_ready_pieces_however_many_leave_the_loop_responsive(case: Case) -> None:
    many = SCALE * case.many // len(case.takes)
    async with PromisingContext():
        result = case.result(Given(case.numbers(many), Manner(ready=True)))
        ticks = await ticks_while(result, lambda: pieces_so_far(result))
        assert ticks.count >= many // A_FEW_HUNDRED
        assert ticks.longest <= A_FEW_HUNDRED * len(case.takes)
        read = len(await outcomes(result))
        ticks = await ticks_while(outcomes(result), lambda: 0)
        assert ticks.count >= read // A_FEW_HUNDRED


@each_case(Law.RESPONSIVE)
@pytest.mark.parametrize("foreign", [False, True])
async def test_p4_a_source_that_never_waits_leaves_the_loop_responsive(case: Case, foreign: bool) -> None:
    many = SCALE * case.many // len(case.takes)
    async with PromisingContext():
        given = Given(case.numbers(many), Manner(foreign=foreign))
        result = case.result(given)
        ticks = await ticks_while(result, lambda: sum(source.made for source in given.sources))
        assert ticks.count >= many // A_FEW_HUNDRED
        assert ticks.longest <= A_FEW_HUNDRED * len(case.takes)
