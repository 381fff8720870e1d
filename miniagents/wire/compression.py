"""Compression, a block at a time: gzip, and zstd if Python or the extra `zstd` provides it.

A few compressed bytes may decompress to very many. So no more than one block is decompressed at once.
"""

from __future__ import annotations

import sys
import zlib
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["BLOCK", "Compression", "DamagedError", "Deflater", "Inflater", "deflater_of", "told_by_magic"]

Compression: TypeAlias = Literal["gzip", "zstd"]
"""How data is compressed: "gzip" or "zstd".

"zstd" is faster and its data is smaller. Before Python 3.14 it needs ``pip install 'miniagents[zstd]'``.
"""

BLOCK: Final = 1 << 18
"""How many bytes are read or decompressed at once."""
_MAGIC: Final[dict[bytes, Compression]] = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}


class DamagedError(Exception):
    """Compressed data is damaged, or ends too early (`torn`)."""

    def __init__(self, reason: str, *, torn: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.torn = torn


def told_by_magic(start: bytes) -> Compression | None:
    """Return how data is compressed, by its first four bytes; None if it is not.

    No record starts with the magic bytes of a compression, so plain data is never mistaken for compressed data.
    """
    return next((name for magic, name in _MAGIC.items() if start.startswith(magic)), None)


class Inflater:
    """Decompresses data that comes in pieces of any size; it may hold several compressed streams in a row."""

    def __init__(self, compression: Compression) -> None:
        self._compression = compression
        self._new, self._errors = _decompressors(compression)
        self._current: Any = None  # Any: the decompressors of zlib and zstd have no common class

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take more compressed bytes, and yield the data in blocks.

        Raises:
            DamagedError: The bytes are damaged, or compressed in another way.
        """
        while data:
            if self._current is None:
                self._current = self._new()
            try:
                block, data = _step(self._current, data)
                while block:
                    yield block
                    if self._current.eof:
                        break
                    block, data = _step(self._current, data)
            except self._errors as error:
                raise DamagedError(f"the {self._compression} data is damaged: {error}") from None
            if self._current.eof:
                data = self._current.unused_data
                self._current = None
                if not data.strip(b"\x00"):  # zeros behind a stream are padding, which gzip allows
                    return

    def finish(self) -> None:
        """Check that the data is complete.

        Raises:
            DamagedError: The data ends in the middle of a compressed stream.
        """
        if self._current is not None:
            raise DamagedError(f"the {self._compression} data ends too early", torn=True)


def _step(decompressor: Any, data: bytes) -> tuple[bytes, bytes]:  # Any: of zlib or zstd
    """Decompress one block; return it and the compressed bytes that are left."""
    block: bytes = decompressor.decompress(data, BLOCK)
    tail: bytes = getattr(decompressor, "unconsumed_tail", b"")  # zlib returns the rest, zstd keeps it
    return block, tail


def _decompressors(compression: Compression) -> tuple[Callable[[], Any], Any]:  # Any: of zlib or zstd
    if compression == "gzip":
        return lambda: zlib.decompressobj(wbits=31), zlib.error
    zstd = _zstd()
    return zstd.ZstdDecompressor, zstd.ZstdError


class Deflater(Protocol):
    """Compresses data that comes in pieces."""

    def compress(self, data: bytes, /) -> bytes:
        """Take bytes, and return the compressed bytes that are ready."""
        ...

    def flush(self) -> bytes:
        """End the compressed stream, and return the rest of it."""
        ...


def deflater_of(compression: Compression) -> Deflater:
    """Return a compressor for one stream.

    Raises:
        ModuleNotFoundError: The package for zstd is not installed.
        ValueError: There is no such compression.
    """
    if compression == "gzip":
        return zlib.compressobj(6, wbits=31)
    if compression == "zstd":
        made: Deflater = _zstd().ZstdCompressor()
        return made
    raise ValueError(f"there is no compression {compression!r}: it is 'gzip', 'zstd' or None")


def _zstd() -> Any:  # Any: a module that may be missing
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd  # noqa: PLC0415  # few programs need it
        else:
            from backports import zstd  # noqa: PLC0415  # an optional package
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("zstd is not installed: pip install 'miniagents[zstd]'", name=error.name) from None
    return zstd
