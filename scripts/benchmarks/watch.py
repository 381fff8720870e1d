"""The watch with which workloads measure themselves.

It imports only the standard library, because the old release has an environment of its own.
"""

from __future__ import annotations

import asyncio
import gc
import time
import tracemalloc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["AT_ONCE", "Stopped", "Watch", "quiet", "shares", "some_tokens", "ticking"]


T = TypeVar("T")

_TICK = 1e-9
"""A run may be shorter than a tick of the clock."""


class Stopped(Exception):  # noqa: N818  # it is no error
    """The run has reached the place where it was to stop."""


class Watch:
    """Takes the CPU time of the block in `with watch:`; the times of several blocks are added.

    Other figures are set by hand. The garbage collector is not switched off, but runs once before each block.

    Args:
        stop: The place where the block raises `Stopped`: its "start" or its "end". This serves counting from outside.
    """

    def __init__(self, stop: str = "") -> None:
        self._stop = stop
        self.figures: dict[str, float] = {}
        """The measured numbers by the names of the workload's figures; CPU time in seconds, memory in bytes."""
        self._start = 0.0

    def __enter__(self) -> Self:
        gc.collect()
        if self._stop == "start":
            raise Stopped
        self._start = time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.figures["cpu"] = self.figures.get("cpu", 0.0) + time.process_time() - self._start
        if self._stop == "end":
            raise Stopped

    @contextmanager
    def memory(self) -> Generator[None]:
        """Take the memory that is still in use at the end of the block."""
        gc.collect()
        tracemalloc.start()
        try:
            yield
            gc.collect()
            self.figures["bytes"] = float(tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()

    def moved(self, count: int) -> None:
        """Take the number of bytes that were written or read in the timed blocks."""
        self.figures["rate"] = count / max(self.figures["cpu"], _TICK)

    def latencies(self, seconds: list[float]) -> None:
        """Take the times between appending a piece and its reader seeing it."""
        ordered = sorted(seconds)
        self.figures["p50"] = ordered[len(ordered) // 2]
        self.figures["p99"] = ordered[len(ordered) * 99 // 100]


AT_ONCE = 500
"""How many values are encoded or decoded together."""


def shares(values: list[T], n: int) -> list[list[T]]:
    """Return lists of the first `AT_ONCE` values, `n` in all: the last list has all of them.

    A workload of codecs takes one list after the other, and keeps no results but the last. So the values stay in the
    processor's caches. With 20,000 values at once, a row mostly showed how far apart the preparation had put them in
    memory, and how many other objects the garbage collector had to visit in the process of a side.
    """
    some = values[:AT_ONCE]
    rest = n % len(some)
    return [some[:rest], *[some] * (n // len(some))] if rest else [some] * (n // len(some))


def some_tokens(n: int, burst: int = 0) -> list[list[str]]:
    """Return tokens as long as those of a language model, in bursts.

    The strings are shared, so that the memory per token is only that of the stream.

    Args:
        n: The number of tokens.
        burst: The number of tokens in each burst; 0 for one burst of all.
    """
    words = ["The", " quick", " brown", " fox", " jump", "s", " over", " the", " lazy", " dog", "."]
    tokens = [words[place % len(words)] for place in range(n)]
    return [tokens[start : start + burst] for start in range(0, n, burst)] if burst else [tokens]


async def quiet() -> None:
    """Let tasks that can end do so, so that only the kept memory is still in use."""
    for _ in range(20):
        await asyncio.sleep(0)


class ticking:  # noqa: N801  # reads as a verb
    """Takes the longest CPU time of this process between two turns of the loop."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._longest = 0.0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(self._tick())
        await asyncio.sleep(0)

    async def __aexit__(self, *_: object) -> None:
        await asyncio.sleep(0)
        if self._task is not None:
            self._task.cancel()
        self._watch.figures["stall"] = self._longest

    async def _tick(self) -> None:
        before = time.process_time()
        while True:
            await asyncio.sleep(0)
            now = time.process_time()
            self._longest = max(self._longest, now - before)
            before = now
