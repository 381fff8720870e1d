"""Durable runs, rule by rule: what is given again, what is made again, and what is refused."""

import asyncio
import copy
import logging
import pickle
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime

import pytest

from miniagents import (
    AssistantMessage,
    Call,
    InteractionContext,
    Message,
    MessageSequencePromise,
    MiniAgent,
    MiniAgents,
    Proceed,
    ToolCall,
    UnknownMessage,
    UserMessage,
    miniagent,
    stream_message,
    tool,
)
from miniagents.calls import CallHandler
from miniagents.ext.llm import RateLimitError
from miniagents.ext.store import (
    DivergedError,
    NotStoredError,
    OnCut,
    RunTakenError,
    Store,
    StoreDamagedError,
    StoreFullError,
    StoreVersionError,
    answer_call,
    call_key,
    durable,
    kept_replies,
    once,
    open_calls,
    wait_for_answer,
)
from miniagents.wire import Pieces, RemoteError
from tests.ext.store.dying import Connection, Disk

Opened = Callable[[], Store]

pytestmark = pytest.mark.virtual_clock


class QuotaError(Exception):
    """An error of a program."""


class KilledError(Exception):
    """Ends a life: what is behind it was not reached."""


worked: list[str] = []
"""What was done, in all lives."""


@pytest.fixture(autouse=True)
def _nothing_worked() -> None:
    worked.clear()


@miniagent
async def leaf(ctx: InteractionContext) -> None:
    asked = "".join([message.text or "" for message in await ctx.messages])
    worked.append(asked)

    async def tokens() -> AsyncIterator[str]:
        for token in ("re ", asked, "!"):
            await asyncio.sleep(0.01)
            yield token

    ctx.reply(stream_message(AssistantMessage, tokens()))


async def tokens_of(promise: MessageSequencePromise[Message]) -> list[list[str]]:
    return [[token async for token in message] async for message in promise]


# --- what is given again ---


async def test_a_call_that_has_ended_is_given_again_token_by_token_and_is_not_made_again() -> None:
    disk = Disk()
    calls: list[Call] = []

    async def looks_on(call: Call, proceed: Proceed) -> None:
        calls.append(call)
        proceed()

    for _ in range(3):
        async with durable(Connection(disk), run="one") as run, MiniAgents(around_calls=[looks_on, run]):
            assert await tokens_of(leaf.inquire("a")) == [["re ", "a", "!"]]
            assert await tokens_of(leaf.inquire("b")) == [["re ", "b", "!"]]
    assert worked == ["a", "b"]
    assert [call.replayed for call in calls] == [False, False, True, True, True, True]


async def test_several_contexts_at_the_same_time_may_share_a_run() -> None:
    @miniagent
    async def outer(ctx: InteractionContext, name: str) -> None:
        for number in range(3):
            ctx.reply(await leaf.inquire(f"{name}{number}"))

    async def one(run: CallHandler, name: str) -> list[str | None]:
        async with MiniAgents(around_calls=run):
            return [message.text for message in await outer.inquire(name=name)]

    disk = Disk()
    for _ in range(2):
        async with durable(Connection(disk), run="one") as run:
            found = await asyncio.gather(one(run, "a"), one(run, "b"))
        assert list(found) == [[f"re {name}{number}!" for number in range(3)] for name in "ab"]
    assert sorted(worked) == ["a0", "a1", "a2", "b0", "b1", "b2"]


async def test_equal_calls_are_told_apart_by_their_order_and_runs_by_their_names() -> None:
    @miniagent
    async def counter(ctx: InteractionContext) -> None:
        worked.append("counted")
        ctx.reply(f"{len(worked)}")

    disk = Disk()
    for name, expected in (("one", ["1", "2"]), ("one", ["1", "2"]), ("two", ["3", "4"]), ("a/b", ["5", "6"])):
        async with durable(Connection(disk), run=name) as run, MiniAgents(around_calls=run):
            found = [(await counter.inquire("same").only()).text for _ in range(2)]
            assert found == expected


async def test_errors_are_given_again_and_those_that_nobody_knows_are_the_same_from_the_first_time_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @miniagent
    async def failing(ctx: InteractionContext, how: str) -> None:
        worked.append(how)
        ctx.reply("before")
        raise ValueError("a value") if how == "value" else QuotaError("a quota")

    disk = Disk()
    for _ in range(2):
        async with durable(Connection(disk), run="one") as run, MiniAgents(around_calls=run):
            with pytest.raises(ValueError, match="a value"):
                await failing.inquire(how="value")
            with pytest.raises(RemoteError, match="QuotaError: a quota"):
                await failing.inquire(how="quota")
    for _ in range(2):
        async with durable(Connection(disk), run="two", errors=[QuotaError]) as run, MiniAgents(around_calls=run):
            with pytest.raises(QuotaError, match="a quota"):
                await failing.inquire(how="quota")
    assert worked == ["value", "quota", "quota"]
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "run 'one'" in warnings[0]
    assert "durable(errors=[...])" in warnings[0]


async def test_errors_of_models_are_caught_in_a_run_as_they_are_outside_of_one() -> None:
    @miniagent
    async def asking(_: InteractionContext) -> None:
        worked.append("asking")
        raise RateLimitError("too many", provider="OpenAI", model="gpt-5", status=429, retry_after=0.5)

    @miniagent
    async def careful(ctx: InteractionContext) -> None:
        try:
            await asking.inquire()
        except RateLimitError as error:
            ctx.reply(f"{error.provider} {error.status} {error.retry_after}: {error}")

    disk = Disk()
    for _ in range(2):
        async with durable(Connection(disk), run="one") as run, MiniAgents(around_calls=run):
            assert str(await careful.inquire().only()) == "OpenAI 429 0.5: too many"
    assert worked == ["asking"]


async def test_failed_calls_are_made_again_if_one_wants_that_and_the_others_are_not() -> None:
    @miniagent
    async def needs(ctx: InteractionContext) -> None:
        worked.append("needs")
        if is_down:
            raise OSError("it is down")
        ctx.reply("it is up")

    @miniagent
    async def both(ctx: InteractionContext) -> None:
        await leaf.inquire("first")
        ctx.reply(await needs.inquire())

    disk = Disk()
    is_down = True
    for _ in range(2):
        async with durable(Connection(disk), run="one") as run, MiniAgents(around_calls=run):
            with pytest.raises(OSError, match="down"):
                await both.inquire()
    assert worked == ["first", "needs"]
    is_down = False
    async with durable(Connection(disk), run="one", on_failed="again") as run, MiniAgents(around_calls=run):
        assert str(await both.inquire().only()) == "it is up"
    assert worked == ["first", "needs", "needs"]


async def test_tools_are_not_carried_out_again() -> None:
    @tool
    async def pay(amount: int) -> str:
        """Pay."""
        worked.append(f"{amount} {call_key()}")
        return f"paid {amount}"

    disk = Disk()
    for _ in range(2):
        async with durable(Connection(disk), run="one") as run, MiniAgents(around_calls=run):
            for number in ("1", "2"):
                answer = await pay.answer(ToolCall(id=number, name="pay", arguments='{"amount": 7}'))
                assert answer.text == "paid 7"
                assert answer.tool_call_id == number
    assert len(worked) == len(set(worked)) == 2


# --- what is made again ---


async def test_a_run_that_was_stopped_goes_on_where_it_was_and_no_stop_is_kept_as_an_end() -> None:
    @miniagent
    async def steps(ctx: InteractionContext) -> None:
        for step in "abcd":
            await leaf.inquire(step)
            if step == "b" and is_stopping:
                await asyncio.sleep(3600)
        ctx.reply("all done")

    disk = Disk()
    is_stopping = True

    async def life() -> str:
        async with durable(Connection(disk), run="one") as run, MiniAgents(around_calls=run):
            return str(await steps.inquire().only())

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(life(), 60)
    assert worked == ["a", "b"]
    is_stopping = False
    assert await life() == "all done"
    assert worked == ["a", "b", "c", "d"]
    assert await life() == "all done"
    assert worked == ["a", "b", "c", "d"]


async def test_a_call_that_its_caller_has_cancelled_is_not_made_again() -> None:
    @miniagent
    async def endless(ctx: InteractionContext) -> None:
        worked.append("endless")
        await asyncio.sleep(3600)

    @miniagent
    async def impatient(ctx: InteractionContext) -> None:
        promise = endless.inquire()
        await asyncio.sleep(1)
        promise.cancel()
        await leaf.inquire("instead")
        if is_stopping:
            raise KilledError
        ctx.reply("patience")

    disk = Disk()
    is_stopping = True
    with pytest.raises(KilledError):
        async with durable(Connection(disk), run="one", errors=[KilledError]) as run, MiniAgents(around_calls=run):
            await impatient.inquire()
    assert worked == ["endless", "instead"]
    is_stopping = False  # and the error is not kept, as if the process had been killed before it
    for stream in disk.streams.values():
        stream.blocks = [block for block in stream.blocks if b'"failed":true' not in block.data]
    async with durable(Connection(disk), run="one") as run, MiniAgents(around_calls=run):
        assert str(await impatient.inquire().only()) == "patience"
    assert worked == ["endless", "instead"]


def only_chapters(call: Call) -> OnCut:
    return "resume" if call.name == "chapters" else "again"


@pytest.mark.parametrize("on_cut", ["resume", only_chapters])
async def test_a_call_may_go_on_behind_what_was_committed(on_cut: OnCut | Callable[[Call], OnCut]) -> None:
    @miniagent
    async def chapters(ctx: InteractionContext) -> None:
        for number in range(len(kept_replies()), 5):
            worked.append(f"{number}")
            ctx.reply(f"chapter {number}")
            await asyncio.sleep(1)
            if number == stops_behind:
                await asyncio.sleep(3600)

    async def life() -> list[str | None]:
        async with (
            durable(Connection(disk), run="one", on_cut=on_cut) as run,
            MiniAgents(around_calls=run, on_leave="cancel"),
        ):
            return [message.text for message in await chapters.inquire()]

    disk = Disk()
    for stops_behind in (1, 2):  # noqa: B007 - the agent looks at it
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(life(), 60)
    stops_behind = 9
    for _ in range(2):
        assert await life() == [f"chapter {number}" for number in range(5)]
    assert worked == ["0", "1", "2", "3", "4"]


async def test_a_cut_call_is_made_again_from_its_beginning_by_default() -> None:
    @miniagent
    async def chapters(ctx: InteractionContext) -> None:
        assert kept_replies() == ()
        for number in range(3):
            worked.append(f"{number}")
            ctx.reply(f"chapter {number}")
            await asyncio.sleep(1)
            if number == stops_behind:
                await asyncio.sleep(3600)

    async def life() -> list[str | None]:
        async with durable(Connection(disk), run="one") as run, MiniAgents(around_calls=run):
            return [message.text for message in await chapters.inquire()]

    disk = Disk()
    stops_behind = 1
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(life(), 60)
    stops_behind = 9
    assert await life() == ["chapter 0", "chapter 1", "chapter 2"]
    assert worked == ["0", "1", "0", "1", "2"]


async def test_callers_see_messages_while_a_call_goes_on() -> None:
    @miniagent
    async def talks(ctx: InteractionContext) -> None:
        ctx.reply("first")
        await answered.wait()
        ctx.reply("second")

    answered = asyncio.Event()
    async with durable(Connection(Disk()), run="one") as run, MiniAgents(around_calls=run):
        found: list[str | None] = []
        async for message in talks.inquire():
            found.append((await message).text)
            answered.set()
    assert found == ["first", "second"]


async def test_what_a_call_replied_is_committed_before_its_end_is_seen() -> None:
    connection = Connection(Disk(), pause=1.0)
    async with durable(connection, run="one") as run, MiniAgents(around_calls=run):
        loop = asyncio.get_running_loop()
        began = loop.time()
        async for message in leaf.inquire("a"):
            moments = [loop.time() - began async for _ in message]
            assert moments[-1] < 1  # tokens are seen at once
            await message
            assert loop.time() - began >= 2
        written = b"".join(block.data for stream in connection.disk.streams.values() for block in stream.blocks)
        assert b'"what":"ended"' in written


# --- clocks, random numbers, keys ---


@pytest.mark.leaves_errors_unread
async def test_a_value_is_taken_once() -> None:
    async def ahead() -> int:
        return random.randrange(10**9)

    @miniagent
    async def rolls(ctx: InteractionContext) -> None:
        ctx.reply(f"{await once(ahead)} {await once(ahead)} {await once(random.random)}")
        if is_stopping:
            raise KilledError

    disk = Disk()
    seen = set[object]()
    for is_stopping in (True, False):  # noqa: B007 - the agent looks at it
        async with (
            durable(Connection(disk), run="one", on_failed="again", errors=[KilledError]) as run,
            MiniAgents(around_calls=run),
        ):
            seen.add(await once(random.random))
            seen.add(await once(lambda: datetime.now(UTC), datetime))
            async for message in rolls.inquire():
                values = str(await message)
                seen.add(values)
                assert len(set(values.split())) == 3
                break
    assert len(seen) == 3


async def test_a_value_is_taken_once_also_in_a_task_that_did_not_enter_the_run() -> None:
    """A server enters a run when it starts, and each request has a task of its own."""

    async def life() -> tuple[float, str]:
        run = durable(Connection(disk), run="one")
        await asyncio.create_task(run.__aenter__())

        async def request() -> tuple[float, str]:
            async with MiniAgents(around_calls=[other, run]), MiniAgents():
                await leaf.inquire("a")
                return await once(random.random), call_key()

        assert await once(random.random) != await once(random.random)  # this is no part of the run
        try:
            return await asyncio.create_task(request())
        finally:
            await run.__aexit__(None, None, None)

    async def other(_: Call, proceed: Proceed) -> None:
        proceed()

    disk = Disk()
    lives = [await life(), await life()]
    assert lives[0] == lives[1]
    assert worked == ["a"]


async def test_a_run_may_be_left_in_another_task() -> None:
    disk = Disk()
    for _ in range(2):
        run = durable(Connection(disk), run="one")
        await run.__aenter__()
        await asyncio.create_task(run.__aexit__(None, None, None))


async def test_a_value_that_would_come_back_as_another_one_is_refused() -> None:
    async with durable(Connection(Disk()), run="one"):
        with pytest.raises(TypeError, match=r"would come back as \[1, 2\]; give its type, as in once"):
            await once(lambda: (1, 2))
        assert await once(lambda: (1, 2), tuple[int, int]) == (1, 2)
    assert await once(lambda: (1, 2)) == (1, 2)  # nothing is kept outside of a run


@pytest.mark.leaves_errors_unread
async def test_keys_are_the_same_in_each_life_and_others_in_each_call_and_run() -> None:
    @miniagent
    async def keyed(ctx: InteractionContext) -> None:
        assert call_key() == call_key()
        ctx.reply(call_key())
        if is_stopping:
            raise KilledError

    found: dict[tuple[str, bool], list[str]] = {}
    disk = Disk()
    for is_stopping in (True, False):
        for name in ("one", "two"):
            durable_run = durable(Connection(disk), run=name, on_failed="again", errors=[KilledError])
            async with durable_run as run, MiniAgents(around_calls=run):
                for _ in range(2):
                    async for message in keyed.inquire():
                        found.setdefault((name, is_stopping), []).append(str(await message))
                        break
    assert found["one", True] == found["one", False]
    assert found["two", True] == found["two", False]
    assert len({*found["one", True], *found["two", True]}) == 4
    assert call_key() != call_key()


# --- programs that go another way ---


@miniagent
async def cut(ctx: InteractionContext) -> None:
    await asyncio.sleep(3600)


async def cut_life(disk: Disk, said: str) -> None:
    @miniagent
    async def plan(ctx: InteractionContext) -> None:
        await leaf.inquire("the same")
        ctx.reply(cut.inquire(said))

    async with durable(Connection(disk), run="order-17") as run, MiniAgents(around_calls=run, on_leave="cancel"):
        await plan.inquire()


async def test_another_call_at_the_same_place_is_refused_and_both_are_shown() -> None:
    disk = Disk()
    with suppress(TimeoutError):
        await asyncio.wait_for(cut_life(disk, "for 7 days"), 60)
    before = len(disk.streams)
    with pytest.raises(DivergedError) as raised:
        await cut_life(disk, "for 9 days")
    error = raised.value
    assert (error.store, error.run, error.place) == ("<disk>", "order-17", (1, 2))
    assert error.recorded.messages == ("for 7 days",)
    assert error.now.messages == ("for 9 days",)
    assert error.recorded.called == error.now.called == "agent 'cut'"
    for said in ("<disk>", "order-17", "1.2", "for 7 days", "for 9 days", "once", 'on_changed="again"'):
        assert said in str(error)
    assert len(disk.streams) == before + 1
    for again in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert str(again) == str(error)
    with suppress(TimeoutError):  # the error was not kept: the program that began the run goes on
        await asyncio.wait_for(cut_life(disk, "for 7 days"), 60)


async def test_a_changed_version_is_another_call_and_may_be_allowed() -> None:
    def agent(version: str) -> MiniAgent[Message, Message, []]:
        @miniagent(alias="writer", version=version)
        async def writer(ctx: InteractionContext) -> None:
            worked.append(version)
            if version == "1":
                await asyncio.sleep(3600)
            ctx.reply(version)

        return writer

    async def life(version: str, *, allowed: bool) -> str:
        run = durable(Connection(disk), run="one", on_changed="again" if allowed else "error")
        writer = agent(version)
        async with run, MiniAgents(around_calls=run, on_leave="cancel"):
            return str(await writer.inquire("x").only())

    disk = Disk()
    with suppress(TimeoutError):
        await asyncio.wait_for(life("1", allowed=False), 60)
    with pytest.raises(DivergedError, match=r"(?s)agent 'writer' of version '1'.*agent 'writer' of version '2'"):
        await life("2", allowed=False)
    assert worked == ["1"]
    assert await life("2", allowed=True) == "2"
    assert await life("2", allowed=False) == "2"


async def test_calls_that_are_made_together_may_come_in_another_order() -> None:
    @miniagent
    async def part(ctx: InteractionContext, name: str, pause: float) -> None:
        await asyncio.sleep(pause)
        ctx.reply(leaf.inquire(name))

    async def chain(name: str, pause: float) -> None:
        await part.inquire(name=name, pause=pause)
        await leaf.inquire(f"{name} again")
        if name == "quick" and is_stopping:
            await asyncio.sleep(3600)

    async def life() -> None:
        async with durable(Connection(disk), run="one") as run, MiniAgents(around_calls=run, on_leave="cancel"):
            await asyncio.gather(chain("slow", 5), chain("quick", 1))

    disk = Disk()
    is_stopping = True
    with suppress(TimeoutError):
        await asyncio.wait_for(life(), 3)
    is_stopping = False
    await life()
    assert sorted(worked) == ["quick", "quick again", "slow", "slow again"]


async def test_ends_are_seen_in_their_order_so_that_the_first_one_stays_the_first() -> None:
    @miniagent
    async def runner(ctx: InteractionContext, pause: float) -> None:
        worked.append(f"ran {pause}")
        await asyncio.sleep(pause)
        ctx.reply(f"{pause}")

    async def life() -> str:
        async with durable(Connection(disk), run="one") as run, MiniAgents(around_calls=run, on_leave="cancel"):

            async def ran(pause: float) -> str:
                return str(await runner.inquire(pause=pause).only())

            runners = [asyncio.ensure_future(ran(pause)) for pause in (3.0, 2.0, 1.0)]
            order = [await each for each in asyncio.as_completed(runners)]
            await leaf.inquire(", ".join(order))
            if is_stopping:
                await asyncio.sleep(3600)
            return ", ".join(order)

    disk = Disk()
    is_stopping = True
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(life(), 60)
    is_stopping = False
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await life() == "1.0, 2.0, 3.0"
    assert loop.time() - began < 0.5
    assert worked == ["ran 3.0", "ran 2.0", "ran 1.0", "1.0, 2.0, 3.0"]


async def test_calls_that_came_at_another_place_are_no_other_program() -> None:
    """Nobody says in which order calls are begun that are made together."""

    async def life(said: str, *, waits: bool) -> None:
        async with durable(Connection(disk), run="one") as run, MiniAgents(around_calls=run, on_leave="cancel"):
            calls = [leaf.inquire(each) for each in said]
            await asyncio.gather(*calls)
            if waits:
                await asyncio.sleep(3600)

    disk = Disk()
    with suppress(TimeoutError):
        await asyncio.wait_for(life("ab", waits=True), 60)
    await life("bac", waits=False)
    assert sorted(worked) == ["a", "b", "c"]


async def test_a_caller_that_saw_other_ends_may_make_another_call_at_the_same_place() -> None:
    @miniagent
    async def work(ctx: InteractionContext) -> None:
        await asyncio.sleep(seconds)
        ctx.reply("worked")

    async def behind_work() -> None:
        await work.inquire()
        await leaf.inquire("behind the work")

    async def behind_a_while() -> None:
        await asyncio.sleep(3)
        await leaf.inquire("behind a while")

    async def life() -> None:
        async with durable(Connection(disk), run="one") as run, MiniAgents(around_calls=run, on_leave="cancel"):
            await asyncio.gather(behind_work(), behind_a_while())

    disk = Disk()
    seconds = 3600
    with suppress(TimeoutError):
        await asyncio.wait_for(life(), 5)
    assert worked == ["behind a while"]
    seconds = 1
    await life()
    assert worked == ["behind a while", "behind the work"]


# --- one process at a time ---


async def test_of_two_that_open_a_run_at_the_same_moment_one_is_refused() -> None:
    disk = Disk()
    shared = Connection(disk)
    for connections in ([shared, shared], [Connection(disk), Connection(disk)]):
        runs = [durable(connection, run="one") for connection in connections]
        found = await asyncio.gather(*(run.__aenter__() for run in runs), return_exceptions=True)
        assert sorted(type(each).__name__ for each in found) == ["DurableRun", "RunTakenError"]
        for run, each in zip(runs, found, strict=True):
            if each is run:
                await run.__aexit__(None, None, None)


@pytest.mark.leaves_errors_unread
async def test_a_process_whose_run_was_taken_over_can_write_no_more() -> None:
    disk = Disk()
    lost = Connection(disk)

    async def sleeper() -> None:
        async with durable(lost, run="one") as run, MiniAgents(around_calls=run):
            await leaf.inquire("a")
            taken_over.set()
            await go_on.wait()
            await leaf.inquire("b")

    taken_over, go_on = asyncio.Event(), asyncio.Event()
    task = asyncio.ensure_future(sleeper())
    await taken_over.wait()
    for stream in disk.streams.values():
        stream.writer = None  # its lease is over
    async with durable(Connection(disk), run="one") as run, MiniAgents(around_calls=run):
        await leaf.inquire("a")
        await leaf.inquire("b")
    go_on.set()
    with pytest.raises(RunTakenError, match=r"taken it over"):
        await task
    assert worked == ["a", "b", "b"]


# --- answers from outside ---


async def test_nobody_answers_what_nobody_asked() -> None:
    connection = Connection(Disk())
    with pytest.raises(NotStoredError, match=r"no call of run 'one' waits for an answer to 'x'; `open_calls`"):
        await answer_call(connection, run="one", key="x", answer=UserMessage("yes"))
    with pytest.raises(RuntimeError, match=r"this is no call of a durable run"):
        wait_for_answer()
    async with durable(connection, run="one"):
        with pytest.raises(RuntimeError, match=r"this is no call of a durable run"):
            wait_for_answer()


async def test_calls_that_wait_are_found_in_all_runs() -> None:
    @miniagent
    async def manager(ctx: InteractionContext) -> None:
        ctx.reply(wait_for_answer())

    disk = Disk()
    assert [call async for call in open_calls(Connection(disk))] == []
    names = ["a/b", "ü 1%", "ended"]
    async with AsyncExitStack() as stack:
        replies: dict[str, MessageSequencePromise[Message]] = {}
        for name in names:
            run = await stack.enter_async_context(durable(Connection(disk), run=name))
            await stack.enter_async_context(MiniAgents(around_calls=run))
            replies[name] = manager.inquire(f"Shall {name} go on?")
            await asyncio.sleep(1)
        for name in names[::-1]:
            found = [call async for call in open_calls(Connection(disk))]
            assert {call.run for call in found} == set(names)
            for call in found:
                assert call.messages == (Message(f"Shall {call.run} go on?"),)
                assert found.count(call) == 1
                if call.run == name:
                    await answer_call(Connection(disk), run=call.run, key=call.key, answer=UserMessage("yes"))
            assert str(await replies[name].only()) == "yes"
            names.remove(name)


async def test_a_program_that_does_not_know_the_question_can_answer_it() -> None:
    @miniagent
    async def manager(ctx: InteractionContext) -> None:
        ctx.reply(wait_for_answer())

    disk = Disk()
    async with durable(Connection(disk), run="one") as run, MiniAgents(around_calls=run):
        replies = manager.inquire(AssistantMessage("Shall I?"))
        await asyncio.sleep(1)
        for stream in disk.streams.values():
            stream.blocks = [
                Pieces(block.first, block.count, block.data.replace(b"AssistantMessage", b"Strange"))
                for block in stream.blocks
            ]
        (found,) = [call async for call in open_calls(Connection(disk), run="one")]
        (question,) = found.messages
        assert isinstance(question, UnknownMessage)
        assert question.raw["@type"] == "Strange"
        await answer_call(Connection(disk), run="one", key=found.key, answer=UserMessage("yes"))
        assert str(await replies.only()) == "yes"


# --- mistakes and damage ---


async def test_a_run_that_is_not_entered_keeps_nothing_and_says_so() -> None:
    connection = Connection(Disk())
    run: CallHandler = durable(connection, run="one")
    async with MiniAgents(around_calls=run):
        with pytest.raises(RuntimeError, match=r"keeps nothing where it is not entered: write `async with durable"):
            await leaf.inquire("a")
    assert worked == []
    async with durable(connection, run="one") as entered:
        with pytest.raises(RuntimeError, match="was entered before"):
            await entered.__aenter__()


def test_wrong_arguments_are_refused() -> None:
    connection = Connection(Disk())
    with pytest.raises(ValueError, match="run is the name of the run"):
        durable(connection, run="")
    with pytest.raises(ValueError, match='on_cut is "again", "resume" or a function'):
        durable(connection, run="one", on_cut="never")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="on_failed is"):
        durable(connection, run="one", on_failed="never")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="on_changed is"):
        durable(connection, run="one", on_changed="never")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


@pytest.mark.leaves_errors_unread
async def test_what_could_not_be_kept_is_not_seen_and_nothing_goes_on() -> None:
    connection = Connection(Disk())
    with pytest.raises(StoreFullError, match="no room") as raised:
        async with durable(connection, run="one") as run, MiniAgents(around_calls=run):
            await leaf.inquire("a")
            connection.refuses = StoreFullError("<disk>", "there is no room")
            for said in ("b", "c"):
                with pytest.raises(StoreFullError, match="no room"):
                    await leaf.inquire(said)
    assert "run 'one' cannot go on" in "".join(raised.value.__notes__)
    assert worked == ["a", "b"]
    async with durable(Connection(connection.disk), run="one") as run, MiniAgents(around_calls=run):
        for said in ("a", "b"):
            await leaf.inquire(said)
    assert worked == ["a", "b", "b"]


async def test_nothing_is_kept_behind_what_could_not_be_kept() -> None:
    """Also when there is room again: a journal with a gap would be another run."""
    begun, gate = asyncio.Event(), asyncio.Event()

    @miniagent
    async def slow(ctx: InteractionContext) -> None:
        begun.set()
        await gate.wait()
        worked.append("slow")
        ctx.reply("late")

    connection = Connection(Disk())
    with pytest.raises(StoreFullError, match="no room"):
        async with durable(connection, run="one") as run, MiniAgents(around_calls=run):
            late = slow.inquire()
            await begun.wait()
            connection.refuses = StoreFullError("<disk>", "there is no room")
            with pytest.raises(StoreFullError, match="no room"):
                await leaf.inquire("a")
            connection.refuses = None
            gate.set()
            with pytest.raises(StoreFullError, match="no room"):
                await late
    async with durable(Connection(connection.disk), run="one") as run, MiniAgents(around_calls=run):
        await slow.inquire()
    assert worked == ["a", "slow", "slow"]


@pytest.mark.parametrize("on_cut", ["again", "resume"])
@pytest.mark.parametrize("is_cut", [True, False])
async def test_a_program_that_cannot_read_what_is_kept_changes_nothing(on_cut: OnCut, is_cut: bool) -> None:
    """Its module may not be imported, or a class has changed; no agent may end by that, or its end would be kept."""

    @miniagent
    async def chapters(ctx: InteractionContext) -> None:
        ctx.reply([AssistantMessage("one")] * (1 - len(kept_replies())))
        await asyncio.sleep(1)
        if is_cut and is_stopping:
            await asyncio.sleep(3600)

    @miniagent
    async def editor(ctx: InteractionContext) -> None:
        number = await once(lambda: 17)
        try:
            replies = [str(reply) for reply in await chapters.inquire()]
        except ValueError:  # such as a DecodeError
            replies = ["it is wrong"]
        if is_stopping:
            await asyncio.sleep(3600)
        ctx.reply([*replies, str(number)])

    async def life() -> list[str]:
        mode: OnCut = on_cut
        async with (
            durable(
                Connection(disk), run="one", on_cut=lambda call: mode if call.name == "chapters" else "again"
            ) as run,
            MiniAgents(around_calls=run, on_leave="cancel"),
        ):
            return [str(message) for message in await editor.inquire()]

    def another_program(named: bytes, instead: bytes) -> None:
        for stream in disk.streams.values():
            stream.blocks = [
                Pieces(block.first, block.count, block.data.replace(named, instead)) for block in stream.blocks
            ]

    disk = Disk()
    is_stopping = True
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(life(), 60)
    is_stopping = False
    needs_replies = not is_cut or on_cut == "resume"
    if needs_replies:
        another_program(b"AssistantMessage", b"VanishedMessage")
        with pytest.raises(StoreVersionError, match=r"run 'one': this program cannot read the replies of agent 'chapt"):
            await life()
        another_program(b"VanishedMessage", b"AssistantMessage")
    assert await life() == ["one", "17"]


async def test_a_value_of_another_type_ends_no_agent() -> None:
    disk = Disk()
    for form in (int, list[str], int):
        async with durable(Connection(disk), run="one") as run, MiniAgents(around_calls=run):
            if form is int:
                assert await once(lambda: 17, form) == 17
            else:
                with pytest.raises(StoreVersionError, match=r"run 'one': this program cannot read the value of once"):
                    await once(lambda: 18, form)


async def test_a_changed_program_may_make_a_call_again_whose_replies_it_cannot_read() -> None:
    disk = Disk()
    for _ in range(2):
        async with durable(Connection(disk), run="one", on_changed="again") as run, MiniAgents(around_calls=run):
            assert await tokens_of(leaf.inquire("a")) == [["re ", "a", "!"]]
        for stream in disk.streams.values():
            stream.blocks = [
                Pieces(block.first, block.count, block.data.replace(b"AssistantMessage", b"VanishedMessage"))
                for block in stream.blocks
            ]
    assert worked == ["a", "a"]


async def test_a_damaged_journal_and_one_of_a_newer_version_are_refused() -> None:
    disk = Disk()
    async with durable(Connection(disk), run="one"):
        pass
    (stream,) = disk.streams.values()
    for data, error, said in (
        (b'{"what":"head","run":"one","version":99,"token":""}\n', StoreVersionError, "newer version"),
        (b'{"what":"hea\n', StoreDamagedError, "restore the store from a copy"),
    ):
        stream.blocks = [Pieces(0, 1, data)]
        with pytest.raises(error, match=f"run 'one'.*{said}") as raised:
            await durable(Connection(disk), run="one").__aenter__()
        assert raised.value.stream is not None
