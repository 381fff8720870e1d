"""The combinators that run async functions for pieces, and those that say how far ahead of its readers work goes."""

from __future__ import annotations

import asyncio
import enum
from collections import deque
from typing import TYPE_CHECKING, Generic

from typing_extensions import TypeVar

from miniagents.promising.combinators.piped import Piped
from miniagents.promising.core.current import producing
from miniagents.promising.core.failure import Catching, Failure, ends_task
from miniagents.promising.core.pieces import PieceBuffer, take_turn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from miniagents.promising.context import PromisingContext
    from miniagents.promising.stream import Stream

__all__ = ["AsyncCombinators"]

P = TypeVar("P")
P_co = TypeVar("P_co", covariant=True)
Q = TypeVar("Q")


class AsyncCombinators(Piped[P_co], Generic[P_co]):
    """What can be made of a stream by work that waits, and by bounds."""

    __slots__ = ()

    def then_pieces(
        self, fn: Callable[[P_co], Awaitable[Q]], /, *, concurrency: int | None = 1, ordered: bool = True
    ) -> Stream[Q]:
        """What an async function makes of each piece.

        In the order of the pieces this is Rust's `buffered`, as they finish `buffer_unordered` and Kotlin's
        `flatMapMerge`; with one call at a time, ReactiveX's `concatMap`. An error of the function takes the place of
        the piece that it was given, be it its place in the order or that at which it happens; an error of the source
        takes its own place likewise. Cancelling the result cancels the calls that run.

        Cost: a task for each call that waits, at most `concurrency` of them; calls that wait for nothing share one and
        cost no task switch. Where the order is kept, a call that is done but not the next to be given counts as one
        that runs, so that no more than `concurrency` results are kept back. Of a bounded source at most `concurrency`
        pieces more are taken than the bound lets be unread, or as many as the bound again where there is no limit.

        Args:
            fn: called with each piece.
            concurrency: how many calls run at once; None for no limit.
            ordered: whether the results come in the order of the pieces (True) or as they are there.

        Raises:
            ValueError: `concurrency` is less than one.

        >>> async def slowly(number: int) -> int:
        ...     await asyncio.sleep(number / 100)
        ...     return 10 * number
        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         numbers = StreamedPromise.of([3, 1, 2])
        ...         print(await numbers.then_pieces(slowly, concurrency=3))
        ...         print(await numbers.then_pieces(slowly, concurrency=3, ordered=False))
        >>> asyncio.run(main())
        (30, 10, 20)
        (10, 20, 30)
        """
        if concurrency is not None and concurrency < 1:
            raise ValueError(f"then_pieces(concurrency={concurrency}): at least one call runs; None means no limit")

        def make(context: PromisingContext | None, name: str) -> PieceBuffer[Q]:
            out: PieceBuffer[Q] = PieceBuffer(context, name)

            async def work() -> None:
                producing.set(out)  # before the source is looked at, so that this is no guest there
                await _Calls(self._outcomes(), fn, out, concurrency, ordered=ordered).run()

            out.set_work(work)
            return out

        return self._worked(make, "then_pieces")

    def buffer(self, max_ahead: int, /) -> Stream[P_co]:
        """The same pieces, read ahead at most that many before the furthest reader of the result.

        It is Kotlin's `buffer` and what Rust does by a bounded channel. The bound is that of the result and of what is
        made of it, whatever the bound of the source: it lets a narrow source run ahead, and keeps what is made of an
        unbounded one from doing so. An error counts as a piece, and stays at its place. Cost: one task.

        Raises:
            ValueError: the bound is less than one.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of("abc").buffer(2))
        >>> asyncio.run(main())
        ('a', 'b', 'c')
        """
        if max_ahead < 1:
            raise ValueError(f"buffer({max_ahead}): a bound lets at least one piece through")

        async def same(_: PieceBuffer[P_co]) -> AsyncIterator[P_co | Failure]:
            async for piece in self._outcomes():
                yield piece

        return self._piped(same, "buffer", max_ahead=max_ahead)


class _Calls(Generic[P, Q]):
    """Tasks that call an async function with pieces.

    One of them reads the source. When it has a piece, it starts another one that goes on reading if the call turns out
    to wait for something; if it does not, it goes on by itself, and the other one finds nothing to do and ends.
    """

    def __init__(
        self,
        source: AsyncIterator[P | Failure],
        fn: Callable[[P], Awaitable[Q]],
        out: PieceBuffer[Q],
        concurrency: int | None,
        *,
        ordered: bool,
    ) -> None:
        self._source = source
        self._fn = fn
        self._out = out
        # no limit but the bound: who reads nothing shall not have all of the source called for
        self._limit: float = concurrency or out.max_ahead or float("inf")
        self._under_way = 0
        self._places: deque[_Place[Q]] | None = deque() if ordered else None
        self._is_read = False
        self._has_spare = False
        self._is_launching = False
        self._source_ended = False

    async def run(self) -> None:
        """What each of the tasks does."""
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
        return not (self._is_read or self._source_ended or self._out.ended) and self._under_way < self._limit

    async def _next(self) -> P | Failure:
        self._is_read = True
        try:
            if self._out.bounded:
                await self._out.room()
            return await anext(self._source)
        finally:
            self._is_read = False

    async def _call(self, piece: P) -> Q | Failure:
        if not self._has_spare and self._under_way < self._limit:
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
        if self._is_launching:  # the loop starts tasks eagerly: each would start the next one inside of itself
            await take_turn()
        self._has_spare = False
        await self.run()

    def _done(self, place: _Place[Q]) -> None:
        """Gives the outcome as soon as its turn has come."""
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
        """Ends all of the tasks with one of them."""
        self._out.end_with(error)
        for task in tuple(self._out.workers()):
            if task is not asyncio.current_task():
                task.cancel()


class _Pending(enum.Enum):
    """What stands for an outcome that is not there yet."""

    PENDING = enum.auto()


class _Place(Generic[Q]):
    """The place of an outcome in the order of the pieces."""

    __slots__ = ("outcome",)

    def __init__(self) -> None:
        self.outcome: Q | Failure | _Pending = _Pending.PENDING
