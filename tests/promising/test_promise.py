"""P1 to P3: one promise, its value and its error."""

import asyncio
import contextlib
import gc
import traceback
import weakref
from collections.abc import AsyncIterator

import pytest

from miniagents.promising import (
    NoActiveContextError,
    Promise,
    PromiseCancelledError,
    PromisingContext,
    StreamedPromise,
)

pytestmark = pytest.mark.virtual_clock


class OddError(BaseException):
    pass


async def test_p1_a_promise_resolves_once_and_gives_the_same_object_to_all() -> None:
    calls = 0

    async def work() -> object:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0)
        return object()

    async with PromisingContext():
        promise = Promise(work)
        together = await asyncio.gather(promise, promise, promise)
        assert {id(value) for value in together} == {id(await promise)}
    assert calls == 1
    assert await promise is together[0]


async def test_p1_none_is_a_value_like_any_other() -> None:
    async with PromisingContext():
        nothing: object = None
        promise = Promise(lambda: asyncio.sleep(0, nothing), start_asap=False)
        assert not promise.done()
        assert await promise is None
        assert promise.done()


@pytest.mark.parametrize("error", [ValueError("no"), OddError("no"), TimeoutError()])
async def test_p1_a_failed_promise_raises_the_same_exception_with_the_same_traceback_each_time(
    error: BaseException,
) -> None:
    async def work() -> None:
        raise error

    async with PromisingContext():
        promise = Promise(work)
        depths: list[int] = []
        for _ in range(100):
            with pytest.raises(type(error)) as raised:
                await promise
            assert raised.value is error
            depths.append(len(traceback.extract_tb(error.__traceback__)))
        assert len(set(depths)) == 1
        assert len(depths) == 100


async def test_p1_the_context_of_the_exception_is_that_of_its_origin_and_not_of_a_reader() -> None:
    async def work() -> None:
        try:
            int("origin")
        except ValueError:
            raise KeyError("no")  # noqa: B904 - the context is the subject

    async def read_while_handling(promise: Promise[None]) -> None:
        try:
            b"\xff".decode()
        except UnicodeDecodeError:
            await promise

    async with PromisingContext():
        promise = Promise(work)
        for _ in range(2):
            with pytest.raises(KeyError) as raised:
                await read_while_handling(promise)
            assert type(raised.value.__context__) is ValueError


@pytest.mark.parametrize("kind", [StopIteration, StopAsyncIteration])
async def test_p1_an_error_that_would_end_the_readers_loop_is_raised_as_the_cause_of_another(
    kind: type[Exception],
) -> None:
    failed = Promise.failed(kind())
    with pytest.raises(RuntimeError, match=kind.__name__) as raised:
        await failed
    assert isinstance(raised.value.__cause__, kind)


async def test_p2_an_eager_promise_starts_at_the_next_turn_of_the_loop() -> None:
    started = asyncio.Event()

    async def work() -> None:
        started.set()

    async with PromisingContext():
        promise = Promise(work)
        await asyncio.sleep(0)
        assert started.is_set()
        await promise


async def test_p2_a_lazy_promise_starts_when_it_is_first_awaited() -> None:
    started = asyncio.Event()

    async def work() -> int:
        started.set()
        return 1

    async with PromisingContext():
        promise = Promise(work, start_asap=False)
        for _ in range(3):
            await asyncio.sleep(0)
        assert not started.is_set()
        assert await promise == 1


@pytest.mark.parametrize("start_asap", [True, False])
async def test_p2_the_default_is_the_contexts(start_asap: bool) -> None:
    started = asyncio.Event()

    async def work() -> None:
        started.set()

    async with PromisingContext(start_asap=start_asap):
        promise = Promise(work)
        await asyncio.sleep(0)
        assert started.is_set() is start_asap
        await promise


async def test_p2_a_lazy_promise_that_nobody_reads_never_runs_and_holds_up_nothing(logged: list[str]) -> None:
    async def work() -> None:
        raise AssertionError("it was started")

    async with PromisingContext():
        promise = Promise(work, start_asap=False)
        mapped = promise.map(str)
    assert not promise.done()
    assert not mapped.done()
    assert not logged


async def test_p2_what_is_made_of_a_lazy_promise_is_lazy() -> None:
    async with PromisingContext():
        lazy = Promise(lambda: asyncio.sleep(0, 1), start_asap=False)
        made = [lazy.map(str), lazy.then(lambda _: asyncio.sleep(0)), lazy.recover(str), lazy.tap(print)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert lazy._is_lazy()
        assert not any(promise.done() for promise in made)


async def test_p2_hooks_do_not_start_what_is_lazy() -> None:
    seen: list[tuple[str, object]] = []

    async def hook(promise: Promise[object], result: object) -> None:
        seen.append((promise.name, result))

    async def pieces() -> AsyncIterator[int]:
        yield 1

    async def whole(_: object) -> str:
        return "whole"

    async with PromisingContext(on_promise_resolved=hook):
        unread = Promise(lambda: asyncio.sleep(0, 0), start_asap=False, name="unread")
        StreamedPromise(pieces, whole, start_asap=False, name="unread stream")
        read = Promise(lambda: asyncio.sleep(0, 1), start_asap=False, name="read")
        stream = StreamedPromise(pieces, whole, start_asap=False, name="stream")
        assert await read == 1
        assert await stream == "whole"
    assert not unread.done()
    assert sorted(seen, key=str) == [("read", 1), ("stream", "whole")]


async def test_p3_a_reader_that_times_out_takes_nothing_from_the_others() -> None:
    go = asyncio.Event()

    async def work() -> int:
        await go.wait()
        return 1

    async with PromisingContext():
        for start_asap in (True, False):
            go.clear()
            promise = Promise(work, start_asap=start_asap)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(promise._settled(), 0.01)
            other = asyncio.ensure_future(asyncio.wait_for(promise._settled(), 5))
            await asyncio.sleep(0)
            go.set()
            await other
            assert await promise == 1


async def test_p3_of_many_readers_that_wait_together_each_can_be_cancelled_alone() -> None:
    go = asyncio.Event()

    async def work() -> int:
        await go.wait()
        return 1

    async def read(promise: Promise[int]) -> int:
        return await promise

    async with PromisingContext():
        promise = Promise(work)
        readers = [asyncio.create_task(read(promise)) for _ in range(10)]
        await asyncio.sleep(0)
        for reader in readers[::2]:
            reader.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        go.set()
        outcomes = await asyncio.gather(*readers, return_exceptions=True)
    assert outcomes[1::2] == [1] * 5
    assert all(isinstance(outcome, asyncio.CancelledError) for outcome in outcomes[::2])


async def test_p3_a_reader_that_shrugs_off_its_cancellation_can_read_on() -> None:
    go = asyncio.Event()

    async def work() -> int:
        await go.wait()
        return 1

    async def stubborn(promise: Promise[int]) -> int:
        try:
            return await promise
        except asyncio.CancelledError:
            return await promise

    async def guest(promise: Promise[int]) -> int:
        return await promise

    async with PromisingContext():
        promise = Promise(work)
        first, second = asyncio.create_task(stubborn(promise)), asyncio.create_task(guest(promise))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.sleep(0)
        go.set()
        assert await first == 1
        with pytest.raises(asyncio.CancelledError):
            await second


async def test_p3_a_promise_that_read_a_lazy_one_first_does_not_take_it_along_when_cancelled() -> None:
    go = asyncio.Event()

    async def work() -> int:
        await go.wait()
        return 1

    async with PromisingContext():
        lazy = Promise(work, start_asap=False, name="lazy")
        reader = Promise(lazy._settled, name="reader")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        other = Promise(lazy._settled, name="other reader")
        await asyncio.sleep(0)
        reader.cancel()
        go.set()
        await other
        assert await lazy == 1


async def test_p7_cancelling_stops_the_producer_and_what_it_started_transitively(logged: list[str]) -> None:
    stopped: list[str] = []
    running = asyncio.Event()

    async def inner() -> None:
        running.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append("inner")

    async def middle() -> None:
        started.append(Promise(inner, name="inner"))
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append("middle")

    async def outer() -> None:
        await Promise(middle, name="middle")

    started: list[Promise[None]] = []
    async with PromisingContext():
        promise = Promise(outer, name="outer")
        await running.wait()
        assert promise.cancel()
        assert promise.done()
        assert promise.cancelled()
        with pytest.raises(PromiseCancelledError, match="outer"):
            await promise
        with pytest.raises(PromiseCancelledError, match=r"'inner', called by 'middle', called by 'outer'"):
            await started[0]
    assert sorted(stopped) == ["inner", "middle"]
    assert not promise.cancel()
    assert not logged


async def test_p7_cancelling_what_has_resolved_changes_nothing_but_stops_what_it_left_running() -> None:
    stopped = asyncio.Event()

    async def background() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async def work() -> int:
        Promise(background)
        await asyncio.sleep(0)
        return 1

    async with PromisingContext():
        promise = Promise(work)
        assert await promise == 1
        assert promise.cancel()
        await stopped.wait()
        assert await promise == 1
        assert not promise.cancelled()


async def test_p7_cancelling_a_promise_before_its_first_step_reaches_its_readers() -> None:
    async def work() -> None:
        raise AssertionError("it was started")

    async with PromisingContext():
        promise = Promise(work)
        assert promise.cancel()
        with pytest.raises(PromiseCancelledError):
            await promise


async def test_p7_a_resolver_that_raises_cancelled_error_does_not_cancel_its_readers() -> None:
    async def work() -> None:
        raise asyncio.CancelledError

    async with PromisingContext():
        promise = Promise(work)
        with pytest.raises(PromiseCancelledError):
            await promise
        assert promise.cancelled()
        assert asyncio.current_task() is not None


async def test_cancelling_from_within_stops_at_the_next_await() -> None:
    promises: list[Promise[None]] = []

    async def work() -> None:
        promises[0].cancel()
        await asyncio.Event().wait()

    async with PromisingContext():
        promises.append(Promise(work))
        with pytest.raises(PromiseCancelledError):
            await promises[0]


async def test_p1_a_cancelled_promise_gets_no_value_from_work_that_ends_later() -> None:
    async def stubborn() -> int:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return 1

    async with PromisingContext() as context:
        promise = Promise(stubborn, name="stubborn")
        await asyncio.sleep(0)
        promise.cancel()
        await asyncio.wait(context.tasks)
        assert repr(promise) == "<Promise 'stubborn' cancelled>"
        with pytest.raises(PromiseCancelledError):
            await promise


def test_a_promise_outside_a_context_says_what_to_do() -> None:
    async def work() -> None:
        raise AssertionError("it was started")

    with pytest.raises(NoActiveContextError, match="'named' needs an active context: write `async with"):
        Promise(work, name="named")


async def test_what_is_there_already_needs_no_context() -> None:
    assert await Promise.resolved(3) == 3
    with pytest.raises(ValueError, match="no"):
        await Promise.failed(ValueError("no"))
    with pytest.raises(NoActiveContextError):
        Promise.resolved(3).map(str)


async def test_a_promise_is_freed_without_the_garbage_collector_once_it_was_read() -> None:
    gc.disable()
    try:
        async with PromisingContext():
            promise = Promise(lambda: asyncio.sleep(0, 1))
            await promise
            await asyncio.sleep(0)
            reference = weakref.ref(promise)
            del promise
            await asyncio.sleep(0)
            assert reference() is None
    finally:
        gc.enable()


async def test_a_promise_tells_its_name_and_state() -> None:
    async with PromisingContext():
        pending = Promise(lambda: asyncio.sleep(0), name="answer")
        assert repr(pending) == "<Promise 'answer' pending>"
        await pending
        assert repr(pending) == "<Promise 'answer' resolved>"
    failed = Promise.failed(ValueError("no"))
    assert repr(failed) == "<Promise 'failed' failed: ValueError>"
    assert await failed._settled() is not None
    failed.cancel()
    with pytest.raises(ValueError, match="no"):
        await failed
