"""The work that gives a promise its value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

from miniagents.promising.core.current import producing
from miniagents.promising.core.failure import caught
from miniagents.promising.core.working import Working

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from miniagents.promising.promise import Promise

__all__ = ["Settling"]


class Settling(Working):
    """The work of a promise: it calls the resolver, and has no promise alive.

    Args:
        promise: The promise.
        resolver: Makes the value; None if nothing does, and this only notes what the promise is made of.
        pieces: The buffer of the pieces that the value is made of, if there are any.
    """

    __slots__ = ("_has_ended", "_pieces", "_promises", "_resolver")

    def __init__(
        self,
        promise: Promise[Any],  # Any: what it settles
        resolver: Callable[[], Awaitable[object]] | None,
        pieces: Working | None = None,
    ) -> None:
        self._context = promise._context
        self._name = promise._name
        self._birth = self._owner = self._task = self._started = self._sources = None
        self._results = self._wakeup = self._left = self._letting_go = None
        self._guests = 0
        self._promises: tuple[ref[Promise[Any]], ...] = (ref(promise),)  # Any: as above
        self._resolver = resolver
        self._pieces = pieces
        self._has_ended = False

    def start(self) -> None:
        """Start the work, unless it has been started."""
        resolver = self._resolver
        if resolver is not None:
            self._resolver = None
            self._launch(self._produce(resolver), tells=True)

    def is_at_end(self) -> None:
        """Note that the promise was settled."""
        if not self._has_ended:
            self._has_ended = True
            self._finished()

    def when_started(self, then: Callable[[], object]) -> None:
        """Call something when the work starts, at once if it has already started."""
        resolver = self._resolver
        if resolver is None:
            then()
            return

        def start() -> Awaitable[object]:
            then()
            return resolver()

        self._resolver = start

    def settles(self, promise: Promise[Any]) -> None:  # Any: as above
        """Settle one more promise with the others."""
        promise._work = self
        self._promises = (*self._promises, ref(promise))

    def _alive(self) -> list[Promise[Any]]:  # Any: as above
        return [promise for each in self._promises if (promise := each()) is not None]

    def _is_done(self) -> bool:
        """Return whether the promise was settled."""
        return self._has_ended

    def _pieces_production(self) -> Working:
        """Return the buffer of the pieces, which counts their readers and results."""
        return self if self._pieces is None else self._pieces

    def _is_lazy(self) -> bool:
        """Return whether the work waits for a first reader."""
        return self._resolver is not None

    def _give_up(self, error: BaseException) -> None:
        """Have the promise fail, unless it was settled."""
        if not self._has_ended:
            self._has_ended = True
            self._resolver = None
            failure = self._failure_of(error)
            for promise in self._alive():
                promise._settle_with(None, failure)
            self._finished()

    async def _produce(self, resolver: Callable[[], Awaitable[object]]) -> None:
        task = self.context.running_task()
        has_told = False
        try:
            producing.set(self)
            value = await resolver()
            if not self._has_ended:
                self._has_ended = True
                for promise in self._alive():
                    promise._settle_with(value, None)
                self._finished()
            has_told = True
        except BaseException as error:
            has_told = caught(error, task, self._end_with)
            if not has_told:
                raise
        finally:
            self._work_ended(task, has_told=has_told)
            del self, task, resolver  # see `core.failure`
