"""The combinators for which the place of a piece in the stream matters.

What the docstring of `StreamedPromise` says of all combinators holds here: an error in the source stays at its place in
the result, one that a given function raises takes the place of the piece that it was given, and the pieces behind it
follow; cancelling the result frees the source unless somebody else uses it; each costs one task, and keeps its pieces
for those who read it later. The docstrings say what is more than that.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Generic

from typing_extensions import TypeVar

from miniagents.promising.combinators.piped import Piped, attempt
from miniagents.promising.core.arguments import check_plain
from miniagents.promising.core.failure import Failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Hashable

    from miniagents.promising.core.pieces import PieceBuffer
    from miniagents.promising.stream import Stream

__all__ = ["PlaceCombinators"]

P_co = TypeVar("P_co", covariant=True)
A = TypeVar("A")


class PlaceCombinators(Piped[P_co], Generic[P_co]):
    """What can be made of a stream by counting, and by what came before."""

    __slots__ = ()

    def scan(self, fn: Callable[[A, P_co], A], initial: A, /) -> Stream[A]:
        """The result so far after each piece, as `itertools.accumulate` gives it, without `initial` itself.

        After an error, be it of the source or of the function, the result goes on from where it was before.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of([1, 2, 3]).scan(lambda total, piece: total + piece, 0))
        >>> asyncio.run(main())
        (1, 3, 6)
        """

        async def scanned(out: PieceBuffer[A]) -> AsyncIterator[A | Failure]:
            result = initial
            async for piece in self._outcomes():
                if isinstance(piece, Failure):
                    yield piece
                    continue
                made = attempt(out, partial(fn, result), piece)
                if not isinstance(made, Failure):
                    result = made
                yield made

        return self._piped(scanned, "scan")

    def take(self, count: int, /) -> Stream[P_co]:
        """The first `count` pieces; errors before the last of them are passed on and not counted.

        It ends with the last of them, without waiting for what the source does then, which goes on: unlike Rust's and
        ReactiveX's, a stream here may have other readers. A source without an end is to be bounded (`max_ahead`) or
        cancelled, as the context waits for it. With a count below one nothing is read.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of("abc").take(2))
        >>> asyncio.run(main())
        ('a', 'b')
        """

        async def taken(_: PieceBuffer[P_co]) -> AsyncIterator[P_co | Failure]:
            left = count
            if left <= 0:
                return
            async for piece in self._outcomes():
                yield piece
                left -= not isinstance(piece, Failure)
                if not left:
                    return

        return self._piped(taken, "take")

    def enumerate(self, start: int = 0, /) -> Stream[tuple[int, P_co]]:
        """Each piece with its number, as Python's `enumerate`; errors are passed on and not counted.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of("ab").enumerate(1))
        >>> asyncio.run(main())
        ((1, 'a'), (2, 'b'))
        """

        async def numbered(_: PieceBuffer[tuple[int, P_co]]) -> AsyncIterator[tuple[int, P_co] | Failure]:
            number = start
            async for piece in self._outcomes():
                if isinstance(piece, Failure):
                    yield piece
                else:
                    yield number, piece
                    number += 1

        return self._piped(numbered, "enumerate")

    def skip(self, count: int, /) -> Stream[P_co]:
        """All but the first `count` pieces; errors among those are passed on and not counted.

        The name is Rust's and ReactiveX's; Kotlin says `drop`.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of("abc").skip(2))
        >>> asyncio.run(main())
        ('c',)
        """

        async def rest(_: PieceBuffer[P_co]) -> AsyncIterator[P_co | Failure]:
            left = count
            async for piece in self._outcomes():
                if isinstance(piece, Failure) or left <= 0:
                    yield piece
                else:
                    left -= 1

        return self._piped(rest, "skip")

    def take_while(self, goes_on: Callable[[P_co], object], /) -> Stream[P_co]:
        """The pieces before the first for which a plain function says no (`itertools.takewhile`).

        Errors before that are passed on; one of the function is no no, and the next piece is asked for.

        Raises:
            TypeError: the function is async, or none.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of([1, 2, 5, 1]).take_while(lambda piece: piece < 3))
        >>> asyncio.run(main())
        (1, 2)
        """
        check_plain("take_while", goes_on)

        async def taken(out: PieceBuffer[P_co]) -> AsyncIterator[P_co | Failure]:
            async for piece in self._outcomes():
                verdict = piece if isinstance(piece, Failure) else attempt(out, goes_on, piece)
                if isinstance(verdict, Failure):
                    yield verdict
                elif verdict:
                    yield piece
                else:
                    return

        return self._piped(taken, "take_while")

    def skip_while(self, goes_on: Callable[[P_co], object], /) -> Stream[P_co]:
        """The pieces from the first for which a plain function says no (`itertools.dropwhile`).

        Errors before that are passed on; one of the function is no no, and the next piece is asked for.

        Raises:
            TypeError: the function is async, or none.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of([1, 2, 5, 1]).skip_while(lambda piece: piece < 3))
        >>> asyncio.run(main())
        (5, 1)
        """
        check_plain("skip_while", goes_on)

        async def rest(out: PieceBuffer[P_co]) -> AsyncIterator[P_co | Failure]:
            skipping = True
            async for piece in self._outcomes():
                verdict = attempt(out, goes_on, piece) if skipping and not isinstance(piece, Failure) else piece
                if isinstance(verdict, Failure):
                    yield verdict
                elif not skipping or not verdict:
                    skipping = False
                    yield piece

        return self._piped(rest, "skip_while")

    def window(self, size: int, /) -> Stream[tuple[P_co, ...]]:
        """Each piece with the `size - 1` before it, from the first for which there are as many.

        It is Rust's `windows` and Kotlin's `windowed`; ReactiveX's `window` gives a stream of streams. An error is
        passed on at its place and is in no window: the next window reaches over it. Each piece costs a tuple.

        Raises:
            ValueError: the size is less than one.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of("abcd").window(3))
        >>> asyncio.run(main())
        (('a', 'b', 'c'), ('b', 'c', 'd'))
        """
        if size < 1:
            raise ValueError(f"window({size}): a window has at least one piece")

        async def windows(_: PieceBuffer[tuple[P_co, ...]]) -> AsyncIterator[tuple[P_co, ...] | Failure]:
            pieces: deque[P_co] = deque(maxlen=size)
            async for piece in self._outcomes():
                if isinstance(piece, Failure):
                    yield piece
                    continue
                pieces.append(piece)
                if len(pieces) == size:
                    yield tuple(pieces)

        return self._piped(windows, "window")

    def distinct(self, key: Callable[[P_co], Hashable] | None = None, /) -> Stream[P_co]:
        """The pieces that are equal to none before them, or whose keys are (ReactiveX's `distinct`).

        All keys are kept in memory until the source ends. In the place of a piece that cannot be hashed, or whose key
        cannot, stands the `TypeError`.

        Raises:
            TypeError: the function is async, or none.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of("abracadabra").distinct())
        >>> asyncio.run(main())
        ('a', 'b', 'r', 'c', 'd')
        """
        if key is not None:
            check_plain("distinct", key)

        async def new(out: PieceBuffer[P_co]) -> AsyncIterator[P_co | Failure]:
            known: set[object] = set()
            async for piece in self._outcomes():
                its_key = piece if isinstance(piece, Failure) or key is None else attempt(out, key, piece)
                if isinstance(its_key, Failure):
                    yield its_key
                    continue
                before = len(known)
                failure = attempt(out, known.add, its_key)
                if isinstance(failure, Failure):
                    yield failure  # it cannot be hashed
                elif len(known) > before:
                    yield piece

        return self._piped(new, "distinct")
