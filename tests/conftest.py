"""What all tests share: async tests run, and a test that leaves a task or a complaint of the library behind fails."""

import asyncio
import functools
import gc
import inspect
import logging
import signal
from collections.abc import Callable, Coroutine, Iterator
from typing import Final

import pytest

from miniagents.testing import VirtualClockEventLoop
from tests.effort import register_profiles

pytest_plugins = ["tests.watchdog"]
register_profiles()

VIRTUAL_SECONDS: Final = 100_000.0
"""The time after which a test on a virtual clock is said to hang: where nothing can go on, the clock jumps there."""
MANY_OBJECTS: Final = 200_000
"""So many objects of earlier files are left out of collections and of searches."""
TURNS: Final = 20
"""How many turns of the loop a generator that nobody holds any more has to end."""

UNREAD: Final = "an error that nobody has read"
"""How the library's complaint of an error begins that was raised nowhere."""

AsyncTest = Callable[..., Coroutine[object, object, None]]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "virtual_clock: runs an async test on a clock that jumps where nothing is ready")
    config.addinivalue_line("markers", "leaves_errors_unread: that the library logs errors nobody reads fails no test")


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()  # what there is before the first test stays: the collections after each test need not look at it


# --- async tests ---


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> object:
    test: Callable[..., object] = pyfuncitem.obj
    virtual = pyfuncitem.get_closest_marker("virtual_clock") is not None
    handle: object = getattr(test, "hypothesis", None)
    if handle is not None:
        inner: AsyncTest = getattr(handle, "inner_test")  # noqa: B009 - see below
        if inspect.iscoroutinefunction(inner):
            # how hypothesis has those who run async tests of their own do it
            setattr(handle, "inner_test", _synchronous(inner, virtual))  # noqa: B010 - it has no type
        return None
    if not inspect.iscoroutinefunction(test):
        return None
    names = inspect.signature(test).parameters
    _synchronous(test, virtual)(**{name: value for name, value in pyfuncitem.funcargs.items() if name in names})
    return True


def _synchronous(test: AsyncTest, virtual: bool) -> Callable[..., None]:
    """Make a function that runs an async test in a loop of its own."""

    @functools.wraps(test)
    def run(*args: object, **kwargs: object) -> None:
        async def whole() -> None:
            async with asyncio.timeout(VIRTUAL_SECONDS if virtual else None):
                await test(*args, **kwargs)
            for _ in range(TURNS):
                if not all(_closes_a_generator(task) for task in _others()):
                    break
                await asyncio.sleep(0)
            assert not _others(), f"tasks left behind: {_others()}"

        with asyncio.Runner(loop_factory=VirtualClockEventLoop if virtual else None) as runner:
            runner.run(whole())

    return run


def _others() -> set[asyncio.Task[object]]:
    return asyncio.all_tasks() - {asyncio.current_task()}


def _closes_a_generator(task: asyncio.Task[object]) -> bool:
    """Whether the loop made the task, for an async generator that was dropped."""
    return type(task.get_coro()).__name__ == "async_generator_athrow"


# --- other processes ---


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Has SIGINT interrupt the processes that a test starts, also where the run ignores it, as those in background do.

    A process inherits that a signal is ignored, and not what else is done about it.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


# --- what is logged ---


class _Records(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg == "Executing %s took %.3f seconds":  # asyncio's debug mode found the machine busy
            return
        error = record.exc_info[1] if record.exc_info else None
        self.lines.append(f"{record.getMessage()}: {error!r}")


@pytest.fixture(autouse=True, scope="module")
def _nothing_of_other_files() -> None:
    """Lets go of what tests of other files made and dropped, such as classes with the tags of classes in this file.

    What they keep is left out of searches: those for circles of promises give up where there are millions of objects.
    """
    gc.collect()
    if len(gc.get_objects()) > MANY_OBJECTS:
        gc.freeze()


@pytest.fixture(autouse=True)
def _complaints(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """Fails a test if the library or asyncio logs a warning or an error.

    A test that looks at them itself asks for `logged` or `caplog`. One whose promises fail while it is about something
    else is marked with `leaves_errors_unread`.
    """
    records = _Records()
    loggers = (logging.getLogger("miniagents"), logging.getLogger("asyncio"))
    for logger in loggers:
        logger.addHandler(records)
    yield records.lines
    # an error that nobody reads is logged when its promise goes, and promises may lie in circles: those of this test
    # are young, and the collector looks at what is old once a file
    gc.collect(1)
    for logger in loggers:
        logger.removeHandler(records)
    if {"logged", "caplog"} & {*request.fixturenames}:
        return
    may_be_unread = request.node.get_closest_marker("leaves_errors_unread") is not None
    unexpected = [line for line in records.lines if not (may_be_unread and line.startswith(UNREAD))]
    assert not unexpected, "the test does not expect what was logged: let it ask for `logged`, and look at it"


@pytest.fixture
def logged(_complaints: list[str]) -> list[str]:
    """What the library and asyncio log: a line with the message and the error for each warning and error."""
    return _complaints
