"""A log of streams in memory, without a thread: a virtual clock knows when it is busy, because it never is."""

import asyncio
from collections.abc import AsyncGenerator

from miniagents.ext.store import NotStoredError, StreamEndedError, StreamInfo
from miniagents.wire import Pieces


class PlainLog:
    def __init__(self) -> None:
        self.kept: dict[str, list[Pieces]] = {}
        self.ended: dict[str, float] = {}

    async def claim(self, stream: str) -> int:
        await asyncio.sleep(0)
        if stream in self.ended:
            raise StreamEndedError("memory", "it has ended", stream=stream)
        return sum(pieces.count for pieces in self.kept.setdefault(stream, []))

    async def append(self, stream: str, pieces: Pieces) -> None:
        await asyncio.sleep(0)
        self.kept.setdefault(stream, []).append(pieces)

    async def end(self, stream: str) -> None:
        await asyncio.sleep(0)
        self.ended.setdefault(stream, 0.0)

    async def forget(self, stream: str, /) -> int:
        await asyncio.sleep(0)
        found = [name for name in self.kept if name == stream or (stream[-1:] == "/" and name.startswith(stream))]
        for name in found:
            del self.kept[name]
            self.ended.pop(name, None)
        return len(found)

    async def read(
        self, stream: str, start: int = 0, *, follow: bool = True, wait: bool = False
    ) -> AsyncGenerator[Pieces]:
        while follow and stream in self.kept and stream not in self.ended:
            await asyncio.sleep(0.001)
        if stream not in self.kept and not wait:
            raise NotStoredError("memory", "there is no such stream", stream=stream)
        for pieces in self.kept[stream]:
            await asyncio.sleep(0)
            if pieces.end > start:
                yield pieces.since(start)

    async def streams(self, prefix: str = "") -> AsyncGenerator[StreamInfo]:
        await asyncio.sleep(0)
        for name in sorted(self.kept):
            if name.startswith(prefix):
                ended = self.ended.get(name)
                count = sum(pieces.count for pieces in self.kept[name])
                yield StreamInfo(name=name, count=count, began=0, ended=ended, is_live=ended is None)
