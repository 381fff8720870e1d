"""What others wait for: the common base of promises, of buffers of pieces, and of other work in progress.

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
from threading import get_ident
from typing import TYPE_CHECKING

from miniagents.promising.core.current import active_context, current_task, producing
from miniagents.promising.core.failure import Failure
from miniagents.promising.core.places import hand_over, hint_at_open
from miniagents.promising.errors import NoActiveContextError, PromiseCancelledError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextvars import Context
    from weakref import WeakSet

    from miniagents.promising.context import PromisingContext
    from miniagents.promising.core.current import Worker
    from miniagents.promising.core.letting_go import LettingGo
    from miniagents.promising.core.watch import Watch
    from miniagents.promising.core.working import Working
    from miniagents.promising.errors import PromiseDeadlockError
    from miniagents.promising.promise import Promise

__all__ = ["Production"]


class Production:
    """Something that is being made, by tasks of its own or by the holder of its writing end.

    No name here is public but those that users of promises may see. The names with an underscore are for derived
    classes; other packages find them as functions in `core.access`, and as methods of `PieceBuffer`.
    """

    __slots__ = (
        "__weakref__",
        "_context",
        "_guests",
        "_name",
        "_results",
        "_wakeup",
    )

    # Each kind of production sets these itself, in its own code: Python stores attributes twice as fast where all
    # objects that a line sees are of one class.
    _context: PromisingContext | None
    _name: str
    _results: WeakSet[Working] | None
    _guests: int
    _wakeup: asyncio.Future[None] | None

    # what the work in progress has slots for
    _birth: Context | None = None
    _owner: Working | None = None
    _task: Worker | None = None
    _started: set[Working] | None = None
    _sources: dict[Production, None] | None = None

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
            del task  # a cancelled task keeps its error, whose frames would keep the task
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
        if watch._changed:
            watch._waits[task] = self  # as `Watch.waits` does it: calling it would be a twentieth of such a wait
        else:
            watch.waits(task, self)
        return task, wakeup, watch

    def _end_wait(self, task: asyncio.Task[object], watch: Watch) -> PromiseDeadlockError | None:
        """Note that the task no longer waits; return the error to raise in it, if it was found to wait for itself."""
        del watch._waits[task]
        return watch.circle_of(task) if watch._deadlocks else None

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

    def _when_woken(self, callback: Callable[[], object]) -> None:
        """Call a function once at the next change, without being a reader."""
        wakeup = self._wakeup
        if wakeup is None or wakeup.done():
            wakeup = self._wakeup = self.context.watch.loop.create_future()
        wakeup.add_done_callback(lambda _: callback())

    def _finished(self) -> None:
        """Note that nothing more will come: readers look again."""
        if self._wakeup is not None:
            self._wake()

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
            if isinstance(error, asyncio.CancelledError):
                error.with_traceback(None)  # the task keeps it, and its frames hold what this was made of
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

        The sources of this are stopped as well, if they have no reader and nothing else is made of them, even if this
        has ended before them. Readers get `PromiseCancelledError`. Productions that have finished stay as they are.
        Called in another thread than the loop's, this happens at the loop's next turn.

        Returns:
            Whether there was anything to stop: this, a source of it, or something that it started.
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
            sources = result._leave_sources()
            stopped = result._stop(how) or stopped
            # Sources are looked at last: only now is it known who still uses them.
            how = f"was cancelled with {result.name!r}, which was made of it"
            for source in sources:
                if source._is_used():
                    source._let_go(result)
                else:
                    results.append((source, how))
            results.extend((source, how) for source in result._left_behind())
        return stopped

    def _stop(self, how: str) -> bool:
        """Stop this and everything that it started, as `cancel` does, but none of what it is made of.

        Args:
            how: The end of the error text for readers, behind the names of what was stopped.
        """
        stopped = False
        productions: list[Production] = [self]
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
        return stopped

    def _was_woken(self) -> bool:
        """Return whether those who waited here have been told to look again, even if they have not done so yet."""
        return self._wakeup is None or self._wakeup.done()

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

    def _was_cancelled(self) -> bool:
        """Return whether this is a stream that was cancelled, even if its readers have not noticed yet."""
        pieces = self._pieces_production()
        return pieces is not self and pieces._was_cancelled()

    # --- what only work in progress has ---

    def _parts(self) -> Iterable[Production]:
        """Return the productions that are cancelled with this."""
        return ()

    def _running(self) -> tuple[Worker, ...]:
        """Return the tasks that have not told of their end."""
        return ()

    def _workers(self) -> Iterator[Worker]:
        """Give the tasks that can make progress here; without any, progress is up to unknown code."""
        return (task for task in self._running() if not task.done())

    def _task_ended(self, task: Worker) -> None:
        """Note that a task of this production has ended, or is about to; hearing it again changes nothing."""

    def _see_to_ended(self) -> None:
        """Note the end of tasks that have ended without a word: other code cancelled them before they began."""

    def _made_of(self, sources: Iterable[Production]) -> None:
        """Note the sources of this: those that are not used elsewhere are cancelled when this is cancelled."""

    def _is_made_of(self, source: Production) -> bool:  # noqa: ARG002  # of the derived classes
        """Return whether the source is one of this production's."""
        return False

    def _leave_sources(self, *left: Production) -> tuple[Production, ...]:  # noqa: ARG002  # as above
        """Forget the sources, or the given ones of them.

        Returns:
            The sources that were forgotten.
        """
        return ()

    def _left_behind(self) -> Iterable[Production]:
        """Return what this has let go of and nobody else holds or reads."""
        return ()

    def _let_go(self, by: Production) -> LettingGo | None:  # noqa: ARG002  # as above
        """Have this stop when nothing wants it any more, because a result of it has ended before it.

        Returns:
            None if this has ended too, or nothing shows who holds it.
        """
        return None

    def _given_out(self) -> Iterable[Promise[object]]:
        """Forget the promises that this has given out and that are still to come, and return them.

        Only somebody who holds such a promise, and nobody who holds this, has it then. A promise that is given to
        nobody is made instead for those who look at all pieces without being readers.
        """
        return ()

    # --- machinery ---

    def _remembered(self, failure: Failure) -> Failure:
        from miniagents.promising.core.callers import note_call  # noqa: PLC0415  # where nothing fails it is not needed

        note_call(failure, self)
        context = self._context
        if context is not None:
            context.remember(failure)
        return failure


def _following(future: asyncio.Future[None]) -> asyncio.Future[None]:
    """Return a future that is done when another one is, and can be cancelled without cancelling that."""
    own: asyncio.Future[None] = future.get_loop().create_future()
    future.add_done_callback(lambda _: None if own.done() else own.set_result(None))
    return own
