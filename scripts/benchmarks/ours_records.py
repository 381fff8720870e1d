"""This library's records in files and in memory, and its streams of tokens between processes."""

from __future__ import annotations

import asyncio
import hashlib
import io
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from miniagents import Message, MessagePromise, MiniAgents, StreamAppender, decode, stream_message
from miniagents.ext.store import SQLiteStore, read_stream, write_stream
from miniagents.wire import decode_stream, encode_stream, read_records, write_records
from scripts.benchmarks.limit_records import in_blocks
from scripts.benchmarks.limit_streams import generate
from scripts.benchmarks.ours_messages import Order, order
from scripts.benchmarks.ours_streams import append
from scripts.benchmarks.samples import conversation
from scripts.benchmarks.watch import Watch, some_tokens

if TYPE_CHECKING:
    from miniagents.messages import Format


async def write_in_memory(watch: Watch, n: int, format: Format, checksum: bool = True) -> object:
    """Write records to a file in memory."""
    orders = [order(number) for number in range(n)]
    file = io.BytesIO()
    with watch:
        write_records(file, orders, format)
    data = file.getvalue()
    watch.moved(len(data))
    return hashlib.sha256(data).hexdigest() if checksum else None


async def write_to_file(watch: Watch, n: int, format: Format) -> object:
    """Write records to a file by its name."""
    orders = [order(number) for number in range(n)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "records"
        with watch:
            write_records(path, orders, format)
        data = path.read_bytes()
    watch.moved(len(data))
    return hashlib.sha256(data).hexdigest()


async def read_from_memory(
    watch: Watch,
    n: int,
    format: Format,
    checksum: bool = True,  # noqa: ARG001  # ours always has checksums
) -> object:
    """Read records from bytes in one piece."""
    data = _records(n, format)
    with watch:
        numbers = [each.number for each in read_records([data], Order, format)]
    watch.moved(len(data))
    return numbers


async def read_from_file(watch: Watch, n: int, format: Format) -> object:
    """Read records from a file by its name."""
    data = _records(n, format)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "records"
        path.write_bytes(data)
        with watch:
            numbers = [each.number for each in read_records(path, Order, format)]
    watch.moved(len(data))
    return numbers


def _records(n: int, format: Format) -> bytes:
    file = io.BytesIO()
    write_records(file, [order(number) for number in range(n)], format)
    return file.getvalue()


async def read_one(watch: Watch, n: int, format: Format) -> object:
    """Read records one by one, each from its own bytes, as a server does with the bodies of requests."""
    data = _records(1, format)
    with watch:
        read = [list(read_records([data], Order, format)) for _ in range(n)]
    return [each.number for (each,) in read]


def _conversation(n: int) -> list[Message]:
    return [decode(each, Message) for each in conversation(n)]


async def write_conversations(watch: Watch, n: int, format: Format) -> object:
    """Write the messages of conversations with models to a file in memory."""
    messages = _conversation(n)
    file = io.BytesIO()
    with watch:
        write_records(file, messages, format)
    data = file.getvalue()
    watch.moved(len(data))
    return hashlib.sha256(data).hexdigest()


async def read_conversations(watch: Watch, n: int, format: Format) -> object:
    """Read such messages, of any class, from bytes in one piece."""
    file = io.BytesIO()
    write_records(file, _conversation(n), format)
    data = file.getvalue()
    with watch:
        messages = list(read_records([data], Message, format))
    watch.moved(len(data))
    return [message.text for message in messages]


async def write_against(watch: Watch, n: int, format: Format, by: str) -> object:  # noqa: ARG001  # the limit's library
    """Do the same as `write_conversations`; the bytes of another library are others, the texts are not."""
    await write_conversations(watch, n, format)
    return [message.text for message in _conversation(n)]


async def read_against(watch: Watch, n: int, format: Format, by: str) -> object:  # noqa: ARG001  # as above
    """Do the same as `read_conversations`."""
    return await read_conversations(watch, n, format)


# --- streams of tokens ---


async def stream_out(watch: Watch, n: int, format: Format, burst: int = 0) -> object:
    """Encode a message whose tokens are complete (`burst` is 0) or are still arriving."""
    bursts = some_tokens(n, burst)
    async with MiniAgents():
        appender = StreamAppender[str]()
        promise = stream_message(Message, appender)
        if not burst:
            await append(appender, bursts)
            await promise
            with watch:
                data = await _sent(promise, format)
        else:
            with watch:
                producer = asyncio.create_task(append(appender, bursts))
                data = await _sent(promise, format)
                await producer
    return hashlib.sha256(data).hexdigest()


async def _sent(promise: MessagePromise[Message], format: Format) -> bytes:
    return b"".join([data async for data in encode_stream(promise, format)])


async def stream_in(watch: Watch, n: int, format: Format) -> object:
    """Decode the tokens and the message from bytes that arrive in blocks, as from a socket."""
    (tokens,) = some_tokens(n)
    async with MiniAgents():
        appender = StreamAppender[str]()
        promise = stream_message(Message, appender)
        await append(appender, [tokens])
        blocks = in_blocks(await _sent(promise, format))
        with watch:
            arriving = decode_stream(generate(blocks), Message, format)
            read = [token async for token in arriving]
            message = await arriving
    return read, message.text


async def short_streams_in(watch: Watch, n: int, format: Format, length: int) -> object:
    """Decode messages of a few tokens in one context, one after the other."""
    (tokens,) = some_tokens(length)
    answers: list[tuple[list[str], Message]] = []
    async with MiniAgents():
        appender = StreamAppender[str]()
        promise = stream_message(Message, appender)
        await append(appender, [tokens])
        blocks = in_blocks(await _sent(promise, format))
        with watch:
            for _ in range(n):
                arriving = decode_stream(generate(blocks), Message, format)
                read = [token async for token in arriving]
                answers.append((read, await arriving))
    return [(read, message.text) for read, message in answers]


async def log_tokens(watch: Watch, n: int, burst: int) -> object:
    """Write a message into a stream of a SQLite store while its tokens arrive."""
    bursts = some_tokens(n, burst)
    with tempfile.TemporaryDirectory() as folder:
        async with SQLiteStore(Path(folder) / "runs.db") as store, MiniAgents():
            await store.flush()
            appender = StreamAppender[str]()
            promise = stream_message(Message, appender)
            with watch:
                producer = asyncio.create_task(append(appender, bursts))
                await write_stream(store, "message", promise)
                await producer
            data = b"".join([pieces.data async for pieces in store.read("message")])
    return hashlib.sha256(data).hexdigest()


async def late_reader(watch: Watch, n: int) -> object:
    """Read a message from a finished stream of a SQLite store, token by token."""
    with tempfile.TemporaryDirectory() as folder:
        async with SQLiteStore(Path(folder) / "runs.db") as store, MiniAgents():
            appender = StreamAppender[str]()
            promise = stream_message(Message, appender)
            producer = asyncio.create_task(append(appender, some_tokens(n, 50)))
            await write_stream(store, "message", promise)
            await producer
            with watch:
                kept = read_stream(store, "message", Message)
                read = [token async for token in kept]
                message = await kept
    return read, message.text
