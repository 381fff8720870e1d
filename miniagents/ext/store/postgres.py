"""`PostgresStore`: a store in a Postgres database, for processes of many machines; it needs the extra `postgres`."""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from miniagents.ext.store._kept import EngineStore
from miniagents.ext.store._postgres_engine import PostgresEngine
from miniagents.promising.core.arguments import check_not_negative

if TYPE_CHECKING:
    from miniagents.ext.store._sqlite_file import Durability

__all__ = ["PostgresStore"]


class PostgresStore(EngineStore):
    """A store in a schema of its own of a Postgres database, from version 12 on.

    The database is connected to with the first use: one connection writes, one reads and listens for what other
    processes write. What is ready while a commit is under way is committed together. One object serves one event loop.

    Args:
        address: The address of the database, `postgresql://user@host/database`. asyncpg reads the environment and the
            files of Postgres, such as `~/.pgpass`, for what it does not have.
        durability: "normal" does not wait for the disk, so a crash of the server may lose the last moment; the end of a
            client loses nothing. "full" waits.
        schema: The schema that has the tables; it is made if it is not there.
        lease: Seconds after which a store that gives no sign of life counts as dead, and loses its streams. It needs a
            loop that is not blocked for so long.
    """

    def __init__(
        self,
        address: str,
        *,
        durability: Durability = "normal",
        schema: str = "miniagents",
        lease: float = 10.0,
    ) -> None:
        if durability not in ("normal", "full"):
            raise ValueError(f'PostgresStore: durability is "normal" or "full", not {durability!r}')
        if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", schema):
            raise ValueError(f"PostgresStore: a schema is a lower-case name, not {schema!r:.100}")
        check_not_negative(f"PostgresStore: lease={lease!r}", lease, if_zero="give a number of seconds above 0")

        async def connect() -> Any:  # Any: asyncpg has no types
            try:
                asyncpg: Any = import_module("asyncpg")  # Any: it has no types
            except ImportError as error:
                raise ImportError("PostgresStore needs asyncpg: pip install 'miniagents[postgres]'") from error
            return await asyncpg.connect(address)

        super().__init__(PostgresEngine(_without_password(address), connect, schema, durability, lease))


def _without_password(address: str) -> str:
    parts = urlsplit(address)
    return parts._replace(
        netloc=parts.netloc.rpartition("@")[0].partition(":")[0]
        + "@" * ("@" in parts.netloc)
        + parts.netloc.rpartition("@")[2],
        query="",
    ).geturl()
