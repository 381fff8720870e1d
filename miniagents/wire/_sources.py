"""Sources of bytes: files, pipes, sockets and iterables, read a block at a time."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import IO, TYPE_CHECKING, Any, TypeAlias, TypeGuard

from miniagents.wire.compression import BLOCK
from miniagents.wire.splitting import STRETCH

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator

__all__ = ["AsyncSource", "Source", "async_blocks", "blocks"]

Source: TypeAlias = "str | os.PathLike[str] | IO[bytes] | socket.socket | Iterable[bytes]"
"""A source of bytes: a path, a file that was opened for reading bytes, a pipe, a socket, an iterable of bytes."""

AsyncSource: TypeAlias = "str | os.PathLike[str] | asyncio.StreamReader | socket.socket | AsyncIterable[bytes]"
"""A source that does not block: a path, a `StreamReader`, a non-blocking socket, an async iterable of bytes.

A path is read in a thread.
"""


def blocks(source: object, offset: int = 0) -> Iterator[bytes]:
    """Iterate over the bytes of a source, to its end.

    A file that is opened for it is closed when the iterator ends or is closed.

    Args:
        source: Where the bytes come from.
        offset: How many bytes to skip; other sources than paths ignore it.

    Raises:
        TypeError: The source gives no bytes.
        OSError: The source cannot be opened or read.
    """
    if _is_path(source):
        return _of_path(source, offset)
    if isinstance(source, socket.socket):
        return _until_empty(source.recv)
    if _is_bytes(source):
        return iter((bytes(source),))
    # read() of a pipe would wait for a whole block; read1() returns the bytes that have arrived
    read: Any = getattr(source, "read1", None) or getattr(source, "read", None)  # Any: files have no common class
    if callable(read):
        return _until_empty(read)
    if _is_iterable(source):
        return _checked(source)
    raise _refused(source)


def _of_path(path: str | os.PathLike[str], offset: int) -> Iterator[bytes]:
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123  # a path may be a string
        if offset:
            file.seek(offset)
        yield from _until_empty(file.read)


def _until_empty(read: Callable[[int], object]) -> Iterator[bytes]:
    while data := read(BLOCK):
        if not isinstance(data, bytes):
            raise TypeError(f"records are read from bytes, not {type(data).__qualname__}: open the file with mode 'rb'")
        yield data


def _checked(source: Iterable[object]) -> Iterator[bytes]:
    for data in source:
        yield _as_bytes(data)


async def async_blocks(source: object, offset: int = 0) -> AsyncGenerator[bytes, None]:
    """Iterate over the bytes of a source without blocking; see `blocks`.

    The blocks are small, so that the loop may get a turn after each of them.

    Args:
        source: Where the bytes come from.
        offset: How many bytes to skip; other sources than paths ignore it.

    Raises:
        TypeError: The source gives no bytes.
        OSError: The source cannot be opened or read.
    """
    if _is_async_iterable(source) and not isinstance(source, asyncio.StreamReader):  # iterating one gives lines
        iterator = aiter(source)
        try:
            async for piece in iterator:
                data = _as_bytes(piece)
                for start in range(0, len(data) or 1, STRETCH):  # also yield empty pieces: there may be many
                    yield data[start : start + STRETCH]
        finally:
            close: Any = getattr(iterator, "aclose", None)  # Any: only async generators have it
            if close is not None:
                await close()
        return
    async with _async_reading(source, offset) as read:
        while data := await read(BLOCK):
            for start in range(0, len(data), STRETCH):
                yield data[start : start + STRETCH]


@asynccontextmanager
async def _async_reading(source: object, offset: int) -> AsyncGenerator[Callable[[int], Awaitable[bytes]], None]:
    if isinstance(source, asyncio.StreamReader):
        yield source.read
    elif isinstance(source, socket.socket):
        yield partial(asyncio.get_running_loop().sock_recv, source)
    elif _is_path(source):
        file = await asyncio.to_thread(open, source, "rb", 0)
        try:
            if offset:
                file.seek(offset)
            yield partial(asyncio.to_thread, file.read)
        finally:
            file.close()
    else:
        raise _refused(source)


def _as_bytes(data: object) -> bytes:
    if not _is_bytes(data):
        raise _refused(data)
    return bytes(data)


# isinstance() alone would leave the type parameters unknown


def _is_path(source: object) -> TypeGuard[str | os.PathLike[str]]:
    return isinstance(source, (str, os.PathLike))


def _is_bytes(data: object) -> TypeGuard[bytes]:
    return isinstance(data, (bytes, bytearray, memoryview))


def _is_iterable(source: object) -> TypeGuard[Iterable[object]]:
    return isinstance(source, Iterable)


def _is_async_iterable(source: object) -> TypeGuard[AsyncIterable[object]]:
    return isinstance(source, AsyncIterable)


def _refused(source: object) -> TypeError:
    return TypeError(f"records are read from bytes, not from {type(source).__qualname__}: {source!r:.200}")
