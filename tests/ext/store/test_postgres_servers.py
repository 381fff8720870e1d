"""A Postgres server with a full disk, or that ends a connection: a typed error, and nothing acknowledged is missing."""

import asyncio
import os
import shutil
import subprocess
import uuid
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from miniagents import UserMessage
from miniagents.ext.store import PostgresStore, StoreFullError, StoreUnavailableError
from miniagents.ext.store._postgres_engine import PostgresEngine
from miniagents.wire import Pieces
from tests.ext.store.postgres_server import address_of, executed, fresh_folder, missing, serving, user
from tests.watchdog import PATIENCE

SETTINGS = {"fsync": "on", "max_wal_size": "1GB", "checkpoint_timeout": "1d"}
"""No checkpoint makes room in the log."""


@pytest.fixture
def home(small_disk: Path) -> Path:
    """A folder of the server on the small disk."""
    reason = missing()
    if reason is not None:
        pytest.skip(reason)
    home = small_disk / "home"
    home.mkdir()
    shutil.chown(home, user())
    return home


def make_room(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)


class Kept:
    """What a store has acknowledged."""

    def __init__(self) -> None:
        self.pieces = 0
        self.messages: list[UserMessage] = []

    async def keep_more(self, store: PostgresStore) -> None:
        """Write until there is an error."""
        while True:
            # what does not compress
            await store.append("numbers", Pieces(self.pieces, 1, os.urandom(15_000).hex().encode()))
            self.pieces += 1
            message = UserMessage(str(self.pieces))
            await store.put(message)
            self.messages.append(message)

    async def is_there(self, store: PostgresStore) -> None:
        found = [pieces.first async for pieces in store.read("numbers", follow=False)]
        assert found == [*range(self.pieces)]
        for message in self.messages:
            assert await store.get(message.hash_key, UserMessage) == message


@pytest.mark.parametrize("small_disk", ["12m"], indirect=True)
def test_tables_on_a_full_disk_are_told_and_go_on_when_there_is_room(home: Path) -> None:
    kept = Kept()

    async def fill_it() -> None:
        await executed(folder, f"CREATE TABLESPACE small LOCATION '{home}'")
        await executed(folder, "CREATE DATABASE small TABLESPACE small")
        async with PostgresStore(address) as store:
            with pytest.raises(
                StoreFullError, match=r"(?s)the server has no room left: .*make room, and write it again"
            ):
                await kept.keep_more(store)
            assert kept.messages
            await kept.is_there(store)
            make_room(home.parent)
            await store.append("numbers", Pieces(kept.pieces, 1, b"more"))
            kept.pieces += 1
            await kept.is_there(store)

    async def look_again() -> None:
        async with PostgresStore(address) as store:
            await kept.is_there(store)

    with fresh_folder() as folder:
        address = address_of(folder, "small")
        with serving(folder, **SETTINGS):
            asyncio.run(fill_it())
        with serving(folder, **SETTINGS):
            asyncio.run(look_again())


@pytest.mark.parametrize("small_disk", ["6m"], indirect=True)
def test_a_server_that_cannot_write_its_log_has_kept_what_it_acknowledged(home: Path) -> None:
    """Postgres ends itself then, and comes back when there is room; so does the store, with new connections."""
    kept = Kept()

    async def fill_it() -> None:
        async with PostgresStore(address, durability="full") as store:
            with pytest.raises((StoreFullError, StoreUnavailableError), match="postgresql://tester@/postgres: "):
                await kept.keep_more(store)
            assert kept.messages
            make_room(home.parent)
            async with asyncio.timeout(PATIENCE):
                while True:
                    try:
                        # the piece of the error may have been committed before the server could say so
                        kept.pieces = max(kept.pieces, await store.claim("numbers"))
                    except StoreUnavailableError:
                        await asyncio.sleep(0.05)  # the server recovers
                    else:
                        break
            await kept.is_there(store)
            await store.append("numbers", Pieces(kept.pieces, 1, b"more"))
            kept.pieces += 1

    async def look_again() -> None:
        async with PostgresStore(address) as store:
            await kept.is_there(store)

    with fresh_folder(log=home) as folder:
        address = address_of(folder, "postgres")
        with serving(folder, **SETTINGS):
            asyncio.run(fill_it())
        with serving(folder, **SETTINGS):
            asyncio.run(look_again())


@pytest.mark.parametrize("which", ["ASC", "DESC"])
async def test_a_lost_connection_is_replaced_and_none_is_left_over(postgres: Path, which: str) -> None:
    database = f"test_{uuid.uuid4().hex}"
    await executed(postgres, f"CREATE DATABASE {database}")
    of_store = f"FROM pg_stat_activity WHERE datname='{database}' AND backend_type='client backend'"

    async def until(wanted: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while not await executed(postgres, f"SELECT {wanted}"):
                await asyncio.sleep(0.01)

    async with PostgresStore(address_of(postgres, database)) as store:
        kept = UserMessage("kept")
        await store.put(kept)
        pid = await executed(postgres, f"SELECT pid {of_store} ORDER BY backend_start {which} LIMIT 1")
        await executed(postgres, f"SELECT pg_terminate_backend({pid})")
        await until(f"NOT EXISTS (SELECT {of_store} AND pid={pid})")
        await asyncio.sleep(0.05)  # the store is told
        await store.put(UserMessage("more"))
        assert await store.get(kept.hash_key, UserMessage) == kept
        await until(f"(SELECT count(*)=2 {of_store})")


@pytest.mark.parametrize(("durability", "synchronous"), [("normal", "off"), ("full", "on")])
async def test_a_commit_waits_for_what_the_durability_says(postgres: Path, durability: str, synchronous: str) -> None:
    """Only the end of the server could show it."""
    asyncpg: Any = import_module("asyncpg")  # Any: it has no types
    database = f"test_{uuid.uuid4().hex}"
    await executed(postgres, f"CREATE DATABASE {database}")
    made: list[Any] = []  # Any: as above

    async def connect() -> Any:  # Any: as above
        made.append(await asyncpg.connect(address_of(postgres, database)))
        return made[-1]

    engine = PostgresEngine("postgresql://", connect, "miniagents", durability, 10)
    await engine.put((), ())
    assert await made[0].fetchval("SHOW synchronous_commit") == synchronous
    await engine.close()
