"""A run that goes on, as its calls begin, speak and end: as lines, and at a terminal with what is under way below."""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final, Protocol

from miniagents.commands._named_runs import the_run
from miniagents.commands._run_texts import call_line, run_line
from miniagents.ext.store.kept_contents import StreamContents, contents_of
from miniagents.printing import say

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence
    from contextlib import AbstractContextManager

    from miniagents.ext.store import KeptCall, RunInfo, Store

__all__ = ["Follower", "follow", "latest_live"]

_PAUSE: Final = 0.15
"""Seconds between two looks at the least."""
_SHARE: Final = 4
"""A look that takes long is followed by a pause that is so many times as long."""
_LOOKED_THROUGH: Final = 50
"""How many of the latest runs are asked whether they are live."""
_MOST_BEFORE: Final = 100
"""How many calls that ended before are shown."""


class View(Protocol):
    """Where a run is shown."""

    def ended(self, line: str, *, is_wrong: bool = False) -> None:
        """Show a line that stays."""
        ...

    def running(self, lines: Sequence[str]) -> None:
        """Show the calls that are under way, in the place of those shown before."""
        ...


async def latest_live(store: Store) -> RunInfo:
    """Return the latest run that is live; wait for one if there is none."""
    is_told = False
    while True:
        looked = 0
        async for run in store.runs():
            if run.is_live:
                return run
            looked += 1
            if looked == _LOOKED_THROUGH:
                break
        if not is_told:
            is_told = True
            say("no run is going on: waiting for the next one; name one to see it")
        await asyncio.sleep(_PAUSE)


async def follow(store: Store, run: RunInfo) -> None:
    """Show a run until it ends.

    Raises:
        ImportError: The output is a terminal, and rich is not installed.
    """
    follower = Follower(store, run)
    with _view() as view:
        while True:
            began = time.monotonic()
            info = await follower.look(view)
            if not info.is_live:
                break
            await asyncio.sleep(max(_PAUSE, _SHARE * (time.monotonic() - began)))
        view.running(())
        view.ended(run_line(info))


class Follower:
    """Looks at a run again and again, and tells what is new.

    Args:
        store: The store that keeps it.
        run: The run.
    """

    def __init__(self, store: Store, run: RunInfo) -> None:
        self._store = store
        self._run = run
        self._told: set[int] = set()  # the calls of which the end was shown
        self._streams: dict[int, StreamContents] = {}
        self._is_first = True

    async def look(self, view: View) -> RunInfo:
        """Show what is new, and return how the run stood before."""
        info = await the_run(self._store.runs(), self._run.id)  # first: behind its end nothing comes
        new: list[KeptCall] = []
        running: list[KeptCall] = []
        async for call in self._store.calls(info.id):
            if call.record.number in self._told:
                continue
            (new if call.record.outcome is not None else running).append(call)
        self._told.update(call.record.number for call in new)
        for call in new:
            self._streams.pop(call.record.number, None)
        await self._tell(new, view)
        if info.is_live:
            view.running([await self._line(call) for call in running])
        else:
            for call in running:
                view.ended(await self._line(call, is_cut=True))
        self._is_first = False
        return info

    async def _tell(self, calls: list[KeptCall], view: View) -> None:
        if self._is_first and len(calls) > _MOST_BEFORE:
            failed = sum(call.record.outcome == "failed" for call in calls)
            view.ended(f"{len(calls):,} calls ended before, {failed:,} failed")
            return
        calls.sort(key=lambda call: (call.record.ended or 0.0, call.record.number))
        async for each in contents_of(self._store, _each(calls)):
            record = each.call.record
            view.ended(call_line(record, each.replies, each.unfinished, None), is_wrong=record.outcome == "failed")

    async def _line(self, call: KeptCall, *, is_cut: bool = False) -> str:
        contents = self._streams.setdefault(call.record.number, StreamContents())
        if call.stream is not None:
            await contents.read(self._store, call.stream)
        return call_line(call.record, contents.replies, contents.unfinished, None if is_cut else time.time())


async def _each(calls: Iterable[KeptCall]) -> AsyncIterator[KeptCall]:
    for call in calls:
        yield call


def _view() -> AbstractContextManager[View]:
    if not sys.stdout.isatty():
        return nullcontext(_Lines())
    try:
        from miniagents.commands._live_view import LiveView  # noqa: PLC0415  # it is an extra
    except ImportError as error:
        raise ImportError("at a terminal, --follow needs rich: pip install 'miniagents[chat]'") from error
    return LiveView()


class _Lines:
    """Lines for a file or another program: calls as they end."""

    def ended(self, line: str, *, is_wrong: bool = False) -> None:  # noqa: ARG002  # lines have no colours
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    def running(self, lines: Sequence[str]) -> None:
        pass
