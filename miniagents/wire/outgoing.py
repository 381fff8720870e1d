"""`encode_stream`: writes a promise that is still arriving as bytes for another process."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeGuard, overload

import msgspec

from miniagents.messages import Message, TextDelta
from miniagents.messages.coding.codec import encode
from miniagents.messages.coding.msgspec_formats import functions_of
from miniagents.messages.promised.message_promise import MessagePromise, mixed_buffer
from miniagents.messages.promised.tokens import MixedOutcomes, checked_piece, holds_surrogates, known_class
from miniagents.promising.core.access import outcomes
from miniagents.promising.core.failure import Failure, ends_task, running_task
from miniagents.wire._frames import info_of
from miniagents.wire._generated import Broken, End, Event, Failed, Opened, Sequence, Text, Whole
from miniagents.wire.positions import Pieces
from miniagents.wire.splitting import frame, records_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from miniagents.messages import StreamEvent
    from miniagents.messages.coding.codec import Format
    from miniagents.messages.promised.sequence_promise import MessageSequencePromise
    from miniagents.wire._generated import Frame

__all__ = ["Writer", "are_texts", "encode_stream", "seen"]

_Block: TypeAlias = tuple[int, bytes]
"""How many frames there are, and their bytes."""

_MOST_WAITING: Final = 64
"""How many encoded frames of a sequence may wait for the reader; until it takes some, no further pieces are read."""


@overload
def encode_stream(
    promise: MessagePromise[Message] | MessageSequencePromise[Message],
    format: Format = "json",
    *,
    start: None = None,
) -> AsyncGenerator[bytes, None]: ...
@overload
def encode_stream(
    promise: MessagePromise[Message] | MessageSequencePromise[Message],
    format: Format = "json",
    *,
    start: int,
) -> AsyncGenerator[Pieces, None]: ...
def encode_stream(
    promise: MessagePromise[Message] | MessageSequencePromise[Message],
    format: Format = "json",
    *,
    start: int | None = None,
) -> AsyncGenerator[bytes, None] | AsyncGenerator[Pieces, None]:
    """Yield a promise as bytes, piece by piece as it arrives: tokens, events, errors in their places, and the end.

    `decode_stream` makes a promise from the bytes, in another process or later. Messages of a sequence that arrive at
    the same time are sent at the same time. The generator is a reader like any other: closing it changes nothing for
    the promise and its other readers, and errors that it has sent count as read.

    Args:
        promise: The promise of a message, or of a sequence of messages.
        format: "json" for lines, "msgpack" for frames with checksums; see `read_records`.
        start: The position of the first frame that is wanted, from 0. `Pieces` are yielded then, which tell their
            position. It is the same for the same piece, whether the promise is still arriving or complete. For this the
            messages of a sequence are sent one after the other. A frame that opens a message tells what is known of
            it at that time.

    Raises:
        ValueError: There is no such format, or `start` is negative.

    Examples:
        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         async for data in encode_stream(MessagePromise.of_message(Message("Hello"))):
        ...             print(data.decode(), end="")
        >>> asyncio.run(main())
        {"frame":"opened","tag":"Message"}
        {"frame":"text","text":"Hello"}
        {"frame":"whole","message":{"@type":"Message","text":"Hello"}}
    """
    writer = Writer(format)
    if start is None:
        return _encoded(promise, writer)
    if start < 0:
        raise ValueError(f"encode_stream: start is a position from 0, not {start}")
    return _positioned(promise, writer, start)


async def _encoded(
    promise: MessagePromise[Message] | MessageSequencePromise[Message], writer: Writer
) -> AsyncGenerator[bytes, None]:
    if isinstance(promise, MessagePromise):
        yield writer.opened(promise, 0)
        async for _, data in _message(promise, 0, writer):
            yield data
        return
    waiting: asyncio.Queue[bytes | None] = asyncio.Queue(_MOST_WAITING)
    work = asyncio.create_task(_sequence(promise, writer, waiting.put), name=f"encode_stream({promise.name})")
    try:
        while (ready := await waiting.get()) is not None:
            yield ready
        await work
    finally:
        work.cancel()
        await asyncio.wait((work,))


async def _sequence(
    promise: MessageSequencePromise[Message], writer: Writer, put: Callable[[bytes | None], Awaitable[None]]
) -> None:
    """Put the frames of a sequence and of its messages into the queue, and None at the end.

    Each message that is still arriving has a task of its own; the task group ends them all if this one is cancelled or
    fails. After an error None is put as well: the generator waits at the queue, and would wait forever without it. It
    then awaits this task, which raises the error. A cancelled task puts nothing, because the generator has then stopped
    taking from the queue.
    """

    async def carry(message: MessagePromise[Message], number: int) -> None:
        async for _, data in _message(message, number, writer):
            await put(data)

    try:
        await put(writer.bytes_of(Sequence()))
        async with asyncio.TaskGroup() as tasks:
            number = 0
            async for piece in outcomes(promise):
                if isinstance(piece, Failure):
                    await put(writer.bytes_of(Failed(info_of(seen(piece), writer.encoded))))
                    continue
                await put(writer.opened(piece, number))
                if piece.done():
                    await carry(piece, number)
                else:
                    tasks.create_task(carry(piece, number), name=f"encode_stream({piece.name})")
                number += 1
        await put(writer.bytes_of(End()))
    except BaseException as error:
        if not ends_task(error, running_task()):
            await put(None)
        raise
    await put(None)


async def _positioned(
    promise: MessagePromise[Message] | MessageSequencePromise[Message], writer: Writer, start: int
) -> AsyncGenerator[Pieces, None]:
    position = 0
    blocks = _one_message(promise, 0, writer) if isinstance(promise, MessagePromise) else _in_order(promise, writer)
    async with contextlib.aclosing(blocks):
        async for count, data in blocks:
            pieces = Pieces(position, count, data)
            position += count
            if position > start:
                yield pieces.since(start)


async def _in_order(promise: MessageSequencePromise[Message], writer: Writer) -> AsyncGenerator[_Block, None]:
    """Yield the frames of a sequence message by message."""
    yield 1, writer.bytes_of(Sequence())
    number = 0
    async for piece in outcomes(promise):
        if isinstance(piece, Failure):
            yield 1, writer.bytes_of(Failed(info_of(seen(piece), writer.encoded)))
            continue
        async with contextlib.aclosing(_one_message(piece, number, writer)) as blocks:
            async for block in blocks:
                yield block
        number += 1
    yield 1, writer.bytes_of(End())


async def _one_message(promise: MessagePromise[Message], number: int, writer: Writer) -> AsyncGenerator[_Block, None]:
    yield 1, writer.opened(promise, number)
    async with contextlib.aclosing(_message(promise, number, writer)) as blocks:
        async for block in blocks:
            yield block


async def _message(promise: MessagePromise[Message], number: int, writer: Writer) -> AsyncGenerator[_Block, None]:
    buffer = mixed_buffer(promise)
    reader = MixedOutcomes(buffer, promise.name)
    while (pieces := await reader.next_slice()) is not None:
        data = writer.texts(pieces, number) if len(pieces) > 1 and are_texts(pieces) else b""
        if not data and holds_surrogates(pieces):
            reader.put_back(pieces)
            pieces = [await anext(reader)]  # halves of a pair are joined, and a lone surrogate is an error
        yield (
            len(pieces),
            data or b"".join([writer.piece(checked_piece(piece, promise.name, buffer), number) for piece in pieces]),
        )
    try:
        message = await promise
        end: Frame = Whole(msgspec.Raw(writer.encoded(message)), number)
    except BaseException as error:
        if ends_task(error, running_task()):
            raise
        is_first = buffer.failure is not None and buffer.failure.error is error
        end = Broken(number, None if is_first else info_of(error, writer.encoded))
    yield 1, writer.bytes_of(end)


class Writer:
    """Encodes frames."""

    def __init__(self, format: Format) -> None:
        self._format: Format = format
        self._encode = functions_of(format).encode

    def bytes_of(self, each: Frame) -> bytes:
        """Return the bytes of a frame."""
        data = self._encode(each)
        return data + b"\n" if self._format == "json" else frame(data)

    def encoded(self, value: object) -> bytes:
        """Return the bytes of a value inside a frame."""
        return encode(value, self._format)

    def opened(self, promise: MessagePromise[Message], number: int) -> bytes:
        """Return the frame that opens a message, with what is known of it."""
        cls = known_class(promise)
        known: dict[str, msgspec.Raw] = {}
        for name, value in () if promise.done() else promise.known.items():
            try:
                known[name] = msgspec.Raw(self.encoded(value))
            except (TypeError, ValueError):  # the same error is sent when the complete message is encoded
                continue
        tag: Any = None if cls is None else cls.__struct_config__.tag  # Any: the tag of a message is a string
        return self.bytes_of(Opened(number, tag, known))

    def texts(self, pieces: list[str], number: int) -> bytes:
        """Return the frames of tokens; nothing if one of them cannot be encoded."""
        try:
            return records_of([Text(piece, number) for piece in pieces], self._format)
        except UnicodeEncodeError:
            return b""

    def piece(self, piece: str | StreamEvent | Failure, number: int) -> bytes:
        """Return the frame of a piece; a failure counts as read."""
        if isinstance(piece, str):
            each: Frame = Text(piece, number)
        elif isinstance(piece, Failure):
            each = Failed(info_of(seen(piece), self.encoded), number)
        elif isinstance(piece, TextDelta):
            each = Text(piece.text, number)
        else:
            each = Event(msgspec.Raw(self.encoded(piece)), number)
        return self.bytes_of(each)


def are_texts(pieces: list[str | StreamEvent | Failure]) -> TypeGuard[list[str]]:
    """Return whether all pieces are texts."""
    return {*map(type, pieces)} == _TEXTS


_TEXTS: Final = {str}


def seen(failure: Failure) -> BaseException:
    """Return the error of a failure, which then counts as read."""
    try:
        failure.reraise()
    except BaseException as error:  # noqa: BLE001  # every error of a stream is sent as a piece
        return error
