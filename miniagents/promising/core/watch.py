"""Who waits for whom: finds circles of promises, and tasks that nothing will end when their context closes.

A sweep looks at all waiting tasks at once. It assumes that each of them is stuck, and takes the assumption back for
every task that something may still wake:

| the task waits for                      | it is alive if                                                     |
|-----------------------------------------|--------------------------------------------------------------------|
| nothing, or the world outside           | always                                                             |
| a promise that is done, or was woken    | always: it only has to look                                        |
| a promise with tasks that work on it    | one of them is alive                                               |
| a promise without, as an appender's     | its writing end may be held by any code: always; but not when its  |
|                                         | own context is ending, because that code has run, unless a timer,  |
|                                         | a thread or a task that is alive holds it                          |
| a promise whose writing end somebody    | always; this is looked for only if the task is stuck otherwise     |
| holds besides its tasks                 |                                                                    |
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
from weakref import WeakKeyDictionary

from miniagents.promising.core.followers import Rounds
from miniagents.promising.errors import PromiseDeadlockError

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Set as AbstractSet

    from miniagents.promising.context import PromisingContext
    from miniagents.promising.core.bounds import Bounded
    from miniagents.promising.core.current import Worker
    from miniagents.promising.core.production import Production
    from miniagents.promising.core.stalls import Stalls
    from miniagents.promising.core.stuck import Waits, Writers

__all__ = ["Watch"]

_FIRST_SWEEP: Final = 0.01
"""Seconds from the beginning of a wait to the first sweep that looks at it."""
_LAST_SWEEP: Final = 10.0
"""Seconds from one sweep to the next at most, if no wait began in the meantime."""
_SWEEP_SHARE: Final = 20.0
"""The pause after a sweep is at least that many times as long as the sweep: it takes at most 5 % of the time."""
_ROUNDING: Final = 1e-6
"""Seconds that may get lost where moments are added up."""
_SEARCH_SHARE: Final = 50.0
"""The same for searching the holders of one stream."""
_SEARCH_LOOKS: Final = 20_000_000
"""The objects, at 20 to 50 ns each, after which such a search gives up: a stall's warning comes instead of an error."""


class Watch:
    """The waits of all tasks in one loop, for a context and those inside it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.rounds: Final = Rounds(loop)
        """The followers in this loop that are due."""
        self._waits: Waits = {}
        self._parked: dict[Worker, tuple[Bounded, bool]] = {}
        self._deadlocks: dict[Worker, PromiseDeadlockError] = {}
        self._closing: list[PromisingContext] = []
        self._timer: asyncio.TimerHandle | None = None
        self._pause = _FIRST_SWEEP
        self._changed = False  # since the last sweep; if so, the next one comes soon
        self._not_before = 0.0
        self.contexts: Final[dict[PromisingContext, None]] = {}
        """The contexts that warn when they stall."""
        self.stalls: Stalls | None = None
        """Looks for progress in them, once somebody has waited for a moment."""
        self._next_look = 0.0
        self._suspected: set[Hashable] = set()  # what the last sweep has found but that needs a second look
        self._confirmed: set[Hashable] = set()  # the same of the sweep before that
        self._search_again: WeakKeyDictionary[Production, float] = WeakKeyDictionary()

    @property
    def waiting(self) -> Mapping[Worker, Production]:
        """What tasks wait for."""
        return self._waits

    def waits(self, task: Worker, production: Production) -> None:
        """Note that the task cannot go on before the production does."""
        self._waits[task] = production
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
        return self._deadlocks.pop(task, None)

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

    def opened(self, context: PromisingContext) -> None:
        """Look at the progress in a context, as long as somebody waits."""
        if context.stall_warning is not None:
            self.contexts[context] = None
            self._next_look = min(self._next_look, self.loop.time() + context.stall_warning / 4)

    def closing(self, context: PromisingContext) -> None:
        """From now on call `end_what_nobody_can_end` of the context when none of its tasks can go on by itself."""
        self._closing.append(context)
        if self.stalls is not None:
            self.stalls.begin(context, self.loop.time())
        self._look_soon()

    def closed(self, context: PromisingContext) -> None:
        """Call nothing of the context any more."""
        if context in self._closing:
            self._closing.remove(context)
        self.contexts.pop(context, None)
        if self.stalls is not None:
            self.stalls.forget(context)
        if not self._waits and not self._closing:
            self.stop()

    def stop(self) -> None:
        """Look no more."""
        self._changed = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # --- machinery ---

    def _look_soon(self) -> None:
        """Have a sweep come soon, even if the last one made a long pause."""
        if self._timer is None or self._pause > _FIRST_SWEEP:
            self.stop()
            self._pause = _FIRST_SWEEP
            self._schedule()
        self._changed = True

    def _schedule(self) -> None:
        now = self.loop.time()
        moment = now + self._pause
        if self.contexts and now < self._next_look < moment:
            moment = self._next_look
        moment = max(moment, self._not_before)
        # without a context of its own, the timer would keep the variables of whoever happens to wait first
        self._timer = self.loop.call_at(moment, self._sweep, context=Context())

    def _sweep(self) -> None:
        from miniagents.promising.core.stuck import stuck_tasks  # noqa: PLC0415  # short programs never sweep

        self._timer = None
        began = self.loop.time()
        self._confirmed, self._suspected = self._suspected, set()
        self._pause = _FIRST_SWEEP if self._changed else min(2 * self._pause, _LAST_SWEEP)
        self._changed = False
        for production in set(self._waits.values()):
            production._see_to_ended()
        # Writers are found by walking all tasks of the loop. That is needed only if tasks look stuck without them.
        if stuck_tasks(self._waits):
            writers = self.writers()
            stuck = stuck_tasks(self._waits, writers=writers)
            if stuck:
                # Nearly always there is a circle now. It is none if somebody else can still write what is waited for.
                fed, is_sure = self._fed_by_others(stuck, writers)
                stuck = stuck_tasks(self._waits, writers=writers, fed=fed)
                if stuck and (is_sure or self._is_confirmed(frozenset(stuck))):
                    self._break_circle(stuck)
        for context in tuple(self._closing):
            # As above: outsiders matter only if the context's own tasks look stuck.
            if context.tasks and self._is_stuck(context, context.tasks):
                outsiders = self._outsiders(context)
                is_stuck = self._is_stuck(context, context.tasks | outsiders)
                if is_stuck and not self._is_fed_by_others(context, outsiders) and not self._lifted_bounds(context):
                    context.end_what_nobody_can_end()
                self._look_when_done(outsiders)  # an outsider's end is the only news that no wait tells of
        if self.contexts and began >= self._next_look - _ROUNDING:
            if self.stalls is None:
                from miniagents.promising.core.stalls import Stalls  # noqa: PLC0415  # many programs never wait long

                self.stalls = Stalls(self)
            self._next_look = self.stalls.look(began)
        ended = self.loop.time()
        if self._suspected:
            self._look_soon()
        self._not_before = ended + _SWEEP_SHARE * (ended - began) * (not self._suspected)
        if self._waits or self._closing:
            if self._timer is None:
                self._schedule()
        else:
            self.stalls = None  # nobody looks at the time that passes from here on

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

    def _is_stuck(self, context: PromisingContext, tasks: AbstractSet[Worker]) -> bool:
        from miniagents.promising.core.stuck import stuck_tasks  # noqa: PLC0415  # as above

        parked = {task for task, (buffer, _) in self._parked.items() if buffer.waits_for_room()}
        if context._leaving is not None:  # it does nothing before the end of the context
            parked.add(context._leaving)
        return tasks <= stuck_tasks(self._waits, tasks=tasks, parked=parked, ending=context)

    def _is_confirmed(self, suspected: Hashable) -> bool:
        """Return whether the last sweep has suspected the same.

        While a search runs, a thread can take a writing end out of a place that the search has yet to look at, or reply
        and end. Both are seen by another search, after a turn of the loop.
        """
        self._suspected.add(suspected)
        return suspected in self._confirmed

    def _fed_by_others(self, stuck: set[Worker], writers: Writers) -> tuple[set[Production], bool]:
        """Find who else can write what tasks that seem stuck wait for; tasks are added to the writers.

        Returns:
            What other code than tasks can write, and whether nothing had to be searched to know that.
        """
        from miniagents.promising.core.holders import holders_of_streams  # noqa: PLC0415  # few programs need it

        awaited = {self._waits[task] for task in stuck if task in self._waits}
        now = self.loop.time()
        looked_at = {production for production in awaited if production._is_fed()}
        paused = {production for production in looked_at if self._search_again.get(production, now) > now}
        held = holders_of_streams(looked_at - paused, _SEARCH_LOOKS)
        pause = _SEARCH_SHARE * (self.loop.time() - now)
        for production, holders in held.items():
            writers[production].extend(holders.tasks)
            if holders.acts or holders.is_kept:
                paused.add(production)
                self._search_again[production] = now + pause
        return paused, not looked_at

    def _is_fed_by_others(self, context: PromisingContext, outsiders: AbstractSet[Worker]) -> bool:
        """Return whether others can write what the tasks of a closing context wait for: a timer, a thread, a task."""
        from miniagents.promising.core.holders import holders_of_streams  # noqa: PLC0415  # few programs need it

        tasks = context.tasks | outsiders
        held = holders_of_streams({self._waits[task] for task in tasks if task in self._waits})
        if any(holders.acts for holders in held.values()):
            return True
        others = {task for holders in held.values() for task in holders.tasks} - {context.body, context._leaving}
        return not self._is_stuck(context, tasks | others) or not (self._is_confirmed(context) or not held)

    def _outsiders(self, context: PromisingContext) -> set[asyncio.Task[object]]:
        """Return the tasks started by plain asyncio inside a context; they may hold writing ends or be readers."""
        from miniagents.promising.core.joins import held_by  # noqa: PLC0415  # as above

        known = {*context.tasks, context.body}
        return {task for task in asyncio.all_tasks(self.loop) if task not in known and held_by(task) is context}

    def _look_when_done(self, tasks: Iterable[asyncio.Task[object]]) -> None:
        for task in tasks:
            task.remove_done_callback(self._outsider_done)  # the last sweep may have added it
            task.add_done_callback(self._outsider_done)

    def _outsider_done(self, _: asyncio.Task[object]) -> None:
        if self._closing:
            self._look_soon()

    def writers(self) -> Writers:
        """Return the tasks, besides its workers, that run for a stream and may hold its writing end."""
        from miniagents.promising.core.joins import producing_in  # noqa: PLC0415  # as above

        writers: Writers = defaultdict(list)
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


def _next_stuck(task: Worker, waits: Waits, stuck: set[Worker]) -> Worker | None:
    from miniagents.promising.core.joins import joined_tasks  # noqa: PLC0415  # as above

    production = waits.get(task)
    following = production._workers() if production is not None else iter(joined_tasks(task))
    return next((other for other in following if other in stuck), None)
