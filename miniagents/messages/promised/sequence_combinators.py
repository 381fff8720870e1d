"""The combinators of message sequences that give messages again: of each message, of some, of one.

They speak of messages, where the combinators of streams speak of pieces, which are promises of messages.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeAlias, overload

from typing_extensions import TypeIs, TypeVar

from miniagents.messages._generated import Message
from miniagents.messages.promised.message_promise import MessagePromise, made_at_once
from miniagents.messages.promised.selecting import check_classes, may_be, message_of, of_one, settled_for
from miniagents.promising.combinators.piped import attempt
from miniagents.promising.core.arguments import check_errors, check_plain
from miniagents.promising.core.failure import Failure, mark_as_read
from miniagents.promising.stream import StreamedPromise

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from miniagents.messages.promised.sequence_promise import MessageSequencePromise
    from miniagents.promising.core.pieces import PieceBuffer

__all__ = ["SequenceCombinators"]

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


class SequenceCombinators(StreamedPromise[MessagePromise[M_co], tuple[M_co, ...]]):
    """What can be made of messages that are, or may be, still arriving.

    Of each it holds: the result is as lazy and as bounded as the sequence; cancelling it cancels the sequence, unless
    somebody else uses that. An error of the sequence stands in the place of a message, and stays there; an error of a
    message is an error of the message that is made of it.
    """

    __slots__ = ()

    # --- combinators: of each message ---

    def map_messages(self, fn: Callable[[M_co], M], /) -> MessageSequencePromise[M]:
        """What a plain function makes of each message; errors stay in their places.

        A message of the result is there as soon as the sequence has the one it is made of, which need not be complete
        yet; its text comes in one piece. Cost: two tasks for each message that is still arriving.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         messages = MessageSequencePromise.of_messages([Message("a"), Message("b")])
        ...         print(await messages.map_messages(lambda message: Message(f"{message.text}!")))
        >>> asyncio.run(main())
        (Message(text='a!'), Message(text='b!'))
        """

        async def mapped(out: PieceBuffer[MessagePromise[M]]) -> Messages[M]:
            eager = out.context.start_asap
            async for piece in self._outcomes():
                if isinstance(piece, Failure):
                    yield piece
                elif eager and piece.done() and piece._failure is None:
                    yield made_at_once(attempt(out, fn, message_of(piece)), out.context)
                else:
                    yield piece.map_message(fn)

        return self._sequence(mapped, "map_messages")

    def then_messages(
        self, fn: Callable[[M_co], Awaitable[M]], /, *, concurrency: int | None = 1
    ) -> MessageSequencePromise[M]:
        """What an async function makes of each message, be it a message promise; errors stay in their places.

        The calls begin in the order in which the messages are complete; their results stand in the order of the
        messages, as `then_pieces` has it. Cancelling the result cancels the calls that run. Cost: three tasks for each
        message.

        Args:
            fn: called with each message.
            concurrency: how many calls run at once; None for no limit.

        Raises:
            ValueError: `concurrency` is less than one.

        >>> async def answer(message: Message) -> AssistantMessage:
        ...     return AssistantMessage(f"{message}, too")
        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         messages = MessageSequencePromise.of_messages([Message("a"), Message("b")])
        ...         print([str(message) for message in await messages.then_messages(answer, concurrency=2)])
        >>> asyncio.run(main())
        ['a, too', 'b, too']
        """
        if concurrency is not None and concurrency < 1:
            raise ValueError(f"then_messages(concurrency={concurrency}): at least one call runs; None means no limit")
        call = fn if concurrency is None else _limited(fn, asyncio.Semaphore(concurrency))

        async def continued(_: PieceBuffer[MessagePromise[M]]) -> Messages[M]:
            async for piece in self._outcomes():
                yield piece if isinstance(piece, Failure) else piece.then_message(call)

        return self._sequence(continued, "then_messages")

    @overload
    def recover_messages(self, fn: Callable[[Exception], M], /) -> MessageSequencePromise[M_co | M]: ...
    @overload
    def recover_messages(
        self, fn: Callable[[E], M], error: type[E], /, *errors: type[E]
    ) -> MessageSequencePromise[M_co | M]: ...
    def recover_messages(
        self,
        fn: Callable[[Any], M],  # Any: the overloads tie it to the classes given
        /,
        *errors: type[BaseException],
    ) -> MessageSequencePromise[M_co | M]:
        """With a message in the place of each error of the given classes (by default of any `Exception`).

        That goes for the errors of the sequence and for messages that fail: a message that is still arriving is handed
        on when it is known to be complete, as `recover_message` has it, but the place of each is known at once.

        Raises:
            TypeError: something is given that is no class of exceptions.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         sequence = MessageSequence()
        ...         sequence.put(["a", ValueError("no"), "c"])
        ...         sequence.close()
        ...         messages = sequence.promise.recover_messages(lambda error: Message(f"({error})"), ValueError)
        ...         print([str(message) for message in await messages])
        >>> asyncio.run(main())
        ['a', '(no)', 'c']
        """
        check_errors("recover_messages", errors)
        expected = errors or (Exception,)

        async def recovered(out: PieceBuffer[MessagePromise[M_co | M]]) -> Messages[M_co | M]:
            async for piece in self._outcomes():
                if isinstance(piece, Failure):
                    if not isinstance(piece.error, expected):
                        yield piece
                        continue
                    piece.seen = True
                    mark_as_read(piece.error)
                    made = attempt(out, fn, piece.error)
                    yield made if isinstance(made, Failure) else MessagePromise.of_message(made)
                elif piece.done() and piece._failure is None:
                    yield piece
                else:
                    yield piece.recover_message(fn, *expected)

        return self._sequence(recovered, "recover_messages")

    # --- combinators: of some messages ---

    @overload
    def filter_messages(self, keep: Callable[[M_co], TypeIs[M]], /) -> MessageSequencePromise[M]: ...
    @overload
    def filter_messages(self, keep: Callable[[M_co], object], /) -> MessageSequencePromise[M_co]: ...
    def filter_messages(
        self, keep: Callable[[M_co], object], /
    ) -> MessageSequencePromise[Any]:  # Any: the overloads say which type is left
        """The messages for which a plain function says yes; a `TypeIs` function narrows their type.

        The function sees whole messages, so that each waits for its end and for the verdicts on those before it;
        `of_type` need not. Errors stay in their places, those of messages as well; one that the function raises takes
        the place of its message. Cost: one task.

        Raises:
            TypeError: the function is async, or none.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         messages = MessageSequencePromise.of_messages([Message("a"), Message(""), Message("c")])
        ...         print(await messages.filter_messages(lambda message: message.text))
        >>> asyncio.run(main())
        (Message(text='a'), Message(text='c'))
        """
        check_plain("filter_messages", keep)

        async def filtered(out: PieceBuffer[MessagePromise[M_co]]) -> Messages[M_co]:
            async for piece in self._outcomes():
                if isinstance(piece, Failure) or await settled_for(out, piece) is not None:
                    yield piece
                    continue
                verdict = attempt(out, keep, message_of(piece))
                if isinstance(verdict, Failure):
                    yield verdict
                elif verdict:
                    yield piece

        return self._sequence(filtered, "filter_messages")

    @overload
    def of_type(self, c1: type[M1], /) -> MessageSequencePromise[M1]: ...
    @overload
    def of_type(self, c1: type[M1], c2: type[M2], /) -> MessageSequencePromise[M1 | M2]: ...
    @overload
    def of_type(self, c1: type[M1], c2: type[M2], c3: type[M3], /) -> MessageSequencePromise[M1 | M2 | M3]: ...
    @overload
    def of_type(
        self, c1: type[M1], c2: type[M2], c3: type[M3], c4: type[M4], /
    ) -> MessageSequencePromise[M1 | M2 | M3 | M4]: ...
    @overload
    def of_type(self, c1: type[M], /, *others: type[M]) -> MessageSequencePromise[M]: ...
    def of_type(
        self, *classes: type[Message]
    ) -> MessageSequencePromise[Any]:  # Any: the overloads tie it to the classes
        """The messages of the given classes, subclasses included.

        A message whose class is known beforehand goes through, or is left out together with its error, before it is
        complete: its tokens are streamed as they come. It is waited for where its class is not known, or is a base of
        one of those asked for, and goes through if it fails. Errors of the sequence stay in their places. Cost: one
        task.

        Raises:
            TypeError: none is given, or something that is no class of messages.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         messages = MessageSequencePromise.of_messages([Message("a"), UserMessage("b"), Message("c")])
        ...         print(await messages.of_type(UserMessage))
        >>> asyncio.run(main())
        (UserMessage(text='b'),)
        """
        check_classes("of_type", classes)

        async def chosen(out: PieceBuffer[MessagePromise[M_co]]) -> Messages[M_co]:
            async for piece in self._outcomes():
                if isinstance(piece, Failure):
                    yield piece
                    continue
                verdict = may_be(piece.message_class, classes)
                if verdict is None:
                    verdict = await settled_for(out, piece) is not None or isinstance(message_of(piece), classes)
                if verdict:
                    yield piece

        return self._sequence(chosen, "of_type")

    # --- combinators: to one message ---

    def first(self) -> MessagePromise[M_co]:
        """The first message, streamed as it arrives; what comes behind it does not matter.

        Raises, when read:
            ValueError: there is none.
            BaseException: the error that stands in its place, or that of the message.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         messages = MessageSequencePromise.of_messages([Message("a"), Message("b")])
        ...         print(await messages.first())
        >>> asyncio.run(main())
        a
        """

        async def chosen() -> MessagePromise[M_co]:
            async for promise in self:
                return promise
            raise ValueError(f"{self._name!r} has no first message: it has none at all")

        return of_one(self, chosen, "first")

    def last(self) -> MessagePromise[M_co]:
        """The last message, streamed from when the sequence has ended; the messages before it need not be complete.

        Raises, when read:
            ValueError: there is none.
            BaseException: the first error of the sequence, or that of the message.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         messages = MessageSequencePromise.of_messages([Message("a"), Message("b")])
        ...         print(await messages.last())
        >>> asyncio.run(main())
        b
        """

        async def chosen() -> MessagePromise[M_co]:
            last = None
            async for promise in self:
                last = promise
            if last is None:
                raise ValueError(f"{self._name!r} has no last message: it has none at all")
            return last

        return of_one(self, chosen, "last")

    def only(self) -> MessagePromise[M_co]:
        """The message of a sequence that has no other (more-itertools' `one`), streamed as it arrives.

        Whether it is the only one is known at the end of the sequence; what its readers have got until then is
        followed by an error if it is not, and awaiting it gives the message or the error.

        Raises, when read:
            ValueError: there is none, or more than one; it says how many there are.
            BaseException: the first error of the sequence, or that of the message.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         messages = MessageSequencePromise.of_messages([Message("a"), Message("b")])
        ...         print(await messages.of_type(Message).only().recover(str), await messages.first())
        >>> asyncio.run(main())
        'messages.of_type' has 2 messages, where there is to be one a
        """

        async def count() -> None:
            messages = 0
            async for _ in self:
                messages += 1
            if messages != 1:
                raise ValueError(f"{self._name!r} has {messages} messages, where there is to be one")

        async def chosen() -> MessagePromise[M_co]:
            async for promise in self:
                return promise
            await counted  # which is an error
            raise AssertionError

        counted = self._derived(count, "only")
        return of_one(self, chosen, "only", counted)

    # --- machinery ---

    def _sequence(
        self, pipe: Callable[[PieceBuffer[MessagePromise[M]]], Messages[M]], what: str
    ) -> MessageSequencePromise[M]:
        """The sequence of what an async generator yields, as `_piped` makes streams."""
        raise NotImplementedError


def _limited(fn: Callable[[A], Awaitable[B]], free: asyncio.Semaphore) -> Callable[[A], Awaitable[B]]:
    async def call(argument: A) -> B:
        async with free:
            return await fn(argument)

    return call
