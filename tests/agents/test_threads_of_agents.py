"""P11 for calls of agents: replies and messages that come from other threads."""

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable

import pytest

from miniagents import (
    AgentCall,
    AppenderClosedError,
    InteractionContext,
    Message,
    MessageType,
    MiniAgents,
    PromiseCancelledError,
    miniagent,
)
from miniagents.promising.core import watch


@pytest.fixture(autouse=True)
def nothing_else_wakes_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_FIRST_SWEEP", 100_000.0)
    monkeypatch.setattr(watch, "_LAST_SWEEP", 100_000.0)


@pytest.fixture(params=[False, True], ids=["", "debug"], autouse=True)
def debug(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param:
        monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")


class Number(Message, frozen=True, kw_only=True, tag="threads.Number"):
    number: int


def started(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


async def test_p11_an_agent_replies_from_a_thread() -> None:
    errors: list[Exception] = []

    @miniagent
    async def agent(ctx: InteractionContext[Message, Message]) -> None:
        over = asyncio.Event()
        loop = asyncio.get_running_loop()
        given: list[MessageType[Message]] = ["b", ["c", Number(number=1)]]

        def work() -> None:
            ctx.reply("a")
            ctx.reply(given)
            given.clear()  # it is taken as it was
            ctx.reply(ctx.messages)
            ctx.reply_out_of_order("anywhere")
            try:
                ctx.reply(object())  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
            except TypeError as error:
                errors.append(error)
            ctx.finish_early()
            try:
                ctx.reply("late")
            except AppenderClosedError as error:
                errors.append(error)
            loop.call_soon_threadsafe(over.set)

        thread = started(work)
        await over.wait()
        thread.join()

    async with MiniAgents():
        replies = [str(message) for message in await agent.inquire(["x", "y"])]
        replies.remove("anywhere")
        assert replies[:2] == ["a", "b"]
        assert replies[4:] == ["x", "y"]
        assert len(replies) == 6
    assert "agent 'agent': reply: got object, which is no message" in str(errors[0])
    assert "'agent' is closed: nothing can be added to it" in str(errors[1])


async def test_p11_a_promise_of_a_wrong_message_is_an_error_in_its_place() -> None:
    @miniagent
    async def number(ctx: InteractionContext) -> None:
        ctx.reply(Number(number=1))

    @miniagent
    async def strings(ctx: InteractionContext[Message, Number]) -> None:
        plain = asyncio.get_running_loop().run_in_executor
        text, right = miniagent(echo).inquire("x"), number.inquire()
        await plain(None, lambda: ctx.reply([right, text]))  # type: ignore[list-item]  # pyright: ignore[reportArgumentType, reportCallIssue, reportUnknownLambdaType]

    async with MiniAgents():
        replies = aiter(strings.inquire())
        assert await (await anext(replies)) == Number(number=1)
        with pytest.raises(TypeError, match="agent 'strings': reply: got Message where Number is declared"):
            await (await anext(replies))


async def echo(ctx: InteractionContext) -> None:
    ctx.reply(ctx.messages)


async def test_p11_messages_are_sent_from_a_thread() -> None:
    async with MiniAgents():
        call: AgentCall[Message, Message] = miniagent(echo).initiate_inquiry()

        def work() -> None:
            for number in range(100):
                call.send_message(str(number))
            call.finish()
            with pytest.raises(AppenderClosedError):
                call.send_message("late")

        replies = call._replies
        thread = started(work)
        assert [str(message) for message in await replies] == [str(number) for number in range(100)]
        await asyncio.to_thread(thread.join)


async def test_a5_a_call_is_cancelled_from_a_thread_with_what_it_started() -> None:
    ended: list[str] = []

    @miniagent
    async def inner(ctx: InteractionContext) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("inner")

    @miniagent
    async def outer(ctx: InteractionContext) -> None:
        await inner.inquire()

    async with MiniAgents():
        replies = outer.inquire()
        await asyncio.sleep(0.01)
        started(replies.cancel)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        with pytest.raises(PromiseCancelledError):
            await replies
    assert ended == ["inner"]


async def test_p11_agents_are_called_from_threads_of_agents_as_a_part_of_their_call() -> None:
    callers: list[tuple[str, ...]] = []

    @miniagent
    async def inner(ctx: InteractionContext) -> None:
        callers.append(tuple(agent.alias for agent in ctx.callers))
        ctx.reply(ctx.messages)

    @miniagent
    async def outer(ctx: InteractionContext) -> None:
        context = MiniAgents.current()

        def work() -> str:
            return str(context.from_thread(inner.inquire, "x").result()[0])

        ctx.reply(await asyncio.to_thread(work))

    async with MiniAgents():
        assert [str(message) for message in await outer.inquire()] == ["x"]
    assert callers == [("outer",)]


async def test_a_context_of_a_request_goes_when_it_is_left() -> None:
    """A server that opens one for each of its requests does not wait for the collector of garbage."""
    async with MiniAgents() as context:

        async def request() -> weakref.ref[MiniAgents]:
            async with MiniAgents(parent=context) as inner:
                assert [str(each) for each in await miniagent(echo).inquire("x")] == ["x"]
                return weakref.ref(inner)

        gc.collect()
        gc.disable()
        try:
            reference = await asyncio.create_task(request())
            await asyncio.sleep(0)
            assert reference() is None
        finally:
            gc.enable()
