"""A sequence of messages whose buffer is found when somebody first looks at it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from miniagents.messages.promised.sequence_promise import MessageSequencePromise
from miniagents.promising.promise import blank

if TYPE_CHECKING:
    from collections.abc import Callable

    from miniagents.promising.core.pieces import AnyBuffer

__all__ = ["deferred_sequence", "look_at"]


def deferred_sequence(
    buffer: AnyBuffer, begin: Callable[[], AnyBuffer]
) -> MessageSequencePromise[Any]:  # Any: of the classes in the buffer
    """Make the promise of messages whose buffer `begin` returns when somebody looks at them, or `look_at` gives.

    It has no class of its own: Python reads and stores attributes slowly where objects of two classes are seen.

    Args:
        buffer: The buffer of something that this may become a view of; it gives the context and the name.
        begin: Begins what makes the messages, and returns their buffer.
    """
    promise: Any = blank(MessageSequencePromise)  # Any: the whole of such a promise is never collected
    promise._prepare(buffer._context, buffer._name)
    promise._collect = begin
    deferred: MessageSequencePromise[Any] = promise  # Any: as above
    return deferred


def look_at(promise: MessageSequencePromise[Any], buffer: AnyBuffer) -> None:  # Any: as above
    """Make a deferred sequence the promise of the messages in a buffer."""
    promise._buffer = buffer
    promise._collect = None
