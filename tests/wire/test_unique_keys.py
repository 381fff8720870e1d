"""Repeated keys in records and streams: `unique_keys` makes an error of each, in its place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final, Literal, TypeAlias

import pytest

from miniagents import Codec, Message, MessagePromise, MiniAgents, UserMessage
from miniagents.wire import RecordError, aread_records, decode_stream, encode_stream, read_records
from miniagents.wire.splitting import frame

Format: TypeAlias = Literal["json", "msgpack"]
FORMATS: Final = pytest.mark.parametrize("format", ["json", "msgpack"])


@FORMATS
def test_records_with_a_repeated_key_are_errors_in_their_places(format: Format) -> None:
    good = Codec(Message, format).encode(UserMessage("x"))
    bad = good[:-1] + b',"text":"y"}' if format == "json" else b"\x83" + good[1:] + b"\xa4text\xa1y"
    data = b"".join((each + b"\n" if format == "json" else frame(each)) for each in (good, bad, good))
    errors: list[RecordError] = []
    assert list(read_records([data], Message, format)) == [UserMessage("x"), UserMessage("y"), UserMessage("x")]
    read = read_records([data], Message, format, unique_keys=True, on_error=errors.append)
    assert list(read) == [UserMessage("x")] * 2
    assert [(error.index, error.path) for error in errors] == [(1, "$")]

    async def pieces() -> AsyncIterator[bytes]:
        yield data

    async def main() -> list[Message]:
        reader = aread_records(pieces(), Message, format, unique_keys=True, on_error=errors.append)
        return [record async for record in reader]

    assert asyncio.run(main()) == [UserMessage("x")] * 2
    assert len(errors) == 2


@pytest.mark.leaves_errors_unread  # that the stream ends too early
@FORMATS
def test_frames_with_a_repeated_key_are_errors_in_the_stream(format: Format) -> None:
    async def main() -> None:
        async with MiniAgents():
            sent = [data async for data in encode_stream(MessagePromise.of_message(UserMessage("x")), format)]
            assert str(await decode_stream(_pieces(sent), UserMessage, format, unique_keys=True)) == "x"
            found = b"".join(sent)
            if format == "json":
                twice = found.replace(b'"text":"x"}', b'"text":"x","text":"y"}')
            else:
                message = b"\x83\xa5@type\xabUserMessage\xa4text\xa1x\xa4text\xa1y"
                payload = b"\x83\xa5frame\xa5whole\xa6number\x00\xa7message" + message
                twice = frame(payload)
            assert str(await decode_stream(_pieces([twice]), UserMessage, format)) == "y"
            with pytest.raises(RecordError, match="'text' is there twice"):
                await decode_stream(_pieces([twice]), UserMessage, format, unique_keys=True)

    asyncio.run(main())


async def _pieces(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
