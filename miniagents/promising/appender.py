"""The writing end of a stream, if you push pieces instead of generating them.

Any thread may append. Asking for each piece which thread this is would double the cost of appending it, so pieces go
straight into the list of the buffer, and only waking readers is left to the thread of the loop. That loses nothing:

- CPython switches threads behind calls and at jumps backwards only. So nothing ends the stream between the look at
  `ended` and the append behind it.
- A reader that is about to wait first leaves its future in `_wakeup`, and then looks at the pieces once more. A thread
  first appends and then looks at `_wakeup`. So one of the two sees the other.
"""

from __future__ import annotations

import asyncio
import contextlib
from threading import get_ident
from typing import TYPE_CHECKING, ClassVar, Generic, Self

from typing_extensions import TypeVar

from miniagents.promising.core.arguments import check_bound
from miniagents.promising.core.current import active_context
from miniagents.promising.core.failure import Failure
from miniagents.promising.core.pieces import OutcomeIterator, PieceBuffer, Replayed, take_turn
from miniagents.promising.core.places import hand_over
from miniagents.promising.errors import (
    AppenderAbandonedError,
    AppenderClosedError,
    ContextStateError,
    PromiseCancelledError,
)
from miniagents.promising.stream import Stream, stream_over

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable
    from types import TracebackType


__all__ = ["StreamAppender"]

P = TypeVar("P")


class StreamAppender(Replayed[P], Generic[P]):
    """The writing end of a stream that any number of readers read: `appender.promise`, or the appender itself.

    As a context manager it closes the stream at the end of the block. If the block raises, the error becomes the last
    piece of the stream, and is raised to the caller too. An appender that is dropped without being closed ends its
    stream with an `AppenderAbandonedError`.

    Args:
        name: The name of the stream in errors and logs.
        max_ahead: How many pieces `drain` lets the appender be ahead of the furthest reader; None for no bound.

    Raises:
        NoActiveContextError: No context is active.
        ValueError: `max_ahead` is less than one.

    >>> async def main() -> None:
    ...     async with PromisingContext():
    ...         with StreamAppender[str]() as appender:
    ...             appender.append("Hel")
    ...             appender.append("lo")
    ...         print("".join(await appender.promise))
    >>> asyncio.run(main())
    Hello
    """

    _writes: ClassVar[bool] = True  # for the watch: whoever has this can add to the stream

    def __init__(self, *, name: str = "StreamAppender", max_ahead: int | None = None) -> None:
        check_bound(max_ahead)
        self._buffer: PieceBuffer[P] = PieceBuffer(active_context.get(), name, max_ahead=max_ahead)
        self._buffer.context.register_writing_end(self._buffer)
        self._buffer.adopt()
        self._loop = asyncio.get_running_loop()
        self._thread = get_ident()

    @property
    def promise(self) -> Stream[P]:
        """The stream that is appended to."""
        return stream_over(self._buffer)

    @property
    def closed(self) -> bool:
        """Whether the stream has ended."""
        return self._buffer.ended

    def append(self, piece: P) -> None:
        """Add a piece to the stream; its readers see it at the next turn of the loop, which begins at once.

        Any thread may call this and the other methods that are not async.

        Raises:
            AppenderClosedError: The stream has ended.
            PromiseCancelledError: The stream was cancelled.
        """
        buffer = self._buffer
        if buffer.ended:
            self._refuse("append")
        buffer.pieces.append(piece)  # as `emit` does: calling it would be a third of the cost
        if buffer._wakeup is not None:
            if get_ident() == self._thread:
                buffer.wake()
            else:
                self._hand_over(buffer.wake)

    def extend(self, pieces: Iterable[P]) -> None:
        """Add pieces to the stream.

        Raises:
            AppenderClosedError: The stream has ended.
            PromiseCancelledError: The stream was cancelled.
        """
        buffer = self._buffer
        pieces = tuple(pieces)
        if buffer.ended:
            self._refuse("extend")
        buffer.pieces.extend(pieces)
        self._in_loop(buffer.wake)

    def fail(self, error: BaseException) -> None:
        """Add an error to the stream, which is raised to its readers at this place; more pieces may follow.

        Raises:
            AppenderClosedError: The stream has ended.
            PromiseCancelledError: The stream was cancelled.
        """
        buffer = self._buffer
        if buffer.ended:
            self._refuse("fail")
        if get_ident() == self._thread:
            buffer.emit_failure(buffer.failure_of(error))
            return
        failure = Failure(error, buffer._origin(), buffer)
        buffer.failure = buffer.failure or failure
        buffer.pieces.append(failure)
        self._hand_over(buffer.context.remember, failure)
        self._hand_over(buffer.wake)

    async def drain(self) -> None:
        """Wait until the furthest reader is less than `max_ahead` pieces behind; at least one turn of the loop."""
        await take_turn()
        await self._buffer.room()

    def close(self) -> None:
        """End the stream; closing it again does nothing."""
        buffer = self._buffer
        if not buffer.ended:
            buffer.ended = True  # at once: this thread may append nothing more
            self._in_loop(buffer.has_ended)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._buffer.name!r} {self.promise._state()}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None and not self._buffer.ended:
            self.fail(error)
        self.close()

    def __aiter__(self) -> AsyncIterator[P]:
        return aiter(self.promise)

    def _outcomes(self) -> OutcomeIterator[P]:
        return self._buffer.outcomes()

    def __del__(self) -> None:
        buffer: PieceBuffer[P] | None = getattr(self, "_buffer", None)
        if buffer is None or buffer.ended or not hasattr(self, "_loop") or self._loop.is_closed():
            return
        error = AppenderAbandonedError(f"{buffer.name!r} was dropped before it was closed: use it in a `with` block")
        # the garbage collector may run in any thread
        self._loop.call_soon_threadsafe(buffer.give_up, error)

    def _in_loop(self, change: Callable[[], None]) -> None:
        if get_ident() == self._thread:
            change()
        else:
            self._hand_over(change)

    def _hand_over(self, change: Callable[..., None], *arguments: object) -> None:
        # a context that has ended needs no change: it has ended the stream, and all have been told of that
        with contextlib.suppress(ContextStateError):
            hand_over(self._buffer.context, change, *arguments)

    def _refuse(self, what: str) -> None:
        if self._buffer.was_cancelled():
            raise PromiseCancelledError(f"{self._buffer.name!r}: {what}() after the stream was cancelled")
        raise AppenderClosedError(f"{self._buffer.name!r}: {what}() after the stream has ended")
