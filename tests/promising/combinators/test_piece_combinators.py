"""P10: what the combinators of pieces make, against plain Python; and that their results are streams like any other."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import pytest
from hypothesis import given, strategies as st

from miniagents.promising import PromisingContext, Stream, StreamedPromise
from tests.effort import examples

Combinator = Callable[[Stream[int]], Stream[Any]]  # Any: each makes pieces of its own kind
Reference = Callable[[list[int]], Iterable[object]]


def is_small(number: int) -> bool:
    return number < 3


def batches(numbers: list[int]) -> Iterable[object]:
    return [tuple(numbers[start : start + 2]) for start in range(0, len(numbers), 2)]


def windows(numbers: list[int]) -> Iterable[object]:
    return zip(numbers, numbers[1:], numbers[2:], strict=False)


LETTERS = {1: "a", 4: "b"}

COMBINATORS: dict[str, tuple[Combinator, Reference]] = {
    "map_pieces": (lambda s: s.map_pieces(str), lambda xs: map(str, xs)),
    "filter": (lambda s: s.filter(is_small), lambda xs: filter(is_small, xs)),
    "filter_map": (
        lambda s: s.filter_map({1: "a", 4: "b"}.get),
        lambda xs: [{1: "a", 4: "b"}[x] for x in xs if x in (1, 4)],
    ),
    "partition": (lambda s: s.partition(is_small)[1], lambda xs: itertools.filterfalse(is_small, xs)),
    "take": (lambda s: s.take(2), lambda xs: xs[:2]),
    "skip": (lambda s: s.skip(2), lambda xs: xs[2:]),
    "take_while": (lambda s: s.take_while(is_small), lambda xs: itertools.takewhile(is_small, xs)),
    "skip_while": (lambda s: s.skip_while(is_small), lambda xs: itertools.dropwhile(is_small, xs)),
    "enumerate": (lambda s: s.enumerate(5), lambda xs: enumerate(xs, 5)),
    "scan": (lambda s: s.scan(lambda total, x: total + x, 0), itertools.accumulate),
    "batch": (lambda s: s.batch(2), batches),
    "window": (lambda s: s.window(3), windows),
    "distinct": (lambda s: s.distinct(), dict.fromkeys),
    "distinct by key": (
        lambda s: s.distinct(lambda x: x % 2),
        lambda xs: (
            {x % 2: x for x in reversed(xs)}
            and [x for place, x in enumerate(xs) if x % 2 not in {y % 2 for y in xs[:place]}]
        ),
    ),
    "recover_pieces": (lambda s: s.recover_pieces(lambda _: 0), lambda xs: xs),
    "on_error": (lambda s: s.on_error(lambda _: StreamedPromise.of([0])), lambda xs: xs),
    "zip": (lambda s: s.zip(StreamedPromise.of("abc")), lambda xs: zip(xs, "abc", strict=False)),
    "chain": (lambda s: s.chain(StreamedPromise.of("abc")), lambda xs: [*xs, *"abc"]),
    "flat_map": (
        lambda s: s.flat_map(lambda x: StreamedPromise.of([x] * x)),
        lambda xs: [x for x in xs for _ in range(x)],
    ),
}

each_combinator = pytest.mark.parametrize("name", COMBINATORS)


@each_combinator
@given(numbers=st.lists(st.integers(0, 5), max_size=8))
@examples(25)
def test_p10_the_pieces_are_those_of_plain_python(name: str, numbers: list[int]) -> None:
    combinator, reference = COMBINATORS[name]

    async def main() -> tuple[object, ...]:
        async with PromisingContext():
            return await combinator(StreamedPromise.of(numbers))

    assert asyncio.run(main()) == tuple(reference(numbers))


@each_combinator
async def test_p4_a_late_reader_gets_the_same_pieces(name: str) -> None:
    async with PromisingContext():
        result = COMBINATORS[name][0](StreamedPromise.of([1, 2, 4, 1]))
        first = [piece async for piece in result]
        assert [piece async for piece in result] == first
        assert list(await result) == first


@each_combinator
async def test_p2_what_is_made_of_something_lazy_is_lazy(name: str) -> None:
    started: list[bool] = []

    async def numbers() -> AsyncIterator[int]:
        started.append(True)
        yield 1

    async def whole(pieces: object) -> None:
        pass

    async with PromisingContext():
        result = COMBINATORS[name][0](StreamedPromise(numbers, whole, start_asap=False).pieces())
        for _ in range(5):
            await asyncio.sleep(0)
        assert not started
        await result
        assert started


@each_combinator
async def test_p7_cancelling_the_result_leaves_no_task(name: str) -> None:
    async def endless() -> AsyncIterator[int]:
        yield 1
        await asyncio.Event().wait()

    async def whole(pieces: object) -> None:
        pass

    async with PromisingContext() as context:
        source = StreamedPromise(endless, whole).pieces()
        result = COMBINATORS[name][0](source)
        await asyncio.sleep(0)
        result.cancel()
        source.cancel()
        for _ in range(3):
            await asyncio.sleep(0)
        assert not context.tasks


KEEPS_ERRORS = [name for name in COMBINATORS if name not in ("take", "take_while", "recover_pieces", "on_error", "zip")]


@pytest.mark.parametrize("name", KEEPS_ERRORS)
async def test_p5_an_error_stays_and_what_is_behind_it_follows(name: str) -> None:
    def refuse_two(number: int) -> int:
        if number == 2:
            raise ValueError("two")
        return number

    async with PromisingContext():
        source = StreamedPromise.of([1, 4, 2, 1, 3, 4, 0]).map_pieces(refuse_two)
        pieces = aiter(COMBINATORS[name][0](source))
        seen: list[object] = []
        while True:
            try:
                seen.append(await anext(pieces))
            except ValueError as error:
                seen.append(str(error))
            except StopAsyncIteration:
                break
        assert seen.count("two") == 1
        if name != "distinct by key":  # all keys came before the error
            assert seen.index("two") < len(seen) - 1


async def test_p10_an_error_of_the_function_takes_the_place_of_its_piece() -> None:
    async with PromisingContext():
        recovered = StreamedPromise.of("1x3").map_pieces(int).recover_pieces(lambda _: 0, ValueError)
        assert await recovered == (1, 0, 3)
        not_expected = StreamedPromise.of("1x3").map_pieces(int).recover_pieces(lambda _: 0, KeyError)
        with pytest.raises(ValueError, match="invalid literal"):
            await not_expected


async def test_p10_a_batch_does_not_hold_back_what_came_before_an_error() -> None:
    async with PromisingContext():
        stream = StreamedPromise.of("12x4").map_pieces(int).batch(3).recover_pieces(lambda _: ("error",))
        assert await stream == ((1, 2), ("error",), (4,))


async def test_p10_on_error_goes_on_with_another_stream() -> None:
    async with PromisingContext():
        assert await StreamedPromise.of("1x3").map_pieces(int).on_error(lambda _: StreamedPromise.of([7])) == (1, 7)

        def no_help(error: Exception) -> Stream[int]:
            raise KeyError("worse") from error

        with pytest.raises(KeyError, match="worse"):
            await StreamedPromise.of("x").map_pieces(int).on_error(no_help)


@pytest.mark.parametrize("size", [0, -1])
def test_sizes_below_one_are_refused(size: int) -> None:
    stream = StreamedPromise.of([1])
    with pytest.raises(ValueError, match=r"batch\("):
        stream.batch(size)
    with pytest.raises(ValueError, match=r"window\("):
        stream.window(size)
