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
    """Give the pieces of all streams, each as soon as it is there, errors included.

    The result ends when all streams have ended, at once if there are none. Some hundreds of ready pieces of one stream
    may come in a row. Cost: a task for each stream, and all pieces once more. Cancelling the result cancels the streams
    that are not used elsewhere. If streams are bounded, the result has the narrowest of their bounds.

    Raises:
        TypeError: Something given is no async iterable.

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
    """Give the pieces of the first stream, then those of the second, and so on; errors stay in their places.

    Without streams the result is empty. Cost: one task in all, and all pieces once more. Eager streams run ahead by
    themselves; lazy ones start when their turn comes. Cancelling the result cancels the streams that are not used
    elsewhere. If streams are bounded, the result has the narrowest of their bounds.

    Raises:
        TypeError: Something given is no async iterable.

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
    """Give a tuple of the latest pieces of all streams whenever one of them gives a piece.

    This is ReactiveX's `combineLatest` and Kotlin's `combine`. The first tuple comes when each stream has given a
    piece. Errors come as they happen, also before the first tuple, and change nothing in later tuples. The result ends
    when all streams have ended, or when one ends without having given a piece, because no tuple can come then. Without
    streams it is empty. Some hundreds of ready pieces of one stream may come in a row: before the first tuple only the
    last of them is seen.

    Cost: a task for each stream, and a new tuple for each piece. Cancelling the result cancels the streams that are not
    used elsewhere. If streams are bounded, the result has the narrowest of their bounds.

    Raises:
        TypeError: Something given is no async iterable.

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
    """Make the stream of what the pieces of all streams become, in the order in which they come.

    Args:
        name: The name of the result.
        streams: What it is made of.
        make: Makes a piece of the result, given the place of a stream and a piece of it; `_NOTHING` is left out.
        ends_with: Whether the end of the stream at a place is the end of the result.
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
            if not buffer.ended:  # eager tasks may have ended it already
                buffer.launch(forward(place))
        if not sources:
            buffer.end()

    buffer.set_work(start)
    buffer.belongs_here()
    return made_of(sources, buffer)


def _read_once(what: str, streams: Sequence[AsyncIterable[T]]) -> list[AsyncIterable[T]]:
    """Return the streams; an iterator that is given twice is read once, and replayed in each of its places.

    Raises:
        TypeError: Something given to `what` is no async iterable.
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
