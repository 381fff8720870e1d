"""Compression, a block at a time: gzip, and zstd if Python or the extra `zstd` provides it.

A few compressed bytes may decompress to very many. So no more than one block is decompressed at once.
"""

from __future__ import annotations

import re
import sys
import zlib
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

__all__ = ["BLOCK", "MAX_RATIO", "Compression", "Deflater", "Inflater", "Loss", "deflater_of", "told_by_magic"]

Compression: TypeAlias = Literal["gzip", "zstd"]
"""How data is compressed: "gzip" or "zstd".

"zstd" is faster and its data is smaller. Before Python 3.14 it needs ``pip install 'miniagents[zstd]'``.
"""

BLOCK: Final = 1 << 18
"""How many bytes are read or decompressed at once."""
MAX_RATIO: Final = 1000
"""The default limit for the size of decompressed data: 1000 times the size of the compressed data.

gzip reaches 1030 with zeros and 340 with equal messages. The limit applies from 64 MiB of decompressed data on.
"""
_ALLOWED: Final = 1 << 26
"""How many decompressed bytes are allowed for any compressed data: 64 MiB."""
_HELD: Final = 1 << 17
"""How many decompressed bytes before damage are not trusted: 128 KiB, as much as a block of zstd has."""
_PIECE: Final = 1 << 16
"""How many compressed bytes are decompressed together. zlib copies the rest of them after each block."""
_MAGIC: Final[dict[bytes, Compression]] = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}


class Loss(NamedTuple):
    """The place of compressed bytes that cannot be decompressed, among the blocks around it."""

    reason: str
    skipped: int = 0
    """How many compressed bytes are skipped."""
    place: int = 0
    """Where they start, in bytes from the start of the compressed data."""
    torn: bool = False
    """The data ends in the middle of a compressed stream."""
    too_much: bool = False
    """The data decompresses to more than is allowed: nothing follows."""


def told_by_magic(start: bytes) -> Compression | None:
    """Return how data is compressed, by its first four bytes; None if it is not.

    No record starts with the magic bytes of a compression, so plain data is never mistaken for compressed data.
    """
    return next((name for magic, name in _MAGIC.items() if start.startswith(magic)), None)


class Inflater:
    """Decompresses data that comes in pieces of any size; it may hold several compressed streams in a row.

    A stream is a member of gzip or a frame of zstd. Behind damage, decompression continues with the next stream.

    | state | event | what happens | next state |
    |---|---|---|---|
    | between streams | zeros | they are skipped: gzip allows such padding | between streams |
    | between streams | other bytes | a stream begins | in a stream |
    | in a stream | its end | | between streams |
    | in a stream | damage | the last blocks before it are dropped | lost |
    | lost | the header of a stream | a `Loss` is yielded | between streams |
    | lost | other bytes | they are skipped | lost |

    `_current` is set in a stream, and `_lost` has the reason while lost.

    Args:
        compression: How the data is compressed.
        max_ratio: How many times its size the data may decompress to; None for no limit.
        max_bytes: How large a record may be. A frame of zstd may need eight times that much memory, or 8 MiB.

    Raises:
        ModuleNotFoundError: The package for zstd is not installed.
        ValueError: There is no such compression.
    """

    def __init__(self, compression: Compression, max_ratio: int | None = None, max_bytes: int = 1 << 24) -> None:
        if compression not in _STREAMS:
            raise ValueError(_unknown(compression))
        self._compression = compression
        self._stream, self._header, self._longest_header = _STREAMS[compression]
        self._new, self._errors = _decompressors(compression, max_bytes)
        self._max_ratio = max_ratio
        self._current: Any = None  # Any: the decompressors of zlib and zstd have no common class
        self._lost: str | None = None
        self._begin = 0  # where the last stream starts
        self._place = 0  # the piece in which damage was noticed starts here
        self._taken = 0  # how many compressed bytes were taken, with the current piece
        self._given = 0  # how many bytes they were decompressed to
        self._recent = b""  # the last bytes of the current stream, or those of lost data that may begin a header
        self._held: list[bytes] = []  # the last blocks, if it is not known yet whether damage follows at once
        self._held_size = 0
        self._patience = 1 << 24  # how many bytes may be decompressed again to find the next stream
        self._ended = False

    def feed(self, data: bytes) -> Iterator[bytes | Loss]:
        """Take more compressed bytes, and yield the data in blocks.

        Damage is noticed some time behind its place, often by a checksum at the end of the stream. So the last blocks
        before that are dropped, except those that an earlier call has yielded.
        """
        for start in range(0, len(data), _PIECE):
            piece = data[start : start + _PIECE]
            self._taken += len(piece)
            self._patience += len(piece)
            yield from self._blocks(piece)
        yield from self._let_go()

    def finish(self) -> Iterator[bytes | Loss]:
        """Yield the loss at the end of the data, if there is one.

        Damage may also make a stream longer. So streams are found that were taken for a part of one without an end.
        """
        while self._current is not None and self._header.search(self._recent) and len(self._recent) < self._patience:
            yield from self._blocks((yield from self._damaged("it has no end", self._recent, self._recent)))
            yield from self._let_go()
        if self._ended:
            return
        if self._lost is not None:
            skipped = self._taken - self._place
            reason = f"{self._lost}; no {self._stream} follows, and the last {skipped} compressed bytes are skipped"
            yield Loss(reason, skipped, self._place)
        elif self._current is not None:
            reason = f"the {self._compression} data ends too early, at byte {self._taken}"
            yield Loss(reason, place=self._taken, torn=True)

    def _blocks(self, piece: bytes) -> Iterator[bytes | Loss]:
        """Decompress a piece, whose bytes are the last ones that were taken."""
        while piece and not self._ended:
            if self._lost is not None:
                piece = yield from self._found(self._recent + piece, 0)
            elif self._current is not None:
                piece = yield from self._inflated(piece, self._current)
            elif piece := piece.lstrip(b"\x00"):
                self._recent = b""
                piece = yield from self._inflated(piece, None)

    def _inflated(self, piece: bytes, current: Any) -> Generator[bytes | Loss, None, bytes]:  # Any: like `_current`
        """Yield the blocks of a piece, which starts a stream if `current` is None; return the bytes behind it."""
        is_new = current is None
        if is_new:
            self._current = current = self._new()
            self._begin = self._taken - len(piece)
        rest = piece
        is_full = False
        try:
            while rest or is_full:
                block: bytes = current.decompress(rest, BLOCK)
                is_full = len(block) == BLOCK  # then there may be more, even without another byte
                rest = getattr(current, "unconsumed_tail", b"")  # zlib returns the rest, zstd keeps it
                self._given += len(block)
                self._held.append(block)
                self._held_size += len(block)
                while (size := self._held_size - len(self._held[0])) >= _HELD:
                    self._held_size = size
                    yield self._held.pop(0)
                if self._max_ratio is not None and self._given > max(_ALLOWED, self._taken * self._max_ratio):
                    self._ended = True
                    yield from self._let_go()
                    yield self._too_much(self._max_ratio)
                    return b""
                if current.eof:
                    self._current = None
                    yield from self._let_go()
                    unused: bytes = current.unused_data
                    return unused
        except self._errors as error:
            return (yield from self._damaged(str(error), piece, self._recent + piece, int(is_new)))
        # without its own header, which is not that of the next stream
        self._recent = (self._recent + piece)[int(is_new) :][-_PIECE:]
        return b""

    def _damaged(self, reason: str, piece: bytes, known: bytes, first: int = 0) -> Generator[Loss, None, bytes]:
        """End a stream that is damaged in a piece, and return the bytes from the start of the next one.

        It may begin before the damage was noticed: its header was taken for a part of the damaged stream.
        """
        self._place = self._taken - len(piece)
        where = f"in the {self._stream} from byte {self._begin} on, noticed behind byte {self._place}"
        self._lost = f"the {self._compression} data is damaged {where}: {reason}"
        if self._held_size:
            self._lost += f"; {self._held_size} decompressed bytes before that are skipped, as they may be wrong"
        self._held, self._held_size = [], 0
        self._current = None
        if len(known) > self._patience:
            first = len(known)
        self._patience -= len(known)
        return (yield from self._found(known, first))

    def _let_go(self) -> Iterator[bytes]:
        """Yield the blocks that were held back."""
        held = self._held
        self._held, self._held_size = [], 0
        yield from held

    def _found(self, data: bytes, first: int) -> Generator[Loss, None, bytes]:
        """Search a stream in lost data; yield what was lost before it, and return the bytes from its start."""
        match = self._header.search(data, first)
        if match is None:
            self._recent = data[max(first, len(data) - self._longest_header + 1) :]
            return b""
        found = self._taken - len(data) + match.start()
        skipped = max(found - self._place, 0)
        reason = f"{self._lost}; {skipped} compressed bytes up to the next {self._stream} at byte {found} are skipped"
        self._lost = None
        self._recent = b""
        yield Loss(reason, skipped, self._place)
        return data[match.start() :]

    def _too_much(self, ratio: int) -> Loss:
        reason = (
            f"{self._taken} bytes of {self._compression} decompress to {self._given} bytes or more, "
            f"and no more than max_ratio={ratio} times their size is read"
        )
        return Loss(reason, place=self._taken, too_much=True)


_STREAMS: Final[dict[str, tuple[str, re.Pattern[bytes], int]]] = {
    # three flags are always zero; behind them are four bytes of time, the level and the system
    "gzip": ("member", re.compile(rb"\x1f\x8b\x08[\x00-\x1f].{4}[\x00\x02\x04][\x00-\x0d\xff]", re.DOTALL), 10),
    # one flag is always zero
    "zstd": ("frame", re.compile(rb"\x28\xb5\x2f\xfd[%b]" % re.escape(bytes(n for n in range(256) if not n & 8))), 5),
}
"""For each compression: the name of its streams, the pattern of their headers, and how many bytes that matches."""


def _decompressors(compression: Compression, max_bytes: int) -> tuple[Callable[[], Any], Any]:  # Any: of zlib or zstd
    if compression == "gzip":
        return lambda: zlib.decompressobj(wbits=31), zlib.error
    zstd = _zstd()
    # 8 MiB is the least that RFC 8878 recommends to support, and 128 MiB is what zstd itself allows
    options = {zstd.DecompressionParameter.window_log_max: min(max(max_bytes.bit_length() + 2, 23), 27)}
    return lambda: zstd.ZstdDecompressor(options=options), zstd.ZstdError


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
        zstd = _zstd()
        made: Deflater = zstd.ZstdCompressor(options={zstd.CompressionParameter.checksum_flag: 1})
        return made
    raise ValueError(_unknown(compression))


def _unknown(compression: object) -> str:
    return f"there is no compression {compression!r}: it is 'gzip', 'zstd' or None"


def _zstd() -> Any:  # Any: a module that may be missing
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd  # noqa: PLC0415  # few programs need it
        else:
            from backports import zstd  # noqa: PLC0415  # an optional package
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("zstd is not installed: pip install 'miniagents[zstd]'", name=error.name) from None
    return zstd
