"""P1 to P8 wherever the loop starts its tasks, be it at the next turn or at once."""

import asyncio
import sys
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from miniagents.promising import (
    FlatSequence,
    Ok,
    Promise,
    PromiseCancelledError,
    PromiseDeadlockError,
    PromisingContext,
    StreamAppender,
    StreamedPromise,
    all_settled,
    concat,
    first_ok,
    gather,
    merge,
    race,
    retry,
    zip_latest,
)

Factory = Callable[..., Any] | None  # Any: what asyncio takes for a task factory differs from version to version

FACTORIES = [
    pytest.param(None, id="asyncio's own"),
    pytest.param(
        getattr(asyncio, "eager_task_factory", None),
        id="eager tasks",
        marks=pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12"),
    ),
]


async def at_once() -> int:
    return 1


async def failing_at_once() -> int:
    raise ValueError("no")


async def soon() -> int:
    await asyncio.sleep(0)
    return 2


async def pieces() -> AsyncIterator[int]:
    yield 1
    yield 2


async def total(numbers: AsyncIterable[int]) -> int:
    return sum([number async for number in numbers])


async def promises() -> None:
    for start_asap in (True, False):
        promise = Promise(at_once, start_asap=start_asap)
        assert [await promise, await promise.map(str), await gather(promise, soon()), await race(promise, soon())] == [
            1,
            "1",
            (1, 2),
            1,
        ]
        failing = Promise(failing_at_once, start_asap=start_asap)
        for _ in range(2):
            with pytest.raises(ValueError, match="no"):
                await failing


async def streams() -> None:
    for start_asap in (True, False):
        for max_ahead in (None, 1):
            stream = StreamedPromise(pieces, total, start_asap=start_asap, max_ahead=max_ahead)
            assert [[piece async for piece in stream], await stream] == [[1, 2], 3]
            assert await merge(stream.map_pieces(str), stream.chain(stream).take(3)) in permutations_of_merging()


def permutations_of_merging() -> list[tuple[object, ...]]:
    left, right = ("1", "2"), (1, 2, 1)
    merged: list[tuple[object, ...]] = []
    for first in range(5):
        for second in range(first + 1, 5):
            rest = iter(right)
            merged.append(
                tuple(left[(first, second).index(i)] if i in (first, second) else next(rest) for i in range(5))
            )
    return merged


async def sequences() -> None:
    sequence = FlatSequence[int](lambda item: item if isinstance(item, int) else NotImplemented)

    async def work() -> None:
        sequence.put([0, pieces(), [3]])
        sequence.put_out_of_order(pieces())

    sequence.produce(work, start_asap=True)
    assert sorted(await sequence.promise) == [0, 1, 1, 2, 2, 3]


async def cancellation() -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    inner: list[Promise[None]] = []

    async def outer() -> None:
        inner.append(Promise(never))
        await inner[0]

    promise = Promise(outer)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    promise.cancel()
    for cancelled in (promise, *inner):
        with pytest.raises(PromiseCancelledError):
            await cancelled


async def circles() -> None:
    async def waiting_for(number: int) -> object:
        return await circle[number]

    circle: list[Promise[object]] = []
    circle.append(Promise(lambda: waiting_for(1), start_asap=False))
    circle.append(Promise(lambda: waiting_for(0), start_asap=False))
    with pytest.raises(PromiseDeadlockError):
        await circle[0]


async def work_that_is_left_behind() -> None:
    appender = StreamAppender[int]()
    appender.append(1)
    readers = [appender.promise.map(len), appender.promise.fold(lambda total, number: total + number, 0)]
    appender.close()
    Promise(soon)
    assert len(readers) == 2


async def combinators() -> None:
    async def negated(number: int) -> int:
        return -number

    async def negated_later(number: int) -> int:
        await asyncio.sleep(0)
        return -number

    for start_asap in (True, False):
        for max_ahead in (None, 1):
            stream = StreamedPromise(pieces, total, start_asap=start_asap, max_ahead=max_ahead)
            assert await stream.then_pieces(negated, concurrency=2) == (-1, -2)
            assert await stream.then_pieces(negated_later, concurrency=2) == (-1, -2)
            assert sorted(await stream.then_pieces(negated_later, concurrency=None, ordered=False)) == [-2, -1]
            groups = stream.group_by(lambda number: number % 2)
            assert {key: await group async for key, group in groups} == {1: (1,), 0: (2,)}
            assert await stream.batch(1, within=1).flat_map(StreamedPromise.of).scan(int.__add__, 0) == (1, 3)
            assert await stream.throttle(0).buffer(1).timeout_pieces(each=5, whole=5) == (1, 2)
            assert await stream.debounce(0.001) in ((2,), (1, 2))
            assert await stream.map_pieces(lambda number: 1 // (number - 1)).on_error(lambda _: pieces()) == (1, 2)
            assert (await zip_latest(stream, stream))[-1] == (2, 2)
            assert await concat(stream, stream.distinct().enumerate()) == (1, 2, (0, 1), (1, 2))
            assert await stream.zip(stream).window(2).fold(lambda count, _: count + 1, 0) == 1
            assert await first_ok(Promise(failing_at_once), stream) == 3
            assert await all_settled(stream, soon()) == (Ok(3), Ok(2))
            assert await retry(soon, attempts=2) == 2
            assert await stream.timeout(5).map(lambda whole: (whole,)).pair(stream) == (3, 3)


async def long_chains() -> None:
    for start_asap in (True, False):
        stream = StreamedPromise(pieces, total, start_asap=start_asap).pieces()
        promise = Promise(soon, start_asap=start_asap)
        for _ in range(500):
            stream = merge(stream.map_pieces(abs).then_pieces(at_its_turn))
            promise = promise.map(abs).then(at_its_turn)
        assert [await stream, await promise] == [(1, 2), 2]


async def at_its_turn(number: int) -> int:
    return number


@pytest.mark.parametrize("factory", FACTORIES)
@pytest.mark.parametrize(
    "scene",
    [
        promises,
        streams,
        sequences,
        combinators,
        long_chains,
        cancellation,
        circles,
        work_that_is_left_behind,
    ],
)
@pytest.mark.parametrize("hooks", [False, True])
def test_nothing_hangs_with(factory: Factory, scene: Callable[[], Awaitable[None]], hooks: bool) -> None:
    seen: list[object] = []

    async def hook(_: Promise[object], result: object) -> None:
        seen.append(result)

    async def main() -> None:
        asyncio.get_running_loop().set_task_factory(factory)
        async with PromisingContext(on_promise_resolved=hook if hooks else ()) as context:
            await scene()
        assert not context.tasks
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())
    assert bool(seen) == (hooks and scene not in (sequences, cancellation, circles))
