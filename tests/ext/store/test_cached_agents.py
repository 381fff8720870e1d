"""`cached`: what asks once, what is asked again, and that an answer from the store equals the agent's."""

import asyncio
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given, strategies as st

from miniagents import (
    AssistantMessage,
    Call,
    InteractionContext,
    Message,
    MessageType,
    MiniAgent,
    MiniAgents,
    Proceed,
    PromiseCancelledError,
    UserMessage,
    miniagent,
)
from miniagents.ext.llm import create_openai_agent
from miniagents.ext.store import SQLiteStore, Store, cached
from miniagents.messages import OpenAIMessage
from miniagents.testing import Pause, scripted_agent, transcript
from tests.ext.store.plain_log import PlainLog
from tests.testing.agent_trees import Tree, grown, node, said_in, trees

asked: list[str] = []
"""What `echo` was asked."""


@pytest.fixture(autouse=True)
def nothing_asked() -> None:
    asked.clear()


async def echoing(ctx: InteractionContext[UserMessage, AssistantMessage], times: int = 1, deps: object = None) -> None:
    question = " ".join(map(str, await ctx.messages))
    asked.append(question)
    if question == "fail":
        raise ConnectionError("no line")
    ctx.reply([f"{question} {deps or ''}".strip()] * times)


echo = miniagent(alias="echo", version="1")(echoing)


# --- what is equal ---


async def test_an_equal_call_is_answered_from_the_store(opened: Callable[[], Store]) -> None:
    store = opened()
    for _ in range(2):
        async with MiniAgents():
            assert [str(reply) for reply in await cached(echo, store).inquire("a", times=2)] == ["a", "a"]
    assert asked == ["a"]
    await store.close()


async def test_messages_arguments_and_versions_count(tmp_path: Path) -> None:
    async with SQLiteStore(tmp_path / "runs.db") as store, MiniAgents():
        agent = cached(echo, store)
        await agent.inquire("a")
        await agent.inquire("b")
        await agent.inquire("a", times=2)
        await agent.inquire(["a"], times=2)
        await agent.bound(times=2).inquire("a")
        await agent.bound(2).inquire("a")
        assert asked == ["a", "b", "a"]
        await cached(miniagent(alias="echo", version="2")(echoing), store).inquire("a")
        assert asked == ["a", "b", "a", "a"]


async def test_calls_with_something_opaque_are_not_cached(tmp_path: Path, logged: list[str]) -> None:
    async with SQLiteStore(tmp_path / "runs.db") as store, MiniAgents():
        agent = cached(echo, store)
        for _ in range(2):
            await agent.inquire("a", deps=object())
    assert asked == ["a", "a"]
    assert len(logged) == 1
    assert "'deps' has no form in JSON" in logged[0]


@pytest.mark.virtual_clock
async def test_the_tokens_come_again() -> None:
    model = scripted_agent(["It ", Pause(3), "rains."])
    async with MiniAgents():
        agent = cached(model, PlainLog())
        assert await transcript(agent.inquire()) == await transcript(agent.inquire())
    assert len(model.asked) == 1


async def test_an_answer_from_the_store_is_marked() -> None:
    seen: list[bool] = []

    async def looking(call: Call, proceed: Proceed) -> MessageType[Message]:
        call.when_ended(lambda: seen.append(call.replayed))
        return proceed()

    async with SQLiteStore(":memory:") as store, MiniAgents(around_calls=looking):
        agent = cached(echo, store)
        await agent.inquire("a")
        await agent.inquire("a")
    assert seen == [False, False, True]  # the agent, the cached one around it, and the cached one alone


async def test_an_answer_of_other_classes_is_asked_again() -> None:
    @miniagent(alias="echo", version="1")
    async def other(ctx: InteractionContext[UserMessage, UserMessage]) -> None:
        asked.append("other")
        ctx.reply("b")

    async with SQLiteStore(":memory:") as store, MiniAgents():
        await cached(echo, store).inquire("a")
        assert await cached(other, store).inquire("a") == (UserMessage("b"),)
    assert asked == ["a", "other"]


# --- how long ---


async def test_an_answer_that_is_too_old_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC).timestamp()
    async with SQLiteStore(":memory:") as store, MiniAgents():
        agent = cached(echo, store, ttl=60)
        await agent.inquire("a")
        monkeypatch.setattr("miniagents.ext.store._kept_answers.time.time", lambda: now + 50)
        await agent.inquire("a")
        assert asked == ["a"]
        monkeypatch.setattr("miniagents.ext.store._kept_answers.time.time", lambda: now + 70)
        await agent.inquire("a")
        assert asked == ["a", "a"]


# --- errors ---


async def test_errors_are_not_kept() -> None:
    async with SQLiteStore(":memory:") as store, MiniAgents():
        agent = cached(echo, store)
        for _ in range(2):
            with pytest.raises(ConnectionError, match="no line"):
                await agent.inquire("fail")
        as_messages = agent.options(errors_as_messages=True)
        for _ in range(2):
            (reply,) = await as_messages.inquire("fail")
            assert "no line" in str(reply)
    assert asked == ["fail"] * 4


@pytest.mark.virtual_clock
async def test_an_answer_that_is_cut_is_not_kept() -> None:
    model = scripted_agent(["a", Pause(5), "b"], "whole")
    async with MiniAgents():
        agent = cached(model, PlainLog())
        replies = agent.inquire()
        await asyncio.sleep(1)
        replies.cancel()
        await asyncio.sleep(1)
        assert str((await agent.inquire())[0]) == "whole"
    assert len(model.asked) == 2


async def test_a_store_that_fails_is_told_and_the_agent_is_asked(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = SQLiteStore(tmp_path / "runs.db")
    await store.close()
    with caplog.at_level(logging.ERROR):
        async with MiniAgents():
            assert str((await cached(echo, store).inquire("a"))[0]) == "a"
    assert "cannot be read, and it is asked again" in caplog.text
    assert "cannot be kept" in caplog.text


def test_wrong_arguments_are_refused() -> None:
    store = SQLiteStore(":memory:")
    wrong: Any = "agent"  # Any: nothing that is expected
    with pytest.raises(TypeError, match="no MiniAgent"):
        cached(wrong, store)
    with pytest.raises(ValueError, match="ttl=.*: give a number of seconds above 0, or None"):
        cached(echo, store, ttl=0)


# --- at the same time ---


@pytest.mark.virtual_clock
@pytest.mark.parametrize("leaving", [{0}, {1}, {0, 1}, {0, 1, 2}])
async def test_equal_calls_at_the_same_time_ask_once_and_may_leave(leaving: set[int]) -> None:
    model = scripted_agent(["a", Pause(4), "b"], "again")
    async with MiniAgents():
        agent = cached(model, PlainLog())
        calls = [agent.inquire() for _ in range(3)]
        await asyncio.sleep(1)
        for number in leaving:
            calls[number].cancel()
        for number, call in enumerate(calls):
            if number in leaving:
                with pytest.raises(PromiseCancelledError):
                    await call
            else:
                assert str((await call)[0]) == "ab"
        assert str((await agent.inquire())[0]) == ("again" if len(leaving) == 3 else "ab")
    assert len(model.asked) == (2 if len(leaving) == 3 else 1)


@pytest.mark.virtual_clock
async def test_the_agent_is_cancelled_when_all_have_left() -> None:
    ended: list[str] = []

    @miniagent
    async def slow(_: InteractionContext) -> None:
        try:
            await asyncio.sleep(100)
        finally:
            ended.append("slow")

    async with MiniAgents():
        agent = cached(slow, PlainLog())
        calls = [agent.inquire("a"), agent.inquire("a")]
        await asyncio.sleep(1)
        calls[0].cancel()
        await asyncio.sleep(1)
        assert not ended
        calls[1].cancel()
        await asyncio.sleep(1)
        assert ended == ["slow"]


@pytest.mark.parametrize("wrapped", [False, True])
async def test_equal_calls_of_stores_contexts_and_agents_at_the_same_time_ask_once(
    opened: Callable[[], Store], wrapped: bool
) -> None:
    stores = [opened() for _ in range(2)]

    async def call(store: Store) -> list[str]:
        async with MiniAgents():
            agent = cached(cached(echo, store), store) if wrapped else cached(echo, store)
            return [str(reply) for reply in await agent.inquire("a", times=2)]

    assert await asyncio.gather(*(call(store) for store in stores * 3)) == [["a", "a"]] * 6
    assert asked == ["a"]
    assert len([info async for info in stores[0].streams("answers/") if info.count]) == 1 + wrapped
    for store in stores:
        await store.close()


async def test_a_model_that_is_cached_twice_does_not_wait_for_itself() -> None:
    """The identity of a cached model is that of the model, so both have the same key."""

    async def answering(call: Call, proceed: Proceed) -> MessageType[Message]:
        if call.kind != "model":
            return proceed()
        asked.append("model")
        return OpenAIMessage("yes")

    async with SQLiteStore(":memory:") as store, MiniAgents(around_calls=answering):
        agent = cached(cached(create_openai_agent("gpt-5", api_key="none"), store), store)
        for _ in range(2):
            assert str(await agent.inquire("a").only()) == "yes"
    assert asked == ["model"]


@pytest.mark.parametrize("ending", ["fails", "is cancelled"])
async def test_if_the_one_who_asks_comes_to_no_answer_the_next_one_asks(
    opened: Callable[[], Store], ending: str
) -> None:
    gate = asyncio.Event()

    @miniagent(version="1")
    async def gated(ctx: InteractionContext) -> None:
        asked.append("gated")
        if len(asked) == 1:
            await gate.wait()
            raise ConnectionError("no line")
        ctx.reply("yes")

    one, two = opened(), opened()
    async with MiniAgents() as first:
        failing = cached(gated, one).inquire("a")
        while not asked:
            await asyncio.sleep(0.01)
        async with MiniAgents(parent=first):
            waiting = cached(gated, two).inquire("a")
            await asyncio.sleep(0.1)
            assert asked == ["gated"]
            if ending == "fails":
                gate.set()
                with pytest.raises(ConnectionError):
                    await failing
            else:
                failing.cancel()
                with pytest.raises(PromiseCancelledError):
                    await failing
            assert str(await waiting.only()) == "yes"
    assert asked == ["gated", "gated"]
    await one.close()
    await two.close()


async def test_who_waits_for_another_one_for_too_long_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("miniagents.ext.store._kept_answers._LONGEST", 0.2)
    async with SQLiteStore(tmp_path / "runs.db") as one, SQLiteStore(tmp_path / "runs.db") as two, MiniAgents():
        await cached(echo, one).inquire("a")
        (kept,) = [info.name async for info in one.streams()]
        await one.forget(kept)
        await one.claim(kept)  # as a call that never ends
        for _ in range(2):
            assert str(await cached(echo, two).inquire("a").only()) == "a"
    assert asked == ["a", "a"]


async def test_calls_of_several_processes_at_the_same_time_ask_once(address: str, tmp_path: Path) -> None:
    told = tmp_path / "asked"
    processes = [await asking(address, told) for _ in range(4)]
    assert [(await process.communicate())[0] for process in processes] == [b"It rains.\n"] * 4
    assert told.read_text() == "asked\n"


async def test_a_process_that_is_killed_while_it_asks_blocks_nobody(address: str, tmp_path: Path) -> None:
    told = tmp_path / "asked"
    first = await asking(address, told, "3600")
    while not told.exists():
        await asyncio.sleep(0.01)
    second = await asking(address, told)
    await asyncio.sleep(0.5)
    assert told.read_text() == "asked\n"
    first.kill()
    await first.wait()
    assert (await second.communicate())[0] == b"It rains.\n"
    assert told.read_text() == "asked\nasked\n"


async def asking(address: str, told: Path, seconds: str = "0.5") -> asyncio.subprocess.Process:
    program = Path(__file__).with_name("asking_process.py")
    return await asyncio.create_subprocess_exec(
        sys.executable, program, address, told, seconds, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[3]
    )


# --- the law ---


MOST: Final = 4


@pytest.mark.virtual_clock
@pytest.mark.leaves_errors_unread
@given(
    tree=trees(MOST),
    calls=st.lists(st.tuples(st.integers(0, 2), st.sampled_from([None, 1, 3])), min_size=1, max_size=5),
    apart=st.booleans(),
)
async def test_a_cached_agent_equals_the_agent(tree: Tree, calls: list[tuple[int, int | None]], apart: bool) -> None:
    """Calls begin after some seconds, and some are cancelled after others; the rest get what the agent gives.

    They are made in one context, or each of them in one of its own.
    """

    async def call(agent: MiniAgent[Any, Any, ...], begin: int, cancel: int | None) -> list[str] | None:
        await asyncio.sleep(begin)
        if apart:
            async with MiniAgents():
                return await called(agent, cancel)
        return await called(agent, cancel)

    async def called(agent: MiniAgent[Any, Any, ...], cancel: int | None) -> list[str] | None:
        replies = agent.inquire("from the test", number=0)
        if cancel is not None:
            await asyncio.sleep(cancel)
            replies.cancel()
            return None
        return await said_in(replies)

    with grown(tree):
        async with MiniAgents():
            bare = await said_in(node.inquire("from the test", number=0))
        async with MiniAgents():
            agent = cached(node, PlainLog())
            for said in await asyncio.gather(*(call(agent, begin, cancel) for begin, cancel in calls)):
                assert said in (None, bare)
            assert await said_in(agent.inquire("from the test", number=0)) == bare
