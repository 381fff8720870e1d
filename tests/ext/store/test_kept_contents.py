"""What a store knows of calls beyond their records: messages together, and replies as far as they came."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from miniagents import (
    AssistantMessage,
    InteractionContext,
    Message,
    MiniAgents,
    UserMessage,
    decode,
    miniagent,
    stream_message,
)
from miniagents.ext.store import NotStoredError, Store
from miniagents.ext.store.kept_contents import CallContents, StreamContents, contents_of
from miniagents.messages import ReasoningDelta, StreamEvent, UnknownMessage
from miniagents.wire import Pieces, encode_stream

Opened = Callable[[], Store]


@miniagent
async def speaker(ctx: InteractionContext, gate: asyncio.Event) -> None:
    """Sends a complete message, one with a thought and two tokens, and one that never begins."""

    async def pieces() -> AsyncIterator[str | StreamEvent]:
        yield ReasoningDelta("hm")
        yield "before "
        await gate.wait()
        yield "behind"

    ctx.reply("at once")
    ctx.reply(stream_message(AssistantMessage, pieces()))


async def contents(store: Store) -> list[CallContents]:
    (run,) = [run async for run in store.runs()]
    return [each async for each in contents_of(store, store.calls(run.id))]


async def test_a_call_that_goes_on_is_seen_as_far_as_it_came(opened: Opened) -> None:
    store = opened()
    gate = asyncio.Event()
    async with MiniAgents(store=store) as context:
        replies = speaker.inquire(["one", "two"], gate=gate)
        while not [info async for info in store.streams() if info.count >= 6]:
            await asyncio.sleep(0.01)
            await context.flush()
        (live,) = await contents(store)
        gate.set()
        await replies
    (done,) = await contents(store)
    assert live.call.record.outcome is None
    assert [message.text for message in live.messages] == ["one", "two"]
    assert [message.text for message in live.replies] == ["at once"]
    assert live.unfinished == ("before ",)
    assert len(live.times) == 3  # a message, a thought and a token
    assert [message.text for message in done.replies] == ["at once", "before behind"]
    assert (done.unfinished, len(done.times)) == ((), 4)
    assert list(done.times) == sorted(done.times)
    await store.close()


async def test_reading_step_by_step_is_reading_at_once(opened: Opened) -> None:
    """Wherever a stream was cut: each message is complete, or its text is there as far as it came."""
    store = opened()
    async with MiniAgents():
        gate = asyncio.Event()
        gate.set()
        blocks = [block async for block in encode_stream(speaker.inquire(gate=gate), start=0)]
    lines = b"".join(block.data for block in blocks).splitlines(keepends=True)
    in_steps = StreamContents()
    await in_steps.read(store, "s")  # it is not there yet
    for position, line in enumerate(lines):
        await store.append("s", Pieces(position, 1, line))
        await in_steps.read(store, "s")
        whole = StreamContents()
        await whole.read(store, "s")
        assert (in_steps.replies, in_steps.unfinished) == (whole.replies, whole.unfinished)
        assert list(in_steps.times) == list(whole.times)
        texts = [reply.text for reply in whole.replies] + list(whole.unfinished)
        assert "".join(map(str, texts)) in ("", "at once", "at oncebefore ", "at oncebefore behind")
    assert (in_steps.position, in_steps.unfinished) == (len(lines), ())
    assert in_steps.replies == (Message("at once"), AssistantMessage("before behind"))
    await store.close()


async def test_many_messages_are_got_together(opened: Opened) -> None:
    store = opened()
    messages = [UserMessage(f"{number}") for number in range(600)]
    await store.put(messages)
    keys = [message.hash_key for message in messages]
    assert await store.get_all([*keys, keys[3]], UserMessage) == (*messages, messages[3])
    assert await store.get_all([], UserMessage) == ()
    with pytest.raises(NotStoredError, match="there is no such message"):
        await store.get_all([keys[0], "0" * 64], Message)
    with pytest.raises(TypeError, match="`get` returns one message"):
        await store.get_all(keys[0], Message)
    odd = decode(b'{"@type":"Strange","text":"?"}', Message, unknown="keep")
    await store.put(odd)
    (kept,) = await store.get_all([odd.hash_key], Message, unknown="keep")
    assert isinstance(kept, UnknownMessage)
    await store.close()
