"""Work that goes on whenever a buffer has something new, in a callback of the loop instead of a task.

A task that only passes pieces on has a coroutine, a stack and a step of the loop for each burst of pieces. A follower has
none of them, and one callback of the loop serves all followers that have something to do. Everything else is as for a
task: the context waits for it, cancelling its production ends it, and the watch finds circles that it is a part of.

| state   | event                                  | then                                                   |
|---------|----------------------------------------|--------------------------------------------------------|
| due     | the callback of the loop               | `_go_on`: waiting, due again, or done                  |
| due     | `cancel`                               | done                                                   |
| waiting | the buffer wakes those who wait for it | due                                                    |
| waiting | the watch finds a circle               | due; then the production ends with the error, and done |
| waiting | `cancel`                               | done                                                   |
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final

from miniagents.promising.core.failure import mark_as_read
from miniagents.promising.errors import ContextStateError, PromiseCancelledError

if TYPE_CHECKING:
    from contextvars import Context

    from miniagents.promising.core.pieces import AnyBuffer
    from miniagents.promising.core.watch import Watch
    from miniagents.promising.errors import PromiseDeadlockError

__all__ = ["Follower", "Rounds"]

_STEPS: Final = 256
"""How many followers go on in one callback, before the loop gets a turn."""


class Follower(asyncio.Future[None]):
    """A worker of a production that waits for one buffer at a time.

    Args:
        out: The buffer that this works for.
    """

    __slots__ = ("_awaited", "_circle", "_out", "_variables", "_watch")

    def __init__(self, out: AnyBuffer) -> None:
        context = out.context
        super().__init__(loop=context.watch.loop)
        self._out = out
        self._watch: Watch = context.watch
        self._variables: Context = copy_context() if out._birth is None else out._birth.copy()
        self._awaited: AnyBuffer | None = None
        self._circle: PromiseDeadlockError | None = None

    def launch(self) -> None:
        """Begin to work at the next turn of the loop.

        If the context has ended, the production ends with an error instead.
        """
        out = self._out
        self._variables.run(out.adopt)
        try:
            out.context.own(self, out.name, out)
        except ContextStateError as error:
            out.give_up(error)
            mark_as_read(error)
            return
        out.works(self)
        self._is_due()

    def cancel(self, msg: Any | None = None) -> bool:  # Any: as in asyncio
        """End, and the production with an error, unless this has ended."""
        if self.done():
            return False
        out = self._out
        out.give_up(PromiseCancelledError(f"{out._origin()} was cancelled"))
        if self._awaited is not None:
            self._awaited.unfollow(self)
            self._waits_no_more()
        self._leave()
        super().cancel(msg)
        out.task_ended(self)
        return True

    def woken(self) -> None:
        """Look at the buffer again, at the next turn of the loop."""
        self._circle = self._waits_no_more()
        self._is_due()

    def step(self) -> None:
        """Go on; the loop calls this."""
        if self.done():
            return
        try:
            if self._circle is not None:
                raise self._circle
            self._variables.run(self._go_on)
        except BaseException as error:  # noqa: BLE001 - readers of the production are told, as by a task
            self._out.end_with(error)
            self._finish()

    # --- what the kinds of followers fill in ---

    def _go_on(self) -> None:
        """Do what can be done now, and then call one of `_wait_for`, `_is_due` and `_finish`."""
        raise NotImplementedError

    def _leave(self) -> None:
        """Note that nothing more will be read."""

    # --- for them ---

    def _wait_for(self, buffer: AnyBuffer) -> None:
        self._awaited = buffer
        buffer.follow(self, self._watch.loop)
        self._watch.waits(self, buffer)

    def _is_due(self) -> None:
        self._watch.rounds.add(self)

    def _finish(self) -> None:
        if not self.done():  # what it passed on may have cancelled it
            self._leave()
            self.set_result(None)
            self._out.task_ended(self)

    def _waits_no_more(self) -> PromiseDeadlockError | None:
        self._awaited = None
        return self._watch.waits_no_more(self)


class Rounds:
    """The followers of a loop that are due."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._due: deque[Follower] = deque()
        self._is_called = False

    def add(self, follower: Follower) -> None:
        """Have a follower go on at the next turn of the loop."""
        self._due.append(follower)
        if not self._is_called:
            self._is_called = True
            self._loop.call_soon(self._go_round)

    def _go_round(self) -> None:
        due = self._due
        left = _STEPS
        try:
            while due and left:  # a step may wake the next follower: pieces pass many levels at once, without a stack
                left -= 1
                due.popleft().step()
        finally:
            self._is_called = bool(due)
            if due:
                self._loop.call_soon(self._go_round)
