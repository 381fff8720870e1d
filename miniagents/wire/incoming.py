"""`decode_stream`: makes a promise from the bytes of `encode_stream`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, get_args, get_origin, overload

import msgspec

from miniagents.messages import Message, StreamEvent
from miniagents.messages.coding.codec import DecodeError
from miniagents.messages.coding.type_shapes import bare, is_message_class, kind_of
from miniagents.messages.coding.typed_codec import Codec
from miniagents.messages.promised.message_promise import MessagePromise, make_known, message_over, mixed_buffer
from miniagents.messages.promised.sequence_promise import MessageSequencePromise, sequence_over
from miniagents.messages.values.frozen import FrozenDict, loaded_classes
from miniagents.promising.core.access import buffer_of, fail_with, resolve_with
from miniagents.promising.core.current import active_context
from miniagents.promising.core.failure import Failure
from miniagents.promising.core.pieces import PieceBuffer
from miniagents.promising.sentinels import DEFAULT, Default
from miniagents.wire._frames import (
    Broken,
    End,
    Event,
    Failed,
    Frame,
    Opened,
    Sequence,
    Text,
    Whole,
    error_classes,
    error_of,
)
from miniagents.wire._sources import async_blocks
from miniagents.wire.decoding import MAX_RECORD_BYTES, RecordDecoder
from miniagents.wire.record_errors import RecordError, TornRecordError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from typing_extensions import TypeForm

    from miniagents.messages.coding.codec import Format
    from miniagents.wire._sources import AsyncSource

__all__ = ["decode_stream"]

M = TypeVar("M", bound=Message)

_AnyBuffer: TypeAlias = PieceBuffer[Any]  # Any: pieces of a message, or messages of a sequence
"""A buffer that frames are read into."""

_AnyPromise: TypeAlias = MessagePromise[Any]  # Any: the class of the message is known from the form and the frames
"""The promise of a message that frames are read for."""


@overload
def decode_stream(
    source: AsyncSource,
    form: TypeForm[tuple[M, ...]],
    format: Format = "json",
    *,
    errors: Iterable[type[BaseException]] = (),
    max_bytes: int = MAX_RECORD_BYTES,
    start_asap: bool | Default = DEFAULT,
) -> MessageSequencePromise[M]: ...
@overload
def decode_stream(
    source: AsyncSource,
    form: TypeForm[M],
    format: Format = "json",
    *,
    errors: Iterable[type[BaseException]] = (),
    max_bytes: int = MAX_RECORD_BYTES,
    start_asap: bool | Default = DEFAULT,
) -> MessagePromise[M]: ...
def decode_stream(
    source: AsyncSource,
    form: Any,  # Any: as the overloads say
    format: Format = "json",
    *,
    errors: Iterable[type[BaseException]] = (),
    max_bytes: int = MAX_RECORD_BYTES,
    start_asap: bool | Default = DEFAULT,
) -> Any:  # Any: as the overloads say
    """Make the promise of a message, or of a sequence of messages, from the bytes of `encode_stream`.

    Its readers see the tokens, events and errors as they arrive, each in its place. Awaiting the promise returns an
    equal message, or raises an error like the one in the other process. Errors of Python's own classes, of promises and
    of the given classes have their class again. All others are a `RemoteError` with the name of the class. If the bytes
    end too early, a `TornRecordError` stands at that place of the stream; if they are damaged, a `RecordError`.

    The active context owns the work. Cancelling the promise stops reading and closes the source. A reader that stops
    reading changes nothing for the others.

    Args:
        source: Where the bytes come from; see `aread_records`.
        form: The type of the result: a message class or a union of them for a message, ``tuple[A | B, ...]`` for a
            sequence.
        format: The format that `encode_stream` was given.
        errors: Further classes of errors. They are called with the `args` of the original error.
        max_bytes: How large a frame may be. A message is sent in one frame, so it also limits messages.
        start_asap: True starts reading at the next turn of the loop, False at the first await or iteration. By default
            the active context decides.

    Raises:
        NoActiveContextError: There is no active context that could own the work.

    Examples:
        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         there = MessageSequencePromise.of_messages([UserMessage("Hello"), AssistantMessage("Good morning")])
        ...         here = decode_stream(encode_stream(there), tuple[UserMessage | AssistantMessage, ...])
        ...         async for promise in here:
        ...             print([token async for token in promise])
        >>> asyncio.run(main())
        ['Hello']
        ['Good morning']
    """
    inner = bare(form)
    is_sequence = get_origin(inner) is tuple
    incoming = _Incoming(get_args(inner)[0] if is_sequence else form, format, errors, max_bytes)
    name = f"decode_stream({getattr(form, '__name__', form) if not is_sequence else form})"
    buffer: _AnyBuffer
    buffer = PieceBuffer(
        active_context.get(),
        name,
        streamer=lambda: incoming.messages(source, buffer) if is_sequence else incoming.pieces(source, promise),
    )
    buffer.context.open_loop(name)
    promise: Any = sequence_over(buffer) if is_sequence else incoming.promise_over(buffer)  # Any: as the overloads say
    buffer.context.notify_resolved(promise)
    if buffer.context.start_asap if start_asap is DEFAULT else start_asap:
        buffer.start()
    return promise


class _Incoming:
    """Makes messages from frames."""

    def __init__(
        self,
        form: Any,  # Any: a type of messages
        format: Format,
        errors: Iterable[type[BaseException]],
        max_bytes: int,
    ) -> None:
        self._form = form
        kind = kind_of(bare(form))
        self._class = kind if is_message_class(kind) and issubclass(kind, Message) else None
        self._format: Format = format
        self._frames: Codec[Frame] = Codec(Frame, format)
        self._codec: Codec[Any] = Codec(form, format)  # Any: the type of the form
        self._events: Codec[StreamEvent] = Codec(StreamEvent, format)
        self._errors = error_classes(errors)
        self._max_bytes = max_bytes

    def promise_over(self, buffer: _AnyBuffer) -> _AnyPromise:
        """Return the promise of the message whose pieces a buffer holds."""
        return message_over(buffer, _nothing, self._class)

    async def pieces(
        self,
        source: AsyncSource,
        promise: _AnyPromise,
    ) -> AsyncIterator[Any]:  # Any: with failures
        """Yield the pieces of one message, and settle its promise."""
        buffer = mixed_buffer(promise)
        async for frame in self._read(source, buffer):
            if isinstance(frame, Failure):
                yield frame
            elif isinstance(frame, Opened | Text | Event | Failed | Whole | Broken):
                piece = self._apply(frame, promise)
                if piece is not None:
                    yield piece
                if isinstance(frame, Whole | Broken):
                    return
            else:
                yield buffer.failure_of(_unexpected(frame, "tuple[…, ...] is the type of a sequence"))

    async def messages(self, source: AsyncSource, buffer: _AnyBuffer) -> AsyncIterator[Any]:  # Any: with failures
        """Yield the promises of the messages of a sequence, and put the pieces of each into its own buffer.

        This one task reads for all messages. So it also ends those that are still open when the source ends, when an
        error is raised or when it is cancelled: no other task could, and their readers would wait forever.
        """
        opened: dict[int, _AnyPromise] = {}
        last: Failure | None = None
        try:
            async for frame in self._read(source, buffer):
                if isinstance(frame, End):
                    return
                if isinstance(frame, Failure):
                    last = frame
                    yield frame
                elif isinstance(frame, Opened) and frame.number not in opened:
                    promise = self._opened(frame, buffer)
                    opened[frame.number] = promise
                    yield promise
                elif isinstance(frame, Failed) and frame.number is None:
                    yield buffer.failure_of(error_of(frame.error, self._errors))
                elif isinstance(frame, Text | Event | Failed | Whole | Broken):
                    promise_there = opened.get(frame.number or 0)
                    if promise_there is None or buffer_of(promise_there).ended:
                        yield buffer.failure_of(_unexpected(frame, "no message of that number is open"))
                        continue
                    piece = self._apply(frame, promise_there)
                    if piece is not None:
                        mixed_buffer(promise_there).emit_outcome(piece)
                    if isinstance(frame, Whole | Broken):
                        buffer_of(promise_there).end()
                elif not isinstance(frame, Sequence):
                    yield buffer.failure_of(_unexpected(frame, "it is open already"))
        finally:
            for promise in opened.values():
                if not buffer_of(promise).ended:
                    error = TornRecordError("$", "the stream ended before the message", offset=0, index=0, size=0)
                    buffer_of(promise).give_up(error if last is None else last.error)

    def _opened(self, frame: Opened, owner: _AnyBuffer) -> _AnyPromise:
        buffer: _AnyBuffer = PieceBuffer(owner.context, f"{owner.name}[{frame.number}]")
        buffer.context.register_writing_end(buffer)
        buffer.adopt()
        promise = self.promise_over(buffer)
        buffer.context.notify_resolved(promise)
        self._apply(frame, promise)
        return promise

    def _apply(self, frame: Frame, promise: _AnyPromise) -> str | StreamEvent | Failure | None:
        """Apply a frame to its message; return the piece that the frame carries, None if it carries none."""
        try:
            if isinstance(frame, Text):
                return frame.text
            if isinstance(frame, Event):
                return self._events.decode(bytes(frame.event))
            if isinstance(frame, Failed):
                return mixed_buffer(promise).failure_of(error_of(frame.error, self._errors))
            if isinstance(frame, Opened):
                self._learn(frame, promise)
            elif isinstance(frame, Whole):
                resolve_with(promise, self._codec.decode(bytes(frame.message)))
            elif isinstance(frame, Broken):
                buffer = mixed_buffer(promise)
                told = frame.error
                failure = buffer.failure if told is None else buffer.failure_of(error_of(told, self._errors))
                if failure is not None:
                    fail_with(promise, failure)
        except DecodeError as error:
            return mixed_buffer(promise).failure_of(error)
        return None

    def _learn(self, frame: Opened, promise: _AnyPromise) -> None:
        """Set the fields that are known before the message is complete; ignore a class that is not loaded here."""
        bases = get_args(bare(self._form)) or (self._form,)
        classes = [
            cls for base in bases if is_message_class(kind := kind_of(bare(base))) for cls in loaded_classes(kind)
        ]
        cls = next((cls for cls in reversed(classes) if cls.__struct_config__.tag == frame.tag), None)
        if cls is None or not issubclass(cls, Message):
            return
        types = {field.name: field.type for field in msgspec.structs.fields(cls)}
        codecs = {name: Codec[Any](types[name], self._format) for name in frame.known if name in types}  # Any: fields
        known = {name: each.decode(bytes(frame.known[name])) for name, each in codecs.items()}
        make_known(promise, cls, FrozenDict(known))

    async def _read(
        self,
        source: AsyncSource,
        buffer: _AnyBuffer,
    ) -> AsyncIterator[Frame | Failure]:
        """Yield the frames, with failures in the places of damaged ones.

        The consumer stops reading at the last frame. If the bytes end before that, the last failure says so.
        """
        decoder = RecordDecoder(self._frames, compression=None, max_bytes=self._max_bytes)
        blocks = async_blocks(source)
        torn = False
        try:
            async for data in blocks:
                for part in decoder.feed(data):
                    if isinstance(part, RecordError):
                        yield buffer.failure_of(part)
                    else:
                        for frame in part:
                            yield frame
            for part in decoder.finish():
                torn = isinstance(part, TornRecordError)
                if isinstance(part, RecordError):
                    yield buffer.failure_of(part)
                else:
                    for frame in part:
                        yield frame
        finally:
            await blocks.aclose()
        if not torn:
            reason = "the stream ended before its last frame"
            error = TornRecordError("$", reason, offset=decoder.offset, index=decoder.index, size=0)
            yield buffer.failure_of(error)


def _nothing(_: Iterable[object]) -> Message:
    raise EOFError("the stream has no message")  # never called: a stream without a message ends with a failure


def _unexpected(frame: Frame, why: str) -> DecodeError:
    return DecodeError("$", f"a frame {type(frame).__name__.lower()!r} has no place here: {why}")
