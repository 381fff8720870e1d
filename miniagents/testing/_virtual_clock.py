"""An event loop whose clock moves only when all tasks wait.

Ready callbacks run as in any other loop. When none is ready, the clock jumps to the first timer instead of waiting for
it. So a test of timeouts takes no time and has the same result in every run.

Timers of the same moment do not run together, as they do in other loops: the next one runs when everything that the one
before it made ready has run. Otherwise the result would depend on how many turns of the loop a combinator needs.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import selectors
import sys
from typing import TYPE_CHECKING, Final, TypeVar

from typing_extensions import TypeVarTuple, Unpack, override

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Mapping
    from concurrent.futures import Executor
    from contextvars import Context

    from _typeshed import FileDescriptorLike

__all__ = ["VirtualClockEventLoop"]

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


FEW_TIMERS: Final = 100
"""Up to this many cancelled timers are kept until their moment comes."""


class VirtualClockEventLoop(asyncio.SelectorEventLoop):
    """An event loop with a clock of its own, which starts at 0: `asyncio.Runner(loop_factory=VirtualClockEventLoop)`.

    One timer runs at a time. Of timers for the same moment, the one that was set first runs first. Everything that it
    makes ready runs before the next one. A limit that is set after the work has set its own timer is therefore kept by
    work that ends at the very moment of the limit.

    The clock stands still while a task waits for a thread of the loop (`asyncio.to_thread`, `run_in_executor`, the
    resolution of host names): the loop then waits as any other loop does. Other input and output works, but does not
    stop the clock: it can jump while a socket, or a thread that the loop did not start, is still busy. If nothing is
    ready and no timer is set, the loop waits for input and output. The clock also stands still while a task is always
    ready, as in `while not done: await asyncio.sleep(0)`.

    >>> async def main() -> float:
    ...     await asyncio.sleep(3600)
    ...     return asyncio.get_running_loop().time()
    >>> MiniAgents().run(main(), loop_factory=VirtualClockEventLoop)
    3600.0
    """

    # Of asyncio's BaseEventLoop, which has them in every supported version of Python; their types are not published.
    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]

    def __init__(self) -> None:
        self._now = 0.0
        self._calls_in_threads = 0
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._timer_numbers = itertools.count()
        self._most_timers = FEW_TIMERS
        super().__init__(_JumpingSelector(self._next_moment, self._fire))

    def time(self) -> float:
        """Return the seconds that have passed on the loop's own clock."""
        return self._now

    @override
    def call_at(
        self, when: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Call a function at a moment of the loop's clock, after the functions set for that moment earlier."""
        timer = super().call_at(when, callback, *args, context=context)
        self._scheduled.clear()  # asyncio runs all timers of a moment together, and not in the order they were set
        # Rounding keeps errors from adding up: 30 pauses of 0.1 s end at exactly 3.0.
        heapq.heappush(self._timers, (round(when, 9), next(self._timer_numbers), timer))
        if len(self._timers) > self._most_timers:
            self._timers = [entry for entry in self._timers if not entry[2].cancelled()]
            heapq.heapify(self._timers)
            self._most_timers = FEW_TIMERS + 2 * len(self._timers)
        return timer

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

    @override
    def close(self) -> None:
        """Close the loop; timers that are still set do not run."""
        super().close()
        self._timers.clear()

    def jump(self, seconds: float) -> None:
        """Move the clock forward by some seconds."""
        self._now = round(self._now + seconds, 9)

    def _next_moment(self) -> float | None:
        """Return the moment to which the clock may jump; None if the loop has to wait for input and output."""
        while self._timers and self._timers[0][2].cancelled():
            heapq.heappop(self._timers)
        if not self._timers or (self._timers[0][0] > self._now and self._calls_in_threads):
            return None
        return self._timers[0][0]

    def _fire(self) -> None:
        """Move the clock to the moment of the first timer, and make the timer ready."""
        moment, _, timer = heapq.heappop(self._timers)
        self._now = max(self._now, moment)
        self._ready.append(timer)


class _JumpingSelector(selectors.BaseSelector):
    """Checks for input and output without waiting; if nothing else is ready, makes the next timer of the loop so."""

    def __init__(self, next_moment: Callable[[], float | None], fire: Callable[[], None]) -> None:
        self._next_moment = next_moment
        self._fire = fire
        self._selector = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None:  # it is 0: callbacks are ready
            return self._selector.select(0)
        if self._next_moment() is None:
            return self._selector.select(None)  # a thread that ends wakes the loop
        ready = self._selector.select(0)
        if not ready:
            self._fire()
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
