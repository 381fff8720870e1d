"""The promise of one message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from typing_extensions import TypeVar

from miniagents.messages._generated import Message, StreamEvent
from miniagents.messages.promised.message_combinators import MessageCombinators
from miniagents.messages.promised.tokens import EventOutcomes, TextOutcomes, Tokens
from miniagents.messages.values.frozen import FrozenDict
from miniagents.promising.core.failure import Failure
from miniagents.promising.core.naming import derived_name
from miniagents.promising.core.pieces import OutcomeIterator, PieceBuffer
from miniagents.promising.promise import PENDING, Promise, blank
from miniagents.promising.sentinels import DEFAULT, Default
from miniagents.promising.stream import Stream, StreamedPromise, piped

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping

    from miniagents.promising.context import PromisingContext
    from miniagents.promising.core.production import Production

__all__ = ["MessagePromise"]

if TYPE_CHECKING:
    Pieces: TypeAlias = AsyncIterator[str | StreamEvent | Failure]

M_co = TypeVar("M_co", bound=Message, default=Message, covariant=True)
M = TypeVar("M", bound=Message)
E = TypeVar("E", bound=BaseException)
U = TypeVar("U")
W = TypeVar("W")


class MessagePromise(MessageCombinators[M_co]):
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

    __slots__ = ()

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
        self._known = known_fields(known or {})
        # the buffer holds events besides the tokens; whatever reads it for tokens skips them
        tokens: Any = streamer  # Any: as the line above says
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
        return Tokens(self._mixed(), self._name)

    @property
    def message_class(self) -> type[Message] | None:
        """The class of the message, where it is known already."""
        value: object = self._value
        return type(value) if isinstance(value, Message) else self._message_class

    @property
    def known(self) -> Mapping[str, object]:
        """The fields of the message that are known already, all that it has once the message is there."""
        if self._value is not PENDING:
            return known_fields(msgspec.structs.asdict(self._value))
        return self._known if self._known is not None else FrozenDict()

    @property
    def events(self) -> Stream[StreamEvent]:
        """Everything that is streamed, as typed events: the text as well as what is no text.

        It is lazy: one task begins when somebody reads. Errors stay at their places; cancelling it frees the message.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         pieces = StreamedPromise.of([ReasoningDelta(text="2 + 2"), "4"])
        ...         async for event in stream_message(Message, pieces).events:
        ...             print(event)
        >>> asyncio.run(main())
        ReasoningDelta(text='2 + 2')
        TextDelta(text='4')
        """

        async def as_events(_: PieceBuffer[StreamEvent]) -> AsyncIterator[StreamEvent | Failure]:
            async for piece in EventOutcomes(self._mixed(), self._name):
                yield piece

        return piped(as_events, derived_name(self._name, "events"), (self,), lazy=True)

    # --- combinators ---

    def pieces(self) -> Stream[str]:
        """The tokens of the text, with the tuple of them for the whole.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await stream_message(Message, StreamedPromise.of(["Hel", "lo"])).pieces())
        >>> asyncio.run(main())
        ('Hel', 'lo')
        """
        return self._text_only()

    def into(self, collect: Callable[[Iterable[str]], W], /) -> StreamedPromise[str, W]:
        """The tokens of the text, and what a plain function makes of all of them.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await stream_message(Message, StreamedPromise.of(["Hel", "lo"])).into(len))
        >>> asyncio.run(main())
        2
        """
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

    def _streamed(
        self,
        pieces: Callable[[PieceBuffer[str]], Pieces],
        whole: Callable[[AsyncIterable[str]], Awaitable[M]],
        what: str,
        *others: Promise[object],
        message_class: type[Message] | None = None,
        known: Mapping[str, object] | None = None,
    ) -> MessagePromise[M]:
        """A message made of this one, as lazy and as bounded as it."""

        def streamer() -> Any:  # Any: a buffer takes failures as well
            return pieces(promise._buffer)

        promise = MessagePromise(
            streamer,
            whole,
            message_class=message_class,
            known=known,
            start_asap=False,
            max_ahead=self._bound_to_readers(),
            name=derived_name(self._name, what),
        )
        promise._made_of((self, *others))
        promise._start_if(False if self._is_lazy() else DEFAULT)
        return promise

    def _mixed(self) -> PieceBuffer[str | StreamEvent]:
        # for the base class the buffer holds what iterating gives, the tokens alone
        mixed: PieceBuffer[Any] = self._buffer  # Any: as the line above says
        return mixed

    def _outcomes(self) -> OutcomeIterator[str]:
        return TextOutcomes(self._mixed(), self._name)

    def _text_only(self) -> Stream[str]:
        async def text(_: PieceBuffer[str]) -> AsyncIterator[str | Failure]:
            async for piece in self._outcomes():
                yield piece

        return piped(text, derived_name(self._name, "pieces"), (self,))

    def _is_lazy(self) -> bool:
        """Whether the work waits for a first reader."""
        return self._value is PENDING and super()._is_lazy()

    def _is_used_besides(self, sequence: Production) -> bool:
        """Whether anybody reads this, or something is made of it besides a sequence and what was cancelled."""
        pieces = self._buffer
        results = [each for each in pieces._results or () if each not in (sequence, sequence._pieces_production())]
        return bool(self._guests or pieces._guests) or not all(map(_was_cancelled, results))

    def _bound_to_readers(self) -> int | None:
        """How many pieces this may be ahead of its furthest reader, as long as there are more to come."""
        return super()._bound_to_readers() if self._value is PENDING else None

    def _pieces_production(self) -> Production:
        """Where readers and results are counted."""
        return self if self._value is not PENDING else super()._pieces_production()

    def _parts(self) -> Iterable[Production]:
        """What is cancelled with this."""
        return super()._parts() if self._value is PENDING else ()


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
        start_asap=False,
        name=promise.name,
    )
    made._made_of((promise,))
    made._start_if(False if promise._is_lazy() else DEFAULT)
    return made


def made_at_once(made: M | Failure, context: PromisingContext | None) -> MessagePromise[M]:
    """The promise of a message that is there already, or could not be made, for which no task is needed."""
    if not isinstance(made, Failure):
        return MessagePromise.of_message(made)
    buffer: PieceBuffer[str] = PieceBuffer(context, made.origin)
    buffer.emit_failure(made)
    buffer.end()
    promise: MessagePromise[M] = blank(MessagePromise)
    promise._look_at(buffer, None)
    promise._failure = made
    promise._message_class = promise._known = None
    return promise


def known_fields(fields: Mapping[str, object]) -> FrozenDict[str, object]:
    """Fields as `known` has them: without those that the message does not have."""
    return FrozenDict({name: value for name, value in fields.items() if value is not msgspec.UNSET})


def _was_cancelled(production: Production) -> bool:
    """Whether it was, be it that what waits for its pieces has yet to look at them."""
    pieces = production._pieces_production()
    return isinstance(pieces, PieceBuffer) and pieces.was_cancelled()
