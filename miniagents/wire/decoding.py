"""`RecordDecoder`: makes records from bytes; the caller reads the bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, Literal, Protocol, TypeVar

import msgspec

from miniagents.messages.coding.codec import DecodeError
from miniagents.promising.core.arguments import check_count
from miniagents.wire.compression import MAX_RATIO, Inflater, Loss, told_by_magic
from miniagents.wire.record_errors import InputLimitError, RecordError, RecordTooLargeError, TornRecordError
from miniagents.wire.splitting import STRETCH, Damage, splitter_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from miniagents.messages.coding.codec import Format
    from miniagents.wire.compression import Compression
    from miniagents.wire.splitting import Part

__all__ = ["MAX_RECORD_BYTES", "RecordDecoder", "Records"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Records(Protocol[T_co]):
    """The type and the format of records, as a `Codec` has them."""

    @property
    def format(self) -> Format:
        """The format in which the records are written."""
        ...

    def decode(self, data: bytes, /) -> T_co:
        """Decode one record.

        Raises:
            DecodeError: It cannot be read.
        """
        ...

    def _fast(self) -> Callable[[bytes], T_co]:
        """Return the fast decoder; it may raise other errors than `decode`, also for records that `decode` can read."""
        ...


MAX_RECORD_BYTES: Final = 1 << 24
"""The default limit for the size of a record: 16 MiB."""
_BLOCK_COST: Final = 1 << 7
"""What a decompressed block costs, in bytes that take the same time: a few compressed bytes can be an empty stream."""


class RecordDecoder(Generic[T]):
    """Takes bytes in pieces of any size and yields records.

    It is for programs that read bytes in a way of their own. `read_records` reads files and sockets.

    Args:
        codec: The type of the records, and their format.
        compression: How the data is compressed; "auto" looks at its first bytes.
        max_bytes: How large a record may be. Untrusted input is safe: memory use stays within a few times this size.
        max_ratio: How many times its size compressed data may decompress to, from 64 MiB on; None for no limit.
        max_total: How many bytes of (decompressed) data are read, with those before `offset`; None for no limit.
        offset: Where the data starts, in bytes, if that is not the start of the file. Compressed data always starts at
            the start of the file: so many bytes are skipped after they were decompressed.
        index: How many records are before that.
        read: How many compressed bytes an earlier decoder was given until then: it has reported the damage in them.

    Raises:
        ModuleNotFoundError: The package for zstd is not installed.
        ValueError: A limit is less than one, or there is no such compression.
    """

    def __init__(
        self,
        codec: Records[T],
        *,
        compression: Compression | Literal["auto"] | None = "auto",
        max_bytes: int = MAX_RECORD_BYTES,
        max_ratio: int | None = MAX_RATIO,
        max_total: int | None = None,
        offset: int = 0,
        index: int = 0,
        read: int = 0,
    ) -> None:
        check_count(f"max_bytes={max_bytes!r}", max_bytes, 1, "a record has at least one byte")
        for name, limit in (("max_ratio", max_ratio), ("max_total", max_total)):
            if limit is not None:
                check_count(f"{name}={limit!r}", limit, 1, "the limit is at least 1, or None for no limit")
        self._codec = codec
        self._splitter = splitter_of(codec.format, max_bytes, offset)
        self._compression: Compression | Literal["auto"] | None = compression
        self._max_bytes = max_bytes
        self._max_ratio = max_ratio
        self._max_total = max_total
        self._left = None if max_total is None else max_total - offset  # how many more bytes may be read
        self._skipped = offset  # how many decompressed bytes are still to be skipped
        self._inflater = None if compression is None or compression == "auto" else self._new_inflater(compression)
        self._start = b""  # the first bytes, until there are enough to recognise the compression
        self._index = index
        self._known = read  # how many more bytes an earlier decoder was given
        self._behind = 0  # how many bytes of the current part are behind the records that were returned
        self._quiet = 0  # how many bytes have come since the last step
        self._ended = False
        self._skips_blank = codec.format == "json"

    @property
    def offset(self) -> int:
        """Where the first record starts that was not returned yet, in bytes of the (uncompressed) data."""
        return self._splitter.pending - self._behind

    @property
    def between_records(self) -> bool:
        """Whether another decoder could continue at `offset`; False while a damaged or too large record is skipped."""
        return self._splitter.between_records

    @property
    def index(self) -> int:
        """How many records are before `offset`, including those that could not be read."""
        return self._index

    @property
    def ended(self) -> bool:
        """Whether more bytes are ignored: after `finish`, and behind an `InputLimitError`."""
        return self._ended

    def __repr__(self) -> str:
        return f"<RecordDecoder {self.index} records, {self.offset} bytes, {'ended' if self._ended else 'open'}>"

    def feed(self, data: bytes) -> Iterator[list[T] | RecordError]:
        """Take more bytes, and yield the complete records; an error stands in the place of each that is invalid."""
        for step in self.steps(data):
            yield from step

    def finish(self) -> Iterator[list[T] | RecordError]:
        """Yield the records that are left; call this when there are no more bytes."""
        for step in self.steps(None):
            yield from step

    def steps(self, data: bytes | None) -> Iterator[Iterator[list[T] | RecordError]]:
        """Take bytes as `feed` does, or None as the end of the data, and yield the work in steps.

        A step yields records and errors like `feed`; take them before the next step. It decodes no more than 32 KiB, or
        one record. So an event loop can have a turn after each step, even if many of them have no records. There are
        also steps for bytes that have no record, such as the middle of a large one.
        """
        if self._ended:
            return
        is_last = data is None
        data = b"" if data is None else data
        self._quiet += len(data)
        self._known -= 1 if is_last else len(data)
        if self._compression == "auto":
            self._start += data
            if len(self._start) < 4 and not is_last:
                return
            data = self._told()
        for block in self._blocks(data, is_last=is_last):
            if isinstance(block, Loss):
                yield self._lost(block)
            else:
                self._quiet += len(block) + _BLOCK_COST
                for part in self._splitter.feed(self._allowed(block)):
                    self._quiet = 0
                    yield self._decoded(part)
                if self._quiet >= STRETCH:
                    self._quiet = 0
                    yield iter(())
                if self._left is not None and self._left < 0:
                    yield self._refused()
            if self.ended:
                return
        if self._quiet >= STRETCH:  # the bytes may be skipped: then there are no blocks
            self._quiet = 0
            yield iter(())
        if is_last:
            self._ended = True
            for part in self._splitter.finish():
                yield self._decoded(part)

    # --- machinery ---

    def _blocks(self, data: bytes, *, is_last: bool) -> Iterator[bytes | Loss]:
        """Decompress data."""
        if self._inflater is None:
            yield data
            return
        yield from self._inflater.feed(data)
        if is_last:
            yield from self._inflater.finish()

    def _told(self) -> bytes:
        self._compression = told_by_magic(self._start)
        self._inflater = None if self._compression is None else self._new_inflater(self._compression)
        data, self._start = self._start, b""
        return data

    def _new_inflater(self, compression: Compression) -> Inflater:
        return Inflater(compression, self._max_ratio, self._max_bytes)

    def _allowed(self, block: bytes) -> bytes:
        """Return the bytes of a block that are to be read: without those to skip, and not more than `max_total`."""
        if self._inflater is not None and self._skipped:
            skipped = min(self._skipped, len(block))
            self._skipped -= skipped
            block = block[skipped:]
        if self._left is None:
            return block
        self._left -= len(block)
        return block if self._left >= 0 else block[: self._left]

    def _refused(self) -> Iterator[list[T] | RecordError]:
        """Yield the error of data that is too long."""
        self._ended = True
        reason = f"the data has more than max_total={self._max_total} bytes, and no more are read"
        yield self._error(InputLimitError, reason, self._splitter.pending, 0)

    def _lost(self, loss: Loss) -> Iterator[list[T] | RecordError]:
        """Drop the record that lost bytes have cut off, and yield the error of the loss."""
        offset = self._splitter.pending
        if loss.too_much:
            self._ended = True
        elif self._skipped:
            return  # the decoder of the skipped bytes has reported it
        else:
            self._splitter.lose()
            if self._known >= 0:  # that one has reported it, as its last act
                return
        cls = InputLimitError if loss.too_much else TornRecordError if loss.torn else RecordError
        about = self._index * loss.skipped // (loss.place or 1)
        reason = f"{loss.reason}; about {about} records may be missing" if about else loss.reason
        yield self._error(cls, reason, offset, loss.skipped)

    def _error(self, cls: type[RecordError], reason: str, offset: int, size: int) -> RecordError:
        """Make the error that stands in the place of a record."""
        self._index += 1
        return cls("$", reason, offset=offset, index=self._index - 1, size=size)

    def _decoded(self, part: Part) -> Iterator[list[T] | RecordError]:
        """Decode the records of a part.

        The fast decoder reads all of them in one call. If it raises, `records` holds those before the one that it
        could not read. That one is decoded alone, which gives the record or its error, and the loop continues behind
        it.
        """
        if isinstance(part, Damage):
            cls = TornRecordError if part.torn else RecordTooLargeError if part.too_large else RecordError
            yield self._error(cls, part.reason, part.offset, part.size)
            return
        payloads, offset, overhead = part.payloads, part.offset, self._splitter.overhead
        waiting = iter(payloads)
        records: list[T] = []
        measured = taken = 0  # how many payloads `offset` is behind, and how many were decoded
        while True:
            before = len(records)
            try:
                # This loop runs in C. The codec is asked each time: it learns from what its fast decoder cannot read.
                records.extend(map(self._codec._fast(), waiting))
                break
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, DecodeError):
                taken += len(records) - before
            payload = payloads[taken]
            taken += 1
            if self._skips_blank and not payload.strip():
                while taken < len(payloads) and not payloads[taken].strip():  # many may follow; raising costs more
                    taken += 1
                    next(waiting)
                continue
            try:
                records.append(self._codec.decode(payload))
            except DecodeError as error:
                offset += sum(map(len, payloads[measured : taken - 1])) + overhead * (taken - 1 - measured)
                size = len(payload) + overhead
                if records:
                    self._index += len(records)
                    self._behind = self._splitter.pending - offset
                    yield records
                    records = []
                wrong = RecordError(error.path, error.reason, offset=offset, index=self._index, size=size)
                self._index += 1
                offset += size
                measured = taken
                self._behind = self._splitter.pending - offset
                yield wrong
        self._behind = 0
        if records:
            self._index += len(records)
            yield records
