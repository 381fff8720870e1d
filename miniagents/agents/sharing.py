"""The resources that the agents of a context share, such as clients with their connections."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AbstractAsyncContextManager
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, Final, Generic

from typing_extensions import TypeVar

from miniagents.promising import ContextStateError, PromiseDeadlockError
from miniagents.promising.core.arguments import check_callable, check_kind, check_plain
from miniagents.promising.core.ending import give_up_task
from miniagents.promising.core.failure import mark_as_read

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable
    from contextvars import Context

__all__ = ["Shares"]

logger: Final = logging.getLogger("miniagents")

T = TypeVar("T")

_LAST_MOMENT: Final = 0.1
"""The part of `shutdown_timeout` that a resource has in any case, and then once more its cancelled task."""
_IN_TIME: Final = "within the `shutdown_timeout` of its context"


class Shares:
    """What the agents of a context share; it is closed after the context has ended, the last resource first.

    Args:
        shutdown_timeout: Seconds that closing all of them may take.
        variables: The context variables of the tasks that hold resources.
    """

    def __init__(self, shutdown_timeout: float, variables: Context) -> None:
        self._shutdown_timeout = shutdown_timeout
        self._variables = variables
        self._plain: dict[Hashable, Any] = {}  # Any: of the type of its key
        self._held: dict[Hashable, _Held[Any]] = {}  # Any: as above
        self._closings: dict[tuple[str, Hashable], Callable[[], Awaitable[object]]] = {}

    def plain(self, key: Hashable, make: Callable[[], T], close: Callable[[T], Awaitable[object]]) -> T:
        """Return the resource under a key; make it when the key is first asked for.

        Raises:
            TypeError: `make` or `close` is no function.
        """
        if key not in self._plain:
            check_plain(f"shared({key!r}): make", make, instead="shared_async(…)")
            check_callable(f"shared({key!r}): close", close)
            made = self._plain[key] = make()
            self._closings["shared", key] = lambda: close(made)
        shared: T = self._plain[key]
        return shared

    async def held(self, key: Hashable, enter: Callable[[], AbstractAsyncContextManager[T]]) -> T:
        """Return the resource under a key; enter it when the key is first asked for, in a task of its own.

        Raises:
            TypeError: `enter` is no function, or does not make an async context manager.
            PromiseDeadlockError: A resource that is being entered asks for itself, by others or directly.
        """
        held: _Held[T] | None = self._held.get(key)
        if held is None or held.is_over():  # after an error, the next one to ask tries again
            name = f"shared_async({key!r})"
            if hasattr(type(enter), "__aenter__"):
                raise TypeError(
                    f"{name}: {enter!r:.200} is made already; give a function that makes it, as in lambda: ..."
                )
            check_callable(name, enter)
            held = self._held[key] = _Held(enter, name)
            held.begin(self._variables.copy())
            self._closings["shared_async", key] = held.close
            # the last one to be entered is the first to be left: it may have asked for those before it
            held.entered.add_done_callback(lambda _: self._entered_last(("shared_async", key)))
        if held.entered.done():
            return held.entered.result()
        asking = next((each for each in self._held.values() if each.is_entered_here()), None)
        if asking is not None:
            asking.wait_for(held)
        held.waiting += 1
        try:
            await held.until_entered()  # cancelling one who waits cancels nothing for the others
        finally:
            held.waiting -= 1
            if asking is not None:
                asking.waits_for = None
        error = held.entered.exception()
        if error is not None:
            mark_as_read(error)  # in a circle it is also the error of the agents that waited in it
        return held.entered.result()

    def _entered_last(self, place: tuple[str, Hashable]) -> None:
        closing = self._closings.pop(place, None)
        if closing is not None:
            self._closings[place] = closing

    async def close(self, impatient: asyncio.Future[None], report: Callable[[BaseException], object]) -> None:
        """Close all resources, the last one first, within the context's `shutdown_timeout`; log errors and go on.

        Args:
            impatient: When this is done, each of them has only a moment.
            report: Takes warnings that a filter makes errors.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._shutdown_timeout
        moment = self._shutdown_timeout * _LAST_MOMENT
        while self._closings:
            (kind, key), close = self._closings.popitem()
            left = moment if impatient.done() else max(deadline - loop.time(), moment)
            patience = () if impatient.done() else (impatient,)
            # a task of its own, so that one that does not stop holds up nobody
            task = loop.create_task(_closed(close), name=f"closing {kind}({key!r})")
            await asyncio.wait((task, *patience), timeout=left, return_when=asyncio.FIRST_COMPLETED)
            error: BaseException | None = None
            if not task.done():
                error = TimeoutError("it took too long")
                task.cancel()
                await asyncio.wait((task,), timeout=moment)
            if not task.done():
                give_up_task(task, task.get_name(), _IN_TIME, report)
            elif not task.cancelled():
                error = task.exception()
            elif error is None:
                error = asyncio.CancelledError("something was cancelled that it waited for")
            if error is not None:
                logger.error("%s(%r) could not be closed", kind, key, exc_info=error)
        for held in self._held.values():
            await held.give_up(moment, report)
        self._plain, self._held = {}, {}


async def _closed(close: Callable[[], Awaitable[object]]) -> None:
    closing = close()
    if not isawaitable(closing):
        raise TypeError(f"`close` returned {closing!r:.200}; give an async function")
    await closing


class _Held(Generic[T]):
    """A resource that one task enters and leaves: a cancel scope inside must be left by the task that entered it.

    | state    | event                        | then                                                   |
    |----------|------------------------------|--------------------------------------------------------|
    | entering | the resource is there        | entered: whoever waits has it                          |
    | entering | an error                     | over: whoever waits is raised the error                |
    | entering | `close`                      | over: the task is cancelled                            |
    | entered  | `close`                      | leaving                                                |
    | leaving  | the end of the task          | over: an error is raised to the caller of `close`      |
    | leaving  | the caller of `close` is out | over: the task is cancelled, and given up if it has to |
    |          | of time                      | be                                                     |
    """

    def __init__(self, enter: Callable[[], AbstractAsyncContextManager[T]], name: str) -> None:
        loop = asyncio.get_running_loop()
        self._enter = enter
        self._name = name
        self._left = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.entered: asyncio.Future[T] = loop.create_future()
        self.waiting: int = 0  # how many wait until it is entered
        self.waits_for: _Held[Any] | None = None  # the one that its own entering waits for; Any: of any type

    def begin(self, variables: Context) -> None:
        """Start the task."""
        # not by the context: that would wait for it, and has to end first
        task = asyncio.get_running_loop().create_task(self._hold(), name=self._name, context=variables)
        task.add_done_callback(self._over)
        self._task = task

    def is_over(self) -> bool:
        """Return whether the task has ended, by an error or by a cancellation."""
        return self._task is not None and self._task.done()

    def is_entered_here(self) -> bool:
        """Return whether the current task is the one that enters it."""
        return not self.entered.done() and self._task is asyncio.current_task()

    async def until_entered(self) -> None:
        """Wait until it is entered or over; the watch sees who waits for whom, also through agents."""
        from miniagents.promising.core.joins import resolved_by  # noqa: PLC0415  # a first agent does without

        task = self._task
        if task is not None and not self.entered.done():
            await resolved_by(task, self.entered)

    def wait_for(self, other: _Held[Any]) -> None:  # Any: as above
        """Note that entering this one waits for another one.

        Raises:
            PromiseDeadlockError: The other one waits for this one.
        """
        circle = [self._name]
        each: _Held[Any] | None = other  # Any: as above
        while each is not None:
            if each is self:
                raise PromiseDeadlockError(tuple(circle))
            circle.append(each._name)
            each = each.waits_for
        self.waits_for = other

    async def close(self) -> None:
        """Leave the resource; raise the error of that."""
        task = self._task
        if task is None or task.done():
            return
        self._left.set()
        if not self.entered.done():
            task.cancel()
        try:
            await asyncio.wait((task,))
        finally:
            task.cancel()  # which does nothing if it has ended
        if not task.cancelled():
            task.result()

    async def give_up(self, moment: float, report: Callable[[BaseException], object]) -> None:
        """Wait a last moment, in seconds, for a task that was cancelled; then no longer."""
        task = self._task
        if task is None or task.done():
            return
        await asyncio.wait((task,), timeout=moment)
        if not task.done():
            give_up_task(task, task.get_name(), _IN_TIME, report)

    async def _hold(self) -> None:
        self._task = asyncio.current_task()  # an eager task runs before `begin` knows it
        manager = self._enter()
        check_kind(self._name, manager, AbstractAsyncContextManager, "no async context manager")
        async with manager as resource:
            if not self.entered.done():
                self.entered.set_result(resource)
            await self._left.wait()

    def _over(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if not self.entered.done():
            what = (
                "the context ended before the resource was there" if self._left.is_set() else "entering was cancelled"
            )
            self.entered.set_exception(error or ContextStateError(f"{task.get_name()}: {what}"))
            self.entered.exception()  # it counts as seen: those who waited may all have given up
            if error is not None and not self.waiting:
                logger.error("%s failed after all who waited for it had given up", self._name, exc_info=error)
        elif not self._left.is_set():  # for example, a task group inside has failed
            logger.error("%s ended before it was left; who asks next enters it again", task.get_name(), exc_info=error)
