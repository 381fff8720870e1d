"""`cached`: what asks once, what is asked again, and that an answer from the store equals the agent's."""

import asyncio
import logging
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
from miniagents.ext.store import SQLiteStore, Store, cached
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
        monkeypatch.setattr("miniagents.ext.store.caching.time.time", lambda: now + 50)
        await agent.inquire("a")
        assert asked == ["a"]
        monkeypatch.setattr("miniagents.ext.store.caching.time.time", lambda: now + 70)
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
    with pytest.raises(ValueError, match="ttl is a number of seconds above 0"):
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


async def test_two_stores_of_one_file_may_keep_the_same(tmp_path: Path) -> None:
    async with SQLiteStore(tmp_path / "runs.db") as one, SQLiteStore(tmp_path / "runs.db") as two, MiniAgents():
        calls = [cached(echo, store).inquire("a") for store in (one, two)]
        for call in calls:
            await call
        for store in (one, two):
            await cached(echo, store).inquire("a")
    assert 1 <= len(asked) <= 2


# --- the law ---


MOST: Final = 4


@pytest.mark.virtual_clock
@pytest.mark.leaves_errors_unread
@given(
    tree=trees(MOST),
    calls=st.lists(st.tuples(st.integers(0, 2), st.sampled_from([None, 1, 3])), min_size=1, max_size=5),
)
async def test_a_cached_agent_equals_the_agent(tree: Tree, calls: list[tuple[int, int | None]]) -> None:
    """Calls begin after some seconds, and some are cancelled after others; the rest get what the agent gives."""

    async def call(agent: MiniAgent[Any, Any, ...], begin: int, cancel: int | None) -> list[str] | None:
        await asyncio.sleep(begin)
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
