"""The event loops that the sides may run on: asyncio's or uvloop, with tasks that start at once or a turn later.

Only the standard library: the old release reads this in an environment of its own.
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
    """What a process is told about its loop; `loop_factory` understands it."""
    return [f"--loop={loop}", *(["--eager"] if eager else [])]


def loop_factory(options: Sequence[str]) -> Callable[[], asyncio.AbstractEventLoop]:
    """What makes the event loop that the options of the process ask for."""
    make: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    if "--loop=uvloop" in options:
        uvloop: Any = import_module("uvloop")  # Any: it need not be there
        make = uvloop.new_event_loop

    def make_eager() -> asyncio.AbstractEventLoop:
        loop = make()
        loop.set_task_factory(_eager_task)
        return loop

    return make_eager if "--eager" in options else make


def why_not(loop: str, *, eager: bool) -> str | None:
    """Say why a loop cannot be had in this interpreter; None where it can."""
    if eager and sys.version_info < (3, 12):
        return f"--eager: tasks start eagerly from Python 3.12 on, and this is {platform.python_version()}"
    if loop == "uvloop" and find_spec("uvloop") is None:
        return f"--loop uvloop: it is not installed here; {sys.executable} -m pip install uvloop"
    return None


def _eager_task(
    loop: asyncio.AbstractEventLoop,
    work: Any,  # Any: whatever anybody runs
    /,
    *,
    eager_start: bool | None = None,
    **options: Any,  # Any: a name, a context
) -> asyncio.Task[Any]:  # Any: as above
    """Does what `asyncio.eager_task_factory` does.

    That of Python 3.13.0 to 3.13.2 does not know the `eager_start` which uvloop gives it, be it None.
    """
    options["eager_start"] = eager_start is None or eager_start
    return asyncio.Task(work, loop=loop, **options)
