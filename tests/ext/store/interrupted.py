"""Stores that let something else happen before one of their statements: what another process does just then.

A test tries each statement in turn, so it meets each race of two processes in every run.
"""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from functools import partial
from importlib import import_module
from typing import Any

import pytest

from miniagents.ext.store import PostgresStore, SQLiteStore, Store, StoreLockedError
from miniagents.ext.store._kept import EngineStore
from miniagents.ext.store._postgres_engine import PostgresEngine
from tests.watchdog import PATIENCE

Act = Callable[[], Awaitable[object]]


class Steps:
    """Counts the statements of a store, and lets something happen before one of them."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._act: Act | None = None
        self._left = 0

    def arm(self, moment: int, act: Act) -> None:
        """Act before the statement of this number, from 0."""
        self._left, self._act = moment, act

    def disarm(self) -> bool:
        """Act no more; return whether something has happened."""
        has_acted, self._act = self._act is None, None
        return has_acted

    def _due(self) -> Act | None:
        self._left -= 1
        if self._left >= 0 or self._act is None:
            return None
        act, self._act = self._act, None
        return act

    async def before_statement(self) -> None:
        act = self._due()
        if act is not None:
            await _tried(act)

    def before_statement_of_thread(self) -> None:
        act = self._due()
        if act is not None:
            asyncio.run_coroutine_threadsafe(_tried(act), self._loop).result(PATIENCE)


async def _tried(act: Act) -> None:
    with suppress(StoreLockedError):  # the other process has to wait until the store has done what it does
        await act()


@asynccontextmanager
async def interrupted(address: str) -> AsyncGenerator[tuple[Store, Steps]]:
    """Open a store whose statements can be interrupted."""
    steps = Steps()
    if address.startswith("postgresql://"):
        asyncpg: Any = import_module("asyncpg")  # Any: it has no types

        async def connect() -> Any:  # Any: as above
            return _Connection(await asyncpg.connect(address), steps)

        store: Store = EngineStore(PostgresEngine(address, connect, "miniagents", "normal", 10))
        await store.flush()
        await store.put(())
    else:

        class Interrupted(sqlite3.Connection):
            def execute(self, *arguments: Any) -> sqlite3.Cursor:  # Any: passed on as it is
                steps.before_statement_of_thread()
                return super().execute(*arguments)

        store = SQLiteStore(address)
        with pytest.MonkeyPatch.context() as this:
            this.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Interrupted))
            await store.flush()
    async with store:
        yield store, steps


def impatient(address: str) -> Store:
    """Open a store that does not wait for locks: `StoreLockedError` says that it would have to."""
    if address.startswith("postgresql://"):
        return PostgresStore(f"{address}&lock_timeout=20")
    return SQLiteStore(address, patience=0)


class _Connection:
    """A connection of asyncpg that counts its statements."""

    def __init__(self, connection: Any, steps: Steps) -> None:  # Any: it has no types
        self._connection = connection
        self._steps = steps

    def __getattr__(self, name: str) -> Any:  # Any: as above
        found = getattr(self._connection, name)
        if name not in ("execute", "fetch", "fetchval"):
            return found

        async def counted(*arguments: Any) -> Any:  # Any: as above
            await self._steps.before_statement()
            return await found(*arguments)

        return counted


async def until_blocked(address: str) -> None:
    """Wait until a connection of a Postgres server waits for a lock of another one."""
    asyncpg: Any = import_module("asyncpg")  # Any: it has no types
    connection = await asyncpg.connect(address)
    async with asyncio.timeout(PATIENCE):
        while not await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type='Lock' AND datname=current_database()"
        ):
            await asyncio.sleep(0.01)
    await connection.close()


async def leases_over(address: str) -> None:
    """Let all stores seem dead, as if their processes had stood still for a while."""
    if address.startswith("postgresql://"):
        asyncpg: Any = import_module("asyncpg")  # Any: it has no types
        connection = await asyncpg.connect(address)
        await connection.execute("DELETE FROM miniagents.owners")
        await connection.close()
    else:
        with closing(sqlite3.connect(address)) as file, file:
            file.execute("DELETE FROM owners")
