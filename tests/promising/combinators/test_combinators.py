"""P10: combinators keep the rules of promises."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from miniagents.promising import (
    Promise,
    PromiseCancelledError,
    PromisingContext,
    StreamAppender,
    StreamedPromise,
    concat,
    gather,
    merge,
    race,
)


async def never() -> int:
    await asyncio.Event().wait()
    return 1


async def settle(turns: int = 20) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)


async def test_map_then_tap_and_flatten() -> None:
    async def double(value: int) -> int:
        return 2 * value

    tapped: list[int] = []
    async with PromisingContext():
        one = Promise.resolved(1)
        assert await one.map(str) == "1"
        assert await one.then(double) == 2
        assert await one.tap(tapped.append) == 1
        assert tapped == [1]
        assert await Promise.resolved(one).flatten() == 1
        assert await Promise.resolved((1, "a")).pair(one).starmap(
            lambda number, text, other: (text, number, other)
        ) == (
            "a",
            1,
            1,
        )


async def test_p5_an_error_passes_through_and_one_of_the_function_is_the_results() -> None:
    error = ValueError("no")
    async with PromisingContext():
        failed = Promise.failed(error)
        for derived in (failed.map(str), failed.tap(print), failed.recover(str, KeyError), gather(failed)):
            with pytest.raises(ValueError, match="no") as raised:
                await derived
            assert raised.value is error
        assert await failed.recover(str) == "no"
        with pytest.raises(ZeroDivisionError):
            await Promise.resolved(0).map(lambda value: 1 // value)


async def test_recover_catches_no_more_than_it_is_told_to() -> None:
    class OddError(BaseException):
        pass

    async with PromisingContext():
        failed = Promise.failed(OddError())
        for derived in (failed.recover(str), failed.recover(str, ValueError)):
            with pytest.raises(OddError):
                await derived
        assert await failed.recover(repr, OddError) == "OddError()"


async def test_p3_a_timeout_leaves_the_work_to_its_other_readers() -> None:
    gate = asyncio.Event()

    async def work() -> int:
        await gate.wait()
        return 1

    async with PromisingContext():
        promise = Promise(work, name="work")
        with pytest.raises(TimeoutError, match="'work' gave no result within 0.01 s"):
            await promise.timeout(0.01)
        nothing: None = None
        assert await promise.timeout(0.01, default=nothing) is None
        gate.set()
        assert await promise.timeout(5) == 1


async def test_a_timeout_error_of_the_source_is_the_sources_own() -> None:
    error = TimeoutError("the source's")
    async with PromisingContext():
        with pytest.raises(TimeoutError) as raised:
            await Promise.failed(error).timeout(5, default=1)
        assert raised.value is error


async def test_gather_keeps_order_fails_fast_and_leaves_the_others_alone() -> None:
    gate = asyncio.Event()

    async def slow() -> str:
        await gate.wait()
        return "slow"

    async def fails() -> int:
        raise ValueError("no")

    async def one() -> int:
        return 1

    async with PromisingContext():
        source = Promise(slow)
        with pytest.raises(ValueError, match="no"):
            await gather(source, Promise(fails))
        both = gather(source, one())
        gate.set()
        assert await both == ("slow", 1)
        assert await gather() == ()


async def test_cancelling_a_gather_leaves_its_sources_to_other_readers() -> None:
    gate = asyncio.Event()

    async def slow() -> int:
        await gate.wait()
        return 1

    async with PromisingContext():
        source = Promise(slow)
        both = gather(source, source)
        reader = asyncio.create_task(source._settled())
        await settle()
        both.cancel()
        gate.set()
        assert await source == 1
        await reader
        with pytest.raises(PromiseCancelledError):
            await both


async def test_race_takes_the_first_result_and_cancels_the_losers() -> None:
    async with PromisingContext():
        loser = Promise(never)
        assert await race(loser, Promise.resolved(2)) == 2
        with pytest.raises(PromiseCancelledError):
            await loser
        with pytest.raises(ValueError, match="no"):
            await race(Promise(never), Promise.failed(ValueError("no")))
        assert await race(Promise.resolved(1), Promise.resolved(2)) == 1
        with pytest.raises(ValueError, match="give it at least one"):
            race()  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]


async def test_race_leaves_alone_what_the_winner_started() -> None:
    gate = asyncio.Event()
    background: list[Promise[str]] = []

    async def afterwards() -> str:
        await gate.wait()
        return "done"

    async def winner() -> int:
        background.append(Promise(afterwards))
        return 1

    async with PromisingContext():
        assert await race(Promise(winner), Promise(never)) == 1
        gate.set()
        assert await background[0] == "done"


async def test_p7_a_cancelled_race_cancels_all_that_run_in_it() -> None:
    async with PromisingContext():
        runners = [Promise(never) for _ in range(2)]
        result = race(*runners)
        await settle()
        result.cancel()
        for runner in runners:
            with pytest.raises(PromiseCancelledError):
                await runner


async def test_merge_gives_each_piece_as_soon_as_it_is_there_errors_likewise() -> None:
    async with PromisingContext():
        appenders = [StreamAppender[int]() for _ in range(2)]
        merged = aiter(merge(*(appender.promise for appender in appenders)))
        for number in (0, 1):
            appenders[number].append(number)
            assert await anext(merged) == number
        error = ValueError("no")
        appenders[1].fail(error)
        with pytest.raises(ValueError, match="no") as raised:
            await anext(merged)
        assert raised.value is error
        appenders[1].close()
        appenders[0].append(2)
        assert await anext(merged) == 2
        appenders[0].close()
        with pytest.raises(StopAsyncIteration):
            await anext(merged)
        assert await merge() == ()


async def test_merge_of_lazy_streams_is_lazy_and_can_be_cancelled() -> None:
    started = 0

    async def numbers() -> AsyncIterator[int]:
        nonlocal started
        started += 1
        yield 1
        await asyncio.Event().wait()

    async def total(pieces: object) -> int:
        raise AssertionError(pieces)

    async with PromisingContext():
        streams = [StreamedPromise(numbers, total, start_asap=False) for _ in range(2)]
        merged = merge(*streams)
        await settle()
        assert started == 0
        pieces = aiter(merged)
        assert [await anext(pieces), await anext(pieces)] == [1, 1]
        merged.cancel()
        with pytest.raises(PromiseCancelledError):
            await anext(pieces)
        for stream in streams:
            assert stream.cancel()
    assert started == 2


async def test_concat_and_chain_take_one_stream_after_the_other() -> None:
    async def foreign() -> AsyncIterator[int]:
        yield 3
        raise ValueError("no")

    async with PromisingContext():
        letters = StreamedPromise.of("ab")
        assert await concat(letters, StreamedPromise.of([1])) == ("a", "b", 1)
        pieces = aiter(letters.chain(foreign(), StreamedPromise.of([4])))
        assert [await anext(pieces) for _ in range(3)] == ["a", "b", 3]
        with pytest.raises(ValueError, match="no"):
            await anext(pieces)
        assert await anext(pieces) == 4
        assert await concat() == ()


async def test_take_does_not_wait_for_more_than_it_takes() -> None:
    async with PromisingContext():
        appender = StreamAppender[int]()
        taken = appender.promise.take(2)
        assert await appender.promise.take(0) == ()
        appender.extend([1, 2])
        assert await taken == (1, 2)
        appender.close()


async def test_p2_what_is_made_of_an_eager_stream_is_eager_and_replays() -> None:
    async with PromisingContext():
        numbers = StreamedPromise.of([1, 2, 3])
        made = numbers.map_pieces(str)
        total = numbers.fold(lambda total, number: total + number, 0)
        await settle()
        assert made.done()
        assert total.done()
        assert [piece async for piece in made] == [piece async for piece in made] == ["1", "2", "3"]
