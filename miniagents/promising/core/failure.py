"""An error as a piece of a stream: where it came from, whether anybody has seen it, and how it is raised.

An error must be freed with the promise that holds it, not by the garbage collector, so no frame that it keeps may hold
the promise. Its traceback has no frames of the library that lead to those of other code. But in Python 3.12 and 3.13
the frame of a coroutine that has ended still knows the one that called it (python/cpython#100964). So coroutines of the
library that call other code delete their variables when they end.
"""

from __future__ import annotations

import asyncio
import logging
from types import TracebackType
from typing import TYPE_CHECKING, Final, NoReturn, final
from weakref import ref

from miniagents.promising.core.current import producing
from miniagents.promising.errors import PromiseCancelledError

if TYPE_CHECKING:
    from collections.abc import Callable

    from miniagents.promising.core.production import Production

__all__ = [
    "Catching",
    "Failure",
    "caught",
    "count_as_read",
    "ends_task",
    "for_readers",
    "is_cancellation",
    "mark_as_read",
    "running_task",
    "tells_plain_function",
    "without_machinery",
]

logger: Final = logging.getLogger("miniagents")

_TRAVELS: Final = "__miniagents_travels__"
"""Where an exception keeps its `Travels`."""
_MACHINERY: Final = (
    "miniagents.promising.",
    "miniagents.agents.",
    "miniagents.calls.",
    "miniagents.messages.promised.",
)
"""How the names of the modules begin that run and read promises."""
_UNWISHED: Final = "__miniagents_unwished__"
"""Marks a `PromiseCancelledError` that was not requested: something was cancelled that the work waited for."""


@final
class Travels:
    """What promises know of an exception object that they hand to each other."""

    __slots__ = ("agents", "failures", "is_owed", "readers", "traceback", "was_raised")

    def __init__(self) -> None:
        self.readers: set[int] = set()
        """The ids of the productions whose code has seen it; that of None stands for other code."""
        self.failures: int = 0
        """How many failures hold it."""
        self.agents: set[str] = set()
        """The names of the agents that it has notes about."""
        self.is_owed: bool = False
        """Whether a failure was dropped that nobody had seen: then the last one is logged, unless it was seen."""
        self.was_raised: bool = False
        self.traceback: TracebackType | None = None
        """The traceback that it had before it was raised to a reader, if it was."""

    def __reduce__(self) -> tuple[type[Travels], tuple[()]]:
        """Copy and pickle the exception without them: what comes of that begins anew."""
        return Travels, ()


def _travels_of(error: BaseException) -> Travels:
    travels: Travels | None = error.__dict__.get(_TRAVELS)
    if travels is None:
        travels = error.__dict__[_TRAVELS] = Travels()
    return travels


@final
class Failure:
    """An error that happened in a promise.

    An error that nobody has seen is logged once: when the last promise that holds it is dropped, or when the context
    ends. The same exception object may travel through many promises, with a failure for each. A promise that reads it
    and fails with it passes it on to its own readers, and one reader of any of them is enough.

    Args:
        error: The exception.
        origin: Where it happened, in words.
        raised_by: The production in which it happened.
    """

    __slots__ = ("__weakref__", "_context", "_source", "_traceback", "_travels", "error", "origin", "seen", "wished")

    def __init__(self, error: BaseException, origin: str, raised_by: Production | None = None) -> None:
        if isinstance(error, StopIteration | StopAsyncIteration):
            # raised to a reader, either would end the reader's loop as if the stream were complete
            disguised = RuntimeError(f"{origin} raised {type(error).__name__}")
            disguised.__cause__ = error
            error = disguised
        elif isinstance(error, asyncio.CancelledError):
            error = for_readers(error, origin)
        elif type(error) is TypeError and tells_plain_function(error):
            _note_plain_function(error, origin)
        travels = self._travels = _travels_of(error)
        traceback = error.__traceback__
        if id(raised_by) in travels.readers:
            travels.readers.discard(id(raised_by))
        else:
            if travels.readers:
                travels.is_owed = False  # somebody has seen it as it was before
            travels.readers.clear()  # it was not read there: it is raised again, and has to be seen again
            traceback = _without_readers(error, travels)
        self._traceback = without_machinery(traceback, is_new=not travels.was_raised)
        error.with_traceback(self._traceback)
        self.error: BaseException = error
        self.origin: str = origin
        # a requested cancellation needs no log entry
        self.wished: bool = isinstance(error, PromiseCancelledError) and _UNWISHED not in error.__dict__
        self.seen: bool = self.wished
        travels.failures += 1
        self._context = error.__context__
        self._source: ref[Failure] | None = None

    def reraise(self) -> NoReturn:
        """Raise the error to one more reader, with the traceback it had at first.

        Raising an exception adds to its traceback and sets its context. Without resetting both, an error that is read a
        thousand times would carry a thousand readers' frames.
        """
        error = count_as_read(self)
        self._travels.was_raised, self._travels.traceback = True, self._traceback
        try:
            raise error.with_traceback(self._traceback)
        finally:
            # the class may forbid assignments, as frozen dataclasses do
            BaseException.__setattr__(error, "__context__", self._context)
            self.leave_traceback()
            del error

    def leave_traceback(self) -> None:
        """Take the frames that lead to here out of the traceback.

        For the `finally` around `reraise`. Each frame of the library that the error leaves adds itself before that.
        Such frames say nothing to users, and hold promises that hold the error: only the garbage collector would free
        them.
        """
        self.error.with_traceback(self._traceback)

    def handed_over(self) -> Failure:
        """Return a copy for a stream that takes the pieces of another one; only the copy still has to be seen.

        If the copy is dropped unseen while the other stream is still there, this one has to be seen again.
        """
        failure: Failure = object.__new__(Failure)
        failure.error = self.error
        failure.origin = self.origin
        failure.wished = self.wished
        failure.seen, self.seen = self.seen, True
        failure._traceback = self._traceback
        failure._context = self._context
        failure._source = ref(self)
        failure._travels = self._travels
        failure._travels.failures += 1
        return failure

    def noted_agents(self) -> set[str]:
        """Return the names of the agents that the error has notes about, to add others."""
        return self._travels.agents

    def log_unseen(self) -> None:
        """Log the error unless somebody has seen it, or if a promise that it was passed on to was dropped unseen."""
        travels = self._travels
        if (travels.is_owed or not self.seen) and not travels.readers:
            travels.is_owed = False
            mark_as_read(self.error)
            logger.error("an error that nobody has read, in %s", self.origin, exc_info=self.error)

    def __del__(self) -> None:
        if not hasattr(self, "_source"):  # `__init__` itself failed
            return
        travels = self._travels
        travels.failures -= 1
        if not self.seen:
            source = None if self._source is None else self._source()
            if source is None:
                travels.is_owed = True
            else:
                source.seen = False
        if travels.is_owed and not travels.failures:
            self.log_unseen()


def mark_as_read(error: BaseException) -> None:
    """Note that the running code knows of the error, so that it need not be logged."""
    _travels_of(error).readers.add(id(producing.get()))


def count_as_read(failure: Failure) -> BaseException:
    """Return the error and note that its reader looks after it: it need not be logged."""
    failure.seen = True
    mark_as_read(failure.error)
    return failure.error


class Catching:
    """A block of work of a production, whose errors are told to the readers.

    Two kinds of errors continue instead. A cancellation of the task does after the readers were told. So does the
    `GeneratorExit` by which Python takes down a task whose loop is gone, and its readers with it.

    Args:
        production: The production that the work is a part of.
        take: Tells the readers; by default the production ends with the error.
    """

    __slots__ = ("_take", "_task")

    def __init__(self, production: Production, take: Callable[[BaseException], object] | None = None) -> None:
        self._take = production._end_with if take is None else take
        context = production._context
        self._task = running_task() if context is None else context.running_task()

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        return error is not None and caught(error, self._task, self._take)


def caught(error: BaseException, task: asyncio.Task[object] | None, take: Callable[[BaseException], object]) -> bool:
    """Tell readers of an error, as `Catching` does: a `with` costs more than an `except`.

    Args:
        error: The error.
        task: The task that ran when the work began.
        take: Tells the readers.

    Returns:
        Whether that was all; if not, the error is raised again.
    """
    going_on = ends_task(error, task)
    if not going_on or isinstance(error, asyncio.CancelledError):
        take(error)
    return not going_on


def ends_task(error: BaseException, task: asyncio.Task[object] | None) -> bool:
    """Return whether an error is meant for the running task rather than an error of the code that it runs."""
    if isinstance(error, GeneratorExit):
        return task is None or running_task() is not task  # raised by Python from outside, not by the code itself
    return is_cancellation(error)


def is_cancellation(error: BaseException) -> bool:
    """Return whether the running task was cancelled; if not, something was cancelled that the task waited for."""
    task = running_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0


def running_task() -> asyncio.Task[object] | None:
    """Return the running task; None if no loop runs."""
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


def for_readers(error: asyncio.CancelledError, origin: str) -> PromiseCancelledError:
    """Return the error for readers of a cancelled promise, who are not cancelled themselves."""
    wished = is_cancellation(error)
    what = "was cancelled" if wished else "waited for something that was cancelled"
    cancelled = PromiseCancelledError(f"{origin} {what}")
    # its frames are those of the library's waiting, and hold the promise that this is the error of
    cancelled.__cause__ = error.with_traceback(without_machinery(error.__traceback__))
    if not wished:
        cancelled.__dict__[_UNWISHED] = True
    return cancelled


def _without_readers(error: BaseException, travels: Travels) -> TracebackType | None:
    """Return the traceback of an error from before promises raised it to readers.

    An exception object that is raised again and again brings along the frames of earlier readers.
    """
    traceback = error.__traceback__
    if not travels.was_raised:
        return traceback
    kept = travels.traceback
    while traceback is not None and traceback is not kept:
        traceback = traceback.tb_next
    return kept if traceback is kept else error.__traceback__


def without_machinery(traceback: TracebackType | None, *, is_new: bool = True) -> TracebackType | None:
    """Return a traceback without the frames of the library that lead to a frame of other code.

    Args:
        traceback: The traceback.
        is_new: Whether the error was raised there. If so, the last frames stay even if they are the library's: they
            show where it refused something. Those that only pass on an error would hold the promises that they read.
    """
    entries: list[TracebackType] = []
    while traceback is not None:
        entries.append(traceback)
        traceback = traceback.tb_next
    kept: TracebackType | None = None
    is_led_to = not is_new
    for entry in reversed(entries):
        if not _is_machinery(entry):
            is_led_to = True
        elif is_led_to:
            continue
        # an error may be raised somewhere right now, so its entries are not changed
        is_unchanged = entry.tb_next is kept
        kept = entry if is_unchanged else TracebackType(kept, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return kept


def tells_plain_function(error: BaseException) -> bool:
    """Return whether the library could not await what a function gave it, because the function is not async."""
    if not isinstance(error, TypeError) or not str(error).endswith(_NOT_AWAITABLE):
        return False
    entry = error.__traceback__
    while entry is not None and entry.tb_next is not None:
        entry = entry.tb_next
    return entry is not None and _is_machinery(entry)  # and not code of the user, which shows by itself


def _note_plain_function(error: BaseException, origin: str) -> None:
    """Say which promise it was whose function is not async, once: other promises pass the error on."""
    from miniagents.promising.core.notes import add_note  # noqa: PLC0415  # a first agent does without

    if not any(_PLAIN in note for note in error.__dict__.get("__notes__", ())):
        add_note(error, f"{origin}: {_PLAIN}")


_PLAIN: Final = "a plain function was given where an async one is needed: write `async def`"
_NOT_AWAITABLE: Final = ("can't be used in 'await' expression", "can't be awaited")  # until Python 3.13, and since


def _is_machinery(entry: TracebackType) -> bool:
    return str(entry.tb_frame.f_globals.get("__name__")).startswith(_MACHINERY)
