"""The promise of a message that is made of a stream of tokens."""

from __future__ import annotations

from collections.abc import AsyncIterable
from typing import TYPE_CHECKING, Any, Concatenate, Protocol, TypeAlias, TypeGuard

from typing_extensions import ParamSpec, TypeVar

from miniagents.messages._generated import Message, StreamEvent
from miniagents.messages.promised.message_promise import MessagePromise, message_over
from miniagents.messages.promised.tokens import bound_here, check_arguments, text_of
from miniagents.promising.appender import StreamAppender
from miniagents.promising.core.current import active_context
from miniagents.promising.core.pieces import PieceBuffer
from miniagents.promising.core.presenting import name_of
from miniagents.promising.stream import StreamedPromise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["stream_message"]

M = TypeVar("M", bound=Message)
P = ParamSpec("P")
T_co = TypeVar("T_co", covariant=True)


if TYPE_CHECKING:

    class _List(Protocol[T_co]):
        """A list or any other mutable sequence of tokens, which a string is not."""

        def __iter__(self) -> Iterator[T_co]: ...

        def reverse(self) -> None: ...

    _Token: TypeAlias = str | StreamEvent
    _Tokens: TypeAlias = AsyncIterable[_Token] | Iterator[_Token] | tuple[_Token, ...] | _List[_Token]


def stream_message(
    cls: Callable[Concatenate[str | None, P], M],
    tokens: _Tokens,
    /,
    *args: P.args,
    **known_beforehand: P.kwargs,
) -> MessagePromise[M]:
    """Make the promise of a message whose text arrives token by token.

    In the work of an agent that was given a bound (`max_ahead`), the tokens of an async generator are read at most so
    far ahead of the furthest reader of the message.

    Args:
        cls: The class of the message.
        tokens: The tokens, and events that are no text: an async generator, a `StreamAppender`, a `StreamedPromise`.
            Of a list, a tuple or an iterator, all tokens are taken at once.
        args: Further positional arguments of the class.
        known_beforehand: The other fields of the message, which can be read from `promise.known` at once.

    Raises:
        TypeError: The tokens are nothing of these, or the fields are not those of the class.
        NoActiveContextError: No context is active, and not all tokens are there.

    >>> async def tokens() -> AsyncIterator[str]:
    ...     yield "Hel"
    ...     yield "lo"
    >>> async def main() -> None:
    ...     async with PromisingContext():
    ...         promise = stream_message(AssistantMessage, tokens(), model="some-model")
    ...         print(promise.known["model"], [token async for token in promise], repr(await promise))
    >>> asyncio.run(main())
    some-model ['Hel', 'lo'] AssistantMessage(text='Hello', model='some-model')
    """

    def whole(pieces: Iterable[Any]) -> M:  # Any: the types of a streamer are not checked at run time
        return cls(text_of(pieces, name, buffer.name), *args, **known_beforehand)

    check_arguments(cls, tokens, args, known_beforehand)
    name = getattr(cls, "__name__", "message")
    shared = shared_buffer(tokens)  # the same list of pieces: nothing is copied
    buffer: PieceBuffer[Any]  # Any: tokens and events; for the base class the buffer holds tokens alone
    if not isinstance(tokens, AsyncIterable):
        ready: PieceBuffer[Any] = PieceBuffer(active_context.get(), name)  # Any: as above
        ready.fill(tokens)
        buffer = shared = ready
    elif shared is None:
        buffer = PieceBuffer(
            active_context.get(), name_of(tokens), streamer=lambda: aiter(tokens), max_ahead=bound_here()
        )
    else:
        buffer = shared
    promise = message_over(buffer, whole, cls if isinstance(cls, type) else None, known_beforehand)
    if shared is not None and _is_stream(tokens):
        promise._holder = tokens._held_by()
    promise._name = name
    if buffer._context is not None:
        buffer._context.notify_resolved(promise)
    if shared is None and buffer.context.start_asap:
        buffer.start()
    return promise


def shared_buffer(stream: object) -> PieceBuffer[Any] | None:  # Any: its pieces may be of any type
    """Return the buffer of a stream that keeps its pieces; None for other iterables."""
    if _is_appender(stream):
        return stream._buffer
    if _is_stream(stream) and not isinstance(stream, MessagePromise):
        return stream._buffer
    return None


def _is_appender(stream: object) -> TypeGuard[StreamAppender[object]]:
    return isinstance(stream, StreamAppender)


def _is_stream(stream: object) -> TypeGuard[StreamedPromise[object, object]]:
    return isinstance(stream, StreamedPromise)
