"""Runs async tests, each in a loop of its own and for a short time, and fails those that leave a task behind.

`@pytest.mark.virtual_clock` gives a loop whose clock jumps where nothing is ready. Client and server share the loop, so
what one has written the other finds at once, and the clock moves only when both of them wait: delays of minutes take no
time. A loop with a real clock is for all else.
"""

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from typing import Final

import pytest

from miniagents.testing import VirtualClockEventLoop

SECONDS: Final = 20.0
"""The time after which a test is said to hang."""
VIRTUAL_SECONDS: Final = 100_000.0
"""The same on a virtual clock."""
TURNS: Final = 20
"""How many turns of the loop what is at its end has to end."""


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "virtual_clock: runs an async test on a clock that jumps where nothing is ready")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> object:
    test: Callable[..., Coroutine[object, object, None]] = pyfuncitem.obj
    if not inspect.iscoroutinefunction(test):
        return None
    names = inspect.signature(test).parameters
    virtual = pyfuncitem.get_closest_marker("virtual_clock") is not None
    arguments = {name: value for name, value in pyfuncitem.funcargs.items() if name in names}

    async def run() -> None:
        async with asyncio.timeout(VIRTUAL_SECONDS if virtual else SECONDS):
            await test(**arguments)
        for _ in range(TURNS):  # generators that nobody holds any more are closed by tasks of the loop
            await asyncio.sleep(0)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, f"tasks left behind: {left}"

    with asyncio.Runner(loop_factory=VirtualClockEventLoop if virtual else None) as runner:
        runner.run(run())
    return True
