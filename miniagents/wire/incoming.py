"""`decode_stream`: makes a promise from the bytes of `encode_stream`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar, get_args, get_origin, overload

import msgspec

from miniagents.messages import Message, StreamEvent
from miniagents.messages.coding.codec import DecodeError, decode
from miniagents.messages.coding.type_shapes import bare, flat_members, is_message_class, kind_of
from miniagents.messages.promised.message_buffer import make_known
from miniagents.messages.promised.message_promise import MessagePromise, message_over, mixed_buffer
from miniagents.messages.promised.sequence_promise import MessageSequencePromise, sequence_over
from miniagents.messages.values.frozen import FrozenDict, classes_of_tag
from miniagents.promising.core.access import fail_with, resolve_with
from miniagents.promising.core.current import active_context, producing
from miniagents.promising.core.failure import Catching, Failure
from miniagents.promising.core.pieces import FAIR_SHARE, PieceBuffer, take_turn
from miniagents.promising.sentinels import DEFAULT, Default
from miniagents.wire._frames import codec_of_frames, error_classes, error_of
from miniagents.wire._generated import Broken, End, Event, Failed, Frame, Opened, Sequence, Text, Whole
from miniagents.wire._sources import async_blocks
from miniagents.wire.decoding import MAX_RECORD_BYTES, RecordDecoder
from miniagents.wire.record_errors import InputLimitError, RecordError, TornRecordError
from miniagents.wire.splitting import STRETCH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from typing_extensions import TypeForm

    from miniagents.messages.coding.codec import Format
    from miniagents.wire._sources import AsyncSource

__all__ = ["decode_stream"]

M = TypeVar("M", bound=Message)

_Part: TypeAlias = Opened | Text | Event | Failed | Whole | Broken
"""A frame of a message."""

_MAX_WRONG: Final = 1000
"""How many frames may be wrong. An error needs a thousand times the memory of a wrong byte, and is logged if unread."""

_Share: TypeAlias = list[Frame] | list[Failure]
"""Frames that are read together, or the failure in the place of one."""

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
    max_total: int | None = None,
    unique_keys: bool = False,
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
    max_total: int | None = None,
    unique_keys: bool = False,
    start_asap: bool | Default = DEFAULT,
) -> MessagePromise[M]: ...
def decode_stream(
    source: AsyncSource,
    form: Any,  # Any: as the overloads say
    format: Format = "json",
    *,
    errors: Iterable[type[BaseException]] = (),
    max_bytes: int = MAX_RECORD_BYTES,
    max_total: int | None = None,
    unique_keys: bool = False,
    start_asap: bool | Default = DEFAULT,
) -> Any:  # Any: as the overloads say
    """Make the promise of a message, or of a sequence of messages, from the bytes of `encode_stream`.

    Its readers see the tokens, events and errors as they arrive, each in its place. Awaiting the promise returns an
    equal message, or raises an error like the one in the other process. Errors of Python's own classes, of promises and
    of the given classes have their class again. All others are a `RemoteError` with the name of the class. If the bytes
    end too early, a `TornRecordError` stands at that place of the stream; if they are damaged, a `RecordError`. Behind
    1000 wrong frames, an `InputLimitError` ends the stream.

    The active context owns the work. The source is closed behind the last frame, and when the promise is cancelled. A
    reader that stops reading changes nothing for the others.

    Args:
        source: Where the bytes come from; see `aread_records`.
        form: The type of the result: a message class or a union of them for a message, ``tuple[A | B, ...]`` for a
            sequence.
        format: The format that `encode_stream` was given.
        errors: Further classes of errors. They are called with the attributes of the original error that are named like
            their parameters, as far as these are JSON or messages, and with its `args` for the rest. If that makes an
            error of another text, it is a `RemoteError`.
        max_bytes: How large a frame may be. A message is sent in one frame, so it also limits messages.
        max_total: How many bytes are read; None for no limit. The promise keeps all pieces in memory. Behind the limit,
            an `InputLimitError` stands in the stream.
        unique_keys: Refuse a frame with an object that has a key twice; see `decode`.
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
    decoder = RecordDecoder(
        codec_of_frames(format, unique_keys=unique_keys),  # a frame contains its message
        compression=None,
        max_bytes=max_bytes,
        max_total=max_total,
    )
    incoming = _Incoming(source, get_args(inner)[0] if is_sequence else form, format, errors, decoder)
    name = f"decode_stream({getattr(form, '__name__', form) if not is_sequence else form})"
    buffer: _AnyBuffer = PieceBuffer(active_context.get(), name)
    promise: Any = sequence_over(buffer) if is_sequence else incoming.promise_over(buffer)  # Any: as the overloads say
    buffer.set_work(
        (lambda: incoming.read_sequence(buffer)) if is_sequence else lambda: incoming.read_message(promise),
        is_only_writer=True,
    )
    context = buffer.context
    context.open_loop(name)
    context.notify_resolved(promise)
    if context.start_asap if start_asap is DEFAULT else start_asap:
        buffer.start()
    else:
        buffer.belongs_here()
    return promise


class _Incoming:
    """Makes messages from frames."""

    def __init__(
        self,
        source: AsyncSource,
        form: Any,  # Any: a type of messages
        format: Format,
        errors: Iterable[type[BaseException]],
        decoder: RecordDecoder[Frame],
    ) -> None:
        self._source = source
        self._form = form
        inner = bare(form)
        kind = kind_of(inner)
        self._class = kind if is_message_class(kind) and issubclass(kind, Message) else None
        self._bases = tuple(each for each in map(bare, flat_members(inner)) if is_message_class(each))
        self._format: Format = format
        self._errors = error_classes(errors)
        self._decoder = decoder
        self._wrong_frames = 0

    def promise_over(self, buffer: _AnyBuffer) -> _AnyPromise:
        """Return the promise of the message whose pieces a buffer holds."""
        return message_over(buffer, _nothing, self._class)

    async def read_message(self, promise: _AnyPromise) -> None:
        """Put the pieces of one message into its buffer, and settle its promise."""
        buffer = mixed_buffer(promise)
        producing.set(buffer)
        append = buffer.pieces.append

        def take(share: _Share) -> bool:
            for frame in share:
                if type(frame) is Text:  # nearly every frame is one: it costs no call, and no `wake` of its own
                    append(frame.text)
                elif isinstance(frame, Failure):
                    buffer.emit_failure(frame)
                elif isinstance(frame, Sequence | End):
                    why = "tuple[…, ...] is the type of a sequence"
                    buffer.emit_failure(self._wrong(buffer, _unexpected(frame, why)))
                elif self._apply(frame, promise):
                    return True
            buffer.wake()
            return False

        with Catching(buffer):
            await self._read(buffer, take)
            buffer.end()

    async def read_sequence(self, buffer: _AnyBuffer) -> None:
        """Put the promises of the messages into the buffer, and the pieces of each message into its own buffer.

        This one task reads for all messages. So it also ends those that are still open when the source ends, when an
        error is raised or when it is cancelled: no other task could, and their readers would wait forever.
        """
        producing.set(buffer)
        opened: dict[int, _AnyPromise] = {}
        last: BaseException | None = None

        def take(share: _Share) -> bool:
            nonlocal last
            for frame in share:
                if type(frame) is Text and (there := _open_buffer(opened, frame.number)) is not None:
                    there.emit(frame.text)
                elif isinstance(frame, Failure):
                    last = frame.error
                    buffer.emit_failure(frame)
                elif isinstance(frame, End):
                    _end_all(opened, last)
                    buffer.end()
                    return True
                else:
                    self._apply_to_sequence(frame, buffer, opened)
            return False

        with Catching(buffer):
            try:
                await self._read(buffer, take)
            except Exception as error:
                last = error
                raise
            finally:
                _end_all(opened, last)
            buffer.end()

    # --- machinery ---

    def _wrong(self, buffer: _AnyBuffer, error: DecodeError) -> Failure:
        """Return the failure in the place of a wrong frame.

        Raises:
            InputLimitError: There are too many of them.
        """
        self._wrong_frames += 1
        if self._wrong_frames > _MAX_WRONG:
            reason = f"more than {_MAX_WRONG} frames are wrong, and no more are read"
            raise InputLimitError("$", reason, offset=self._decoder.offset, index=self._decoder.index, size=0)
        return buffer.failure_of(error)

    def _apply_to_sequence(self, frame: _Part | Sequence, buffer: _AnyBuffer, opened: dict[int, _AnyPromise]) -> None:
        """Apply a frame to its message, or to the sequence itself."""
        if isinstance(frame, Opened):
            if frame.number in opened:
                buffer.emit_failure(self._wrong(buffer, _unexpected(frame, "it is open already")))
            else:
                promise = opened[frame.number] = self._opened(frame, buffer)
                buffer.emit(promise)
        elif isinstance(frame, Failed) and frame.number is None:
            buffer.emit_failure(buffer.failure_of(error_of(frame.error, self._errors, self._format)))
        elif not isinstance(frame, Sequence):
            number = frame.number or 0
            if _open_buffer(opened, number) is None:
                buffer.emit_failure(self._wrong(buffer, _unexpected(frame, "no message of that number is open")))
            else:
                self._apply(frame, opened[number])

    def _opened(self, frame: Opened, owner: _AnyBuffer) -> _AnyPromise:
        buffer: _AnyBuffer = PieceBuffer(owner.context, f"{owner.name}[{frame.number}]")
        buffer.context.register_writing_end(buffer)
        buffer.adopt()
        promise = self.promise_over(buffer)
        buffer.context.notify_resolved(promise)
        self._apply(frame, promise)
        return promise

    def _apply(self, frame: _Part, promise: _AnyPromise) -> bool:
        """Apply a frame to its message; return whether it is the last one."""
        buffer = mixed_buffer(promise)
        is_last = False
        try:
            if isinstance(frame, Text):
                buffer.emit(frame.text)
            elif isinstance(frame, Event):
                buffer.emit(decode(bytes(frame.event), StreamEvent, self._format))
            elif isinstance(frame, Failed):
                buffer.emit_failure(buffer.failure_of(error_of(frame.error, self._errors, self._format)))
            elif isinstance(frame, Opened):
                self._learn(frame, promise)
            else:
                is_last = True
                if isinstance(frame, Whole):
                    resolve_with(promise, decode(bytes(frame.message), self._form, self._format))
                else:
                    told = frame.error
                    failure = (
                        buffer.failure
                        if told is None
                        else buffer.failure_of(error_of(told, self._errors, self._format))
                    )
                    if failure is not None:
                        fail_with(promise, failure)
        except DecodeError as error:
            buffer.emit_failure(self._wrong(buffer, error))
        if is_last:
            buffer.end()
        return is_last

    def _learn(self, frame: Opened, promise: _AnyPromise) -> None:
        """Set the fields that are known before the message is complete; ignore a class that is not loaded here."""
        found = classes_of_tag(frame.tag or "", self._bases)
        if not found or not issubclass(found[-1], Message):
            return
        types = {field.name: field.type for field in msgspec.structs.fields(found[-1])} if frame.known else {}
        known = {
            name: decode(bytes(data), types[name], self._format) for name, data in frame.known.items() if name in types
        }
        make_known(promise, found[-1], FrozenDict(known))

    async def _read(self, buffer: _AnyBuffer, take: Callable[[_Share], bool]) -> None:
        """Read frames until `take` returns that it was given the last one, or something has ended the buffer.

        `take` is given the frames that are there, at most a fair share at once, with failures in the places of damaged
        ones. If the bytes end before the last frame, the last failure says so. The loop gets a turn after each fair
        share, as the source may never wait. The source is closed in the end.
        """
        decoder = self._decoder
        left = FAIR_SHARE
        quiet = 0  # how many bytes came since the loop had a turn
        blocks = async_blocks(self._source)
        try:
            async for data in blocks:
                quiet += len(data) + 1
                for part in decoder.feed(data):
                    frames = [self._wrong(buffer, part)] if isinstance(part, RecordError) else part
                    for start in range(0, len(frames), FAIR_SHARE):
                        share = frames[start : start + FAIR_SHARE]
                        if buffer.ended or take(share) or decoder.ended:
                            return
                        left -= len(share)
                        if left <= 0:
                            await take_turn()
                            left = FAIR_SHARE
                            quiet = 0
                if quiet >= STRETCH:  # the bytes may have no frames
                    await take_turn()
                    quiet = 0
        finally:
            await blocks.aclose()
        torn = False
        for step in decoder.steps(None):
            for part in step:
                torn = isinstance(part, TornRecordError)
                if buffer.ended or take([self._wrong(buffer, part)] if isinstance(part, RecordError) else part):
                    return
            await take_turn()  # many frames may be behind the last damage
        if not torn and not buffer.ended:
            reason = "the stream ended before its last frame"
            error = TornRecordError("$", reason, offset=decoder.offset, index=decoder.index, size=0)
            take([buffer.failure_of(error)])


def _open_buffer(opened: Mapping[int, _AnyPromise], number: int) -> _AnyBuffer | None:
    """Return the buffer of the message of that number; None if it has not begun, or has ended."""
    promise = opened.get(number)
    return None if promise is None or (buffer := mixed_buffer(promise)).ended else buffer


def _end_all(opened: Mapping[int, _AnyPromise], last: BaseException | None) -> None:
    """End the messages that are still open, by the last error of the stream or of its source."""
    for number in opened:
        buffer = _open_buffer(opened, number)
        if buffer is not None:
            error = TornRecordError("$", "the stream ended before the message", offset=0, index=0, size=0)
            buffer.give_up(error if last is None else last)


def _nothing(_: Iterable[object]) -> Message:
    raise EOFError("the stream has no message")  # never called: a stream without a message ends with a failure


def _unexpected(frame: Frame, why: str) -> DecodeError:
    return DecodeError("$", f"a frame {type(frame).__name__.lower()!r} has no place here: {why}")
