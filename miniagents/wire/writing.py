"""Records written to files and sockets: `write_records`, `awrite_records`, `RecordWriter`."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterable, Iterable
from contextlib import asynccontextmanager
from typing import IO, TYPE_CHECKING, Any, TypeAlias

from miniagents.messages.coding.codec import encode, encode_into
from miniagents.messages.coding.msgspec_formats import functions_of
from miniagents.wire.compression import BLOCK, deflater_of
from miniagents.wire.splitting import frame

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from typing import Self

    from miniagents.messages.coding.codec import Format
    from miniagents.wire.compression import Compression

__all__ = ["AsyncTarget", "RecordEncoder", "RecordWriter", "Target", "awrite_records", "write_records"]

Target: TypeAlias = "str | os.PathLike[str] | IO[bytes] | socket.socket"
"""Where bytes go: a path, a file that was opened for writing bytes, a pipe, a socket."""

AsyncTarget: TypeAlias = "str | os.PathLike[str] | asyncio.StreamWriter | socket.socket"
"""Where bytes go without blocking: a path, a `StreamWriter`, a non-blocking socket. A file is written in a thread."""


class RecordEncoder:
    """Takes values and gives the bytes of records.

    Args:
        format: How they are written: "json" gives lines, "msgpack" frames.
        compression: How the bytes are compressed.

    Raises:
        ModuleNotFoundError: The package of zstd is not installed.
        ValueError: There is no such format or compression.
    """

    def __init__(self, format: Format = "json", compression: Compression | None = None) -> None:
        functions_of(format)
        self._format: Format = format
        self._compression: Compression | None = compression
        self._buffer = bytearray()
        self._deflater = None if compression is None else deflater_of(compression)

    def add(self, value: object) -> bool:
        """Add a record.

        Returns:
            Whether it is time to `take` what there is.

        Raises:
            ValueError: See `encode`. Nothing of the value is written then.
            TypeError: As above.
        """
        if self._format == "json":
            encode_into(value, self._buffer, -1)
            self._buffer += b"\n"
        else:
            self._buffer += frame(encode(value, self._format))
        return len(self._buffer) >= BLOCK

    def take(self) -> bytes:
        """Give the bytes of all records since the last time, or what is ready of them where they are compressed."""
        data = bytes(self._buffer)
        self._buffer.clear()
        return data if self._deflater is None else self._deflater.compress(data)

    def finish(self) -> bytes:
        """Give the rest, so that all records can be read; more may follow, as another compressed stream."""
        data = self.take()
        if self._deflater is not None and self._compression is not None:
            data += self._deflater.flush()
            self._deflater = deflater_of(self._compression)
        return data


class RecordWriter:
    r"""Writes records to a file or a socket, many at once.

    It is a context manager: at its end everything is written, and what it opened is closed. Until then, or until
    `flush`, the last records may be in memory only.

    Args:
        target: A path, a file opened for bytes, a pipe, a socket.
        format: "json" for a record on each line, "msgpack" for frames with checksums.
        compression: "gzip", "zstd" or None.
        append: Write behind what is in the file of a path. If a line is torn off there, it gets its end, so that it is
            one record that cannot be read, and not a part of the next.

    Raises:
        ModuleNotFoundError: The package of zstd is not installed.
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
            ValueError: See `encode`. Nothing of the value is written then.
            TypeError: As above.
            OSError: It cannot be written.
        """
        if self._encoder.add(value):
            self._write(self._encoder.take())

    def flush(self) -> None:
        """Hand everything to the operating system, so that others can read it.

        Raises:
            OSError: It cannot be written.
        """
        self._write(self._encoder.finish())

    def close(self) -> None:
        """Write the rest, and close what was opened here.

        Raises:
            OSError: It cannot be written.
        """
        try:
            self.flush()
        finally:
            if self._file is not None:
                self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def write_records(
    target: Target,
    values: Iterable[object],
    format: Format = "json",
    *,
    compression: Compression | None = None,
    append: bool = False,
) -> int:
    """Write values as records, one behind the other; `read_records` reads them.

    Args:
        target: See `RecordWriter`, as for all others.
        values: What is written.
        format: How.
        compression: How the data is compressed.
        append: Write behind what is in the file.

    Returns:
        How many there were.

    Raises:
        ValueError: See `encode`; the records before it are written.
        TypeError: As above.
        OSError: It cannot be written.

    Examples:
        >>> file = io.BytesIO()
        >>> write_records(file, [UserMessage("Hello"), AssistantMessage("Good morning")], "msgpack", compression="gzip")
        2
        >>> [str(message) for message in read_records([file.getvalue()], Message, "msgpack")]
        ['Hello', 'Good morning']
    """
    count = 0
    with RecordWriter(target, format, compression=compression, append=append) as writer:
        for value in values:
            writer.write(value)
            count += 1
    return count


async def awrite_records(
    target: AsyncTarget,
    values: AsyncIterable[object] | Iterable[object],
    format: Format = "json",
    *,
    compression: Compression | None = None,
    append: bool = False,
) -> int:
    """Write values as records without blocking the loop, each as soon as it is there; see `write_records`.

    What comes while the target takes no more waits there: a slow reader slows down whoever gives the values.

    Args:
        target: A path, an `asyncio.StreamWriter`, a non-blocking socket.
        values: What is written.
        format: How.
        compression: How the data is compressed; what is compressed comes in larger pieces.
        append: Write behind what is in the file of a path.

    Returns:
        How many there were.

    Raises:
        ValueError: See `encode`; the records before it are written.
        TypeError: As above.
        OSError: It cannot be written.
    """
    encoder = RecordEncoder(format, compression)
    count = 0
    async with _opened_async(target, format, append=append, plain=compression is None) as send:
        try:
            if isinstance(values, AsyncIterable):
                async for value in values:
                    encoder.add(value)
                    count += 1
                    await send(encoder.take())
            else:
                for value in values:
                    is_full = encoder.add(value)
                    count += 1
                    if is_full:
                        await send(encoder.take())
        finally:
            await send(encoder.finish())
    return count


# Where the bytes go --------------------------------------------------------------------------------------------------


def _opened(
    target: Target,
    format: Format,
    *,
    append: bool,
    plain: bool,
) -> tuple[IO[bytes] | None, Callable[[bytes], object]]:
    """Give the file that was opened for this, and what writes all of some bytes."""
    if isinstance(target, (str, os.PathLike)):
        file = open(target, "ab" if append else "wb")  # noqa: PTH123, SIM115  # a path may be a string; closed by `close`
        if append and plain and format == "json" and _is_torn(target):
            file.write(b"\n")
        return file, _writing(file)
    if append:
        raise TypeError("append=True is for paths: what is written to an open file goes where that stands")
    if isinstance(target, socket.socket):
        return None, target.sendall
    write: object = getattr(target, "write", None)
    if not callable(write):
        raise TypeError(f"records are written to files and sockets, not to {type(target).__qualname__}")
    return None, _writing(target)


def _writing(file: IO[bytes]) -> Callable[[bytes], None]:
    def write(data: bytes) -> None:
        rest = memoryview(data)
        while rest:  # files without a buffer may take a part
            taken: Any = file.write(rest)  # Any: None where the file does not block, whatever its stub says
            if taken is None:
                raise BlockingIOError("records are written to files that block; `awrite_records` is for the others")
            rest = rest[taken:]
        file.flush()

    return write


def _is_torn(path: str | os.PathLike[str]) -> bool:
    with open(path, "rb") as file:  # noqa: PTH123  # as above
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
    """Give what writes bytes and waits until there is room for more."""
    if isinstance(target, (str, os.PathLike)):
        file, write = await asyncio.to_thread(_opened, target, format, append=append, plain=plain)
        try:
            yield lambda data: asyncio.to_thread(write, data)
        finally:
            if file is not None:
                file.close()
        return
    if append:
        raise TypeError("append=True is for paths: what is written to a stream goes behind what was written before")
    if isinstance(target, socket.socket):
        loop = asyncio.get_running_loop()
        yield lambda data: loop.sock_sendall(target, data)
        return

    async def send(data: bytes) -> None:
        target.write(data)
        await target.drain()

    yield send
