"""P14: a result that ends before its source lets go of it, and who still holds the source keeps all of it."""

import asyncio
import contextlib
import gc
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from typing import Any, Final, TypeAlias

import pytest

from miniagents.promising import (
    Promise,
    PromiseCancelledError,
    PromisingContext,
    StreamAppender,
    StreamedPromise,
    concat,
    first_ok,
    first_to_speak,
    gather,
    merge,
    race,
    retry,
    retry_stream,
    zip_latest,
)
from tests.promising.laws.cases import each_case
from tests.promising.laws.registry import PIECES, Case, Law
from tests.promising.laws.sources import (
    CANCELS,
    Given,
    Manner,
    PieceError,
    is_cancelled,
    is_message,
    is_stream,
    made_of,
    outcome_of,
    outcomes,
    turns,
    values,
)

pytestmark = pytest.mark.virtual_clock

A_WHILE: Final = 40
"""Turns of the loop after which nothing moves any more that waits."""

MANNERS: Final = (
    Manner(waits=True),
    Manner(waits=True, foreign=True),
    Manner(waits=True, max_ahead=1, pause=1),
    Manner(waits=True, lazy=True),
)


@pytest.fixture(autouse=True)
def nothing_lies_in_circles() -> Generator[None]:
    """Frees promises by their references alone: none of the library's may lie in circles."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def let_go(promise: Promise[object]) -> None:
    """Makes something of a promise that ends before it."""
    if is_stream(promise) and not is_message(promise):
        with contextlib.suppress(TimeoutError, PieceError):  # here: a frame that has ended would be held by the error
            await promise.timeout_pieces(whole=1).pieces()  # the whole of messages would come later
    else:
        await promise.timeout(1, default=None)


async def is_free(context: PromisingContext, given: Given) -> bool:
    await turns(A_WHILE)
    running = [source for source in given.sources if source.started and not source.stopped]
    return not running and not given.calls and not context.tasks


def forget(given: Given, *, sources: bool = False) -> None:
    """Holds the result no longer, and the sources neither if that is said."""
    given.result = None
    for source in given.sources:
        if sources:
            source.promise = None


@pytest.mark.leaves_errors_unread
@each_case(Law.LETTING_GO)
async def test_p14_a_result_that_nobody_holds_frees_its_sources(case: Case) -> None:
    for manner in (*MANNERS, Manner(stuck=True)):
        async with PromisingContext(on_leave="cancel") as context:
            given = Given(case.plain(), manner)
            await let_go(case.result(given))
            forget(given, sources=True)
            assert await is_free(context, given), manner


@pytest.mark.leaves_errors_unread
@each_case(Law.LETTING_GO, Law.HELD)
async def test_p14_a_source_that_somebody_holds_goes_on(case: Case) -> None:
    for manner in MANNERS:
        async with PromisingContext():
            given = Given(case.plain(), manner)
            await let_go(case.result(given))
            forget(given)
            await turns(A_WHILE)
            held = [source for source in given.sources if source.promise is not None]
            assert [source for source in held if source.stopped] == []
            given.release.set()
            for source in held:
                assert source.promise is not None
                assert len(await values(await outcomes(source.promise))) == len(source.script)


@each_case(Law.LETTING_GO, Law.CANCEL)
async def test_p14_a_result_that_somebody_holds_goes_on(case: Case) -> None:
    async with PromisingContext():
        given = Given(case.plain(), Manner(waits=True))
        result = case.result(given)
        await let_go(result)
        forget(given, sources=True)
        await turns(A_WHILE)
        assert not result.done()
        given.release.set()
        await case.expect(given, await outcomes(result))


@pytest.mark.leaves_errors_unread
@each_case(Law.LETTING_GO, Law.CANCEL)
async def test_p14_a_result_that_somebody_reads_goes_on_until_the_reader_leaves(case: Case) -> None:
    async with PromisingContext(on_leave="cancel") as context:
        given = Given(case.plain(), Manner(waits=True))
        reader = asyncio.create_task(outcomes(case.result(given)))
        await turns(1)
        assert given.result is not None
        await let_go(given.result)
        forget(given, sources=True)
        await turns(A_WHILE)
        assert not reader.done()
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
        del reader
        assert await is_free(context, given)


# --- the results that end by themselves before their source ---


class Source:
    """A source without an end."""

    def __init__(self) -> None:
        self.given = 0
        self.stopped = False

    async def pieces(self) -> AsyncIterator[int]:
        try:
            while True:
                self.given += 1
                yield self.given
                await asyncio.sleep(0.1)
        finally:
            self.stopped = True

    async def value(self) -> int:
        try:
            self.given += 1
            await asyncio.Event().wait()
        finally:
            self.stopped = True
        raise AssertionError

    async def whole(self, pieces: object) -> None:
        """Is never reached."""

    def stream(self) -> StreamedPromise[int, None]:
        return StreamedPromise(self.pieces, self.whole)

    def promise(self) -> Promise[int]:
        return Promise(self.value)


async def failing() -> int:
    raise PieceError(1)


def fails_at_three(number: int) -> float:
    return 1 / (3 - number)


async def same(number: int) -> int:
    return number


Combine: TypeAlias = Callable[[StreamedPromise[int, None], Promise[int]], Promise[object]]

EARLY: Final[dict[str, Combine]] = {
    "take": lambda stream, _: stream.take(3),
    "take of nothing": lambda stream, _: stream.take(0),
    "take_while": lambda stream, _: stream.take_while(lambda number: number < 4),
    "take_while with an error": lambda stream, _: stream.take_while(fails_at_three).take(1),
    "zip, the left": lambda stream, _: stream.zip(StreamedPromise.of("ab")),
    "zip, the right": lambda stream, _: StreamedPromise.of("ab").zip(stream),
    "zip, strict": lambda stream, _: stream.zip(StreamedPromise.of("ab"), strict=True),
    "zip_longest, take": lambda stream, _: stream.zip_longest(StreamedPromise.of("ab")).take(3),
    "take_until, the stream": lambda stream, _: stream.take_until(Promise.resolved(1)),
    "take_until, the promise": lambda _, promise: StreamedPromise.of("ab").take_until(promise),
    "timeout": lambda _, promise: promise.timeout(1),
    "timeout with a default": lambda _, promise: promise.timeout(1, default=None),
    "timeout of a stream": lambda stream, _: stream.timeout(1),
    "timeout_pieces": lambda stream, _: stream.timeout_pieces(whole=1),
    "on_error": lambda stream, _: stream.map_pieces(fails_at_three).on_error(lambda _: StreamedPromise.of("a")),
    "fold": lambda stream, _: stream.fold(lambda _, number: fails_at_three(number), 0.0),
    "pair": lambda _, promise: Promise(failing).map(lambda number: (number,)).pair(promise),
    "pair, the other": lambda _, promise: promise.map(lambda number: (number,)).pair(Promise(failing)),
    "gather": lambda _, promise: gather(promise, Promise(failing)),
    "race": lambda _, promise: race(promise, Promise(failing)),
    "first_ok": lambda _, promise: first_ok(promise, Promise.resolved(1)),
    "merge, take": lambda stream, _: merge(stream, StreamedPromise.of("ab")).take(3),
    "concat, take": lambda stream, _: concat(stream, StreamedPromise.of("ab")).take(3),
    "zip_latest, take": lambda stream, _: zip_latest(stream, StreamedPromise.of("ab")).take(3),
    "zip_latest of an empty one": lambda stream, _: zip_latest(stream, StreamedPromise.of("")),
    "chain, take": lambda stream, _: stream.chain(StreamedPromise.of("ab")).take(3),
    "flat_map, take": lambda stream, _: StreamedPromise.of([1]).flat_map(lambda _: stream).take(3),
    "flat_map of several, take": lambda stream, _: (
        StreamedPromise.of([1, 2]).flat_map(lambda _: stream, concurrency=2).take(3)
    ),
    "flat_map of several as they come, take": lambda stream, _: (
        StreamedPromise.of([1, 2]).flat_map(lambda _: stream, concurrency=2, ordered=False).take(3)
    ),
    "switch_map, take": lambda stream, _: StreamedPromise.of([1]).switch_map(lambda _: stream).take(3),
    "first_to_speak, take": lambda stream, _: first_to_speak(stream).take(3),
    "retry_stream, take": lambda stream, _: retry_stream(lambda: stream).take(3),
    "conflate, take": lambda stream, _: stream.conflate().take(3),
    "rate_limit, take": lambda stream, _: stream.rate_limit(5).take(3),
    "then_pieces, take": lambda stream, _: stream.then_pieces(same, concurrency=3).take(3),
    "group_by, take": lambda stream, _: stream.group_by(lambda number: number % 2).map_pieces(len).take(2),
    "map, filter, take": lambda stream, _: stream.map_pieces(str).filter(bool).take(3),
    "map, then, timeout": lambda _, promise: promise.map(lambda number: number).then(same).tap(int).timeout(1),
    "recover, timeout": lambda _, promise: promise.recover(lambda _: 1).timeout(1),
    "retry, timeout": lambda _, promise: retry(lambda: promise).timeout(1),
    "flatten, timeout": lambda _, promise: Promise.resolved(promise).flatten().timeout(1),
}
"""Results that end although their source goes on."""

CANCELS_ALL: Final = ("race", "first_ok")
"""Those that cancel the losers, whoever holds them."""


@pytest.mark.parametrize("name", EARLY)
async def test_p14_the_source_of_a_result_that_ends_early_is_cancelled(name: str) -> None:
    async with PromisingContext(on_leave="cancel"):
        stream, promise = Source(), Source()  # it is made of one of them
        result = EARLY[name](stream.stream(), promise.promise())
        held = await outcome_of(result)  # an error holds nothing by its traceback
        await turns(A_WHILE)
        assert [source for source in (stream, promise) if source.stopped]
        del held


@pytest.mark.parametrize("name", [name for name in EARLY if name not in CANCELS_ALL])
async def test_p14_the_source_of_a_result_that_ends_early_goes_on_if_it_is_held(name: str) -> None:
    async with PromisingContext(on_leave="cancel"):
        sources = [Source(), Source()]
        stream, promise = sources[0].stream(), sources[1].promise()
        await outcome_of(EARLY[name](stream, promise))
        await turns(A_WHILE)
        assert [number async for number in stream.take(9)] == [*range(1, 10)]
        await turns(A_WHILE)
        assert [source for source in sources if source.stopped] == []
        assert not promise.done()


async def test_p14_a_lazy_view_holds_the_stream() -> None:
    async with PromisingContext():
        source = Source()
        stream = source.stream()
        view = stream.pieces().into(sum)
        assert await stream.take(2) == (1, 2)
        del stream
        await turns(A_WHILE)
        assert not source.stopped
        del view
        await turns(2)
        assert source.stopped


async def test_p14_a_stream_that_is_held_goes_on_when_its_reader_leaves() -> None:
    async with PromisingContext(on_leave="cancel"):
        source = Source()
        stream = source.stream()
        assert await stream.take(2) == (1, 2)
        async for _ in stream:
            break
        await turns(A_WHILE)
        assert not source.stopped
        assert await stream.take(5) == (1, 2, 3, 4, 5)


async def test_p14_the_readers_of_what_was_let_go_are_told_why() -> None:
    async with PromisingContext():
        source = Source()
        stream = source.stream()
        late = stream._shown(stream._buffer)  # a view that keeps nothing
        assert await stream.take(2) == (1, 2)
        del stream
        await turns(2)
        with pytest.raises(
            PromiseCancelledError, match="was let go: 'Source.pieces.take' ended before it, and nothing else"
        ):
            async for _ in late:
                pass


async def test_p14_work_that_no_result_has_let_go_of_goes_on_although_nobody_holds_it() -> None:
    async with PromisingContext(on_leave="cancel"):
        unread, read, left = Source(), Source(), Source()
        unread.stream()
        read.stream().map_pieces(str)
        async for _ in left.stream():
            break
        await turns(A_WHILE)
        assert [source.stopped for source in (unread, read, left)] == [False] * 3


async def test_p14_what_lies_in_a_circle_is_let_go_when_the_garbage_is_collected() -> None:
    async with PromisingContext():
        source = Source()
        circle: list[object] = [source.stream()]
        circle.append(circle)
        stream = circle[0]
        assert isinstance(stream, StreamedPromise)
        assert await stream.take(1) == (1,)
        del circle, stream
        await turns(A_WHILE)
        assert not source.stopped
        gc.collect()
        await turns(2)
        assert source.stopped


async def test_p14_a_stream_is_let_go_by_the_collector_in_another_thread() -> None:
    async with PromisingContext():
        source = Source()
        held = [source.stream()]
        assert await held[0].take(1) == (1,)
        await asyncio.to_thread(held.clear)
        await turns(3)
        assert source.stopped


async def test_p14_what_is_pushed_is_the_pushers() -> None:
    async with PromisingContext():
        with StreamAppender[int]() as appender:
            appender.extend([1, 2, 3])
            assert await appender.promise.take(2) == (1, 2)
            await turns(A_WHILE)
            appender.append(4)
        assert await appender.promise == (1, 2, 3, 4)


async def test_p14_a_held_group_holds_the_stream_of_groups() -> None:
    async with PromisingContext():
        source = Source()
        ((_, group),) = await source.stream().group_by(lambda number: number % 2).take(1)
        await turns(A_WHILE)
        assert not source.stopped
        assert await group.take(2) == (1, 3)
        del group, _
        await turns(A_WHILE)
        assert source.stopped


async def test_p14_cancelling_a_result_that_has_ended_lets_go_as_well() -> None:
    async with PromisingContext():
        source = Source()
        result = source.stream().take(2)
        assert await result == (1, 2)
        assert result.cancel()
        assert not result.cancelled()
        await turns(1)
        assert source.stopped
        assert not result.cancel()


# --- nothing past the end ---


@pytest.mark.leaves_errors_unread
@each_case(Law.PAST_THE_END)
async def test_p14_a_function_that_cancels_the_result_leaves_nothing_behind_the_end(case: Case) -> None:
    for manner in (Manner(), Manner(pause=1), Manner(max_ahead=1), Manner(ready=True)):
        async with PromisingContext():
            script = [1, CANCELS, 2, 3]
            given = Given([script if kind is PIECES else [CANCELS] for kind in case.takes], manner)
            made_of.set(given)
            result = case.result(given)
            await turns(A_WHILE)
            if given.cancelled:
                read = await outcomes(result)
                assert [place for place, outcome in enumerate(read) if is_cancelled(outcome)] == [len(read) - 1]


# --- all sides are watched ---


Watching: TypeAlias = Callable[[Promise[int], Promise[int]], Promise[object]]

WATCHING: Final[dict[str, Watching]] = {
    "pair": lambda one, two: one.map(lambda value: (value,)).pair(two),
    "gather": gather,
    "race": race,
}


@pytest.mark.parametrize("name", WATCHING)
@pytest.mark.parametrize("place", [0, 1])
async def test_p14_an_error_of_one_side_is_given_while_the_other_one_waits(name: str, place: int) -> None:
    async with PromisingContext(on_leave="cancel"):
        sides = [Source().promise(), Source().promise()]
        sides[place] = Promise(failing)
        assert await outcome_of(WATCHING[name](*sides)) == PieceError(1)


# --- counts ---


Counted: TypeAlias = Callable[[StreamedPromise[int, None], int], Awaitable[object]]

COUNTED: Final[dict[str, tuple[Counted, int | None]]] = {
    "take": (lambda stream, count: stream.take(count), None),
    "skip": (lambda stream, count: stream.skip(count), None),
    "enumerate": (lambda stream, count: stream.enumerate(count), None),
    "window": (lambda stream, count: stream.window(count), 1),
    "batch": (lambda stream, count: stream.batch(count), 1),
    "buffer": (lambda stream, count: stream.buffer(count), 1),
    "then_pieces": (lambda stream, count: stream.then_pieces(same, concurrency=count), 1),
    "flat_map": (lambda stream, count: stream.flat_map(lambda _: stream, concurrency=count), 1),
    "retry": (lambda _, count: retry(failing, attempts=count), 1),
    "retry_stream": (lambda stream, count: retry_stream(lambda: stream, attempts=count), 1),
    "max_ahead": (lambda stream, count: StreamedPromise(stream.__aiter__, Source().whole, max_ahead=count), 1),
}


@pytest.mark.parametrize("name", COUNTED)
async def test_p10_a_count_is_checked_at_the_call(name: str) -> None:
    call, least = COUNTED[name]
    async with PromisingContext():
        stream = StreamedPromise(lambda: aiter(StreamedPromise.of([1, 2])), Source().whole)
        wrong: list[Any] = [math.nan, math.inf, 2.5, 2.0, "2", [2]]  # Any: the types refuse them
        for count in wrong:
            with pytest.raises(TypeError, match="give an integer, not "):
                call(stream, count)
        for count in [] if least is None else [least - 1, -1]:
            with pytest.raises(ValueError, match="at least one"):
                call(stream, count)
