"""Combinators of many streams."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Never, overload

from typing_extensions import TypeVar

from miniagents.promising.core.arguments import check_streams
from miniagents.promising.core.current import active_context, producing
from miniagents.promising.core.failure import Catching, Failure
from miniagents.promising.core.foreign import outcomes_of, reading
from miniagents.promising.core.naming import name_of
from miniagents.promising.core.pieces import PieceBuffer
from miniagents.promising.stream import Stream, made_of, piped

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Sequence

__all__ = ["concat", "merge", "zip_latest"]

T = TypeVar("T")
T1 = TypeVar("T1")
T2 = TypeVar("T2")
T3 = TypeVar("T3")
T4 = TypeVar("T4")
T5 = TypeVar("T5")
T6 = TypeVar("T6")
T7 = TypeVar("T7")
T8 = TypeVar("T8")


@overload
def merge() -> Stream[Never]: ...
@overload
def merge(s1: AsyncIterable[T1], /) -> Stream[T1]: ...
@overload
def merge(s1: AsyncIterable[T1], s2: AsyncIterable[T2], /) -> Stream[T1 | T2]: ...
@overload
def merge(s1: AsyncIterable[T1], s2: AsyncIterable[T2], s3: AsyncIterable[T3], /) -> Stream[T1 | T2 | T3]: ...
@overload
def merge(
    s1: AsyncIterable[T1], s2: AsyncIterable[T2], s3: AsyncIterable[T3], s4: AsyncIterable[T4], /
) -> Stream[T1 | T2 | T3 | T4]: ...
@overload
def merge(
    s1: AsyncIterable[T1], s2: AsyncIterable[T2], s3: AsyncIterable[T3], s4: AsyncIterable[T4], s5: AsyncIterable[T5], /
) -> Stream[T1 | T2 | T3 | T4 | T5]: ...
@overload
def merge(
    s1: AsyncIterable[T1],
    s2: AsyncIterable[T2],
    s3: AsyncIterable[T3],
    s4: AsyncIterable[T4],
    s5: AsyncIterable[T5],
    s6: AsyncIterable[T6],
    /,
) -> Stream[T1 | T2 | T3 | T4 | T5 | T6]: ...
@overload
def merge(
    s1: AsyncIterable[T1],
    s2: AsyncIterable[T2],
    s3: AsyncIterable[T3],
    s4: AsyncIterable[T4],
    s5: AsyncIterable[T5],
    s6: AsyncIterable[T6],
    s7: AsyncIterable[T7],
    /,
) -> Stream[T1 | T2 | T3 | T4 | T5 | T6 | T7]: ...
@overload
def merge(
    s1: AsyncIterable[T1],
    s2: AsyncIterable[T2],
    s3: AsyncIterable[T3],
    s4: AsyncIterable[T4],
    s5: AsyncIterable[T5],
    s6: AsyncIterable[T6],
    s7: AsyncIterable[T7],
    s8: AsyncIterable[T8],
    /,
) -> Stream[T1 | T2 | T3 | T4 | T5 | T6 | T7 | T8]: ...
@overload
def merge(*streams: AsyncIterable[T]) -> Stream[T]: ...
def merge(*streams: AsyncIterable[Any]) -> Stream[Any]:  # Any: the overloads tie the result to the arguments
    """The pieces of all streams, each as soon as it is there; errors likewise, with the pieces behind them.

    It ends when all streams have ended; that of no streams has no pieces. Of pieces that are there already, some
    hundreds of a stream may come in a row. The result holds the pieces once more, and there is a task for each stream.
    Cancelling it frees the streams that nobody else uses; where they are bounded it has the narrowest of their bounds.

    Raises:
        TypeError: something is no async iterable.

    >>> async def main() -> None:
    ...     async with PromisingContext():
    ...         print(sorted(await merge(StreamedPromise.of("ac"), StreamedPromise.of("b"))))
    >>> asyncio.run(main())
    ['a', 'b', 'c']
    """
    return _joined("merge", streams, lambda _, piece: piece)


@overload
def concat() -> Stream[Never]: ...
@overload
def concat(s1: AsyncIterable[T1], /) -> Stream[T1]: ...
@overload
def concat(s1: AsyncIterable[T1], s2: AsyncIterable[T2], /) -> Stream[T1 | T2]: ...
@overload
def concat(s1: AsyncIterable[T1], s2: AsyncIterable[T2], s3: AsyncIterable[T3], /) -> Stream[T1 | T2 | T3]: ...
@overload
def concat(
    s1: AsyncIterable[T1], s2: AsyncIterable[T2], s3: AsyncIterable[T3], s4: AsyncIterable[T4], /
) -> Stream[T1 | T2 | T3 | T4]: ...
@overload
def concat(
    s1: AsyncIterable[T1], s2: AsyncIterable[T2], s3: AsyncIterable[T3], s4: AsyncIterable[T4], s5: AsyncIterable[T5], /
) -> Stream[T1 | T2 | T3 | T4 | T5]: ...
@overload
def concat(
    s1: AsyncIterable[T1],
    s2: AsyncIterable[T2],
    s3: AsyncIterable[T3],
    s4: AsyncIterable[T4],
    s5: AsyncIterable[T5],
    s6: AsyncIterable[T6],
    /,
) -> Stream[T1 | T2 | T3 | T4 | T5 | T6]: ...
@overload
def concat(
    s1: AsyncIterable[T1],
    s2: AsyncIterable[T2],
    s3: AsyncIterable[T3],
    s4: AsyncIterable[T4],
    s5: AsyncIterable[T5],
    s6: AsyncIterable[T6],
    s7: AsyncIterable[T7],
    /,
) -> Stream[T1 | T2 | T3 | T4 | T5 | T6 | T7]: ...
@overload
def concat(
    s1: AsyncIterable[T1],
    s2: AsyncIterable[T2],
    s3: AsyncIterable[T3],
    s4: AsyncIterable[T4],
    s5: AsyncIterable[T5],
    s6: AsyncIterable[T6],
    s7: AsyncIterable[T7],
    s8: AsyncIterable[T8],
    /,
) -> Stream[T1 | T2 | T3 | T4 | T5 | T6 | T7 | T8]: ...
@overload
def concat(*streams: AsyncIterable[T]) -> Stream[T]: ...
def concat(*streams: AsyncIterable[Any]) -> Stream[Any]:  # Any: the overloads tie the result to the arguments
    """The pieces of the first stream, then those of the second, and so on; errors stay in their places.

    That of no streams has no pieces. The result holds the pieces once more, and there is one task for all streams:
    those that are eager run ahead by themselves, the others start when it is their turn. Cancelling the result frees
    the streams that nobody else uses; where they are bounded it has the narrowest of their bounds.

    Raises:
        TypeError: something is no async iterable.

    >>> async def main() -> None:
    ...     async with PromisingContext():
    ...         print(await concat(StreamedPromise.of("ab"), StreamedPromise.of([1])))
    >>> asyncio.run(main())
    ('a', 'b', 1)
    """
    sources = _read_once("concat", streams)

    async def concatenated(out: PieceBuffer[object]) -> AsyncIterator[object | Failure]:
        for stream in sources:
            async with reading(stream, out) as pieces:
                async for piece in pieces:
                    yield piece

    return piped(concatenated, "concat", sources)


@overload
def zip_latest() -> Stream[Never]: ...
@overload
def zip_latest(s1: AsyncIterable[T1], /) -> Stream[tuple[T1]]: ...
@overload
def zip_latest(s1: AsyncIterable[T1], s2: AsyncIterable[T2], /) -> Stream[tuple[T1, T2]]: ...
@overload
def zip_latest(s1: AsyncIterable[T1], s2: AsyncIterable[T2], s3: AsyncIterable[T3], /) -> Stream[tuple[T1, T2, T3]]: ...
@overload
def zip_latest(
    s1: AsyncIterable[T1], s2: AsyncIterable[T2], s3: AsyncIterable[T3], s4: AsyncIterable[T4], /
) -> Stream[tuple[T1, T2, T3, T4]]: ...
@overload
def zip_latest(
    s1: AsyncIterable[T1], s2: AsyncIterable[T2], s3: AsyncIterable[T3], s4: AsyncIterable[T4], s5: AsyncIterable[T5], /
) -> Stream[tuple[T1, T2, T3, T4, T5]]: ...
@overload
def zip_latest(
    s1: AsyncIterable[T1],
    s2: AsyncIterable[T2],
    s3: AsyncIterable[T3],
    s4: AsyncIterable[T4],
    s5: AsyncIterable[T5],
    s6: AsyncIterable[T6],
    /,
) -> Stream[tuple[T1, T2, T3, T4, T5, T6]]: ...
@overload
def zip_latest(
    s1: AsyncIterable[T1],
    s2: AsyncIterable[T2],
    s3: AsyncIterable[T3],
    s4: AsyncIterable[T4],
    s5: AsyncIterable[T5],
    s6: AsyncIterable[T6],
    s7: AsyncIterable[T7],
    /,
) -> Stream[tuple[T1, T2, T3, T4, T5, T6, T7]]: ...
@overload
def zip_latest(
    s1: AsyncIterable[T1],
    s2: AsyncIterable[T2],
    s3: AsyncIterable[T3],
    s4: AsyncIterable[T4],
    s5: AsyncIterable[T5],
    s6: AsyncIterable[T6],
    s7: AsyncIterable[T7],
    s8: AsyncIterable[T8],
    /,
) -> Stream[tuple[T1, T2, T3, T4, T5, T6, T7, T8]]: ...
@overload
def zip_latest(*streams: AsyncIterable[T]) -> Stream[tuple[T, ...]]: ...
def zip_latest(*streams: AsyncIterable[Any]) -> Stream[Any]:  # Any: the overloads tie the result to the arguments
    """A tuple of the latest piece of each stream, whenever one of them gives a piece and each has given one.

    This is ReactiveX's `combineLatest` and Kotlin's `combine`. Errors come as they are there, also before the first
    tuple, and change nothing in the tuples behind them. It ends when all streams have ended, or when one ends that
    never gave a piece, as there can be no tuple then; that of no streams has none. Of pieces that are there already,
    some hundreds of a stream may come in a row: before the first tuple only the last of them is seen.

    The result holds its tuples, each of which is made anew, and there is a task for each stream. Cancelling it frees
    the streams that nobody else uses; where they are bounded it has the narrowest of their bounds.

    Raises:
        TypeError: something is no async iterable.

    >>> async def main() -> None:
    ...     async with PromisingContext():
    ...         with StreamAppender[str]() as size, StreamAppender[int]() as count:
    ...             both = zip_latest(size.promise, count.promise)
    ...             for appender, piece in (size, "S"), (count, 1), (count, 2), (size, "M"):
    ...                 appender.append(piece)
    ...                 await asyncio.sleep(0)
    ...         print(await both)
    >>> asyncio.run(main())
    (('S', 1), ('S', 2), ('M', 2))
    """
    latest: list[object] = [_NOTHING] * len(streams)
    missing = len(streams)

    def combined(place: int, piece: object) -> object:
        nonlocal missing
        missing -= latest[place] is _NOTHING
        latest[place] = piece
        return _NOTHING if missing else tuple(latest)

    return _joined("zip_latest", streams, combined, ends_with=lambda place: latest[place] is _NOTHING)


# --- machinery ---

_NOTHING = object()
"""No piece: of a stream that has given none yet, or what a piece makes that is not passed on."""


def _joined(
    name: str,
    streams: Sequence[AsyncIterable[object]],
    make: Callable[[int, object], object],
    ends_with: Callable[[int], bool] = lambda _: False,
) -> Stream[Any]:  # Any: the callers say what `make` gives
    """The stream of what is made of the pieces of all streams, in the order in which these come.

    Args:
        name: what it is called.
        streams: what it is made of.
        make: what a piece becomes, given the place of its stream; `_NOTHING` is left out.
        ends_with: whether the end of the stream at a place is the end of all.
    """
    sources = _read_once(name, streams)
    buffer: PieceBuffer[object] = PieceBuffer(active_context.get(), name)
    still_open = len(sources)

    async def forward(place: int) -> None:
        nonlocal still_open
        producing.set(buffer)
        with Catching(buffer):
            async with reading(sources[place], buffer) as pieces:
                async for piece in pieces:
                    if buffer.bounded:
                        await buffer.room()
                    if buffer.ended:
                        return
                    made = piece if isinstance(piece, Failure) else make(place, piece)
                    if made is not _NOTHING:
                        buffer.emit_outcome(made)
            still_open -= 1
            if not still_open or ends_with(place):
                buffer.end()
        if buffer.ended:
            stop_others()

    def stop_others() -> None:
        for task in buffer.workers():
            if task is not asyncio.current_task():
                task.cancel()

    async def start() -> None:
        for place in range(len(sources)):
            if not buffer.ended:  # it may be, where the loop starts tasks eagerly
                buffer.launch(forward(place))
        if not sources:
            buffer.end()

    buffer.set_work(start)
    buffer.belongs_here()
    return made_of(sources, buffer)


def _read_once(what: str, streams: Sequence[AsyncIterable[T]]) -> list[AsyncIterable[T]]:
    """The streams; an iterator that is given more than once is read once, and replayed in each of its places.

    Raises:
        TypeError: something is no async iterable; `what` is the function that it was given to.
    """
    check_streams(what, streams)
    shared: dict[int, AsyncIterable[T]] = {}
    times = Counter(id(stream) for stream in streams)
    for stream in streams:
        if id(stream) not in shared:
            is_shared = isinstance(stream, AsyncIterator) and times[id(stream)] > 1
            shared[id(stream)] = _replayed(stream) if is_shared else stream
    return [shared[id(stream)] for stream in streams]


def _replayed(stream: AsyncIterable[T]) -> Stream[T]:
    def pieces(out: PieceBuffer[T]) -> AsyncIterator[T | Failure]:
        return outcomes_of(stream, out)

    return piped(pieces, name_of(stream), ())
