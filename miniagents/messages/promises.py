"""Promises of messages: of one that streams its text token by token, and of a sequence that streams its messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Concatenate, TypeGuard

import msgspec
from typing_extensions import ParamSpec, TypeVar

from miniagents.messages._generated import Message, StreamEvent
from miniagents.messages._tokens import EventOutcomes, TextOutcomes, Tokens, check_arguments, text_of
from miniagents.messages.frozen import FrozenDict
from miniagents.promising._current import active_context
from miniagents.promising._failure import Failure
from miniagents.promising._pieces import PieceBuffer
from miniagents.promising.appender import StreamAppender
from miniagents.promising.promise import PENDING, Promise, blank
from miniagents.promising.sentinels import DEFAULT, Default
from miniagents.promising.stream import Stream, StreamedPromise, piped

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping

    from miniagents.promising._production import Production

__all__ = ["MessagePromise", "MessageSequencePromise", "stream_message"]

M_co = TypeVar("M_co", bound=Message, default=Message, covariant=True)
M = TypeVar("M", bound=Message)
W = TypeVar("W")
P = ParamSpec("P")


class MessagePromise(StreamedPromise[str, M_co]):
    """The promise of one message.

    Iterating gives the tokens of its text as `str`, awaiting gives the message. What a model streams besides text
    (reasoning, arguments of tool calls, refusals) comes from `events`.

    `stream_message` makes one of tokens; this constructor is for whoever makes the message in another way.

    Args:
        streamer: yields tokens and events.
        resolver: makes the message of the tokens, once all of them are there.
        message_class: the class of the message, where it is known beforehand.
        known: fields of the message that are known beforehand.
        start_asap: True starts the streamer at the next turn of the loop, False at the first await or iteration; by
            default as the active context says.
        max_ahead: how many pieces the streamer may be ahead of the furthest reader; None for no bound.
        name: what errors, logs and tasks call this promise.

    Raises:
        NoActiveContextError: there is no active context that could own the work.
    """

    __slots__ = ("_known", "_message_class")

    def __init__(
        self,
        streamer: Callable[[], AsyncIterator[str | StreamEvent]],
        resolver: Callable[[AsyncIterable[str]], Awaitable[M_co]],
        *,
        message_class: type[Message] | None = None,
        known: Mapping[str, object] | None = None,
        start_asap: bool | Default = DEFAULT,
        max_ahead: int | None = None,
        name: str | None = None,
    ) -> None:
        self._message_class = message_class
        self._known: Mapping[str, object] | None = FrozenDict(known or {})
        # the buffer holds events besides the tokens; whatever reads it for tokens skips them
        tokens: Any = streamer  # Any: see above
        super().__init__(tokens, resolver, start_asap=start_asap, max_ahead=max_ahead, name=name)

    @classmethod
    def of_message(cls, message: M, /) -> MessagePromise[M]:
        """The promise of a message that is there already; needs no context.

        >>> async def main() -> None:
        ...     print([token async for token in MessagePromise.of_message(Message("Hello"))])
        >>> asyncio.run(main())
        ['Hello']
        """
        promise: MessagePromise[M] = blank(MessagePromise)
        promise._prepare(None, "message")
        promise._value = message
        promise._collect = None
        promise._message_class = type(message)
        return promise

    # --- reading ---

    def __aiter__(self) -> AsyncIterator[str]:
        return Tokens(self._outcomes())

    @property
    def message_class(self) -> type[Message] | None:
        """The class of the message, where it is known already."""
        return self._message_class

    @property
    def known(self) -> Mapping[str, object]:
        """The fields of the message that are known already, all of them once the message is there."""
        if self._value is not PENDING:
            return FrozenDict(msgspec.structs.asdict(self._value))
        return self._known if self._known is not None else FrozenDict()

    @property
    def events(self) -> Stream[StreamEvent]:
        """Everything that is streamed, as typed events: the text as well as what is no text."""

        async def as_events(_: PieceBuffer[StreamEvent]) -> AsyncIterator[StreamEvent | Failure]:
            async for piece in EventOutcomes(self._mixed(), self._name):
                yield piece

        return piped(as_events, f"{self._name}.events", (self,), lazy=True)

    # --- combinators ---

    def map_text(self, fn: Callable[[str], str], /) -> MessagePromise[M_co]:
        """The same message with another text: what a plain function makes of each token.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(repr(await MessagePromise.of_message(Message("Hello")).map_text(str.upper)))
        >>> asyncio.run(main())
        Message(text='HELLO')
        """

        async def mapped() -> AsyncIterator[str]:
            async for token in self:
                yield fn(token)

        async def with_text(tokens: AsyncIterable[str]) -> M_co:
            text = "".join([token async for token in tokens])
            return msgspec.structs.replace(await self, text=text)

        promise = MessagePromise(
            mapped,
            with_text,
            message_class=self._message_class,
            known=self._known,
            start_asap=False if self.is_lazy() else DEFAULT,
            name=f"{self._name}.map_text",
        )
        promise.made_of((self,))
        return promise

    def checked(self, check: Callable[[M_co], M], /) -> MessagePromise[M]:
        """The same tokens and events; the message is what `check` makes of it, or the error it raises.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         promise = MessagePromise.of_message(Message("Hello"))
        ...         print(repr(await promise.checked(lambda message: UserMessage(message.text))))
        >>> asyncio.run(main())
        UserMessage(text='Hello')
        """

        async def whole(_: AsyncIterable[str]) -> M:
            return check(await self)

        promise: MessagePromise[M] = blank(MessagePromise)
        promise._look_at(self._buffer, None)
        promise._name = self._name
        promise._resolver = lambda: whole(promise)
        promise._message_class = None
        promise._known = self._known
        return promise

    def pieces(self) -> Stream[str]:
        """The tokens of the text."""
        return self._text_only()

    def into(self, collect: Callable[[Iterable[str]], W], /) -> StreamedPromise[str, W]:
        """The tokens of the text, and what a plain function makes of all of them."""
        return self._text_only().into(collect)

    # --- machinery ---

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> object:
            # a message that is there already needs no buffer before somebody reads it token by token
            if name == "_buffer":
                buffer = self._buffer = PieceBuffer(None, self._name)
                if self._value is not PENDING:
                    text = str(self._value)
                    if text:
                        buffer.emit(text)
                    buffer.end()
                return buffer
            if name == "_known":
                return None
            hint = f"; await the promise first: (await promise).{name}" if self._may_come(name) else ""
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{hint}")

    def _may_come(self, name: str) -> bool:
        """Whether the message may have an attribute that its promise does not have."""
        return not name.startswith("_") and (self._message_class is None or hasattr(self._message_class, name))

    def _mixed(self) -> PieceBuffer[str | StreamEvent]:
        # for the base class the buffer holds what iterating gives, the tokens alone
        mixed: PieceBuffer[Any] = self._buffer  # Any: see above
        return mixed

    def _outcomes(self) -> AsyncIterator[str | Failure]:
        return TextOutcomes(self._mixed(), self._name)

    def _text_only(self) -> Stream[str]:
        async def text(_: PieceBuffer[str]) -> AsyncIterator[str | Failure]:
            async for piece in self._outcomes():
                yield piece

        return piped(text, f"{self._name}.pieces", (self,))

    def is_lazy(self) -> bool:
        """Whether the work waits for a first reader."""
        return self._value is PENDING and super().is_lazy()

    def pieces_production(self) -> Production:
        """Where readers and results are counted."""
        return self if self._value is not PENDING else super().pieces_production()

    def parts(self) -> Iterable[Production]:
        """What is cancelled with this."""
        return super().parts() if self._value is PENDING else ()


class MessageSequencePromise(StreamedPromise[MessagePromise[M_co], tuple[M_co, ...]]):
    """The promise of a sequence of messages.

    Iterating gives the promises of the messages, each of which streams its tokens; awaiting gives the tuple of all
    messages, or raises the first error in the sequence or in one of its messages.
    """

    __slots__ = ()

    @classmethod
    def of_messages(cls, messages: Iterable[M], /) -> MessageSequencePromise[M]:
        """The promise of messages that are there already; needs no context.

        >>> async def main() -> None:
        ...     print(await MessageSequencePromise.of_messages([Message("a"), Message("b")]))
        >>> asyncio.run(main())
        (Message(text='a'), Message(text='b'))
        """
        buffer: PieceBuffer[MessagePromise[M]] = PieceBuffer(None, "messages")
        buffer.emit_all([MessagePromise.of_message(message) for message in messages])
        buffer.end()
        return sequence_over(buffer)

    async def aresolve_messages(self) -> tuple[M_co, ...]:
        """All messages, complete: the same as awaiting the promise.

        Raises:
            BaseException: the first error in the sequence or in one of its messages.
        """
        return await self

    async def settled_messages(self) -> AsyncIterator[tuple[M_co | None, BaseException | None]]:
        """Each message, or the error in its place, in order; nothing is raised, and no error counts as read."""
        async for piece in self._buffer.outcomes():
            failure = piece if isinstance(piece, Failure) else await piece.settled()
            if failure is not None:
                yield None, failure.error
            elif not isinstance(piece, Failure):
                yield piece._value, None

    # --- combinators ---

    def map_messages(self, fn: Callable[[M_co], M], /) -> MessageSequencePromise[M]:
        """What a plain function makes of each message; errors stay in their places.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         messages = MessageSequencePromise.of_messages([Message("a"), Message("b")])
        ...         print(await messages.map_messages(lambda message: Message(f"{message.text}!")))
        >>> asyncio.run(main())
        (Message(text='a!'), Message(text='b!'))
        """
        mapped = self.map_pieces(lambda promise: from_promise(promise.map(fn), None))
        return sequence_over(mapped._buffer)

    def as_single_promise(self) -> MessagePromise[Message]:
        r"""One message of all texts, with empty lines between them: `join_messages`.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         messages = MessageSequencePromise.of_messages([Message("a"), Message("b")])
        ...         print(repr(await messages.as_single_promise()))
        >>> asyncio.run(main())
        Message(text='a\n\nb')
        """
        from miniagents.messages.text import join_messages  # noqa: PLC0415 - it is made of this module's promises

        return join_messages(self)

    # --- machinery ---

    if not TYPE_CHECKING:

        def __getitem__(self, _: object) -> object:
            # `for` and `in` come here too; with an `__iter__` the promise would pass for an Iterable
            raise TypeError(f"{self.name!r}: await the promise first: (await promise)[…], or read it by `async for`")

    def done(self) -> bool:
        """Whether all messages, or the error in their place, are known."""
        if not self.is_done() and self._buffer.ended:
            for piece in self._buffer.pieces:
                failure = piece if isinstance(piece, Failure) else None if not piece.done() else piece._failure
                if failure is not None:
                    self._failure = failure
                    break
                if not isinstance(piece, Failure) and not piece.done():
                    return False
            else:
                self._value = tuple(piece._value for piece in self._buffer.whole_pieces())
        return self.is_done()

    async def _settle(self) -> None:
        # Any number of readers may do this at once: all come to the same messages, and the first to end keeps them.
        self._buffer.start()
        self._buffer.reached(float("inf"))
        messages: list[M_co] = []
        failure: Failure | None = None
        async for piece in self._buffer.outcomes():
            failure = piece if isinstance(piece, Failure) else await piece.settled()
            if failure is not None or self.is_done():
                break
            if not isinstance(piece, Failure):
                messages.append(piece._value)
        if not self.is_done():
            if failure is None:
                self._value = tuple(messages)
            self._failure = failure
            self.finished()


def stream_message(
    cls: Callable[Concatenate[str | None, P], M],
    tokens: AsyncIterable[str | StreamEvent],
    /,
    *args: P.args,
    **known_beforehand: P.kwargs,
) -> MessagePromise[M]:
    """The promise of a message whose text arrives token by token.

    Args:
        cls: the class of the message.
        tokens: the tokens, and events that are no text: an async generator, a `StreamAppender`, a `StreamedPromise`.
        args: further positional arguments of the class.
        known_beforehand: the other fields of the message, which can be read from `promise.known` at once.

    Raises:
        TypeError: the tokens are no async iterable, or the fields are not those of the class.
        NoActiveContextError: there is no active context.

    >>> async def tokens() -> AsyncIterator[str]:
    ...     yield "Hel"
    ...     yield "lo"
    >>> async def main() -> None:
    ...     async with PromisingContext():
    ...         promise = stream_message(AssistantMessage, tokens(), model="some-model")
    ...         print(promise.known["model"], [token async for token in promise], repr(await promise))
    >>> asyncio.run(main())
    some-model ['Hel', 'lo'] AssistantMessage(text='Hello', model='some-model')
    """

    def whole(pieces: Iterable[object]) -> M:
        return cls("".join([text_of(piece, name) for piece in pieces]), *args, **known_beforehand)

    check_arguments(cls, tokens, args, known_beforehand)
    name = getattr(cls, "__name__", "message")
    shared = buffer_of(tokens)  # the very same pieces: nothing is copied, whoever reads them
    buffer: PieceBuffer[Any]  # Any: tokens and events; for the base class the buffer holds tokens alone
    buffer = PieceBuffer(active_context.get(), name, streamer=lambda: aiter(tokens)) if shared is None else shared
    promise: MessagePromise[M] = blank(MessagePromise)
    promise._look_at(buffer, whole)
    promise._name = name
    promise._message_class = cls if isinstance(cls, type) else None
    promise._known = FrozenDict(known_beforehand)
    if buffer._context is not None:
        buffer._context.notify_resolved(promise)
    if shared is None and buffer.context.start_asap:
        buffer.start()
    return promise


def from_promise(promise: Promise[M], message_class: type[Message] | None) -> MessagePromise[M]:
    """The message promise of a promise that cannot stream: its text comes as one token when the message is there."""

    async def text() -> AsyncIterator[str]:
        whole = str(await promise)
        if whole:
            yield whole

    async def message(_: AsyncIterable[str]) -> M:
        return await promise

    made = MessagePromise(
        text,
        message,
        message_class=message_class,
        start_asap=False if promise.is_lazy() else DEFAULT,
        name=promise.name,
    )
    made.made_of((promise,))
    return made


def sequence_over(buffer: PieceBuffer[MessagePromise[M]]) -> MessageSequencePromise[M]:
    """The promise of a buffer's messages."""
    promise: MessageSequencePromise[M] = blank(MessageSequencePromise)
    promise._look_at(buffer, None)
    return promise


def buffer_of(stream: AsyncIterable[object]) -> PieceBuffer[Any] | None:  # Any: of whatever the stream has
    """The pieces of a stream that keeps what was put in; None for other iterables."""
    if isinstance(stream, StreamAppender):
        appender: StreamAppender[Any] = stream  # Any: as above
        return appender._buffer
    if _is_stream(stream) and not isinstance(stream, MessagePromise):
        return stream._buffer
    return None


def _is_stream(stream: object) -> TypeGuard[StreamedPromise[object, object]]:
    return isinstance(stream, StreamedPromise)
