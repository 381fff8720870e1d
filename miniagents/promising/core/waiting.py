"""How combinators wait for many promises at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic

from typing_extensions import TypeVar

from miniagents.promising.core.arguments import check_awaitables
from miniagents.promising.core.failure import mark_as_read
from miniagents.promising.core.naming import name_of
from miniagents.promising.core.pieces import FAIR_SHARE, take_turn
from miniagents.promising.promise import Promise

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from miniagents.promising.core.failure import Failure

__all__ = ["as_promise", "as_promises", "count_as_read", "first_done"]

T = TypeVar("T")


def as_promises(what: str, awaitables: Sequence[Awaitable[T]]) -> list[Promise[T]]:
    """The promises of what awaitables give; one that is given twice is awaited once.

    Raises:
        TypeError: something cannot be awaited; `what` is the function that it was given to.
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
    """The promise of what an awaitable gives."""
    return awaitable if isinstance(awaitable, Promise) else Promise(_Given(awaitable), name=name_of(awaitable))


async def first_done(sources: Sequence[Promise[object]], decides: Callable[[Failure | None], bool]) -> int | None:
    """Waits for a promise that is done in a way that decides, or for all of them.

    Nobody has seen an error by this. Promises that are there already cost nothing, the others a task each.

    Args:
        sources: the promises.
        decides: whether an end, with or without a failure, makes it needless to wait for the others.

    Returns:
        The place of the first promise that decides, among those that are done; None where all are and none does.

    Raises:
        PromiseDeadlockError: one of the promises waits for the caller.
    """

    def decided() -> int | None:
        ends = enumerate(sources)
        return next((place for place, source in ends if source.done() and decides(source._failure)), None)

    async def wait_for(source: Promise[object]) -> None:
        if decides(await source._settled()):
            raise _DecidedError  # `wait` is told so, rather than a future: the watch can look through that

    first = decided()
    if first is not None:
        return first
    tasks: list[asyncio.Task[None]] = []
    try:
        for source in dict.fromkeys(sources):
            if not source.done():
                tasks.append(asyncio.create_task(wait_for(source)))
                if len(tasks) % FAIR_SHARE == 0:
                    await take_turn()
        if tasks:
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


def count_as_read(failure: Failure) -> BaseException:
    """The error, which is somebody's to look at from now on and no longer to be logged."""
    failure.seen = True
    mark_as_read(failure.error)
    return failure.error


# --- machinery ---


class _DecidedError(Exception):
    """What was waited for is there."""


class _Given(Generic[T]):
    """Gives an awaitable to a promise; a coroutine that is not run after all is closed instead of complaining."""

    __slots__ = ("_awaitable",)

    def __init__(self, awaitable: Awaitable[T]) -> None:
        self._awaitable = awaitable

    async def __call__(self) -> T:
        return await self._awaitable

    def __del__(self) -> None:
        if asyncio.iscoroutine(self._awaitable):
            self._awaitable.close()  # nothing happens to one that has ended
