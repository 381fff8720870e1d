"""Flattening: whatever stands for messages becomes one sequence that keeps order and loses nothing."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given, strategies as st
from syrupy.assertion import SnapshotAssertion

from miniagents import (
    AppenderClosedError,
    Message,
    MessagePromise,
    MessageSequence,
    MessageSequencePromise,
    MessageType,
    MiniAgents,
    Promise,
    UserMessage,
    stream_message,
)
from miniagents.testing import transcript
from tests.effort import examples

LEAVES = ("string", "message", "of_message", "promise", "stream", "error", "failed promise")
NODES = ("list", "tuple", "iterator", "generator", "async generator", "sequence", "flat sequence")

Nesting = tuple[str, Any]
"""A kind of leaf and its text, or a kind of node and what it holds."""

NESTINGS: st.SearchStrategy[Nesting] = st.recursive(
    st.tuples(st.sampled_from(LEAVES), st.text("abc", min_size=1, max_size=3)),
    lambda inner: st.tuples(st.sampled_from(NODES), st.lists(inner, max_size=4)),
    max_leaves=25,
)


class OddError(Exception):
    """An error with a text."""


def expected(nesting: Nesting) -> list[str]:
    kind, inner = nesting
    if kind in NODES:
        return [text for part in inner for text in expected(part)]
    return [f"! {inner}" if "error" in kind or "failed" in kind else inner]


def made(nesting: Nesting) -> Any:
    kind, inner = nesting
    if kind in NODES:
        return _node(kind, [made(part) for part in inner])
    return _leaf(kind, inner)


def _leaf(kind: str, text: str) -> object:
    async def later() -> Message:
        for _ in text:
            await asyncio.sleep(0)
        if kind == "failed promise":
            raise OddError(text)
        return UserMessage(text)

    async def tokens() -> AsyncIterator[str]:
        for letter in text:
            await asyncio.sleep(0)
            yield letter

    match kind:
        case "string":
            return text
        case "message":
            return UserMessage(text)
        case "of_message":
            return MessagePromise.of_message(Message(text))
        case "stream":
            return stream_message(Message, tokens())
        case "error":
            return OddError(text)
        case _:
            return Promise(later)


def _node(kind: str, parts: list[Any]) -> object:
    async def later() -> AsyncIterator[Any]:
        for part in parts:
            await asyncio.sleep(0)
            yield part

    match kind:
        case "list":
            return parts
        case "tuple":
            return tuple(parts)
        case "iterator":
            return iter(parts)
        case "generator":
            return (part for part in parts)
        case "async generator":
            return later()
        case "sequence":
            sequence = MessageSequence[Message]()
            for part in parts:
                sequence.put(part)
            sequence.close()
            return sequence.promise
        case _:
            sequence = MessageSequence[Message]()
            sequence.put(later())
            sequence.close()
            return sequence.promise


async def texts_of(sequence: MessageSequencePromise[Message]) -> list[str]:
    texts: list[str] = []
    pieces = aiter(sequence)
    while True:
        try:
            texts.append(str(await (await anext(pieces))))
        except StopAsyncIteration:
            return texts
        except OddError as error:
            texts.append(f"! {error}")


@examples(200)
@given(nesting=NESTINGS)
def test_a4_any_nesting_keeps_its_order_and_loses_nothing(nesting: Nesting) -> None:
    async def main() -> None:
        sequence = MessageSequence[Message]()
        sequence.put(made(nesting))
        sequence.close()
        texts = expected(nesting)
        assert await texts_of(sequence.promise) == texts
        assert await texts_of(sequence.promise) == texts, "a second reader gets the same"
        if any(text.startswith("!") for text in texts):
            with pytest.raises(OddError):
                await sequence.promise
        else:
            assert [str(message) for message in await sequence.promise] == texts

    MiniAgents().run(main())


@examples(50)
@given(nestings=st.lists(NESTINGS, max_size=4))
def test_a4_out_of_order_loses_nothing_either(nestings: list[Nesting]) -> None:
    async def main() -> None:
        sequence = MessageSequence[Message]()
        for nesting in nestings:
            sequence.put_out_of_order(made(nesting))
        sequence.close()
        assert sorted(await texts_of(sequence.promise)) == sorted(
            text for nesting in nestings for text in expected(nesting)
        )

    MiniAgents().run(main())


@pytest.mark.parametrize("kind", NODES)
def test_a4_two_thousand_levels_are_no_more_trouble_than_two(kind: str) -> None:
    async def main() -> None:
        nested: Any = "deep"
        for _ in range(2_000):
            nested = _node(kind, ["before", nested])
        sequence = MessageSequence[Message]()
        sequence.put(nested)
        sequence.close()
        assert await texts_of(sequence.promise) == ["before"] * 2_000 + ["deep"]

    MiniAgents().run(main())


def test_strings_and_messages_can_be_mixed_in_one_tuple() -> None:
    async def main() -> None:
        sequence = MessageSequence[Message](message_classes=(UserMessage,))
        messages: MessageType[Any] = ("a", UserMessage("b"), ("c", [UserMessage("d")]))
        sequence.put(messages)
        sequence.close()
        assert await sequence.promise == tuple(UserMessage(text) for text in "abcd")

    MiniAgents().run(main())


def test_a4_messages_that_are_there_can_be_read_while_others_are_still_to_come() -> None:
    async def main() -> None:
        gate = asyncio.Event()

        async def later() -> AsyncIterator[str]:
            yield "b"
            await gate.wait()
            yield "c"

        sequence = MessageSequence[Message]()
        sequence.put(["a", later(), "d"])
        pieces = aiter(sequence.promise)
        assert [str(await (await anext(pieces))) for _ in range(2)] == ["a", "b"]
        gate.set()
        sequence.close()
        assert [str(await piece) async for piece in pieces] == ["c", "d"]

    MiniAgents().run(main())


def test_an_async_generator_that_fails_is_an_error_at_its_place() -> None:
    async def main() -> None:
        async def failing() -> AsyncIterator[str]:
            yield "b"
            raise OddError("c")

        sequence = MessageSequence[Message]()
        sequence.put(["a", failing(), "d"])
        sequence.close()
        assert await texts_of(sequence.promise) == ["a", "b", "! c", "d"]

    MiniAgents().run(main())


def test_what_comes_later_and_is_no_message_is_an_error_at_its_place() -> None:
    async def main() -> None:
        async def later() -> AsyncIterator[Any]:
            yield "a"
            yield 3
            yield "b"

        sequence = MessageSequence[Message](place="agent 'x': reply")
        sequence.put(later())
        sequence.close()
        pieces = aiter(sequence.promise)
        assert await (await anext(pieces)) == Message("a")
        with pytest.raises(
            TypeError, match=r"^agent 'x': reply: got int, which is no message; give Message, a string, or"
        ):
            await anext(pieces)
        assert await (await anext(pieces)) == Message("b")

    MiniAgents().run(main())


def test_a_closed_sequence_takes_nothing_more() -> None:
    async def main() -> None:
        sequence = MessageSequence[Message](name="mine")
        sequence.close()
        sequence.close()
        assert await sequence.promise == ()
        for put in (sequence.put, sequence.put_out_of_order):
            with pytest.raises(AppenderClosedError, match="^'mine' is closed"):
                put("a")

    MiniAgents().run(main())


def test_the_stream_of_a_sequence_is_what_it_was(snapshot: SnapshotAssertion) -> None:
    async def main() -> str:
        async def tokens(text: str) -> AsyncIterator[str]:
            for letter in text:
                yield letter

        async def later() -> AsyncIterator[MessageType[Message]]:
            yield stream_message(Message, tokens("de"))
            yield OddError("f")
            yield ["g", stream_message(UserMessage, tokens("hi"))]

        sequence = MessageSequence[Message]()
        sequence.put(["a", [stream_message(Message, tokens("bc")), later()], "j"])
        sequence.close()
        return await transcript(sequence.promise)

    assert MiniAgents().run(main()) == snapshot
