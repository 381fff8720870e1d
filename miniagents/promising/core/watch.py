"""Who waits for whom: finds circles of promises, and tasks that nothing will end when their context closes.

A sweep looks at all waiting tasks at once. It assumes that each of them is stuck, and takes the assumption back for
every task that something may still wake:

| the task waits for                      | it is alive if                                                     |
|-----------------------------------------|--------------------------------------------------------------------|
| nothing, or the world outside           | always                                                             |
| a promise that is done, or was woken    | always: it only has to look                                        |
| a promise with tasks that work on it    | one of them is alive                                               |
| a promise without, as an appender's     | its writing end may be held by any code: always; but not when its  |
|                                         | own context is ending, because that code has run                   |
| other tasks: `gather`, a task group, …  | one of them is alive                                               |
| a reader of a full stream (parked)      | always; but never when a context is ending                         |

The tasks that remain wait for nothing but each other. A sweep comes a moment after a wait began, so that waits that end
at once (nearly all of them) cost no more than a line in a dictionary. When sweeps come:

| timer | event                                            | then                                              |
|-------|--------------------------------------------------|---------------------------------------------------|
| none  | a wait begins; a context closes; while one does, | soon                                              |
|       | a task parks or an outside task ends             |                                                   |
| later | the same                                         | soon                                              |
| soon  | the same                                         | soon; the next sweep sees that something changed  |
| any   | it fires                                         | a sweep; then none, if nothing waits or closes;   |
|       |                                                  | soon, if something changed since the last sweep;  |
|       |                                                  | else later, after twice the pause                 |
| any   | the last closing context has closed, no waits    | none                                              |
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextvars import Context
from typing import TYPE_CHECKING, Final

from miniagents.promising.core.followers import Follower, Rounds
from miniagents.promising.core.joins import held_by, joined_tasks, producing_in
from miniagents.promising.errors import PromiseDeadlockError

if TYPE_CHECKING:
    from collections.abc import Iterable, Set as AbstractSet

    from miniagents.promising.context import PromisingContext
    from miniagents.promising.core.bounds import Bounded
    from miniagents.promising.core.current import Worker
    from miniagents.promising.core.production import Production

    _Waits = dict[Worker, Production]
    _Writers = dict[Production, list[Worker]]

__all__ = ["Watch"]

_FIRST_SWEEP: Final = 0.01
"""Seconds from the beginning of a wait to the first sweep that looks at it."""
_LAST_SWEEP: Final = 10.0
"""Seconds from one sweep to the next at most, if no wait began in the meantime."""
_SWEEP_SHARE: Final = 20.0
"""The pause after a sweep is at least that many times as long as the sweep: it takes at most 5 % of the time."""


class Watch:
    """The waits of all tasks in one loop, for a context and those inside it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.rounds: Final = Rounds(loop)
        """The followers in this loop that are due."""
        self._waits: _Waits = {}
        self._parked: dict[Worker, tuple[Bounded, bool]] = {}
        self._deadlocks: dict[Worker, PromiseDeadlockError] = {}
        self._closing: list[PromisingContext] = []
        self._timer: asyncio.TimerHandle | None = None
        self._pause = _FIRST_SWEEP
        self._changed = False
        self._not_before = 0.0

    def waits(self, task: Worker, production: Production) -> None:
        """Note that the task cannot go on before the production does."""
        self._waits[task] = production
        self._changed = True
        if self._timer is None or self._pause > _FIRST_SWEEP:
            self._look_soon()

    def waits_no_more(self, task: Worker) -> PromiseDeadlockError | None:
        """Forget the wait.

        Returns:
            The error to raise in the task, if its wait was found to close a circle.
        """
        del self._waits[task]
        return self.circle_of(task)

    def circle_of(self, task: Worker) -> PromiseDeadlockError | None:
        """Return the error to raise in a task that waits, if its wait was found to close a circle."""
        return self._deadlocks.pop(task, None) if self._deadlocks else None

    def parked(self, task: Worker, buffer: Bounded, *, does_more: bool = False) -> None:
        """Note that the task produces nothing before somebody reads.

        Args:
            task: The task.
            buffer: The full stream, on which it waits for room.
            does_more: Whether the task has more to do than filling the stream.
        """
        self._parked[task] = buffer, does_more
        if self._closing:
            self._look_soon()

    def parked_no_more(self, task: Worker) -> None:
        """Forget that the task waits for readers."""
        self._parked.pop(task, None)

    def is_parked(self, task: Worker) -> bool:
        """Return whether the task waits for readers."""
        return task in self._parked

    def closing(self, context: PromisingContext) -> None:
        """From now on call `end_what_nobody_can_end` of the context when none of its tasks can go on by itself."""
        self._closing.append(context)
        self._look_soon()

    def closed(self, context: PromisingContext) -> None:
        """Call nothing of the context any more."""
        if context in self._closing:
            self._closing.remove(context)
        if not self._waits and not self._closing:
            self.stop()

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # --- machinery ---

    def _look_soon(self) -> None:
        """Have a sweep come soon, even if the last one made a long pause."""
        self._changed = True
        if self._timer is None or self._pause > _FIRST_SWEEP:
            self.stop()
            self._pause = _FIRST_SWEEP
            self._schedule()

    def _schedule(self) -> None:
        moment = max(self.loop.time() + self._pause, self._not_before)
        # without a context of its own, the timer would keep the variables of whoever happens to wait first
        self._timer = self.loop.call_at(moment, self._sweep, context=Context())

    def _sweep(self) -> None:
        self._timer = None
        began = self.loop.time()
        self._pause = _FIRST_SWEEP if self._changed else min(2 * self._pause, _LAST_SWEEP)
        self._changed = False
        for production in set(self._waits.values()):
            production._see_to_ended()
        # Writers are found by walking all tasks of the loop. That is needed only if tasks look stuck without them.
        if _stuck(self._waits):
            self._break_circle(_stuck(self._waits, writers=self._writers()))
        for context in tuple(self._closing):
            # As above: outsiders matter only if the context's own tasks look stuck.
            if context.tasks and self._is_stuck(context, context.tasks):
                outsiders = self._outsiders(context)
                if self._is_stuck(context, context.tasks | outsiders) and not self._lifted_bounds(context):
                    context.end_what_nobody_can_end()
                self._look_when_done(outsiders)  # an outsider's end is the only news that no wait tells of
        ended = self.loop.time()
        self._not_before = ended + _SWEEP_SHARE * (ended - began)
        if (self._waits or self._closing) and self._timer is None:
            self._schedule()

    def _lifted_bounds(self, context: PromisingContext) -> bool:
        """Let tasks that wait for readers go on, in an ending context, if they do more than filling a stream.

        Only those go on whose replies nobody ever began to read, with all that is made of these.

        Returns:
            Whether there were any.
        """
        full = [parked for parked in self._parked.values() if parked[0]._context is context]
        unread = [buffer for buffer, _ in full if buffer.may_go_unread and buffer.is_unread()]
        if not any(does_more for _, does_more in full):
            return False
        for buffer in unread:
            buffer.reached(float("inf"))
        return bool(unread)

    def _is_stuck(
        self,
        context: PromisingContext,
        tasks: AbstractSet[Worker],
    ) -> bool:
        parked = [task for task, (buffer, _) in self._parked.items() if buffer.waits_for_room()]
        return tasks <= _stuck(self._waits, tasks=tasks, parked=parked, ending=context)

    def _outsiders(self, context: PromisingContext) -> set[asyncio.Task[object]]:
        """Return the tasks started by plain asyncio inside a context; they may hold writing ends or be readers."""
        known = {*context.tasks, context.body}
        return {task for task in asyncio.all_tasks(self.loop) if task not in known and held_by(task) is context}

    def _look_when_done(self, tasks: Iterable[asyncio.Task[object]]) -> None:
        for task in tasks:
            task.remove_done_callback(self._outsider_done)  # the last sweep may have added it
            task.add_done_callback(self._outsider_done)

    def _outsider_done(self, _: asyncio.Task[object]) -> None:
        if self._closing:
            self._look_soon()

    def _writers(self) -> _Writers:
        """Return the tasks, besides its workers, that run for a stream and may hold its writing end."""
        writers: _Writers = defaultdict(list)
        for task in asyncio.all_tasks(self.loop):
            production = producing_in(task)
            if production is not None and production._is_fed() and task not in production._workers():
                writers[production].append(task)
        return writers

    def _break_circle(self, stuck: set[Worker]) -> None:
        """Raise an error in the newest wait of each circle among the tasks that are stuck."""
        order = {task: number for number, task in enumerate(self._waits)}
        visited: set[Worker] = set()
        for start in self._waits:
            path: dict[Worker, None] = {}
            task: Worker | None = start
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
            self._waits[closing_task]._wake()


def _stuck(
    waits: _Waits,
    *,
    tasks: Iterable[Worker] = (),
    parked: Iterable[Worker] = (),
    writers: _Writers | None = None,
    ending: PromisingContext | None = None,
) -> set[Worker]:
    """Return the tasks that nothing will ever wake, among those that wait and `tasks`.

    When their context is `ending`, its own code has run to its end. Then nothing more comes from readers that are not
    there yet (a `parked` task is stuck), nor from the holder of a writing end in that context.
    """
    # the tasks that wait for other tasks rather than for a promise: gather(), a task group, or simply `await task`
    joins: dict[Worker, list[Worker]] = {}
    for task in tasks:
        _collect_joins(task, waits, joins)
    for production in set(waits.values()):
        for worker in _workers(production, writers):
            _collect_joins(worker, waits, joins)
    stuck: set[Worker] = {*waits, *joins, *parked}
    # a task is alive if one of those that can wake it is, so life spreads from waker to woken
    woken_by: defaultdict[Worker, list[Worker]] = defaultdict(list)
    alive: list[Worker] = []
    for task in stuck:
        awaited = waits.get(task)
        if awaited is None:
            wakers = joins.get(task, [])
        elif awaited._is_done() or (task.is_due if isinstance(task, Follower) else awaited._was_woken()):
            alive.append(task)
            continue
        else:
            wakers = _workers(awaited, writers)
            if not wakers and (ending is None or awaited._context is not ending):
                alive.append(task)
        for waker in wakers:
            if waker in stuck:
                woken_by[waker].append(task)
            else:
                alive.append(task)
    while alive:
        task = alive.pop()
        if task in stuck:
            stuck.remove(task)
            alive.extend(woken_by[task])
    return stuck


def _workers(production: Production, writers: _Writers | None) -> list[Worker]:
    return [*production._workers(), *(() if writers is None else writers.get(production, ()))]


def _collect_joins(
    task: Worker,
    waits: _Waits,
    joins: dict[Worker, list[Worker]],
) -> None:
    pending = [task]
    while pending:
        task = pending.pop()
        if task in waits or task in joins:
            continue
        joined = joined_tasks(task)
        if joined:
            joins[task] = joined
            pending.extend(joined)


def _next_stuck(task: Worker, waits: _Waits, stuck: set[Worker]) -> Worker | None:
    production = waits.get(task)
    following = production._workers() if production is not None else iter(joined_tasks(task))
    return next((other for other in following if other in stuck), None)
