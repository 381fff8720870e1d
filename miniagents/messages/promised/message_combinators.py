"""The combinators of one message that give a message again, or the parts of one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeAlias, overload

import msgspec
from typing_extensions import TypeVar

from miniagents.messages._generated import Message, StreamEvent, TextDelta
from miniagents.messages.promised.tokens import MixedOutcomes, checked_piece
from miniagents.promising.combinators.piped import TimedOutcomes, attempt
from miniagents.promising.core.arguments import check_errors, check_not_negative
from miniagents.promising.core.failure import mark_as_read
from miniagents.promising.sentinels import DEFAULT, Default
from miniagents.promising.stream import StreamedPromise

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping

    from miniagents.messages.promised.message_promise import MessagePromise
    from miniagents.messages.promised.sequence_promise import MessageSequencePromise
    from miniagents.promising.core.failure import Failure
    from miniagents.promising.core.pieces import PieceBuffer
    from miniagents.promising.promise import Promise

    Pieces: TypeAlias = AsyncIterator[str | StreamEvent | Failure]

__all__ = ["MessageCombinators"]

M_co = TypeVar("M_co", bound=Message, default=Message, covariant=True)
M = TypeVar("M", bound=Message)
E = TypeVar("E", bound=BaseException)
U = TypeVar("U")


class MessageCombinators(StreamedPromise[str, M_co]):
    """What can be made of a message that is, or may be, still arriving.

    Of each it holds: the result is as lazy and as bounded as the message; errors stay in their places; cancelling the
    result cancels the message, unless somebody else uses that. Each costs two tasks, the class and the fields that are
    known beforehand are those of the message wherever its own are kept.
    """

    __slots__ = ("_known", "_message_class")

    _known: Mapping[str, object] | None
    _message_class: type[Message] | None

    def map_text(self, fn: Callable[[str], str], /) -> MessagePromise[M_co]:
        """The same message with another text: what a plain function makes of each token, as it comes.

        What is streamed besides text is kept. An error stays at its place among the tokens; one that the function
        raises takes the place of the token that it was given.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(repr(await MessagePromise.of_message(Message("Hello")).map_text(str.upper)))
        >>> asyncio.run(main())
        Message(text='HELLO')
        """

        async def mapped(out: PieceBuffer[str]) -> Pieces:
            async for piece in MixedOutcomes(self._mixed(), self._name):
                if isinstance(piece, str):
                    yield attempt(out, fn, piece)
                else:
                    yield attempt(out, fn, piece.text) if isinstance(piece, TextDelta) else piece

        async def with_text(tokens: AsyncIterable[str]) -> M_co:
            text = "".join([token async for token in tokens])
            return msgspec.structs.replace(await self, text=text)

        return self._streamed(mapped, with_text, "map_text", message_class=self._message_class, known=self._known)

    def map_message(self, fn: Callable[[M_co], M], /) -> MessagePromise[M]:
        """The message that a plain function makes of this one; an error stays the error.

        It is `map` for a function that makes messages. The text of the result comes in one piece, as there is none
        before this message is complete: `map_text` changes a text while it comes.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         promise = MessagePromise.of_message(Message("Hello"))
        ...         print(repr(await promise.map_message(lambda message: UserMessage(message.text))))
        >>> asyncio.run(main())
        UserMessage(text='Hello')
        """
        return self._whole(self.map(fn), "map_message")

    def then_message(self, fn: Callable[[M_co], Awaitable[M]], /) -> MessagePromise[M]:
        """The message that an async function makes of this one, be it a message promise; an error stays the error.

        It is `then` for a function that makes messages. The text of the result comes in one piece.

        >>> async def answer(message: Message) -> AssistantMessage:
        ...     return AssistantMessage(f"{message}, too")
        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(repr(await MessagePromise.of_message(Message("Hello")).then_message(answer)))
        >>> asyncio.run(main())
        AssistantMessage(text='Hello, too')
        """
        return self._whole(self.then(fn), "then_message")

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
        """The message, or the one that a plain function makes of an error (by default of any `Exception`).

        It is `recover` for a function that makes messages. The tokens are those of the message that is given, all of
        them when it is known which: a token that is let through can never be taken back, and what a message that fails
        has said until then is no part of the one in its place. Other errors, and those of the function, are the
        result's. An error that was given to the function counts as read.

        Raises:
            TypeError: something is given that is no class of exceptions.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         promise = MessagePromise.of_message(Message("Hello")).map_message(lambda message: Message(1 / 0))
        ...         print(repr(await promise.recover_message(lambda error: Message(str(error)), ZeroDivisionError)))
        >>> asyncio.run(main())
        Message(text='division by zero')
        """
        check_errors("recover_message", errors)
        recovered = self.recover(fn, *errors)

        async def pieces(_: PieceBuffer[str]) -> Pieces:
            message = await recovered
            if self._failure is None:
                async for piece in MixedOutcomes(self._mixed(), self._name):
                    yield piece
            elif text := str(message):
                yield text

        async def whole(_: AsyncIterable[str]) -> M_co | M:
            return await recovered

        return self._streamed(pieces, whole, "recover_message", recovered)

    @overload
    def timeout(self, seconds: float, /) -> MessagePromise[M_co]: ...
    @overload
    def timeout(self, seconds: float, /, *, default: U) -> Promise[M_co | U]: ...
    def timeout(self, seconds: float, /, *, default: U | Default = DEFAULT) -> Promise[M_co | U]:
        """The message if it is complete within `seconds` of the start of the result, else a `TimeoutError`.

        What comes in time is streamed, and the error stands behind it. With a `default` there is a plain promise of the
        message or the default, as for every promise. The message itself goes on for its other readers.

        Raises:
            ValueError: the time is negative.

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
        check_not_negative(f"timeout({seconds})", seconds)
        if default is not DEFAULT:
            return super().timeout(seconds, default=default)
        end = float("inf")
        late: TimeoutError | None = None

        def too_late() -> TimeoutError:
            return TimeoutError(f"{self._name!r} was not complete within {seconds} s")

        async def pieces(_: PieceBuffer[str]) -> Pieces:
            nonlocal end, late
            end = asyncio.get_running_loop().time() + seconds
            buffer = self._mixed()
            source = TimedOutcomes(buffer)
            while await source.ready_in_time(end):
                try:
                    piece = await anext(source)
                except StopAsyncIteration:
                    return
                yield checked_piece(piece, self._name, buffer)
            late = too_late()
            raise late

        async def whole(_: AsyncIterable[str]) -> M_co:
            if late is not None:
                mark_as_read(late)  # it is the same error, which whoever read the tokens knows already
                raise late
            limit = asyncio.timeout_at(end)
            try:
                async with limit:
                    return await self
            except TimeoutError:
                if not limit.expired():
                    raise  # the message's own
                raise too_late() from None

        return self._streamed(pieces, whole, "timeout", message_class=self._message_class, known=self._known)

    def checked(self, check: Callable[[M_co], M], /) -> MessagePromise[M]:
        """The same tokens and events as they come; the message is what `check` makes of it, or the error it raises.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         promise = MessagePromise.of_message(Message("Hello"))
        ...         print(repr(await promise.checked(lambda message: UserMessage(message.text))))
        >>> asyncio.run(main())
        UserMessage(text='Hello')
        """

        async def whole(_: AsyncIterable[str]) -> M:
            return check(await self)

        return self._streamed(lambda _: MixedOutcomes(self._mixed(), self._name), whole, "checked", known=self._known)

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
        r"""A message for each part of the text between delimiters, as it arrives: `split_messages`, which see.

        Raises:
            ValueError: the delimiter or the fence is empty.
            TypeError: the class has required fields besides the text.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await MessagePromise.of_message(Message("a\n\nb")).split())
        >>> asyncio.run(main())
        (Message(text='a'), Message(text='b'))
        """
        from miniagents.messages.promised.text import split_messages  # noqa: PLC0415 - it is made of this module's promises

        return split_messages(self, delimiter, code_fence=code_fence, message_class=message_class)

    # --- machinery ---

    def _whole(self, message: Promise[M], what: str) -> MessagePromise[M]:
        """A message that is made of the whole of this one, so that its text comes in one piece."""

        async def pieces(_: PieceBuffer[str]) -> Pieces:
            if text := str(await message):
                yield text

        async def whole(_: AsyncIterable[str]) -> M:
            return await message

        return self._streamed(pieces, whole, what, message)

    def _streamed(
        self,
        pieces: Callable[[PieceBuffer[str]], Pieces],
        whole: Callable[[AsyncIterable[str]], Awaitable[M]],
        what: str,
        *others: Promise[object],
        message_class: type[Message] | None = None,
        known: Mapping[str, object] | None = None,
    ) -> MessagePromise[M]:
        """A message made of this one.

        Args:
            pieces: makes its tokens and events, given the buffer that they go into.
            whole: makes the message.
            what: the name of the combinator.
            others: what else it is made of.
            message_class: its class, where that is known beforehand.
            known: its fields that are known beforehand.
        """
        raise NotImplementedError

    def _mixed(self) -> PieceBuffer[str | StreamEvent]:
        """The buffer with tokens and events."""
        raise NotImplementedError
