"""The promise of a sequence of messages."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Never, TypeAlias, overload

from typing_extensions import TypeIs, TypeVar

from miniagents.messages._generated import Message
from miniagents.messages.promised.message_buffer import filled, made_at_once
from miniagents.messages.promised.message_promise import MessagePromise
from miniagents.messages.promised.same_messages import SameMessages
from miniagents.promising.combinators.piped import attempt
from miniagents.promising.core.arguments import check_callable, check_concurrency, check_plain, check_recovery, copied
from miniagents.promising.core.failure import Failure, count_as_read
from miniagents.promising.core.pieces import FAIR_SHARE, PieceBuffer, take_turn
from miniagents.promising.core.presenting import hint_at
from miniagents.promising.core.working import Settling
from miniagents.promising.promise import PENDING, blank

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping

    from miniagents.messages.values.freezing import JsonValue
    from miniagents.promising.context import PromisingContext
    from miniagents.promising.promise import Holder, Promise
    from miniagents.promising.stream import StreamedPromise

__all__ = ["MessageSequencePromise"]

M_co = TypeVar("M_co", bound=Message, default=Message, covariant=True)
M = TypeVar("M", bound=Message)
M1 = TypeVar("M1", bound=Message)
M2 = TypeVar("M2", bound=Message)
M3 = TypeVar("M3", bound=Message)
M4 = TypeVar("M4", bound=Message)
E = TypeVar("E", bound=BaseException)

if TYPE_CHECKING:
    Messages: TypeAlias = AsyncIterator[MessagePromise[M] | Failure]


class MessageSequencePromise(SameMessages[M_co]):
    """The promise of a sequence of messages.

    Iterating gives the promises of the messages, each of which streams its tokens. Awaiting gives the tuple of all
    messages, or raises the first error in the sequence or in one of its messages.

    The combinators of message sequences speak of messages and give message sequences, or one message, again. The
    combinators of streams are here as well. They speak of pieces, which are the promises of the messages. `take`,
    `skip`, `filter`, `chain`, `buffer` and others whose results have the same pieces give message sequences too;
    `of_promises` makes a sequence of any other stream of promises.

    A result is as lazy and as bounded as this sequence. Cancelling it cancels this sequence, unless it is used
    elsewhere. An error of the sequence stands in the place of a message, and stays there. An error of a message becomes
    the error of the message made of it.
    """

    __slots__ = ()

    def _repr_html_(self) -> str:
        """Return what has come so far as notebooks show it."""
        from miniagents.messages.promised.showing import html_of_sequence  # noqa: PLC0415  # as above

        return html_of_sequence(self)

    @classmethod
    def of_messages(cls, messages: Iterable[M], /) -> MessageSequencePromise[M]:
        """Make the promise of messages that are there already; needs no context.

        >>> async def main() -> None:
        ...     print(await MessageSequencePromise.of_messages([Message("a"), Message("b")]))
        >>> asyncio.run(main())
        (Message(text='a'), Message(text='b'))
        """
        return sequence_of(tuple(messages), None, "messages")

    @classmethod
    def of_promises(cls, stream: StreamedPromise[MessagePromise[M], object], /) -> MessageSequencePromise[M]:
        """Make a message sequence of a stream of message promises.

        Many combinators of streams, such as `map_pieces` and `then_pieces`, give streams whose whole is a tuple of
        promises. This is the way back. The pieces are the same, and nothing is read or copied. Cancelling the result
        cancels the stream.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         messages = MessageSequencePromise.of_messages([Message("a"), Message("b"), Message("c")])
        ...         promises = messages.map_pieces(lambda promise: promise)
        ...         print(await MessageSequencePromise.of_promises(promises.skip(2)))
        >>> asyncio.run(main())
        (Message(text='c'),)
        """
        same: Any = stream  # Any: of M, if it is a sequence already
        return same if isinstance(stream, MessageSequencePromise) else sequence_over(stream._buffer, stream._held_by())

    async def aresolve_messages(self) -> tuple[M_co, ...]:
        """Wait for all messages, complete: the same as awaiting the promise.

        Raises:
            BaseException: The first error in the sequence or in one of its messages.
        """
        return await self

    async def settled_messages(self) -> AsyncIterator[tuple[M_co | None, BaseException | None]]:
        """Give each message, or the error in its place, in order; nothing is raised, and no error counts as read."""
        async for piece in self._buffer.outcomes():
            failure = piece if isinstance(piece, Failure) else await piece._settled()
            if failure is not None:
                yield None, failure.error
            elif not isinstance(piece, Failure):
                yield piece._value, None

    # --- combinators: of the texts ---

    @overload
    def join(self, delimiter: str = ...) -> MessagePromise[Message]: ...
    @overload
    def join(self, delimiter: str = ..., *, message_class: type[M]) -> MessagePromise[M]: ...
    def join(self, delimiter: str = "\n\n", *, message_class: type[Message] = Message) -> MessagePromise[Message]:
        r"""Join all texts to one message, with a delimiter between them, as they arrive; see `join_messages`.

        Raises:
            TypeError: The class has required fields besides the text.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         messages = MessageSequencePromise.of_messages([Message("a"), Message("b")])
        ...         print(repr(await messages.join()))
        >>> asyncio.run(main())
        Message(text='a\n\nb')
        """
        from miniagents.messages.promised.text import join_messages  # noqa: PLC0415 - a circle: it makes promises of this class

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
        r"""Give a message for each part of each text between delimiters, as it arrives; see `split_messages`.

        Raises:
            ValueError: The delimiter or the fence is empty.
            TypeError: The class has required fields besides the text.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         messages = MessageSequencePromise.of_messages([Message("a\n\nb"), Message("c")])
        ...         print([str(part) for part in await messages.split()])
        >>> asyncio.run(main())
        ['a', 'b', 'c']
        """
        from miniagents.messages.promised.text import split_messages  # noqa: PLC0415 - a circle: it makes promises of this class

        return split_messages(self, delimiter, code_fence=code_fence, message_class=message_class)

    # --- combinators: of each message ---

    def map_messages(self, fn: Callable[[M_co], M], /) -> MessageSequencePromise[M]:
        """Apply a plain function to each message; errors stay in their places.

        The result has a message as soon as this sequence has the one it is made of, complete or not; its text comes in
        one piece. Cost: two tasks for each message that is still arriving.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         messages = MessageSequencePromise.of_messages([Message("a"), Message("b")])
        ...         print(await messages.map_messages(lambda message: Message(f"{message.text}!")))
        >>> asyncio.run(main())
        (Message(text='a!'), Message(text='b!'))
        """
        check_plain("map_messages", fn, instead="then_messages(…)")
        from miniagents.promising.core.access import value_of  # noqa: PLC0415  # a first agent does without

        read = self._reading()

        async def mapped(out: PieceBuffer[MessagePromise[M]]) -> Messages[M]:
            eager = out.context.start_asap
            async for piece in read():
                if isinstance(piece, Failure):
                    yield piece
                elif eager and piece.done() and piece._failure is None:
                    yield made_at_once(attempt(out, fn, value_of(piece)), out.context)
                else:
                    yield piece.map_message(fn)

        return self._sequence(mapped, "map_messages")

    def with_metadata(self, facts: Mapping[str, JsonValue], /) -> MessageSequencePromise[M_co]:
        """Add metadata to each message; its tokens, events and known fields stay, and errors stay in their places.

        Raises:
            TypeError: The facts are no mapping.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         messages = MessageSequencePromise.of_messages([Message("a")])
        ...         print([message.metadata["topic"] for message in await messages.with_metadata({"topic": "tea"})])
        >>> asyncio.run(main())
        ['tea']
        """
        read, more = self._reading(), copied("with_metadata", facts)  # as they are now

        async def added(_: PieceBuffer[MessagePromise[M_co]]) -> Messages[M_co]:
            async for piece in read():
                yield piece if isinstance(piece, Failure) else piece.with_metadata(more)

        return self._sequence(added, "with_metadata")

    def then_messages(
        self, fn: Callable[[M_co], Awaitable[M]], /, *, concurrency: int | None = 1
    ) -> MessageSequencePromise[M]:
        """Apply an async function, or one that returns a message promise, to each message; errors stay in their places.

        The calls begin in the order in which the messages are complete. The results stand in the order of the messages,
        as with `then_pieces`. Cancelling the result cancels the calls that run. Cost: three tasks for each message.

        Args:
            fn: Called with each message.
            concurrency: How many calls run at the same time; None for no limit.

        Raises:
            TypeError: `concurrency` is no integer.
            ValueError: It is less than one.

        >>> async def answer(message: Message) -> AssistantMessage:
        ...     return AssistantMessage(f"{message}, too")
        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         messages = MessageSequencePromise.of_messages([Message("a"), Message("b")])
        ...         print([str(message) for message in await messages.then_messages(answer, concurrency=2)])
        >>> asyncio.run(main())
        ['a, too', 'b, too']
        """
        check_callable("then_messages", fn)
        check_concurrency("then_messages", concurrency, "at least one call runs")
        from miniagents.messages.promised.selecting import limited  # noqa: PLC0415  # a first agent does without

        call = fn if concurrency is None else limited(fn, asyncio.Semaphore(concurrency))

        read = self._reading()

        async def continued(_: PieceBuffer[MessagePromise[M]]) -> Messages[M]:
            async for piece in read():
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
        """Put a message in the place of each error of the given classes (by default of any `Exception`).

        These are the errors of the sequence and of its messages. A message that is still arriving has its place at
        once; its tokens follow when it is complete, as with `recover_message`.

        Raises:
            TypeError: Something given is no class of exceptions.

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
        expected = check_recovery("recover_messages", fn, errors)
        read = self._reading()

        async def recovered(out: PieceBuffer[MessagePromise[M_co | M]]) -> Messages[M_co | M]:
            async for piece in read():
                if isinstance(piece, Failure):
                    if not isinstance(piece.error, expected):
                        yield piece
                        continue
                    made = attempt(out, fn, count_as_read(piece))
                    yield made if isinstance(made, Failure) else MessagePromise.of_message(made)
                elif piece.done() and piece._failure is None:
                    yield piece
                else:
                    yield piece.recover_message(fn, *expected)

        return self._sequence(recovered, "recover_messages")

    # --- combinators: of some messages ---

    @overload  # of no function that returns: mypy words the faults in a lambda by the first overload
    def filter_messages(self, keep: Callable[[M_co], Never], /) -> MessageSequencePromise[M_co]: ...
    @overload
    def filter_messages(self, keep: Callable[[M_co], TypeIs[M]], /) -> MessageSequencePromise[M]: ...
    @overload
    def filter_messages(self, keep: Callable[[M_co], object], /) -> MessageSequencePromise[M_co]: ...
    def filter_messages(
        self, keep: Callable[[M_co], object], /
    ) -> MessageSequencePromise[Any]:  # Any: the overloads say which type is left
        """Keep the messages for which a plain function returns something true; a `TypeIs` function narrows their type.

        The function sees whole messages: each waits for its end, and for the decisions on the messages before it.
        `of_type` need not wait. Errors stay in their places, those of messages included. An error of the function takes
        the place of its message. Cost: one task.

        Raises:
            TypeError: The function is async, or cannot be called.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         messages = MessageSequencePromise.of_messages([Message("a"), Message(""), Message("c")])
        ...         print(await messages.filter_messages(lambda message: message.text))
        >>> asyncio.run(main())
        (Message(text='a'), Message(text='c'))
        """
        from miniagents.messages.promised.selecting import settled_for  # noqa: PLC0415  # a first agent does without
        from miniagents.promising.core.access import value_of  # noqa: PLC0415  # as above

        check_plain("filter_messages", keep)

        read = self._reading()

        async def filtered(out: PieceBuffer[MessagePromise[M_co]]) -> Messages[M_co]:
            async for piece in read():
                if isinstance(piece, Failure) or await settled_for(out, piece) is not None:
                    yield piece
                    continue
                verdict = attempt(out, keep, value_of(piece))
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
        """Keep the messages of the given classes, subclasses included.

        If the class of a message is known beforehand, the message is kept, or left out together with its error, before
        it is complete, and its tokens are streamed as they come. The result waits for a message if its class is not
        known, or is a base of one of those asked for; if the message fails, it is kept. Errors of the sequence stay in
        their places. Cost: one task.

        Raises:
            TypeError: No class is given, or something that is no class of messages.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         messages = MessageSequencePromise.of_messages([Message("a"), UserMessage("b"), Message("c")])
        ...         print(await messages.of_type(UserMessage))
        >>> asyncio.run(main())
        (UserMessage(text='b'),)
        """
        from miniagents.messages.promised.selecting import check_classes, may_be, settled_for  # noqa: PLC0415  # a first agent does without
        from miniagents.promising.core.access import value_of  # noqa: PLC0415  # as above

        check_classes("of_type", classes)

        read = self._reading()

        async def chosen(out: PieceBuffer[MessagePromise[M_co]]) -> Messages[M_co]:
            async for piece in read():
                if isinstance(piece, Failure):
                    yield piece
                    continue
                verdict = may_be(piece.message_class, classes)
                if verdict is None:
                    verdict = await settled_for(out, piece) is not None or isinstance(value_of(piece), classes)
                if verdict:
                    yield piece

        return self._sequence(chosen, "of_type")

    # --- combinators: to one message ---

    def first(self) -> MessagePromise[M_co]:
        """Give the first message, streamed as it arrives, and do not wait for what is behind it.

        Once the first message is complete, the result lets go of this sequence: the call of an agent, for one, is
        cancelled, unless somebody else holds or reads its replies or a message of them.

        Raises, when read:
            ValueError: There is none.
            BaseException: The error that stands in its place, or that of the message.

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

        return self._one(chosen, "first")

    def last(self) -> MessagePromise[M_co]:
        """Give the last message, streamed once the sequence has ended; the messages before it need not be complete.

        Raises, when read:
            ValueError: There is none.
            BaseException: The first error of the sequence, or that of the message.

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

        return self._one(chosen, "last")

    def only(self) -> MessagePromise[M_co]:
        """Give the message of a sequence that has no other (more-itertools' `one`), streamed as it arrives.

        Only the end of the sequence tells whether it is the only one. If it is not, an error follows the tokens that
        were read until then. Awaiting gives the message or the error.

        Raises, when read:
            ValueError: There is none, or more than one; it says how many there are.
            BaseException: The first error of the sequence, or that of the message.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         messages = MessageSequencePromise.of_messages([Message("a"), Message("b")])
        ...         print(await messages.of_type(Message).only().recover(str), await messages.first())
        >>> asyncio.run(main())
        'messages.of_type' has 2 messages, where exactly one is expected a
        """

        async def count() -> None:
            messages = 0
            async for _ in self:
                messages += 1
            if messages != 1:
                raise ValueError(f"{self._name!r} has {messages} messages, where exactly one is expected")

        async def chosen() -> MessagePromise[M_co]:
            async for promise in self:
                return promise
            await counted  # it raises
            raise AssertionError

        counted = self._derived(count, "only")
        return self._one(chosen, "only", counted)

    # --- machinery ---

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> object:
            # messages that are there already need no buffer before somebody reads them one by one
            if name == "_buffer":
                find = self._collect or partial(filled, self._context, self._name, self._value)
                self._buffer, self._collect = find(), None  # see `deferred`
                return self._buffer
            hint = hint_at(name, f"await it first: [message.{name} for message in await promise]")
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{hint}")

    def _has_given_all(self) -> bool:
        """Return whether all messages are there."""
        return self._is_done() or (self._buffer.ended and not self._buffer._promises())

    def done(self) -> bool:
        """Return whether all messages, or the error in their place, are known."""
        self._buffer._see_to_ended()
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
        """Make the sequence of the messages that an async generator yields, as `_piped` makes streams."""
        made = sequence_over(self._piped(pipe, what)._buffer)
        # when the last promise has come, its message may still be arriving
        made._work = Settling(made, None, made._buffer)
        made._made_of((self,))
        return made

    def _one(
        self,
        choose: Callable[[], Awaitable[MessagePromise[M_co]]],
        what: str,
        checked: Promise[None] | None = None,
    ) -> MessagePromise[M_co]:
        from miniagents.messages.promised.selecting import of_one  # noqa: PLC0415  # a first agent does without

        return of_one(self, choose, what, checked)

    def _mixed(self) -> list[Any]:  # Any: an M_co, a MessagePromise[M_co] or a Failure
        """Return the pieces as the buffer holds them."""
        return self._buffer.pieces

    def _is_at_hand(self) -> bool:
        # very many take their time: `_settle` gives other tasks their turn
        return self._buffer.ended and len(self._buffer.pieces) <= FAIR_SHARE and self.done()

    async def _until_complete(self) -> None:
        await super()._until_complete()
        for piece in tuple(self._mixed()):
            if isinstance(piece, MessagePromise) and not piece._is_done():
                await piece._until_complete()

    async def _settle(self) -> None:
        # Several readers may do this at the same time: all find the same messages, and the first to end sets them.
        # An index and a list: an iterator of the pieces would be a tenth of the cost of a call.
        buffer = self._buffer
        if buffer._work is not None:
            buffer.start()
        buffer._furthest = _EVERYTHING  # first: the sequence may get a bound while this waits
        if buffer.bounded:
            buffer.make_room()
        pieces: list[Any] = buffer.pieces  # Any: as `_mixed` says
        messages: list[Message] = []
        failure: Failure | None = None
        is_guest = buffer._guest_came()
        try:
            while failure is None and self._value is PENDING and self._failure is None:
                taken = pieces[len(messages) : len(messages) + FAIR_SHARE]
                if not taken:
                    if buffer.ended:
                        break
                    task, wakeup, watch = buffer._begin_wait()
                    try:  # as `_progress` does: calling it would be a twentieth of the cost of a call
                        await wakeup
                    except asyncio.CancelledError:
                        if task.cancelling():
                            raise
                    finally:
                        deadlock = buffer._end_wait(task, watch)
                        del task
                    if deadlock is not None:
                        raise deadlock
                if len(taken) > 1 and all(issubclass(kind, Message) for kind in set(map(type, taken))):
                    messages.extend(taken)  # messages that are there need no look at each
                    looked_at: list[Any] = []  # Any: as `_mixed` says
                else:
                    looked_at = taken
                for piece in looked_at:
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
        if self._value is PENDING and self._failure is None:
            if failure is None:
                self._value = tuple(messages)
            self._failure = failure
            self._finished()


_EVERYTHING: Final = float("inf")
"""The position of a reader that reads on by itself."""


def sequence_of(messages: tuple[M, ...], context: PromisingContext | None, name: str) -> MessageSequencePromise[M]:
    """Make the promise of messages that are there already."""
    promise: MessageSequencePromise[M] = blank(MessageSequencePromise)
    promise._prepare(context, name)
    promise._collect = None
    promise._value = messages
    return promise


def sequence_over(buffer: PieceBuffer[MessagePromise[M]], holder: Holder | None = None) -> MessageSequencePromise[M]:
    """Make the promise of a buffer's messages; `view_of` says what the holder is."""
    promise: MessageSequencePromise[M] = blank(MessageSequencePromise)
    promise._look_at(buffer, None)
    promise._holder = holder
    return promise
