"""An event loop whose clock moves only when all tasks wait.

Ready callbacks run as in any other loop. When none is ready, the clock jumps to the first timer instead of waiting for
it. So a test of timeouts takes no time and has the same result in every run.
"""

from __future__ import annotations

import asyncio
import selectors
import sys
from typing import TYPE_CHECKING, TypeVar

from typing_extensions import TypeVarTuple, Unpack, override

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Executor

    from _typeshed import FileDescriptorLike

__all__ = ["VirtualClockEventLoop"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class VirtualClockEventLoop(asyncio.SelectorEventLoop):
    """An event loop with a clock of its own, which starts at 0: `asyncio.Runner(loop_factory=VirtualClockEventLoop)`.

    The clock stands still while a task waits for a thread of the loop (`asyncio.to_thread`, `run_in_executor`, the
    resolution of host names): the loop then waits as any other loop does. Other input and output works, but does not
    stop the clock: it can jump while a socket, or a thread that the loop did not start, is still busy. If nothing is
    ready and no timer is set, the loop waits for input and output.

    >>> async def main() -> float:
    ...     await asyncio.sleep(3600)
    ...     return asyncio.get_running_loop().time()
    >>> MiniAgents().run(main(), loop_factory=VirtualClockEventLoop)
    3600.0
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._calls_in_threads = 0
        super().__init__(_JumpingSelector(self.jump, lambda: self._calls_in_threads > 0))

    def time(self) -> float:
        """Return the seconds that have passed on the loop's own clock."""
        return self._now

    @override
    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Call a function in a thread; the clock stands still until it has returned or its future is cancelled."""
        future = super().run_in_executor(executor, func, *args)
        self._calls_in_threads += 1
        future.add_done_callback(self._call_ended)
        return future

    def _call_ended(self, _: asyncio.Future[T]) -> None:
        self._calls_in_threads -= 1

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109 - see below
        """Wait until the loop's threads have ended; the timeout is ignored, because threads work in real time."""
        if sys.version_info >= (3, 12):
            await super().shutdown_default_executor(None)
        else:
            await super().shutdown_default_executor()

    def jump(self, seconds: float) -> None:
        """Move the clock forward by some seconds."""
        # Rounding keeps errors from adding up: 30 jumps of 0.1 s give exactly 3.0.
        self._now = round(self._now + seconds, 9)


class _JumpingSelector(selectors.BaseSelector):
    """Checks for input and output without waiting; if there is none, moves the loop's clock by the time-out instead."""

    def __init__(self, jump: Callable[[float], None], waits_for_threads: Callable[[], bool]) -> None:
        self._jump = jump
        self._waits_for_threads = waits_for_threads
        self._selector = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or (timeout > 0 and self._waits_for_threads()):
            return self._selector.select(None)  # a thread that ends wakes the loop
        ready = self._selector.select(0)
        if not ready and timeout > 0:
            self._jump(timeout)
        return ready

    def register(self, fileobj: FileDescriptorLike, events: int, data: object = None) -> selectors.SelectorKey:
        return self._selector.register(fileobj, events, data)

    def unregister(self, fileobj: FileDescriptorLike) -> selectors.SelectorKey:
        return self._selector.unregister(fileobj)

    def modify(self, fileobj: FileDescriptorLike, events: int, data: object = None) -> selectors.SelectorKey:
        return self._selector.modify(fileobj, events, data)

    def get_map(self) -> Mapping[FileDescriptorLike, selectors.SelectorKey]:
        return self._selector.get_map()

    def close(self) -> None:
        self._selector.close()
