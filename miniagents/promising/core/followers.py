"""Work that goes on whenever a buffer has something new, in a callback of the loop instead of a task.

A task that only passes pieces on has a coroutine, a stack and a step of the loop for each burst of pieces. A follower
has none of them, and one callback of the loop serves all followers that have something to do. Everything else is as for
a task: the context waits for it, cancelling its production ends it, and the watch finds circles that it is a part of.

| state   | event                                  | then                                                   |
|---------|----------------------------------------|--------------------------------------------------------|
| new     | `launch`                               | `_go_on`: waiting, due, or done                        |
| due     | the callback of the loop               | the same                                               |
| due     | `cancel`                               | done                                                   |
| waiting | the buffer wakes those who wait for it | due                                                    |
| waiting | the watch finds a circle               | due; then the production ends with the error, and done |
| waiting | `cancel`                               | done                                                   |
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any, Final, Protocol

from miniagents.promising.core.failure import mark_as_read
from miniagents.promising.errors import ContextStateError, PromiseCancelledError

if TYPE_CHECKING:
    from miniagents.promising.core.pieces import AnyBuffer
    from miniagents.promising.core.watch import Watch

__all__ = ["FOLLOWED", "Follower", "Rounds", "Watcher"]

_ROUND: Final = 2048
"""How many pieces the followers pass on in one callback, before the loop gets a turn."""
_STEP: Final = 8
"""A step takes as long as this many pieces, besides those that it passes on."""


class Watcher(Protocol):
    """Something that a buffer tells of each change."""

    def woken(self) -> None:
        """Note that something has changed; called in the midst of the work of whoever changed it."""


class Follower(asyncio.Future[None]):
    """A worker of a production that waits for one buffer at a time.

    Args:
        out: The buffer that this works for.

    Attributes:
        is_due: Whether it has something to do.
    """

    __slots__ = ("_awaited", "_out", "_rounds", "_variables", "_watch", "is_due")

    def __init__(self, out: AnyBuffer) -> None:
        context = out._context or out.context
        watch: Watch = context._watch or context.watch
        super().__init__(loop=watch.loop)
        self._out = out
        self._watch = watch
        self._rounds = watch.rounds
        self._variables: Context = copy_context() if out._birth is None else out._birth.copy()
        self._awaited: AnyBuffer | None = None
        self.is_due: bool = False

    def launch(self) -> None:
        """Begin to work.

        If the context has ended, the production ends with an error instead.
        """
        out = self._out
        if out._birth is None:
            out.adopt()
        else:
            self._variables.run(out.adopt)
        try:
            (out._context or out.context).own(self, out._name, out)
        except ContextStateError as error:
            out.give_up(error)
            mark_as_read(error)
            return
        out._works(self)
        self.step()

    def cancel(self, msg: Any | None = None) -> bool:  # Any: as in asyncio
        """End, and the production with an error, unless this has ended."""
        if self.done():
            return False
        out = self._out
        out.give_up(PromiseCancelledError(f"{out._origin()} was cancelled"))
        self._leave()
        super().cancel(msg)
        out._task_ended(self)
        return True

    def woken(self) -> None:
        """Go on at the next turn of the loop."""
        if not self.is_due:
            self.is_due = True
            rounds = self._rounds
            rounds.due.append(self)
            if not rounds.is_called:
                rounds.call()

    def step(self) -> None:
        """Go on."""
        self.is_due = False
        if self.done():
            return
        ended_by: BaseException | None = self._watch.circle_of(self) if self._watch._deadlocks else None
        try:
            if ended_by is None:
                self._go_on()
        except BaseException as error:  # noqa: BLE001 - readers of the production are told, as by a task
            ended_by = error
        if ended_by is not None:
            self._out.end_with(ended_by)
            self._finish()

    # --- what the kinds of followers fill in ---

    def _go_on(self) -> None:
        """Do what can be done now; then call `_wait_for`, `woken` if there is more to do, or `_finish`."""
        raise NotImplementedError

    # --- for them ---

    def _wait_for(self, buffer: AnyBuffer) -> None:
        """Wait for any change of a buffer, until `_leave`; a circle that this closes ends the production."""
        self._awaited = buffer
        buffer.follow(self)
        self._watch.waits(self, buffer)

    def _leave(self) -> None:
        """Wait for nothing any more."""
        awaited = self._awaited
        if awaited is not None:
            self._awaited = None
            if awaited._followers is not None:
                awaited._followers.remove(self)
            del self._watch._waits[self]
            if self._watch._deadlocks:
                self._watch.circle_of(self)

    def _finish(self) -> None:
        if not self.done():  # what it did may have cancelled it
            self._leave()
            self.set_result(None)
            self._out._task_ended(self)


class _Followed(asyncio.Future[None]):
    """Stands in a buffer where the future of waiting readers would be, so that producers wake followers."""

    def __init__(self) -> None:  # not initialised: it belongs to no loop, and is asked for nothing else
        pass

    def done(self) -> bool:
        """Return that nobody waits for this."""
        return True


FOLLOWED: Final = _Followed()
"""The one object of its class."""


class Rounds:
    """The followers of a loop that are due.

    Attributes:
        due: The followers, in the order in which they go on.
        is_called: Whether the loop will call them.
        left: How many more pieces they may pass on in this turn of the loop; a step may go beyond that.
    """

    __slots__ = ("_loop", "_variables", "due", "is_called", "left")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._variables = Context()  # not those of whoever wakes the first follower; followers have their own
        self.due: deque[Follower] = deque()
        self.is_called: bool = False
        self.left: int = 0

    def call(self) -> None:
        """Have the followers go on at the next turn of the loop."""
        self.is_called = True
        self._loop.call_soon(self._go_round, context=self._variables)

    def _go_round(self) -> None:
        due = self.due
        self.left = _ROUND
        try:
            # A step may wake the next follower: pieces pass many levels at once, without a stack.
            while due and self.left > 0:
                self.left -= _STEP
                due.popleft().step()
        finally:
            self.is_called = False
            if due:
                self.call()
