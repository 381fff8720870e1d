"""What the type checkers must take: stores. Checked, not run; see `rejects_store.py` for the rest."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import assert_type

from miniagents import (
    AssistantMessage,
    Call,
    CallRecord,
    InteractionContext,
    Message,
    MessagePromise,
    MessageSequencePromise,
    MiniAgent,
    MiniAgents,
    UserMessage,
    miniagent,
)
from miniagents.ext.llm import OpenAIAgent
from miniagents.ext.store import (
    CallAtPlace,
    DivergedError,
    DurableRun,
    KeptCall,
    NotStoredError,
    OnCut,
    OpenCall,
    PostgresStore,
    RunInfo,
    RunTakenError,
    SQLiteStore,
    Store,
    StoreClosedError,
    StoreDamagedError,
    StoreError,
    StoreFullError,
    StoreLockedError,
    StoreUnavailableError,
    StoreVersionError,
    StreamAbandonedError,
    StreamEndedError,
    StreamError,
    StreamGapError,
    StreamInfo,
    StreamLog,
    StreamTakenError,
    answer_call,
    cached,
    call_key,
    durable,
    forget_answers,
    forget_durable,
    kept_replies,
    once,
    open_calls,
    open_store,
    read_stream,
    wait_for_answer,
    write_stream,
)
from miniagents.messages import OpenAIMessage, UnknownMessage
from miniagents.wire import Pieces, encode_stream

sqlite = SQLiteStore(Path("runs.db"), durability="full", patience=1, lease=2.5)
postgres = PostgresStore("postgresql://user@host/db", durability="normal", schema="mine", lease=3)
store: Store = sqlite
other_store: Store = postgres
log: StreamLog = store
assert_type(open_store("runs.db"), SQLiteStore | PostgresStore)
MiniAgents(store=sqlite)
MiniAgents(store=postgres)
MiniAgents(store=store)


async def streams(promise: MessagePromise[UserMessage], replies: MessageSequencePromise[AssistantMessage]) -> None:
    assert_type(await log.claim("name"), int)
    async for data in encode_stream(promise):
        assert_type(data, bytes)
    async for pieces in encode_stream(replies, "msgpack", start=3):
        assert_type(pieces, Pieces)
        assert_type(pieces.since(4), Pieces)
        assert_type(pieces.first + pieces.count + pieces.end, int)
        assert_type(pieces.at, float | None)
        await log.append("name", pieces)
        await sqlite.append("name", Pieces(0, 1, b""))
        await postgres.append("name", pieces)
    async for pieces in log.read("name", 3, follow=False, wait=True):
        assert_type(pieces, Pieces)
    async for info in log.streams("prefix"):
        assert_type(info, StreamInfo)
        assert_type(info.ended, float | None)
    await log.end("name")
    assert_type(await log.forget("name"), int)
    await write_stream(log, "name", promise)
    await write_stream(sqlite, "name", replies)
    assert_type(read_stream(log, "name", UserMessage), MessagePromise[UserMessage])
    assert_type(
        read_stream(store, "name", tuple[UserMessage | AssistantMessage, ...], wait=True, errors=[KeyError]),
        MessageSequencePromise[UserMessage | AssistantMessage],
    )
    for each in sqlite, postgres:
        await each.claim("name")
        await each.end("name")
        assert_type(await each.forget("folder/"), int)
        each.read("name")
        each.streams()


async def messages(message: Message) -> None:
    await store.put(message)
    await sqlite.put([message])
    await postgres.put(message for _ in range(3))
    assert_type(await store.get("key", UserMessage | AssistantMessage), UserMessage | AssistantMessage)
    assert_type(await sqlite.get("key", UserMessage, unknown="ignore"), UserMessage)
    assert_type(await postgres.get("key", UserMessage, unknown="keep"), UserMessage | UnknownMessage)
    assert_type(
        await store.get_all(["key"], UserMessage | AssistantMessage), tuple[UserMessage | AssistantMessage, ...]
    )
    assert_type(await sqlite.get_all(iter(["key"]), UserMessage, unknown="ignore"), tuple[UserMessage, ...])
    assert_type(await postgres.get_all(("key",), UserMessage, unknown="keep"), tuple[UserMessage | UnknownMessage, ...])
    assert_type(await store.conversation("key"), tuple[Message, ...])
    await sqlite.conversation("key")
    await postgres.conversation("key")


async def runs() -> None:
    async for run in store.runs():
        assert_type(run, RunInfo)
        async for call in store.calls(run.id):
            assert_type(call, KeptCall)
            assert_type(call.record, CallRecord)
            assert_type(call.messages, tuple[str, ...] | None)
            assert_type(call.stream, str | None)
    assert_type(await store.prune(keep=3), int)
    assert_type(await store.prune(keep=0, older_than=30 * 24 * 3600), int)
    store.keeper(lambda message: message.text is None)
    await store.flush()
    await store.close()
    async with open_store("runs.db") as opened:
        await opened.prune(keep=["a", "b"])
        await opened.flush()
        await opened.close()
        opened.runs()
        opened.calls("run")
        opened.keeper()
    for each in sqlite, postgres:
        each.runs()
        each.calls("run")
        each.keeper()
        await each.prune(keep=0)
        await each.flush()
        await each.close()


def said(
    error: NotStoredError
    | StoreClosedError
    | StoreDamagedError
    | StoreFullError
    | StoreLockedError
    | StoreUnavailableError
    | StoreVersionError
    | StreamAbandonedError
    | StreamEndedError
    | StreamGapError
    | StreamTakenError,
) -> str | None:
    general: StoreError = error
    if isinstance(general, StreamError):
        assert_type(general.index, int | None)
    return general.stream or general.key or general.reason or general.store


def on_cut(call: Call) -> OnCut:
    return "resume" if call.name == "book" else "again"


async def now() -> datetime:
    return datetime.now(UTC)


async def durable_runs() -> None:
    run = durable(log, run="order-17")
    assert_type(run, DurableRun)
    assert_type(run.name, str)
    async with durable(
        store, run="order-17", on_cut=on_cut, on_failed="again", on_changed="again", errors=[KeyError]
    ) as entered:
        assert_type(entered, DurableRun)
        MiniAgents(around_calls=entered)
        MiniAgents(around_calls=[entered])
    durable(sqlite, run="order-17", on_cut="resume", on_failed="replay", on_changed="error")
    assert_type(await once(datetime.now), datetime)
    assert_type(await once(now, datetime), datetime)
    assert_type(await once(now), datetime)
    assert_type(call_key(), str)
    assert_type(kept_replies(), tuple[Message, ...])
    assert_type(wait_for_answer(), MessageSequencePromise[Message])
    open_calls(store)
    async for call in open_calls(store, run="order-17"):
        assert_type(call, OpenCall)
        assert_type(call.messages, tuple[Message, ...])
        await answer_call(store, run=call.run, key=call.key, answer=UserMessage("yes"))
        await answer_call(log, run=call.run, key=call.key, answer=[UserMessage("yes"), AssistantMessage("no")])


def refused(error: DivergedError | RunTakenError) -> StoreError:
    if isinstance(error, DivergedError):
        assert_type(error.recorded, CallAtPlace)
        assert_type(error.place, tuple[int, ...])
        assert_type(error.now.messages, tuple[str, ...])
    assert_type(error.run, str)
    return error


@miniagent
async def shout(_: InteractionContext[UserMessage, AssistantMessage], times: int) -> None: ...


async def answers(gpt: OpenAIAgent[OpenAIMessage]) -> None:
    agent = cached(shout, store, ttl=3600)
    _agent: MiniAgent[UserMessage, AssistantMessage, ...] = agent
    assert_type(agent.inquire("a", times=3), MessageSequencePromise[AssistantMessage])
    assert_type(agent.bound(3).inquire("a"), MessageSequencePromise[AssistantMessage])
    model = cached(gpt, store)
    assert_type(model, OpenAIAgent[OpenAIMessage])
    assert_type(model.inquire("a", temperature=0), MessageSequencePromise[OpenAIMessage])
    cached(shout.with_retry(), log).with_retry()
    assert_type(await forget_answers(log, older_than=3600), int)
    assert_type(await forget_durable(store, run="order-17"), int)
    assert_type(await forget_durable(log, older_than=3600), int)
