"""What is active in the running task: the context, and the promise that the task produces."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from miniagents.promising._production import Production
    from miniagents.promising.context import PromisingContext

active_context: ContextVar[PromisingContext | None] = ContextVar("miniagents.active_context", default=None)
producing: ContextVar[Production | None] = ContextVar("miniagents.producing", default=None)
inside_hook: ContextVar[bool] = ContextVar("miniagents.inside_hook", default=False)
