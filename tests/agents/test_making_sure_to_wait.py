"""A3, A5, P5, P7: the replies end when the work that an agent makes sure to wait for has ended, with its errors."""

from __future__ import annotations

import asyncio
import gc
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, strategies

from miniagents import (
    AppenderClosedError,
    ErrorMessage,
    InteractionContext,
    Message,
    MessageSequencePromise,
    MiniAgents,
    Promise,
    PromiseCancelledError,
    PromiseDeadlockError,
    miniagent,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


def texts(messages: Sequence[Message]) -> list[str | None]:
    return [message.text for message in messages]


def test_readers_of_the_reply_wait_for_the_work() -> None:
    async def main() -> None:
        may_end = asyncio.Event()
        done: list[str] = []

        @miniagent
        async def agent(ctx: InteractionContext) -> None:
            async def work() -> None:
                await may_end.wait()
                done.append("work")

            ctx.make_sure_to_wait(work())
            ctx.reply("there")

        replies = agent.inquire()
        messages = aiter(replies)
        assert (await (await anext(messages))).text == "there"
        end = asyncio.ensure_future(anext(messages, None))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not end.done(), "what was replied can be read, and the end has not come"
        assert not done
        may_end.set()
        assert await end is None
        assert done == ["work"]

    MiniAgents().run(main())


@pytest.mark.parametrize("start_asap", [True, False])
def test_an_error_of_the_work_is_raised_where_the_reply_is_read(start_asap: bool) -> None:
    @miniagent
    async def failing(ctx: InteractionContext) -> None:
        ctx.reply("before")
        raise ValueError("no")

    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        ctx.make_sure_to_wait(failing.inquire())
        ctx.reply("there")

    async def main() -> None:
        replies = agent.inquire()
        with pytest.raises(ValueError, match=r"^no\nin agent 'failing', called by 'agent'\npassed on by 'agent'$"):
            await replies
        recovered = replies.recover_messages(lambda error: Message(f"! {error}"))
        assert texts(await recovered) == ["there", "! no"]

    MiniAgents(start_asap=start_asap).run(main())  # and nothing is raised here


def test_a_cancelled_work_is_an_error_of_the_reply_since_it_was_never_done() -> None:
    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        endless = Promise(asyncio.Event().wait)
        ctx.make_sure_to_wait(endless)
        await asyncio.sleep(0)
        endless.cancel()

    async def main() -> None:
        with pytest.raises(PromiseCancelledError):
            await agent.inquire()

    MiniAgents().run(main())


def test_an_error_of_the_work_can_be_a_message() -> None:
    async def fail() -> None:
        raise ValueError("no")

    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        ctx.make_sure_to_wait(fail())

    async def main() -> None:
        (message,) = await agent.inquire()
        assert isinstance(message, ErrorMessage)
        assert message.text == "ValueError: no"

    MiniAgents(errors_as_messages=True).run(main())


def test_cancelling_the_call_cancels_the_work() -> None:
    ended: list[str] = []

    async def endless(ctx: InteractionContext) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("work")
            with pytest.raises(PromiseCancelledError):
                ctx.make_sure_to_wait(asyncio.sleep(0))

    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        ctx.make_sure_to_wait(endless(ctx))
        ctx.reply("there")

    async def main() -> None:
        replies = agent.inquire()
        await anext(aiter(replies))
        await asyncio.sleep(0)
        assert replies.cancel()
        with pytest.raises(PromiseCancelledError):
            await replies

    MiniAgents().run(main())
    assert ended == ["work"]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("waiter", ["make_sure_to_wait", "in_background"])
def test_work_that_is_cancelled_before_it_has_begun_does_not_complain(waiter: str) -> None:
    begun: list[str] = []

    async def work() -> None:
        begun.append("work")

    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        getattr(ctx, waiter)(work())
        calls[0].cancel()

    async def main() -> None:
        calls.append(agent.inquire())
        with pytest.raises(PromiseCancelledError):
            await calls[0]

    calls: list[MessageSequencePromise[Message]] = []
    MiniAgents().run(main())
    gc.collect()  # a coroutine that nobody has awaited warns when it is freed
    assert not begun


def test_the_work_can_reply_and_make_sure_of_more_until_the_replies_end() -> None:
    kept: list[InteractionContext] = []

    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        async def more(depth: int) -> None:
            await asyncio.sleep(0)
            ctx.reply(str(depth))
            if depth:
                ctx.make_sure_to_wait(more(depth - 1))

        kept.append(ctx)
        ctx.make_sure_to_wait(more(3))

    async def main() -> None:
        assert texts(await agent.inquire()) == ["3", "2", "1", "0"]
        with pytest.raises(AppenderClosedError):
            kept[0].make_sure_to_wait(asyncio.sleep(0))  # and no coroutine complains that it was never awaited

    MiniAgents().run(main())


def test_work_that_waits_for_its_own_reply_is_a_circle() -> None:
    own: list[MessageSequencePromise[Message]] = []

    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        ctx.make_sure_to_wait(own[0])

    async def main() -> None:
        own.append(agent.inquire())
        with pytest.raises(PromiseDeadlockError, match="agent"):
            await own[0]

    MiniAgents().run(main())


def test_after_the_replies_have_ended_early_leaving_the_context_raises_errors_of_the_work() -> None:
    async def main() -> None:
        may_fail = asyncio.Event()

        async def fail() -> None:
            await may_fail.wait()
            raise ValueError("late")

        @miniagent
        async def agent(ctx: InteractionContext) -> None:
            ctx.make_sure_to_wait(fail())
            ctx.reply("there")
            ctx.finish_early()

        assert texts(await agent.inquire()) == ["there"]
        may_fail.set()

    with pytest.raises(ValueError, match=r"^late\nin agent 'agent'$"):
        MiniAgents().run(main())


def test_work_for_another_agent_belongs_to_the_call_of_that_agent() -> None:
    """P7: neither of the two calls owns the other; asking where an error comes from ended in an endless circle."""

    @miniagent
    async def inner(_: InteractionContext, outer_ctx: InteractionContext) -> None:
        async def work() -> None:
            await asyncio.sleep(0)
            raise KeyError("work")

        outer_ctx.make_sure_to_wait(work())

    @miniagent
    async def outer(ctx: InteractionContext) -> None:
        await inner.inquire(None, ctx)
        ctx.reply("there")

    async def main() -> None:
        replies = outer.inquire()
        with pytest.raises(KeyError, match="work"):
            await replies

    MiniAgents().run(main())


@given(
    steps=strategies.lists(
        strategies.tuples(strategies.integers(0, 4), strategies.sampled_from(["reply", "raise", "done"])), max_size=5
    ),
    body_fails=strategies.booleans(),
)
def test_the_reply_has_everything_that_comes_of_any_works_and_its_agent(
    steps: list[tuple[int, str]], body_fails: bool
) -> None:
    """The law: nothing of any work is missing behind the end of the reply, and nothing comes after it."""
    done: list[int] = []

    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        async def work(number: int, turns: int, what: str) -> None:
            for _ in range(turns):
                await asyncio.sleep(0)
            done.append(number)
            if what == "reply":
                ctx.reply(str(number))
            elif what == "raise":
                raise ValueError(str(number))

        for number, (turns, what) in enumerate(steps):
            ctx.make_sure_to_wait(work(number, turns, what))
        if body_fails:
            raise ValueError("body")

    async def main() -> None:
        replies = agent.inquire().recover_messages(lambda error: Message(f"! {error}"))
        said = texts(await replies)
        assert sorted(done) == list(range(len(steps)))
        expected = [str(n) if what == "reply" else f"! {n}" for n, (_, what) in enumerate(steps) if what != "done"]
        assert sorted(map(str, said)) == sorted([*expected, *(["! body"] if body_fails else [])])

    MiniAgents().run(main())


def test_another_thread_can_have_the_reply_wait_for_work() -> None:
    """P11: it takes effect at once."""
    done: list[str] = []

    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        async def work() -> None:
            await asyncio.sleep(0)
            done.append("work")
            ctx.reply("from the work")

        await asyncio.to_thread(lambda: ctx.make_sure_to_wait(work()))

    async def main() -> None:
        assert texts(await agent.inquire()) == ["from the work"]
        assert done == ["work"]

    MiniAgents().run(main())


@pytest.mark.parametrize("method", ["make_sure_to_wait", "in_background"])
def test_work_that_cannot_be_awaited_is_refused_where_it_is_given(method: str) -> None:
    async def work() -> None: ...

    given: dict[str, Any] = {  # Any: checkers refuse all of them
        "5 cannot be awaited: give a coroutine, a promise or a task": 5,
        "cannot be awaited: call it: work()": work,
        "cannot be awaited: write other.inquire(…)": other,
    }

    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        for text, mistake in given.items():
            with pytest.raises(TypeError, match=re.escape(text)):
                getattr(ctx, method)(mistake)
        ctx.reply("refused")

    async def main() -> None:
        async with MiniAgents():
            assert texts(await agent.inquire()) == ["refused"]

    asyncio.run(main())


@miniagent
async def other(ctx: InteractionContext) -> None:
    ctx.reply(ctx.messages)
