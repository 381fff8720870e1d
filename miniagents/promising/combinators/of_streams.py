"""Combinators of many streams."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, Never, Protocol, overload

from typing_extensions import TypeVar

from miniagents.promising.combinators.joining import Joining, read_once
from miniagents.promising.core.failure import Failure
from miniagents.promising.core.foreign import reading
from miniagents.promising.core.production import Production
from miniagents.promising.stream import Stream, StreamedPromise, piped

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence

    from miniagents.promising.core.pieces import PieceBuffer

__all__ = ["concat", "first_to_speak", "merge", "zip_latest"]

T = TypeVar("T")
T1 = TypeVar("T1")
T2 = TypeVar("T2")
T3 = TypeVar("T3")
T4 = TypeVar("T4")
T5 = TypeVar("T5")
T6 = TypeVar("T6")
T7 = TypeVar("T7")
T8 = TypeVar("T8")
S = TypeVar("S", bound="StreamedPromise[Any, Any]")  # Any: of anything
S_co = TypeVar("S_co", bound="StreamedPromise[Any, Any]", covariant=True)  # Any: as above


class _Alike(Protocol[S_co]):
    """A stream of which `merge` and `concat` make something of its own kind: a message sequence."""

    def _alike(
        self,
        stream: StreamedPromise[Any, Any],  # Any: the pieces of several streams of this kind
        sources: Iterable[Production],
    ) -> S_co: ...


@overload
def merge(s1: _Alike[S], /, *more: _Alike[S]) -> S: ...
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
def merge(*streams: Any) -> StreamedPromise[Any, Any]:  # Any: the overloads tie the result to the arguments
    """Give the pieces of all streams, each as soon as it is there, errors included.

    The result ends when all streams have ended, at once if there are none. Some hundreds of ready pieces of one stream
    may come in a row. Message sequences make a message sequence. Cost: a task for each stream, and all pieces once
    more. Cancelling the result cancels the streams that are not used elsewhere. If streams are bounded, the result has
    the narrowest of their bounds.

    Raises:
        TypeError: Something given is no async iterable.

    >>> async def main() -> None:
    ...     async with PromisingContext():
    ...         print(sorted(await merge(StreamedPromise.of("ac"), StreamedPromise.of("b"))))
    >>> asyncio.run(main())
    ['a', 'b', 'c']
    """
    return _of_one_kind(streams, Joining("merge", streams).stream())


@overload
def concat(s1: _Alike[S], /, *more: _Alike[S]) -> S: ...
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
def concat(*streams: Any) -> StreamedPromise[Any, Any]:  # Any: the overloads tie the result to the arguments
    """Give the pieces of the first stream, then those of the second, and so on; errors stay in their places.

    Without streams the result is empty. Message sequences make a message sequence. Cost: one task in all, and all
    pieces once more. Eager streams run ahead by themselves; lazy ones start when their turn comes. Cancelling the
    result cancels the streams that are not used elsewhere. If streams are bounded, the result has the narrowest of
    their bounds.

    Raises:
        TypeError: Something given is no async iterable.

    >>> async def main() -> None:
    ...     async with PromisingContext():
    ...         print(await concat(StreamedPromise.of("ab"), StreamedPromise.of([1])))
    >>> asyncio.run(main())
    ('a', 'b', 1)
    """
    sources = read_once("concat", streams)

    async def concatenated(out: PieceBuffer[object]) -> AsyncIterator[object | Failure]:
        for stream in sources:
            async with reading(stream, out) as pieces:
                async for piece in pieces:
                    yield piece

    return _of_one_kind(streams, piped(concatenated, "concat", sources))


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
    return _Latest(streams).stream()


@overload
def first_to_speak(s1: AsyncIterable[T1], /) -> Stream[T1]: ...
@overload
def first_to_speak(s1: AsyncIterable[T1], s2: AsyncIterable[T2], /) -> Stream[T1 | T2]: ...
@overload
def first_to_speak(s1: AsyncIterable[T1], s2: AsyncIterable[T2], s3: AsyncIterable[T3], /) -> Stream[T1 | T2 | T3]: ...
@overload
def first_to_speak(
    s1: AsyncIterable[T1], s2: AsyncIterable[T2], s3: AsyncIterable[T3], s4: AsyncIterable[T4], /
) -> Stream[T1 | T2 | T3 | T4]: ...
@overload
def first_to_speak(
    s1: AsyncIterable[T1], s2: AsyncIterable[T2], s3: AsyncIterable[T3], s4: AsyncIterable[T4], s5: AsyncIterable[T5], /
) -> Stream[T1 | T2 | T3 | T4 | T5]: ...
@overload
def first_to_speak(
    s1: AsyncIterable[T1],
    s2: AsyncIterable[T2],
    s3: AsyncIterable[T3],
    s4: AsyncIterable[T4],
    s5: AsyncIterable[T5],
    s6: AsyncIterable[T6],
    /,
) -> Stream[T1 | T2 | T3 | T4 | T5 | T6]: ...
@overload
def first_to_speak(
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
def first_to_speak(
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
def first_to_speak(*streams: AsyncIterable[T]) -> Stream[T]: ...
def first_to_speak(*streams: AsyncIterable[Any]) -> Stream[Any]:  # Any: the overloads tie the result to the arguments
    """Give the pieces of the stream whose first piece comes first; the others are cancelled, unless used elsewhere.

    It is ReactiveX's `amb` and RxJS's `race`, and hedges requests: ask two models, and read the one that answers first,
    from its first token. An error is no piece here. A stream that begins with errors can still be the first to speak,
    and its errors come before the piece then. In ReactiveX an error wins. If no stream has a piece, the result has the
    errors of all, in the order of the arguments. If pieces of several streams are there already, the earliest argument
    wins.

    Errors of the other streams are left to their other readers, and logged if there are none. Cancelling the result
    cancels the streams that are not used elsewhere. If streams are bounded, the result has the narrowest of their
    bounds. Cost: a task for each stream until the first piece, then one in all.

    Raises:
        TypeError: Something given is no async iterable.
        ValueError: There is nothing to choose from.

    >>> async def spelled(word: str, pause: float) -> AsyncIterator[str]:
    ...     for letter in word:
    ...         await asyncio.sleep(pause)
    ...         yield letter
    >>> async def main() -> None:
    ...     async with PromisingContext():
    ...         print(await first_to_speak(spelled("slow", 10), spelled("quick", 0.001)))
    >>> asyncio.run(main())
    ('q', 'u', 'i', 'c', 'k')
    """
    if not streams:
        raise ValueError("first_to_speak() of no streams would never speak: give it at least one")
    return _First(streams).stream()


# --- machinery ---


_NOTHING = object()
"""The latest piece of a stream that has given none yet."""


def _of_one_kind(streams: Sequence[Any], made: Stream[Any]) -> StreamedPromise[Any, Any]:  # Any: as the overloads say
    """Return the stream that was made of others; if these are all message sequences, a message sequence."""
    kinds: set[type[object]] = set(map(type, streams))
    alike = bool(kinds) and all(hasattr(kind, "_alike") for kind in kinds)
    result: StreamedPromise[Any, Any] = streams[0]._alike(made, streams) if alike else made  # Any: as above
    return result


class _Latest(Joining):
    """The work of `zip_latest`."""

    def __init__(self, streams: Sequence[AsyncIterable[object]]) -> None:
        super().__init__("zip_latest", streams)
        self._latest = [_NOTHING] * len(streams)
        self._missing = len(streams)

    def take(self, place: int, outcome: object) -> None:
        if isinstance(outcome, Failure):
            self.out.emit_failure(outcome)
            return
        self._missing -= self._latest[place] is _NOTHING
        self._latest[place] = outcome
        if not self._missing:
            self.out.emit(tuple(self._latest))

    def ended(self, place: int) -> None:
        super().ended(place)
        if self._latest[place] is _NOTHING:
            self.out.end()


class _First(Joining):
    """The work of `first_to_speak`."""

    def __init__(self, streams: Iterable[AsyncIterable[object]]) -> None:
        super().__init__("first_to_speak", [*{id(stream): stream for stream in streams}.values()])
        self._errors: list[list[object]] = [[] for _ in self.readers]
        self._first: int | None = None

    def take(self, place: int, outcome: object) -> None:
        if self._first is not None:
            self.out.emit_outcome(outcome)
        elif isinstance(outcome, Failure):
            self._errors[place].append(outcome)
        else:
            self._first = place
            self._emit([*self._errors[place], outcome])
            self._errors.clear()
            self._leave_all_but(place)

    def ended(self, place: int) -> None:
        if place == self._first:
            self.out.end()
            return
        if self.still_open == 1:
            self._emit(chain.from_iterable(self._errors))
        super().ended(place)

    def _emit(self, outcomes: Iterable[object]) -> None:
        for outcome in outcomes:
            self.out.emit_outcome(outcome)

    def _leave_all_but(self, place: int) -> None:
        others = [reader for reader in self.readers if reader is not self.readers[place]]
        for reader in others:
            reader.leave()
        for reader in others:
            if isinstance(reader.stream, Production) and not reader.stream._is_used():
                reader.stream.cancel()
