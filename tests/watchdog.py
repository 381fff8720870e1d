"""Ends a run in which something hangs, with the stacks of all threads: a plugin of pytest.

A C thread of `faulthandler` ends the process. An exception that a signal raises would not do: asyncio hands what a
callback raises to an exception handler, and the test would hang on. A worker of pytest-xdist that exits ends the run
(`--max-worker-restart=0`), and its standard error is that of the run.

`HANG_LIMIT=60 pytest` gives each test a minute; `@pytest.mark.hang_limit(seconds)` gives one test more than the others.
"""

import faulthandler
import os
import signal
from collections.abc import Generator
from types import FrameType
from typing import Final

import pytest

SECONDS: Final = float(os.environ.get("HANG_LIMIT", "600"))
"""How long a test may take. A machine that is a hundred times slower than the usual one must not reach it."""
PATIENCE: Final = SECONDS / 2
"""How long a test waits for another process, which it can name better than the watchdog."""
MOMENT: Final = 0.5
"""The time between the name of the test and the stacks."""
STANDARD_ERROR: Final = [2]
"""The descriptor to which they are written. Capturing replaces 2, and is suspended while pytest is configured."""


def watch(what: str, seconds: float = SECONDS) -> None:
    """Limit the time until the next call of this function or of `unwatch`."""

    def name_it(_signal: int, _frame: FrameType | None) -> None:
        os.write(STANDARD_ERROR[0], f"\n{what} hangs: it has taken more than {seconds:g} s\n".encode())

    if hasattr(signal, "SIGALRM"):  # not on Windows: the stacks have to do
        signal.signal(signal.SIGALRM, name_it)
        signal.setitimer(signal.ITIMER_REAL, seconds)
    faulthandler.dump_traceback_later(seconds + MOMENT, exit=True, file=STANDARD_ERROR[0])


def unwatch() -> None:
    faulthandler.cancel_dump_traceback_later()
    if hasattr(signal, "SIGALRM"):
        signal.setitimer(signal.ITIMER_REAL, 0)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "hang_limit(seconds): the time after which the test is said to hang")
    STANDARD_ERROR[0] = os.dup(2)
    watch("the collection of tests")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    unwatch()  # a process that has workers waits for them, and they for it


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    marker = item.get_closest_marker("hang_limit")
    watch(item.nodeid, *(marker.args if marker else ()))
    try:
        return (yield)
    finally:
        unwatch()


@pytest.hookimpl(tryfirst=True)
def pytest_enter_pdb() -> None:
    unwatch()


def pytest_unconfigure() -> None:
    watch("the end of the run")
