"""P10: `retry`, with the pauses that it makes; all in virtual time."""

import asyncio
import logging
import random
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import TypeVar

import pytest
from hypothesis import given, strategies as st

from miniagents.promising import (
    Promise,
    PromiseCancelledError,
    PromiseDeadlockError,
    PromisingContext,
    StreamedPromise,
    exponential_backoff,
    gather,
    retry,
)
from miniagents.testing import VirtualClockEventLoop
from tests.effort import examples

T = TypeVar("T")


def virtual(main: Coroutine[object, object, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualClockEventLoop) as runner:
        return runner.run(main)


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


class Flaky:
    """Fails with the given errors, one for each call, and succeeds then; it knows when it was called."""

    def __init__(self, *errors: BaseException, seconds: float = 0) -> None:
        self.errors = [*errors]
        self.calls: list[float] = []
        self.seconds = seconds

    async def __call__(self) -> str:
        self.calls.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self.seconds)
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def notes_of(error: BaseException) -> list[str]:
    return getattr(error, "__notes__", [])


async def test_the_first_success_is_the_result(logged: list[str]) -> None:
    async with PromisingContext():
        flaky = Flaky(ValueError("one"), KeyError("two"))
        assert await retry(flaky) == "done"
        assert len(flaky.calls) == 3
    assert not logged


async def test_the_last_error_is_raised_as_it_is_and_tells_of_the_others(logged: list[str]) -> None:
    errors = [ValueError("one"), KeyError("two"), ValueError("three\nlines")]
    async with PromisingContext():
        promise = retry(Flaky(*errors))
        for _ in range(2):
            with pytest.raises(ValueError, match="three") as raised:
                await promise
            assert raised.value is errors[-1]
        assert notes_of(errors[-1]) == [
            "'Flaky.retry' failed in 3 attempts, before this one by ValueError: one; KeyError: 'two'"
        ]
    assert not logged


async def test_a3_only_the_last_error_is_logged_where_nobody_reads_the_result(logged: list[str]) -> None:
    async with PromisingContext():
        retry(Flaky(ValueError("one"), ValueError("two")), attempts=2)
    assert logged == ["an error that nobody has read, in 'Flaky.retry': ValueError('two')"]


async def test_a_single_attempt_needs_no_note() -> None:
    error = ValueError("no")
    async with PromisingContext():
        with pytest.raises(ValueError, match="no"):
            await retry(Flaky(error), attempts=1)
    assert not notes_of(error)


async def test_a_note_is_added_once_and_to_errors_that_forbid_it() -> None:
    @dataclass(frozen=True)
    class FrozenError(Exception):
        text: str

    error = FrozenError("no")
    async with PromisingContext():
        with pytest.raises(FrozenError) as raised:
            await retry(lambda: Promise.failed(error), attempts=20)
        with pytest.raises(FrozenError):
            await retry(lambda: Promise.failed(error), attempts=20)
    assert raised.value is error
    (note,) = notes_of(error)
    assert "failed in 20 attempts, before this one by 9 more; " in note
    assert note.count("FrozenError") == 10


async def test_other_errors_are_not_retried() -> None:
    class OddError(BaseException):
        pass

    async with PromisingContext():
        for error, errors in (
            (OddError(), (Exception,)),
            (KeyError(), ValueError),
            (KeyError(), (ValueError, TypeError)),
            (PromiseCancelledError(), Exception),
            (asyncio.CancelledError(), BaseException),
        ):
            flaky = Flaky(error)
            promise = retry(flaky, errors=errors)
            with pytest.raises((OddError, KeyError, PromiseCancelledError)):
                await promise
            assert len(flaky.calls) == 1
            assert not notes_of(error)
        assert await retry(Flaky(OddError()), errors=OddError) == "done"
        error = KeyError("no")
        with pytest.raises(KeyError):
            await retry(Flaky(ValueError("yes"), error), errors=ValueError)
        assert "failed in 2 attempts, before this one by ValueError: yes" in notes_of(error)[0]


async def test_an_attempt_that_was_cancelled_is_not_retried() -> None:
    async def never() -> int:
        await asyncio.Event().wait()
        return 1

    attempts: list[Promise[int]] = []

    def attempt() -> Promise[int]:
        attempts.append(Promise(never))
        return attempts[-1]

    async with PromisingContext():
        promise = retry(attempt)
        await turns()
        attempts[0].cancel()
        with pytest.raises(PromiseCancelledError):
            await promise
        assert len(attempts) == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_ctrl_c_is_not_retried(error: type[BaseException]) -> None:
    flaky = Flaky(error())

    async def main() -> None:
        async with PromisingContext():
            await retry(flaky, errors=BaseException)

    with pytest.raises(error):
        virtual(main())
    assert len(flaky.calls) == 1


async def test_an_error_of_the_factory_is_one_of_the_attempt() -> None:
    calls: list[int] = []

    def factory() -> Promise[str]:
        calls.append(1)
        if len(calls) < 3:
            raise ConnectionError(str(len(calls)))
        return Promise.resolved("done")

    async with PromisingContext():
        assert await retry(factory) == "done"


async def test_whatever_can_be_awaited_is_an_attempt() -> None:
    async def letters() -> AsyncIterator[str]:
        yield "a"
        if len(made) < 2:
            raise ValueError("no")

    async def joined(pieces: AsyncIterable[str]) -> str:
        return "".join([piece async for piece in pieces])

    made: list[StreamedPromise[str, str]] = []

    def stream() -> StreamedPromise[str, str]:
        made.append(StreamedPromise(letters, joined))
        return made[-1]

    async with PromisingContext():
        assert await retry(stream) == "a"
        assert len(made) == 2
        assert await retry(lambda: asyncio.sleep(0, "slept")) == "slept"
        assert await retry(lambda: gather(Promise.resolved(1))) == (1,)


@pytest.mark.parametrize("attempts", [0, -1])
async def test_there_is_at_least_one_attempt(attempts: int) -> None:
    async with PromisingContext():
        with pytest.raises(ValueError, match=f"retry: attempts={attempts}: give at least one"):
            retry(Flaky(), attempts=attempts)


@pytest.mark.parametrize("seconds", [-1, float("nan")])
async def test_pauses_are_not_negative(seconds: float, logged: list[str]) -> None:
    async with PromisingContext():
        with pytest.raises(ValueError, match=f"retry: backoff={seconds}: give a number that is not negative"):
            retry(Flaky(), backoff=seconds)
        with pytest.raises(ValueError, match=f"'Flaky.retry': the backoff function gave {seconds}: give"):
            await retry(Flaky(ValueError("no")), backoff=lambda _: seconds)
    assert len(logged) == 1
    assert "ValueError('no')" in logged[0]


async def test_a3_an_error_of_the_backoff_function_hides_none(logged: list[str]) -> None:
    async with PromisingContext():
        with pytest.raises(ZeroDivisionError):
            await retry(Flaky(ValueError("no")), backoff=lambda failed: 1 / (failed - 1))
    assert len(logged) == 1
    assert "ValueError('no')" in logged[0]


# --- the rules of promises ---


async def test_p2_where_promises_are_lazy_the_first_attempt_is_made_for_a_reader() -> None:
    async with PromisingContext(start_asap=False):
        flaky = Flaky(ValueError("no"))
        promise = retry(flaky)
        await turns()
        assert not flaky.calls
        assert await promise == "done"
    async with PromisingContext():
        flaky = Flaky()
        retry(flaky)
        await turns()
        assert flaky.calls


class Running:
    """An attempt that never ends; it knows whether it was stopped."""

    def __init__(self) -> None:
        self.stopped = False

    async def __call__(self) -> int:
        try:
            await asyncio.Event().wait()
        finally:
            self.stopped = True
        return 1


@pytest.mark.parametrize("as_promise", [False, True])
async def test_p10_cancelling_the_result_cancels_the_attempt(as_promise: bool) -> None:
    running = Running()

    def attempt() -> Awaitable[int]:
        return Promise(running) if as_promise else running()

    async with PromisingContext():
        promise = retry(attempt)
        await turns()
        assert promise.cancel()
        await turns(1)
        assert running.stopped
        await turns()
        assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_p3_an_attempt_that_somebody_else_reads_goes_on() -> None:
    running = Running()
    async with PromisingContext():
        shared = Promise(running)
        reader = asyncio.create_task(shared._settled())
        promise = retry(lambda: shared)
        await turns()
        promise.cancel()
        await turns()
        assert not running.stopped
        shared.cancel()
        await reader


def test_p10_cancelling_the_result_cancels_the_pause() -> None:
    async def main() -> float:
        async with PromisingContext():
            flaky = Flaky(ValueError("no"))
            promise = retry(flaky, backoff=3600)
            await asyncio.sleep(1)
            promise.cancel()
        assert len(flaky.calls) == 1
        return asyncio.get_running_loop().time()

    assert virtual(main()) == 1


async def test_p7_what_a_failed_attempt_started_is_cancelled() -> None:
    left: list[Running] = []

    async def attempt() -> int:
        left.append(Running())
        Promise(left[-1])
        await turns(2)
        if len(left) < 3:
            raise ValueError("no")
        return 1

    async with PromisingContext():
        for factory in (attempt, lambda: Promise(attempt)):
            left.clear()
            promise = retry(factory)
            assert await promise == 1
            await turns()
            assert [running.stopped for running in left] == [True, True, False]
            promise.cancel()
            await turns()
            assert left[2].stopped


async def test_p7_an_attempt_that_waits_for_the_result_is_a_deadlock() -> None:
    async def attempt() -> object:
        return await promise

    async with PromisingContext():
        promise: Promise[object] = retry(attempt, errors=ValueError)
        with pytest.raises(PromiseDeadlockError):
            await promise


def test_each_new_attempt_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with PromisingContext():
            await retry(Flaky(ValueError("no")), backoff=2)

    with caplog.at_level(logging.INFO, logger="miniagents"):
        virtual(main())
    assert caplog.messages == ["attempt 1 of 3 of 'Flaky.retry' failed, the next follows in 2 s: ValueError: no"]


# --- pauses ---


def calls_of(flaky: Flaky, *, attempts: int, backoff: Callable[[int], float] | float) -> list[float]:
    async def main() -> None:
        async with PromisingContext():
            await retry(flaky, attempts=attempts, backoff=backoff)._settled()

    virtual(main())
    return flaky.calls


def test_pauses_come_between_the_attempts() -> None:
    errors = [ValueError("no") for _ in range(3)]
    assert calls_of(Flaky(*errors, seconds=1), attempts=4, backoff=10) == [0, 11, 22, 33]
    assert calls_of(Flaky(*errors), attempts=4, backoff=lambda failed: 10**failed) == [0, 10, 110, 1110]
    assert calls_of(Flaky(*errors), attempts=4, backoff=exponential_backoff(jitter=0)) == pytest.approx(
        [0, 0.1, 0.3, 0.7]
    )


def test_exponential_backoff_grows_to_its_maximum() -> None:
    backoff = exponential_backoff(initial=1, factor=3, maximum=20, jitter=0)
    assert [backoff(failed) for failed in (1, 2, 3, 4, 5, 100_000)] == [1, 3, 9, 20, 20, 20]
    assert exponential_backoff(jitter=lambda: 0.5)(1) == 0.6
    assert exponential_backoff(jitter=lambda: 50)(1) == 5
    assert exponential_backoff(jitter=lambda: -50)(1) == 0
    assert exponential_backoff(jitter=random.Random(7).random)(3) == 0.4 + random.Random(7).random()


def test_exponential_backoff_differs_from_one_time_to_the_next() -> None:
    backoff = exponential_backoff()
    pauses = {backoff(1) for _ in range(50)}
    assert len(pauses) > 1
    assert all(0.1 <= pause <= 1.1 for pause in pauses)


@pytest.mark.parametrize("wrong", ["initial", "factor", "maximum", "jitter"])
def test_exponential_backoff_takes_no_negative_numbers(wrong: str) -> None:
    options = {wrong: -1.0}
    with pytest.raises(ValueError, match=f"exponential_backoff: {wrong}=-1.0: give a number that is not negative"):
        exponential_backoff(**options)


@examples(100)
@given(
    script=st.lists(st.sampled_from([None, ValueError, KeyError, TypeError]), max_size=6),
    attempts=st.integers(1, 6),
    pauses=st.lists(st.integers(0, 5), min_size=6, max_size=6),
    expected=st.sampled_from([(Exception,), (ValueError, KeyError), (ValueError,)]),
)
def test_law_of_retry(
    script: list[type[Exception] | None], attempts: int, pauses: list[int], expected: tuple[type[Exception], ...]
) -> None:
    """How often the factory is called, when, and what comes of it."""
    moments: list[float] = []
    made: list[Exception] = []

    async def attempt() -> int:
        number = len(moments)
        moments.append(asyncio.get_running_loop().time())
        kind = script[number] if number < len(script) else None
        if kind is not None:
            made.append(kind(str(number)))
            raise made[-1]
        return number

    async def main() -> object:
        async with PromisingContext():
            promise = retry(attempt, attempts=attempts, backoff=lambda failed: pauses[failed - 1], errors=expected)
            failure = await promise._settled()
            return await promise if failure is None else await promise.recover(lambda error: error)

    result = virtual(main())
    number = 0
    while number < len(script) and (kind := script[number]) is not None:
        if not issubclass(kind, expected) or number + 1 == attempts:
            break
        number += 1
    failed = number < len(script) and script[number] is not None
    assert result == (made[-1] if failed else number)
    assert moments == [sum(pauses[:before]) for before in range(number + 1)]
    assert bool(notes_of(made[-1])) == (number > 0) if failed else True
