"""An error as a piece of a stream: where it came from, whether anybody has seen it, and how it is raised."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final, NoReturn

from miniagents.promising._current import producing
from miniagents.promising.errors import PromiseCancelledError

if TYPE_CHECKING:
    from miniagents.promising._production import Production

__all__ = ["Failure", "mark_as_read"]

logger = logging.getLogger("miniagents")

_READERS: Final = "__miniagents_readers__"
"""Where an exception keeps the ids of the productions whose code has seen it; that of None stands for other code."""


class Failure:
    """An error that happened in a promise.

    One that nobody has seen is logged once: when the last promise that holds it is dropped, or when the context ends.
    The same exception object may travel through many promises, each with a failure of its own: a promise that reads it
    and fails with it owes it to its own readers, and one reader at any of them is enough.

    Args:
        error: the exception.
        origin: where it happened, in words.
        raised_by: the production that it happened in.
    """

    __slots__ = ("__weakref__", "_context", "_traceback", "error", "origin", "seen")

    def __init__(self, error: BaseException, origin: str, raised_by: Production | None = None) -> None:
        if isinstance(error, StopIteration | StopAsyncIteration):
            # raised to a reader, either would end the reader's loop as if the stream were complete
            disguised = RuntimeError(f"{origin} raised {type(error).__name__}")
            disguised.__cause__ = error
            error = disguised
        elif isinstance(error, asyncio.CancelledError):
            # a reader of a cancelled promise is not itself cancelled
            cancelled = PromiseCancelledError(f"{origin} was cancelled")
            cancelled.__cause__ = error
            error = cancelled
        readers: set[int] = error.__dict__.setdefault(_READERS, set())
        if id(raised_by) in readers:
            readers.discard(id(raised_by))
        else:
            readers.clear()  # it was not read there but raised anew
        self.error: BaseException = error
        self.origin: str = origin
        # a cancellation was somebody's wish and is nobody's loss
        self.seen: bool = isinstance(error, PromiseCancelledError)
        self._traceback = error.__traceback__
        self._context = error.__context__

    def reraise(self) -> NoReturn:
        """Raises the error to one more reader, with the traceback it had at first.

        Raising an exception adds to its traceback and sets its context: without resetting both, an error that is read
        a thousand times would carry a thousand readers' frames.
        """
        error = self.error
        self.seen = True
        mark_as_read(error)
        try:
            raise error.with_traceback(self._traceback)
        finally:
            error.__context__ = self._context
            del error

    def handed_over(self) -> Failure:
        """The same failure for a stream that takes the pieces of another one, and that now owes it to its readers."""
        failure: Failure = object.__new__(Failure)
        failure.error = self.error
        failure.origin = self.origin
        failure.seen, self.seen = self.seen, True
        failure._traceback = self._traceback
        failure._context = self._context
        return failure

    def log_unseen(self) -> None:
        """Logs the error unless somebody has seen it."""
        if not self.seen and not self.error.__dict__[_READERS]:
            mark_as_read(self.error)
            logger.error("an error that nobody has read, in %s", self.origin, exc_info=self.error)

    def __del__(self) -> None:
        if hasattr(self, "seen"):  # it is not there when __init__ itself failed
            self.log_unseen()


def mark_as_read(error: BaseException) -> None:
    """Notes that the code that runs here knows of the error: nobody needs to be told by the log."""
    error.__dict__.setdefault(_READERS, set()).add(id(producing.get()))
