"""P12: a context is a place. Any task of its loop enters it, and contexts inside it end with it."""

import asyncio
import contextvars
import re
import threading
from collections.abc import Callable

import pytest

from miniagents.promising import (
    AppenderAbandonedError,
    ContextStateError,
    NoActiveContextError,
    Promise,
    PromiseCancelledError,
    PromisingContext,
    StreamAppender,
    TaskAbandonedWarning,
)

pytestmark = pytest.mark.virtual_clock


def promise_of(number: int, seconds: float = 0.01) -> Promise[int]:
    return Promise(lambda: asyncio.sleep(seconds, number), start_asap=True)


async def outside(context: PromisingContext, opened: asyncio.Event, work: Callable[[], Promise[int]]) -> int:
    """What a task does that was started before the context was opened."""
    await opened.wait()
    with pytest.raises(NoActiveContextError):
        work()
    with context.entered():
        assert PromisingContext.current() is context
        promise = work()
    with pytest.raises(NoActiveContextError):
        PromisingContext.current()
    return await promise


# --- entering ---


async def test_p12_tasks_that_know_nothing_of_a_context_enter_it_at_the_same_time() -> None:
    context, opened = PromisingContext(), asyncio.Event()
    tasks = [asyncio.create_task(outside(context, opened, lambda: promise_of(3))) for _ in range(20)]
    async with context:
        opened.set()
        assert await asyncio.gather(*tasks) == [3] * 20


async def test_p12_leaving_the_context_waits_for_what_was_started_by_a_task_that_entered_it() -> None:
    promises: list[Promise[int]] = []
    context, opened = PromisingContext(), asyncio.Event()

    async def request() -> None:
        await opened.wait()
        with context.entered():
            promises.append(promise_of(1, seconds=5))

    task = asyncio.create_task(request())
    async with context:
        opened.set()
        await task
        assert not promises[0].done()
    assert promises[0].done()


async def test_p12_entering_nests_and_each_block_restores_what_was_before_it() -> None:
    async with PromisingContext() as outer:
        async with PromisingContext(parent=outer) as inner:
            with outer.entered() as entered:
                assert entered is outer
                with inner.entered(), inner.entered():
                    assert PromisingContext.current() is inner
                assert PromisingContext.current() is outer
            assert PromisingContext.current() is inner
        assert PromisingContext.current() is outer


async def test_p12_a_block_whose_ends_are_in_different_tasks_does_no_harm() -> None:
    async with PromisingContext() as context:
        block = context.entered()
        await asyncio.create_task(asyncio.to_thread(lambda: None))
        variables = contextvars.copy_context()
        variables.run(block.__enter__)
        block.__exit__(None, None, None)
        assert PromisingContext.current() is context


async def test_p12_one_block_is_entered_by_one_task_at_a_time() -> None:
    async with PromisingContext() as outer, PromisingContext() as inner:
        block = outer.entered()
        for _ in range(2):
            with block:
                with pytest.raises(ContextStateError, match=r"call `context.entered\(\)` once for each"), block:
                    raise AssertionError("it was entered")
                assert PromisingContext.current() is outer
            assert PromisingContext.current() is inner


async def test_p12_a_context_is_entered_while_it_closes() -> None:
    async def late(context: PromisingContext) -> int:
        await asyncio.sleep(1)
        with context.entered():
            return await promise_of(7)

    context = PromisingContext()
    task = asyncio.create_task(late(context))
    async with context:
        Promise(lambda: asyncio.sleep(2), name="busy")
    assert await task == 7


async def test_p12_only_an_open_context_is_entered() -> None:
    context = PromisingContext()
    with (
        pytest.raises(ContextStateError, match="is new: only one that is open can be entered; open it first"),
        context.entered(),
    ):
        raise AssertionError("it was entered")
    async with context:
        pass
    with (
        pytest.raises(ContextStateError, match="is closed: only one that is open can be entered; make a new one"),
        context.entered(),
    ):
        raise AssertionError("it was entered")


async def test_p12_a_context_is_entered_in_its_own_loop_only() -> None:
    refusals: list[str] = []

    async def elsewhere() -> None:
        with pytest.raises(ContextStateError) as raised, context.entered():
            raise AssertionError("it was entered")
        refusals.append(str(raised.value))

    def without_loop() -> None:
        with pytest.raises(ContextStateError) as raised, context.entered():
            raise AssertionError("it was entered")
        refusals.append(str(raised.value))

    async with PromisingContext() as context:
        for function in (lambda: asyncio.run(elsewhere()), without_loop):
            thread = threading.Thread(target=function)
            thread.start()
            await asyncio.to_thread(thread.join)
    assert "is one of another event loop; write `await asyncio.wrap_future(context.from_thread(" in refusals[0]
    assert "call `context.from_thread(function, …)`" in refusals[1]


# --- what an error says ---


async def test_p12_where_no_context_is_active_the_error_names_those_that_are_open() -> None:
    texts: list[str] = []

    def ask() -> None:
        for make in (PromisingContext.current, StreamAppender[int]):
            with pytest.raises(NoActiveContextError) as raised:
                make()
            texts.append(str(raised.value))

    opened, over = asyncio.Event(), asyncio.Event()

    async def lifespan() -> None:
        async with PromisingContext():
            opened.set()
            await over.wait()

    task = asyncio.create_task(lifespan())
    await opened.wait()
    ask()
    thread = threading.Thread(target=ask)
    thread.start()
    await asyncio.to_thread(thread.join)
    over.set()
    await task
    ask()
    for text in texts[:4]:
        assert re.search(rf"the PromisingContext of {re.escape(__file__)}:\d+", text)
    for text in texts[:2]:
        assert "; open in this loop: " in text
        assert "enter it with `with context.entered():`" in text
    for text in texts[2:4]:
        assert "; open in another thread or loop: " in text
        assert "call `context.from_thread(function, …)`" in text
    for text in texts[4:]:
        assert "open in" not in text


# --- a context inside another one ---


async def test_p12_leaving_waits_for_a_context_inside_that_another_task_leaves() -> None:
    events: list[str] = []

    async def request(outer: PromisingContext) -> None:
        async with PromisingContext(parent=outer):
            await asyncio.sleep(5)
            events.append("inner")

    async with PromisingContext() as outer:
        task = asyncio.create_task(request(outer))
        await asyncio.sleep(0)
    events.append("outer")
    await task
    assert events == ["inner", "outer"]


@pytest.mark.parametrize("opener", ["a task that has ended", "the task of the outer one"])
async def test_p12_leaving_ends_a_context_inside_that_nobody_leaves(opener: str) -> None:
    promises: list[Promise[int]] = []
    inner = PromisingContext()

    async def activate() -> None:
        inner.activate()
        promises.append(promise_of(1, seconds=5))

    async with PromisingContext() as outer:
        if opener == "the task of the outer one":
            await activate()
            with outer.entered():
                pass
        else:
            await asyncio.create_task(activate())
    assert await promises[0] == 1
    with pytest.raises(ContextStateError, match="closed"):
        inner.open_loop("late")
    await inner.afinalize()  # who opened it may still say so


async def test_p12_leaving_ends_a_context_inside_when_the_task_that_opened_it_ends() -> None:
    inner = PromisingContext()

    async def activate() -> None:
        inner.activate()
        await asyncio.sleep(5)

    async with PromisingContext():
        task = asyncio.create_task(activate())
        await asyncio.sleep(0)
    assert task.done()
    with pytest.raises(ContextStateError, match="closed"):
        inner.open_loop("late")


@pytest.mark.parametrize("is_closing", [False, True])
async def test_p8_leaving_by_an_error_cancels_the_work_of_contexts_inside(is_closing: bool) -> None:
    promises: list[Promise[int]] = []
    ends: list[str] = []

    async def request(outer: PromisingContext) -> None:
        async with PromisingContext(parent=outer):
            promises.append(promise_of(1, seconds=3600))
            if not is_closing:
                with pytest.raises(PromiseCancelledError):
                    await promises[0]
                await asyncio.sleep(1)
                with pytest.raises(ContextStateError, match="is closed"):
                    promise_of(2)
                ends.append("read")

    outer = PromisingContext()
    tasks: list[asyncio.Task[None]] = []
    with pytest.raises(ValueError, match="stop"):
        async with outer:
            tasks.append(asyncio.create_task(request(outer)))
            await asyncio.sleep(1)
            raise ValueError("stop")
    await asyncio.wait(tasks)
    assert tasks[0].cancelled() == is_closing
    assert ends == ([] if is_closing else ["read"])
    with pytest.raises(PromiseCancelledError):
        await promises[0]
    assert not outer.tasks


async def test_p8_a_context_inside_whose_work_does_not_stop_is_given_up_and_the_outer_one_ends() -> None:
    gate = asyncio.Event()

    async def stubborn() -> None:
        while not gate.is_set():
            try:
                await gate.wait()
            except asyncio.CancelledError:
                continue

    async def request(outer: PromisingContext) -> None:
        async with PromisingContext(parent=outer, shutdown_timeout=2):
            Promise(stubborn, name="stubborn")
            await asyncio.sleep(3600)

    async def serve() -> None:
        async with PromisingContext(shutdown_timeout=1) as outer:
            tasks.append(asyncio.create_task(request(outer)))
            await asyncio.sleep(1)
            raise ValueError("stop")

    tasks: list[asyncio.Task[None]] = []
    with pytest.warns(TaskAbandonedWarning, match="'stubborn' did not stop within 2 s"):
        assert isinstance((await asyncio.gather(serve(), return_exceptions=True))[0], ValueError)
    gate.set()
    tasks[0].cancel()
    await asyncio.wait(tasks)


@pytest.mark.leaves_errors_unread
async def test_p7_a_worker_that_waits_for_ever_inside_a_context_of_its_own_ends_with_the_outer_one() -> None:
    async def worker() -> None:
        async with PromisingContext():
            await appender.promise

    async with PromisingContext():
        appender = StreamAppender[int](name="never closed")
        promise = Promise(worker, start_asap=True)
    with pytest.raises(AppenderAbandonedError):
        await promise


async def test_p12_the_outer_context_has_to_be_open_in_the_same_loop() -> None:
    outer = PromisingContext()
    with pytest.raises(ContextStateError, match="its PromisingContext is new"):
        PromisingContext(parent=outer).activate()
    raised: list[BaseException] = []

    async def elsewhere() -> None:
        try:
            PromisingContext(parent=outer).activate()
        except ContextStateError as error:
            raised.append(error)

    async with outer:
        await asyncio.to_thread(asyncio.run, elsewhere())
    assert "one of another event loop" in str(raised[0])
    with pytest.raises(ContextStateError, match="its PromisingContext is closed"):
        PromisingContext(parent=outer).activate()


async def test_p12_hooks_of_the_outer_context_see_the_promises_of_the_inner_one_before_its_own() -> None:
    seen: list[tuple[str, object]] = []

    async def outer_hook(_: Promise[object], result: object) -> None:
        seen.append(("outer", result))

    async def inner_hook(_: Promise[object], result: object) -> None:
        seen.append(("inner", result))

    async with PromisingContext(on_promise_resolved=outer_hook) as outer:
        async with PromisingContext(on_promise_resolved=inner_hook):
            promise_of(1)
        assert seen == [("outer", 1), ("inner", 1)]
        with outer.entered():
            promise_of(2)
    assert seen[2:] == [("outer", 2)]


# --- on_leave ---


async def test_p8_leaving_cancels_what_still_runs_where_the_context_is_told_to() -> None:
    async with PromisingContext(on_leave="cancel"):
        done, slow = promise_of(1), promise_of(2, seconds=3600)
        assert await done == 1
    assert await done == 1
    with pytest.raises(PromiseCancelledError):
        await slow


async def test_a_context_is_told_what_to_do_where_it_is_left_in_one_of_two_ways() -> None:
    with pytest.raises(ValueError, match='on_leave=\'stop\': write "wait" or "cancel"'):
        PromisingContext(on_leave="stop")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
