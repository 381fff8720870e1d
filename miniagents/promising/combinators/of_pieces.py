"""The combinators that look at each piece by itself, and those that put streams together.

What the docstring of `StreamedPromise` says of all combinators holds here: an error in the source stays at its place in
the result, one that a given function raises takes the place of the piece that it was given, and the pieces behind it
follow; cancelling the result frees the source unless somebody else uses it; each costs one task, and keeps its pieces
for those who read it later. The docstrings say what is more than that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, overload

from typing_extensions import TypeIs, TypeVar

from miniagents.promising.combinators.each import Kept, for_each
from miniagents.promising.combinators.piped import Piped, attempt
from miniagents.promising.core.arguments import check_errors, check_plain, check_streams
from miniagents.promising.core.failure import Failure
from miniagents.promising.core.foreign import reading

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable

    from miniagents.promising.core.pieces import PieceBuffer
    from miniagents.promising.stream import Stream

__all__ = ["PieceCombinators"]

P_co = TypeVar("P_co", covariant=True)
Q = TypeVar("Q")
A = TypeVar("A")
E = TypeVar("E", bound=BaseException)


class PieceCombinators(Piped[P_co], Generic[P_co]):
    """What can be made of a stream's pieces."""

    __slots__ = ()

    def map_pieces(self, fn: Callable[[P_co], Q], /) -> Stream[Q]:
        """What a plain function makes of each piece: the `map` of all others, a name that the whole has here.

        `then_pieces` is for async functions.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of([1, 2, 3]).map_pieces(lambda piece: 2 * piece))
        >>> asyncio.run(main())
        (2, 4, 6)
        """
        return self._each(fn, Kept.MADE, "map_pieces")

    @overload
    def filter(self, keep: Callable[[P_co], TypeIs[Q]], /) -> Stream[Q]: ...
    @overload
    def filter(self, keep: Callable[[P_co], object], /) -> Stream[P_co]: ...
    def filter(self, keep: Callable[[P_co], object], /) -> Stream[Any]:  # Any: the overloads say which type is left
        """The pieces for which a plain function says yes; a `TypeIs` function narrows their type.

        Errors are passed on unasked. Under a bound it is the pieces that are left that count.

        Raises:
            TypeError: the function is async, or none.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of([1, 2, 3]).filter(lambda piece: piece != 2))
        >>> asyncio.run(main())
        (1, 3)
        """
        check_plain("filter", keep)
        return self._each(keep, Kept.PIECE_IF_MADE_IS_TRUE, "filter")

    def filter_map(self, fn: Callable[[P_co], Q | None], /) -> Stream[Q]:
        """What a plain function makes of each piece, without what it makes `None` of (Rust's `filter_map`).

        Kotlin's name is `mapNotNull`. Under a bound it is the pieces that are left that count.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         ages = {"Ada": 36, "Grace": 85}
        ...         print(await StreamedPromise.of(["Ada", "Eve", "Grace"]).filter_map(ages.get))
        >>> asyncio.run(main())
        (36, 85)
        """
        return self._each(fn, Kept.MADE_UNLESS_NONE, "filter_map")

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
        """With a piece in the place of each error of the given classes (by default of any `Exception`).

        Other errors stay at their places, and one that the function raises takes the place of the one that it was
        given. ReactiveX's `onErrorReturn` ends with the piece, as an error ends its streams; here the pieces behind the
        error follow.

        Raises:
            TypeError: something is given that is no class of exceptions.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of("1x3").map_pieces(int).recover_pieces(lambda error: 0, ValueError))
        >>> asyncio.run(main())
        (1, 0, 3)
        """
        check_errors("recover_pieces", errors)
        expected = errors or (Exception,)

        async def recovered(out: PieceBuffer[P_co | Q]) -> AsyncIterator[P_co | Q | Failure]:
            async for piece in self._outcomes():
                if isinstance(piece, Failure) and isinstance(piece.error, expected):
                    piece.seen = True
                    yield attempt(out, fn, piece.error)
                else:
                    yield piece

        return self._piped(recovered, "recover_pieces")

    def on_error(self, resume: Callable[[Exception], AsyncIterable[Q]], /) -> Stream[P_co | Q]:
        """The pieces before the first `Exception`, then those of the stream that a plain function makes of it.

        It is ReactiveX's `onErrorResumeNext`. Errors of the stream that goes on stay in it; what stands behind the
        first error here is not read; other errors than an `Exception` are passed on. If the function raises an error,
        the result ends with that. Cancelling the result frees the stream that goes on likewise.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         digits = StreamedPromise.of("1x3").map_pieces(int)
        ...         print(await digits.on_error(lambda error: StreamedPromise.of([7, 8])))
        >>> asyncio.run(main())
        (1, 7, 8)
        """

        async def resumed(out: PieceBuffer[P_co | Q]) -> AsyncIterator[P_co | Q | Failure]:
            async for piece in self._outcomes():
                if not isinstance(piece, Failure) or not isinstance(piece.error, Exception):
                    yield piece
                    continue
                piece.seen = True
                following = attempt(out, resume, piece.error)
                if isinstance(following, Failure):
                    yield following
                    return
                async with reading(following, out) as pieces:
                    async for other in pieces:
                        yield other
                return

        return self._piped(resumed, "on_error")

    @overload
    def partition(self, keep: Callable[[P_co], TypeIs[Q]], /) -> tuple[Stream[Q], Stream[P_co]]: ...
    @overload
    def partition(self, keep: Callable[[P_co], object], /) -> tuple[Stream[P_co], Stream[P_co]]: ...
    def partition(self, keep: Callable[[P_co], object], /) -> tuple[Stream[Any], Stream[P_co]]:  # Any: as for filter
        """The pieces for which a plain function says yes, and those for which it says no (Rust's `partition`).

        Errors of the source are in both, and so are those of the function. Each of the two is a `filter` with a task of
        its own: the function is asked twice for each piece, and cancelling one of them leaves the other as it is.
        `group_by` asks once.

        Raises:
            TypeError: the function is async, or none.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         small, large = StreamedPromise.of([1, 5, 2]).partition(lambda piece: piece < 3)
        ...         print(await small, await large)
        >>> asyncio.run(main())
        (1, 2) (5,)
        """
        check_plain("partition", keep)
        return self.filter(keep), self.filter(_opposite(keep))

    def zip(self, other: AsyncIterable[Q], /) -> Stream[tuple[P_co, Q]]:
        """Pairs of the first pieces, the second pieces, … until one of the two streams ends, as Python's `zip`.

        An error of either side stands in the place of the pair that it would have been a part of; where both sides have
        one there, it is that of this stream. What is given besides this stream is freed with it.

        Raises:
            TypeError: the other is no async iterable.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of("ab").zip(StreamedPromise.of([1, 2, 3])))
        >>> asyncio.run(main())
        (('a', 1), ('b', 2))
        """
        check_streams("zip", (other,))

        async def zipped(out: PieceBuffer[tuple[P_co, Q]]) -> AsyncIterator[tuple[P_co, Q] | Failure]:
            async with reading(other, out) as others:
                async for left in self._outcomes():
                    try:
                        right = await anext(others)
                    except StopAsyncIteration:
                        return
                    if isinstance(left, Failure):
                        yield left
                    elif isinstance(right, Failure):
                        yield right
                    else:
                        yield left, right

        return self._piped(zipped, "zip", other)

    def _each(self, fn: Callable[[P_co], object], kept: Kept, what: str) -> Stream[Any]:  # Any: `kept` says what
        return self._worked(lambda context, name: for_each(context, name, self._outcomes, fn, kept), what)

    def chain(self, *others: AsyncIterable[Q]) -> Stream[P_co | Q]:
        """These pieces, then those of the other streams, one stream after the other (`itertools.chain`).

        An error ends none of them. The other streams are freed with this one; those that are lazy start when their turn
        comes.

        Raises:
            TypeError: one of the others is no async iterable.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of("ab").chain(StreamedPromise.of([1, 2])))
        >>> asyncio.run(main())
        ('a', 'b', 1, 2)
        """
        check_streams("chain", others)

        async def chained(out: PieceBuffer[P_co | Q]) -> AsyncIterator[P_co | Q | Failure]:
            async for piece in self._outcomes():
                yield piece
            for other in others:
                async with reading(other, out) as pieces:
                    async for following in pieces:
                        yield following

        return self._piped(chained, "chain", *others)

    def flat_map(self, fn: Callable[[P_co], AsyncIterable[Q]], /) -> Stream[Q]:
        """The pieces of the streams that a plain function makes of each piece, one stream after the other.

        It is Rust's `flat_map`, ReactiveX's `concatMap` and Kotlin's `flatMapConcat`; what ReactiveX calls `flatMap`
        reads the streams side by side. Errors of those streams stay at their places in them. The stream that is being
        read is freed with this one; a generator that is left half-way is closed.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of([1, 2]).flat_map(lambda count: StreamedPromise.of(count * "a")))
        >>> asyncio.run(main())
        ('a', 'a', 'a')
        """

        async def flat(out: PieceBuffer[Q]) -> AsyncIterator[Q | Failure]:
            async for piece in self._outcomes():
                inner = piece if isinstance(piece, Failure) else attempt(out, fn, piece)
                if isinstance(inner, Failure):
                    yield inner
                    continue
                async with reading(inner, out) as pieces:
                    async for following in pieces:
                        yield following

        return self._piped(flat, "flat_map")


def _opposite(keep: Callable[[A], object]) -> Callable[[A], object]:
    return lambda piece: not keep(piece)
