"""Splits bytes that come in pieces of any size into records.

A record of JSON is a line. A record of MessagePack is a frame, of four parts:

1. the byte C1, which neither MessagePack nor UTF-8 uses;
2. the length of the record in bytes, 32 bits, big-endian;
3. the CRC-32 of the record with the length as its initial value, 32 bits, big-endian;
4. the record.

So a damaged frame is detected, and the next good frame behind it is found.

Nothing here reads a source or decodes a record. A splitter yields the bytes of whole records, and `Damage` for bytes
that are none.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeAlias
from zlib import crc32

import msgspec

from miniagents.messages.coding.msgspec_formats import functions_of

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from miniagents.messages.coding.codec import Format

__all__ = ["MARKER", "STRETCH", "Damage", "Part", "Payloads", "Splitter", "frame", "records_of", "splitter_of"]


class Payloads(NamedTuple):
    """Records that follow each other without a gap."""

    offset: int
    """Where the first one starts, in bytes."""
    payloads: list[bytes]
    """The bytes of each record, without a line feed or a header."""


class Damage(NamedTuple):
    """Bytes that are no record."""

    offset: int
    size: int
    reason: str
    torn: bool = False
    """The data ends in the middle of a record."""
    too_large: bool = False
    """The record is larger than the limit."""


Part: TypeAlias = Payloads | Damage
"""A stretch of the data."""


STRETCH: Final = 1 << 15
"""How many bytes of records are yielded, decoded and used together.

More would no longer be in the processor's cache when they are used, and would hold up an event loop for longer.
"""


class Splitter(Protocol):
    """Takes bytes and yields records."""

    overhead: int
    """How many bytes each record has besides its own: a line feed, or the header of a frame."""

    def feed(self, data: bytes) -> Iterator[Part]:
        """Take more bytes, and yield the complete records."""
        ...

    def finish(self) -> Iterator[Part]:
        """Yield the rest; call this at the end of the data."""
        ...

    def lose(self) -> None:
        """Drop the record that has begun: the bytes behind it are lost, and those that come next may begin in one."""
        ...

    @property
    def pending(self) -> int:
        """Where the first record starts that is not complete, in bytes."""
        ...

    @property
    def between_records(self) -> bool:
        """Whether a record starts at `pending`; False while a damaged or too large one is skipped."""
        ...


def splitter_of(format: Format, max_bytes: int, offset: int) -> Splitter:
    """Return the splitter for a format.

    Args:
        format: The format of the records.
        max_bytes: How large a record may be, in bytes.
        offset: Where the data starts, in bytes.
    """
    return _Lines(max_bytes, offset) if format == "json" else _Frames(max_bytes, offset)


class _Lines:
    """Splits lines. The last line may lack its line feed, if its JSON is clearly complete."""

    overhead = 1

    def __init__(self, max_bytes: int, offset: int) -> None:
        self._most = max_bytes
        self._offset = offset
        self._begun = bytearray()  # the last line, which has not ended; a list of its pieces may need far more memory
        self._passing = False  # whether the rest of a line is being skipped
        self._cut = False  # whether the next bytes may begin in the middle of a line

    @property
    def pending(self) -> int:
        """Where the line starts that has not ended, in bytes."""
        return self._offset

    @property
    def between_records(self) -> bool:
        """Whether no line that is too large is being skipped."""
        return not self._passing

    def feed(self, data: bytes) -> Iterator[Part]:
        """Take more bytes, and yield the complete lines."""
        start = 0
        if self._cut and data:
            # the end of a line is never an object or a list; but it may be a number or text, as the whole line was
            self._cut = False
            self._passing = data[0] not in b"{["
        if self._passing:
            start = data.find(b"\n") + 1
            self._offset += start or len(data)
            if not start:
                return
            self._passing = False
        last = data.rfind(b"\n", start)
        while start <= last:
            end = last if last - start <= STRETCH else _end_of_stretch(data, start)
            lines = data[start:end].split(b"\n")
            offset, size = self._offset, len(self._begun) + end + 1 - start
            if self._begun:
                lines[0] = b"".join((self._begun, lines[0]))
                self._begun = bytearray()
            start = end + 1
            if size <= self._most or max(map(len, lines)) <= self._most:
                self._offset = offset + size
                yield Payloads(offset, lines)
            else:
                yield from self._checked(lines)
        if start < len(data):
            self._begun += data[start:]
        size = len(self._begun)
        if size > self._most:
            damage = Damage(self._offset, size, _too_large(size, self._most), too_large=True)
            self._drop()
            self._passing = True
            yield damage

    def finish(self) -> Iterator[Part]:
        """Yield the last line if it has no line feed."""
        tail = bytes(self._begun)
        if tail.strip():
            if _is_torn(tail):
                yield Damage(self._offset, len(tail), "the data ends in the middle of the record", torn=True)
            else:
                yield Payloads(self._offset, [tail])

    def lose(self) -> None:
        """Drop the line that has begun."""
        self._drop()
        self._passing = False
        self._cut = True

    def _drop(self) -> None:
        self._offset += len(self._begun)
        self._begun = bytearray()

    def _checked(self, lines: list[bytes]) -> Iterator[Part]:
        """Yield lines of which some may be too large, one by one."""
        for line in lines:
            offset = self._offset
            self._offset += len(line) + 1
            if len(line) > self._most:
                yield Damage(offset, len(line) + 1, _too_large(len(line), self._most), too_large=True)
            else:
                yield Payloads(offset, [line])


def _end_of_stretch(data: bytes, start: int) -> int:
    """Return where the last line ends of those that are yielded together."""
    end = data.rfind(b"\n", start, start + STRETCH)
    return data.find(b"\n", start + STRETCH) if end == -1 else end


def _is_torn(line: bytes) -> bool:
    """Return whether the end of a line may be missing.

    That is so if it is invalid JSON, or a number: more digits may have followed.
    """
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
_FIRST: Final = MARKER[0]
_HEADER: Final = struct.Struct(">BII")
_header = _HEADER.pack
_SIZE: Final = _HEADER.size
_LONGEST: Final = 2**32 - 1
_PATIENCE: Final = 16
"""The first budget for the search behind damage, in records of the largest size.

A search computes checksums at every place that looks like a frame. Hostile data could make each byte such a place, and
so each byte would be checked many times. The budget counts the checked bytes, and every byte that arrives adds one to
it. So the work stays proportional to the data.
"""
_STEP: Final = 128
"""What looking at one place costs, in checked bytes that take the same time."""


def frame(payload: bytes) -> bytes:
    """Return the frame of a record.

    Raises:
        ValueError: The record has 4 GiB or more.
    """
    size = len(payload)
    if size > _LONGEST:
        raise ValueError(f"a record of {size} bytes is too large for a frame")
    return _header(_FIRST, size, crc32(payload, size)) + payload


def records_of(values: Iterable[object], format: Format) -> bytes:
    """Return the records of values that msgspec alone can encode, one behind the other.

    Raises:
        TypeError: A value cannot be encoded; msgspec raises this and the other errors.
        ValueError: A text has a lone surrogate, or a record has 4 GiB or more.
        OverflowError: An integer has more than 64 bits.
        RecursionError: A value is nested too deep.
    """
    if format == "json":
        return _write_lines(values)
    parts: list[bytes] = []
    add, header, checksum, first, longest = parts.append, _header, crc32, _FIRST, _LONGEST
    for payload in map(functions_of(format).encode, values):  # written out, which takes a tenth less than calls
        size = len(payload)
        if size > longest:
            frame(payload)  # raises the error
        add(header(first, size, checksum(payload, size)))
        add(payload)
    return b"".join(parts)


_write_lines = msgspec.json.Encoder().encode_lines


class _Frames:
    """Splits frames, and finds the next good frame behind damage; the module's docstring describes a frame.

    | state | event | what happens | next state |
    |---|---|---|---|
    | in step | a good frame | it is yielded | in step |
    | in step | a damaged or too large frame | `Damage` is yielded | lost |
    | lost | a good frame is found | the bytes before it are dropped | in step |
    | lost | no good frame is found | the bytes that were searched are dropped | lost |

    `_lost` has the state. Damage is reported once, when step is lost.
    """

    overhead = _SIZE

    def __init__(self, max_bytes: int, offset: int) -> None:
        self._most = min(max_bytes, _LONGEST)
        self._offset = offset
        self._buffer = bytearray()
        self._wanted = _SIZE  # how many bytes the buffer must have before anything can be done
        self._lost = False  # whether the start of the buffer is damaged; that was reported already
        self._work = _PATIENCE * self._most  # how many bytes may still be checked to find a good frame
        most = self._most.to_bytes(4, "big")
        most_there = most[1:2] if most[0] == 0 else b"\xff"
        # a place that may be a frame: the marker, and a length whose first two bytes are not too large
        likely = b"[\x00-" + re.escape(most[:1]) + b"][\x00-" + re.escape(most_there) + b"]"
        self._starts = re.compile(re.escape(MARKER) + b"(?=" + likely + b")", re.DOTALL)

    @property
    def pending(self) -> int:
        """Where the frame starts that is not complete, in bytes."""
        return self._offset

    @property
    def between_records(self) -> bool:
        """Whether no damage is being skipped."""
        return not self._lost

    def feed(self, data: bytes) -> Iterator[Part]:
        """Take more bytes, and yield the complete frames."""
        for start in range(0, len(data), STRETCH):
            block = data[start : start + STRETCH]
            self._buffer += block
            self._work += len(block)
            while len(self._buffer) >= self._wanted:
                if not self._lost:
                    yield from self._split()
                elif self._work > 0:
                    # only search places whose frame would be complete: an incomplete one cannot be checked
                    yield from self._go_on(len(self._buffer) - self._most - _SIZE)
                else:
                    self._drop(len(self._buffer))

    def finish(self) -> Iterator[Part]:
        """Yield the frames that are left, and damage at the end."""
        while self._buffer:
            if not self._lost:
                # the data was cut off here, or the length is damaged and good frames follow
                if (yield from self._searched(1, len(self._buffer))) is None:
                    reason = "the data ends in the middle of the record"
                    yield Damage(self._offset, len(self._buffer), reason, torn=True)
                    return
                yield Damage(self._offset, _SIZE, _DAMAGED)
                self._drop(1)
            yield from self._go_on(len(self._buffer))
            while len(self._buffer) >= self._wanted and not self._lost:
                yield from self._split()

    def lose(self) -> None:
        """Drop the frame that has begun."""
        self._drop(len(self._buffer))
        self._lost = False
        self._wanted = _SIZE

    def _split(self) -> Iterator[Part]:
        """Yield a stretch of frames from the start of the buffer, up to the first one that is damaged or incomplete."""
        data = bytes(memoryview(self._buffer)[: max(self._wanted, 2 * STRETCH)])
        unpack, most, size, first = _HEADER.unpack_from, self._most, len(data), _FIRST
        payloads: list[bytes] = []
        damage: Damage | None = None
        offset, position = self._offset, 0
        self._wanted = _SIZE
        last = size - _SIZE
        while position <= last:
            marker, length, checksum = unpack(data, position)
            start = position + 9
            end = start + length
            if marker != first or not length:
                damage = Damage(offset + position, _SIZE, _DAMAGED)
                break
            if length > most:
                damage = Damage(offset + position, _SIZE, _too_large(length, most), too_large=True)
                break
            if end > size:
                self._wanted = _SIZE + length
                break
            payload = data[start:end]
            if crc32(payload, length) != checksum:
                damage = Damage(offset + position, end - position, _DAMAGED)
                break
            payloads.append(payload)
            position = end
        self._drop(position)
        if payloads:
            yield Payloads(offset, payloads)
        if damage is not None:
            self._drop(1)
            self._lost = True
            self._wanted = most + 2 * _SIZE
            yield damage

    def _go_on(self, stop: int) -> Iterator[Part]:
        """Drop damaged bytes up to the next good frame that starts before `stop`, or up to `stop`."""
        place = yield from self._searched(0, stop)
        if place is not None:
            self._lost = False
            self._wanted = _SIZE
        self._drop(stop if place is None else place)

    def _searched(self, start: int, stop: int) -> Generator[Part, None, int | None]:
        """Search a good frame as `_next` does; yield parts without records, so that the work is done in steps."""
        for begin in range(start, stop, STRETCH):
            place = self._next(begin, min(begin + STRETCH, stop))
            if place is not None or self._work <= 0:
                return place
            yield Payloads(self._offset, [])
        return None

    def _next(self, start: int, stop: int) -> int | None:
        """Return where the next good frame starts, from `start` on and before `stop`; None if there is none.

        It gives up when the budget for the search is used up.
        """
        data = self._buffer
        for match in self._starts.finditer(data, start, min(stop, len(data) - _SIZE) + 2):  # it looks at two more bytes
            place = match.start()
            _, length, checksum = _HEADER.unpack_from(data, place)
            end = place + _SIZE + length
            self._work -= _STEP
            if 0 < length <= self._most and end <= len(data):
                self._work -= length
                if crc32(data[place + _SIZE : end], length) == checksum:
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
