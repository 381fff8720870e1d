"""The limit of records and of streams of tokens between processes: msgspec, `struct`, and loops over blocks of bytes.

The bytes are the same as the library's. The limit does not skip damaged records, recognise a torn last record, enforce
bounds or decompress, and it has no errors and events among the tokens.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import sqlite3
import struct
import tempfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from scripts.benchmarks.limit_messages import Message, Order, order
from scripts.benchmarks.limit_streams import Stream, generate, produce
from scripts.benchmarks.watch import Watch, some_tokens

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
    from typing import IO

M = TypeVar("M")

BLOCK = 1 << 16
"""The number of bytes that are read or written at once."""
BATCH = 256
"""The number of records that are encoded at once."""


async def write_in_memory(watch: Watch, n: int, format: str, checksum: bool = True) -> object:
    """Write records to a file in memory."""
    orders = [order(number) for number in range(n)]
    file = io.BytesIO()
    with watch:
        _write(orders, file, format, checksum)
    data = file.getvalue()
    watch.moved(len(data))
    return hashlib.sha256(data).hexdigest() if checksum else None


async def write_to_file(watch: Watch, n: int, format: str) -> object:
    """Write records to a file by its name."""
    orders = [order(number) for number in range(n)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "records"
        with watch, path.open("wb", buffering=0) as file:
            _write(orders, file, format)
        data = path.read_bytes()
    watch.moved(len(data))
    return hashlib.sha256(data).hexdigest()


async def read_from_memory(watch: Watch, n: int, format: str, checksum: bool = True) -> object:
    """Read records from bytes in one piece."""
    data = _records(n, format, checksum)
    with watch:
        numbers = [each.number for each in _read([data], format, checksum)]
    watch.moved(len(data))
    return numbers


async def read_from_file(watch: Watch, n: int, format: str) -> object:
    """Read records from a file by its name."""
    data = _records(n, format)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "records"
        path.write_bytes(data)
        with watch, path.open("rb", buffering=0) as file:
            numbers = [each.number for each in _read(iter(lambda: file.read(BLOCK), b""), format)]
    watch.moved(len(data))
    return numbers


async def read_one(watch: Watch, n: int, format: str) -> object:
    """Read records one by one, each from its own bytes."""
    data = _records(1, format)
    with watch:
        read = [list(_read([data], format)) for _ in range(n)]
    return [each.number for (each,) in read]


def _records(n: int, format: str, checksum: bool = True) -> bytes:
    file = io.BytesIO()
    _write([order(number) for number in range(n)], file, format, checksum)
    return file.getvalue()


def _write(orders: Iterable[Order], file: IO[bytes], format: str, checksum: bool = True) -> None:
    if format == "json":
        write_lines(orders, file)
    elif checksum:
        write_frames(orders, file)
    else:
        _write_bare_frames(orders, file)


def _read(blocks: Iterable[bytes], format: str, checksum: bool = True) -> Iterator[Order]:
    if format == "json":
        return read_lines(blocks, _orders_of_lines)
    return read_frames(blocks, _unpack) if checksum else _read_bare_frames(blocks)


def in_blocks(data: bytes, size: int = 4096) -> list[bytes]:
    """Yield bytes in blocks, as they arrive from a socket."""
    return [data[start : start + size] for start in range(0, len(data), size)]


# --- lines of JSON ---

_lines = msgspec.json.Encoder().encode_lines
_orders_of_lines = msgspec.json.Decoder(Order).decode_lines


def write_lines(messages: Iterable[msgspec.Struct], file: IO[bytes]) -> None:
    """Write messages as lines of JSON."""
    waiting = iter(messages)
    while batch := list(islice(waiting, BATCH)):
        file.write(_lines(batch))


def read_lines(blocks: Iterable[bytes], decode_lines: Callable[[bytes], list[M]]) -> Iterator[M]:
    """Read messages from lines of JSON."""
    rest = b""
    for block in blocks:
        lines, line_feed, begun = block.rpartition(b"\n")
        if line_feed:
            yield from decode_lines(rest + lines)
            rest = begun
        else:
            rest += block
    if rest:
        yield from decode_lines(rest)


# --- frames of MessagePack ---

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Order).decode
_HEADER = struct.Struct(">BII")
_LENGTH = struct.Struct(">I")
MARKER = 0xC1


class DamagedError(ValueError):
    """A frame has a wrong marker or checksum."""


def write_frames(messages: Iterable[msgspec.Struct], file: IO[bytes]) -> None:
    """Write messages as frames with a checksum."""
    header, crc32, buffer = _HEADER.pack, zlib.crc32, bytearray()
    for each in messages:
        payload = _pack(each)
        length = len(payload)
        buffer += header(MARKER, length, crc32(payload, length))
        buffer += payload
        if len(buffer) >= BLOCK:
            file.write(buffer)
            buffer.clear()
    file.write(buffer)


def read_frames(blocks: Iterable[bytes], unpack: Callable[[bytes], M]) -> Iterator[M]:
    """Read messages from frames with a checksum."""
    unpack_from, crc32, rest = _HEADER.unpack_from, zlib.crc32, b""
    for block in blocks:
        data = rest + block if rest else block
        position, last = 0, len(data) - _HEADER.size
        while position <= last:
            marker, length, checksum = unpack_from(data, position)
            start = position + 9
            end = start + length
            if end > len(data):
                break
            payload = data[start:end]
            if marker != MARKER or crc32(payload, length) != checksum:
                raise DamagedError(position)
            yield unpack(payload)
            position = end
        rest = data[position:]


def _write_bare_frames(orders: Iterable[Order], file: IO[bytes]) -> None:
    """Write frames with their length, but without a marker and a checksum."""
    header, buffer = _LENGTH.pack, bytearray()
    for each in orders:
        payload = _pack(each)
        buffer += header(len(payload))
        buffer += payload
        if len(buffer) >= BLOCK:
            file.write(buffer)
            buffer.clear()
    file.write(buffer)


def _read_bare_frames(blocks: Iterable[bytes]) -> Iterator[Order]:
    unpack_from, rest = _LENGTH.unpack_from, b""
    for block in blocks:
        data = rest + block if rest else block
        position, last = 0, len(data) - _LENGTH.size
        while position <= last:
            (length,) = unpack_from(data, position)
            start = position + 4
            end = start + length
            if end > len(data):
                break
            yield _unpack(data[start:end])
            position = end
        rest = data[position:]


# --- streams of tokens ---


class Opened(msgspec.Struct, frozen=True, tag="opened", tag_field="frame"):
    """The frame that begins a message."""

    tag: str


class Text(msgspec.Struct, frozen=True, tag="text", tag_field="frame"):
    """The frame of a token."""

    text: str


class Whole(msgspec.Struct, frozen=True, tag="whole", tag_field="frame"):
    """The frame that completes a message."""

    message: Message


def _framed(payload: bytes) -> bytes:
    return _HEADER.pack(MARKER, len(payload), zlib.crc32(payload, len(payload))) + payload


def _line(payload: bytes) -> bytes:
    return payload + b"\n"


_WRITERS: dict[str, tuple[Callable[[object], bytes], Callable[[bytes], bytes]]] = {
    "json": (msgspec.json.Encoder().encode, _line),
    "msgpack": (_pack, _framed),
}
_Frame = Opened | Text | Whole
_READERS: dict[str, Callable[[bytes], Opened | Text | Whole]] = {
    "json": msgspec.json.Decoder(_Frame).decode,
    "msgpack": msgspec.msgpack.Decoder(_Frame).decode,
}


async def stream_out(watch: Watch, n: int, format: str, burst: int = 0) -> object:
    """Encode the tokens of a stream as frames; those that are ready go in one piece."""
    bursts = some_tokens(n, burst)
    stream = Stream[str]()
    if not burst:
        await produce(stream, bursts)
        with watch:
            data = b"".join([data async for data in _sent(stream, format)])
    else:
        with watch:
            producer = asyncio.create_task(produce(stream, bursts))
            data = b"".join([data async for data in _sent(stream, format)])
            await producer
    return hashlib.sha256(data).hexdigest()


async def _sent(stream: Stream[str], format: str) -> AsyncIterator[bytes]:
    encode, framed = _WRITERS[format]
    yield framed(encode(Opened("Message")))
    async for share in stream.shares():
        yield b"".join([framed(encode(Text(token))) for token in share])
    yield framed(encode(Whole(Message("".join(stream.pieces)))))


async def stream_in(watch: Watch, n: int, format: str) -> object:
    """Decode frames into a stream in a task, and read the stream."""
    stream = Stream[str]()
    await produce(stream, some_tokens(n))
    blocks = in_blocks(b"".join([data async for data in _sent(stream, format)]))
    with watch:
        arriving = Stream[str]()
        taking = asyncio.create_task(_take(generate(blocks), arriving, format))
        read = [token async for token in arriving]
        message = await taking
    return read, message.text


async def _take(blocks: AsyncIterable[bytes], stream: Stream[str], format: str) -> Message:
    decode = _READERS[format]
    split = _split_lines if format == "json" else _split_frames
    message = Message()
    rest = b""
    async for block in blocks:
        payloads, rest = split(rest + block)
        for frame in map(decode, payloads):
            if isinstance(frame, Text):
                stream.append(frame.text)
            elif isinstance(frame, Whole):
                message = frame.message
        await asyncio.sleep(0)
    stream.end()
    return message


def _split_lines(data: bytes) -> tuple[list[bytes], bytes]:
    *lines, rest = data.split(b"\n")
    return lines, rest


def _split_frames(data: bytes) -> tuple[list[bytes], bytes]:
    payloads: list[bytes] = []
    position, last = 0, len(data) - _HEADER.size
    while position <= last:
        marker, length, checksum = _HEADER.unpack_from(data, position)
        start = position + 9
        end = start + length
        if end > len(data):
            break
        payload = data[start:end]
        if marker != MARKER or zlib.crc32(payload, length) != checksum:
            raise DamagedError(position)
        payloads.append(payload)
        position = end
    return payloads, data[position:]


async def short_streams_in(watch: Watch, n: int, format: str, length: int) -> object:
    """Decode messages of a few tokens, one after the other, each in a task."""
    stream = Stream[str]()
    await produce(stream, some_tokens(length))
    blocks = in_blocks(b"".join([data async for data in _sent(stream, format)]))
    answers: list[tuple[list[str], Message]] = []
    with watch:
        for _ in range(n):
            arriving = Stream[str]()
            taking = asyncio.create_task(_take(generate(blocks), arriving, format))
            read = [token async for token in arriving]
            answers.append((read, await taking))
    return [(read, message.text) for read, message in answers]


class _Log:
    """A table of blocks in a SQLite file, with a thread that works on it."""

    def __init__(self, path: Path) -> None:
        self.thread = ThreadPoolExecutor(1)
        self._file = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._file.execute("PRAGMA journal_mode=WAL")
        self._file.execute("PRAGMA synchronous=NORMAL")
        self._file.execute("CREATE TABLE blocks (number INTEGER PRIMARY KEY, data BLOB NOT NULL)")

    def close(self) -> None:
        self.thread.shutdown()
        self._file.close()

    async def write(self, blocks: AsyncIterable[bytes]) -> None:
        """Append blocks; each of them is committed before the next one is read."""
        loop = asyncio.get_running_loop()
        async for block in blocks:
            await loop.run_in_executor(self.thread, self._insert, block)

    async def read(self) -> list[bytes]:
        """Return all blocks."""
        return await asyncio.get_running_loop().run_in_executor(self.thread, self._selected)

    def _insert(self, block: bytes) -> None:
        self._file.execute("INSERT INTO blocks(data) VALUES (?)", (block,))

    def _selected(self) -> list[bytes]:
        return [data for (data,) in self._file.execute("SELECT data FROM blocks ORDER BY number")]


async def log_tokens(watch: Watch, n: int, burst: int) -> object:
    """Write the frames of a stream into a SQLite file while it arrives; what is ready is committed together."""
    stream = Stream[str]()
    with tempfile.TemporaryDirectory() as folder, closing(_Log(Path(folder) / "log.db")) as log:
        with watch:
            producer = asyncio.create_task(produce(stream, some_tokens(n, burst)))
            await log.write(_sent(stream, "json"))
            await producer
        data = b"".join(await log.read())
    return hashlib.sha256(data).hexdigest()


async def late_reader(watch: Watch, n: int) -> object:
    """Read frames from a SQLite file into a stream in a task, and read the stream."""
    stream = Stream[str]()
    with tempfile.TemporaryDirectory() as folder, closing(_Log(Path(folder) / "log.db")) as log:
        producer = asyncio.create_task(produce(stream, some_tokens(n, 50)))
        await log.write(_sent(stream, "json"))
        await producer
        with watch:
            arriving = Stream[str]()
            taking = asyncio.create_task(_take(generate(await log.read()), arriving, "json"))
            read = [token async for token in arriving]
            message = await taking
    return read, message.text
