"""P10: cancelling what a combinator made frees what it was made of, unless somebody else uses that (P3)."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine

import pytest

from miniagents.promising import (
    Promise,
    PromiseCancelledError,
    PromisingContext,
    Stream,
    StreamedPromise,
    concat,
    gather,
    merge,
)


class Source:
    """A stream that gives a first piece and then nothing more; it knows whether it was stopped."""

    def __init__(self) -> None:
        self.stopped = False

    async def __call__(self) -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            self.stopped = True

    def stream(self, *, max_ahead: int | None = None) -> Stream[int]:
        async def whole(pieces: object) -> tuple[int, ...]:
            return await promise.pieces()

        promise = StreamedPromise(self, whole, max_ahead=max_ahead)
        return promise


async def turns(count: int = 3) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def never() -> int:
    await asyncio.Event().wait()
    raise AssertionError


async def test_p10_cancelling_a_result_frees_its_source_and_the_sources_of_that() -> None:
    source = Source()
    async with PromisingContext():
        stream = source.stream()
        result = stream.map_pieces(str).filter(bool).batch(2).fold(lambda total, batch: total + len(batch), 0)
        await turns()
        assert result.cancel()
        assert stream.done()
        await turns(1)
        assert source.stopped
        with pytest.raises(PromiseCancelledError, match="was cancelled with '.*map_pieces', which was made of it"):
            await stream


async def test_p10_a_promise_frees_its_source() -> None:
    async with PromisingContext():
        source = Promise(never)
        result = source.map(str)
        await turns()
        assert result.cancel()
        assert source.cancelled()


async def test_p10_a_source_is_freed_with_the_last_of_its_results() -> None:
    source = Source()
    async with PromisingContext():
        stream = source.stream()
        results = [stream.map_pieces(str), stream.take(5), stream.map(len), merge(stream, stream)]
        await turns()
        for result in results[:-1]:
            result.cancel()
            await turns()
            assert not source.stopped
        results[-1].cancel()
        await turns()
        assert source.stopped


async def test_p10_an_unread_result_that_is_dropped_holds_nothing() -> None:
    async with PromisingContext():
        source = Promise(never, start_asap=False)
        dropped = source.map(str)  # as lazy as its source: no task knows of it
        kept = source.map(str)
        del dropped
        kept.cancel()
        assert source.cancelled()


async def _await_it(stream: Stream[int]) -> object:
    return await stream


async def _iterate(stream: Stream[int]) -> object:
    return [piece async for piece in stream]


async def _be_busy_with_a_piece(stream: Stream[int]) -> object:
    async for _ in stream:
        await asyncio.Event().wait()
    return None


@pytest.mark.parametrize("read", [_await_it, _iterate, _be_busy_with_a_piece])
async def test_p3_a_source_with_a_reader_is_not_freed(
    read: Callable[[Stream[int]], Coroutine[object, object, object]],
) -> None:
    source = Source()
    async with PromisingContext():
        stream = source.stream()
        reader = asyncio.create_task(read(stream))
        result = stream.map_pieces(str)
        await turns()
        result.cancel()
        await turns()
        assert not source.stopped
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
        # a reader that leaves changes nothing either: only a result that is cancelled frees what it is made of
        assert not source.stopped
        stream.map_pieces(str).cancel()
        await turns()
        assert source.stopped


async def test_p3_the_work_of_something_else_reads_as_a_guest_and_frees_nothing() -> None:
    async with PromisingContext():
        source = Promise(never)

        async def work() -> int:
            return await source.map(lambda value: value + 1)

        other = Promise(work)
        await turns()
        other.cancel()
        await turns()
        assert not source.done()
        source.cancel()


async def test_p10_a_finished_result_leaves_its_source_alone() -> None:
    source = Source()
    async with PromisingContext():
        stream = source.stream()
        first = stream.take(1)
        assert await first == (1,)
        first.cancel()
        await turns()
        assert not source.stopped
        stream.cancel()


async def test_p10_what_a_function_gives_back_is_freed_while_it_is_read() -> None:
    inner = Source()
    async with PromisingContext():
        stream = inner.stream()
        result = StreamedPromise.of([1, 2]).flat_map(lambda _: stream)
        await turns()
        result.cancel()
        await turns()
        assert inner.stopped


async def test_p10_the_inner_promise_of_a_flattened_one_is_freed() -> None:
    async with PromisingContext():
        inner = Promise(never)
        flat = Promise.resolved(inner).flatten()
        await turns()
        flat.cancel()
        assert inner.cancelled()


async def test_p10_all_sources_are_freed() -> None:
    combinators: list[Callable[[Stream[int], Stream[int]], Promise[object]]] = [
        gather,
        Stream[int].zip,
        Stream[int].chain,
        merge,
        concat,
        lambda left, right: Promise.resolved(()).pair(left).pair(right),
    ]
    for combine in combinators:
        left, right = Source(), Source()
        async with PromisingContext():
            result = combine(left.stream(), right.stream())
            await turns()
            result.cancel()
            await turns()
            assert (left.stopped, right.stopped) == (True, True)


async def test_p9_what_is_made_of_a_bounded_stream_is_bounded() -> None:
    made: list[int] = []

    async def numbers() -> AsyncIterator[int]:
        for number in range(1000):
            made.append(number)
            yield number

    async def whole(_: object) -> None:
        pass

    combinators: list[Callable[[StreamedPromise[int, None]], Stream[object]]] = [
        lambda stream: stream.map_pieces(str),
        lambda stream: merge(stream, StreamedPromise.of([1])),
        lambda stream: stream.filter(bool).map_pieces(str).take(900),
    ]
    async with PromisingContext():
        for derive in combinators:
            made.clear()
            stream: StreamedPromise[int, None] = StreamedPromise(numbers, whole, max_ahead=3)
            result = derive(stream)
            await turns(2000)
            assert len(made) <= 3 * 4 + 3
            assert len([piece async for piece in result]) >= 900
