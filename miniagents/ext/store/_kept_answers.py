"""The answers of `cached` in a log: those that are kept, and who asks for one that is not.

Whoever asks claims the stream of the answer first. So of all processes that use a store, one asks:

| the last stream of a call        | then                                                                    |
|----------------------------------|-------------------------------------------------------------------------|
| has ended, with pieces           | it is the answer, if it is not too old                                  |
| there is none, or it is no answer| the next one is claimed: this call asks                                 |
| is written by a living store     | somebody asks: its end is waited for                                    |
| its store is gone                | it is claimed: this call asks                                           |

An answer is appended in one piece of work, so a stream is whole or empty. One that comes to no answer is forgotten.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from miniagents.ext.store._kept import EngineStore
from miniagents.ext.store.errors import NotStoredError, StoreError, StreamAbandonedError, StreamError

if TYPE_CHECKING:
    from collections.abc import Callable

    from miniagents.ext.store.protocols import StreamInfo, StreamLog
    from miniagents.wire import Pieces

__all__ = ["ALL_ANSWERS", "Answers"]

ALL_ANSWERS: Final = "answers/"
"""What the names of the streams of all answers begin with."""
_LONGEST: Final = 900.0
"""Seconds that a call waits for another one that asks the same."""


class Answers:
    """The answers in a log.

    Args:
        log: The log.
        ttl: Seconds after which an answer is too old; None for never.
        fits: Says whether the frames of an answer can be read.
    """

    def __init__(self, log: StreamLog, ttl: float | None, fits: Callable[[bytes], bool]) -> None:
        self._log = log
        self._ttl = ttl
        self._fits = fits
        # the streams for which calls ask; another log than ours tells those of one cached agent apart
        self._asking: dict[str, object] = log.asking if isinstance(log, EngineStore) else {}
        self._giving_up: set[asyncio.Task[None]] = set()

    async def kept_or_claimed(self, key: str) -> bytes | str | None:
        """Return the frames of the answer to a call, or the stream that is claimed for it, once nobody else asks.

        None stands for a call that asks although somebody else does: because that takes too long, or waits for this.

        Raises:
            StoreError: The store cannot be read or written.
        """
        if (id(self._log), key) in _around.get():
            return None
        until: float | None = None
        while True:
            last = await self._last(key)
            kept = None if last is None else await self._answer(last)
            if kept is not None:
                return kept
            stream = last.name if last is not None and last.ended is None else _next(key, last)
            if await self._claimed(stream):
                return stream
            until = until or asyncio.get_running_loop().time() + _LONGEST
            try:
                async with asyncio.timeout_at(until):
                    await self._ended(stream)
            except TimeoutError:
                return None

    def ask_inside(self, key: str) -> None:
        """Note in the context of this code that what it calls belongs to the call with a key."""
        _around.set(_around.get() | {(id(self._log), key)})

    async def keep(self, key: str, stream: str | None, pieces: Pieces) -> None:
        """Keep an answer.

        Args:
            key: The key of the call.
            stream: The stream that is claimed for it; None if there is none.
            pieces: The frames of the answer.

        Raises:
            StoreError: It cannot be kept.
        """
        with suppress(StreamError):  # it took so long that another process asked again
            if stream is None:
                stream = _next(key, await self._last(key))
                await self._log.claim(stream)
            await self._log.append(stream, pieces)
            await self._log.end(stream)
        self._asking.pop(stream or "", None)

    async def give_up(self, stream: str) -> None:
        """Let others ask: this call has come to no answer."""
        task = asyncio.ensure_future(self._forget(stream))
        self._giving_up.add(task)
        task.add_done_callback(self._giving_up.discard)
        task.add_done_callback(lambda _: self._asking.pop(stream, None))
        await asyncio.shield(task)  # a call that is cancelled twice must not keep others waiting

    # --- machinery ---

    async def _last(self, key: str) -> StreamInfo | None:
        last: StreamInfo | None = None
        async with aclosing(self._log.streams(f"{ALL_ANSWERS}{key}/")) as found:
            async for info in found:
                last = info
        return last

    async def _answer(self, last: StreamInfo) -> bytes | None:
        if last.ended is None or not last.count or (self._ttl is not None and time.time() - last.ended > self._ttl):
            return None
        with suppress(NotStoredError):  # it was forgotten meanwhile
            async with aclosing(self._log.read(last.name, follow=False)) as found:
                data = b"".join([pieces.data async for pieces in found])
            return data if self._fits(data) else None
        return None

    async def _claimed(self, stream: str) -> bool:
        """Claim a stream for one call; return whether nobody else has."""
        call = object()
        if self._asking.setdefault(stream, call) is not call:
            return False
        try:
            if not await self._log.claim(stream):
                return True
            await self._log.end(stream)  # it has an answer, whose process was killed before it ended it
        except StreamError:  # another process asks, or has asked meanwhile
            pass
        except BaseException:
            await self.give_up(stream)
            raise
        self._asking.pop(stream, None)
        return False

    async def _ended(self, stream: str) -> None:
        """Wait until a stream has ended, was given up, or its process is gone."""
        with suppress(NotStoredError, StreamAbandonedError):
            async with aclosing(self._log.read(stream)) as pieces:
                async for _ in pieces:
                    pass

    async def _forget(self, stream: str) -> None:
        with suppress(StoreError):
            await self._log.end(stream)
            await self._log.forget(stream)


_around: Final[ContextVar[frozenset[tuple[int, str]]]] = ContextVar("miniagents.asking", default=frozenset())
"""The calls inside of which the running code is, with their logs: they must not wait for themselves."""


def _next(key: str, last: StreamInfo | None) -> str:
    number = 0 if last is None else int(last.name.rpartition("/")[2]) + 1
    return f"{ALL_ANSWERS}{key}/{number:08d}"
