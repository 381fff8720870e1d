"""Limits of how many requests and tokens are spent in a time, as providers have them for each key."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from typing import TYPE_CHECKING, Final

from miniagents.promising.core.arguments import check_count, check_not_negative

if TYPE_CHECKING:
    from collections.abc import Awaitable

__all__ = ["Admission", "RateLimit"]


class RateLimit:
    """How many requests, and how many tokens, all agents that share this object may spend in a time.

    In no span of `per` seconds do more than `requests` requests begin. A request also waits until its tokens fit among
    those of the last `per` seconds; one that has more than `tokens` alone waits until nothing else counts. Whoever has
    waited for the longest is next: a small request does not overtake a large one. A wait that is cancelled gives its
    place back.

    Agents that are models take it by `with_rate_limit`. Their tokens are estimated before a request, and corrected when
    the answer has told its usage. Code that makes requests by itself awaits `admit`. Agents in several threads, each
    with a loop of its own, can share one.

    Attributes:
        requests: The greatest number of requests in that time; None for any number.
        tokens: The greatest number of tokens in that time; None for any number.
        per: The time in seconds.

    Raises:
        TypeError: One of them is no number.
        ValueError: `requests` or `tokens` is less than 1, both are None, or `per` is not above 0.

    >>> async def main() -> None:
    ...     limit = RateLimit(requests=2, per=0.05)
    ...     began = asyncio.get_running_loop().time()
    ...     for _ in range(3):
    ...         await limit.admit()
    ...     print(asyncio.get_running_loop().time() - began >= 0.05)
    >>> asyncio.run(main())
    True
    """

    def __init__(self, *, requests: int | None = None, tokens: int | None = None, per: float = 60.0) -> None:
        for name, limit in (("requests", requests), ("tokens", tokens)):
            if limit is not None:
                check_count(f"RateLimit: {name}={limit!r}", limit, 1)
        if requests is None and tokens is None:
            raise ValueError("RateLimit: it limits nothing: give requests=..., tokens=..., or both")
        finite = "give a finite number of seconds above 0"
        check_not_negative(f"RateLimit: per={per!r}", per, if_zero=finite, if_infinite=finite)
        self.requests: Final[int | None] = requests
        self.tokens: Final[int | None] = tokens
        self.per: Final[float] = per
        self._lock = threading.RLock()  # the collector may end a wait of a closed loop while it is held
        self._waiting: deque[_Waiter] = deque()
        self._admitted: deque[Admission] = deque()
        self._spent = 0  # the tokens of `_admitted`

    def __repr__(self) -> str:
        return f"RateLimit(requests={self.requests}, tokens={self.tokens}, per={self.per})"

    async def admit(self, tokens: int = 0, /) -> Admission:
        """Wait until a request may begin, and count it.

        Args:
            tokens: About how many tokens it will spend.

        Raises:
            ValueError: `tokens` is negative.
        """
        if tokens < 0:
            raise ValueError(f"RateLimit: {tokens} tokens: give a number that is not negative")
        loop = asyncio.get_running_loop()
        waiter = _Waiter(loop)
        with self._lock:
            self._waiting.append(waiter)
        try:
            while True:
                with self._lock:
                    now = loop.time()
                    while self._waiting[0].is_abandoned():
                        self._waiting.popleft()
                    is_next = self._waiting[0] is waiter
                    free = self._free_at(now, tokens) if is_next else now + self.per
                    if free is None:
                        return self._admit(now, tokens)
                    turn = waiter.until(free)
                await turn
        finally:
            with self._lock:
                if waiter in self._waiting:  # not if its loop was closed
                    self._waiting.remove(waiter)
                if self._waiting:
                    self._waiting[0].wake()

    # --- machinery, called with the lock ---

    def _free_at(self, now: float, tokens: int) -> float | None:
        """Return when to look again whether a request may begin; None if it may begin now."""
        admitted = self._admitted
        while admitted and not now - self.per < admitted[0].time <= now + self.per:  # later only on another clock
            gone = admitted.popleft()
            self._spent -= gone.tokens
            gone.counts = False
        if self.requests is not None and len(admitted) >= self.requests:
            return admitted[len(admitted) - self.requests].time + self.per
        free: float | None = None
        if self.tokens is not None:
            spent = self._spent
            for each in admitted:
                if spent + tokens <= self.tokens:
                    break
                spent -= each.tokens
                free = each.time + self.per
        return free

    def _admit(self, now: float, tokens: int) -> Admission:
        admission = Admission(self, now, tokens)
        self._admitted.append(admission)
        self._spent += tokens
        return admission


class Admission:
    """A request that was let in, and the tokens that count for it.

    Attributes:
        time: When it was let in, on the loop's clock.
        tokens: Its tokens, as estimated, or as `spent` said.
        counts: Whether it is among those of the last `per` seconds, as far as that was looked at.
    """

    __slots__ = ("_limit", "counts", "time", "tokens")

    def __init__(self, limit: RateLimit, time: float, tokens: int) -> None:
        self._limit = limit
        self.time: Final[float] = time
        self.tokens: int = tokens
        self.counts: bool = True

    def __repr__(self) -> str:
        return f"<Admission at {self.time} with {self.tokens} tokens>"

    def spent(self, tokens: int, /) -> None:
        """Say how many tokens were spent in the end, in place of the estimate."""
        limit = self._limit
        with limit._lock:
            if self.counts:
                limit._spent += tokens - self.tokens
            self.tokens = tokens
            if limit._waiting:
                limit._waiting[0].wake()


class _Waiter:
    """A request that waits, in its loop."""

    __slots__ = ("_future", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._future: asyncio.Future[None] | None = None

    def is_abandoned(self) -> bool:
        """Return whether its loop was closed while it waited."""
        return self._loop.is_closed()

    def until(self, time: float) -> Awaitable[None]:
        """Return what ends at a time, or when it is woken before."""
        self._future = self._loop.create_future()
        return self._until(self._future, time)

    async def _until(self, future: asyncio.Future[None], time: float) -> None:
        timer = self._loop.call_at(time, _end, future)
        try:
            await future
        finally:
            timer.cancel()

    def wake(self) -> None:
        """Have it look again, from any thread."""
        if self._future is not None and not self._future.done():
            with contextlib.suppress(RuntimeError):  # its loop is closed: the next one that looks drops it
                self._loop.call_soon_threadsafe(_end, self._future)


def _end(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
