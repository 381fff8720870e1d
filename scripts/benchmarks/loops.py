"""The event loops of the sides: asyncio's or uvloop, with tasks that start at once or a turn later.

This module imports only the standard library, because the old release reads it in an environment of its own.
"""

from __future__ import annotations

import asyncio
import platform
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["loop_factory", "loop_options", "why_not"]


def loop_options(loop: str, *, eager: bool) -> list[str]:
    """Return the options that tell a process its loop; `loop_factory` reads them."""
    return [f"--loop={loop}", *(["--eager"] if eager else [])]


def loop_factory(options: Sequence[str]) -> Callable[[], asyncio.AbstractEventLoop]:
    """Return the function that makes the event loop that the options ask for."""
    make: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    if "--loop=uvloop" in options:
        uvloop: Any = import_module("uvloop")  # Any: it may not be installed
        make = uvloop.new_event_loop

    def make_eager() -> asyncio.AbstractEventLoop:
        loop = make()
        loop.set_task_factory(_eager_task)
        return loop

    return make_eager if "--eager" in options else make


def why_not(loop: str, *, eager: bool) -> str | None:
    """Return why this interpreter does not have a loop; None if it has it."""
    if eager and sys.version_info < (3, 12):
        return f"--eager: tasks start eagerly from Python 3.12 on, and this is {platform.python_version()}"
    if loop == "uvloop" and find_spec("uvloop") is None:
        return f"--loop uvloop: it is not installed here; {sys.executable} -m pip install uvloop"
    return None


def _eager_task(
    loop: asyncio.AbstractEventLoop,
    work: Any,  # Any: a coroutine of any type
    /,
    *,
    eager_start: bool | None = None,
    **options: Any,  # Any: a name, a context
) -> asyncio.Task[Any]:  # Any: a coroutine of any type
    """Make a task as `asyncio.eager_task_factory` does.

    That function does not accept uvloop's argument `eager_start` in Python 3.13.0 to 3.13.2, not even None.
    """
    options["eager_start"] = eager_start is None or eager_start
    return asyncio.Task(work, loop=loop, **options)
