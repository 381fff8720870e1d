"""How `zip` and `zip_longest` read several streams side by side, one outcome of each for a row.

All streams that have nothing for the row yet are waited for at the same time. So the end of one of them, or an error,
is seen although others have nothing. An error takes its row at once; the outcomes of the others in that row are dropped
when they come.
"""

from __future__ import annotations

import asyncio
from itertools import islice
from operator import length_hint
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypeGuard

from miniagents.promising.combinators.joining import replayed
from miniagents.promising.combinators.piped import END, TimedOutcomes
from miniagents.promising.core.failure import Failure
from miniagents.promising.stream import StreamedPromise

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterator, Sequence

    from miniagents.promising.core.pieces import AnyBuffer

__all__ = ["Until", "zipped"]

Until: TypeAlias = Literal["shortest", "longest", "equal"]
"""Which stream ends the result: the shortest, the longest, or all of them together."""

_MISSING: Final = object()
"""The outcome of a stream that has none yet."""

_Row: TypeAlias = list[Any]  # Any: the callers of `zipped` tie the rows to the streams
"""A piece or an error, `END` or `_MISSING` of each stream."""


async def zipped(
    streams: Sequence[AsyncIterable[Any]],  # Any: as above
    out: AnyBuffer,
    until: Until,
    fill: object = None,
) -> AsyncIterator[Any]:  # Any: as above
    """Give the rows of streams.

    Args:
        streams: The streams; one that is no promise is read one piece ahead.
        out: The buffer of the result.
        until: Which of them ends the result.
        fill: Stands for a stream that has ended, in the rows behind its end.
    """
    promises = [_as_promise(stream) for stream in streams]
    own = [promise for promise, stream in zip(promises, streams, strict=True) if promise is not stream]
    sources = [promise for promise in promises if not out._is_made_of(promise)]
    out._made_of(sources)
    sides = [_Side(promise._timed(out)) for promise in promises]
    try:
        count = 0
        while True:
            for ready in _ready_rows(sides):  # nearly all rows of streams that are there: this is the fast way
                count += 1
                given: object = ready
                for outcome in ready:
                    if type(outcome) is Failure:
                        given = outcome
                        break
                yield given
            row = await _next_row(sides, until)
            ended = [place for place, outcome in enumerate(row) if outcome is END]
            if len(ended) == len(row) or (ended and until == "shortest"):
                return
            if ended and until == "equal":
                longer = next(place for place, outcome in enumerate(row) if _is_there(outcome))
                yield out.failure_of(ValueError(_said(ended[0] + 1, longer + 1, count)))
                return
            count += 1
            failure = next((outcome for outcome in row if isinstance(outcome, Failure)), None)
            yield tuple(fill if outcome is END else outcome for outcome in row) if failure is None else failure
    finally:
        try:
            await _stop(sides)
        finally:
            if sources:
                out._let_go_of(*sources)
            if own:
                await _close(own)


def _as_promise(stream: AsyncIterable[object]) -> StreamedPromise[Any, Any]:  # Any: as above
    return stream if _is_promise(stream) else replayed(stream, max_ahead=1)


def _is_promise(stream: object) -> TypeGuard[StreamedPromise[Any, Any]]:  # Any: as above
    return isinstance(stream, StreamedPromise)


def _ready_rows(sides: list[_Side]) -> Iterator[tuple[Any, ...]]:  # Any: as above
    """Take the rows for which every stream has an outcome in hand."""
    slices = [side.in_hand() for side in sides]
    return islice(zip(*slices, strict=False), min(map(length_hint, slices)))


async def _next_row(sides: list[_Side], until: Until) -> _Row:
    """Return the next outcome of each stream, as soon as it is known what becomes of them."""
    row: _Row = [_MISSING] * len(sides)
    while True:
        missing: list[_Side] = []
        for place, side in enumerate(sides):
            if row[place] is _MISSING:
                if side.is_ready():
                    row[place] = await side.take()
                else:
                    missing.append(side)
        if not missing or _is_decided(row, until):
            for side in missing:
                side.skip()
            return row
        if len(missing) == 1:
            row[sides.index(missing[0])] = await missing[0].take()
        else:  # tasks rather than a future: the watch sees who waits for whom
            await asyncio.wait([side.begin() for side in missing], return_when=asyncio.FIRST_COMPLETED)


def _is_decided(row: _Row, until: Until) -> bool:
    """Return whether the outcomes that are missing in a row do not matter."""
    has_ended = any(outcome is END for outcome in row)
    if has_ended and until != "longest":
        return until == "shortest" or any(map(_is_there, row))
    return any(isinstance(outcome, Failure) for outcome in row)


def _is_there(outcome: object) -> bool:
    return outcome is not END and outcome is not _MISSING


def _said(shorter: int, longer: int, count: int) -> str:
    return f"zip(strict=True): stream {shorter} has ended after {count} pieces, stream {longer} has more"


class _Side:
    """One of the streams: its reader, and a task that waits for the next outcome while others are waited for too."""

    def __init__(self, outcomes: TimedOutcomes[Any]) -> None:  # Any: as above
        self._outcomes = outcomes
        self.task: asyncio.Task[Any] | None = None  # Any: as above
        self._dropping = 0

    def is_ready(self) -> bool:
        """Return whether the next outcome can be taken without waiting."""
        return self.task.done() if self.task is not None else not self._dropping and self._outcomes.is_ready()

    def in_hand(self) -> Iterator[Any]:  # Any: as above
        """Return the outcomes that the reader has taken and not given yet; taking one from here gives it."""
        return self._outcomes._ready if self.task is None and not self._dropping else iter(())

    async def take(self) -> Any:  # Any: as above
        """Return the next outcome, or `END`; wait for it."""
        task, self.task = self.task, None
        return await (self._next() if task is None else task)

    def begin(self) -> asyncio.Task[Any]:  # Any: as above
        """Return a task that waits for the next outcome, which `take` returns then."""
        if self.task is None:
            self.task = asyncio.create_task(self._next())
        return self.task

    def skip(self) -> None:
        """Drop the next outcome when it comes."""
        if self.task is not None and self.task.done():
            self.task = None
        else:
            self._dropping += 1

    async def _next(self) -> Any:  # Any: as above
        while True:
            outcome = await anext(self._outcomes, END)
            if outcome is END or not self._dropping:
                return outcome
            self._dropping -= 1


async def _stop(sides: list[_Side]) -> None:
    """End the tasks that still wait."""
    tasks = [side.task for side in sides if side.task is not None]
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.gather(*tasks, return_exceptions=True)


async def _close(streams: list[StreamedPromise[Any, Any]]) -> None:  # Any: as above
    """End the work that reads plain generators, and wait until they are closed."""
    for stream in streams:
        stream.cancel()
    workers = [worker for stream in streams for worker in stream._buffer.workers()]
    await asyncio.gather(*workers, return_exceptions=True)
