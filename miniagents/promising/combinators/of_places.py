"""The combinators for which the place of a piece in the stream matters.

The docstring of `StreamedPromise` has the rules for all combinators: where errors stand, who is cancelled with whom,
what one costs. The docstrings here say what goes beyond that.
"""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Generic

from typing_extensions import TypeVar

from miniagents.promising.combinators.piped import Piped, attempt
from miniagents.promising.core.arguments import check_count, check_plain
from miniagents.promising.core.failure import Failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Hashable

    from miniagents.promising.core.pieces import PieceBuffer
    from miniagents.promising.stream import Stream

__all__ = ["PlaceCombinators"]

P_co = TypeVar("P_co", covariant=True)
A = TypeVar("A")


class PlaceCombinators(Piped[P_co], Generic[P_co]):
    """Streams made by counting, and by what came before."""

    __slots__ = ()

    def scan(self, fn: Callable[[A, P_co], A], initial: A, /) -> Stream[A]:
        """Combine each piece with the result so far, and give every result (`itertools.accumulate` without `initial`).

        After an error, of the source or of the function, the result continues from where it was before.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of([1, 2, 3]).scan(lambda total, piece: total + piece, 0))
        >>> asyncio.run(main())
        (1, 3, 6)
        """
        check_plain("scan", fn)
        read = self._reading()

        async def scanned(out: PieceBuffer[A]) -> AsyncIterator[A | Failure]:
            result = initial
            async for piece in read():
                if isinstance(piece, Failure):
                    yield piece
                    continue
                made = attempt(out, partial(fn, result), piece)
                if not isinstance(made, Failure):
                    result = made
                yield made

        return self._piped(scanned, "scan")

    def take(self, count: int, /) -> Stream[P_co]:
        """Keep the first `count` pieces; errors before the last of them pass and are not counted.

        The result ends with the last of them and lets go of the source: it is cancelled, as Rust's and ReactiveX's are,
        unless somebody else holds or reads it. With a count below one nothing is read.

        Raises:
            TypeError: The count is no integer.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of("abc").take(2))
        >>> asyncio.run(main())
        ('a', 'b')
        """
        check_count(f"take({count!r})", count)
        read = self._reading()

        async def taken(_: PieceBuffer[P_co]) -> AsyncIterator[P_co | Failure]:
            left = count
            if left <= 0:
                return
            async for piece in read():
                yield piece
                left -= not isinstance(piece, Failure)
                if not left:
                    return

        return self._piped(taken, "take")

    def enumerate(self, start: int = 0, /) -> Stream[tuple[int, P_co]]:
        """Pair each piece with its number, like Python's `enumerate`; errors pass and are not counted.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of("ab").enumerate(1))
        >>> asyncio.run(main())
        ((1, 'a'), (2, 'b'))
        """
        check_count(f"enumerate({start!r})", start)
        read = self._reading()

        async def numbered(_: PieceBuffer[tuple[int, P_co]]) -> AsyncIterator[tuple[int, P_co] | Failure]:
            number = start
            async for piece in read():
                if isinstance(piece, Failure):
                    yield piece
                else:
                    yield number, piece
                    number += 1

        return self._piped(numbered, "enumerate")

    def skip(self, count: int, /) -> Stream[P_co]:
        """Leave out the first `count` pieces; errors among those pass and are not counted.

        The name is Rust's and ReactiveX's; Kotlin says `drop`.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of("abc").skip(2))
        >>> asyncio.run(main())
        ('c',)
        """
        check_count(f"skip({count!r})", count)
        read = self._reading()

        async def rest(_: PieceBuffer[P_co]) -> AsyncIterator[P_co | Failure]:
            left = count
            async for piece in read():
                if isinstance(piece, Failure) or left <= 0:
                    yield piece
                else:
                    left -= 1

        return self._piped(rest, "skip")

    def take_while(self, goes_on: Callable[[P_co], object], /, *, inclusive: bool = False) -> Stream[P_co]:
        """Keep the pieces before the first for which a plain function is false (`itertools.takewhile`).

        With `inclusive` that piece is kept as well, as the last one: the name is RxJS's, and Kotlin has
        `transformWhile` for it. Errors before that piece pass. After an error of the function itself, the next piece
        decides. With that piece the result ends and lets go of the source, as `take` does.

        Raises:
            TypeError: The function is async, or cannot be called.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         numbers = StreamedPromise.of([1, 2, 5, 1])
        ...         print(await numbers.take_while(lambda piece: piece < 3))
        ...         print(await numbers.take_while(lambda piece: piece < 3, inclusive=True))
        >>> asyncio.run(main())
        (1, 2)
        (1, 2, 5)
        """
        check_plain("take_while", goes_on)

        read = self._reading()

        async def taken(out: PieceBuffer[P_co]) -> AsyncIterator[P_co | Failure]:
            async for piece in read():
                verdict = piece if isinstance(piece, Failure) else attempt(out, goes_on, piece)
                if isinstance(verdict, Failure):
                    yield verdict
                else:
                    if verdict or inclusive:
                        yield piece
                    if not verdict:
                        return

        return self._piped(taken, "take_while")

    def skip_while(self, goes_on: Callable[[P_co], object], /) -> Stream[P_co]:
        """Leave out the pieces before the first for which a plain function is false (`itertools.dropwhile`).

        Errors before that piece pass. After an error of the function itself, the next piece decides.

        Raises:
            TypeError: The function is async, or cannot be called.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of([1, 2, 5, 1]).skip_while(lambda piece: piece < 3))
        >>> asyncio.run(main())
        (5, 1)
        """
        check_plain("skip_while", goes_on)

        read = self._reading()

        async def rest(out: PieceBuffer[P_co]) -> AsyncIterator[P_co | Failure]:
            skipping = True
            async for piece in read():
                verdict = attempt(out, goes_on, piece) if skipping and not isinstance(piece, Failure) else piece
                if isinstance(verdict, Failure):
                    yield verdict
                elif not skipping or not verdict:
                    skipping = False
                    yield piece

        return self._piped(rest, "skip_while")

    def window(self, size: int, /) -> Stream[tuple[P_co, ...]]:
        """Give each piece together with the `size - 1` before it, from the first piece that has as many.

        It is Rust's `windows` and Kotlin's `windowed`; ReactiveX's `window` gives a stream of streams. An error passes
        at its place and is in no window: the next window reaches over it. Each piece costs a tuple.

        Raises:
            TypeError: The size is no integer.
            ValueError: It is less than one.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of("abcd").window(3))
        >>> asyncio.run(main())
        (('a', 'b', 'c'), ('b', 'c', 'd'))
        """
        check_count(f"window({size!r})", size, 1, "a window has at least one piece")

        read = self._reading()

        async def windows(_: PieceBuffer[tuple[P_co, ...]]) -> AsyncIterator[tuple[P_co, ...] | Failure]:
            pieces: deque[P_co] = deque(maxlen=size)
            async for piece in read():
                if isinstance(piece, Failure):
                    yield piece
                    continue
                pieces.append(piece)
                if len(pieces) == size:
                    yield tuple(pieces)

        return self._piped(windows, "window")

    def distinct(self, key: Callable[[P_co], Hashable] | None = None, /) -> Stream[P_co]:
        """Leave out each piece that equals an earlier one, or whose key does (ReactiveX's `distinct`).

        All keys are kept in memory until the source ends. If a piece or its key cannot be hashed, the `TypeError` takes
        its place.

        Raises:
            TypeError: The function is async, or cannot be called.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of("abracadabra").distinct())
        >>> asyncio.run(main())
        ('a', 'b', 'r', 'c', 'd')
        """
        if key is not None:
            check_plain("distinct", key)

        read = self._reading()

        async def new(out: PieceBuffer[P_co]) -> AsyncIterator[P_co | Failure]:
            known: set[object] = set()
            async for piece in read():
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

    def distinct_until_changed(self, key: Callable[[P_co], object] | None = None, /) -> Stream[P_co]:
        """Leave out each piece that equals the last one that was kept, or whose key does (ReactiveX's and Kotlin's).

        In contrast to `distinct`, one piece is kept in memory and nothing is hashed: pieces and keys are compared by
        `==`. An error passes and changes nothing in that. The error of a comparison takes the place of the piece.

        Raises:
            TypeError: The function is async, or cannot be called.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of("aabbba").distinct_until_changed())
        >>> asyncio.run(main())
        ('a', 'b', 'a')
        """
        if key is not None:
            check_plain("distinct_until_changed", key)

        read = self._reading()

        async def changed(out: PieceBuffer[P_co]) -> AsyncIterator[P_co | Failure]:
            last: list[object] = []
            async for piece in read():
                its_key = piece if isinstance(piece, Failure) or key is None else attempt(out, key, piece)
                is_same = its_key if isinstance(its_key, Failure) else attempt(out, last.__eq__, [its_key])
                if isinstance(is_same, Failure):
                    yield is_same
                elif not is_same:
                    last[:] = [its_key]
                    yield piece

        return self._piped(changed, "distinct_until_changed")

    def batch_while(self, belongs: Callable[[P_co, P_co], object], /) -> Stream[tuple[P_co, ...]]:
        """Group consecutive pieces as long as a plain function of a piece and the next one is true.

        It is Rust's `chunk_by` and Swift's `chunked(by:)`; `more_itertools.split_when` asks the opposite question. A
        batch is given when the piece behind it has come. The pieces before an error come as a batch, so that none of
        them waits for what is behind the error, and the piece behind it begins a new one. An error of the function
        takes the place of the second of its pieces.

        Raises:
            TypeError: The function is async, or cannot be called.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         numbers = StreamedPromise.of([1, 2, 3, 7, 8, 4])
        ...         print(await numbers.batch_while(lambda piece, following: following == piece + 1))
        >>> asyncio.run(main())
        ((1, 2, 3), (7, 8), (4,))
        """
        check_plain("batch_while", belongs)

        read = self._reading()

        async def batched(out: PieceBuffer[tuple[P_co, ...]]) -> AsyncIterator[tuple[P_co, ...] | Failure]:
            pieces: list[P_co] = []
            async for piece in read():
                verdict: object = piece
                if pieces and not isinstance(piece, Failure):
                    verdict = attempt(out, partial(belongs, pieces[-1]), piece)
                if pieces and (isinstance(verdict, Failure) or not verdict):
                    yield tuple(pieces)
                    pieces.clear()
                if isinstance(verdict, Failure):
                    yield verdict
                elif not isinstance(piece, Failure):
                    pieces.append(piece)
            if pieces:
                yield tuple(pieces)

        return self._piped(batched, "batch_while")
