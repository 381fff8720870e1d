"""The tables of a Postgres store, in a schema of their own, and how tables of older versions are changed.

A version of the tables never changes once it was released: `_STEPS` gets one more step instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from miniagents.ext.store.errors import StoreVersionError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractAsyncContextManager

__all__ = ["CHANNEL", "ISOLATION", "VERSION", "Connection", "prepare"]

CHANNEL: Final = "miniagents_streams"
"""The channel on which the names of streams are told that have changed."""

ISOLATION: Final = "read_committed"
"""Whatever the server's default is: a statement that had to wait for another process sees what that has committed."""

_STEPS: Final = (
    """
    CREATE TABLE owners (
        id TEXT PRIMARY KEY,
        place TEXT NOT NULL,
        process BIGINT NOT NULL,
        expires TIMESTAMPTZ NOT NULL
    );
    CREATE TABLE streams (
        id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        name TEXT COLLATE "C" NOT NULL UNIQUE,
        owner TEXT NOT NULL,
        count BIGINT NOT NULL,
        began TIMESTAMPTZ NOT NULL,
        ended TIMESTAMPTZ
    );
    CREATE TABLE pieces (
        stream BIGINT NOT NULL,
        first BIGINT NOT NULL,
        count BIGINT NOT NULL,
        at TIMESTAMPTZ NOT NULL,
        digest BIGINT NOT NULL,
        data BYTEA NOT NULL,
        PRIMARY KEY (stream, first)
    );
    CREATE TABLE messages (
        key BYTEA PRIMARY KEY,
        digest BIGINT NOT NULL,
        parts BIGINT NOT NULL,
        pinned BOOLEAN NOT NULL,
        body BYTEA NOT NULL
    );
    CREATE TABLE runs (
        id TEXT COLLATE "C" PRIMARY KEY,
        owner TEXT NOT NULL,
        began TIMESTAMPTZ NOT NULL,
        ended TIMESTAMPTZ
    );
    CREATE TABLE calls (
        run TEXT COLLATE "C" NOT NULL,
        number BIGINT NOT NULL,
        outcome TEXT,
        digest BIGINT NOT NULL,
        record BYTEA NOT NULL,
        messages BYTEA,
        replies BYTEA NOT NULL,
        stream TEXT,
        PRIMARY KEY (run, number)
    );
    """,
)

VERSION: Final = len(_STEPS)
"""The version of the tables."""

_LOCK: Final = 0x6D_69_6E_61
"""The number of the lock that a process holds while it makes the tables."""


class Connection(Protocol):
    """What is used of a connection of asyncpg, which has no types of its own."""

    async def execute(self, query: str, *args: object) -> str: ...

    async def fetch(self, query: str, *args: object) -> Sequence[Any]: ...  # Any: a record, by place and by name

    async def fetchval(self, query: str, *args: object) -> Any: ...  # Any: of the type of the column

    async def add_listener(self, channel: str, callback: Callable[[object, int, str, str], None]) -> None: ...

    def transaction(self, *, isolation: str) -> AbstractAsyncContextManager[object]: ...

    def is_closed(self) -> bool: ...

    def terminate(self) -> None: ...

    async def close(self) -> None: ...


async def prepare(connection: Connection, schema: str, shown: str) -> None:
    """Make the schema and the tables, or bring them to this version; use them in this connection."""
    async with connection.transaction(isolation=ISOLATION):
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        await connection.execute(f"SET search_path TO {schema}")
        await connection.execute("CREATE TABLE IF NOT EXISTS version (number BIGINT NOT NULL)")
        version = await connection.fetchval("SELECT max(number) FROM version") or 0
        if version > VERSION:
            raise StoreVersionError(
                shown,
                f"a newer version of miniagents has written it (tables of version {version}, known here is {VERSION}); "
                "update miniagents, or use another schema",
            )
        for step in _STEPS[version:]:
            await connection.execute(step)
        if version < VERSION:
            await connection.execute("INSERT INTO version VALUES ($1)", VERSION)
    await connection.execute(f"SET search_path TO {schema}")
