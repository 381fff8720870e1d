"""`CallKeeper`: keeps the calls of a context in a store, and the replies of those that take a while as streams.

A call costs no task. A timer looks at all calls that have something new, and one task writes: what comes while it waits
for a commit is committed together.

| state of a call       | event                         | then                                                        |
|-----------------------|-------------------------------|-------------------------------------------------------------|
| begun                 | the timer, it has ended       | its record is kept, with the keys of messages and replies   |
| begun                 | the timer, it has not ended   | its record is kept; its replies are followed as a stream    |
| followed              | the timer, pieces have come   | they are appended to the stream                             |
| followed              | it ends                       | the stream is ended, and its record kept again              |
| followed              | the context ends              | as far as it came; readers of the stream are told           |
"""

from __future__ import annotations

import asyncio
import logging
from contextvars import Context
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from weakref import ref

from miniagents.agents.persistence import with_parts
from miniagents.ext.store._bodies import rows_of
from miniagents.ext.store._call_records import RecordWriter
from miniagents.ext.store._engine import CallRow, digest_of_call
from miniagents.ext.store.errors import StoreClosedError, StoreError
from miniagents.messages import Message
from miniagents.messages.values.frozen import longer_hash_keys
from miniagents.promising.core.access import buffer_of, failure_of, has_value, value_of
from miniagents.promising.core.failure import Failure
from miniagents.wire.following import FollowedSequence

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

    from miniagents.agents.persistence import PersistFilter
    from miniagents.calls import Call, Run
    from miniagents.ext.store._bodies import MessageRow
    from miniagents.ext.store._engine import Engine
    from miniagents.messages import MessageSequencePromise

__all__ = ["CallKeeper"]

logger: Final = logging.getLogger("miniagents")

_GATHERING: Final = 0.03
"""Seconds that calls gather before the keeper looks at them: most have ended by then, and are kept once."""
_LIMIT: Final = 1024
"""How many calls may wait to be kept before new ones wait."""
_PAUSES: Final = (0.1, 0.4, 1.6)
"""Seconds before something that could not be kept is tried again."""
_REMEMBERED: Final = 16_384
"""How many keys of messages are remembered at least."""


class CallKeeper:
    """Keeps the calls of one context.

    Args:
        store: The store, which must not be collected, and closed by that, while it keeps something.
        engine: Where they are kept.
        wanted: Says which messages may be kept; None for all. With it no streams are kept, because only a complete
            message can be asked for.
    """

    def __init__(self, store: object, engine: Engine, wanted: PersistFilter | None) -> None:
        self._store = store
        self._engine = engine
        self._wanted = wanted
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._begun: list[Call] = []
        self._ended: list[Call] = []
        self._open: dict[Call, _OpenCall] = {}
        self._due: dict[_OpenCall, None] = {}
        self._waiting: dict[tuple[str, int], Call] = {}
        self._runs: dict[str, ref[Run]] = {}
        self._over: list[str] = []  # runs that have ended and are to be marked so
        self._task: asyncio.Task[None] | None = None
        self._room: asyncio.Event = asyncio.Event()
        self._records = RecordWriter()
        self._known: set[bytes] = set()
        self._known_longer: set[bytes] = set()
        self._recorded: set[str] = set()  # runs of which something is kept
        self._lost = 0
        self._error: Exception | None = None

    def call_begins(self, call: Call, /) -> Coroutine[Any, Any, None] | None:  # Any: asyncio keeps these to itself
        """Note that a call begins; it waits for what this returns, if there are too many."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        run = call.run
        if run.id not in self._runs:
            self._runs[run.id] = ref(run, partial(self._run_ended, run.id))
        self._begun.append(call)
        if self._timer is None:
            self._look_soon()
        return self._until_there_is_room() if len(self._waiting) > _LIMIT else None

    async def _until_there_is_room(self) -> None:
        while len(self._waiting) > _LIMIT:
            self._room.clear()
            await self._room.wait()

    async def flush(self) -> None:
        """Wait until everything that was noted is kept."""
        self._look()
        while self._task is not None:
            await asyncio.shield(self._task)
        error, self._error = self._error, None
        if error is not None:
            lost, self._lost = self._lost, 0
            error.add_note(f"{lost} calls or pieces of streams were not kept")
            raise error

    async def finish(self) -> None:
        """Keep everything as far as it came."""
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        self._look()
        for call in self._open:
            self._waiting[call.run.id, call.number] = call
        for followed in tuple(self._open.values()):
            followed.close()
        self._over += self._runs
        self._runs.clear()
        self._write()
        await self.flush()

    # --- what comes ---

    def _call_ended(self, call: Call) -> None:
        self._ended.append(call)
        self._look_soon()

    def _run_ended(self, run: str, _: object) -> None:
        if self._runs.pop(run, None) is not None:
            self._over.append(run)
            if self._loop is not None and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._look_soon)  # garbage may be collected in any thread

    def _look_soon(self) -> None:
        if self._timer is None and self._loop is not None:
            self._timer = self._loop.call_later(_GATHERING, self._look, context=Context())

    def due(self, followed: _OpenCall) -> None:
        """Look at a stream soon."""
        self._due[followed] = None
        self._look_soon()

    def _look(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        begun, self._begun = self._begun, []
        ended, self._ended = self._ended, []
        for call in begun:
            if call.outcome is None:
                if self._wanted is None:
                    self._open[call] = _OpenCall(self, call)
                call.when_ended(partial(self._call_ended, call))
            self._waiting[call.run.id, call.number] = call
        for call in ended:
            self._waiting[call.run.id, call.number] = call
        self._write()

    # --- writing ---

    def _write(self) -> None:
        if self._task is None and (self._waiting or self._due or self._over):
            self._task = asyncio.get_running_loop().create_task(
                self._work(), name=f"keeping calls in {self._engine.shown}", context=Context()
            )

    async def _work(self) -> None:
        try:
            while self._waiting or self._due or self._over:
                due, self._due = self._due, {}
                waiting, self._waiting = self._waiting, {}
                over, self._over = self._over, []
                if over:  # what only these refer to may be pruned now
                    self._forget_known()
                    self._recorded.difference_update(over)
                writes: list[Coroutine[Any, Any, object]] = [  # Any: what coroutines exchange with their loop
                    self._kept_calls(run, calls) for run, calls in _by_run(waiting.values()).items()
                ]
                writes += [followed.write() for followed in due]
                writes += [self._kept(partial(self._engine.end_run, run), 1) for run in over]
                await (asyncio.gather(*writes) if len(writes) > 1 else writes[0])
                self._room.set()
        finally:
            self._task = None
            self._room.set()

    async def _kept_calls(self, run: str, calls: list[Call]) -> None:
        messages: dict[bytes, Message] = {}
        rows: list[CallRow] = []
        token = longer_hash_keys.set(True)
        self._records.begin()
        try:
            for call in calls:
                try:
                    rows.append(self._row(call, messages))
                except (TypeError, ValueError) as error:  # it can have no key, or cannot be encoded
                    self._failed(error, 1)
        finally:
            longer_hash_keys.reset(token)
        if await self._write_calls(run, messages, rows) and run in self._recorded:
            # the run was pruned, because this store had given no sign of life, with messages that seem to be known
            self._forget_known()
            for call in calls:
                self._add_messages(call, messages)
            await self._write_calls(run, messages, rows)
        self._recorded.add(run)

    async def _write_calls(self, run: str, messages: dict[bytes, Message], rows: list[CallRow]) -> bool:
        """Write calls with the messages that are not known; return whether this has begun the run."""
        parts = rows_of(messages.values(), self._is_known)
        begun: list[bool] = []

        async def write() -> None:
            begun.append(await self._engine.record(run, parts, rows))

        if await self._kept(write, len(rows)):
            self._remember(parts)
        return True in begun

    def _add_messages(self, call: Call, messages: dict[bytes, Message]) -> None:
        token = longer_hash_keys.set(True)
        try:
            for found in self._contents(call):
                self._keys(found or (), messages)
        finally:
            longer_hash_keys.reset(token)

    def _contents(self, call: Call) -> tuple[tuple[Message, ...] | None, tuple[Message, ...]]:
        """Return the messages of a call, None if they have not all come, and the complete replies: those to be kept."""
        given, replies = _complete(call.messages), call.complete_replies
        if self._wanted is None:
            return given, replies
        return None if given is None else tuple(filter(self._is_wanted, given)), tuple(filter(self._is_wanted, replies))

    def _row(self, call: Call, messages: dict[bytes, Message]) -> CallRow:
        """Return the row of a call, and add the messages of it that are not known."""
        given, replies = self._contents(call)
        keys = None if given is None else self._keys(given, messages)
        reply_keys = self._keys(replies, messages)
        record = self._records.written(call)
        followed = self._open.get(call)
        if followed is not None and call.outcome is not None:
            del self._open[call]
        stream = None if followed is None else followed.name
        digest = digest_of_call(record, keys, reply_keys)
        return CallRow(call.run.id, call.number, call.outcome, digest, record, keys, reply_keys, stream)

    async def _kept(self, write: Any, count: int) -> bool:  # Any: a function without arguments that is awaited
        """Write something, and try again if that fails; return whether it was kept."""
        for pause in (*_PAUSES, None):
            try:
                await write()
            except StoreError as error:
                if pause is None or isinstance(error, StoreClosedError):
                    self._failed(error, count)
                    return False
                await asyncio.sleep(pause)
            else:
                return True
        return False

    def _failed(self, error: Exception, count: int) -> None:
        self._lost += count
        if self._error is None:
            self._error = error
            logger.error("calls of agents could not be kept: %s", error)

    def _is_wanted(self, message: Message) -> bool:
        return self._wanted is None or all(map(self._wanted, with_parts(message)))

    def _keys(self, messages: Iterable[Message], unknown: dict[bytes, Message]) -> bytes:
        """Return the keys of messages, where `longer_hash_keys` is set, and add those messages that are not known."""
        found: list[bytes] = []
        for message in messages:
            key = bytes.fromhex(message.hash_key)
            found.append(key)
            if key not in self._known and key not in self._known_longer:
                unknown[key] = message
        return b"".join(found)

    def _is_known(self, key: bytes) -> bool:
        return key in self._known or key in self._known_longer

    def _forget_known(self) -> None:
        self._known, self._known_longer = set(), set()

    def _remember(self, rows: Iterable[MessageRow]) -> None:
        if len(self._known) >= _REMEMBERED:
            self._known_longer, self._known = self._known, set()
        self._known.update(row.key for row in rows)


class _OpenCall:
    """A call that takes a while; its replies are a stream."""

    __slots__ = ("_has_failed", "_keeper", "_replies", "name")

    def __init__(self, keeper: CallKeeper, call: Call) -> None:
        self.name = f"{call.run.id}/{call.number}"
        self._keeper = keeper
        self._has_failed = False
        self._replies = FollowedSequence(call.replies, "json", partial(keeper.due, self))
        keeper.due(self)

    def close(self) -> None:
        self._replies.close()

    async def write(self) -> None:
        """Append what has come."""
        keeper, engine = self._keeper, self._keeper._engine
        try:
            pieces = self._replies.take()
        except (TypeError, ValueError) as error:  # an event cannot be encoded
            keeper._failed(error, 1)
            self._has_failed = True
            self.close()
            return
        if pieces is not None and not self._has_failed:
            self._has_failed = not await keeper._kept(partial(engine.append, self.name, pieces), pieces.count)
        if self._replies.ended and not self._has_failed:
            await keeper._kept(partial(engine.end, self.name), 1)


_TURNS: Final = 3
"""How many turns of the loop a call that has ended needs until all who follow it know that."""


def _complete(
    sequence: MessageSequencePromise[Message],
) -> tuple[Message, ...] | None:
    """Return the messages of a sequence, without reading it; None if they are not all there."""
    if has_value(sequence):
        return value_of(sequence)
    buffer: Any = buffer_of(sequence)  # Any: of messages, promises and failures
    if not buffer.ended:
        return None
    found: list[Message] = []
    for piece in buffer.pieces:
        if isinstance(piece, Message):
            found.append(piece)
        elif isinstance(piece, Failure) or not piece.done() or failure_of(piece) is not None:
            return None
        else:
            found.append(value_of(piece))
    return tuple(found)


def _by_run(calls: Iterable[Call]) -> dict[str, list[Call]]:
    runs: dict[str, list[Call]] = {}
    for call in calls:
        runs.setdefault(call.run.id, []).append(call)
    return runs
