"""When the pieces of replies came, seen from outside as `calls/progress.py` sees the first one."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

from miniagents.messages import Message
from miniagents.messages.promised.message_promise import MessagePromise, mixed_buffer
from miniagents.promising.core.access import buffer_of, failure_of
from miniagents.promising.core.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from miniagents.messages import MessageSequencePromise
    from miniagents.promising.core.pieces import AnyBuffer

__all__ = ["Pace"]


class Pace:
    """Notes when the tokens, events and messages of replies come; it is no reader of them.

    Attributes:
        times: When each of them came, by the clock.
    """

    __slots__ = ("_buffer", "_clock", "_position", "times")

    def __init__(self, replies: MessageSequencePromise[Message], clock: Callable[[], float]) -> None:
        self.times: array[float] = array("d")
        self._clock = clock
        self._buffer: AnyBuffer = buffer_of(replies)
        self._position = 0
        self._buffer.follow(self)
        self.woken()

    def woken(self) -> None:
        """Look at what has come; the buffer calls this, as it does for followers."""
        pieces: list[Any] = self._buffer.pieces  # Any: messages, promises and failures
        while self._position < len(pieces):
            piece = pieces[self._position]
            self._position += 1
            if type(piece) is Failure:
                continue
            if MessagePromise in type(piece).__mro__ and not piece.done():  # isinstance() asks an abstract base class
                _MessagePace(self, mixed_buffer(piece))
            elif isinstance(piece, Message) or failure_of(piece) is None:
                self.note(1)

    def note(self, count: int) -> None:
        """Note pieces that have come now."""
        now = self._clock()
        self.times.extend([now] * count)


class _MessagePace:
    """Follows the tokens and events of one message."""

    __slots__ = ("_buffer", "_pace", "_position")

    def __init__(self, pace: Pace, buffer: AnyBuffer) -> None:
        self._pace = pace
        self._buffer = buffer
        self._position = 0
        buffer.follow(self)
        self.woken()

    def woken(self) -> None:
        """Look at what has come."""
        count = len(self._buffer.pieces)
        if count > self._position:
            self._pace.note(count - self._position)
            self._position = count
