"""Metadata on replies that are still arriving: nothing is lost on the way."""

from __future__ import annotations

from collections.abc import AsyncIterator

from miniagents import MiniAgents
from miniagents.messages import (
    AssistantMessage,
    Message,
    MessagePromise,
    ReasoningDelta,
    StreamEvent,
    Usage,
    UserMessage,
    stream_message,
)
from miniagents.promising import Promise, PromisingContext


async def pieces() -> AsyncIterator[str | StreamEvent]:
    yield ReasoningDelta("hm")
    yield "a"
    yield "b"


async def test_a_streamed_message_has_metadata() -> None:
    """It is known at once, like every field."""
    async with PromisingContext():
        promise = stream_message(AssistantMessage, pieces(), model="m", metadata={"topic": "tea"})
        assert promise.known["metadata"] == {"topic": "tea"}
        assert await promise == AssistantMessage("ab", model="m", metadata={"topic": "tea"})


async def test_metadata_is_added_and_the_rest_stays() -> None:
    """Tokens, events, class, known fields, and what only the whole message has, such as its usage."""
    usage = Usage(input_tokens=1)
    async with PromisingContext():
        source = stream_message(AssistantMessage, pieces(), usage=usage, metadata={"a": 1, "b": 1})
        promise = source.with_metadata({"b": 2, "c": (3,)})
        assert promise.message_class is AssistantMessage
        assert promise.known["metadata"] == {"a": 1, "b": 2, "c": (3,)}
        assert promise.known["usage"] == usage
        assert [event async for event in promise.events] == [event async for event in source.events]
        assert [token async for token in promise] == ["a", "b"]
        assert await promise == (await source).replace(metadata={"a": 1, "b": 2, "c": (3,)})


async def test_metadata_is_taken_as_it_was() -> None:
    facts: dict[str, object] = {"a": 1}
    async with MiniAgents():
        promise = MessagePromise.of_message(Message("x")).with_metadata(facts)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] # JSON
        facts["a"] = 2
        assert (await promise).metadata == {"a": 1}


async def test_the_class_of_a_message_is_never_none() -> None:
    """It is the base of all messages as long as nothing is known of it."""

    async def made() -> Message:
        return UserMessage("a")

    async with PromisingContext():
        promise = MessagePromise.of_message(Message("x")).then_message(lambda _: Promise(made))
        assert promise.message_class is Message
        await promise
        assert promise.message_class is UserMessage
