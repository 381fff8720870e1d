"""What other packages may ask of a promise, or do to it, beside being its reader.

These are functions, so that a promise shows its users no machinery. They are what the underscored names of promises are
to the classes derived from them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from miniagents.promising.core.failure import Failure
    from miniagents.promising.core.pieces import OutcomeIterator, PieceBuffer, Replayed
    from miniagents.promising.core.production import Production
    from miniagents.promising.core.working import Working
    from miniagents.promising.promise import Promise
    from miniagents.promising.stream import StreamedPromise

__all__ = [
    "buffer_of",
    "fail_with",
    "failure_of",
    "give_up",
    "has_value",
    "has_worker",
    "is_part_of",
    "outcomes",
    "pending",
    "resolve_with",
    "settled",
    "settled_as_read",
    "until_ended",
    "value_of",
    "when_woken",
]

T = TypeVar("T")
P = TypeVar("P")


def settled(
    promise: Promise[object],
) -> Coroutine[Any, Any, Failure | None]:  # Any: asyncio keeps these types to itself
    """Wait for the end of a promise without being raised its error, which does not count as read by this.

    Returns:
        The failure, if the promise ends with one.
    """
    return promise._settled()


async def settled_as_read(promise: Promise[object]) -> Failure | None:
    """Do as `settled`, but do not count as a reader: a bounded stream keeps to its readers."""
    return await promise._settled_as_read()


async def until_ended(stream: StreamedPromise[object, object]) -> None:
    """Start a stream and wait for its last piece, without counting as a reader."""
    await stream._until_ended()


def failure_of(promise: Promise[object]) -> Failure | None:
    """Return the failure that a promise has ended with; None if it has a value, or is pending."""
    return promise._failure


def has_value(promise: Promise[object]) -> bool:
    """Return whether a promise has its value already."""
    return promise._is_done() and promise._failure is None


def has_worker(production: Production) -> bool:
    """Return whether a task works for a promise."""
    return any(True for _ in production._workers())


def is_part_of(promise: Promise[object], work: Working) -> bool:
    """Return whether a promise, or its stream of pieces, is made by work that other work started, at any depth."""
    return any(work._started_for(part) for part in promise._all_work())


def value_of(promise: Promise[T]) -> T:
    """Return the value of a promise that is known to have one."""
    value: T = promise._value
    return value


def outcomes(stream: Replayed[P]) -> OutcomeIterator[P]:
    """Read a stream from its first piece, with its failures as objects."""
    return stream._outcomes()


def buffer_of(stream: StreamedPromise[P, object]) -> PieceBuffer[P]:
    """Return the pieces of a stream, as many as there are by now."""
    return stream._buffer


def state_of(promise: Promise[object]) -> str:
    """Return what `repr` shows of the state of a promise; asking starts nothing."""
    return promise._state()


def give_up(production: Production, error: BaseException) -> None:
    """End a promise, or a buffer, with an error, unless it has ended."""
    production._give_up(error)


def pending(name: str) -> Promise[Any]:  # Any: the caller says of what
    """Make a promise without work of its own, for `resolve_with` or `fail_with`."""
    from miniagents.promising.promise import Promise, blank  # noqa: PLC0415  # a circle: promises are made of what is here

    promise: Promise[Any] = blank(Promise)  # Any: as above
    promise._prepare(None, name)
    return promise


def resolve_with(promise: Promise[T], value: T) -> None:
    """Give a promise its value, unless it has ended."""
    promise._settle_with(value, None)


def fail_with(promise: Promise[object], failure: Failure) -> None:
    """End a promise with the failure of something else, unless it has ended."""
    promise._settle_with(None, failure)


def when_woken(production: Production, callback: Callable[[], object]) -> None:
    """Call a function once at the next change of a promise, without being one of its readers."""
    production._when_woken(callback)
