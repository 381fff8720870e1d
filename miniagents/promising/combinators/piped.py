"""The base of all combinators of pieces."""

from __future__ import annotations

import asyncio
import contextlib
from operator import length_hint
from typing import TYPE_CHECKING, Final, Generic

from typing_extensions import TypeVar

from miniagents.promising.core.failure import Failure, ends_task, running_task
from miniagents.promising.core.pieces import OutcomeIterator, Replayed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from miniagents.promising.context import PromisingContext
    from miniagents.promising.core.pieces import AnyBuffer, PieceBuffer
    from miniagents.promising.stream import Stream

__all__ = ["END", "End", "Piped", "TimedOutcomes", "attempt"]

P_co = TypeVar("P_co", covariant=True)
Q = TypeVar("Q")
A = TypeVar("A")
W = TypeVar("W")


class End:
    """The type of the placeholder for a piece where there is none."""


END: Final = End()
"""The placeholder."""


class TimedOutcomes(OutcomeIterator[P_co]):
    """A reader of a buffer that looks at the clock; a wait for the next outcome loses none, however it ends."""

    __slots__ = ()

    def is_ready(self) -> bool:
        """Return whether the next outcome, or the end, can be read without waiting."""
        return length_hint(self._ready) > 0 or self._position < len(self._buffer.pieces) or self._buffer.ended

    async def ready_until(self, moment: float) -> bool:
        """Wait for the next outcome or the end, but not beyond a moment of the loop's clock.

        The watch does not look at this wait, which ends by itself.

        Returns:
            Whether there is one. One that is there counts, even after that moment.
        """
        buffer = self._buffer
        buffer.start()
        if buffer.bounded:
            buffer.reached(self._position + 1)
        while not self.is_ready():
            if await buffer._progress_until(moment, self.is_ready):
                return self.is_ready()
        return True

    async def ready_in_time(self, moment: float) -> bool:
        """Like `ready_until`, but for an outcome that is due by then: the watch finds a deadlock before that.

        Returns:
            Whether there is one.
        """
        if not self.is_ready():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(None if moment == float("inf") else moment):
                    self._arrive()
                    while not self.is_ready():
                        await self._buffer._progress(self.is_ready)
        return self.is_ready()

    def _all_there(self) -> bool:
        """Return whether the stream has ended."""
        return self._buffer.ended

    @property
    def name(self) -> str:
        """The name of the stream in errors."""
        return self._buffer.name


class Piped(Replayed[P_co], Generic[P_co]):
    """A stream that others can be made of.

    Combinators stand in base classes of `StreamedPromise`, one for each kind. These methods are all they know of it, so
    that they can be defined before it.
    """

    __slots__ = ()

    def _piped(
        self,
        pipe: Callable[[PieceBuffer[Q]], AsyncIterator[Q | Failure]],
        what: str,
        *others: object,
        max_ahead: int | None = None,
    ) -> Stream[Q]:
        """Make the stream of the pieces that an async generator yields; it is given the buffer they go into.

        Args:
            pipe: Makes the pieces out of this stream's.
            what: The name of the combinator.
            others: What else the stream is made of.
            max_ahead: A bound of its own, instead of that of the sources.
        """
        raise NotImplementedError

    def _reading(self) -> Callable[[], OutcomeIterator[P_co]]:
        """Return a function that begins to read from the first piece, failures as objects, and holds no promise.

        The frames of a combinator may be held by the traceback of an error that a given function has raised. They must
        not hold the source, which could not be let go then.
        """
        raise NotImplementedError

    def _worked(
        self, make: Callable[[PromisingContext | None, str], PieceBuffer[Q]], what: str, *others: object
    ) -> Stream[Q]:
        """Make the stream of the pieces that tasks put into a buffer, for what one async generator cannot do.

        Args:
            make: Makes the buffer, given its context and its name. Its work, which `set_work` gave it, is the first of
                the tasks, launches the others, and ends the buffer.
            what: The name of the combinator.
            others: What else the stream is made of.
        """
        raise NotImplementedError

    @staticmethod
    def _over(buffer: PieceBuffer[Q]) -> Stream[Q]:
        """Make the promise of a buffer's pieces."""
        raise NotImplementedError

    def _timed(self, out: AnyBuffer) -> TimedOutcomes[P_co]:
        """Read this against the clock, as a source of `out`, in whose work this is called."""
        raise NotImplementedError


def attempt(out: AnyBuffer, fn: Callable[[A], W], piece: A) -> W | Failure:
    """Call a function with a piece; return the failure that takes its place if the function raises."""
    try:
        return fn(piece)
    except BaseException as error:
        if ends_task(error, running_task()):
            raise
        return out.failure_of(error)
