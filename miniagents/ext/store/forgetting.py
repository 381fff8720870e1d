"""Streams of answers and of durable runs that nobody needs any more are forgotten."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from miniagents.ext.store._journal import ALL_RUNS, folder_of
from miniagents.ext.store._kept_answers import ALL_ANSWERS
from miniagents.ext.store.answered_calls import open_calls
from miniagents.ext.store.durable_errors import RunTakenError
from miniagents.ext.store.errors import StreamTakenError
from miniagents.ext.store.protocols import check_log
from miniagents.promising.core.arguments import check_not_negative

if TYPE_CHECKING:
    from collections.abc import Iterable

    from miniagents.ext.store.protocols import StreamInfo, StreamLog

__all__ = ["forget_answers", "forget_durable"]

_TOGETHER: Final = 256
"""How many streams are forgotten together: a store commits what is ready in one transaction."""


async def forget_answers(store: StreamLog, *, older_than: float) -> int:
    """Forget the answers of `cached` that are too old, and those in whose place there is a later one.

    Whoever reads an answer of this store has it to its end. In another process, an equal call asks again.

    Args:
        store: The store that keeps the answers.
        older_than: Seconds after which an answer is forgotten: as a rule the `ttl` of the cached agents.

    Returns:
        How many answers were forgotten.

    Raises:
        TypeError: `store` is no store, or `older_than` no number.
        ValueError: `older_than` is not above 0.
        StoreError: The store cannot be read or written.

    >>> from miniagents.ext.store import SQLiteStore
    >>> async def main() -> None:
    ...     async with SQLiteStore(":memory:") as store:
    ...         print(await forget_answers(store, older_than=24 * 3600))
    >>> asyncio.run(main())
    0
    """
    check_log("forget_answers", store)
    latest = time.time() - _checked("forget_answers", older_than)
    old: list[str] = []
    before: StreamInfo | None = None
    async with aclosing(store.streams(ALL_ANSWERS)) as found:
        async for info in found:  # in the order of their names: those of one call by their numbers
            if before is not None and _folder(before.name) == _folder(info.name) and _last(before) >= latest:
                old.append(before.name)
            if _last(info) < latest:
                old.append(info.name)
            before = info
    return await _forgotten(store, old)


async def forget_durable(store: StreamLog, *, run: str | None = None, older_than: float | None = None) -> int:
    """Forget one durable run, or those that nobody has gone on with for a time.

    A run that a process goes on with is never forgotten, and with `older_than` no run of which a call waits for an
    answer. If a run that is forgotten is started again, it begins anew: all of its calls are made again.

    Args:
        store: The store that keeps the runs.
        run: The name of the run, or
        older_than: how many seconds ago a run must have been left or cut to be forgotten.

    Returns:
        How many runs were forgotten; 0 if there was no such run.

    Raises:
        RunTakenError: A process goes on with the run of that name.
        TypeError: `store` is no store, or `older_than` no number.
        ValueError: An argument is wrong.
        StoreError: The store cannot be read or written.

    >>> from miniagents.ext.store import SQLiteStore, durable
    >>> async def main() -> None:
    ...     async with SQLiteStore(":memory:") as store:
    ...         async with durable(store, run="order-17"):
    ...             pass
    ...         print(await forget_durable(store, run="order-17"))
    >>> asyncio.run(main())
    1
    """
    check_log("forget_durable", store)
    if (run is None) == (older_than is None):
        raise ValueError("forget_durable: give the name of a run, or older_than, a number of seconds")
    if run is not None:
        try:
            return int(await store.forget(folder_of(run)) > 0)
        except StreamTakenError as error:
            reason = "a process goes on with it; wait until it has ended, or stop it"
            raise RunTakenError(repr(store), run, reason) from error
    latest = time.time() - _checked("forget_durable", older_than or 0.0)
    lives: dict[str, StreamInfo] = {}
    async with aclosing(store.streams(ALL_RUNS)) as found:
        async for info in found:
            name, _, rest = info.name.removeprefix(ALL_RUNS).partition("/")
            if rest.startswith("lives/") or name not in lives:
                lives[name] = info  # they come in their order: the last one stays
    count = 0
    for name, last in lives.items():
        if last.is_live or _last(last) >= latest:
            continue
        async with aclosing(open_calls(store, run=unquote(name))) as waiting:
            if [call async for call in waiting]:
                continue
        with suppress(StreamTakenError):  # it goes on since then
            count += await store.forget(f"{ALL_RUNS}{name}/") > 0
    return count


def _checked(where: str, seconds: float) -> float:
    check_not_negative(f"{where}: older_than={seconds!r}", seconds, if_zero="give a number of seconds above 0")
    return seconds


def _last(info: StreamInfo) -> float:
    """Return when a stream was last heard of for sure."""
    return info.began if info.ended is None else info.ended


def _folder(stream: str) -> str:
    return stream.rpartition("/")[0]


async def _forgotten(store: StreamLog, streams: Iterable[str]) -> int:
    """Forget streams, and leave those that are written or read."""

    async def forgotten(stream: str) -> int:
        with suppress(StreamTakenError):
            return await store.forget(stream)
        return 0

    names = list(streams)
    counts: list[int] = []
    for start in range(0, len(names), _TOGETHER):
        counts += await asyncio.gather(*map(forgotten, names[start : start + _TOGETHER]))
    return sum(counts)
