"""Joining messages to one, and splitting them at a delimiter, both while they are still arriving."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, TypeGuard, overload

from typing_extensions import TypeVar

from miniagents.messages._generated import Message
from miniagents.messages.promised.message_promise import MessagePromise
from miniagents.messages.promised.message_sequence import MessageSequence, MessageType
from miniagents.messages.promised.selecting import Using, bind
from miniagents.messages.promised.sequence_promise import MessageSequencePromise
from miniagents.messages.promised.streaming import stream_message
from miniagents.messages.promised.tokens import check_fields
from miniagents.promising.appender import StreamAppender
from miniagents.promising.context import PromisingContext
from miniagents.promising.core.access import outcomes, settled
from miniagents.promising.core.arguments import check_kind
from miniagents.promising.core.failure import Failure
from miniagents.promising.core.production import Production
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
    """Join the texts of messages to one message, with a delimiter between them, streamed as they arrive.

    Messages without a text are left out. The first error ends the stream, and awaiting raises it. Cancelling the result
    cancels the message that is arriving and the promises that were given, unless they are used elsewhere.

    Args:
        messages: The messages to join.
        delimiter: The text between two texts.
        message_class: The class of the result.
        start_asap: As for every promise; by default lazy if one of the messages is.

    Raises:
        TypeError: The class has required fields besides the text.
        NoActiveContextError: No context is active.

    >>> async def main() -> None:
    ...     async with PromisingContext():
    ...         print(repr(await join_messages(["Hello", "world"], ", ")))
    >>> asyncio.run(main())
    Message(text='Hello, world')
    """
    check_fields("join_messages", message_class)
    sequence, sources = _sequence_of(messages)

    async def tokens() -> AsyncIterator[str]:
        separator = ""
        async for promise in sequence:
            bind(buffer, promise)
            first = True
            with Using(buffer, promise):
                async for token in promise:
                    if not token:
                        continue
                    if first and separator:
                        yield separator
                    first = False
                    yield token
                await promise  # the message may fail although none of its tokens did
            if not first:
                separator = delimiter

    async def whole(pieces: AsyncIterable[str]) -> Message:
        return message_class(text="".join([token async for token in pieces]))

    joined = MessagePromise(
        tokens,
        whole,
        message_class=message_class,
        start_asap=False,
        max_ahead=_bound_of(sources),
        name="join_messages",
    )
    joined._made_of((sequence,))
    buffer = joined._buffer
    joined._start_if(_start_asap(start_asap, sources))
    return joined


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
    r"""Give a message for each part of a text between delimiters; a part goes out while it is still arriving.

    The parts are those of `str.split`, without the empty ones. A delimiter does not count inside a block of code, from
    a line that begins with the fence to the next such line. Each message is split by itself. An error stays at its
    place: in the part that was arriving when it happened. If the messages are bounded, at most as many parts as the
    bound are begun before they are read; a part that was begun comes in full. Cancelling the result cancels the message
    that is arriving and the promises that were given, unless they are used elsewhere.

    Args:
        messages: The messages to split.
        delimiter: The text between two parts.
        code_fence: The beginning of the first and the last line of a block of code; None: code is text like any other.
        message_class: The class of the parts.
        start_asap: As for every promise; by default lazy if one of the messages is.

    Raises:
        ValueError: The delimiter or the fence is empty.
        TypeError: The class has required fields besides the text.
        NoActiveContextError: No context is active.

    >>> async def main() -> None:
    ...     async with PromisingContext():
    ...         parts = split_messages("one\n\n```\ntwo\n\nthree\n```\n\nfour")
    ...         print([part.text for part in await parts])
    >>> asyncio.run(main())
    ['one', '```\ntwo\n\nthree\n```', 'four']
    """
    check_kind("split_messages: the delimiter", delimiter, str | None, "no text")
    check_kind("split_messages: the code fence", code_fence, str | None, "no text")
    if not delimiter or code_fence == "":
        raise ValueError("split_messages: the delimiter and the code fence cannot be empty")
    check_fields("split_messages", message_class)
    source, sources = _sequence_of(messages)
    parts = MessageSequence[Message](name="split_messages", message_classes=(message_class,), kept_open=False)
    promise_of_parts = parts.promise

    async def split() -> None:
        async for promise in outcomes(source):
            if isinstance(promise, Failure):
                await parts.production.room()
                parts.put(_passed_on(promise))
            else:
                with Using(parts.production, promise):
                    await _split_one(promise, Splitter(delimiter, code_fence), parts, message_class)

    bound = _bound_of(sources)
    if bound is not None:
        parts.production.bound(bound)
    promise_of_parts._made_of((source,))
    start_asap = _start_asap(start_asap, sources)
    parts.produce(split, start_asap=PromisingContext.current().start_asap if start_asap is DEFAULT else start_asap)
    return promise_of_parts


async def _split_one(
    promise: MessagePromise[Message],
    splitter: Splitter,
    parts: MessageSequence[Message],
    message_class: type[Message],
) -> None:
    part: StreamAppender[str] | None = None
    failed = False
    try:
        async for token in outcomes(promise):
            if isinstance(token, Failure):
                failed = True
                # text kept back as a possible beginning of a delimiter stands before the error
                part = await _write(splitter.finish(), part, parts, message_class)
                _fail(_passed_on(token), part, parts)
            else:
                part = await _write(splitter.feed(token), part, parts, message_class)
        part = await _write(splitter.finish(), part, parts, message_class)
        failure = None if failed else await settled(promise)  # as above
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
    """Return the error; the parts deliver it from here on."""
    failure.seen = True
    return failure.error


async def _write(
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
            await parts.production.room()  # here and not in `append`: a part that was begun comes in full
            part = StreamAppender[str](name="split_messages")
            parts.put(stream_message(message_class, part))
        if not part.closed:  # somebody may have cancelled this part
            part.append(piece)
    return part


def _sequence_of(messages: MessageType[Message]) -> tuple[MessageSequencePromise[Message], list[Production]]:
    """Return one sequence of all messages, and the promises among the arguments, which are cancelled with it."""
    if isinstance(messages, MessageSequencePromise):
        return messages, [messages]
    sequence = MessageSequence[Message]()
    promise = sequence.promise
    sequence.put(messages)
    sequence.close()
    sources: list[Production] = []
    items: list[object] = [messages]
    while items:
        item = items.pop()
        if isinstance(item, Production):
            sources.append(item)
        elif _has_items(item):
            items.extend(item)
    promise._made_of(sources)
    return promise, sources


def _has_items(item: object) -> TypeGuard[Sequence[object]]:
    return isinstance(item, Sequence) and not isinstance(item, str)


def _start_asap(start_asap: bool | Default, sources: list[Production]) -> bool | Default:
    """Return whether the result starts at once: that of a lazy source is lazy, unless asked for otherwise."""
    return False if start_asap is DEFAULT and any(source._is_lazy() for source in sources) else start_asap


def _bound_of(sources: list[Production]) -> int | None:
    return min((bound for source in sources if (bound := source._bound_to_readers()) is not None), default=None)


class Splitter:
    """A search for the delimiters in a text that comes in pieces, no matter where it is cut."""

    def __init__(self, delimiter: str, code_fence: str | None) -> None:
        self._delimiter: Final = delimiter
        self._code_fence: Final = code_fence
        self._pending = ""
        self._in_code = False
        self._at_line_start = True

    def feed(self, text: str) -> Iterator[str | None]:
        """Give the text that cannot belong to a delimiter any more, and None for each delimiter."""
        self._pending += text
        return self._scan(final=False)

    def finish(self) -> Iterator[str | None]:
        """Give the rest."""
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
        """Return the place where the next line, delimiter or fence can begin."""
        if self._at_line_start:
            return place
        line_end = text.find("\n", place)
        line_end = len(text) if line_end < 0 else line_end
        delimiter = -1 if self._in_code else text.find(self._delimiter[0], place, line_end)
        return line_end if delimiter < 0 else delimiter
