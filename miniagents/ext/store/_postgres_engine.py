"""`PostgresEngine`: the connections, the queue of writes, the lease and the reads of a Postgres store.

What is ready while a transaction is under way goes into the next one; `_postgres_writing.py` does what is in it.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from contextlib import suppress
from contextvars import Context
from typing import TYPE_CHECKING, Any, Final, TypeVar

from miniagents.ext.store._bodies import MessageRow
from miniagents.ext.store._engine import PAGE, CallRow, Page, place_of_processes
from miniagents.ext.store._postgres_pruning import forgotten, pruned
from miniagents.ext.store._postgres_tables import CHANNEL, ISOLATION, prepare
from miniagents.ext.store._postgres_writing import Owner, Request, renew, written
from miniagents.ext.store.errors import (
    StoreClosedError,
    StoreDamagedError,
    StoreError,
    StoreFullError,
    StoreLockedError,
    StoreUnavailableError,
)
from miniagents.ext.store.protocols import RunInfo, StreamInfo
from miniagents.wire import Pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine, Sequence

    from miniagents.ext.store._postgres_tables import Connection

__all__ = ["PostgresEngine"]

T = TypeVar("T")

_MOST: Final = 1000
"""How many requests go into one transaction at most."""
_PAGE_BYTES: Final = 1 << 20


class PostgresEngine:
    """Keeps rows in Postgres.

    Args:
        shown: The address without a password.
        connect: Makes a connection.
        schema: The name of the schema, as SQL has it.
        durability: What a commit waits for.
        lease: Seconds after which a store that gives no sign of life counts as dead.
    """

    def __init__(
        self,
        shown: str,
        connect: Callable[[], Any],  # Any: an awaitable of a connection of asyncpg
        schema: str,
        durability: str,
        lease: float,
    ) -> None:
        self.shown: str = shown
        self._connect = connect
        self._schema = schema
        self._durability = durability
        self._lease = lease
        self._owner = Owner(uuid.uuid4().hex, place_of_processes(), lease, shown)
        self._is_closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opening: asyncio.Task[tuple[Connection, Connection]] | None = None
        self._reading: asyncio.Lock = asyncio.Lock()
        self._requests: deque[Request] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._beating: asyncio.Task[None] | None = None
        self._renew_at = 0.0  # the time of the loop from when on a lease may be over
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}

    def check_open(self) -> None:
        if self._is_closed:
            raise StoreClosedError(self.shown, "the store was closed; make another one")

    # --- connections ---

    async def _connections(self) -> tuple[Connection, Connection]:
        """Return the connection that writes, and the one that reads and listens."""
        if self._is_closed:
            self.check_open()
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            if self._loop is not None and not self._loop.is_closed():
                raise StoreUnavailableError(
                    self.shown, "the store is used in another event loop; make one for this loop"
                )
            self._loop, self._opening, self._writer, self._beating = loop, None, None, None
            self._renew_at = loop.time()
            self._reading = asyncio.Lock()
            self._waiting.clear()
        opening = self._opening
        if opening is not None and opening.done() and (opening.cancelled() or opening.exception() or _is_lost(opening)):
            opening = None
        if opening is None:
            opening = self._opening = _task(self._open(), f"opening {self.shown}")
        try:
            connections = await asyncio.shield(opening)
        except Exception as error:
            raise self._error_of(error) from error
        self.check_open()  # it may have been closed meanwhile
        return connections

    async def _open(self) -> tuple[Connection, Connection]:
        opened: list[Connection] = []
        try:
            opened.append(writer := await self._connect())
            opened.append(reader := await self._connect())
            await prepare(writer, self._schema, self.shown)
            await writer.execute(f"SET synchronous_commit TO {'on' if self._durability == 'full' else 'off'}")
            await reader.execute(f"SET search_path TO {self._schema}")
            await reader.add_listener(CHANNEL, self._noticed)
        except BaseException:
            for connection in opened:
                connection.terminate()
            raise
        return writer, reader

    async def _fetch(self, query: str, *args: object) -> Sequence[Any]:  # Any: records
        _, reader = await self._connections()
        async with self._reading:  # a connection does one thing at a time
            try:
                return await reader.fetch(query, *args)
            except Exception as error:
                raise self._error_of(error) from error

    def _error_of(self, error: Exception) -> StoreError:
        """Return the error that says what to do about one of the server or of the connection."""
        if isinstance(error, StoreError):
            return error
        code: str = getattr(error, "sqlstate", None) or ""
        said = f"{error} ({code or type(error).__name__})"
        if code.startswith("53"):
            return StoreFullError(self.shown, f"the server has no room left: {said}; make room, and write it again")
        if code.startswith("XX"):
            return StoreDamagedError(self.shown, f"the database is damaged: {said}; restore it from a copy")
        if code.startswith(("55", "40")):
            return StoreLockedError(self.shown, f"another program has locked it: {said}; write it again")
        return StoreUnavailableError(self.shown, f"{said}; look at the server, its address and the permissions there")

    # --- writing ---

    async def _write(self, **request: Any) -> Any:  # Any: the fields of a request, and what it returns
        await self._connections()
        if self._beating is None:
            self._beating = _task(self._beat(), f"lease of {self.shown}")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()  # Any: as above
        self._requests.append(Request(future, **request))
        if self._writer is None:
            self._writer = _task(self._work(), f"writing to {self.shown}")
        return await future

    async def _work(self) -> None:
        try:
            while self._requests:
                batch = [self._requests.popleft() for _ in range(min(_MOST, len(self._requests)))]
                results: list[tuple[asyncio.Future[Any], object]] = []  # Any: as above
                try:
                    writer, _ = await self._connections()
                    now = asyncio.get_running_loop().time()
                    renew_at = self._renew_at if now < self._renew_at else now + self._lease / 2
                    async with writer.transaction(isolation=ISOLATION):
                        if now >= self._renew_at:  # no stream is claimed without a lease
                            await renew(writer, self._owner)
                        results = await written(writer, self._owner, [each for each in batch if each.kind != "forget"])
                    self._renew_at = max(self._renew_at, renew_at)
                    for request in batch:
                        if request.kind == "forget":
                            async with writer.transaction(isolation=ISOLATION):
                                results.append(await forgotten(writer, self._owner, request))
                except Exception as error:  # noqa: BLE001  # those who have asked are told
                    said = self._error_of(error)
                    results = [(request.future, said) for request in batch]
                for future, result in results:
                    if not future.done():
                        if isinstance(result, Exception):
                            future.set_exception(result)
                        else:
                            future.set_result(result)
        finally:
            self._writer = None

    # --- leases ---

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._lease / 3)
            # not by the connection that writes: it may wait for one that prunes, while this store is alive
            with suppress(Exception):  # whoever writes is told
                _, reader = await self._connections()
                now = asyncio.get_running_loop().time()
                async with self._reading:
                    await renew(reader, self._owner)
                self._renew_at = now + self._lease / 2

    # --- the interface ---

    async def claim(self, stream: str) -> int:
        """See `Engine`."""
        count: int = await self._write(stream=stream, kind="claim")
        return count

    async def append(self, stream: str, pieces: Pieces) -> None:
        """See `Engine`."""
        await self._write(stream=stream, kind="append", pieces=pieces)

    async def end(self, stream: str) -> None:
        """See `Engine`."""
        await self._write(stream=stream, kind="end")

    async def page(self, stream: str, start: int, *, follow: bool, wait: bool) -> Page:
        """See `Engine`."""
        while True:
            await self._connections()
            noticed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            waiting = self._waiting.setdefault(stream, set())
            waiting.add(noticed)
            try:
                page = await self._page(stream, start)
                is_there = page.info is not None and (
                    start < page.info.count or not follow or not page.info.is_live or page.info.ended is not None
                )
                if is_there or (page.info is None and not wait):
                    return page
                await asyncio.wait((noticed,), timeout=self._lease / 3)
            finally:
                waiting.discard(noticed)
                if not waiting:
                    self._waiting.pop(stream, None)

    def _noticed(self, _: object, __: int, ___: str, notice: str) -> None:
        names = notice.split("\n") if notice else [*self._waiting]
        for name in names:
            for future in self._waiting.get(name, ()):
                if not future.done():
                    future.set_result(None)

    async def _page(self, stream: str, start: int) -> Page:
        rows = await self._fetch(f"SELECT streams.id, {_INFO} WHERE name=$1", stream)
        if not rows:
            return Page(None, ())
        number, *rest = rows[0]
        info = self._info(rest)
        if start >= info.count:
            return Page(info, ())
        blocks = await self._fetch(
            "SELECT first, count, data, extract(epoch FROM at)::float8, digest FROM ("
            "SELECT *, sum(length(data)) OVER (ORDER BY first) - length(data) AS before FROM ("
            "SELECT * FROM pieces WHERE stream=$1 AND first>=("
            "SELECT coalesce(max(first), 0) FROM pieces WHERE stream=$1 AND first<=$2)"
            " ORDER BY first LIMIT $3) AS found) AS page WHERE before <= $4 ORDER BY first",
            number,
            start,
            PAGE,
            _PAGE_BYTES,
        )
        return Page(info, [(Pieces(first, count, data, at), digest) for first, count, data, at, digest in blocks])

    async def streams(self, prefix: str, after: str) -> list[StreamInfo]:
        """See `Engine`."""
        rows = await self._fetch(
            f"SELECT {_INFO} WHERE name>$1 AND name>=$2 AND starts_with(name, $2) ORDER BY name LIMIT $3",
            after,
            prefix,
            PAGE,
        )
        return [self._info(row) for row in rows]

    def _info(self, row: Sequence[Any]) -> StreamInfo:  # Any: columns
        name, count, began, ended, place, process, is_fresh = row
        is_live = ended is None and self._owner.is_alive(place, process, is_fresh=is_fresh)
        return StreamInfo(name=name, count=count, began=began, ended=ended, is_live=is_live)

    async def put(self, rows: Sequence[MessageRow], pinned: Sequence[bytes]) -> None:
        """See `Engine`."""
        await self._write(rows=rows, pinned=pinned)

    async def rows(self, keys: Collection[bytes]) -> dict[bytes, MessageRow]:
        """See `Engine`."""
        rows = await self._fetch("SELECT key, digest, parts, body FROM messages WHERE key = ANY($1)", [*keys])
        return {row[0]: MessageRow(*row) for row in rows}

    async def keys_between(self, low: bytes, high: bytes) -> list[bytes]:
        """See `Engine`."""
        rows = await self._fetch("SELECT key FROM messages WHERE key BETWEEN $1 AND $2 LIMIT 2", low, high)
        return [row[0] for row in rows]

    async def record(self, run: str, rows: Sequence[MessageRow], calls: Sequence[CallRow]) -> bool:
        """See `Engine`."""
        has_begun: bool = await self._write(run=run, rows=rows, calls=calls)
        return has_begun

    async def end_run(self, run: str) -> None:
        """See `Engine`."""
        await self._write(run=run, kind="end_run")

    async def runs(self, before: tuple[float, str] | None) -> list[RunInfo]:
        """See `Engine`."""
        began, run = before or (1e11, "")
        rows = await self._fetch(
            "SELECT r.id, extract(epoch FROM r.began)::float8, extract(epoch FROM r.ended)::float8,"
            " (SELECT count(*) FROM calls WHERE run=r.id), (SELECT count(*) FROM calls WHERE run=r.id"
            " AND outcome='failed'), o.place, o.process, coalesce(o.expires > clock_timestamp(), false)"
            " FROM runs r LEFT JOIN owners o ON o.id=r.owner"
            " WHERE (extract(epoch FROM r.began)::float8, r.id) < ($1::float8, $2)"
            " ORDER BY r.began DESC, r.id DESC LIMIT $3",
            began,
            run,
            PAGE,
        )
        return [
            RunInfo(
                id=name,
                began=began,
                ended=ended,
                calls=calls,
                failed=failed,
                is_live=ended is None and self._owner.is_alive(place, process, is_fresh=is_fresh),
            )
            for name, began, ended, calls, failed, place, process, is_fresh in rows
        ]

    async def calls(self, run: str, after: int) -> list[CallRow] | None:
        """See `Engine`."""
        rows = await self._fetch(
            "SELECT run, number, outcome, digest, record, messages, replies, stream FROM calls"
            " WHERE run=$1 AND number>$2 ORDER BY number LIMIT $3",
            run,
            after,
            PAGE,
        )
        if not rows and not await self._fetch("SELECT 1 FROM runs WHERE id=$1", run):
            return None
        return [CallRow(*row) for row in rows]

    async def prune(self, keep: Collection[str] | int, older_than: float, read: Collection[str]) -> int:
        """See `Engine`."""
        await self._connections()
        try:
            connection: Connection = await self._connect()
            try:
                await connection.execute(f"SET search_path TO {self._schema}")
                async with connection.transaction(isolation=ISOLATION):
                    return await pruned(connection, self._owner, keep, older_than, read)
            finally:
                await connection.close()
        except Exception as error:
            raise self._error_of(error) from error

    async def forget(self, stream: str) -> int:
        """See `Engine`."""
        count: int = await self._write(stream=stream, kind="forget")
        return count

    async def flush(self) -> None:
        """See `Engine`."""
        if not self._is_closed and self._loop is not None:
            await self._write()

    async def close(self) -> None:
        """See `Engine`."""
        opening = self._opening
        if self._is_closed or opening is None or self._loop is not asyncio.get_running_loop():
            self._is_closed = True
            return
        if self._writer is not None:
            await asyncio.wait((self._writer,))
        self._is_closed = True
        if self._beating is not None:
            self._beating.cancel()
        with suppress(Exception):  # the lease expires
            connections = await opening
            await connections[0].execute("DELETE FROM owners WHERE id=$1", self._owner.id)
            await connections[0].execute("SELECT pg_notify($1, '')", CHANNEL)
            for connection in connections:
                await asyncio.wait_for(connection.close(), self._lease)
        for futures in self._waiting.values():
            for future in futures:
                if not future.done():
                    future.set_result(None)


_INFO: Final = (
    "name, count, extract(epoch FROM began)::float8, extract(epoch FROM ended)::float8, place, process,"
    " coalesce(expires > clock_timestamp(), false) FROM streams LEFT JOIN owners ON owners.id=streams.owner"
)


def _task(work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:  # Any: what coroutines exchange with their loop
    """Start a task that knows nothing of the call that needs it first, and so keeps nothing of that alive."""
    return asyncio.get_running_loop().create_task(work, name=name, context=Context())


def _is_lost(opening: asyncio.Task[tuple[Connection, Connection]]) -> bool:
    """Return whether one of two connections is lost; then end the other one, too."""
    connections = opening.result()
    if not any(connection.is_closed() for connection in connections):
        return False
    for connection in connections:
        connection.terminate()
    return True
