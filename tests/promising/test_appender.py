"""P3, P5, P7 and P9 for streams that are written by hand."""

import asyncio
import gc

import pytest

from miniagents.promising import (
    AppenderAbandonedError,
    AppenderClosedError,
    NoActiveContextError,
    PromiseCancelledError,
    PromisingContext,
    StreamAppender,
)

pytestmark = pytest.mark.virtual_clock


class OddError(BaseException):
    pass


async def read_all(appender: StreamAppender[int]) -> list[int]:
    return [piece async for piece in appender]


async def test_p4_two_readers_of_one_appender_are_both_served() -> None:
    async with PromisingContext():
        appender = StreamAppender[int]()
        readers = [asyncio.create_task(read_all(appender)) for _ in range(2)]
        with appender:
            for number in range(3):
                appender.append(number)
                await asyncio.sleep(0)
        assert await asyncio.gather(*readers) == [[0, 1, 2]] * 2
        assert appender.closed


async def test_p5_an_error_in_the_with_block_is_the_last_piece_and_goes_on_to_the_caller() -> None:
    error = ValueError("no")
    async with PromisingContext():
        appender = StreamAppender[int]()
        appender.append(1)
        with pytest.raises(ValueError, match="no"), appender:
            raise error
        pieces = aiter(appender)
        assert await anext(pieces) == 1
        with pytest.raises(ValueError, match="no") as raised:
            await anext(pieces)
        assert raised.value is error
        with pytest.raises(StopAsyncIteration):
            await anext(pieces)


async def test_p5_what_is_no_exception_is_a_piece_and_goes_on_as_well() -> None:
    async with PromisingContext():
        appender = StreamAppender[int]()
        with pytest.raises(OddError), appender:
            raise OddError
        with pytest.raises(OddError):
            await appender.promise


async def test_p7_a_dropped_appender_ends_its_stream_with_an_error_that_names_it() -> None:
    async with PromisingContext():
        promise = StreamAppender[int](name="forgotten").promise
        gc.collect()
        with pytest.raises(AppenderAbandonedError, match="'forgotten' was dropped before it was closed"):
            await promise


async def test_p7_an_appender_that_is_still_held_when_the_context_ends_holds_nobody_up(logged: list[str]) -> None:
    async with PromisingContext():
        appender = StreamAppender[int](name="held")
        total = appender.promise.fold(lambda total, number: total + number, 0)
        appender.append(1)
    assert [line.partition(":")[0] for line in logged] == ["an error that nobody has read, in 'held.fold'"]
    with pytest.raises(AppenderAbandonedError, match="the context ended before 'held' was closed"):
        await total
    with pytest.raises(AppenderClosedError, match="'held'"):
        appender.append(2)


async def test_a_closed_appender_refuses_whatever_is_added() -> None:
    async with PromisingContext():
        appender = StreamAppender[int](name="letters")
        appender.close()
        appender.close()
        with pytest.raises(AppenderClosedError, match=r"'letters': append\(\) after the stream has ended"):
            appender.append(1)
        with pytest.raises(AppenderClosedError, match=r"'letters': extend\(\)"):
            appender.extend([1])
        with pytest.raises(AppenderClosedError, match=r"'letters': fail\(\)"):
            appender.fail(ValueError("no"))
        assert await appender.promise == ()


async def test_p7_a_cancelled_stream_tells_its_appender() -> None:
    async with PromisingContext():
        with StreamAppender[int](name="letters") as appender:
            assert appender.promise.cancel()
            with pytest.raises(PromiseCancelledError, match=r"'letters': append\(\) after the stream was cancelled"):
                appender.append(1)
        with pytest.raises(PromiseCancelledError):
            await appender.promise


def test_an_appender_outside_a_context_says_what_to_do() -> None:
    with pytest.raises(NoActiveContextError, match="'letters' needs an active context"):
        StreamAppender[int](name="letters")


async def test_p9_drain_keeps_the_appender_within_its_bound() -> None:
    written = 0

    async def write(appender: StreamAppender[int]) -> None:
        nonlocal written
        with appender:
            for number in range(10):
                appender.append(number)
                written = number + 1
                await appender.drain()

    async with PromisingContext():
        appender = StreamAppender[int](max_ahead=2)
        writer = asyncio.create_task(write(appender))
        pieces = aiter(appender)
        for _ in range(20):
            await asyncio.sleep(0)
        assert written == 2
        assert await anext(pieces) == 0
        for _ in range(20):
            await asyncio.sleep(0)
        assert written == 3
        assert await appender.promise == tuple(range(10))
        await writer


async def test_p9_draining_ends_when_the_stream_does() -> None:
    async with PromisingContext():
        appender = StreamAppender[int](max_ahead=1)
        appender.append(1)
        writer = asyncio.create_task(appender.drain())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not writer.done()
        appender.promise.cancel()
        await writer


async def test_p3_one_of_several_writers_can_be_cancelled_alone() -> None:
    async with PromisingContext():
        with StreamAppender[int](max_ahead=1) as appender:
            appender.append(1)
            writers = [asyncio.create_task(appender.drain()) for _ in range(2)]
            for _ in range(3):
                await asyncio.sleep(0)
            writers[0].cancel()
            for _ in range(3):
                await asyncio.sleep(0)
            assert [writer.done() for writer in writers] == [True, False]
            assert await anext(aiter(appender)) == 1
            await writers[1]
            assert writers[0].cancelled()
