"""The pieces of a stream in one shared list, and the iterators that read them.

Any number of promises may look at one buffer (the whole of each may be made differently), and any number of readers may
read it, each from the first piece. Nothing is copied and nothing is queued: a reader is an index into the list.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable
from typing import TYPE_CHECKING, Any, Final, Generic

from typing_extensions import TypeVar

from miniagents.promising._current import producing
from miniagents.promising._failure import Catching, Failure
from miniagents.promising._production import Production

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Sequence

    from miniagents.promising.context import PromisingContext

__all__ = ["FAIR_SHARE", "PieceBuffer", "PieceIterator", "Replayed", "SliceIterator", "take_turn"]

P = TypeVar("P")
P_co = TypeVar("P_co", covariant=True)

FAIR_SHARE: Final = 256
"""How many pieces that are already there are read in a row before the loop gets a turn."""


class PieceBuffer(Production, Generic[P]):
    """Pieces and failures in the order in which they came, with an end.

    Args:
        context: the context that owns the work, if there is any.
        name: what errors, logs and tasks call this.
        streamer: makes the pieces, once started; without one they come from whoever holds the writing end.
        max_ahead: how many pieces the streamer may be ahead of the furthest reader; None for no bound.
    """

    __slots__ = (
        "_fed",
        "_furthest",
        "_room",
        "at_end",
        "bounded",
        "ended",
        "failure",
        "max_ahead",
        "pieces",
        "starter",
    )

    def __init__(
        self,
        context: PromisingContext | None,
        name: str,
        *,
        streamer: Callable[[], AsyncIterator[P | Failure]] | None = None,
        max_ahead: int | None = None,
    ) -> None:
        super().__init__(context, name)
        self.pieces: list[P | Failure] = []
        self.ended: bool = False
        self.failure: Failure | None = None
        self._fed = streamer is None
        self.at_end: Callable[[], None] | None = None
        self.starter: Callable[[], Coroutine[object, object, None]] | None = (
            None if streamer is None else lambda: self._produce(streamer)
        )
        if streamer is not None:
            self._belongs_here()
        self.max_ahead: int | None = None
        self.bounded: bool = False
        self._furthest = 0.0
        if max_ahead is not None:
            self.bound(max_ahead)
        self._room: asyncio.Future[None] | None = None

    def bound(self, max_ahead: int) -> None:
        """Sets how many pieces the streamer may be ahead of the furthest reader."""
        self.max_ahead = max_ahead
        self.bounded = True

    # --- for producers ---

    def emit(self, piece: P) -> None:
        """Adds a piece."""
        self.pieces.append(piece)
        if self._wakeup is not None:
            self._wake()

    def emit_failure(self, failure: Failure) -> None:
        """Adds an error, at the place where it happened."""
        if self.failure is None:
            self.failure = failure
        self.pieces.append(failure)
        self._wake()

    def emit_outcome(self, outcome: P | Failure) -> None:
        """Adds a piece or an error."""
        if isinstance(outcome, Failure):
            self.emit_failure(outcome)
        else:
            self.emit(outcome)

    def emit_all(self, pieces: Sequence[P]) -> None:
        """Adds pieces that are there at once."""
        self.pieces.extend(pieces)
        self._wake()

    def end(self) -> None:
        """Ends the stream."""
        if not self.ended:
            self.ended = True
            self._finished()
            self._make_room()
            at_end = self.at_end
            if at_end is not None:
                self.at_end = None
                at_end()

    def _give_up(self, error: BaseException) -> None:
        """Ends the stream with an error, unless it has ended."""
        if not self.ended:
            self.emit_failure(self._failure_of(error))
            self.starter = None
            self.end()

    async def room(self) -> None:
        """Waits until the stream may have one more piece: as soon as a reader is near enough to its end."""
        if self.max_ahead is None:
            return
        task = asyncio.current_task()
        while self.is_full() and not self.ended:
            if self._room is None or self._room.done():
                self._room = asyncio.get_running_loop().create_future()
            if task is not None:
                self.context.watch.parked(task)
            try:
                # shielded, as others wait for it too: cancelling one of them must not cancel them all
                await asyncio.shield(self._room)
            finally:
                if task is not None:
                    self.context.watch.parked_no_more(task)

    def is_full(self) -> bool:
        """Whether the stream may have no more pieces before a reader comes nearer."""
        return self.max_ahead is not None and len(self.pieces) - self._furthest >= self.max_ahead

    # --- for readers ---

    def start(self) -> None:
        """Starts the work, if there is any that waits for it."""
        starter = self.starter
        if starter is not None:
            self.starter = None
            self._launch(starter())

    def _when_started(self, then: Callable[[], object]) -> None:
        """Calls something when the work starts; at once where it has started."""
        starter = self.starter
        if starter is None:
            then()
            return

        def start() -> Coroutine[object, object, None]:
            then()
            return starter()

        self.starter = start

    def outcomes(self) -> AsyncIterator[P | Failure]:
        """Reads from the first piece, failures as objects."""
        return OutcomeIterator(self)

    def was_cancelled(self) -> bool:
        """Whether a cancellation ended the stream."""
        last = self.pieces[-1] if self.ended and self.pieces else None
        return isinstance(last, Failure) and last.wished

    def whole_pieces(self) -> list[P]:
        """All pieces of a stream that had no failure."""
        return [piece for piece in self.pieces if not isinstance(piece, Failure)]

    def _is_done(self) -> bool:
        """Whether the stream has ended."""
        return self.ended

    def _is_fed(self) -> bool:
        """Whether any code that holds the writing end can add pieces."""
        return self._fed

    def _is_lazy(self) -> bool:
        """Whether the work waits for a first reader."""
        return self.starter is not None

    def reached(self, position: float) -> None:
        """Notes how far the furthest reader has come (infinity: it wants everything), for streams with a bound."""
        if position > self._furthest:
            self._furthest = position
            self._make_room()

    async def completed(self) -> None:
        """Waits for the end of the stream."""
        self.start()
        self.reached(float("inf"))
        while not self.ended:
            await self._progress()

    # --- machinery ---

    def _make_room(self) -> None:
        room = self._room
        if room is not None and not room.done():
            room.set_result(None)

    async def _produce(self, streamer: Callable[[], AsyncIterator[P | Failure]]) -> None:
        producing.set(self)
        stream: AsyncIterator[P | Failure] | None = None
        is_complete = False
        try:
            with Catching(self):
                await self.room()
                stream = streamer()
                pieces = self.pieces
                async for piece in stream:
                    if self.ended:
                        break
                    if isinstance(piece, Failure):
                        self.emit_failure(piece)
                    else:
                        pieces.append(piece)
                        if self._wakeup is not None:
                            self._wake()
                    if self.bounded:
                        await self.room()
                    if not len(pieces) % FAIR_SHARE:
                        await take_turn()
                is_complete = True
        finally:
            await self._close(stream)
            if is_complete:  # any other end is an error, and has been told
                self.end()

    async def _close(self, stream: AsyncIterator[P | Failure] | None) -> None:
        """Runs the `finally` blocks of a generator that was left half-way."""
        aclose: Any = getattr(stream, "aclose", None)  # Any: only async generators have it
        if aclose is not None:
            with Catching(self):
                await aclose()


class Replayed(AsyncIterable[P_co]):
    """What reads a buffer anew each time it is iterated."""

    __slots__ = ()

    def _outcomes(self) -> AsyncIterator[P_co | Failure]:
        """Reads from the first piece, failures as objects."""
        raise NotImplementedError


class _Reader(Generic[P_co]):
    """A position in a buffer."""

    __slots__ = ("_buffer", "_is_guest", "_pieces", "_position", "_share")

    def __init__(self, buffer: PieceBuffer[P_co]) -> None:
        self._is_guest = not buffer.ended and buffer._guest_came()
        self._buffer = buffer
        self._pieces = buffer.pieces
        self._position = 0
        self._share = FAIR_SHARE

    def __del__(self) -> None:
        self._leave()

    async def _advance(self) -> int:
        """The position of the next piece.

        Raises:
            StopAsyncIteration: the stream has ended.
        """
        position = self._position
        if position >= len(self._pieces) and not await self._more():
            raise StopAsyncIteration
        self._share -= 1
        if not self._share:
            self._share = FAIR_SHARE
            await take_turn()
        self._position = position + 1  # last, so that a reader who is cancelled loses no piece
        if self._buffer.bounded:
            self._buffer.reached(position + 1)
        return position

    async def _more(self) -> bool:
        """Waits for a piece that is not there yet; False at the end of the stream."""
        buffer = self._buffer
        buffer.start()
        if buffer.bounded:
            buffer.reached(self._position + 1)  # what this reader waits for, the producer may make
        while self._position >= len(self._pieces):
            if buffer.ended:
                return False
            try:
                await buffer._progress()
            except BaseException:
                self._leave()  # this object may live on in a traceback
                raise
        self._share = FAIR_SHARE
        return True

    def _leave(self) -> None:
        """A reader counts as one while it is busy with a piece as well, when it waits for nothing."""
        if self._is_guest:
            self._is_guest = False
            self._buffer._guest_left()


class PieceIterator(_Reader[P_co]):
    """Reads a buffer from its first piece; an error is raised where it happened, and reading may go on behind it."""

    __slots__ = ()

    def __aiter__(self) -> PieceIterator[P_co]:
        return self

    async def __anext__(self) -> P_co:
        position = self._position
        # as `_advance` does it: of a piece that is there, half of the cost would be calling that
        if self._share > 1 and not self._buffer.bounded and position < len(self._pieces):
            self._share -= 1
            self._position = position + 1
        else:
            position = await self._advance()
        piece = self._pieces[position]
        if isinstance(piece, Failure):
            piece.reraise()
        return piece


class OutcomeIterator(_Reader[P_co]):
    """Reads a buffer likewise, but gives failures as objects, for what passes them on instead of raising them."""

    __slots__ = ()

    def __aiter__(self) -> OutcomeIterator[P_co]:
        return self

    async def __anext__(self) -> P_co | Failure:
        position = self._position
        if self._share > 1 and not self._buffer.bounded and position < len(self._pieces):
            self._share -= 1
            self._position = position + 1
        else:
            position = await self._advance()
        return self._pieces[position]


class SliceIterator(_Reader[P_co]):
    """Reads a buffer likewise, but gives all that is there at once, up to a fair share, in lists with at least one."""

    __slots__ = ()

    def __aiter__(self) -> SliceIterator[P_co]:
        return self

    async def __anext__(self) -> list[P_co | Failure]:
        if self._position >= len(self._pieces) and not await self._more():
            raise StopAsyncIteration
        ready = self._pieces[self._position : self._position + FAIR_SHARE]
        if len(ready) == FAIR_SHARE:
            await take_turn()
        self._position += len(ready)  # last, so that a reader who is cancelled loses no piece
        if self._buffer.bounded:
            self._buffer.reached(self._position)
        return ready


async def take_turn() -> None:
    """Lets everything else that is ready run once."""
    await asyncio.sleep(0)
