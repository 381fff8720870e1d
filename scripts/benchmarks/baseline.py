"""The same workloads with the package miniagents 0.0.35, which runs in an environment of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator
from importlib import import_module
from typing import Any, TypeAlias

from scripts.benchmarks.imports import imported
from scripts.benchmarks.watch import Watch, quiet, some_tokens, ticking

Old: TypeAlias = Any  # Any: the types of that release and of its pydantic are not installed here

old: Old = import_module("miniagents")
pydantic: Old = import_module("pydantic")


async def append(appender: Old, bursts: list[list[str]]) -> None:
    """Append tokens, with a turn of the loop after each burst; the appender is open."""
    for burst in bursts:
        for token in burst:
            appender.append(token)
        await asyncio.sleep(0)
    appender.close()


async def collect(source: AsyncIterable[object]) -> list[str]:
    """Read all tokens."""
    return [str(token) async for token in source]


def opened() -> Old:
    """Return an open appender."""
    return old.MessageTokenAppender().open()


# --- streams of tokens ---


async def tokens(watch: Watch, n: int, burst: int = 0) -> object:
    """Stream a message with an appender, and read it."""
    bursts = some_tokens(n, burst)
    with watch:
        async with old.MiniAgents():
            appender = opened()
            promise = old.TextMessage.promise(message_token_streamer=appender)
            producer = asyncio.create_task(append(appender, bursts))
            read = [token async for token in promise]
            message = await promise
            await producer
    return [str(token) for token in read], message.content


async def generated_tokens(watch: Watch, n: int) -> object:
    """Stream a message from an async generator, and read it."""
    (burst,) = some_tokens(n)
    with watch:
        read, message = await streamed(burst)
    return [str(token) for token in read], message.content


async def streamed(tokens: list[str]) -> tuple[list[object], Old]:
    """Return the tokens that a reader reads, and the message that they make."""

    async def generate(_: object) -> AsyncIterator[object]:
        for token in tokens:
            yield old.TextToken(token)

    async with old.MiniAgents():
        promise = old.TextMessage.promise(message_token_streamer=generate)
        read = [token async for token in promise]
        return read, await promise


async def replay(watch: Watch, n: int) -> object:
    """Read a finished message token by token."""
    async with old.MiniAgents():
        appender = opened()
        promise = old.TextMessage.promise(message_token_streamer=appender)
        await append(appender, some_tokens(n))
        await promise
        with watch:
            read = [token async for token in promise]
        return [str(token) for token in read]


async def fan_out(watch: Watch, n: int, readers: int) -> object:
    """Read one message with several readers, each in a task."""
    bursts = some_tokens(n, 1)

    async def read_all(source: AsyncIterable[object]) -> list[object]:
        return [token async for token in source]

    with watch:
        async with old.MiniAgents():
            appender = opened()
            promise = old.TextMessage.promise(message_token_streamer=appender)
            reading = [asyncio.create_task(read_all(promise)) for _ in range(readers)]
            await append(appender, bursts)
            read = [await reader for reader in reading]
    return [[str(token) for token in each] for each in read]


async def latency(watch: Watch, n: int) -> object:
    """Take the time between appending a token and its reader seeing it."""
    appended = [0.0] * n
    seen = [0.0] * n

    async def append_on_the_clock(appender: Old) -> None:
        for place in range(n):
            appended[place] = time.perf_counter()
            appender.append(" ")
            await asyncio.sleep(0)
        appender.close()

    async with old.MiniAgents():
        appender = opened()
        promise = old.TextMessage.promise(message_token_streamer=appender)
        producer = asyncio.create_task(append_on_the_clock(appender))
        place = 0
        async for _ in promise:
            seen[place] = time.perf_counter()
            place += 1
        await producer
    watch.latencies([at - since for at, since in zip(seen, appended, strict=True)])
    return n


async def stall(watch: Watch, n: int) -> object:
    """Do the same as `generated_tokens`, beside a task that asks for every turn of the loop."""
    (burst,) = some_tokens(n)
    async with ticking(watch):
        read, message = await streamed(burst)
    return [str(token) for token in read], message.content


async def memory_of_tokens(watch: Watch, n: int) -> object:
    """Keep the promise of a finished message."""
    (burst,) = some_tokens(n)
    async with old.MiniAgents():
        with watch.memory():
            appender = opened()
            promise = old.TextMessage.promise(message_token_streamer=appender)
            await append(appender, [burst])
            message = await promise
            del appender
            await quiet()
        return message.content


# --- agents ---


async def _echo(ctx: Old, turns: int = 0) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)
    ctx.reply([f"{message.content}!" for message in await ctx.message_promises])


async def _pass_on(ctx: Old) -> None:
    async for promise in ctx.message_promises:
        ctx.reply(promise)


async def _shout(ctx: Old) -> None:
    def capitals(promise: AsyncIterable[object]) -> Old:
        async def generate(_: object) -> AsyncIterator[object]:
            async for token in promise:
                yield old.TextToken(str(token).upper())

        return old.TextMessage.promise(message_token_streamer=generate)

    async for promise in ctx.message_promises:
        ctx.reply(capitals(promise))


echo: Old = old.miniagent(_echo)
pass_on: Old = old.miniagent(_pass_on)
shout: Old = old.miniagent(_shout)


async def relay(
    watch: Watch,
    n: int,
    agents: int,
    mapped: bool,
    by: str = "",  # noqa: ARG001  # here all ways are one
) -> object:
    """Ask a chain of agents, each with the replies of the one before it."""
    bursts = some_tokens(n, 1)
    agent = shout if mapped else pass_on
    with watch:
        async with old.MiniAgents():
            appender = opened()
            stage = agent.trigger(old.TextMessage.promise(message_token_streamer=appender))
            for _ in range(agents - 1):
                stage = agent.trigger(stage)
            producer = asyncio.create_task(append(appender, bursts))
            read = [token async for reply in stage async for token in reply]
            await producer
    return [str(token) for token in read]


async def calls_in_turn(watch: Watch, n: int) -> object:
    """Await each call before making the next one."""
    with watch:
        async with old.MiniAgents():
            said = [[message.content for message in await echo.trigger("hello")] for _ in range(n)]
    return said


async def calls_at_once(watch: Watch, n: int) -> object:
    """Make all calls, then await all of them."""
    with watch:
        async with old.MiniAgents():
            calls = [echo.trigger("hello") for _ in range(n)]
            said = [[message.content for message in await call] for call in calls]
    return said


def nest(items: list[Old]) -> list[object]:
    """Return lists of ten lists of ten items."""
    tens = [items[start : start + 10] for start in range(0, len(items), 10)]
    return [[tens[start : start + 10]] for start in range(0, len(tens), 10)]


async def flatten_lists(watch: Watch, n: int) -> object:
    """Flatten the reply of an agent that is lists of lists of messages."""
    nested = nest([old.TextMessage(str(number)) for number in range(n)])

    async def give(ctx: Old) -> None:
        ctx.reply(nested)

    agent = old.miniagent(give)
    with watch:
        async with old.MiniAgents():
            said = [message.content for message in await agent.trigger()]
    return said


async def flatten_promises(watch: Watch, n: int) -> object:
    """Flatten a reply that is lists of lists of promises, and await each of them."""
    async with old.MiniAgents():
        nested = nest([old.TextMessage(str(number)).as_promise for number in range(n)])

        async def give(ctx: Old) -> None:
            ctx.reply(nested)

        agent = old.miniagent(give)
        with watch:
            said = [(await promise).content async for promise in agent.trigger()]
    return said


async def flatten_agents(watch: Watch, n: int) -> object:
    """Flatten a reply that is lists of lists of other agents' replies."""

    async def ask_many(ctx: Old) -> None:
        ctx.reply(nest([echo.trigger("hello") for _ in range(n)]))

    agent = old.miniagent(ask_many)
    with watch:
        async with old.MiniAgents():
            said = [message.content for message in await agent.trigger()]
    return said


async def out_of_order(watch: Watch, n: int) -> object:
    """Reply the replies of other agents, each as soon as it is complete."""

    async def ask_many(ctx: Old) -> None:
        for number in range(n):
            ctx.reply_out_of_order(echo.trigger(str(number), turns=number * 3 % 8))

    agent = old.miniagent(ask_many)
    with watch:
        async with old.MiniAgents():
            said = [message.content for message in await agent.trigger()]
    return sorted(said)


async def memory_of_calls(watch: Watch, n: int) -> object:
    """Keep the promises of the replies of finished calls."""
    async with old.MiniAgents():
        with watch.memory():
            calls = [echo.trigger("hello") for _ in range(n)]
            for call in calls:
                await call
            await quiet()
    return len(calls)


# --- messages ---

Customer: Old = pydantic.create_model("Customer", __base__=old.TextMessage, email=(str, ...))
Address: Old = pydantic.create_model("Address", __base__=old.TextMessage, city=(str, ...))
Order: Old = pydantic.create_model(
    "Order",
    __base__=old.TextMessage,
    number=(int, ...),
    price=(float, ...),
    tags=(tuple[str, ...], ...),
    customer=(Customer, ...),
    address=(Address, ...),
)


def order(number: int) -> Old:
    """Return a message made of its fields."""
    return Order(
        "Two boxes of tea, please.",
        number=number,
        price=19.5,
        tags=("tea", "express"),
        customer=Customer("Ada Lovelace", email="ada@example.com"),
        address=Address("12 St James's Square", city="London"),
    )


async def create(watch: Watch, n: int) -> object:
    """Call the classes."""
    with watch:
        orders = [order(number) for number in range(n)]
    return [each.number for each in orders]


async def hash_first(watch: Watch, n: int) -> None:
    """Ask messages for their keys for the first time; the keys differ from ours, because the canonical form does."""
    orders = [order(number) for number in range(n)]
    with watch:
        keys = [each.hash_key for each in orders]
    if len(set(keys)) != n:
        raise AssertionError("the keys of different messages are the same")


async def encode_messages(watch: Watch, n: int, format: str) -> None:  # noqa: ARG001  # the old release has only JSON
    """Encode whole messages as JSON; the names of its fields differ from ours."""
    orders = [order(number) for number in range(n)]
    with watch:
        encoded = [each.full_json for each in orders]
    if not all('"city":"London"' in each for each in encoded):
        raise AssertionError("not all of the message was encoded")


async def decode_messages(watch: Watch, n: int, format: str) -> object:  # noqa: ARG001  # the old release has only JSON
    """Decode messages from JSON by their class; this release cannot find the class from a tag."""
    encoded = [order(number).full_json for number in range(n)]
    with watch:
        orders = [Order.model_validate_json(each) for each in encoded]
    return [each.number for each in orders]


async def memory_of_messages(watch: Watch, n: int) -> object:
    """Keep messages and their parts."""
    with watch.memory():
        orders = [order(number) for number in range(n)]
    return len(orders)


async def import_time(watch: Watch, n: int) -> object:
    """Import the package with everything that users import from it."""
    imported(watch, n, "import miniagents")
    return None
