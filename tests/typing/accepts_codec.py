"""What the type checkers must take: the codec, records in files and sockets, streams between processes.

Checked, not run.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from io import BytesIO
from pathlib import Path
from typing import assert_type

from miniagents import InteractionContext
from miniagents.messages import (
    AssistantMessage,
    Codec,
    Format,
    Message,
    MessagePromise,
    MessageSequencePromise,
    Unknown,
    UnknownMessage,
    UserMessage,
    decode,
    encode,
    encode_into,
)
from miniagents.wire import (
    MAX_RATIO,
    MAX_RECORD_BYTES,
    AsyncRecordReader,
    AsyncSource,
    AsyncTarget,
    Compression,
    InputLimitError,
    RecordDecoder,
    RecordEncoder,
    RecordError,
    RecordReader,
    RecordTooLargeError,
    RecordWriter,
    RemoteError,
    Source,
    Target,
    TornRecordError,
    aread_records,
    awrite_records,
    decode_stream,
    encode_stream,
    read_records,
    write_records,
)


def functions(data: bytes, text: str, form: Format) -> None:
    assert_type(encode(UserMessage("x"), "msgpack"), bytes)
    assert_type(encode([UserMessage("x")], form), bytes)
    assert_type(decode(data, UserMessage | AssistantMessage, "msgpack"), UserMessage | AssistantMessage)
    assert_type(decode(text, tuple[Message, ...], form, unknown="ignore"), tuple[Message, ...])
    assert_type(decode(data, UserMessage, "json", unknown="keep"), UserMessage | UnknownMessage)
    assert_type(decode(data, UserMessage, unique_keys=True), UserMessage)
    assert_type(decode(data, UserMessage, unknown="keep", unique_keys=True), UserMessage | UnknownMessage)
    encode_into(UserMessage("x"), bytearray())
    encode_into(UserMessage("x"), bytearray(), -1, "msgpack")


def codecs(data: bytes) -> None:
    codec = Codec(UserMessage | AssistantMessage)
    assert_type(codec, Codec[UserMessage | AssistantMessage])
    assert_type(codec.decode(data), UserMessage | AssistantMessage)
    assert_type(codec.encode(AssistantMessage("x")), bytes)
    assert_type(codec.format, Format)
    assert_type(codec.unknown, Unknown)
    assert_type(codec.unique_keys, bool)
    _form: object = codec.form
    assert_type(Codec(UserMessage, "msgpack", unknown="ignore"), Codec[UserMessage])
    assert_type(Codec(UserMessage, "msgpack", unknown="keep"), Codec[UserMessage | UnknownMessage])
    assert_type(Codec(UserMessage, unknown="keep", unique_keys=True), Codec[UserMessage | UnknownMessage])
    assert_type(Codec(tuple[Message, ...]).decode(data), tuple[Message, ...])


def reading(path: Path, source: Source, server: socket.socket, pieces: Iterator[bytes]) -> None:
    for message in read_records("log.ndjson", UserMessage | AssistantMessage):
        assert_type(message, UserMessage | AssistantMessage)
    assert_type(read_records(path, UserMessage, "msgpack", compression="zstd"), RecordReader[UserMessage])
    assert_type(read_records(server, UserMessage, unknown="keep"), RecordReader[UserMessage | UnknownMessage])
    read_records(pieces, Message, on_error=print, max_bytes=MAX_RECORD_BYTES, max_ratio=MAX_RATIO, max_total=None)
    read_records([b"", b""], Message, unique_keys=True)
    read_records(BytesIO(), Message, compression=None)
    with read_records(source, Message, offset=3) as reader:
        assert_type(reader, RecordReader[Message])
        assert_type(reader.batches(), Iterator[list[Message]])
        reader.close()
    try:
        assert_type(list(read_records(source, int)), list[int])
    except TornRecordError as torn:
        assert_type(torn.offset, int)
    except RecordTooLargeError as large:
        assert_type(large.size, int)
    except InputLimitError as limit:
        assert_type(limit.reason, str)
    except RecordError as error:
        assert_type((error.index, error.path, error.reason), tuple[int, str, str])


async def async_reading(source: AsyncSource, reader: asyncio.StreamReader, pieces: AsyncIterator[bytes]) -> None:
    async for message in aread_records(reader, UserMessage | AssistantMessage):
        assert_type(message, UserMessage | AssistantMessage)
    assert_type(
        aread_records(pieces, UserMessage, unknown="keep", unique_keys=False),
        AsyncRecordReader[UserMessage | UnknownMessage],
    )
    async with aread_records(source, Message, "msgpack") as records:
        assert_type(records, AsyncRecordReader[Message])
        async for batch in records.batches():
            assert_type(batch, list[Message])
        await records.aclose()


def decoders(data: bytes) -> None:
    decoder = RecordDecoder(Codec(UserMessage))
    assert_type(decoder, RecordDecoder[UserMessage])
    for step in decoder.steps(None if decoder.ended else b""):
        assert_type(step, Iterator[list[UserMessage] | RecordError])
    for part in decoder.feed(data):
        assert_type(part, list[UserMessage] | RecordError)
    assert_type(decoder.finish(), Iterator[list[UserMessage] | RecordError])
    assert_type((decoder.offset, decoder.index, decoder.between_records), tuple[int, int, bool])


def writing(target: Target, compression: Compression, message: Message) -> None:
    assert_type(write_records(target, [message], "msgpack", compression=compression), int)
    write_records(Path("log"), (message,), append=True)
    with RecordWriter(target) as writer:
        assert_type(writer, RecordWriter)
        writer.write(message)
        writer.flush()
        writer.close()
    encoder = RecordEncoder("json", "gzip")
    assert_type(encoder.add(message), bool)
    assert_type(encoder.take() + encoder.finish(), bytes)


async def async_writing(target: AsyncTarget, writer: asyncio.StreamWriter, messages: AsyncIterator[Message]) -> None:
    assert_type(await awrite_records(target, messages), int)
    assert_type(await awrite_records(writer, [Message("x")], "msgpack"), int)


async def streams(
    promise: MessagePromise[UserMessage], sequence: MessageSequencePromise[UserMessage], reader: asyncio.StreamReader
) -> None:
    assert_type(encode_stream(promise), AsyncGenerator[bytes, None])
    assert_type(encode_stream(sequence, "msgpack"), AsyncGenerator[bytes, None])
    assert_type(decode_stream(reader, UserMessage), MessagePromise[UserMessage])
    assert_type(decode_stream(encode_stream(promise), Message, errors=[RecordError]), MessagePromise[Message])
    assert_type(decode_stream(reader, tuple[UserMessage, ...]), MessageSequencePromise[UserMessage])
    both = decode_stream(reader, tuple[UserMessage | AssistantMessage, ...], start_asap=False)
    assert_type(both, MessageSequencePromise[UserMessage | AssistantMessage])
    try:
        await both
    except RemoteError as error:
        assert_type((error.type_name, error.text), tuple[str, str])


async def from_records(ctx: InteractionContext[UserMessage, UserMessage]) -> None:
    ctx.reply(read_records("messages.ndjson", UserMessage))
    ctx.reply(aread_records("messages.ndjson", UserMessage))
    assert_type(next(read_records("messages.ndjson", UserMessage)), UserMessage)
    assert_type(await anext(aread_records("messages.ndjson", UserMessage)), UserMessage)
