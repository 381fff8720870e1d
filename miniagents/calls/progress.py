"""When a call began, gave its first piece and ended, and how: seen from outside, without reading its replies.

| event                                        | then                                                        |
|----------------------------------------------|-------------------------------------------------------------|
| a message, token or event of the replies     | `first_piece` is set, unless it was before                  |
| an error among them                          | `error` is set, unless it was before                        |
| the replies end before the call has begun    | `unbegun` is called                                         |
| the sequence has ended and so have all of    | `ended` and `outcome` are set, the callbacks called         |
| its messages                                 |                                                             |
"""

from __future__ import annotations

import logging
import time
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from miniagents.messages import ErrorMessage, Message
from miniagents.messages.promised.message_promise import MessagePromise, mixed_buffer
from miniagents.messages.promised.sequence_promise import sequence_over
from miniagents.promising.core.access import failure_of, has_worker, value_of, when_woken
from miniagents.promising.core.failure import Failure
from miniagents.promising.errors import PromiseCancelledError
from miniagents.promising.promise import UNHELD

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from miniagents.messages import MessageSequencePromise, StreamEvent
    from miniagents.promising.core.pieces import AnyBuffer, PieceBuffer

__all__ = ["CallOutcome", "Progress", "clock_offset", "complete_in"]

CallOutcome: TypeAlias = Literal["done", "failed", "cancelled"]
"""How a call ended."""

_TOLD: Final = 100
"""How many errors are kept to find the one that an `ErrorMessage` stands for."""

logger: Final = logging.getLogger("miniagents")


class Progress:
    """What is known of the course of a call; it follows the buffer of the replies that the caller gets.

    Attributes:
        calls: How many calls the call has made.
        began: When the call began, in seconds since 1970; likewise the next two.
        first_piece: When the first part of the replies came.
        ended: When the replies were complete.
        error: The first error.
        outcome: How it ended.
        loop: The loop of the call.
        unbegun: Called if the replies end before the call has begun; None once it has.
        replayed: Whether the replies were kept from an earlier call.
        told: The last errors, of the call or of calls that it made, that an `ErrorMessage` stands for, by its text.
    """

    __slots__ = (
        "_buffer",
        "_callbacks",
        "_offset",
        "_open",
        "_position",
        "_replies",
        "began",
        "calls",
        "ended",
        "error",
        "first_piece",
        "loop",
        "outcome",
        "replayed",
        "told",
        "unbegun",
    )

    def __init__(self, buffer: AnyBuffer, loop: asyncio.AbstractEventLoop, offset: float) -> None:
        self._buffer = buffer
        self.loop: asyncio.AbstractEventLoop = loop
        self._offset = offset
        self._position = 0
        self._open = 0  # how many messages are still arriving
        self._callbacks: list[Callable[[], object]] | None = None
        self._replies: MessageSequencePromise[Message] | None = None
        self.calls: int = 0
        self.began: float | None = None
        self.first_piece: float | None = None
        self.ended: float | None = None
        self.error: BaseException | None = None
        self.outcome: CallOutcome | None = None
        self.replayed: bool = False
        self.told: dict[str, BaseException] | None = None
        self.unbegun: Callable[[], object] | None = None
        buffer.follow(self)

    def replies(self) -> MessageSequencePromise[Message]:
        """Return the promise of the replies, always the same; most handlers do not look at it."""
        if self._replies is None:
            self._replies = sequence_over(self._buffer, UNHELD)
        return self._replies

    def now(self) -> float:
        """Return the seconds since 1970, by the clock of the call's times."""
        return self.loop.time() + self._offset

    def begin(self) -> None:
        """Note that the call begins."""
        self.unbegun = None
        self.began = self.loop.time() + self._offset

    def failed(self, error: BaseException) -> None:
        """Note an error among the replies."""
        if self.error is None:
            self.error = error

    def tell(self, text: str, error: BaseException) -> None:
        """Note the text of the `ErrorMessage` that stands for an error, which the replies may hold."""
        if self.told is None:
            self.told = {}
        self.told[text] = error
        if len(self.told) > _TOLD:  # an agent may make calls for ever
            del self.told[next(iter(self.told))]

    def when_ended(self, callback: Callable[[], object]) -> None:
        """Have a function called at the end, or now."""
        if self.outcome is not None:
            _call(callback)
        elif self._callbacks is None:
            self._callbacks = [callback]
        else:
            self._callbacks.append(callback)

    def complete_replies(self) -> tuple[Message, ...]:
        """Return the messages that are there by now."""
        return complete_in(self._buffer)

    def woken(self) -> None:
        """Look at what has come; the buffer calls this, as it does for followers."""
        pieces: list[Any] = self._buffer.pieces  # Any: messages, promises and failures
        while self._position < len(pieces):
            piece = pieces[self._position]
            self._position += 1
            if isinstance(piece, Message):
                if self.first_piece is None:
                    self.first_piece = self.loop.time() + self._offset
            elif type(piece) is Failure:
                self.failed(piece.error)
            elif piece.done():
                self.has_piece()
                failure = failure_of(piece)
                if failure is not None:
                    self.failed(failure.error)
            else:
                self._open += 1
                _MessageProgress(self, piece).follow()
        if self._buffer.ended:
            unbegun = self.unbegun
            self.end_if_complete()
            if unbegun is not None:
                self.unbegun = None
                unbegun()

    def has_piece(self) -> None:
        """Note that a part of the replies has come."""
        if self.first_piece is None:
            self.first_piece = self.loop.time() + self._offset

    def message_ended(self, failure: Failure | None) -> None:
        """Note that a message of the replies is complete."""
        self._open -= 1
        if failure is not None:
            self.failed(failure.error)
        self.end_if_complete()

    def end_if_complete(self) -> None:
        """Note the end, if all has come."""
        if self._open or not self._buffer.ended or self._position < len(self._buffer.pieces) or self.outcome:
            return
        self.ended = self.loop.time() + self._offset
        if self.told:
            for reply in self.complete_replies():
                if isinstance(reply, ErrorMessage) and reply.text in self.told:
                    self.failed(self.told[reply.text])
            self.told = None
        error = self.error
        if error is None:
            self.outcome = "done"
        else:
            self.outcome = "cancelled" if isinstance(error, PromiseCancelledError) else "failed"
        callbacks, self._callbacks = self._callbacks, None
        for callback in callbacks or ():
            _call(callback)


class _MessageProgress:
    """Follows one message of the replies."""

    __slots__ = ("_buffer", "_has_ended", "_message", "_progress")

    def __init__(
        self,
        progress: Progress,
        message: MessagePromise[Any],  # Any: of any class
    ) -> None:
        self._progress = progress
        self._message = message
        self._buffer: PieceBuffer[str | StreamEvent] = mixed_buffer(message)
        self._has_ended = False

    def follow(self) -> None:
        self._buffer.follow(self)
        self.woken()

    def woken(self) -> None:
        buffer = self._buffer
        if buffer.pieces and not isinstance(buffer.pieces[0], Failure):
            self._progress.has_piece()
        if buffer.ended and not self._has_ended:
            self._has_ended = True
            # the work that makes the message of the tokens starts right behind this
            self._progress.loop.call_soon(self._look_at_whole)

    def _look_at_whole(self) -> None:
        message = self._message
        if not message.done() and has_worker(message):
            when_woken(message, self._look_at_whole)
            return
        failure = failure_of(message) or self._buffer.failure
        if failure is None:
            self._progress.has_piece()
        self._progress.message_ended(failure)


def complete_in(buffer: AnyBuffer) -> tuple[Message, ...]:
    """Return the messages of a sequence that are complete by now."""
    pieces: list[Any] = buffer.pieces  # Any: messages, promises and failures
    complete: list[Message] = []
    for piece in pieces:
        if isinstance(piece, Message):
            complete.append(piece)
        elif type(piece) is not Failure and piece.done() and failure_of(piece) is None:
            complete.append(value_of(piece))
    return tuple(complete)


def _call(callback: Callable[[], object]) -> None:
    try:
        returned = callback()
        if type(returned) is CoroutineType:  # seen here, where it costs nothing
            returned.close()
            raise TypeError(f"when_ended: {returned.__qualname__} is async; give a plain function")  # noqa: TRY301 - it is logged
    except Exception:
        logger.exception("a function for the end of a call failed")


def clock_offset(loop: asyncio.AbstractEventLoop) -> float:
    """Return what to add to the clock of a loop to get seconds since 1970."""
    return time.time() - loop.time()
