"""P7: circles are found, and nothing else is taken for one."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable

import pytest

from miniagents.promising import (
    FlatSequence,
    Promise,
    PromiseDeadlockError,
    PromisingContext,
    Stream,
    StreamAppender,
    StreamedPromise,
    gather,
    merge,
    race,
)
from tests.counting import CountedCalls

pytestmark = pytest.mark.virtual_clock


async def as_tuple(pieces: AsyncIterable[object]) -> tuple[object, ...]:
    return tuple([piece async for piece in pieces])


def stream_of(streamer: Callable[[], AsyncIterator[object]], name: str) -> Stream[object]:
    return StreamedPromise(streamer, as_tuple, name=name)


async def waiting_for(awaitable: Awaitable[object]) -> object:
    return await awaitable


async def circle_of(promise: Awaitable[object]) -> tuple[str, ...]:
    with pytest.raises(PromiseDeadlockError) as raised:
        await promise
    return raised.value.circle


# --- circles ---


async def test_p7_a_promise_that_waits_for_itself() -> None:
    async def work() -> object:
        return await promise

    async with PromisingContext():
        promise: Promise[object] = Promise(work, name="ouroboros")
        with pytest.raises(PromiseDeadlockError, match="promise 'ouroboros' waits for itself") as raised:
            await promise
        with pytest.raises(PromiseDeadlockError) as again:
            await promise
        assert again.value is raised.value


@pytest.mark.parametrize("count", [2, 3, 50])
async def test_p7_promises_that_wait_for_each_other(count: int) -> None:
    promises: list[Promise[object]] = []

    def waits_for_the_next(number: int) -> Callable[[], Awaitable[object]]:
        return lambda: waiting_for(promises[(number + 1) % count])

    async with PromisingContext():
        promises.extend(Promise(waits_for_the_next(number), name=f"p{number}") for number in range(count))
        circles = [await circle_of(promise) for promise in promises]
        assert set(circles) == {circles[0]}
        assert sorted(circles[0]) == sorted(f"p{number}" for number in range(count))
        with pytest.raises(PromiseDeadlockError, match="wait for each other in a circle: 'p") as raised:
            await promises[0]
        names = str(raised.value).rpartition(": ")[2].split(" -> ")
        assert len(names) == count + 1
        assert names[0] == names[-1]


async def test_p7_a_circle_is_broken_where_it_was_closed() -> None:
    async def closing() -> str:
        await asyncio.sleep(1)
        try:
            await first
        except PromiseDeadlockError:
            return "was told"
        return "was not told"

    async with PromisingContext():
        second = Promise(closing, name="second")
        first: Promise[object] = Promise(lambda: waiting_for(second), name="first")
        assert await first == "was told"


async def test_p7_lazy_promises_that_wait_for_each_other() -> None:
    async with PromisingContext(start_asap=False):
        first: Promise[object] = Promise(lambda: waiting_for(second), name="first")
        second: Promise[object] = Promise(lambda: waiting_for(first), name="second")
        assert sorted(await circle_of(second)) == ["first", "second"]


async def test_p7_two_circles_at_once() -> None:
    async with PromisingContext():
        own: list[Promise[object]] = []
        own.extend(Promise(lambda: waiting_for(own[0]), name=f"own{number}") for number in range(2))
        first: Promise[object] = Promise(lambda: waiting_for(second), name="first")
        second: Promise[object] = Promise(lambda: waiting_for(first), name="second")
        assert await circle_of(own[1]) == await circle_of(own[0]) == ("own0",)
        assert sorted(await circle_of(first)) == ["first", "second"]


async def asyncio_gather(awaitable: Awaitable[object]) -> object:
    return await asyncio.gather(waiting_for(awaitable), asyncio.sleep(0))


async def asyncio_wait(awaitable: Awaitable[object]) -> object:
    done, _ = await asyncio.wait([asyncio.ensure_future(waiting_for(awaitable))])
    return done.pop().result()


async def asyncio_wait_for(awaitable: Awaitable[object]) -> object:
    return await asyncio.wait_for(waiting_for(awaitable), 100)


async def asyncio_timeout(awaitable: Awaitable[object]) -> object:
    async with asyncio.timeout(100):
        return await awaitable


async def asyncio_task(awaitable: Awaitable[object]) -> object:
    return await asyncio.create_task(waiting_for(awaitable))


async def asyncio_task_group(awaitable: Awaitable[object]) -> object:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(waiting_for(awaitable))
    return task.result()


async def asyncio_shield(awaitable: Awaitable[object]) -> object:
    return await asyncio.shield(asyncio.create_task(waiting_for(awaitable)))


async def our_gather(awaitable: Awaitable[object]) -> object:
    return await gather(awaitable, asyncio.sleep(0))


async def our_race(awaitable: Awaitable[object]) -> object:
    return await race(Promise(lambda: awaitable))


async def nested_context(awaitable: Awaitable[object]) -> object:
    async with PromisingContext():
        inner = Promise(lambda: waiting_for(awaitable), name="inner")
    return await inner


WAYS = [
    asyncio_gather,
    asyncio_wait,
    asyncio_wait_for,
    asyncio_timeout,
    asyncio_task,
    asyncio_task_group,
    asyncio_shield,
    our_gather,
    our_race,
    nested_context,
]


def the_deadlock(raised: BaseException) -> PromiseDeadlockError:
    error: object = raised
    while not isinstance(error, PromiseDeadlockError):
        error = getattr(error, "exceptions")[0]  # noqa: B009 - of exception groups within groups
    return error


@pytest.mark.leaves_errors_unread  # of promises that are a part of the circle, by some ways
@pytest.mark.parametrize("way", WAYS)
async def test_p7_a_circle_through(way: Callable[[Awaitable[object]], Awaitable[object]]) -> None:
    async with PromisingContext():
        first: Promise[object] = Promise(lambda: way(second), name="first")
        second: Promise[object] = Promise(lambda: way(first), name="second")
        with pytest.raises((PromiseDeadlockError, BaseExceptionGroup)) as raised:
            await first
        circle = the_deadlock(raised.value).circle
        assert {"first", "second"} <= set(circle)


@pytest.mark.leaves_errors_unread  # as above
@pytest.mark.parametrize("way", WAYS)
async def test_p7_a_circle_of_streams_through(way: Callable[[Awaitable[object]], Awaitable[object]]) -> None:
    async def first_pieces() -> AsyncIterator[object]:
        yield 1
        yield await way(anext(second_reader))

    async def second_pieces() -> AsyncIterator[object]:
        async for piece in first:
            if piece == 2:
                yield piece

    async with PromisingContext():
        first = stream_of(first_pieces, "first")
        second = stream_of(second_pieces, "second")
        second_reader = aiter(second)
        with pytest.raises((PromiseDeadlockError, BaseExceptionGroup)) as raised:
            await second
        assert {"first", "second"} <= set(the_deadlock(raised.value).circle)


async def test_p7_a_stream_that_reads_itself() -> None:
    async def pieces() -> AsyncIterator[object]:
        async for piece in stream:
            yield piece

    async with PromisingContext():
        stream = stream_of(pieces, "stream")
        assert await circle_of(stream) == ("stream",)


async def test_p7_a_stream_that_reads_what_is_merged_from_it() -> None:
    async def pieces() -> AsyncIterator[object]:
        async for piece in merged:
            yield piece

    async with PromisingContext():
        stream = stream_of(pieces, "stream")
        merged = merge(stream, StreamedPromise.of([1]).filter(lambda _: False))
        assert sorted(await circle_of(stream)) == ["merge", "stream"]


async def test_p7_a_sequence_that_waits_for_itself() -> None:
    async with PromisingContext():
        sequence = FlatSequence[int](lambda item: item if isinstance(item, int) else NotImplemented, name="replies")

        async def work() -> None:
            sequence.put(1)
            await sequence.promise

        sequence.produce(work, start_asap=True)
        pieces = aiter(sequence.promise)
        assert await anext(pieces) == 1
        with pytest.raises(PromiseDeadlockError, match="'replies' waits for itself"):
            await anext(pieces)


async def test_p7_a_sequence_that_is_put_into_itself() -> None:
    async with PromisingContext():
        sequence = FlatSequence[int](lambda item: item if isinstance(item, int) else NotImplemented, name="replies")
        sequence.put(1)
        with pytest.raises(PromiseDeadlockError, match="'replies' waits for itself"):
            sequence.put([2, sequence.promise])
        sequence.close()
        assert await sequence.promise == (1,)


async def test_p7_a_sequence_that_waits_for_itself_with_all_its_sub_tasks() -> None:
    async with PromisingContext():
        sequence = FlatSequence[int](lambda item: item if isinstance(item, int) else NotImplemented, name="replies")

        async def work() -> None:
            sub_task = asyncio.create_task(waiting_for(sequence.promise))
            try:
                await sequence.promise
            finally:
                await asyncio.gather(sub_task, return_exceptions=True)

        sequence.produce(work, start_asap=True)
        with pytest.raises(PromiseDeadlockError, match="'replies' waits for itself"):
            await sequence.promise


async def test_p7_a_circle_that_closes_long_after_the_first_wait_is_found_soon() -> None:
    close = asyncio.Event()

    async def second_work() -> object:
        await close.wait()
        return await first

    async with PromisingContext():
        first: Promise[object] = Promise(lambda: waiting_for(second), name="first")
        second: Promise[object] = Promise(second_work, name="second")
        await asyncio.sleep(0.5)  # the pauses between two looks at the same waits have become long by now
        close.set()
        async with asyncio.timeout(0.2):
            assert sorted(await circle_of(first)) == ["first", "second"]


async def test_p7_a_circle_is_found_across_contexts() -> None:
    async with PromisingContext():
        outer: Promise[object] = Promise(lambda: waiting_for(inner), name="outer")
        async with PromisingContext():
            inner: Promise[object] = Promise(lambda: waiting_for(outer), name="inner")
            assert sorted(await circle_of(inner)) == ["inner", "outer"]


async def test_p7_a_circle_that_its_members_recover_from_goes_on() -> None:
    async def work() -> str:
        try:
            await second
        except PromiseDeadlockError:
            return "recovered"
        raise AssertionError("no circle was found")

    async with PromisingContext():
        second: Promise[object] = Promise(lambda: waiting_for(first), name="second")
        first: Promise[str] = Promise(work, name="first")
        assert await first == "recovered"


async def test_p7_long_chains_of_waits_do_not_hold_up_the_loop() -> None:
    length = 3_000
    release = asyncio.Event()
    longest = 0

    async def ticker(calls: CountedCalls) -> None:
        nonlocal longest
        while True:
            before = calls.count
            await asyncio.sleep(0.001)
            longest = max(longest, calls.count - before)

    async def root() -> int:
        await release.wait()
        return 0

    async with PromisingContext():
        last = Promise(root)
        for _ in range(length):
            last = last.map(lambda number: number + 1)
        await asyncio.sleep(0)
        with CountedCalls() as calls:
            ticking = asyncio.create_task(ticker(calls))
            await asyncio.sleep(0.3)
            ticking.cancel()
            await asyncio.wait([ticking])
        release.set()
        assert await last == length
    assert length < longest < 100 * length  # a look at all waits passes each of them once


# --- no circles ---


async def quiet_for_a_while() -> None:
    await asyncio.sleep(0.1)  # several looks at who waits for whom


async def test_p7_slow_promises_are_no_circle() -> None:
    gate = asyncio.Event()

    async def slow() -> int:
        await gate.wait()
        return 1

    async with PromisingContext():
        source = Promise(slow)
        readers = [source.map(str) for _ in range(10)]
        both = gather(*readers)
        await quiet_for_a_while()
        gate.set()
        assert await both == ("1",) * 10


async def test_p7_a_watcher_in_a_sub_task_of_the_promise_is_no_circle() -> None:
    gate = asyncio.Event()

    async def work() -> int:
        watchers.append(asyncio.create_task(waiting_for(promise)))
        await gate.wait()
        return 1

    watchers: list[asyncio.Task[object]] = []
    async with PromisingContext():
        promise = Promise(work)
        await quiet_for_a_while()
        gate.set()
        assert await promise == 1
        assert await watchers[0] == 1


async def test_p7_waiting_for_what_a_sub_task_will_append_is_no_circle() -> None:
    gate = asyncio.Event()

    async def write(appender: StreamAppender[int]) -> None:
        with appender:
            await gate.wait()
            appender.append(1)

    async def work() -> tuple[int, ...]:
        appender = StreamAppender[int]()
        writing = asyncio.create_task(write(appender))
        read = await appender.promise
        await writing
        return read

    async with PromisingContext():
        promise = Promise(work)
        await quiet_for_a_while()
        gate.set()
        assert await promise == (1,)


async def test_p7_waiting_for_what_a_sub_task_will_put_into_ones_own_sequence_is_no_circle() -> None:
    gate = asyncio.Event()

    async with PromisingContext():
        sequence = FlatSequence[int](lambda item: item if isinstance(item, int) else NotImplemented)

        async def write() -> None:
            await gate.wait()
            sequence.put(1)

        async def work() -> None:
            writing = asyncio.create_task(write())
            assert await anext(aiter(sequence.promise)) == 1
            await writing

        sequence.produce(work, start_asap=True)
        await quiet_for_a_while()
        gate.set()
        assert await sequence.promise == (1,)


async def test_p7_waiting_for_somebody_outside_as_well_is_no_circle() -> None:
    async def work() -> object:
        watching = asyncio.create_task(waiting_for(promise))
        done, _ = await asyncio.wait([watching, outside], return_when=asyncio.FIRST_COMPLETED)
        assert done == {outside}
        return await outside

    outside: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    async with PromisingContext():
        promise: Promise[object] = Promise(work)
        await quiet_for_a_while()
        outside.set_result(1)
        assert await promise == 1


async def test_p7_a_wait_with_a_time_limit_is_no_circle() -> None:
    async def work() -> str:
        watching = asyncio.create_task(waiting_for(promise))
        done, _ = await asyncio.wait([watching], timeout=0.1)
        return "late" if done else "in time"

    async with PromisingContext():
        promise: Promise[str] = Promise(work)
        assert await promise == "in time"


async def test_p7_a_bounded_stream_that_waits_for_readers_is_no_circle() -> None:
    async def pieces() -> AsyncIterator[int]:
        for number in range(3):
            yield number

    async with PromisingContext():
        stream = StreamedPromise(pieces, as_tuple, max_ahead=1)
        reader = aiter(stream)
        for number in range(3):
            await asyncio.sleep(0.03)
            assert await anext(reader) == number


async def test_p7_a_reader_that_was_woken_and_has_not_had_its_turn_is_in_no_circle() -> None:
    async def pieces() -> AsyncIterator[object]:
        await asyncio.sleep(1)
        asyncio.get_running_loop().call_soon(context.watch._sweep)  # before the turn of the reader
        yield "a piece"
        yield await reader

    async with PromisingContext() as context:
        stream = stream_of(pieces, "stream")
        reader = Promise(lambda: anext(aiter(stream)), name="reader")
        assert await stream == ("a piece", "a piece")


async def test_p7_two_producers_that_read_each_other_in_turns_are_no_circle() -> None:
    async def ping() -> AsyncIterator[object]:
        yield 0
        async for piece in pongs:
            await asyncio.sleep(0.005)
            if not isinstance(piece, int) or piece > 5:
                return
            yield piece + 1

    async def pong() -> AsyncIterator[object]:
        async for piece in pings:
            yield piece

    async with PromisingContext():
        pings = stream_of(ping, "ping")
        pongs = stream_of(pong, "pong")
        assert await pongs == tuple(range(7))
