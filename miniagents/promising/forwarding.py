"""Parts of a flat stream that are still to come, on their way into it.

The pieces of streams of the library are passed on by a `Follower`. Only what has to be read by a coroutine, such as an
async generator, needs a task; it then passes on all that is behind it, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic

from typing_extensions import TypeVar

from miniagents.promising.core.failure import Catching, Failure
from miniagents.promising.core.followers import Follower
from miniagents.promising.core.pieces import FAIR_SHARE, AnyBuffer, OutcomeIterator, take_turn
from miniagents.promising.flattening import Pending, is_stream
from miniagents.promising.stream import StreamedPromise

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import AsyncIterator

    from miniagents.promising.flattening import AnyPart, Flattening

__all__ = ["Forwarding"]

P = TypeVar("P")


_READ_AS_IT_IS: Final[object] = StreamedPromise.__dict__["_outcomes"]
"""The method of streams whose pieces are those of their buffer, one by one."""


class Forwarding(Follower):
    """Passes parts on, one behind the other.

    Args:
        flat: The writing end of the stream that they go to.
        queue: The parts; others may be added behind them until the last one has been passed on.
    """

    __slots__ = ("_flat", "_is_guest", "_pieces", "_position", "_queue", "_source", "_stream")

    def __init__(self, flat: Flattening[Any], queue: deque[AnyPart]) -> None:  # Any: no piece is looked at here
        Follower.__init__(self, flat._buffer)  # `super()` takes longer than what is called
        self._flat = flat
        self._queue = queue
        self._source: AnyBuffer | None = None
        # what follows is set while there is a source
        self._stream: StreamedPromise[Any, Any]  # Any: as above
        self._pieces: list[Any]  # Any: as above
        self._position: int
        self._is_guest = False

    def _go_on(self) -> None:
        out, queue = self._out, self._queue
        left = FAIR_SHARE
        if out.bounded:
            self._watch.parked_no_more(self)
        while not out.ended:
            source = self._source
            if source is not None:
                if source.bounded:
                    out.take_over_bound(source.max_ahead)
                if source.ended and self._position == len(self._pieces):
                    self._leave()
                    continue
            elif not queue:
                break
            if out.bounded and out.is_full():
                self._park()
                return
            if source is None:
                part = queue.popleft()
                if type(part) is not Pending:
                    out.emit_outcome(part)
                    left -= 1
                elif not self._begin(part):
                    queue.appendleft(part)
                    self._variables.run(out.launch, _forward_all(self._flat, queue))
                    self._finish()
                    return
                elif out.bounded:
                    out.make_room()  # what was put in behind it is nearer now
            else:
                pieces = self._pieces
                if self._position < len(pieces):
                    count = out.vacancies(left) if out.bounded else left
                    taken = pieces[self._position : self._position + count]
                    left -= len(taken)
                    self._rounds.left -= len(taken)
                    try:
                        adapted = self._flat._adapt_all(taken, set(map(type, taken)))
                    except TypeError:  # one of them is wrong: an error takes its place
                        adapted = None
                    if adapted is None:
                        self._variables.run(self._pass_on_each, taken)
                    else:
                        self._position += len(taken)
                        out.emit_all(adapted)
                if source.bounded:
                    source.reached(self._position)
                has_all = self._source is not None and self._position == len(pieces)
                if has_all and source.ended:
                    self._leave()
                elif has_all and not (out.bounded and out.is_full()):
                    if source.bounded:
                        source.reached(self._position + 1)
                    if self._awaited is None:
                        self._wait_for(source)
                        if self._position < len(pieces):  # another thread appended before this began to wait
                            self.woken()
                    return
            if left <= 0:
                self.woken()
                return
        self._flat._forwarded(queue)
        self._finish()

    def _begin(self, part: Pending) -> bool:
        """Begin to read a stream; return whether this could, because only a coroutine can read some."""
        if getattr(type(part.stream), "_outcomes", None) is not _READ_AS_IT_IS:
            return False
        stream: Any = part.stream  # Any: it is a StreamedPromise of pieces that are not looked at here
        source: AnyBuffer = stream._buffer
        context = source._context
        if source.counts_readers or (context is not None and context._watch is not self._watch):
            return False
        self._source = source
        self._pieces = self._flat._pieces_of(source)
        self._position = part.position
        self._stream = stream
        if not source.ended:
            self._is_guest = self._variables.run(source._guest_came)
        if source._work is not None:
            self._variables.run(source.start)
        return True

    def _park(self) -> None:
        """Go on when there is room in the result."""
        if self._awaited is not None:
            super()._leave()
        self._watch.parked(self, self._out)
        self._out.next_room().add_done_callback(lambda _: self.woken())

    def _pass_on_each(self, pieces: list[Any]) -> None:  # Any: as above
        """Put in pieces one by one; if one has to be taken apart, its parts and the rest of the stream come next."""
        for piece in pieces:
            parts = self._flat._parts_of(piece)
            self._position += 1
            if self._out.ended:  # looking at the piece has cancelled the stream
                return
            if len(parts) != 1 or isinstance(parts[0], Pending):
                self._queue.appendleft(Pending(self._stream, self._position))
                self._queue.extendleft(reversed(parts))
                self._leave()
                return
            self._out.emit_outcome(parts[0])

    def _leave(self) -> None:
        if self._out.bounded:
            self._watch.parked_no_more(self)
        if self._awaited is not None:
            Follower._leave(self)
        if self._is_guest and self._source is not None:
            self._source._guest_left()
            self._is_guest = False
        self._source = None


async def _forward_all(flat: Flattening[Any], queue: deque[AnyPart]) -> None:  # Any: as above
    """Pass on the parts in a queue, in order, in a task."""
    out = flat._buffer
    with Catching(out):  # the stream must not look complete when it is not
        pieces = out.pieces
        since_turn = len(pieces)
        while queue and not out.ended:
            if out.bounded:
                await out.room()
            part = queue.popleft()
            if isinstance(part, Pending):
                out.make_room()  # what was put in behind it is nearer now
                await _forward(flat, part)
            else:
                out.emit_outcome(part)
            if len(pieces) - since_turn >= FAIR_SHARE:
                since_turn = len(pieces)
                await take_turn()
        flat._forwarded(queue)


async def _forward(flat: Flattening[P], pending: Pending) -> None:
    """Pass on the parts of an item that is still to come, as deep as they are nested."""
    from miniagents.promising.core.foreign import ForeignOutcomes  # noqa: PLC0415  # a first agent does without

    out = flat._buffer
    levels: list[_Parts[P] | AsyncIterator[object]] = [_Parts([pending])]
    try:
        while levels and not out.ended:
            level = levels[-1]
            if isinstance(level, _Parts) and not level.left:
                levels.pop()
                continue
            if out.bounded:
                await out.room()
            if isinstance(level, _Parts):
                part = level.left.pop()
                if isinstance(part, Pending):
                    stream = part.stream
                    if not part.position and _is_short(stream):
                        levels.append(_Parts(flat._parts_of(stream)))  # it has ended since it was put in
                    else:
                        if is_stream(stream):
                            out.take_over_bound(stream._bound_to_readers())
                        outcomes = flat._outcomes_of(stream)
                        if isinstance(outcomes, OutcomeIterator):
                            outcomes.skip(part.position)
                        levels.append(outcomes)
                else:
                    out.emit_outcome(part)
                continue
            try:
                item = await anext(level)
            except StopAsyncIteration:
                levels.pop()
            else:
                parts = flat._parts_of(item)
                if len(parts) == 1 and not isinstance(parts[0], Pending) and not out.ended:
                    out.emit_outcome(parts[0])
                else:
                    levels.append(_Parts(parts))
    finally:
        for level in reversed(levels):
            if isinstance(level, ForeignOutcomes):
                await level.aclose()


class _Parts(Generic[P]):
    """The parts of an item that are still to be emitted; the last is the next."""

    __slots__ = ("left",)

    def __init__(self, parts: list[P | Failure | Pending]) -> None:
        parts.reverse()
        self.left = parts


def _is_short(stream: object) -> bool:
    """Return whether a stream has ended with pieces so few that one turn of the loop is enough for them."""
    return is_stream(stream) and stream._buffer.ended and len(stream._buffer.pieces) <= FAIR_SHARE
