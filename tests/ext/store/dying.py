"""A process that dies at any turn of its loop, and a disk that survives it: for tests of what a run leaves behind."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import TypeVar

from miniagents.ext.store import (
    NotStoredError,
    StoreClosedError,
    StreamEndedError,
    StreamGapError,
    StreamInfo,
    StreamTakenError,
)
from miniagents.testing import VirtualClockEventLoop
from miniagents.wire import Pieces

T = TypeVar("T")


class Died(BaseException):
    """What the test sees of a process that was killed."""


@dataclass
class _Stream:
    blocks: list[Pieces] = field(default_factory=list[Pieces])
    ended: float | None = None
    writer: "Connection | None" = None

    @property
    def count(self) -> int:
        return self.blocks[-1].end if self.blocks else 0


@dataclass
class Disk:
    """What is committed."""

    streams: dict[str, _Stream] = field(default_factory=dict[str, _Stream])


class Connection:
    """The log of one process on a disk: each commit takes a moment before it is made, and one before it is told of."""

    def __init__(self, disk: Disk, pause: float = 0.01) -> None:
        self.disk = disk
        self.pause = pause
        self.is_dead = False
        self.refuses: Exception | None = None

    def __repr__(self) -> str:
        return "<disk>"

    async def claim(self, stream: str) -> int:
        await asyncio.sleep(self.pause)
        return self._claimed(stream).count

    async def append(self, stream: str, pieces: Pieces) -> None:
        await asyncio.sleep(self.pause)
        if self.refuses is not None:
            raise self.refuses
        found = self._claimed(stream)
        if pieces.first > found.count:
            raise StreamGapError(repr(self), "there is a gap", stream=stream)
        if pieces.end > found.count:
            found.blocks.append(pieces.since(found.count))
        await asyncio.sleep(self.pause)
        self._check()

    async def read(
        self, stream: str, start: int = 0, *, follow: bool = True, wait: bool = False
    ) -> AsyncGenerator[Pieces]:
        position = start
        while True:
            await asyncio.sleep(self.pause)
            self._check()
            found = self.disk.streams.get(stream)
            if found is None:
                if not wait:
                    raise NotStoredError(repr(self), "there is no such stream", stream=stream)
                continue
            for block in found.blocks:
                if block.end > position:
                    yield block.since(position)
                    position = block.end
            if found.ended is not None or not follow:
                return

    async def end(self, stream: str) -> None:
        await asyncio.sleep(self.pause)
        self._check()
        self.disk.streams[stream].ended = 1.0

    async def forget(self, stream: str, /) -> int:
        raise NotImplementedError(stream)  # no durable run forgets anything

    async def streams(self, prefix: str = "") -> AsyncGenerator[StreamInfo]:
        self._check()
        for name, found in sorted(self.disk.streams.items()):
            if name.startswith(prefix):
                is_live = found.ended is None and found.writer is not None and not found.writer.is_dead
                yield StreamInfo(name=name, count=found.count, began=0.0, ended=found.ended, is_live=is_live)

    def _check(self) -> None:
        if self.is_dead:
            raise StoreClosedError(repr(self), "the process is dead")

    def _claimed(self, stream: str) -> _Stream:
        self._check()
        found = self.disk.streams.setdefault(stream, _Stream())
        if found.ended is not None:
            raise StreamEndedError(repr(self), "it has ended", stream=stream)
        if found.writer is not None and found.writer is not self and not found.writer.is_dead:
            raise StreamTakenError(repr(self), "another process writes it", stream=stream)
        found.writer = self
        return found


class _DyingLoop(VirtualClockEventLoop):
    def __init__(self, turns: int | None, die: Callable[[], None]) -> None:
        self.turns = 0
        self._limit = turns
        self._die = die
        super().__init__()

    def _run_once(self) -> None:  # asyncio's, in every supported version; its type is not published
        self.turns += 1
        if self.turns == self._limit:
            self._die()
        run_once: Callable[[], None] = getattr(super(), "_run_once")  # noqa: B009 - as above
        run_once()


def lived(
    connection: Connection, program: Callable[[], Coroutine[object, object, T]], turns: int | None = None
) -> tuple[T, int]:
    """Run a program in a process that dies after some turns of its loop; return its result and how many it took.

    Nothing reaches the disk behind that moment. The tasks of the dead are cleared away, which nobody sees.

    Raises:
        Died: It died.
    """
    tasks: list[asyncio.Task[T]] = []

    def die() -> None:
        connection.is_dead = True
        for task in tasks:
            task.cancel()

    async def main() -> T:
        task = asyncio.ensure_future(program())
        tasks.append(task)
        await asyncio.wait((task,))
        if connection.is_dead:
            if not task.cancelled():
                task.exception()
            raise Died
        return task.result()

    loop = _DyingLoop(turns, die)
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        result = runner.run(main())
    connection.is_dead = True  # the process has ended, well or not
    return result, loop.turns
