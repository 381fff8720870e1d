"""`EngineStore`: a store over any engine. It makes messages of rows, checks them, and reads streams page by page."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, Literal, Self, overload

from typing_extensions import TypeVar

from miniagents.ext.store._bodies import digest_of, keys_of_parts, rows_of, whole
from miniagents.ext.store._engine import PAGE, digest_of_call, digest_of_pieces
from miniagents.ext.store.errors import (
    NotStoredError,
    StoreDamagedError,
    StoreError,
    StreamAbandonedError,
    StreamTakenError,
)
from miniagents.ext.store.protocols import KeptCall, messages_of
from miniagents.messages import AgentCallNode, AgentReplyNode, CallRecord, DecodeError, Message, decode
from miniagents.messages.values.frozen import longer_hash_keys
from miniagents.promising.core.arguments import check_kind, check_not_negative

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable, Iterator, Sequence

    from typing_extensions import TypeForm

    from miniagents.agents.keeping import RunKeeper
    from miniagents.agents.persistence import PersistFilter
    from miniagents.ext.store._bodies import MessageRow
    from miniagents.ext.store._engine import CallRow, Engine
    from miniagents.ext.store.protocols import RunInfo, StreamInfo
    from miniagents.messages import UnknownMessage
    from miniagents.wire import Pieces

__all__ = ["EngineStore"]

M = TypeVar("M", bound=Message)
Info = TypeVar("Info", "RunInfo", "StreamInfo")

_DIGITS: Final = 64
_BATCH: Final = 256
"""How many messages are handed to the engine at once."""
_RESTORE: Final = "restore it from a copy"


class EngineStore:
    """A store over an engine; see `Store` for what it does."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.asking: dict[str, object] = {}  # the streams for which calls of `cached` agents ask, each by its call
        self._read: dict[object, str] = {}  # the streams that are read now, each by its reader

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._engine.shown}>"

    async def __aenter__(self) -> Self:
        self._engine.check_open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # --- streams ---

    async def claim(self, stream: str) -> int:
        """Begin a stream or go on with one; see `StreamLog.claim`."""
        return await self._engine.claim(stream)

    async def append(self, stream: str, pieces: Pieces) -> None:
        """Append pieces to a stream; see `StreamLog.append`."""
        await self._engine.append(stream, pieces)

    async def end(self, stream: str) -> None:
        """End a stream; see `StreamLog.end`."""
        await self._engine.end(stream)

    async def read(
        self, stream: str, start: int = 0, *, follow: bool = True, wait: bool = False
    ) -> AsyncGenerator[Pieces]:
        """Yield the pieces of a stream; see `StreamLog.read`."""
        if start < 0:
            raise ValueError(f"read: start is a position from 0, not {start}")
        position = start
        is_sure = False  # an engine looks at a stream, at its writer and at its pieces: each may change in between
        reader = object()
        self._read[reader] = stream
        try:
            while True:
                info, found = await self._engine.page(stream, position, follow=follow, wait=wait)
                if info is None:
                    reason = "it was forgotten while it was read" if position > start else "there is no such stream"
                    raise NotStoredError(self._engine.shown, reason, stream=stream, index=position or None)
                wait = False
                before = position
                for pieces, digest in found:
                    if pieces.first > position or digest != digest_of_pieces(pieces.first, pieces.data):
                        raise self._damaged_stream(stream, position)
                    if pieces.end > position:
                        yield pieces.since(position)
                        position = pieces.end
                if position >= info.count and (info.ended is not None or not follow):
                    return
                is_cut = position == before if position < info.count else not info.is_live
                if is_cut and is_sure:
                    raise self._cut_stream(stream, position, info)
                is_sure = is_cut
        finally:
            del self._read[reader]

    async def streams(self, prefix: str = "") -> AsyncGenerator[StreamInfo]:
        """Yield streams by their names; see `StreamLog.streams`."""
        after = ""
        while found := await _seen(partial(self._engine.streams, prefix, after)):
            for info in found:
                yield info
            if len(found) < PAGE:
                return
            after = found[-1].name

    async def forget(self, stream: str, /) -> int:
        """Forget streams; see `StreamLog.forget`."""
        read = tuple(self._read.values())
        if stream in read or (stream.endswith("/") and any(each.startswith(stream) for each in read)):
            raise StreamTakenError(self._engine.shown, "this store is reading it; end that first", stream=stream)
        return await self._engine.forget(stream)

    def _cut_stream(self, stream: str, position: int, info: StreamInfo) -> StoreError:
        if position < info.count:
            return self._damaged_stream(stream, position)
        reason = "the process that wrote it is gone and has not ended it; claim the stream to go on with it"
        return StreamAbandonedError(self._engine.shown, reason, stream=stream, index=position)

    def _damaged_stream(self, stream: str, position: int) -> StoreDamagedError:
        reason = f"the piece is not what was written, or is missing; {_RESTORE}"
        return StoreDamagedError(self._engine.shown, reason, stream=stream, index=position)

    # --- messages ---

    async def put(self, messages: Message | Iterable[Message], /) -> None:
        """Keep messages and those inside them; see `Store.put`."""
        given = messages_of("put", messages)
        for start in range(0, len(given), _BATCH):
            part = given[start : start + _BATCH]
            rows = rows_of(part, lambda _: False)
            await self._engine.put(rows, full_keys(part))

    @overload
    async def get(self, key: str, form: TypeForm[M], /, *, unknown: Literal["refuse", "ignore"] = "refuse") -> M: ...
    @overload
    async def get(self, key: str, form: TypeForm[M], /, *, unknown: Literal["keep"]) -> M | UnknownMessage: ...
    async def get(
        self, key: str, form: TypeForm[M], /, *, unknown: Literal["refuse", "ignore", "keep"] = "refuse"
    ) -> M | UnknownMessage:
        """Return the message with a hash key; see `Store.get`."""
        return (await self.get_all((key,), form, unknown=unknown))[0]

    @overload
    async def get_all(
        self, keys: Iterable[str], form: TypeForm[M], /, *, unknown: Literal["refuse", "ignore"] = "refuse"
    ) -> tuple[M, ...]: ...
    @overload
    async def get_all(
        self, keys: Iterable[str], form: TypeForm[M], /, *, unknown: Literal["keep"]
    ) -> tuple[M | UnknownMessage, ...]: ...
    async def get_all(
        self,
        keys: Iterable[str],
        form: TypeForm[M],
        /,
        *,
        unknown: Literal["refuse", "ignore", "keep"] = "refuse",
    ) -> tuple[M | UnknownMessage, ...]:
        """Return the messages with some hash keys; see `Store.get_all`."""
        if isinstance(keys, str):
            raise TypeError("get_all: keys is a list of hash keys, not one; `get` returns one message")
        full = [await self._full_key(key) for key in keys]
        found: dict[bytes, M | UnknownMessage] = {}
        for key, data in (await self._whole(full)).items():
            found[key] = decode(data, form, unknown=unknown)
        return tuple(found[key] for key in full)

    async def conversation(self, head: str, /) -> tuple[Message, ...]:
        """Return the messages of a call and of its reply; see `Store.conversation`."""
        node = await self.get(head, Message)
        if isinstance(node, AgentReplyNode):
            called = await self.get(node.call, AgentCallNode)
            return (*called.messages, *node.messages)
        if isinstance(node, AgentCallNode):
            return node.messages
        raise NotStoredError(
            self._engine.shown, f"it is a {type(node).__name__}, and no record of a call or a reply", key=head
        )

    async def _full_key(self, key: str) -> bytes:
        check_kind("get: key", key, str, "no hash key of a message; write message.hash_key")
        try:
            low = bytes.fromhex(key)
        except ValueError:
            low = b""
        if len(low) not in (20, 32):
            raise ValueError(f"a hash key has 40 or 64 hexadecimal digits, unlike {key!r:.100}")
        if len(low) == _DIGITS // 2:
            return low
        found = await self._engine.keys_between(low.ljust(32, b"\0"), low.ljust(32, b"\xff"))
        if not found:
            raise NotStoredError(self._engine.shown, "there is no such message", key=key)
        if len(found) > 1:
            raise NotStoredError(self._engine.shown, "several keys begin so; give all 64 digits", key=key)
        return found[0]

    async def _whole(self, keys: Collection[bytes]) -> dict[bytes, bytes]:
        """Return the JSON of messages."""
        rows: dict[bytes, MessageRow] = {}
        missing: dict[bytes, bytes | None] = dict.fromkeys(keys)  # with the key of a message that holds it
        while missing:
            holders: dict[bytes, bytes | None] = {}
            for part in _batches(list(missing)):
                found = await self._engine.rows(part)
                for key in part:
                    row = self._checked(key, found.get(key), missing[key])
                    rows[key] = row
                    if row.parts:
                        holders.update(dict.fromkeys(keys_of_parts(row.body), key))
            missing = {key: holder for key, holder in holders.items() if key not in rows}
        return _assembled(keys, rows)

    def _checked(self, key: bytes, row: MessageRow | None, holder: bytes | None) -> MessageRow:
        if row is not None and row.digest == digest_of(key, row.body):
            return row
        if row is None and holder is None:
            raise NotStoredError(self._engine.shown, "there is no such message", key=key.hex())
        reason = _OTHER_BODY
        if row is None and holder is not None:
            reason = f"it is missing, although message {holder.hex()} holds it"
        raise StoreDamagedError(self._engine.shown, f"{reason}; {_RESTORE}", key=key.hex())

    # --- runs ---

    async def runs(self) -> AsyncGenerator[RunInfo]:
        """Yield runs, the latest first; see `Store.runs`."""
        before: tuple[float, str] | None = None
        while found := await _seen(partial(self._engine.runs, before)):
            for run in found:
                yield run
            if len(found) < PAGE:
                return
            before = found[-1].began, found[-1].id

    async def calls(self, run: str, /) -> AsyncGenerator[KeptCall]:
        """Yield the calls of a run; see `Store.calls`."""
        after = 0
        while True:
            found = await self._engine.calls(run, after)
            if found is None:
                raise NotStoredError(self._engine.shown, f"there is no run {run!r}")
            for row in found:
                yield self._call(row)
            if len(found) < PAGE:
                return
            after = found[-1].number

    def _call(self, row: CallRow) -> KeptCall:
        if row.digest != digest_of_call(row.record, row.messages, row.replies):
            reason = f"call {row.number} of run {row.run} is not what was written; {_RESTORE}"
            raise StoreDamagedError(self._engine.shown, reason)
        try:
            record = decode(row.record, CallRecord, unknown="ignore")
        except DecodeError as error:
            reason = f"call {row.number} of run {row.run} cannot be read: {error}"
            raise StoreDamagedError(self._engine.shown, reason) from error
        return KeptCall(
            record=record,
            messages=None if row.messages is None else split_keys(row.messages),
            replies=split_keys(row.replies),
            stream=row.stream,
        )

    def keeper(self, wanted: PersistFilter | None = None, /) -> RunKeeper:
        """Return what keeps the calls of one context; `MiniAgents(store=...)` calls this."""
        from miniagents.ext.store._recording import CallKeeper  # noqa: PLC0415  # many programs only read

        self._engine.check_open()
        return CallKeeper(self, self._engine, wanted)

    async def prune(self, *, keep: Collection[str] | int, older_than: float = 0.0) -> int:
        """Forget runs; see `Store.prune`."""
        if isinstance(keep, str) or (isinstance(keep, int) and keep < 0):
            raise ValueError(
                f"prune: keep is a number of runs from 0, or a list of their identifiers, not {keep!r:.100}"
            )
        check_not_negative(f"prune: older_than={older_than!r}", older_than)
        return await self._engine.prune(keep, older_than, tuple(self._read.values()))

    async def flush(self) -> None:
        """Wait until everything that was handed over is committed."""
        await self._engine.flush()

    async def close(self) -> None:
        """Commit everything, let go of what has not ended, and close the store; once is enough."""
        await self._engine.close()


_OTHER_BODY: Final = "its body is not the one that was kept under this key"


async def _seen(look: Callable[[], Awaitable[Sequence[Info]]]) -> Sequence[Info]:
    """Look at streams or runs, and once more if one seems to be cut: its end may have come before that of its process.

    What a process that is gone has committed is seen then.
    """
    found = await look()
    return await look() if any(each.ended is None and not each.is_live for each in found) else found


def full_keys(messages: Iterable[Message]) -> list[bytes]:
    """Return all digits of the keys of messages, as bytes."""
    token = longer_hash_keys.set(True)
    try:
        return [bytes.fromhex(message.hash_key) for message in messages]
    finally:
        longer_hash_keys.reset(token)


def split_keys(keys: bytes) -> tuple[str, ...]:
    """Return the keys of a row of a call."""
    return tuple(keys[place : place + 32].hex() for place in range(0, len(keys), 32))


def _batches(keys: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    return (keys[start : start + _BATCH] for start in range(0, len(keys), _BATCH))


def _assembled(keys: Collection[bytes], rows: dict[bytes, MessageRow]) -> dict[bytes, bytes]:
    """Return the JSON of messages whose rows are all there."""
    known: dict[bytes, bytes] = {}
    pending = [*keys]
    while pending:
        current = pending[-1]
        if current in known:
            pending.pop()
            continue
        row = rows[current]
        unknown = [part for part in keys_of_parts(row.body) if part not in known] if row.parts else []
        if unknown:
            pending += unknown
            continue
        known[current] = whole(row.body, known)
        pending.pop()
    return {key: known[key] for key in keys}
