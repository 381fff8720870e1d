"""Work in progress that others wait for: the common base of promises and of buffers of pieces.

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

Becoming done (`_finished`) wakes the readers and lets go of the sources. A production leaves its owner when it is done
and none of its tasks and parts runs any more. Until then, cancelling the owner reaches it.

Readers never touch the work. They look at the pieces or the value, and wait for `_progress()` if that is not enough.
All of them share one future, so that a producer wakes any number of readers with one call:

| `_wakeup`       | event                         | then                                                        |
|-----------------|-------------------------------|-------------------------------------------------------------|
| None, or done   | a reader begins to wait       | a new future                                                |
| pending         | another reader begins to wait | the same future                                             |
| pending         | `_wake`                       | None; the future is done, all look again                    |
| pending         | one reader's task is cancelled| the future is cancelled with it: all wake up, and those who |
|                 |                               | are not cancelled themselves look again                     |
"""

from __future__ import annotations

import asyncio
from asyncio import current_task
from contextvars import copy_context
from functools import partial
from threading import get_ident
from typing import TYPE_CHECKING
from weakref import WeakSet

from miniagents.promising.core.current import active_context, producing
from miniagents.promising.core.failure import Failure, mark_as_read
from miniagents.promising.core.places import hand_over, hint_at_open
from miniagents.promising.errors import ContextStateError, NoActiveContextError, PromiseCancelledError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Iterator
    from contextvars import Context

    from miniagents.promising.context import PromisingContext
    from miniagents.promising.core.current import Worker
    from miniagents.promising.core.watch import Watch
    from miniagents.promising.errors import PromiseDeadlockError

__all__ = ["Production"]


class Production:
    """Something that is being made, by tasks of its own or by the holder of its writing end.

    No name here is public but those that users of promises may see. The names with an underscore are for derived
    classes; other packages find them as functions in `core.access`, and as methods of `PieceBuffer`.
    """

    __slots__ = (
        "__weakref__",
        "_birth",
        "_context",
        "_guests",
        "_name",
        "_owner",
        "_results",
        "_sources",
        "_started",
        "_task",
        "_wakeup",
    )

    # Each kind of production sets these itself, in its own code: Python stores attributes twice as fast where all
    # objects that a line sees are of one class.
    _context: PromisingContext | None
    _name: str
    _birth: Context | None
    _owner: Production | None
    _task: Worker | None
    _started: set[Production] | None
    _sources: dict[Production, None] | None
    _results: WeakSet[Production] | None
    _guests: int
    _wakeup: asyncio.Future[None] | None

    _more_tasks: dict[Worker, None] | None = None  # only buffers have more tasks than one, and a slot for them

    # --- for readers ---

    async def _progress(self, is_ready: Callable[[], bool] | None = None) -> None:
        """Wait until something has changed, or may have; call this as a guest, and look again afterwards.

        Args:
            is_ready: Asked once more before the wait, for what another thread may change.

        Raises:
            PromiseDeadlockError: The promise waits, directly or not, for the task that calls this.
            ContextStateError: The context belongs to another event loop, which could not wake this task.
        """
        task, wakeup, watch = self._begin_wait()
        try:
            if is_ready is None or not is_ready():
                await wakeup
        except asyncio.CancelledError:
            # Cancelling the task of one reader cancels the future that all of them wait on. In the others this is no
            # cancellation of their own: they look again, and wait on a new future.
            if task.cancelling():
                raise
        finally:
            deadlock = self._end_wait(task, watch)
        if deadlock is not None:
            raise deadlock

    async def _until_done(self) -> None:
        """Wait until nothing more will come."""
        is_guest = self._guest_came()
        try:
            while not self._is_done():
                await self._progress()
        finally:
            if is_guest:
                self._guest_left()

    def _begin_wait(self) -> tuple[asyncio.Task[object], asyncio.Future[None], Watch]:
        """Note that the running task waits for a change; the task awaits the future and then calls `_end_wait`.

        Returns:
            The task, the future, and the watch over the wait.

        Raises:
            ContextStateError: As for `_progress`.
        """
        context = self._context or self.context
        watch = context._watch
        task = current_task(context._loop) if get_ident() == context._thread else None  # as `running_task` does it
        if task is None or watch is None:
            task, watch = context.waiting_task(self._name)
        wakeup = self._wakeup
        if wakeup is None or wakeup.done():
            wakeup = self._wakeup = watch.loop.create_future()
        if task.cancelling():
            # A task that was cancelled before and goes on waiting (in a `finally`) cannot tell a cancellation of the
            # shared future from one more of its own. It gets its own future, which only its own cancellation cancels.
            wakeup = _following(wakeup)
        watch.waits(task, self)
        return task, wakeup, watch

    def _end_wait(self, task: asyncio.Task[object], watch: Watch) -> PromiseDeadlockError | None:
        """Note that the task no longer waits; return the error to raise in it, if it was found to wait for itself."""
        return watch.waits_no_more(task)

    async def _progress_until(self, moment: float, is_ready: Callable[[], bool]) -> bool:
        """Like `_progress`, but wait no longer than until a moment of the loop's clock.

        The watch does not look at such a wait, as it ends by itself.

        Args:
            moment: The moment.
            is_ready: As for `_progress`.

        Returns:
            Whether the moment came first.
        """
        loop = self.context.waiting_task(self._name)[1].loop
        wakeup = self._wakeup
        if wakeup is None or wakeup.done():
            wakeup = self._wakeup = loop.create_future()
        if is_ready():
            return False
        own: asyncio.Future[bool] = loop.create_future()

        def go_on(is_moment: bool) -> None:
            if not own.done():
                own.set_result(is_moment)

        def woken(_: asyncio.Future[None]) -> None:
            go_on(False)

        timer = loop.call_at(moment, go_on, True)
        wakeup.add_done_callback(woken)
        is_guest = self._guest_came()
        try:
            return await own
        finally:
            timer.cancel()
            wakeup.remove_done_callback(woken)
            if is_guest:
                self._guest_left()

    def _guest_came(self) -> bool:
        """Count a reader who stays for a while, unless the reader is the work of something made of this.

        Returns:
            Whether it was counted; if so, the reader calls `_guest_left` in the end.
        """
        results = self._pieces_production()._results
        is_guest = results is None or producing.get() not in results
        self._guests += is_guest
        return is_guest

    def _guest_left(self) -> None:
        """Stop counting a reader."""
        self._guests -= 1

    # --- for producers ---

    @property
    def name(self) -> str:
        """The name for errors, logs and tasks."""
        return self._name

    @property
    def context(self) -> PromisingContext:
        """The context that this belongs to.

        Raises:
            NoActiveContextError: It was made outside of any context and there is none now.
        """
        context = self._context
        if context is None:
            context = self._context = active_context.get()
            if context is None:
                from miniagents.promising.context import PromisingContext  # noqa: PLC0415  # which imports this

                raise NoActiveContextError(
                    f"{self._name!r} needs an active context: write `async with MiniAgents():` around it"
                    + hint_at_open(PromisingContext)
                )
        return context

    def _wake(self) -> None:
        """Let everybody who waits look again."""
        wakeup = self._wakeup
        if wakeup is not None:
            self._wakeup = None
            if not wakeup.done():
                wakeup.set_result(None)

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

    def _finished(self) -> None:
        """Note that nothing more will come: readers look again, the owner need not remember this any longer."""
        if self._wakeup is not None:
            self._wake()
        self._birth = None
        if self._owner is not None and self._task is None:
            self._leave_owner()
        if self._sources:
            self._leave_sources()

    def _made_of(self, sources: Iterable[Production]) -> None:
        """Note the sources of this: those that are not used elsewhere are cancelled when this is cancelled."""
        for source in sources:
            if not source._is_done() and not self._is_made_of(source):
                pieces = source._pieces_production()
                if pieces._results is None:
                    pieces._results = WeakSet()
                pieces._results.add(self)
                if self._sources is None:
                    self._sources = {}
                self._sources[source] = None

    def _is_made_of(self, source: Production) -> bool:
        """Return whether the source is one of this production's."""
        return self._sources is not None and source in self._sources

    def _leave_sources(self, *left: Production) -> tuple[Production, ...]:
        """Forget the sources, or the given ones of them.

        Returns:
            The sources that were forgotten.
        """
        leaving = tuple(source for source in left or self._sources or () if self._is_made_of(source))
        for source in leaving:
            if self._sources is not None:
                self._sources.pop(source, None)
            results = source._pieces_production()._results
            if results is not None:
                results.discard(self)
        return leaving

    def _is_used(self) -> bool:
        """Return whether anybody reads this, or something is made of it."""
        pieces = self._pieces_production()
        return bool(self._guests or self._results) or (pieces is not self and pieces._is_used())

    def _failure_of(self, error: BaseException) -> Failure:
        """Return the error as a piece, with its origin: this production and those that it was started for."""
        return self._remembered(Failure(error, self._origin(), self))

    def _taken_over(self, failure: Failure) -> Failure:
        """Return the failure of another production as one that is passed on here."""
        return self._remembered(failure.handed_over())

    def _end_with(self, error: BaseException) -> None:
        """End with an error of the work; if it has already ended, the error is logged instead."""
        if self._is_done():
            self._failure_of(error).log_unseen()
        else:
            self._give_up(error)

    def _origin(self) -> str:
        """Return the names of this production and of those that started it, innermost first."""
        names: list[str] = []
        production: Production | None = self
        while production is not None:
            if not names or names[-1] != production._name:
                names.append(production._name)
            production = production._owner
        return ", called by ".join(repr(name) for name in names)

    def cancel(self) -> bool:
        """Stop this and everything that it started, including work that still runs after this has finished.

        The sources of this are stopped as well, if they have no reader and nothing else is made of them. Readers get
        `PromiseCancelledError`. Productions that have finished stay as they are. Called in another thread than the
        loop's, this happens at the loop's next turn.

        Returns:
            Whether there was anything to stop.
        """
        context = self._context
        if context is not None and not context._is_here() and context._is_open():
            is_done = self._is_done()  # first: the loop may be faster
            hand_over(context, self.cancel)
            return not is_done
        stopped = False
        results: list[tuple[Production, str]] = [(self, "was cancelled")]
        while results:
            result, how = results.pop()
            sources = {*result._leave_sources(), *result._pieces_production()._leave_sources()}
            productions: list[Production] = [result]
            stopping: set[Production] = set()
            while productions:
                production = productions.pop()
                if production in stopping:
                    continue  # a promise and its buffer are parts of each other
                stopping.add(production)
                if not production._is_done():
                    production._give_up(PromiseCancelledError(f"{production._origin()} {how}"))
                    stopped = True
                for task in production._running():
                    stopped = task.cancel() or stopped
                    # a task that is cancelled before it has begun runs no code that could tell of its end
                    task.add_done_callback(production._task_ended)
                productions.extend(production._parts())
            # Sources are looked at last: only now is it known who still uses them.
            how = f"was cancelled with {result.name!r}, which was made of it"
            results.extend((source, how) for source in sources if not source._is_used())
        return stopped

    def _was_woken(self) -> bool:
        """Return whether those who waited here have been told to look again, even if they have not done so yet."""
        return self._wakeup is None or self._wakeup.done()

    def _parts(self) -> Iterable[Production]:
        """Return the productions that are cancelled with this: those that it started."""
        return tuple(self._started) if self._started else ()

    # --- what the kinds of production fill in ---

    def _is_lazy(self) -> bool:
        """Return whether the work waits for a first reader."""
        return False

    def _bound_to_readers(self) -> int | None:
        """Return how many pieces this may be ahead of its furthest reader; None without a bound."""
        return None

    def _bound_of_messages(self) -> int | None:
        """Return the bound of the messages that are streamed in this work and do not say so themselves."""
        return None

    def _pieces_production(self) -> Production:
        """Return the production that counts readers and results: for a stream, its buffer, which promises share."""
        return self

    def _is_done(self) -> bool:
        """Return whether nothing more will come."""
        raise NotImplementedError

    def _is_at_hand(self) -> bool:
        """Return whether nothing more will come, or this can be made of what is there; asking may complete it."""
        return self._is_done()

    def _is_fed(self) -> bool:
        """Return whether code that holds the writing end can make progress here, besides the workers."""
        return False

    def _give_up(self, error: BaseException) -> None:
        """End with an error, unless this is done."""
        raise NotImplementedError

    # --- machinery ---

    def _remembered(self, failure: Failure) -> Failure:
        from miniagents.promising.core.callers import note_call  # noqa: PLC0415  # where nothing fails it is not needed

        note_call(failure, self)
        context = self._context
        if context is not None:
            context.remember(failure)
        return failure

    def _launch_here(self, work: Coroutine[object, object, None], *, tells: bool = False) -> None:
        """Start a task of this production as a part of the code that runs now.

        Args:
            work: The coroutine that the task runs.
            tells: Whether the last thing that the work does is to call `_work_ended`. A callback for its end would cost
                a turn of the loop.
        """
        self._adopt()
        try:
            task = self.context.spawn(work, self._name, self)
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
            self._context.forget(task)
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

    def _leave_owner(self) -> None:
        """Leave the owner once there is nothing left to cancel here; then the owner may leave its own."""
        production = self
        owner = production._owner
        while owner is not None and production._task is None and not production._more_tasks and not production._started:
            if not production._is_done():
                return
            production._owner = None
            if owner._started is not None:
                owner._started.discard(production)
            production = owner
            owner = production._owner

    def _running(self) -> tuple[Worker, ...]:
        """Return the tasks that have not told of their end."""
        first = () if self._task is None else (self._task,)
        return first if self._more_tasks is None else (*first, *self._more_tasks)

    def _workers(self) -> Iterator[Worker]:
        """Give the tasks that can make progress here; without any, progress is up to unknown code."""
        return (task for task in self._running() if not task.done())


def _following(future: asyncio.Future[None]) -> asyncio.Future[None]:
    """Return a future that is done when another one is, and can be cancelled without cancelling that."""
    own: asyncio.Future[None] = future.get_loop().create_future()
    future.add_done_callback(lambda _: None if own.done() else own.set_result(None))
    return own
