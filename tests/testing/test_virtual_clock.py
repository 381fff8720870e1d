"""The loop whose clock jumps instead of waiting."""

import asyncio
import socket
import threading
import weakref
from collections.abc import Coroutine
from typing import TypeVar

import pytest
from hypothesis import given, strategies as st

from miniagents import MiniAgents
from miniagents.testing import Pause, VirtualClockEventLoop, scripted_agent, transcript
from tests.effort import examples

T = TypeVar("T")


def test_time_passes_only_when_everybody_waits_for_it() -> None:
    moments: list[tuple[str, float]] = []

    async def sleeper(name: str, *pauses: float) -> None:
        for pause in pauses:
            await asyncio.sleep(pause)
            moments.append((name, asyncio.get_running_loop().time()))

    async def main() -> None:
        for _ in range(1_000):
            await asyncio.sleep(0)
        assert asyncio.get_running_loop().time() == 0
        await asyncio.gather(sleeper("a", 10_000, 10_000), sleeper("b", 15_000, 15_000))

    MiniAgents().run(main(), loop_factory=VirtualClockEventLoop)
    assert moments == [("a", 10_000), ("b", 15_000), ("a", 20_000), ("b", 30_000)]


def test_timeouts_come_at_their_moment() -> None:
    async def main() -> tuple[str, float]:
        agent = scripted_agent(["slow", Pause(3600), " answer"])
        replies = agent.inquire()
        try:
            await asyncio.wait_for(replies, timeout=60)
        except TimeoutError:
            moment = asyncio.get_running_loop().time()
        else:
            raise AssertionError("the answer takes an hour")
        return await transcript(replies), moment

    assert MiniAgents().run(main(), loop_factory=VirtualClockEventLoop) == (
        "1 'slow'\n1 ' answer'\n1 = Message(text='slow answer')\nend",
        60,
    )


def test_input_and_output_are_real() -> None:
    async def main() -> bytes:
        here, there = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=here)
        there.sendall(b"hello\n")
        line = await reader.readline()
        writer.close()
        there.close()
        return line

    assert MiniAgents().run(main(), loop_factory=VirtualClockEventLoop) == b"hello\n"


def test_the_clock_stands_still_while_a_thread_is_at_work() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()

        def ask_the_loop_often() -> None:
            for _ in range(100):
                asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result()

        async with asyncio.timeout(60):
            await asyncio.to_thread(ask_the_loop_often)
        return loop.time()

    assert MiniAgents().run(main(), loop_factory=VirtualClockEventLoop) == 0


def test_the_clock_goes_on_when_nobody_waits_for_the_thread_any_more() -> None:
    gate = threading.Event()

    async def main() -> float:
        waiting = asyncio.ensure_future(asyncio.to_thread(gate.wait))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.sleep(60)
        gate.set()
        return asyncio.get_running_loop().time()

    assert MiniAgents().run(main(), loop_factory=VirtualClockEventLoop) == 60


def test_the_loop_waits_for_a_thread_when_no_timer_is_set() -> None:
    async def main() -> int:
        return await asyncio.to_thread(lambda: 42)

    with asyncio.Runner(loop_factory=VirtualClockEventLoop) as runner:
        assert runner.run(main()) == 42


# --- timers of the same moment ---


def in_virtual_time(main: Coroutine[object, object, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualClockEventLoop) as runner:
        return runner.run(main)


@examples(200)
@given(st.lists(st.sampled_from([0.1, 0.2, 0.1 + 0.2, 0.3, 1.0, 4.0]), max_size=40))
def test_what_was_set_first_comes_first(moments: list[float]) -> None:
    """0.1 + 0.2 and 0.3 are the same moment: nobody means the difference."""
    came: list[int] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for number, moment in enumerate(moments):
            loop.call_at(moment, came.append, number)
        await asyncio.sleep(4)

    in_virtual_time(main())
    assert came == sorted(range(len(moments)), key=lambda number: (round(moments[number], 9), number))


def test_sleepers_wake_in_the_order_in_which_they_fell_asleep() -> None:
    woken: list[int] = []

    async def sleeper(number: int, seconds: float) -> None:
        await asyncio.sleep(seconds)
        woken.append(number)

    async def main() -> None:
        await asyncio.gather(*(sleeper(number, seconds) for number, seconds in enumerate([2, 4, 4, 4, 1, 4])))

    in_virtual_time(main())
    assert woken == [4, 0, 1, 2, 3, 5]


@pytest.mark.parametrize("turns", [0, 1, 5, 50])
def test_everything_that_a_timer_makes_ready_runs_before_the_next_one(turns: int) -> None:
    seen: list[str] = []

    async def worker(name: str) -> None:
        await asyncio.sleep(1)
        for _ in range(turns):
            await asyncio.sleep(0)
        seen.append(f"{name} works")
        await asyncio.sleep(0)
        seen.append(f"{name} is done")

    async def main() -> float:
        await asyncio.gather(worker("first"), worker("second"))
        return asyncio.get_running_loop().time()

    assert in_virtual_time(main()) == 1
    assert seen == ["first works", "first is done", "second works", "second is done"]


def test_a_timer_that_is_set_for_now_comes_behind_those_of_this_moment() -> None:
    came: list[str] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()

        def first() -> None:
            came.append("first")
            loop.call_later(0, came.append, "set at once")
            loop.call_at(-5, came.append, "set for the past")

        loop.call_at(1, first)
        loop.call_at(1, came.append, "second")
        await asyncio.sleep(1.5)

    in_virtual_time(main())
    assert came == ["first", "set for the past", "second", "set at once"]


def test_the_clock_does_not_go_back() -> None:
    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        times: list[float] = []
        await asyncio.sleep(5)
        loop.call_at(2, lambda: times.append(loop.time()))
        await asyncio.sleep(1)
        return [*times, loop.time()]

    assert in_virtual_time(main()) == [5, 6]


def test_a_timer_can_be_cancelled_by_another_one_of_its_moment() -> None:
    came: list[str] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        timers: list[asyncio.TimerHandle] = []

        def cancel_second() -> None:
            timers[1].cancel()

        timers.append(loop.call_at(1, cancel_second))
        timers.append(loop.call_at(1, came.append, "second"))
        loop.call_at(1, came.append, "third")
        await asyncio.sleep(2)

    in_virtual_time(main())
    assert came == ["third"]


def test_cancelled_timers_move_no_clock_and_are_not_kept() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        kept: list[weakref.ref[object]] = []

        def set_and_cancel(seconds: int) -> None:
            timer = loop.call_later(seconds, print, "never")
            kept.append(weakref.ref(timer))
            timer.cancel()

        for number in range(1_000):
            set_and_cancel(1_000 + number)
        assert sum(ref() is not None for ref in kept) < 200
        await asyncio.sleep(1)
        return loop.time()

    assert in_virtual_time(main()) == 1


@pytest.mark.parametrize("first", ["work", "limit"])
def test_of_work_and_its_limit_the_one_that_was_set_first_wins(first: str) -> None:
    async def main() -> str:
        if first == "work":
            work = asyncio.create_task(asyncio.sleep(3, "done"))
            await asyncio.sleep(0)
            async with asyncio.timeout(3):
                return await work
        async with asyncio.timeout(3):
            return await asyncio.sleep(3, "done")

    if first == "work":
        assert in_virtual_time(main()) == "done"
    else:
        with pytest.raises(TimeoutError):
            in_virtual_time(main())


def test_what_is_due_does_not_wait_for_a_thread() -> None:
    gate = threading.Event()

    async def main() -> float:
        loop = asyncio.get_running_loop()
        waiting = asyncio.ensure_future(asyncio.to_thread(gate.wait))
        await asyncio.sleep(0)
        loop.call_later(0, gate.set)
        await waiting
        return loop.time()

    assert in_virtual_time(main()) == 0


def test_input_comes_before_the_next_timer() -> None:
    async def main() -> list[str]:
        came: list[str] = []
        loop = asyncio.get_running_loop()
        here, there = socket.socketpair()
        here.setblocking(False)
        there.send(b"x")

        def read() -> None:
            came.append(f"input at {loop.time()}")
            loop.remove_reader(here)

        loop.add_reader(here, read)
        await asyncio.sleep(1)
        here.close()
        there.close()
        return came

    assert in_virtual_time(main()) == ["input at 0.0"]


def test_errors_of_asyncio_stay_what_they_are() -> None:
    async def main() -> asyncio.AbstractEventLoop:
        loop = asyncio.get_running_loop()
        with pytest.raises(TypeError):
            loop.call_at(None, print)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        return loop

    loop = in_virtual_time(main())
    with pytest.raises(RuntimeError, match="closed"):
        loop.call_later(1, print)
