"""The pieces of a stream in one shared list, and the iterators that read them.

Any number of promises may look at one buffer (the whole of each may be made differently), and any number of readers may
read it, each from the first piece. Nothing is copied and nothing is queued: a reader is an index into the list.

A buffer:

| state                  | event                                    | then                                           |
|------------------------|------------------------------------------|------------------------------------------------|
| lazy: work not started | `start`: a reader waits, or it is eager  | open; the work is launched                     |
| lazy                   | `give_up`, `cancel`                      | ended by the error; the work never starts      |
| open                   | `emit…`                                  | readers are woken; full, if there is a bound   |
|                        |                                          | and as many pieces are unread                  |
| open                   | `end`, `give_up`, `cancel`               | ended                                          |
| full                   | `reached`: a reader came nearer          | open; whoever waits in `room` goes on          |
| open, full             | `bound`: a source has a narrower bound   | the results of this have it too                |
| full                   | `end`, `give_up`, `cancel`               | ended; whoever waits in `room` goes on         |
| ended                  | `end`, `give_up`, `cancel`               | nothing                                        |

A full buffer refuses nothing. It is up to producers to wait in `room`. Nothing is written past the end: `emit…` drops
what comes then, and code that appends to `pieces` itself looks at `ended` behind each call of a given function.

A reader counts as a guest of the production, so that `cancel` spares what somebody reads:

| `_is_guest` | event                                            | then                                    |
|-------------|--------------------------------------------------|-----------------------------------------|
|             | it is made while the buffer is open              | True; False for the work of a result    |
|             | it is made when the buffer has ended             | False: there is nothing left to cancel  |
| True        | cancelled in a wait, deadlock, dropped           | None, and no longer counted             |
| False       | cancelled in a wait, deadlock, dropped           | None                                    |
| None        | it waits for a piece again                       | True; False for the work of a result    |
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, Self, TypeAlias

from typing_extensions import TypeVar

from miniagents.promising.core.bounds import Bounded
from miniagents.promising.core.current import producing
from miniagents.promising.core.failure import Catching, Failure
from miniagents.promising.core.followers import FOLLOWED
from miniagents.promising.core.production import Production
from miniagents.promising.core.working import Working
from miniagents.promising.promise import UNHELD

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence

    from miniagents.promising.context import PromisingContext
    from miniagents.promising.core.current import Worker
    from miniagents.promising.core.followers import Watcher
    from miniagents.promising.promise import Promise

__all__ = ["FAIR_SHARE", "AnyBuffer", "PieceBuffer", "PieceIterator", "Replayed", "SliceIterator", "take_turn"]

P = TypeVar("P")
P_co = TypeVar("P_co", covariant=True)


FAIR_SHARE: Final = 256
"""How many pieces that are already there are read in a row before the loop gets a turn."""


class PieceBuffer(Bounded, Generic[P]):
    """Pieces and failures in the order in which they came, with an end.

    Args:
        context: The context that owns the work, if there is any.
        name: The name for errors, logs and tasks.
        streamer: Makes the pieces, once started. Without one they come from `set_work`, or from the holder of the
            writing end.
        max_ahead: How many pieces the streamer may be ahead of the furthest reader; None for no bound.

    Attributes:
        pieces: The pieces and failures so far. Only the work of the buffer appends to it, and calls `wake` then.
        ended: Whether no more pieces will come. Only the methods here set this and what follows.
        failure: The first failure among the pieces.
    """

    __slots__ = (
        "_at_end",
        "_fed",
        "_is_read",
        "_more_tasks",
        "_work",
        "failure",
    )

    counts_readers: ClassVar[bool] = False
    """Whether something depends on how many readers wait; followers are no such readers."""

    def __init__(
        self,
        context: PromisingContext | None,
        name: str,
        streamer: Callable[[], AsyncIterator[P | Failure]] | None = None,
        max_ahead: int | None = None,
    ) -> None:
        self._context = context
        self._name = name
        self._birth = self._owner = self._task = self._more_tasks = self._started = self._sources = None
        self._results = self._wakeup = self._left = self._letting_go = None
        self._guests = 0
        self.pieces: list[P | Failure] = []
        self.ended: bool = False
        self.failure: Failure | None = None
        self._fed = streamer is None
        self._is_read = False  # one by one: only `MessageBuffer` asks that
        self._at_end: Callable[[], None] | None = None
        self._work: Callable[[], Coroutine[object, object, None]] | None = None
        if streamer is not None:
            self._work = lambda: self._produce(streamer)
            self._belongs_here()
        self._room: asyncio.Future[None] | None = None
        self._followers: list[Watcher] | None = None
        self.max_ahead: int | None = max_ahead
        self.bounded: bool = max_ahead is not None
        self.has_own_bound: bool = self.bounded
        self._furthest = 0.0

    def set_work(self, work: Callable[[], Coroutine[object, object, None]], *, is_only_writer: bool = False) -> None:
        """Have an async function make the pieces; it is called when somebody starts the work.

        Args:
            work: Puts the pieces in and ends the stream.
            is_only_writer: Whether nothing but the work ever puts pieces in. If so, the watch over deadlocks expects
                nothing from other tasks.
        """
        self._work = work
        if is_only_writer:
            self._fed = False

    def fill(self, pieces: Iterable[P]) -> None:
        """Put in all pieces that the stream will ever have; for a buffer that nobody has seen yet."""
        self.pieces.extend(pieces)
        self.ended = True

    # --- for producers ---

    def emit(self, piece: P) -> None:
        """Add a piece, unless the stream has ended."""
        if self.ended:
            return
        self.pieces.append(piece)
        if self._wakeup is not None:
            self._wake()

    def emit_failure(self, failure: Failure) -> None:
        """Add an error, at the place where it happened, unless the stream has ended."""
        if self.ended:
            return
        if self.failure is None:
            self.failure = failure
        self.pieces.append(failure)
        self._wake()

    def emit_outcome(self, outcome: P | Failure) -> None:
        """Add a piece or an error."""
        if isinstance(outcome, Failure):
            self.emit_failure(outcome)
        else:
            self.emit(outcome)

    def emit_all(self, pieces: Sequence[P]) -> None:
        """Add pieces that are there at once, unless the stream has ended."""
        if self.ended:
            return
        self.pieces.extend(pieces)
        self._wake()

    def end(self) -> None:
        """End the stream."""
        if not self.ended:
            self.ended = True
            self.has_ended()

    def has_ended(self) -> None:
        """Tell everybody of the end; doing that again changes nothing."""
        self._finished()
        self._followers = None  # they were woken for the last time, and would keep this in circles of references
        if self._room is not None:
            self.make_room()
        at_end, self._at_end = self._at_end, None
        if at_end is not None:
            at_end()

    def _give_up(self, error: BaseException) -> None:
        """End the stream with an error, unless it has ended."""
        if not self.ended:
            self.emit_failure(self._failure_of(error))
            self._work = None
            self.end()

    # What all work has, under public names: users see promises, never a buffer.
    adopt: Final = Working._adopt
    belongs_here: Final = Working._belongs_here
    end_with: Final = Working._end_with
    failure_of: Final = Working._failure_of
    give_up: Final = _give_up
    launch: Final = Working._launch
    launch_here: Final = Working._launch_here
    taken_over: Final = Working._taken_over
    workers: Final = Working._workers

    def _wake(self) -> None:
        wakeup = self._wakeup
        if wakeup is not None:
            self._wakeup = None
            if wakeup is not FOLLOWED and not wakeup.done():
                wakeup.set_result(None)
            if self._followers:
                self._wakeup = FOLLOWED
                for follower in self._followers:
                    follower.woken()

    wake: Final = _wake

    def _works(self, task: Worker) -> None:
        """Note that a task works for this, perhaps besides others."""
        if self._task is None:
            self._task = task
        else:
            self._more_tasks = self._more_tasks or {}
            self._more_tasks[task] = None

    # --- for readers ---

    def follow(self, follower: Watcher) -> None:
        """Wake a follower whenever something has changed."""
        self._wakeup = self._wakeup or FOLLOWED
        self._followers = [*(self._followers or ()), follower]

    def unfollow(self, follower: Watcher) -> None:
        """Wake the follower no more."""
        if self._followers is not None:
            self._followers.remove(follower)

    def readable(self) -> list[P | Failure]:
        """Return the pieces for somebody who looks at them one by one; call this before reading one by one."""
        return self.pieces

    def start(self, *, at_end: Callable[[], None] | None = None) -> None:
        """Start the work, if there is any that waits for it.

        Args:
            at_end: Called when the stream has ended.
        """
        if at_end is not None:
            self._at_end = at_end  # first: if tasks are eager, the work may be at its end at once
        work = self._work
        if work is not None:
            self._work = None
            self._launch(work())

    def _when_started(self, then: Callable[[], object]) -> None:
        """Call something when the work starts, at once if it has already started."""
        work = self._work
        if work is None:
            then()
            return

        def start() -> Coroutine[object, object, None]:
            then()
            return work()

        self._work = start

    def _guest_left(self) -> None:
        """Stop counting a reader."""
        self._guests -= 1
        if self._letting_go is not None and not self._guests:
            self._letting_go.look_soon()

    def outcomes(self) -> OutcomeIterator[P]:
        """Read from the first piece, failures as objects."""
        return OutcomeIterator(self)

    def was_cancelled(self) -> bool:
        """Return whether a cancellation ended the stream."""
        last = self.pieces[-1] if self.ended and self.pieces else None
        return isinstance(last, Failure) and last.wished

    _was_cancelled: Final = was_cancelled

    def _is_used(self) -> bool:
        """Return whether anybody reads this or a promise among the pieces, or something is made of one of them."""
        return super()._is_used() or any(promise._is_used_besides(self) for _, promise in self._promises())

    def _given_out(self) -> Iterable[Promise[object]]:
        """Forget the promises among the pieces that are still to come, and return them; others take their places."""
        pieces: list[Any] = self.pieces  # Any: as for `_promises`
        given_out: list[Promise[object]] = []
        for place, promise in self._promises():
            if promise._held_by() is not UNHELD:
                given_out.append(promise)
                pieces[place] = promise._without_holder()
        return given_out

    def _promises(self) -> list[tuple[int, Promise[Any]]]:  # Any: nothing of them is looked at
        """Return the promises among the pieces that are still to come, with their places."""
        pieces: list[Any] = self.pieces  # Any: pieces of any type
        if not any(issubclass(kind, Production) for kind in set(map(type, pieces))):
            return []
        promised = [(place, piece) for place, piece in enumerate(pieces) if issubclass(type(piece), Production)]
        return [(place, piece) for place, piece in promised if not piece._is_done()]

    def whole_pieces(self) -> tuple[P, ...]:
        """Return all pieces of a stream that had no failure."""
        pieces: list[Any] = self.readable()  # Any: there are no failures among them
        return tuple(pieces)

    def _is_done(self) -> bool:
        """Return whether the stream has ended."""
        return self.ended

    def _is_fed(self) -> bool:
        """Return whether code that holds the writing end can add pieces."""
        return self._fed

    def _is_lazy(self) -> bool:
        """Return whether the work waits for a first reader."""
        return self._work is not None

    async def completed(self) -> None:
        """Wait for the end of the stream."""
        self.start()
        self.reached(float("inf"))
        await self._until_done()

    # --- machinery ---

    async def _produce(self, streamer: Callable[[], AsyncIterator[P | Failure]]) -> None:
        producing.set(self)
        stream: AsyncIterator[P | Failure] | None = None
        pieces = self.pieces
        is_complete = False
        try:
            with Catching(self):
                stream = streamer()
                async for piece in stream:
                    if self.ended:
                        break
                    if type(piece) is Failure:
                        self.emit_failure(piece)
                    else:  # as `emit` does: calling it would double the cost of a piece
                        pieces.append(piece)
                        if self._wakeup is not None:
                            self._wake()
                    if self.bounded:
                        await self.room()
                    if not len(pieces) % FAIR_SHARE:  # the streamer may never wait for anything
                        await take_turn()
                is_complete = True
        finally:
            await self._close(stream)
            if is_complete:  # any other end is an error, which the readers have by now
                self.end()
            del self, streamer, stream, pieces  # see `core.failure`

    async def _close(self, stream: AsyncIterator[P | Failure] | None) -> None:
        """Run the `finally` blocks of a generator that was left half-way."""
        aclose: Any = getattr(stream, "aclose", None)  # Any: only async generators have it
        if aclose is not None:
            with Catching(self):
                await aclose()


AnyBuffer: TypeAlias = PieceBuffer[Any]  # Any: a buffer takes pieces and gives them, so no type stands for all of them
"""A buffer whose pieces are not looked at."""


class Replayed(AsyncIterable[P_co]):
    """An object that can be iterated any number of times, from the first piece each time."""

    __slots__ = ()

    def _outcomes(self) -> OutcomeIterator[P_co]:
        """Read from the first piece, failures as objects."""
        raise NotImplementedError


class _Reader(Generic[P_co]):
    """A position in a buffer.

    Ready pieces are taken in slices. Each of them then costs one step of a list iterator, half of what looking at the
    buffer again would take.
    """

    __slots__ = ("_buffer", "_is_guest", "_position", "_ready", "_share")

    makes_readable: ClassVar[bool] = True

    def __init__(self, buffer: PieceBuffer[P_co]) -> None:
        if self.makes_readable:
            buffer.readable()
        self._is_guest: bool | None = not buffer.ended and buffer._guest_came()
        self._buffer = buffer
        self._position = 0  # in the buffer, behind what is in the slice
        self._ready: Iterator[P_co | Failure] = _NOTHING
        self._share = FAIR_SHARE

    def __del__(self) -> None:
        self._leave()

    async def _next(self) -> P_co | Failure:
        """Return the next piece once the slice is used up; ready pieces behind it become the next slice.

        Raises:
            StopAsyncIteration: The stream has ended.
        """
        buffer = self._buffer
        pieces = buffer.pieces
        position = self._position
        if position >= len(pieces):
            if buffer._work is not None or buffer.bounded or self._is_guest is None:
                self._arrive()
            while position >= len(pieces):
                if buffer.ended:
                    raise StopAsyncIteration
                task, wakeup, watch = buffer._begin_wait()
                try:  # as `_progress` does: calling it would cost as much as all the rest
                    if position >= len(pieces):  # another thread may have appended before this began to wait
                        await wakeup
                except asyncio.CancelledError:
                    if task.cancelling():
                        self._leave()  # not by `__del__`: a traceback may keep this object alive
                        raise
                finally:
                    deadlock = buffer._end_wait(task, watch)  # which kinds of buffers override
                    del task  # as `_progress` does it
                if deadlock is not None:
                    self._leave()
                    raise deadlock
            self._share = FAIR_SHARE
        elif self._share <= 0:
            await take_turn()
            self._share = FAIR_SHARE
        # Nothing below awaits. A cancellation can only come before this, so that it loses no piece.
        if buffer.bounded:
            buffer.reached(position + 1)
        elif len(pieces) - position > 1:
            taken = pieces[position : position + self._share]
            self._position += len(taken)
            self._share -= len(taken)
            self._ready = ready = iter(taken)
            return next(ready)
        self._position += 1
        self._share -= 1
        return pieces[position]

    def _arrive(self) -> None:
        """Note that this waits for a piece that is not there yet."""
        buffer = self._buffer
        if buffer._work is not None:
            buffer.start()
        if buffer.bounded:
            buffer.reached(self._position + 1)  # the producer may make the piece that this reader waits for
        if self._is_guest is None:
            self._is_guest = buffer._guest_came()

    async def next_slice(self) -> list[P_co | Failure] | None:
        """Return all pieces that are ready, but at least one; None if the stream has ended."""
        taken = [*self._ready]  # a derived class may have put some back
        if taken:
            return taken
        try:
            taken.append(await self._next())
        except StopAsyncIteration:
            return None
        taken.extend(self._ready)
        return taken

    def _leave(self) -> None:
        """Stop counting as a reader.

        Until then a reader counts even while it waits for nothing, because it is busy with a piece.
        """
        if self._is_guest:
            self._buffer._guest_left()
        self._is_guest = None


_NOTHING: Final[Iterator[Any]] = iter(())  # Any: there is nothing in it


class PieceIterator(_Reader[P_co]):
    """A reader that is raised an error where it happened, and can then read further."""

    __slots__ = ()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> P_co:
        for piece in self._ready:  # noqa: B007  # the next one that is ready, if there is any
            break
        else:
            piece = await self._next()
        if type(piece) is not Failure:  # isinstance() takes three times as long to say so
            return piece
        try:
            piece.reraise()
        finally:
            piece.leave_traceback()


class OutcomeIterator(_Reader[P_co]):
    """A reader that gets failures as objects, for code that passes them on instead of raising them."""

    __slots__ = ()

    def skip(self, count: int) -> None:
        """Begin behind so many pieces, which are there."""
        self._position = count

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> P_co | Failure:
        for piece in self._ready:
            return piece
        return await self._next()


class SliceIterator(_Reader[P_co]):
    """A reader that gets lists of all ready pieces and failures, at least one and at most a fair share."""

    __slots__ = ()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> list[P_co | Failure]:
        taken = await self.next_slice()
        if taken is None:
            raise StopAsyncIteration
        return taken


async def take_turn() -> None:
    """Let everything else that is ready run once."""
    await asyncio.sleep(0)
