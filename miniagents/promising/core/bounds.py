"""Bounds: how far a stream may be ahead of its readers.

The furthest reader counts. So readers who are late hold nobody up, and a reader who waits always gets the next piece. A
stream that has no bound of its own takes over the narrowest one of what it is made of, also when that gets one later.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from miniagents.promising.core.followers import FOLLOWED
from miniagents.promising.core.working import Working

if TYPE_CHECKING:
    from collections.abc import Callable

    from miniagents.promising.core.followers import Watcher

__all__ = ["Bounded", "bound_of"]


class Bounded(Working):
    """A production of pieces that may have a bound; `PieceBuffer` is the only kind.

    Attributes:
        pieces: The pieces so far.
        ended: Whether no more will come.
        max_ahead: How many pieces there may be behind the furthest reader; None for no bound.
        bounded: Whether there is a bound, which is faster to ask.
        has_own_bound: Whether the bound was given to this stream, and not taken over from what it is made of.
    """

    __slots__ = ("_followers", "_furthest", "_room", "bounded", "ended", "has_own_bound", "max_ahead", "pieces")

    may_go_unread: ClassVar[bool] = False
    """Whether the work is of use to others than readers, and has to be done even if nobody ever reads."""

    # set by the derived class, as those of `Working` are
    pieces: list[Any]  # Any: pieces of any type are counted here
    ended: bool
    max_ahead: int | None
    bounded: bool
    has_own_bound: bool
    _furthest: float
    _room: asyncio.Future[None] | None
    _followers: list[Watcher] | None

    def bound(self, max_ahead: int) -> None:
        """Set how many pieces the streamer may be ahead of the furthest reader, from now on.

        What is made of this takes the bound over.
        """
        self._keep_to(max_ahead)
        results = [*self._results] if self._results else []
        while results:  # not by calls: a stream may be made of hundreds of others, one of the other
            result = results.pop()
            if isinstance(result, Bounded) and result._takes_over(max_ahead):
                result._keep_to(max_ahead)
                results.extend(result._results or ())

    def take_over_bound(self, max_ahead: int | None) -> None:
        """Take over the bound of something that this is made of, unless this has its own, or a narrower one."""
        if max_ahead is not None and self._takes_over(max_ahead):
            self.bound(max_ahead)

    # --- for producers ---

    async def room(self, under_way: Callable[[], int] | None = None) -> None:
        """Wait until the stream may have one more piece: as soon as a reader is near enough to its end.

        Args:
            under_way: Counts the pieces that will come without any more work of the task that calls this. A task that
                gives it has more to do than making pieces: see the states of a context.
        """
        task = self.context.running_task() if self.bounded else None
        while self.is_full(0 if under_way is None else under_way()) and not self.ended:
            if task is not None:
                self.context.watch.parked(task, self, does_more=under_way is not None)
            try:
                # Several tasks of one producer may wait here. Without the shield, cancelling one of them would
                # cancel the future, and with it the wait of all others.
                await asyncio.shield(self.next_room())
            finally:
                if task is not None:
                    self.context.watch.parked_no_more(task)

    def next_room(self) -> asyncio.Future[None]:
        """Return a future that is done when there may be room."""
        if self._room is None or self._room.done():
            self._room = asyncio.get_running_loop().create_future()
        return self._room

    def waits_for_room(self) -> bool:
        """Return whether there has been no room since somebody began to wait for it."""
        return self._room is not None and not self._room.done()

    def make_room(self) -> None:
        """Have those who wait for room look again."""
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    def is_full(self, under_way: int = 0) -> bool:
        """Return whether the stream may have no more pieces before a reader comes nearer.

        Args:
            under_way: How many pieces will come in any case.
        """
        return self.max_ahead is not None and len(self.pieces) + under_way - self._furthest >= self.max_ahead

    def vacancies(self, most: int) -> int:
        """Return how many pieces may come before a reader comes nearer, at most so many."""
        if self.max_ahead is None:
            return most
        return int(min(most, max(0, self.max_ahead + self._furthest - len(self.pieces))))

    # --- for readers ---

    def reached(self, position: float) -> None:
        """Note how far the furthest reader has come (infinity: it wants everything), for streams with a bound."""
        if position > self._furthest:
            self._furthest = position
            self.make_room()

    def unread(self) -> int:
        """Return how many pieces the furthest reader has still to come to."""
        if self.ended or self._furthest >= len(self.pieces):
            return 0
        return len(self.pieces) - int(self._furthest)

    def is_unread(self) -> bool:
        """Return whether nobody has begun to read this, as far as bounded streams know."""
        return not self._furthest

    # --- machinery ---

    def _takes_over(self, max_ahead: int) -> bool:
        """Return whether the bound of a source narrows that of this."""
        return not self.has_own_bound and (self.max_ahead is None or max_ahead < self.max_ahead)

    def _keep_to(self, max_ahead: int) -> None:
        self.max_ahead = max_ahead
        self.bounded = True
        wakeup = self._wakeup
        if wakeup is not None and wakeup is not FOLLOWED and not wakeup.done():
            # Readers of a stream without a bound do not say how far they are, but those who wait have read everything.
            self._furthest = max(self._furthest, len(self.pieces) + 1)
        for follower in self._followers or ():
            follower.woken()


class _MayBeBound(Protocol):
    """A stream; the module of streams imports this one."""

    def _bound_to_readers(self) -> int | None: ...


def bound_of(stream: _MayBeBound) -> int | None:
    """Return how many pieces a stream may be ahead of its furthest reader; None without a bound, or after its end."""
    return stream._bound_to_readers()
