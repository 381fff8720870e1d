"""P5, P6 and P8: flat sequences."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator

import pytest

from miniagents.promising import (
    AppenderAbandonedError,
    AppenderClosedError,
    FlatSequence,
    PromiseCancelledError,
    PromisingContext,
    StreamAppender,
    StreamedPromise,
)
from miniagents.promising.core.pieces import FAIR_SHARE


class OddError(BaseException):
    pass


def numbers_only(item: object) -> object:
    return item if isinstance(item, int) else NotImplemented


def numbers(name: str = "numbers") -> FlatSequence[int]:
    return FlatSequence[int](numbers_only, name=name)


async def outcomes(stream: AsyncIterable[int]) -> list[object]:
    read: list[object] = []
    pieces = aiter(stream)
    while True:
        try:
            read.append(await anext(pieces))
        except StopAsyncIteration:
            return read
        except (Exception, OddError) as error:  # noqa: BLE001 - whatever is in the stream
            read.append(error)


async def settle(turns: int = 20) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)


async def test_p6_order_is_kept_however_the_parts_finish() -> None:
    async def later(number: int, gate: asyncio.Event) -> AsyncIterator[int]:
        await gate.wait()
        yield number

    async with PromisingContext():
        gates = [asyncio.Event() for _ in range(3)]
        sequence = numbers()
        sequence.put([later(0, gates[0]), 1, [later(2, gates[1]), iter([3, [4]])]])
        sequence.put((later(5, gates[2]), 6))
        sequence.put(7)
        sequence.close()
        reader = asyncio.create_task(outcomes(sequence.promise))
        for gate in reversed(gates):
            await settle()
            assert not reader.done()
            gate.set()
        assert await reader == [0, 1, 2, 3, 4, 5, 6, 7]
        assert await sequence.promise == (0, 1, 2, 3, 4, 5, 6, 7)


async def test_p6_what_is_ready_appears_at_once_and_what_is_out_of_order_as_soon_as_it_is_there() -> None:
    gate = asyncio.Event()

    async def later(number: int) -> AsyncIterator[int]:
        await gate.wait()
        yield number

    async with PromisingContext():
        sequence = numbers()
        pieces = aiter(sequence.promise)
        sequence.put([0, later(1), 2])
        assert await anext(pieces) == 0
        sequence.put_out_of_order([3, later(4)])
        assert await anext(pieces) == 3
        sequence.close()
        assert sequence.closed
        gate.set()
        rest = [await anext(pieces) for _ in range(3)]
        assert sorted(rest) == [1, 2, 4]
        assert rest.index(1) < rest.index(2)
        with pytest.raises(StopAsyncIteration):
            await anext(pieces)


@pytest.mark.parametrize("max_ahead", [None, 1])
@pytest.mark.parametrize("out_of_order", [False, True])
async def test_p6_pieces_of_a_part_that_have_parts_come_before_the_rest_of_it(
    max_ahead: int | None, out_of_order: bool
) -> None:
    gates = [asyncio.Event() for _ in range(4)]

    async def ignored(_: AsyncIterable[object]) -> None:
        pass

    async def inner(number: int) -> AsyncIterator[object]:
        yield number
        await gates[number].wait()
        yield [[number], iter([number + 10])]

    async def middle() -> AsyncIterator[object]:
        yield 0
        yield StreamedPromise(lambda: inner(1), ignored)  # a promise, which is passed on without a task
        yield [2, inner(3)]
        yield "wrong"
        yield ValueError("an error")
        yield []
        yield 4

    async with PromisingContext():
        sequence = numbers()
        (sequence.put_out_of_order if out_of_order else sequence.put)(
            StreamedPromise(middle, ignored, max_ahead=max_ahead, name="middle")
        )
        sequence.close()
        reader = asyncio.create_task(outcomes(sequence.promise))
        for gate in gates:
            await settle()
            assert not reader.done()
            gate.set()
        read = await reader
        assert read[:8] == [0, 1, 1, 11, 2, 3, 3, 13]
        assert [type(error) for error in read[8:10]] == [TypeError, ValueError]
        assert read[10:] == [4]
        assert await outcomes(sequence.promise) == read


async def test_p6_lists_two_thousand_deep_are_flattened() -> None:
    deep: list[object] = [1]
    for _ in range(2_000):
        deep = [deep]

    async def nested(depth: int) -> AsyncIterator[object]:
        yield nested(depth - 1) if depth else 2

    async with PromisingContext():
        sequence = numbers()
        sequence.put(deep)
        sequence.put(nested(2_000))
        sequence.close()
        assert await sequence.promise == (1, 2)


async def test_p6_a_list_within_itself_is_refused() -> None:
    endless: list[object] = [1]
    endless.append([endless])
    async with PromisingContext():
        sequence = numbers()
        with pytest.raises(TypeError, match="'numbers' takes no list that contains itself"):
            sequence.put(endless)
        shared = [1]
        sequence.put([shared, shared])
        sequence.close()
        assert await sequence.promise == (1, 1)


async def test_what_is_mutable_is_taken_as_it_was_at_the_call() -> None:
    async def later() -> AsyncIterator[int]:
        await settle()
        yield 0

    async with PromisingContext():
        sequence = numbers()
        mutable = [1, 2]
        sequence.put([later(), mutable])
        mutable.append(3)
        sequence.close()
        assert await sequence.promise == (0, 1, 2)


@pytest.mark.parametrize("itself", [False, True])
@pytest.mark.parametrize("kind", [ValueError, OddError])
async def test_p5_an_error_stands_where_it_was_put_in_and_an_error_of_a_part_in_its_place(
    kind: type[BaseException], itself: bool
) -> None:
    first, second, third = kind("first"), kind("second"), kind("third")

    async def failing() -> AsyncIterator[int]:
        yield 1
        raise second

    async with PromisingContext():
        with StreamAppender[int]() as appender:
            appender.append(3)
            appender.fail(third)
            appender.append(4)
        sequence = numbers()
        sequence.put([0, first, failing(), 2, appender if itself else appender.promise, [5]])
        sequence.close()
        assert await outcomes(sequence.promise) == [0, first, 1, second, 2, 3, third, 4, 5]
        with pytest.raises(kind, match="first"):
            await sequence.promise


async def test_p5_an_iterable_that_cannot_even_be_iterated_is_an_error_in_its_place() -> None:
    class Broken(AsyncIterable[int]):
        def __aiter__(self) -> AsyncIterator[int]:
            raise ValueError("broken")

    async with PromisingContext():
        for put in (FlatSequence[int].put, FlatSequence[int].put_out_of_order):
            sequence = numbers()
            put(sequence, [Broken(), 1])
            sequence.close()
            assert sorted(map(repr, await outcomes(sequence.promise))) == ["1", "ValueError('broken')"]


async def test_p5_an_error_of_closing_a_part_is_logged_and_hangs_nobody(logged: list[str]) -> None:
    waiting = asyncio.Event()

    async def bad_end() -> AsyncIterator[int]:
        try:
            yield 1
            waiting.set()
            await asyncio.Event().wait()
        finally:
            raise ValueError("bad end")

    async with PromisingContext():
        sequence = numbers()
        sequence.put(bad_end())
        await waiting.wait()
        sequence.promise.cancel()
        await settle()
        read = await outcomes(sequence.promise)
        assert [repr(piece) for piece in read[:1]] == ["1"]
        assert isinstance(read[1], PromiseCancelledError)
    assert logged == ["an error that nobody has read, in 'numbers': ValueError('bad end')"]


async def test_what_is_no_item_is_refused_and_nothing_of_it_is_added() -> None:
    async with PromisingContext():
        sequence = numbers("the numbers")
        with pytest.raises(TypeError, match="'the numbers' takes no str: 'two'"):
            sequence.put([1, "two"])
        sequence.put(3)
        sequence.close()
        assert await sequence.promise == (3,)


async def test_what_turns_out_to_be_no_item_is_an_error_in_its_place() -> None:
    async def mixed() -> AsyncIterator[object]:
        yield 1
        yield "two"
        yield 3

    async with PromisingContext():
        sequence = numbers()
        sequence.put(mixed())
        sequence.close()
        read = await outcomes(sequence.promise)
        assert [read[0], read[2]] == [1, 3]
        assert isinstance(read[1], TypeError)


async def test_a_closed_sequence_refuses_whatever_is_put_in() -> None:
    async with PromisingContext():
        sequence = numbers()
        sequence.close()
        for put in (sequence.put, sequence.put_out_of_order):
            with pytest.raises(AppenderClosedError, match="'numbers' is closed"):
                put(1)
        with pytest.raises(AppenderClosedError, match="'numbers' is closed"):
            sequence.fail(ValueError("no"))


async def test_p7_a_cancelled_sequence_stops_its_parts_and_tells_its_writer() -> None:
    closed, waiting = asyncio.Event(), asyncio.Event()

    async def endless() -> AsyncGenerator[int]:
        try:
            waiting.set()
            await asyncio.Event().wait()
            yield 1
        finally:
            closed.set()

    async with PromisingContext():
        sequence = numbers()
        sequence.put([0, endless(), 2])
        await waiting.wait()
        sequence.promise.cancel()
        await closed.wait()
        with pytest.raises(PromiseCancelledError, match="'numbers' was cancelled"):
            sequence.put(1)
        read = await outcomes(sequence.promise)
        assert read[0] == 0
        assert isinstance(read[1], PromiseCancelledError)
        assert len(read) == 2


@pytest.mark.parametrize("steps", range(4))
@pytest.mark.parametrize("out_of_order", [False, True])
async def test_p8_a_sequence_that_its_context_cancels_does_not_look_complete(steps: int, out_of_order: bool) -> None:
    async def endless() -> AsyncIterator[int]:
        yield 1
        await asyncio.Event().wait()

    sequence: FlatSequence[int] | None = None
    with pytest.raises(ZeroDivisionError):
        async with PromisingContext():
            sequence = numbers()
            (sequence.put_out_of_order if out_of_order else sequence.put)(endless())
            sequence.close()
            await settle(steps)
            raise ZeroDivisionError
    assert sequence is not None
    read = await outcomes(sequence.promise)
    assert isinstance(read[-1], PromiseCancelledError)
    with pytest.raises(PromiseCancelledError):
        await sequence.promise


async def test_p7_a_sequence_that_nobody_closes_ends_with_its_context(logged: list[str]) -> None:
    async with PromisingContext():
        sequence = numbers("left open")
        sequence.put(1)
        total = sequence.promise.fold(lambda total, number: total + number, 0)
    assert len(logged) == 1
    for _ in range(2):
        with pytest.raises(AppenderAbandonedError, match="the context ended before 'left open' was closed"):
            await sequence.promise
    with pytest.raises(AppenderAbandonedError, match="left open"):
        await total
    with pytest.raises(AppenderClosedError):
        sequence.put(2)


async def test_p3_a_promise_that_puts_something_in_does_not_take_the_sequence_along_when_cancelled() -> None:
    gate = asyncio.Event()

    async def later() -> AsyncIterator[int]:
        await gate.wait()
        yield 1

    async with PromisingContext():
        sequence = numbers()

        async def write() -> AsyncIterator[int]:
            sequence.put(later())
            yield 0
            await asyncio.Event().wait()

        writer = StreamedPromise(write, outcomes)
        assert await anext(aiter(writer)) == 0
        writer.cancel()
        await settle()
        gate.set()
        sequence.close()
        assert await sequence.promise == (1,)


async def test_p2_a_lazy_producer_of_a_sequence_starts_with_its_first_reader() -> None:
    started = asyncio.Event()
    sequence = None

    async with PromisingContext():
        sequence = numbers()

        async def work() -> None:
            started.set()
            sequence.put([1, 2])

        sequence.produce(work, start_asap=False)
        await settle()
        assert not started.is_set()
        assert await sequence.promise == (1, 2)
        assert sequence.closed


async def test_p8_a_lazy_producer_that_was_never_read_is_no_error(logged: list[str]) -> None:
    async def work() -> None:
        raise AssertionError("it was started")

    async with PromisingContext():
        sequence = numbers()
        sequence.produce(work, start_asap=False)
    del sequence
    assert not logged


async def test_p5_an_error_of_the_producer_is_the_last_piece_and_after_its_end_it_is_raised_by_the_context() -> None:
    async def fails() -> None:
        first.put(1)
        raise ValueError("no")

    async def fails_late() -> None:
        second.close()
        raise ValueError("late")

    with pytest.raises(ValueError, match="late"):
        async with PromisingContext():
            first, second = numbers(), numbers()
            first.produce(fails, start_asap=True)
            second.produce(fails_late, start_asap=True)
            assert [repr(piece) for piece in await outcomes(first.promise)] == ["1", "ValueError('no')"]
            assert await second.promise == ()


async def test_p4_a_million_ready_pieces_of_a_part_starve_nobody() -> None:
    async def ready() -> AsyncIterator[int]:
        for number in range(100_000):
            yield number

    ticks = 0

    async def ticker() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0)
            ticks += 1

    async with PromisingContext():
        ticking = asyncio.create_task(ticker())
        sequence = numbers()
        sequence.put([ready(), list(range(100_000))])
        sequence.close()
        assert len(await sequence.promise) == 200_000
        assert ticks >= 200_000 // FAIR_SHARE
        ticking.cancel()
        await settle(2)


async def test_what_is_ready_needs_no_context() -> None:
    sequence = numbers()
    sequence.put([1, [2]])
    sequence.close()
    assert await sequence.promise == (1, 2)


async def test_p6_none_is_a_piece_like_any_other() -> None:
    async def later() -> AsyncIterator[object]:
        yield [1, None, 2]
        yield None

    def adapt(item: object) -> object:
        return item if item is None or isinstance(item, int) else NotImplemented

    async with PromisingContext():
        sequence = FlatSequence[int | None](adapt)
        sequence.put([None, later(), None, 3])
        sequence.put_out_of_order(None)
        sequence.close()
        assert await sequence.promise == (None, None, 1, None, 2, None, None, 3)
