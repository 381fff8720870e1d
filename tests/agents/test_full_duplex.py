"""A3, A5: both sides of a call can talk at the same time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from miniagents import (
    AppenderClosedError,
    InteractionContext,
    Message,
    MiniAgents,
    Promise,
    PromiseCancelledError,
    miniagent,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@miniagent
async def echo(ctx: InteractionContext) -> None:
    async for message in ctx.messages:
        ctx.reply(f"{await message}!")


def test_replies_can_be_read_while_messages_are_sent() -> None:
    async def main() -> None:
        call = echo.initiate_inquiry()
        assert call.replies is call.replies
        replies = aiter(call.replies)
        for word in ("one", "two", "three"):
            call.send_message(word)
            assert str(await (await anext(replies))) == f"{word}!"
        assert call.reply_sequence() is call.replies
        assert await anext(replies, None) is None

    MiniAgents().run(main())


@pytest.mark.parametrize("start_asap", [True, False])
def test_the_block_of_a_call_finishes_it(start_asap: bool) -> None:
    async def main() -> None:
        with echo.initiate_inquiry() as call:
            call.send_message("one").send_message("two")
        with pytest.raises(AppenderClosedError):
            call.send_message("three")
        assert [str(message) for message in await call.replies] == ["one!", "two!"]

    MiniAgents(start_asap=start_asap).run(main())


def test_a_block_that_raises_cancels_the_agent_which_has_not_heard_everything() -> None:
    heard: list[object] = []

    @miniagent
    async def hear(ctx: InteractionContext) -> None:
        heard.append(await ctx.messages)

    async def main() -> None:
        with pytest.raises(KeyError, match="lost"), hear.initiate_inquiry() as call:
            call.send_message("one")
            await asyncio.sleep(0)
            raise KeyError("lost")
        with pytest.raises(PromiseCancelledError):
            await call.replies

    MiniAgents().run(main())
    assert not heard


def test_messages_can_be_sent_out_of_order() -> None:
    async def main() -> None:
        gate = asyncio.Event()

        async def later() -> Message:
            await gate.wait()
            return Message("later")

        async def items() -> AsyncIterator[Message]:
            await gate.wait()
            yield Message("last")

        with echo.initiate_inquiry() as call:
            call.send_message(items(), out_of_order=True).send_message("now", out_of_order=True)
            replies = aiter(call.replies)
            assert str(await (await anext(replies))) == "now!"
            gate.set()
            assert str(await (await anext(replies))) == "last!"
            call.send_message([Promise(later)])
            assert str(await (await anext(replies))) == "later!"
        with pytest.raises(AppenderClosedError):
            call.send_message("more", out_of_order=True)

    MiniAgents().run(main())


def test_dropping_a_call_of_which_the_replies_are_kept_finishes_it() -> None:
    async def main() -> None:
        assert await echo.initiate_inquiry().send_message("x").replies == (Message("x!"),)

    MiniAgents().run(main())
