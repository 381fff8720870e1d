"""The promise of a sequence of messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, overload

from typing_extensions import TypeVar

from miniagents.messages._generated import Message
from miniagents.messages._message_promise import MessagePromise
from miniagents.messages._sequence_combinators import SequenceCombinators
from miniagents.promising._failure import Failure
from miniagents.promising._pieces import FAIR_SHARE, PieceBuffer, take_turn
from miniagents.promising.promise import PENDING, blank

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

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
        buffer: PieceBuffer[MessagePromise[M]] = PieceBuffer(None, "messages")
        buffer.emit_all([MessagePromise.of_message(message) for message in messages])
        buffer.end()
        return sequence_over(buffer)

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
        from miniagents.messages.text import join_messages  # noqa: PLC0415 - it is made of this module's promises

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
        from miniagents.messages.text import split_messages  # noqa: PLC0415 - it is made of this module's promises

        return split_messages(self, delimiter, code_fence=code_fence, message_class=message_class)

    # --- machinery ---

    if not TYPE_CHECKING:

        def __getitem__(self, _: object) -> object:
            # `for` and `in` come here too; with an `__iter__` the promise would pass for an Iterable
            raise TypeError(f"{self.name!r}: await the promise first: (await promise)[…], or read it by `async for`")

    def _is_used(self) -> bool:
        """Whether anybody reads this or a message of it, or something is made of one of them."""
        return super()._is_used() or any(
            not isinstance(piece, Failure) and not piece._is_done() and piece._is_used_besides(self)
            for piece in self._buffer.pieces
        )

    def done(self) -> bool:
        """Whether all messages, or the error in their place, are known."""
        if not self._is_done() and self._buffer.ended:
            for piece in self._buffer.pieces:
                failure = piece if isinstance(piece, Failure) else None if not piece.done() else piece._failure
                if failure is not None:
                    self._failure = failure
                    break
                if not isinstance(piece, Failure) and not piece.done():
                    return False
            else:
                self._value = tuple(piece._value for piece in self._buffer.whole_pieces())
        return self._is_done()

    def _sequence(
        self, pipe: Callable[[PieceBuffer[MessagePromise[M]]], Messages[M]], what: str
    ) -> MessageSequencePromise[M]:
        """The sequence of what an async generator yields, as `_piped` makes streams."""
        made = sequence_over(self._piped(pipe, what)._buffer)
        made._made_of((self,))  # also when the last message has come, as long as it is not complete
        return made

    def _is_at_hand(self) -> bool:
        # not of very many, which take their time: that is for `_settle`, which gives others their turn
        return self._buffer.ended and len(self._buffer.pieces) <= FAIR_SHARE and self.done()

    async def _settle(self) -> None:
        # Any number of readers may do this at once: all come to the same messages, and the first to end keeps them.
        # An index and a list: an iterator of the pieces would be a tenth of the cost of a call.
        buffer = self._buffer
        buffer.start()
        buffer.reached(float("inf"))
        messages: list[M_co] = []
        failure: Failure | None = None
        is_guest = buffer._guest_came()
        try:
            while failure is None and not self._is_done():
                if len(messages) == len(buffer.pieces):
                    if buffer.ended:
                        break
                    await buffer._progress()
                    continue
                piece = buffer.pieces[len(messages)]
                if isinstance(piece, Failure):
                    failure = piece
                    break
                if piece._value is PENDING:
                    failure = await piece._settled()
                messages.append(piece._value)
                if not len(messages) % FAIR_SHARE:
                    await take_turn()
        finally:
            if is_guest:
                buffer._guest_left()
        if not self._is_done():
            if failure is None:
                self._value = tuple(messages)
            self._failure = failure
            self._finished()


def sequence_over(buffer: PieceBuffer[MessagePromise[M]]) -> MessageSequencePromise[M]:
    """The promise of a buffer's messages."""
    promise: MessageSequencePromise[M] = blank(MessageSequencePromise)
    promise._look_at(buffer, None)
    return promise
