"""`MiniAgents(store=...)` keeps calls, messages and streams, and changes nothing for the agents."""

import asyncio
import gc
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

import pytest

from miniagents import (
    AssistantMessage,
    InteractionContext,
    Message,
    MessageType,
    MiniAgents,
    UserMessage,
    miniagent,
    stream_message,
)
from miniagents.calls import Call, Proceed
from miniagents.ext.store import (
    KeptCall,
    NotStoredError,
    RunInfo,
    SQLiteStore,
    Store,
    StoreClosedError,
    StreamAbandonedError,
    read_stream,
)
from miniagents.wire import encode_stream

Opened = Callable[[], Store]


@miniagent
async def leaf(ctx: InteractionContext, times: int = 1) -> None:
    ctx.reply([AssistantMessage(message.text) for message in await ctx.messages] * times)


@miniagent
async def slow(ctx: InteractionContext) -> None:
    async def tokens() -> AsyncIterator[str]:
        for number in range(20):
            await asyncio.sleep(0.003)
            yield f"{number} "

    ctx.reply(stream_message(AssistantMessage, tokens()))
    ctx.reply(leaf.inquire("from slow", times=2))


@miniagent
async def failing(ctx: InteractionContext) -> None:
    ctx.reply("before")
    raise ValueError("oh no")


@miniagent
async def gated(ctx: InteractionContext, gate: asyncio.Event) -> None:
    async def tokens() -> AsyncIterator[str]:
        yield "before "
        await gate.wait()
        yield "behind"

    ctx.reply(stream_message(AssistantMessage, tokens()))


async def runs_of(store: Store) -> list[RunInfo]:
    return [run async for run in store.runs()]


async def calls_of(store: Store, run: str) -> list[KeptCall]:
    return [call async for call in store.calls(run)]


async def messages_of(store: Store, keys: tuple[str, ...] | None) -> list[str | None]:
    return [(await store.get(key, Message)).text for key in keys or ()]


async def test_calls_are_kept_with_their_messages_and_replies(opened: Opened) -> None:
    store = opened()
    async with MiniAgents(store=store):
        assert [message.text for message in await leaf.inquire(["one", "two"])] == ["one", "two"]
        await leaf.inquire("three", times=2)
        with pytest.raises(ValueError, match="oh no"):
            await failing.inquire("x")
    (run,) = await runs_of(store)
    assert (run.calls, run.failed, run.is_live) == (3, 1, False)
    assert run.ended is not None
    one, two, three = await calls_of(store, run.id)
    assert await messages_of(store, one.messages) == ["one", "two"]
    assert await messages_of(store, one.replies) == ["one", "two"]
    assert one.record.outcome == "done"
    assert two.record.arguments == {"times": 2}
    assert await messages_of(store, two.replies) == ["three", "three"]
    assert (three.record.outcome, three.record.error) == ("failed", "ValueError: oh no")
    assert await messages_of(store, three.replies) == ["before"]
    with pytest.raises(NotStoredError, match="there is no run 'none'"):
        await calls_of(store, "none")
    await store.close()


@miniagent
async def deeply_failing(_: InteractionContext) -> None:
    error: Exception = ValueError("at the\nbottom")
    for level in range(6):
        cause, error = error, RuntimeError(f"level {level}, {'x' * 300}")
        error.__cause__ = cause
    raise error


async def test_an_error_is_kept_with_a_few_that_it_was_raised_from(opened: Opened) -> None:
    store = opened()
    async with MiniAgents(store=store):
        with pytest.raises(RuntimeError, match="level 5"):
            await deeply_failing.inquire("x")
    (run,) = await runs_of(store)
    (call,) = await calls_of(store, run.id)
    assert call.record.error is not None
    first, *causes = call.record.error.splitlines()
    assert first.startswith("RuntimeError: level 5, xxx")
    assert [cause[:32] for cause in causes] == [f"(caused by RuntimeError: level {level}" for level in (4, 3, 2)]
    assert len(call.record.error) < 1000
    await store.close()


async def test_a_call_that_takes_a_while_is_a_stream_with_the_same_positions(opened: Opened) -> None:
    store = opened()
    gate = asyncio.Event()
    async with MiniAgents(store=store) as context:
        replies = gated.inquire("go", gate=gate)
        while not [info async for info in store.streams()]:
            await asyncio.sleep(0.01)
            await context.flush()
        await leaf.inquire("x")
        gate.set()
        await replies
        pieces = [pieces async for pieces in encode_stream(replies, start=0)]
    (run,) = await runs_of(store)
    first, second = await calls_of(store, run.id)
    assert second.stream is None
    assert first.stream is not None
    assert first.stream == f"{run.id}/1"
    kept = [block async for block in store.read(first.stream)]
    assert len(kept) > 1  # as they came
    assert [json.loads(line) for block in kept for line in block.data.splitlines()] == [
        json.loads(line) for block in pieces for line in block.data.splitlines()
    ]
    assert kept[-1].end == pieces[-1].end
    async with MiniAgents():
        again = read_stream(store, first.stream, tuple[Message, ...])
        assert await again == await replies
    await store.close()


async def test_a_run_is_seen_while_it_runs(opened: Opened) -> None:
    writer, reader = opened(), opened()
    gate = asyncio.Event()
    async with MiniAgents(store=writer) as context:
        replies = gated.inquire("go", gate=gate)
        while not (runs := await runs_of(reader)) or not runs[0].calls:
            await asyncio.sleep(0.01)
            await context.flush()
        (run,) = runs
        assert (run.is_live, run.ended) == (True, None)
        (call,) = await calls_of(reader, run.id)
        assert (call.record.outcome, call.stream) == (None, f"{run.id}/1")
        assert call.record.opaque_arguments == {"gate": "asyncio.locks.Event"}
        live = aiter(read_stream(reader, call.stream or "", tuple[Message, ...]))
        tokens = aiter(await anext(live))
        assert await anext(tokens) == "before "
        gate.set()
        assert await anext(tokens) == "behind"
        assert [message.text for message in await replies] == ["before behind"]
    (run,) = await runs_of(reader)
    assert not run.is_live
    await writer.close()
    await reader.close()


async def test_a_context_that_is_cancelled_keeps_what_came(opened: Opened) -> None:
    store = opened()
    with suppress(asyncio.CancelledError):
        async with MiniAgents(store=store) as context:
            gated.inquire("go", gate=asyncio.Event())
            while not (runs := await runs_of(store)) or not runs[0].calls:
                await asyncio.sleep(0.01)
                await context.flush()
            raise asyncio.CancelledError
    (run,) = await runs_of(store)
    assert not run.is_live
    call, *_ = await calls_of(store, run.id)
    assert call.record.outcome == "cancelled"
    kept = b""
    with suppress(StreamAbandonedError):
        async for pieces in store.read(call.stream or ""):
            kept += pieces.data
    assert b'"text":"before "' in kept
    await store.close()


async def test_a_run_inside_another_context_ends_with_its_own(opened: Opened) -> None:
    store = opened()
    async with MiniAgents(store=store) as outer:
        async with MiniAgents():
            await leaf.inquire("request")
        while not (runs := await runs_of(store)) or runs[0].is_live or not runs[0].calls:
            gc.collect()
            await asyncio.sleep(0.01)
            await outer.flush()
        assert [(run.calls, run.is_live) for run in runs] == [(1, False)]
    await store.close()


async def test_calls_are_kept_whatever_handlers_do_with_them(opened: Opened) -> None:
    """One that a handler answers, one that it makes itself, and one that was cancelled before it began."""
    store = opened()

    async def answering(call: Call, proceed: Proceed) -> MessageType[Message]:
        if call.name != "leaf" or call.parent is not None:
            return proceed()
        return leaf.inquire("from a handler", times=2)

    async with MiniAgents(around_calls=answering), MiniAgents(store=store) as inner:
        await leaf.inquire("request")
        slow.inquire().cancel()
        await inner.flush()
        (run,) = await runs_of(store)
        calls = {(call.record.called.name, call.record.parent): call for call in await calls_of(store, run.id)}
        answer = ["from a handler"] * 2
        assert await messages_of(store, calls["leaf", None].messages) == ["request"]
        assert await messages_of(store, calls["leaf", None].replies) == answer
        assert await messages_of(store, calls["leaf", calls["leaf", None].record.number].replies) == answer
        assert calls["slow", None].record.outcome == "cancelled"
        assert len(calls) == 3
    await store.close()


async def test_messages_that_are_filtered_are_nowhere(opened: Opened) -> None:
    class Secret(UserMessage):
        pass

    store = opened()
    async with MiniAgents(store=store, persist_filter=lambda message: not isinstance(message, Secret)):
        await leaf.inquire([Secret("hunter2"), UserMessage("plain")])
        await slow.inquire(Secret("hunter2"))
    (run,) = await runs_of(store)
    first, *_ = await calls_of(store, run.id)
    assert await messages_of(store, first.messages) == ["plain"]
    with pytest.raises(NotStoredError):
        await store.get(Secret("hunter2").hash_key, Message)
    assert [info async for info in store.streams()] == []
    await store.close()


async def test_runs_are_pruned_with_all_that_only_they_need(opened: Opened) -> None:
    store = opened()
    for texts in ["a", "b"], ["b", "c"], ["d"]:
        async with MiniAgents(store=store):
            await leaf.inquire(texts)
            await slow.inquire("go")
    await store.put(Message("a"))
    await store.append("mine", next(iter([p async for p in store.read(f"{(await runs_of(store))[0].id}/2")])))
    latest, middle, oldest = await runs_of(store)
    assert await store.prune(keep=[middle.id]) == 2
    assert [run.id for run in await runs_of(store)] == [middle.id]
    for text, is_there in ("a", True), ("b", True), ("c", True), ("d", False):
        if is_there:
            await store.get(Message(text).hash_key, Message)
        else:
            with pytest.raises(NotStoredError):
                await store.get(Message(text).hash_key, Message)
    assert {info.name async for info in store.streams()} == {f"{middle.id}/2", "mine"}
    assert await store.prune(keep=0) == 1
    await store.get(Message("a").hash_key, Message)
    with pytest.raises(NotStoredError):
        await store.get(Message("c").hash_key, Message)
    with pytest.raises(ValueError, match="prune: keep is"):
        await store.prune(keep=latest.id + oldest.id)
    await store.close()


async def test_a_run_that_is_live_is_not_pruned(opened: Opened) -> None:
    store = opened()
    async with MiniAgents(store=store) as context:
        await leaf.inquire("x")
        await context.flush()
        assert await store.prune(keep=0) == 0
    assert await store.prune(keep=0) == 1
    await store.close()


async def test_a_store_that_fails_is_told_at_the_end_and_the_agents_go_on(logged: list[str]) -> None:
    store = SQLiteStore(":memory:")
    context = MiniAgents(store=store)
    await store.close()
    answers: list[str | None] = []
    with pytest.raises(StoreClosedError, match="the store was closed"):
        async with context:
            answers += [message.text for message in await leaf.inquire("x")]
    assert answers == ["x"]
    assert "calls of agents could not be kept: :memory:: the store was closed" in logged.pop()


async def test_a_context_that_was_never_entered_needs_nothing(opened: Opened) -> None:
    store = opened()
    MiniAgents(store=store)
    assert await runs_of(store) == []
    await store.close()
