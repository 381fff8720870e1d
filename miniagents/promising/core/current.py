"""What is active in the running task: the context, and the promise that the task produces."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeAlias

from typing_extensions import TypeVar

if TYPE_CHECKING:
    from miniagents.promising.context import PromisingContext
    from miniagents.promising.core.working import Working

C = TypeVar("C", bound="PromisingContext")

Worker: TypeAlias = asyncio.Future[Any]  # Any: its result is never read
"""A task or a follower."""

active_context: ContextVar[PromisingContext | None] = ContextVar("miniagents.active_context", default=None)
producing: ContextVar[Working | None] = ContextVar("miniagents.producing", default=None)
calling: ContextVar[Any] = ContextVar("miniagents.calling", default=None)  # Any: promises do not know of agents
inside_hook: ContextVar[bool] = ContextVar("miniagents.inside_hook", default=False)


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
