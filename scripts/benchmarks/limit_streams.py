"""The limit of streams of tokens and of combinators: the cost of each workload when it is written by hand with asyncio.

The limit behaves for its user like the library's version. Streams keep their pieces, and any number of readers read
them from the first one. A cancelled reader changes nothing for other readers, and none starves the loop. The limit
leaves out features that no workload uses: errors in places, cancelling, bounds, hooks, checks of arguments and the
search for deadlocks.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from typing import Generic, TypeVar

from scripts.benchmarks.limit_messages import Message
from scripts.benchmarks.watch import Watch, some_tokens, ticking

P = TypeVar("P")
Q = TypeVar("Q")

FAIR_SHARE = 256


class Stream(Generic[P]):
    """A list of pieces for all readers, and a future that all up-to-date readers await: the fastest design.

    A cancelled reader cancels this future, because the readers await it without a shield. The other readers notice that
    their own tasks are not being cancelled, and await a new future.
    """

    __slots__ = ("ended", "pieces", "wakeup")

    def __init__(self) -> None:
        self.pieces: list[P] = []
        self.ended = False
        self.wakeup: asyncio.Future[None] | None = None

    def append(self, piece: P) -> None:
        """Append a piece and wake the readers."""
        self.pieces.append(piece)
        wakeup = self.wakeup
        if wakeup is not None:
            self.wakeup = None
            if not wakeup.done():
                wakeup.set_result(None)

    def end(self) -> None:
        """End the stream and wake the readers."""
        self.ended = True
        wakeup = self.wakeup
        if wakeup is not None:
            self.wakeup = None
            if not wakeup.done():
                wakeup.set_result(None)

    async def __aiter__(self) -> AsyncIterator[P]:
        """Yield all pieces from the first on: ready ones in slices, with a turn for the loop after a full slice."""
        pieces = self.pieces
        position = 0
        while True:
            ready = len(pieces) - position
            if ready == 1:
                yield pieces[position]
                position += 1
            elif ready:
                share = pieces[position : position + FAIR_SHARE]
                for piece in share:
                    yield piece
                position += len(share)
                if len(share) == FAIR_SHARE:
                    await asyncio.sleep(0)
            elif self.ended:
                return
            else:
                wakeup = self.wakeup
                if wakeup is None or wakeup.done():
                    wakeup = self.wakeup = asyncio.get_running_loop().create_future()
                try:
                    await wakeup
                except asyncio.CancelledError:  # another reader may have cancelled the shared future: raise only ours
                    task = asyncio.current_task()
                    if task is None or task.cancelling():
                        raise

    async def shares(self) -> AsyncIterator[list[P]]:
        """Yield lists of all pieces that are ready at once, but of no more than a fair share."""
        position = 0
        while True:
            share = self.pieces[position : position + FAIR_SHARE]
            if share:
                yield share
                position += len(share)
                if len(share) == FAIR_SHARE:
                    await asyncio.sleep(0)
            elif self.ended:
                return
            else:
                if self.wakeup is None or self.wakeup.done():
                    self.wakeup = asyncio.get_running_loop().create_future()
                try:
                    await self.wakeup
                except asyncio.CancelledError:  # another reader may have cancelled the shared future: raise only ours
                    task = asyncio.current_task()
                    if task is None or task.cancelling():
                        raise


async def produce(stream: Stream[str], bursts: list[list[str]]) -> None:
    """Append tokens, with a turn of the loop after each burst."""
    for burst in bursts:
        for token in burst:
            stream.append(token)
        await asyncio.sleep(0)
    stream.end()


async def pump(source: AsyncIterable[P], stream: Stream[P]) -> None:
    """Append the pieces of an async iterable, with a turn of the loop after each fair share."""
    place = 0
    async for piece in source:
        stream.append(piece)
        place += 1
        if not place % FAIR_SHARE:
            await asyncio.sleep(0)
    stream.end()


async def collect(source: AsyncIterable[P]) -> list[P]:
    """Read all tokens."""
    return [piece async for piece in source]


async def tokens(watch: Watch, n: int, burst: int = 0) -> object:
    """Append to a stream while a reader reads it; the message is made from the list."""
    bursts = some_tokens(n, burst)
    with watch:
        stream = Stream[str]()
        producer = asyncio.create_task(produce(stream, bursts))
        read = [token async for token in stream]
        message = Message("".join(stream.pieces))
        await producer
    return read, message.text


async def short_answers(watch: Watch, n: int, length: int) -> object:
    """Stream messages of a few tokens, one after the other."""
    (burst,) = some_tokens(length)
    with watch:
        answers = [await streamed(generate(burst)) for _ in range(n)]
    return [(read, message.text) for read, message in answers]


async def generated_tokens(watch: Watch, n: int) -> object:
    """Take the tokens of an async generator into a stream in a task, and read the stream."""
    (burst,) = some_tokens(n)
    with watch:
        read, message = await streamed(generate(burst))
    return read, message.text


async def generate(pieces: Iterable[P]) -> AsyncIterator[P]:
    """Yield pieces that exist already."""
    for piece in pieces:
        yield piece


async def streamed(tokens: AsyncIterable[str]) -> tuple[list[str], Message]:
    """Return the tokens that a reader reads, and the message that they make."""
    stream = Stream[str]()
    producer = asyncio.create_task(pump(tokens, stream))
    read = [token async for token in stream]
    message = Message("".join(stream.pieces))
    await producer
    return read, message


async def replay(watch: Watch, n: int) -> object:
    """Read a complete list."""
    stream = Stream[str]()
    await produce(stream, some_tokens(n))
    with watch:
        return [token async for token in stream]


async def fan_out(watch: Watch, n: int, readers: int) -> object:
    """Read with several readers that wait for the same future: a token wakes them all with one call."""
    bursts = some_tokens(n, 1)
    with watch:
        stream = Stream[str]()
        reading = [asyncio.create_task(collect(stream)) for _ in range(readers)]
        await produce(stream, bursts)
        return [await reader for reader in reading]


async def latency(watch: Watch, n: int) -> object:
    """Take the time between appending a token and its reader seeing it."""
    stream = Stream[int]()
    appended = [0.0] * n
    seen = [0.0] * n

    async def produce_on_the_clock() -> None:
        for place in range(n):
            appended[place] = time.perf_counter()
            stream.append(place)
            await asyncio.sleep(0)
        stream.end()

    producer = asyncio.create_task(produce_on_the_clock())
    async for place in stream:
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
    """Keep a list of tokens and the message made from them."""
    (burst,) = some_tokens(n)
    with watch.memory():
        stream = Stream[str]()
        await produce(stream, [burst])
        kept = (stream, Message("".join(stream.pieces)))
    return kept[1].text


# --- combinators ---


async def numbers(n: int) -> AsyncIterator[int]:
    """Yield numbers that exist already."""
    for number in range(n):
        yield number


async def map_generator(source: AsyncIterable[P], fn: Callable[[P], Q]) -> AsyncIterator[Q]:
    """Map with a plain async generator."""
    async for piece in source:
        yield fn(piece)


async def filter_generator(source: AsyncIterable[P], keep: Callable[[P], bool]) -> AsyncIterator[P]:
    """Filter with a plain async generator."""
    async for piece in source:
        if keep(piece):
            yield piece


def double(number: int) -> int:
    """Double a number, the cheapest work to map with."""
    return number * 2


def is_kept(number: int) -> bool:
    """Tell whether to keep a number, which is true for most of them."""
    return number % 10 != 0


async def combine_map(watch: Watch, n: int) -> object:
    """Put one async generator over another."""
    with watch:
        return [piece async for piece in map_generator(numbers(n), double)]


async def combine_filter(watch: Watch, n: int) -> object:
    """Put one async generator over another."""
    with watch:
        return [piece async for piece in filter_generator(numbers(n), is_kept)]


async def combine_chain(watch: Watch, n: int) -> object:
    """Put three async generators over another."""
    with watch:
        mapped = map_generator(filter_generator(map_generator(numbers(n), double), is_kept), double)
        return [piece async for piece in mapped]


async def combine_merge(watch: Watch, n: int) -> object:
    """Put the pieces of each source into one queue, with a task for each source."""
    with watch:
        queue: asyncio.Queue[int | None] = asyncio.Queue()

        async def put() -> None:
            async for number in numbers(n // 2):
                queue.put_nowait(number)
            queue.put_nowait(None)

        sources = [asyncio.create_task(put()) for _ in range(2)]
        read: list[int] = []
        left = len(sources)
        while left:
            number = await queue.get()
            if number is None:
                left -= 1
            else:
                read.append(number)
    return sorted(read)
