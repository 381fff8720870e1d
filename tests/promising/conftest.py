"""Runs async tests, each in a loop of its own, and fails those that leave a task behind."""

import asyncio
import inspect
import logging
from collections.abc import Callable, Coroutine, Iterator

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> object:
    test: Callable[..., Coroutine[object, object, None]] = pyfuncitem.obj
    if not inspect.iscoroutinefunction(test):
        return None
    names = inspect.signature(test).parameters
    arguments = {name: value for name, value in pyfuncitem.funcargs.items() if name in names}

    async def run() -> None:
        await test(**arguments)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, f"tasks left behind: {left}"

    asyncio.run(run())
    return True


class _Records(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self.lines.append(f"{record.getMessage()}: {error!r}")


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[str]]:
    """What the library logs, and asyncio likewise: a line with the message and the error for each record."""
    records = _Records()
    loggers = (logging.getLogger("miniagents"), logging.getLogger("asyncio"))
    for logger in loggers:
        logger.addHandler(records)
    yield records.lines
    for logger in loggers:
        logger.removeHandler(records)
