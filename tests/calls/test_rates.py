"""`RateLimit`: never too many in any span of time, in order, and nobody waits for one who has gone."""

import asyncio
import threading
from typing import Any, Final

import pytest
from hypothesis import given, strategies as st

from miniagents.calls import Admission, RateLimit
from miniagents.testing import VirtualClockEventLoop

PER: Final = 10.0


def times_of(limit: RateLimit, asked: list[tuple[float, int]]) -> list[tuple[float, int, int]]:
    """Return when each request was let in, with its place and its tokens, in the order in which they were.

    Args:
        limit: The limit.
        asked: When each request comes, in order, and with how many tokens.
    """
    admitted: list[tuple[float, int, int]] = []

    async def ask(place: int, tokens: int) -> None:
        await limit.admit(tokens)
        admitted.append((asyncio.get_running_loop().time(), place, tokens))

    async def main() -> None:
        loop = asyncio.get_running_loop()
        tasks: list[asyncio.Task[None]] = []
        for place, (time, tokens) in enumerate(asked):
            if time > loop.time():
                await asyncio.sleep(time - loop.time())
            tasks.append(asyncio.create_task(ask(place, tokens)))
        await asyncio.gather(*tasks)

    with asyncio.Runner(loop_factory=VirtualClockEventLoop) as runner:
        runner.run(main())
    return admitted


asked_when: Final = st.lists(st.tuples(st.integers(0, 30).map(float), st.integers(0, 12)), min_size=1, max_size=20).map(
    lambda asked: sorted(asked, key=lambda each: each[0])
)


@given(asked_when, st.integers(1, 4), st.integers(5, 20))
def test_no_span_of_time_has_too_many(asked: list[tuple[float, int]], requests: int, tokens: int) -> None:
    admitted = times_of(RateLimit(requests=requests, tokens=tokens, per=PER), asked)
    for end, _, _ in admitted:
        within = [(time, spent) for time, _, spent in admitted if end - PER < time <= end]
        assert len(within) <= requests
        assert sum(spent for _, spent in within) <= tokens or len([each for each in within if each[1]]) == 1


@given(asked_when, st.integers(1, 4), st.integers(5, 20))
def test_all_are_let_in_in_the_order_in_which_they_came(
    asked: list[tuple[float, int]], requests: int, tokens: int
) -> None:
    admitted = times_of(RateLimit(requests=requests, tokens=tokens, per=PER), asked)
    assert [place for _, place, _ in admitted] == list(range(len(asked)))
    assert all(time >= asked[place][0] for time, place, _ in admitted)


@given(asked_when, st.integers(1, 4))
def test_nobody_waits_longer_than_the_rule_asks(asked: list[tuple[float, int]], requests: int) -> None:
    admitted = [time for time, _, _ in times_of(RateLimit(requests=requests, per=PER), asked)]
    for place, time in enumerate(admitted):
        before = admitted[place - requests] + PER if place >= requests else 0.0
        assert time == max(asked[place][0], before, admitted[place - 1] if place else 0.0)


def test_a_small_request_does_not_overtake_a_large_one() -> None:
    admitted = times_of(RateLimit(tokens=10, per=PER), [(0, 6), (1, 9), (2, 1)])
    assert [(time, place) for time, place, _ in admitted] == [(0, 0), (10, 1), (10, 2)]


def test_a_request_with_more_tokens_than_the_limit_goes_alone() -> None:
    assert [time for time, _, _ in times_of(RateLimit(tokens=10, per=PER), [(0, 3), (1, 50), (2, 1)])] == [0, 10, 20]


@pytest.mark.virtual_clock
async def test_what_was_spent_counts_in_place_of_the_estimate() -> None:
    loop, limit = asyncio.get_running_loop(), RateLimit(tokens=10, per=PER)
    first = await limit.admit(10)
    second = asyncio.create_task(limit.admit(5))
    await asyncio.sleep(1)
    assert not second.done()
    first.spent(2)
    assert isinstance(await second, Admission)
    assert loop.time() == 1.0, "it did not need the rest"
    first.spent(9)
    third = await limit.admit(3)
    assert (third.time, third.tokens) == (10.0, 3), "9 and 5 are too many, until the first is over"
    await asyncio.sleep(30)
    first.spent(1_000)  # long after
    assert (await limit.admit(10)).time == 40.0


@pytest.mark.virtual_clock
@pytest.mark.parametrize("gone", [0, 1, 2])
async def test_a_wait_that_is_cancelled_gives_its_place_back(gone: int) -> None:
    limit = RateLimit(requests=1, per=PER)
    await limit.admit()
    waiting = [asyncio.create_task(limit.admit()) for _ in range(3)]
    await asyncio.sleep(3)
    waiting[gone].cancel()
    left = [task for task in waiting if task is not waiting[gone]]
    assert [(await task).time for task in left] == [10.0, 20.0]
    assert waiting[gone].cancelled()
    assert (await limit.admit()).time == 30.0


@pytest.mark.virtual_clock
async def test_a_cancellation_at_the_moment_of_its_turn_loses_nothing() -> None:
    loop, limit = asyncio.get_running_loop(), RateLimit(tokens=10, per=PER)
    held = await limit.admit(10)
    first, second = (asyncio.create_task(limit.admit(6)) for _ in range(2))
    await asyncio.sleep(1)
    held.spent(0)  # it wakes the first
    loop.call_soon(first.cancel)  # which is cancelled before it runs
    assert (await second).time == 1.0
    assert first.cancelled()


def test_one_limit_holds_for_loops_in_several_threads() -> None:
    limit, lock = RateLimit(requests=2, per=0.05), threading.Lock()
    times: list[float] = []

    async def ask() -> None:
        for _ in range(3):
            admission = await limit.admit()
            with lock:
                times.append(admission.time)

    threads = [threading.Thread(target=lambda: asyncio.run(ask())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(times) == 9
    assert all(later - earlier >= 0.05 for earlier, later in zip(sorted(times), sorted(times)[2:], strict=False))


def test_a_loop_that_was_closed_while_it_waited_holds_nobody_up() -> None:
    limit = RateLimit(requests=1, per=0.05)

    async def wait(times: int) -> None:
        for _ in range(times):
            await limit.admit()

    abandoned = asyncio.new_event_loop()
    waiting = wait(2)
    task = abandoned.create_task(waiting)
    vars_of: Any = task  # Any: asyncio would log that it is pending
    vars_of._log_destroy_pending = False
    for _ in range(3):
        abandoned.call_soon(abandoned.stop)
        abandoned.run_forever()
    abandoned.close()
    asyncio.run(asyncio.wait_for(wait(2), 10))
    waiting.close()


def test_a_clock_that_begins_anew_is_no_reason_to_wait() -> None:
    limit = RateLimit(requests=1, per=PER)
    assert [time for time, _, _ in times_of(limit, [(100, 0), (100, 0)])] == [100, 110]
    assert [time for time, _, _ in times_of(limit, [(0, 0), (0, 0)])] == [0, 10]


def test_mistakes_are_told() -> None:
    with pytest.raises(ValueError, match="RateLimit: it limits nothing: give requests"):
        RateLimit()
    with pytest.raises(ValueError, match="RateLimit: requests=0"):
        RateLimit(requests=0)
    with pytest.raises(TypeError, match=r"RateLimit: tokens=2\.5"):
        RateLimit(tokens=2.5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # the mistake
    with pytest.raises(ValueError, match="RateLimit: per=0"):
        RateLimit(requests=1, per=0)
    assert repr(RateLimit(requests=3, per=1)) == "RateLimit(requests=3, tokens=None, per=1)"
