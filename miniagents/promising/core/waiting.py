"""How combinators wait for many promises at the same time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic

from typing_extensions import TypeVar

from miniagents.promising.core.arguments import check_awaitables
from miniagents.promising.core.pieces import FAIR_SHARE, take_turn
from miniagents.promising.core.presenting import name_of
from miniagents.promising.promise import Promise

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from miniagents.promising.core.failure import Failure

__all__ = ["as_promise", "as_promises", "first_done", "is_failed"]

T = TypeVar("T")


def as_promises(what: str, awaitables: Sequence[Awaitable[T]]) -> list[Promise[T]]:
    """Return the promises of awaitables; one that is given twice is awaited once.

    Raises:
        TypeError: Something given to `what` cannot be awaited.
    """
    check_awaitables(what, awaitables)
    promises: list[Promise[T]] = []
    known: dict[int, Promise[T]] = {}
    for each in awaitables:
        promise = known.get(id(each))
        if promise is None:
            promise = known[id(each)] = as_promise(each)
        promises.append(promise)
    return promises


def as_promise(awaitable: Awaitable[T]) -> Promise[T]:
    """Return the promise of an awaitable."""
    return awaitable if isinstance(awaitable, Promise) else Promise(_Given(awaitable), name=name_of(awaitable))


async def first_done(sources: Sequence[Promise[object]], decides: Callable[[Failure | None], bool]) -> int | None:
    """Wait for a promise that ends in a way that decides, or for all of them.

    No error counts as read by this. Ready promises cost nothing, each of the others a task.

    Args:
        sources: The promises.
        decides: Whether an end, with or without a failure, makes it needless to wait for the others.

    Returns:
        The place of the first promise that decides, among those that are done; None if all are done and none decides.

    Raises:
        PromiseDeadlockError: One of the promises waits for the caller.
    """

    def decided() -> int | None:
        ends = enumerate(sources)
        return next((place for place, source in ends if source.done() and decides(source._failure)), None)

    async def wait_for(source: Promise[object]) -> None:
        if decides(await source._settled()):
            raise _DecidedError  # not a future: the watch sees through `asyncio.wait`, but not who sets a future

    first = decided()
    if first is not None:
        return first
    pending = [source for source in dict.fromkeys(sources) if not source.done()]
    if not pending:
        return None
    tasks: list[asyncio.Task[None]] = []
    try:
        for source in pending:
            tasks.append(asyncio.create_task(wait_for(source)))
            if len(tasks) % FAIR_SHARE == 0:
                await take_turn()
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in tasks:
            error = task.exception() if task.done() and not task.cancelled() else None
            if error is not None and not isinstance(error, _DecidedError):
                raise error
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return decided()


def is_failed(failure: Failure | None) -> bool:
    """Return whether a promise has failed; for `first_done`."""
    return failure is not None


# --- machinery ---


class _DecidedError(Exception):
    """The signal to `asyncio.wait` that a promise has decided."""


class _Given(Generic[T]):
    """A resolver that awaits an object; a coroutine that is never run is closed, so that it does not complain."""

    __slots__ = ("_awaitable",)

    def __init__(self, awaitable: Awaitable[T]) -> None:
        self._awaitable = awaitable

    async def __call__(self) -> T:
        return await self._awaitable

    def __del__(self) -> None:
        if asyncio.iscoroutine(self._awaitable):
            self._awaitable.close()  # which does nothing if it has ended
