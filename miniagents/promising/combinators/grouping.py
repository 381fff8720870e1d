"""The buffers of `group_by`, which makes many streams of one.

One task reads the source and puts each piece into the stream of its group. All of these streams depend on that task: a
reader of any of them waits for it, and one bound holds for all of them together.
"""

from __future__ import annotations

import reprlib
from typing import TYPE_CHECKING, Generic

from typing_extensions import TypeVar

from miniagents.promising.combinators.piped import attempt
from miniagents.promising.core.current import producing
from miniagents.promising.core.failure import Catching, Failure
from miniagents.promising.core.pieces import FAIR_SHARE, PieceBuffer, take_turn
from miniagents.promising.promise import UNHELD

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Callable, Hashable, Iterable, Iterator

    from miniagents.promising.context import PromisingContext
    from miniagents.promising.core.current import Worker
    from miniagents.promising.core.pieces import AnyBuffer
    from miniagents.promising.core.watch import Watch
    from miniagents.promising.errors import PromiseDeadlockError
    from miniagents.promising.promise import Promise
    from miniagents.promising.stream import Stream

__all__ = ["Groups"]

P = TypeVar("P")
P_co = TypeVar("P_co", covariant=True)
K = TypeVar("K", bound="Hashable")


def _nothing() -> None:
    pass


class _Account:
    """How far the streams of one task are ahead of their readers, all together."""

    __slots__ = ("changed", "unread", "waiting")

    def __init__(self) -> None:
        self.unread: int = 0
        self.waiting: int = 0
        self.changed: Callable[[], None] = _nothing


class _Counted(PieceBuffer[P]):
    """A buffer whose unread pieces and waiting readers are counted together with those of others."""

    __slots__ = ("_account", "_unread", "_waiting")

    counts_readers = True

    def __init__(self, context: PromisingContext | None, name: str, account: _Account) -> None:
        super().__init__(context, name)
        self._account = account
        self._unread = 0
        self._waiting: set[object] = set()

    def put(self, outcome: P | Failure) -> None:
        """Add a piece or an error; drop one that comes after the end."""
        if not self.ended:
            self.emit_outcome(outcome)
            self._account.waiting -= len(self._waiting)  # their wait is over, although they have not run yet
            self._waiting.clear()
            self._count()

    def end(self) -> None:
        super().end()
        self._count()

    def reached(self, position: float) -> None:
        super().reached(position)
        self._count()

    def _begin_wait(self) -> tuple[asyncio.Task[object], asyncio.Future[None], Watch]:
        waiting = super()._begin_wait()
        self._one_more_waits(waiting[0])
        return waiting

    def _end_wait(self, task: asyncio.Task[object], watch: Watch) -> PromiseDeadlockError | None:
        self._one_waits_no_more(task)
        return super()._end_wait(task, watch)

    async def _progress_until(self, moment: float, is_ready: Callable[[], bool]) -> bool:
        waiter = object()
        self._one_more_waits(waiter)
        try:
            return await super()._progress_until(moment, is_ready)
        finally:
            self._one_waits_no_more(waiter)

    def _one_more_waits(self, waiter: object) -> None:
        self._waiting.add(waiter)
        self._account.waiting += 1
        self._account.changed()

    def _one_waits_no_more(self, waiter: object) -> None:
        if waiter in self._waiting:
            self._waiting.remove(waiter)
            self._account.waiting -= 1

    def _count(self) -> None:
        unread = self.unread()
        account = self._account
        account.unread += unread - self._unread
        self._unread = unread
        account.changed()


class Groups(_Counted[tuple[K, "Stream[P]"]], Generic[K, P]):
    """The buffer of the groups, and the task that fills them."""

    __slots__ = ("_groups", "_key", "_over")

    def __init__(
        self,
        context: PromisingContext | None,
        name: str,
        source: Callable[[], AsyncIterator[P | Failure]],
        key: Callable[[P], K],
        over: Callable[[PieceBuffer[P]], Stream[P]],
    ) -> None:
        super().__init__(context, name, _Account())
        self._key = key
        self._over = over
        self._groups: dict[K, _Group[P]] = {}
        self._account.changed = self.make_room
        self.set_work(lambda: self._sort_all(source))

    def is_full(self, under_way: int = 0) -> bool:
        """Return whether nothing more may be taken from the source for now."""
        account = self._account
        return self.max_ahead is not None and account.unread + under_way >= self.max_ahead and not account.waiting

    def _given_out(self) -> Iterable[Promise[object]]:
        """Forget the streams of the groups that have not ended, and return them."""
        given_out: list[Promise[object]] = []
        for place, piece in enumerate(self.pieces):
            if not isinstance(piece, Failure) and not piece[1]._buffer.ended and piece[1]._held_by() is not UNHELD:
                given_out.append(piece[1])
                self.pieces[place] = piece[0], piece[1]._without_holder()
        return given_out

    def _is_used(self) -> bool:
        return super()._is_used() or any(group._is_used() for group in self._groups.values() if not group.ended)

    async def _sort_all(self, source: Callable[[], AsyncIterator[P | Failure]]) -> None:
        producing.set(self)
        with Catching(self, self._fail):
            if self.bounded:
                await self.room()
            async for piece in source():
                if self.ended:
                    return
                if isinstance(piece, Failure):
                    self.put(piece)
                    async for group in self._each_group():
                        group.put(piece)
                elif (failure := attempt(self, self._sort, piece)) is not None:
                    self.put(failure)
                if self.bounded:
                    await self.room()
            async for group in self._each_group():
                group.end()
            self.end()
            self._forget_groups()

    async def _each_group(self) -> AsyncIterator[_Group[P]]:
        """Give all groups that are there by now, with a turn for other tasks if they are many."""
        for number, group in enumerate(tuple(self._groups.values()), 1):
            yield group
            if number % FAIR_SHARE == 0:
                await take_turn()

    def _sort(self, piece: P) -> None:
        key = self._key(piece)
        group = self._groups.get(key)
        if group is not None:
            group.put(piece)
            return
        group = self._groups[key] = _Group(self, f"{self.name}[{reprlib.repr(key)}]", self._account)
        group.put(piece)
        self.put((key, self._over(group)))

    def _fail(self, error: BaseException) -> None:
        """End all of the streams with the task."""
        for group in self._groups.values():
            if not group.ended:
                group.give_up(error)
        self.end_with(error)
        self._forget_groups()

    def _forget_groups(self) -> None:
        """Let each group be kept by itself, without the others."""
        self._groups = {}
        self._account.changed = _nothing


class _Group(_Counted[P]):
    """The buffer of one group."""

    __slots__ = ("_sorting",)

    def __init__(self, work: AnyBuffer, name: str, account: _Account) -> None:
        super().__init__(work.context, name, account)
        self._sorting: AnyBuffer | None = work
        if work.max_ahead is not None:
            self.bound(work.max_ahead)
        self.adopt()

    def _workers(self) -> Iterator[Worker]:
        return iter(()) if self._sorting is None else self._sorting.workers()

    def end(self) -> None:
        super().end()
        self._sorting = None
