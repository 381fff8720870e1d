"""Durable runs in real stores, over processes that are killed."""

import asyncio
import pickle
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from miniagents import InteractionContext, Message, MiniAgents, UserMessage, miniagent
from miniagents.ext.store import (
    RunTakenError,
    Store,
    StreamEndedError,
    answer_call,
    durable,
    open_calls,
    open_store,
    wait_for_answer,
)
from tests.effort import rounds

Opened = Callable[[], Store]

PROGRAM = Path(__file__).with_name("durable_process.py")


asked: list[str] = []


async def test_a_run_that_goes_on_is_refused_to_others_and_given_when_it_was_left(opened: Opened) -> None:
    first, second = opened(), opened()
    async with first, second:
        async with durable(first, run="one"):
            for store in (first, second):
                with pytest.raises(RunTakenError, match=r"run 'one': another process goes on with it") as raised:
                    await durable(store, run="one").__aenter__()
                assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)
            async with durable(second, run="two"):
                pass
        for store in (second, first):
            async with durable(store, run="one"):
                pass


@miniagent
async def manager(ctx: InteractionContext) -> None:
    asked.append("asked")
    ctx.reply(wait_for_answer())


async def asks(store: Store) -> str:
    async with durable(store, run="one") as run, MiniAgents(around_calls=run, on_leave="cancel"):
        return str(await manager.inquire("Refund 90 EUR?").only())


async def test_a_call_waits_for_an_answer_over_lives_and_is_answered_in_another_process(opened: Opened) -> None:
    asked.clear()
    async with opened() as store, opened() as other:
        task = asyncio.ensure_future(asks(store))
        while not asked:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
        task.cancel()
        await asyncio.wait((task,))
        found = [call async for call in open_calls(other, run="one")]
        assert [(call.called, call.messages) for call in found] == [("agent 'manager'", (Message("Refund 90 EUR?"),))]
        task = asyncio.ensure_future(asks(store))
        await answer_call(other, run="one", key=found[0].key, answer=UserMessage("yes"))
        assert await task == "yes"
        assert await asks(store) == "yes"
        assert asked == ["asked", "asked"]
        assert [call async for call in open_calls(other, run="one")] == []
        with pytest.raises(StreamEndedError, match="was answered before"):
            await answer_call(other, run="one", key=found[0].key, answer=UserMessage("no"))


async def life(address: str, effects: Path, *options: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        PROGRAM,
        address,
        effects,
        *options,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )


async def test_of_two_processes_one_is_refused_until_the_other_one_is_gone(address: str, tmp_path: Path) -> None:
    first = await stopped(address, tmp_path / "effects", "60")
    second = await life(address, tmp_path / "effects", "60")
    said = (await second.communicate())[1].decode()
    assert (second.returncode, "run 'order-17': another process goes on with it" in said) == (1, True)
    first.kill()
    await first.wait()
    third = await life(address, tmp_path / "effects", "60")
    await third.communicate()
    assert third.returncode == 0


async def stopped(address: str, effects: Path, *lease: str) -> asyncio.subprocess.Process:
    """Start a life, and stop its process in the middle, while it writes nothing."""
    process = await life(address, effects, *lease, "waits")
    assert process.stdout is not None
    await process.stdout.readline()
    process.send_signal(signal.SIGSTOP)
    return process


async def test_a_process_that_slept_for_longer_than_its_lease_writes_no_more(address: str, tmp_path: Path) -> None:
    alone = await life(f"{tmp_path}/alone.db", tmp_path / "alone")
    expected = (await alone.communicate())[0].splitlines()[-1]
    keys = {*(tmp_path / "alone").read_text(encoding="utf-8").split()}
    effects = tmp_path / "effects"
    sleeper = await stopped(address, effects, "1")
    try:
        while True:
            process = await life(address, effects, "1")
            told, said_by_process = await process.communicate()
            if not process.returncode:
                break
            assert b"another process goes on with it" in said_by_process
        assert told.splitlines()[-1] == expected
        async with open_store(address) as store:
            written = await everything_in(store)
    finally:
        sleeper.send_signal(signal.SIGCONT)
    said = (await sleeper.communicate(b""))[1].decode()  # it goes on when its stdin ends
    assert sleeper.returncode == 1
    assert "run 'order-17': another process has taken it over" in said
    async with open_store(address) as store:
        assert await everything_in(store) == written
    again = await life(address, effects, "1")
    assert (await again.communicate())[0].splitlines()[-1] == expected
    assert {*effects.read_text(encoding="utf-8").split()} == keys


async def everything_in(store: Store) -> dict[str, bytes]:
    return {
        info.name: b"".join([pieces.data async for pieces in store.read(info.name, follow=False)])
        async for info in store.streams()
    }


async def test_a_process_that_is_killed_at_random_moments_comes_to_the_same_end(address: str, tmp_path: Path) -> None:
    random = Random(19)
    alone = await life(f"{tmp_path}/alone.db", tmp_path / "alone")
    expected = (await alone.communicate())[0].splitlines()[-1]
    keys = {*(tmp_path / "alone").read_text(encoding="utf-8").split()}
    effects = tmp_path / "effects"
    kills = rounds(30, quick=6)
    for _ in range(kills):
        process = await life(address, effects)
        assert process.stdout is not None
        for _ in range(random.randrange(3)):
            await process.stdout.readline()
        await asyncio.sleep(random.random() * 0.02)
        with suppress(ProcessLookupError):  # it was faster, and has come to the end
            process.send_signal(signal.SIGKILL)
        await process.wait()
    process = await life(address, effects)
    assert (await process.communicate())[0].splitlines()[-1] == expected
    done = effects.read_text(encoding="utf-8").split()
    assert {*done} == keys  # the idempotency keys are those of an undisturbed run
    assert len(done) <= len(keys) + 4 * kills  # only calls that were cut were made again
