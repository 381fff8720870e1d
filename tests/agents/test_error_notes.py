"""A3: an error that is raised to a reader says in which agents it happened, once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import pytest

from miniagents import (
    InteractionContext,
    Message,
    MessageSequencePromise,
    MiniAgents,
    Promise,
    StreamAppender,
    miniagent,
    stream_message,
)

pytestmark = pytest.mark.virtual_clock


async def raising(ctx: InteractionContext) -> None:
    raise ValueError("no")


async def replying_an_error(ctx: InteractionContext) -> None:
    ctx.reply(ValueError("no"))


async def replying_a_failing_generator(ctx: InteractionContext) -> None:
    async def generate() -> AsyncIterator[str]:
        yield "one"
        raise ValueError("no")

    ctx.reply(generate())


async def replying_failing_tokens(ctx: InteractionContext) -> None:
    async def generate() -> AsyncIterator[str]:
        yield "one"
        raise ValueError("no")

    ctx.reply(stream_message(Message, generate()))


async def failing_a_message_by_an_appender(ctx: InteractionContext) -> None:
    appender = StreamAppender[str]()
    ctx.reply(stream_message(Message, appender))
    await asyncio.sleep(1)
    appender.fail(ValueError("no"))
    appender.close()


async def failing_in_a_promise(ctx: InteractionContext) -> None:
    async def work() -> Message:
        await asyncio.sleep(1)
        raise ValueError("no")

    ctx.reply(Promise(work))


async def failing_in_a_lazy_promise(ctx: InteractionContext) -> None:
    async def work() -> Message:
        raise ValueError("no")

    ctx.reply(Promise(work, start_asap=False))


@miniagent
async def awaiting(ctx: InteractionContext, inner: Callable[[], MessageSequencePromise[Message]]) -> None:
    ctx.reply(await inner())


@miniagent
async def forwarding(ctx: InteractionContext, inner: Callable[[], MessageSequencePromise[Message]]) -> None:
    ctx.reply(inner())


async def error_of(awaitable: Awaitable[object]) -> BaseException:
    with pytest.raises(ValueError, match="no") as raised:
        await awaitable
    return raised.value


def notes(error: BaseException) -> list[str]:
    return error.__notes__


FAILING: Final[list[Callable[[InteractionContext], Awaitable[None]]]] = [
    raising,
    replying_an_error,
    replying_a_failing_generator,
    replying_failing_tokens,
    failing_a_message_by_an_appender,
    failing_in_a_promise,
    failing_in_a_lazy_promise,
]


@pytest.mark.parametrize("middle", [awaiting, forwarding])
@pytest.mark.parametrize("function", FAILING)
@pytest.mark.leaves_errors_unread
async def test_a3_an_error_says_in_which_agent_it_happened_and_who_called_that(
    function: Callable[[InteractionContext], Awaitable[None]],
    middle: object,
) -> None:
    low = miniagent(function).options(alias="low")
    mid = (awaiting if middle is awaiting else forwarding).options(alias="mid")
    top = awaiting.options(alias="top")
    async with MiniAgents():
        replies = top.inquire(inner=lambda: mid.inquire(inner=low.inquire))
        error = await error_of(replies)
        assert notes(error)[0] == "in agent 'low', called by 'mid', called by 'top'"
        assert "passed on by 'top'" in notes(error)
        before = list(notes(error))
        for _ in range(3):
            assert await error_of(replies) is error
        assert notes(error) == before
        assert len(before) == len(set(before)) <= 3
        if middle is awaiting:
            assert before[1:] == ["passed on by 'mid'", "passed on by 'top'"]


async def test_a3_an_agent_that_forwards_replies_has_its_line() -> None:
    low = miniagent(raising).options(alias="low")
    mid = forwarding.options(alias="mid")
    async with MiniAgents():
        error = await error_of(mid.inquire(inner=low.inquire))
        assert notes(error) == ["in agent 'low', called by 'mid'", "passed on by 'mid'"]


async def test_a3_one_exception_object_of_many_calls_does_not_grow() -> None:
    same = ValueError("no")

    async def fails(ctx: InteractionContext) -> None:
        raise same

    async with MiniAgents():
        for _ in range(100):
            assert await error_of(miniagent(fails).options(alias="one").inquire()) is same
        assert notes(same) == ["in agent 'one'"]
        for number in range(100):
            assert await error_of(miniagent(fails).options(alias=f"agent{number}").inquire()) is same
        assert len(notes(same)) <= 20


async def test_a3_a_long_chain_is_told_in_a_short_note() -> None:
    @miniagent
    async def deeper(ctx: InteractionContext, left: int) -> None:
        if not left:
            raise ValueError("no")
        ctx.reply(await deeper.options(alias=f"level{left}").inquire(left=left - 1))

    async with MiniAgents():
        error = await error_of(deeper.inquire(left=100))
        assert notes(error)[0].startswith("in agent 'level1', called by 'level2', called by")
        assert notes(error)[0].endswith("called by 'level100', called by 'deeper'")
        assert "more" in notes(error)[0]
        assert len(notes(error)) <= 20


async def test_a3_errors_outside_of_agents_have_no_note_of_one() -> None:
    async def fails() -> None:
        raise ValueError("no")

    @miniagent
    async def reader(ctx: InteractionContext) -> None:
        with pytest.raises(ValueError, match="no"):
            await shared

    async with MiniAgents():
        shared = Promise(fails, start_asap=False)
        await reader.inquire()
        error = await error_of(shared)
        assert not hasattr(error, "__notes__")
