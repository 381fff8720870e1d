"""P10: what is made of many promises: `gather`, `all_settled`, `race`, `first_ok`."""

import asyncio
import gc
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import pytest
from hypothesis import given, strategies as st

from miniagents.promising import (
    Err,
    NoActiveContextError,
    Ok,
    Outcome,
    Promise,
    PromiseCancelledError,
    PromiseDeadlockError,
    PromisingContext,
    StreamedPromise,
    all_settled,
    first_ok,
    gather,
    race,
)
from miniagents.testing import VirtualClockEventLoop
from tests.counting import CountedCalls
from tests.effort import examples

T = TypeVar("T")

Combine = Callable[..., Promise[object]]
each = pytest.mark.parametrize("combine", [gather, all_settled, race, first_ok])


def virtual(main: Coroutine[object, object, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualClockEventLoop) as runner:
        return runner.run(main)


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def never() -> int:
    await asyncio.Event().wait()
    raise AssertionError


async def value(number: int) -> int:
    return number


async def failing(error: BaseException) -> int:
    raise error


# --- first_ok ---


async def test_first_ok_takes_the_first_value_and_cancels_the_losers() -> None:
    async with PromisingContext():
        loser = Promise(never)
        assert await first_ok(loser, failing(ValueError("no")), value(2)) == 2
        assert loser.cancelled()


async def test_first_ok_of_values_that_are_there_takes_that_of_the_earliest_argument() -> None:
    async with PromisingContext():
        failed = Promise.failed(ValueError("no"))
        assert await first_ok(failed, Promise.resolved(1), Promise.resolved(2)) == 1


async def test_first_ok_fails_with_all_errors_in_the_order_of_the_arguments(logged: list[str]) -> None:
    gate = asyncio.Event()
    errors = [ValueError("slow"), KeyError("fast")]

    async def slow() -> int:
        await gate.wait()
        raise errors[0]

    async with PromisingContext():
        result = first_ok(slow(), failing(errors[1]))
        await turns()
        assert not result.done()
        gate.set()
        with pytest.raises(ExceptionGroup, match=r"all 2 promises of first_ok\(\) failed") as raised:
            await result
        assert list(raised.value.exceptions) == errors
        with pytest.raises(ExceptionGroup) as again:
            await result
        assert again.value is raised.value
    assert not logged


async def test_first_ok_groups_other_errors_than_exceptions_as_well() -> None:
    class OddError(BaseException):
        pass

    async with PromisingContext():
        with pytest.raises(BaseExceptionGroup) as raised:
            await first_ok(failing(OddError()), failing(ValueError("no")))
        assert not isinstance(raised.value, ExceptionGroup)
        cancelled = Promise(never)
        cancelled.cancel()
        with pytest.raises(ExceptionGroup) as group:
            await first_ok(cancelled)
        assert isinstance(group.value.exceptions[0], PromiseCancelledError)


async def test_a3_a_group_that_nobody_reads_is_logged_once(logged: list[str]) -> None:
    async with PromisingContext():
        first_ok(failing(ValueError("one")), failing(ValueError("two")))
    assert len(logged) == 1
    assert "ExceptionGroup" in logged[0]


@pytest.mark.parametrize("combine", [race, first_ok])
async def test_of_no_promises_nothing_can_be_taken(combine: Combine) -> None:
    async with PromisingContext():
        with pytest.raises(ValueError, match=r"\(\) of no promises would never end: give it at least one"):
            combine()


# --- all_settled ---


async def test_all_settled_tells_how_each_promise_ended(logged: list[str]) -> None:
    error = ValueError("no")
    async with PromisingContext():
        cancelled = Promise(never)
        settled = all_settled(value(1), failing(error), cancelled, StreamedPromise.of("ab"))
        await turns()
        assert not settled.done()
        cancelled.cancel()
        one, two, three, four = await settled
        assert (one, two, four) == (Ok(1), Err(error), Ok(("a", "b")))
        assert isinstance(three, Err)
        assert isinstance(three.error, PromiseCancelledError)
        assert await all_settled() == ()
        assert await settled == (one, two, three, four)
    assert not logged


async def test_outcomes_are_matched() -> None:
    def said(outcome: Outcome[int]) -> str:
        match outcome:
            case Ok(value):
                return f"{value + 1}"
            case Err(error):
                return f"{error}"

    async with PromisingContext():
        outcomes = await all_settled(value(1), failing(ValueError("no")))
        assert [said(outcome) for outcome in outcomes] == ["2", "no"]
    assert repr(Ok("a")) == "Ok(value='a')"
    assert Ok(1) == Ok(1) != Ok(2)
    assert hash(Ok(1)) == hash(Ok(1))


async def test_an_error_from_an_outcome_can_be_raised_anew(logged: list[str]) -> None:
    async def again(outcome: Outcome[int]) -> int:
        if isinstance(outcome, Err):
            raise outcome.error
        return outcome.value

    async with PromisingContext():
        (outcome,) = await all_settled(failing(ValueError("no")))
        Promise(lambda: again(outcome), name="again")
    assert logged == ["an error that nobody has read, in 'again': ValueError('no')"]


# --- errors of several ---


async def test_a3_gather_raises_the_earliest_of_several_errors_and_the_others_are_logged(logged: list[str]) -> None:
    async with PromisingContext():
        errors = [ValueError("one"), ValueError("two")]
        promises = [Promise(partial(failing, error), name=str(error)) for error in errors]
        with pytest.raises(ValueError, match="one"):
            await gather(*promises)
        assert not logged
    assert logged == ["an error that nobody has read, in 'two': ValueError('two')"]


@pytest.mark.virtual_clock  # where `gather` waits for the late one, the time is over at once
async def test_a3_an_error_that_comes_after_the_end_of_a_gather_is_not_lost(logged: list[str]) -> None:
    gate = asyncio.Event()

    async def late() -> int:
        await gate.wait()
        raise KeyError("late")

    async with PromisingContext():
        held = Promise(late)  # what nobody holds is cancelled
        with pytest.raises(ValueError, match="early"):
            await gather(held, failing(ValueError("early")))
        gate.set()
    assert len(logged) == 1
    assert "KeyError('late')" in logged[0]


async def test_a3_an_error_that_is_read_elsewhere_is_not_logged(logged: list[str]) -> None:
    async with PromisingContext():
        one, two = (Promise(partial(failing, error)) for error in (ValueError("one"), ValueError("two")))
        with pytest.raises(ValueError, match="one"):
            await gather(one, two)
        with pytest.raises(ValueError, match="two"):
            await two
        with pytest.raises(ValueError, match="one"):
            await race(one, two)
    assert not logged


async def test_a3_first_ok_reads_the_errors_that_it_waits_out_and_no_later_ones(logged: list[str]) -> None:
    async def stubborn() -> int:
        try:
            return await never()
        finally:
            raise ValueError("late")

    async with PromisingContext():
        loser = Promise(stubborn, name="stubborn")
        await turns()
        assert await first_ok(loser, failing(ValueError("waited out")), value(1)) == 1
    assert logged == ["an error that nobody has read, in 'stubborn': ValueError('late')"]


# --- the rules of promises ---


@each
async def test_p10_a_coroutine_that_is_given_twice_is_awaited_once(combine: Combine) -> None:
    calls: list[int] = []

    async def once() -> int:
        calls.append(1)
        return 7

    async with PromisingContext():
        coroutine = once()
        await combine(coroutine, coroutine)
        assert calls == [1]
        coroutine = once()
        assert await gather(coroutine, coroutine) == (7, 7)


@each
async def test_p10_a_coroutine_that_never_runs_is_closed(combine: Combine) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        async with PromisingContext():
            combine(value(1)).cancel()
        async with PromisingContext(start_asap=False):
            combine(value(1))
            combine(value(1)).cancel()
        with pytest.raises(NoActiveContextError):
            combine(value(1))
        gc.collect()


@each
async def test_p2_what_is_made_of_lazy_promises_is_lazy(combine: Combine) -> None:
    started: list[int] = []

    async def work(number: int) -> int:
        started.append(number)
        return number

    async with PromisingContext():
        result = combine(*(Promise(partial(work, n), start_asap=False) for n in range(3)))
        await turns()
        assert not started
        await result
        assert started[0] == 0
    async with PromisingContext(start_asap=False):
        started.clear()
        result = combine(work(1), work(2))
        await turns()
        assert not started
        await result
        assert started


@each
async def test_p10_cancelling_the_result_frees_the_sources_within_a_turn(combine: Combine) -> None:
    stopped: list[int] = []

    async def work(number: int) -> int:
        try:
            return await never()
        finally:
            stopped.append(number)

    async with PromisingContext():
        promises = [Promise(partial(work, n)) for n in range(3)]
        result = combine(*promises, work(3))
        await turns()
        before = asyncio.all_tasks()
        assert result.cancel()
        await turns(1)
        assert sorted(stopped) == [0, 1, 2, 3]
        await turns()
        assert asyncio.all_tasks() == {asyncio.current_task()} < before
        assert all(promise.cancelled() for promise in promises)
        with pytest.raises(PromiseCancelledError):
            await result


@each
async def test_p3_cancelling_the_result_leaves_sources_with_other_readers(combine: Combine) -> None:
    gate = asyncio.Event()

    async def work() -> int:
        await gate.wait()
        return 1

    async with PromisingContext():
        shared, own = Promise(work), Promise(never)
        reader = asyncio.create_task(shared._settled())
        also = shared.map(str)
        result = combine(shared, own)
        await turns()
        result.cancel()
        await turns()
        assert own.cancelled()
        assert not shared.done()
        gate.set()
        assert await also == "1"
        await reader


@each
async def test_p10_a_whole_that_is_still_being_made_is_freed(combine: Combine) -> None:
    stopped = False

    async def whole(_: object) -> int:
        nonlocal stopped
        try:
            return await never()
        finally:
            stopped = True

    async with PromisingContext():
        stream = StreamedPromise(aiter_of, whole)
        result = combine(stream)
        await turns(10)
        result.cancel()
        await turns()
        assert stream.cancelled()
        assert stopped


async def aiter_of() -> AsyncIterator[int]:
    yield 1


@each
async def test_p7_a_circle_through_the_result_is_found(combine: Combine) -> None:
    async def work() -> object:
        return await result

    async with PromisingContext():
        source = Promise(work, name="source")
        result: Promise[object] = combine(source)
        with pytest.raises((PromiseDeadlockError, ExceptionGroup)):
            await result


@each
async def test_p3_a_reader_of_the_result_that_is_cancelled_changes_nothing(combine: Combine) -> None:
    gate = asyncio.Event()

    async def work() -> int:
        await gate.wait()
        return 1

    async with PromisingContext():
        result = combine(work(), work())
        reader = asyncio.create_task(result._settled())
        await turns()
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
        gate.set()
        await result


@each
async def test_many_promises_cost_the_same_each_however_many_there_are(combine: Combine) -> None:
    async def calls(count: int) -> int:
        gates = [asyncio.Event() for _ in range(count)]

        async def work(number: int) -> int:
            await gates[number].wait()
            return number

        async with PromisingContext():
            promises = [Promise(partial(work, n)) for n in range(count)]
            await turns()
            with CountedCalls() as counted:
                result = combine(*promises)
                await turns()
                for gate in gates[1:] if combine in (race, first_ok) else gates:
                    gate.set()
                await result
            if combine is gather:
                assert await gather(*promises) == tuple(range(count))
        return counted.count

    assert await calls(4_000) < 12 * await calls(400)


# --- against a model ---


@dataclass(frozen=True)
class Source:
    """A promise that ends after some seconds, with its number or an error of that number."""

    seconds: int
    fails: bool


sources = st.lists(st.builds(Source, st.integers(0, 4), st.booleans()), min_size=1, max_size=6)


class Run:
    """Runs a combinator on sources in virtual time, beside which a model says what must come."""

    def __init__(self, script: list[Source]) -> None:
        self.script = script
        self.errors = [ValueError(str(number)) for number in range(len(script))]
        self.order = sorted(range(len(script)), key=lambda number: (script[number].seconds, number))
        self.promises: list[Promise[int]] = []

    async def work(self, number: int) -> int:
        await asyncio.sleep(self.script[number].seconds)
        if self.script[number].fails:
            raise self.errors[number]
        return number

    def __call__(self, combine: Combine) -> tuple[object, float]:
        async def main() -> tuple[object, float]:
            async with PromisingContext():
                self.promises = [Promise(partial(self.work, number)) for number in range(len(self.script))]
                failure = await (result := combine(*self.promises))._settled()
                moment = asyncio.get_running_loop().time()
                if failure is None:
                    return await result, moment
                with pytest.raises(BaseException) as raised:
                    await result
                return raised.value, moment

        return virtual(main())

    def seconds(self, number: int) -> int:
        return self.script[number].seconds

    @property
    def failing(self) -> list[int]:
        return [number for number in self.order if self.script[number].fails]

    @property
    def succeeding(self) -> list[int]:
        return [number for number in self.order if not self.script[number].fails]

    def outcome(self, number: int) -> object:
        return self.errors[number] if self.script[number].fails else number

    def lost(self, winner: int) -> list[bool]:
        """Which promises had not ended when one did: timers run one by one, and what needs none ends in one turn."""
        end = (self.seconds(winner), winner if self.seconds(winner) else len(self.script))
        return [(source.seconds, number) > end for number, source in enumerate(self.script)]


def errors_in(group: object) -> list[object]:
    return [*getattr(group, "exceptions", ())]


few = examples(60)


@pytest.mark.leaves_errors_unread
@few
@given(sources)
def test_law_of_race(script: list[Source]) -> None:
    run = Run(script)
    first = run.order[0]
    assert run(race) == (run.outcome(first), run.seconds(first))
    assert [promise.cancelled() for promise in run.promises] == run.lost(first)


@few
@given(sources)
def test_law_of_first_ok(script: list[Source]) -> None:
    run = Run(script)
    result, moment = run(first_ok)
    if run.succeeding:
        assert (result, moment) == (run.succeeding[0], run.seconds(run.succeeding[0]))
        assert [promise.cancelled() for promise in run.promises] == run.lost(run.succeeding[0])
    else:
        assert type(result).__name__ == "ExceptionGroup"
        assert (errors_in(result), moment) == (run.errors, run.seconds(run.order[-1]))


@pytest.mark.leaves_errors_unread
@few
@given(sources)
def test_law_of_gather(script: list[Source]) -> None:
    run = Run(script)
    result, moment = run(gather)
    if run.failing:
        assert (result, moment) == (run.errors[run.failing[0]], run.seconds(run.failing[0]))
    else:
        assert (result, moment) == (tuple(range(len(script))), run.seconds(run.order[-1]))
    assert not any(promise.cancelled() for promise in run.promises)


@few
@given(sources)
def test_law_of_all_settled(script: list[Source]) -> None:
    run = Run(script)
    expected = [Err(run.errors[number]) if source.fails else Ok(number) for number, source in enumerate(script)]
    assert run(all_settled) == (tuple(expected), run.seconds(run.order[-1]))


def test_any_awaitable_is_taken() -> None:
    class Delayed:
        def __await__(self) -> Generator[Any, None, str]:  # Any: what asyncio's futures yield is its own affair
            yield from asyncio.sleep(1).__await__()
            return "delayed"

    async def main() -> None:
        async with PromisingContext():
            task: Awaitable[int] = asyncio.create_task(value(1))
            assert await gather(Delayed(), task, value(2)) == ("delayed", 1, 2)
            assert await first_ok(Delayed()) == "delayed"

    virtual(main())
