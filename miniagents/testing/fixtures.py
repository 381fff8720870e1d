"""Fixtures of pytest: a virtual clock, and cassettes. This module needs pytest, `miniagents.testing` does not.

Import a fixture into a module of tests, or into `conftest.py` for all tests below it:

| the tests are run by | what to import |
|---|---|
| themselves: plain functions that take the fixture | `virtual_clock` |
| anyio's plugin | `anyio_backend` |
| pytest-asyncio 1.4 or later | `pytest_asyncio_loop_factories`, which is a hook and belongs into `conftest.py` |

`cassette` gives each test a cassette of its own.

`pytest_plugins = ["miniagents.testing.fixtures"]` in the topmost `conftest.py` has all of them for all tests, and also
the option `--cassettes`.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import pytest

from miniagents.testing._cassettes import MODES, cassette_of_test
from miniagents.testing._virtual_clock import VirtualClockEventLoop

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from miniagents.testing._cassettes import Cassette, CassetteMode

__all__ = [
    "anyio_backend",
    "cassette",
    "pytest_addoption",
    "pytest_asyncio_loop_factories",
    "pytest_runtest_makereport",
    "virtual_clock",
]

_LONGEST: Final = 100
"""How many characters the name of a file has at most: file systems take about twice as many."""
_error: Final = pytest.StashKey[BaseException | None]()


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


@pytest.fixture
def cassette(request: pytest.FixtureRequest) -> Iterator[Cassette]:
    """Give an open cassette for the calls of models and tools: `MiniAgents(around_calls=cassette)`.

    The file is `cassettes/MODULE/TEST.cassette` beside the module of the test; for a test in a class it is named
    `CLASS.TEST.cassette`. A test that makes no call needs no file. The option `--cassettes` says the mode, which is
    "once" without it. What a test has recorded before it broke is not kept, unless an `assert` failed.
    """
    # where the fixture is imported by itself there is no such option
    option: Any = request.config.getoption("--cassettes", "once")  # Any: one of its choices
    mode: CassetteMode = option
    classes = [each.name for each in request.node.listchain() if isinstance(each, pytest.Class)]
    name = quote(".".join((*classes, request.node.name)), safe=" ,[]-_.")
    if len(name) > _LONGEST:
        name = f"{name[: _LONGEST - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    tape = cassette_of_test(request.path.parent / "cassettes" / request.path.stem / f"{name}.cassette", mode)
    tape.__enter__()
    yield tape
    error: BaseException | None = request.node.stash.get(_error, None)
    tape.__exit__(None if error is None else type(error), error, None)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option `--cassettes`."""
    parser.getgroup("miniagents").addoption(
        "--cassettes",
        choices=MODES,
        default="once",
        help='what the fixture "cassette" does: "once" (the default) records where there is no file, "replay" makes no '
        'call, "record" makes all calls again, "none_new" replays what is there and makes other calls',
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell the fixture how the test ended."""
    if call.when == "call" and call.excinfo is not None:
        item.stash[_error] = call.excinfo.value
    return (yield)
