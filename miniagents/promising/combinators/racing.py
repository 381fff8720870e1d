"""Combinators that take one of many promises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from typing_extensions import TypeVar

from miniagents.promising.core.access import failure_of
from miniagents.promising.core.failure import count_as_read
from miniagents.promising.core.waiting import as_promises, first_done
from miniagents.promising.promise import Promise, derived

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from miniagents.promising.core.failure import Failure

__all__ = ["first_ok", "race"]

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
def race(p1: Awaitable[T1], /) -> Promise[T1]: ...
@overload
def race(p1: Awaitable[T1], p2: Awaitable[T2], /) -> Promise[T1 | T2]: ...
@overload
def race(p1: Awaitable[T1], p2: Awaitable[T2], p3: Awaitable[T3], /) -> Promise[T1 | T2 | T3]: ...
@overload
def race(
    p1: Awaitable[T1], p2: Awaitable[T2], p3: Awaitable[T3], p4: Awaitable[T4], /
) -> Promise[T1 | T2 | T3 | T4]: ...
@overload
def race(
    p1: Awaitable[T1], p2: Awaitable[T2], p3: Awaitable[T3], p4: Awaitable[T4], p5: Awaitable[T5], /
) -> Promise[T1 | T2 | T3 | T4 | T5]: ...
@overload
def race(
    p1: Awaitable[T1], p2: Awaitable[T2], p3: Awaitable[T3], p4: Awaitable[T4], p5: Awaitable[T5], p6: Awaitable[T6], /
) -> Promise[T1 | T2 | T3 | T4 | T5 | T6]: ...
@overload
def race(
    p1: Awaitable[T1],
    p2: Awaitable[T2],
    p3: Awaitable[T3],
    p4: Awaitable[T4],
    p5: Awaitable[T5],
    p6: Awaitable[T6],
    p7: Awaitable[T7],
    /,
) -> Promise[T1 | T2 | T3 | T4 | T5 | T6 | T7]: ...
@overload
def race(
    p1: Awaitable[T1],
    p2: Awaitable[T2],
    p3: Awaitable[T3],
    p4: Awaitable[T4],
    p5: Awaitable[T5],
    p6: Awaitable[T6],
    p7: Awaitable[T7],
    p8: Awaitable[T8],
    /,
) -> Promise[T1 | T2 | T3 | T4 | T5 | T6 | T7 | T8]: ...
@overload
def race(promise: Awaitable[T], /, *promises: Awaitable[T]) -> Promise[T]: ...
def race(*promises: Awaitable[Any]) -> Promise[Any]:  # Any: the overloads tie the result to the arguments
    """Take the first result, a value or an error; the other promises are cancelled, whether or not they have readers.

    If several are done already, the earliest argument wins. An error among the others is logged, unless it has other
    readers. JavaScript's `Promise.race` leaves the losers running; Rust's `select!` drops them as this does. Cancelling
    the result cancels the promises that are not used elsewhere. Cost: one task for the result, and while it waits one
    for each promise.

    Raises:
        TypeError: Something cannot be awaited.
        ValueError: There is nothing to wait for.

    >>> async def main() -> None:
    ...     async with PromisingContext():
    ...         print(await race(Promise(lambda: asyncio.sleep(10, "slow")), Promise.resolved("fast")))
    >>> asyncio.run(main())
    fast
    """
    sources = _at_least_one("race", promises)

    async def raced() -> object:
        await first_done(sources, _is_any)
        return await _winner(sources, next(source for source in sources if source.done()))

    return derived(raced, "race", sources)


@overload
def first_ok(p1: Awaitable[T1], /) -> Promise[T1]: ...
@overload
def first_ok(p1: Awaitable[T1], p2: Awaitable[T2], /) -> Promise[T1 | T2]: ...
@overload
def first_ok(p1: Awaitable[T1], p2: Awaitable[T2], p3: Awaitable[T3], /) -> Promise[T1 | T2 | T3]: ...
@overload
def first_ok(
    p1: Awaitable[T1], p2: Awaitable[T2], p3: Awaitable[T3], p4: Awaitable[T4], /
) -> Promise[T1 | T2 | T3 | T4]: ...
@overload
def first_ok(
    p1: Awaitable[T1], p2: Awaitable[T2], p3: Awaitable[T3], p4: Awaitable[T4], p5: Awaitable[T5], /
) -> Promise[T1 | T2 | T3 | T4 | T5]: ...
@overload
def first_ok(
    p1: Awaitable[T1], p2: Awaitable[T2], p3: Awaitable[T3], p4: Awaitable[T4], p5: Awaitable[T5], p6: Awaitable[T6], /
) -> Promise[T1 | T2 | T3 | T4 | T5 | T6]: ...
@overload
def first_ok(
    p1: Awaitable[T1],
    p2: Awaitable[T2],
    p3: Awaitable[T3],
    p4: Awaitable[T4],
    p5: Awaitable[T5],
    p6: Awaitable[T6],
    p7: Awaitable[T7],
    /,
) -> Promise[T1 | T2 | T3 | T4 | T5 | T6 | T7]: ...
@overload
def first_ok(
    p1: Awaitable[T1],
    p2: Awaitable[T2],
    p3: Awaitable[T3],
    p4: Awaitable[T4],
    p5: Awaitable[T5],
    p6: Awaitable[T6],
    p7: Awaitable[T7],
    p8: Awaitable[T8],
    /,
) -> Promise[T1 | T2 | T3 | T4 | T5 | T6 | T7 | T8]: ...
@overload
def first_ok(promise: Awaitable[T], /, *promises: Awaitable[T]) -> Promise[T]: ...
def first_ok(*promises: Awaitable[Any]) -> Promise[Any]:  # Any: the overloads tie the result to the arguments
    """Take the first value; the other promises are cancelled, whether or not they have readers.

    This is JavaScript's `Promise.any` and Rust's `select_ok`. If several have values already, the earliest argument
    wins. Errors before the first value count as read. If all promises fail, the result fails with a group of their
    errors, in the order of the arguments; a cancelled one counts as failed, with `PromiseCancelledError`. Cancelling
    the result cancels the promises that are not used elsewhere. Cost: one task for the result, and while it waits one
    for each pending promise.

    Raises:
        TypeError: Something cannot be awaited.
        ValueError: There is nothing to wait for.
        ExceptionGroup: In the result, when all promises failed; a `BaseExceptionGroup` if one of the errors is no
            `Exception`.
        PromiseDeadlockError: In the result, when one of the promises waits for it and none of them can continue.

    >>> async def main() -> None:
    ...     async with PromisingContext():
    ...         print(await first_ok(Promise.failed(ConnectionError("lost")), Promise.resolved("mirror")))
    >>> asyncio.run(main())
    mirror
    """
    sources = _at_least_one("first_ok", promises)

    async def chosen() -> object:
        first = await first_done(sources, _is_value)
        errors = [count_as_read(failure) for source in sources if (failure := failure_of(source)) is not None]
        if first is None:
            raise BaseExceptionGroup(f"all {len(errors)} promises of first_ok() failed", errors)
        return await _winner(sources, sources[first])

    return derived(chosen, "first_ok", sources)


# --- machinery ---


def _at_least_one(what: str, promises: Sequence[Awaitable[T]]) -> list[Promise[T]]:
    if not promises:
        raise ValueError(f"{what}() of no promises would never end: give it at least one")
    return as_promises(what, promises)


async def _winner(sources: Sequence[Promise[T]], winner: Promise[T]) -> T:
    """Return the value of the winner; cancel the others."""
    for source in sources:
        if source is not winner:
            source.cancel()
    return await winner


def _is_any(_: Failure | None) -> bool:
    return True


def _is_value(failure: Failure | None) -> bool:
    return failure is None
