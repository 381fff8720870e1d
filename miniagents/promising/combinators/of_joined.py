"""The combinators that put a stream and others together.

The docstring of `StreamedPromise` has the rules for all combinators: where errors stand, who is cancelled with whom,
what one costs. The docstrings here say what goes beyond that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, overload

from typing_extensions import TypeVar

from miniagents.promising.combinators.piped import Piped, attempt
from miniagents.promising.core.arguments import check_awaitables, check_concurrency, check_plain, check_streams
from miniagents.promising.core.current import producing
from miniagents.promising.core.failure import Catching, Failure
from miniagents.promising.core.pieces import PieceBuffer

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable

    from miniagents.promising.combinators.zipping import Until
    from miniagents.promising.context import PromisingContext
    from miniagents.promising.stream import Stream

__all__ = ["JoinedCombinators"]

P_co = TypeVar("P_co", covariant=True)
Q = TypeVar("Q")
Q1 = TypeVar("Q1")
Q2 = TypeVar("Q2")
Q3 = TypeVar("Q3")
Q4 = TypeVar("Q4")
F = TypeVar("F")
A = TypeVar("A")


class JoinedCombinators(Piped[P_co], Generic[P_co]):
    """Streams made of a stream and of others."""

    __slots__ = ()

    @overload
    def zip(self, *, strict: bool = False) -> Stream[tuple[P_co]]: ...
    @overload
    def zip(self, o1: AsyncIterable[Q1], /, *, strict: bool = False) -> Stream[tuple[P_co, Q1]]: ...
    @overload
    def zip(
        self, o1: AsyncIterable[Q1], o2: AsyncIterable[Q2], /, *, strict: bool = False
    ) -> Stream[tuple[P_co, Q1, Q2]]: ...
    @overload
    def zip(
        self, o1: AsyncIterable[Q1], o2: AsyncIterable[Q2], o3: AsyncIterable[Q3], /, *, strict: bool = False
    ) -> Stream[tuple[P_co, Q1, Q2, Q3]]: ...
    @overload
    def zip(
        self,
        o1: AsyncIterable[Q1],
        o2: AsyncIterable[Q2],
        o3: AsyncIterable[Q3],
        o4: AsyncIterable[Q4],
        /,
        *,
        strict: bool = False,
    ) -> Stream[tuple[P_co, Q1, Q2, Q3, Q4]]: ...
    @overload
    def zip(self, *others: AsyncIterable[Q], strict: bool = False) -> Stream[tuple[P_co | Q, ...]]: ...
    def zip(
        self, *others: AsyncIterable[object], strict: bool = False
    ) -> Stream[Any]:  # Any: the overloads say of what
        """Make tuples of the first pieces, the second pieces, … until one of the streams ends, as Python's `zip`.

        All streams are read at the same time. The result ends as soon as one of them has no piece for a tuple, although
        others may still have to give theirs, and lets go of those. An error takes the place of its tuple at once, and
        the pieces of the other streams there are dropped. If several have an error there at once, it is that of the
        earliest argument. In ReactiveX an error ends the result.

        Cancelling the result cancels the streams that are not used elsewhere. Cost: a task for the result, one for each
        piece that is waited for besides another one, and one for each async iterable that is no promise, which is read
        one piece ahead.

        Args:
            others: The other streams.
            strict: Whether streams of different lengths are an error. It is a `ValueError` behind the last tuple, and
                comes when one stream has ended and another one has a piece more.

        Raises:
            TypeError: One of the others is no async iterable.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of("ab").zip(StreamedPromise.of([1, 2, 3]), StreamedPromise.of("xy")))
        >>> asyncio.run(main())
        (('a', 1, 'x'), ('b', 2, 'y'))
        """
        return self._zipped("zip", others, "equal" if strict else "shortest")

    @overload
    def zip_longest(self) -> Stream[tuple[P_co]]: ...
    @overload
    def zip_longest(self, o1: AsyncIterable[Q1], /) -> Stream[tuple[P_co | None, Q1 | None]]: ...
    @overload
    def zip_longest(
        self, o1: AsyncIterable[Q1], o2: AsyncIterable[Q2], /
    ) -> Stream[tuple[P_co | None, Q1 | None, Q2 | None]]: ...
    @overload
    def zip_longest(
        self, o1: AsyncIterable[Q1], o2: AsyncIterable[Q2], o3: AsyncIterable[Q3], /
    ) -> Stream[tuple[P_co | None, Q1 | None, Q2 | None, Q3 | None]]: ...
    @overload
    def zip_longest(
        self, o1: AsyncIterable[Q1], o2: AsyncIterable[Q2], o3: AsyncIterable[Q3], o4: AsyncIterable[Q4], /
    ) -> Stream[tuple[P_co | None, Q1 | None, Q2 | None, Q3 | None, Q4 | None]]: ...
    @overload
    def zip_longest(self, *others: AsyncIterable[Q]) -> Stream[tuple[P_co | Q | None, ...]]: ...
    @overload
    def zip_longest(self, o1: AsyncIterable[Q1], /, *, fillvalue: F) -> Stream[tuple[P_co | F, Q1 | F]]: ...
    @overload
    def zip_longest(
        self, o1: AsyncIterable[Q1], o2: AsyncIterable[Q2], /, *, fillvalue: F
    ) -> Stream[tuple[P_co | F, Q1 | F, Q2 | F]]: ...
    @overload
    def zip_longest(
        self, o1: AsyncIterable[Q1], o2: AsyncIterable[Q2], o3: AsyncIterable[Q3], /, *, fillvalue: F
    ) -> Stream[tuple[P_co | F, Q1 | F, Q2 | F, Q3 | F]]: ...
    @overload
    def zip_longest(
        self,
        o1: AsyncIterable[Q1],
        o2: AsyncIterable[Q2],
        o3: AsyncIterable[Q3],
        o4: AsyncIterable[Q4],
        /,
        *,
        fillvalue: F,
    ) -> Stream[tuple[P_co | F, Q1 | F, Q2 | F, Q3 | F, Q4 | F]]: ...
    @overload
    def zip_longest(self, *others: AsyncIterable[Q], fillvalue: F) -> Stream[tuple[P_co | Q | F, ...]]: ...
    def zip_longest(
        self, *others: AsyncIterable[object], fillvalue: object = None
    ) -> Stream[Any]:  # Any: the overloads say of what
        """Do as `zip`, but until the last of the streams ends (`itertools.zip_longest`).

        Args:
            others: The other streams.
            fillvalue: Stands in the tuples for a stream that has ended.

        Raises:
            TypeError: One of the others is no async iterable.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of("abc").zip_longest(StreamedPromise.of([1]), fillvalue=0))
        >>> asyncio.run(main())
        (('a', 1), ('b', 0), ('c', 0))
        """
        return self._zipped("zip_longest", others, "longest", fillvalue)

    def _zipped(
        self, what: str, others: tuple[AsyncIterable[object], ...], until: Until, fill: object = None
    ) -> Stream[Any]:  # Any: as above
        from miniagents.promising.combinators.joining import read_once  # noqa: PLC0415  # a first agent does without
        from miniagents.promising.combinators.zipping import zipped  # noqa: PLC0415  # as above

        streams = [self, *read_once(what, others)]
        return self._piped(lambda out: zipped(streams, out, until, fill), what, *streams[1:])

    def chain(self, *others: AsyncIterable[Q]) -> Stream[P_co | Q]:
        """Append other streams to this one, one after the other (`itertools.chain`).

        An error ends none of them. A lazy stream starts when its turn comes. Cancelling the result cancels all of the
        streams, unless they are used elsewhere.

        Raises:
            TypeError: One of the others is no async iterable.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of("ab").chain(StreamedPromise.of([1, 2])))
        >>> asyncio.run(main())
        ('a', 'b', 1, 2)
        """
        check_streams("chain", others)

        from miniagents.promising.core.foreign import reading  # noqa: PLC0415  # a first agent does without

        read = self._reading()

        async def chained(out: PieceBuffer[P_co | Q]) -> AsyncIterator[P_co | Q | Failure]:
            async for piece in read():
                yield piece
            for other in others:
                async with reading(other, out) as pieces:
                    async for following in pieces:
                        yield following

        return self._piped(chained, "chain", *others)

    def flat_map(
        self, fn: Callable[[P_co], AsyncIterable[Q]], /, *, concurrency: int | None = 1, ordered: bool = True
    ) -> Stream[Q]:
        """Make a stream of each piece by a plain function, and give the pieces of all these streams.

        By default one stream is read after the other, as by Rust's `flat_map` and ReactiveX's `concatMap`. With
        `concurrency` several of them run at the same time: in order, as ReactiveX's `concatMapEager`, or as their
        pieces come, as its `flatMap` and Kotlin's `flatMapMerge`. Errors of the streams stay in their places. An error
        of the function takes the place of the piece.

        Cancelling the result cancels the streams that run, unless they are used elsewhere; a generator that is left
        half-way is closed. Cost: with `concurrency`, a task for each stream that runs without `ordered`, and else one
        more in all. In order, the streams themselves are kept until the result has ended.

        Args:
            fn: Called with each piece.
            concurrency: How many streams run at the same time; None for no limit. A stream that the function returns
                runs in any case if it is eager.
            ordered: Whether the pieces of a stream come after those of the streams before it (True) or as they come.

        Raises:
            TypeError: The function is async, or cannot be called, or `concurrency` is no integer.
            ValueError: `concurrency` is less than one.

        >>> async def spelled(word: str) -> AsyncIterator[str]:
        ...     for letter in word:
        ...         await asyncio.sleep(len(word) / 1000)
        ...         yield letter
        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         words = StreamedPromise.of(["long", "xy"])
        ...         print(await words.flat_map(spelled, concurrency=2))
        ...         print(await words.flat_map(spelled, concurrency=2, ordered=False))
        >>> asyncio.run(main())
        ('l', 'o', 'n', 'g', 'x', 'y')
        ('x', 'l', 'y', 'o', 'n', 'g')
        """
        check_plain("flat_map", fn)
        check_concurrency("flat_map", concurrency, "at least one stream is read")
        read = self._reading()
        if concurrency == 1:
            return self._piped(lambda out: _in_turn(read(), fn, out), "flat_map")
        if ordered:
            from miniagents.promising.combinators.joining import begun  # noqa: PLC0415  # a first agent does without

            def in_turn(out: PieceBuffer[Q]) -> AsyncIterator[Q | Failure]:
                ahead = None if concurrency is None else concurrency - 1
                streams = self._piped(lambda _: begun(read(), fn, out), "flat_map", max_ahead=ahead)
                return _in_turn(streams._outcomes(), _same, out)

            return self._piped(in_turn, "flat_map")
        from miniagents.promising.combinators.calling import flat_each  # noqa: PLC0415  # as above

        def make(context: PromisingContext | None, name: str) -> PieceBuffer[Q]:
            return flat_each(context, name, read, fn, concurrency)

        return self._worked(make, "flat_map")

    def switch_map(self, fn: Callable[[P_co], AsyncIterable[Q]], /) -> Stream[Q]:
        """Make a stream of each piece by a plain function, and give the pieces of the latest one only.

        A new piece ends the stream of the one before it: a new question cancels the old answer. It is RxJS's
        `switchMap`, ReactiveX's `switch` and Kotlin's `flatMapLatest`. What the function made for the old piece is
        cancelled, unless it is used elsewhere; a stream that was made before goes on for its other readers. The result
        ends when the source and the latest stream have ended.

        Errors of the streams stay in their places. An error of the function takes the place of the piece, which ends
        the old stream as well. An error of the source passes and ends nothing; in ReactiveX it ends the result. Of
        pieces that are there at once, the function is called for the last alone. The source is read without a pause,
        even if it is bounded. Cost: two tasks.

        Raises:
            TypeError: The function is async, or cannot be called.

        >>> async def answer(question: str) -> AsyncIterator[str]:
        ...     for word in ("about", question):
        ...         yield word
        ...         await asyncio.sleep(0.02)
        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         with StreamAppender[str]() as questions:
        ...             answers = questions.promise.switch_map(answer)
        ...             questions.append("life")
        ...             await asyncio.sleep(0.001)
        ...             questions.append("tea")
        ...         print(await answers)
        >>> asyncio.run(main())
        ('about', 'about', 'tea')
        """
        check_plain("switch_map", fn)
        from miniagents.promising.combinators.switching import switch_each  # noqa: PLC0415  # as above

        return self._worked(lambda context, name: switch_each(context, name, self._timed, fn), "switch_map")

    def take_until(self, promise: Awaitable[object], /) -> Stream[P_co]:
        """Keep the pieces that come before a promise is resolved; the result ends at that moment.

        If the promise fails, its error is the last piece. So a promise of a condition, such as "the user has left",
        ends any stream. ReactiveX's `takeUntil` and the `take_until` of Rust's futures do the same; RxJS takes another
        stream, whose first piece ends the result (here `take_until(other.take(1))`). The result ends with the source as
        well, and lets go of the one that has not ended. Cancelling the result cancels both, unless they are used
        elsewhere. Cost: two tasks.

        Raises:
            TypeError: The argument cannot be awaited.

        >>> async def ticks() -> AsyncIterator[int]:
        ...     for number in range(3):
        ...         yield number
        ...     await asyncio.sleep(10)
        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await merge(ticks()).take_until(asyncio.sleep(0.01)))
        >>> asyncio.run(main())
        (0, 1, 2)
        """
        from miniagents.promising.combinators.joining import stop_others  # noqa: PLC0415  # as above
        from miniagents.promising.core.waiting import as_promise  # noqa: PLC0415  # as above

        check_awaitables("take_until", (promise,))
        until = as_promise(promise)
        read = self._reading()

        def make(context: PromisingContext | None, name: str) -> PieceBuffer[P_co]:
            out: PieceBuffer[P_co] = PieceBuffer(context, name)

            async def work() -> None:
                producing.set(out)
                with Catching(out):
                    if not until.done():
                        out.launch(wait())
                        async for piece in read():
                            if out.bounded:
                                await out.room()
                            if out.ended:
                                return
                            out.emit_outcome(piece)
                        out.end()
                    else:
                        resolved()
                stop_others(out)

            async def wait() -> None:
                producing.set(out)
                with Catching(out):
                    await until._settled()
                    resolved()
                stop_others(out)

            def resolved() -> None:
                failure = until._failure
                if failure is not None and not out.ended:
                    out.emit_failure(failure)
                out.end()

            out.set_work(work)
            return out

        return self._worked(make, "take_until", until)


async def _in_turn(
    pieces: AsyncIterator[A | Failure], fn: Callable[[A], AsyncIterable[Q]], out: PieceBuffer[Q]
) -> AsyncIterator[Q | Failure]:
    """Give the pieces of one stream after the other."""
    from miniagents.promising.core.foreign import reading  # noqa: PLC0415  # a first agent does without

    async for piece in pieces:
        inner = piece if isinstance(piece, Failure) else attempt(out, fn, piece)
        if isinstance(inner, Failure):
            yield inner
            continue
        async with reading(inner, out) as outcomes:
            async for outcome in outcomes:
                yield outcome


def _same(stream: AsyncIterable[Q]) -> AsyncIterable[Q]:
    return stream
