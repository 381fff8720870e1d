"""Which of the waiting tasks nothing will ever wake."""

from __future__ import annotations

from collections import defaultdict
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from miniagents.promising.core.followers import Follower
from miniagents.promising.core.joins import joined_tasks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Set as AbstractSet

    from miniagents.promising.context import PromisingContext
    from miniagents.promising.core.current import Worker
    from miniagents.promising.core.production import Production

__all__ = ["Waits", "Writers", "stuck_tasks"]

Waits: TypeAlias = "dict[Worker, Production]"
"""What tasks wait for."""
Writers: TypeAlias = "dict[Production, list[Worker]]"
"""The tasks that may add something to a stream, besides its own."""


def stuck_tasks(
    waits: Waits,
    *,
    tasks: Iterable[Worker] = (),
    parked: Iterable[Worker] = (),
    writers: Writers | None = None,
    held: Mapping[Worker, list[Worker]] = MappingProxyType({}),
    fed: AbstractSet[Production] = frozenset(),
    searched: AbstractSet[Production] = frozenset(),
    ending: PromisingContext | None = None,
) -> set[Worker]:
    """Return the tasks that nothing will ever wake, among those that wait and `tasks`.

    When their context is `ending`, its own code has run to its end. Then nothing more comes from readers that are not
    there yet (a `parked` task is stuck), nor from the holder of a writing end in that context.

    Args:
        waits: What tasks wait for.
        tasks: More tasks.
        parked: Tasks that wait for readers.
        writers: The tasks that can add something to a stream, besides its own.
        held: The tasks that wait for a lock or the like, and those who can end the wait.
        fed: The streams that others than tasks can add something to.
        searched: The streams that nobody can add anything to besides all of those.
        ending: The context that is ending.
    """
    # the tasks that wait for other tasks rather than for a promise: gather(), a task group, or simply `await task`
    joins: dict[Worker, list[Worker]] = dict(held)
    for task in (*tasks, *chain.from_iterable(held.values())):
        _collect_joins(task, waits, joins)
    for production in set(waits.values()):
        for worker in workers_of(production, writers):
            if worker not in waits:
                _collect_joins(worker, waits, joins)
    stuck: set[Worker] = {*waits, *joins, *parked}
    # a task is alive if one of those that can wake it is, so life spreads from waker to woken
    woken_by: defaultdict[Worker, list[Worker]] = defaultdict(list)
    alive: list[Worker] = []
    for task in stuck:
        awaited = waits.get(task)
        if awaited is None:
            wakers = joins.get(task, [])
        elif (
            awaited in fed
            or awaited._is_done()
            or (task.is_due if isinstance(task, Follower) else awaited._was_woken())
        ):
            alive.append(task)
            continue
        else:
            wakers = workers_of(awaited, writers)
            if not wakers and awaited not in searched and (ending is None or awaited._context is not ending):
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


def workers_of(production: Production, writers: Writers | None) -> list[Worker]:
    return [*production._workers(), *(() if writers is None else writers.get(production, ()))]


def _collect_joins(
    task: Worker,
    waits: Waits,
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
