"""P8: the second Ctrl+C, and whose handler of SIGINT it meets."""

import asyncio
import contextlib
import itertools
import signal
from collections.abc import Generator

import pytest

from miniagents.promising import PromisingContext, TaskAbandonedWarning
from miniagents.promising.core.interrupts import impatience


@pytest.fixture
def pressed() -> Generator[list[int]]:
    """Counts the times that Ctrl+C came to the handler of the program, which raises as that of asyncio does."""
    presses: list[int] = []

    def handle(number: int, _: object) -> None:
        presses.append(number)
        if len(presses) > 1:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, handle)
    yield presses
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_p8_contexts_that_stop_at_the_same_time_leave_the_handler_of_the_program(
    order: tuple[int, ...], pressed: list[int]
) -> None:
    """Whichever of them has stopped first."""
    handler = signal.getsignal(signal.SIGINT)
    stopping = [contextlib.ExitStack() for _ in range(3)]
    for each in stopping:
        each.enter_context(impatience())
    for number in order:
        assert signal.getsignal(signal.SIGINT) is not handler
        stopping[number].close()
    assert signal.getsignal(signal.SIGINT) is handler
    assert not pressed


async def test_p8_a_handler_that_the_program_installs_meanwhile_stays() -> None:
    def other(_: int, __: object) -> None:
        pass

    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, lambda _, __: None)
    try:
        with impatience():
            signal.signal(signal.SIGINT, other)
            with impatience():
                assert signal.getsignal(signal.SIGINT) is not other
            assert signal.getsignal(signal.SIGINT) is other
        assert signal.getsignal(signal.SIGINT) is other
    finally:
        signal.signal(signal.SIGINT, before)


async def test_p8_the_second_ctrl_c_ends_the_patience_of_all_contexts_that_stop(pressed: list[int]) -> None:
    gate = asyncio.Event()

    async def stubborn() -> None:
        while not gate.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await gate.wait()

    async def request() -> None:
        async with PromisingContext(shutdown_timeout=3600) as context:
            task = context.spawn(stubborn(), "stubborn")
            await asyncio.sleep(0)
            assert not task.done()
            raise ValueError("stop")

    loop = asyncio.get_running_loop()
    requests = [asyncio.create_task(request()) for _ in range(3)]
    for seconds in (0.01, 0.02):
        loop.call_later(seconds, signal.raise_signal, signal.SIGINT)
    with pytest.warns(TaskAbandonedWarning, match="did not stop before a second Ctrl") as warned:
        outcomes = await asyncio.gather(*requests, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ValueError] * 3
    assert (len(warned), len(pressed)) == (3, 2)
    gate.set()
    await asyncio.sleep(0.01)


@pytest.mark.parametrize("is_left_by", ["an error", "cancelling"])
async def test_p8_the_second_ctrl_c_is_meant_for_the_contexts_around_those_that_stop_as_well(
    is_left_by: str, pressed: list[int]
) -> None:
    """They begin to stop only when the inner ones have ended."""
    gate = asyncio.Event()

    async def stubborn() -> None:
        while not gate.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await gate.wait()

    async def nested() -> None:
        async with contextlib.AsyncExitStack() as contexts:
            for number in range(3):
                context = PromisingContext(shutdown_timeout=3600, on_leave="cancel")
                await contexts.enter_async_context(context)
                context.spawn(stubborn(), f"stubborn {number}")
            await asyncio.sleep(0)
            for seconds in (0.01, 0.02):
                asyncio.get_running_loop().call_later(seconds, signal.raise_signal, signal.SIGINT)
            if is_left_by == "an error":
                raise ValueError("stop")

    with pytest.warns(TaskAbandonedWarning, match="did not stop before a second Ctrl") as warned:
        await asyncio.gather(nested(), return_exceptions=True)
    assert (len(warned), len(pressed)) == (3, 2)
    gate.set()
    await asyncio.sleep(0.01)
