"""`SQLiteStore`: a store in one file, for any number of processes of one machine."""

from __future__ import annotations

import asyncio
import os
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from miniagents.ext.store._engine import Page
from miniagents.ext.store._kept import EngineStore
from miniagents.ext.store._worker import Worker
from miniagents.ext.store.errors import StoreClosedError
from miniagents.promising.core.arguments import check_kind, check_not_negative

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from typing_extensions import TypeVar

    from miniagents.ext.store._bodies import MessageRow
    from miniagents.ext.store._engine import CallRow
    from miniagents.ext.store._sqlite_engine import Tables
    from miniagents.ext.store._sqlite_file import Durability
    from miniagents.ext.store._worker import Kind
    from miniagents.ext.store.protocols import RunInfo, StreamInfo
    from miniagents.wire import Pieces

    T = TypeVar("T")

__all__ = ["SQLiteStore"]


class SQLiteStore(EngineStore):
    """A store in a SQLite file, in the mode WAL. It needs nothing but Python.

    One thread of its own writes: what is ready while the last commit is under way is committed together. The file is
    opened with the first use. Threads, loops and processes of one machine may use it at the same time; a file on a
    network drive is not safe.

    Args:
        path: The file, which is made if it is not there; ":memory:" for a store that ends with the object.
        durability: "normal" loses nothing when processes are killed, but a power cut may lose the last moment. "full"
            waits for the disk at each commit.
        patience: Seconds to wait while another process has locked the file.
        lease: Seconds after which a store on another machine or in another container that gives no sign of life counts
            as dead, and loses its streams. A process of the same machine that has ended counts as dead at once.

    >>> async def main() -> None:
    ...     async with SQLiteStore(":memory:") as store:
    ...         hello = UserMessage("Hello")
    ...         await store.put(hello)
    ...         print(await store.get(hello.hash_key, UserMessage))
    >>> asyncio.run(main())
    Hello
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        durability: Durability = "normal",
        patience: float = 5.0,
        lease: float = 10.0,
    ) -> None:
        if durability not in ("normal", "full"):
            raise ValueError(f'SQLiteStore: durability is "normal" or "full", not {durability!r}')
        check_not_negative(f"SQLiteStore: patience={patience!r}", patience)
        check_not_negative(f"SQLiteStore: lease={lease!r}", lease, if_zero="give a number of seconds above 0")
        check_kind("SQLiteStore: path", path, str | os.PathLike, 'no path of a file, and not ":memory:"')
        shown = os.fspath(path)
        if not shown:
            raise ValueError('SQLiteStore: path is that of a file, or ":memory:", not ""')
        file = None if shown == ":memory:" else Path(shown).absolute()

        def connect() -> Tables:
            from miniagents.ext.store._sqlite_engine import Tables  # noqa: PLC0415  # some Pythons have no sqlite3

            return Tables(file, shown, durability, patience, lease)

        def closed() -> StoreClosedError:
            return StoreClosedError(shown, "the store was closed; make another one")

        worker = Worker(f"SQLiteStore({shown})", connect, closed)
        super().__init__(_SQLiteEngine(shown, worker))
        self._finalizer = weakref.finalize(self, _finish, worker)


def _finish(worker: Worker) -> None:
    worker.stop()
    worker.join()


class _SQLiteEngine:
    def __init__(self, shown: str, worker: Worker) -> None:
        self.shown: str = shown
        self._worker = worker

    def check_open(self) -> None:
        self._worker.check_open()

    async def claim(self, stream: str) -> int:
        return await self._do("write", lambda tables: tables.claim(stream))

    async def append(self, stream: str, pieces: Pieces) -> None:
        await self._do("write", lambda tables: tables.append(stream, pieces))

    async def end(self, stream: str) -> None:
        await self._do("write", lambda tables: tables.end(stream))

    async def page(self, stream: str, start: int, *, follow: bool, wait: bool) -> Page:
        kind: Kind = "wait" if follow or wait else "read"
        found = await self._do(kind, lambda tables: tables.page(stream, start, follow=follow, wait=wait))
        return found or Page(None, ())

    async def streams(self, prefix: str, after: str) -> list[StreamInfo]:
        return await self._do("read", lambda tables: tables.streams(prefix, after))

    async def put(self, rows: Sequence[MessageRow], pinned: Sequence[bytes]) -> None:
        await self._do("write", lambda tables: tables.put(rows, pinned))

    async def rows(self, keys: Collection[bytes]) -> dict[bytes, MessageRow]:
        return await self._do("read", lambda tables: tables.rows(keys))

    async def keys_between(self, low: bytes, high: bytes) -> list[bytes]:
        return await self._do("read", lambda tables: tables.keys_between(low, high))

    async def record(self, run: str, rows: Sequence[MessageRow], calls: Sequence[CallRow]) -> bool:
        return await self._do("write", lambda tables: tables.record(run, rows, calls))

    async def end_run(self, run: str) -> None:
        await self._do("write", lambda tables: tables.end_run(run))

    async def runs(self, before: tuple[float, str] | None) -> list[RunInfo]:
        return await self._do("read", lambda tables: tables.runs(before))

    async def calls(self, run: str, after: int) -> list[CallRow] | None:
        return await self._do("read", lambda tables: tables.calls(run, after))

    async def prune(self, keep: Collection[str] | int, older_than: float, read: Collection[str]) -> int:
        return await self._forgotten(lambda tables: tables.prune(keep, older_than, read))

    async def forget(self, stream: str) -> int:
        return await self._forgotten(lambda tables: tables.forget(stream))

    async def _forgotten(self, work: Callable[[Tables], int]) -> int:
        count = await self._do("write", work)
        if count:
            await self._do("read", lambda tables: tables.give_back())
        return count

    async def flush(self) -> None:
        if not self._worker.is_closed:
            await self._do("write", lambda _: None)

    async def close(self) -> None:
        self._worker.stop()
        await asyncio.to_thread(self._worker.join)

    async def _do(self, kind: Kind, work: Callable[[Tables], T]) -> T:
        return await self._worker.do(kind, work)
