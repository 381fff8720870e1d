"""Combinators that wait for all of many promises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from typing_extensions import TypeVar

from miniagents.promising.core.access import settled
from miniagents.promising.core.failure import count_as_read
from miniagents.promising.core.waiting import as_promises, first_done, is_failed
from miniagents.promising.outcome import Err, Ok
from miniagents.promising.promise import Promise, derived

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from miniagents.promising.core.failure import Failure
    from miniagents.promising.outcome import Outcome

__all__ = ["all_settled", "gather"]

T = TypeVar("T")
T1 = TypeVar("T1")
T2 = TypeVar("T2")
T3 = TypeVar("T3")
T4 = TypeVar("T4")
T5 = TypeVar("T5")
T6 = TypeVar("T6")
T7 = TypeVar("T7")
T8 = TypeVar("T8")


@overload
def gather() -> Promise[tuple[()]]: ...
@overload
def gather(p1: Awaitable[T1], /) -> Promise[tuple[T1]]: ...
@overload
def gather(p1: Awaitable[T1], p2: Awaitable[T2], /) -> Promise[tuple[T1, T2]]: ...
@overload
def gather(p1: Awaitable[T1], p2: Awaitable[T2], p3: Awaitable[T3], /) -> Promise[tuple[T1, T2, T3]]: ...
@overload
def gather(
    p1: Awaitable[T1], p2: Awaitable[T2], p3: Awaitable[T3], p4: Awaitable[T4], /
) -> Promise[tuple[T1, T2, T3, T4]]: ...
@overload
def gather(
    p1: Awaitable[T1], p2: Awaitable[T2], p3: Awaitable[T3], p4: Awaitable[T4], p5: Awaitable[T5], /
) -> Promise[tuple[T1, T2, T3, T4, T5]]: ...
@overload
def gather(
    p1: Awaitable[T1], p2: Awaitable[T2], p3: Awaitable[T3], p4: Awaitable[T4], p5: Awaitable[T5], p6: Awaitable[T6], /
) -> Promise[tuple[T1, T2, T3, T4, T5, T6]]: ...
@overload
def gather(
    p1: Awaitable[T1],
    p2: Awaitable[T2],
    p3: Awaitable[T3],
    p4: Awaitable[T4],
    p5: Awaitable[T5],
    p6: Awaitable[T6],
    p7: Awaitable[T7],
    /,
) -> Promise[tuple[T1, T2, T3, T4, T5, T6, T7]]: ...
@overload
def gather(
    p1: Awaitable[T1],
    p2: Awaitable[T2],
    p3: Awaitable[T3],
    p4: Awaitable[T4],
    p5: Awaitable[T5],
    p6: Awaitable[T6],
    p7: Awaitable[T7],
    p8: Awaitable[T8],
    /,
) -> Promise[tuple[T1, T2, T3, T4, T5, T6, T7, T8]]: ...
@overload
def gather(*promises: Awaitable[T]) -> Promise[tuple[T, ...]]: ...
def gather(*promises: Awaitable[Any]) -> Promise[Any]:  # Any: the overloads tie the result to the arguments
    """Wait for the values of all promises, in the order of the arguments; fail as soon as one of them fails.

    If several have failed already, the error of the earliest argument is raised. The other errors are left to other
    readers, and logged if there are none. The result lets go of the promises that are pending then: they continue for
    those who hold or read them, and are cancelled if nobody does. With `asyncio.gather` and JavaScript's `Promise.all`
    they always continue. Cost: one task for the result, and
    while it waits one for each pending promise.

    Raises:
        TypeError: Something cannot be awaited.

    >>> async def main() -> None:
    ...     async with PromisingContext():
    ...         print(await gather(Promise.resolved(1), Promise.resolved("a")))
    >>> asyncio.run(main())
    (1, 'a')
    """
    sources = as_promises("gather", promises)

    async def gathered() -> tuple[object, ...]:
        failed = await first_done(sources, is_failed)
        if failed is not None:
            await sources[failed]
        return tuple([await source for source in sources])

    return derived(gathered, "gather", sources)


@overload
def all_settled() -> Promise[tuple[()]]: ...
@overload
def all_settled(p1: Awaitable[T1], /) -> Promise[tuple[Outcome[T1]]]: ...
@overload
def all_settled(p1: Awaitable[T1], p2: Awaitable[T2], /) -> Promise[tuple[Outcome[T1], Outcome[T2]]]: ...
@overload
def all_settled(
    p1: Awaitable[T1], p2: Awaitable[T2], p3: Awaitable[T3], /
) -> Promise[tuple[Outcome[T1], Outcome[T2], Outcome[T3]]]: ...
@overload
def all_settled(
    p1: Awaitable[T1], p2: Awaitable[T2], p3: Awaitable[T3], p4: Awaitable[T4], /
) -> Promise[tuple[Outcome[T1], Outcome[T2], Outcome[T3], Outcome[T4]]]: ...
@overload
def all_settled(
    p1: Awaitable[T1], p2: Awaitable[T2], p3: Awaitable[T3], p4: Awaitable[T4], p5: Awaitable[T5], /
) -> Promise[tuple[Outcome[T1], Outcome[T2], Outcome[T3], Outcome[T4], Outcome[T5]]]: ...
@overload
def all_settled(
    p1: Awaitable[T1], p2: Awaitable[T2], p3: Awaitable[T3], p4: Awaitable[T4], p5: Awaitable[T5], p6: Awaitable[T6], /
) -> Promise[tuple[Outcome[T1], Outcome[T2], Outcome[T3], Outcome[T4], Outcome[T5], Outcome[T6]]]: ...
@overload
def all_settled(
    p1: Awaitable[T1],
    p2: Awaitable[T2],
    p3: Awaitable[T3],
    p4: Awaitable[T4],
    p5: Awaitable[T5],
    p6: Awaitable[T6],
    p7: Awaitable[T7],
    /,
) -> Promise[tuple[Outcome[T1], Outcome[T2], Outcome[T3], Outcome[T4], Outcome[T5], Outcome[T6], Outcome[T7]]]: ...
@overload
def all_settled(
    p1: Awaitable[T1],
    p2: Awaitable[T2],
    p3: Awaitable[T3],
    p4: Awaitable[T4],
    p5: Awaitable[T5],
    p6: Awaitable[T6],
    p7: Awaitable[T7],
    p8: Awaitable[T8],
    /,
) -> Promise[
    tuple[Outcome[T1], Outcome[T2], Outcome[T3], Outcome[T4], Outcome[T5], Outcome[T6], Outcome[T7], Outcome[T8]]
]: ...
@overload
def all_settled(*promises: Awaitable[T]) -> Promise[tuple[Outcome[T], ...]]: ...
def all_settled(*promises: Awaitable[Any]) -> Promise[Any]:  # Any: the overloads tie the result to the arguments
    """Wait for all promises; give an `Ok` with the value or an `Err` with the error of each.

    This is JavaScript's `Promise.allSettled`, and `asyncio.gather(..., return_exceptions=True)` without the danger of
    taking an error for a value. It fails with none of them. The error of a cancelled promise is
    `PromiseCancelledError`. The errors count as read: only the reader of the outcomes sees them. Cancelling the result
    cancels the promises that are not used elsewhere. Cost: one task for the result, and while it waits one for each
    pending promise.

    Raises:
        TypeError: Something cannot be awaited.
        PromiseDeadlockError: In the result, when one of the promises waits for it.

    >>> async def main() -> None:
    ...     async with PromisingContext():
    ...         for outcome in await all_settled(Promise.resolved(1), Promise.failed(ValueError("no"))):
    ...             match outcome:
    ...                 case Ok(value):
    ...                     print("value", value)
    ...                 case Err(error):
    ...                     print("error", error)
    >>> asyncio.run(main())
    value 1
    error no
    """
    sources = as_promises("all_settled", promises)

    async def all_outcomes() -> tuple[Outcome[object], ...]:
        await first_done(sources, _is_nothing)
        return tuple([await _outcome_of(source) for source in sources])

    return derived(all_outcomes, "all_settled", sources)


# --- machinery ---


def _is_nothing(_: Failure | None) -> bool:
    return False


async def _outcome_of(source: Promise[T]) -> Outcome[T]:
    """Return how a promise that is done ended."""
    failure = await settled(source)
    return Ok(await source) if failure is None else Err(count_as_read(failure))
