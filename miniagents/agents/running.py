"""Runs a program in a loop of its own, so that one Ctrl+C ends it wherever it is.

`asyncio.run` answers Ctrl+C by cancelling the main task. That has no effect while a blocking call such as `input()`
holds the loop, so in that case the interrupt is raised at once, as in any other Python program.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import signal
import threading
import warnings
from typing import TYPE_CHECKING, Any, Final, TypeVar

from miniagents.promising import TaskAbandonedWarning
from miniagents.promising.core.ending import forget_task
from miniagents.promising.core.interrupts import is_machinery

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import FrameType

__all__ = ["run_until_interrupted"]

T = TypeVar("T")

_IMPATIENT: Final = 2
"""From this Ctrl+C on, the program ends wherever it is."""


def run_until_interrupted(
    wrapped: Callable[[], Coroutine[Any, Any, T]],  # Any: what coroutines exchange with their loop is asyncio's own
    main: Coroutine[Any, Any, T],  # Any: what coroutines exchange with their loop is asyncio's own business
    *,
    debug: bool | None,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None,
) -> T:
    """Run a coroutine to its end in a new loop.

    Args:
        wrapped: Runs `main` with its surroundings, such as a context.
        main: The coroutine; it is closed if it was never run.
        debug: The debug mode of asyncio.
        loop_factory: Makes the loop; by default asyncio does.

    Raises:
        RuntimeError: A loop is running already.
        TypeError: `main` is not a coroutine.
        KeyboardInterrupt: SIGINT arrived, and the coroutine was cancelled and has ended.
    """
    if not inspect.iscoroutine(main):
        raise TypeError(f"run() takes a coroutine, as in `run(main())`, not {main!r:.200}")
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        main.close()
        raise RuntimeError(
            "run() cannot be called where an event loop is running: write `async with MiniAgents():` and `await` there"
        )
    try:
        return _run(wrapped, debug=debug, loop_factory=loop_factory)
    finally:
        main.close()  # does nothing if it ran


def _run(
    wrapped: Callable[[], Coroutine[Any, Any, T]],  # Any: what coroutines exchange with their loop is asyncio's own
    *,
    debug: bool | None,
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None,
) -> T:
    interruption = _Interruption()

    async def interruptible() -> T:
        interruption.task = asyncio.current_task()
        return await wrapped()

    with asyncio.Runner(debug=debug, loop_factory=loop_factory) as runner:
        interruption.loop = runner.get_loop()
        # like asyncio, replace only Python's own handler, never one that the program has set
        replaces_default = (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        )
        if replaces_default:
            signal.signal(signal.SIGINT, interruption.handle)
        try:
            return runner.run(interruptible())
        except asyncio.CancelledError:
            if interruption.count and interruption.task is not None and interruption.task.uncancel() == 0:
                raise KeyboardInterrupt from None
            raise
        except KeyboardInterrupt:
            if interruption.count < _IMPATIENT:
                raise  # its traceback says where the user's code was
            _give_up_all(runner.get_loop())
            raise KeyboardInterrupt from None
        finally:
            if replaces_default:
                signal.signal(signal.SIGINT, signal.default_int_handler)


def _give_up_all(loop: asyncio.AbstractEventLoop) -> None:
    """Wait for no task of a loop that Ctrl+C has ended, and say which there were."""
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        forget_task(task)
        coroutine = task.get_coro()
        if inspect.iscoroutine(coroutine):
            with contextlib.suppress(BaseException):  # Python would do it later, and print what cannot go on
                coroutine.close()
    if tasks:
        names = ", ".join(sorted(repr(task.get_name()) for task in tasks))
        warnings.warn(f"Ctrl+C ended the program while these tasks ran: {names}", TaskAbandonedWarning, stacklevel=5)


class _Interruption:
    """The handler of SIGINT.

    | state | the signal |
    |---|---|
    | any, the loop is held by the user's code | raises `KeyboardInterrupt` there |
    | first one, the loop waits or runs asyncio or this library | cancels the main task |
    | a later one, the loop waits | raises `KeyboardInterrupt`: `impatience` takes the second; any other ends the loop |
    | a later one, a task runs asyncio or this library | comes again at the loop's next turn |
    | no main task is running | raises `KeyboardInterrupt` |
    """

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self.task: asyncio.Task[Any] | None = None  # Any: the result is not read here
        self.count = 0

    def handle(self, _signal: int, frame: FrameType | None) -> None:
        """Cancel the main task, or interrupt the user's code that is running."""
        loop, task = self.loop, self.task
        if loop is not None and task is not None and not task.done():
            is_in_task = asyncio.current_task(loop) is not None
            if self.count and is_in_task and is_machinery(frame):
                loop.call_soon_threadsafe(signal.raise_signal, signal.SIGINT)
                return
            if not self.count and not (is_in_task and not is_machinery(frame)):
                self.count += 1
                task.cancel()
                loop.call_soon_threadsafe(lambda: None)  # wakes the selector, which would sleep on
                return
        self.count += 1
        raise KeyboardInterrupt
