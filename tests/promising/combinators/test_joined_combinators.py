"""P9, P10: what is made of a stream and others: several at once, the latest, the first, until something, again."""

import asyncio
import logging
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Final

import pytest

from miniagents.promising import (
    Promise,
    PromiseCancelledError,
    PromisingContext,
    Stream,
    StreamAppender,
    StreamedPromise,
    first_to_speak,
    merge,
    retry_stream,
)

pytestmark = pytest.mark.virtual_clock


def now() -> float:
    return asyncio.get_running_loop().time()


async def whole(_: object) -> None:
    pass


class Letters:
    """Spells words, a letter each second, and knows which are being spelled and which were to the end."""

    def __init__(self) -> None:
        self.begun: list[tuple[float, str]] = []
        self.running: list[str] = []
        self.most = 0
        self.ended: list[str] = []
        self.stopped: list[tuple[float, str]] = []

    async def __call__(self, word: str) -> AsyncIterator[str]:
        self.begun.append((now(), word))
        self.running.append(word)
        self.most = max(self.most, len(self.running))
        try:
            for letter in word:
                await asyncio.sleep(1)
                yield letter
            self.ended.append(word)
        finally:
            self.running.remove(word)
            if word not in self.ended:
                self.stopped.append((now(), word))

    def stream(self, word: str) -> Stream[str]:
        """The same as a promise."""
        return merge(self(word))


async def timed(stream: AsyncIterable[str]) -> list[tuple[float, str]]:
    return [(now(), piece) async for piece in stream]


# --- flat_map ---


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("concurrency", [1, 2, 3, None])
async def test_flat_map_runs_as_many_streams_as_it_may_and_no_more(ordered: bool, concurrency: int | None) -> None:
    letters = Letters()
    async with PromisingContext():
        words = StreamedPromise.of(["aa", "b", "ccc", "d", "ee"])
        pieces = await words.flat_map(letters, concurrency=concurrency, ordered=ordered)
    assert sorted(pieces) == list("aabcccdee")
    assert pieces == tuple("aabcccdee") or not ordered
    assert letters.most == (concurrency or 5)
    assert len(letters.ended) == 5


async def test_flat_map_in_order_runs_the_next_streams_while_it_gives_the_first() -> None:
    letters = Letters()
    async with PromisingContext():
        flat = StreamedPromise.of(["aaa", "bb", "c"]).flat_map(letters, concurrency=2)
        assert await timed(flat) == [(1, "a"), (2, "a"), (3, "a"), (3, "b"), (3, "b"), (4, "c")]


async def test_flat_map_gives_pieces_as_they_come() -> None:
    letters = Letters()
    async with PromisingContext():
        flat = StreamedPromise.of(["aaa", "bb", "c"]).flat_map(letters, concurrency=2, ordered=False)
        assert sorted(await timed(flat)) == [(1, "a"), (1, "b"), (2, "a"), (2, "b"), (3, "a"), (3, "c")]


@pytest.mark.parametrize("ordered", [True, False])
async def test_p7_cancelling_a_flat_map_stops_all_its_streams(ordered: bool) -> None:
    letters = Letters()
    async with PromisingContext() as context:
        words = StreamedPromise.of(["aaa", "bbb", "ccc"])
        flat = words.flat_map(letters.stream, concurrency=2, ordered=ordered)
        await asyncio.sleep(1.5)
        assert flat.cancel()
        await asyncio.sleep(0)
        assert letters.running == []
        assert [word for _, word in letters.begun] == ["aaa", "bbb"]
        await asyncio.sleep(0.1)
        assert not context.tasks


@pytest.mark.parametrize("concurrency", [0, -1])
async def test_flat_map_refuses_a_limit_that_lets_nothing_run(concurrency: int) -> None:
    with pytest.raises(ValueError, match=rf"^flat_map\(concurrency={concurrency}\): "):
        StreamedPromise.of("a").flat_map(StreamedPromise.of, concurrency=concurrency)


@pytest.mark.parametrize("ordered", [True, False])
async def test_p5_flat_map_has_an_error_where_a_function_gives_no_stream(ordered: bool) -> None:
    anything: Any = int
    async with PromisingContext():
        flat = StreamedPromise.of([1]).flat_map(anything, concurrency=2, ordered=ordered)
        with pytest.raises(TypeError):
            await flat


# --- switch_map ---


async def test_switch_map_cancels_what_its_function_made_when_the_next_piece_comes() -> None:
    letters = Letters()
    async with PromisingContext():
        with StreamAppender[str]() as words:
            switched = words.promise.switch_map(letters.stream)
            words.append("abcdef")
            await asyncio.sleep(2.5)
            words.append("xyz")
            await asyncio.sleep(0.1)
            assert letters.stopped == [(2.5, "abcdef")]
        assert await switched == ("a", "b", "x", "y", "z")


async def test_p3_switch_map_leaves_streams_alone_that_were_made_before() -> None:
    letters = Letters()
    async with PromisingContext():
        streams = {word: letters.stream(word) for word in ("abc", "xyz")}
        with StreamAppender[str]() as words:
            switched = words.promise.switch_map(streams.__getitem__)
            words.append("abc")
            await asyncio.sleep(1.5)
            words.append("xyz")
        assert await switched == ("a", "x", "y", "z")
        assert await streams["abc"] == ("a", "b", "c")


async def test_switch_map_makes_no_stream_of_a_piece_that_is_old_already() -> None:
    asked: list[str] = []

    def spelled(word: str) -> Stream[str]:
        asked.append(word)
        return StreamedPromise.of(word)

    async with PromisingContext():
        assert await StreamedPromise.of(["ab", "cd", "ef"]).switch_map(spelled) == ("e", "f")
    assert asked == ["ef"]


async def test_nothing_of_an_old_stream_comes_after_the_new_piece_although_it_is_there() -> None:
    """Also when a bound kept it back until then."""
    async with PromisingContext():
        with StreamAppender[str](max_ahead=1) as words:
            switched = words.promise.switch_map(StreamedPromise.of)
            words.append("abc")
            await asyncio.sleep(1)
            words.append("x")
            await asyncio.sleep(1)
        assert await switched == ("a", "x")


# --- take_until ---


async def test_take_until_gives_nothing_once_the_promise_is_resolved() -> None:
    async with PromisingContext():
        assert await StreamedPromise.of("abc").take_until(Promise.resolved(None)) == ()
        until = Promise.failed(ValueError("no"))
        assert isinstance(
            (await StreamedPromise.of("abc").take_until(until).recover_pieces(lambda error: error))[0], ValueError
        )


async def test_take_until_waits_for_a_coroutine_a_promise_or_a_stream() -> None:
    letters = Letters()
    async with PromisingContext(on_leave="cancel"):
        makers: list[Callable[[], Awaitable[object]]] = [
            lambda: asyncio.sleep(2.5),
            lambda: Promise(lambda: asyncio.sleep(2.5)),
            lambda: letters.stream("...").throttle(0.5).take(2),
        ]
        for make in makers:
            assert (await letters.stream("abcdef").take_until(make()))[:2] == ("a", "b")


async def test_p7_cancelling_take_until_cancels_both() -> None:
    letters = Letters()
    async with PromisingContext() as context:
        until = Promise(lambda: asyncio.sleep(100))
        limited = letters.stream("abcdef").take_until(until)
        await asyncio.sleep(1.5)
        assert limited.cancel()
        assert until.cancelled()
        await asyncio.sleep(0.1)
        assert letters.stopped == [(1.5, "abcdef")]
        assert not context.tasks


# --- first_to_speak ---


async def test_the_first_to_speak_is_read_and_the_others_are_cancelled() -> None:
    letters = Letters()
    async with PromisingContext():

        async def late(word: str) -> AsyncIterator[str]:
            await asyncio.sleep(0.5)
            async for letter in letters(word):
                yield letter

        streams = [merge(late("xyz")), letters.stream("abc"), merge(late("uvw"))]
        assert await timed(first_to_speak(*streams)) == [(1, "a"), (2, "b"), (3, "c")]
        assert [stream.cancelled() for stream in streams] == [True, False, True]
        assert sorted(letters.stopped) == [(1, "uvw"), (1, "xyz")]


async def test_p3_a_stream_that_loses_goes_on_for_its_other_readers() -> None:
    letters = Letters()
    async with PromisingContext():
        quick, slow = StreamedPromise.of("abc"), letters.stream("xyz")
        reader = asyncio.create_task(timed(slow))
        await asyncio.sleep(0)
        assert await first_to_speak(slow, quick) == ("a", "b", "c")
        assert await reader == [(1, "x"), (2, "y"), (3, "z")]


async def test_first_to_speak_takes_the_earliest_argument_and_a_stream_that_is_given_twice() -> None:
    async with PromisingContext():
        letters = StreamedPromise.of("ab")
        assert await first_to_speak(letters, letters, StreamedPromise.of("xy")) == ("a", "b")
    with pytest.raises(ValueError, match="give it at least one"):
        first_to_speak()


# --- retry_stream ---


def lines(*attempts: list[str | BaseException]) -> Callable[[], AsyncIterator[str]]:
    left = iter(attempts)

    async def attempt() -> AsyncIterator[str]:
        for piece in next(left):
            if isinstance(piece, BaseException):
                raise piece
            yield piece

    return attempt


async def test_retry_stream_pauses_tells_and_notes(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "miniagents")
    error = ConnectionError("three")
    async with PromisingContext():
        attempts = lines(["a", ValueError("one")], [OSError("two")], ["b", error])
        stream = retry_stream(attempts, backoff=lambda failed: failed * 10.0)
        pieces = aiter(stream)
        assert [await anext(pieces), await anext(pieces)] == ["a", "b"]
        assert now() == 30
        with pytest.raises(ConnectionError) as raised:
            await anext(pieces)
        assert raised.value is error
    assert "failed in 3 attempts, before this one by" in error.__notes__[0]
    assert ["attempt 1 of 3" in caplog.messages[0], "attempt 2 of 3" in caplog.messages[1]] == [True, True]


async def test_retry_stream_tries_again_when_the_function_itself_fails() -> None:
    outcomes: Iterator[ValueError | Stream[str]] = iter([ValueError("no"), StreamedPromise.of("ab")])

    def attempt() -> Stream[str]:
        outcome = next(outcomes)
        if isinstance(outcome, ValueError):
            raise outcome
        return outcome

    async with PromisingContext():
        assert await retry_stream(attempt) == ("a", "b")


async def test_retry_stream_stops_what_a_failed_attempt_has_started(logged: list[str]) -> None:
    letters = Letters()

    def attempt() -> Stream[str]:
        return merge(letters("abc"), broken() if not letters.begun else StreamedPromise.of("x"))

    async def broken() -> AsyncIterator[str]:
        await asyncio.sleep(1.5)
        if letters.begun:
            raise ValueError("no")
        yield ""

    async with PromisingContext():
        assert sorted(await retry_stream(attempt)) == ["a", "a", "b", "c", "x"]
    assert letters.stopped == [(1.5, "abc")]
    assert logged == []


async def test_a_cancelled_attempt_is_not_tried_again() -> None:
    async with PromisingContext():
        source = StreamAppender[str]()
        stream = retry_stream(lambda: source.promise)
        await asyncio.sleep(1)
        source.promise.cancel()
        with pytest.raises(PromiseCancelledError):
            await stream


@pytest.mark.parametrize(
    ("options", "error"),
    [({"attempts": 0}, ValueError), ({"backoff": -1}, ValueError), ({"errors": (3,)}, TypeError)],
)
async def test_retry_stream_looks_at_its_arguments_at_once(options: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match="^retry_stream"):
        retry_stream(lines(), **options)


# --- conflate ---


async def test_conflate_gives_a_slow_reader_the_latest() -> None:
    async with PromisingContext():
        letters = Letters().stream("abcdefgh").conflate()
        read: list[tuple[float, str]] = []
        async for piece in letters:
            read.append((now(), piece))
            await asyncio.sleep(2.25)
        assert read == [(1, "a"), (3.25, "c"), (5.5, "e"), (7.75, "g"), (10, "h")]
        assert await letters == ("a", "c", "e", "g", "h")  # everybody has what the furthest reader had


async def test_conflate_holds_up_no_bounded_source() -> None:
    async with PromisingContext():

        async def numbers() -> AsyncIterator[int]:
            for number in range(100):
                yield number

        latest = StreamedPromise(numbers, whole, max_ahead=1).conflate()
        await asyncio.sleep(1)
        assert [piece async for piece in latest] == [99]


async def test_p5_conflate_drops_no_error_and_no_piece_before_one() -> None:
    async with PromisingContext():
        with StreamAppender[str]() as appender:
            latest = appender.promise.conflate()
            for piece in "ab":
                appender.append(piece)
            appender.fail(ValueError("one"))
            appender.fail(ValueError("two"))
            for piece in "cd":
                appender.append(piece)
        await asyncio.sleep(1)
        assert await latest.recover_pieces(str) == ("b", "one", "two", "d")


# --- by time, by weight, by sight ---


async def test_rate_limit_lets_nothing_through_in_bursts_after_a_pause() -> None:
    async with PromisingContext():
        with StreamAppender[str]() as appender:
            limited = asyncio.create_task(timed(appender.promise.rate_limit(0.5)))
            appender.extend("abc")
            await asyncio.sleep(20)
            appender.extend("de")
        assert await limited == [(0, "a"), (2, "b"), (4, "c"), (20, "d"), (22, "e")]


@pytest.mark.parametrize("per_second", [0, -1, float("nan")])
async def test_rate_limit_refuses_what_would_let_nothing_through(per_second: float) -> None:
    with pytest.raises(ValueError, match="^rate_limit"):
        StreamedPromise.of("a").rate_limit(per_second)


async def test_p5_a_negative_weight_is_an_error_in_the_place_of_its_piece() -> None:
    async with PromisingContext():
        batches = StreamedPromise.of([1, 1, -1, 1]).batch(2, weight=lambda piece: piece)
        read = await StreamedPromise.of([1, -1, 2]).batch(9, weight=lambda piece: piece).recover_pieces(str)
        assert read == ((1,), "batch: the weight of -1 is -1: give a number that is not negative", (2,))
        with pytest.raises(ValueError, match="weight of -1"):
            await batches


async def test_tap_pieces_sees_each_piece_once_however_many_read() -> None:
    seen: list[str] = []
    async with PromisingContext():
        tapped = StreamedPromise.of("abc").tap_pieces(seen.append)
        assert await tapped == await tapped.map_pieces(str) == ("a", "b", "c")
    assert seen == ["a", "b", "c"]


async def test_p5_a_comparison_that_fails_is_an_error_in_the_place_of_the_piece() -> None:
    class Odd:
        def __eq__(self, other: object) -> bool:
            raise ValueError("no")

        def __hash__(self) -> int:
            return 0

    async with PromisingContext():
        changed = StreamedPromise.of([1, Odd(), 1, 2]).distinct_until_changed()
        assert await changed.recover_pieces(str) == (1, "no", 2)


# --- zip ---


async def test_zip_ends_with_the_stream_that_has_ended_although_others_have_nothing() -> None:
    """On either side, and in the middle of a row."""
    async with PromisingContext():
        with StreamAppender[str]() as silent:
            nothing = StreamedPromise.of("")
            assert await silent.promise.zip(nothing) == await nothing.zip(silent.promise) == ()
            assert await silent.promise.zip(silent.promise, nothing) == ()
            assert await StreamedPromise.of("ab").zip(silent.promise, nothing) == ()


async def test_p5_zip_gives_an_error_although_others_have_nothing_and_drops_what_they_give_there() -> None:
    error = ValueError("no")
    async with PromisingContext():
        with StreamAppender[str]() as late, StreamAppender[int]() as failing:
            pieces = aiter(late.promise.zip(failing.promise))
            failing.fail(error)
            failing.append(2)
            with pytest.raises(ValueError, match="no"):
                await anext(pieces)
            late.append("dropped")
            late.append("b")
            assert await anext(pieces) == ("b", 2)


async def test_strict_zip_compares_the_lengths_as_soon_as_they_are_known() -> None:
    async with PromisingContext():
        with StreamAppender[str]() as late:
            both = StreamedPromise.of("a").zip(late.promise, strict=True)
            late.append("x")
            await asyncio.sleep(1)
            assert not both.done()
            late.append("y")
            with pytest.raises(ValueError, match="stream 1 has ended after 1 pieces, stream 2 has more"):
                await both
        assert await StreamedPromise.of("ab").zip(StreamedPromise.of("xy"), strict=True) == (("a", "x"), ("b", "y"))


async def test_zip_longest_fills_what_has_ended() -> None:
    async with PromisingContext():
        rows = StreamedPromise.of("ab").zip_longest(StreamedPromise.of(list[int]()), StreamedPromise.of([1, 2, 3]))
        assert await rows == (("a", None, 1), ("b", None, 2), (None, None, 3))


async def test_p9_zip_reads_a_plain_generator_one_piece_ahead() -> None:
    given = 0

    async def endless() -> AsyncIterator[int]:
        nonlocal given
        while True:
            given += 1
            yield given

    async with PromisingContext():
        assert await StreamedPromise.of("abc").zip(endless()) == (("a", 1), ("b", 2), ("c", 3))
        assert given <= 5


# --- letting go ---


LATE: Final = 100.0
"""Seconds that a source would still run if it were not let go."""


async def endless(letters: Letters) -> AsyncIterator[str]:
    async for letter in letters("a" * int(LATE)):
        yield letter


ENDING_EARLY: dict[str, Callable[[Stream[str]], Awaitable[object]]] = {
    "take_until": lambda source: source.take_until(asyncio.sleep(1.5)),
    "take_until, by an error": lambda source: source.take_until(Promise.failed(ValueError("no"))).recover_pieces(str),
    "take_while, inclusive": lambda source: source.take_while(lambda _: False, inclusive=True),
    "zip": lambda source: source.zip(StreamedPromise.of("x")),
    "zip, of three": lambda source: StreamedPromise.of("x").zip(source, source.map_pieces(str)),
    "zip, strict": lambda source: source.zip(StreamedPromise.of("x"), strict=True).recover_pieces(str),
    "zip_longest": lambda source: source.zip_longest(StreamedPromise.of("x")).take(2),
    "first_to_speak": lambda source: first_to_speak(StreamedPromise.of("x"), source),
    "flat_map": lambda source: source.flat_map(StreamedPromise.of).take(1),
    "flat_map, in order": lambda source: source.flat_map(StreamedPromise.of, concurrency=3).take(1),
    "flat_map, as they come": lambda source: source.flat_map(StreamedPromise.of, concurrency=3, ordered=False).take(1),
    "flat_map, to it": lambda source: StreamedPromise.of("x").flat_map(lambda _: source, concurrency=2).take(1),
    "switch_map": lambda source: source.switch_map(StreamedPromise.of).take(1),
    "switch_map, to it": lambda source: StreamedPromise.of("x").switch_map(lambda _: source).take(1),
    "retry_stream": lambda source: retry_stream(lambda: source).take(1),
    "conflate": lambda source: source.conflate().take(1),
    "rate_limit": lambda source: source.rate_limit(10).take(1),
    "tap_pieces": lambda source: source.tap_pieces(str).take(1),
    "batch by weight": lambda source: source.batch(2, weight=len).take(1),
    "batch_while": lambda source: source.batch_while(lambda one, other: one != other).take(1),
    "distinct_until_changed": lambda source: source.distinct_until_changed().take(1),
    "throttle": lambda source: source.throttle(1, trailing=False).take(1),
}


@pytest.mark.parametrize("how", ENDING_EARLY)
async def test_p14_a_result_that_ends_early_lets_go_of_its_source(how: str) -> None:
    letters = Letters()
    async with PromisingContext():
        await ENDING_EARLY[how](merge(endless(letters)))
    assert now() < LATE
    assert letters.running == []


@pytest.mark.parametrize("how", [how for how in ENDING_EARLY if how != "first_to_speak"])  # which cancels the others
async def test_p14_whoever_holds_the_source_keeps_all_of_it(how: str) -> None:
    letters = Letters()
    async with PromisingContext():
        source = merge(endless(letters))
        await ENDING_EARLY[how](source)
        await asyncio.sleep(1)
        assert len(await source) == LATE
