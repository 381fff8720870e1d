"""Runs a program in a loop of its own, so that one Ctrl+C ends it wherever it is.

`asyncio.run` answers Ctrl+C by cancelling the main task. That has no effect while a blocking call such as `input()`
holds the loop, so in that case the interrupt is raised at once, as in any other Python program.
"""

from __future__ import annotations

import asyncio
import inspect
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import FrameType

__all__ = ["run_until_interrupted"]

T = TypeVar("T")


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
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        main.close()
        raise RuntimeError(
            "run() cannot be called where an event loop is running: write `async with MiniAgents():` and `await` there"
        )
    if not inspect.iscoroutine(main):
        raise TypeError(f"run() takes a coroutine, as in `run(main())`, not {main!r:.200}")
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
        finally:
            if replaces_default:
                signal.signal(signal.SIGINT, signal.default_int_handler)


class _Interruption:
    """The handler of SIGINT.

    | state | the signal |
    |---|---|
    | first one, the loop waits or runs asyncio or this library | cancels the main task |
    | first one, the loop is held by the user's code | raises `KeyboardInterrupt` there |
    | a later one, or no main task is running | raises `KeyboardInterrupt` |
    """

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self.task: asyncio.Task[Any] | None = None  # Any: the result is not read here
        self.count = 0

    def handle(self, _signal: int, frame: FrameType | None) -> None:
        """Cancel the main task, or interrupt the user's code that is running."""
        self.count += 1
        loop, task = self.loop, self.task
        if self.count > 1 or loop is None or task is None or task.done():
            raise KeyboardInterrupt
        if asyncio.current_task(loop) is not None and not _is_machinery(frame):
            raise KeyboardInterrupt
        task.cancel()
        loop.call_soon_threadsafe(lambda: None)  # wakes the selector, which would sleep on


def _is_machinery(frame: FrameType | None) -> bool:
    """Return whether the running code is asyncio's or the library's own, which an exception could leave half done.

    Other code of the standard library is attributed to its caller.
    """
    while frame is not None:
        package = str(frame.f_globals.get("__name__")).partition(".")[0]
        if package in ("asyncio", "miniagents"):
            return True
        if package == "__main__" or package not in sys.stdlib_module_names:
            return False
        frame = frame.f_back
    return False
