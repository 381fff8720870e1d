"""The combinators that work in tasks and buffers of their own, and those that bound how far ahead work goes.

Their work is in `calling.py` and `grouping.py`, which are imported when they are first needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic

from typing_extensions import TypeVar

from miniagents.promising.combinators.piped import Piped
from miniagents.promising.core.arguments import check_plain
from miniagents.promising.core.current import producing
from miniagents.promising.core.pieces import PieceBuffer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Hashable

    from miniagents.promising.context import PromisingContext
    from miniagents.promising.core.failure import Failure
    from miniagents.promising.stream import Stream

__all__ = ["WorkCombinators"]

P_co = TypeVar("P_co", covariant=True)
Q = TypeVar("Q")
K = TypeVar("K", bound="Hashable")


class WorkCombinators(Piped[P_co], Generic[P_co]):
    """Streams made by work that waits, by sorting, and by bounds."""

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
        from miniagents.promising.combinators.calling import Calls  # noqa: PLC0415  # few programs need it

        def make(context: PromisingContext | None, name: str) -> PieceBuffer[Q]:
            out: PieceBuffer[Q] = PieceBuffer(context, name)

            async def work() -> None:
                producing.set(out)  # first: whoever reads the source from here on reads it for `out`, and is no guest
                await Calls(self._outcomes(), fn, out, concurrency, ordered=ordered).run()

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

    def group_by(self, key: Callable[[P_co], K], /) -> Stream[tuple[K, Stream[P_co]]]:
        """Make a stream for each key, given with its key when the first piece of it comes (ReactiveX's `groupBy`).

        A group gets all pieces of its key and ends when the source does. `itertools.groupby` groups neighbours only. A
        group is a stream like any other: each reader gets all of it, at any time. An error of the source stands in the
        stream of groups and in every group that is there by then. An error of `key` stands in the stream of groups, in
        the place of the piece that has no key.

        Cancelling the stream of groups cancels the source and the groups. Cancelling a group ends that group alone, and
        its later pieces are dropped; ReactiveX starts a new group for them.

        Cost: one task in all, and all keys and groups in memory until the source ends. Of a bounded source at most as
        many pieces as its bound are unread, across all groups. More are taken only while a reader waits for a piece,
        which may stand behind many of other groups.

        Raises:
            TypeError: The function is async, or cannot be called.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         words = StreamedPromise.of(["ant", "bee", "ape", "bat", "cat"])
        ...         async for letter, group in words.group_by(lambda word: word[0]):
        ...             print(letter, await group)
        >>> asyncio.run(main())
        a ('ant', 'ape')
        b ('bee', 'bat')
        c ('cat',)
        """
        from miniagents.promising.combinators.grouping import Groups  # noqa: PLC0415  # few programs need it

        check_plain("group_by", key)

        def make(context: PromisingContext | None, name: str) -> Groups[K, P_co]:
            return Groups(context, name, self._outcomes, key, self._over)

        return self._worked(make, "group_by")
