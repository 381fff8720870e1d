"""Fixtures of pytest that run tests on a virtual clock. This module needs pytest, `miniagents.testing` does not.

Import a fixture into a module of tests, or into `conftest.py` for all tests below it:

| the tests are run by | what to import |
|---|---|
| themselves: plain functions that take the fixture | `virtual_clock` |
| anyio's plugin | `anyio_backend` |
| pytest-asyncio 1.4 or later | `pytest_asyncio_loop_factories`, which is a hook and belongs into `conftest.py` |

`pytest_plugins = ["miniagents.testing.fixtures"]` in the topmost `conftest.py` has all of them for all tests.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from miniagents.testing._virtual_clock import VirtualClockEventLoop

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["anyio_backend", "pytest_asyncio_loop_factories", "virtual_clock"]


@pytest.fixture
def virtual_clock() -> Iterator[asyncio.Runner]:
    """Give a runner whose loop has a virtual clock: `virtual_clock.run(main())`.

    The clock starts at 0 and goes on from one `run` to the next.
    """
    with asyncio.Runner(loop_factory=VirtualClockEventLoop) as runner:
        yield runner


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, type[asyncio.AbstractEventLoop]]]:
    """Run the tests of anyio's plugin with asyncio, on a virtual clock."""
    return "asyncio", {"loop_factory": VirtualClockEventLoop}


@pytest.hookimpl(optionalhook=True)
def pytest_asyncio_loop_factories() -> dict[str, type[asyncio.AbstractEventLoop]]:
    """Run the tests of pytest-asyncio on a virtual clock."""
    return {"virtual": VirtualClockEventLoop}
