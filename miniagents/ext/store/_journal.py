"""The journal of a durable run: what is committed of its calls, over all its lives.

Each life of a run, from the start of a process to its end, writes one stream of the log. The store lets one process at
a time write a stream, so the stream is the lease of the run as well.

| the last life              | event                   | then                                                      |
|----------------------------|-------------------------|-----------------------------------------------------------|
| none, or ended             | a process opens the run | it claims the next stream, and writes the head            |
| open, its process is alive | a process opens the run | it is refused                                             |
| open, its process is gone  | a process opens the run | it claims the stream and ends it: the old process, should |
|                            |                         | it wake up, can write no more                             |
| open                       | it is left              | the stream is ended                                       |
"""

from __future__ import annotations

import asyncio
import copy
import uuid
from contextlib import aclosing, suppress
from contextvars import Context
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import quote, unquote

import msgspec

from miniagents.ext.store.durable_errors import RunTakenError
from miniagents.ext.store.errors import (
    StoreClosedError,
    StoreDamagedError,
    StoreError,
    StoreVersionError,
    StreamEndedError,
    StreamError,
    StreamTakenError,
)
from miniagents.messages import Message, decode
from miniagents.wire import Pieces

if TYPE_CHECKING:
    from collections.abc import Iterable

    from miniagents.ext.store.protocols import StreamInfo, StreamLog
    from miniagents.messages import DecodeError

__all__ = [
    "ALL_RUNS",
    "Begun",
    "Ended",
    "Journal",
    "Kept",
    "Once",
    "Part",
    "Waiting",
    "answers_of",
    "folder_of",
    "names_of_runs",
    "opened",
    "read_journal",
]

ALL_RUNS: Final = "durable/"
"""What the names of the streams of all runs begin with."""
_VERSION: Final = 1
"""The version of the records below."""
_PAUSES: Final = (0.05, 0.2, 0.8)
"""Seconds before records that could not be written are written again."""
_ATTEMPTS: Final = 10
"""How often a process looks for the last life, while others come and go."""


class Head(msgspec.Struct, frozen=True, tag="head", tag_field="what"):
    """The first record of a life."""

    run: str
    version: int
    token: str
    """Tells the lives of one store in one process apart: the store alone would let both write."""


class Begun(msgspec.Struct, frozen=True, tag="begun", tag_field="what", omit_defaults=True):
    """A call begins."""

    key: str
    parent: str
    index: int
    """Which call of its caller it is, from 1."""
    history: str
    """Which calls of its caller had ended before, in their order; empty if the caller may have seen more than that."""
    called: str
    arguments: msgspec.Raw
    messages: tuple[str, ...] = ()
    resumes: bool = False
    """Whether the call goes on behind the parts that are kept."""
    given_up: tuple[str, ...] = ()
    """The calls that the caller had cancelled before."""


class Part(msgspec.Struct, frozen=True, tag="part", tag_field="what"):
    """A message of the replies of a call that has not ended."""

    key: str
    message: msgspec.Raw


class Ended(msgspec.Struct, frozen=True, tag="ended", tag_field="what", omit_defaults=True):
    """A call has ended."""

    key: str
    frames: str
    """Its replies behind those that it was resumed with, as `encode_stream` writes them."""
    early: int = 0
    """How many characters of the frames came before the end was to be seen."""
    resumed: int = 0
    """With how many parts it was resumed."""
    failed: bool = False


class Once(msgspec.Struct, frozen=True, tag="once", tag_field="what"):
    """A value that was taken once."""

    key: str
    value: msgspec.Raw


class Waiting(msgspec.Struct, frozen=True, tag="waiting", tag_field="what"):
    """A call waits for an answer from outside."""

    key: str
    call: str
    messages: tuple[msgspec.Raw, ...]


_Record: TypeAlias = Head | Begun | Part | Ended | Once | Waiting

_decoder: Final = msgspec.json.Decoder(_Record)


class Kept:
    """What is committed of a run.

    Attributes:
        begun: The calls that began, by their keys.
        ended: The calls that have ended.
        parts: The messages of calls that have not.
        once: The values that were taken once.
        waiting: The questions that wait for answers.
        given_up: The calls that their callers cancelled.
        lives: How often the run was opened.
    """

    def __init__(self) -> None:
        self.begun: dict[str, Begun] = {}
        self.ended: dict[str, Ended] = {}
        self.parts: dict[str, list[bytes]] = {}
        self.once: dict[str, bytes] = {}
        self.waiting: dict[str, Waiting] = {}
        self.given_up: set[str] = set()
        self.lives: int = 0

    def add(self, record: _Record) -> None:
        """Add a record."""
        if isinstance(record, Begun):
            self.begun[record.key] = record
            self.given_up.update(record.given_up)
            if not record.resumes:
                self.parts.pop(record.key, None)
        elif isinstance(record, Part):
            self.parts.setdefault(record.key, []).append(bytes(record.message))
        elif isinstance(record, Ended):
            self.ended[record.key] = record
        elif isinstance(record, Once):
            self.once[record.key] = bytes(record.value)
        elif isinstance(record, Waiting):
            self.waiting[record.key] = record

    def messages(self, key: str) -> list[Message]:
        """Return the messages of a call that has not ended, as far as they were committed."""
        return [decode(part, Message) for part in self.parts.get(key, ())]

    def is_over(self, call: str) -> bool:
        """Return whether a call, or one of those that it was made by, has ended or was given up."""
        current: str | None = call
        while current is not None:
            if current in self.ended or current in self.given_up:
                return True
            begun = self.begun.get(current)
            current = None if begun is None else begun.parent
        return False

    def order_of_ends(self) -> dict[str, str]:
        """Return for each call that has ended the one of the same caller that ended before it."""
        before: dict[str, str] = {}
        last: dict[str, str] = {}
        for key in self.ended:
            begun = self.begun.get(key)
            if begun is not None:
                if begun.parent in last:
                    before[key] = last[begun.parent]
                last[begun.parent] = key
        return before

    def forget_inner(self) -> None:
        """Forget the calls that were made by calls that have ended: nobody will make them again."""
        over: dict[str, bool] = {}
        for key, begun in self.begun.items():
            parent = begun.parent
            # callers begin before the calls that they make, so the answer for the caller is there
            over[key] = over.get(parent, False) or parent in self.ended
        for key, is_inner in over.items():
            if is_inner:
                del self.begun[key]
                self.ended.pop(key, None)
                self.parts.pop(key, None)
                self.waiting.pop(key, None)


def folder_of(run: str) -> str:
    """Return what the names of all streams of a run begin with."""
    return f"{ALL_RUNS}{quote(run, safe='')}/"


def answers_of(run: str) -> str:
    """Return what the names of the streams of answers begin with."""
    return f"{folder_of(run)}answers/"


async def names_of_runs(log: StreamLog) -> list[str]:
    """Return the names of all runs."""
    async with aclosing(log.streams(ALL_RUNS)) as found:
        folders = dict.fromkeys([info.name.removeprefix(ALL_RUNS).partition("/")[0] async for info in found])
    return [unquote(folder) for folder in folders]


async def _lives(log: StreamLog, run: str) -> list[StreamInfo]:
    async with aclosing(log.streams(f"{folder_of(run)}lives/")) as found:
        return [info async for info in found]


async def read_journal(log: StreamLog, run: str) -> Kept:
    """Return what is committed of a run; nothing if there is no such run."""
    return await _read(log, run, await _lives(log, run))


async def _read(log: StreamLog, run: str, lives: Iterable[StreamInfo]) -> Kept:
    kept = Kept()
    for life in lives:
        if life.count:
            kept.lives += 1
            async with aclosing(log.read(life.name, follow=False)) as blocks:
                async for pieces in blocks:
                    for line in pieces.data.splitlines():
                        kept.add(_record(log, run, life.name, line))
    return kept


def _record(log: StreamLog, run: str, stream: str, line: bytes) -> _Record:
    try:
        record = _decoder.decode(line)
    except msgspec.DecodeError as error:
        reason = f"run {run!r} has a record that cannot be read ({error}); restore the store from a copy"
        raise StoreDamagedError(repr(log), reason, stream=stream) from error
    if isinstance(record, Head) and record.version > _VERSION:
        reason = f"run {run!r} was written by a newer version of miniagents; go on with that version"
        raise StoreVersionError(repr(log), reason, stream=stream)
    return record


async def opened(log: StreamLog, run: str) -> Journal:
    """Take a run for this process, and return its journal.

    Raises:
        RunTakenError: Another process goes on with it.
    """
    taken = RunTakenError(repr(log), run, "another process goes on with it; wait until it has ended, or stop it")
    try:
        for _ in range(_ATTEMPTS):
            lives = await _lives(log, run)
            last = lives[-1] if lives else None
            try:
                if last is not None and last.ended is None:
                    if last.is_live:
                        raise taken
                    await log.claim(last.name)
                    await log.end(last.name)
                    continue
                number = 0 if last is None else int(last.name.rpartition("/")[2]) + 1
                stream = f"{folder_of(run)}lives/{number:08d}"
                await log.claim(stream)
                head = msgspec.json.encode(Head(run, _VERSION, uuid.uuid4().hex)) + b"\n"
                await log.append(stream, Pieces(0, 1, head))
            except StreamEndedError:
                continue
            async with aclosing(log.read(stream, follow=False)) as blocks:
                first = await anext(blocks)
            if not first.data.startswith(head):
                raise taken
            try:
                # listed again: until the stream was claimed, another process could forget the lives before it
                before = [life for life in await _lives(log, run) if life.name != stream]
                return Journal(log, run, stream, await _read(log, run, before))
            except BaseException:
                await log.end(stream)  # nobody goes on with the run
                raise
    except StreamTakenError as error:
        raise taken from error
    raise taken


class Journal:
    """What is committed of a run that this process has taken, and what writes further records.

    What comes while a commit is under way is committed together.

    Attributes:
        log: The log.
        run: The name of the run.
        kept: What was committed in the lives before.
        error: With it nothing of the run goes on; None as long as it does.
    """

    def __init__(self, log: StreamLog, run: str, stream: str, kept: Kept) -> None:
        self.log: StreamLog = log
        self.run: str = run
        self.kept: Kept = kept
        self.error: StoreError | None = None
        self._stream = stream
        self._position = 1
        self._waiting: list[bytes] = []
        self._done: asyncio.Future[None] | None = None  # of what waits
        self._task: asyncio.Task[None] | None = None
        self._failed: StoreError | None = None
        self._is_closed = False

    def note(self, record: Begun | Part | Ended | Once | Waiting) -> asyncio.Future[None]:
        """Have a record written behind those before it; return what is done when it is committed.

        Raises:
            RuntimeError: The run was left.
        """
        if self._is_closed:
            raise RuntimeError(f"run {self.run!r} was left while its calls went on; leave their context first")
        loop = asyncio.get_running_loop()
        if self._done is None:
            self._done = loop.create_future()
            self._done.add_done_callback(_looked_at)
        done = self._done
        self._waiting.append(msgspec.json.encode(record) + b"\n")
        if self._task is None:
            self._task = loop.create_task(self._work(), name=f"journal of run {self.run!r}", context=Context())
        return done

    async def commit(self, record: Begun | Part | Ended | Once | Waiting) -> None:
        """Write a record and wait until it is committed.

        Raises:
            StoreError: It could not be.
        """
        try:
            # not awaited itself: cancelling one who waits must cancel nothing for the others
            await asyncio.shield(self.note(record))
        except StoreError as error:
            self.error = self.error or error
            raise

    def stopped_by(self, what: str, error: DecodeError) -> StoreVersionError:
        """Let nothing of the run go on, because this program cannot read what an earlier one kept; return why.

        No call may see the error as an end: it would be kept, and the right program would be given it again.
        """
        reason = (
            f"run {self.run!r}: this program cannot read {what}: {error}. Nothing of the run was changed: go on with "
            "the program that began it, import the class, or give its new fields defaults"
        )
        self.error = self.error or StoreVersionError(repr(self.log), reason)
        return StoreVersionError(repr(self.log), reason)

    async def close(self) -> None:
        """Write what waits, and end the life.

        Raises:
            StoreError: Something could not be written.
        """
        self._is_closed = True
        while self._task is not None:
            await asyncio.wait((self._task,))
        if self._failed is not None:
            with suppress(StoreError):
                await self.log.end(self._stream)  # so that others need not wait for the lease to be over
            raise self._failed
        await self.log.end(self._stream)

    async def _work(self) -> None:
        try:
            while self._waiting and self._done is not None:
                lines, self._waiting = self._waiting, []
                done, self._done = self._done, None
                try:
                    await self._append(Pieces(self._position, len(lines), b"".join(lines)))
                except BaseException as error:
                    if not done.done():
                        done.set_exception(_as_store_error(self.log, error))
                    if not isinstance(error, Exception):
                        raise
                else:
                    self._position += len(lines)
                    if not done.done():
                        done.set_result(None)
        finally:
            self._task = None

    async def _append(self, pieces: Pieces) -> None:
        if self._failed is not None:
            raise copy.copy(self._failed)  # what was not written is missing in front of this
        for pause in (*_PAUSES, None):
            try:
                await self.log.append(self._stream, pieces)
            except StreamTakenError as error:
                reason = "another process has taken it over, because this one gave no sign of life; it stops here"
                self._failed = RunTakenError(repr(self.log), self.run, reason)
                raise self._failed from error
            except StreamEndedError as error:
                reason = "another process has taken it over and ended this life; it stops here"
                self._failed = RunTakenError(repr(self.log), self.run, reason)
                raise self._failed from error
            except StoreError as error:
                if pause is None or isinstance(error, StreamError | StoreClosedError):
                    error.add_note(f"run {self.run!r} cannot go on: what it does would not be kept")
                    self._failed = error
                    raise
                await asyncio.sleep(pause)
            else:
                return


def _as_store_error(log: StreamLog, error: BaseException) -> BaseException:
    if isinstance(error, Exception):
        return error
    return StoreClosedError(repr(log), "the task that writes the journal was cancelled")


def _looked_at(done: asyncio.Future[None]) -> None:
    if not done.cancelled():
        done.exception()  # who waits is raised it; nobody has to wait
