"""The course of calls in the log: the logger `miniagents.calls`, at level DEBUG.

Arguments are the user's data. The logger `miniagents.calls.arguments` decides whether they are shown.
"""

from __future__ import annotations

import logging
from reprlib import Repr
from typing import TYPE_CHECKING, Any, Final

from miniagents.promising.core.access import buffer_of
from miniagents.promising.core.callers import called
from miniagents.promising.core.failure import Failure
from miniagents.promising.core.notes import said

if TYPE_CHECKING:
    from miniagents.agents.interaction import InteractionContext

__all__ = ["LoggedCall"]

logger: Final = logging.getLogger("miniagents.calls")
_of_arguments: Final = logging.getLogger("miniagents.calls.arguments")

_shown: Final = Repr()
_shown.maxstring = _shown.maxother = 100


class LoggedCall:
    """Logs that a call has begun, gave its first piece, and ended; made in the task of the call.

    It follows the replies without a task, and reads nothing.

    Args:
        call: The call.
    """

    __slots__ = ("_began", "_clock", "_gave", "_has_ended", "_name", "_replies")

    def __init__(self, call: InteractionContext[Any, Any]) -> None:  # Any: of any agent
        self._name = f"agent {called(call.names())}"
        self._replies = call._replies.production
        self._clock = self._replies.context.watch.loop.time
        self._began = self._clock()
        self._gave = self._has_ended = False
        sent = buffer_of(call.messages)
        arriving = "" if sent.ended else ", more to come"
        named = call._named_arguments() if _of_arguments.isEnabledFor(logging.DEBUG) else ()
        arguments = [f"{name}={_shown.repr(value)}" for name, value in named]
        given = f" with {', '.join(arguments)}" if arguments else ""
        logger.debug("%s: begun%s; messages: %d%s", self._name, given, len(sent.pieces), arriving)
        self._replies.follow(self)

    def woken(self) -> None:
        """Log what has changed."""
        replies = self._replies
        seconds = self._clock() - self._began
        if replies.pieces and not self._gave:
            self._gave = True
            logger.debug("%s: first piece after %.3f s", self._name, seconds)
        if replies.ended and not self._has_ended:
            self._has_ended = True
            how = "ended" if replies.failure is None else "cancelled" if replies.was_cancelled() else "failed"
            count = sum(type(piece) is not Failure for piece in replies.pieces)
            error = "" if replies.failure is None or how == "cancelled" else f"; {said(replies.failure.error)}"
            logger.debug("%s: %s after %.3f s; messages: %d%s", self._name, how, seconds, count, error)
