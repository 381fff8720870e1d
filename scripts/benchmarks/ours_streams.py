"""This library's streams of tokens and its combinators, used as the README says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator
from typing import TypeVar

from miniagents import Message, MiniAgents, StreamAppender, StreamedPromise, merge, stream_message
from scripts.benchmarks.limit_streams import double, generate, is_kept, numbers
from scripts.benchmarks.watch import Watch, quiet, some_tokens, ticking

P = TypeVar("P")


async def append(appender: StreamAppender[str], bursts: list[list[str]]) -> None:
    """Append tokens, with a turn of the loop after each burst."""
    with appender:
        for burst in bursts:
            for token in burst:
                appender.append(token)
            await asyncio.sleep(0)


async def collect(source: AsyncIterable[P]) -> list[P]:
    """Read all tokens."""
    return [piece async for piece in source]


async def tokens(watch: Watch, n: int, burst: int = 0) -> object:
    """Stream a message with an appender, and read it."""
    bursts = some_tokens(n, burst)
    with watch:
        async with MiniAgents():
            appender = StreamAppender[str]()
            promise = stream_message(Message, appender)
            producer = asyncio.create_task(append(appender, bursts))
            read = [token async for token in promise]
            message = await promise
            await producer
    return read, message.text


async def short_answers(watch: Watch, n: int, length: int) -> object:
    """Stream messages of a few tokens in one context, one after the other."""
    (burst,) = some_tokens(length)
    answers: list[tuple[list[str], Message]] = []
    async with MiniAgents():
        with watch:
            for _ in range(n):
                promise = stream_message(Message, generate(burst))
                read = [token async for token in promise]
                answers.append((read, await promise))
    return [(read, message.text) for read, message in answers]


async def generated_tokens(watch: Watch, n: int) -> object:
    """Stream a message from an async generator, and read it."""
    (burst,) = some_tokens(n)
    with watch:
        read, message = await streamed(generate(burst))
    return read, message.text


async def streamed(tokens: AsyncIterator[str]) -> tuple[list[str], Message]:
    """Return the tokens that a reader reads, and the message that they make."""
    async with MiniAgents():
        promise = stream_message(Message, tokens)
        read = [token async for token in promise]
        return read, await promise


async def replay(watch: Watch, n: int) -> object:
    """Read a finished message token by token."""
    async with MiniAgents():
        appender = StreamAppender[str]()
        promise = stream_message(Message, appender)
        await append(appender, some_tokens(n))
        await promise
        with watch:
            read = [token async for token in promise]
    return read


async def fan_out(watch: Watch, n: int, readers: int) -> object:
    """Read one message with several readers, each in a task."""
    bursts = some_tokens(n, 1)
    with watch:
        async with MiniAgents():
            appender = StreamAppender[str]()
            promise = stream_message(Message, appender)
            reading = [asyncio.create_task(collect(promise)) for _ in range(readers)]
            await append(appender, bursts)
            read = [await reader for reader in reading]
    return read


async def latency(watch: Watch, n: int) -> object:
    """Take the time between appending a token and its reader seeing it."""
    appended = [0.0] * n
    seen = [0.0] * n

    async def append_on_the_clock(appender: StreamAppender[int]) -> None:
        with appender:
            for place in range(n):
                appended[place] = time.perf_counter()
                appender.append(place)
                await asyncio.sleep(0)

    async with MiniAgents():
        appender = StreamAppender[int]()
        producer = asyncio.create_task(append_on_the_clock(appender))
        async for place in appender:
            seen[place] = time.perf_counter()
        await producer
    watch.latencies([at - since for at, since in zip(seen, appended, strict=True)])
    return n


async def stall(watch: Watch, n: int) -> object:
    """Do the same as `generated_tokens`, beside a task that asks for every turn of the loop."""
    (burst,) = some_tokens(n)
    async with ticking(watch):
        read, message = await streamed(generate(burst))
    return read, message.text


async def memory_of_tokens(watch: Watch, n: int) -> object:
    """Keep the promise of a finished message."""
    (burst,) = some_tokens(n)
    async with MiniAgents():
        with watch.memory():
            appender = StreamAppender[str]()
            promise = stream_message(Message, appender)
            await append(appender, [burst])
            message = await promise
            del appender
            await quiet()
    return message.text


# --- combinators ---


async def combine_map(watch: Watch, n: int) -> object:
    """Apply one combinator."""
    with watch:
        async with MiniAgents():
            read = [piece async for piece in StreamedPromise.of(range(n)).map_pieces(double)]
    return read


async def combine_filter(watch: Watch, n: int) -> object:
    """Apply one combinator."""
    with watch:
        async with MiniAgents():
            read = [piece async for piece in StreamedPromise.of(range(n)).filter(is_kept)]
    return read


async def combine_chain(watch: Watch, n: int) -> object:
    """Apply three combinators."""
    with watch:
        async with MiniAgents():
            stream = StreamedPromise.of(range(n)).map_pieces(double).filter(is_kept).map_pieces(double)
            read = [piece async for piece in stream]
    return read


async def combine_merge(watch: Watch, n: int) -> object:
    """Merge two async generators into one stream."""
    with watch:
        async with MiniAgents():
            read = [piece async for piece in merge(numbers(n // 2), numbers(n // 2))]
    return sorted(read)
