"""Plain functions in threads, which nothing can stop: whoever leaves their context is told of those that still run."""

from __future__ import annotations

import asyncio
import logging
import sys
from contextlib import suppress
from contextvars import copy_context
from threading import get_ident
from typing import TYPE_CHECKING, Any, Final

from miniagents.promising.core.current import active_context

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from miniagents.messages import ToolCall

__all__ = ["run_in_thread"]

logger: Final = logging.getLogger("miniagents")


async def run_in_thread(
    call: ToolCall,
    function: Callable[..., Any],  # Any: what the function returns
    args: Sequence[object],
    kwargs: Mapping[str, object],
) -> Any:  # Any: as above
    """Call a function in a thread, and return what it returns.

    If this is cancelled, the function goes on. If it still runs when its context has been left, a warning says which
    tool it is, for which call, and where it stands.
    """
    running = _Running(call, function, args, kwargs)
    try:
        return await asyncio.get_running_loop().run_in_executor(None, copy_context().run, running.work)
    except asyncio.CancelledError:
        running.leave_behind()
        raise


class _Running:
    """A function in a thread."""

    def __init__(
        self,
        call: ToolCall,
        function: Callable[..., Any],  # Any: as above
        args: Sequence[object],
        kwargs: Mapping[str, object],
    ) -> None:
        self._call = call
        self._function = function
        self._args = args
        self._kwargs = kwargs
        self._loop = asyncio.get_running_loop()
        self._context = active_context.get()
        self._thread: int | None = None
        self._is_left_behind = False

    def work(self) -> Any:  # Any: as above
        """Call the function, in the thread."""
        self._thread = get_ident()
        try:
            return self._function(*self._args, **self._kwargs)
        finally:
            self._thread = None
            if self._is_left_behind:
                with suppress(RuntimeError):  # the loop is closed
                    self._loop.call_soon_threadsafe(self._forget)

    def leave_behind(self) -> None:
        """Have the context tell of this function, if it still runs when the context is left."""
        if self._context is not None and self._thread is not None:
            self._is_left_behind = True
            self._context.last_words.append(self.tell)

    def tell(self) -> None:
        """Warn of this function, if it still runs."""
        thread = self._thread
        frame = sys._current_frames().get(thread) if thread is not None else None
        if frame is not None:
            from miniagents.promising.core.standing import place_of  # noqa: PLC0415 - few programs leave threads behind

            stack = [frame]
            while stack[-1].f_back is not None:
                stack.append(stack[-1].f_back)
            place = place_of(reversed(stack))
            logger.warning(
                "the context of tool %r has been left, and its function still runs in a thread, for call %r%s; "
                "a thread cannot be stopped, and the program ends only after it",
                self._call.name,
                self._call.id,
                f", {place}" if place else "",
            )

    def _forget(self) -> None:
        if self._context is not None:
            with suppress(ValueError):
                self._context.last_words.remove(self.tell)
