"""Compressed data, a block at a time: gzip, and zstd where Python or the extra `zstd` has it.

However much a few bytes may stand for, no more than a block of it is in memory at once.
"""

from __future__ import annotations

import sys
import zlib
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["BLOCK", "Compression", "DamagedError", "Deflater", "Inflater", "deflater_of", "told_by_magic"]

Compression: TypeAlias = Literal["gzip", "zstd"]
"""How data is compressed: `gzip`, or `zstd`, which is faster and smaller and needs ``pip install 'miniagents[zstd]'``
(Python 3.14 has it)."""

BLOCK: Final = 1 << 18
"""How many bytes are read, and decompressed, at once."""
_MAGIC: Final[dict[bytes, Compression]] = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}


class DamagedError(Exception):
    """Compressed data is damaged, or ends too early."""

    def __init__(self, reason: str, *, torn: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.torn = torn


def told_by_magic(start: bytes) -> Compression | None:
    """Tell how data is compressed by its first bytes; no record starts with any of these."""
    return next((name for magic, name in _MAGIC.items() if start.startswith(magic)), None)


class Inflater:
    """Decompresses data that comes in pieces of any size, one compressed stream behind the other."""

    def __init__(self, compression: Compression) -> None:
        self._compression = compression
        self._new, self._errors = _decompressors(compression)
        self._current: Any = None  # Any: zlib's and zstd's are of no common class

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take more bytes, and give what they stand for, a block at a time.

        Raises:
            DamagedError: They are not compressed so.
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
                if not data.strip(b"\x00"):  # padding, as gzip itself allows
                    return

    def finish(self) -> None:
        """Say that there is no more.

        Raises:
            DamagedError: There should be.
        """
        if self._current is not None:
            raise DamagedError(f"the {self._compression} data ends too early", torn=True)


def _step(decompressor: Any, data: bytes) -> tuple[bytes, bytes]:  # Any: as above
    """Decompress up to a block; give it and the bytes that are still to be taken."""
    block: bytes = decompressor.decompress(data, BLOCK)
    tail: bytes = getattr(decompressor, "unconsumed_tail", b"")  # zlib gives back what zstd keeps
    return block, tail


def _decompressors(compression: Compression) -> tuple[Callable[[], Any], Any]:  # Any: as above
    if compression == "gzip":
        return lambda: zlib.decompressobj(wbits=31), zlib.error
    zstd = _zstd()
    return zstd.ZstdDecompressor, zstd.ZstdError


class Deflater(Protocol):
    """Compresses data that comes in pieces."""

    def compress(self, data: bytes, /) -> bytes:
        """Take bytes, and give what is ready of what stands for them."""
        ...

    def flush(self) -> bytes:
        """End the compressed stream, and give the rest of it."""
        ...


def deflater_of(compression: Compression) -> Deflater:
    """Make what compresses one stream.

    Raises:
        ModuleNotFoundError: The package of zstd is not installed.
        ValueError: There is no such compression.
    """
    if compression == "gzip":
        return zlib.compressobj(6, wbits=31)
    if compression == "zstd":
        made: Deflater = _zstd().ZstdCompressor()
        return made
    raise ValueError(f"there is no compression {compression!r}: it is 'gzip', 'zstd' or None")


def _zstd() -> Any:  # Any: a module that need not be there
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd  # noqa: PLC0415  # it is needed by few
        else:
            from backports import zstd  # noqa: PLC0415  # as above
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("zstd is not installed: pip install 'miniagents[zstd]'", name=error.name) from None
    return zstd
