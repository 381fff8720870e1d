"""An error as a piece of a stream: where it came from, whether anybody has seen it, and how it is raised."""

from __future__ import annotations

import asyncio
import logging
from typing import Final, NoReturn

from miniagents.promising.errors import PromiseCancelledError

__all__ = ["Failure"]

logger = logging.getLogger("miniagents")

_DELIVERED: Final = "__miniagents_delivered__"


class Failure:
    """An error that happened in a promise.

    One that nobody has seen is logged once: when the last promise that holds it is dropped, or when the context ends.
    The same exception object may travel through many promises, each with a failure of its own: whoever takes it further
    owes it to the next reader, and one reader at any of them is enough.
    """

    __slots__ = ("__weakref__", "_context", "_traceback", "error", "origin", "seen")

    def __init__(self, error: BaseException, origin: str) -> None:
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
        error.__dict__.pop(_DELIVERED, None)
        self.error: Final = error
        self.origin: Final = origin
        # a cancellation was somebody's wish and is nobody's loss
        self.seen = isinstance(error, PromiseCancelledError)
        self._traceback = error.__traceback__
        self._context = error.__context__

    def reraise(self) -> NoReturn:
        """Raises the error to one more reader, with the traceback it had at first.

        Raising an exception adds to its traceback and sets its context: without resetting both, an error that is read
        a thousand times would carry a thousand readers' frames.
        """
        error = self.error
        self.seen = error.__dict__[_DELIVERED] = True
        try:
            raise error.with_traceback(self._traceback)
        finally:
            error.__context__ = self._context
            del error

    def log_unseen(self) -> None:
        """Logs the error unless somebody has seen it."""
        if not self.seen and _DELIVERED not in self.error.__dict__:
            self.seen = self.error.__dict__[_DELIVERED] = True
            logger.error("an error that nobody has read, in %s", self.origin, exc_info=self.error)

    def __del__(self) -> None:
        if hasattr(self, "seen"):  # it is not there when __init__ itself failed
            self.log_unseen()
