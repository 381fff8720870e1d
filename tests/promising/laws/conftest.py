"""A `CtrlC` that escapes from the loop fails its law alone."""

from collections.abc import Generator

import pytest

from tests.promising.laws.sources import CtrlC


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pyfunc_call() -> Generator[None, object, object]:
    try:
        return (yield)
    except CtrlC:
        pytest.fail("a KeyboardInterrupt broke the loop off: it was raised in a task that nobody guards")
