"""The limit: what each workload costs when it is written by hand for that one purpose, with asyncio and msgspec alone.

This is the yardstick, so it does what its user would see of the library's version: streams keep their pieces, any
number of readers read them from the first one on, a reader that was cancelled changes nothing for others, and none
starves the loop. What it leaves out is what a workload does not ask for: errors in places, cancelling, bounds, hooks,
checks of what is given, the watch for deadlocks.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Iterable, Iterator
from typing import Generic, TypeVar

import msgspec

from scripts.benchmarks.imports import imported
from scripts.benchmarks.watch import Watch, quiet, some_tokens, ticking

P = TypeVar("P")
Q = TypeVar("Q")

FAIR_SHARE = 256


class Stream(Generic[P]):
    """One list of pieces for all readers, and one future that all who are up to date wait for: the fastest design."""

    __slots__ = ("ended", "pieces", "wakeup")

    def __init__(self) -> None:
        self.pieces: list[P] = []
        self.ended = False
        self.wakeup: asyncio.Future[None] | None = None

    def append(self, piece: P) -> None:
        """Adds a piece and wakes the readers."""
        self.pieces.append(piece)
        wakeup = self.wakeup
        if wakeup is not None:
            self.wakeup = None
            if not wakeup.done():
                wakeup.set_result(None)

    def end(self) -> None:
        """Ends the stream and wakes the readers."""
        self.ended = True
        wakeup = self.wakeup
        if wakeup is not None:
            self.wakeup = None
            if not wakeup.done():
                wakeup.set_result(None)

    async def __aiter__(self) -> AsyncIterator[P]:
        """Reads from the first piece: ready ones in slices, with a turn for the loop after a full one."""
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
                except asyncio.CancelledError:  # of another reader, who shares the future, unless it is for this one
                    task = asyncio.current_task()
                    if task is None or task.cancelling():
                        raise


class Message(msgspec.Struct, frozen=True, tag_field="@type", tag="Message"):
    """A message is a frozen Struct with a tag."""

    text: str | None = None


class Customer(Message, frozen=True, kw_only=True, tag="Customer"):
    """A part of an order."""

    email: str


class Address(Message, frozen=True, kw_only=True, tag="Address"):
    """Another part of it."""

    city: str


class Order(Message, frozen=True, kw_only=True, tag="Order"):
    """A message of six fields, two of which are messages."""

    number: int
    price: float
    tags: tuple[str, ...]
    customer: Customer
    address: Address


class Tasks:
    """Tasks that are held until they are done, as asyncio asks for."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Starts a task."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def done(self) -> None:
        """Waits until all have ended, as leaving a context does."""
        while self._running:
            await asyncio.gather(*self._running)


async def produce(stream: Stream[str], bursts: list[list[str]]) -> None:
    """Appends tokens, with a turn of the loop after each burst."""
    for burst in bursts:
        for token in burst:
            stream.append(token)
        await asyncio.sleep(0)
    stream.end()


async def pump(source: AsyncIterable[P], stream: Stream[P]) -> None:
    """Appends what an async iterable gives, with a turn of the loop after each fair share."""
    place = 0
    async for piece in source:
        stream.append(piece)
        place += 1
        if not place % FAIR_SHARE:
            await asyncio.sleep(0)
    stream.end()


async def collect(source: AsyncIterable[P]) -> list[P]:
    """Reads all there is."""
    return [piece async for piece in source]


# --- streams of tokens ---


async def tokens(watch: Watch, n: int, burst: int = 0) -> object:
    """A producer appends to a stream while a reader reads it; the message is made of the list."""
    bursts = some_tokens(n, burst)
    with watch:
        stream = Stream[str]()
        producer = asyncio.create_task(produce(stream, bursts))
        read = [token async for token in stream]
        message = Message("".join(stream.pieces))
        await producer
    return read, message.text


async def generated_tokens(watch: Watch, n: int) -> object:
    """A task takes the tokens of an async generator into a stream, of which a reader reads them."""
    (burst,) = some_tokens(n)
    with watch:
        read, message = await streamed(generate(burst))
    return read, message.text


async def generate(tokens: Iterable[str]) -> AsyncIterator[str]:
    """Tokens that are there already."""
    for token in tokens:
        yield token


async def streamed(tokens: AsyncIterable[str]) -> tuple[list[str], Message]:
    """What a reader reads of tokens, and the message that they make."""
    stream = Stream[str]()
    producer = asyncio.create_task(pump(tokens, stream))
    read = [token async for token in stream]
    message = Message("".join(stream.pieces))
    await producer
    return read, message


async def replay(watch: Watch, n: int) -> object:
    """A reader reads a list that is complete."""
    stream = Stream[str]()
    await produce(stream, some_tokens(n))
    with watch:
        return [token async for token in stream]


async def fan_out(watch: Watch, n: int, readers: int) -> object:
    """All readers wait for the same future, so that a token wakes them with one call."""
    bursts = some_tokens(n, 1)
    with watch:
        stream = Stream[str]()
        reading = [asyncio.create_task(collect(stream)) for _ in range(readers)]
        await produce(stream, bursts)
        return [await reader for reader in reading]


async def latency(watch: Watch, n: int) -> object:
    """A reader looks at the clock when it sees a token."""
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
    """As `generated_tokens`, next to a task that wants every turn of the loop."""
    (burst,) = some_tokens(n)
    async with ticking(watch):
        read, message = await streamed(generate(burst))
    return read, message.text


# --- agents ---


async def relay(watch: Watch, n: int, agents: int, mapped: bool, by: str = "") -> object:  # noqa: ARG001
    """A task per agent reads a stream of messages, which are streams of tokens, and appends to the next one."""
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
    """A call is a task that builds a message and appends it to a stream, which the caller has at once."""
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
    """Each call is read to its end before the next one is made."""
    tasks = Tasks()
    with watch:
        said = [[message.text async for message in ask("hello", tasks)] for _ in range(n)]
        await tasks.done()
    return said


async def calls_at_once(watch: Watch, n: int) -> object:
    """All calls are made, then all are read."""
    tasks = Tasks()
    with watch:
        calls = [ask("hello", tasks) for _ in range(n)]
        said = [[message.text async for message in call] for call in calls]
        await tasks.done()
    return said


async def flatten_lists(watch: Watch, n: int) -> object:
    """A stack of iterators takes lists of lists apart into a stream."""
    nested = nest([Message(str(number)) for number in range(n)])
    with watch:
        stream = Stream[Message]()
        producer = asyncio.create_task(flatten(nested, stream))
        said = [message.text for message in [message async for message in stream]]
        await producer
    return said


async def flatten_promises(watch: Watch, n: int) -> object:
    """A promise of a message is a future; the stream has the futures, and the reader awaits them."""
    loop = asyncio.get_running_loop()
    promises: list[asyncio.Future[Message]] = [loop.create_future() for _ in range(n)]
    for number, promise in enumerate(promises):
        promise.set_result(Message(str(number)))
    nested = nest(promises)
    with watch:
        stream = Stream[asyncio.Future[Message]]()
        producer = asyncio.create_task(flatten(nested, stream))
        said = [(await promise).text async for promise in stream]
        await producer
    return said


async def flatten_agents(watch: Watch, n: int) -> object:
    """The streams of calls that run at once are read one after the other into another one."""
    tasks = Tasks()
    with watch:
        calls = nest([ask("hello", tasks) for _ in range(n)])
        streams = Stream[Stream[Message]]()
        replies = Stream[Message]()

        async def forward() -> None:
            async for stream in streams:
                async for message in stream:
                    replies.append(message)
            replies.end()

        tasks.start(flatten(calls, streams))
        tasks.start(forward())
        said = [message.text async for message in replies]
        await tasks.done()
    return said


async def out_of_order(watch: Watch, n: int) -> object:
    """The tasks of all calls append to one stream, each when it is ready."""
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
    """Lists of ten lists of ten items."""
    tens = [items[start : start + 10] for start in range(0, len(items), 10)]
    return [[tens[start : start + 10]] for start in range(0, len(tens), 10)]


async def flatten(nested: list[object], stream: Stream[P]) -> None:
    """Appends what is in lists within lists."""
    stack: list[Iterator[object]] = [iter(nested)]
    place = 0
    while stack:
        for item in stack[-1]:
            if isinstance(item, list):
                stack.append(iter(item))  # pyright: ignore[reportUnknownArgumentType]  # of whatever
                break
            stream.append(item)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # the leaves are all P
            place += 1
            if not place % FAIR_SHARE:
                await asyncio.sleep(0)
        else:
            stack.pop()
    stream.end()


# --- combinators ---


async def numbers(n: int) -> AsyncIterator[int]:
    """Numbers that are there already."""
    for number in range(n):
        yield number


async def map_generator(source: AsyncIterable[P], fn: Callable[[P], Q]) -> AsyncIterator[Q]:
    """A plain async generator that maps."""
    async for piece in source:
        yield fn(piece)


async def filter_generator(source: AsyncIterable[P], keep: Callable[[P], bool]) -> AsyncIterator[P]:
    """A plain async generator that filters."""
    async for piece in source:
        if keep(piece):
            yield piece


def double(number: int) -> int:
    """Does next to nothing."""
    return number * 2


def is_kept(number: int) -> bool:
    """Keeps most."""
    return number % 10 != 0


async def combine_map(watch: Watch, n: int) -> object:
    """One async generator over another."""
    with watch:
        return [piece async for piece in map_generator(numbers(n), double)]


async def combine_filter(watch: Watch, n: int) -> object:
    """One async generator over another."""
    with watch:
        return [piece async for piece in filter_generator(numbers(n), is_kept)]


async def combine_chain(watch: Watch, n: int) -> object:
    """Three async generators over another."""
    with watch:
        mapped = map_generator(filter_generator(map_generator(numbers(n), double), is_kept), double)
        return [piece async for piece in mapped]


async def combine_merge(watch: Watch, n: int) -> object:
    """A task per source puts what it gives into one queue."""
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


# --- messages ---


def order(number: int) -> Order:
    """A message, made of its fields."""
    return Order(
        text="Two boxes of tea, please.",
        number=number,
        price=19.5,
        tags=("tea", "express"),
        customer=Customer(text="Ada Lovelace", email="ada@example.com"),
        address=Address(text="12 St James's Square", city="London"),
    )


def key_of(order: Order) -> str:
    """The SHA-256 of JSON whose names are written in their order, and in which messages stand as their own keys."""
    customer = order.customer
    customer_key = _key({"@type": "Customer", "email": customer.email, "text": customer.text})
    address_key = _key({"@type": "Address", "city": order.address.city, "text": order.address.text})
    return _key(
        {
            "@type": "Order",
            "address": {"@key": address_key},
            "customer": {"@key": customer_key},
            "number": order.number,
            "price": order.price,
            "tags": order.tags,
            "text": order.text,
        }
    )


def _key(form: dict[str, object]) -> str:
    return hashlib.sha256(_encode(form)).hexdigest()


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Order).decode
_decode_union = msgspec.json.Decoder(Order | Customer | Address).decode


async def create(watch: Watch, n: int) -> object:
    """Calls of three Structs."""
    with watch:
        orders = [order(number) for number in range(n)]
    return [each.number for each in orders]


async def hash_first(watch: Watch, n: int) -> object:
    """Three SHA-256 of three encoded dicts."""
    orders = [order(number) for number in range(n)]
    with watch:
        return [key_of(each)[:40] for each in orders]


async def encode_json(watch: Watch, n: int) -> object:
    """A method of an encoder that is there already."""
    orders = [order(number) for number in range(n)]
    with watch:
        encoded = [_encode(each) for each in orders]
    return [each.decode() for each in encoded]


async def decode_json(watch: Watch, n: int, union: bool = False) -> object:
    """A method of a decoder that is there already."""
    encoded = [_encode(order(number)) for number in range(n)]
    with watch:
        orders = [_decode_union(each) for each in encoded] if union else [_decode(each) for each in encoded]
    return [each.number for each in orders if isinstance(each, Order)]


# --- memory ---


async def memory_of_tokens(watch: Watch, n: int) -> object:
    """A list of tokens and the message that was made of them."""
    (burst,) = some_tokens(n)
    with watch.memory():
        stream = Stream[str]()
        await produce(stream, [burst])
        kept = (stream, Message("".join(stream.pieces)))
    return kept[1].text


async def memory_of_messages(watch: Watch, n: int) -> object:
    """Structs and what is in them."""
    with watch.memory():
        orders = [order(number) for number in range(n)]
    return len(orders)


async def memory_of_calls(watch: Watch, n: int) -> object:
    """A stream with the reply for each call."""
    tasks = Tasks()
    with watch.memory():
        calls = [ask("hello", tasks) for _ in range(n)]
        for call in calls:
            await collect(call)
        await quiet()
    return len(calls)


async def import_time(watch: Watch, n: int) -> object:
    """What the library needs as well."""
    imported(
        watch, n, "import asyncio, contextvars, hashlib, inspect, logging, re, weakref, msgspec, typing_extensions"
    )
    return None
