"""The file of a SQLite store: how it is opened, its tables, and how tables of older versions are changed.

A version of the tables never changes once it was released: `_STEPS` gets one more step instead.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from miniagents.ext.store.errors import (
    StoreDamagedError,
    StoreError,
    StoreFullError,
    StoreLockedError,
    StoreUnavailableError,
    StoreVersionError,
)

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["VERSION", "Durability", "FileGoneError", "error_of", "file_of", "opened"]

Durability: TypeAlias = Literal["normal", "full"]
"""What a commit waits for: "normal" loses nothing when processes are killed, "full" nothing when the power is cut."""

_APPLICATION: Final = 0x6D_69_6E_61
"""What SQLite calls the application's identifier: "mina"."""

_STEPS: Final = (
    """
    CREATE TABLE owners (
        id TEXT PRIMARY KEY,
        place TEXT NOT NULL,        -- the machine and the space of its process numbers
        process INTEGER NOT NULL,
        expires REAL NOT NULL       -- seconds since 1970
    ) WITHOUT ROWID;
    CREATE TABLE streams (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        owner TEXT NOT NULL,
        count INTEGER NOT NULL,
        began REAL NOT NULL,
        ended REAL
    );
    CREATE TABLE pieces (
        stream INTEGER NOT NULL,
        first INTEGER NOT NULL,
        count INTEGER NOT NULL,
        at REAL NOT NULL,
        digest INTEGER NOT NULL,    -- CRC-32 of the data, begun with `first`
        data BLOB NOT NULL,
        PRIMARY KEY (stream, first)
    ) WITHOUT ROWID;
    CREATE TABLE messages (
        key BLOB PRIMARY KEY,
        digest INTEGER NOT NULL,    -- CRC-32 of the key and the body
        parts INTEGER NOT NULL,     -- how many messages the body names by their keys
        pinned INTEGER NOT NULL,    -- whether it was put by hand
        body BLOB NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE runs (
        id TEXT PRIMARY KEY,
        owner TEXT NOT NULL,
        began REAL NOT NULL,
        ended REAL
    );
    CREATE TABLE calls (
        run TEXT NOT NULL,
        number INTEGER NOT NULL,
        outcome TEXT,
        digest INTEGER NOT NULL,    -- CRC-32 of the record, the messages and the replies
        record BLOB NOT NULL,
        messages BLOB,              -- the keys, 32 bytes each
        replies BLOB NOT NULL,      -- the same
        stream TEXT,
        PRIMARY KEY (run, number)
    ) WITHOUT ROWID;
    """,
)

_PAUSE: Final = 0.01
"""Seconds between two attempts to open a file."""

VERSION: Final = len(_STEPS)
"""The version of the tables."""


class AtRest(sqlite3.Connection):
    """A connection to a file that can only be read, on the condition that no process writes it meanwhile.

    In the mode WAL, SQLite makes files beside its own also to read, unless it is told that nothing changes.
    """

    path: Path | None = None
    seen: tuple[int, ...] = ()

    def at(self, path: Path) -> None:
        """Refuse to read the file from now on once it has changed."""
        self.seen = _state_of(path)
        self.path = path

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:  # Any: what SQLite takes
        """Execute a statement.

        Raises:
            FileGoneError: The file has changed.
        """
        if self.path is not None and _state_of(self.path) != self.seen:
            raise FileGoneError
        return super().execute(sql, parameters)


def _state_of(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def opened(path: Path | None, shown: str, durability: Durability, patience: float) -> sqlite3.Connection:
    """Open the file, make it if it is not there, and bring its tables to this version.

    If this process may not write in the folder, a file that no process has open is opened `AtRest`.

    Args:
        path: The file; None for a database in memory.
        shown: The name of the store for errors.
        durability: What a commit waits for.
        patience: Seconds to wait for a lock.
    """
    deadline = time.monotonic() + patience
    connect = partial(sqlite3.connect, ":memory:" if path is None else path)
    while True:
        connection: sqlite3.Connection | None = None
        try:
            connection = connect(timeout=patience, isolation_level=None, cached_statements=256)
            if path is not None and isinstance(connection, AtRest):
                connection.at(path)
            _prepare(connection, shown, durability)
        except BaseException as error:
            if connection is not None:
                connection.close()
            if not isinstance(error, sqlite3.Error):
                raise
            if path is not None and not isinstance(connection, AtRest) and _may_be_read(path, error):
                address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
                connect = partial(sqlite3.connect, address, factory=AtRest, uri=True)
                continue
            said = error_of(error, shown)
            if path is not None and path.is_dir():
                said = StoreUnavailableError(shown, "it is a folder; a store is a file")
            elif path is not None and not path.parent.is_dir():
                said = StoreUnavailableError(shown, f"there is no folder {str(path.parent)!r}; make it first")
            if not isinstance(said, StoreLockedError) or time.monotonic() > deadline:
                raise said from error
            time.sleep(_PAUSE)  # SQLite does not wait when two processes make the same file at the same time
        else:
            return connection


def _may_be_read(path: Path, error: sqlite3.Error) -> bool:
    """Return whether SQLite only misses the right to write in the folder, and the file is complete.

    No process has it open then, or has left anything beside it.
    """
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code not in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN) or not path.is_file():
        return False
    is_writable = os.access(path.parent, os.W_OK, effective_ids=os.access in os.supports_effective_ids)
    return not is_writable and not path.with_name(f"{path.name}-wal").exists()


def _prepare(connection: sqlite3.Connection, shown: str, durability: Durability) -> None:
    connection.execute("BEGIN")  # another process may make the file now: all is read of one state
    tables: int = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    application: int = connection.execute("PRAGMA application_id").fetchone()[0]
    version = _version(connection)
    connection.execute("COMMIT")
    if application != _APPLICATION and (application or version or tables):
        raise StoreVersionError(shown, "this is a database of another program; give the store a file of its own")
    if version > VERSION:
        raise StoreVersionError(
            shown,
            f"a newer version of miniagents has written it (tables of version {version}, known here is {VERSION}); "
            "update miniagents, or use another file",
        )
    if not tables:
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")  # cannot be changed later, but by copying the file
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA synchronous={durability.upper()}")
    if version == VERSION and application == _APPLICATION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _version(connection)  # another process may have done it meanwhile
        for step in _STEPS[version:]:
            for statement in step.split(";\n"):
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id={_APPLICATION}")
        connection.execute(f"PRAGMA user_version={max(version, VERSION)}")
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def file_of(path: Path | None) -> tuple[int, int] | None:
    """Return what tells a file from another one at the same place; None if there is none."""
    try:
        found = None if path is None else path.stat()
    except FileNotFoundError:
        return None
    return None if found is None else (found.st_dev, found.st_ino)


class FileGoneError(sqlite3.OperationalError):
    """The file of a store that is open is another one now, which SQLite does not notice in the mode WAL.

    It was deleted, moved or replaced; or it is at rest, and was written.
    """


def error_of(error: sqlite3.Error, shown: str) -> StoreError:
    """Return the error that says what to do about one of SQLite."""
    if isinstance(error, FileGoneError):
        reason = (
            "the file was deleted, moved or replaced while the store was open, or written while it could only be read; "
            "close the store, and make another one"
        )
        return StoreUnavailableError(shown, reason)
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    said = f"{error} ({name})"
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        reason = f"another program has locked it: {said}; end that, or give the store more `patience`"
        return StoreLockedError(shown, reason)
    if code == sqlite3.SQLITE_FULL:
        reason = f"there is no room left: {said}; nothing of this batch was kept. Make room, and write it again"
        return StoreFullError(shown, reason)
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT):
        reason = f"it is damaged, or no SQLite database: {said}; `sqlite3 FILE .recover` saves what can be read"
        return StoreDamagedError(shown, reason)
    if code == sqlite3.SQLITE_IOERR:
        reason = f"it cannot be read or written: {said}; look at the disk and whether it is full, then write again"
        return (
            StoreFullError(shown, reason) if "WRITE" in name or "SHM" in name else StoreUnavailableError(shown, reason)
        )
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        reason = f"it cannot be opened for writing: {said}; look at the folder and its permissions"
        return StoreUnavailableError(shown, reason)
    return StoreUnavailableError(shown, said)
