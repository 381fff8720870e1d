"""P2 to P5, P8 and P9: streams, their readers, errors in place, and bounds."""

import asyncio
import traceback
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Iterable

import pytest

from miniagents.promising import (
    Promise,
    PromiseCancelledError,
    PromisingContext,
    Stream,
    StreamAppender,
    StreamedPromise,
    concat,
    merge,
)
from tests.effort import rounds

pytestmark = pytest.mark.virtual_clock


class OddError(BaseException):
    pass


async def as_tuple(pieces: AsyncIterable[int]) -> tuple[int, ...]:
    return tuple([piece async for piece in pieces])


def stream_of(
    streamer: Callable[[], AsyncIterator[int]],
    *,
    start_asap: bool = True,
    max_ahead: int | None = None,
    name: str | None = None,
) -> Stream[int]:
    return StreamedPromise(streamer, as_tuple, start_asap=start_asap, max_ahead=max_ahead, name=name)


async def outcomes(stream: AsyncIterable[int]) -> list[int | BaseException]:
    """All pieces, errors among them, in their places."""
    read: list[int | BaseException] = []
    pieces = aiter(stream)
    while True:
        try:
            read.append(await anext(pieces))
        except StopAsyncIteration:
            return read
        except (Exception, OddError) as error:  # noqa: BLE001 - whatever is in the stream
            read.append(error)


class Numbers:
    """Counts up; each number is let through by `go`. Tells how far it came and whether it was closed."""

    def __init__(self, count: int = 3) -> None:
        self.count = count
        self.made = 0
        self.closed = asyncio.Event()
        self.go = asyncio.Semaphore(0)

    async def __call__(self) -> AsyncIterator[int]:
        try:
            for number in range(self.count):
                await self.go.acquire()
                self.made = number + 1
                yield number
        finally:
            self.closed.set()

    def let(self, count: int | None = None) -> None:
        for _ in range(self.count if count is None else count):
            self.go.release()


async def settle(turns: int = 20) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)


# --- P2 ---


async def test_p2_an_eager_stream_is_made_without_readers_and_its_whole_too() -> None:
    numbers = Numbers()
    async with PromisingContext():
        stream = stream_of(numbers)
        numbers.let()
        await settle()
        assert numbers.made == 3
        assert stream.done()
        assert await stream == (0, 1, 2)


@pytest.mark.parametrize("by", ["iterating", "awaiting"])
async def test_p2_a_lazy_stream_starts_with_its_first_reader(by: str) -> None:
    numbers = Numbers()
    numbers.let()
    async with PromisingContext():
        stream = stream_of(numbers, start_asap=False)
        doubled = stream.map_pieces(lambda number: 2 * number)
        await settle()
        assert numbers.made == 0
        assert doubled._is_lazy()
        if by == "iterating":
            assert await anext(aiter(doubled)) == 0
        else:
            assert await doubled == (0, 2, 4)
        assert await stream == (0, 1, 2)


# --- P3 ---


async def test_p3_a_reader_that_times_out_takes_nothing_from_the_others() -> None:
    numbers = Numbers()
    async with PromisingContext():
        stream = stream_of(numbers, start_asap=False)
        impatient, patient = aiter(stream), asyncio.create_task(outcomes(stream))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(impatient), 0.01)
        numbers.let()
        assert await patient == [0, 1, 2]
        assert await outcomes(stream) == [0, 1, 2]
        assert await anext(impatient) == 0


async def test_p3_a_reader_that_leaves_half_way_changes_nothing() -> None:
    numbers = Numbers()
    numbers.let()
    async with PromisingContext():
        stream = stream_of(numbers, start_asap=False)
        async for _ in stream:
            break
        assert await outcomes(stream) == [0, 1, 2]
        assert await stream == (0, 1, 2)
    assert await outcomes(stream) == [0, 1, 2]


async def test_p3_cancelling_a_promise_that_read_a_lazy_stream_first_leaves_the_stream_to_others() -> None:
    numbers = Numbers()
    async with PromisingContext():
        stream = stream_of(numbers, start_asap=False)

        async def read() -> tuple[int, ...]:
            return await stream

        reader = Promise(read)
        waiting = asyncio.create_task(reader._settled())
        await settle()
        reader.cancel()
        await waiting
        numbers.let()
        assert await stream == (0, 1, 2)


async def test_p3_a_lazy_stream_runs_with_the_context_variables_of_where_it_was_made() -> None:
    async def pieces() -> AsyncIterator[int]:
        seen.append(PromisingContext.current())
        yield 1

    seen: list[PromisingContext] = []
    async with PromisingContext() as outer:
        stream = stream_of(pieces, start_asap=False)
        async with PromisingContext():
            assert await stream == (1,)
    assert seen == [outer]


# --- P4 ---


async def test_p4_a_late_reader_gets_every_piece_from_the_first() -> None:
    async with PromisingContext():
        numbers = Numbers()
        stream = stream_of(numbers)
        early = asyncio.create_task(outcomes(stream))
        numbers.let(2)
        await settle()
        middle = asyncio.create_task(outcomes(stream))
        await settle()
        numbers.let(1)
        assert await early == await middle == [0, 1, 2]
    assert await outcomes(stream) == [0, 1, 2]


async def test_p4_ready_pieces_cost_no_task_switch() -> None:
    switches = 0

    async def others() -> None:
        nonlocal switches
        while True:
            await asyncio.sleep(0)
            switches += 1

    async with PromisingContext():
        stream = StreamedPromise.of(range(100))
        other = asyncio.create_task(others())
        await asyncio.sleep(0)
        assert len(await outcomes(stream)) == 100
        assert switches == 0
        other.cancel()
        await settle(2)


@pytest.mark.parametrize(
    "what", ["of", "streamer", "bounded streamer", "mapped", "chained foreign generator", "merged foreign generators"]
)
async def test_p4_a_million_ready_pieces_starve_nobody(what: str) -> None:
    count = rounds(1_000_000 if what == "of" else 100_000)

    async def ready() -> AsyncIterator[int]:
        for number in range(count):
            yield number

    ticks = 0

    async def ticker() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0)
            ticks += 1

    async with PromisingContext():
        pieces = range(count)
        makers: dict[str, Callable[[], Stream[int]]] = {
            "of": lambda: StreamedPromise.of(pieces),
            "streamer": lambda: stream_of(ready),
            "bounded streamer": lambda: stream_of(ready, max_ahead=count),
            "mapped": lambda: StreamedPromise.of(pieces).map_pieces(abs),
            "chained foreign generator": lambda: StreamedPromise.of([0]).chain(ready()).filter(lambda _: False),
            "merged foreign generators": lambda: merge(ready(), ready()).filter(lambda _: False),
        }
        stream = makers[what]()
        ticking = asyncio.create_task(ticker())
        await asyncio.sleep(0)
        ticks = 0
        total = 0
        async for _ in stream:
            total += 1
        await stream._settled()
        assert total in (0, count)
        assert ticks >= count // 512
        ticking.cancel()
        await settle(2)


# --- P5 ---


@pytest.mark.parametrize("kind", [ValueError, OddError])
async def test_p5_an_error_is_a_piece_and_the_whole_raises_the_first(kind: type[BaseException]) -> None:
    first, second = kind("first"), kind("second")
    async with PromisingContext():
        with StreamAppender[int]() as appender:
            appender.append(0)
            appender.fail(first)
            appender.append(1)
            appender.fail(second)
            appender.append(2)
        stream = appender.promise
        for _ in range(2):
            assert await outcomes(stream) == [0, first, 1, second, 2]
            with pytest.raises(kind) as raised:
                await stream
            assert raised.value is first


@pytest.mark.parametrize("kind", [ValueError, OddError, StopIteration])
async def test_p5_an_error_of_the_streamer_is_its_last_piece(kind: type[BaseException]) -> None:
    class Failing(AsyncIterator[int]):
        async def __anext__(self) -> int:
            raise kind("no")

    async with PromisingContext():
        stream = stream_of(Failing)
        read = await outcomes(stream)
        assert len(read) == 1
        assert kind.__name__ in repr(read[0])
        assert await outcomes(stream) == read


async def test_p5_an_error_of_calling_the_streamer_or_of_the_whole_reaches_the_readers() -> None:
    def broken() -> AsyncIterator[int]:
        raise ValueError("broken")

    async def pieces() -> AsyncIterator[int]:
        yield 1

    async def whole(_: AsyncIterable[int]) -> int:
        raise KeyError("whole")

    def collect(_: object) -> int:
        raise KeyError("collect")

    async with PromisingContext():
        stream = stream_of(broken)
        with pytest.raises(ValueError, match="broken"):
            await stream
        with pytest.raises(ValueError, match="broken"):
            await anext(aiter(stream))
        half = StreamedPromise(pieces, whole)
        assert await outcomes(half) == [1]
        other = half.into(collect)
        for _ in range(2):
            with pytest.raises(KeyError, match="whole"):
                await half
            with pytest.raises(KeyError, match="collect"):
                await other


async def test_p5_combinators_keep_errors_in_their_places() -> None:
    def picky(number: int) -> int:
        if number == 2:
            raise KeyError(number)
        return 10 * number

    error = ValueError("no")
    async with PromisingContext():
        with StreamAppender[int]() as appender:
            appender.extend([1, 2])
            appender.fail(error)
            appender.append(3)
        stream = appender.promise
        mapped = await outcomes(stream.map_pieces(picky))
        assert [mapped[0], repr(mapped[1]), mapped[2], mapped[3]] == [10, "KeyError(2)", error, 30]
        assert await outcomes(stream.filter(lambda number: number != 2)) == [1, error, 3]
        assert await outcomes(stream.scan(lambda total, number: total + number, 0)) == [1, 3, error, 6]
        assert await outcomes(stream.take(3)) == [1, 2, error, 3]
        assert await outcomes(stream.chain(stream)) == [1, 2, error, 3] * 2
        assert await outcomes(stream.flat_map(lambda number: StreamedPromise.of([number] * 2))) == [
            *[1, 1, 2, 2],
            error,
            *[3, 3],
        ]
        pairs: list[object] = []
        zipped = aiter(stream.zip(StreamedPromise.of("abcd")))
        for _ in range(4):
            try:
                pairs.append(await anext(zipped))
            except ValueError as raised:
                pairs.append(raised)
        assert pairs == [(1, "a"), (2, "b"), error, (3, "d")]


async def test_p1_the_traceback_of_an_error_in_a_stream_does_not_grow() -> None:
    async def pieces() -> AsyncIterator[int]:
        yield 1
        raise ValueError("no")

    async with PromisingContext():
        stream = stream_of(pieces)
        lengths: set[int] = set()
        for _ in range(100):
            read = await outcomes(stream)
            assert isinstance(read[1], ValueError)
            lengths.add(len(traceback.extract_tb(read[1].__traceback__)))
        assert len(lengths) == 1


# --- P7 ---


async def test_p7_cancelling_a_stream_stops_its_producer_and_tells_its_readers() -> None:
    numbers = Numbers(1000)
    async with PromisingContext():
        stream = stream_of(numbers, name="numbers")
        reader = asyncio.create_task(outcomes(stream))
        numbers.let(2)
        await settle()
        assert stream.cancel()
        await numbers.closed.wait()
        read = await reader
        assert read[:2] == [0, 1]
        assert isinstance(read[2], PromiseCancelledError)
        assert len(read) == 3
        assert numbers.made == 2
        with pytest.raises(PromiseCancelledError, match="'numbers' was cancelled"):
            await stream
        view = stream.pieces()
        assert view.cancelled()


async def test_p7_cancelling_a_stream_that_is_complete_changes_nothing() -> None:
    stream = StreamedPromise.of([1, 2])
    assert not stream.cancel()
    assert await stream == (1, 2)
    numbers = Numbers()
    numbers.let()
    async with PromisingContext():
        made = stream_of(numbers)
        assert await made == (0, 1, 2)
        await settle()
        for view in (made, made.pieces(), made.into(sum)):
            assert not view.cancel()
            assert not view.cancelled()
            await view


async def test_p7_cancelling_a_lazy_stream_that_never_started_tells_its_readers() -> None:
    numbers = Numbers()
    async with PromisingContext():
        stream = stream_of(numbers, start_asap=False)
        assert stream.cancel()
        with pytest.raises(PromiseCancelledError):
            await stream
        with pytest.raises(PromiseCancelledError):
            await anext(aiter(stream))
    assert numbers.made == 0


async def test_p7_a_stream_that_nobody_reads_any_more_can_be_cancelled_half_way() -> None:
    made = 0

    async def tokens() -> AsyncIterator[int]:
        nonlocal made
        for made in range(200_000):
            yield made

    async with PromisingContext():
        stream = stream_of(tokens)
        async for _ in stream:
            break
        stream.cancel()
    assert made < 1000


# --- P8 ---


@pytest.mark.parametrize("max_ahead", [1, 3])
async def test_p8_a_half_read_lazy_bounded_generator_is_closed_at_the_end(max_ahead: int, logged: list[str]) -> None:
    numbers = Numbers(1000)
    numbers.let()
    async with PromisingContext():
        stream = stream_of(numbers, start_asap=False, max_ahead=max_ahead)
        assert await anext(aiter(stream)) == 0
    assert numbers.closed.is_set()
    assert numbers.made <= 1 + max_ahead
    read = await outcomes(stream)
    assert read[:-1] == list(range(numbers.made))
    assert isinstance(read[-1], PromiseCancelledError)
    assert not logged


@pytest.mark.parametrize("how", ["chain", "concat", "flat_map", "merge", "zip"])
async def test_p8_a_foreign_generator_is_closed_with_the_stream_that_reads_it(how: str) -> None:
    reached, closed = asyncio.Event(), asyncio.Event()

    async def foreign() -> AsyncGenerator[int]:
        try:
            yield 1
            reached.set()
            await asyncio.Event().wait()
        finally:
            closed.set()

    async with PromisingContext():
        one = StreamedPromise.of([0, 0])
        makers: dict[str, Callable[[], Stream[object]]] = {
            "chain": lambda: one.chain(foreign()),
            "concat": lambda: concat(one, foreign()),
            "flat_map": lambda: one.flat_map(lambda _: foreign()),
            "merge": lambda: merge(one, foreign()),
            "zip": lambda: one.zip(foreign()),
        }
        stream = makers[how]()
        await reached.wait()
        stream.cancel()
        await settle()
        assert closed.is_set()


async def test_p8_a_foreign_generator_that_is_not_read_to_its_end_is_closed() -> None:
    closed = asyncio.Event()

    async def foreign() -> AsyncGenerator[int]:
        try:
            yield 1
            yield 2
        finally:
            closed.set()

    async with PromisingContext():
        assert await StreamedPromise.of([0]).zip(foreign()) == ((0, 1),)
        assert closed.is_set()


# --- P9 ---


@pytest.mark.parametrize("max_ahead", [1, 2, 5])
async def test_p9_a_producer_stays_within_its_bound_of_the_furthest_reader(max_ahead: int) -> None:
    numbers = Numbers(20)
    numbers.let()
    async with PromisingContext():
        stream = stream_of(numbers, max_ahead=max_ahead)
        await settle()
        assert numbers.made == max_ahead
        slow, fast = aiter(stream), aiter(stream)
        assert await anext(slow) == 0
        for count in range(1, 15):
            assert await anext(fast) == count - 1
            await settle()
            assert numbers.made == count + max_ahead if count + max_ahead < 20 else 20
        assert await stream == tuple(range(20))


async def test_p9_awaiting_the_whole_wants_every_piece() -> None:
    numbers = Numbers(20)
    numbers.let()
    async with PromisingContext():
        assert await stream_of(numbers, max_ahead=1, start_asap=False) == tuple(range(20))


@pytest.mark.parametrize("max_ahead", [0, -1])
async def test_p9_a_bound_that_lets_nothing_through_is_refused(max_ahead: int) -> None:
    async with PromisingContext():
        with pytest.raises(ValueError, match=f"max_ahead={max_ahead}: a bound lets at least one piece through"):
            stream_of(Numbers(), max_ahead=max_ahead)
        with pytest.raises(ValueError, match=f"max_ahead={max_ahead}: a bound lets at least one piece through"):
            StreamAppender[int](max_ahead=max_ahead)


# --- a whole that looks at itself ---


async def test_p1_what_makes_the_whole_is_called_once_even_if_it_asks_whether_the_whole_is_done() -> None:
    calls: list[list[int]] = []

    def collect(pieces: Iterable[int]) -> int:
        calls.append(list(pieces))
        assert not total.done()
        return sum(calls[0])

    total = StreamedPromise.of([1, 2]).into(collect)
    assert await total == await total == 3
    assert calls == [[1, 2]]


async def test_p1_a_whole_that_is_cancelled_while_it_is_made_is_cancelled() -> None:
    def collect(pieces: Iterable[int]) -> int:
        assert total.cancel()
        return sum(pieces)

    total = StreamedPromise.of([1, 2]).into(collect)
    for _ in range(2):
        with pytest.raises(PromiseCancelledError):
            await total
    assert total.cancelled()
    assert [piece async for piece in total] == [1, 2]
