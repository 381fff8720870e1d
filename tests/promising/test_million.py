"""P4 at length: ready pieces cost no task switch, and starve nobody, however many they are and however long the way."""

import asyncio

from miniagents.promising import PromisingContext, StreamedPromise, merge
from tests.effort import rounds

COUNT = rounds(1_000_000)


def test_p4_a_million_ready_pieces_go_through_many_combinators_and_leave_the_loop_responsive() -> None:
    turns = 0

    async def tick() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def main() -> int:
        async with PromisingContext():
            ticker = asyncio.create_task(tick())
            pieces = (
                StreamedPromise.of(range(COUNT))
                .map_pieces(lambda number: number + 1)
                .filter(lambda number: number % 2)
                .take_while(lambda number: number < COUNT)
                .enumerate()
                .scan(lambda total, numbered: total + numbered[1] - 2 * numbered[0], 0)
                .batch(100)
                .flat_map(StreamedPromise.of)
            )
            count = await merge(pieces, StreamedPromise.of(())).skip(1).fold(max, 0)
            ticker.cancel()
        return count

    assert asyncio.run(main()) == COUNT // 2  # the n-th odd number is one more than twice the number of those before
    assert turns > COUNT / 2 / 256  # each of the stages pauses at least so often
