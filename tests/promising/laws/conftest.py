"""Runs the laws, each in a loop of its own whose clock is virtual, so that what hangs fails at once.

Nothing in a law waits for the world outside: where nothing can go on any more, the clock jumps to the time limit.
"""

import asyncio
import functools
import inspect
from collections.abc import Callable, Coroutine
from typing import Final

import pytest

from miniagents.testing import VirtualClockEventLoop
from tests.promising.laws.sources import CtrlC

SECONDS: Final = 1000.0
"""The virtual time after which a law is said to hang."""


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> object:
    test: Callable[..., object] = pyfuncitem.obj
    handle: object = getattr(test, "hypothesis", None)
    if handle is not None:
        inner: Callable[..., Coroutine[object, object, None]] = getattr(handle, "inner_test")  # noqa: B009 - see below
        if inspect.iscoroutinefunction(inner):
            # how hypothesis has those who run async tests of their own do it
            setattr(handle, "inner_test", _synchronous(inner))  # noqa: B010 - it has no type
        return None
    if not inspect.iscoroutinefunction(test):
        return None
    names = inspect.signature(test).parameters
    _synchronous(test)(**{name: value for name, value in pyfuncitem.funcargs.items() if name in names})
    return True


def _synchronous(test: Callable[..., Coroutine[object, object, None]]) -> Callable[..., None]:
    @functools.wraps(test)
    def run(*args: object, **kwargs: object) -> None:
        async def whole() -> None:
            async with asyncio.timeout(SECONDS):
                await test(*args, **kwargs)
            left = asyncio.all_tasks() - {asyncio.current_task()}
            assert not left, f"tasks left behind: {left}"

        with asyncio.Runner(loop_factory=VirtualClockEventLoop) as runner:
            try:
                runner.run(whole())
            except CtrlC:
                pytest.fail("a KeyboardInterrupt broke the loop off: it was raised in a task that nobody guards")

    return run
