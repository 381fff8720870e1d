"""The combinators that look at each piece by itself.

The work of those that need more than an async generator is in `each.py`, `calling.py` and `grouping.py`. These are
imported when they are first needed.

The docstring of `StreamedPromise` has the rules for all combinators: where errors stand, who is cancelled with whom,
what one costs. The docstrings here say what goes beyond that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Never, overload

from typing_extensions import TypeIs, TypeVar

from miniagents.promising.combinators.piped import Piped, attempt
from miniagents.promising.core.arguments import (
    check_callable,
    check_concurrency,
    check_count,
    check_plain,
    check_recovery,
)
from miniagents.promising.core.failure import Failure, count_as_read

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Hashable

    from miniagents.promising.combinators.each import Kept
    from miniagents.promising.context import PromisingContext
    from miniagents.promising.core.pieces import PieceBuffer
    from miniagents.promising.stream import Stream

__all__ = ["PieceCombinators"]

P_co = TypeVar("P_co", covariant=True)
Q = TypeVar("Q")
K = TypeVar("K", bound="Hashable")
A = TypeVar("A")
E = TypeVar("E", bound=BaseException)


class PieceCombinators(Piped[P_co], Generic[P_co]):
    """Streams made of the pieces of another one."""

    __slots__ = ()

    def map_pieces(self, fn: Callable[[P_co], Q], /) -> Stream[Q]:
        """Apply a plain function to each piece.

        Elsewhere this is `map`, which here takes the whole. `then_pieces` is for async functions.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of([1, 2, 3]).map_pieces(lambda piece: 2 * piece))
        >>> asyncio.run(main())
        (2, 4, 6)
        """
        check_plain("map_pieces", fn, instead="then_pieces(…)")
        return self._each(fn, "made", "map_pieces")

    def tap_pieces(self, fn: Callable[[P_co], object], /) -> Stream[P_co]:
        """Call a plain function with each piece and give the piece; its result is dropped.

        An error of the function takes the place of the piece. The function is not called for errors. It is called once
        for each piece, however many readers there are, and before any of them has the piece. It is Rust's `inspect`,
        Kotlin's `onEach` and ReactiveX's `do`; ReactiveX's ends the stream where the function raises.

        Raises:
            TypeError: The function is async, or cannot be called.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         seen = list[str]()
        ...         print(await StreamedPromise.of("ab").tap_pieces(seen.append), seen)
        >>> asyncio.run(main())
        ('a', 'b') ['a', 'b']
        """
        check_plain("tap_pieces", fn)
        return self._each(fn, "piece", "tap_pieces")

    @overload  # of no function that returns: mypy words the faults in a lambda by the first overload
    def filter(self, keep: Callable[[P_co], Never], /) -> Stream[P_co]: ...
    @overload
    def filter(self, keep: Callable[[P_co], TypeIs[Q]], /) -> Stream[Q]: ...
    @overload
    def filter(self, keep: Callable[[P_co], object], /) -> Stream[P_co]: ...
    def filter(self, keep: Callable[[P_co], object], /) -> Stream[Any]:  # Any: the overloads say which type is left
        """Keep the pieces for which a plain function returns something true; a `TypeIs` function narrows their type.

        Errors pass without a question. A bound counts the pieces that are left.

        Raises:
            TypeError: The function is async, or cannot be called.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of([1, 2, 3]).filter(lambda piece: piece != 2))
        >>> asyncio.run(main())
        (1, 3)
        """
        check_plain("filter", keep)
        return self._each(keep, "piece if made is true", "filter")

    def filter_map(self, fn: Callable[[P_co], Q | None], /) -> Stream[Q]:
        """Apply a plain function to each piece and leave out each `None` that it returns (Rust's `filter_map`).

        Kotlin calls it `mapNotNull`. A bound counts the pieces that are left.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         ages = {"Ada": 36, "Grace": 85}
        ...         print(await StreamedPromise.of(["Ada", "Eve", "Grace"]).filter_map(ages.get))
        >>> asyncio.run(main())
        (36, 85)
        """
        check_plain("filter_map", fn)
        return self._each(fn, "made unless None", "filter_map")

    @overload
    def recover_pieces(self, fn: Callable[[Exception], Q], /) -> Stream[P_co | Q]: ...
    @overload
    def recover_pieces(self, fn: Callable[[E], Q], error: type[E], /, *errors: type[E]) -> Stream[P_co | Q]: ...
    def recover_pieces(
        self,
        fn: Callable[[Any], Q],  # Any: the overloads tie it to the classes given
        /,
        *errors: type[BaseException],
    ) -> Stream[P_co | Q]:
        """Put a piece in the place of each error of the given classes (by default of any `Exception`).

        Other errors stay. An error that the function raises takes the place of the one it was given. ReactiveX's
        `onErrorReturn` ends with that piece, because an error ends its streams. Here the pieces behind the error
        follow.

        Raises:
            TypeError: Something given is no class of exceptions.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of("1x3").map_pieces(int).recover_pieces(lambda error: 0, ValueError))
        >>> asyncio.run(main())
        (1, 0, 3)
        """
        expected = check_recovery("recover_pieces", fn, errors)
        read = self._reading()

        async def recovered(out: PieceBuffer[P_co | Q]) -> AsyncIterator[P_co | Q | Failure]:
            async for piece in read():
                if isinstance(piece, Failure) and isinstance(piece.error, expected):
                    yield attempt(out, fn, count_as_read(piece))
                else:
                    yield piece

        return self._piped(recovered, "recover_pieces")

    def on_error(self, resume: Callable[[Exception], AsyncIterable[Q]], /) -> Stream[P_co | Q]:
        """Continue with another stream, which a plain function makes of the first `Exception`.

        It is ReactiveX's `onErrorResumeNext`. The pieces before the error come first. Nothing behind it is read: with
        the error the result lets go of this stream. Errors that are no `Exception` pass. Errors of the second stream
        stay in it. If the function raises, the result ends with that error. Cancelling the result also cancels the
        second stream, unless it is used elsewhere.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         digits = StreamedPromise.of("1x3").map_pieces(int)
        ...         print(await digits.on_error(lambda error: StreamedPromise.of([7, 8])))
        >>> asyncio.run(main())
        (1, 7, 8)
        """
        check_plain("on_error", resume)
        from miniagents.promising.core.foreign import reading  # noqa: PLC0415  # a first agent does without

        read = self._reading()

        async def resumed(out: PieceBuffer[P_co | Q]) -> AsyncIterator[P_co | Q | Failure]:
            async for piece in read():
                if not isinstance(piece, Failure) or not isinstance(piece.error, Exception):
                    yield piece
                    continue
                count_as_read(piece)
                out._let_go_of()
                following = attempt(out, resume, piece.error)
                if isinstance(following, Failure):
                    yield following
                    return
                async with reading(following, out) as pieces:
                    async for other in pieces:
                        yield other
                return

        return self._piped(resumed, "on_error")

    @overload  # as for filter
    def partition(self, keep: Callable[[P_co], Never], /) -> tuple[Stream[P_co], Stream[P_co]]: ...
    @overload
    def partition(self, keep: Callable[[P_co], TypeIs[Q]], /) -> tuple[Stream[Q], Stream[P_co]]: ...
    @overload
    def partition(self, keep: Callable[[P_co], object], /) -> tuple[Stream[P_co], Stream[P_co]]: ...
    def partition(self, keep: Callable[[P_co], object], /) -> tuple[Stream[Any], Stream[P_co]]:  # Any: as for filter
        """Split into the pieces for which a plain function returns something true, and the others (Rust's `partition`).

        Both streams have the errors of the source and those of the function. Each of the two is a `filter` with a task
        of its own: the function is called twice for each piece, and cancelling one stream leaves the other as it is.
        `group_by` calls its function once.

        Raises:
            TypeError: The function is async, or cannot be called.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         small, large = StreamedPromise.of([1, 5, 2]).partition(lambda piece: piece < 3)
        ...         print(await small, await large)
        >>> asyncio.run(main())
        (1, 2) (5,)
        """
        check_plain("partition", keep)
        return self.filter(keep), self.filter(_opposite(keep))

    def _each(self, fn: Callable[[P_co], object], kept: Kept, what: str) -> Stream[Any]:  # Any: `kept` says what
        from miniagents.promising.combinators.each import for_each  # noqa: PLC0415  # a first agent does without

        return self._worked(lambda context, name: for_each(context, name, self._reading(), fn, kept), what)

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
            TypeError: `concurrency` is no integer.
            ValueError: It is less than one.

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
        check_callable("then_pieces", fn)
        check_concurrency("then_pieces", concurrency, "at least one call runs")
        from miniagents.promising.combinators.calling import call_each  # noqa: PLC0415  # a first agent does without

        def make(context: PromisingContext | None, name: str) -> PieceBuffer[Q]:
            return call_each(context, name, self._reading(), fn, concurrency, ordered=ordered)

        return self._worked(make, "then_pieces")

    def buffer(self, max_ahead: int, /) -> Stream[P_co]:
        """Let the source run at most `max_ahead` pieces ahead of the furthest reader of the result.

        It is Kotlin's `buffer`, and a bounded channel in Rust. The bound holds for the result and everything made of
        it, whether or not the source has one. So it lets a narrow source run ahead, and keeps the results of an
        unbounded source from doing so. An error counts as a piece. Cost: one task.

        Raises:
            TypeError: The bound is no integer.
            ValueError: It is less than one.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of("abc").buffer(2))
        >>> asyncio.run(main())
        ('a', 'b', 'c')
        """
        check_count(f"buffer({max_ahead!r})", max_ahead, 1, "a bound lets at least one piece through")

        read = self._reading()

        async def same(_: PieceBuffer[P_co]) -> AsyncIterator[P_co | Failure]:
            async for piece in read():
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
        from miniagents.promising.combinators.grouping import Groups  # noqa: PLC0415  # a first agent does without

        check_plain("group_by", key)

        def make(context: PromisingContext | None, name: str) -> Groups[K, P_co]:
            return Groups(context, name, self._reading(), key, self._over)

        return self._worked(make, "group_by")


def _opposite(keep: Callable[[A], object]) -> Callable[[A], object]:
    return lambda piece: not keep(piece)
