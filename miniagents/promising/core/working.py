"""Work in progress: the part of a production that runs tasks, has an owner, and is made of sources.

| state                    | event                            | then                                               |
|--------------------------|----------------------------------|----------------------------------------------------|
| lazy: nothing is started | a first reader, or an eager start| running; the task is launched                      |
| lazy                     | a start after the context's end  | done, by a `ContextStateError`                     |
| lazy, running            | `_give_up`, `cancel`             | done, by the error; tasks are cancelled by `cancel`|
| running                  | the work gives its result        | done                                               |
| running                  | the work raises                  | done, by the error (`_end_with`)                   |
| running                  | its task dies before it can tell | done, by the error (`_tell_of_end`)                |
| done                     | the work raises                  | the error is logged                                |
| done                     | `cancel`                         | tasks and parts that still run are cancelled       |

Becoming done (`_finished`) wakes the readers and lets go of the sources. Work leaves its owner when it is done and none
of its tasks and parts runs any more. Until then, cancelling the owner reaches it.

Work refers to no promise that it is the work of. So a promise is collected when nothing but its work is left of it,
and `letting_go` can tell that.
"""

from __future__ import annotations

from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakSet, ref

from miniagents.promising.core.current import current_task, producing
from miniagents.promising.core.failure import caught, mark_as_read
from miniagents.promising.core.production import Production
from miniagents.promising.errors import ContextStateError, PromiseCancelledError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator

    from miniagents.promising.core.current import Worker
    from miniagents.promising.core.failure import Failure
    from miniagents.promising.core.letting_go import LettingGo
    from miniagents.promising.promise import Promise

__all__ = ["Settling", "Working"]


class Working(Production):
    """A production with tasks of its own, or whose holder of the writing end makes it."""

    __slots__ = ("_birth", "_left", "_letting_go", "_owner", "_sources", "_started", "_task")

    _left: tuple[LettingGo, ...] | None
    _letting_go: LettingGo | None

    _more_tasks: dict[Worker, None] | None = None  # only buffers have more tasks than one, and a slot for them

    # --- what runs ---

    def _launch(self, work: Coroutine[object, object, None], *, tells: bool = False) -> None:
        """Start a task of this production; the context waits for it and cancelling the production cancels it.

        If the context has ended, this production ends with an error instead.

        Args:
            work: As for `_launch_here`.
            tells: As for `_launch_here`.
        """
        if self._birth is None:
            self._launch_here(work, tells=tells)
        else:
            self._birth.copy().run(partial(self._launch_here, work, tells=tells))

    def _belongs_here(self) -> None:
        """Note where this was made, for work that is started later by somebody else.

        The work is a part of the code that made it and sees the context variables of that place. The reader that
        happens to start it is a guest like all readers: cancelling the reader does not cancel the work.
        """
        self._birth = copy_context()

    # --- who owns it ---

    def _adopt(self) -> None:
        """Make this a part of the work of the production that the running task works for, to be cancelled with it."""
        if self._owner is None:
            owner = producing.get()
            if owner is not None and owner is not self and not self._is_done() and not self._started_for(owner):
                self._owner = owner
                if owner._started is None:
                    owner._started = set()
                owner._started.add(self)

    def _started_for(self, production: Production) -> bool:
        """Return whether a production is a part of this one, at any depth; it cannot own this as well."""
        part: Production | None = production if self._started else None  # most productions have started nothing
        while part is not None and part is not self:
            part = part._owner
        return part is self

    def _parts(self) -> Iterable[Production]:
        """Return the productions that are cancelled with this: those that it started."""
        return tuple(self._started) if self._started else ()

    def _leave_owner(self) -> None:
        """Leave the owner once there is nothing left to cancel here; then the owner may leave its own."""
        production: Working = self
        owner = production._owner
        while owner is not None and production._task is None and not production._more_tasks and not production._started:
            if not production._is_done():
                return
            production._owner = None
            if owner._started is not None:
                owner._started.discard(production)
            production = owner
            owner = production._owner

    # --- what it is made of ---

    def _made_of(self, sources: Iterable[Production]) -> None:
        """Note the sources of this: those that are not used elsewhere are cancelled when this is cancelled."""
        noted = self._sources
        for source in sources:
            if not source._is_done() and (noted is None or source not in noted):
                pieces = source._pieces_production()
                if pieces._results is None:
                    pieces._results = WeakSet()
                pieces._results.add(self)
                if noted is None:
                    noted = self._sources = {}
                noted[source] = None

    def _is_made_of(self, source: Production) -> bool:
        """Return whether the source is one of this production's."""
        return self._sources is not None and source in self._sources

    def _leave_sources(self, *left: Production) -> tuple[Production, ...]:
        """Forget the sources, or the given ones of them.

        Returns:
            The sources that were forgotten.
        """
        noted = self._sources
        if not noted:
            return ()
        leaving = tuple([source for source in left if source in noted] if left else noted)
        for source in leaving:
            noted.pop(source, None)
            results = source._pieces_production()._results
            if results is not None:
                results.discard(self)
        return leaving

    def _let_go_of(self, *sources: Production) -> None:
        """Forget all sources, or the given ones, and let go of those that have not ended."""
        for source in self._leave_sources(*sources):
            letting_go = source._let_go(self)
            if letting_go is not None:
                self._left = (*(self._left or ()), letting_go)

    def _left_behind(self) -> Iterable[Production]:
        """Return what this has let go of and nobody else holds or reads."""
        return [part for letting_go in self._left or () for part in letting_go.unwanted()]

    def _has_work(self) -> bool:
        """Return whether there is work that could be cancelled; what a holder of a writing end writes is its own."""
        return not self._is_fed() or self._is_lazy() or bool(self._running() or self._started)

    # --- machinery ---

    def _finished(self) -> None:
        """Note that nothing more will come: readers look again, the owner need not remember this any longer."""
        if self._wakeup is not None:
            self._wake()
        self._birth = None
        if self._owner is not None and self._task is None:
            self._leave_owner()
        if self._sources:
            self._let_go_of()

    def _launch_here(self, work: Coroutine[object, object, None], *, tells: bool = False) -> None:
        """Start a task of this production as a part of the code that runs now.

        Args:
            work: The coroutine that the task runs.
            tells: Whether the last thing that the work does is to call `_work_ended`. A callback for its end would cost
                a turn of the loop.
        """
        self._adopt()
        try:
            task = (self._context or self.context).spawn(work, self._name, self)
        except ContextStateError as error:
            self._give_up(error)  # every reader gets the same answer, now and later
            mark_as_read(error)
            return
        if task.done():  # an eager task may have ended before it was returned
            if not self._is_done():
                self._tell_of_end(task)
            return
        if self._task is None:
            self._task = task
        else:
            self._works(task)
        if not tells:
            task.add_done_callback(self._task_ended)

    def _works(self, task: Worker) -> None:
        """Note that a task works for this; call `_task_ended` in the end."""
        self._task = task

    def _work_ended(self, task: asyncio.Task[object] | None, *, has_told: bool) -> None:
        """Note the end of the running task, which has nothing more to do; for work that was launched with `tells`.

        Args:
            task: The task; None for work that Python takes down because its loop is gone.
            has_told: Whether readers were told of an error, if there was any.
        """
        if task is None:
            return
        if has_told or self._is_done():
            self._task_ended(task)
        else:  # even catching the error failed: only the task can tell how it ended
            task.add_done_callback(self._task_ended)

    def _task_ended(self, task: Worker) -> None:
        """Note that a task of this production has ended, or is about to; hearing it again changes nothing."""
        if task is self._task:
            self._task = None
        elif self._more_tasks is not None and task in self._more_tasks:
            del self._more_tasks[task]
        else:
            return
        if self._context is not None:
            self._context._tasks.pop(task, None)
        if task.done() and not self._is_done():
            self._tell_of_end(task)
        if self._owner is not None:
            self._leave_owner()

    def _see_to_ended(self) -> None:
        """Note the end of tasks that have ended without a word: other code cancelled them before they began."""
        for task in self._running():
            if task.done():
                self._task_ended(task)

    def _tell_of_end(self, task: Worker) -> None:
        """Tell the readers of a task that could not do so itself; they would wait for ever."""
        if task.cancelled():
            # cancelled before its first step: none of its own code could catch that
            self._give_up(PromiseCancelledError(f"{self._origin()} was cancelled"))
        elif (error := task.exception()) is not None:
            self._give_up(error)  # `Catching` itself failed, for example because the stack was exhausted

    def _running(self) -> tuple[Worker, ...]:
        """Return the tasks that have not told of their end."""
        first = () if self._task is None else (self._task,)
        return first if self._more_tasks is None else (*first, *self._more_tasks)

    def _workers(self) -> Iterator[Worker]:
        """Give the tasks that can make progress here; without any, progress is up to unknown code."""
        return (task for task in self._running() if not task.done())


class Settling(Working):
    """The work of a promise: it calls the resolver, and has no promise alive.

    Args:
        promise: The promise.
        resolver: Makes the value; None if nothing does, and this only notes what the promise is made of.
        pieces: The buffer of the pieces that the value is made of, if there are any.
    """

    __slots__ = ("_has_ended", "_pieces", "_promises", "_resolver")

    def __init__(
        self,
        promise: Promise[Any],  # Any: what it settles
        resolver: Callable[[], Awaitable[object]] | None,
        pieces: Working | None = None,
    ) -> None:
        self._context = promise._context
        self._name = promise._name
        self._birth = self._owner = self._task = self._started = self._sources = None
        self._results = self._wakeup = self._left = self._letting_go = None
        self._guests = 0
        self._promises: tuple[ref[Promise[Any]], ...] = (ref(promise),)  # Any: as above
        self._resolver = resolver
        self._pieces = pieces
        self._has_ended = False

    def start(self) -> None:
        """Start the work, unless it has been started."""
        resolver = self._resolver
        if resolver is not None:
            self._resolver = None
            self._launch(self._produce(resolver), tells=True)

    def is_at_end(self) -> None:
        """Note that the promise was settled."""
        if not self._has_ended:
            self._has_ended = True
            self._finished()

    def when_started(self, then: Callable[[], object]) -> None:
        """Call something when the work starts, at once if it has already started."""
        resolver = self._resolver
        if resolver is None:
            then()
            return

        def start() -> Awaitable[object]:
            then()
            return resolver()

        self._resolver = start

    def settles(self, promise: Promise[Any]) -> None:  # Any: as above
        """Settle one more promise with the others."""
        promise._work = self
        self._promises = (*self._promises, ref(promise))

    def _is_done(self) -> bool:
        """Return whether the promise was settled."""
        return self._has_ended

    def _pieces_production(self) -> Working:
        """Return the buffer of the pieces, which counts their readers and results."""
        return self if self._pieces is None else self._pieces

    def _is_lazy(self) -> bool:
        """Return whether the work waits for a first reader."""
        return self._resolver is not None

    def _give_up(self, error: BaseException) -> None:
        """Have the promise fail, unless it was settled."""
        if not self._has_ended:
            self._has_ended = True
            self._resolver = None
            self._settle_all(None, self._failure_of(error))

    def _settle_all(self, value: object, failure: Failure | None) -> None:
        for each in self._promises:
            promise = each()
            if promise is not None:
                promise._settle_with(value, failure)
        self._finished()

    async def _produce(self, resolver: Callable[[], Awaitable[object]]) -> None:
        task = current_task((self._context or self.context)._loop)
        has_told = False
        try:
            producing.set(self)
            value = await resolver()
            if not self._has_ended:
                self._has_ended = True
                self._settle_all(value, None)
            has_told = True
        except BaseException as error:
            has_told = caught(error, task, self._end_with)
            if not has_told:
                raise
        finally:
            self._work_ended(task, has_told=has_told)
            del self, task, resolver  # see `core.failure`
