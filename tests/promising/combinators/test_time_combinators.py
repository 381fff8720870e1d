"""P10: the combinators for which it matters when a piece comes, in virtual time, against a plain model."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
from hypothesis import assume, given, strategies as st

from miniagents.promising import (
    PromiseCancelledError,
    PromiseDeadlockError,
    PromisingContext,
    Stream,
    StreamAppender,
    StreamedPromise,
)
from miniagents.testing import VirtualClockEventLoop
from tests.effort import examples, rounds

few = examples(150)

Script = list[tuple[int, int | None]]
"""Pauses and what comes after each: a number, or None for an error."""
Came = list[tuple[float, object]]
"""Times and what came then."""

LIMITS = st.sampled_from([0.7, 1.3, 2.9, 5.1])
"""No sum of them is a whole number, so that nothing happens at the very moment at which a piece comes."""
scripts: st.SearchStrategy[Script] = st.lists(st.tuples(st.integers(0, 4), st.none() | st.integers(0, 9)), max_size=10)


def in_virtual_time(main: Coroutine[Any, Any, Came]) -> Came:  # Any: the type of all coroutines
    with asyncio.Runner(loop_factory=VirtualClockEventLoop) as runner:
        return runner.run(main)


async def follow(script: Script, ending: int, derive: Callable[[Stream[int]], Stream[Any]]) -> Came:  # Any: see below
    """When what comes, of what is derived of a stream that does what the script says; each has pieces of its kind."""
    loop = asyncio.get_running_loop()
    came: Came = []

    async def write(appender: StreamAppender[int]) -> None:
        with appender:
            for pause, piece in script:
                if pause:
                    await asyncio.sleep(pause)
                if piece is None:
                    appender.fail(ValueError("no"))
                else:
                    appender.append(piece)
            await asyncio.sleep(ending)

    async with PromisingContext() as context:
        appender = StreamAppender[int]()
        writing = asyncio.create_task(write(appender))
        result = derive(appender.promise)
        pieces = aiter(result)
        while True:
            try:
                piece = await anext(pieces)
            except StopAsyncIteration:
                break
            except ValueError as error:
                piece = error.args[0]
            came.append((round(loop.time(), 6), piece))
        again: list[object] = [piece async for piece in result.recover_pieces(lambda error: error.args[0])]
        assert again == [piece for _, piece in came]  # P4
        await asyncio.sleep(0)
        assert not context.tasks
        await writing
    return came


def moments(script: Script, ending: int) -> tuple[Came, float]:
    times = list(itertools.accumulate(pause for pause, _ in script))
    came: Came = [(time, "no" if piece is None else piece) for time, (_, piece) in zip(times, script, strict=True)]
    return came, (times[-1] if times else 0) + ending


# --- models: what waits, since when or until when, and what has come ---


def batched(script: Script, ending: int, size: int, within: float) -> Came:
    came, end = moments(script, ending)
    given: Came = []
    held: list[object] = []
    due = float("inf")

    def give(time: float) -> None:
        if held:
            given.append((time, tuple(held)))
            held.clear()

    for time, piece in came:
        if held and due < time:
            give(due)
        if piece == "no":
            give(time)
            given.append((time, piece))
            continue
        if not held:
            due = time + within
        held.append(piece)
        if len(held) == size:
            give(time)
    give(min(due, end))
    return rounded(given)


def throttled(script: Script, ending: int, seconds: float) -> Came:
    came, end = moments(script, ending)
    given: Came = []
    held: list[object] = []
    opens = float("-inf")

    def give(time: float) -> None:
        nonlocal opens
        if held:
            given.append((time, held.pop()))
            opens = time + seconds

    for time, piece in came:
        if opens < time:
            give(opens)
        if piece == "no":
            give(time)
            given.append((time, piece))
            continue
        held[:] = [piece]
        if opens < time:
            give(time)
    give(min(opens, end))
    return rounded(given)


def debounced(script: Script, ending: int, seconds: float) -> Came:
    came, end = moments(script, ending)
    given: Came = []
    held: list[object] = []
    quiet = float("inf")

    def give(time: float) -> None:
        if held:
            given.append((time, held.pop()))

    for time, piece in came:
        if quiet < time:
            give(quiet)
        if piece == "no":
            give(time)
            given.append((time, piece))
            continue
        held[:] = [piece]
        quiet = time + seconds
    give(min(quiet, end))
    return rounded(given)


def rounded(came: Came) -> Came:
    return [(round(time, 6), piece) for time, piece in came]


@few
@given(scripts, st.integers(0, 4), st.integers(1, 4), LIMITS)
def test_p10_batches_are_those_of_the_model(script: Script, ending: int, size: int, within: float) -> None:
    got = in_virtual_time(follow(script, ending, lambda stream: stream.batch(size, within=within)))
    assert got == batched(script, ending, size, within)


@few
@given(scripts, st.integers(0, 4), LIMITS)
def test_p10_throttled_pieces_are_those_of_the_model(script: Script, ending: int, seconds: float) -> None:
    got = in_virtual_time(follow(script, ending, lambda stream: stream.throttle(seconds)))
    assert got == throttled(script, ending, seconds)


@few
@given(scripts, st.integers(0, 4), LIMITS)
def test_p10_debounced_pieces_are_those_of_the_model(script: Script, ending: int, seconds: float) -> None:
    got = in_virtual_time(follow(script, ending, lambda stream: stream.debounce(seconds)))
    assert got == debounced(script, ending, seconds)


@pytest.mark.leaves_errors_unread
@few
@given(scripts, st.integers(0, 4), st.none() | LIMITS, st.none() | LIMITS)
def test_p10_timeouts_are_those_of_the_model(
    script: Script, ending: int, each: float | None, whole: float | None
) -> None:
    assume(each != whole)  # else both have a right to be named, or neither is given

    def late(error: TimeoutError) -> str:
        return "each" if "gave no piece" in str(error) else "whole"

    got = in_virtual_time(
        follow(
            script,
            ending,
            lambda stream: stream.timeout_pieces(each=each, whole=whole).recover_pieces(late, TimeoutError),
        )
    )
    came, end = moments(script, ending)
    expected: Came = []
    before = 0.0
    for time, piece in [*came, (end, None)]:
        limits = [(before + each, "each")] if each is not None else []
        limits += [(whole, "whole")] if whole is not None else []
        if min(limits)[0] < time:
            expected.append(min(limits))
            break
        if piece is not None:
            expected.append((time, piece))
        before = time
    assert got == rounded(expected)


# --- what a reader of the rules would try ---


def test_p10_throttle_keeps_its_pace_and_loses_no_last_piece() -> None:
    script: Script = [(0, 0), *((1, number) for number in range(1, 8))]
    got = in_virtual_time(follow(script, 100, lambda stream: stream.throttle(2.5)))
    assert got == [(0, 0), (2.5, 2), (5, 5), (7.5, 7)]


def test_p10_debounce_waits_for_quiet() -> None:
    script: Script = [(0, 0), (1, 1), (1, 2), (10, 3), (1, 4)]
    assert in_virtual_time(follow(script, 0, lambda stream: stream.debounce(3))) == [(5, 2), (13, 4)]


def test_p10_an_error_lets_what_waits_through_and_passes_at_once() -> None:
    script: Script = [(0, 0), (1, 1), (0, None), (0, 2)]
    expected = [(1, 1), (1, "no")]
    assert in_virtual_time(follow(script, 9, lambda stream: stream.debounce(3))) == [*expected, (4, 2)]
    assert in_virtual_time(follow(script, 9, lambda stream: stream.throttle(3))) == [(0, 0), *expected, (4, 2)]


def test_p10_a_batch_is_given_in_time_and_none_is_empty() -> None:
    script: Script = [(1, 0), (1, 1), (9, 2)]
    assert in_virtual_time(follow(script, 60, lambda stream: stream.batch(9, within=2.5))) == [
        (3.5, (0, 1)),
        (13.5, (2,)),
    ]


def test_p10_no_time_at_all_gives_what_is_ready() -> None:
    script: Script = [(0, 0), (0, 1), (1, 2)]
    assert in_virtual_time(follow(script, 1, lambda stream: stream.batch(9, within=0))) == [(0, (0, 1)), (1, (2,))]
    assert in_virtual_time(follow(script, 1, lambda stream: stream.debounce(0))) == [(0, 1), (1, 2)]


def test_p3_the_source_of_a_timeout_goes_on() -> None:
    async def main() -> Came:
        async with PromisingContext():
            source = StreamedPromise.of([1, 2]).then_pieces(lambda number: asyncio.sleep(5, number))
            with pytest.raises(TimeoutError, match=r"'of.then_pieces' gave no piece within 3 s"):
                await source.timeout_pieces(each=3)
            with pytest.raises(TimeoutError, match=r"'of.then_pieces' was not complete within 4 s"):
                await source.timeout_pieces(whole=4)
            assert await source == (1, 2)
            assert await source.timeout_pieces(each=0, whole=0) == (1, 2)  # all of it was there in time
            return [(asyncio.get_running_loop().time(), "done")]

    assert in_virtual_time(main()) == [(10, "done")]


def test_p10_ready_pieces_without_end_are_not_complete_in_time() -> None:
    async def endless() -> AsyncIterator[int]:
        for number in itertools.count():
            yield number
            if number % 100 == 0:
                await asyncio.sleep(1)

    async def whole(_: object) -> None:
        pass

    async def main() -> Came:
        async with PromisingContext():
            source = StreamedPromise(endless, whole)
            limited = source.timeout_pieces(each=2, whole=3.5)
            with pytest.raises(TimeoutError, match="not complete"):
                await limited
            source.cancel()
        return []

    in_virtual_time(main())


DERIVE: dict[str, Callable[[Stream[int]], Stream[object]]] = {
    "batch": lambda stream: stream.batch(5, within=60),
    "throttle": lambda stream: stream.throttle(60),
    "debounce": lambda stream: stream.debounce(60),
    "timeout each": lambda stream: stream.timeout_pieces(each=60),
    "timeout whole": lambda stream: stream.timeout_pieces(whole=60),
}
each_combinator = pytest.mark.parametrize("name", DERIVE)


@each_combinator
async def test_p7_cancelling_the_result_leaves_neither_task_nor_timer(name: str) -> None:
    async with PromisingContext() as context:
        appender = StreamAppender[int]()
        result = DERIVE[name](appender.promise)
        appender.extend([1, 2])
        for _ in range(5):
            await asyncio.sleep(0)
        assert context.tasks
        result.cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not context.tasks
        assert appender.closed  # P10: nobody else used it
        with pytest.raises(PromiseCancelledError):
            await result
        assert not timers()


def timers() -> list[asyncio.TimerHandle]:
    """What the loop is to do later, but for the sweep that looks for deadlocks."""
    scheduled: list[asyncio.TimerHandle] = vars(asyncio.get_running_loop())["_scheduled"]  # nothing public tells
    return [timer for timer in scheduled if not timer.cancelled() and "_sweep" not in repr(timer)]


@each_combinator
async def test_p7_a_source_that_ends_or_fails_leaves_no_timer(name: str) -> None:
    async with PromisingContext() as context:
        with StreamAppender[int]() as appender:
            result = DERIVE[name](appender.promise)
            appender.extend([1, 2])
            await asyncio.sleep(0.001)
            appender.fail(ValueError("no"))
        with pytest.raises(ValueError, match="^no$"):
            await result
        await asyncio.sleep(0)
        assert not context.tasks
        assert not timers()


@each_combinator
async def test_p2_what_is_made_of_something_lazy_is_lazy(name: str) -> None:
    begun: list[bool] = []

    async def numbers() -> AsyncIterator[int]:
        begun.append(True)
        yield 1

    async def whole(_: object) -> None:
        pass

    async with PromisingContext():
        result = DERIVE[name](StreamedPromise(numbers, whole, start_asap=False).pieces())
        for _ in range(5):
            await asyncio.sleep(0)
        assert not begun
        await result
        assert begun


@each_combinator
async def test_p9_what_is_made_of_a_bounded_stream_is_bounded(name: str) -> None:
    made: list[int] = []

    async def numbers() -> AsyncIterator[int]:
        for number in range(1000):
            made.append(number)
            yield number

    async def whole(_: object) -> None:
        pass

    async with PromisingContext():
        result = DERIVE[name](StreamedPromise(numbers, whole, max_ahead=3).pieces())
        for _ in range(3000):
            await asyncio.sleep(0)
        # what drops pieces, or puts many into one, takes more of them; but for those it stops as well
        assert len(made) <= 30 or name in ("throttle", "debounce")
        assert await result


async def test_p4_ready_pieces_cost_no_task_switch() -> None:
    switches = 0

    async def others() -> None:
        nonlocal switches
        while True:
            await asyncio.sleep(0)
            switches += 1

    async with PromisingContext():
        for derive in DERIVE.values():
            result = derive(StreamedPromise.of(range(200)))
            other = asyncio.create_task(others())
            await asyncio.sleep(0)
            switches = 0
            await result
            assert switches < 5
            other.cancel()
            await asyncio.gather(other, return_exceptions=True)


@each_combinator
async def test_p4_a_million_ready_pieces_starve_nobody(name: str) -> None:
    count = rounds(100_000)
    ticks = 0

    async def ticker() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0)
            ticks += 1

    async with PromisingContext():
        ticking = asyncio.create_task(ticker())
        result = DERIVE[name](StreamedPromise.of(range(count)))
        last = (await result)[-1]
        assert last in (count - 1, tuple(range(count - 5, count)))
        assert ticks >= count // 512
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)


@pytest.mark.parametrize("name", ["batch", "throttle", "debounce"])
def test_p7_who_waits_for_time_to_pass_is_in_no_deadlock(name: str) -> None:
    async def main() -> Came:
        async with PromisingContext():

            async def numbers() -> AsyncIterator[int]:
                yield 1
                yield 2
                pieces = aiter(result)
                await anext(pieces)
                if name == "throttle":
                    await anext(pieces)
                yield 3

            async def whole(_: object) -> None:
                pass

            result: Stream[object] = DERIVE[name](StreamedPromise(numbers, whole).pieces())
            given = await result
        return [(asyncio.get_running_loop().time(), given)]

    got = in_virtual_time(main())
    assert got[0][0] == 60
    assert str(got[0][1]) in ("((1, 2), (3,))", "(1, 2, 3)", "(2, 3)")


@each_combinator
def test_p7_who_waits_for_a_piece_may_be_in_a_deadlock(name: str) -> None:
    async def main() -> Came:
        async with PromisingContext():

            async def numbers() -> AsyncIterator[int]:
                await anext(aiter(result))
                yield 1

            async def whole(_: object) -> None:
                pass

            result: Stream[object] = DERIVE[name](StreamedPromise(numbers, whole).pieces())
            with pytest.raises(PromiseDeadlockError):
                await result
        return [(asyncio.get_running_loop().time(), "found")]

    assert in_virtual_time(main())[0][0] < 1


@pytest.mark.parametrize("seconds", [-1, float("nan")])
def test_times_below_zero_are_refused(seconds: float) -> None:
    stream = StreamedPromise.of([1])
    with pytest.raises(ValueError, match=rf"throttle\({seconds}\)"):
        stream.throttle(seconds)
    with pytest.raises(ValueError, match=rf"debounce\({seconds}\)"):
        stream.debounce(seconds)
    with pytest.raises(ValueError, match=rf"batch\(within={seconds}\)"):
        stream.batch(1, within=seconds)
    with pytest.raises(ValueError, match=rf"timeout_pieces\(each={seconds}\)"):
        stream.timeout_pieces(each=seconds)
    with pytest.raises(ValueError, match=rf"timeout_pieces\(whole={seconds}\)"):
        stream.timeout_pieces(each=1, whole=seconds)


def test_a_timeout_without_a_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="give it a limit"):
        StreamedPromise.of([1]).timeout_pieces()
