"""What is active in the running task: the context, and the promise that the task produces."""

from __future__ import annotations

import asyncio
import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from typing_extensions import TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from miniagents.promising.context import PromisingContext
    from miniagents.promising.core.working import Working

C = TypeVar("C", bound="PromisingContext")

Worker: TypeAlias = asyncio.Future[Any]  # Any: its result is never read
"""A task or a follower."""

active_context: ContextVar[PromisingContext | None] = ContextVar("miniagents.active_context", default=None)
producing: ContextVar[Working | None] = ContextVar("miniagents.producing", default=None)
calling: ContextVar[Any] = ContextVar("miniagents.calling", default=None)  # Any: promises do not know of agents
inside_hook: ContextVar[bool] = ContextVar("miniagents.inside_hook", default=False)


current_task: Callable[[asyncio.AbstractEventLoop | None], asyncio.Task[object] | None]
if sys.version_info >= (3, 12):
    current_task = asyncio.current_task
else:  # there it is a function in Python that looks into this table: a fortieth of a wait
    _tasks: Final[Mapping[asyncio.AbstractEventLoop | None, asyncio.Task[object]]] = vars(asyncio.tasks)[
        "_current_tasks"
    ]
    current_task = _tasks.get


def innermost_of(cls: type[C], context: PromisingContext | None) -> C | None:
    """Return the context or, if it is not of the class, the first around it that is."""
    while context is not None and not isinstance(context, cls):
        context = context.parent
    return context


def still_open(context: PromisingContext | None) -> PromisingContext | None:
    """Return the context, or the first around it that is still open.

    A context can be ended in another task, so that its variable in this one was not reset.
    """
    while context is not None and context._state == "closed":
        context = context.parent
    return context


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the loop that runs in this thread; None if there is none."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
