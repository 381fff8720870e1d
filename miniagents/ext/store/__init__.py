"""Stores keep messages, runs with their calls, and streams, beyond the life of the process.

A store is three things over one file or server:

- a log of streams (`StreamLog`): `append` pieces that have numbers, and `read` them from any number on, live or later,
  in any process. `write_stream` and `read_stream` do this with promises;
- messages by their hash keys: `put`, `get`, `conversation`;
- runs: `runs`, `calls`, `prune`. `MiniAgents(store=...)` records them.

Whatever nobody needs any more is forgotten: runs by `prune`, streams by `forget`, old answers of `cached` by
`forget_answers`, and durable runs by `forget_durable`.

What a store has acknowledged is committed. `SQLiteStore` needs nothing but Python; `PostgresStore` serves many machines
and needs the extra `postgres`. Whatever is wrong is a `StoreError`.

    store = SQLiteStore("runs.db")

    async with MiniAgents(store=store):         # messages, calls and streams of this context
        await agent.inquire("Hello")

    async for run in store.runs():
        async for call in store.calls(run.id):
            print(call.record.called.name, call.record.outcome)

    await store.put(message)
    same = await store.get(message.hash_key, UserMessage | AssistantMessage)

    weather = cached(model, store, ttl=3600)                             # equal calls are answered from the store

    await write_stream(store, "answer", agent.inquire("Hello"))         # in one process
    replies = read_stream(store, "answer", tuple[Message, ...])         # in another one, at the same time or later

    start = await store.claim("mine")                                   # plain pieces: begin, or go on where it was cut
    async for pieces in encode_stream(promise, start=start):
        await store.append("mine", pieces)
    await store.end("mine")
    async for pieces in store.read("mine", 17):
        ...

    async with durable(store, run="order-17") as order:                 # killed and started again, it goes on
        async with MiniAgents(around_calls=order):
            await agent.inquire("Hello")
"""

from typing import TYPE_CHECKING

from miniagents._lazy import lazy_names
from miniagents.ext.store.durable_errors import CallAtPlace, DivergedError, RunTakenError
from miniagents.ext.store.errors import (
    NotStoredError,
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
    StreamTakenError,
)
from miniagents.ext.store.opening import open_store
from miniagents.ext.store.promises import read_stream, write_stream
from miniagents.ext.store.protocols import KeptCall, RunInfo, Store, StreamInfo, StreamLog

if TYPE_CHECKING:
    from miniagents.ext.store.answered_calls import OpenCall, answer_call, open_calls
    from miniagents.ext.store.caching import cached
    from miniagents.ext.store.durable_runs import DurableRun, OnCut, durable
    from miniagents.ext.store.forgetting import forget_answers, forget_durable
    from miniagents.ext.store.in_runs import call_key, kept_replies, once, wait_for_answer
    from miniagents.ext.store.postgres import PostgresStore
    from miniagents.ext.store.sqlite import SQLiteStore
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "answered_calls": ("OpenCall", "answer_call", "open_calls"),
            "caching": ("cached",),
            "durable_runs": ("DurableRun", "OnCut", "durable"),
            "forgetting": ("forget_answers", "forget_durable"),
            "in_runs": ("call_key", "kept_replies", "once", "wait_for_answer"),
            "postgres": ("PostgresStore",),
            "sqlite": ("SQLiteStore",),
        },
    )

__all__ = [
    "CallAtPlace",
    "DivergedError",
    "DurableRun",
    "KeptCall",
    "NotStoredError",
    "OnCut",
    "OpenCall",
    "PostgresStore",
    "RunInfo",
    "RunTakenError",
    "SQLiteStore",
    "Store",
    "StoreClosedError",
    "StoreDamagedError",
    "StoreError",
    "StoreFullError",
    "StoreLockedError",
    "StoreUnavailableError",
    "StoreVersionError",
    "StreamAbandonedError",
    "StreamEndedError",
    "StreamError",
    "StreamGapError",
    "StreamInfo",
    "StreamLog",
    "StreamTakenError",
    "answer_call",
    "cached",
    "call_key",
    "durable",
    "forget_answers",
    "forget_durable",
    "kept_replies",
    "once",
    "open_calls",
    "open_store",
    "read_stream",
    "wait_for_answer",
    "write_stream",
]
