"""P3, P7, P8 and P10: cancelling a result frees its sources at once, and no end leaves a task or a reader behind."""

import asyncio
from collections.abc import Awaitable
from typing import Final

import pytest

from miniagents.promising import (
    ContextStateError,
    Promise,
    PromiseCancelledError,
    PromiseDeadlockError,
    PromisingContext,
)
from tests.promising.laws.cases import each_case
from tests.promising.laws.registry import Case, Law
from tests.promising.laws.sources import (
    Given,
    Manner,
    OddError,
    Outcome,
    errors_in,
    is_cancelled,
    outcome_of,
    outcomes,
    turns,
    values,
)

pytestmark = pytest.mark.virtual_clock

A_WHILE: Final = 40
"""Turns of the loop after which nothing moves any more that waits."""


async def expect_freed(context: PromisingContext, given: Given, result: Promise[object]) -> None:
    """Cancels the result, and looks at once, after a turn of the loop, and when the last task has ended."""
    assert result.cancel()
    assert result.done()
    assert [source.promise for source in given.sources if source.promise and not source.promise.done()] == []
    await turns(1)
    assert [source for source in given.sources if source.started and not source.stopped] == []
    assert given.calls == 0
    await turns(5)
    assert not context.tasks
    assert is_cancelled(await last_of(outcomes(result)))


@pytest.mark.leaves_errors_unread
@each_case(Law.CANCEL)
@pytest.mark.parametrize("moment", [0, 1, 2, 3, 5, A_WHILE])
async def test_p7_cancelling_the_result_frees_the_sources(case: Case, moment: int) -> None:
    for manner in (Manner(waits=True), Manner(waits=True, foreign=True), Manner(waits=True, max_ahead=1, pause=1)):
        async with PromisingContext() as context:
            given = Given(case.plain(), manner)
            result = case.result(given)
            await turns(moment)
            await expect_freed(context, given, result)


@each_case(Law.CANCEL)
@pytest.mark.parametrize("moment", [0, 1, 2, 3, 5, A_WHILE])
async def test_p7_readers_of_a_cancelled_result_are_told_so(case: Case, moment: int) -> None:
    async with PromisingContext() as context:
        given = Given(case.plain(), Manner(waits=True))
        result = case.result(given)
        readers = [asyncio.create_task(outcomes(result)), asyncio.create_task(_awaited(result))]
        await turns(moment)
        await expect_freed(context, given, result)
        for reader in readers:
            assert is_cancelled(await last_of(reader))


async def last_of(reading: Awaitable[list[Outcome]]) -> Outcome:
    """What a reader got at last."""
    return (await values(await reading))[-1]


async def _awaited(result: Promise[object]) -> list[Outcome]:
    return [await outcome_of(result)]


@each_case(Law.CANCEL, Law.LAZY)
async def test_p7_a_lazy_result_that_nobody_reads_can_be_cancelled(case: Case) -> None:
    async with PromisingContext() as context:
        given = Given(case.plain(), Manner(waits=True, lazy=True))
        result = case.result(given)
        await turns(3)
        await expect_freed(context, given, result)
        assert [source for source in given.sources if source.started] == []


@each_case(Law.BOUNDED, Law.CANCEL)
async def test_p7_a_result_that_a_bound_holds_back_can_be_cancelled(case: Case) -> None:
    async with PromisingContext() as context:
        given = Given(case.numbers(100), Manner(max_ahead=1))
        result = case.result(given)
        await turns(A_WHILE)
        await expect_freed(context, given, result)


@pytest.mark.parametrize("moment", [0, 1, 2, 3, 5, A_WHILE])
@each_case(Law.CALLS)
async def test_p7_cancelling_the_result_stops_the_calls_of_its_function(case: Case, moment: int) -> None:
    async with PromisingContext() as context:
        given = Given(case.plain(), Manner(stuck=True))
        result = case.result(given)
        await turns(moment)
        assert given.calls > 0 or moment < A_WHILE
        await expect_freed(context, given, result)


@each_case(Law.SHARED)
async def test_p3_a_source_that_somebody_else_reads_goes_on(case: Case) -> None:
    for moment in (0, 1, 2, A_WHILE):
        async with PromisingContext():
            given = Given(case.plain(), Manner(waits=True))
            result = case.result(given)
            shared = list(given.sources)
            readers = [asyncio.create_task(outcomes(source.promise)) for source in shared if source.promise]
            await turns(1 + moment)
            assert result.cancel()
            await turns(5)
            assert [source for source in shared if source.stopped] == []
            given.release.set()
            for reader, source in zip(readers, shared, strict=True):
                assert len(await values(await reader)) == len(source.script)
                assert source.made == len(source.script)


@each_case(Law.CANCEL)
async def test_p3_a_reader_that_is_cancelled_changes_nothing(case: Case) -> None:
    for moment in (0, 1, 2, A_WHILE):
        async with PromisingContext():
            given = Given(case.plain(), Manner(waits=True))
            result = case.result(given)
            cancelled = [asyncio.create_task(outcomes(result)), asyncio.create_task(_awaited(result))]
            other = asyncio.create_task(outcomes(result))
            await turns(moment)
            for reader in cancelled:
                reader.cancel()
            await turns(A_WHILE)
            assert not result.done()
            given.release.set()
            await case.expect(given, await other)
            await asyncio.gather(*cancelled, return_exceptions=True)


# --- the end of a context ---


@each_case(Law.ENDING)
@pytest.mark.parametrize("lazy", [False, True])
async def test_p8_a_context_ends_while_a_result_is_unread(case: Case, lazy: bool, logged: list[str]) -> None:
    async with PromisingContext() as context:
        given = Given(case.numbers(100), Manner(max_ahead=2, lazy=lazy))
        result = case.result(given)
        await turns(A_WHILE)
    assert not context.tasks
    assert [source for source in given.sources if source.started and not source.stopped] == []
    await outcomes(result)  # what it has, or why there is none
    assert logged == []


@each_case(Law.FINISHED)
async def test_p8_a_context_waits_for_a_result_that_is_still_being_made(case: Case, logged: list[str]) -> None:
    async with PromisingContext():
        given = Given(case.plain(), Manner(pause=2))
        result = case.result(given)
    assert result.done()
    await case.expect(given, await outcomes(result))
    assert logged == []


@each_case(Law.ENDING)
@pytest.mark.parametrize("moment", [0, 1, 3, A_WHILE])
async def test_p8_an_error_in_a_context_ends_a_result_that_waits(case: Case, moment: int, logged: list[str]) -> None:
    results: list[Promise[object]] = []
    givens: list[Given] = []

    async def body() -> None:
        async with PromisingContext():
            givens.append(Given(case.plain(), Manner(waits=True)))
            results.append(case.result(givens[0]))
            await turns(moment)
            raise OddError(1)

    with pytest.raises(OddError):
        await body()
    assert [source for source in givens[0].sources if source.started and not source.stopped] == []
    # what is lazy and was never started cannot start any more
    assert isinstance(await last_of(outcomes(results[0])), PromiseCancelledError | ContextStateError)
    assert logged == []


# --- circles ---


@pytest.mark.leaves_errors_unread
@each_case(Law.DEADLOCK)
async def test_p7_a_result_that_waits_for_itself_is_an_error(case: Case) -> None:
    for lazy in (False, True):
        async with PromisingContext():
            given = Given(case.plain(), Manner(circular=True, lazy=lazy))
            result = case.result(given)
            read = await values(await outcomes(result))
            errors = [error for outcome in read for error in errors_in(outcome)]
            assert [error for error in errors if isinstance(error, PromiseDeadlockError)]
