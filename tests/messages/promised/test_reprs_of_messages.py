"""The `repr` of promises of messages says what their readers could see, and changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from miniagents import MiniAgents, miniagent
from miniagents.agents import InteractionContext
from miniagents.messages import (
    Message,
    MessagePromise,
    MessageSequence,
    MessageSequencePromise,
    ReasoningDelta,
    StreamEvent,
    stream_message,
)
from miniagents.promising import PromisingContext, StreamAppender


async def test_a_message_tells_its_tokens() -> None:
    """Events that are no text are not counted, and a message that was read to its end is never pending."""
    async with PromisingContext():
        appender = StreamAppender[str | StreamEvent](name="bot")
        promise = stream_message(Message, appender)
        assert repr(promise) == "<MessagePromise 'Message' 0 tokens, arriving>"
        appender.append("a")
        appender.append(ReasoningDelta("hm"))
        assert repr(promise) == "<MessagePromise 'Message' 1 token, arriving>"
        appender.append("b")
        appender.close()
        assert [token async for token in promise] == ["a", "b"]
        assert repr(promise) == "<MessagePromise 'Message' 2 tokens, ended>"
        await promise
        assert repr(promise) == "<MessagePromise 'Message' 2 tokens, ended>"
    assert repr(MessagePromise.of_message(Message("a"))) == "<MessagePromise 'message' 1 token, ended>"
    assert repr(MessagePromise.of_message(Message(""))) == "<MessagePromise 'message' 0 tokens, ended>"


async def test_a_failed_message_says_so() -> None:
    """Also if nobody has awaited it."""

    async def tokens() -> AsyncIterator[str]:
        yield "a"
        raise ValueError("no")

    async with PromisingContext():
        promise = stream_message(Message, tokens())
        with pytest.raises(ValueError, match=r"^no"):
            [token async for token in promise]
        assert repr(promise) == "<MessagePromise 'Message' 1 token, 1 error, ended>"
        with pytest.raises(ValueError, match=r"^no"):
            await promise
        assert repr(promise) == "<MessagePromise 'Message' 1 token, 1 error, ended>"


async def test_looking_starts_nothing() -> None:
    """What waits for its first reader goes on waiting."""
    started: list[int] = []

    async def tokens() -> AsyncIterator[str]:
        started.append(1)
        yield "a"

    async with PromisingContext(start_asap=False):
        promise = stream_message(Message, tokens())
        assert repr(promise) == "<MessagePromise 'Message' not started>"
        assert not started
        await promise


async def test_a_sequence_tells_its_messages() -> None:
    """Whether it was awaited, read or neither."""
    async with PromisingContext():
        sequence = MessageSequence[Message](name="a")
        assert repr(sequence.promise) == "<MessageSequencePromise 'a' 0 messages, arriving>"
        sequence.put(["x", "y"])
        assert repr(sequence.promise) == "<MessageSequencePromise 'a' 2 messages, arriving>"
        sequence.close()
        assert repr(sequence.promise) == "<MessageSequencePromise 'a' 2 messages, ended>"
        await sequence.promise
        assert repr(sequence.promise) == "<MessageSequencePromise 'a' 2 messages, ended>"
    ready = MessageSequencePromise.of_messages([Message("a")])
    assert repr(ready) == "<MessageSequencePromise 'messages' 1 message, ended>"


async def test_replies_tell_theirs() -> None:
    """Of agents, that fail or do not."""

    @miniagent
    async def two(ctx: InteractionContext[Message, Message]) -> None:
        ctx.reply("a")
        ctx.reply(ctx.messages)

    @miniagent
    async def fails(ctx: InteractionContext[Message, Message]) -> None:
        ctx.reply("a")
        raise ValueError("no")

    async with MiniAgents():
        replies = two.inquire("b")
        async for promise in replies:
            assert repr(promise) == "<MessagePromise 'message' 1 token, ended>"
        assert repr(replies) == "<MessageSequencePromise 'two' 2 messages, ended>"
        failed = fails.inquire("b")
        with pytest.raises(ValueError, match=r"^no"):
            await failed
        assert repr(failed) == "<MessageSequencePromise 'fails' 1 message, 1 error, ended>"
