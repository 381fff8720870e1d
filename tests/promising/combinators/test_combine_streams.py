"""P10: what is made of many streams: `merge`, `concat`, `zip_latest`."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable
from dataclasses import dataclass

import pytest
from hypothesis import given, strategies as st

from miniagents.promising import (
    PromiseCancelledError,
    PromiseDeadlockError,
    PromisingContext,
    Stream,
    StreamAppender,
    StreamedPromise,
    concat,
    merge,
    zip_latest,
)
from tests.counting import CountedCalls
from tests.effort import examples, rounds

Combine = Callable[..., Stream[object]]
each = pytest.mark.parametrize("combine", [merge, concat, zip_latest])


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def outcomes(stream: AsyncIterable[object]) -> list[object]:
    read: list[object] = []
    pieces = aiter(stream)
    while True:
        try:
            read.append(await anext(pieces))
        except StopAsyncIteration:
            return read
        except Exception as error:  # noqa: BLE001 - whatever is in the stream
            read.append(error)


async def whole(_: object) -> None:
    pass


async def letters(text: str) -> AsyncIterator[str]:
    for letter in text:
        await asyncio.sleep(0)
        yield letter


class Endless:
    """Gives numbers one per turn; it knows how many it gave and whether it was stopped."""

    def __init__(self) -> None:
        self.given = 0
        self.stopped = False

    async def __call__(self) -> AsyncIterator[int]:
        try:
            while True:
                self.given += 1
                yield self.given
                await asyncio.sleep(0)
        finally:
            self.stopped = True


# --- zip_latest ---


async def test_zip_latest_gives_the_latest_of_each_from_when_each_has_given_one() -> None:
    error = ValueError("no")
    async with PromisingContext():
        with StreamAppender[str]() as left, StreamAppender[int]() as right:
            both = zip_latest(left.promise, right.promise)

            async def put(piece: str | int | BaseException, where: "StreamAppender[str] | StreamAppender[int]") -> None:
                if isinstance(piece, BaseException):
                    where.fail(piece)
                else:
                    where.append(piece)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
                await turns()

            await put("a", left)
            await put(error, left)
            await put("b", left)
            await put(1, right)
            await put(error, right)
            await put(2, right)
            await put("c", left)
        assert await outcomes(both) == [error, ("b", 1), error, ("b", 2), ("c", 2)]
        assert await outcomes(both) == [error, ("b", 1), error, ("b", 2), ("c", 2)]


async def test_zip_latest_goes_on_until_all_have_ended() -> None:
    async with PromisingContext():
        late = StreamAppender[int]()
        both = zip_latest(StreamedPromise.of("ab"), late.promise)
        await turns()
        late.extend([1, 2])
        await turns()
        assert not both.done()
        late.close()
        assert await both == (("b", 1), ("b", 2))


@pytest.mark.parametrize("errors", [[], [ValueError("no")]])
async def test_zip_latest_ends_with_a_stream_that_gave_nothing(errors: list[ValueError]) -> None:
    source = Endless()
    async with PromisingContext():
        stream = StreamedPromise(source, whole)
        empty = StreamAppender[str]()
        both = zip_latest(stream, empty.promise)
        await turns()
        for error in errors:
            empty.fail(error)
        empty.close()
        assert await outcomes(both) == errors
        await turns()
        assert not source.stopped  # a finished result leaves its sources alone
        stream.cancel()
    generator = source()
    async with PromisingContext():
        assert await zip_latest(generator, StreamedPromise.of(list[int]())) == ()
        await turns()
    assert source.stopped  # a plain generator is nobody else's


async def test_zip_latest_of_one_and_of_none() -> None:
    async with PromisingContext():
        assert await zip_latest(StreamedPromise.of([1, None])) == ((1,), (None,))
        assert await outcomes(zip_latest()) == await outcomes(merge()) == await outcomes(concat()) == []


# --- foreign iterators ---


@each
async def test_p5_an_error_of_a_foreign_generator_is_a_piece(combine: Combine, logged: list[str]) -> None:
    error = ValueError("no")

    async def broken() -> AsyncIterator[str]:
        yield "a"
        raise error

    async with PromisingContext():
        read = await outcomes(combine(broken(), letters("bcd")))
        assert read.count(error) == 1
        if combine is concat:
            assert read == ["a", error, "b", "c", "d"]
        elif combine is merge:
            assert {*read} == {"a", error, "b", "c", "d"}
        else:
            assert read[-1] == ("a", "d")
    assert not logged


@each
async def test_p10_an_iterator_that_is_given_twice_is_read_once(combine: Combine) -> None:
    async with PromisingContext():
        generator = letters("ab")
        pieces = await outcomes(combine(generator, generator))
    if combine is zip_latest:
        assert pieces[-1] == ("b", "b")
    else:
        assert sorted(map(str, pieces)) == ["a", "a", "b", "b"]
        assert combine is merge or pieces == ["a", "b", "a", "b"]


@each
async def test_what_is_no_stream_is_refused_at_the_call(combine: Combine) -> None:
    async with PromisingContext():
        with pytest.raises(TypeError, match=": 3 is no stream$"):
            combine(3, StreamedPromise.of("a"))


@each
async def test_p10_a_foreign_generator_is_closed_when_the_result_is_cancelled(combine: Combine) -> None:
    source = Endless()
    async with PromisingContext():
        result = combine(source())
        await turns()
        assert result.cancel()
        await turns()
        assert source.stopped
        assert asyncio.all_tasks() == {asyncio.current_task()}
        with pytest.raises(PromiseCancelledError):
            await result


# --- the rules of promises ---


@each
async def test_p10_cancelling_the_result_frees_the_sources_within_a_turn(combine: Combine) -> None:
    sources = [Endless() for _ in range(3)]
    async with PromisingContext():
        streams = [StreamedPromise(source, whole) for source in sources]
        result = combine(*streams)
        await turns()
        assert result.cancel()
        await turns(1)
        assert all(source.stopped for source in sources)
        await turns()
        assert asyncio.all_tasks() == {asyncio.current_task()}


@each
async def test_p2_what_is_made_of_a_lazy_stream_is_lazy(combine: Combine) -> None:
    source = Endless()
    async with PromisingContext():
        result = combine(StreamedPromise(source, whole, start_asap=False), StreamedPromise.of("a"))
        await turns()
        assert source.given == 0
        pieces = aiter(result)
        await anext(pieces)
        assert source.given > 0
        result.cancel()
    async with PromisingContext(start_asap=False):
        other = Endless()
        generator = other()
        result = combine(generator, generator)
        await turns()
        assert other.given == 0
        result.cancel()


@each
@pytest.mark.parametrize("count", [1, 4])
async def test_p9_the_result_is_as_bounded_as_the_narrowest_of_its_sources(combine: Combine, count: int) -> None:
    sources = [Endless() for _ in range(count)]
    async with PromisingContext():
        streams = [StreamedPromise(source, whole, max_ahead=3 + place) for place, source in enumerate(sources)]
        result = combine(*streams)
        await turns(100)
        assert len(result._buffer.pieces) == 3
        pieces = aiter(result)
        for read in range(1, 20):
            await anext(pieces)
            await turns(20)
            assert len(result._buffer.pieces) == read + 3
        result.cancel()


@each
async def test_p4_a_million_ready_pieces_leave_the_loop_responsive(combine: Combine) -> None:
    count = rounds(100_000)
    async with PromisingContext():
        result = combine(StreamedPromise.of(range(count)), StreamedPromise.of(range(count)))
        taken = 0
        while not result.done():
            before = len(result._buffer.pieces)
            await asyncio.sleep(0)
            taken += 1
            assert len(result._buffer.pieces) - before <= 2 * 512
        assert taken > count // 512
        assert len(await result) >= count


@each
async def test_many_streams_cost_little(combine: Combine) -> None:
    async def calls(count: int) -> int:
        async with PromisingContext(stall_warning=None):  # each look for a stall is at all tasks, once in some seconds
            appenders = [StreamAppender[int]() for _ in range(count)]
            with CountedCalls() as counted:
                result = combine(*(appender.promise for appender in appenders))
                await turns()
                for number, appender in enumerate(appenders):
                    appender.append(number)
                    appender.close()
                read = await outcomes(result)
            assert len(read) == (1 if combine is zip_latest else count)
        return counted.count

    few = 20 if combine is zip_latest else 200
    assert await calls(10 * few) < 12 * await calls(few)


@each
async def test_p7_a_circle_through_the_result_is_found(combine: Combine) -> None:
    async def circular() -> AsyncIterator[object]:
        async for piece in result:
            yield piece

    async with PromisingContext():
        stream = StreamedPromise(circular, whole, name="circular")
        result = combine(stream)
        read = await outcomes(result)
        assert [type(error) for error in read] == [PromiseDeadlockError]


@pytest.mark.leaves_errors_unread  # of an appender that is dropped
async def test_p8_a_stream_that_fails_to_be_read_stops_the_reading_of_the_others() -> None:
    source = Endless()

    async def circular() -> AsyncIterator[object]:
        async for piece in inner:
            yield piece

    async with PromisingContext():
        inner: Stream[object] = merge(StreamedPromise(circular, whole), StreamAppender[int]().promise.take(0))
        outer = merge(inner, source())
        pieces = aiter(outer)
        with pytest.raises(PromiseDeadlockError):
            while True:
                await anext(pieces)
        outer.cancel()
        await turns()
        assert source.stopped


# --- against a model ---


@dataclass(frozen=True)
class Event:
    """What a stream does at a moment: gives its number and that of the moment, fails, or ends."""

    stream: int
    kind: str


events = st.lists(st.builds(Event, st.integers(0, 2), st.sampled_from(["piece", "piece", "error", "end"])), max_size=14)
STREAMS = 3


def model_of_zip_latest(script: list[Event]) -> list[object]:
    expected: list[object] = []
    latest: dict[int, str] = {}
    ended: set[int] = set()
    for moment, event in enumerate(script):
        if event.stream in ended:
            continue
        if event.kind == "end":
            ended.add(event.stream)
            if event.stream not in latest:
                break
        elif event.kind == "error":
            expected.append(f"error {moment}")
        else:
            latest[event.stream] = f"{event.stream}:{moment}"
            if len(latest) == STREAMS:
                expected.append(tuple(latest[number] for number in range(STREAMS)))
    return expected


def model_of_merge(script: list[Event]) -> list[object]:
    expected: list[object] = []
    ended: set[int] = set()
    for moment, event in enumerate(script):
        if event.kind == "end":
            ended.add(event.stream)
        elif event.stream not in ended:
            expected.append(f"error {moment}" if event.kind == "error" else f"{event.stream}:{moment}")
    return expected


def model_of_concat(script: list[Event]) -> list[object]:
    merged = model_of_merge(script)
    of_error = {f"error {moment}": event.stream for moment, event in enumerate(script)}
    streams = [of_error[str(each)] if str(each) in of_error else int(str(each)[0]) for each in merged]
    return [
        piece for number in range(STREAMS) for piece, stream in zip(merged, streams, strict=True) if stream == number
    ]


@pytest.mark.leaves_errors_unread
@pytest.mark.parametrize(
    ("combine", "model"), [(zip_latest, model_of_zip_latest), (merge, model_of_merge), (concat, model_of_concat)]
)
@examples(120)
@given(script=events, bounded=st.booleans())
def test_laws(
    combine: Combine, model: Callable[[list[Event]], list[object]], script: list[Event], bounded: bool
) -> None:
    async def play(appenders: list[StreamAppender[str]]) -> None:
        for moment, event in enumerate(script):
            appender = appenders[event.stream]
            if appender.closed:
                continue
            if event.kind == "end":
                appender.close()
            elif event.kind == "error":
                appender.fail(ValueError(f"error {moment}"))
            else:
                appender.append(f"{event.stream}:{moment}")
            await turns(8)
        for appender in appenders:
            if not appender.closed:
                appender.close()
            await turns(8)

    async def main() -> None:
        async with PromisingContext():
            appenders = [StreamAppender[str](max_ahead=2 if bounded else None) for _ in range(STREAMS)]
            result = combine(*(appender.promise for appender in appenders))
            reader = asyncio.create_task(outcomes(result))
            await turns()
            await play(appenders)
            read = [str(each) if isinstance(each, ValueError) else each for each in await reader]
            assert read == model(script)
            late = [str(each) if isinstance(each, ValueError) else each for each in await outcomes(result)]
            assert late == read
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


@given(st.lists(st.integers(), max_size=5), st.lists(st.integers(), max_size=5), st.lists(st.integers(), max_size=5))
@examples(40)
def test_concat_is_a_monoid_and_merge_loses_nothing(left: list[int], middle: list[int], right: list[int]) -> None:
    async def main() -> None:
        async with PromisingContext():
            a, b, c = (StreamedPromise.of(pieces) for pieces in (left, middle, right))
            empty = StreamedPromise.of(list[int]())
            assert await concat(concat(a, b), c) == await concat(a, concat(b, c)) == (*left, *middle, *right)
            assert await concat(a, empty) == await concat(empty, a) == await concat(a) == await a
            assert await merge(a, empty) == await merge(a) == await a
            assert sorted(await merge(merge(a, b), c)) == sorted(await merge(c, b, a))

    asyncio.run(main())
