"""Records written to files and sockets: `write_records`, `awrite_records`, `RecordWriter`."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterable, Iterable
from contextlib import asynccontextmanager
from typing import IO, TYPE_CHECKING, Any, Final, TypeAlias

from miniagents.messages.coding.codec import encode, encode_into
from miniagents.messages.coding.encoding import are_simple
from miniagents.messages.coding.msgspec_formats import functions_of
from miniagents.messages.values.freezing import is_list, is_tuple
from miniagents.wire.compression import deflater_of
from miniagents.wire.splitting import frame, records_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
    from typing import Self

    from miniagents.messages.coding.codec import Format
    from miniagents.wire.compression import Compression

__all__ = ["AsyncTarget", "RecordEncoder", "RecordWriter", "Target", "awrite_records", "write_records"]

Target: TypeAlias = "str | os.PathLike[str] | IO[bytes] | socket.socket"
"""A target for bytes: a path, a file that was opened for writing bytes, a pipe, a socket."""

AsyncTarget: TypeAlias = "str | os.PathLike[str] | asyncio.StreamWriter | socket.socket"
"""A target that does not block: a path, a `StreamWriter`, a non-blocking socket. A path is written in a thread."""

_TOGETHER: Final = 256
"""How many records of a list are encoded together."""
_FULL: Final = 1 << 16
"""How many bytes are written at once, or more: so few that they are still in the processor's cache."""
_LARGE: Final = 1 << 14
"""How many bytes of records that were encoded together are worth a write of their own."""


class RecordEncoder:
    """Takes values and returns the bytes of records.

    It is for programs that write bytes in a way of their own. `write_records` writes files and sockets.

    Args:
        format: "json" for a record on each line, "msgpack" for frames with checksums.
        compression: "gzip", "zstd" or None.

    Raises:
        ModuleNotFoundError: The package for zstd is not installed.
        ValueError: There is no such format or compression.
    """

    def __init__(self, format: Format = "json", compression: Compression | None = None) -> None:
        functions_of(format)
        self._format: Format = format
        self._compression: Compression | None = compression
        self._buffer = bytearray()
        self._count = 0  # of the records that `_blocks` has added
        self._deflater = None if compression is None else deflater_of(compression)

    def __repr__(self) -> str:
        return f"<RecordEncoder {self._format}, {self._compression or 'not compressed'}>"

    def add(self, value: object) -> bool:
        """Add a record.

        Returns:
            Whether the buffer is full and should be taken with `take`.

        Raises:
            ValueError: The value cannot be encoded; nothing of it is written. See `encode`.
            TypeError: A part of the value is of a type that cannot be encoded; nothing of the value is written.
        """
        if self._format == "json":
            encode_into(value, self._buffer, -1)
            self._buffer += b"\n"
        else:
            self._buffer += frame(encode(value, self._format))
        return len(self._buffer) >= _FULL

    def take(self) -> bytes:
        """Return the bytes of all records since the last call. A compressor may keep some of them until `finish`."""
        data = bytes(self._buffer)
        self._buffer.clear()
        return data if self._deflater is None else self._deflater.compress(data)

    def finish(self) -> bytes:
        """Return the remaining bytes, so that all records can be read.

        More records may follow. If the bytes are compressed, they begin another compressed stream.
        """
        data = self.take()
        if self._deflater is not None and self._compression is not None:
            data += self._deflater.flush()
            self._deflater = deflater_of(self._compression)
        return data

    # --- machinery ---

    def _blocks(self, values: Iterable[object]) -> Iterator[bytes]:
        """Add records, and yield bytes whenever the buffer is full; the rest stays for `finish`.

        Records in a list or a tuple are encoded together. Those of other iterables are encoded one by one: an iterator
        may use its values again or change them, and when one cannot be encoded, the next must not have been taken.
        """
        if is_list(values) or is_tuple(values):
            start = 0
            while batch := values[start : start + _TOGETHER]:
                data = self._together(batch)
                if data is None:
                    for value in batch:
                        self.add(value)
                start += len(batch)
                self._count += len(batch)
                if data is not None and len(data) >= _LARGE and not self._buffer and self._deflater is None:
                    yield data  # not by the buffer, which would copy it twice
                    continue
                self._buffer += data or b""
                if len(self._buffer) >= _FULL:
                    yield self.take()
            return
        for value in values:
            is_full = self.add(value)
            self._count += 1
            if is_full:
                yield self.take()

    def _together(self, values: Sequence[object]) -> bytes | None:
        """Return the records of values that msgspec alone can encode; None if there are others."""
        if not are_simple(values, self._format):
            return None
        try:
            return records_of(values, self._format)
        except (TypeError, ValueError, OverflowError, RecursionError):
            return None


class RecordWriter:
    r"""Writes records to a file or a socket, many at once.

    It is a context manager. Leaving it writes everything, and closes the file that it opened. Until then, or until
    `flush`, the last records may be in memory only.

    Args:
        target: A path, a file opened for bytes, a pipe, a socket.
        format: "json" for a record on each line, "msgpack" for frames with checksums.
        compression: "gzip", "zstd" or None.
        append: Keep the content of the file, and write behind it; only for a path. If the last line there has no line
            feed, it gets one. So a torn record is one record that cannot be read, and does not spoil the next one.

    Raises:
        ModuleNotFoundError: The package for zstd is not installed.
        OSError: The file cannot be opened.
        TypeError: The target takes no bytes.
        ValueError: There is no such format or compression.

    Examples:
        >>> file = io.BytesIO()
        >>> with RecordWriter(file) as writer:
        ...     writer.write(UserMessage("Hello"))
        >>> file.getvalue()
        b'{"@type":"UserMessage","text":"Hello"}\n'
    """

    def __init__(
        self,
        target: Target,
        format: Format = "json",
        *,
        compression: Compression | None = None,
        append: bool = False,
    ) -> None:
        self._encoder = RecordEncoder(format, compression)
        self._file, self._write = _opened(target, format, append=append, plain=compression is None)

    def write(self, value: object) -> None:
        """Write a record.

        Raises:
            ValueError: The value cannot be encoded; nothing of it is written. See `encode`.
            TypeError: A part of the value is of a type that cannot be encoded; nothing of the value is written.
            OSError: The target cannot be written to.
        """
        if self._encoder.add(value):
            self._write(self._encoder.take())

    def flush(self) -> None:
        """Pass everything to the operating system, so that other processes can read it.

        Raises:
            OSError: The target cannot be written to.
        """
        self._write(self._encoder.finish())

    def close(self) -> None:
        """Write the rest, and close the file that was opened here.

        Raises:
            OSError: The target cannot be written to.
        """
        try:
            self.flush()
        finally:
            if self._file is not None:
                self._file.close()

    def __repr__(self) -> str:
        encoder = self._encoder
        return f"<RecordWriter {encoder._format}, {encoder._compression or 'not compressed'}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write_all(self, values: Iterable[object]) -> int:
        for data in self._encoder._blocks(values):
            self._write(data)
        return self._encoder._count


def write_records(
    target: Target,
    values: Iterable[object],
    format: Format = "json",
    *,
    compression: Compression | None = None,
    append: bool = False,
) -> int:
    """Write values as records; `read_records` reads them.

    Args:
        target: A path, a file opened for bytes, a pipe, a socket.
        values: The values, such as messages.
        format: "json" for a record on each line, "msgpack" for frames with checksums.
        compression: "gzip", "zstd" or None.
        append: Keep the content of the file, and write behind it; see `RecordWriter`.

    Returns:
        The number of records.

    Raises:
        ValueError: A value cannot be encoded (see `encode`); the records before it are written.
        TypeError: A part of a value is of a type that cannot be encoded; the records before it are written.
        OSError: The target cannot be written to.

    Examples:
        >>> file = io.BytesIO()
        >>> write_records(file, [UserMessage("Hello"), AssistantMessage("Good morning")], "msgpack", compression="gzip")
        2
        >>> [str(message) for message in read_records([file.getvalue()], Message, "msgpack")]
        ['Hello', 'Good morning']
    """
    with RecordWriter(target, format, compression=compression, append=append) as writer:
        return writer._write_all(values)


async def awrite_records(
    target: AsyncTarget,
    values: AsyncIterable[object] | Iterable[object],
    format: Format = "json",
    *,
    compression: Compression | None = None,
    append: bool = False,
) -> int:
    """Write values as records without blocking the loop; see `write_records`.

    Each value of an async iterable is written as soon as it arrives. The next one is not asked for before the target
    has taken it, so a slow target slows down the source of the values.

    Args:
        target: A path, an `asyncio.StreamWriter`, a non-blocking socket.
        values: The values, such as messages.
        format: "json" for a record on each line, "msgpack" for frames with checksums.
        compression: "gzip", "zstd" or None. Compressed bytes are sent later, in larger pieces.
        append: Keep the content of the file, and write behind it; only for a path.

    Returns:
        The number of records.

    Raises:
        ValueError: A value cannot be encoded (see `encode`); the records before it are written.
        TypeError: A part of a value is of a type that cannot be encoded; the records before it are written.
        OSError: The target cannot be written to.
    """
    encoder = RecordEncoder(format, compression)
    async with _opened_async(target, format, append=append, plain=compression is None) as send:
        try:
            if isinstance(values, AsyncIterable):
                async for value in values:
                    encoder.add(value)
                    encoder._count += 1
                    await send(encoder.take())
            else:
                for data in encoder._blocks(values):
                    await send(data)
        finally:
            await send(encoder.finish())
    return encoder._count


# --- machinery ---


def _opened(
    target: Target,
    format: Format,
    *,
    append: bool,
    plain: bool,
) -> tuple[IO[bytes] | None, Callable[[bytes], object]]:
    """Return the file if one was opened, and a function that writes all bytes that it is given."""
    if isinstance(target, (str, os.PathLike)):
        file = open(target, "ab" if append else "wb")  # noqa: PTH123, SIM115  # a path may be a string; closed by `close`
        if append and plain and format == "json" and _is_torn(target):
            file.write(b"\n")
        return file, _writing(file)
    if append:
        raise TypeError("append=True is for paths: an open file is written at its current position")
    if isinstance(target, socket.socket):
        return None, target.sendall
    write: object = getattr(target, "write", None)
    if not callable(write):
        raise TypeError(f"records are written to files and sockets, not to {type(target).__qualname__}")
    return None, _writing(target)


def _writing(file: IO[bytes]) -> Callable[[bytes], None]:
    def write(data: bytes) -> None:
        rest = memoryview(data)
        while rest:  # a file without a buffer may write a part only
            taken: Any = file.write(rest)  # Any: None if the file is non-blocking, although its stub says int
            if taken is None:
                raise BlockingIOError("records are written to blocking files only; `awrite_records` does not block")
            rest = rest[taken:]
        file.flush()

    return write


def _is_torn(path: str | os.PathLike[str]) -> bool:
    with open(path, "rb") as file:  # noqa: PTH123  # a path may be a string
        if not file.seek(0, os.SEEK_END):
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


@asynccontextmanager
async def _opened_async(
    target: AsyncTarget,
    format: Format,
    *,
    append: bool,
    plain: bool,
) -> AsyncGenerator[Callable[[bytes], Awaitable[object]], None]:
    """Yield a function that writes bytes and waits until there is room for more."""
    if isinstance(target, (str, os.PathLike)):
        file, write = await asyncio.to_thread(_opened, target, format, append=append, plain=plain)
        try:
            yield lambda data: asyncio.to_thread(write, data)
        finally:
            if file is not None:
                file.close()
        return
    if append:
        raise TypeError("append=True is for paths: a stream always continues behind its earlier bytes")
    if isinstance(target, socket.socket):
        loop = asyncio.get_running_loop()
        yield lambda data: loop.sock_sendall(target, data)
        return

    async def send(data: bytes) -> None:
        target.write(data)
        await target.drain()

    yield send
