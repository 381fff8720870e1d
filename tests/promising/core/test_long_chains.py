"""P10: a combinator costs the same at the end of a long chain as at its beginning."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator

import pytest

from miniagents.promising import Promise, PromisingContext, Stream, StreamedPromise
from miniagents.promising.core import failure

LENGTH = 2000


async def none() -> AsyncIterator[int]:
    for number in [0]:
        yield 1 // number


async def whole(numbers: AsyncIterable[int]) -> tuple[int, ...]:
    return tuple([number async for number in numbers])


@pytest.mark.parametrize("start_asap", [True, False])
async def test_names_do_not_grow_with_the_chain(start_asap: bool) -> None:
    async with PromisingContext(start_asap=start_asap):
        stream: Stream[int] = StreamedPromise.of([1, 2])
        promise = Promise.resolved(0)
        for _ in range(LENGTH):
            stream = stream.map_pieces(lambda number: number + 1)
            promise = promise.map(lambda number: number + 1)
        for name in (stream.name, promise.name):
            assert len(name) <= 200
            assert "…" in name
        assert stream.name.startswith("of.map_pieces.")
        assert stream.name.endswith(".map_pieces")
        assert [await stream, await promise] == [(LENGTH + 1, LENGTH + 2), LENGTH]


async def test_p10_the_end_of_a_long_chain_is_cancelled_with_all_before_it() -> None:
    async with PromisingContext() as context:
        first = Promise(lambda: Promise(never))
        last = first
        for _ in range(LENGTH):
            last = last.map(abs)
        last.cancel()
        assert first.cancelled()
    assert not context.tasks


async def never() -> int:
    await asyncio.Event().wait()
    return 1


async def test_p5_an_error_is_not_lost_where_even_catching_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_stack_left(*_: object) -> bool:
        raise RecursionError("too deep")

    async with PromisingContext():
        stream = StreamedPromise(none, whole)
        promise = Promise(lambda: none().__anext__())
        with monkeypatch.context() as patched:
            patched.setattr(failure, "ends_task", no_stack_left)
            for failed in (stream.pieces(), promise):
                with pytest.raises(RecursionError, match="too deep"):
                    await failed
        with pytest.raises(RecursionError):
            await stream
