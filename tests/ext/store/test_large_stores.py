"""Large stores are written and read in bounded memory."""

import asyncio
import tracemalloc

from miniagents import UserMessage
from miniagents.ext.store import open_store
from miniagents.wire import Pieces
from tests.effort import rounds

MOST: int = 30_000_000
"""Bytes of Python's memory, for any number of messages and streams."""


async def test_many_messages_and_streams_need_little_memory(address: str) -> None:
    messages, streams = rounds(1_000_000, quick=10_000), rounds(100_000, quick=2_000)
    async with open_store(address) as store:
        tracemalloc.start()
        for start in range(0, messages, 1000):
            await store.put([UserMessage(f"message {number}") for number in range(start, start + 1000)])
        for start in range(0, streams, 500):
            names = [f"stream {number:06}" for number in range(start, start + 500)]
            await asyncio.gather(*(store.append(name, Pieces(0, 1, b"0\n")) for name in names))
            await asyncio.gather(*(store.end(name) for name in names))
        seen = 0
        async for info in store.streams():
            assert info.name == f"stream {seen:06}"
            seen += 1
        assert seen == streams
        for number in range(0, messages, messages // 100):
            key = UserMessage(f"message {number}").hash_key
            assert (await store.get(key, UserMessage)).text == f"message {number}"
        assert await store.prune(keep=0) == 0
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < MOST
