"""The end of the work of a context: waiting for it, or cancelling it and giving up what does not stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import warnings
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from miniagents.promising.core.places import Inside
from miniagents.promising.errors import PromiseCancelledError, TaskAbandonedWarning

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Iterable, Set as AbstractSet

    from miniagents.promising.context import PromisingContext
    from miniagents.promising.core.current import Worker
    from miniagents.promising.core.production import Production

__all__ = [
    "at_next_turn",
    "cancel_work",
    "despite_cancellations",
    "end_of_work",
    "forget_task",
    "give_up_task",
    "impatience_of",
    "raise_or_log",
]

logger: Final = logging.getLogger("miniagents")

_Tasks: TypeAlias = "dict[Worker, Production | None]"
"""The work of a context, which loses what ends and gains what that starts."""


async def end_of_work(tasks: _Tasks) -> None:
    """Wait for all tasks, and for the contexts inside."""
    for inside in _contexts_among(tasks):
        inside.end_if_left()
    while tasks:
        _see_to(tasks, (await asyncio.wait(tasks))[0])


async def cancel_work(
    context: PromisingContext, impatient: asyncio.Future[None], spared: AbstractSet[Worker] = frozenset()
) -> None:
    """Cancel all tasks but the spared ones, give them time to stop, and give up those that do not.

    Args:
        context: The context of the tasks, which says how long they have.
        impatient: When this is done, the time is over.
        spared: Tasks that go on, and may start others.
    """
    tasks = context._tasks
    loop = asyncio.get_running_loop()
    deadline = loop.time() + context.shutdown_timeout
    cancelled: set[Worker] = set()
    interrupted: asyncio.CancelledError | None = None
    while work := tasks.keys() - spared:
        # tasks may start others while they stop, which have to be cancelled as well
        for task in work - cancelled:
            task.cancel()
            cancelled.add(task)
        left = deadline - loop.time()
        work &= tasks.keys()  # followers end at once
        limit: float | None = left
        if left <= 0:
            work, limit = {*_contexts_among(work)}, None  # these have time limits of their own
        if not work:
            break
        try:
            if impatient.done():
                await _some_turns()  # for those that were cancelled right now
                _see_to(tasks, [task for task in work if task.done()])
                break
            await asyncio.wait({*work, impatient}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            _see_to(tasks, [task for task in work if task.done()])
        except asyncio.CancelledError as error:
            interrupted = error
    until = "before a second Ctrl+C" if impatient.done() else f"within {context.shutdown_timeout} s of its cancellation"
    for task in tuple(tasks):
        if task in spared:
            continue
        production = tasks.pop(task)
        if not isinstance(task, asyncio.Task):
            continue  # it cannot be: a follower ends as soon as it is cancelled
        if production is not None:
            production._give_up(PromiseCancelledError(f"{production._origin()} was cancelled and did not stop"))
        give_up_task(task, f"task {task.get_name()!r}", until, context.report)
    if interrupted is not None:
        raise interrupted


def give_up_task(
    task: asyncio.Task[Any],  # Any: its result is never read
    what: str,
    until: str,
    report: Callable[[BaseException], object],
) -> None:
    """Wait no longer for a task that was cancelled and does not stop, and warn of it, with the line at which it stands.

    Args:
        task: The task.
        what: What does not stop, in words.
        until: Until when it had time to stop, in words.
        report: Takes the warning if a filter makes it an error, as `python -W error` does. Raised here, it would keep
            the end from giving up other tasks, and from all that it still has to do.
    """
    from miniagents.promising.core.joins import frames_of  # noqa: PLC0415  # nearly all tasks stop
    from miniagents.promising.core.standing import place_of  # noqa: PLC0415  # as above

    place = place_of(frames_of(task)) or f"in {task.get_coro()!r}"
    text = f"{what} did not stop {until} and was given up; it stands {place}"
    forget_task(task)
    try:
        warnings.warn(text, TaskAbandonedWarning, stacklevel=4)
    except TaskAbandonedWarning as warning:
        report(warning)


def forget_task(task: asyncio.Task[Any]) -> None:  # Any: as above
    """Have the loop end without a task: `asyncio.run` would wait for it without end."""
    asyncio._unregister_task(task)  # the documented way to make asyncio forget one
    setattr(task, "_log_destroy_pending", False)  # noqa: B010 - as asyncio does it itself; it has no type


async def despite_cancellations(work: Coroutine[object, object, object]) -> None:
    """Wait for the end of some work, which ends soon, in a task of its own; a cancellation is raised only then.

    The cancel scopes of anyio, which web servers stand on, cancel a task again at each turn of the loop.
    """
    task = asyncio.get_running_loop().create_task(work)
    interrupted: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError as error:
            interrupted = error
    task.result()
    if interrupted is not None:
        raise interrupted


def raise_or_log(errors: list[BaseException], error: BaseException | None) -> None:
    """Raise errors that no stream could carry; if the context is left by another error, they are logged instead.

    Raises:
        BaseException: The error, or an exception group if there are several.
    """
    if error is not None:
        for late in errors:
            logger.error("an error that no reply could carry", exc_info=late)
    elif len(errors) == 1:
        raise errors[0]
    elif errors:
        raise BaseExceptionGroup("errors that no reply could carry", errors)


async def at_next_turn(work: Coroutine[object, object, None]) -> None:
    """Begin to work at the next turn of the loop, even if that starts tasks eagerly."""
    try:
        await asyncio.sleep(0)
        await work
    finally:
        work.close()  # if this was cancelled before its turn, the work never began and would complain


@contextlib.contextmanager
def impatience_of(context: PromisingContext) -> Generator[asyncio.Future[None]]:
    """Give such a future to a context that cancels its work.

    The second Ctrl+C is meant for all that the context still has to do, and for the contexts around it.
    """
    from miniagents.promising.core.interrupts import impatience  # noqa: PLC0415  # most contexts cancel nothing

    with impatience() as impatient:
        if context._is_hurried:
            impatient.set_result(None)
        try:
            yield impatient
        finally:
            for each in (context, context.parent):
                if each is not None and impatient.done():
                    each._is_hurried = True


async def _some_turns() -> None:
    """Give a task that was cancelled the time to stop if it has nothing to wait for."""
    for _ in range(4):
        await asyncio.sleep(0)


def _see_to(tasks: _Tasks, ended: Iterable[Worker]) -> None:
    """Forget tasks that have ended without a word, as those do that were cancelled before they began."""
    for task in ended:
        production = tasks.pop(task, None)
        if production is not None:
            production._task_ended(task)


def _contexts_among(tasks: Iterable[Worker]) -> list[Inside]:
    return [task for task in tasks if isinstance(task, Inside)]
