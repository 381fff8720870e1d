"""Combinators of many promises and streams.

Coroutines and other awaitables are taken wherever promises are: each becomes a promise of its own.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Generic, overload

from typing_extensions import TypeVar

from miniagents.promising._current import active_context, producing
from miniagents.promising._failure import Catching
from miniagents.promising._foreign import reading
from miniagents.promising._pieces import PieceBuffer
from miniagents.promising.promise import Promise, derived
from miniagents.promising.stream import Stream, made_of, piped

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Iterable

    from miniagents.promising._failure import Failure

__all__ = ["concat", "gather", "merge", "race"]

T = TypeVar("T")
T1 = TypeVar("T1")
T2 = TypeVar("T2")
T3 = TypeVar("T3")
T4 = TypeVar("T4")


@overload
def gather() -> Promise[tuple[()]]: ...
@overload
def gather(p1: Awaitable[T1], /) -> Promise[tuple[T1]]: ...
@overload
def gather(p1: Awaitable[T1], p2: Awaitable[T2], /) -> Promise[tuple[T1, T2]]: ...
@overload
def gather(p1: Awaitable[T1], p2: Awaitable[T2], p3: Awaitable[T3], /) -> Promise[tuple[T1, T2, T3]]: ...
@overload
def gather(
    p1: Awaitable[T1], p2: Awaitable[T2], p3: Awaitable[T3], p4: Awaitable[T4], /
) -> Promise[tuple[T1, T2, T3, T4]]: ...
@overload
def gather(*promises: Awaitable[T]) -> Promise[tuple[T, ...]]: ...
def gather(*promises: Awaitable[Any]) -> Promise[Any]:  # Any: the overloads tie the result to the arguments
    """The values of all promises, in the order of the arguments; fails as soon as one of them fails.

    The others go on for their other readers.

    >>> async def main() -> None:
    ...     async with PromisingContext():
    ...         print(await gather(Promise.resolved(1), Promise.resolved("a")))
    >>> asyncio.run(main())
    (1, 'a')
    """
    sources = [_as_promise(promise) for promise in promises]

    async def gathered() -> tuple[object, ...]:
        async with _Readers(sources) as readers:
            if readers:
                await asyncio.wait(readers, return_when=asyncio.FIRST_EXCEPTION)
            for reader in readers:
                if reader.done():
                    reader.result()  # raises the error of one that failed
            return tuple(reader.result() for reader in readers)

    return derived(gathered, "gather", sources)


@overload
def race(p1: Awaitable[T1], /) -> Promise[T1]: ...
@overload
def race(p1: Awaitable[T1], p2: Awaitable[T2], /) -> Promise[T1 | T2]: ...
@overload
def race(p1: Awaitable[T1], p2: Awaitable[T2], p3: Awaitable[T3], /) -> Promise[T1 | T2 | T3]: ...
@overload
def race(
    p1: Awaitable[T1], p2: Awaitable[T2], p3: Awaitable[T3], p4: Awaitable[T4], /
) -> Promise[T1 | T2 | T3 | T4]: ...
@overload
def race(*promises: Awaitable[T]) -> Promise[T]: ...
def race(*promises: Awaitable[Any]) -> Promise[Any]:  # Any: the overloads tie the result to the arguments
    """The first result, be it a value or an error; the promises that lose are cancelled.

    Of results that are there at once the one of the earlier argument is taken.

    Raises:
        ValueError: there is nothing to wait for.

    >>> async def main() -> None:
    ...     async with PromisingContext():
    ...         print(await race(Promise(lambda: asyncio.sleep(10, "slow")), Promise.resolved("fast")))
    >>> asyncio.run(main())
    fast
    """
    if not promises:
        raise ValueError("race() of no promises would never end: give it at least one")
    sources = [_as_promise(promise) for promise in promises]

    async def raced() -> object:
        losers = sources
        try:
            async with _Readers(sources) as readers:
                await asyncio.wait(readers, return_when=asyncio.FIRST_COMPLETED)
                first = next(place for place, reader in enumerate(readers) if reader.done())
                losers = [source for source in sources if source is not sources[first]]
                return readers[first].result()
        finally:
            for loser in losers:
                loser.cancel()

    return derived(raced, "race", sources)


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
def merge(*streams: AsyncIterable[T]) -> Stream[T]: ...
def merge(*streams: AsyncIterable[Any]) -> Stream[Any]:  # Any: the overloads tie the result to the arguments
    """The pieces of all streams, each as soon as it is there; errors likewise.

    >>> async def main() -> None:
    ...     async with PromisingContext():
    ...         print(sorted(await merge(StreamedPromise.of("ac"), StreamedPromise.of("b"))))
    >>> asyncio.run(main())
    ['a', 'b', 'c']
    """
    buffer: PieceBuffer[object] = PieceBuffer(active_context.get(), "merge")
    still_open = len(streams)

    async def forward(stream: AsyncIterable[object]) -> None:
        nonlocal still_open
        producing.set(buffer)
        with Catching(buffer):
            async with reading(stream, buffer) as pieces:
                async for piece in pieces:
                    buffer.emit_outcome(piece)
                    if buffer.bounded:
                        await buffer.room()
            still_open -= 1
        if not still_open:
            buffer.end()

    async def start() -> None:
        for stream in streams:
            buffer.launch(forward(stream))
        if not streams:
            buffer.end()

    buffer.starter = start
    buffer.belongs_here()
    return made_of(streams, buffer)


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
def concat(*streams: AsyncIterable[T]) -> Stream[T]: ...
def concat(*streams: AsyncIterable[Any]) -> Stream[Any]:  # Any: the overloads tie the result to the arguments
    """The pieces of the first stream, then those of the second, and so on; errors stay in their places.

    >>> async def main() -> None:
    ...     async with PromisingContext():
    ...         print(await concat(StreamedPromise.of("ab"), StreamedPromise.of([1])))
    >>> asyncio.run(main())
    ('a', 'b', 1)
    """

    async def concatenated(out: PieceBuffer[object]) -> AsyncIterator[object | Failure]:
        for stream in streams:
            async with reading(stream, out) as pieces:
                async for piece in pieces:
                    yield piece

    return piped(concatenated, "concat", streams)


# --- machinery ---


def _as_promise(awaitable: Awaitable[T]) -> Promise[T]:
    return awaitable if isinstance(awaitable, Promise) else Promise(lambda: awaitable)


class _Readers(Generic[T]):
    """A task for each promise that waits for it; none of them is left at the end.

    No `asynccontextmanager`, as that assigns to the error that goes through it, which its class may forbid.
    """

    def __init__(self, sources: Iterable[Promise[T]]) -> None:
        self._tasks = [asyncio.create_task(self._read(source)) for source in sources]

    async def __aenter__(self) -> list[asyncio.Task[T]]:
        return self._tasks

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _read(self, source: Promise[T]) -> T:
        return await source
