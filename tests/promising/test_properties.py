"""P3, P4, P6 and P8 for whatever hypothesis thinks of."""

import asyncio
import itertools
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given, strategies as st

from miniagents.promising import (
    FlatSequence,
    PromiseCancelledError,
    PromisingContext,
    Stream,
    StreamAppender,
    StreamedPromise,
    merge,
)
from tests.effort import examples

few = examples(150)


class PieceError(Exception):
    """An error with a number, equal to the others of its number."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PieceError) and other.number == self.number

    def __hash__(self) -> int:
        return hash(self.number)


Outcome = int | BaseException


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def outcomes(stream: AsyncIterable[int], *, pause: int = 0, limit: int | None = None) -> list[Outcome]:
    read: list[Outcome] = []
    pieces = aiter(stream)
    while limit is None or len(read) < limit:
        await turns(pause)
        try:
            read.append(await anext(pieces))
        except StopAsyncIteration:
            break
        except Exception as error:  # noqa: BLE001 - whatever is in the stream
            read.append(error)
    return read


# --- replay ---


@dataclass(frozen=True)
class Step:
    """What a producer does: a pause, then a piece or an error."""

    pause: int
    outcome: Outcome


@dataclass(frozen=True)
class Reader:
    """When a reader starts, how slowly it reads, after how many pieces it leaves, and when it is cancelled."""

    start: int
    pause: int
    leaves_after: int | None
    cancelled_at: int | None


steps = st.builds(Step, st.integers(0, 3), st.integers(0, 9) | st.builds(PieceError, st.integers(0, 9)))
readers = st.builds(
    Reader, st.integers(0, 12), st.integers(0, 3), st.none() | st.integers(0, 5), st.none() | st.integers(0, 20)
)


async def as_tuple(pieces: AsyncIterable[int]) -> tuple[int, ...]:
    return tuple([piece async for piece in pieces])


class Producer:
    """Makes streams that do the steps in one of the ways in which streams are made."""

    def __init__(self, script: Sequence[Step]) -> None:
        self.script = script
        self.writing: list[asyncio.Task[None]] = []

    async def pieces(self) -> AsyncIterator[int]:
        for step in self.script:
            await turns(step.pause)
            if isinstance(step.outcome, BaseException):
                raise step.outcome
            yield step.outcome

    async def write(self, appender: StreamAppender[int]) -> None:
        with appender:
            for step in self.script:
                await turns(step.pause)
                if isinstance(step.outcome, BaseException):
                    appender.fail(step.outcome)
                else:
                    appender.append(step.outcome)
                await appender.drain()

    def make(self, way: str, max_ahead: int | None) -> tuple[Stream[int], list[Outcome]]:
        """A stream, and what each reader must see of it."""
        given = [step.outcome for step in self.script]
        if way in ("eager", "lazy"):
            errors = [place for place, outcome in enumerate(given) if isinstance(outcome, BaseException)]
            stream = StreamedPromise(self.pieces, as_tuple, start_asap=way == "eager", max_ahead=max_ahead)
            return stream, given[: errors[0] + 1] if errors else given
        appender = StreamAppender[int](max_ahead=max_ahead)
        self.writing.append(asyncio.create_task(self.write(appender)))
        if way == "mapped":
            return appender.promise.map_pieces(lambda piece: piece), given
        if way == "flat":
            sequence = FlatSequence[int](lambda item: item if isinstance(item, int) else NotImplemented)
            sequence.put([appender.promise])
            sequence.close()
            return sequence.promise, given
        if way == "merged":
            return merge(appender.promise, StreamedPromise.of(list[int]())), given
        return appender.promise, given


ways = st.sampled_from(["eager", "lazy", "appender", "mapped", "flat", "merged"])


@few
@given(ways, st.lists(steps, max_size=8), st.lists(readers, min_size=1, max_size=5), st.none() | st.integers(1, 3))
def test_p4_each_complete_reader_sees_the_same_whatever_the_others_do(
    way: str, script: list[Step], reading: list[Reader], max_ahead: int | None
) -> None:
    async def read(stream: Stream[int], reader: Reader, expected: list[Outcome]) -> None:
        await turns(reader.start)
        read = await outcomes(stream, pause=reader.pause, limit=reader.leaves_after)
        assert read == expected[: reader.leaves_after]

    async def cancel(task: asyncio.Task[None], at: int | None) -> None:
        if at is not None:
            await turns(at)
            task.cancel()

    async def main() -> None:
        async with PromisingContext():
            producer = Producer(script)
            stream, expected = producer.make(way, max_ahead)
            tasks = [asyncio.create_task(read(stream, reader, expected)) for reader in reading]
            cancelling = [
                asyncio.create_task(cancel(task, reader.cancelled_at))
                for task, reader in zip(tasks, reading, strict=True)
            ]
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            for result in ended:
                if not isinstance(result, asyncio.CancelledError | None):
                    raise result
            await asyncio.gather(*cancelling)
            assert await outcomes(stream) == expected
            errors = [outcome for outcome in expected if isinstance(outcome, BaseException)]
            failure = await stream._settled()
            assert (failure.error if failure is not None else None) == (errors[0] if errors else None)
            await asyncio.gather(*producer.writing)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


# --- flattening ---


@dataclass(frozen=True)
class Node:
    """Something to put in: a piece, an error, or something nested in one of many ways."""

    kind: str
    parts: "tuple[Node, ...]" = ()
    outcome: Outcome = 0

    def flat(self) -> Iterator[Outcome]:
        if self.kind == "piece":
            yield self.outcome
        for part in self.parts:
            yield from part.flat()

    def item(self, writing: list[asyncio.Task[None]]) -> object:
        items = [part.item(writing) for part in self.parts]
        match self.kind:
            case "piece":
                return self.outcome
            case "list":
                return items
            case "tuple":
                return tuple(items)
            case "iterator":
                return iter(items)
            case "generator":
                return (item for item in items)
            case "async generator":
                return self.slowly(items)
            case "ready stream":
                return StreamedPromise.of(items)
            case "stream" | "lazy stream":
                return StreamedPromise(lambda: self.slowly(items), last, start_asap=self.kind == "stream")
            case _:
                appender = StreamAppender[object]()
                writing.append(asyncio.create_task(self.write(appender, items)))
                return appender

    async def slowly(self, items: list[object]) -> AsyncIterator[object]:
        for item in items:
            await turns(len(items) % 3)
            yield item

    async def write(self, appender: StreamAppender[object], items: list[object]) -> None:
        with appender:
            for item in items:
                await turns(len(items) % 2)
                if isinstance(item, BaseException):
                    appender.fail(item)
                else:
                    appender.append(item)


async def last(pieces: AsyncIterable[object]) -> None:
    async for _ in pieces:
        pass


leaves = st.builds(Node, st.just("piece"), st.just(()), st.integers(0, 99) | st.builds(PieceError, st.integers(0, 99)))
kinds = ["list", "tuple", "iterator", "generator", "async generator", "ready stream", "stream", "lazy stream", "append"]
nodes: st.SearchStrategy[Node] = st.recursive(
    leaves,
    lambda parts: st.builds(Node, st.sampled_from(kinds), st.lists(parts, max_size=4).map(tuple)),
    max_leaves=12,
)


@few
@given(st.lists(st.tuples(nodes, st.integers(0, 4)), max_size=5), st.booleans())
def test_p6_whatever_is_put_in_comes_out_flat_in_order_and_whole(chunks: list[tuple[Node, int]], late: bool) -> None:
    async def main() -> None:
        writing: list[asyncio.Task[None]] = []
        async with PromisingContext():
            sequence = FlatSequence[int](lambda item: item if isinstance(item, int) else NotImplemented)
            reader = None if late else asyncio.create_task(outcomes(sequence.promise))
            for node, pause in chunks:
                sequence.put(node.item(writing))
                await turns(pause)
            sequence.close()
            expected = [outcome for node, _ in chunks for outcome in node.flat()]
            assert await outcomes(sequence.promise) == expected
            if reader is not None:
                assert await reader == expected
            await asyncio.gather(*writing)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


@few
@given(st.lists(st.tuples(nodes, st.booleans()), max_size=5))
def test_p6_nothing_is_lost_out_of_order(chunks: list[tuple[Node, bool]]) -> None:
    async def main() -> None:
        writing: list[asyncio.Task[None]] = []
        async with PromisingContext():
            sequence = FlatSequence[int](lambda item: item if isinstance(item, int) else NotImplemented)
            for node, in_order in chunks:
                (sequence.put if in_order else sequence.put_out_of_order)(node.item(writing))
            sequence.close()
            read = await outcomes(sequence.promise)
            await asyncio.gather(*writing)
        expected = [outcome for node, _ in chunks for outcome in node.flat()]
        assert sorted(map(repr, read)) == sorted(map(repr, expected))

    asyncio.run(main())


# --- cancellation ---


@pytest.mark.leaves_errors_unread
@few
@given(st.lists(nodes, min_size=1, max_size=4), st.integers(0, 25), st.sampled_from(["promise", "body", "error"]))
def test_p8_a_cancellation_at_any_moment_leaves_no_task(chunks: list[Node], moment: int, what: str) -> None:
    async def body(sequences: list[FlatSequence[int]]) -> None:
        writing: list[asyncio.Task[None]] = []
        try:
            async with PromisingContext():
                sequence = FlatSequence[int](lambda item: item if isinstance(item, int) else NotImplemented)
                sequences.append(sequence)
                for node in chunks:
                    sequence.put(node.item(writing))
                sequence.close()
                doubled = merge(sequence.promise.map_pieces(lambda piece: 2 * piece), sequence.promise)
                if what == "promise":
                    await turns(moment)
                    doubled.cancel()
                    sequence.promise.cancel()
                elif what == "error":
                    await turns(moment)
                    raise PieceError(0)
                else:
                    await doubled._settled()
                    await asyncio.Event().wait()
        finally:
            for writer in writing:
                writer.cancel()
            await asyncio.gather(*writing, return_exceptions=True)

    async def main() -> None:
        sequences: list[FlatSequence[int]] = []
        task = asyncio.create_task(body(sequences))
        if what == "body":
            await turns(moment + 1)
            task.cancel()
        await asyncio.wait([task])
        assert task.cancelled() == (what == "body")
        if what != "body":
            assert isinstance(task.exception(), PieceError if what == "error" else type(None))
        assert asyncio.all_tasks() == {asyncio.current_task()}
        if sequences:
            expected = [outcome for node in chunks for outcome in node.flat()]
            read = await outcomes(sequences[0].promise)
            whole = list(itertools.takewhile(lambda outcome: not isinstance(outcome, PromiseCancelledError), read))
            assert whole == expected[: len(whole)]
            assert len(read) - len(whole) == (0 if len(whole) == len(expected) and read == whole else 1)

    asyncio.run(main())
