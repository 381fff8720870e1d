"""One transaction of a Postgres store: everything that a batch of requests asks for.

Each transaction does the same things in the same order, with the rows sorted: streams, messages, calls, runs. So two
processes never wait for each other in a circle.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from miniagents.ext.store._engine import digest_of_pieces, is_gone, streams_of
from miniagents.ext.store._postgres_tables import CHANNEL
from miniagents.ext.store.errors import (
    NotStoredError,
    StoreError,
    StreamEndedError,
    StreamGapError,
    StreamTakenError,
)

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Collection, Sequence

    from miniagents.ext.store._bodies import MessageRow
    from miniagents.ext.store._engine import CallRow
    from miniagents.ext.store._postgres_tables import Connection
    from miniagents.wire import Pieces

__all__ = ["Owner", "Request", "living", "renew", "written"]

_LONGEST_NOTICE: Final = 7000
"""Bytes of a notice; Postgres allows 8000."""


class Owner(NamedTuple):
    """The store of this process, as other processes see it."""

    id: str
    place: str
    lease: float
    shown: str

    def is_alive(self, place: str | None, process: int | None, *, is_fresh: bool) -> bool:
        """Return whether a store is alive.

        Args:
            place: Where its process is; None if it has let go of everything.
            process: The number of its process.
            is_fresh: Whether its lease has not expired.
        """
        if not is_fresh or place is None or process is None:
            return False
        return not (place == self.place and is_gone(process))


class _Stream:
    """A stream as the transaction has it."""

    __slots__ = ("count", "ended", "has_changed", "is_free", "number")

    def __init__(self, number: int, count: int, ended: bool, is_free: bool) -> None:
        self.number = number
        self.count = count
        self.ended = ended
        self.is_free = is_free
        self.has_changed = False


class Request(NamedTuple):
    """Something to write; the kinds are "claim", "append", "end", "forget" and "end_run"."""

    future: asyncio.Future[Any]  # Any: what the request returns
    stream: str = ""
    kind: str = ""
    pieces: Pieces | None = None
    rows: Sequence[MessageRow] = ()
    pinned: Sequence[bytes] = ()
    run: str = ""
    calls: Sequence[CallRow] = ()


async def written(
    connection: Connection, owner: Owner, batch: list[Request]
) -> list[tuple[asyncio.Future[Any], object]]:  # Any: as above
    """Do what a batch asks for, in the running transaction; return what each request gets."""
    streams = await _streams_of(connection, owner, batch)
    pieces: list[tuple[int, Pieces]] = []
    results: list[tuple[Request, object]] = []
    rows: dict[bytes, MessageRow] = {}
    pinned: set[bytes] = set()
    calls: dict[tuple[str, int], CallRow] = {}
    runs: set[str] = set()
    over: list[str] = []
    for request in batch:
        result: object = None
        if request.stream:
            try:
                result = _stream_request(owner, request, streams, pieces)
            except StoreError as error:
                result = error
        rows.update((row.key, row) for row in request.rows)
        pinned.update(request.pinned)
        calls.update(((call.run, call.number), call) for call in request.calls)
        if request.kind == "end_run":
            over.append(request.run)
        elif request.run:
            runs.add(request.run)
        results.append((request, result))
    await _write_streams(connection, owner, streams, pieces)
    await _write_messages(connection, rows, pinned)
    begun = await _write_runs(connection, owner, runs, calls, over)
    return [(request.future, request.run in begun if request.run else result) for request, result in results]


async def _streams_of(connection: Connection, owner: Owner, batch: list[Request]) -> dict[str, _Stream]:
    names = sorted({request.stream for request in batch if request.stream})
    if not names:
        return {}
    begun = sorted({request.stream for request in batch if request.stream and request.kind != "end"})
    while True:
        await connection.execute(
            "INSERT INTO streams(name, owner, count, began) SELECT name, '', 0, clock_timestamp()"
            " FROM unnest($1::text[]) AS name ON CONFLICT DO NOTHING",
            begun,
        )
        found = await connection.fetch(
            "SELECT name, id, count, owner, ended IS NOT NULL FROM streams"
            " WHERE name = ANY($1) ORDER BY name FOR UPDATE",
            names,
        )
        if {row[0] for row in found}.issuperset(begun):  # else another process has forgotten one in between
            break
    alive = await living(connection, owner, {by for _, _, _, by, ended in found if by != owner.id and not ended})
    return {name: _Stream(number, count, ended, by not in alive) for name, number, count, by, ended in found}


async def living(connection: Connection, owner: Owner, owners: Collection[str]) -> set[str]:
    """Return which owners of rows are alive.

    This is a statement of its own, behind the one that locks the rows. If that had to wait for another transaction, it
    gives the rows as they are now, but the rows of other tables as they were before.
    """
    known = [each for each in owners if each]
    if not known:
        return set()
    rows = await connection.fetch(
        "SELECT id, place, process, expires > clock_timestamp() FROM owners WHERE id = ANY($1)", known
    )
    return {each for each, place, process, is_fresh in rows if owner.is_alive(place, process, is_fresh=is_fresh)}


def _stream_request(
    owner: Owner, request: Request, streams: dict[str, _Stream], pieces: list[tuple[int, Pieces]]
) -> int | None:
    name, new = request.stream, request.pieces
    stream = streams.get(name)
    if stream is None:
        raise NotStoredError(owner.shown, "there is no such stream", stream=name)
    if stream.ended:
        if request.kind == "end" or (new is not None and new.end <= stream.count):
            return None
        reason = f"it has ended with {stream.count} pieces; give what you write another name"
        raise StreamEndedError(owner.shown, reason, stream=name, index=stream.count)
    if not stream.is_free:
        reason = (
            "another store that is open writes it; let that end it or close it"
            f" (a store without a sign of life loses its streams after {owner.lease:g} s)"
        )
        raise StreamTakenError(owner.shown, reason, stream=name, index=stream.count)
    stream.has_changed = True
    if request.kind == "end":
        stream.ended = True
    elif new is not None and new.end > stream.count:
        new = new.since(stream.count)
        if new.first > stream.count:
            reason = f"pieces {stream.count} to {new.first - 1} are missing before these; append them first"
            raise StreamGapError(owner.shown, reason, stream=name, index=new.first)
        pieces.append((stream.number, new))
        stream.count = new.end
    return stream.count


async def _write_streams(
    connection: Connection, owner: Owner, streams: dict[str, _Stream], pieces: list[tuple[int, Pieces]]
) -> None:
    changed = {name: stream for name, stream in streams.items() if stream.has_changed}
    if not changed:
        return
    if pieces:
        await connection.execute(
            "INSERT INTO pieces SELECT stream, first, count, clock_timestamp(), digest, data"
            " FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[])"
            " AS new(stream, first, count, digest, data)",
            [number for number, _ in pieces],
            [each.first for _, each in pieces],
            [each.count for _, each in pieces],
            [digest_of_pieces(each.first, each.data) for _, each in pieces],
            [each.data for _, each in pieces],
        )
    await connection.execute(
        "UPDATE streams SET count=new.count, owner=$4,"
        " ended=CASE WHEN new.has_ended THEN coalesce(ended, clock_timestamp()) END"
        " FROM unnest($1::bigint[], $2::bigint[], $3::boolean[]) AS new(id, count, has_ended)"
        " WHERE streams.id=new.id",
        [stream.number for stream in changed.values()],
        [stream.count for stream in changed.values()],
        [stream.ended for stream in changed.values()],
        owner.id,
    )
    notice = "\n".join(changed)
    await connection.execute(
        "SELECT pg_notify($1, $2)", CHANNEL, notice if len(notice.encode()) < _LONGEST_NOTICE else ""
    )


async def _write_messages(connection: Connection, rows: dict[bytes, MessageRow], pinned: set[bytes]) -> None:
    if rows:
        found = sorted(rows.values())
        await connection.execute(
            "INSERT INTO messages SELECT key, digest, parts, false, body"
            " FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::bytea[]) AS new(key, digest, parts, body)"
            " ON CONFLICT DO NOTHING",
            *(list(column) for column in zip(*found, strict=True)),
        )
    if pinned:
        await connection.execute(
            "UPDATE messages SET pinned=true WHERE key IN (SELECT key FROM messages"
            " WHERE key = ANY($1) AND NOT pinned ORDER BY key FOR UPDATE)",
            [*pinned],
        )


async def _write_runs(
    connection: Connection, owner: Owner, runs: set[str], calls: dict[tuple[str, int], CallRow], over: list[str]
) -> set[str]:
    """Write runs and calls; return the runs that were begun."""
    begun: set[str] = set()
    if calls:
        columns = zip(*(calls[key] for key in sorted(calls)), strict=True)
        await connection.execute(
            "INSERT INTO calls SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[],"
            " $5::bytea[], $6::bytea[], $7::bytea[], $8::text[]) ON CONFLICT (run, number) DO UPDATE SET"
            " outcome=excluded.outcome, digest=excluded.digest, record=excluded.record,"
            " messages=excluded.messages, replies=excluded.replies, stream=excluded.stream",
            *(list(column) for column in columns),
        )
    if runs:  # behind the calls: as long as this waits for one that prunes, that may forget a run
        rows = await connection.fetch(
            "INSERT INTO runs(id, owner, began) SELECT id, $2, clock_timestamp() FROM unnest($1::text[]) AS id"
            " ON CONFLICT DO NOTHING RETURNING id",
            sorted(runs),
            owner.id,
        )
        begun = {row[0] for row in rows}
    for run in over:
        await connection.execute("UPDATE runs SET ended=clock_timestamp() WHERE id=$1 AND ended IS NULL", run)
        await connection.execute(
            "UPDATE streams SET owner='' WHERE name>$1 AND name<$2 AND ended IS NULL", *streams_of(run)
        )
        await connection.execute("SELECT pg_notify($1, '')", CHANNEL)
    return begun


async def renew(connection: Connection, owner: Owner) -> None:
    """Renew the lease of a store."""
    await connection.execute(
        "INSERT INTO owners VALUES ($1, $2, $3, clock_timestamp() + make_interval(secs => $4))"
        " ON CONFLICT (id) DO UPDATE SET expires=excluded.expires",
        owner.id,
        owner.place,
        os.getpid(),
        owner.lease,
    )
