"""Reads async iterables that are no promises as streams are read: with errors as pieces, and fairly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from typing import TYPE_CHECKING, Any, Generic

from typing_extensions import TypeVar

from miniagents.promising._failure import Failure
from miniagents.promising._pieces import FAIR_SHARE, take_turn

if TYPE_CHECKING:
    from miniagents.promising._pieces import PieceBuffer

__all__ = ["ForeignOutcomes"]

Q = TypeVar("Q")


class ForeignOutcomes(AsyncIterator[Q | Failure], Generic[Q]):
    """Reads an async iterable that is no promise."""

    def __init__(self, stream: AsyncIterable[Q], out: PieceBuffer[Any]) -> None:  # Any: `out` is not read
        self._stream: AsyncIterable[Q] | None = stream
        self._iterator: AsyncIterator[Q] | None = None
        self._share = FAIR_SHARE
        self._out = out

    async def __anext__(self) -> Q | Failure:
        if self._stream is None:
            raise StopAsyncIteration
        self._share -= 1
        if not self._share:  # nobody knows whether the iterator ever waits for anything
            self._share = FAIR_SHARE
            await take_turn()
        try:
            if self._iterator is None:
                self._iterator = aiter(self._stream)
            return await anext(self._iterator)
        except (asyncio.CancelledError, GeneratorExit):
            raise
        except StopAsyncIteration:
            self._stream = None
            raise
        except BaseException as error:  # noqa: BLE001 - an error becomes a piece of the stream
            self._stream = None
            return self._out.failure_of(error)

    async def aclose(self) -> None:
        """Runs the `finally` blocks of a generator that was left half-way."""
        self._stream = None
        iterator, self._iterator = self._iterator, None
        if isinstance(iterator, AsyncGenerator):
            await iterator.aclose()
