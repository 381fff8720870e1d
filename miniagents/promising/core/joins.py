"""Which tasks a task waits for, rather than for a promise: `await task`, `gather()`, `shield()`, a task group.

A plain future may be resolved by any code. `resolved_by` waits for one that only a certain task resolves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import Context
from types import AsyncGeneratorType, CodeType, CoroutineType, FrameType, FunctionType
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from miniagents.promising.core.current import active_context, producing
from miniagents.promising.core.places import Inside

if TYPE_CHECKING:
    from miniagents.promising.context import PromisingContext
    from miniagents.promising.core.current import Worker
    from miniagents.promising.core.production import Production

T = TypeVar("T")

__all__ = ["frames_of", "held_by", "joined_tasks", "producing_in", "resolved_by", "variables_of"]


def joined_tasks(task: Worker) -> list[Worker]:
    """Return the unfinished tasks that a task waits for and nothing else, as far as asyncio shows it.

    asyncio has no public way to ask this. If its insides look different, nothing is found and no deadlock is reported.
    """
    if isinstance(
        task, Inside
    ):  # an inner context ends with the task that ends it, or else with the one that opened it
        ending = task.leaving or task.body
        return [] if ending is None or ending.done() else [ending]
    waiter: object = getattr(task, "_fut_waiter", _UNKNOWN)
    if waiter is None or not isinstance(task, asyncio.Task):
        return []  # it waits for nothing but its turn; looking into it would take ten times as long
    if isinstance(waiter, asyncio.Task):
        return [] if waiter.done() else [waiter]
    gathered: Iterable[asyncio.Future[object]] | None = getattr(waiter, "_children", None)
    found = _members(task) or _shielded(waiter) if gathered is None else gathered
    joined = [future for future in found if not future.done()]
    tasks: list[Worker] = [future for future in joined if isinstance(future, asyncio.Task)]
    return tasks if len(tasks) == len(joined) else []  # any other future can be resolved by code that holds it


async def resolved_by(task: asyncio.Task[object], future: asyncio.Future[T]) -> None:
    """Wait for a future that only a task resolves, as if for that task; cancelling the wait cancels neither."""
    await asyncio.wait((future,))
    del task  # the watch reads it, and the future, in this frame


def producing_in(task: asyncio.Task[object]) -> Production | None:
    """Return the promise that a task works for."""
    variables = variables_of(task)
    return None if variables is None else variables.get(producing)


def held_by(task: asyncio.Task[object]) -> PromisingContext | None:
    """Return the context that is active in a task."""
    variables = variables_of(task)
    return None if variables is None else variables.get(active_context)


def variables_of(task: asyncio.Task[object]) -> Context | None:
    """Return the context variables of a task."""
    # `Task.get_context` exists from Python 3.12 on
    return next((held for held in _referents_of(task) if isinstance(held, Context)), None)


def _referents_of(thing: object) -> list[object]:
    import gc  # noqa: PLC0415  # importing the package goes without it

    return gc.get_referents(thing)


def _shielded(waiter: object) -> Iterable[asyncio.Future[object]]:
    """Return the future that `shield()` waits for: a function that it hangs on the future it returns knows that."""
    callbacks: Iterable[tuple[object, Context]] = getattr(waiter, "_callbacks", None) or ()
    for callback, _ in callbacks:
        if isinstance(callback, FunctionType) and callback.__code__ in asyncio.shield.__code__.co_consts:
            cells = dict(zip(callback.__code__.co_freevars, callback.__closure__ or (), strict=True))
            return (cells["inner"].cell_contents,) if "inner" in cells else ()
    return ()


def _members(task: asyncio.Task[object]) -> Iterable[asyncio.Future[object]]:
    """Return the tasks that a task waits for in a task group, or in an asyncio function that waits by callbacks."""
    for frame in frames_of(task):
        members = _MEMBERS.get(frame.f_code)
        found = () if members is None else members(frame.f_locals)
        if found:
            return found
    return ()


def frames_of(task: asyncio.Task[object]) -> Iterator[FrameType]:
    """Give the frames of the coroutines and async generators of a task, the outermost first."""
    awaited: object = task.get_coro()
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "ag_frame", None)
        if frame is not None:
            yield frame
        following = getattr(awaited, "cr_await", None) or getattr(awaited, "ag_await", None)
        if following is None and frame is None:
            following = getattr(awaited, "gi_yieldfrom", None)
        if following is None and frame is None:
            # the awaitable of `async for`, that of a coroutine's `__await__()`, and a generator that sends values to a
            # coroutine have no attribute for what they step through
            following = next((other for other in _referents_of(awaited) if _is_stepped_through(other)), None)
        awaited = following


_UNKNOWN: Final = object()

_Locals: TypeAlias = Mapping[str, Any]  # Any: the local variables of asyncio's functions

_MEMBERS: Final[Mapping[CodeType, Callable[[_Locals], tuple[asyncio.Future[object], ...]]]] = {
    resolved_by.__code__: lambda variables: () if variables["future"].done() else (variables["task"],),
    asyncio.TaskGroup.__aexit__.__code__: lambda variables: tuple(variables["self"]._tasks),
    # with a time limit the wait ends by itself
    asyncio.wait.__code__: lambda variables: tuple(variables["fs"]) if variables["timeout"] is None else (),
    # up to Python 3.11 `wait_for` runs its argument in a task of its own, since 3.12 in the calling one
    asyncio.wait_for.__code__: lambda variables: (variables["fut"],) if asyncio.isfuture(variables["fut"]) else (),
}


def _is_stepped_through(value: object) -> bool:
    return isinstance(value, AsyncGeneratorType) or (isinstance(value, CoroutineType) and value.cr_suspended)
