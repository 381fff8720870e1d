"""This library's agents, used as the README says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

from miniagents import (
    Call,
    InteractionContext,
    Message,
    MessagePromise,
    MessageSequencePromise,
    MiniAgents,
    Proceed,
    StreamAppender,
    miniagent,
    stream_message,
)
from miniagents.ext.store import SQLiteStore, cached, durable
from miniagents.testing import cassette
from scripts.benchmarks.limit_agents import nest
from scripts.benchmarks.ours_streams import append
from scripts.benchmarks.watch import Watch, quiet, some_tokens


@miniagent
async def echo(ctx: InteractionContext, turns: int = 0) -> None:
    """Reply one message to each message."""
    for _ in range(turns):
        await asyncio.sleep(0)
    ctx.reply([f"{message.text}!" for message in await ctx.messages])


@miniagent
async def pass_on(ctx: InteractionContext) -> None:
    """Reply the messages that were sent."""
    async for promise in ctx.messages:
        ctx.reply(promise)


@miniagent
async def shout(ctx: InteractionContext) -> None:
    """Reply the messages that were sent, token by token in capitals."""
    async for promise in ctx.messages:
        ctx.reply(promise.map_text(str.upper))


@miniagent
async def shout_generated(ctx: InteractionContext) -> None:
    """Reply the messages that were sent in capitals, with a generator."""

    async def capitals(promise: MessagePromise[Message]) -> AsyncIterator[str]:
        async for token in promise:
            yield token.upper()

    async for promise in ctx.messages:
        ctx.reply(stream_message(Message, capitals(promise)))


@miniagent
async def give(ctx: InteractionContext, nested: list[object]) -> None:
    """Reply the argument `nested`."""
    ctx.reply(nested)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]  # messages, or promises of them


@miniagent
async def ask_many(ctx: InteractionContext, calls: int) -> None:
    """Reply the replies of calls that run at the same time."""
    ctx.reply(nest([echo.inquire("hello") for _ in range(calls)]))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]  # promises of messages


@miniagent
async def ask_many_out_of_order(ctx: InteractionContext, calls: int) -> None:
    """Reply the replies of calls that run at the same time, each as soon as it is complete."""
    for number in range(calls):
        ctx.reply_out_of_order(echo.inquire(str(number), turns=number * 3 % 8))


@miniagent
async def pass_up(ctx: InteractionContext, level: int, messages: int) -> None:
    """Reply the reply of the agent of the level below; the lowest replies messages."""
    if level:
        ctx.reply(pass_up.inquire(level=level - 1, messages=messages))
    else:
        ctx.reply([Message(str(number)) for number in range(messages)])


@miniagent
async def ask_two(ctx: InteractionContext, leaves: int) -> None:
    """Reply the replies of two agents; an agent with one leaf replies a message."""
    if leaves > 1:
        ctx.reply([ask_two.inquire(leaves=leaves // 2) for _ in range(2)])
    else:
        ctx.reply("hello")


async def relay(watch: Watch, n: int, agents: int, mapped: bool, by: str = "") -> object:
    """Ask a chain of agents, each with the replies of the one before it."""
    bursts = some_tokens(n, 1)
    agent = (shout_generated if by == "generator" else shout) if mapped else pass_on
    with watch:
        async with MiniAgents():
            appender = StreamAppender[str]()
            stage = agent.inquire(stream_message(Message, appender))
            for _ in range(agents - 1):
                stage = agent.inquire(stage)
            producer = asyncio.create_task(append(appender, bursts))
            read = [token async for reply in stage async for token in reply]
            await producer
    return read


async def calls_in_turn(watch: Watch, n: int) -> object:
    """Await each call before making the next one."""
    with watch:
        async with MiniAgents():
            said = [[message.text for message in await echo.inquire("hello")] for _ in range(n)]
    return said


async def _keep_nothing(_: tuple[Message, ...]) -> None:
    """Do nothing with messages that could be kept."""


async def recorded_calls(watch: Watch, n: int) -> object:
    """Await each call before making the next one, where a handler is given all messages."""
    with watch:
        async with MiniAgents(on_persist_messages=_keep_nothing):
            said = [[message.text for message in await echo.inquire("hello")] for _ in range(n)]
    return said


async def _pass_on(_: Call, proceed: Proceed) -> MessageSequencePromise[Message]:
    """Do nothing but make the call."""
    return proceed()


async def surrounded_calls(watch: Watch, n: int) -> object:
    """Await each call before making the next one, where a handler stands around all calls."""
    with watch:
        async with MiniAgents(around_calls=_pass_on):
            said = [[message.text for message in await echo.inquire("hello")] for _ in range(n)]
    return said


async def stored_calls(watch: Watch, n: int) -> object:
    """Await each call before making the next one, where a SQLite store keeps all calls."""
    with TemporaryDirectory() as folder:
        async with SQLiteStore(Path(folder) / "runs.db") as store:
            await store.flush()
            with watch:
                async with MiniAgents(store=store):
                    said = [[message.text for message in await echo.inquire("hello")] for _ in range(n)]
    return said


async def durable_calls(watch: Watch, n: int) -> object:
    """Await each call before making the next one, in a durable run: each is committed before its end is seen."""
    with TemporaryDirectory() as folder:
        async with SQLiteStore(Path(folder) / "runs.db") as store:
            await store.flush()
            with watch:
                async with durable(store, run="run") as run, MiniAgents(around_calls=run):
                    said = [[message.text for message in await echo.inquire("hello")] for _ in range(n)]
    return said


async def replayed_calls(watch: Watch, n: int) -> object:
    """Await each call before making the next one, where a cassette has all calls."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "run.cassette"
        with cassette(path, mode="record", kinds=["agent"]) as tape:
            async with MiniAgents(around_calls=tape):
                for _ in range(n):
                    await echo.inquire("hello")
        with cassette(path, mode="replay", kinds=["agent"]) as tape, watch:
            async with MiniAgents(around_calls=tape):
                said = [[message.text for message in await echo.inquire("hello")] for _ in range(n)]
    return said


async def cached_calls(watch: Watch, n: int) -> object:
    """Await each call before making the next one; a SQLite store has the answer."""
    async with SQLiteStore(":memory:") as store, MiniAgents():
        agent = cached(echo, store)
        await agent.inquire("hello")
        with watch:
            said = [[message.text for message in await agent.inquire("hello")] for _ in range(n)]
    return said


async def calls_at_once(watch: Watch, n: int) -> object:
    """Make all calls, then await all of them."""
    with watch:
        async with MiniAgents():
            calls = [echo.inquire("hello") for _ in range(n)]
            said = [[message.text for message in await call] for call in calls]
    return said


async def flatten_lists(watch: Watch, n: int) -> object:
    """Flatten the reply of an agent that is lists of lists of messages."""
    nested = nest([Message(str(number)) for number in range(n)])
    with watch:
        async with MiniAgents():
            said = [message.text for message in await give.inquire(nested=nested)]
    return said


async def flatten_promises(watch: Watch, n: int) -> object:
    """Flatten a reply that is lists of lists of promises, and await each of them."""
    nested = nest([MessagePromise.of_message(Message(str(number))) for number in range(n)])
    with watch:
        async with MiniAgents():
            said = [(await promise).text async for promise in give.inquire(nested=nested)]
    return said


async def flatten_agents(watch: Watch, n: int) -> object:
    """Flatten a reply that is lists of lists of other agents' replies."""
    with watch:
        async with MiniAgents():
            said = [message.text for message in await ask_many.inquire(calls=n)]
    return said


async def nested_replies(watch: Watch, n: int, levels: int) -> object:
    """Read the reply of an agent that replies another agent's reply, and so on."""
    with watch:
        async with MiniAgents():
            said = [message.text for message in await pass_up.inquire(level=levels, messages=n)]
    return said


async def tree_of_agents(watch: Watch, n: int, leaves: int) -> object:
    """Read the replies of agents that ask two others each, down to the agents that reply a message."""
    with watch:
        async with MiniAgents():
            said = [message.text for _ in range(n) for message in await ask_two.inquire(leaves=leaves)]
    return said


async def out_of_order(watch: Watch, n: int) -> object:
    """Reply the replies of other agents, each as soon as it is complete."""
    with watch:
        async with MiniAgents():
            said = [message.text for message in await ask_many_out_of_order.inquire(calls=n)]
    return sorted(str(text) for text in said)


async def memory_of_calls(watch: Watch, n: int) -> object:
    """Keep the promises of the replies of finished calls."""
    async with MiniAgents():
        with watch.memory():
            calls = [echo.inquire("hello") for _ in range(n)]
            for call in calls:
                await call
            await quiet()
    return len(calls)
