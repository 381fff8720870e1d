"""`check` and strict contexts: a value that could not be read back is told where it is made."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest

from miniagents import MiniAgents, miniagent
from miniagents.agents import InteractionContext
from miniagents.messages import (
    AgentCallNode,
    Message,
    MessageSequencePromise,
    MessageType,
    Record,
    ToolCall,
    check,
    stream_message,
)


class ChkTown(Message, frozen=True):
    """A message with a field that calls do not check."""

    city: str = ""


class ChkPlace(Record, frozen=True, kw_only=True):
    """A record."""

    x: int
    data: object = None


WRONG: Any = 1  # Any: a value of a wrong type
BAD = ChkTown(city=WRONG)


@pytest.mark.parametrize("value", [ChkTown("a", city="b"), ToolCall(id="a", name="b"), ChkPlace(x=1, data={"a": 1})])
def test_a_value_that_can_be_read_back_is_returned(value: Any) -> None:  # Any: of any class
    assert check(value) is value


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (BAD, r"^ChkTown\.city: Expected `str`, got `int`$"),
        (ToolCall(id="a", name=WRONG), r"^ToolCall\.name: Expected `str`, got `int`$"),
        (AgentCallNode(agent="a", messages=(Message(), BAD)), r"^AgentCallNode\.messages\[1\]\.city: Expected `str`"),
        (ChkPlace(x=1, data=date(2024, 1, 1)), r"^ChkPlace\.data: date would be read back as plain JSON"),
    ],
)
def test_any_other_is_refused_with_its_path(value: Any, said: str) -> None:  # Any: of any class
    with pytest.raises(TypeError, match=said):
        check(value)


async def tokens() -> AsyncIterator[str]:
    yield "a"
    yield "b"


@miniagent
async def echo(ctx: InteractionContext[Message, Message]) -> None:
    ctx.reply(ctx.messages)


WAYS: list[Any] = [  # Any: each returns what can stand for messages
    lambda: BAD,
    lambda: [Message("a"), BAD],
    lambda: (each for each in [BAD]),
    lambda: MessageSequencePromise.of_messages([BAD]),
    lambda: MessageSequencePromise.of_messages([BAD]).first(),
    lambda: stream_message(ChkTown, tokens(), city=WRONG),
]


@pytest.mark.parametrize("way", WAYS)
async def test_a_strict_context_refuses_it_where_it_is_sent_or_replied(way: Any) -> None:  # Any: as above
    """Whatever brings it: also promises, once it is known what they hold."""

    @miniagent
    async def wrong(ctx: InteractionContext[Message, Message]) -> None:
        ctx.reply(way())

    async with MiniAgents(strict=True):
        with pytest.raises(TypeError, match=r"reply: ChkTown\.city: Expected `str`, got `int`"):
            await wrong.inquire()
        with pytest.raises(TypeError, match=r"messages: ChkTown\.city: Expected `str`, got `int`"):
            await echo.inquire(way())


async def test_a_strict_context_changes_nothing_else() -> None:
    """Tokens, classes and known fields of what is right."""
    given: list[MessageType[Message]] = ["a", ChkTown("b", city="c")]
    async with MiniAgents(strict=True):
        assert await echo.inquire(given) == (Message("a"), ChkTown("b", city="c"))
        promise = await anext(aiter(echo.inquire(stream_message(ChkTown, tokens(), city="c"))))
        assert promise.message_class is ChkTown
        assert promise.known["city"] == "c"
        assert [token async for token in promise] == ["a", "b"]
        assert await promise == ChkTown("ab", city="c")


async def test_other_contexts_let_it_pass() -> None:
    """As before: the check costs as much as encoding and decoding."""
    async with MiniAgents():
        assert await echo.inquire(BAD) == (BAD,)
        async with MiniAgents(strict=True):
            with pytest.raises(TypeError):
                await echo.inquire(BAD)
        assert await echo.inquire(BAD) == (BAD,)
