"""Who waits for whom: finds circles of promises, and what a closing context can no longer expect anything from.

A sweep looks at all waiting tasks at once. It assumes that each of them is stuck, and takes back the assumption for
every one that something may still wake: a task that is running or waits for the world outside, a stream whose writing
end somebody holds. Tasks that remain wait for nothing but each other. A sweep comes a moment after a wait began, so
that waits that end at once (nearly all of them) cost no more than a line in a dictionary.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from miniagents.promising.errors import PromiseDeadlockError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from miniagents.promising._production import Production
    from miniagents.promising.context import PromisingContext

    _Waits = dict[asyncio.Task[object], Production]

__all__ = ["Watch"]

_FIRST_SWEEP: Final = 0.01
"""Seconds from the beginning of a wait to the first sweep that looks at it."""
_LAST_SWEEP: Final = 10.0
"""Seconds between two sweeps after which a wait that was never found stuck is left alone."""
_SWEEP_SHARE: Final = 20.0
"""How many times longer than a sweep took the pause after it is at least: at most 5 % of the time goes to sweeps."""


class Watch:
    """The waits of all tasks in one loop, for a context and those inside it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waits: _Waits = {}
        self._parked: set[asyncio.Task[object]] = set()
        self._deadlocks: dict[asyncio.Task[object], PromiseDeadlockError] = {}
        self._closing: list[PromisingContext] = []
        self._timer: asyncio.TimerHandle | None = None
        self._pause = _FIRST_SWEEP

    def waits(self, task: asyncio.Task[object], production: Production) -> None:
        """Notes that the task cannot go on before the production does."""
        self._waits[task] = production
        if self._timer is None:
            self._schedule(_FIRST_SWEEP)

    def waits_no_more(self, task: asyncio.Task[object]) -> PromiseDeadlockError | None:
        """Forgets the wait.

        Returns:
            The error to raise in the task, if its wait was found to close a circle.
        """
        del self._waits[task]
        return self._deadlocks.pop(task, None) if self._deadlocks else None

    def parked(self, task: asyncio.Task[object]) -> None:
        """Notes that the task produces nothing before somebody reads."""
        self._parked.add(task)
        if self._closing and self._timer is None:
            self._schedule(_FIRST_SWEEP)

    def parked_no_more(self, task: asyncio.Task[object]) -> None:
        """Forgets that the task waits for readers."""
        self._parked.discard(task)

    def is_parked(self, task: asyncio.Task[object]) -> bool:
        """Whether the task waits for readers."""
        return task in self._parked

    def closing(self, context: PromisingContext) -> None:
        """From now on tells the context when none of its tasks can go on by itself."""
        self._closing.append(context)
        self._reschedule()

    def closed(self, context: PromisingContext) -> None:
        """The context needs to be told nothing more."""
        if context in self._closing:
            self._closing.remove(context)
        if not self._waits and not self._closing:
            self.stop()

    def stop(self) -> None:
        """Stops looking."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # --- machinery ---

    def _schedule(self, pause: float) -> None:
        self._pause = pause
        self._timer = self._loop.call_later(pause, self._sweep)

    def _reschedule(self) -> None:
        self.stop()
        self._schedule(_FIRST_SWEEP)

    def _sweep(self) -> None:
        self._timer = None
        began = time.perf_counter()
        newest = next(reversed(self._waits), None)
        self._break_circle(_stuck(self._waits))
        for context in tuple(self._closing):
            tasks = context.tasks
            if tasks and tasks <= _stuck(self._waits, tasks=tasks, parked=self._parked, ending=True):
                context.end_what_nobody_can_end()
        if self._waits or self._closing:
            unchanged = newest is not None and newest is next(reversed(self._waits), None)
            pause = max(self._pause * 2 if unchanged else _FIRST_SWEEP, _SWEEP_SHARE * (time.perf_counter() - began))
            if pause <= _LAST_SWEEP or self._closing:
                self._schedule(min(pause, _LAST_SWEEP))

    def _break_circle(self, stuck: set[asyncio.Task[object]]) -> None:
        """Raises an error in the newest wait of each circle among the tasks that are stuck."""
        order = {task: number for number, task in enumerate(self._waits)}
        visited: set[asyncio.Task[object]] = set()
        for start in self._waits:
            path: dict[asyncio.Task[object], None] = {}
            task: asyncio.Task[object] | None = start
            while task is not None and task in stuck and task not in visited:
                visited.add(task)
                path[task] = None
                task = _next_stuck(task, self._waits, stuck)
            if task is None or task not in path:
                continue
            tasks = list(path)
            circle = [waiting for waiting in tasks[tasks.index(task) :] if waiting in self._waits]
            if not circle:
                continue
            closing_task = max(circle, key=order.__getitem__)
            turned = circle.index(closing_task)
            names = tuple(self._waits[waiting]._name for waiting in (*circle[turned:], *circle[:turned]))
            self._deadlocks[closing_task] = PromiseDeadlockError(names)
            self._waits[closing_task].wake()


def _stuck(
    waits: _Waits,
    *,
    tasks: Iterable[asyncio.Task[object]] = (),
    parked: Iterable[asyncio.Task[object]] = (),
    ending: bool = False,
) -> set[asyncio.Task[object]]:
    """The tasks that nothing will ever wake, among those that wait and `tasks`.

    When their context is `ending`, its own code has come to its end: nothing can be expected any more from readers yet
    to come (so that a task `parked` until one comes is stuck) nor from the holder of a writing end.
    """
    # tasks that wait for other tasks rather than for a promise: gather(), a task group, or simply `await task`
    joins: dict[asyncio.Task[object], list[asyncio.Task[object]]] = {}
    for task in tasks:
        _collect_joins(task, waits, joins)
    for production in set(waits.values()):
        for worker in production.workers():
            _collect_joins(worker, waits, joins)
    stuck: set[asyncio.Task[object]] = {*waits, *joins, *parked}
    changed = True
    while changed:
        alive = {task for task in stuck if _can_go_on(task, waits, joins, stuck, ending=ending)}
        stuck -= alive
        changed = bool(alive)
    return stuck


def _can_go_on(
    task: asyncio.Task[object],
    waits: _Waits,
    joins: dict[asyncio.Task[object], list[asyncio.Task[object]]],
    stuck: set[asyncio.Task[object]],
    *,
    ending: bool,
) -> bool:
    production = waits.get(task)
    if production is None:
        return any(joined not in stuck for joined in joins.get(task, ()))
    if production.is_done() or production.was_woken():
        return True
    workers = list(production.workers())
    return any(worker not in stuck for worker in workers) if workers else not ending


def _collect_joins(
    task: asyncio.Task[object],
    waits: _Waits,
    joins: dict[asyncio.Task[object], list[asyncio.Task[object]]],
) -> None:
    pending = [task]
    while pending:
        task = pending.pop()
        if task in waits or task in joins:
            continue
        joined = _joined_tasks(task)
        if joined:
            joins[task] = joined
            pending.extend(joined)


def _joined_tasks(task: asyncio.Task[object]) -> list[asyncio.Task[object]]:
    """The unfinished tasks that a task waits for, as far as asyncio lets one see it.

    asyncio has no public way to ask this; where its insides look different, nothing is found and nothing is claimed.
    """
    waiter: object = getattr(task, "_fut_waiter", None)
    if isinstance(waiter, asyncio.Task):
        return [] if waiter.done() else [waiter]
    # what gather() waits for
    gathered: Iterable[object] | None = getattr(waiter, "_children", None)
    members = _task_group_members(task) if gathered is None else gathered
    return [child for child in members if isinstance(child, asyncio.Task) and not child.done()]


def _task_group_members(task: asyncio.Task[object]) -> Iterable[object]:
    awaited: object = task.get_coro()
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None)
        if frame is not None and frame.f_code is asyncio.TaskGroup.__aexit__.__code__:
            members: Iterable[object] = getattr(frame.f_locals.get("self"), "_tasks", ())
            return tuple(members)
        awaited = getattr(awaited, "cr_await", None)
    return ()


def _next_stuck(
    task: asyncio.Task[object], waits: _Waits, stuck: set[asyncio.Task[object]]
) -> asyncio.Task[object] | None:
    production = waits.get(task)
    following = production.workers() if production is not None else iter(_joined_tasks(task))
    return next((other for other in following if other in stuck), None)
