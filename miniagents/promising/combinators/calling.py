"""The tasks of `then_pieces`, and of a `flat_map` that reads several streams at the same time."""

from __future__ import annotations

import asyncio
import enum
from collections import deque
from typing import TYPE_CHECKING, Generic

from typing_extensions import TypeVar

from miniagents.promising.core.current import producing
from miniagents.promising.core.failure import Catching, Failure, ends_task
from miniagents.promising.core.foreign import reading
from miniagents.promising.core.pieces import FAIR_SHARE, PieceBuffer, take_turn

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable

    from miniagents.promising.context import PromisingContext

__all__ = ["call_each", "flat_each"]

P = TypeVar("P")
Q = TypeVar("Q")


def call_each(
    context: PromisingContext | None,
    name: str,
    source: Callable[[], AsyncIterator[P | Failure]],
    fn: Callable[[P], Awaitable[Q | _Pending]],
    concurrency: int | None,
    *,
    ordered: bool,
) -> PieceBuffer[Q]:
    """Make the buffer of the values that an async function makes of each piece of a source."""
    out: PieceBuffer[Q] = PieceBuffer(context, name)

    async def work() -> None:
        producing.set(out)  # first: whoever reads the source from here on reads it for `out`, and is no guest
        await _Calls(source(), fn, out, concurrency, ordered=ordered).run()

    out.set_work(work)
    return out


def flat_each(
    context: PromisingContext | None,
    name: str,
    source: Callable[[], AsyncIterator[P | Failure]],
    fn: Callable[[P], AsyncIterable[Q]],
    concurrency: int | None,
) -> PieceBuffer[Q]:
    """Make the buffer of the pieces of the streams that a function makes of each piece of a source, as they come."""

    async def pass_on(piece: P) -> _Pending:
        async with reading(fn(piece), out) as outcomes:
            async for outcome in outcomes:
                if out.bounded:
                    await out.room()
                if out.ended:
                    break
                out.emit_outcome(outcome)
                if not len(out.pieces) % FAIR_SHARE:  # each of the streams may have only a few pieces
                    await take_turn()
        return _Pending.PENDING  # there is nothing more to give

    out: PieceBuffer[Q] = call_each(context, name, source, pass_on, concurrency, ordered=False)
    return out


class _Calls(Generic[P, Q]):
    """Tasks that call an async function with pieces.

    Only one of them reads the source at a time. When it has a piece, it launches a spare task and makes the call. If
    the call waits, the spare reads on. If it does not wait, this task reads on itself, and the spare finds nothing to
    do and ends.
    """

    def __init__(
        self,
        source: AsyncIterator[P | Failure],
        fn: Callable[[P], Awaitable[Q | _Pending]],
        out: PieceBuffer[Q],
        concurrency: int | None,
        *,
        ordered: bool,
    ) -> None:
        self._source = source
        self._fn = fn
        self._out = out
        self._concurrency = concurrency
        self._under_way = 0
        self._places: deque[_Place[Q]] | None = deque() if ordered else None
        self._is_read = False
        self._has_spare = False
        self._is_launching = False
        self._source_ended = False

    async def run(self) -> None:
        """Do the work of one of the tasks."""
        producing.set(self._out)
        with Catching(self._out, self._fail):
            while self._may_read():
                try:
                    piece = await self._next()
                except StopAsyncIteration:
                    self._source_ended = True
                    break
                place: _Place[Q] = _Place()
                self._under_way += 1
                if self._places is not None:
                    self._places.append(place)
                place.outcome = piece if isinstance(piece, Failure) else await self._call(piece)
                if not self._out.ended:
                    self._done(place)
            if self._source_ended and not self._under_way:
                self._out.end()

    # --- machinery ---

    def _may_read(self) -> bool:
        return not (self._is_read or self._source_ended or self._out.ended) and self._under_way < self._limit()

    def _limit(self) -> float:
        # without a limit the bound is one: a result that nobody reads must not call for the whole source
        return self._concurrency or self._out.max_ahead or float("inf")

    async def _next(self) -> P | Failure:
        self._is_read = True
        try:
            if self._out.bounded:
                await self._out.room()
            return await anext(self._source)
        finally:
            self._is_read = False

    async def _call(self, piece: P) -> Q | Failure | _Pending:
        if not self._has_spare and self._under_way < self._limit():
            self._has_spare = self._is_launching = True
            self._out.launch(self._run_as_spare())
            self._is_launching = False
        task = asyncio.current_task()
        try:
            return await self._fn(piece)
        except BaseException as error:
            if ends_task(error, task):
                raise
            return self._out.failure_of(error)

    async def _run_as_spare(self) -> None:
        if self._is_launching:  # tasks are eager: without a turn each would start the next one inside of itself
            await take_turn()
        self._has_spare = False
        await self.run()

    def _done(self, place: _Place[Q]) -> None:
        """Give the outcome as soon as its turn has come."""
        places = self._places
        if places is None:
            self._give(place.outcome)
        while places and not isinstance(places[0].outcome, _Pending):
            self._give(places.popleft().outcome)

    def _give(self, outcome: Q | Failure | _Pending) -> None:
        self._under_way -= 1
        if not isinstance(outcome, _Pending):
            self._out.emit_outcome(outcome)

    def _fail(self, error: BaseException) -> None:
        """End all of the tasks with one of them."""
        self._out.end_with(error)
        for task in tuple(self._out.workers()):
            if task is not asyncio.current_task():
                task.cancel()


class _Pending(enum.Enum):
    """The type of the placeholder for an outcome that is not there yet."""

    PENDING = enum.auto()


class _Place(Generic[Q]):
    """The place of an outcome in the order of the pieces."""

    __slots__ = ("outcome",)

    def __init__(self) -> None:
        self.outcome: Q | Failure | _Pending = _Pending.PENDING
