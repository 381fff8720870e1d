"""`RecordDecoder`: makes records from bytes; the caller reads the bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, Literal, Protocol, TypeVar

import msgspec

from miniagents.messages.coding.codec import DecodeError
from miniagents.wire.compression import DamagedError, Inflater, told_by_magic
from miniagents.wire.record_errors import RecordError, RecordTooLargeError, TornRecordError
from miniagents.wire.splitting import Damage, splitter_of

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


class RecordDecoder(Generic[T]):
    """Takes bytes in pieces of any size and yields records.

    It is for programs that read bytes in a way of their own. `read_records` reads files and sockets.

    Args:
        codec: The type of the records, and their format.
        compression: How the data is compressed; "auto" looks at its first bytes.
        max_bytes: How large a record may be. Untrusted input is safe: memory use stays within a few times this size.
        offset: Where the data starts, in bytes, if that is not the start of the file.
        index: How many records are before that.

    Raises:
        ValueError: `max_bytes` is less than one.
    """

    def __init__(
        self,
        codec: Records[T],
        *,
        compression: Compression | Literal["auto"] | None = "auto",
        max_bytes: int = MAX_RECORD_BYTES,
        offset: int = 0,
        index: int = 0,
    ) -> None:
        if max_bytes < 1:
            raise ValueError(f"max_bytes={max_bytes}: a record has at least one byte")
        self._codec = codec
        self._splitter = splitter_of(codec.format, max_bytes, offset)
        self._compression: Compression | Literal["auto"] | None = compression
        self._inflater = None if compression is None or compression == "auto" else Inflater(compression)
        self._start = b""  # the first bytes, until there are enough to recognise the compression
        self._index = index
        self._behind = 0  # how many bytes of the current part are behind the records that were returned
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

    def feed(self, data: bytes) -> Iterator[list[T] | RecordError]:
        """Take more bytes, and yield the complete records; an error stands in the place of each that is invalid."""
        if self._ended:
            return
        if self._compression == "auto":
            self._start += data
            if len(self._start) < 4:
                return
            data = self._told()
        if self._inflater is None:
            for part in self._splitter.feed(data):
                yield from self._decoded(part)
            return
        try:
            for block in self._inflater.feed(data):
                for part in self._splitter.feed(block):
                    yield from self._decoded(part)
        except DamagedError as error:
            yield from self._end(error)

    def finish(self) -> Iterator[list[T] | RecordError]:
        """Yield the records that are left; call this when there are no more bytes."""
        if self._ended:
            return
        if self._compression == "auto":
            data = self._told()
            yield from self.feed(data)
        error: DamagedError | None = None
        if self._inflater is not None:
            try:
                self._inflater.finish()
            except DamagedError as damaged:
                error = damaged
        yield from self._end(error)

    # --- machinery ---

    def _told(self) -> bytes:
        self._compression = told_by_magic(self._start)
        self._inflater = None if self._compression is None else Inflater(self._compression)
        data, self._start = self._start, b""
        return data

    def _end(self, error: DamagedError | None) -> Iterator[list[T] | RecordError]:
        self._ended = True
        if error is None:
            for part in self._splitter.finish():
                yield from self._decoded(part)
        else:
            yield from self._decoded(Damage(self._splitter.pending, 0, error.reason, torn=error.torn))

    def _decoded(self, part: Part) -> Iterator[list[T] | RecordError]:
        """Decode the records of a part.

        The fast decoder reads all of them in one call. If it raises, `records` holds those before the one that it
        could not read. That one is decoded alone, which gives the record or its error, and the loop continues behind
        it.
        """
        if isinstance(part, Damage):
            cls = TornRecordError if part.torn else RecordTooLargeError if part.too_large else RecordError
            error = cls("$", part.reason, offset=part.offset, index=self._index, size=part.size)
            self._index += 1
            yield error
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
