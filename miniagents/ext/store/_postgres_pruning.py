"""How a Postgres store forgets runs and streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from miniagents.ext.store._bodies import keys_of_parts
from miniagents.ext.store._engine import PAGE, is_read, named, streams_of
from miniagents.ext.store._postgres_writing import living
from miniagents.ext.store.errors import StreamTakenError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Collection

    from miniagents.ext.store._postgres_tables import Connection
    from miniagents.ext.store._postgres_writing import Owner, Request

__all__ = ["forgotten", "pruned"]


async def forgotten(
    connection: Connection, owner: Owner, request: Request
) -> tuple[asyncio.Future[Any], object]:  # Any: what the request returns
    """Forget what a request names, in the running transaction; return what the request gets."""
    rows = await connection.fetch(
        "SELECT id, name, count, owner, ended FROM streams"
        " WHERE name=$1 OR name>$1 AND name<$2 ORDER BY name FOR UPDATE",
        *named(request.stream),
    )
    alive = await living(connection, owner, {by for _, _, _, by, ended in rows if ended is None})
    for _, name, count, by, ended in rows:
        if ended is None and by in alive:
            reason = "a store that is open writes it; let that end it first"
            return request.future, StreamTakenError(owner.shown, reason, stream=name, index=count)
    numbers = [row[0] for row in rows]
    await connection.execute("DELETE FROM pieces WHERE stream = ANY($1)", numbers)
    await connection.execute("DELETE FROM streams WHERE id = ANY($1)", numbers)
    return request.future, len(numbers)


async def pruned(
    connection: Connection, owner: Owner, keep: Collection[str] | int, older_than: float, read: Collection[str]
) -> int:
    """Forget runs with all that only they need, in the running transaction; return how many were forgotten."""
    await connection.execute("LOCK TABLE calls, messages IN SHARE ROW EXCLUSIVE MODE")  # nothing may refer anew
    known = await connection.fetch(
        "SELECT r.id, r.ended, o.place, o.process, coalesce(o.expires > clock_timestamp(), false),"
        " $1::float8 = 0 OR coalesce(r.ended, r.began) <= clock_timestamp() - make_interval(secs => $1::float8)"
        " FROM runs r LEFT JOIN owners o ON o.id=r.owner ORDER BY r.began DESC, r.id DESC",
        older_than,
    )
    kept = {row[0] for row in known[:keep]} if isinstance(keep, int) else set(keep)
    old = [
        run
        for run, ended, place, process, is_fresh, is_old in known
        if run not in kept
        and is_old
        and (ended is not None or not owner.is_alive(place, process, is_fresh=is_fresh))
        and not is_read(run, read)
    ]
    for run in old:
        await connection.execute(
            "DELETE FROM pieces WHERE stream IN (SELECT id FROM streams WHERE name>$1 AND name<$2)",
            *streams_of(run),
        )
        await connection.execute("DELETE FROM streams WHERE name>$1 AND name<$2", *streams_of(run))
        await connection.execute("DELETE FROM calls WHERE run=$1", run)
        await connection.execute("DELETE FROM runs WHERE id=$1", run)
    if old:
        await _sweep(connection)
    await connection.execute(  # not one that shows that it is alive just now: it may wait for this
        "DELETE FROM owners WHERE id IN (SELECT id FROM owners"
        " WHERE expires < clock_timestamp() - make_interval(secs => $1) FOR UPDATE SKIP LOCKED)",
        10 * owner.lease,
    )
    return len(old)


async def _sweep(connection: Connection) -> None:
    """Forget the messages that nothing refers to."""
    await connection.execute(
        "CREATE TEMP TABLE used (key BYTEA PRIMARY KEY, is_read BOOLEAN NOT NULL) ON COMMIT DROP;"
        "CREATE INDEX ON used (key) WHERE NOT is_read;"
        "INSERT INTO used SELECT key, false FROM messages WHERE pinned;"
        "INSERT INTO used SELECT substr(keys, 1 + 32 * place, 32), false FROM"
        " (SELECT messages AS keys FROM calls UNION ALL SELECT replies FROM calls) AS lists,"
        " generate_series(0, length(keys) / 32 - 1) AS place ON CONFLICT DO NOTHING"
    )
    while unread := await connection.fetch(
        "SELECT key, parts, body FROM used JOIN messages USING (key) WHERE NOT is_read LIMIT $1", PAGE
    ):
        parts = {part for _, count, body in unread if count for part in keys_of_parts(body)}
        await connection.execute(
            "INSERT INTO used SELECT key, false FROM unnest($1::bytea[]) AS key ON CONFLICT DO NOTHING", [*parts]
        )
        await connection.execute("UPDATE used SET is_read=true WHERE key = ANY($1)", [key for key, _, _ in unread])
    await connection.execute("DELETE FROM messages WHERE NOT EXISTS (SELECT FROM used WHERE used.key=messages.key)")
