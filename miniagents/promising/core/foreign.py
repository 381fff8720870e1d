"""Reads async iterables that are no promises like streams: with errors as pieces, and fairly."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from typing import TYPE_CHECKING, Generic

from typing_extensions import TypeVar

from miniagents.promising.core.failure import Failure, ends_task, running_task
from miniagents.promising.core.pieces import FAIR_SHARE, Replayed, take_turn
from miniagents.promising.core.production import Production

if TYPE_CHECKING:
    import asyncio

    from miniagents.promising.core.pieces import AnyBuffer

__all__ = ["ForeignOutcomes", "outcomes_of", "reading"]

Q = TypeVar("Q")


class ForeignOutcomes(AsyncIterator[Q | Failure], Generic[Q]):
    """A reader of an async iterable that is no promise."""

    def __init__(self, stream: AsyncIterable[Q], out: AnyBuffer) -> None:
        self._stream: AsyncIterable[Q] | None = stream
        self._iterator: AsyncIterator[Q] | None = None
        self._task: asyncio.Task[object] | None = None  # the task that reads
        self._share = FAIR_SHARE
        self._out = out

    async def __anext__(self) -> Q | Failure:
        if self._stream is None:
            raise StopAsyncIteration
        self._share -= 1
        if not self._share:  # the iterator may never wait for anything
            self._share = FAIR_SHARE
            await take_turn()
        try:
            if self._iterator is None:
                self._task = running_task()
                self._iterator = aiter(self._stream)
            return await anext(self._iterator)
        except StopAsyncIteration:
            self._stream = None
            raise
        except BaseException as error:
            if ends_task(error, self._task):
                raise
            self._stream = None
            return self._out.failure_of(error)

    async def aclose(self) -> None:
        """Run the `finally` blocks of a generator that was left half-way."""
        self._stream = None
        iterator, self._iterator = self._iterator, None
        if isinstance(iterator, AsyncGenerator):
            await iterator.aclose()


def outcomes_of(stream: AsyncIterable[Q], out: AnyBuffer) -> AsyncIterator[Q | Failure]:
    """Read the pieces and failures of any async iterable; one that is not replayed ends with its first error."""
    return stream._outcomes() if isinstance(stream, Replayed) else ForeignOutcomes(stream, out)


class reading(Generic[Q]):  # noqa: N801  # used as a function, like `contextlib.suppress`
    """Reads any async iterable in an `async with` as `outcomes_of` does, as a source of `out`.

    A generator that is left half-way is closed.
    """

    __slots__ = ("_out", "_outcomes", "_source", "_stream")

    def __init__(self, stream: AsyncIterable[Q], out: AnyBuffer) -> None:
        self._stream = stream
        self._out = out
        self._source: Production | None = None

    async def __aenter__(self) -> AsyncIterator[Q | Failure]:
        stream, out = self._stream, self._out
        if isinstance(stream, Production) and not out._is_made_of(stream):
            self._source = stream
            out._made_of((stream,))  # first: whoever reads from here on reads for `out`, and is no guest of the source
        self._outcomes = outcomes_of(stream, out)
        return self._outcomes

    async def __aexit__(self, *_: object) -> None:
        if self._source is not None:
            self._out._let_go_of(self._source)
        if isinstance(self._outcomes, ForeignOutcomes):
            await self._outcomes.aclose()
