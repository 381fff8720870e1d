"""P1, P5 and A3: an error is one in its place, whatever its class, and however often the same one is raised."""

import asyncio
import traceback
from collections.abc import AsyncIterable, AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from miniagents.promising import (
    FlatSequence,
    Promise,
    PromiseCancelledError,
    PromisingContext,
    StreamedPromise,
    concat,
    gather,
    merge,
)


async def cancelled_elsewhere() -> None:
    task = asyncio.create_task(asyncio.sleep(9))
    task.cancel()
    await task


async def raise_generator_exit() -> None:
    raise GeneratorExit


async def cut_off() -> AsyncIterator[str]:
    yield "one"
    await cancelled_elsewhere()


async def exited() -> AsyncIterator[str]:
    yield "one"
    await raise_generator_exit()


async def two() -> AsyncIterator[str]:
    yield "two"


def in_sequence(*streams: AsyncIterable[str]) -> AsyncIterable[str]:
    sequence = FlatSequence[str](lambda item: item if isinstance(item, str) else NotImplemented)
    sequence.put(streams)
    sequence.close()
    return sequence.promise


def all_concatenated(*streams: AsyncIterable[str]) -> AsyncIterable[str]:
    return concat(*streams)


def all_merged(*streams: AsyncIterable[str]) -> AsyncIterable[str]:
    return merge(*streams)


async def all_pieces(pieces: AsyncIterable[str]) -> list[str]:
    return [piece async for piece in pieces]


async def outcomes(stream: AsyncIterable[str]) -> list[str]:
    read: list[str] = []
    pieces = aiter(stream)
    while True:
        try:
            read.append(await anext(pieces))
        except StopAsyncIteration:
            return read
        except (Exception, GeneratorExit) as error:  # noqa: BLE001 - whatever is in the stream
            read.append(type(error).__name__)


each_way = pytest.mark.parametrize("put_together", [in_sequence, all_concatenated, all_merged])


@each_way
@pytest.mark.parametrize(("broken", "expected"), [(cut_off, "PromiseCancelledError"), (exited, "GeneratorExit")])
async def test_p5_what_is_behind_an_error_that_looks_like_the_end_of_a_task_is_not_lost(
    put_together: Callable[..., AsyncIterable[str]], broken: Callable[[], AsyncIterator[str]], expected: str
) -> None:
    async with PromisingContext():
        read = await outcomes(put_together(broken(), two()))
    if put_together is all_merged:
        assert sorted(read) == sorted(["one", expected, "two"])
    else:
        assert read == ["one", expected, "two"]


@pytest.mark.parametrize(("broken", "expected"), [(cut_off, "PromiseCancelledError"), (exited, "GeneratorExit")])
async def test_p5_a_producer_that_such_an_error_breaks_off_does_not_look_complete(
    broken: Callable[[], AsyncIterator[str]], expected: str
) -> None:
    async with PromisingContext():
        assert await outcomes(StreamedPromise(broken, all_pieces)) == ["one", expected]


@pytest.mark.parametrize(
    ("work", "expected"), [(cancelled_elsewhere, PromiseCancelledError), (raise_generator_exit, GeneratorExit)]
)
async def test_p5_a_promise_and_the_work_of_a_sequence_fail_with_such_an_error(
    work: Callable[[], Promise[None]], expected: type[BaseException]
) -> None:
    async with PromisingContext():
        with pytest.raises(expected):
            await Promise(work)
        sequence = FlatSequence[str](lambda _: NotImplemented)
        sequence.produce(work, start_asap=True)
        assert await outcomes(sequence.promise) == [expected.__name__]


async def test_a3_a_cancellation_that_nobody_wished_is_logged_where_nobody_reads_it(logged: list[str]) -> None:
    async with PromisingContext():
        unread = concat(cut_off())
        read = concat(cut_off())
        with pytest.raises(PromiseCancelledError) as caught:
            await read
        assert isinstance(caught.value.__cause__, asyncio.CancelledError)
        del read
        cancelled = Promise(asyncio.Event().wait)
        await asyncio.sleep(0)
        cancelled.cancel()
    assert len(logged) == 1
    assert unread.name in logged[0]


async def test_a3_a_cancellation_that_nobody_wished_is_still_owed_by_the_promise_that_passes_it_on(
    logged: list[str],
) -> None:
    async with PromisingContext():
        source = Promise(cancelled_elsewhere)
        Promise(lambda: source)
    assert len(logged) == 1


# --- one exception object, many times ---


def depth(error: BaseException) -> int:
    return len(traceback.extract_tb(error.__traceback__))


async def depth_read(promise: Promise[object]) -> int:
    try:
        await promise
    except ValueError as error:
        return depth(error)
    return -1


def put_in(error: BaseException) -> Promise[object]:
    sequence = FlatSequence[str](lambda _: NotImplemented)
    sequence.put(error)
    sequence.close()
    return sequence.promise


def raised(error: BaseException) -> Promise[object]:
    async def work() -> object:
        raise error

    return Promise(work)


@pytest.mark.parametrize("fail", [put_in, raised, Promise[object].failed])
async def test_p1_an_exception_object_that_is_used_again_does_not_carry_its_readers_frames(
    fail: Callable[[BaseException], Promise[object]],
) -> None:
    error = ValueError("shared")
    async with PromisingContext():
        depths = [await depth_read(fail(error)) for _ in range(20)]
    assert len(set(depths)) == 1


async def test_p1_an_error_that_a_promise_passes_on_tells_by_which_way_it_came() -> None:
    async def asks(source: Promise[object]) -> object:
        return await source

    async with PromisingContext():
        source = raised(ValueError("no"))
        asking = Promise(lambda: asks(source))
        with pytest.raises(ValueError, match="no") as caught:
            await asking
    assert {"work", "asks"} <= {frame.name for frame in traceback.extract_tb(caught.value.__traceback__)}


# --- errors that cannot be changed ---


@dataclass(frozen=True)
class FrozenError(Exception):
    code: int


async def test_p1_an_error_of_a_frozen_class_is_raised_as_itself() -> None:
    async def work() -> object:
        raise FrozenError(4)

    async with PromisingContext():
        failed = Promise(work)
        for _ in range(3):
            with pytest.raises(FrozenError):
                await failed
        with pytest.raises(FrozenError):
            await gather(failed, Promise.resolved(1))
        assert await concat(two(), StreamedPromise.of([1])) == ("two", 1)


async def test_a3_such_a_cancellation_behind_closed_replies_does_not_look_like_one_of_the_body() -> None:
    sequence = FlatSequence[str](lambda _: NotImplemented)

    async def closes_first() -> None:
        sequence.close()
        await cancelled_elsewhere()

    with pytest.raises(PromiseCancelledError):
        async with PromisingContext() as context:
            sequence = FlatSequence[str](lambda _: NotImplemented, context=context)
            sequence.produce(closes_first, start_asap=True)


async def test_p5_a_stream_whose_task_is_cancelled_is_cancelled_and_nothing_is_logged(logged: list[str]) -> None:
    tasks: list[asyncio.Task[object] | None] = []

    async def waits() -> AsyncIterator[str]:
        tasks.append(asyncio.current_task())
        yield "one"
        await asyncio.Event().wait()

    async with PromisingContext():
        stream = concat(waits(), two())
        await anext(aiter(stream))
        assert tasks[0] is not None
        tasks[0].cancel()
        assert await outcomes(stream) == ["one", "PromiseCancelledError"]
        stream = concat(waits())
        await anext(aiter(stream))
        stream.cancel()
        del stream
    assert logged == []
