"""P7 and P8: contexts in other loops, threads and tasks than the one that asks."""

import asyncio
import threading

import pytest

from miniagents.promising import (
    AppenderAbandonedError,
    ContextStateError,
    Promise,
    PromisingContext,
    StreamAppender,
)

pytestmark = pytest.mark.virtual_clock


async def test_p7_waiting_in_another_loop_fails_instead_of_hanging() -> None:
    raised: list[BaseException] = []

    async def wait_for(promise: Promise[object]) -> None:
        await promise

    def in_thread(promise: Promise[object]) -> None:
        try:
            asyncio.run(wait_for(promise))
        except ContextStateError as error:
            raised.append(error)

    async with PromisingContext():
        gate = asyncio.Event()
        pending = Promise(gate.wait, name="pending")
        await asyncio.sleep(0)
        thread = threading.Thread(target=in_thread, args=(pending,))
        thread.start()
        await asyncio.to_thread(thread.join)
        gate.set()
        assert await pending
    assert "'pending'" in str(raised[0])
    assert "another event loop" in str(raised[0])


async def test_p8_contexts_that_end_in_another_task_do_not_pile_up() -> None:
    async with PromisingContext() as outer:
        for _ in range(3):
            inner = PromisingContext().activate()
            assert inner.parent is outer
            assert PromisingContext.current() is inner
            await asyncio.create_task(inner.afinalize())
            assert PromisingContext.current() is outer


async def test_p8_without_an_open_context_the_one_that_was_ended_says_so() -> None:
    for _ in range(3):
        context = PromisingContext().activate()
        assert context.parent is None
        await asyncio.create_task(context.afinalize())
        with pytest.raises(ContextStateError, match="closed"):
            PromisingContext.current().open_loop("late")


async def test_p8_leaving_waits_for_a_plain_task_that_feeds_a_stream() -> None:
    async def feed(appender: StreamAppender[int]) -> None:
        for number in range(3):
            await asyncio.sleep(0.03)
            appender.append(number)
        appender.close()

    async with PromisingContext():
        appender = StreamAppender[int]()
        feeding = asyncio.create_task(feed(appender))
        whole = Promise(lambda: appender.promise)
    assert await whole == (0, 1, 2)
    await feeding


async def test_p8_leaving_ends_a_stream_once_the_plain_task_that_could_feed_it_has_ended(logged: list[str]) -> None:
    async with PromisingContext():
        appender = StreamAppender[int]()
        idle = asyncio.create_task(asyncio.sleep(0.5))
        reading = Promise(lambda: appender.promise)
        left = asyncio.get_running_loop().time()
    assert 0.4 < asyncio.get_running_loop().time() - left < 0.8
    assert len(logged) == 1
    with pytest.raises(AppenderAbandonedError):
        await reading
    await idle


async def test_p8_a_plain_task_that_waits_for_the_stream_itself_does_not_keep_it_open() -> None:
    async def read(promise: Promise[object]) -> None:
        with pytest.raises(AppenderAbandonedError):
            await promise

    async with PromisingContext():
        appender = StreamAppender[int]()
        waiting = asyncio.create_task(read(appender.promise))
        reading = Promise(lambda: appender.promise)
    with pytest.raises(AppenderAbandonedError):
        await reading
    await waiting


async def test_p7_a_shield_around_a_task_that_goes_on_is_no_circle() -> None:
    async with PromisingContext():
        first = Promise(lambda: asyncio.shield(asyncio.create_task(asyncio.sleep(0.05, "done"))))
        assert await first == "done"
