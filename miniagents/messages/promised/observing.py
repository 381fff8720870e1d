"""Observing promises: reading them without being one of their readers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, overload

from typing_extensions import TypeVar

from miniagents.messages._generated import Message, StreamEvent
from miniagents.messages.promised.sequence_promise import MessageSequencePromise
from miniagents.promising.core.arguments import check_kind
from miniagents.promising.core.failure import Failure
from miniagents.promising.core.pieces import FAIR_SHARE, take_turn
from miniagents.promising.stream import StreamedPromise

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from miniagents.messages.promised.message_promise import MessagePromise

__all__ = ["Observed", "observe"]

M = TypeVar("M", bound=Message)
P = TypeVar("P")
W = TypeVar("W")
P_co = TypeVar("P_co", covariant=True)
W_co = TypeVar("W_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Observed(Generic[P_co, W_co]):
    """One thing that was observed of a promise: a piece, an error in the place of a piece, or the whole.

    Attributes:
        position: How many pieces and errors came before it.
        piece: The piece; None for an error and for the whole.
        error: The error in the place of a piece, or in the place of the whole.
        whole: What the promise resolved to; None for a piece.
        is_end: Whether this is the last thing: the whole, or the error in its place.
    """

    position: int
    piece: P_co | None = None
    error: BaseException | None = None
    whole: W_co | None = None
    is_end: bool = False


@overload
def observe(promise: MessageSequencePromise[M], /) -> AsyncIterator[Observed[MessagePromise[M], tuple[M, ...]]]: ...
@overload
def observe(promise: MessagePromise[M], /) -> AsyncIterator[Observed[str | StreamEvent, M]]: ...
@overload
def observe(promise: StreamedPromise[P, W], /) -> AsyncIterator[Observed[P, W]]: ...
async def observe(
    promise: StreamedPromise[Any, Any],  # Any: the overloads say of what
    /,
) -> AsyncIterator[Observed[Any, Any]]:  # Any: as above
    """Give what comes of a promise, from its first piece, without being one of its readers.

    An observer starts no lazy work, lets no bounded producer go on, and keeps nothing from being cancelled. The errors
    that it sees do not count as read, and nothing is raised. The pieces of a sequence are the promises of its messages;
    their class and their known fields can be looked at (`message_class`, `known`), and they can be observed in turn.
    The pieces of a message are its tokens and events.

    The last thing given is the whole, or the error in its place. It comes when the promise is complete, which a lazy
    one never is if nobody reads it. Observers that still wait at the end of their context are cancelled.

    Raises:
        TypeError: It is no promise of messages, of a message or of pieces. The first step raises it.

    >>> async def main() -> None:
    ...     async with MiniAgents():
    ...         async for seen in observe(scripted_agent(["Hel", "lo"]).inquire()):
    ...             print(seen.position, seen.piece, seen.whole)
    >>> asyncio.run(main())
    0 <MessagePromise 'Message' 2 tokens, ended> None
    1 None (Message(text='Hello'),)
    """
    check_kind("observe", promise, StreamedPromise, "no promise of messages, of a message or of pieces")
    whole: StreamedPromise[Any, Any] = promise  # Any: as above
    buffer = whole._buffer
    pieces: list[Any] = buffer.readable()  # Any: as above
    position = 0
    while True:
        while position < len(pieces):
            piece = pieces[position]
            if isinstance(piece, Failure):
                yield Observed(position=position, error=piece.error)
            else:
                yield Observed(position=position, piece=piece)
            position += 1
            if not position % FAIR_SHARE:
                await take_turn()
        if buffer.ended:
            break
        await buffer._progress()
    if isinstance(promise, MessageSequencePromise):
        for piece in tuple(pieces):
            if isinstance(piece, Failure):
                break
            await _until_done(piece)
            if piece._failure is not None:
                break
    await _until_done(whole)
    failure = whole._failure
    if failure is not None:
        yield Observed(position=position, error=failure.error, is_end=True)
    else:
        yield Observed(position=position, whole=whole._value, is_end=True)


async def _until_done(promise: StreamedPromise[Any, Any]) -> None:  # Any: nothing of it is looked at
    """Wait for the end of a promise whose pieces may have ended, without starting what is left to do."""
    while not promise.done():
        # a message's tokens end before the message is there
        await (promise if promise._buffer.ended else promise._buffer)._progress()
