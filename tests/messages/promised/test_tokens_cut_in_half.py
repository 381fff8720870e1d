"""M8: tokens that are cut inside a character make Unicode text, and lone surrogates are errors at their places."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, strategies as st

from miniagents import (
    Message,
    MessagePromise,
    PromisingContext,
    ReasoningDelta,
    StreamAppender,
    StreamEvent,
    decode,
    encode,
    stream_message,
)
from miniagents.messages.values.surrogates import has_surrogates, with_joined_halves
from miniagents.wire import decode_stream, encode_stream
from tests.effort import examples

any_text = st.text(st.characters(exclude_categories=()) | st.sampled_from("\ud83d\ude00a"), max_size=12)


async def tokens_of(pieces: list[str | StreamEvent]) -> AsyncIterator[str | StreamEvent]:
    for piece in pieces:
        yield piece


async def outcomes(promise: MessagePromise[Message]) -> list[str]:
    """The tokens, with "!" in place of those that are refused."""
    found: list[str] = []
    reader = aiter(promise)
    while True:
        try:
            found.append(await anext(reader))
        except StopAsyncIteration:
            return found
        except ValueError as error:
            assert "lone surrogate" in str(error)
            found.append("!")


@pytest.mark.leaves_errors_unread
@examples(300)
@given(st.lists(any_text, max_size=6), st.booleans())
def test_m8_the_text_of_any_tokens_can_be_written_or_is_refused(pieces: list[str], is_slow: bool) -> None:
    async def slowly() -> AsyncIterator[str]:
        for piece in pieces:
            yield piece
            await asyncio.sleep(0)

    async def main() -> None:
        async with PromisingContext():
            promise = stream_message(Message, slowly() if is_slow else tokens_of([*pieces]))
            found = await outcomes(promise)
            joined = with_joined_halves("".join(pieces))
            if has_surrogates(joined):
                assert "!" in found
                with pytest.raises(ValueError, match=r"^Message: the tokens: .* has a lone surrogate at .*: repair it"):
                    await promise
            else:
                message = await promise
                assert "".join(found) == message.text == joined
                assert decode(encode(message), Message) == message
                assert message.hash_key
                assert f"{message!r}{message}".encode()
            for token in found:
                assert token.encode() is not None

    asyncio.run(main())


@pytest.mark.leaves_errors_unread
@pytest.mark.parametrize(
    ("pieces", "found"),
    [
        (["a\ud83d", "\ude00b"], ["a\U0001f600b"]),
        (["\ud83d", "", "\ude00"], ["\U0001f600"]),
        (["\ud83d", ReasoningDelta("x"), "\ude00"], ["\U0001f600"]),
        (["\ud83d\ude00"], ["\U0001f600"]),
        (["a\ud83d", "b"], ["!", "b"]),
        (["b\ude00", "b"], ["!", "b"]),
        (["a", "\ud83d"], ["a", "!"]),
        (["\ud83d", "\ud83d\ude00"], ["!", "\U0001f600"]),
    ],
)
async def test_m8_halves_in_two_tokens_are_joined(pieces: list[str | StreamEvent], found: list[str]) -> None:
    async with PromisingContext():
        promise = stream_message(Message, tokens_of(pieces))
        assert await outcomes(promise) == found
        assert await outcomes(promise) == found
        if "!" not in found:
            assert await promise.pieces() == tuple(found)
            assert "".join([token async for token in promise.map_text(str.upper)]) == "".join(found).upper()
            again = await decode_stream(encode_stream(promise), Message)
            assert again == await promise


async def test_m8_a_reader_that_gives_up_between_two_halves_loses_none() -> None:
    async with PromisingContext():
        with StreamAppender[str]() as appender:
            promise = stream_message(Message, appender)
            appender.append("a\ud83d")
            reader = aiter(promise)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0):
                    await anext(reader)
            appender.append("\ude00")
            assert await anext(reader) == "a\U0001f600"
