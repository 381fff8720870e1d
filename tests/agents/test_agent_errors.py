"""Errors of agents: raised where the reply is read, or else logged once, and nowhere lost."""

import asyncio
import gc
import logging
import traceback
from collections.abc import AsyncIterator
from typing import Any

import pytest

from miniagents import (
    EndLoop,
    ErrorMessage,
    InteractionContext,
    Message,
    MiniAgent,
    MiniAgents,
    Promise,
    StreamAppender,
    miniagent,
    stream_message,
)


@miniagent
async def failing(ctx: InteractionContext) -> None:
    ctx.reply("before")
    raise ValueError("no")


@miniagent
async def echo(ctx: InteractionContext) -> None:
    ctx.reply(ctx.messages)


# --- A3: raised where it is read ---


def test_a3_an_error_is_raised_where_the_reply_is_read(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        replies = failing.inquire()
        pieces = aiter(replies)
        assert (await (await anext(pieces))) == Message("before")
        with pytest.raises(ValueError, match=r"^no\nin agent 'failing'$"):
            await anext(pieces)
        with pytest.raises(StopAsyncIteration):
            await anext(pieces)
        with pytest.raises(ValueError, match=r"^no\nin agent 'failing'$"):
            await replies

    MiniAgents().run(main())
    assert not caplog.records


def test_a3_a_call_that_is_refused_is_an_error_there_and_is_not_reported_as_unfinished(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        wrong: Any = 3  # Any: the checkers refuse it
        for agent in (echo, echo >> echo):
            with pytest.raises(TypeError, match="messages: got int, which is no message"):
                agent.inquire(wrong)
            with pytest.raises(TypeError, match="messages: got int, which is no message"):
                agent.inquire(["a", wrong])

    MiniAgents().run(main())
    gc.collect()
    assert not caplog.records


def test_a3_an_error_goes_through_the_agents_that_pass_the_reply_on(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        with pytest.raises(ValueError, match=r"^no\nin agent 'failing'\npassed on by 'echo'$"):
            await echo.inquire(echo.inquire(failing.inquire()))

    MiniAgents().run(main())
    assert not caplog.records


def test_a3_an_agent_can_deal_with_the_error_of_another(caplog: pytest.LogCaptureFixture) -> None:
    @miniagent
    async def careful(ctx: InteractionContext) -> None:
        try:
            ctx.reply(await failing.inquire())
        except ValueError:
            ctx.reply("never mind")

    async def main() -> None:
        assert await careful.inquire() == (Message("never mind"),)

    MiniAgents().run(main())
    assert not caplog.records


def test_a3_an_unread_error_is_logged_once_with_the_chain_of_agents(caplog: pytest.LogCaptureFixture) -> None:
    @miniagent
    async def middle(ctx: InteractionContext) -> None:
        failing.inquire()
        await asyncio.sleep(0)

    @miniagent
    async def outer(ctx: InteractionContext) -> None:
        await middle.options(alias="renamed").inquire()

    async def main() -> None:
        await outer.inquire()

    MiniAgents().run(main())
    gc.collect()
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert record.name == "miniagents"
    assert record.getMessage() == (
        "an error that nobody has read, in 'failing', called by 'renamed', called by 'outer'"
    )
    assert record.exc_info is not None
    assert repr(record.exc_info[1]) == "ValueError('no')"


def test_a3_an_unread_error_of_a_passed_on_reply_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        echo.inquire(echo.inquire(failing.inquire()))

    MiniAgents().run(main())
    gc.collect()
    assert len(caplog.records) == 1, caplog.text
    assert "'failing'" in caplog.text or "'echo'" in caplog.text


def test_p1_an_error_read_many_times_keeps_its_traceback() -> None:
    async def main() -> None:
        replies = echo.inquire(failing.inquire())
        lengths: set[int] = set()
        for _ in range(50):
            try:
                await replies
            except ValueError as error:
                lengths.add(len(traceback.format_exception(error)))
        assert len(lengths) == 1
        assert lengths.pop() < 40

    MiniAgents().run(main())


def test_p5_what_was_streamed_before_and_behind_an_error_can_be_read() -> None:
    async def main() -> None:
        @miniagent
        async def agent(ctx: InteractionContext) -> None:
            ctx.reply(["a", ValueError("first"), "b"])
            ctx.reply(KeyError("second"))
            ctx.reply("c")

        seen: list[str] = []
        pieces = aiter(agent.inquire())
        while True:
            try:
                seen.append(str(await (await anext(pieces))))
            except StopAsyncIteration:
                break
            except Exception as error:  # noqa: BLE001
                seen.append(repr(error))
        assert seen == ["a", "ValueError('first')", "b", "KeyError('second')", "c"]

    MiniAgents().run(main())


def test_an_error_inside_a_streamed_message_is_raised_to_whoever_reads_the_message() -> None:
    async def main() -> None:
        async def tokens() -> AsyncIterator[str]:
            yield "half a "
            raise ValueError("cut")

        promise = [promise async for promise in echo.inquire(stream_message(Message, tokens()))][0]
        read: list[str] = []
        with pytest.raises(ValueError, match="^cut$"):
            async for token in promise:
                read.append(token)  # noqa: PERF401
        assert read == ["half a "]
        with pytest.raises(ValueError, match="^cut$"):
            await promise

    MiniAgents().run(main())


# --- late errors ---


def test_an_error_after_finish_early_is_raised_at_the_context_s_exit() -> None:
    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        ctx.reply("all there is")
        ctx.finish_early()
        raise ValueError("late")

    async def main() -> str:
        assert await agent.inquire() == (Message("all there is"),)
        return "the body was fine"

    with pytest.raises(ValueError, match=r"^late\nin agent 'agent'$"):
        MiniAgents().run(main())


def test_several_late_errors_are_raised_together() -> None:
    @miniagent
    async def agent(ctx: InteractionContext, error: Exception) -> None:
        ctx.finish_early()
        raise error

    async def main() -> None:
        agent.inquire(None, ValueError("one"))
        agent.inquire(None, KeyError("two"))

    with pytest.raises(ExceptionGroup) as group:
        MiniAgents().run(main())
    assert sorted(repr(error) for error in group.value.exceptions) == ["KeyError('two')", "ValueError('one')"]


def test_late_errors_do_not_hide_the_error_that_the_context_is_left_by(caplog: pytest.LogCaptureFixture) -> None:
    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        ctx.finish_early()
        raise ValueError("late")

    async def main() -> None:
        await agent.inquire()
        await asyncio.sleep(0)
        raise KeyError("main")

    with pytest.raises(KeyError, match="main"):
        MiniAgents().run(main())
    assert "late" in caplog.text


def test_leaving_the_context_raises_an_error_of_work_in_the_background() -> None:
    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        ctx.in_background(failing.inquire())

    async def main() -> None:
        await agent.inquire()

    with pytest.raises(ValueError, match=r"^no\nin agent 'failing', called by 'agent'$"):
        MiniAgents().run(main())


# --- errors as messages ---


def test_errors_as_messages_are_replied_with_agent_and_callers(caplog: pytest.LogCaptureFixture) -> None:
    @miniagent
    async def outer(ctx: InteractionContext[Message, Message]) -> None:
        ctx.reply(failing.inquire())
        ctx.reply("behind")

    async def main() -> None:
        assert await outer.inquire() == (
            Message("before"),
            ErrorMessage(
                "ValueError: no", error_type="builtins.ValueError", agent="failing", callers=("outer",), call=None
            ),
            Message("behind"),
        )

    MiniAgents(errors_as_messages=True).run(main())
    assert not caplog.records


def test_errors_as_messages_come_also_from_agents_that_declare_other_messages() -> None:
    class Answer(Message, frozen=True): ...

    @miniagent
    async def agent(ctx: InteractionContext[Message, Answer]) -> None:
        wrong: Any = Message("of another class")
        ctx.reply(wrong)

    async def main() -> None:
        [reply] = await agent.inquire()
        assert isinstance(reply, ErrorMessage)
        assert str(reply).startswith("TypeError: agent 'agent': reply: got Message where ")
        assert str(reply).endswith("Answer or ErrorMessage is declared")

    MiniAgents(errors_as_messages=True).run(main())


def test_errors_as_messages_name_the_call_where_calls_are_recorded() -> None:
    kept: list[Message] = []

    async def keep(messages: tuple[Message, ...]) -> None:
        kept.extend(messages)

    @miniagent
    async def outer(ctx: InteractionContext) -> None:
        ctx.reply(failing.inquire("to the inner one"))

    async def main() -> None:
        error = (await outer.inquire("hello"))[-1]
        assert isinstance(error, ErrorMessage)
        errors.append(error)

    errors: list[ErrorMessage] = []
    MiniAgents(errors_as_messages=True, on_persist_messages=keep).run(main())
    [call] = [
        message.hash_key for message in kept if getattr(message, "agent", None) == "failing" and "Call" in repr(message)
    ]
    assert errors[0].call == call


def test_errors_as_messages_do_not_wait_for_messages_that_are_still_to_come() -> None:
    async def keep(_: tuple[Message, ...]) -> None: ...

    async def main() -> None:
        call = failing.initiate_inquiry().send_message("first")
        pieces = aiter(call._replies)
        await (await anext(pieces))
        error = await (await anext(pieces))
        assert isinstance(error, ErrorMessage)
        assert error.call is None
        call.finish()

    MiniAgents(errors_as_messages=True, on_persist_messages=keep).run(main())


def test_errors_as_messages_leave_the_end_of_a_loop_and_interrupts_as_they_are() -> None:
    @miniagent
    async def agent(ctx: InteractionContext, error: BaseException) -> None:
        raise error

    async def main() -> None:
        for error in (EndLoop(), EOFError()):
            with pytest.raises(type(error)):
                await agent.inquire(None, error)

    MiniAgents(errors_as_messages=True).run(main())


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(3)])
@pytest.mark.parametrize("errors_as_messages", [True, False])
def test_an_interrupt_inside_an_agent_is_raised_from_the_context(
    error: BaseException, errors_as_messages: bool, caplog: pytest.LogCaptureFixture
) -> None:
    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        raise error

    async def main() -> None:
        agent.inquire()
        await asyncio.Event().wait()

    with pytest.raises(type(error)) as raised:
        MiniAgents(errors_as_messages=errors_as_messages).run(main())
    assert raised.value is error
    assert not caplog.records


# --- other errors ---


def test_stop_iteration_of_an_agent_does_not_look_like_the_end_of_its_replies() -> None:
    @miniagent
    async def agent(ctx: InteractionContext) -> None:
        ctx.reply("a")
        next(iter(()))

    async def main() -> None:
        with pytest.raises(RuntimeError, match="StopIteration"):
            await agent.inquire()

    MiniAgents().run(main())


def test_an_error_of_an_agent_s_constructor_is_raised_where_its_reply_is_read() -> None:
    @miniagent
    class Agent:
        def __init__(self, ctx: InteractionContext) -> None:
            raise ValueError("no")

        async def __call__(self) -> None: ...

    async def main() -> None:
        with pytest.raises(ValueError, match=r"^no\nin agent 'Agent'$"):
            agent: Any = Agent  # Any: mypy takes a decorated class for the class that it was
            await agent.inquire()

    MiniAgents().run(main())


def test_p7_a_message_stream_that_is_dropped_open_is_an_error_to_the_agent_that_reads_it() -> None:
    async def main() -> None:
        appender = StreamAppender[str](name="forgotten")
        replies = echo.inquire(stream_message(Message, appender))
        appender.append("half")
        promise = [promise async for promise in replies][0]
        del appender
        with pytest.raises(RuntimeError, match="'forgotten' was dropped before it was closed"):
            await promise

    MiniAgents().run(main())


def test_a_cancelled_promise_among_the_messages_is_an_error_and_cancels_nobody() -> None:
    async def main() -> None:
        async def never() -> Message:
            await asyncio.Event().wait()
            return Message()

        promise = Promise(never)
        replies = echo.inquire(["a", promise, "b"])
        await asyncio.sleep(0)
        promise.cancel()
        pieces = [piece async for piece in replies]
        assert [str(await pieces[0]), str(await pieces[2])] == ["a", "b"]
        with pytest.raises(Exception, match="cancelled"):
            await pieces[1]

    MiniAgents().run(main())


async def _returns_something(ctx: InteractionContext) -> str:
    return "hello"


def test_a_value_that_an_agent_returns_is_an_error_that_says_what_to_do() -> None:
    agent = MiniAgent[Message, Message, []](_returns_something)

    async def main() -> None:
        with pytest.raises(TypeError, match=r"agent '_returns_something' returned 'hello', which is ignored: answer"):
            await agent.inquire()

    MiniAgents().run(main())


def test_an_async_generator_is_no_agent() -> None:
    async def yielding(ctx: InteractionContext) -> AsyncIterator[str]:
        yield "hello"

    with pytest.raises(TypeError, match=r"yielding yields values, which are ignored: answer with `ctx.reply\(...\)`"):
        miniagent(yielding)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def test_work_in_the_background_may_be_cancelled() -> None:
    @miniagent
    async def waiting(ctx: InteractionContext) -> None:
        endless = Promise(asyncio.Event().wait)
        ctx.in_background(endless)
        await asyncio.sleep(0)
        endless.cancel()

    async def main() -> None:
        await waiting.inquire()

    MiniAgents().run(main())


def test_leaving_the_context_raises_whatever_else_goes_wrong_in_the_background() -> None:
    class Odd(BaseException):
        pass

    async def fail() -> None:
        raise Odd("odd")

    @miniagent
    async def waiting(ctx: InteractionContext) -> None:
        ctx.in_background(fail())

    async def main() -> None:
        await waiting.inquire()

    with pytest.raises(Odd, match="odd"):
        MiniAgents().run(main())
