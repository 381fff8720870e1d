"""P8: contexts end, whatever goes on in them."""

import asyncio
import contextvars
import gc
import itertools
import re
import subprocess
import sys
import textwrap
import threading
from collections.abc import AsyncIterator
from functools import partial

import pytest

from miniagents.promising import (
    AppenderAbandonedError,
    ContextStateError,
    FlatSequence,
    NoActiveContextError,
    Promise,
    PromiseCancelledError,
    PromisingContext,
    StreamAppender,
    StreamedPromise,
    TaskAbandonedWarning,
)
from tests.watchdog import PATIENCE

pytestmark = pytest.mark.virtual_clock


async def settle(turns: int = 10) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)


class Work:
    """Waits to be let go, and tells how it ended."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.gate = asyncio.Event()
        self.end = "not yet"

    async def __call__(self) -> int:
        self.started.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.end = "cancelled"
            raise
        self.end = "done"
        return 1


# --- leaving ---


async def test_p8_leaving_normally_waits_for_all_work_and_for_what_that_starts() -> None:
    work = Work()

    async def starts_more() -> None:
        await settle()
        Promise(work)

    async def let_go() -> None:
        await work.started.wait()
        work.gate.set()

    letting_go = asyncio.create_task(let_go())
    async with PromisingContext() as context:
        Promise(starts_more)
    assert work.end == "done"
    assert not context.tasks
    await letting_go


async def test_p8_leaving_by_an_error_cancels_the_work(logged: list[str]) -> None:
    work = Work()
    promise: Promise[int] | None = None
    appender: StreamAppender[int] | None = None
    with pytest.raises(ZeroDivisionError):
        async with PromisingContext():
            promise = Promise(work)
            await work.started.wait()
            appender = StreamAppender[int](name="open")
            raise ZeroDivisionError
    assert work.end == "cancelled"
    assert promise is not None
    assert appender is not None
    for _ in range(2):
        with pytest.raises(PromiseCancelledError):
            await promise
        with pytest.raises(PromiseCancelledError, match="'open' was cancelled"):
            await appender.promise
    assert not logged


async def test_p8_a_cancellation_of_the_body_cancels_the_work() -> None:
    work = Work()

    async def body() -> None:
        async with PromisingContext():
            Promise(work)
            await asyncio.Event().wait()

    task = asyncio.create_task(body())
    await work.started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert work.end == "cancelled"


async def test_p8_a_cancellation_while_leaving_cancels_the_work() -> None:
    work = Work()
    leaving = asyncio.Event()

    async def body() -> None:
        async with PromisingContext():
            Promise(work)
            leaving.set()

    task = asyncio.create_task(body())
    await leaving.wait()
    await settle()
    assert work.started.is_set()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert work.end == "cancelled"


async def test_p8_a_second_cancellation_does_not_cut_short_the_first() -> None:
    cleaned_up = asyncio.Event()
    running = asyncio.Event()

    async def careful() -> None:
        running.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)
            cleaned_up.set()

    async def body() -> None:
        async with PromisingContext():
            Promise(careful)
            await asyncio.Event().wait()

    task = asyncio.create_task(body())
    await running.wait()
    task.cancel()
    await settle()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cleaned_up.is_set()


async def test_p8_a_cancellation_while_an_error_cancels_the_work_is_not_swallowed() -> None:
    stopping = asyncio.Event()
    stopped = asyncio.Event()

    async def slow_to_stop() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopping.set()
            await asyncio.sleep(1)
            stopped.set()

    async def body() -> None:
        async with PromisingContext():
            Promise(slow_to_stop)
            await asyncio.sleep(0)
            raise ZeroDivisionError

    task = asyncio.create_task(body())
    await stopping.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert stopped.is_set()


async def test_p8_a_task_whose_work_is_cancelled_ends_as_cancelled() -> None:
    work = Work()
    async with PromisingContext() as context:
        promise = Promise(work)
        await work.started.wait()
        [task] = context.tasks
        promise.cancel()
        await settle()
        assert task.cancelled()


async def test_p8_readers_of_work_that_was_cancelled_before_its_first_step_are_told_so() -> None:
    work = Work()
    promises: list[Promise[int]] = []
    with pytest.raises(ZeroDivisionError):
        async with PromisingContext():
            promises.append(Promise(work))
            raise ZeroDivisionError
    assert not work.started.is_set()
    with pytest.raises(PromiseCancelledError):
        await promises[0]


async def test_p8_what_is_started_while_others_stop_is_stopped_as_well() -> None:
    work = Work()
    running = asyncio.Event()

    async def starts_more_at_its_end() -> None:
        running.set()
        try:
            await asyncio.Event().wait()
        finally:
            Promise(work)

    with pytest.raises(ZeroDivisionError):
        async with PromisingContext():
            Promise(starts_more_at_its_end)
            await running.wait()
            raise ZeroDivisionError
    assert work.end in ("cancelled", "not yet")


async def test_p8_a_timeout_on_a_promise_does_not_hold_up_leaving() -> None:
    async def endless() -> AsyncIterator[int]:
        yield 1
        await asyncio.Event().wait()

    async def total(_: object) -> int:
        return 1

    with pytest.raises(TimeoutError):
        async with PromisingContext():
            await asyncio.wait_for(StreamedPromise(endless, total)._settled(), 0.01)


async def test_p8_a_task_that_does_not_stop_is_given_up_with_a_warning_that_names_it() -> None:
    gate = asyncio.Event()

    async def stubborn() -> int:
        while not gate.is_set():
            try:
                await gate.wait()
            except asyncio.CancelledError:
                continue
        return 1

    promise: Promise[int] | None = None
    said = (
        r"task 'stubborn mule' did not stop within 0.05 s of its cancellation and was given up; "
        r"it stands at .*test_contexts\.py:\d+, in .*stubborn: await gate\.wait\(\)$"
    )
    warned = pytest.warns(TaskAbandonedWarning, match=said)
    with warned, pytest.raises(ZeroDivisionError):
        async with PromisingContext(shutdown_timeout=0.05):
            promise = Promise(stubborn, name="stubborn mule")
            await settle()
            raise ZeroDivisionError
    assert promise is not None
    for _ in range(2):
        with pytest.raises(PromiseCancelledError, match="'stubborn mule' was cancelled and did not stop"):
            await promise
    gate.set()
    await settle()
    assert promise.cancelled()


def run_program(program: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "default", "-c", textwrap.dedent(program)]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)


def test_p8_a_task_that_swallows_its_cancellation_does_not_keep_asyncio_run_from_returning() -> None:
    ended = run_program("""
        import asyncio
        from miniagents.promising import Promise, PromisingContext

        async def stubborn():
            while True:
                try:
                    await asyncio.sleep(1_000_000)
                except asyncio.CancelledError:
                    pass

        async def main():
            try:
                async with PromisingContext(shutdown_timeout=0.1):
                    Promise(stubborn)
                    await asyncio.sleep(0.01)
                    raise ZeroDivisionError
            except ZeroDivisionError:
                print("left")

        asyncio.run(main())
        print("returned")
    """)
    assert ended.stdout.split() == ["left", "returned"], ended.stderr
    assert ended.returncode == 0
    assert len(re.findall("TaskAbandonedWarning: task 'stubborn' did not stop within 0.1 s", ended.stderr)) == 1


@pytest.mark.usefixtures("interruptible")
def test_p8_one_ctrl_c_is_enough() -> None:
    ended = run_program("""
        import asyncio, os, signal
        from miniagents.promising import Promise, PromisingContext

        async def careful():
            try:
                await asyncio.sleep(1_000_000)
            finally:
                print("cleaned up")

        async def main():
            async with PromisingContext():
                Promise(careful)
                await asyncio.sleep(0.01)
                os.kill(os.getpid(), signal.SIGINT)
                await asyncio.sleep(1_000_000)

        try:
            asyncio.run(main())
        except KeyboardInterrupt:
            print("interrupted")
    """)
    assert ended.stdout.split("\n")[:2] == ["cleaned up", "interrupted"], ended.stderr
    assert ended.stderr == ""


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("how", ["awaiting", "waiting elsewhere", "leaving"])
def test_p8_an_interrupt_in_a_promise_reaches_the_program(
    kind: type[BaseException], how: str, logged: list[str]
) -> None:
    work_ended: list[str] = []

    async def interrupted() -> None:
        await settle()
        raise kind("now")

    async def main() -> None:
        work = Work()
        try:
            async with PromisingContext():
                Promise(work)
                promise = Promise(interrupted)
                if how == "awaiting":
                    await promise
                elif how == "waiting elsewhere":
                    await asyncio.Event().wait()
        finally:
            work_ended.append(work.end)

    with pytest.raises(kind, match="now"):
        asyncio.run(main())
    assert work_ended == ["cancelled"]
    assert not logged


async def test_p8_an_interrupt_reaches_a_program_that_ends_its_context_by_hand() -> None:
    async def exits() -> None:
        raise SystemExit(3)

    context = PromisingContext().activate()
    Promise(exits)
    with pytest.raises(SystemExit):
        await context.afinalize()
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()


async def test_p8_thousands_of_tasks_that_end_one_by_one_do_not_hold_up_leaving() -> None:
    async def wait_for(gate: asyncio.Event, following: asyncio.Event) -> None:
        await gate.wait()
        following.set()

    gates = [asyncio.Event() for _ in range(7001)]
    async with PromisingContext():
        for gate, following in itertools.pairwise(gates):
            Promise(partial(wait_for, gate, following))
        await settle()
        gates[0].set()
    assert gates[-1].is_set()


async def test_p8_an_inner_context_that_ends_leaves_readers_of_outer_streams_alone() -> None:
    async with PromisingContext():
        appender = StreamAppender[int]()

        async def write_later() -> None:
            with appender:
                await asyncio.sleep(0.1)  # the inner context is being left for a while
                appender.append(1)

        Promise(write_later)
        async with PromisingContext():
            total = appender.promise.fold(lambda total, number: total + number, 0)
        assert await total == 1


async def test_p8_what_waits_for_a_stream_that_nobody_feeds_ends_with_the_context(logged: list[str]) -> None:
    async with PromisingContext():
        appender = StreamAppender[int](name="left open")
        reading = Promise(appender.promise._settled)
        gathered = appender.promise.map(len)
    assert len(logged) == 1
    assert await reading is not None
    with pytest.raises(AppenderAbandonedError, match="left open"):
        await gathered


async def test_p8_an_error_of_a_late_task_is_raised_where_the_context_is_left() -> None:
    error = ValueError("late")
    with pytest.raises(ValueError, match="late") as raised:
        async with PromisingContext() as context:
            context.report(error)
    assert raised.value is error
    with pytest.raises(ExceptionGroup, match="no reply could carry"):
        async with PromisingContext() as context:
            context.report(error)
            context.report(KeyError("other"))


async def test_p8_a_context_that_lives_long_keeps_no_errors_without_end(logged: list[str]) -> None:
    """A hook that fails at each request leaves the first errors for the end, and the others in the log."""

    async def failing(promise: Promise[object], _: object) -> None:
        raise ValueError(promise.name)

    with pytest.raises(ExceptionGroup) as raised:
        async with PromisingContext(on_promise_resolved=failing):
            for number in range(150):
                await Promise(settle, name=f"request {number}")
    assert [str(error) for error in raised.value.exceptions] == [f"request {number}" for number in range(100)]
    assert len([line for line in logged if line.startswith("an error that no reply could carry")]) == 50


# --- entering, and what is outside ---


async def test_one_context_serves_one_async_with() -> None:
    async with PromisingContext() as context:
        with pytest.raises(ContextStateError, match="this PromisingContext is already active and serves one"):
            async with context:
                raise AssertionError("it was entered twice")
    with pytest.raises(ContextStateError, match="make one per run or request, `async with PromisingContext"):
        await context.__aenter__()
    with pytest.raises(ContextStateError, match="is closed, not active"):
        await context.afinalize()
    with pytest.raises(ContextStateError, match="is new, not active"):
        await PromisingContext().afinalize()


async def test_two_requests_at_once_that_share_a_context_object_get_a_clear_error() -> None:
    context = PromisingContext()

    async def request() -> str:
        async with context:
            await settle()
        return "served"

    outcomes = await asyncio.gather(request(), request(), return_exceptions=True)
    assert outcomes[0] == "served"
    assert isinstance(outcomes[1], ContextStateError)


async def test_contexts_of_two_requests_at_once_do_not_meet() -> None:
    async def request(number: int) -> tuple[int, bool]:
        async with PromisingContext() as context:
            await settle()
            promise = Promise(lambda: asyncio.sleep(0, number))
            return await promise, PromisingContext.current() is context

    assert await asyncio.gather(*(request(number) for number in range(5))) == [(number, True) for number in range(5)]


async def test_a_context_can_be_activated_and_ended_in_different_tasks() -> None:
    context = PromisingContext()
    promises: list[Promise[int]] = []

    async def begin() -> None:
        context.activate()
        promises.append(Promise(lambda: asyncio.sleep(0.01, 1)))

    await asyncio.create_task(begin())
    await asyncio.create_task(context.afinalize())
    assert await promises[0] == 1
    assert not context.tasks
    with pytest.raises(NoActiveContextError):
        PromisingContext.current()


async def test_contexts_nest_and_the_outer_one_is_active_again_afterwards() -> None:
    async with PromisingContext() as outer:
        async with PromisingContext() as inner:
            assert PromisingContext.current() is inner
            assert inner.parent is outer
        assert PromisingContext.current() is outer
    with pytest.raises(NoActiveContextError, match="there is no active PromisingContext here: write `async with"):
        PromisingContext.current()


@pytest.mark.parametrize("kind", ["promise", "stream", "mapped"])
async def test_awaiting_after_the_end_gives_the_same_answer_both_times(kind: str, logged: list[str]) -> None:
    async def pieces() -> AsyncIterator[int]:
        yield 1

    async def total(_: object) -> int:
        return 1

    async with PromisingContext(start_asap=False):
        lazy: dict[str, Promise[object]] = {
            "promise": Promise(lambda: asyncio.sleep(0, 1), name="lazy"),
            "stream": StreamedPromise(pieces, total, name="lazy"),
            "mapped": StreamedPromise(pieces, total, name="lazy").map_pieces(str),
        }
        promise = lazy[kind]
    errors: list[BaseException] = []
    for _ in range(2):
        with pytest.raises(ContextStateError, match="'lazy.*' cannot start: its PromisingContext is closed") as raised:
            await promise
        errors.append(raised.value)
    assert errors[0] is errors[1]
    assert not logged


async def test_what_is_made_after_the_end_says_so_at_once() -> None:
    async def pieces() -> AsyncIterator[int]:
        yield 1

    async def total(_: object) -> int:
        return 1

    async def late() -> None:
        for make in (
            lambda: Promise(lambda: asyncio.sleep(0, 1), name="late"),
            lambda: StreamedPromise(pieces, total, name="late"),
            lambda: StreamAppender[int](name="late"),
            lambda: FlatSequence[int](lambda item: item, name="late"),
        ):
            with pytest.raises(ContextStateError, match="'late' cannot start: its PromisingContext is closed"):
                make()
        with pytest.raises(ContextStateError, match="'of.map_pieces' cannot start"):
            StreamedPromise.of([1]).map_pieces(str)

    async with PromisingContext():
        gate = asyncio.Event()
        waiting = asyncio.create_task(gate.wait())
        waiting.add_done_callback(lambda _: tasks.append(asyncio.create_task(late())))
        tasks: list[asyncio.Task[None]] = []
    gate.set()
    await waiting
    await settle()
    await tasks[0]


async def test_what_was_made_before_the_end_is_there_after_it(logged: list[str]) -> None:
    async with PromisingContext():
        promise = Promise(lambda: asyncio.sleep(0, 1))
        failing = Promise(lambda: Promise.failed(ValueError("no")))
        stream = StreamedPromise.of([1, 2]).map_pieces(str)
    assert len(logged) == 1
    for _ in range(2):
        assert await promise == 1
        assert await stream == ("1", "2")
        assert [piece async for piece in stream] == ["1", "2"]
        with pytest.raises(ValueError, match="no"):
            await failing
    with pytest.raises(NoActiveContextError):
        promise.map(str)


async def test_a_context_belongs_to_its_loop() -> None:
    answers: list[object] = []

    async def elsewhere() -> None:
        with pytest.raises(ContextStateError, match="its PromisingContext is one of another event loop"):
            Promise(lambda: asyncio.sleep(0, 1))
        async with PromisingContext() as context:
            assert context.parent is outer
            promise = Promise(lambda: asyncio.sleep(0.02, 1))
            answers.append(await promise.map(str))

    async with PromisingContext() as outer:
        variables = contextvars.copy_context()
        thread = threading.Thread(target=lambda: variables.run(asyncio.run, elsewhere()))
        thread.start()
        await asyncio.to_thread(thread.join)
    assert answers == ["1"]


# --- errors that nobody reads, and hooks ---


async def test_an_error_that_nobody_reads_is_logged_once_with_the_chain_of_names(logged: list[str]) -> None:
    async def inner() -> None:
        raise ValueError("no")

    async def middle() -> None:
        Promise(inner, name="inner")
        await settle()

    async def outer() -> None:
        await Promise(middle, name="middle")

    async with PromisingContext():
        Promise(outer, name="outer")
    gc.collect()
    assert logged == [
        "an error that nobody has read, in 'inner', called by 'middle', called by 'outer': ValueError('no')"
    ]


async def test_an_error_that_many_promises_hand_on_is_logged_once(logged: list[str]) -> None:
    async def fails() -> int:
        raise ValueError("no")

    async with PromisingContext():
        source = Promise(fails, name="source")
        derived = [source.map(str).map(len) for _ in range(3)]
        stream = StreamedPromise.of([1]).chain(StreamedPromise.of([2]).map_pieces(lambda number: 1 // (number - 2)))
    del source, derived, stream
    gc.collect()
    assert sorted(line.rpartition(": ")[2] for line in logged) == [
        "ValueError('no')",
        "ZeroDivisionError('integer division or modulo by zero')",
    ]


@pytest.mark.parametrize("reader", ["first", "second", "last", "the source before", "the source after"])
async def test_an_error_that_is_read_anywhere_is_not_logged(reader: str, logged: list[str]) -> None:
    gate = asyncio.Event()

    async def fails() -> int:
        await gate.wait()
        raise ValueError("no")

    async with PromisingContext():
        source = Promise(fails)
        early = asyncio.ensure_future(source._settled()) if reader == "the source before" else None
        reading = asyncio.create_task(read_error(source)) if reader == "the source before" else None
        if reading is not None:
            await settle()
        branches = [source.map(str).tap(print) for _ in range(3)]
        gate.set()
        if early is not None and reading is not None:
            await early
            await reading
        await settle()
        if reader == "the source after":
            await read_error(source)
        elif reading is None:
            await read_error(branches[["first", "second", "last"].index(reader)])
    del source, branches
    gc.collect()
    assert not logged


async def test_an_error_that_a_sequence_has_taken_over_is_owed_by_the_sequence_alone(logged: list[str]) -> None:
    async with PromisingContext():
        sequence = FlatSequence[int](lambda item: item if isinstance(item, int) else NotImplemented)
        with StreamAppender[int]() as appender:
            appender.fail(ValueError("no"))
        sequence.put(appender.promise)
        sequence.close()
        del appender
        await settle()
        gc.collect()  # nothing is left of the stream that was put in
        assert not logged
        await read_error(sequence.promise)
    assert not logged


async def read_error(promise: Promise[object]) -> None:
    with pytest.raises(ValueError, match="no"):
        await promise


async def test_an_exception_that_is_raised_anew_is_logged_anew(logged: list[str]) -> None:
    error = ValueError("no")

    async def fails() -> None:
        raise error

    async with PromisingContext():
        await read_error(Promise(fails))
        Promise(fails, name="second time")
    assert logged == ["an error that nobody has read, in 'second time': ValueError('no')"]


async def test_a_dropped_error_is_logged_before_the_context_ends(logged: list[str]) -> None:
    async with PromisingContext():
        Promise.failed(ValueError("no"))
        gc.collect()
        assert logged == ["an error that nobody has read, in 'failed': ValueError('no')"]
    assert len(logged) == 1


async def test_an_error_that_is_still_held_is_logged_when_the_context_ends(logged: list[str]) -> None:
    async def fails() -> None:
        raise ValueError("no")

    async with PromisingContext():
        held = Promise(fails, name="held")
    assert logged == ["an error that nobody has read, in 'held': ValueError('no')"]
    assert held.done()


async def test_cancellations_are_not_logged(logged: list[str]) -> None:
    async with PromisingContext():
        work = Work()
        promise = Promise(work)
        derived = [promise.map(str), promise.then(lambda _: asyncio.sleep(0))]
        await work.started.wait()
        promise.cancel()
        del promise, derived
    gc.collect()
    assert not logged


async def test_an_error_while_being_cancelled_is_logged(logged: list[str]) -> None:
    running = asyncio.Event()

    async def bad_end() -> None:
        running.set()
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("bad end")

    async with PromisingContext():
        promise = Promise(bad_end, name="work")
        await running.wait()
        promise.cancel()
        with pytest.raises(PromiseCancelledError):
            await promise
    assert logged == ["an error that nobody has read, in 'work': ValueError('bad end')"]


async def test_hooks_see_each_promise_and_its_result_and_not_what_hooks_make() -> None:
    seen: list[tuple[str, object]] = []

    async def hook(promise: Promise[object], result: object) -> None:
        seen.append((promise.name, result))
        await Promise(lambda: asyncio.sleep(0, 1), name="of the hook")

    async def fails() -> None:
        raise ValueError("no")

    async with PromisingContext(on_promise_resolved=[hook, hook]):
        promise = Promise(lambda: asyncio.sleep(0, 1), name="one")
        await promise.map(str)
        failing = Promise(fails)
        await read_error(failing)
    assert sorted(seen) == [("one", 1), ("one", 1), ("one.map", "1"), ("one.map", "1")]


async def test_an_error_of_a_hook_is_logged_and_raised_where_the_context_is_left(logged: list[str]) -> None:
    async def hook(_: Promise[object], __: object) -> None:
        raise ValueError("bad hook")

    with pytest.raises(ValueError, match="bad hook"):
        async with PromisingContext(on_promise_resolved=hook):
            assert await Promise(lambda: asyncio.sleep(0, 1), name="one") == 1
    assert logged == ["on_promise_resolved failed for 'one': ValueError('bad hook')"]
