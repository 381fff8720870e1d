"""The loop whose clock jumps instead of waiting."""

import asyncio
import socket
import threading

from miniagents import MiniAgents
from miniagents.testing import Pause, VirtualClockEventLoop, scripted_agent, transcript


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
