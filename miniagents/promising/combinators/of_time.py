"""The combinators for which it matters when a piece comes.

An error of the source stays at its place: pieces that wait for their time are given before it, and the error follows at
once. All times are in seconds on the clock of the event loop. A piece of a bounded stream may come later than it could,
if readers hold the stream back.

Each combinator costs one task. Besides the pieces of the result it keeps those that wait for their time, and one timer
while there are any. Ready pieces cost no task switch. Cancelling the result drops the pieces that wait.
"""

from __future__ import annotations

import asyncio
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Final, Generic

from typing_extensions import TypeVar

from miniagents.promising.combinators.piped import END, End, Piped, attempt
from miniagents.promising.core.arguments import check_count, check_not_negative, check_plain
from miniagents.promising.core.current import producing
from miniagents.promising.core.failure import Catching, Failure
from miniagents.promising.core.pieces import PieceBuffer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from miniagents.promising.context import PromisingContext
    from miniagents.promising.stream import Stream

__all__ = ["TimeCombinators"]

P = TypeVar("P")
P_co = TypeVar("P_co", covariant=True)

NEVER: Final = float("inf")
"""A moment that does not come."""


class TimeCombinators(Piped[P_co], Generic[P_co]):
    """Streams made by the times at which pieces come."""

    __slots__ = ()

    def batch(
        self, size: int, /, *, within: float | None = None, weight: Callable[[P_co], float] | None = None
    ) -> Stream[tuple[P_co, ...]]:
        """Group `size` consecutive pieces into tuples, the last perhaps shorter (`itertools.batched`).

        No batch is empty. The pieces before an error come as a shorter tuple, so that none of them waits for what is
        behind the error.

        Args:
            size: The number of pieces in a batch, or their weight in all, at most.
            within: A batch is also given when that many seconds have passed since its first piece came. tokio-stream
                calls this `chunks_timeout`; ReactiveX's `bufferWithTimeOrCount` counts from the batch before.
            weight: A plain function that says how much a piece weighs; without it each weighs 1. A piece that does not
                fit begins the next batch, and one that is heavier than `size` has a batch of its own. Akka's
                `groupedWeighted` closes a batch behind the piece with which it is heavy enough. An error of the
                function takes the place of the piece, and so does a `ValueError` for a negative weight.

        Raises:
            TypeError: The size is no integer, or the function is async or cannot be called.
            ValueError: The size is less than one, or the time is negative.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of("abcde").batch(2))
        >>> asyncio.run(main())
        (('a', 'b'), ('c', 'd'), ('e',))
        >>> async def in_time() -> None:
        ...     async with PromisingContext():
        ...         slow = StreamedPromise.of([0, 0, 5]).then_pieces(lambda number: asyncio.sleep(number / 100, number))
        ...         print(await slow.batch(3, within=0.01))
        >>> asyncio.run(in_time())
        ((0, 0), (5,))
        >>> async def by_length() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of(["I", "am", "here", "today"]).batch(6, weight=len))
        >>> asyncio.run(by_length())
        (('I', 'am'), ('here',), ('today',))
        """
        check_count(f"batch({size!r})", size, 1, "a batch has at least one piece")
        if within is not None:
            check_not_negative(f"batch(within={within!r})", within)
        if weight is not None:
            check_plain("batch", weight)

        async def batched(out: PieceBuffer[tuple[P_co, ...]]) -> AsyncIterator[tuple[P_co, ...] | Failure]:
            loop = asyncio.get_running_loop()
            source = self._timed(out)
            pieces: list[P_co] = []
            total = 0.0
            due = NEVER
            while True:
                if due < NEVER and not source.is_ready() and not await source.ready_until(due):
                    yield tuple(pieces)
                    pieces.clear()
                    due = NEVER
                piece = await anext(source, END)
                if weight is not None and not isinstance(piece, Failure | End):
                    added = attempt(out, partial(_weighed, weight), piece)
                    if isinstance(added, Failure):
                        piece = added
                    else:
                        if pieces and total + added > size:
                            yield tuple(pieces)
                            pieces.clear()
                        total = total + added if pieces else added
                if not isinstance(piece, Failure | End):
                    if not pieces and within is not None:
                        due = loop.time() + within
                    pieces.append(piece)
                    if (len(pieces) if weight is None else total) < size:
                        continue
                if pieces:
                    yield tuple(pieces)
                    pieces.clear()
                    due = NEVER
                if isinstance(piece, Failure):
                    yield piece
                elif isinstance(piece, End):
                    return

        return self._piped(batched, "batch")

    def throttle(self, seconds: float, /, *, trailing: bool = True) -> Stream[P_co]:
        """Let a piece through and then nothing for that many seconds.

        Of the pieces that come in that time the last is let through at its end, and the time starts again; the others
        are dropped. The last piece of the stream is let through at once when the stream ends, so that it is never lost.
        This is lodash's `throttle` with both edges, and RxJava's `throttleLatest` with `emitLast`.

        Args:
            seconds: The time.
            trailing: False drops all pieces that come in that time, also the last of the stream (ReactiveX's
                `throttleFirst`, and the default of RxJS's `throttleTime`).

        Raises:
            ValueError: The time is negative.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of("abcde").throttle(0.01))
        >>> asyncio.run(main())
        ('a', 'e')
        >>> async def without_trailing() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of("abcde").throttle(0.01, trailing=False))
        >>> asyncio.run(without_trailing())
        ('a',)
        """
        check_not_negative(f"throttle({seconds!r})", seconds)

        async def throttled(out: PieceBuffer[P_co]) -> AsyncIterator[P_co | Failure]:
            loop = asyncio.get_running_loop()
            source = self._timed(out)
            held: P_co | End = END
            opens = -NEVER
            while True:
                if not isinstance(held, End) and (loop.time() >= opens or not await source.ready_until(opens)):
                    yield held
                    held = END
                    opens = loop.time() + seconds
                piece = await anext(source, END)
                if not isinstance(piece, Failure | End):
                    if not isinstance(held, End) or loop.time() < opens:
                        held = piece if trailing else held
                        continue
                    yield piece
                    opens = loop.time() + seconds
                    continue
                if not isinstance(held, End):
                    yield held
                    held = END
                    opens = loop.time() + seconds
                if isinstance(piece, End):
                    return
                yield piece

        return self._piped(throttled, "throttle")

    def rate_limit(self, per_second: float, /) -> Stream[P_co]:
        """Give at most so many pieces a second, each at least `1 / per_second` seconds after the one before it.

        No piece is lost: those that come too early wait, and the source is read no faster than that. So a bounded
        source is slowed down, and an unbounded one runs ahead. It is Akka's `throttle` in its shaping mode, and
        aiostream's `spaceout`; there are no bursts. Errors pass without waiting, in their places, and do not count.

        Args:
            per_second: The number of pieces; 0.1 lets one through every 10 seconds.

        Raises:
            ValueError: The number is not greater than zero.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of("abc").rate_limit(1000))
        >>> asyncio.run(main())
        ('a', 'b', 'c')
        """
        check_not_negative(f"rate_limit({per_second!r})", per_second)
        if not per_second:
            raise ValueError("rate_limit(0) would never give a piece: give a number greater than zero")

        read = self._reading()

        async def limited(_: PieceBuffer[P_co]) -> AsyncIterator[P_co | Failure]:
            loop = asyncio.get_running_loop()
            opens = -NEVER
            async for piece in read():
                if not isinstance(piece, Failure):
                    early = opens - loop.time()
                    if early > 0:
                        await asyncio.sleep(early)
                    else:
                        opens = loop.time()
                    opens += 1 / per_second  # not from when the sleep ended: it ends a little late each time
                yield piece

        return self._piped(limited, "rate_limit")

    def debounce(self, seconds: float, /) -> Stream[P_co]:
        """Keep each piece after which nothing came for that many seconds, and the last piece of the stream.

        The name is that of ReactiveX, Kotlin and lodash (of its trailing edge).

        Raises:
            ValueError: The time is negative.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of("abcde").debounce(0.01))
        >>> asyncio.run(main())
        ('e',)
        """
        check_not_negative(f"debounce({seconds!r})", seconds)

        async def debounced(out: PieceBuffer[P_co]) -> AsyncIterator[P_co | Failure]:
            loop = asyncio.get_running_loop()
            source = self._timed(out)
            held: P_co | End = END
            quiet_until = NEVER
            while True:
                if not isinstance(held, End) and not source.is_ready() and not await source.ready_until(quiet_until):
                    yield held
                    held = END
                piece = await anext(source, END)
                if not isinstance(piece, Failure | End):
                    held = piece
                    quiet_until = loop.time() + seconds
                    continue
                if not isinstance(held, End):
                    yield held
                    held = END
                if isinstance(piece, End):
                    return
                yield piece

        return self._piped(debounced, "debounce")

    def conflate(self) -> Stream[P_co]:
        """Give a slow reader the latest piece, and drop those that came while the reader was busy (Kotlin's).

        Akka and RxJava (`onBackpressureLatest`) have the same. The furthest reader counts: all readers get the pieces
        that this one got. A reader who is always there gets every piece, and so does an `await` of the whole. The last
        piece of the stream is never dropped, and neither is an error or the last piece before one. The source is read
        without a pause, even if it is bounded. Call this last: what is made of the result reads one piece ahead.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         with StreamAppender[int]() as numbers:
        ...             pieces = aiter(numbers.promise.conflate())
        ...             numbers.append(1)
        ...             print(await anext(pieces))
        ...             numbers.extend([2, 3, 4])
        ...             await asyncio.sleep(0.001)
        ...             print(await anext(pieces))
        >>> asyncio.run(main())
        1
        4
        """
        return self._worked(lambda context, name: _conflated(context, name, self._reading()), "conflate")

    def timeout_pieces(self, *, each: float | None = None, whole: float | None = None) -> Stream[P_co]:
        """End the result with a `TimeoutError` when a piece takes too long.

        The result lets go of the source, which continues only for those who hold or read it. A piece that comes in
        time, or at the very moment of the limit, counts, however late it is read. The `timeout` of tokio-stream
        continues behind each error; here `on_error` continues.

        Args:
            each: Seconds within which the first piece has to come after the start of the result, and each further one
                after the piece before it was read (ReactiveX's `timeout`).
            whole: Seconds from the start of the result within which the source has to be complete.

        Raises:
            ValueError: Neither limit is given, or one is negative.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         slow = StreamedPromise.of("ab").then_pieces(lambda letter: asyncio.sleep(0.05, letter))
        ...         limited = slow.timeout_pieces(each=0.001)
        ...         print(await limited.recover_pieces(lambda error: str(error), TimeoutError), await slow)
        >>> asyncio.run(main())
        ("'of.then_pieces' gave no piece within 0.001 s",) ('a', 'b')
        """
        if each is None and whole is None:
            raise ValueError("timeout_pieces(): give it a limit, `each` or `whole` or both")
        for name, limit in (("each", each), ("whole", whole)):
            if limit is not None:
                check_not_negative(f"timeout_pieces({name}={limit!r})", limit)

        async def in_time(out: PieceBuffer[P_co]) -> AsyncIterator[P_co | Failure]:
            loop = asyncio.get_running_loop()
            source = self._timed(out)
            end = NEVER if whole is None else loop.time() + whole
            while True:
                next_end = end if each is None else min(end, loop.time() + each)
                is_ready = await source.ready_in_time(next_end)
                if not is_ready and next_end < end:
                    late = f"gave no piece within {each} s"
                elif not is_ready or (loop.time() > end and not source._all_there()):
                    late = f"was not complete within {whole} s"
                else:
                    piece = await anext(source, END)
                    if isinstance(piece, End):
                        return
                    yield piece
                    continue
                yield out.failure_of(TimeoutError(f"{source.name!r} {late}"))
                return

        return self._piped(in_time, "timeout_pieces")


def _weighed(weight: Callable[[P], float], piece: P) -> float:
    """Return the weight of a piece.

    Raises:
        ValueError: It is negative.
    """
    number = weight(piece)
    check_not_negative(f"batch: the weight of {piece!r:.100} is {number}", number)
    return number


def _conflated(
    context: PromisingContext | None, name: str, source: Callable[[], AsyncIterator[P | Failure]]
) -> PieceBuffer[P]:
    out: PieceBuffer[P] = PieceBuffer(context, name, max_ahead=1)
    held: deque[P | Failure] = deque()
    asks = False

    def give(ahead: int) -> None:
        nonlocal asks
        while held and not out.ended and not out.is_full(ahead):
            out.emit_outcome(held.popleft())
        if held and not out.ended and not asks:
            asks = True
            out.next_room().add_done_callback(give_again)

    def give_again(_: object) -> None:
        nonlocal asks
        asks = False
        give(1)

    async def work() -> None:
        producing.set(out)
        with Catching(out):
            async for outcome in source():
                if held and not isinstance(outcome, Failure) and not isinstance(held[-1], Failure):
                    held.pop()
                held.append(outcome)
                give(1)  # not ahead of a reader who does not wait, because a later piece may come
                if out.ended:
                    return
            while held and not out.ended:
                await out.room()
                give(0)
            out.end()

    out.set_work(work)
    return out
