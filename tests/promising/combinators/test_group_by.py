"""P10: the streams that `group_by` makes of one, with their errors, ends and bounds."""

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, strategies as st

from miniagents.promising import (
    PromiseCancelledError,
    PromiseDeadlockError,
    PromisingContext,
    Stream,
    StreamAppender,
    StreamedPromise,
    gather,
)
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


def parity(number: int) -> str:
    return "odd" if number % 2 else "even"


class Numbers:
    """A source that counts what was made of it."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.made = 0
        self.stopped = False

    async def __call__(self) -> AsyncIterator[int]:
        try:
            for number in range(self.count):
                self.made += 1
                yield number
        finally:
            self.stopped = True

    def stream(self, *, max_ahead: int | None = None, start_asap: bool = True) -> Stream[int]:
        async def whole(_: object) -> None:
            pass

        return StreamedPromise(self, whole, max_ahead=max_ahead, start_asap=start_asap).pieces()


async def by_groups(grouped: Stream[tuple[str, Stream[object]]]) -> dict[str, list[object]]:
    """All groups one after the other, as read by somebody who looks at one thing at a time."""
    read: dict[str, list[object]] = {"errors": []}
    pieces = aiter(grouped)
    while True:
        try:
            key, group = await anext(pieces)
        except StopAsyncIteration:
            return read
        except ValueError as error:
            read["errors"].append(str(error))
        else:
            read[key] = await outcomes(group)


@few
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9) | st.sampled_from(["source", "key"])), max_size=12),
    st.none() | st.integers(1, 3),
    st.booleans(),
)
def test_p10_groups_are_those_of_a_dictionary(
    script: list[tuple[int, int | str]], max_ahead: int | None, at_once: bool
) -> None:
    def key(piece: int | str) -> str:
        if isinstance(piece, str):
            raise ValueError(piece)  # noqa: TRY004 - it is the error that is looked for
        return parity(piece)

    async def write(appender: StreamAppender[int | str]) -> None:
        with appender:
            for pause, piece in script:
                await turns(pause)
                if piece == "source":
                    appender.fail(ValueError(piece))
                else:
                    appender.append(piece)

    async def main() -> None:
        async with PromisingContext() as context:
            appender = StreamAppender[int | str]()
            writing = asyncio.create_task(write(appender))
            source = appender.promise if max_ahead is None else appender.promise.buffer(max_ahead)
            grouped = source.group_by(key)
            expected: dict[str, list[object]] = {"errors": []}
            for _, piece in script:
                if isinstance(piece, int):
                    expected.setdefault(parity(piece), []).append(piece)
                    continue
                expected["errors"].append(piece)
                if piece == "source":
                    for name in expected.keys() - {"errors"}:
                        expected[name].append(piece)
            if at_once:
                assert await gather(by_groups(grouped), by_groups(grouped)) == (expected, expected)
            assert await by_groups(grouped) == expected  # P4: and late readers get the same
            assert list(await by_groups(grouped)) == list(expected)
            await writing
            await turns()
            assert not context.tasks

    asyncio.run(main())


async def test_p10_a_group_is_there_with_its_first_piece_and_live() -> None:
    async with PromisingContext():
        appender = StreamAppender[int]()
        grouped = aiter(appender.promise.group_by(parity))
        appender.append(1)
        name, group = await anext(grouped)
        assert name == "odd"
        pieces = aiter(group)
        assert await anext(pieces) == 1
        appender.extend([2, 3])
        assert await anext(pieces) == 3
        assert not group.done()
        appender.close()
        with pytest.raises(StopAsyncIteration):
            await anext(pieces)
        assert await group == (1, 3)


async def test_p5_an_error_of_the_source_stands_in_the_groups_that_are_there() -> None:
    async with PromisingContext():
        grouped = StreamedPromise.of("13x24").map_pieces(int).group_by(parity)
        read = await by_groups(grouped)
        assert [str(piece)[:15] for piece in read["errors"]] == ["invalid literal"]
        assert [str(piece)[:15] for piece in read["odd"]] == ["1", "3", "invalid literal"]
        assert read["even"] == [2, 4]


async def test_p5_an_error_of_the_key_stands_in_the_outer_stream_alone() -> None:
    async with PromisingContext():
        grouped = StreamedPromise.of([1, 0, 2]).group_by(lambda number: 2 // number)
        with pytest.raises(ZeroDivisionError):
            await grouped
        groups = await grouped.recover_pieces(lambda error: (0, StreamedPromise.of([0])), ZeroDivisionError)
        assert [(name, await group) for name, group in groups] == [(2, (1,)), (0, (0,)), (1, (2,))]


async def test_p5_a_key_that_cannot_be_hashed_is_an_error() -> None:
    async with PromisingContext():
        grouped = StreamedPromise.of([1]).group_by(lambda number: ([number],))  # no checker sees the list
        with pytest.raises(TypeError, match="unhashable"):
            await grouped


async def test_p7_cancelling_the_result_cancels_source_and_groups() -> None:
    async with PromisingContext() as context:
        appender = StreamAppender[int]()
        grouped = appender.promise.group_by(parity)
        appender.extend([1, 2])
        groups = aiter(grouped)
        _, odd = await anext(groups)
        _, even = await anext(groups)
        grouped.cancel()
        await turns(2)
        assert not context.tasks
        assert appender.closed
        for group in (odd, even):
            with pytest.raises(PromiseCancelledError):
                await group
        with pytest.raises(PromiseCancelledError):
            await grouped


async def test_p7_cancelling_a_group_ends_that_group_alone() -> None:
    async with PromisingContext() as context:
        appender = StreamAppender[int]()
        grouped = appender.promise.group_by(parity)
        appender.extend([1, 2])
        groups = aiter(grouped)
        _, odd = await anext(groups)
        _, even = await anext(groups)
        odd.cancel()
        appender.extend([3, 4])
        appender.close()
        with pytest.raises(PromiseCancelledError):
            await odd
        assert [name for name, _ in await grouped] == ["odd", "even"]
        assert await even == (2, 4)
        await turns(1)
        assert not context.tasks


async def test_p3_what_is_made_of_a_group_frees_that_group_alone() -> None:
    async with PromisingContext():
        appender = StreamAppender[int]()
        grouped = appender.promise.group_by(parity)
        appender.extend([1, 2])
        groups = dict([await anext(pieces) for pieces in [aiter(grouped)] for _ in range(2)])
        texts = groups["odd"].map_pieces(str)
        await turns()
        texts.cancel()
        assert groups["odd"].cancelled()
        assert not appender.closed
        appender.close()
        assert await groups["even"] == (2,)


async def test_p3_who_reads_a_group_uses_the_source() -> None:
    async with PromisingContext():
        appender = StreamAppender[int]()
        grouped = appender.promise.group_by(parity)
        names = grouped.map_pieces(lambda group: group[0])
        appender.append(1)
        _, odd = await anext(aiter(grouped))
        reading = asyncio.create_task(outcomes(odd))
        await turns()
        names.cancel()
        assert not grouped.done()
        assert not appender.closed
        appender.append(3)
        appender.close()
        assert await reading == [1, 3]


async def test_p8_a_cancelled_context_ends_groups() -> None:
    async def body(groups: list[Stream[int]]) -> None:
        async with PromisingContext():
            appender = StreamAppender[int]()
            grouped = appender.promise.group_by(parity)
            appender.append(1)
            groups.append((await anext(aiter(grouped)))[1])
            await asyncio.Event().wait()

    groups: list[Stream[int]] = []
    task = asyncio.create_task(body(groups))
    await turns(20)
    task.cancel()
    await asyncio.wait([task])
    assert [str(piece)[-13:] for piece in await outcomes(groups[0])] == ["1", "was cancelled"]


async def test_p8_the_end_of_the_context_waits_for_groups_and_calls_nobody_abandoned(logged: list[str]) -> None:
    async with PromisingContext():
        numbers = StreamedPromise.of(range(6)).then_pieces(lambda number: asyncio.sleep(0.01, number))
        grouped = numbers.group_by(parity)
        _, even = await anext(aiter(grouped))
        total = even.fold(lambda total, number: total + number, 0)
    assert await total == 6
    assert await even == (0, 2, 4)
    assert not logged


async def test_p7_a_group_that_its_source_waits_for_is_a_deadlock() -> None:
    async def numbers() -> AsyncIterator[int]:
        yield 1
        _, group = await anext(aiter(grouped))
        await group
        yield 2

    async def whole(_: object) -> None:
        pass

    async with PromisingContext():
        grouped: Stream[tuple[str, Stream[int]]] = StreamedPromise(numbers, whole).pieces().group_by(parity)
        with pytest.raises(PromiseDeadlockError, match=r"group_by\['odd'\]"):
            await grouped


async def test_p2_a_lazy_source_stays_lazy() -> None:
    numbers = Numbers(4)
    async with PromisingContext():
        grouped = numbers.stream(start_asap=False).group_by(parity)
        await turns()
        assert not numbers.made
        assert [name for name, _ in await grouped] == ["even", "odd"]


# --- bounds ---


@pytest.mark.parametrize("max_ahead", [1, 2, 5])
async def test_p9_unread_groups_keep_a_bounded_source_back(max_ahead: int) -> None:
    numbers = Numbers(1000)
    async with PromisingContext():
        grouped = numbers.stream(max_ahead=max_ahead).group_by(lambda number: number % 10)
        await turns(100)
        assert numbers.made <= 2 * max_ahead + 1
        groups = aiter(grouped)
        for number in range(3):
            name, group = await anext(groups)
            assert (name, await anext(aiter(group))) == (number, number)
            await turns(100)
            assert numbers.made <= 2 * max_ahead + 2 + number
        grouped.cancel()


@pytest.mark.parametrize("max_ahead", [1, 3])
async def test_p9_groups_read_one_after_the_other_do_not_hang(max_ahead: int) -> None:
    numbers = Numbers(100)
    async with PromisingContext():
        grouped = numbers.stream(max_ahead=max_ahead).group_by(parity)
        assert await by_groups(grouped) == {
            "errors": [],
            "even": list(range(0, 100, 2)),
            "odd": list(range(1, 100, 2)),
        }


async def test_p9_who_does_not_wait_any_more_asks_for_nothing() -> None:
    numbers = Numbers(100_000)
    async with PromisingContext():
        grouped = numbers.stream(max_ahead=3).group_by(lambda number: number == 0)
        _, first = await anext(aiter(grouped))
        reading = asyncio.create_task(outcomes(first))  # there is no second piece in this group
        await turns(10)
        made = numbers.made
        await turns(10)
        assert numbers.made > made
        reading.cancel()
        await turns(10)
        made = numbers.made
        await turns(100)
        assert numbers.made <= made + 1
        grouped.cancel()


async def test_p9_who_waits_gets_a_piece_and_no_more_than_the_bound_beside_it() -> None:
    keyed: list[int] = []

    def key(number: int) -> bool:
        keyed.append(number)
        return number < 20

    async with PromisingContext():
        source = StreamedPromise.of(range(1000)).buffer(10)
        grouped = source.group_by(key)
        _, small = await anext(aiter(grouped))
        await turns(50)
        assert len(keyed) == 10
        pieces = aiter(small)
        for number in range(20):
            assert await anext(pieces) == number
        await turns(50)
        assert len(keyed) <= 20 + 10 + 2
        grouped.cancel()


async def test_p9_a_cancelled_group_keeps_nobody_back() -> None:
    numbers = Numbers(100)
    async with PromisingContext():
        grouped = numbers.stream(max_ahead=2).group_by(parity)
        groups = aiter(grouped)
        _, even = await anext(groups)
        _, odd = await anext(groups)
        even.cancel()
        pieces = aiter(odd)
        assert [await anext(pieces) for _ in range(50)] == list(range(1, 100, 2))
        assert [name for name, _ in await grouped] == ["even", "odd"]


async def test_p9_what_is_made_of_groups_of_a_bounded_source_is_bounded() -> None:
    numbers = Numbers(1000)
    async with PromisingContext():
        grouped = numbers.stream(max_ahead=3).group_by(parity)
        groups = [
            group.map_pieces(str) for _, group in [await anext(pieces) for pieces in [aiter(grouped)] for _ in "ab"]
        ]
        await turns(200)
        assert numbers.made < 20
        assert [len(await group) for group in groups] == [500, 500]


async def test_p4_many_ready_pieces_and_groups_starve_nobody() -> None:
    count = rounds(100_000)
    ticks = 0

    async def ticker() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0)
            ticks += 1

    async with PromisingContext():
        ticking = asyncio.create_task(ticker())
        grouped = StreamedPromise.of(range(count)).group_by(lambda number: number % 10_000)
        assert len(await grouped) == 10_000
        assert ticks >= count // 512
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)


async def test_neither_the_source_nor_the_other_groups_are_kept_by_a_group() -> None:
    class Piece:
        pass

    async with PromisingContext():
        source = StreamedPromise.of([Piece(), Piece()])
        groups = source.group_by(id)
        (_, first), (_, second) = await groups
        await first
        await second
        kept = [weakref.ref(each) for each in (source, source._buffer, groups._buffer, second._buffer)]
        del source, groups, second, _
        await turns()  # the task of it comes to its end
        gc.collect()
        assert [each() for each in kept] == [None] * len(kept)
        assert len(await first) == 1


async def test_p4_thousands_of_groups_end_without_starving_the_loop() -> None:
    async with PromisingContext():
        with StreamAppender[int]() as appender:
            groups = appender.promise.group_by(lambda number: number)
            for number in range(10_000):
                appender.append(number)
            while len(groups._buffer.pieces) < 10_000:
                await asyncio.sleep(0)
        waited = 0
        while not groups._buffer.ended:
            await asyncio.sleep(0)
            waited += 1
        assert waited > 10_000 / 256
