"""The hooks for promises that have resolved."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from miniagents.promising.core.current import inside_hook
from miniagents.promising.core.failure import for_readers, is_cancellation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from miniagents.promising.context import PromisingContext
    from miniagents.promising.promise import Promise

__all__ = ["start_hooks"]

logger: Final = logging.getLogger("miniagents")


def start_hooks(contexts: Iterable[PromisingContext], promise: Promise[object]) -> None:
    """Have the hooks of some contexts called once a promise has resolved, which somebody has started.

    The hooks are work of their own context: leaving a context inside of that does not cancel them.
    """
    for context in contexts:
        context.spawn(_call_hooks(context, promise), f"on_promise_resolved({promise.name})")


async def _call_hooks(context: PromisingContext, promise: Promise[object]) -> None:
    inside_hook.set(True)
    failure = await promise._settled_as_read()
    if failure is not None:
        return
    result = await promise
    for handler in context._resolved_handlers:
        try:
            await handler(promise, result)
        except (Exception, asyncio.CancelledError) as error:
            if is_cancellation(error):
                raise  # otherwise something was cancelled that the hook waited for: the hook has failed
            logger.error("on_promise_resolved failed for %r", promise.name, exc_info=error)  # noqa: TRY400
            if isinstance(error, asyncio.CancelledError):
                error = for_readers(error, "on_promise_resolved")  # leaving must not look cancelled
            context.report(error)
