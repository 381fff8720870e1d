"""Warnings about contexts in which nothing happens any more.

The watch looks at its contexts from time to time. Pieces of streams, and tasks that begin or end, are progress. So
nothing needs to be counted where pieces are made. A context has stalled if there was no progress for `stall_warning`
seconds, and it is being left, or somebody waits for a promise of it that nothing outside of the waiting tasks can
resolve: neither the network, a clock or a thread, nor any other task.

| state   | event                                            | then                                            |
|---------|--------------------------------------------------|-------------------------------------------------|
| quiet   | a look finds progress, or the context is left    | quiet, from now on                              |
| quiet   | a look finds that the time is over and that the  | told: one warning                               |
|         | context has stalled                              |                                                 |
| told    | a look finds progress                            | quiet, from now on                              |
"""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Final, TypeGuard

from miniagents.promising.core.joins import joined_tasks
from miniagents.promising.core.pieces import PieceBuffer
from miniagents.promising.core.standing import is_lock, lines_of, thing_awaited, work_of
from miniagents.promising.core.stuck import stuck_tasks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Set as AbstractSet

    from miniagents.promising.context import PromisingContext
    from miniagents.promising.core.current import Worker
    from miniagents.promising.core.pieces import AnyBuffer
    from miniagents.promising.core.production import Production
    from miniagents.promising.core.watch import Watch

__all__ = ["Stalls", "described"]

logger: Final = logging.getLogger("miniagents")

_LOOK_SHARE: Final = 20.0
"""The pause after a look is at least that many times as long as the look."""
_ROUNDING: Final = 1e-6
"""Seconds that may get lost where moments are added up."""
_LOOKS: Final = 4
"""How many looks there are in the time after which a context has stalled."""


class Stall:
    """What is known of the progress in one context.

    Args:
        context: The context.
        seconds: How long there may be no progress.

    Attributes:
        told: Whether the warning was logged.
    """

    def __init__(self, context: PromisingContext, seconds: float) -> None:
        self._context = context
        self._seconds = seconds
        self._progress: object = None
        self._quiet_since = 0.0
        self._moves: dict[int, tuple[object, float]] = {}  # by ids: a task that has ended is not kept
        self._searched: frozenset[tuple[int, int]] = frozenset()  # tasks and what they waited for at the last search
        self._same_since = 0.0
        self._next_search = 0.0
        self.told: bool = False

    def begin(self, now: float) -> None:
        """Measure the time without progress from now on."""
        self._quiet_since = now

    def next_look(self, now: float) -> float:
        """Return when to look again."""
        regular = now + self._seconds / _LOOKS
        due = self._quiet_since + self._seconds
        return min(regular, due) if due > now + _ROUNDING else regular  # `look` has then found that it is due

    def look(self, now: float) -> bool:
        """Look for progress; return whether there was none for too long, and nobody was told."""
        work = work_of(self._context)
        moves: dict[int, tuple[object, float]] = {}
        pieces: dict[int, int] = {}
        for worker, production in work.items():
            key = id(worker)
            pieces[key] = len(production.pieces) if _is_buffer(production) else 0
            move = (id(getattr(worker, "_fut_waiter", None)), pieces[key])
            before = self._moves.get(key)
            moves[key] = (move, now) if before is None or before[0] != move else before
        self._moves = moves
        progress = (pieces, sum(len(end.pieces) for end in self._context._writing_ends))
        if progress != self._progress:
            self._progress = progress
            self._quiet_since = now
            self.told = False
        return bool(work) and not self.told and now >= self._quiet_since + self._seconds - _ROUNDING

    def is_worth_searching(self, stuck: AbstractSet[Worker], now: float) -> bool:
        """Return whether to search for others that can wake some tasks, and assume that this is done then.

        The search stops the loop for as long as it takes to look at all objects of the process. So while the same tasks
        wait for the same, as agents do that wait for an answer of a person, it comes ever more rarely.
        """
        waits = frozenset((id(worker), id(getattr(worker, "_fut_waiter", None))) for worker in stuck)
        if waits != self._searched:
            self._searched, self._same_since = waits, now
        elif now < self._next_search - _ROUNDING:
            return False
        self._next_search = now + max(self._seconds, now - self._same_since)
        return True

    def lasting(self, worker: Worker, now: float) -> float | None:
        """Return for how many seconds at least a task has not moved; None if that is not known."""
        move = self._moves.get(id(worker))
        return None if move is None else now - move[1]

    def tell(self, work: Mapping[Worker, Production | None], waits: Mapping[Worker, Production], now: float) -> None:
        """Log the warning.

        Args:
            work: The tasks that the warning is about.
            waits: What tasks wait for.
            now: The moment.
        """
        self.told = True
        closing = "" if self._context._is_active() else ", which is being left,"
        text = f"{self._context._described()}{closing} has made no progress for {now - self._quiet_since:.1f} s"
        lines = lines_of(work, waits, lambda worker: self.lasting(worker, now))
        logger.warning("%s", "\n".join((f"{text}:", *lines)))


class Stalls:
    """The progress in the contexts of a watch.

    Args:
        watch: The watch.
    """

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._stalls: dict[PromisingContext, Stall] = {}

    def of(self, context: PromisingContext) -> Stall | None:
        """Return what is known of the progress in a context."""
        return self._stalls.get(context)

    def begin(self, context: PromisingContext, now: float) -> None:
        """Measure the time without progress in a context from now on."""
        if context in self._stalls:
            self._stalls[context].begin(now)

    def forget(self, context: PromisingContext) -> None:
        """Forget a context that has ended."""
        self._stalls.pop(context, None)

    def look(self, now: float) -> float:
        """Look for progress in all contexts, and warn where there is none; return when to look again."""
        moments: list[float] = []
        for context in tuple(self._watch.contexts):
            stall = self._stalls.get(context)
            if stall is None:
                stall = self._stalls[context] = Stall(context, context.stall_warning or math.inf)
            if stall.look(now):
                work = self._stalled(stall, context, now)
                if work:
                    stall.tell(work, self._watch.waiting, now)
                    self._tell_no_outer(context)
            moments.append(stall.next_look(now))
        return max(min(moments), now + _LOOK_SHARE * (self._watch.loop.time() - now))

    def _tell_no_outer(self, context: PromisingContext) -> None:
        around = context.parent
        while around is not None:  # it waits for this one
            if around in self._stalls:
                self._stalls[around].told = True
            around = around.parent

    def _stalled(self, stall: Stall, context: PromisingContext, now: float) -> Mapping[Worker, Production | None]:
        """Return the work of a context that has stalled, and the tasks that wait for it."""
        work = with_others(work_of(context), self._watch.waiting, context)
        if not context._is_active():
            return work
        stuck = _stuck_in(context, work, lambda stuck: stall.is_worth_searching(stuck, now))
        return {worker: production for worker, production in work.items() if worker in stuck}


def _stuck_in(
    context: PromisingContext,
    work: Mapping[Worker, Production | None],
    is_worth_searching: Callable[[set[Worker]], bool],
) -> set[Worker]:
    """Return the tasks of an active context, and its readers, that nothing but each other can wake.

    This assumes more than the search for circles does: that nobody but a holder ends a wait for a lock, a queue or the
    like, or adds something to a stream. It is sure enough for a warning.

    Args:
        context: The context.
        work: Its tasks, and those that have to do with them.
        is_worth_searching: Says whether to search for others that can wake tasks which look stuck.

    Returns:
        The tasks; none if nobody waits for a promise of the context.
    """
    from miniagents.promising.core.holders import holders_of, holders_of_streams, releases_of  # noqa: PLC0415  # for rare cases

    watch = context.watch
    waits = dict(watch.waiting)

    def is_needed(stuck: set[Worker]) -> bool:
        return any(worker in stuck and production._context is context for worker, production in waits.items())

    wanted: dict[int, list[object]] = {}  # nothing else here may refer to these during the search
    awaited: dict[Worker, int] = {}
    for worker in work:
        thing = None if worker in waits else thing_awaited(worker)
        if thing is not None:
            awaited[worker] = id(thing)
            wanted[id(thing)] = [thing]
    thing = None
    held: dict[Worker, list[Worker]] = {worker: [] for worker in awaited}
    # first without the search for holders: it looks at all objects
    stuck = stuck_tasks(waits, tasks=work, held=held, searched=set(waits.values()))
    if not is_needed(stuck) or not is_worth_searching(stuck):
        return set()
    writers = watch.writers()
    searched = {waits[worker] for worker in stuck if worker in waits and waits[worker]._is_fed()}
    fed: set[Production] = set()
    for production, holders in holders_of_streams(searched).items():
        writers[production].extend(holders.tasks)
        if holders.acts or holders.is_kept:
            fed.add(production)
    locks = {key for key, (thing,) in wanted.items() if is_lock(thing)}
    for key in locks:
        wanted[key] = releases_of(wanted[key])
    thing = None
    found = holders_of(wanted)
    for worker, key in awaited.items():
        held[worker].extend(found[key].tasks)
        if found[key].acts or (found[key].is_kept and key not in locks):
            del held[worker]
    stuck = stuck_tasks(waits, tasks=work, writers=writers, held=held, fed=fed, searched=searched)
    return stuck if is_needed(stuck) else set()


def described(context: PromisingContext) -> str:
    """Describe what runs in a context and those inside, who waits for it, and for what it waits itself."""
    watch = context._watch
    if watch is None or not context._is_open():
        return f"{context._described()} is {context._state}"
    now = watch.loop.time()
    stall = None if watch.stalls is None else watch.stalls.of(context)
    work = with_others(work_of(context), watch.waiting, context)
    lines = lines_of(work, watch.waiting, lambda worker: None if stall is None else stall.lasting(worker, now))
    return "\n".join((f"{context._described()} is {context._state}" + (":" if lines else ""), *lines))


def with_others(
    work: Mapping[Worker, Production | None], waits: Mapping[Worker, Production], context: PromisingContext
) -> dict[Worker, Production | None]:
    """Return the work of a context, the plain tasks that it waits for, and the tasks that wait for its promises."""
    found = dict(work)
    pending = list(work)
    while pending:
        joined = [task for task in joined_tasks(pending.pop()) if task not in found]
        found.update(dict.fromkeys(joined))
        pending.extend(joined)
    readers = (task for task, production in waits.items() if production._context is context)
    return {**found, **{task: None for task in readers if task not in found}}


# isinstance() alone would leave the type of the pieces unknown


def _is_buffer(production: Production | None) -> TypeGuard[AnyBuffer]:
    return isinstance(production, PieceBuffer)
