"""The tasks of combinators that read several streams at the same time, one task for each."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from typing_extensions import TypeVar

from miniagents.promising.combinators.piped import attempt
from miniagents.promising.core.arguments import check_streams
from miniagents.promising.core.current import active_context, producing
from miniagents.promising.core.failure import Catching, Failure
from miniagents.promising.core.foreign import outcomes_of, reading
from miniagents.promising.core.pieces import PieceBuffer
from miniagents.promising.core.presenting import name_of
from miniagents.promising.core.production import Production
from miniagents.promising.promise import Promise
from miniagents.promising.stream import Stream, StreamedPromise, made_of, piped

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Sequence

    from miniagents.promising.core.pieces import AnyBuffer

__all__ = ["Joining", "Reader", "begun", "end_own", "read_once", "replayed", "stop_others"]

P = TypeVar("P")
T = TypeVar("T")


class Reader:
    """A task that reads one stream for a buffer, besides others that do the same.

    Args:
        out: The buffer.
        stream: The stream.
    """

    def __init__(self, out: AnyBuffer, stream: AsyncIterable[Any]) -> None:  # Any: of what `take` takes
        self.stream: Final = stream
        self._out = out
        self._task: asyncio.Task[object] | None = None
        self._is_left = False

    def begin(self, take: Callable[[Any], object], ended: Callable[[], object]) -> None:  # Any: as above
        """Start the task.

        Args:
            take: Called with each piece and error.
            ended: Called at the end of the stream, unless it was left.
        """
        self._out.launch(self._read(take, ended))  # not kept: in a circle nobody would let go of the stream in time

    def leave(self) -> None:
        """Read no further; the stream is no source of the buffer any more."""
        self._is_left = True
        if isinstance(self.stream, Production):
            self._out._let_go_of(self.stream)
        if self._task is not None:  # one that has not begun looks itself: cancelling it would end the buffer
            self._task.cancel()

    async def _read(self, take: Callable[[Any], object], ended: Callable[[], object]) -> None:  # Any: as above
        out = self._out
        producing.set(out)
        if self._is_left:
            return
        self._task = asyncio.current_task()
        try:
            with Catching(out, self._tell):
                async with reading(self.stream, out) as pieces:
                    async for piece in pieces:
                        if out.bounded:
                            await out.room()
                        if out.ended or self._is_left:
                            return
                        take(piece)
                if not self._is_left:
                    ended()
        except asyncio.CancelledError:
            if not self._is_left:
                raise
        if out.ended:
            stop_others(out)

    def _tell(self, error: BaseException) -> None:
        if not (self._is_left and isinstance(error, asyncio.CancelledError)):
            self._out.end_with(error)


def stop_others(out: AnyBuffer) -> None:
    """Cancel the other tasks that work for a buffer, which has ended."""
    for task in out.workers():
        if task is not asyncio.current_task():
            task.cancel()


class Joining:
    """Streams that are read at the same time, and the stream that is made of them.

    The result has all pieces and errors as they come, and ends when all streams have ended. Derived classes do
    otherwise.

    Args:
        name: The name of the result.
        streams: What it is made of.

    Attributes:
        out: What the result has.
        readers: The tasks that read the streams, in their order.
        still_open: How many of the streams have not ended.

    Raises:
        TypeError: Something given is no async iterable.
    """

    def __init__(self, name: str, streams: Sequence[AsyncIterable[object]]) -> None:
        out: PieceBuffer[object] = PieceBuffer(active_context.get(), name)
        self.out: Final = out
        self.readers: Final = [Reader(out, stream) for stream in read_once(name, streams)]
        self.still_open: int = len(self.readers)

    def stream(self) -> Stream[Any]:  # Any: the callers say of what
        """Return the result."""
        self.out.set_work(self._start)
        self.out.belongs_here()
        return made_of([reader.stream for reader in self.readers], self.out)

    def take(self, _place: int, outcome: object) -> None:
        """Look at a piece or an error of the stream at a place."""
        self.out.emit_outcome(outcome)

    def ended(self, _place: int) -> None:
        """Look at the end of the stream at a place."""
        self.still_open -= 1
        if not self.still_open:
            self.out.end()

    async def _start(self) -> None:
        for place, reader in enumerate(self.readers):
            if not self.out.ended:  # eager tasks may have ended it already
                reader.begin(partial(self.take, place), partial(self.ended, place))
        if not self.readers:
            self.out.end()


def read_once(what: str, streams: Sequence[AsyncIterable[T]]) -> list[AsyncIterable[T]]:
    """Return the streams; an iterator that is given twice is read once, and replayed in each of its places.

    Raises:
        TypeError: Something given to `what` is no async iterable.
    """
    check_streams(what, streams)
    if len(set(map(id, streams))) == len(streams):
        return list(streams)
    shared: dict[int, AsyncIterable[T]] = {}
    times = Counter(id(stream) for stream in streams)
    for stream in streams:
        if id(stream) not in shared:
            is_shared = isinstance(stream, AsyncIterator) and times[id(stream)] > 1
            shared[id(stream)] = replayed(stream) if is_shared else stream
    return [shared[id(stream)] for stream in streams]


def replayed(stream: AsyncIterable[T], *, max_ahead: int | None = None) -> Stream[T]:
    """Make a stream of an async iterable that can be read once."""

    def pieces(out: PieceBuffer[T]) -> AsyncIterator[T | Failure]:
        return outcomes_of(stream, out)

    return piped(pieces, name_of(stream), (), max_ahead=max_ahead)


async def begun(
    pieces: AsyncIterator[P | Failure], fn: Callable[[P], AsyncIterable[T]], out: PieceBuffer[T]
) -> AsyncIterator[Stream[T] | Failure]:
    """Give the streams that a function makes of pieces, each of them running; they are sources of a buffer."""

    def begin(piece: P) -> Stream[T]:
        made = fn(piece)
        check_streams("flat_map", (made,))
        ended = [source for source in out._sources or () if source._is_done()]
        if ended:
            out._leave_sources(*ended)
        stream = made.pieces() if isinstance(made, StreamedPromise) else replayed(made, max_ahead=out.max_ahead)
        out._made_of((stream,))
        stream._buffer.start()
        return stream

    async for piece in pieces:
        yield piece if isinstance(piece, Failure) else attempt(out, begin, piece)


def end_own(work: Production, source: AsyncIterable[object] | Promise[object]) -> None:
    """Cancel a source that the work of a production has made itself, unless somebody else uses it."""
    if isinstance(source, Promise):
        work._leave_sources(source)
        if any(part._owner is work for part in source._all_work()) and not source._is_used():
            source.cancel()
