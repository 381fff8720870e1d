"""Where records begin and end in bytes that come in pieces of any size.

A record of JSON is a line. One of MessagePack is a frame: the byte C1, which neither MessagePack nor UTF-8 uses for
anything; the length of the record in bytes; a CRC-32 of the record, with the length as its initial value (both as 32
bits, the highest first); and the record. So a damaged frame is told from a good one, and the next good one is found
behind it.

Nothing here reads or decodes; what is given back are the bytes of whole records, and where there are none, `Damage`.
"""

from __future__ import annotations

import re
import struct
import zlib
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from miniagents.messages.coding.codec import Format

__all__ = ["MARKER", "Damage", "Part", "Payloads", "Splitter", "frame", "splitter_of"]


class Payloads(NamedTuple):
    """Records that stand one behind the other."""

    offset: int
    """Where the first one starts."""
    payloads: list[bytes]
    """The bytes of each."""


class Damage(NamedTuple):
    """Bytes that are no record."""

    offset: int
    size: int
    reason: str
    torn: bool = False
    """The data ends here."""
    too_large: bool = False


Part: TypeAlias = Payloads | Damage
"""What bytes turn out to be."""


class Splitter(Protocol):
    """Takes bytes and gives records."""

    overhead: int
    """How many bytes there are for each record beside its own."""

    def feed(self, data: bytes) -> Iterator[Part]:
        """Take more bytes, and give what is complete."""
        ...

    def finish(self) -> Iterator[Part]:
        """Give what is left at the end of the data."""
        ...

    @property
    def pending(self) -> int:
        """Where what is not complete starts."""
        ...

    @property
    def between_records(self) -> bool:
        """Whether a record starts there: it is not the rest of one that was given up."""
        ...


def splitter_of(format: Format, max_bytes: int, offset: int) -> Splitter:
    """Give what splits data of a format.

    Args:
        format: How records are written.
        max_bytes: How large a record may be.
        offset: Where the data starts.
    """
    return _Lines(max_bytes, offset) if format == "json" else _Frames(max_bytes, offset)


class _Lines:
    """A record on each line; the last one need not end with a line feed if one sees that nothing is missing."""

    overhead = 1

    def __init__(self, max_bytes: int, offset: int) -> None:
        self._most = max_bytes
        self._offset = offset
        self._begun: list[bytes] = []  # of a line that has not ended
        self._size = 0
        self._passing = False  # over the rest of a line that is too large

    @property
    def pending(self) -> int:
        """Where the line starts that has not ended."""
        return self._offset

    @property
    def between_records(self) -> bool:
        """Whether it is not the rest of one that is too large."""
        return not self._passing

    def feed(self, data: bytes) -> Iterator[Part]:
        """Take more bytes, and give the lines that are complete."""
        if self._passing:
            end = data.find(b"\n") + 1
            self._offset += end or len(data)
            if not end:
                return
            self._passing = False
            data = data[end:]
        lines = data.split(b"\n")  # nothing is copied but the lines themselves
        rest = lines.pop()
        if not lines:
            self._begun.append(data)
            self._size += len(data)
        else:
            if self._begun:
                lines[0] = b"".join((*self._begun, lines[0]))
            offset = self._offset
            size = self._size + len(data) - len(rest)
            self._begun, self._size = [rest] if rest else [], len(rest)
            self._offset = offset + size
            if size <= self._most:
                yield Payloads(offset, lines)
            else:
                yield from self._checked(offset, lines)
        if self._size > self._most:
            yield Damage(self._offset, self._size, _too_large(self._size, self._most), too_large=True)
            self._offset += self._size
            self._begun, self._size = [], 0
            self._passing = True

    def finish(self) -> Iterator[Part]:
        """Give the last line, if it has no end."""
        tail = b"".join(self._begun)
        if tail.strip():
            if _is_torn(tail):
                yield Damage(self._offset, len(tail), "the data ends in the middle of the record", torn=True)
            else:
                yield Payloads(self._offset, [tail])

    def _checked(self, offset: int, lines: list[bytes]) -> Iterator[Part]:
        good: list[bytes] = []
        start = offset
        for line in lines:
            if len(line) > self._most:
                if good:
                    yield Payloads(start, good)
                    good = []
                yield Damage(offset, len(line) + 1, _too_large(len(line), self._most), too_large=True)
                start = offset + len(line) + 1
            else:
                good.append(line)
            offset += len(line) + 1
        if good:
            yield Payloads(start, good)


def _is_torn(line: bytes) -> bool:
    """Tell whether something may be missing at the end: it is no JSON, or a number, which may have had more digits."""
    if line.rstrip()[-1:] not in (b"}", b"]", b'"'):
        return True
    try:
        _read(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return True
    return False


_read = msgspec.json.Decoder().decode

MARKER: Final = b"\xc1"
"""The first byte of a frame."""
_HEADER: Final = struct.Struct(">BII")
_SIZE: Final = _HEADER.size
_LONGEST: Final = 2**32 - 1
_PATIENCE: Final = 16
"""How many of the largest records may be checked in vain, at first. More is earned by bytes, one for each."""
_STEP: Final = 128
"""How many bytes one might check in the time that it takes to look at a place."""


def frame(payload: bytes) -> bytes:
    """Give the frame of a record.

    Raises:
        ValueError: It has 4 GiB or more.
    """
    if len(payload) > _LONGEST:
        raise ValueError(f"a record of {len(payload)} bytes is too large for a frame")
    return _HEADER.pack(MARKER[0], len(payload), zlib.crc32(payload, len(payload))) + payload


class _Frames:
    """Frames; see the top of this module."""

    overhead = _SIZE

    def __init__(self, max_bytes: int, offset: int) -> None:
        self._most = min(max_bytes, _LONGEST)
        self._offset = offset
        self._buffer = bytearray()
        self._wanted = _SIZE  # how many bytes must be there before there is anything to do
        self._lost = False  # what is at the start of the buffer is damaged, and was reported
        self._work = _PATIENCE * self._most  # how many bytes may be checked to find a way out of damage
        most = self._most.to_bytes(4, "big")
        most_there = most[1:2] if most[0] == 0 else b"\xff"
        # what may be a frame: its marker, and a length that is not too large by its first two bytes
        likely = b"[\x00-" + re.escape(most[:1]) + b"][\x00-" + re.escape(most_there) + b"]"
        self._starts = re.compile(re.escape(MARKER) + b"(?=" + likely + b")", re.DOTALL)

    @property
    def pending(self) -> int:
        """Where the frame starts that is not complete."""
        return self._offset

    @property
    def between_records(self) -> bool:
        """Whether it is not what was found to be damaged."""
        return not self._lost

    def feed(self, data: bytes) -> Iterator[Part]:
        """Take more bytes, and give the frames that are complete."""
        self._buffer += data
        self._work += len(data)
        while len(self._buffer) >= self._wanted:
            if not self._lost:
                yield from self._split()
            elif self._work > 0:
                # all frames that may start here are complete, if they are frames
                self._go_on(len(self._buffer) - self._most - _SIZE)
            else:
                self._drop(len(self._buffer))

    def finish(self) -> Iterator[Part]:
        """Give what is left."""
        while self._buffer:
            if not self._lost:
                # the data was cut off here, or a length is wrong and there are good frames behind it
                if self._next(len(self._buffer)) is None:
                    reason = "the data ends in the middle of the record"
                    yield Damage(self._offset, len(self._buffer), reason, torn=True)
                    return
                yield Damage(self._offset, _SIZE, _DAMAGED)
            self._go_on(len(self._buffer))
            yield from self._split()

    def _split(self) -> Iterator[Part]:
        """Give the frames at the start of the buffer, up to one that is damaged or not complete."""
        data = bytes(self._buffer)
        unpack, crc32, most, size, first = _HEADER.unpack_from, zlib.crc32, self._most, len(data), MARKER[0]
        payloads: list[bytes] = []
        damage: Damage | None = None
        position = 0
        self._wanted = _SIZE
        last = size - _SIZE
        while position <= last:
            marker, length, checksum = unpack(data, position)
            start = position + 9
            end = start + length
            if marker != first or not length:
                damage = Damage(self._offset + position, _SIZE, _DAMAGED)
                break
            if length > most:
                reason = _too_large(length, most)
                damage = Damage(self._offset + position, _SIZE, reason, too_large=True)
                break
            if end > size:
                self._wanted = _SIZE + length
                break
            payload = data[start:end]
            if crc32(payload, length) != checksum:
                damage = Damage(self._offset + position, end - position, _DAMAGED)
                break
            payloads.append(payload)
            position = end
        if payloads:
            yield Payloads(self._offset, payloads)
        self._drop(position)
        if damage is not None:
            yield damage
            self._lost = True
            self._wanted = self._most + 2 * _SIZE

    def _go_on(self, stop: int) -> None:
        """Pass over damage, to the next good frame that starts before `stop`, or to there."""
        place = self._next(stop)
        if place is not None:
            self._lost = False
            self._wanted = _SIZE
        self._drop(stop if place is None else place)

    def _next(self, stop: int) -> int | None:
        """Find the first good frame behind the start of the buffer that starts before `stop`."""
        data = bytes(self._buffer)
        for match in self._starts.finditer(data, 1, min(stop + 2, len(data) - _SIZE)):
            place = match.start()
            _, length, checksum = _HEADER.unpack_from(data, place)
            end = place + _SIZE + length
            self._work -= _STEP
            if 0 < length <= self._most and end <= len(data):
                self._work -= length
                if zlib.crc32(data[place + _SIZE : end], length) == checksum:
                    return place
            if self._work <= 0:
                break
        return None

    def _drop(self, count: int) -> None:
        del self._buffer[:count]
        self._offset += count


_DAMAGED: Final = "the frame is damaged: it does not start as one or its checksum is wrong"


def _too_large(size: int, most: int) -> str:
    return f"it has {size} bytes or more, and no more than max_bytes={most} are read"
