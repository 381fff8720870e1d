"""What all combinators of pieces stand on."""

from __future__ import annotations

import asyncio
import contextlib
from operator import length_hint
from typing import TYPE_CHECKING, Any, Generic

from typing_extensions import TypeVar

from miniagents.promising.core.failure import Failure, ends_task, running_task
from miniagents.promising.core.pieces import OutcomeIterator, Replayed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from miniagents.promising.context import PromisingContext
    from miniagents.promising.core.pieces import PieceBuffer
    from miniagents.promising.stream import Stream

__all__ = ["Piped", "TimedOutcomes", "attempt"]

P_co = TypeVar("P_co", covariant=True)
Q = TypeVar("Q")
A = TypeVar("A")
W = TypeVar("W")


class TimedOutcomes(OutcomeIterator[P_co]):
    """Reads a buffer with an eye on the clock; waiting for the next outcome loses none, however the wait ends."""

    __slots__ = ()

    def is_ready(self) -> bool:
        """Whether there is a next outcome, or the end, so that reading it waits for nothing."""
        return length_hint(self._ready) > 0 or self._position < len(self._buffer.pieces) or self._buffer.ended

    async def ready_until(self, moment: float) -> bool:
        """Waits for the next outcome or the end, but no longer than until a moment of the loop's clock.

        Returns:
            Whether there is one. One that is there is there, even after that moment.
        """
        buffer = self._buffer
        buffer.start()
        if buffer.bounded:
            buffer.reached(self._position + 1)
        while not self.is_ready():
            if await buffer._progress_until(moment):
                return self.is_ready()
        return True

    async def ready_in_time(self, moment: float) -> bool:
        """Waits likewise for something that is to be there by then, so that a deadlock is one without waiting for that.

        Returns:
            Whether there is one.
        """
        if not self.is_ready():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(None if moment == float("inf") else moment):
                    self._arrive()
                    while not self.is_ready():
                        await self._buffer._progress()
        return self.is_ready()

    def _all_there(self) -> bool:
        """Whether no more will come than what is there."""
        return self._buffer.ended

    @property
    def name(self) -> str:
        """What errors call the stream."""
        return self._buffer.name


class Piped(Replayed[P_co], Generic[P_co]):
    """A stream that others can be made of."""

    __slots__ = ()

    def _piped(
        self,
        pipe: Callable[[PieceBuffer[Q]], AsyncIterator[Q | Failure]],
        what: str,
        *others: object,
        max_ahead: int | None = None,
    ) -> Stream[Q]:
        """The stream of what an async generator yields that is given the buffer it yields into.

        Args:
            pipe: makes the pieces of this stream's.
            what: the name of the combinator.
            others: what else the stream is made of.
            max_ahead: a bound of its own, instead of that of the sources.
        """
        raise NotImplementedError

    def _worked(self, make: Callable[[PromisingContext | None, str], PieceBuffer[Q]], what: str) -> Stream[Q]:
        """The stream of what tasks put into a buffer, for what one async generator cannot do.

        Args:
            make: makes the buffer, which is given its context and its name; its `starter` is the first of the tasks,
                launches the others, and has the buffer end.
            what: the name of the combinator.
        """
        raise NotImplementedError

    @staticmethod
    def _over(buffer: PieceBuffer[Q]) -> Stream[Q]:
        """The promise of a buffer's pieces."""
        raise NotImplementedError

    def _timed(self, out: PieceBuffer[Any]) -> TimedOutcomes[P_co]:  # Any: `out` is not read
        """Reads this as a source of `out`, in whose work it is called, with an eye on the clock."""
        raise NotImplementedError


def attempt(out: PieceBuffer[Any], fn: Callable[[A], W], piece: A) -> W | Failure:  # Any: `out` is not read
    """What a function makes of a piece, or the failure that takes its place."""
    try:
        return fn(piece)
    except BaseException as error:
        if ends_task(error, running_task()):
            raise
        return out.failure_of(error)
