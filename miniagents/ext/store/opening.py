"""`open_store`: a store by its address, as commands and settings have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    from miniagents.ext.store.postgres import PostgresStore
    from miniagents.ext.store.sqlite import SQLiteStore

__all__ = ["open_store"]


def open_store(address: str | os.PathLike[str]) -> SQLiteStore | PostgresStore:
    """Return the store at an address, with the default options.

    Args:
        address: The path of a SQLite file, or a `postgresql://` address.

    Raises:
        ValueError: It is the address of something else.

    >>> open_store("runs.db")
    <SQLiteStore runs.db>
    """
    if isinstance(address, str) and address.startswith(("postgresql://", "postgres://")):
        from miniagents.ext.store.postgres import PostgresStore  # noqa: PLC0415  # it is an extra

        return PostgresStore(address)
    if isinstance(address, str) and "://" in address:
        raise ValueError(
            f"open_store: {address!r:.200} is no address of a store; a SQLite file is named by its path alone, as in "
            "'runs.db', and a database of Postgres as in 'postgresql://user@host/database'"
        )
    from miniagents.ext.store.sqlite import SQLiteStore  # noqa: PLC0415  # some Pythons have no sqlite3

    return SQLiteStore(address)
