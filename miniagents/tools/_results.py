"""Turns the result of a tool into text, pictures and files for a model; results that arrive in pieces are streamed."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeAlias, TypeGuard

from typing_extensions import TypeIs

from miniagents.messages import (
    ContentPart,
    InnerEvent,
    Message,
    MessagePromise,
    MessageSequencePromise,
    TextDelta,
    ToolCallDelta,
    ToolProgress,
    ToolResultMessage,
    encode,
)
from miniagents.messages.values.freezing import is_list, is_tuple

if TYPE_CHECKING:
    import datetime as dt
    import decimal
    import enum
    import uuid
    from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping, Sequence, Set as AbstractSet

    import msgspec

    from miniagents.messages import StreamEvent

__all__ = ["ToolReturn", "pieces_of_result"]


class _Dataclass(Protocol):
    __dataclass_fields__: ClassVar[dict[str, Any]]  # Any: as typeshed has it


if TYPE_CHECKING:
    _Plain: TypeAlias = (
        bool
        | int
        | float
        | str
        | bytes
        | enum.Enum
        | dt.date
        | dt.time
        | dt.timedelta
        | uuid.UUID
        | decimal.Decimal
        | msgspec.Struct
        | _Dataclass
        | Mapping[str, object]
        | Sequence[object]
        | AbstractSet[object]
        | None
    )
    _Given: TypeAlias = _Plain | Awaitable[_Plain] | AsyncIterable[str | ToolProgress] | MessageSequencePromise[Message]
    ToolReturn: TypeAlias = _Given | Awaitable[_Given]
    """What a tool may return: a JSON-serialisable value, pictures and files, streamed text, or promises of messages."""
else:
    ToolReturn: TypeAlias = object


async def pieces_of_result(result: object) -> AsyncGenerator[str | StreamEvent | ContentPart]:
    """Yield the result of a tool as pieces of a message, and the pictures and files in it.

    Raises:
        TypeError: The result is not JSON-serialisable, or a stream yields something other than text.
        BaseException: The error of the result, if it is a promise or a stream.
    """
    while not _is_stream(result) and inspect.isawaitable(result):
        result = await result
    if _is_sequence(result):
        async for piece in _joined(result):
            yield piece
    elif _is_message(result):
        async for piece in _streamed(result):
            yield piece
    elif _is_stream(result):
        async with AsyncExitStack() as stack:
            if isinstance(result, AsyncGenerator):
                # Close it here: the garbage collector would close it later, outside of this task.
                stack.push_async_callback(result.aclose)
            async for token in result:
                if not isinstance(token, str | ToolProgress):
                    raise TypeError(
                        f"a tool that yields must yield text or ToolProgress, not {type(token).__qualname__}: "
                        f"{token!r:.200}"
                    )
                yield token
    elif isinstance(result, Message):
        yield str(result)
        for part in _content_of(result):
            yield part
    else:
        for text_or_part in _parts_of(result):
            yield text_or_part


def _is_sequence(result: object) -> TypeIs[MessageSequencePromise[Message]]:
    return isinstance(result, MessageSequencePromise)


def _is_message(result: object) -> TypeIs[MessagePromise[Message]]:
    return isinstance(result, MessagePromise)


def _is_stream(result: object) -> TypeIs[AsyncIterable[object]]:
    return isinstance(result, AsyncIterable)


def _parts_of(result: object) -> Iterator[str | ContentPart]:
    """Yield a result that is not a message: text and parts as they are, everything else as JSON."""
    if isinstance(result, str | ContentPart):
        yield result
    elif _has_parts(result):
        yield from result
    else:
        yield encode(result).decode()


def _has_parts(result: object) -> TypeGuard[Sequence[str | ContentPart]]:
    """Return whether a value is a list of parts and text with at least one part."""
    return (
        (is_list(result) or is_tuple(result))
        and any(isinstance(each, ContentPart) for each in result)
        and all(isinstance(each, str | ContentPart) for each in result)
    )


def _content_of(message: Message) -> Iterator[ContentPart]:
    content: object = getattr(message, "content", ())
    if is_tuple(content):
        yield from (each for each in content if isinstance(each, ContentPart))


async def _streamed(promise: MessagePromise[Message]) -> AsyncIterator[str | StreamEvent | ContentPart]:
    async for event in promise.events:
        if isinstance(event, TextDelta):
            yield event.text
        elif not isinstance(event, ToolCallDelta | InnerEvent):  # of calls made inside, no part of the result
            yield event
    for part in _content_of(await promise):  # raises an error that the events did not have
        yield part


async def _joined(messages: MessageSequencePromise[Message]) -> AsyncIterator[str | StreamEvent | ContentPart]:
    """Yield the texts of messages, with blank lines between them; results of an agent's own tools are left out."""
    separator = ""
    async for promise in messages:
        if issubclass(promise.message_class, ToolResultMessage):
            continue
        first = True
        async for piece in _streamed(promise):
            if isinstance(piece, str):
                if not piece:
                    continue
                if first and separator:
                    yield separator
                first = False
            yield piece
        if not first:
            separator = "\n\n"
