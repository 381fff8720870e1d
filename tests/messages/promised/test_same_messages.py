"""Choosing, ordering and merging message sequences gives message sequences; records and lists are messages."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import pytest
from hypothesis import given, strategies as st

from miniagents import (
    InteractionContext,
    Message,
    MessageSequence,
    MessageSequencePromise,
    MiniAgents,
    PromiseCancelledError,
    StreamedPromise,
    TextDelta,
    UserMessage,
    concat,
    merge,
    miniagent,
    stream_message,
)
from miniagents.wire import RecordError, aread_records, encode_stream, read_records

Messages = MessageSequencePromise[Message]
Made = Callable[[Messages], Messages]

OPERATIONS: Final[dict[str, tuple[Made, Callable[[list[str]], list[str]]]]] = {
    "take": (lambda m: m.take(2), lambda texts: texts[:2]),
    "skip": (lambda m: m.skip(2), lambda texts: texts[2:]),
    "take_while": (lambda m: m.take_while(lambda _: True), lambda texts: texts),
    "skip_while": (lambda m: m.skip_while(lambda _: True), lambda _: []),
    "distinct": (lambda m: m.distinct(), lambda texts: texts),
    "filter": (lambda m: m.filter(lambda promise: promise.message_class is UserMessage), lambda _: []),
    "chain": (lambda m: m.chain(m, m), lambda texts: texts * 3),
    "buffer": (lambda m: m.buffer(1), lambda texts: texts),
    "throttle": (lambda m: m.throttle(0), lambda texts: texts),
    "debounce": (lambda m: m.debounce(0), lambda texts: texts),
    "timeout_pieces": (lambda m: m.timeout_pieces(each=10), lambda texts: texts),
    "concat": (lambda m: concat(m, m), lambda texts: texts * 2),
    "merge": (merge, lambda texts: texts),
}
each_operation = pytest.mark.parametrize("name", OPERATIONS)


@each_operation
@given(texts=st.lists(st.sampled_from("abc"), max_size=5), late=st.booleans())
def test_the_whole_is_a_tuple_of_messages(name: str, texts: list[str], late: bool) -> None:
    make, model = OPERATIONS[name]

    async def main() -> None:
        async with MiniAgents():
            source = echo.inquire(texts) if late else MessageSequencePromise.of_messages(map(Message, texts))
            made = make(source)
            assert isinstance(made, MessageSequencePromise)
            if name not in ("throttle", "debounce"):  # these drop what comes too fast
                assert [str(message) for message in await made] == model(texts)
                assert [str(message) for message in await made.map_messages(lambda message: message)] == model(texts)

    asyncio.run(main())


@miniagent
async def echo(ctx: InteractionContext) -> None:
    ctx.reply(ctx.messages)


@pytest.mark.parametrize("name", sorted({*OPERATIONS} - {"skip", "skip_while", "filter"}))  # these leave it out
async def test_cancelling_the_result_cancels_the_sequence_and_its_messages(name: str) -> None:
    async def never() -> AsyncIterator[str]:
        await asyncio.sleep(1000)
        yield ""

    async with MiniAgents():
        sequence = MessageSequence()
        message = stream_message(Message, never())
        sequence.put(message)
        sequence.close()
        made = OPERATIONS[name][0](sequence.promise)
        await asyncio.sleep(0.01)
        made.cancel()
        with pytest.raises(PromiseCancelledError):
            await made
        assert sequence.promise.cancelled()
        message.cancel()


@each_operation
async def test_an_error_stays_in_its_place(name: str) -> None:
    async with MiniAgents():
        sequence = MessageSequence()
        sequence.put([ValueError("no"), "a", "b", "c"])
        sequence.close()
        seen = [error async for _, error in OPERATIONS[name][0](sequence.promise).settled_messages()]
        assert isinstance(seen[0], ValueError)
        assert isinstance(await sequence.promise.recover_messages(lambda error: Message(str(error))), tuple)


async def test_with_other_streams_they_are_streams() -> None:
    async with MiniAgents():
        sequence = MessageSequencePromise.of_messages([Message("a")])
        for mixed in (merge(sequence, StreamedPromise.of("b")), sequence.chain(StreamedPromise.of("b"))):
            assert type(mixed) is StreamedPromise
            assert len(await mixed) == 2


# --- records ---

LINE: Final = b'{"@type":"UserMessage","text":"%s"}\n'


async def source(*lines: bytes) -> AsyncIterator[bytes]:
    for line in lines:
        yield line


async def test_readers_of_records_are_replies_and_messages() -> None:
    @miniagent
    async def archive(ctx: InteractionContext[UserMessage, UserMessage]) -> None:
        ctx.reply(read_records([LINE % b"a", LINE % b"b"], UserMessage))
        ctx.reply(aread_records(source(LINE % b"c"), UserMessage))
        ctx.reply(ctx.messages)

    async with MiniAgents():
        replies = await archive.inquire(read_records([LINE % b"d"], UserMessage))
        assert [str(message) for message in replies] == ["a", "b", "c", "d"]


async def test_a_record_that_cannot_be_read_is_an_error_at_its_place() -> None:
    async with MiniAgents():
        sequence = MessageSequence(message_classes=(UserMessage,))
        sequence.put(aread_records(source(LINE % b"a", b"{\n"), UserMessage))
        sequence.close()
        (first, _), (_, error) = [each async for each in sequence.promise.settled_messages()]
        assert str(first) == "a"
        with pytest.raises(RecordError):
            await sequence.promise
        assert isinstance(error, RecordError)
        sequence = MessageSequence(message_classes=(UserMessage,))
        with pytest.raises(RecordError):
            sequence.put(read_records([LINE % b"a", b"{\n"], UserMessage))
        sequence.close()


@given(st.lists(st.text("ab", max_size=2), max_size=9), st.integers(0, 9))
def test_a_reader_is_an_iterator_that_goes_on_where_it_stopped(texts: list[str], first: int) -> None:
    async def main() -> None:
        data = [LINE % text.encode() for text in texts]
        reader, async_reader = read_records(data, UserMessage), aread_records(source(*data), UserMessage)
        taken = [str(next(reader)) for _ in texts[:first]]
        assert taken + [str(each) for each in reader] == texts
        taken = [str(await anext(async_reader)) for _ in texts[:first]]
        assert taken + [str(each) async for each in async_reader] == texts
        assert next(reader, None) is None
        assert await anext(async_reader, None) is None

    asyncio.run(main())


# --- tokens in lists ---


@given(st.lists(st.text("ab", max_size=2) | st.builds(TextDelta, text=st.text("ab", max_size=2)), max_size=9))
def test_a_list_of_tokens_makes_the_message_that_a_stream_of_them_makes(tokens: list[str | TextDelta]) -> None:
    async def main() -> None:
        async with MiniAgents():
            stream: Any = StreamedPromise.of(tokens)  # Any: of tokens and events
            streamed = stream_message(UserMessage, stream)
            for given_tokens in (tokens, tuple(tokens), iter(tokens)):
                made = stream_message(UserMessage, given_tokens)
                tokens_of = [token async for token in made]
                assert tokens_of == [token async for token in streamed]
                assert await made == await streamed
                assert b"".join([part async for part in encode_stream(made)]) == b"".join(
                    [part async for part in encode_stream(streamed)]
                )

    asyncio.run(main())


async def test_a_list_needs_no_context_and_is_taken_as_it_is() -> None:
    tokens = ["Hel", "lo"]
    promise = stream_message(UserMessage, tokens)
    tokens.append("!")
    assert await promise == UserMessage("Hello")
