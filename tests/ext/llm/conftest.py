"""Runs async tests, each in a loop of its own and for a short time, and fails those that leave a task behind."""

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from typing import Final

import pytest

SECONDS: Final = 20.0
"""The time after which a test is said to hang."""


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> object:
    test: Callable[..., Coroutine[object, object, None]] = pyfuncitem.obj
    if not inspect.iscoroutinefunction(test):
        return None
    names = inspect.signature(test).parameters
    arguments = {name: value for name, value in pyfuncitem.funcargs.items() if name in names}

    async def run() -> None:
        async with asyncio.timeout(SECONDS):
            await test(**arguments)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, f"tasks left behind: {left}"

    asyncio.run(run())
    return True
