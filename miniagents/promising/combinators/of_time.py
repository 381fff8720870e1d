"""The combinators for which it matters when a piece comes.

An error of the source stays at its place: pieces that wait for their time are given before it, and the error follows at
once. All times are in seconds on the clock of the event loop. A piece of a bounded stream may come later than it could,
if readers hold the stream back.

Each combinator costs one task. Besides the pieces of the result it keeps those that wait for their time, and one timer
while there are any. Ready pieces cost no task switch. Cancelling the result drops the pieces that wait.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Generic

from typing_extensions import TypeVar

from miniagents.promising.combinators.piped import Piped
from miniagents.promising.core.arguments import check_count, check_not_negative
from miniagents.promising.core.failure import Failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from miniagents.promising.core.pieces import PieceBuffer
    from miniagents.promising.stream import Stream

__all__ = ["TimeCombinators"]

P_co = TypeVar("P_co", covariant=True)

NEVER: Final = float("inf")
"""A moment that does not come."""


class TimeCombinators(Piped[P_co], Generic[P_co]):
    """Streams made by the times at which pieces come."""

    __slots__ = ()

    def batch(self, size: int, /, *, within: float | None = None) -> Stream[tuple[P_co, ...]]:
        """Group `size` consecutive pieces into tuples, the last perhaps shorter (`itertools.batched`).

        With `within`, a batch is also given when that many seconds have passed since its first piece came. tokio-stream
        calls this `chunks_timeout`; ReactiveX's `bufferWithTimeOrCount` counts from the batch before. No batch is
        empty. The pieces before an error come as a shorter tuple, so that none of them waits for what is behind the
        error.

        Raises:
            TypeError: The size is no integer.
            ValueError: It is less than one, or the time is negative.

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
        """
        check_count(f"batch({size!r})", size, 1, "a batch has at least one piece")
        if within is not None:
            check_not_negative(f"batch(within={within})", within)

        async def batched(out: PieceBuffer[tuple[P_co, ...]]) -> AsyncIterator[tuple[P_co, ...] | Failure]:
            loop = asyncio.get_running_loop()
            source = self._timed(out)
            pieces: list[P_co] = []
            due = NEVER
            while True:
                if due < NEVER and not source.is_ready() and not await source.ready_until(due):
                    yield tuple(pieces)
                    pieces.clear()
                    due = NEVER
                piece = await anext(source, _END)
                if not isinstance(piece, Failure | _End):
                    if not pieces and within is not None:
                        due = loop.time() + within
                    pieces.append(piece)
                    if len(pieces) < size:
                        continue
                if pieces:
                    yield tuple(pieces)
                    pieces.clear()
                    due = NEVER
                if isinstance(piece, Failure):
                    yield piece
                elif isinstance(piece, _End):
                    return

        return self._piped(batched, "batch")

    def throttle(self, seconds: float, /) -> Stream[P_co]:
        """Let a piece through and then nothing for that many seconds.

        Of the pieces that come in that time the last is let through at its end, and the time starts again; the others
        are dropped. The last piece of the stream is let through at once when the stream ends, so that it is never lost.
        This is lodash's `throttle` with both edges, and RxJava's `throttleLatest` with `emitLast`. ReactiveX's
        `throttleFirst` drops all pieces that come in that time.

        Raises:
            ValueError: The time is negative.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of("abcde").throttle(0.01))
        >>> asyncio.run(main())
        ('a', 'e')
        """
        check_not_negative(f"throttle({seconds})", seconds)

        async def throttled(out: PieceBuffer[P_co]) -> AsyncIterator[P_co | Failure]:
            loop = asyncio.get_running_loop()
            source = self._timed(out)
            held: P_co | _End = _END
            opens = -NEVER
            while True:
                if not isinstance(held, _End) and (loop.time() >= opens or not await source.ready_until(opens)):
                    yield held
                    held = _END
                    opens = loop.time() + seconds
                piece = await anext(source, _END)
                if not isinstance(piece, Failure | _End):
                    if not isinstance(held, _End) or loop.time() < opens:
                        held = piece
                        continue
                    yield piece
                    opens = loop.time() + seconds
                    continue
                if not isinstance(held, _End):
                    yield held
                    held = _END
                    opens = loop.time() + seconds
                if isinstance(piece, _End):
                    return
                yield piece

        return self._piped(throttled, "throttle")

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
        check_not_negative(f"debounce({seconds})", seconds)

        async def debounced(out: PieceBuffer[P_co]) -> AsyncIterator[P_co | Failure]:
            loop = asyncio.get_running_loop()
            source = self._timed(out)
            held: P_co | _End = _END
            quiet_until = NEVER
            while True:
                if not isinstance(held, _End) and not source.is_ready() and not await source.ready_until(quiet_until):
                    yield held
                    held = _END
                piece = await anext(source, _END)
                if not isinstance(piece, Failure | _End):
                    held = piece
                    quiet_until = loop.time() + seconds
                    continue
                if not isinstance(held, _End):
                    yield held
                    held = _END
                if isinstance(piece, _End):
                    return
                yield piece

        return self._piped(debounced, "debounce")

    def timeout_pieces(self, *, each: float | None = None, whole: float | None = None) -> Stream[P_co]:
        """End the result with a `TimeoutError` when a piece takes too long.

        The result lets go of the source, which continues only for those who hold or read it. A piece that is there in
        time counts, however late it is read. The
        `timeout` of tokio-stream continues behind each error; here `on_error` continues.

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
                check_not_negative(f"timeout_pieces({name}={limit})", limit)

        async def in_time(out: PieceBuffer[P_co]) -> AsyncIterator[P_co | Failure]:
            loop = asyncio.get_running_loop()
            source = self._timed(out)
            end = NEVER if whole is None else loop.time() + whole
            while True:
                next_end = end if each is None else min(end, loop.time() + each)
                is_ready = await source.ready_in_time(next_end)
                if not is_ready and next_end < end:
                    late = f"gave no piece within {each} s"
                elif not is_ready or (loop.time() >= end and not source._all_there()):
                    late = f"was not complete within {whole} s"
                else:
                    piece = await anext(source, _END)
                    if isinstance(piece, _End):
                        return
                    yield piece
                    continue
                yield out.failure_of(TimeoutError(f"{source.name!r} {late}"))
                return

        return self._piped(in_time, "timeout_pieces")


class _End:
    """The type of the placeholder for a piece where there is none."""


_END: Final = _End()
