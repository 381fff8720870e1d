"""The SQL of a SQLite store; all of it runs in the thread of its `Worker`."""

from __future__ import annotations

import contextlib
import itertools
import os
import sqlite3
import time
import uuid
from typing import TYPE_CHECKING, Final

from miniagents.ext.store._bodies import MessageRow, keys_of_parts
from miniagents.ext.store._engine import (
    PAGE,
    CallRow,
    Page,
    digest_of_pieces,
    is_gone,
    is_read,
    named,
    place_of_processes,
    streams_of,
)
from miniagents.ext.store._sqlite_file import FileGoneError, error_of, file_of, opened
from miniagents.ext.store.errors import (
    NotStoredError,
    StreamEndedError,
    StreamGapError,
    StreamTakenError,
)
from miniagents.ext.store.protocols import RunInfo, StreamInfo
from miniagents.wire import Pieces

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from miniagents.ext.store._sqlite_file import Durability
    from miniagents.ext.store.errors import StoreError

__all__ = ["Tables"]

_TOGETHER: Final = 512
"""How many rows one statement inserts at most."""
_STEP: Final = 32
"""It inserts a multiple of this, or a power of two below it."""
_NEVER: Final = 1e300
"""Behind all times."""
_FREED: Final = 1000
"""How many pages of the file are given back at once: others write in between."""
_PAGE_BYTES: Final = 1 << 20
"""How many bytes of pieces are read at once, about."""


class Tables:
    """The tables of one store, as the thread of this process sees them.

    Args:
        path: The file; None for memory.
        shown: The name for errors.
        durability: What a commit waits for.
        patience: Seconds to wait for a lock.
        lease: Seconds after which a store that gives no sign of life counts as dead.
    """

    def __init__(self, path: Path | None, shown: str, durability: Durability, patience: float, lease: float) -> None:
        self._shown = shown
        self._lease = lease
        self.connection: sqlite3.Connection = opened(path, shown, durability, patience)
        self._path = path
        self._file = file_of(path)
        self._owner = uuid.uuid4().hex
        self._place = place_of_processes()
        self._is_owner = False
        self._expires = 0.0  # the lease
        self._open: dict[str, tuple[int, int]] = {}  # the streams of this store: number and how many pieces

    def error_of(self, error: sqlite3.Error) -> StoreError:
        """Return the error that says what to do about one of SQLite."""
        return error_of(error, self._shown)

    def check(self) -> None:
        """Check that the file is still there.

        Raises:
            FileGoneError: It is not.
        """
        if self._file is not None and file_of(self._path) != self._file:
            raise FileGoneError

    def rolled_back(self) -> None:
        """Forget what was remembered of the transaction that failed."""
        self._open.clear()
        self._is_owner = False

    def beat(self) -> float | None:
        """Renew the lease if a third of it is over; return the seconds until that is so again."""
        if not self._is_owner:
            return None
        third = self._lease / 3
        left = self._expires - 2 * third - time.time()
        if 0 < left <= third:  # a request has just renewed it; more is left if the clock was set back
            return left
        self._renew()
        return third

    def close(self) -> None:
        """Let go of everything, and close the connection."""
        with contextlib.suppress(sqlite3.Error):  # the lease expires
            self.connection.execute("DELETE FROM owners WHERE id=?", (self._owner,))
        self.connection.close()

    # --- streams ---

    def claim(self, stream: str) -> int:
        """Begin a stream, or take it over."""
        known = self._open.get(stream)
        return self._claimed(stream)[1] if known is None else known[1]

    def append(self, stream: str, pieces: Pieces) -> None:
        """Append pieces."""
        number, count = self._open.get(stream) or self._claimed(stream, pieces)
        while True:
            if pieces.end <= count:
                return
            new = pieces if pieces.first == count else pieces.since(count)
            if new.first > count:
                reason = f"pieces {count} to {new.first - 1} are missing before these; append them first"
                raise StreamGapError(self._shown, reason, stream=stream, index=new.first)
            done = self.connection.execute(
                "UPDATE streams SET count=? WHERE id=? AND count=? AND owner=? AND ended IS NULL AND name=?",
                (new.end, number, count, self._owner, stream),  # of streams that are forgotten others get the numbers
            )
            if done.rowcount:
                break
            number, count = self._claimed(stream, pieces)  # another store took it over
        self.connection.execute(
            "INSERT INTO pieces VALUES (?, ?, ?, ?, ?, ?)",
            (number, new.first, new.count, time.time(), digest_of_pieces(new.first, new.data), new.data),
        )
        self._open[stream] = number, new.end

    def end(self, stream: str) -> None:
        """End a stream."""
        row = self.connection.execute("SELECT owner, ended, count FROM streams WHERE name=?", (stream,)).fetchone()
        if row is None:
            raise NotStoredError(self._shown, "there is no such stream", stream=stream)
        if row[1] is None:
            self._take(stream, row[0], row[2])
            now = time.time()
            self.connection.execute("UPDATE streams SET ended=?, owner=? WHERE name=?", (now, self._owner, stream))
        self._open.pop(stream, None)

    def page(self, stream: str, start: int, *, follow: bool, wait: bool) -> Page | None:
        """Return some pieces of a stream; None while there is nothing that is waited for."""
        row = self.connection.execute(
            "SELECT name, count, began, ended, owner FROM streams WHERE name=?", (stream,)
        ).fetchone()
        if row is None:
            return None if wait else Page(None, ())
        info = self._info(row)
        if start >= info.count:
            return None if follow and info.is_live else Page(info, ())
        found: list[tuple[Pieces, int]] = []
        size = 0
        for first, count, data, at, digest in self.connection.execute(
            # by the name: another process may have forgotten the stream meanwhile, and another one have its number
            "WITH this AS (SELECT id FROM streams WHERE name=?)"
            " SELECT first, count, CAST(data AS BLOB), at, digest FROM pieces WHERE stream=(SELECT id FROM this)"
            " AND first>=(SELECT coalesce(max(first), 0) FROM pieces WHERE stream=(SELECT id FROM this) AND first<=?)"
            " ORDER BY first LIMIT ?",
            (stream, start, PAGE),
        ):
            found.append((Pieces(first, count, data, at), digest))
            size += len(data)
            if size > _PAGE_BYTES:
                break
        return Page(info, found)

    def streams(self, prefix: str, after: str) -> list[StreamInfo]:
        """Return some streams."""
        rows = self.connection.execute(
            "SELECT name, count, began, ended, owner FROM streams"
            " WHERE name>? AND name>=? AND substr(name, 1, ?)=? ORDER BY name LIMIT ?",
            (after, prefix, len(prefix), prefix, PAGE),
        ).fetchall()
        return [self._info(row) for row in rows]

    def _info(self, row: tuple[str, int, float, float | None, str]) -> StreamInfo:
        name, count, began, ended, owner = row
        is_live = ended is None and self._is_alive(owner)
        return StreamInfo(name=name, count=count, began=began, ended=ended, is_live=is_live)

    def _claimed(self, stream: str, pieces: Pieces | None = None) -> tuple[int, int]:
        """Take a stream for this store, and return its number and how many pieces it has.

        Args:
            stream: The name of the stream.
            pieces: What will be appended; a stream that has ended is no error if it has these.
        """
        self._own()
        row = self.connection.execute("SELECT id, count, owner, ended FROM streams WHERE name=?", (stream,)).fetchone()
        if row is None:
            number = self.connection.execute(
                "INSERT INTO streams(name, owner, count, began) VALUES (?, ?, 0, ?)", (stream, self._owner, time.time())
            ).lastrowid
            known = number or 0, 0
        else:
            number, count, owner, ended = row
            if ended is not None:
                if pieces is not None and pieces.end <= count:
                    return number, count
                reason = f"it has ended with {count} pieces; give what you write another name"
                raise StreamEndedError(self._shown, reason, stream=stream, index=count)
            self._take(stream, owner, count)
            self.connection.execute("UPDATE streams SET owner=? WHERE id=?", (self._owner, number))
            known = number, count
        self._open[stream] = known
        return known

    def _take(self, stream: str, owner: str, count: int) -> None:
        if owner != self._owner and self._is_alive(owner):
            reason = (
                "another store that is open writes it; let that end it or close it"
                f" (a store without a sign of life loses its streams after {self._lease:g} s)"
            )
            raise StreamTakenError(self._shown, reason, stream=stream, index=count)

    # --- owners ---

    def _own(self) -> None:
        """See to it that this store has a lease."""
        if not self._is_owner or time.time() >= self._expires:
            self._is_owner = True
            self._renew()

    def _renew(self) -> None:
        self._expires = time.time() + self._lease
        self.connection.execute(
            "INSERT INTO owners VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET expires=excluded.expires",
            (self._owner, self._place, os.getpid(), self._expires),
        )

    def _is_alive(self, owner: str) -> bool:
        if owner == self._owner:
            return True
        row = self.connection.execute("SELECT place, process, expires FROM owners WHERE id=?", (owner,)).fetchone()
        if row is None:
            return False
        place, process, expires = row
        return expires > time.time() and not (place == self._place and is_gone(process))

    # --- messages ---

    def put(self, rows: Sequence[MessageRow], pinned: Sequence[bytes]) -> None:
        """Keep rows of messages."""
        if rows:
            self._insert(
                "INSERT INTO messages(key, digest, parts, body, pinned) VALUES", "(?, ?, ?, ?, 0)", rows, "DO NOTHING"
            )
        if pinned:
            self.connection.executemany(
                "UPDATE messages SET pinned=1 WHERE key=? AND NOT pinned", [(key,) for key in pinned]
            )

    def _insert(self, into: str, row: str, rows: Sequence[tuple[object, ...]], on_conflict: str) -> None:
        """Insert rows by few statements: behind each, the thread waits for Python, milliseconds long if the loop works.

        SQLite prepares and keeps a statement for each number of rows, so there are few such numbers.
        """
        limit = self.connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER) // len(rows[0])
        done = 0
        while done < len(rows):
            count = min(len(rows) - done, limit, _TOGETHER)
            count = count // _STEP * _STEP or 1 << (count.bit_length() - 1)
            values = ", ".join([row] * count)
            given = [*itertools.chain.from_iterable(rows[done : done + count])]
            self.connection.execute(f"{into} {values} ON CONFLICT {on_conflict}", given)
            done += count

    def rows(self, keys: Collection[bytes]) -> dict[bytes, MessageRow]:
        """Return the rows of messages."""
        found: dict[bytes, MessageRow] = {}
        for key in keys:
            row = self.connection.execute(
                "SELECT key, digest, parts, CAST(body AS BLOB) FROM messages WHERE key=?", (key,)
            ).fetchone()
            if row is not None:
                found[key] = MessageRow(*row)
        return found

    def keys_between(self, low: bytes, high: bytes) -> list[bytes]:
        """Return two keys at most."""
        rows = self.connection.execute("SELECT key FROM messages WHERE key BETWEEN ? AND ? LIMIT 2", (low, high))
        return [row[0] for row in rows]

    # --- runs ---

    def record(self, run: str, rows: Sequence[MessageRow], calls: Sequence[CallRow]) -> bool:
        """Keep what belongs to a run; return whether the run was begun."""
        self._own()
        begun = self.connection.execute(
            "INSERT INTO runs(id, owner, began) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (run, self._owner, time.time()),
        )
        self.put(rows, ())
        if calls:
            self._insert(
                "INSERT INTO calls(run, number, outcome, digest, record, messages, replies, stream) VALUES",
                "(?, ?, ?, ?, ?, ?, ?, ?)",
                calls,
                "DO UPDATE SET outcome=excluded.outcome, digest=excluded.digest, record=excluded.record,"
                " messages=excluded.messages, replies=excluded.replies, stream=excluded.stream",
            )
        return begun.rowcount > 0

    def end_run(self, run: str) -> None:
        """Note that a run has ended, and let go of its streams that have not."""
        self.connection.execute("UPDATE runs SET ended=? WHERE id=? AND ended IS NULL", (time.time(), run))
        self.connection.execute(
            "UPDATE streams SET owner='' WHERE name>? AND name<? AND ended IS NULL", streams_of(run)
        )

    def runs(self, before: tuple[float, str] | None) -> list[RunInfo]:
        """Return some runs."""
        rows = self.connection.execute(
            "SELECT id, owner, began, ended, (SELECT count(*) FROM calls WHERE run=id),"
            " (SELECT count(*) FROM calls WHERE run=id AND outcome='failed')"
            " FROM runs WHERE (began, id) < (?, ?) ORDER BY began DESC, id DESC LIMIT ?",
            (*(before or (_NEVER, "")), PAGE),
        ).fetchall()
        return [
            RunInfo(
                id=run,
                began=began,
                ended=ended,
                calls=calls,
                failed=failed,
                is_live=ended is None and self._is_alive(owner),
            )
            for run, owner, began, ended, calls, failed in rows
        ]

    def calls(self, run: str, after: int) -> list[CallRow] | None:
        """Return some calls of a run."""
        rows = self.connection.execute(
            "SELECT run, number, outcome, digest, CAST(record AS BLOB), CAST(messages AS BLOB), CAST(replies AS BLOB),"
            " stream FROM calls"
            " WHERE run=? AND number>? ORDER BY number LIMIT ?",
            (run, after, PAGE),
        ).fetchall()
        if not rows and self.connection.execute("SELECT 1 FROM runs WHERE id=?", (run,)).fetchone() is None:
            return None
        return [CallRow(*row) for row in rows]

    def prune(self, keep: Collection[str] | int, older_than: float, read: Collection[str]) -> int:
        """Forget runs."""
        execute = self.connection.execute
        known = [
            (run, owner, began, ended)
            for run, owner, began, ended in execute(
                "SELECT id, owner, began, ended FROM runs ORDER BY began DESC, id DESC"
            )
        ]
        kept = {run for run, *_ in known[:keep]} if isinstance(keep, int) else set(keep)
        latest = time.time() - older_than if older_than else _NEVER
        forgotten = [
            run
            for run, owner, began, ended in known
            if run not in kept
            and (began if ended is None else ended) <= latest
            and (ended is not None or not self._is_alive(owner))
            and not is_read(run, read)
        ]
        for run in forgotten:
            self._forget(streams_of(run))
            execute("DELETE FROM calls WHERE run=?", (run,))
            execute("DELETE FROM runs WHERE id=?", (run,))
        if forgotten:
            self._sweep()
        execute("DELETE FROM owners WHERE expires<?", (time.time() - 10 * self._lease,))
        return len(forgotten)

    def forget(self, stream: str) -> int:
        """Forget a stream, or all below a name that ends with "/"."""
        names = named(stream)
        for name, owner, count in self.connection.execute(
            "SELECT name, owner, count FROM streams WHERE (name=? OR name>? AND name<?) AND ended IS NULL",
            (names[0], *names),
        ).fetchall():
            if self._is_alive(owner):
                reason = "a store that is open writes it; let that end it first"
                raise StreamTakenError(self._shown, reason, stream=name, index=count)
        return self._forget(names)

    def _forget(self, names: tuple[str, str]) -> int:
        wanted = (names[0], *names)
        self.connection.execute(
            "DELETE FROM pieces WHERE stream IN (SELECT id FROM streams WHERE name=? OR name>? AND name<?)", wanted
        )
        return self.connection.execute("DELETE FROM streams WHERE name=? OR name>? AND name<?", wanted).rowcount

    def give_back(self) -> None:
        """Make the file smaller by the pages that nothing needs any more; files of older versions stay as they are."""
        free: int = self.connection.execute("PRAGMA freelist_count").fetchone()[0]
        with contextlib.suppress(sqlite3.OperationalError):  # others write: later then
            for _ in range(0, free, _FREED):
                self.connection.executescript(f"PRAGMA incremental_vacuum({_FREED})")
            if free:
                self.connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def _sweep(self) -> None:
        """Forget the messages that nothing refers to."""
        execute = self.connection.execute
        execute("CREATE TEMP TABLE IF NOT EXISTS used (key BLOB PRIMARY KEY, is_read INTEGER) WITHOUT ROWID")
        execute("CREATE INDEX IF NOT EXISTS temp.unread ON used (key) WHERE is_read = 0")
        execute("DELETE FROM used")
        add = "INSERT INTO used VALUES (?, 0) ON CONFLICT DO NOTHING"
        execute("INSERT INTO used SELECT key, 0 FROM messages WHERE pinned")
        for messages, replies in execute("SELECT messages, replies FROM calls"):
            self.connection.executemany(add, [(key,) for keys in (messages or b"", replies) for key in _split(keys)])
        while unread := execute(
            "SELECT used.key, parts, body FROM used JOIN messages USING (key) WHERE is_read = 0 LIMIT ?", (PAGE,)
        ).fetchall():
            parts = [(part,) for _, count, body in unread if count for part in keys_of_parts(body)]
            self.connection.executemany(add, parts)
            self.connection.executemany("UPDATE used SET is_read=1 WHERE key=?", [(key,) for key, _, _ in unread])
        execute("DELETE FROM messages WHERE key NOT IN (SELECT key FROM used)")
        execute("DELETE FROM used")


def _split(keys: bytes) -> list[bytes]:
    return [keys[place : place + 32] for place in range(0, len(keys), 32)]
