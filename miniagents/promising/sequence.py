"""A flat stream of whatever is put in, nested as deep as one likes.

What is there already goes straight into the stream; only what is still to come needs a task: one for the whole
sequence.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterable, Iterator, Sequence
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Generic, TypeGuard

from typing_extensions import TypeVar

from miniagents.promising._current import active_context, producing
from miniagents.promising._failure import Catching, Failure, is_cancellation
from miniagents.promising._foreign import ForeignOutcomes, outcomes_of
from miniagents.promising._pieces import FAIR_SHARE, PieceBuffer, take_turn
from miniagents.promising.errors import AppenderClosedError, PromiseCancelledError, PromiseDeadlockError
from miniagents.promising.stream import Stream, StreamedPromise, stream_over

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from miniagents.promising.context import PromisingContext

__all__ = ["FlatSequence"]

P = TypeVar("P")


class FlatSequence(Generic[P]):
    """The writing end of a flat stream.

    Sequences and iterators are taken apart at once, as they are at that moment; async iterables and streams give their
    pieces as they come. Order is kept: a piece appears when all that was put in before it has appeared. An exception
    object that is put in is raised to readers at its place.

    Args:
        adapt: makes a piece of an item, or returns `NotImplemented` for what is no single item.
        name: what errors and logs call the stream.

    >>> async def later() -> AsyncIterator[str]:
    ...     yield "b"
    >>> async def main() -> None:
    ...     async with PromisingContext():
    ...         letters = FlatSequence[str](lambda item: item if isinstance(item, str) else NotImplemented)
    ...         letters.put(["a", [later()], "c"])
    ...         letters.close()
    ...         print(await letters.promise)
    >>> asyncio.run(main())
    ('a', 'b', 'c')
    """

    __slots__ = ("__weakref__", "_adapt", "_buffer", "_closed", "_draining", "_out_of_order", "_queue")

    def __init__(
        self,
        adapt: Callable[[object], Any],  # Any: a P or NotImplemented, which has no type of its own to say
        *,
        name: str = "FlatSequence",
        context: PromisingContext | None = None,
    ) -> None:
        self._adapt = adapt
        context = context or active_context.get()
        self._buffer: PieceBuffer[P] = PieceBuffer(context, name)
        if context is not None:
            context.register_writing_end(self._buffer)
            self._buffer._adopt()
            self._buffer._belongs_here()
        self._queue: deque[P | Failure | _Pending] = deque()
        self._draining = False
        self._out_of_order = 0
        self._closed = False

    @property
    def promise(self) -> Stream[P]:
        """The flat stream."""
        return stream_over(self._buffer)

    @property
    def closed(self) -> bool:
        """Whether nothing more can be put in; the stream may still have pieces to come."""
        return self._closed

    def put(self, item: object) -> None:
        """Adds an item, or whatever it is made of, behind all that was put in before.

        Raises:
            TypeError: there is something in it that is no item; then nothing of it is added.
            AppenderClosedError: the sequence was closed.
            PromiseCancelledError: the stream was cancelled.
        """
        self._check_open()
        parts = self._take_apart(item)
        if not self._queue and not self._draining:
            ready = next((place for place, part in enumerate(parts) if isinstance(part, _Pending)), len(parts))
            self._emit(parts[:ready])
            parts = parts[ready:]
        if parts:
            self._queue.extend(parts)
            if not self._draining:
                self._draining = True
                self._buffer._launch(self._whole_or_error(self._drain))

    def put_out_of_order(self, item: object) -> None:
        """Adds an item that appears as soon as it is there, whatever was put in before or after it.

        Raises:
            TypeError: there is something in it that is no item; then nothing of it is added.
            AppenderClosedError: the sequence was closed.
            PromiseCancelledError: the stream was cancelled.
        """
        self._check_open()
        for part in self._take_apart(item):
            if isinstance(part, _Pending):
                self._out_of_order += 1
                self._buffer._launch(self._whole_or_error(partial(self._forward_out_of_order, part)))
            else:
                self._emit([part])

    def fail(self, error: BaseException) -> None:
        """Adds an error that readers get raised behind all that was put in before."""
        self.put(error)

    def produce(
        self,
        work: Callable[[], Awaitable[object]],
        *,
        start_asap: bool,
        instead: Callable[[Exception], object] | None = None,
    ) -> None:
        """Runs an async function that puts things in, in a task of this sequence, and closes it afterwards.

        Args:
            work: what is run; its error becomes the last piece.
            start_asap: True starts it at the next turn of the loop, False when somebody first reads the stream.
            instead: makes what is put in for an `Exception` of the work; None puts in the error itself.
        """
        self._buffer.starter = lambda: self._run(work, instead)
        if start_asap:
            self._buffer.start()

    def close(self) -> None:
        """Ends the sequence: the stream ends when all that was put in has appeared."""
        self._closed = True
        self._end_if_complete()

    # --- machinery ---

    async def _run(self, work: Callable[[], Awaitable[object]], instead: Callable[[Exception], object] | None) -> None:
        producing.set(self._buffer)

        def take(error: BaseException) -> None:
            self._take_error(error if instead is None or not isinstance(error, Exception) else instead(error), error)

        try:
            with Catching(self._buffer, take):
                await work()
        finally:
            self.close()

    def _take_error(self, item: object, error: BaseException) -> None:
        """Puts in what stands for an error of the work; where it is too late for that, the context gets the error."""
        if not self._closed and not self._buffer.ended:
            self.put(item)
        elif self._buffer.was_cancelled():
            self._buffer._end_with(error)
        elif not is_cancellation(error):
            failure = self._buffer._failure_of(error)  # whoever leaves the context must not look cancelled
            failure.seen = True
            self._buffer.context.report(failure.error)

    def _check_open(self) -> None:
        if self._buffer.was_cancelled():
            raise PromiseCancelledError(f"{self._buffer.name!r} was cancelled: nothing can be added to it")
        if self._closed or self._buffer.ended:
            raise AppenderClosedError(f"{self._buffer.name!r} is closed: nothing can be added to it")

    def _take_apart(self, item: object) -> list[P | Failure | _Pending]:
        """The pieces and the still pending parts of an item, in order; lists within lists cost no recursion."""
        parts: list[P | Failure | _Pending] = []
        nested: list[tuple[object, Iterator[object]]] = [(parts, iter((item,)))]
        within = {id(parts)}
        while nested:
            for part in nested[-1][1]:
                if isinstance(part, Failure):
                    parts.append(self._buffer._taken_over(part))
                    continue
                piece = self._adapt(part)
                if piece is not NotImplemented:
                    parts.append(piece)
                    continue
                if isinstance(part, BaseException):
                    parts.append(self._buffer._failure_of(part))
                    continue
                if _is_stream(part) and part._buffer is self._buffer:
                    raise PromiseDeadlockError((self._buffer.name,))  # it would give what it gives, again and again
                level: tuple[object, Iterator[object]]
                if _is_stream(part) and part._all_there():
                    level = part._buffer, iter(part._buffer.pieces)
                elif _is_async_iterable(part):
                    parts.append(_Pending(part))
                    continue
                elif _is_iterator(part):
                    level = part, part
                elif _is_sequence(part):
                    level = part, iter(tuple(part))
                else:
                    raise TypeError(f"{self._buffer.name!r} takes no {type(part).__qualname__}: {part!r:.200}")
                if id(level[0]) in within:
                    raise TypeError(f"{self._buffer.name!r} takes no {type(part).__qualname__} that contains itself")
                within.add(id(level[0]))
                nested.append(level)
                break
            else:
                within.discard(id(nested.pop()[0]))
        return parts

    def _emit(self, parts: Sequence[P | Failure | _Pending]) -> None:
        for part in parts:
            if not isinstance(part, _Pending):
                self._buffer.emit_outcome(part)

    async def _drain(self) -> None:
        """Forwards what is still to come, in order."""
        while self._queue and not self._buffer.ended:
            part = self._queue.popleft()
            if isinstance(part, _Pending):
                await self._forward(part)
            else:
                self._emit([part])
                if len(self._buffer.pieces) % FAIR_SHARE == 0:
                    await take_turn()
        self._draining = False
        self._end_if_complete()

    async def _forward_out_of_order(self, pending: _Pending) -> None:
        await self._forward(pending)
        self._out_of_order -= 1
        self._end_if_complete()

    async def _whole_or_error(self, forward: Callable[[], Awaitable[None]]) -> None:
        """Ends the stream with an error where the forwarding breaks off: what is not complete must not look so."""
        with Catching(self._buffer):
            await forward()

    async def _forward(self, pending: _Pending) -> None:
        """Forwards what is still to come of one item, and whatever that is made of, as deep as it goes."""
        levels: list[Iterator[P | Failure | _Pending] | AsyncIterator[object]] = [iter((pending,))]
        try:
            while levels and not self._buffer.ended:
                level = levels[-1]
                if isinstance(level, Iterator):
                    part = next(level, _END)
                    if part is _END:
                        levels.pop()
                    elif isinstance(part, _Pending):
                        levels.append(outcomes_of(part.stream, self._buffer))
                    else:
                        self._emit([part])
                    continue
                try:
                    item = await anext(level)
                except StopAsyncIteration:
                    levels.pop()
                else:
                    levels.append(iter(self._parts_of(item)))
        finally:
            for level in reversed(levels):
                if isinstance(level, ForeignOutcomes):
                    await level.aclose()

    def _parts_of(self, item: object) -> list[P | Failure | _Pending]:
        """Takes an item apart that came from a nested stream: what is wrong with it is an error in its place."""
        try:
            return self._take_apart(item)
        except Exception as error:  # noqa: BLE001 - an error becomes a piece of the stream
            return [self._buffer._failure_of(error)]

    def _end_if_complete(self) -> None:
        if self._closed and not self._draining and not self._queue and not self._out_of_order:
            self._buffer.end()


class _End(Enum):
    """No piece, whatever pieces are: `None` may well be one."""

    END = 0


_END: Final = _End.END


class _Pending:
    """Something nested whose pieces are still to come."""

    __slots__ = ("stream",)

    def __init__(self, stream: AsyncIterable[object]) -> None:
        self.stream = stream


# isinstance() alone would leave the types of the elements unknown


def _is_stream(item: object) -> TypeGuard[StreamedPromise[object, object]]:
    return isinstance(item, StreamedPromise)


def _is_async_iterable(item: object) -> TypeGuard[AsyncIterable[object]]:
    return isinstance(item, AsyncIterable)


def _is_iterator(item: object) -> TypeGuard[Iterator[object]]:
    return isinstance(item, Iterator)


def _is_sequence(item: object) -> TypeGuard[Sequence[object]]:
    return isinstance(item, Sequence) and not isinstance(item, str | bytes | bytearray | memoryview)
