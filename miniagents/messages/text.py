"""Joining messages to one, and splitting them at a delimiter, both while they are still arriving."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, overload

from typing_extensions import TypeVar

from miniagents.messages._generated import Message
from miniagents.messages._tokens import check_fields
from miniagents.messages.promises import MessagePromise, MessageSequencePromise, stream_message
from miniagents.messages.sequence import MessageSequence, MessageType
from miniagents.promising._failure import Failure
from miniagents.promising.appender import StreamAppender
from miniagents.promising.context import PromisingContext
from miniagents.promising.sentinels import DEFAULT, Default

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterator

__all__ = ["join_messages", "split_messages"]

M = TypeVar("M", bound=Message)


@overload
def join_messages(
    messages: MessageType[Message], delimiter: str = ..., *, start_asap: bool | Default = ...
) -> MessagePromise[Message]: ...
@overload
def join_messages(
    messages: MessageType[Message], delimiter: str = ..., *, message_class: type[M], start_asap: bool | Default = ...
) -> MessagePromise[M]: ...
def join_messages(
    messages: MessageType[Message],
    delimiter: str = "\n\n",
    *,
    message_class: type[Message] = Message,
    start_asap: bool | Default = DEFAULT,
) -> MessagePromise[Message]:
    """One message of the texts of many, with a delimiter between them, streamed as they arrive.

    Messages without a text take no part. The first error ends the stream and is what awaiting raises.

    Args:
        messages: the messages to join.
        delimiter: what stands between two texts.
        message_class: the class of the result.
        start_asap: as for every promise.

    Raises:
        TypeError: the class has required fields besides the text.
        NoActiveContextError: there is no active context.

    >>> async def main() -> None:
    ...     async with PromisingContext():
    ...         print(repr(await join_messages(["Hello", "world"], ", ")))
    >>> asyncio.run(main())
    Message(text='Hello, world')
    """
    check_fields("join_messages", message_class)
    sequence = _sequence_of(messages)

    async def tokens() -> AsyncIterator[str]:
        separator = ""
        async for promise in sequence:
            first = True
            async for token in promise:
                if not token:
                    continue
                if first and separator:
                    yield separator
                first = False
                yield token
            await promise  # an error may be in the whole alone
            if not first:
                separator = delimiter

    async def whole(pieces: AsyncIterable[str]) -> Message:
        return message_class(text="".join([token async for token in pieces]))

    return MessagePromise(tokens, whole, message_class=message_class, start_asap=start_asap, name="join_messages")


@overload
def split_messages(
    messages: MessageType[Message],
    delimiter: str = ...,
    *,
    code_fence: str | None = ...,
    start_asap: bool | Default = ...,
) -> MessageSequencePromise[Message]: ...
@overload
def split_messages(
    messages: MessageType[Message],
    delimiter: str = ...,
    *,
    code_fence: str | None = ...,
    message_class: type[M],
    start_asap: bool | Default = ...,
) -> MessageSequencePromise[M]: ...
def split_messages(
    messages: MessageType[Message],
    delimiter: str = "\n\n",
    *,
    code_fence: str | None = "```",
    message_class: type[Message] = Message,
    start_asap: bool | Default = DEFAULT,
) -> MessageSequencePromise[Message]:
    r"""A message for each part of a text between delimiters; a part goes out while it is still arriving.

    The parts are those of `str.split`, without the empty ones, but no delimiter counts inside a block of code, from a
    line that begins with the fence to the next such line. Each message is split for itself. An error stays at its
    place: in the part that was arriving when it happened.

    Args:
        messages: the messages to split.
        delimiter: what stands between two parts.
        code_fence: what begins the first and the last line of a block of code; None: code is text like any other.
        message_class: the class of the parts.
        start_asap: as for every promise.

    Raises:
        ValueError: the delimiter or the fence is empty.
        TypeError: the class has required fields besides the text.
        NoActiveContextError: there is no active context.

    >>> async def main() -> None:
    ...     async with PromisingContext():
    ...         parts = split_messages("one\n\n```\ntwo\n\nthree\n```\n\nfour")
    ...         print([part.text for part in await parts])
    >>> asyncio.run(main())
    ['one', '```\ntwo\n\nthree\n```', 'four']
    """
    if not delimiter or code_fence == "":
        raise ValueError("split_messages: the delimiter and the code fence cannot be empty")
    check_fields("split_messages", message_class)
    source = _sequence_of(messages)
    parts = MessageSequence[Message](name="split_messages", message_classes=(message_class,))

    async def split() -> None:
        async for promise in source._outcomes():
            if isinstance(promise, Failure):
                parts.put(_passed_on(promise))
            else:
                await _split_one(promise, Splitter(delimiter, code_fence), parts, message_class)

    eager = PromisingContext.current().start_asap if start_asap is DEFAULT else start_asap
    parts.produce(split, start_asap=eager)
    return parts.promise


async def _split_one(
    promise: MessagePromise[Message],
    splitter: Splitter,
    parts: MessageSequence[Message],
    message_class: type[Message],
) -> None:
    part: StreamAppender[str] | None = None
    failed = False
    try:
        async for token in promise._outcomes():
            if isinstance(token, Failure):
                failed = True
                # what was kept back as the beginning of a delimiter came before the error
                part = _write(splitter.finish(), part, parts, message_class)
                _fail(_passed_on(token), part, parts)
            else:
                part = _write(splitter.feed(token), part, parts, message_class)
        part = _write(splitter.finish(), part, parts, message_class)
        failure = None if failed else await promise.settled()  # an error may be in the whole alone
        if failure is not None:
            _fail(_passed_on(failure), part, parts)
    except BaseException as error:
        if part is not None:
            _fail(error, part, parts)
        raise
    finally:
        if part is not None:
            part.close()


def _fail(error: BaseException, part: StreamAppender[str] | None, parts: MessageSequence[Message]) -> None:
    if part is None:
        parts.put(error)
    elif not part.closed:
        part.fail(error)


def _passed_on(failure: Failure) -> BaseException:
    """The error, which is the parts' to deliver from here on."""
    failure.seen = True
    return failure.error


def _write(
    pieces: Iterator[str | None],
    part: StreamAppender[str] | None,
    parts: MessageSequence[Message],
    message_class: type[Message],
) -> StreamAppender[str] | None:
    for piece in pieces:
        if piece is None:
            if part is not None:
                part.close()
            part = None
            continue
        if part is None:
            part = StreamAppender[str](name="split_messages")
            parts.put(stream_message(message_class, part))
        if not part.closed:  # it is, where somebody has cancelled this part
            part.append(piece)
    return part


def _sequence_of(messages: MessageType[Message]) -> MessageSequencePromise[Message]:
    if isinstance(messages, MessageSequencePromise):
        return messages
    sequence = MessageSequence[Message]()
    sequence.put(messages)
    sequence.close()
    return sequence.promise


class Splitter:
    """Finds the delimiters in a text that comes in pieces, wherever the pieces are cut."""

    def __init__(self, delimiter: str, code_fence: str | None) -> None:
        self._delimiter: Final = delimiter
        self._code_fence: Final = code_fence
        self._pending = ""
        self._in_code = False
        self._at_line_start = True

    def feed(self, text: str) -> Iterator[str | None]:
        """The text that can be told from a delimiter by now, and None for each delimiter."""
        self._pending += text
        return self._scan(final=False)

    def finish(self) -> Iterator[str | None]:
        """The rest."""
        return self._scan(final=True)

    def _scan(self, *, final: bool) -> Iterator[str | None]:
        text, delimiter, fence = self._pending, self._delimiter, self._code_fence
        begin = place = 0
        while place < len(text):
            if fence is not None and self._at_line_start:
                if text.startswith(fence, place):
                    self._in_code = not self._in_code
                    self._at_line_start = False
                    place += len(fence)
                    continue
                if not final and fence.startswith(text[place:]):
                    break  # the beginning of a fence, perhaps
            if not self._in_code:
                if text.startswith(delimiter, place):
                    if place > begin:
                        yield text[begin:place]
                    yield None
                    self._at_line_start = delimiter.endswith("\n")
                    begin = place = place + len(delimiter)
                    continue
                if not final and delimiter.startswith(text[place:]):
                    break  # the beginning of a delimiter, perhaps
            self._at_line_start = text[place] == "\n"
            place = self._next_of_interest(text, place + 1)
        if place > begin:
            yield text[begin:place]
        self._pending = text[place:]

    def _next_of_interest(self, text: str, place: int) -> int:
        """Where the next line, delimiter or fence can begin."""
        if self._at_line_start:
            return place
        line_end = text.find("\n", place)
        line_end = len(text) if line_end < 0 else line_end
        delimiter = -1 if self._in_code else text.find(self._delimiter[0], place, line_end)
        return line_end if delimiter < 0 else delimiter
