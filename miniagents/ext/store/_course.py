"""`Course`: how far the replies of a call of a durable run have come, told by their frames."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import msgspec

from miniagents.ext.store.errors import StoreError
from miniagents.messages import Message
from miniagents.promising import ContextStateError, PromiseCancelledError
from miniagents.promising.core.access import buffer_of, failure_of
from miniagents.promising.core.failure import Failure

if TYPE_CHECKING:
    from miniagents.messages import MessageSequencePromise

__all__ = ["Course"]

_TURNS: Final = 3
"""How many turns of the loop an agent has to end behind a message, for both to be committed together."""
_STOPS: Final = (PromiseCancelledError, ContextStateError, StoreError)
"""Errors that say that something was stopped: a call that has them has not come to its own end."""


class _ErrorHead(msgspec.Struct):
    type: str


class _FrameHead(msgspec.Struct):
    """As much of a frame as is looked at here."""

    frame: str
    error: _ErrorHead | None = None
    message: msgspec.Raw = msgspec.Raw()


_head: Final = msgspec.json.Decoder(_FrameHead)


class Course:
    """How far the replies of a call have come.

    Args:
        replies: The replies.
        has_one: Whether there is one message, behind which nothing comes.

    Attributes:
        error: Whether there was an error.
        errors: The names of the classes of the errors.
    """

    def __init__(self, replies: MessageSequencePromise[Message], *, has_one: bool) -> None:
        self._replies = replies
        self._has_one = has_one
        self._is_ending = False
        self._has_news = False  # a message or an error that callers may build upon
        self.error = False
        self.errors: set[str] = set()

    def take(self, line: bytes) -> msgspec.Raw | None:
        """Look at a frame; return the message that is complete with it."""
        head = _head.decode(line)
        if head.frame in ("whole", "broken", "failed"):
            self._has_news = True
        self._is_ending = self._is_ending or head.frame == "end"
        if head.frame in ("broken", "failed"):
            self.error = True
        if head.error is not None:
            self.errors.add(head.error.type)
        return head.message if head.frame == "whole" else None

    async def is_ending(self) -> bool:
        """Return whether only the end is to come: then it is shown together with what is before it."""
        if self._has_news and not self._is_ending:
            self._has_news = False
            self._is_ending = self._has_one
            for _ in range(_TURNS):
                if self._is_ending or self._is_complete():
                    self._is_ending = True
                    break
                await asyncio.sleep(0)
        return self._is_ending

    def stop(self) -> BaseException | None:
        """Return the error that says that the call was stopped before its own end; None if it has come to that."""
        if self.errors:
            buffer: Any = buffer_of(self._replies)  # Any: of messages, promises and failures
            for piece in buffer.pieces:
                if isinstance(piece, Message):
                    continue
                failure: Failure | None = piece if isinstance(piece, Failure) else failure_of(piece)
                if failure is not None and (
                    isinstance(failure.error, _STOPS) or not isinstance(failure.error, Exception)
                ):
                    return failure.error
        return None

    def _is_complete(self) -> bool:
        buffer: Any = buffer_of(self._replies)  # Any: of messages, promises and failures
        return buffer.ended and all(isinstance(piece, Message | Failure) or piece.done() for piece in buffer.pieces)
