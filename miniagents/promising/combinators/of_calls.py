"""The combinators that call async functions with pieces, and those that bound how far ahead work goes."""

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
    """Streams made by work that waits, and by bounds."""

    __slots__ = ()

    def then_pieces(
        self, fn: Callable[[P_co], Awaitable[Q]], /, *, concurrency: int | None = 1, ordered: bool = True
    ) -> Stream[Q]:
        """Apply an async function to each piece.

        With the results in the order of the pieces this is Rust's `buffered`, and with one call at a time ReactiveX's
        `concatMap`. With the results as they finish it is `buffer_unordered` and Kotlin's `flatMapMerge`. An error of
        the source or of the function is an outcome like any result and takes its place in the same way. Cancelling the
        result cancels the calls that run.

        Cost: a task for each call that waits, at most `concurrency` of them. Calls that wait for nothing share one task
        and cost no task switch. If the order is kept, a call counts as running until its result is given, so that at
        most `concurrency` results are kept back. Of a bounded source, at most `concurrency` pieces more are taken than
        the bound allows to be unread; without a limit, at most twice the bound.

        Args:
            fn: Called with each piece.
            concurrency: How many calls run at the same time; None for no limit.
            ordered: Whether the results come in the order of the pieces (True) or as they finish.

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
                producing.set(out)  # first: whoever reads the source from here on reads it for `out`, and is no guest
                await _Calls(self._outcomes(), fn, out, concurrency, ordered=ordered).run()

            out.set_work(work)
            return out

        return self._worked(make, "then_pieces")

    def buffer(self, max_ahead: int, /) -> Stream[P_co]:
        """Let the source run at most `max_ahead` pieces ahead of the furthest reader of the result.

        It is Kotlin's `buffer`, and a bounded channel in Rust. The bound holds for the result and everything made of
        it, whether or not the source has one. So it lets a narrow source run ahead, and keeps the results of an
        unbounded source from doing so. An error counts as a piece. Cost: one task.

        Raises:
            ValueError: The bound is less than one.

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

    Only one of them reads the source at a time. When it has a piece, it launches a spare task and makes the call. If
    the call waits, the spare reads on. If it does not wait, this task reads on itself, and the spare finds nothing to
    do and ends.
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
        # without a limit the bound is one: a result that nobody reads must not call for the whole source
        self._limit: float = concurrency or out.max_ahead or float("inf")
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
