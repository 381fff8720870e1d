"""The promise of a sequence of messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, overload

from typing_extensions import TypeVar

from miniagents.messages._generated import Message
from miniagents.messages.promised.message_promise import MessagePromise
from miniagents.messages.promised.sequence_combinators import SequenceCombinators
from miniagents.promising.core.failure import Failure
from miniagents.promising.core.pieces import FAIR_SHARE, OutcomeIterator, PieceBuffer, take_turn
from miniagents.promising.promise import PENDING, blank

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence

    from miniagents.promising.context import PromisingContext
    from miniagents.promising.stream import StreamedPromise

__all__ = ["MessageSequencePromise"]

M_co = TypeVar("M_co", bound=Message, default=Message, covariant=True)
M = TypeVar("M", bound=Message)
M1 = TypeVar("M1", bound=Message)
M2 = TypeVar("M2", bound=Message)
M3 = TypeVar("M3", bound=Message)
M4 = TypeVar("M4", bound=Message)
E = TypeVar("E", bound=BaseException)
A = TypeVar("A")
B = TypeVar("B")

if TYPE_CHECKING:
    Messages: TypeAlias = AsyncIterator[MessagePromise[M] | Failure]


class MessageSequencePromise(SequenceCombinators[M_co]):
    """The promise of a sequence of messages.

    Iterating gives the promises of the messages, each of which streams its tokens; awaiting gives the tuple of all
    messages, or raises the first error in the sequence or in one of its messages.

    The combinators of message sequences speak of messages and give message sequences (or one message) again. Those of
    streams, which it has as well, speak of pieces, which are the promises of the messages: `of_promises` makes a
    sequence of what they give.
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
        return sequence_of(tuple(messages), None, "messages")

    @classmethod
    def of_promises(cls, stream: StreamedPromise[MessagePromise[M], object], /) -> MessageSequencePromise[M]:
        """The messages of a stream of message promises, such as any combinator of pieces gives that keeps them whole.

        `take`, `skip`, `chain`, `distinct`, `buffer`, `timeout_pieces`, `merge`, … take message sequences as streams
        and give streams, whose whole is a tuple of promises; this is the way back. The pieces are the same, and nothing
        is read or copied; cancelling the result cancels the stream.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         messages = MessageSequencePromise.of_messages([Message("a"), Message("b"), Message("c")])
        ...         print(await MessageSequencePromise.of_promises(messages.skip(1).take(1)))
        >>> asyncio.run(main())
        (Message(text='b'),)
        """
        return sequence_over(stream._buffer)

    async def aresolve_messages(self) -> tuple[M_co, ...]:
        """All messages, complete: the same as awaiting the promise.

        Raises:
            BaseException: the first error in the sequence or in one of its messages.
        """
        return await self

    async def settled_messages(self) -> AsyncIterator[tuple[M_co | None, BaseException | None]]:
        """Each message, or the error in its place, in order; nothing is raised, and no error counts as read."""
        async for piece in self._buffer.outcomes():
            failure = piece if isinstance(piece, Failure) else await piece._settled()
            if failure is not None:
                yield None, failure.error
            elif not isinstance(piece, Failure):
                yield piece._value, None

    # --- combinators ---

    @overload
    def join(self, delimiter: str = ...) -> MessagePromise[Message]: ...
    @overload
    def join(self, delimiter: str = ..., *, message_class: type[M]) -> MessagePromise[M]: ...
    def join(self, delimiter: str = "\n\n", *, message_class: type[Message] = Message) -> MessagePromise[Message]:
        r"""One message of all texts, with a delimiter between them, as they arrive: `join_messages`, which see.

        Raises:
            TypeError: the class has required fields besides the text.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         messages = MessageSequencePromise.of_messages([Message("a"), Message("b")])
        ...         print(repr(await messages.join()))
        >>> asyncio.run(main())
        Message(text='a\n\nb')
        """
        from miniagents.messages.promised.text import join_messages  # noqa: PLC0415 - it is made of this module's promises

        return join_messages(self, delimiter, message_class=message_class)

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
        r"""A message for each part of each text between delimiters, as it arrives: `split_messages`, which see.

        Raises:
            ValueError: the delimiter or the fence is empty.
            TypeError: the class has required fields besides the text.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         messages = MessageSequencePromise.of_messages([Message("a\n\nb"), Message("c")])
        ...         print([str(part) for part in await messages.split()])
        >>> asyncio.run(main())
        ['a', 'b', 'c']
        """
        from miniagents.messages.promised.text import split_messages  # noqa: PLC0415 - it is made of this module's promises

        return split_messages(self, delimiter, code_fence=code_fence, message_class=message_class)

    # --- machinery ---

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> object:
            # messages that are there already need no buffer before somebody reads them one by one
            if name == "_buffer":
                buffer = self._buffer = MessageBuffer(self._context, self._name)
                buffer.pieces.extend(self._value)
                buffer.ended = True
                return buffer
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

        def __getitem__(self, _: object) -> object:
            # `for` and `in` come here too; with an `__iter__` the promise would pass for an Iterable
            raise TypeError(f"{self.name!r}: await the promise first: (await promise)[…], or read it by `async for`")

    def _is_used(self) -> bool:
        """Whether anybody reads this or a message of it, or something is made of one of them."""
        return super()._is_used() or any(
            isinstance(piece, MessagePromise) and not piece._is_done() and piece._is_used_besides(self)
            for piece in self._buffer.pieces
        )

    def done(self) -> bool:
        """Whether all messages, or the error in their place, are known."""
        if not self._is_done() and self._buffer.ended:
            messages: list[Message] = []
            for piece in self._mixed():
                if isinstance(piece, Message):
                    messages.append(piece)
                elif isinstance(piece, Failure):
                    self._failure = piece
                    break
                elif not piece.done():
                    return False
                elif piece._failure is not None:
                    self._failure = piece._failure
                    break
                else:
                    messages.append(piece._value)
            else:
                self._value = tuple(messages)
        return self._is_done()

    def _sequence(
        self, pipe: Callable[[PieceBuffer[MessagePromise[M]]], Messages[M]], what: str
    ) -> MessageSequencePromise[M]:
        """The sequence of what an async generator yields, as `_piped` makes streams."""
        made = sequence_over(self._piped(pipe, what)._buffer)
        made._made_of((self,))  # also when the last message has come, as long as it is not complete
        return made

    def _mixed(self) -> list[Any]:  # Any: an M_co, a MessagePromise[M_co] or a Failure
        """The pieces as the buffer holds them."""
        return self._buffer.pieces

    def _is_at_hand(self) -> bool:
        # not of very many, which take their time: that is for `_settle`, which gives others their turn
        return self._buffer.ended and len(self._buffer.pieces) <= FAIR_SHARE and self.done()

    async def _settle(self) -> None:
        # Any number of readers may do this at once: all come to the same messages, and the first to end keeps them.
        # An index and a list: an iterator of the pieces would be a tenth of the cost of a call.
        buffer = self._buffer
        buffer.start()
        buffer.reached(float("inf"))
        pieces = self._mixed()
        messages: list[Message] = []
        failure: Failure | None = None
        is_guest = buffer._guest_came()
        try:
            while failure is None and not self._is_done():
                taken = pieces[len(messages) : len(messages) + FAIR_SHARE]
                if not taken:
                    if buffer.ended:
                        break
                    await buffer._progress()
                for piece in taken:
                    if isinstance(piece, Message):
                        messages.append(piece)
                        continue
                    if isinstance(piece, Failure):
                        failure = piece
                        break
                    promise: MessagePromise[M_co] = piece
                    failure = promise._failure
                    if failure is None and promise._value is PENDING:
                        failure = await promise._settled()
                    if failure is not None:
                        break
                    messages.append(promise._value)
                if len(taken) == FAIR_SHARE:
                    await take_turn()
        finally:
            if is_guest:
                buffer._guest_left()
        if not self._is_done():
            if failure is None:
                self._value = tuple(messages)
            self._failure = failure
            self._finished()


class MessageBuffer(PieceBuffer[MessagePromise[M]]):
    """Messages as what they are, as long as nobody wants to look at their promises one by one.

    Those who await all of them, which is what most do, need no promise of each.
    """

    __slots__ = ("_is_read",)

    def __init__(self, context: PromisingContext | None, name: str) -> None:
        super().__init__(context, name)
        self._is_read = False

    def emit(self, piece: Any) -> None:  # Any: an M or a MessagePromise[M]
        if self._is_read and isinstance(piece, Message):
            piece = MessagePromise.of_message(piece)
        self.pieces.append(piece)
        if self._wakeup is not None:
            self._wake()

    def emit_all(self, pieces: Sequence[Any]) -> None:  # Any: as above
        if self._is_read:
            pieces = [_promised(piece) for piece in pieces]
        super().emit_all(pieces)

    def readable(self) -> list[MessagePromise[M] | Failure]:
        if not self._is_read:
            self._is_read = True
            self.pieces[:] = [_promised(piece) for piece in self.pieces]
        return self.pieces


class MixedMessages(OutcomeIterator[Any]):  # Any: an M or a MessagePromise[M]
    """Reads a sequence without asking for promises of its messages, where there are none yet."""

    __slots__ = ()
    makes_readable = False


def _promised(piece: object) -> Any:  # Any: any of those that the buffer may hold
    if type(piece) is not MessagePromise and isinstance(piece, Message):  # isinstance() is slow to say no
        return MessagePromise.of_message(piece)
    return piece


def sequence_of(messages: tuple[M, ...], context: PromisingContext | None, name: str) -> MessageSequencePromise[M]:
    """The promise of messages that are there already."""
    promise: MessageSequencePromise[M] = blank(MessageSequencePromise)
    promise._prepare(context, name)
    promise._collect = None
    promise._value = messages
    return promise


def sequence_over(buffer: PieceBuffer[MessagePromise[M]]) -> MessageSequencePromise[M]:
    """The promise of a buffer's messages."""
    promise: MessageSequencePromise[M] = blank(MessageSequencePromise)
    promise._look_at(buffer, None)
    return promise
