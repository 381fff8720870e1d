"""What the type checkers must refuse: stores.

Checked, not run. Each line that is wrong says so to mypy and pyright; one that becomes valid is then refused as a
needless comment. pyrefly and ty are to refuse the same lines: `gaps.toml` has those that they do not.
"""

from __future__ import annotations

from miniagents import (
    AssistantMessage,
    InteractionContext,
    MessagePromise,
    MiniAgents,
    SystemMessage,
    UserMessage,
    miniagent,
)
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
from miniagents.wire import Pieces, encode_stream


@miniagent
async def shout(_: InteractionContext[UserMessage, AssistantMessage], times: int) -> None: ...


SQLiteStore(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
SQLiteStore("runs.db", durability="fast")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
PostgresStore()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
open_store(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
MiniAgents(store="runs.db")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Pieces(0, 1, "text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Pieces(0, 1, b"").since("x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
KeptCall()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
RunInfo(id="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
StreamInfo("x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
StoreError("runs.db")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
StoreClosedError("runs.db")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
StoreDamagedError("runs.db")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
StoreFullError("runs.db")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
StoreLockedError("runs.db")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
StoreUnavailableError("runs.db")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
StoreVersionError("runs.db")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
NotStoredError("runs.db")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
StreamError("runs.db")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
StreamAbandonedError("runs.db")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
StreamEndedError("runs.db")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
StreamGapError("runs.db")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
StreamTakenError("runs.db")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


cached(3, SQLiteStore("runs.db"))  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
cached(shout)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
cached(shout, "runs.db")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
cached(shout, SQLiteStore("runs.db"), 3600)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
cached(shout, SQLiteStore("runs.db"), ttl="1 h")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
cached(shout, SQLiteStore("runs.db")).inquire("a", times="3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
cached(shout, SQLiteStore("runs.db")).inquire(SystemMessage("a"), 3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def wrong(
    sqlite: SQLiteStore, postgres: PostgresStore, store: Store, log: StreamLog, promise: MessagePromise[UserMessage]
) -> None:
    encode_stream(promise, start="x")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    await write_stream(log, promise, "name")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await write_stream(promise, "name", promise)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    read_stream(log, "name", str)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    await log.claim(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await log.append("name", b"data")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await log.end()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await log.forget()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    log.read("name", "0")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    log.streams(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await sqlite.put("text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await sqlite.get("key")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    await sqlite.get_all(["key"])  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    await sqlite.conversation(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await sqlite.prune()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    sqlite.calls()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    sqlite.keeper(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await sqlite.claim(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await sqlite.append("name", b"data")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await sqlite.end()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await sqlite.forget(["a"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    sqlite.read("name", "0")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    sqlite.streams(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await postgres.put("text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await postgres.get("key")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    await postgres.get_all(["key"])  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    await postgres.conversation(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await postgres.prune()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    postgres.calls()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    postgres.keeper(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await postgres.claim(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await postgres.append("name", b"data")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await postgres.end()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await postgres.forget(["a"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    postgres.read("name", "0")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    postgres.streams(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await store.put("text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await store.get("key")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    await store.get_all(["key"])  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    await store.conversation(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await store.prune()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    store.calls()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    store.keeper(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def wrong_runs(run: DurableRun, on_cut: OnCut) -> None:
    durable(run="order-17")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    durable("runs.db", run="order-17")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    MiniAgents(around_calls=durable)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await run("call", on_cut)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await once(3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    await forget_durable("runs.db", run="order-17")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await forget_answers(SQLiteStore("runs.db"))  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    call_key("x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    kept_replies(3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    wait_for_answer(3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    open_calls("order-17")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await answer_call("runs.db", run="order-17", key="x", answer=[])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    OpenCall(run="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    DurableRun("runs.db")  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue]
    CallAtPlace("x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    DivergedError("runs.db", "x", (1,))  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    RunTakenError("runs.db")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
