"""The promise of one message."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, overload

from typing_extensions import TypeVar

from miniagents.messages._generated import Message, StreamEvent, TextDelta
from miniagents.messages.promised.tokens import (
    EventOutcomes,
    MixedOutcomes,
    TextOutcomes,
    Tokens,
    bound_here,
    checked_piece,
    known_class,
    known_fields,
)
from miniagents.messages.values.frozen import FrozenDict
from miniagents.promising.combinators.piped import TimedOutcomes, attempt
from miniagents.promising.core.arguments import check_callable, check_not_negative, check_plain, check_recovery, copied
from miniagents.promising.core.failure import Failure, mark_as_read
from miniagents.promising.core.pieces import OutcomeIterator, PieceBuffer
from miniagents.promising.core.presenting import derived_name, hint_at, number_of
from miniagents.promising.core.working import Settling
from miniagents.promising.promise import PENDING, UNHELD, Holder, Promise, blank, failed_here
from miniagents.promising.sentinels import DEFAULT, Default
from miniagents.promising.stream import Stream, StreamedPromise, piped

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping

    from miniagents.messages.promised.attribution import Speaker
    from miniagents.messages.promised.sequence_promise import MessageSequencePromise
    from miniagents.messages.values.freezing import JsonValue
    from miniagents.promising.core.production import Production
    from miniagents.promising.core.working import Working

__all__ = ["MessagePromise"]

if TYPE_CHECKING:
    Pieces: TypeAlias = AsyncIterator[str | StreamEvent | Failure]

M_co = TypeVar("M_co", bound=Message, default=Message, covariant=True)
M = TypeVar("M", bound=Message)
E = TypeVar("E", bound=BaseException)
U = TypeVar("U")
W = TypeVar("W")


class MessagePromise(StreamedPromise[str, M_co]):
    """The promise of one message.

    Iterating gives the tokens of its text as `str`, awaiting gives the message. Everything else that a model streams
    (reasoning, arguments of tool calls, refusals) comes from `events`.

    `stream_message` makes one of tokens. Use this constructor if you make the message in another way.

    The combinators make messages of this one, which are as lazy and as bounded. Errors stay in their places. Cancelling
    a result cancels this message, unless it is used elsewhere. Each costs two tasks. A result keeps the class and the
    known fields of this message if it cannot have others.

    Args:
        streamer: Yields tokens and events.
        resolver: Makes the message of the tokens, once all of them are there.
        message_class: The class of the message, if it is known beforehand.
        known: Fields of the message that are known beforehand.
        start_asap: True starts the streamer at the next turn of the loop, False at the first await or iteration; by
            default as the active context says.
        max_ahead: How many pieces the streamer may be ahead of the furthest reader; None for no bound. By default it is
            the bound of the agent that makes the message, if that was given one.
        name: The name of this promise in errors, logs and tasks.

    Raises:
        NoActiveContextError: No context is active that could own the work.
    """

    __slots__ = ("_by", "_known", "_message_class")

    _by: Speaker | None
    _known: Mapping[str, object] | None
    _message_class: type[Message] | None

    def _repr_html_(self) -> str:
        """Return what has come so far as notebooks show it; this starts nothing."""
        from miniagents.messages.promised.showing import html_of_message  # noqa: PLC0415  # as above

        return html_of_message(self)

    def __init__(
        self,
        streamer: Callable[[], AsyncIterator[str | StreamEvent]],
        resolver: Callable[[AsyncIterable[str]], Awaitable[M_co]],
        *,
        message_class: type[Message] | None = None,
        known: Mapping[str, object] | None = None,
        start_asap: bool | Default = DEFAULT,
        max_ahead: int | Default | None = DEFAULT,
        name: str | None = None,
    ) -> None:
        max_ahead = bound_here() if max_ahead is DEFAULT else max_ahead
        self._message_class = message_class
        self._known = known_fields(known) if known else None
        tokens: Any = streamer  # Any: the buffer holds events besides the tokens; readers of tokens skip them
        super().__init__(tokens, resolver, start_asap=start_asap, max_ahead=max_ahead, name=name)

    @classmethod
    def of_message(cls, message: M, /) -> MessagePromise[M]:
        """Make the promise of a message that is there already; needs no context.

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
        return Tokens(mixed_buffer(self), self._name)

    @property
    def message_class(self) -> type[Message]:
        """The class of the message; `Message` if the class is not known yet."""
        return known_class(self) or Message

    @property
    def known(self) -> Mapping[str, object]:
        """The fields of the message that are known already: all of them once the message is there."""
        if self._value is not PENDING:
            return known_fields({name: getattr(self._value, name) for name in self._value.__struct_fields__})
        return self._known if self._known is not None else FrozenDict()

    @property
    def by(self) -> Speaker | None:
        """Who said the message, if it is a reply of an agent that `parallel`, `map_agent` or `route` asked; else None.

        The messages that `timeout` and `recover_message` make of this one are by the same speaker. Other combinators
        make new messages, which nobody has said.

        >>> async def main() -> None:
        ...     async with MiniAgents():
        ...         optimist, pessimist = scripted_agent("full", alias="opti"), scripted_agent("empty", alias="pessi")
        ...         async for promise in parallel(optimist, pessimist, ordered=False).inquire("The glass?"):
        ...             if promise.by is not None:
        ...                 print(f"{promise.by.alias}: {await promise}")
        >>> asyncio.run(main())
        opti: full
        pessi: empty
        """
        return self._by

    @property
    def events(self) -> Stream[StreamEvent]:
        """Everything that is streamed, as typed events, text included.

        It is lazy: one task begins when somebody reads. Errors stay at their places. Cancelling it cancels the message,
        unless that is used elsewhere.

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
            async for piece in EventOutcomes(mixed_buffer(self), self._name):
                yield piece

        return piped(as_events, derived_name(self._name, "events"), (self,), lazy=True)

    # --- combinators: of the text ---

    def pieces(self) -> Stream[str]:
        """Give the tokens of the text, with the tuple of them for the whole.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await stream_message(Message, StreamedPromise.of(["Hel", "lo"])).pieces())
        >>> asyncio.run(main())
        ('Hel', 'lo')
        """
        return self._text_only()

    def into(self, collect: Callable[[Iterable[str]], W], /) -> StreamedPromise[str, W]:
        """Give the tokens of the text, with a whole that a plain function makes of all of them.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await stream_message(Message, StreamedPromise.of(["Hel", "lo"])).into(len))
        >>> asyncio.run(main())
        2
        """
        return self._text_only().into(collect)

    # --- combinators: of the message ---

    def map_text(self, fn: Callable[[str], str], /) -> MessagePromise[M_co]:
        """Change the text of the message: apply a plain function to each token, as it comes.

        Events that are no text stay. An error stays at its place among the tokens; one that the function raises takes
        the place of its token.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(repr(await MessagePromise.of_message(Message("Hello")).map_text(str.upper)))
        >>> asyncio.run(main())
        Message(text='HELLO')
        """
        check_plain("map_text", fn)

        async def mapped(out: PieceBuffer[str]) -> Pieces:
            async for piece in MixedOutcomes(mixed_buffer(self), self._name):
                if isinstance(piece, str):
                    yield attempt(out, fn, piece)
                else:
                    yield attempt(out, fn, piece.text) if isinstance(piece, TextDelta) else piece

        async def with_text(tokens: AsyncIterable[str]) -> M_co:
            text = "".join([token async for token in tokens])
            changed: Any = (await self).__replace__(text=text)  # Any: an M_co, see `Frozen`
            result: M_co = changed
            return result

        return derived_message(
            self, mapped, with_text, "map_text", message_class=self._message_class, known=self._known
        )

    def map_message(self, fn: Callable[[M_co], M], /) -> MessagePromise[M]:
        """Make another message of this one by a plain function; an error stays the error.

        It is `map` for a function that makes messages. The text of the result comes in one piece, when this message is
        complete. `map_text` changes a text while it comes.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         promise = MessagePromise.of_message(Message("Hello"))
        ...         print(repr(await promise.map_message(lambda message: UserMessage(message.text))))
        >>> asyncio.run(main())
        UserMessage(text='Hello')
        """
        check_plain("map_message", fn, instead="then_message(…)")
        return _in_one_piece(self, self.map(fn), "map_message")

    def then_message(self, fn: Callable[[M_co], Awaitable[M]], /) -> MessagePromise[M]:
        """Make another message of this one by an async function, or one that returns a message promise.

        It is `then` for a function that makes messages. The text of the result comes in one piece.

        >>> async def answer(message: Message) -> AssistantMessage:
        ...     return AssistantMessage(f"{message}, too")
        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(repr(await MessagePromise.of_message(Message("Hello")).then_message(answer)))
        >>> asyncio.run(main())
        AssistantMessage(text='Hello, too')
        """
        check_callable("then_message", fn)
        return _in_one_piece(self, self.then(fn), "then_message")

    @overload
    def recover_message(self, fn: Callable[[Exception], M], /) -> MessagePromise[M_co | M]: ...
    @overload
    def recover_message(
        self, fn: Callable[[E], M], error: type[E], /, *errors: type[E]
    ) -> MessagePromise[M_co | M]: ...
    def recover_message(
        self,
        fn: Callable[[Any], M],  # Any: the overloads tie it to the classes given
        /,
        *errors: type[BaseException],
    ) -> MessagePromise[M_co | M]:
        """Make a message of an error by a plain function (by default of any `Exception`).

        It is `recover` for a function that makes messages. No token comes before it is known which message is given: a
        token cannot be taken back, and the tokens of a message that fails do not belong to the one in its place. Other
        errors, and those of the function, are the result's. An error that was given to the function counts as read.

        Raises:
            TypeError: Something given is no class of exceptions.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         promise = MessagePromise.of_message(Message("Hello")).map_message(lambda message: Message(1 / 0))
        ...         print(repr(await promise.recover_message(lambda error: Message(str(error)), ZeroDivisionError)))
        >>> asyncio.run(main())
        Message(text='division by zero')
        """
        recovered = self.recover(fn, *check_recovery("recover_message", fn, errors))

        async def pieces(_: PieceBuffer[str]) -> Pieces:
            message = await recovered
            if self._failure is None:
                async for piece in MixedOutcomes(mixed_buffer(self), self._name):
                    yield piece
            elif text := str(message):
                yield text

        async def whole(_: AsyncIterable[str]) -> M_co | M:
            return await recovered

        return derived_message(self, pieces, whole, "recover_message", recovered, by=self._by)

    @overload
    def timeout(self, seconds: float, /) -> MessagePromise[M_co]: ...
    @overload
    def timeout(self, seconds: float, /, *, default: U) -> Promise[M_co | U]: ...
    def timeout(self, seconds: float, /, *, default: U | Default = DEFAULT) -> Promise[M_co | U]:
        """Give the message if it is complete within `seconds` of the start of the result, else a `TimeoutError`.

        Tokens that come in time are streamed, with the error behind them. With a `default` the result is a plain
        promise of the message or the default, as for every promise. When the time is over, the result lets go of this
        message, which goes on for those who hold or read it.

        Raises:
            ValueError: The time is negative.

        >>> async def tokens() -> AsyncIterator[str]:
        ...     yield "Hel"
        ...     await asyncio.sleep(0.05)
        ...     yield "lo"
        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         message = stream_message(Message, tokens())
        ...         print(await message.timeout(0.001).pieces().recover_pieces(lambda error: "…"), repr(await message))
        >>> asyncio.run(main())
        ('Hel', '…') Message(text='Hello')
        """
        check_not_negative(f"timeout({seconds!r})", seconds)
        if default is not DEFAULT:
            return super().timeout(seconds, default=default)
        end = float("inf")
        late: TimeoutError | None = None

        def too_late() -> TimeoutError:
            return TimeoutError(f"{self._name!r} was not complete within {seconds} s")

        async def pieces(out: PieceBuffer[str]) -> Pieces:
            nonlocal end, late
            end = asyncio.get_running_loop().time() + seconds
            buffer = mixed_buffer(self)
            source = TimedOutcomes(buffer)
            while await source.ready_in_time(end):
                try:
                    piece = await anext(source)
                except StopAsyncIteration:
                    return
                yield checked_piece(piece, self._name, buffer)
            late = too_late()
            yield out.failure_of(late)

        async def whole(_: AsyncIterable[str]) -> M_co:
            message: M_co
            if late is not None:
                mark_as_read(late)  # the same error stands behind the tokens: their reader knows it already
                message = failed_here(late)
                return message
            limit = asyncio.timeout_at(end)
            try:
                async with limit:
                    return await self
            except TimeoutError:
                if not limit.expired():
                    raise  # the error of the message itself
            message = failed_here(too_late())
            return message

        return derived_message(
            self, pieces, whole, "timeout", message_class=self._message_class, known=self._known, by=self._by
        )

    def checked(self, check: Callable[[M_co], M], /) -> MessagePromise[M]:
        """Stream the same tokens and events; the message is the one that `check` returns, or the error it raises.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         promise = MessagePromise.of_message(Message("Hello"))
        ...         print(repr(await promise.checked(lambda message: UserMessage(message.text))))
        >>> asyncio.run(main())
        UserMessage(text='Hello')
        """
        check_plain("checked", check)
        return self._with_same_tokens(check, "checked", self._known)

    def with_metadata(self, facts: Mapping[str, JsonValue], /) -> MessagePromise[M_co]:
        """Stream the same tokens and events; the message has more metadata, and is otherwise the same.

        Facts of this message with other names stay. Those that are known beforehand are in `known` at once.

        Raises:
            TypeError: The facts are no mapping.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(repr(await MessagePromise.of_message(Message("Hello")).with_metadata({"topic": "tea"})))
        >>> asyncio.run(main())
        Message(text='Hello', metadata=FrozenDict({'topic': 'tea'}))
        """
        more = copied("with_metadata", facts)  # as it is now
        before: Any = self.known.get("metadata", {})  # Any: what a program gave

        def added(message: Any) -> M_co:  # Any: an M_co, which is covariant
            result: M_co = message.__replace__(metadata={**message.metadata, **more})
            return result

        known = {**(self._known or {}), "metadata": {**before, **more}}
        return self._with_same_tokens(added, "with_metadata", known, self._message_class)

    def _with_same_tokens(
        self,
        change: Callable[[M_co], M],
        what: str,
        known: Mapping[str, object] | None,
        message_class: type[Message] | None = None,
    ) -> MessagePromise[M]:
        async def whole(_: AsyncIterable[str]) -> M:
            return change(await self)

        def pieces(_: PieceBuffer[str]) -> Pieces:
            return MixedOutcomes(mixed_buffer(self), self._name)

        return derived_message(self, pieces, whole, what, message_class=message_class, known=known, by=self._by)

    @overload
    def split(self, delimiter: str = ..., *, code_fence: str | None = ...) -> MessageSequencePromise[Message]: ...
    @overload
    def split(
        self, delimiter: str = ..., *, code_fence: str | None = ..., message_class: type[M]
    ) -> MessageSequencePromise[M]: ...
    def split(
        self,
        delimiter: str = "\n\n",
        *,
        code_fence: str | None = "```",
        message_class: type[Message] = Message,
    ) -> MessageSequencePromise[Message]:
        r"""Give a message for each part of the text between delimiters, as it arrives; see `split_messages`.

        Raises:
            ValueError: The delimiter or the fence is empty.
            TypeError: The class has required fields besides the text.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await MessagePromise.of_message(Message("a\n\nb")).split())
        >>> asyncio.run(main())
        (Message(text='a'), Message(text='b'))
        """
        from miniagents.messages.promised.text import split_messages  # noqa: PLC0415 - a circle: it makes promises of this class

        return split_messages(self, delimiter, code_fence=code_fence, message_class=message_class)

    # --- machinery ---

    def _state(self) -> str:
        return super()._state() if self._value is PENDING else f"{self._counted(self._buffer.pieces)}, ended"

    @staticmethod
    def _counted(pieces: Iterable[object]) -> str:
        return number_of(sum(isinstance(piece, str | TextDelta) for piece in pieces), "token")

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> object:
            # a message that is there already needs no buffer before somebody reads it token by token
            if name == "_buffer":
                buffer = self._buffer = PieceBuffer(None, self._name)
                if self._value is not PENDING:
                    buffer.fill([text] if (text := str(self._value)) else [])
                return buffer
            if name in ("_known", "_by"):
                return None
            hint = hint_at(name, f"await the promise first: (await promise).{name}") if self._may_come(name) else ""
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{hint}")

    def _may_come(self, name: str) -> bool:
        """Return whether the message may have an attribute that its promise does not have."""
        return not name.startswith("_") and (self._message_class is None or hasattr(self._message_class, name))

    def _outcomes(self) -> OutcomeIterator[str]:
        return self._reading()()

    def _reading(self) -> Callable[[], OutcomeIterator[str]]:
        return partial(TextOutcomes, mixed_buffer(self), self._name)

    def _timed(self, out: PieceBuffer[Any]) -> TimedOutcomes[str]:  # Any: of any pieces
        text = self._text_only()  # the buffer of a message holds events besides the tokens
        out._made_of((text,))
        return text._timed(out)

    def _text_only(self) -> Stream[str]:
        async def text(_: PieceBuffer[str]) -> AsyncIterator[str | Failure]:
            async for piece in self._outcomes():
                yield piece

        return piped(text, derived_name(self._name, "pieces"), (self,))

    def _is_lazy(self) -> bool:
        """Return whether the work waits for a first reader."""
        return self._value is PENDING and super()._is_lazy()

    def _bound_to_readers(self) -> int | None:
        """Return how many pieces this may be ahead of its furthest reader, as long as there are more to come."""
        return super()._bound_to_readers() if self._value is PENDING else None

    def _pieces_production(self) -> Production:
        """Return the production that counts readers and results; without a buffer it is this one."""
        return self if self._value is not PENDING else super()._pieces_production()

    def _all_work(self) -> tuple[Working, ...]:
        """Return the work in progress behind this; a message that is there may have no buffer yet."""
        return super()._all_work() if self._value is PENDING or self._work is not None else ()

    @classmethod
    def _shown(
        cls,
        buffer: PieceBuffer[Any],  # Any: tokens and events
        work: Production | None = None,
    ) -> StreamedPromise[Any, Any]:  # Any: as above, and of any whole
        view: MessagePromise[Any] = message_over(buffer, None)  # Any: as above
        view._holder = UNHELD
        if isinstance(work, Settling):
            view._work = work
        return view

    def _without_holder(self) -> MessagePromise[M_co]:
        """Return another promise of the same message, which keeps nothing from being let go."""
        return self._shown_again(UNHELD)

    def _passed_on(self, speaker: Speaker) -> MessagePromise[M_co]:
        """Return another promise of the same message, which has another speaker."""
        promise = self._shown_again(self._held_by())
        promise._by = speaker
        if promise._collect is not None:
            promise._collect = self._collected
        return promise

    def _collected(self, _: object) -> M_co:
        """Return the message of pieces that are all there: the same for each promise of it."""
        self._make_whole()
        if self._failure is not None:
            raise self._failure.error
        message: M_co = self._value
        return message

    def _shown_again(self, holder: Holder) -> MessagePromise[M_co]:
        """Return another promise of the same message; with `UNHELD` it keeps nothing from being let go."""
        if self._value is not PENDING:
            promise = MessagePromise.of_message(self._value)
        else:
            promise = message_over(self._buffer, self._collect, self._message_class, self._known)
            promise._failure = self._failure
            if self._work is not None:
                self._work.settles(promise)
        promise._name, promise._holder = self._name, holder
        return promise


def mixed_buffer(promise: MessagePromise[Message]) -> PieceBuffer[str | StreamEvent]:
    """Return the buffer of the tokens and the events of a message."""
    mixed: PieceBuffer[Any] = promise._buffer  # Any: the base class knows only the tokens, which iterating gives
    return mixed


def derived_message(
    source: MessagePromise[Message],
    pieces: Callable[[PieceBuffer[str]], Pieces],
    whole: Callable[[AsyncIterable[str]], Awaitable[M]],
    what: str,
    *others: Promise[object],
    message_class: type[Message] | None = None,
    known: Mapping[str, object] | None = None,
    by: Speaker | None = None,
) -> MessagePromise[M]:
    """Make a message of another one, as lazy and as bounded as that.

    Args:
        source: The other message.
        pieces: Makes the tokens and events, given the buffer that they go into.
        whole: Makes the message.
        what: The name of the combinator.
        others: What else the message is made of.
        message_class: The class of the message, if it is known beforehand.
        known: The fields that are known beforehand.
        by: The speaker of the message.
    """

    def streamer() -> Any:  # Any: a buffer takes failures as well
        return pieces(buffer)

    promise = MessagePromise(
        streamer,
        whole,
        message_class=message_class,
        known=known,
        start_asap=False,
        max_ahead=source._bound_to_readers(),
        name=derived_name(source.name, what),
    )
    if by is not None:
        promise._by = by
    promise._made_of((source, *others))
    buffer = promise._buffer  # the work refers to it, and not to the promise
    promise._start_if(False if source._is_lazy() else DEFAULT)
    return promise


def _in_one_piece(source: MessagePromise[Message], message: Promise[M], what: str) -> MessagePromise[M]:
    """Make a message of the whole of another one, so that its text comes in one piece."""

    async def pieces(_: PieceBuffer[str]) -> Pieces:
        if text := str(await message):
            yield text

    async def whole(_: AsyncIterable[str]) -> M:
        return await message

    return derived_message(source, pieces, whole, what, message)


def message_over(
    buffer: PieceBuffer[Any],  # Any: tokens and events; for the base class the buffer holds tokens alone
    collect: Callable[[Iterable[Any]], M] | None,  # Any: the types of a streamer are not checked at run time
    message_class: type[Message] | None = None,
    known: Mapping[str, object] | None = None,
) -> MessagePromise[M]:
    """Make the promise of a message whose tokens and events are in a buffer.

    Args:
        buffer: The tokens and events.
        collect: Makes the message of them; None if somebody else settles the promise.
        message_class: The class of the message, if it is known beforehand.
        known: The fields that are known beforehand.
    """
    promise: MessagePromise[M] = blank(MessagePromise)
    promise._look_at(buffer, collect)
    promise._message_class = message_class
    promise._known = known_fields(known) if known else None
    return promise
