"""Records read from files, sockets and iterables: `read_records` and `aread_records`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Literal, TypedDict, TypeVar, overload

from miniagents.messages.coding.typed_codec import Codec
from miniagents.promising.core.arguments import check_plain
from miniagents.promising.core.pieces import FAIR_SHARE, take_turn
from miniagents.wire._sources import async_blocks, blocks
from miniagents.wire.compression import MAX_RATIO
from miniagents.wire.decoding import MAX_RECORD_BYTES, RecordDecoder
from miniagents.wire.record_errors import RecordError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from typing import Self

    from typing_extensions import TypeForm, Unpack

    from miniagents.messages.coding.codec import Format, Unknown, UnknownMessage
    from miniagents.wire._sources import AsyncSource, Source
    from miniagents.wire.compression import Compression

__all__ = ["AsyncRecordReader", "RecordReader", "aread_records", "read_records"]

T = TypeVar("T")
S = TypeVar("S")


class _Reader(Generic[T, S]):
    """A source, and the records that were decoded from it but not returned yet.

    A subclass reads the source, blocking or not, and passes each block to `_feed` when nothing of the last one is left.
    """

    def __init__(
        self,
        decoder: RecordDecoder[T],
        source: S,
        on_error: Callable[[RecordError], object] | None,
    ) -> None:
        if on_error is not None:
            check_plain("on_error", on_error)
        self._decoder = decoder
        self._source = source
        self._on_error = on_error
        self._steps: Iterator[Iterator[list[T] | RecordError]] = iter(())  # of the last block, done when they are taken
        self._parts: Iterator[list[T] | RecordError] = iter(())  # of the last step, decoded when they are taken
        self._records: Iterator[T] = iter(())
        self._ended = False

    def __repr__(self) -> str:
        ended = self._ended or self._decoder.ended
        decoder = self._decoder
        return (
            f"<{type(self).__name__} {decoder.index} records, {decoder.offset} bytes, {'ended' if ended else 'open'}>"
        )

    def _tell(self, error: RecordError) -> None:
        """Raise an error, or pass it to `on_error`."""
        if self._on_error is None:
            raise error
        self._on_error(error)

    def _feed(self, data: bytes | None) -> None:
        """Take a block; None is the end of the source."""
        self._ended = data is None
        self._steps = self._decoder.steps(data)


class RecordReader(_Reader[T, "Iterator[bytes]"]):
    """Iterates over the records of a source; `read_records` makes it.

    Iterating again continues where the last iteration stopped, even after an error.
    """

    def __iter__(self) -> Iterator[T]:
        while True:
            yield from self._records
            batch = self._next_batch()
            if batch is None:
                return
            self._records = iter(batch)

    def __next__(self) -> T:
        for record in self._records:
            return record
        batch = self._next_batch()
        if batch is None:
            raise StopIteration
        self._records = iter(batch)
        return next(self)

    def batches(self) -> Iterator[list[T]]:
        """Yield the records in lists, as they are decoded.

        Raises:
            RecordError: A record cannot be read, and there is no `on_error`. Iterating again continues behind it.
            OSError: The source cannot be read.
        """
        rest = list(self._records)
        if rest:
            yield rest
        while (batch := self._next_batch()) is not None:
            yield batch

    def close(self) -> None:
        """Stop reading, and close the file that was opened here."""
        self._ended = True
        close: Any = getattr(self._source, "close", None)  # Any: only generators have it
        if close is not None:
            close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _next_batch(self) -> list[T] | None:
        while True:
            part = next(self._parts, None)
            if isinstance(part, RecordError):
                self._tell(part)
            elif part is not None:
                return part
            elif (step := next(self._steps, None)) is not None:
                self._parts = step
            elif self._ended or self._decoder.ended:
                return None
            else:
                self._feed(next(self._source, None))


class AsyncRecordReader(_Reader[T, "AsyncIterator[bytes]"]):
    """Iterates over the records of a source without blocking; `aread_records` makes it.

    Iterating again continues where the last iteration stopped, even after an error.
    """

    _wrong = 0  # how many errors there were since the loop had a turn

    async def __aiter__(self) -> AsyncIterator[T]:
        while True:
            for record in self._records:
                yield record
            batch = await self._next_batch()
            if batch is None:
                return
            self._records = iter(batch)

    async def __anext__(self) -> T:
        for record in self._records:
            return record
        batch = await self._next_batch()
        if batch is None:
            raise StopAsyncIteration
        self._records = iter(batch)
        return await anext(self)

    async def batches(self) -> AsyncIterator[list[T]]:
        """Yield the records in lists, as they arrive and are decoded.

        Raises:
            RecordError: A record cannot be read, and there is no `on_error`. Iterating again continues behind it.
            OSError: The source cannot be read.
        """
        rest = list(self._records)
        if rest:
            yield rest
        while (batch := await self._next_batch()) is not None:
            yield batch

    async def aclose(self) -> None:
        """Stop reading, and close the file that was opened here."""
        self._ended = True
        close: Any = getattr(self._source, "aclose", None)  # Any: only generators have it
        if close is not None:
            await close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _next_batch(self) -> list[T] | None:
        # a source that has all its data never waits: other tasks get a turn after each step, and after many errors
        while True:
            if self._wrong >= FAIR_SHARE:
                self._wrong = 0
                await take_turn()
            part = next(self._parts, None)
            if isinstance(part, RecordError):
                self._wrong += 1
                self._tell(part)
            elif part is not None:
                return part
            elif (step := next(self._steps, None)) is not None:
                self._parts = step
                await take_turn()
            elif self._ended or self._decoder.ended:
                return None
            else:
                self._feed(await anext(self._source, None))


class _ReadingOptions(TypedDict, total=False):
    """The arguments of `read_records` that do not change the type of the records; its docstring describes them."""

    compression: Compression | Literal["auto"] | None
    on_error: Callable[[RecordError], object] | None
    max_bytes: int
    max_ratio: int | None
    max_total: int | None
    offset: int
    unique_keys: bool


@overload
def read_records(
    source: Source,
    form: TypeForm[T],
    format: Format = "json",
    *,
    unknown: Literal["refuse", "ignore"] = "refuse",
    **options: Unpack[_ReadingOptions],
) -> RecordReader[T]: ...
@overload
def read_records(
    source: Source,
    form: TypeForm[T],
    format: Format = "json",
    *,
    unknown: Literal["keep"],
    **options: Unpack[_ReadingOptions],
) -> RecordReader[T | UnknownMessage]: ...
def read_records(
    source: Source,
    form: Any,  # Any: as the overloads say
    format: Format = "json",
    *,
    unknown: Unknown = "refuse",
    compression: Compression | Literal["auto"] | None = "auto",
    on_error: Callable[[RecordError], object] | None = None,
    max_bytes: int = MAX_RECORD_BYTES,
    max_ratio: int | None = MAX_RATIO,
    max_total: int | None = None,
    offset: int = 0,
    unique_keys: bool = False,
) -> RecordReader[Any]:  # Any: as the overloads say
    r"""Read records one after the other; the source may give the bytes in pieces of any size.

    No data is lost silently. A record that cannot be read raises a `RecordError` in its place, and iterating the reader
    again continues behind it. If the data ends in the middle of a record, all records before it are read, and then a
    `TornRecordError` is raised. Blank lines of JSON are ignored.

    Args:
        source: A path, a file opened for bytes, a pipe, a socket, or an iterable of bytes.
        form: The type of the records: a class, a union.
        format: "json" for a record on each line (NDJSON), "msgpack" for frames, as `write_records` writes them. Frames
            have checksums, so damage is always noticed. A changed letter in JSON may go unnoticed.
        unknown: What to do with unknown tags and fields; see `decode`.
        compression: "gzip", "zstd" or None; "auto" looks at the first bytes.
        on_error: Called with the error of each record that cannot be read; reading then continues. None raises the
            error.
        max_bytes: How large a record may be, in bytes.
        max_ratio: How many times its size compressed data may decompress to, from 64 MiB on; None for no limit. Behind
            it, an `InputLimitError` ends the reading.
        max_total: How many bytes of (decompressed) data may be read, with those before `offset`; None for no limit.
            Behind it, an `InputLimitError` ends the reading.
        offset: Where to start, in bytes; only for a path that is not compressed.
        unique_keys: Refuse a record with an object that has a key twice; see `decode`.

    Raises:
        TypeError: The source gives no bytes.
        OSError: The source cannot be read.

    Examples:
        >>> for message in read_records([b'{"@type":"Mess', b'age","text":"Hello"}\n'], Message):
        ...     print(message)
        Hello
    """
    codec: Any = Codec(form, format, unknown=unknown, unique_keys=unique_keys)  # Any: as above
    decoder = RecordDecoder[Any](  # Any: like form
        codec,
        compression=compression,
        max_bytes=max_bytes,
        max_ratio=max_ratio,
        max_total=max_total,
        offset=offset,
    )
    return RecordReader(decoder, blocks(source, offset), on_error)


@overload
def aread_records(
    source: AsyncSource,
    form: TypeForm[T],
    format: Format = "json",
    *,
    unknown: Literal["refuse", "ignore"] = "refuse",
    **options: Unpack[_ReadingOptions],
) -> AsyncRecordReader[T]: ...
@overload
def aread_records(
    source: AsyncSource,
    form: TypeForm[T],
    format: Format = "json",
    *,
    unknown: Literal["keep"],
    **options: Unpack[_ReadingOptions],
) -> AsyncRecordReader[T | UnknownMessage]: ...
def aread_records(
    source: AsyncSource,
    form: Any,  # Any: as the overloads say
    format: Format = "json",
    *,
    unknown: Unknown = "refuse",
    compression: Compression | Literal["auto"] | None = "auto",
    on_error: Callable[[RecordError], object] | None = None,
    max_bytes: int = MAX_RECORD_BYTES,
    max_ratio: int | None = MAX_RATIO,
    max_total: int | None = None,
    offset: int = 0,
    unique_keys: bool = False,
) -> AsyncRecordReader[Any]:  # Any: as the overloads say
    r"""Read records as `read_records` does, without blocking the loop.

    Args:
        source: A path, an `asyncio.StreamReader`, a non-blocking socket, or an async iterable of bytes.
        form: The type of the records: a class, a union.
        format: "json" for a record on each line, "msgpack" for frames.
        unknown: What to do with unknown tags and fields; see `decode`.
        compression: "gzip", "zstd" or None; "auto" looks at the first bytes.
        on_error: Called with the error of each record that cannot be read; reading then continues. None raises the
            error.
        max_bytes: How large a record may be, in bytes.
        max_ratio: How many times its size compressed data may decompress to, from 64 MiB on; None for no limit. Behind
            it, an `InputLimitError` ends the reading.
        max_total: How many bytes of (decompressed) data may be read, with those before `offset`; None for no limit.
            Behind it, an `InputLimitError` ends the reading.
        offset: Where to start, in bytes; only for a path that is not compressed.
        unique_keys: Refuse a record with an object that has a key twice; see `decode`.

    Raises:
        TypeError: The source gives no bytes.
        OSError: The source cannot be read.

    Examples:
        >>> async def source() -> AsyncIterator[bytes]:
        ...     yield b'{"@type":"Message",'
        ...     yield b'"text":"Hello"}\n'
        >>> async def main() -> None:
        ...     print([str(message) async for message in aread_records(source(), Message)])
        >>> asyncio.run(main())
        ['Hello']
    """
    codec: Any = Codec(form, format, unknown=unknown, unique_keys=unique_keys)  # Any: as above
    decoder = RecordDecoder[Any](  # Any: like form
        codec,
        compression=compression,
        max_bytes=max_bytes,
        max_ratio=max_ratio,
        max_total=max_total,
        offset=offset,
    )
    return AsyncRecordReader(decoder, async_blocks(source, offset), on_error)
