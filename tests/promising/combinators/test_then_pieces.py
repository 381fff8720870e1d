"""P10: what an async function makes of pieces: in order or as it comes, so many at once, with errors in place."""

import asyncio
import sys
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, strategies as st

from miniagents.promising import (
    Promise,
    PromiseCancelledError,
    PromiseDeadlockError,
    PromisingContext,
    Stream,
    StreamAppender,
    StreamedPromise,
)
from miniagents.testing import VirtualClockEventLoop
from tests.counting import calls_of
from tests.effort import examples, rounds

pytestmark = pytest.mark.virtual_clock

few = examples(100)


async def outcomes(stream: Stream[object]) -> list[object]:
    """Pieces, and errors as text."""
    read: list[object] = []
    pieces = aiter(stream)
    while True:
        try:
            read.append(await anext(pieces))
        except StopAsyncIteration:
            return read
        except Exception as error:  # noqa: BLE001 - whatever is in the stream
            read.append(str(error))


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


class Calls:
    """An async function that waits and fails as it is told, and knows how many calls of it run."""

    def __init__(self) -> None:
        self.running = 0
        self.most = 0
        self.begun: list[int] = []
        self.cancelled: list[int] = []

    async def __call__(self, call: tuple[int, int, bool]) -> int:
        number, pause, fails = call
        self.begun.append(number)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            if pause:
                await asyncio.sleep(pause)
            if fails:
                raise ValueError(number)
            return number
        except asyncio.CancelledError:
            self.cancelled.append(number)
            raise
        finally:
            self.running -= 1


calls = st.lists(st.tuples(st.integers(0, 4), st.booleans()), max_size=8).map(
    lambda drawn: [(number, pause, fails) for number, (pause, fails) in enumerate(drawn)]
)
limits = st.none() | st.integers(1, 4)


@few
@given(calls, limits, st.none() | st.integers(1, 3))
def test_p10_in_order_it_is_what_map_gives(
    pieces: list[tuple[int, int, bool]], concurrency: int | None, max_ahead: int | None
) -> None:
    async def main() -> None:
        fn = Calls()
        async with PromisingContext() as context:
            source = StreamedPromise.of(pieces)
            bounded = source if max_ahead is None else source.buffer(max_ahead)
            result = bounded.then_pieces(fn, concurrency=concurrency)
            expected = [str(number) if fails else number for number, _, fails in pieces]
            assert await outcomes(result) == expected
            assert await outcomes(result) == expected  # P4
            await turns()
            assert not context.tasks
        assert fn.begun == [number for number, _, _ in pieces]
        assert fn.most <= (concurrency or len(pieces))
        assert not fn.running

    with asyncio.Runner(loop_factory=VirtualClockEventLoop) as runner:
        runner.run(main())


@few
@given(calls, limits)
def test_p10_out_of_order_each_comes_when_it_is_there(
    pieces: list[tuple[int, int, bool]], concurrency: int | None
) -> None:
    async def main() -> None:
        fn = Calls()
        loop = asyncio.get_running_loop()
        async with PromisingContext():
            result = StreamedPromise.of(pieces).then_pieces(fn, concurrency=concurrency, ordered=False)
            came: list[tuple[float, object]] = []
            iterator = aiter(result)
            while True:
                try:
                    came.append((loop.time(), await anext(iterator)))
                except StopAsyncIteration:
                    break
                except ValueError as error:
                    came.append((loop.time(), str(error)))
                came[-1] = (loop.time(), came[-1][1])
        # plain Python: `concurrency` clerks, of whom the first to be free takes the next piece
        free = [0.0] * (concurrency or len(pieces))
        expected: list[tuple[float, object]] = []
        for number, pause, fails in pieces:
            free.sort()
            free[0] += pause
            expected.append((free[0], str(number) if fails else number))
        assert sorted(came, key=str) == sorted(expected, key=str)
        assert [moment for moment, _ in came] == sorted(moment for moment, _ in expected)

    with asyncio.Runner(loop_factory=VirtualClockEventLoop) as runner:
        runner.run(main())


def test_p10_calls_run_side_by_side_and_no_more_of_them_than_may() -> None:
    async def main(concurrency: int | None) -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with PromisingContext():
            assert await StreamedPromise.of(range(6)).then_pieces(
                lambda number: asyncio.sleep(1, number), concurrency=concurrency
            ) == tuple(range(6))
        return loop.time() - began

    with asyncio.Runner(loop_factory=VirtualClockEventLoop) as runner:
        assert [runner.run(main(concurrency)) for concurrency in (1, 2, 3, None)] == [6, 3, 2, 1]


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("concurrency", [1, 2, None])
async def test_p5_errors_of_the_source_stay_in_order(concurrency: int | None, ordered: bool) -> None:
    async with PromisingContext():
        source = StreamedPromise.of("12x4").map_pieces(int)
        result = source.then_pieces(lambda number: asyncio.sleep(0, number), concurrency=concurrency, ordered=ordered)
        read = await outcomes(result)
        assert {str(piece)[:15] for piece in read} == {"1", "2", "invalid literal", "4"}
        if ordered or concurrency == 1:
            assert [str(piece)[:15] for piece in read] == ["1", "2", "invalid literal", "4"]


@pytest.mark.parametrize("ordered", [True, False])
async def test_p7_cancelling_the_result_cancels_the_calls_and_frees_the_source(ordered: bool) -> None:
    fn = Calls()
    async with PromisingContext() as context:
        appender = StreamAppender[tuple[int, int, bool]]()
        appender.extend([(0, 60, False), (1, 60, False), (2, 60, False)])
        result = appender.promise.then_pieces(fn, concurrency=2, ordered=ordered)
        await turns()
        assert fn.running == 2
        result.cancel()
        await turns(1)
        assert sorted(fn.cancelled) == [0, 1]
        await turns()
        assert not context.tasks
        assert appender.closed
        with pytest.raises(PromiseCancelledError):
            await result


async def test_p10_a_call_that_is_cancelled_by_itself_ends_the_others() -> None:
    fn = Calls()

    async def give_up(call: tuple[int, int, bool]) -> int:
        if call[0] == 1:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
        return await fn(call)

    async with PromisingContext() as context:
        result = StreamedPromise.of([(0, 60, False), (1, 60, False)]).then_pieces(give_up, concurrency=None)
        with pytest.raises(PromiseCancelledError):
            await result
        await turns()
        assert sorted(fn.cancelled) == [0, 1]
        assert not context.tasks


async def test_p10_a_call_that_waits_for_something_cancelled_is_an_error_in_its_place() -> None:
    async with PromisingContext():

        async def wait(number: int) -> int:
            if number == 1:
                await asyncio.wait_for(asyncio.shield(cancelled), 10)
            return number

        cancelled = asyncio.get_running_loop().create_future()
        cancelled.cancel()
        read = await outcomes(StreamedPromise.of([0, 1, 2]).then_pieces(wait))
        assert read[0] == 0
        assert read[2] == 2
        assert "waited for something that was cancelled" in str(read[1])


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("concurrency", [1, 4, None])
async def test_p9_a_bounded_source_stays_bounded(concurrency: int | None, ordered: bool) -> None:
    made: list[int] = []

    async def numbers() -> AsyncIterator[int]:
        for number in range(1000):
            made.append(number)
            yield number

    async def whole(_: object) -> None:
        pass

    async def same(number: int) -> int:
        await asyncio.sleep(0)
        return number

    async with PromisingContext():
        source = StreamedPromise(numbers, whole, max_ahead=3).pieces()
        result = source.then_pieces(same, concurrency=concurrency, ordered=ordered)
        await turns(300)
        assert len(made) <= 3 + 3 + (concurrency or 3)
        pieces = aiter(result)
        read = [await anext(pieces) for _ in range(10)]
        await turns(300)
        assert len(made) <= 10 + 3 + 3 + (concurrency or 3)
        assert sorted([*read, *[piece async for piece in pieces]]) == list(range(1000))


async def test_p10_a_slow_call_keeps_back_no_more_results_than_calls_may_run() -> None:
    async with PromisingContext():
        begun: list[int] = []
        release = asyncio.Event()

        async def first_is_slow(number: int) -> int:
            begun.append(number)
            if number == 0:
                await release.wait()
            return number

        result = StreamedPromise.of(range(100)).then_pieces(first_is_slow, concurrency=5)
        await turns(50)
        assert begun == [0, 1, 2, 3, 4]
        release.set()
        assert await result == tuple(range(100))


async def test_p2_a_lazy_source_stays_lazy() -> None:
    begun: list[bool] = []

    async def numbers() -> AsyncIterator[int]:
        begun.append(True)
        yield 1

    async def whole(_: object) -> None:
        pass

    async with PromisingContext():
        result = StreamedPromise(numbers, whole, start_asap=False).then_pieces(lambda number: asyncio.sleep(0, number))
        await turns()
        assert not begun
        assert await result == (1,)


async def test_p7_calls_that_wait_for_the_result_are_a_deadlock() -> None:
    async with PromisingContext():

        async def wait(_: int) -> tuple[int, ...]:
            return await result

        result: Stream[int] = StreamedPromise.of([1, 2, 3]).then_pieces(wait, concurrency=2).map_pieces(len)
        read = await outcomes(result)
        assert any("wait for each other" in str(piece) for piece in read), read


async def test_p7_a_reader_that_the_reading_waits_for_is_a_deadlock_as_well() -> None:
    async with PromisingContext():

        async def source() -> AsyncIterator[int]:
            yield 1
            await result
            yield 2

        async def whole(_: object) -> None:
            pass

        result: Stream[int] = StreamedPromise(source, whole).then_pieces(
            lambda number: asyncio.sleep(0, number), concurrency=3
        )
        with pytest.raises(PromiseDeadlockError):
            await result


async def test_p10_a_function_may_give_promises() -> None:
    async with PromisingContext():
        assert await StreamedPromise.of([1, 2]).then_pieces(Promise.resolved) == (1, 2)


@pytest.mark.parametrize("concurrency", [1, 8, None])
@pytest.mark.parametrize("ordered", [True, False])
async def test_p4_a_million_ready_pieces_starve_nobody(concurrency: int | None, ordered: bool) -> None:
    count = rounds(1_000_000 if concurrency == 1 and ordered else 100_000)
    ticks = 0

    async def ticker() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0)
            ticks += 1

    async def ready(number: int) -> int:
        return number

    async with PromisingContext():
        result = StreamedPromise.of(range(count)).then_pieces(ready, concurrency=concurrency, ordered=ordered)
        ticking = asyncio.create_task(ticker())
        assert len(await result) == count
        assert count // 512 <= ticks <= count // 10
        ticking.cancel()
        await turns()


def test_p10_calls_without_a_limit_cost_the_same_each_however_many_there_are() -> None:
    def calls(count: int) -> int:
        async def main() -> None:
            async with PromisingContext():
                waiting = StreamedPromise.of(range(count)).then_pieces(
                    lambda number: asyncio.sleep(1, number), concurrency=None
                )
                assert len(await waiting) == count

        with asyncio.Runner(loop_factory=VirtualClockEventLoop) as runner:
            return calls_of(lambda: runner.run(main()))

    assert calls(4_000) < 12 * calls(400)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12")
async def test_p4_tasks_that_start_eagerly_do_not_start_inside_of_each_other() -> None:
    async def slow(number: int) -> int:
        await asyncio.sleep(0.01)
        return number

    asyncio.get_running_loop().set_task_factory(getattr(asyncio, "eager_task_factory", None))
    async with PromisingContext():
        assert await StreamedPromise.of(range(3000)).then_pieces(slow, concurrency=None) == tuple(range(3000))


@pytest.mark.parametrize("concurrency", [0, -1])
def test_a_limit_below_one_is_refused(concurrency: int) -> None:
    with pytest.raises(ValueError, match=f"concurrency={concurrency}"):
        StreamedPromise.of([1]).then_pieces(lambda number: asyncio.sleep(0, number), concurrency=concurrency)


# --- buffer ---


@pytest.mark.parametrize("max_ahead", [0, -3])
def test_a_bound_below_one_is_refused(max_ahead: int) -> None:
    with pytest.raises(ValueError, match=rf"buffer\({max_ahead}\)"):
        StreamedPromise.of([1]).buffer(max_ahead)


async def test_p9_a_buffer_bounds_what_reads_an_unbounded_source() -> None:
    async with PromisingContext():
        seen: list[int] = []

        def look(number: int) -> int:
            seen.append(number)
            return number

        result = StreamedPromise.of(range(100)).buffer(4).map_pieces(look)
        await turns(200)
        assert len(seen) == 4
        pieces = aiter(result)
        assert [await anext(pieces) for _ in range(3)] == [0, 1, 2]
        await turns(200)
        assert len(seen) == 7
        assert await result == tuple(range(100))


async def test_p9_a_buffer_lets_a_narrow_source_run_ahead() -> None:
    made: list[int] = []

    async def numbers() -> AsyncIterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    async def whole(_: object) -> None:
        pass

    async with PromisingContext():
        result = StreamedPromise(numbers, whole, max_ahead=1).buffer(20)
        await turns(200)
        assert 20 <= len(made) <= 22
        assert await result == tuple(range(100))
