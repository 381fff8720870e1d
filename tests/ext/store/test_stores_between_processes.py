"""Processes that share a store: what one has acknowledged, all others see, whatever happens to it."""

import asyncio
import signal
import sys
from pathlib import Path
from random import Random

import pytest

from miniagents import AgentCallNode
from miniagents.ext.store import PostgresStore, SQLiteStore, Store, StreamAbandonedError, StreamTakenError, open_store
from miniagents.wire import Pieces
from tests.effort import rounds
from tests.ext.store.interrupted import leases_over

PROGRAM = Path(__file__).with_name("writing_process.py")


async def begun(address: str, *names: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, PROGRAM, address, *names, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[3]
    )


async def lines_until_killed(process: asyncio.subprocess.Process, lines: int) -> list[list[str]]:
    """Read so many lines, kill the process, and read the rest; the last line may be torn."""
    assert process.stdout is not None
    read = [await process.stdout.readline() for _ in range(lines)]
    process.send_signal(signal.SIGKILL)
    read += (await process.stdout.read()).splitlines(keepends=True)
    await process.wait()
    assert b"" not in read, "the process has ended by itself"
    return [line.decode().split() for line in read if line.endswith(b"\n")]


async def all_is_there(store: Store, lines: list[list[str]]) -> None:
    for kind, *rest in lines:
        if kind == "put":
            await store.get(rest[0], AgentCallNode)
    for name in {rest[0] for kind, *rest in lines if kind == "appended"}:
        last = max(int(rest[1]) for kind, *rest in lines if kind == "appended" and rest[0] == name)
        found: list[int] = []
        try:
            async for pieces in store.read(name):
                found += map(int, pieces.data.split())
        except StreamAbandonedError as error:
            assert error.stream == name
            assert error.index == len(found)
        else:
            raise AssertionError("nothing has told that the writer is gone")
        assert found == [*range(len(found))]
        assert len(found) > last


async def test_nothing_that_was_acknowledged_is_lost_when_a_process_is_killed(address: str) -> None:
    random = Random(7)
    for attempt in range(rounds(100, quick=3)):
        process = await begun(address, f"one-{attempt}", f"two-{attempt}", "again")
        lines = await lines_until_killed(process, random.randrange(3, 2000))
        async with open_store(address) as store:
            await all_is_there(store, lines)
            claimed = await store.claim("again")  # at once: the process is known to be gone
            appended = [int(rest[1]) for kind, *rest in lines if kind == "appended" and rest[0] == "again"]
            assert claimed > max(appended, default=-1)


async def test_two_processes_write_one_store_and_a_third_reads_live(address: str) -> None:
    one, two = await begun(address, "one"), await begun(address, "two")
    async with open_store(address) as store:
        streams = {name: store.read(name, wait=True) for name in ("one", "two")}
        seen = {"one": 0, "two": 0}
        for name, blocks in streams.items():
            async for pieces in blocks:
                assert pieces.first == seen[name]
                seen[name] = pieces.end
                if pieces.end > 200:
                    break
        try:
            await store.claim("one")
        except StreamTakenError as error:
            assert error.stream == "one"
        else:
            raise AssertionError("a stream that a living process writes was taken")
        for process, name in (one, "one"), (two, "two"):
            lines = await lines_until_killed(process, 1)
            await all_is_there(store, [line for line in lines if line[0] == "put" or line[1] == name])
            assert await store.claim(name) > 200
        for blocks in streams.values():
            await blocks.aclose()


async def test_a_store_that_seemed_dead_writes_no_stream_that_another_one_took(address: str) -> None:
    make = PostgresStore if address.startswith("postgresql://") else SQLiteStore
    # with a long lease `slow` does not tell that it is alive meanwhile
    async with make(address, lease=1e6) as slow, make(address, lease=1e6) as other:
        await slow.append("numbers", Pieces(0, 1, b"0\n"))
        await slow.flush()
        await leases_over(address)
        assert await other.claim("numbers") == 1
        with pytest.raises(StreamTakenError):
            await slow.append("numbers", Pieces(1, 1, b"slow\n"))
        await other.append("numbers", Pieces(1, 1, b"1\n"))
        assert [pieces.data async for pieces in other.read("numbers", follow=False)] == [b"0\n", b"1\n"]
