"""What promises, contexts and calls show of themselves, and what a promise says to code that takes it for its value."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from io import BytesIO
from typing import Any

import pytest

from miniagents import (
    AssistantMessage,
    Codec,
    FlatSequence,
    InteractionContext,
    Message,
    MessagePromise,
    MessageSequence,
    MessageSequencePromise,
    MiniAgents,
    Promise,
    PromisingContext,
    ReasoningDelta,
    StreamAppender,
    StreamedPromise,
    merge,
    miniagent,
    stream_message,
    trace,
)
from miniagents.wire import RecordDecoder, RecordEncoder, RecordWriter, aread_records, read_records


@miniagent
async def echo(ctx: InteractionContext) -> None:
    ctx.reply(ctx.messages)


async def pieces() -> AsyncIterator[str]:
    for piece in "ab":
        await asyncio.sleep(0)
        yield piece


async def pieces_of(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def failing() -> AsyncIterator[str]:
    yield "a"
    raise ValueError("no")


async def test_a_promise_shows_its_state() -> None:
    async def answer() -> int:
        await asyncio.sleep(0)
        return 42

    async def fail() -> int:
        raise ValueError("no")

    async with PromisingContext():
        for start_asap, first in ((True, "pending"), (False, "not started")):
            promise = Promise(answer, start_asap=start_asap, name="answer")
            assert repr(promise) == f"<Promise 'answer' {first}>"
            await promise
            assert repr(promise) == "<Promise 'answer' resolved>"
        failed = Promise(fail, name="fail").recover(str)
        cancelled = Promise(answer, name="answer")
        cancelled.cancel()
        await failed
        assert repr(cancelled) == "<Promise 'answer' cancelled>"
    broken = Promise.failed(ValueError("no"))
    assert repr(broken) == "<Promise 'failed' failed: ValueError>"
    with pytest.raises(ValueError, match="no"):
        await broken


async def test_a_stream_shows_what_has_come() -> None:
    async with PromisingContext():
        lazy = StreamedPromise(pieces, _joined, start_asap=False, name="letters")
        assert repr(lazy) == "<StreamedPromise 'letters' not started>"
        seen = [repr(lazy) async for _ in lazy]
        assert seen == [
            "<StreamedPromise 'letters' 1 piece, arriving>",
            "<StreamedPromise 'letters' 2 pieces, ended>",
        ]
        assert repr(lazy) == "<StreamedPromise 'letters' 2 pieces, ended>"
        await lazy
        assert repr(lazy) == "<StreamedPromise 'letters' 2 pieces, ended>"
        broken = StreamedPromise(failing, _joined, name="broken").pieces()
        with pytest.raises(ValueError, match="no"):
            await broken
        assert repr(broken) == "<StreamedPromise 'broken' 1 piece, 1 error, ended>"
        whole = StreamedPromise.of("ab").into(lambda letters: int("".join(letters)))
        with pytest.raises(ValueError, match="invalid literal"):
            await whole
        assert repr(whole) == "<StreamedPromise 'of' 2 pieces, failed: ValueError, ended>"
        cancelled = StreamedPromise(pieces, _joined, name="letters")
        cancelled.cancel()
        assert repr(cancelled) == "<StreamedPromise 'letters' 0 pieces, cancelled>"


async def _joined(stream: Any) -> str:  # Any: of strings
    return "".join([piece async for piece in stream])


async def test_messages_and_sequences_show_what_has_come() -> None:
    async with MiniAgents():
        message = stream_message(AssistantMessage, [ReasoningDelta(text="Hm"), "Hel", "lo"])
        assert repr(message) == "<MessagePromise 'AssistantMessage' 2 tokens, ended>"
        assert repr(MessagePromise.of_message(Message("x"))) == "<MessagePromise 'message' 1 token, ended>"
        replies = echo.inquire(["a", "b"])
        assert repr(replies) == "<MessageSequencePromise 'echo' 0 messages, arriving>"
        async for _ in replies:
            pass
        assert repr(replies) == "<MessageSequencePromise 'echo' 2 messages, ended>"  # nobody has awaited the whole
        lazy = echo.options(start_asap=False).inquire()
        assert repr(lazy) == "<MessageSequencePromise 'echo' not started>"
        ready = MessageSequencePromise.of_messages([Message("a")])
        assert repr(ready) == "<MessageSequencePromise 'messages' 1 message, ended>"
        assert ready._buffer_if_any() is None  # looking at it has made nothing


async def test_contexts_calls_and_writing_ends_show_their_state() -> None:
    assert repr(MiniAgents()) == "<MiniAgents new, 0 tasks>"
    async with MiniAgents() as context:
        with echo.initiate_inquiry() as call:
            assert repr(context) == "<MiniAgents active, 1 task>"
            call.send_message(["a", "b"])
            shown = "<AgentCall 'echo' sent: 2 messages, arriving; replies: 0 messages, arriving>"
            assert repr(call) == shown
        await call.replies
        assert repr(call) == "<AgentCall 'echo' sent: 2 messages, ended; replies: 2 messages, ended>"
        with StreamAppender[str](name="letters") as appender:
            appender.append("a")
            assert repr(appender) == "<StreamAppender 'letters' 1 piece, arriving>"
        assert repr(appender) == "<StreamAppender 'letters' 1 piece, ended>"
        for end in (MessageSequence(), FlatSequence[int](lambda _: NotImplemented)):
            end.put([])
            assert repr(end) == f"<{type(end).__name__} {end.promise.name!r} 0 items, arriving>"
            end.close()
            assert repr(end) == f"<{type(end).__name__} {end.promise.name!r} 0 items, ended>"
    assert repr(context) == "<MiniAgents closed, 0 tasks>"


async def test_nothing_that_users_hold_shows_an_address() -> None:
    line = b'{"@type":"Message","text":"a"}\n'
    async with trace() as traced:
        await echo.inquire("x")
    codec = Codec(Message)
    things = [
        *(traced, traced.run, codec, RecordEncoder(), RecordWriter(BytesIO()), RecordDecoder(codec)),
        *(read_records([line], Message), aread_records(pieces_of(line), Message)),
    ]
    for thing in things:
        assert re.fullmatch(r"<[A-Z]\w+ [^<>]+>", repr(thing))
        assert " at 0x" not in repr(thing)
    reader = read_records([line], Message)
    assert repr(reader) == "<RecordReader 0 records, 0 bytes, open>"
    assert [*reader] == [Message("a")]
    assert repr(reader) == f"<RecordReader 1 records, {len(line)} bytes, ended>"


# --- promises that are taken for their values ---

MISTAKES: list[tuple[Callable[[Any], object], str]] = [  # Any: checkers refuse all of these
    (lambda promise: promise[0], r"\(await promise\)\[…\]"),
    (lambda promise: promise["x"], r"\(await promise\)\[…\]"),
    (lambda promise: promise[1:], r"\(await promise\)\[…\]"),
    (list, r"\(await promise\)\[…\]"),
    (lambda promise: [*promise], r"\(await promise\)\[…\]"),
    (lambda promise: tuple(reversed(promise)), r"len\(await promise\)"),
    (len, r"len\(await promise\)"),
    (lambda promise: "x" in promise, r"… in await promise"),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=[written for _, written in MISTAKES])
async def test_a_promise_that_is_taken_for_its_value_says_what_to_write(
    mistake: tuple[Callable[[Any], object], str],  # Any: as above
) -> None:
    misuse, written = mistake
    async with MiniAgents():
        streams: list[Promise[Any]] = [  # Any: of anything
            *(echo.inquire("x"), stream_message(Message, ["a"]), StreamedPromise.of("ab"), merge(echo.inquire("y"))),
            MessageSequencePromise.of_messages([]),
        ]
        for promise in (*streams, Promise.resolved([1])):
            or_read = ", or read it by `async for`" if promise in streams else ""
            with pytest.raises(TypeError, match=f"^'{promise.name}': await the promise first: {written}{or_read}$"):
                misuse(promise)
            assert bool(promise) is True  # `promise or other` is about None
            await promise


async def test_an_attribute_of_the_value_is_asked_of_its_promise() -> None:
    async with MiniAgents():
        promise: Any = Promise.resolved(Message("a"))  # Any: checkers refuse what follows
        with pytest.raises(
            AttributeError, match=r"no attribute 'text'; await the promise first: \(await promise\)\.text$"
        ):
            _ = promise.text
        with pytest.raises(AttributeError, match="no attribute '_text'$"):
            _ = promise._text
        assert not hasattr(promise, "text")


async def test_an_attribute_of_a_message_is_asked_of_a_sequence() -> None:
    replies: Any = MessageSequencePromise.of_messages([Message("a")])  # Any: checkers refuse it
    with pytest.raises(AttributeError, match=r"await it first: \[message\.text for message in await promise\]"):
        _ = replies.text
    assert not hasattr(replies, "_no_such_thing")
