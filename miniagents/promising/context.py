"""The context of promises: it owns every task that they start, and ends after the last of them.

| state   | event                              | then                                                              |
|---------|------------------------------------|-------------------------------------------------------------------|
| new     | `activate`, `async with`           | active                                                            |
| active  | `afinalize`                        | closing: it waits for all tasks, also for those that they start   |
|         |                                    | and for contexts inside; with `on_leave="cancel"` it cancels them |
| active  | `afinalize(error)`                 | closing: it cancels all tasks and contexts inside                 |
| active, | the context around it cancels it   | closing: as by `afinalize(error)`, in a task of its own           |
| closing |                                    |                                                                   |
| active, | Ctrl+C or `sys.exit()` in a task   | the task that activated it is cancelled; leaving the context      |
| closing |                                    | raises the `KeyboardInterrupt` or `SystemExit`                    |
| closing | no task can continue by itself     | agents whose replies nobody reads go on without a bound; if there |
|         |                                    | are none, the watch calls `end_what_nobody_can_end`: streams that |
|         |                                    | are open end with an error, parked tasks are cancelled            |
| closing | `afinalize` is cancelled itself    | it cancels all tasks                                              |
| closing | tasks that were cancelled still    | they are given up with a warning                                  |
|         | run after `shutdown_timeout`, or   |                                                                   |
|         | at a second Ctrl+C                 |                                                                   |
| closing | no task is left                    | closed: open streams end, errors that nobody has seen are logged  |

Work can start in an active or closing context, which any task of its loop can enter with `entered`. In any other it
ends with a `ContextStateError`. `activate` and `afinalize` raise one in any other state than theirs.
"""

from __future__ import annotations

import asyncio
import logging
import math
import weakref
from contextvars import copy_context
from threading import get_ident
from typing import TYPE_CHECKING, Final, Literal, NoReturn, Self, TypeAlias

from typing_extensions import ParamSpec, TypeVar

from miniagents.promising.core.arguments import async_functions, check_kind, check_not_negative
from miniagents.promising.core.current import (
    active_context,
    current_task,
    innermost_of,
    inside_hook,
    running_loop,
    still_open,
)
from miniagents.promising.core.ending import at_next_turn, cancel_work, end_of_work, impatience_of, raise_or_log
from miniagents.promising.core.places import (
    Entered,
    Inside,
    ended_with,
    hint_at_open,
    make_inactive,
    note_closed,
    note_opened,
    why_not_here,
)
from miniagents.promising.core.presenting import PresentedContext
from miniagents.promising.core.watch import Watch
from miniagents.promising.errors import AppenderAbandonedError, ContextStateError, NoActiveContextError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable, Set as AbstractSet
    from concurrent.futures import Future
    from contextlib import AbstractContextManager
    from types import TracebackType

    from miniagents.promising.core.current import Worker
    from miniagents.promising.core.failure import Failure
    from miniagents.promising.core.followers import Follower
    from miniagents.promising.core.pieces import AnyBuffer
    from miniagents.promising.core.places import Tokens
    from miniagents.promising.core.production import Production
    from miniagents.promising.promise import Promise

__all__ = ["PromiseResolvedHandler", "PromisingContext"]

T = TypeVar("T")
P = ParamSpec("P")

logger: Final = logging.getLogger("miniagents")

_STARTS_WITHIN_STARTS: Final = 16
"""How deep eager tasks may start eager tasks: a longer chain would exhaust the stack."""

_MOST_LATE_ERRORS: Final = 100
"""How many errors that no stream could carry are kept: a hook may fail at each of a million requests."""

PromiseResolvedHandler: TypeAlias = "Callable[[Promise[object], object], Awaitable[None]]"
"""A hook: an async function that is given a promise and what it resolved to."""


class PromisingContext(PresentedContext):
    """The place where promises live: `async with PromisingContext(): ...`.

    Leaving the context waits for all work that was started in it. If the block raises or is cancelled, the work is
    cancelled first. Either way, nothing that the context owns runs on afterwards. A plain asyncio task that was started
    inside is not waited for. But as long as it may still feed work of the context, that work is not given up.

    A context that is opened inside another one of its loop shares the hooks of that. Leaving the outer one waits for
    the inner one, or cancels its work.

    Args:
        start_asap: Whether promises that do not say so themselves start at the next turn of the loop (True), or when
            somebody first awaits or iterates them (False).
        shutdown_timeout: Seconds that a cancelled task has to stop before it is given up with a `TaskAbandonedWarning`.
        on_leave: Whether leaving the context waits for the work that still runs, or cancels it ("cancel").
        parent: The context that this one is opened inside; by default the one that is active where it is opened.
        on_promise_resolved: Called with every promise that resolved in this context and its result.
        stall_warning: Seconds without any progress after which a warning tells for whom the context waits, at which
            line of your code; while it is left, or if nothing but its own waiting tasks could go on. None for no
            warnings.

    Raises:
        TypeError: An option is of another type, or a hook is not async.
        ValueError: `on_leave` is none of the two, `stall_warning` is not above 0, or `shutdown_timeout` is negative.
    """

    def __init__(
        self,
        *,
        start_asap: bool = True,
        shutdown_timeout: float = 5.0,
        on_leave: Literal["wait", "cancel"] = "wait",
        parent: PromisingContext | None = None,
        on_promise_resolved: PromiseResolvedHandler | Iterable[PromiseResolvedHandler] = (),
        stall_warning: float | None = 10.0,
    ) -> None:
        if on_leave not in ("wait", "cancel"):
            raise ValueError(f'on_leave={on_leave!r}: write "wait" or "cancel"')
        check_not_negative(f"shutdown_timeout={shutdown_timeout!r}", shutdown_timeout)
        check_kind("parent", parent, PromisingContext | None, "no context")
        if stall_warning is not None:
            no_zero = "give seconds above 0, or None for no warnings"
            check_not_negative(f"stall_warning={stall_warning!r}", stall_warning, if_zero=no_zero)
        self.stall_warning: Final = None if stall_warning == math.inf else stall_warning
        self.start_asap: Final = start_asap
        self.shutdown_timeout: Final = shutdown_timeout
        self.on_leave: Final = on_leave
        self._resolved_handlers = async_functions("on_promise_resolved", on_promise_resolved)
        self._listening: tuple[PromisingContext, ...] = ()  # those that are open and whose hooks hear of promises here
        self.parent: PromisingContext | None = parent
        self._inside: Inside | None = None  # this context among the work of its parent
        self._tokens: Tokens = ()
        self._opened_at = ("", 0)
        self._state = "new"
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._body: asyncio.Task[object] | None = None
        self._leaving: asyncio.Task[object] | None = None
        self._watch: Watch | None = None
        self._tasks: dict[Worker, Production | None] = {}
        self._hook_tasks: set[asyncio.Task[None]] = set()
        self.last_words: list[Callable[[], object]] = []
        """Called when the context has been left."""
        self._writing_ends: weakref.WeakSet[AnyBuffer] = weakref.WeakSet()
        self._failures: weakref.WeakSet[Failure] = weakref.WeakSet()
        self._starting = 0
        self._late_errors: list[BaseException] = []
        self._interruption: BaseException | None = None
        self._body_was_cancelled = False
        self._is_hurried = False

    # --- entering and leaving ---

    @classmethod
    def current(cls) -> Self:
        """Return the innermost active context of this class.

        If all of them were ended in other tasks, it is the innermost of those; starting work in it raises and says so.

        Raises:
            NoActiveContextError: There is none.
        """
        innermost = active_context.get()
        if isinstance(innermost, cls) and innermost._state != "closed":
            return innermost
        context = innermost_of(cls, still_open(innermost)) or innermost_of(cls, innermost)
        if context is None:
            raise NoActiveContextError(
                f"there is no active {cls.__name__} here: write `async with {cls.__name__}():` around this code"
                + hint_at_open(cls)
            )
        return context

    def activate(self) -> Self:
        """Make this the active context of the running task and of all tasks it starts.

        `async with` does this and `afinalize` for you. Call them yourself if the two ends are in different functions or
        tasks.

        Raises:
            ContextStateError: This object was activated before, or its `parent` is not open in this loop.
        """
        name = type(self).__name__
        if self._state != "new":
            raise ContextStateError(
                f"this {name} is already {self._state} and serves one `async with` only: "
                f"make one per run or request, `async with {name}():`"
            )
        loop = asyncio.get_running_loop()
        if self.parent is None:
            self.parent = still_open(active_context.get())
        elif self.parent.open_loop(f"a {name} inside of another") is not loop:
            self.parent._refuse_loop(f"a {name} inside of another cannot start")
        self._loop = loop
        self._thread = get_ident()
        self._body = asyncio.current_task()
        self._opened_at = note_opened(self)
        # a thread with a loop of its own may have inherited a context of another loop
        outer = self.parent if self.parent is not None and self.parent._loop is loop else None
        self._watch = Watch(loop) if outer is None else outer.watch
        self._watch.opened(self)
        self._state = "active"
        self._listening = (self,) if self._resolved_handlers else ()
        if outer is not None:
            self._inside = Inside(self)
            outer._tasks[self._inside] = None
            self._joins(outer)
        self._tokens = self._make_active()
        return self

    def entered(self) -> AbstractContextManager[Self]:
        """Make this the active context for a block of code: `with context.entered(): ...`.

        Any task of the context's loop can enter it, many at the same time, and again while it has entered it. Leaving
        the block waits for nothing: what was started in it belongs to the context.

        Raises:
            ContextStateError: The context is not open, or belongs to another event loop.

        >>> async def main() -> None:
        ...     context = PromisingContext()
        ...     async def request(number: int) -> int:
        ...         with context.entered():
        ...             return await Promise(lambda: asyncio.sleep(0, number))
        ...     requests = [asyncio.create_task(request(number)) for number in range(3)]
        ...     async with context:  # the tasks were started outside of it
        ...         print(await asyncio.gather(*requests))
        >>> asyncio.run(main())
        [0, 1, 2]
        """
        return Entered(self)

    def from_thread(self, function: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call a function in the context from another thread; return the future of what its result resolves to.

        The function is an async function, or any other that returns an awaitable, such as an agent's `inquire`. The
        context waits for the call. Cancelling the future cancels the call and all that it started.

        Raises:
            ContextStateError: The context is not open, or this is the thread of its loop.

        >>> async def main() -> None:
        ...     async with PromisingContext() as context:
        ...         def work() -> int:
        ...             return context.from_thread(asyncio.sleep, 0, result=3).result()
        ...         print(await asyncio.to_thread(work))
        >>> asyncio.run(main())
        3
        """
        from miniagents.promising.core.threads import call_from_thread  # noqa: PLC0415  # few programs have threads

        return call_from_thread(self, function, *args, **kwargs)

    async def afinalize(self, error: BaseException | None = None) -> None:
        """End the context: wait for all its work or, if `error` is given, cancel it.

        Raises:
            ContextStateError: The context is not active.
            BaseException: An error that no stream could carry, e.g. of an agent that failed after it had closed its
                replies; an exception group if there are several.
        """
        if self._inside is not None and self._inside.leaving is not None:
            if self._inside.leaving is not asyncio.current_task():
                await asyncio.wait((self._inside.leaving,))  # the context around it ends this one
                return
        elif self._state != "active":
            raise ContextStateError(f"this {type(self).__name__} is {self._state}, not active")
        self._state = "closing"
        self._leaving = asyncio.current_task()
        self.watch.closing(self)
        try:
            await self._end(error)
        finally:
            self._raise_interruption(error)

    async def _end(self, error: BaseException | None) -> None:
        try:
            if error is None and self._interruption is None:
                await asyncio.sleep(0)  # readers that the last pieces have woken see them before this closes
                if self.on_leave == "cancel" and self._tasks:
                    with impatience_of(self) as impatient:
                        await cancel_work(self, impatient, self._hook_tasks)
                await end_of_work(self._tasks)
                await self._before_the_end()
                await end_of_work(self._tasks)  # `_before_the_end` may have started some
        except asyncio.CancelledError as cancelled:
            error = cancelled
            raise
        finally:
            try:
                await self._stop(error)
            finally:
                self._close(error)
                for tell in self.last_words:
                    tell()
        errors, self._late_errors = self._late_errors, []
        raise_or_log(errors, error)

    async def _stop(self, error: BaseException | None) -> None:
        """Cancel the work that is left, and then the tasks of hooks."""
        has_failed = error is not None or self._interruption is not None
        if not self._tasks and not has_failed:
            return
        with impatience_of(self) as impatient:
            try:
                await cancel_work(self, impatient, self._hook_tasks)
            finally:
                try:
                    if has_failed and not impatient.done():
                        await self._after_the_cancellation(impatient)
                finally:
                    await cancel_work(self, impatient)

    async def __aenter__(self) -> Self:
        return self.activate()

    async def __aexit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.afinalize(error)

    def describe(self) -> str:
        r"""Describe what runs in this context and those inside: who called it, what it waits for, and where it stands.

        There is a line for each task, with the agents that called it and, if that is known, for how long at least it
        has not moved. A second one is the innermost line of your own code at which it stands.

        >>> async def main() -> None:
        ...     async with PromisingContext(on_leave="cancel") as context:
        ...         slow = Promise(lambda: asyncio.sleep(60), name="slow").map(str)
        ...         await asyncio.sleep(0)
        ...         print(*context.describe().splitlines()[1:], sep="\n")
        >>> asyncio.run(main())
        - 'slow'
        - 'slow.map' waits for 'slow'
        """
        from miniagents.promising.core.stalls import described  # noqa: PLC0415  # for programs that wait for long

        return described(self)

    # --- for promises ---

    @property
    def tasks(self) -> AbstractSet[Worker]:
        """The tasks and followers of this context that have not ended."""
        return self._tasks.keys()

    @property
    def body(self) -> asyncio.Task[object] | None:
        """The task that this context was activated in."""
        return self._body

    @property
    def watch(self) -> Watch:
        """The watch over who waits for whom in this loop.

        Raises:
            ContextStateError: The context was never activated.
        """
        if self._watch is None:
            raise ContextStateError(f"this {type(self).__name__} is not active yet")
        return self._watch

    def spawn(
        self, work: Coroutine[object, object, None], name: str, production: Production | None = None
    ) -> asyncio.Task[None]:
        """Start a task that the context owns, and in which it is the active one.

        Args:
            work: The coroutine that the task runs.
            name: The name of the task in logs and warnings.
            production: Given up with the task if that never stops.

        Raises:
            ContextStateError: The context has ended, or belongs to another event loop.
        """
        try:
            loop = self.open_loop(name)
        except ContextStateError:
            work.close()
            raise
        if self._starting >= _STARTS_WITHIN_STARTS:  # eager tasks run inside of this call, and start others
            work = at_next_turn(work)
        self._starting += 1
        try:
            if active_context.get() is self:
                task = loop.create_task(work, name=name)
            else:  # lazy work of an outer context, started by a reader in an inner one
                variables = copy_context()
                variables.run(active_context.set, self)
                task = loop.create_task(work, name=name, context=variables)
        finally:
            self._starting -= 1
        if not task.done():  # an eager task may be done
            self._tasks[task] = production
            if production is None:
                task.add_done_callback(self.forget)
        return task

    def spawn_hook(self, work: Coroutine[object, object, None], name: str) -> asyncio.Task[None]:
        """Start a task as `spawn` does, which goes on when the work is cancelled, and is cancelled after it."""
        task = self.spawn(work, name)
        self._hook_tasks.add(task)
        task.add_done_callback(self._hook_tasks.discard)
        return task

    def own(self, follower: Follower, name: str, production: Production) -> None:
        """Own a follower as if it were a task.

        Raises:
            ContextStateError: The context has ended, or belongs to another event loop.
        """
        self.open_loop(name)
        self._tasks[follower] = production

    def forget(self, task: Worker) -> None:
        """Own a task no longer; for a task that was started for a production, call this when it has ended."""
        self._tasks.pop(task, None)

    def open_loop(self, name: str) -> asyncio.AbstractEventLoop:
        """Return the loop in which work can be started.

        Raises:
            ContextStateError: The context has ended, or belongs to another event loop.
        """
        loop = self._loop
        if loop is None or self._state == "closed":
            raise ContextStateError(f"{name!r} cannot start: its {type(self).__name__} is {self._state}")
        # as `running_task` does it: twice in each call of an agent
        if (get_ident() != self._thread or current_task(loop) is None) and loop is not running_loop():
            self._refuse_loop(f"{name!r} cannot start")
        return loop

    def running_task(self) -> asyncio.Task[object] | None:
        """Return the running task, if it is one of this context's loop.

        On Python 3.11 `get_running_loop()` asks the system for the id of the process, which may take a microsecond: a
        tenth of a call of an agent, each time. This takes a fifth of that.
        """
        return current_task(self._loop) if get_ident() == self._thread else None

    def waiting_task(self, name: str) -> tuple[asyncio.Task[object], Watch]:
        """Return the running task, which wants to wait for something of this context, and the watch over such waits.

        Raises:
            ContextStateError: The context belongs to another event loop, which could not wake the task.
            NoActiveContextError: No task runs here.
        """
        task, watch = self.running_task(), self._watch
        if task is None or watch is None:
            if self._loop is not running_loop():
                self._refuse_loop(f"{name!r} cannot be waited for")
            raise NoActiveContextError(f"{name!r} can only be waited for in a task")
        return task, watch

    def register_writing_end(self, buffer: AnyBuffer) -> None:
        """Remember a stream that is fed by its holder, so that its readers do not wait for ever.

        Raises:
            ContextStateError: The context has ended, or belongs to another event loop.
        """
        self.open_loop(buffer.name)
        self._writing_ends.add(buffer)

    def remember(self, failure: Failure) -> None:
        """Remember an error, so that it is logged at the latest when the context ends, unless somebody saw it."""
        self._failures.add(failure)
        if isinstance(failure.error, KeyboardInterrupt | SystemExit):
            self._interrupt(failure)

    def report(self, error: BaseException) -> None:
        """Keep an error that no stream can carry; leaving the context raises it.

        A context that lives long keeps the first ones, and logs all after them.
        """
        if len(self._late_errors) < _MOST_LATE_ERRORS:
            self._late_errors.append(error)
        else:
            logger.error("an error that no reply could carry", exc_info=error)

    def notify_resolved(self, given: Promise[object] | Callable[[], Promise[object]]) -> None:
        """Have the hooks called once a promise has resolved; do nothing if there are none.

        Args:
            given: The promise, or a function that makes one for the hooks alone: they would keep the other from being
                let go.
        """
        if self._listening and not inside_hook.get() and self._state != "closed":
            promise = given() if callable(given) else given
            from miniagents.promising.core.hooks import start_hooks  # noqa: PLC0415  # few programs have hooks

            # waiting for the result would start lazy work, so the hooks begin to wait when the work starts
            promise._when_started(lambda: start_hooks(self._listening, promise))

    # --- machinery ---

    def _is_active(self) -> bool:
        """Return whether the context is open and nobody is leaving it."""
        return self._state == "active"

    def _is_open(self) -> bool:
        """Return whether work can be started in the context."""
        return self._state in ("active", "closing")

    def _described(self) -> str:
        """Return the class of the context, and the line that opened it."""
        file, line = self._opened_at
        return f"the {type(self).__name__} of {file}:{line}"

    def _make_active(self) -> Tokens:
        """Make this the active context of the running code; return what `make_inactive` needs to undo that."""
        return (active_context.set(self),)

    def _is_here(self) -> bool:
        """Return whether this runs in the thread of the context's loop."""
        return get_ident() == self._thread

    def _refuse_loop(self, what_cannot: str) -> NoReturn:
        raise ContextStateError(f"{what_cannot}: {why_not_here(self)}")

    def _joins(self, outer: PromisingContext) -> None:
        """Share what the context around this one has."""
        self._listening = (*outer._listening, *self._listening)

    async def _before_the_end(self) -> None:
        """Do what a derived class has to do after the end of the work and before the context closes."""

    async def _after_the_cancellation(self, impatient: asyncio.Future[None]) -> None:
        """Do what a derived class has to do after its work was cancelled and before the context closes.

        Args:
            impatient: When this is done, there is no more time.
        """

    def end_what_nobody_can_end(self) -> None:
        """End tasks and streams that wait for readers or writers that no longer exist."""
        ended = any(self.watch.is_parked(task) for task in self._tasks)
        for production in self._open_writing_ends():
            production._give_up(AppenderAbandonedError(f"the context ended before {production.name!r} was closed"))
            ended = True
        for task in tuple(self._tasks):
            if self.watch.is_parked(task) or not ended:
                task.cancel()

    def _open_writing_ends(self) -> list[AnyBuffer]:
        """Return the streams that have not ended and that no task, running or still to be started, will end."""
        return [end for end in self._writing_ends if not (end._is_done() or end._is_lazy() or any(end._workers()))]

    def _close(self, error: BaseException | None) -> None:
        for buffer in self._open_writing_ends():
            if error is None:
                buffer._give_up(AppenderAbandonedError(f"the context ended before {buffer.name!r} was closed"))
            else:
                buffer.cancel()
        self.watch.closed(self)
        self._state = "closed"
        self._listening = ()
        note_closed(self)
        here = active_context.get()
        if ended_with(self, here):
            make_inactive(self._tokens)
            if active_context.get() is here:
                active_context.set(self.parent)
        self._tokens = ()
        if self._inside is not None and self._inside.closed():
            self._inside = None  # the two would hold each other
        for failure in tuple(self._failures):
            failure.log_unseen()

    def _interrupt(self, failure: Failure) -> None:
        """Hand Ctrl+C and `sys.exit()` in a task to the program: cancel its main task, which raises them."""
        if failure.error is self._interruption:
            failure.seen = True  # of a promise made of the interrupted one: the same interruption
        if self._interruption is None and self._state in ("active", "closing"):
            self._interruption = failure.error
            failure.seen = True
            if self._body is not None and not self._body.done() and self._body is not asyncio.current_task():
                self._body_was_cancelled = True
                self._body.cancel()

    def _raise_interruption(self, error: BaseException | None) -> None:
        if self._body_was_cancelled and self._body is not None:
            self._body.uncancel()
        if self._interruption is not None and error is not self._interruption:
            raise self._interruption
