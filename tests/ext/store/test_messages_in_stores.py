"""Messages come back equal, are kept once, and whatever is damaged is told."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from miniagents import (
    AgentCallNode,
    AgentReplyNode,
    AssistantMessage,
    JsonValue,
    Message,
    MiniAgents,
    ToolCall,
    UserMessage,
)
from miniagents.ext.store import NotStoredError, SQLiteStore, Store, StoreDamagedError
from miniagents.ext.store._bodies import MessageRow, digest_of, rows_of
from miniagents.ext.store._engine import Engine
from miniagents.ext.store._kept import EngineStore
from miniagents.messages import DecodeError, UnknownMessage
from tests.effort import examples

Opened = Callable[[], Store]


class Folder(Message):
    """One with messages in all places."""

    first: Message | None = None
    items: tuple[Message | str, ...] = ()
    named: Mapping[str, Message] = {}
    content: JsonValue = None
    some: frozenset[Message] = frozenset()


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=5) | st.sampled_from(
    ['"@key":', "@key", '{"@key":"' + "0" * 64 + '"}', '\\"@key":']
)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(texts | st.sampled_from(["@key", "@@key", "a"]), inner, max_size=3)
        | st.just({"@key": "0" * 64})
    ),
    max_leaves=6,
)
plain = st.builds(UserMessage, texts, metadata=st.dictionaries(texts, json_values, max_size=2))
messages: st.SearchStrategy[Message] = st.recursive(
    plain,
    lambda inner: st.builds(
        Folder,
        texts,
        first=st.none() | inner,
        items=st.lists(inner | texts, max_size=3),
        named=st.dictionaries(texts, inner, max_size=3),
        content=json_values,
        some=st.frozensets(inner, max_size=2),
    ),
    max_leaves=8,
)


@given(st.lists(messages, max_size=3))
@examples(200)
def test_messages_come_back_equal(given_messages: list[Message]) -> None:
    async def main() -> None:
        async with SQLiteStore(":memory:") as store:
            await store.put(given_messages)
            for message in given_messages:
                again = await store.get(message.hash_key, Message)
                assert again == message
                assert again.hash_key == message.hash_key

    asyncio.run(main())


async def test_parts_are_kept_once_and_by_reference() -> None:
    said = [UserMessage(f"a rather long message, number {number} " * 10) for number in range(50)]
    nodes = [AgentCallNode(agent="bot", messages=tuple(said[:number])) for number in range(50)]
    rows = rows_of(nodes, lambda _: False)
    assert len(rows) == 99
    assert sum(len(row.body) for row in rows) < 50 * 500 + 50 * 50 * 80
    seen: set[bytes] = set()
    for row in rows:
        assert row.key not in seen
        seen.add(row.key)
    order = {row.key.hex(): place for place, row in enumerate(rows)}
    for node in nodes:
        key = next(full for full in order if full.startswith(node.hash_key))
        assert all(
            order[next(full for full in order if full.startswith(part.hash_key))] < order[key] for part in node.messages
        )


async def test_written_twice_is_written_once(opened: Opened) -> None:
    store = opened()
    message = AgentCallNode(agent="a", messages=(UserMessage("x"), UserMessage("x")))
    await asyncio.gather(*(store.put([message, UserMessage("x")]) for _ in range(20)))
    assert await store.get(message.hash_key, AgentCallNode) == message
    assert await store.get(UserMessage("x").hash_key, UserMessage | AssistantMessage) == UserMessage("x")
    await store.close()


async def test_a_message_is_found_by_the_short_and_by_the_long_key(opened: Opened) -> None:
    store = opened()
    async with MiniAgents(longer_hash_keys=True):
        message = AssistantMessage("hi", tool_calls=(ToolCall(id="1", name="f", arguments="{}"),))
        long = message.hash_key
    await store.put(message)
    assert len(long) == 64
    assert await store.get(long, AssistantMessage) == message
    assert await store.get(long[:40], Message) == message
    await store.close()


async def test_wrong_keys_and_classes_are_told(opened: Opened) -> None:
    store = opened()
    message = UserMessage("x")
    await store.put(message)
    with pytest.raises(NotStoredError, match=f"message {'0' * 40}: there is no such message"):
        await store.get("0" * 40, Message)
    with pytest.raises(LookupError):
        await store.get("0" * 64, Message)
    with pytest.raises(ValueError, match="40 or 64 hexadecimal digits"):
        await store.get("run", Message)
    with pytest.raises(DecodeError):
        await store.get(message.hash_key, AssistantMessage)
    await store.close()


def engine_of(store: Store) -> Engine:
    assert isinstance(store, EngineStore)
    return store._engine


async def test_messages_of_unknown_classes_are_refused_or_kept_as_told(opened: Opened) -> None:
    store = opened()

    key, body = b"k" * 32, b'{"@type":"Passing","text":"hello","number":7}'
    await engine_of(store).put([MessageRow(key, digest_of(key, body), 0, body)], [])
    with pytest.raises(DecodeError, match="Passing"):
        await store.get(key.hex(), Message)
    kept = await store.get(key.hex(), Message, unknown="keep")
    assert isinstance(kept, UnknownMessage)
    assert kept.raw["number"] == 7
    await store.close()


async def test_a_conversation_is_read_by_its_last_record(opened: Opened) -> None:
    store = opened()
    call = AgentCallNode(agent="bot", messages=(UserMessage("a"), AssistantMessage("b"), UserMessage("c")))
    reply = AgentReplyNode(agent="bot", call=call.hash_key, messages=(AssistantMessage("d"),))
    await store.put([call, reply])
    assert [message.text for message in await store.conversation(call.hash_key)] == ["a", "b", "c"]
    assert [message.text for message in await store.conversation(reply.hash_key)] == ["a", "b", "c", "d"]
    with pytest.raises(NotStoredError, match="it is a UserMessage"):
        await store.conversation(UserMessage("a").hash_key)
    await store.close()


@pytest.fixture
def damaged(tmp_path: Path) -> Iterator[tuple[SQLiteStore, sqlite3.Connection]]:
    path = tmp_path / "runs.db"
    connection = sqlite3.connect(path)
    yield SQLiteStore(path), connection
    connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE messages SET body=replace(body, 'hello', 'hullo') WHERE parts=0",
        "UPDATE messages SET body=(SELECT body FROM messages WHERE parts=0) WHERE parts>0",
        "UPDATE messages SET body=x'', digest=0 WHERE parts=0",
        "DELETE FROM messages WHERE parts=0",
    ],
)
async def test_a_body_that_is_not_what_was_kept_is_an_error(
    damaged: tuple[SQLiteStore, sqlite3.Connection], statement: str
) -> None:
    store, connection = damaged
    node = AgentCallNode(agent="bot", messages=(UserMessage("hello"),))
    await store.put(node)
    connection.execute(statement)
    connection.commit()
    with pytest.raises(StoreDamagedError, match=r"runs\.db: message [0-9a-f]{64}: .*restore it from a copy"):
        await store.get(node.hash_key, Message)
    await store.close()


async def test_two_bodies_that_were_exchanged_are_an_error(
    damaged: tuple[SQLiteStore, sqlite3.Connection],
) -> None:
    store, connection = damaged
    one, other = UserMessage("one"), UserMessage("other")
    await store.put([one, other])
    rows = connection.execute("SELECT key, digest, body FROM messages").fetchall()
    for (key, _, _), (_, digest, body) in zip(rows, reversed(rows), strict=True):
        connection.execute("UPDATE messages SET digest=?, body=? WHERE key=?", (digest, body, key))
    connection.commit()
    for message in one, other:
        with pytest.raises(StoreDamagedError, match="its body is not the one that was kept under this key"):
            await store.get(message.hash_key, Message)
    await store.close()
