"""What the type checkers must refuse: the codec, records in files and sockets, streams between processes.

Checked, not run; see `rejects_promising.py`.
"""

from __future__ import annotations

from asyncio import StreamReader
from collections.abc import AsyncIterator, Iterator
from typing import assert_type

from miniagents import InteractionContext
from miniagents.messages import (
    AssistantMessage,
    Codec,
    Message,
    MessagePromise,
    MessageSequencePromise,
    UserMessage,
    decode,
    encode,
    encode_into,
)
from miniagents.promising import Promise
from miniagents.wire import (
    AsyncRecordReader,
    InputLimitError,
    RecordDecoder,
    RecordEncoder,
    RecordError,
    RecordReader,
    RecordTooLargeError,
    RecordWriter,
    RemoteError,
    TornRecordError,
    aread_records,
    awrite_records,
    decode_stream,
    encode_stream,
    read_records,
    write_records,
)


def functions(data: bytes) -> None:
    encode(UserMessage("x"), "xml")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    encode_into(UserMessage("x"), b"")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    decode(data, UserMessage, "xml")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    decode(data, UserMessage, unknown="drop")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    decode(data, UserMessage, unique_keys="yes")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    assert_type(decode(data, UserMessage, unknown="keep"), UserMessage)  # type: ignore[assert-type]  # pyright: ignore[reportAssertTypeFailure]


def codecs(codec: Codec[UserMessage], data: bytes) -> None:
    Codec(UserMessage, "xml")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    Codec(UserMessage, unique_keys="no")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    codec.encode(AssistantMessage("x"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    codec.decode(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    codec.decode(data).model  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


def reading(texts: Iterator[str], bytes_later: AsyncIterator[bytes], bytes_now: Iterator[bytes]) -> None:
    read_records(texts, Message)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    read_records(bytes_later, Message)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    aread_records(bytes_now, Message)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    for message in read_records("log", UserMessage | AssistantMessage):
        message.model  # type: ignore[union-attr]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    RecordReader(bytes_now)  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue]
    AsyncRecordReader(bytes_later)  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue]


def decoders(decoder: RecordDecoder[UserMessage], encoder: RecordEncoder, writer: RecordWriter) -> None:
    RecordDecoder(UserMessage)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    decoder.feed("x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    RecordEncoder("xml")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    encoder.add()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    RecordWriter(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    writer.write()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    RecordError("$", "no")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    TornRecordError("$", "no")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    InputLimitError("$", "no")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    decoder.steps("text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    RecordTooLargeError("$", "no")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    RemoteError("no")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


async def writing(messages: AsyncIterator[Message]) -> None:
    write_records("log", messages)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    write_records("log", [Message("x")], compression="bz2")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await awrite_records("log", Message("x"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def streams(reader: StreamReader, later: Promise[Message]) -> None:
    encode_stream(later)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    decode_stream(reader, int)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    one: MessagePromise[AssistantMessage] = decode_stream(reader, UserMessage)  # type: ignore[assignment, arg-type]  # pyright: ignore[reportAssignmentType]
    many: MessageSequencePromise[UserMessage] = decode_stream(reader, UserMessage)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    _both = (one, many)


async def from_records(ctx: InteractionContext[UserMessage, UserMessage]) -> None:
    ctx.reply(read_records("messages.ndjson", int))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    ctx.reply(aread_records("messages.ndjson", int))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
