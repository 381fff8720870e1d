"""P7: no circle is claimed while others hold the means to end it, and a real one still is."""

from __future__ import annotations

import asyncio
import gc
import logging
import queue
import threading
import weakref
from collections.abc import Callable
from functools import partial
from typing import Final

import pytest

from miniagents import InteractionContext, Message, MessageSequencePromise, MiniAgents, PromiseDeadlockError, miniagent
from miniagents.promising.core import watch
from miniagents.promising.core.holders import holders_of, holders_of_streams

Replies = MessageSequencePromise[Message]
Hold = Callable[[InteractionContext], object]

LATER: Final = 0.3
"""Seconds after which somebody else replies: many looks at who waits for whom."""


def agent_that_waits_for_its_own_reply(hold: Hold, own: list[Replies]) -> Callable[[], Replies]:
    @miniagent
    async def waiting(ctx: InteractionContext) -> None:
        hold(ctx)
        del ctx  # what is left is in other hands
        await anext(aiter(own[0]))

    def ask() -> Replies:
        own.append(waiting.inquire())
        return own[0]

    return ask


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    kept.clear()
    own_of_waiting.clear()


# --- who may hold the call ---


def timer_with_a_closure(ctx: InteractionContext) -> None:
    asyncio.get_running_loop().call_later(LATER, lambda: ctx.reply("late"))


def timer_with_a_method(ctx: InteractionContext) -> None:
    asyncio.get_running_loop().call_later(LATER, ctx.reply, "late")


def timer_with_a_partial_in_a_list(ctx: InteractionContext) -> None:
    calls = [partial(ctx.reply, "late")]
    asyncio.get_running_loop().call_later(LATER, lambda: [call() for call in calls])


def callback_of_a_future(ctx: InteractionContext) -> None:
    future = asyncio.get_running_loop().create_future()
    future.add_done_callback(lambda _: ctx.reply("late"))
    asyncio.get_running_loop().call_later(LATER, future.set_result, None)


def thread_with_a_local(ctx: InteractionContext) -> None:
    def work(held: InteractionContext) -> None:
        threading.Event().wait(LATER)
        held.reply("late")

    threading.Thread(target=work, args=(ctx,)).start()


def thread_of_an_executor(ctx: InteractionContext) -> None:
    def work(held: InteractionContext) -> None:
        threading.Event().wait(LATER)
        held.reply("late")

    asyncio.get_running_loop().run_in_executor(None, work, ctx)


def timer_of_threading(ctx: InteractionContext) -> None:
    threading.Timer(LATER, ctx.reply, ("late",)).start()


def thread_with_a_queue(ctx: InteractionContext) -> None:
    handed: queue.SimpleQueue[InteractionContext] = queue.SimpleQueue()

    def work() -> None:
        threading.Event().wait(LATER)
        handed.get().reply("late")

    threading.Thread(target=work).start()
    handed.put(ctx)


class Desk:
    """Holds a call in an attribute."""

    def __init__(self, ctx: InteractionContext) -> None:
        self.ctx = ctx

    async def work(self) -> None:
        await asyncio.sleep(LATER)
        self.ctx.reply("late")


kept: list[object] = []
in_a_module: list[InteractionContext] = []


def task_of_an_object(ctx: InteractionContext) -> None:
    kept.append(asyncio.create_task(Desk(ctx).work()))


HOLDS: Final[list[Hold]] = [
    timer_with_a_closure,
    timer_with_a_method,
    timer_with_a_partial_in_a_list,
    callback_of_a_future,
    thread_with_a_local,
    thread_of_an_executor,
    timer_of_threading,
    thread_with_a_queue,
    task_of_an_object,
]


@pytest.mark.parametrize("hold", HOLDS)
@pytest.mark.parametrize("leaves", [False, True], ids=["read", "left"])
def test_p7_an_agent_waits_for_its_own_reply_that_somebody_else_will_give(hold: Hold, leaves: bool) -> None:
    async def main() -> None:
        async with MiniAgents():
            replies = agent_that_waits_for_its_own_reply(hold, [])()
            if not leaves:
                assert [message.text for message in await replies] == ["late"]
        assert [message.text for message in await replies] == ["late"]

    asyncio.run(main())


def test_p7_a_worker_that_was_started_before_replies() -> None:
    async def main() -> None:
        calls: asyncio.Queue[InteractionContext] = asyncio.Queue()

        async def worker() -> None:
            ctx = await calls.get()
            await asyncio.sleep(LATER)
            ctx.reply("late")

        working = asyncio.create_task(worker())
        async with MiniAgents():
            replies = agent_that_waits_for_its_own_reply(calls.put_nowait, [])()
            assert [message.text for message in await replies] == ["late"]
        await working

    asyncio.run(main())


def test_p7_a_call_in_a_module_may_be_answered_by_any_code() -> None:
    async def main() -> None:
        async with MiniAgents():
            replies = agent_that_waits_for_its_own_reply(in_a_module.append, [])()
            await asyncio.sleep(LATER)
            in_a_module.pop().reply("late")
            assert [message.text for message in await replies] == ["late"]

    asyncio.run(main())


def test_p7_code_that_finds_the_call_by_itself_replies() -> None:
    async def main() -> None:
        async def later() -> None:
            await asyncio.sleep(LATER)
            InteractionContext.current().reply("late")

        def hold(_: InteractionContext) -> None:
            kept.append(asyncio.create_task(later()))

        async with MiniAgents():
            replies = agent_that_waits_for_its_own_reply(hold, [])()
            assert [message.text for message in await replies] == ["late"]

    asyncio.run(main())


# --- who holds nothing ---


def a_cancelled_timer(ctx: InteractionContext) -> None:
    asyncio.get_running_loop().call_later(100, lambda: ctx.reply("late")).cancel()


def a_timer_of_something_else(_: InteractionContext) -> None:
    asyncio.get_running_loop().call_later(100, lambda: None)


def an_object_of_its_own(ctx: InteractionContext) -> None:
    desk = Desk(ctx)
    desk.ctx.reply  # noqa: B018
    vars(desk)["self"] = desk


def a_finished_task(ctx: InteractionContext) -> None:
    async def work() -> None:
        assert ctx.this_agent.alias == "waiting"

    kept.append(asyncio.create_task(work()))


def a_task_that_waits_for_the_same(_: InteractionContext) -> None:
    async def work() -> None:
        with pytest.raises(PromiseDeadlockError):
            await own_of_waiting[0]

    kept.append(asyncio.create_task(work()))


own_of_waiting: list[Replies] = []


@pytest.mark.parametrize(
    "hold",
    [
        a_cancelled_timer,
        a_timer_of_something_else,
        an_object_of_its_own,
        a_finished_task,
        a_task_that_waits_for_the_same,
    ],
)
def test_p7_a_circle_that_nobody_else_can_end_is_told(hold: Hold) -> None:
    async def main() -> None:
        async with MiniAgents():
            replies = agent_that_waits_for_its_own_reply(hold, own_of_waiting)()
            with pytest.raises(PromiseDeadlockError, match="'waiting' waits for itself"):
                await replies
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())


@pytest.mark.virtual_clock
async def test_p7_a_circle_is_told_after_the_last_holder_has_left_without_a_reply() -> None:
    def hold(ctx: InteractionContext) -> None:
        asyncio.get_running_loop().call_later(LATER, lambda: ctx.this_agent)

    async with MiniAgents():
        began = asyncio.get_running_loop().time()
        replies = agent_that_waits_for_its_own_reply(hold, [])()
        with pytest.raises(PromiseDeadlockError):
            await replies
        assert LATER <= asyncio.get_running_loop().time() - began <= 3 * LATER


@pytest.mark.virtual_clock
async def test_p7_no_circle_is_claimed_if_the_search_takes_too_long_and_a_warning_tells_of_the_wait(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As in a process with many millions of objects."""
    monkeypatch.setattr(watch, "_SEARCH_LOOKS", 0)
    caplog.set_level(logging.WARNING, "miniagents")
    async with MiniAgents():
        replies = agent_that_waits_for_its_own_reply(lambda _: None, [])()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(replies, 30)
        replies.cancel()
    assert len(caplog.messages) == 1
    assert "has made no progress for" in caplog.messages[0]
    assert "agent 'waiting' waits for 'waiting'" in caplog.messages[0]


def test_p7_nothing_is_searched_in_the_pause_after_a_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first step of a search looks at all objects."""
    walks = 0
    get_referrers = gc.get_referrers

    def counted(*things: object) -> list[object]:
        nonlocal walks
        walks += 1
        return get_referrers(*things)

    monkeypatch.setattr(gc, "get_referrers", counted)
    assert holders_of_streams(set()) == {}
    assert walks == 0


def test_p7_the_search_for_holders_leaves_nothing_to_the_collector() -> None:
    async def main() -> None:
        held = Desk(MiniAgents())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # any object will do
        left = weakref.ref(held)
        assert holders_of({"desk": [held]})["desk"].tasks == {asyncio.current_task()}
        del held
        assert left() is None

    gc.collect()
    gc.disable()
    try:
        asyncio.run(main())
    finally:
        gc.enable()
