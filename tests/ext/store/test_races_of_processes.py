"""Whatever another process does between any two statements of a store, there is one outcome, and the right one.

The other one acts before each statement in turn; if it would have to wait for a lock there, it does nothing.
"""

import asyncio
import itertools
import signal
import sqlite3
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from miniagents import InteractionContext, Message, MiniAgents, UserMessage, miniagent
from miniagents.ext.store import (
    DurableRun,
    NotStoredError,
    PostgresStore,
    RunTakenError,
    SQLiteStore,
    Store,
    StoreError,
    StreamAbandonedError,
    StreamEndedError,
    StreamTakenError,
    answer_call,
    durable,
    forget_durable,
    once,
    open_calls,
    open_store,
    wait_for_answer,
)
from miniagents.ext.store._sqlite_engine import Tables
from miniagents.messages.promised.sequence_promise import sequence_of
from miniagents.wire import Pieces, encode_stream
from tests.ext.store.interrupted import impatient, interrupted, leases_over, until_blocked
from tests.watchdog import PATIENCE


def block(first: int, count: int = 1) -> Pieces:
    return Pieces(first, count, b"".join(b"%d\n" % number for number in range(first, first + count)))


async def abandoned(address: str, name: str) -> None:
    """Make a stream of two pieces whose writer has left it."""
    async with open_store(address) as store:
        await store.append(name, block(0, 2))


async def outcome(work: Awaitable[object], *errors: type[BaseException]) -> object:
    """Return what work returns, or the class of one of the errors."""
    try:
        return await work
    except errors as error:
        return type(error)


# --- readers ---


async def test_a_reader_is_told_when_the_process_that_it_waits_for_is_killed(address: str) -> None:
    """It commits nothing any more that could wake its readers."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        Path(__file__).with_name("writing_process.py"),
        address,
        "one",
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )
    assert process.stdout is not None
    await process.stdout.readline()
    async with open_store(address) as store:
        reader = store.read("one", wait=True)
        seen = (await anext(reader)).end
        process.send_signal(signal.SIGSTOP)

        async def read() -> None:
            nonlocal seen
            async for pieces in reader:
                seen = pieces.end

        reading = asyncio.ensure_future(read())
        async with asyncio.timeout(PATIENCE):
            while [info.count async for info in store.streams("one")] != [seen]:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)  # it waits
        process.kill()
        await process.stdout.read()
        await process.wait()
        with pytest.raises(StreamAbandonedError, match="the process that wrote it is gone"):
            await reading


@pytest.mark.parametrize("follow", [True, False])
async def test_a_stream_that_ends_between_two_looks_is_read_to_its_end(address: str, follow: bool) -> None:
    async with interrupted(address) as (store, steps):
        for moment in range(3 if address.startswith("postgresql://") else 12):  # until it waits
            name = f"numbers-{moment}"
            writer = open_store(address)
            await writer.append(name, block(0, 2))

            async def ends(writer: Store = writer, name: str = name) -> None:
                await writer.append(name, block(2, 2))
                await writer.end(name)
                await writer.close()

            steps.arm(moment, ends)
            found = [int(line) async for pieces in store.read(name, 1, follow=follow) for line in pieces.data.split()]
            assert found == [1, 2, 3] or (not follow and found == [1])
            steps.disarm()
            await writer.close()


async def test_a_run_that_ends_between_two_looks_is_not_shown_as_cut(address: str) -> None:
    async with interrupted(address) as (store, steps):
        for moment in itertools.count():
            writer = MiniAgents(store=(kept := open_store(address)))
            await writer.__aenter__()
            await manager_of_nothing.inquire("x")
            await kept.flush()

            async def ends(writer: MiniAgents = writer, kept: Store = kept) -> None:
                await writer.__aexit__(None, None, None)
                await kept.close()

            steps.arm(moment, ends)
            runs = [run async for run in store.runs()]
            streams = [stream async for stream in store.streams()]
            has_ended = steps.disarm()
            assert all(run.is_live or run.ended is not None for run in runs)
            assert all(stream.is_live or stream.ended is not None for stream in streams)
            if not has_ended:
                await ends()
                assert moment > 1
                break


async def test_a_stream_that_is_forgotten_between_two_looks_is_no_damaged_one(address: str) -> None:
    async with interrupted(address) as (store, steps), impatient(address) as other:
        for moment in itertools.count():
            name = f"numbers-{moment}"
            await other.append(name, block(0, 2))
            await other.end(name)

            async def forgets(name: str = name) -> None:
                await other.forget(name)
                await other.append(f"other-{name}", Pieces(0, 1, b"other\n"))  # it may get the number

            steps.arm(moment, forgets)
            found: list[bytes] = []
            with_error = await outcome(all_pieces(store, name, found), NotStoredError)
            assert b"".join(found) in ((b"0\n1\n",) if with_error is None else (b"", b"0\n1\n"))
            if not steps.disarm():
                assert moment > 1
                break


async def all_pieces(store: Store, name: str, found: list[bytes]) -> None:
    async for pieces in store.read(name):
        found.append(pieces.data)  # noqa: PERF401  # those before an error are wanted


@miniagent
async def manager_of_nothing(ctx: InteractionContext) -> None:
    ctx.reply("nothing")


# --- writers ---


async def test_of_two_that_claim_a_stream_one_has_it(address: str) -> None:
    async with interrupted(address) as (store, steps), impatient(address) as other:
        for moment in itertools.count():
            name = f"numbers-{moment}"
            await abandoned(address, name)
            got: list[object] = []

            async def claims(name: str = name, got: list[object] = got) -> None:
                got.append(await outcome(other.claim(name), StreamTakenError))

            steps.arm(moment, claims)
            mine = await outcome(store.claim(name), StreamTakenError)
            has_acted = steps.disarm()
            assert (mine, *got) in ((2,), (2, StreamTakenError), (StreamTakenError, 2))
            winner, loser = (store, other) if mine == 2 else (other, store)
            await winner.append(name, block(2))
            with pytest.raises(StreamTakenError):
                await loser.append(name, block(3))
            if not has_acted:
                assert moment > 1
                break


async def outcome_of_forgetting(store: Store, name: str) -> object:
    return await outcome(store.forget(name), StreamTakenError)


@pytest.mark.parametrize("work", ["claim", "append"])
async def test_a_stream_that_is_forgotten_while_it_is_claimed_begins_anew(address: str, work: str) -> None:
    async with interrupted(address) as (store, steps), impatient(address) as other:
        for moment in itertools.count():
            name = f"numbers-{moment}"
            await abandoned(address, name)
            steps.arm(moment, partial(outcome_of_forgetting, other, name))
            await (store.claim(name) if work == "claim" else store.append(name, block(0, 3)))
            has_acted = steps.disarm()
            (info,) = [info async for info in store.streams(name)]
            assert info.is_live
            assert info.count in ((0, 2) if work == "claim" else (3,))
            found: list[bytes] = []
            await store.end(name)
            await all_pieces(store, name, found)
            assert b"".join(found) == block(0, info.count).data
            if not has_acted:
                assert moment > 1
                break


async def test_a_stream_that_is_claimed_while_it_is_forgotten_is_whole_or_gone(address: str) -> None:
    async with interrupted(address) as (store, steps), impatient(address) as other:
        for moment in itertools.count():
            name = f"numbers-{moment}"
            await abandoned(address, name)
            steps.arm(moment, partial(other.claim, name))
            mine = await outcome(store.forget(name), StreamTakenError)
            has_acted = steps.disarm()
            found: list[bytes] = []
            there = await outcome(other.end(name), NotStoredError)
            if there is None:
                await all_pieces(other, name, found)
            assert (mine, b"".join(found)) in ((1, b""), (StreamTakenError, b"0\n1\n"))
            if not has_acted:
                assert moment > 1
                break


WORKS: dict[str, Callable[[Store, str], Awaitable[object]]] = {
    "claim": lambda store, name: store.claim(name),
    "append": lambda store, name: store.append(name, block(2)),
    "end": lambda store, name: store.end(name),
    "forget": lambda store, name: store.forget(name),
}


@pytest.mark.parametrize("work", WORKS)
async def test_one_that_waits_for_the_commit_of_another_one_sees_what_was_committed(address: str, work: str) -> None:
    """Postgres shows a statement that has waited for a row that row as it is then, and others as they were before."""
    if not address.startswith("postgresql://"):
        pytest.skip("of two that write a SQLite file, one waits before it begins")
    await abandoned(address, "numbers")
    asyncpg: Any = import_module("asyncpg")  # Any: it has no types
    connection = await asyncpg.connect(address)
    async with PostgresStore(address) as store, PostgresStore(address) as winner:
        transaction = connection.transaction()
        await transaction.start()
        await connection.fetch("SELECT * FROM miniagents.streams FOR UPDATE")  # as one that claims it
        waiting = asyncio.ensure_future(outcome(WORKS[work](store, "numbers"), StreamTakenError))
        await until_blocked(address)
        # the owner is committed together with what it owns
        await winner.append("mine", block(0))
        await connection.execute(
            "UPDATE miniagents.streams SET owner=(SELECT owner FROM miniagents.streams WHERE name='mine')"
            " WHERE name='numbers'"
        )
        await transaction.commit()
        assert await waiting is StreamTakenError
        await winner.append("numbers", block(2))
    await connection.close()


async def test_tables_are_made_by_one_of_two_processes_under_any_isolation(address: str) -> None:
    if not address.startswith("postgresql://"):
        pytest.skip("see test_store_files.py")
    asyncpg: Any = import_module("asyncpg")  # Any: it has no types
    connection = await asyncpg.connect(address)
    database = await connection.fetchval("SELECT current_database()")
    await connection.execute(f"ALTER DATABASE {database} SET default_transaction_isolation='serializable'")
    stores = [PostgresStore(address) for _ in range(4)]
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("SELECT pg_advisory_xact_lock($1)", 0x6D_69_6E_61)
    making = [asyncio.ensure_future(store.append("same", block(0))) for store in stores]
    await until_blocked(address)
    await transaction.commit()
    done = await asyncio.gather(*making, return_exceptions=True)
    assert [type(each) for each in done if each is not None] == [StreamTakenError] * 3
    for store in stores:
        await store.close()
    await connection.close()


async def test_what_is_claimed_after_a_statement_that_failed_is_kept_from_others(address: str) -> None:
    """A lease that was not committed is none."""

    async def fails() -> None:
        raise ConnectionError("lost") if address.startswith("postgresql://") else sqlite3.OperationalError("lost")

    for moment in itertools.count():
        async with interrupted(address) as (store, steps), impatient(address) as other:
            steps.arm(moment, fails)
            await outcome(store.claim(f"first-{moment}"), StoreError)
            has_failed = steps.disarm()
            await store.append(f"second-{moment}", block(0))
            with pytest.raises(StreamTakenError):
                await other.claim(f"second-{moment}")
        if not has_failed:
            assert moment > 3
            break


def test_what_is_claimed_behind_a_lease_that_is_over_is_kept_from_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 2e9
    monkeypatch.setattr(time, "time", lambda: now)
    slow, other = (Tables(tmp_path / "runs.db", "runs.db", "normal", 0, 10) for _ in range(2))
    slow.claim("first")
    now += 20
    slow.claim("second")
    with pytest.raises(StreamTakenError):
        other.claim("second")
    slow.close()
    other.close()


# --- durable runs ---


async def entered(store: Store, run: str) -> DurableRun:
    return await durable(store, run=run).__aenter__()


async def test_of_two_that_go_on_with_a_run_one_does(address: str) -> None:
    async with interrupted(address) as (store, steps), impatient(address) as other:
        for moment in itertools.count():
            name = f"order-{moment}"
            async with open_store(address) as first:
                await entered(first, name)  # its process leaves without an end
            got: list[object] = []

            async def takes(name: str = name, got: list[object] = got) -> None:
                got.append(await outcome(entered(other, name), RunTakenError))

            steps.arm(moment, takes)
            mine = await outcome(entered(store, name), RunTakenError)
            has_acted = steps.disarm()
            runs = [each for each in (mine, *got) if each is not RunTakenError]
            assert len(runs) <= 1
            assert runs or len(got) == 1
            for run in runs:
                assert isinstance(run, DurableRun)
                await run.__aexit__(None, None, None)
            if not has_acted:
                assert moment > 5
                break


async def test_a_run_that_is_forgotten_while_it_is_taken_begins_anew(address: str) -> None:
    async with interrupted(address) as (store, steps), impatient(address) as other:
        for moment in itertools.count():
            name = f"order-{moment}"
            async with durable(other, run=name):
                assert await once(lambda: "before") == "before"
            steps.arm(moment, partial(outcome_of_forgetting_run, other, name))
            async with durable(store, run=name):
                has_acted = steps.disarm()
                assert await once(lambda: "after") in ("before", "after")
            assert await forget_durable(other, run=name) == 1
            if not has_acted:
                assert moment > 5
                break


async def outcome_of_forgetting_run(store: Store, run: str) -> object:
    return await outcome(forget_durable(store, run=run), RunTakenError)


@miniagent
async def manager(ctx: InteractionContext) -> None:
    ctx.reply(wait_for_answer())


async def asked(address: str, run: str) -> str:
    """Cut a run where it waits for an answer; return the key of the call."""
    async with open_store(address) as store:
        life = await entered(store, run)
        async with MiniAgents(around_calls=life, on_leave="cancel"):
            manager.inquire("Refund 90 EUR?")
            while not [call async for call in open_calls(store, run=run)]:
                await asyncio.sleep(0.01)
            (call,) = [call async for call in open_calls(store, run=run)]
    return call.key


async def answer_of(address: str, run: str) -> tuple[str, ...]:
    async with open_store(address) as store, durable(store, run=run) as life, MiniAgents(around_calls=life):
        return tuple(str(reply) for reply in await manager.inquire("Refund 90 EUR?"))


ANSWERS = {"yes": (UserMessage("yes"),), "no": (UserMessage("no"), UserMessage("never"))}


def answering(store: Store, run: str, key: str, answer: str) -> Awaitable[object]:
    """Answer a call; the outcome is None if the answer was taken."""
    work = answer_call(store, run=run, key=key, answer=ANSWERS[answer])
    return outcome(work, StreamTakenError, StreamEndedError)


@pytest.mark.parametrize("is_same", [False, True], ids=["two processes", "two tasks"])
async def test_of_two_answers_to_a_call_one_is_taken(address: str, is_same: bool) -> None:
    async with interrupted(address) as (store, steps), impatient(address) as another:
        other = store if is_same else another
        for moment in itertools.count():
            name = f"order-{moment}"
            key = await asked(address, name)
            got: dict[str, object] = {}

            async def answers(name: str = name, key: str = key, got: dict[str, object] = got) -> None:
                got["no"] = await answering(other, name, key, "no")

            # the thread of a store cannot wait for what it does itself
            both = asyncio.gather(answering(store, name, key, "yes"), *([answers()] if is_same else []))
            steps.arm(moment, answers if not is_same else nothing)
            got["yes"] = (await both)[0]
            has_acted = steps.disarm()
            (taken,) = [answer for answer, error in got.items() if error is None]
            assert await answer_of(address, name) == tuple(map(str, ANSWERS[taken]))
            if not has_acted or is_same:
                assert is_same or moment > 5
                break


async def nothing() -> None:
    """Let nothing happen."""


async def test_an_answer_whose_process_was_killed_before_its_end_is_the_answer(address: str) -> None:
    key = await asked(address, "order")
    async with open_store(address) as store:
        whole = b"".join([each.data async for each in encode_stream(sequence_of(ANSWERS["yes"], None, "x"), start=0)])
        await store.append(f"durable/order/answers/{key}", Pieces(0, len(whole.splitlines()), whole))
    async with open_store(address) as store:
        assert await answering(store, "order", key, "no") is StreamEndedError
    assert await answer_of(address, "order") == ("yes",)


# --- runs ---


async def test_a_run_that_was_pruned_while_its_store_stood_still_is_whole_from_then_on(address: str) -> None:
    make = PostgresStore if address.startswith("postgresql://") else SQLiteStore
    async with make(address, lease=1e6) as slow, open_store(address) as other:
        async with MiniAgents(store=slow) as context:
            await manager_of_nothing.inquire("x")
            await context.flush()
            await leases_over(address)
            assert await other.prune(keep=0) == 1
            await manager_of_nothing.inquire("x")
            await context.flush()
        (run,) = [run async for run in other.runs()]
        assert run.ended is not None
        (call,) = [call async for call in other.calls(run.id)]
        assert call.messages is not None
        found = await other.get_all([*call.messages, *call.replies], Message)
        assert [str(message) for message in found] == ["x", "nothing"]
