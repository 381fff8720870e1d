"""What nobody needs any more is forgotten, in every engine; what goes on, waits or is read stays."""

import asyncio
import signal
import sqlite3
import sys
from collections.abc import Callable
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from miniagents import InteractionContext, Message, MiniAgents, UserMessage, miniagent
from miniagents.cli import main
from miniagents.ext.store import (
    NotStoredError,
    RunTakenError,
    SQLiteStore,
    Store,
    StreamGapError,
    StreamTakenError,
    answer_call,
    cached,
    durable,
    forget_answers,
    forget_durable,
    open_calls,
    open_store,
    wait_for_answer,
)
from miniagents.wire import Pieces

Opened = Callable[[], Store]

asked: list[str] = []


@pytest.fixture(autouse=True)
def nothing_asked() -> None:
    asked.clear()


@miniagent
async def echo(ctx: InteractionContext) -> None:
    asked.append("echo")
    ctx.reply([message.text or "" for message in await ctx.messages])


@miniagent
async def manager(ctx: InteractionContext) -> None:
    asked.append("manager")
    ctx.reply(wait_for_answer())


async def written(store: Store, *names: str) -> None:
    for name in names:
        await store.append(name, Pieces(0, 1, b"0\n"))
        await store.end(name)


async def names_in(store: Store) -> list[str]:
    return [info.name async for info in store.streams()]


async def life(store: Store, run: str, agent: object = echo) -> None:
    assert agent in (echo, manager)
    async with durable(store, run=run) as handler, MiniAgents(around_calls=handler, on_leave="cancel"):
        await (echo if agent is echo else manager).inquire("go")


async def cut_life(store: Store, run: str) -> None:
    """Go on with a run until its call waits for an answer, and leave it there."""
    before = len(asked)
    task = asyncio.ensure_future(life(store, run, manager))
    while len(asked) == before or not [call async for call in open_calls(store, run=run)]:
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.wait((task,))


# --- streams ---


async def test_a_stream_or_a_folder_of_them_is_forgotten(opened: Opened) -> None:
    async with opened() as store:
        await written(store, "a", "a/1", "a/2/3", "a0", "ab", "b/1")
        assert await store.forget("a/") == 2
        assert await names_in(store) == ["a", "a0", "ab", "b/1"]
        assert await store.forget("a") == 1
        assert await names_in(store) == ["a0", "ab", "b/1"]
        assert await store.forget("none") == await store.forget("none/") == 0
        with pytest.raises(NotStoredError, match="there is no such stream"):
            await anext(store.read("a"))
        await store.append("a", Pieces(0, 1, b"new\n"))  # the name is free again
        assert [pieces.data async for pieces in store.read("a", follow=False)] == [b"new\n"]


async def test_what_is_written_is_not_forgotten_and_nothing_beside_it(opened: Opened) -> None:
    store = opened()
    other = opened()
    await written(store, "a/1")
    await store.append("a/2", Pieces(0, 1, b"0\n"))
    for each in (store, other):
        for name in ("a/2", "a/"):
            with pytest.raises(StreamTakenError, match="stream 'a/2' at piece 1: a store that is open writes it"):
                await each.forget(name)
    assert await names_in(other) == ["a/1", "a/2"]
    if store is not other:
        await store.close()  # it lets go of the stream
        assert await other.forget("a/") == 2
    await other.close()


async def test_what_this_store_reads_is_not_forgotten_and_is_read_to_its_end(opened: Opened) -> None:
    async with opened() as store:
        async with MiniAgents(store=store):
            await echo.inquire("x")
        run = (await anext(store.runs())).id
        for number in range(1200):  # more than a page
            await store.append(f"{run}/1", Pieces(number, 1, b"%d\n" % number))
        await store.end(f"{run}/1")
        async with aclosing(store.read(f"{run}/1")) as reading:
            await anext(reading)
            for name in (f"{run}/1", f"{run}/"):
                with pytest.raises(StreamTakenError, match="this store is reading it"):
                    await store.forget(name)
            assert await store.prune(keep=0) == 0
            assert len([pieces async for pieces in reading]) == 1199
        assert await store.prune(keep=0) == 1
        assert await names_in(store) == []


async def test_a_reader_of_another_store_is_told_where_it_stands(opened: Opened) -> None:
    reader, other = opened(), opened()
    if reader is other:
        pytest.skip("a store in memory is opened once")
    for number in range(1200):
        await other.append("a", Pieces(number, 1, b"%d\n" % number))
    await other.end("a")
    async with aclosing(reader.read("a", wait=True)) as reading:
        await anext(reading)
        assert await other.forget("a") == 1
        with pytest.raises(NotStoredError, match=r"stream 'a' at piece \d+: it was forgotten while it was read"):
            async for _ in reading:
                pass
    await reader.close()
    await other.close()


async def test_a_store_that_slept_for_longer_than_its_lease_writes_nothing_into_another_stream(tmp_path: Path) -> None:
    """SQLite gives the number of a stream that is forgotten to the next one."""
    path = tmp_path / "runs.db"
    async with SQLiteStore(path) as sleeper, SQLiteStore(path) as other:
        await sleeper.append("a", Pieces(0, 1, b"0\n"))
        assert [info.name async for info in sleeper.streams()] == ["a"]  # behind the sign of life that it gives then
        with sqlite3.connect(path) as connection:
            connection.execute("DELETE FROM owners")
        connection.close()
        assert await other.forget("a") == 1
        await sleeper.append("b", Pieces(0, 1, b"0\n"))
        with pytest.raises(StreamGapError, match="pieces 0 to 0 are missing"):
            await sleeper.append("a", Pieces(1, 1, b"1\n"))
        assert [pieces.data async for pieces in other.read("b", follow=False)] == [b"0\n"]


# --- runs ---


async def test_runs_are_pruned_by_their_age(opened: Opened) -> None:
    store = opened()
    for text in ("a", "b"):
        async with MiniAgents(store=store):
            await echo.inquire(text)
    assert await store.prune(keep=0, older_than=3600) == 0
    await asyncio.sleep(0.2)
    async with MiniAgents(store=store):
        await echo.inquire("c")
    assert await store.prune(keep=1, older_than=0.15) == 2
    assert len([run async for run in store.runs()]) == 1
    await store.get(Message("c").hash_key, Message)
    for wrong in (-1, float("nan")):
        with pytest.raises(ValueError, match="prune: older_than=.*: give a number that is not negative"):
            await store.prune(keep=0, older_than=wrong)
    await store.close()


async def test_the_space_of_what_is_forgotten_is_given_back(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    async with SQLiteStore(path) as store:
        for number in range(20):
            await store.append(f"a/{number}", Pieces(0, 1, b"x" * 200_000 + b"\n"))
            await store.end(f"a/{number}")
        await store.put(UserMessage("stays"))
        assert await store.forget("a/") == 20
    async with SQLiteStore(path) as store:
        await store.get(UserMessage("stays").hash_key, Message)
    assert path.stat().st_size < 200_000
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA freelist_count").fetchone() == (0,)
    connection.close()


# --- answers ---


async def test_answers_that_are_too_old_are_forgotten_and_asked_again(opened: Opened) -> None:
    async with opened() as store, MiniAgents():
        agent = cached(echo, store)
        await agent.inquire("old")
        await asyncio.sleep(0.3)
        await agent.inquire("new")
        assert await forget_answers(store, older_than=0.2) == 1
        assert await agent.inquire("old") == (Message("old"),)
        await agent.inquire("new")
        assert len(asked) == 3
        with pytest.raises(ValueError, match="forget_answers: older_than=0: give a number of seconds above 0"):
            await forget_answers(store, older_than=0)


async def test_of_several_answers_to_a_call_only_the_last_one_stays(opened: Opened) -> None:
    async with opened() as store, MiniAgents():
        for _ in range(3):
            await asyncio.sleep(0.05)
            await cached(echo, store, ttl=0.02).inquire("a")
        assert len(await names_in(store)) == 3
        assert await forget_answers(store, older_than=3600) == 2
        assert await cached(echo, store).inquire("a") == (Message("a"),)
        assert len(asked) == 3


# --- durable runs ---


async def test_a_durable_run_is_forgotten_by_its_name_and_begins_anew(opened: Opened) -> None:
    async with opened() as store:
        for run in ("order-17", "order-17/b", "order-1"):
            await life(store, run)
        assert await forget_durable(store, run="order-17") == 1
        for run in ("order-17/b", "order-1"):
            await life(store, run)
        assert len(asked) == 3
        await life(store, "order-17")
        assert len(asked) == 4
        assert await forget_durable(store, run="none") == 0


async def test_a_durable_run_that_goes_on_is_not_forgotten(opened: Opened) -> None:
    async with opened() as store:
        async with durable(store, run="one"):
            with pytest.raises(RunTakenError, match="run 'one': a process goes on with it"):
                await forget_durable(store, run="one")
            await asyncio.sleep(0.05)
            assert await forget_durable(store, older_than=0.01) == 0
        await asyncio.sleep(0.05)
        assert await forget_durable(store, older_than=0.01) == 1


async def test_of_old_durable_runs_those_stay_that_wait_for_an_answer(opened: Opened) -> None:
    async with opened() as store:
        await life(store, "done")
        await cut_life(store, "waits")
        await asyncio.sleep(0.1)
        assert await forget_durable(store, older_than=3600) == 0
        assert await forget_durable(store, older_than=0.05) == 1
        (call,) = [call async for call in open_calls(store, run="waits")]
        await answer_call(store, run="waits", key=call.key, answer=UserMessage("yes"))
        await life(store, "waits", manager)
        await asyncio.sleep(0.1)
        assert await forget_durable(store, older_than=0.05) == 1
        assert await names_in(store) == []


async def test_wrong_arguments_are_refused() -> None:
    async with SQLiteStore(":memory:") as store:
        for run, older_than in ((None, None), ("a", 1.0)):
            with pytest.raises(ValueError, match="give the name of a run, or older_than"):
                await forget_durable(store, run=run, older_than=older_than)
        for seconds in (0.0, -1.0, float("nan")):
            with pytest.raises(ValueError, match="older_than=.*: give a number of seconds above 0"):
                await forget_durable(store, older_than=seconds)


async def test_a_durable_run_of_a_process_that_was_killed_can_be_forgotten(address: str, tmp_path: Path) -> None:
    program = Path(__file__).with_name("durable_process.py")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        program,
        address,
        tmp_path / "effects",
        "waits",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )
    assert process.stdout is not None
    await process.stdout.readline()
    async with open_store(address) as store:
        with pytest.raises(RunTakenError):
            await forget_durable(store, run="order-17")
        process.send_signal(signal.SIGKILL)
        await process.wait()
        assert await forget_durable(store, run="order-17") == 1
        assert await names_in(store) == []


# --- the command ---


def test_the_command_forgets_what_is_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    async def fill() -> None:
        async with SQLiteStore("runs.db") as store:
            async with MiniAgents(store=store):
                await cached(echo, store).inquire("a")
            await life(store, "order-17")

    asyncio.run(fill())
    assert main(["runs", "runs.db", "--forget", "1"]) == 0
    assert "there is nothing so old to forget" in capsys.readouterr().err
    now = datetime.now(UTC).timestamp()
    with sqlite3.connect("runs.db") as connection:
        for table in ("runs", "streams"):
            connection.execute(f"UPDATE {table} SET began=?, ended=?", (now - 90_000, now - 90_000))
    connection.close()
    assert main(["runs", "runs.db", "--forget", "1"]) == 0
    assert capsys.readouterr().err == "forgotten: 1 run, 1 durable run, 1 answer\n"
    assert main(["runs", "runs.db"]) == 0
    assert "there is no run yet" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--forget", "0"], "--forget is a number of days above 0, not 0"),
        (["--forget", "nan"], "--forget is a number of days above 0, not nan"),
        (["--forget", "1", "--follow"], "give neither a run nor --follow"),
        (["3f", "--forget", "1"], "give neither a run nor --follow"),
    ],
)
def test_mistakes_of_the_command(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "runs.db"
    path.write_bytes(b"")
    assert main(["runs", str(path), *arguments]) == 2
    assert said in capsys.readouterr().err
