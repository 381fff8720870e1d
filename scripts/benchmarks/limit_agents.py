"""The limit of agents: a call is a task that appends its reply to a stream; see `limit_streams`."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias, TypeVar

import msgspec

from scripts.benchmarks.limit_messages import Message
from scripts.benchmarks.limit_streams import Stream, collect, produce
from scripts.benchmarks.watch import Watch, quiet, some_tokens

P = TypeVar("P")
Reply: TypeAlias = "Message | Stream[Reply]"
"""A piece of an agent's reply: a message, or the whole reply of another agent."""


class Tasks:
    """Keeps references to tasks until they are done, because asyncio itself does not."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Start a task."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def done(self) -> None:
        """Wait until all tasks have ended, as leaving a context does."""
        while self._running:
            running = tuple(self._running)
            await asyncio.gather(*running)
            self._running.difference_update(running)  # since 3.12 `gather` of finished tasks lets no callback run


async def relay(
    watch: Watch,
    n: int,
    agents: int,
    mapped: bool,
    by: str = "",  # noqa: ARG001  # here all ways are one
) -> object:
    """Read a stream of messages in a task for each agent, and append their tokens to the next stream."""
    bursts = some_tokens(n, 1)

    async def pass_on(messages: Stream[Stream[str]], replies: Stream[Stream[str]]) -> None:
        async for message in messages:
            replies.append(message)
        replies.end()

    async def shout(messages: Stream[Stream[str]], replies: Stream[Stream[str]]) -> None:
        async for message in messages:
            reply = Stream[str]()
            replies.append(reply)
            async for token in message:
                reply.append(token.upper())
            reply.end()
        replies.end()

    with watch:
        message = Stream[str]()
        producer = asyncio.create_task(produce(message, bursts))
        stage = Stream[Stream[str]]()
        stage.append(message)
        stage.end()
        tasks = Tasks()
        for _ in range(agents):
            replies = Stream[Stream[str]]()
            tasks.start((shout if mapped else pass_on)(stage, replies))
            stage = replies
        read = [token async for reply in stage async for token in reply]
        await producer
        await tasks.done()
    return read


def ask(text: str, tasks: Tasks, turns: int = 0, reply: Stream[Message] | None = None) -> Stream[Message]:
    """Start a task that builds a message and appends it to a stream; return the stream at once."""
    replies = Stream[Message]() if reply is None else reply
    messages = (Message(text),)

    async def answer() -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        for message in messages:
            replies.append(Message(f"{message.text}!"))
        if reply is None:
            replies.end()

    tasks.start(answer())
    return replies


async def calls_in_turn(watch: Watch, n: int) -> object:
    """Read each call to its end before making the next one."""
    tasks = Tasks()
    with watch:
        said = [[message.text async for message in ask("hello", tasks)] for _ in range(n)]
        await tasks.done()
    return said


async def recorded_calls(watch: Watch, n: int) -> object:
    """Read each call to its end before making the next one; bare asyncio records nothing."""
    return await calls_in_turn(watch, n)


async def surrounded_calls(watch: Watch, n: int) -> object:
    """Read each call to its end before making the next one; nothing stands around calls of bare asyncio."""
    return await calls_in_turn(watch, n)


async def stored_calls(watch: Watch, n: int) -> object:
    """Read each call to its end before making the next one; nothing keeps calls of bare asyncio."""
    return await calls_in_turn(watch, n)


async def durable_calls(watch: Watch, n: int) -> object:
    """Read each call to its end before making the next one; commit its messages before, and its replies behind it."""
    tasks = Tasks()
    said: list[list[str | None]] = []
    with TemporaryDirectory() as folder, ThreadPoolExecutor(1) as thread:
        journal = sqlite3.connect(Path(folder) / "runs.db", isolation_level=None, check_same_thread=False)
        journal.execute("PRAGMA journal_mode=WAL")
        journal.execute("PRAGMA synchronous=NORMAL")
        journal.execute("CREATE TABLE calls (number INTEGER PRIMARY KEY, messages BLOB NOT NULL, replies BLOB)")
        loop = asyncio.get_running_loop()

        async def commit(statement: str, *values: int | bytes) -> None:
            await loop.run_in_executor(thread, journal.execute, statement, values)

        with watch:
            for number in range(n):
                await commit("INSERT INTO calls VALUES (?, ?, NULL)", number, msgspec.json.encode([Message("hello")]))
                replies = [message async for message in ask("hello", tasks)]
                await commit("UPDATE calls SET replies=? WHERE number=?", msgspec.json.encode(replies), number)
                said.append([message.text for message in replies])
            await tasks.done()
        journal.close()
    return said


async def replayed_calls(watch: Watch, n: int) -> object:
    """Read each call to its end before making the next one; bare asyncio has nothing to replay."""
    return await calls_in_turn(watch, n)


async def cached_calls(watch: Watch, n: int) -> object:
    """Read each call to its end before making the next one; bare asyncio has no answers that are kept."""
    return await calls_in_turn(watch, n)


async def calls_at_once(watch: Watch, n: int) -> object:
    """Make all calls, then read all of them."""
    tasks = Tasks()
    with watch:
        calls = [ask("hello", tasks) for _ in range(n)]
        said = [[message.text async for message in call] for call in calls]
        await tasks.done()
    return said


async def flatten_lists(watch: Watch, n: int) -> object:
    """Flatten lists of lists into a stream with a stack of iterators; a reader takes all that is ready at once."""
    nested = nest([Message(str(number)) for number in range(n)])
    with watch:
        stream = Stream[Message]()
        flatten(nested, stream)
        return [message.text async for share in stream.shares() for message in share]


async def flatten_promises(watch: Watch, n: int) -> object:
    """Flatten lists of futures, which stand for promises of messages, into a stream, and await each of them."""
    loop = asyncio.get_running_loop()
    promises: list[asyncio.Future[Message]] = [loop.create_future() for _ in range(n)]
    for number, promise in enumerate(promises):
        promise.set_result(Message(str(number)))
    nested = nest(promises)
    with watch:
        stream = Stream[asyncio.Future[Message]]()
        flatten(nested, stream)
        return [(await promise).text async for promise in stream]


async def flatten_agents(watch: Watch, n: int) -> object:
    """Flatten the streams of calls that run at the same time, and read one after the other."""
    tasks = Tasks()
    with watch:
        calls = nest([ask("hello", tasks) for _ in range(n)])
        streams = Stream[Stream[Message]]()
        flatten(calls, streams)
        said = [message.text async for stream in streams async for message in stream]
        await tasks.done()
    return said


async def nested_replies(watch: Watch, n: int, levels: int) -> object:
    """Read the reply of an agent that replies another agent's reply, and so on; a reply is one piece of the next."""
    tasks = Tasks()

    async def answer(replies: Stream[Reply], level: int) -> None:
        if level:
            below = Stream[Reply]()
            tasks.start(answer(below, level - 1))
            replies.append(below)
        else:
            for number in range(n):
                replies.append(Message(str(number)))
        replies.end()

    with watch:
        top = Stream[Reply]()
        tasks.start(answer(top, levels))
        said: list[str | None] = []
        await _walk(top, said)
        await tasks.done()
    return said


async def _walk(stream: Stream[Reply], said: list[str | None]) -> None:
    async for piece in stream:
        if isinstance(piece, Message):
            said.append(piece.text)
        else:
            await _walk(piece, said)


async def tree_of_agents(watch: Watch, n: int, leaves: int) -> object:
    """Read the replies of agents that ask two others each, down to the agents that reply a message."""
    tasks = Tasks()

    async def answer(replies: Stream[Reply], below: int) -> None:
        if below > 1:
            for _ in range(2):
                half = Stream[Reply]()
                tasks.start(answer(half, below // 2))
                replies.append(half)
        else:
            replies.append(Message("hello"))
        replies.end()

    said: list[str | None] = []
    with watch:
        for _ in range(n):
            top = Stream[Reply]()
            tasks.start(answer(top, leaves))
            await _walk(top, said)
        await tasks.done()
    return said


async def out_of_order(watch: Watch, n: int) -> object:
    """Append the replies of all calls to one stream, each as soon as it is ready."""
    tasks = Tasks()
    with watch:
        replies = Stream[Message]()
        for number in range(n):
            ask(str(number), tasks, turns=number * 3 % 8, reply=replies)
        said: list[str | None] = []
        async for message in replies:
            said.append(message.text)
            if len(said) == n:
                break
        await tasks.done()
    return sorted(str(text) for text in said)


def nest(items: list[P]) -> list[object]:
    """Return lists of ten lists of ten items."""
    tens = [items[start : start + 10] for start in range(0, len(items), 10)]
    return [[tens[start : start + 10]] for start in range(0, len(tens), 10)]


def flatten(nested: list[object], stream: Stream[P]) -> None:
    """Fill a stream with the items of lists within lists."""
    pieces: list[Any] = stream.pieces  # Any: the leaves are all P
    stack: list[Iterator[object]] = [iter(nested)]
    while stack:
        for item in stack[-1]:
            if isinstance(item, list):
                stack.append(iter(item))  # pyright: ignore[reportUnknownArgumentType]  # a list of anything
                break
            pieces.append(item)
        else:
            stack.pop()
    stream.end()


async def memory_of_calls(watch: Watch, n: int) -> object:
    """Keep a stream with the reply of each call."""
    tasks = Tasks()
    with watch.memory():
        calls = [ask("hello", tasks) for _ in range(n)]
        for call in calls:
            await collect(call)
        await quiet()
    return len(calls)
