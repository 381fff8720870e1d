"""Letting go: the work of a source stops when its results have ended before it and nothing else wants it (P14).

A result that ends before its source marks the source as let go. The mark changes nothing for whoever still holds the
source: its promise, a view of that, or a promise that it gave out. It is cancelled with the last of them, unless it is
being read. A source that no result has let go of runs to its end, even if nobody holds it.

| state of a source | event                              | then                               |
|-------------------|------------------------------------|------------------------------------|
| held              | its last promise is collected      | looked at, at the loop's next turn |
| looked at         | somebody reads it                  | read                               |
| looked at         | a promise that it made is held     | held, by that promise              |
| looked at         | nothing of the kind                | cancelled                          |
| read              | the last reader leaves             | looked at, at the loop's next turn |
| any               | it ends                            | nothing                            |

CPython collects a promise at once when the last reference to it goes, or, if the promise is a part of a circle, when
the garbage collector runs. A frame in the traceback of an error that somebody keeps holds its local variables, promises
included.
"""

from __future__ import annotations

import contextlib
from contextvars import Context
from typing import TYPE_CHECKING
from weakref import ref

if TYPE_CHECKING:
    from collections.abc import Iterable

    from miniagents.promising.core.production import Production
    from miniagents.promising.core.working import Working
    from miniagents.promising.promise import Promise

__all__ = ["LettingGo", "let_go"]


class LettingGo:
    """What is known of a source that was let go.

    Args:
        work: The productions that are cancelled; the first of them has the readers.
        by: The name of the result that ended before the source.
    """

    __slots__ = ("_ended", "_given_out", "_holders", "_is_due", "_work")

    def __init__(self, work: Iterable[Working], by: str) -> None:
        self._work = [ref(part) for part in work]
        self._ended = by
        self._holders: list[ref[object]] = []
        self._given_out: list[tuple[ref[Promise[object]], list[ref[Working]]]] = []
        self._is_due = False

    def hold(self, holder: object) -> None:
        """Wait until one more object that holds the source is collected."""
        self._holders = [held for held in self._holders if held() is not None]
        if not any(held() is holder for held in self._holders):
            self._holders.append(ref(holder, self.look_soon))

    def unwanted(self) -> list[Working]:
        """Return what is to be cancelled: all of it, or nothing if somebody still holds or reads the source."""
        work = [part for each in self._work if (part := each()) is not None]
        if self._is_held() or any(part._guests or part._results for part in work):
            return []
        parts = _parts_of(work)
        for part in work:
            self._given_out += [
                (ref(promise, self.look_soon), [ref(each) for each in promise._all_work()])
                for promise in part._given_out()
                if not parts.isdisjoint(promise._all_work())  # others are of a source, which is let go by itself
            ]
        if self._given_out:
            for started in parts:
                started._given_out()  # what they gave to this, and perhaps nobody else holds
        return [] if self._is_held() else work

    def look_soon(self, _: object = None) -> None:
        """Look at the source at the next turn of its loop; the garbage collector may call this in any thread."""
        context = next((part._context for each in self._work if (part := each()) is not None), None)
        if context is None or context._loop is None or self._is_due or not context._is_open():
            return
        self._is_due = True
        call = context._loop.call_soon if context._is_here() else context._loop.call_soon_threadsafe
        with contextlib.suppress(RuntimeError):  # the loop is closed
            call(self._look, context=Context())

    # --- machinery ---

    def _look(self) -> None:
        self._is_due = False
        for part in self.unwanted():
            part._stop(f"was let go: {self._ended!r} ended before it, and nothing else held or read it")

    def _is_held(self) -> bool:
        if any(held() is not None for held in self._holders):
            return True
        self._given_out = [(promise, work) for promise, work in self._given_out if _is_wanted(promise(), work)]
        for _, work in self._given_out:
            pending = next((part for each in work if (part := each()) is not None and not part._is_done()), None)
            if pending is not None:
                pending._when_woken(self.look_soon)
        return bool(self._given_out)


def _parts_of(work: Iterable[Production]) -> set[Production]:
    """Return all productions that are cancelled with some, which are not among them."""
    parts: set[Production] = set()
    pending = list(work)
    while pending:
        found = set(pending.pop()._parts()).difference(parts, work)
        parts |= found
        pending.extend(found)
    return parts


def _is_wanted(promise: Promise[object] | None, work: Iterable[ref[Working]]) -> bool:
    """Return whether a promise that a source gave out is still to come, and held or read."""
    if promise is not None:
        return not promise.done()
    return any((part := each()) is not None and not part._is_done() and part._is_used() for each in work)


def let_go(work: tuple[Working, ...], holder: object, by: Production) -> LettingGo:
    """Note that a result has ended before a source of it.

    Args:
        work: The productions of the source; the first of them has its readers.
        holder: The object that is alive as long as somebody holds the source.
        by: The result.
    """
    first = work[0]
    letting_go = first._letting_go
    if letting_go is None:
        letting_go = first._letting_go = LettingGo(work, by.name)
    letting_go.hold(holder)
    return letting_go
