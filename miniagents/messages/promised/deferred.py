"""A sequence of messages that gets its buffer when somebody first looks at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import TypeVar

from miniagents.messages._generated import Message
from miniagents.messages.promised.sequence_promise import MessageSequencePromise

if TYPE_CHECKING:
    from miniagents.promising.core.pieces import AnyBuffer

__all__ = ["DeferredSequence"]

M_co = TypeVar("M_co", bound=Message, default=Message, covariant=True)


class DeferredSequence(MessageSequencePromise[M_co]):
    """The promise of messages whose buffer is made by `begin` when somebody looks at them, or given by `look_at`.

    Args:
        buffer: The buffer of something that this may become a view of; it gives the context and the name.
    """

    __slots__ = ()

    def __init__(self, buffer: AnyBuffer) -> None:
        self._prepare(buffer._context, buffer._name)
        self._collect = None

    def look_at(self, buffer: AnyBuffer) -> None:
        """Make this the promise of the messages in a buffer."""
        self._buffer = buffer

    def begin(self) -> None:
        """Begin what makes the messages, and look at its buffer."""
        raise NotImplementedError

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> object:
            if name == "_buffer":
                self.begin()
                return self._buffer
            return super().__getattr__(name)
