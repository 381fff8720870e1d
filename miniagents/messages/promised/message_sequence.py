"""The types that can stand for messages, and how they become one flat sequence of message promises."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeGuard, Union, overload
from weakref import ref

from typing_extensions import TypeVar

from miniagents.messages._generated import Message
from miniagents.messages.promised.message_buffer import MessageBuffer, MixedMessages
from miniagents.messages.promised.message_promise import MessagePromise
from miniagents.messages.promised.sequence_promise import (
    MessageSequencePromise,
    sequence_over,
)
from miniagents.messages.promised.tokens import known_class, remedy_for
from miniagents.messages.values.freezing import class_of
from miniagents.messages.values.frozen import strict
from miniagents.promising.core.arguments import check_bound
from miniagents.promising.core.current import active_context
from miniagents.promising.core.pieces import Replayed
from miniagents.promising.flattening import Flattening
from miniagents.promising.promise import UNHELD, Promise
from miniagents.promising.sentinels import DEFAULT

if TYPE_CHECKING:
    from miniagents.messages.promised.attribution import Speaker
    from miniagents.messages.promised.text_for import Several, TextFor
    from miniagents.promising.context import PromisingContext
    from miniagents.promising.core.pieces import AnyBuffer, PieceBuffer

__all__ = ["MessageSequence", "MessageType"]

M = TypeVar("M", bound=Message, default=Message)

if TYPE_CHECKING:
    MessageType = Union[  # noqa: UP007 - an alias that refers to itself is written so
        TextFor[M],
        M,
        MessagePromise[M],
        MessageSequencePromise[M],
        Promise[M],
        BaseException,
        tuple["MessageType[M]", ...],  # mypy finds the types of what stands in a tuple by this
        Several["MessageType[M]"],
        Iterator["MessageType[M]"],
        AsyncIterator["MessageType[M]"],
    ]
    """The types that can stand for messages wherever messages are expected, nested as deep as one likes.

    A string stands for a message of the declared type, if that type can be made of text alone, and an exception for an
    error at its place. Mappings, sets and iterables that are neither sequences nor iterators are not among them.
    """
else:
    T = TypeVar("T")
    MessageType: TypeAlias = Union[str, T, Promise[T], BaseException, Sequence[T], Iterator[T], AsyncIterator[T]]  # noqa: UP007


_TEXTS: Final = {str}


class _Strictly(tuple[type[Message], ...]):
    """Classes of messages that are checked one by one: no class is enough to take a message as it is."""

    __slots__ = ()

    def __contains__(self, _: object, /) -> bool:
        return False


def ready_message(item: object, classes: tuple[type[M], ...]) -> M | None:
    """Return the message that an item is or stands for; None for anything else, even if invalid."""
    if type(item) is not str and isinstance(item, classes):
        return item
    if isinstance(item, str):
        try:
            return classes[0](text=item)
        except TypeError:
            return None
    return None


class MessageSequence(Flattening[MessagePromise[M]], Generic[M]):
    """The writing end of a sequence of messages: items appear flat, in order, as message promises.

    Args:
        name: The name of the sequence in logs, tasks and circles, e.g. an agent's alias.
        place: The place that errors name, e.g. "agent 'translator': reply".
        message_classes: The classes that messages may have; a string becomes a message of the first.
        context: The context that owns the sequence; by default the active one.
        kept_open: Whether any code may put something in at any time. False for a sequence that the code that makes it
            fills and closes, or hands to `produce`.
        max_ahead: As for `FlatSequence`.
        speaker: Who says all the messages, if that is to be told (`MessagePromise.by`).

    >>> async def main() -> None:
    ...     async with PromisingContext():
    ...         sequence = MessageSequence()
    ...         sequence.put(["a", [Message("b"), ("c",)]])
    ...         sequence.close()
    ...         print([message.text for message in await sequence.promise])
    >>> asyncio.run(main())
    ['a', 'b', 'c']
    """

    __slots__ = ("_classes", "_kept", "_place", "_promise", "_speaker")

    def __init__(
        self,
        *,
        name: str = "messages",
        place: str | None = None,
        message_classes: tuple[type[Message], ...] = (Message,),
        context: PromisingContext | None = None,
        kept_open: bool = True,
        max_ahead: int | None = None,
        speaker: Speaker | None = None,
    ) -> None:
        if max_ahead is not None:
            check_bound(max_ahead)
        buffer: MessageBuffer[M] = MessageBuffer(context or active_context.get(), name, None, max_ahead)
        # `super()` takes as long as half of what is called; likewise in `produce`
        Flattening.__init__(self, buffer, kept_open=kept_open)  # pyright: ignore[reportUnknownMemberType]  # of messages
        self._place = place or name
        self._classes = _Strictly(message_classes) if strict.get() else message_classes
        self._speaker = speaker  # no derived class: Python stores attributes slowly where objects of two are seen
        self._promise: ref[MessageSequencePromise[M]] | None = None
        self._kept = self.promise if kept_open else None

    @property
    def promise(self) -> MessageSequencePromise[M]:
        """The flat sequence: always the same promise, as long as somebody holds it or the sequence is kept open."""
        promise = None if self._promise is None else self._promise()
        if promise is None:
            promise = sequence_over(self._buffer)
            self._promise = ref(promise)
        return promise

    def shown(self) -> MessageSequencePromise[M]:
        """Return another promise of the sequence, which keeps it from nothing: it may be let go meanwhile.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         sequence = MessageSequence()
        ...         sequence.put("a")
        ...         sequence.close()
        ...         print(await sequence.shown())
        >>> asyncio.run(main())
        (Message(text='a'),)
        """
        promise = sequence_over(self._buffer)
        promise._holder = UNHELD
        return promise

    if TYPE_CHECKING:

        @overload
        def put(self, messages: M | Sequence[M] | Iterator[M], /) -> None: ...
        @overload
        def put(self, messages: MessageType[M], /) -> None: ...
        def put(self, messages: MessageType[M], /) -> None:
            """Add messages behind all that were put in before, as `FlatSequence.put` does.

            Raises:
                TypeError: Something in it is no message, or a message of another class; then nothing is added.
            """

    else:
        put = Flattening._put  # calling it would be a sixth of the cost of a reply

    @overload
    def put_out_of_order(self, messages: M | Sequence[M] | Iterator[M], /) -> None: ...
    @overload
    def put_out_of_order(self, messages: MessageType[M], /) -> None: ...
    def put_out_of_order(self, messages: MessageType[M], /) -> None:
        """Add messages that appear as soon as they are there, as `FlatSequence.put_out_of_order` does.

        Raises:
            TypeError: As for `put`.
        """
        self._put_out_of_order(messages)

    def produce(
        self,
        work: Callable[[], Awaitable[object]],
        *,
        start_asap: bool,
        instead: Callable[[Exception], object] | None = None,
    ) -> None:
        """Run an async function that puts messages in, as `FlatSequence.produce` does."""
        Flattening.produce(self, work, start_asap=start_asap, instead=instead)  # pyright: ignore[reportUnknownMemberType]  # as above
        context = self._buffer._context or self._buffer.context
        if context._listening:
            context.notify_resolved(self.shown)

    # --- machinery ---

    @property
    def production(self) -> PieceBuffer[MessagePromise[M]]:
        """The work behind the sequence."""
        return self._buffer

    def _adapt(self, item: object) -> Any:  # Any: a piece for a MessageBuffer[M], or NotImplemented
        kind = type(item)  # the common classes first: isinstance() takes three times as long to say no
        speaker = self._speaker
        if kind in self._classes:
            return item if speaker is None else speaker.says(item)
        if kind is list or kind is tuple or kind is MessageSequencePromise:
            return NotImplemented
        if kind is str:
            return self._message_of(item) if speaker is None else speaker.says(self._message_of(item))
        piece = self._adapted(item)
        return piece if speaker is None or piece is NotImplemented else speaker.says(piece)

    def _adapted(self, item: object) -> Any:  # Any: as for `_adapt`
        if _is_message_promise(item):
            return self._checked_promise(item)
        if isinstance(item, str):
            return self._message_of(item)
        if isinstance(item, Message):
            return self._checked(item)
        if isinstance(item, MessageSequencePromise):
            return NotImplemented
        if _streams_something_else(item):
            raise TypeError(
                f"{self._place}: got {_class_name(item)}, which streams pieces of something, not messages; "
                "write stream_message(Message, …) for a message whose tokens it streams, "
                "MessageSequencePromise.of_promises(…) for messages whose promises it streams"
            )
        if _is_promise(item):
            return _from_promise(item.map(self._checked))
        if _has_parts(item):
            return NotImplemented
        remedy = remedy_for(item)
        raise TypeError(
            f"{self._place}: got {_class_name(item)}, which is no message{remedy and f': {remedy}'}; "
            f"give {self._declared()}, a string, or promises or sequences of them"
            + ("" if remedy else f": {item!r:.200}")
        )

    def _adapt_all(self, items: list[Any], kinds: set[type]) -> list[Any] | None:  # Any: as for `_adapt`
        pieces = self._adapted_all(items, kinds)
        return pieces if self._speaker is None or pieces is None else list(map(self._speaker.says, pieces))

    def _adapted_all(self, items: list[Any], kinds: set[type]) -> list[Any] | None:  # Any: as for `_adapt`
        if type(self._classes) is _Strictly:
            return None
        if kinds == _TEXTS:
            cls = self._classes[0]
            try:  # as `_message_of` does: calling it for each would cost as much as the messages
                return [cls(text=text) for text in items]
            except TypeError:
                return [self._message_of(text) for text in items]  # which says where
        for kind in kinds:
            if kind not in self._classes:
                is_any = kind is MessagePromise or issubclass(kind, Message)
                if not is_any or Message not in self._classes:
                    return None
        return items

    def _message_of(self, text: Any) -> Message:  # Any: a string, as has been checked
        cls = self._classes[0]
        try:
            return cls(text=text)
        except TypeError as error:
            raise TypeError(f"{self._place}: a plain string cannot become {self._declared()}: {error}") from None

    def _pieces_of(self, buffer: AnyBuffer) -> list[Any]:  # Any: messages and promises
        return buffer.pieces  # not `readable`: messages need not become promises here

    def _outcomes_of(self, stream: AsyncIterable[object]) -> AsyncIterator[object]:
        if _is_sequence_promise(stream):
            return MixedMessages(stream._buffer)
        return super()._outcomes_of(stream)

    def _checked(self, message: Any) -> Any:  # Any: of any class; an M, as the check says
        if not isinstance(message, self._classes):
            raise TypeError(self._refusal(class_of(message)))
        if type(self._classes) is _Strictly:
            from miniagents.messages.coding.checking import check  # noqa: PLC0415  # few programs are strict

            try:
                return check(message)
            except (TypeError, ValueError) as error:
                raise type(error)(f"{self._place}: {error}") from None
        return message

    def _checked_promise(self, promise: MessagePromise[Any]) -> MessagePromise[Any]:  # Any: the check follows
        if Message in self._classes:  # any message will do
            return promise
        cls = known_class(promise)
        if cls in self._classes:
            return promise
        if cls is not None and not issubclass(cls, self._classes):
            raise TypeError(self._refusal(cls))
        if cls is None or type(self._classes) is _Strictly:
            return promise._with_same_tokens(self._checked, "checked", promise._known, cls)
        return promise

    def _refusal(self, actual: type) -> str:
        return f"{self._place}: got {actual.__qualname__} where {self._declared()} is declared"

    def _declared(self) -> str:
        return " or ".join(cls.__qualname__ for cls in self._classes)


def writing_end(
    name: str,
    place: str,
    message_classes: tuple[type[Message], ...],
    context: PromisingContext,
    max_ahead: int | None,
    speaker: Speaker | None,
) -> MessageSequence[Any]:  # Any: of the classes given
    """Make the writing end of a sequence that is filled by what it is handed to, for each call of an agent.

    Python makes a dict of what a class is given by name, which takes as long as all the rest. A function needs none.
    """
    sequence: MessageSequence[Any] = MessageSequence.__new__(MessageSequence)  # Any: as above
    MessageSequence.__init__(
        sequence,
        name=name,
        place=place,
        message_classes=message_classes,
        context=context,
        kept_open=False,
        max_ahead=max_ahead,
        speaker=speaker,
    )
    return sequence


# isinstance() alone would leave the types of the messages unknown.


def _is_message_promise(item: object) -> TypeGuard[MessagePromise[Message]]:
    return isinstance(item, MessagePromise)


def _is_sequence_promise(item: object) -> TypeGuard[MessageSequencePromise[Message]]:
    return isinstance(item, MessageSequencePromise)


def _streams_something_else(item: object) -> bool:
    return isinstance(item, Replayed)


def _is_promise(item: object) -> TypeGuard[Promise[object]]:
    return isinstance(item, Promise)


def _has_parts(item: object) -> bool:
    is_bytes = isinstance(item, bytes | bytearray | memoryview)  # these are sequences, but of numbers
    return isinstance(item, BaseException | Sequence | Iterator | AsyncIterable) and not is_bytes


def _class_name(item: object) -> str:
    return type(item).__qualname__


def _from_promise(promise: Promise[M]) -> MessagePromise[M]:
    """Make a message promise of one that cannot stream: its text comes as one token when the message is there."""

    async def text() -> AsyncIterator[str]:
        whole = str(await promise)
        if whole:
            yield whole

    async def message(_: AsyncIterable[str]) -> M:
        return await promise

    made = MessagePromise(
        text,
        message,
        start_asap=False,
        max_ahead=None,
        name=promise.name,
    )
    made._made_of((promise,))
    made._start_if(False if promise._is_lazy() else DEFAULT)
    return made
