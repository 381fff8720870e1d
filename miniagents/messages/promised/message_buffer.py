"""The pieces of a sequence of messages: messages as they are, and promises of messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from typing_extensions import TypeVar

from miniagents.messages._generated import Message
from miniagents.messages.promised.message_promise import MessagePromise, message_over
from miniagents.promising.core.failure import Failure
from miniagents.promising.core.pieces import OutcomeIterator, PieceBuffer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from miniagents.promising.context import PromisingContext

__all__ = ["MessageBuffer", "MixedMessages", "filled", "made_at_once", "make_known"]

M = TypeVar("M", bound=Message)


class MessageBuffer(PieceBuffer[MessagePromise[M]]):
    """Messages as they are, until somebody wants to look at their promises one by one.

    Readers that await all messages, as most do, need no promise of each.
    """

    __slots__ = ()

    may_go_unread = True

    def emit(self, piece: Any) -> None:  # Any: an M or a MessagePromise[M]
        """Add a message, or the promise of one, unless the sequence has ended."""
        if self.ended:
            return
        if self._is_read and isinstance(piece, Message):
            piece = MessagePromise.of_message(piece)
        self.pieces.append(piece)
        if self._wakeup is not None:
            self.wake()

    def emit_all(self, pieces: Sequence[Any]) -> None:  # Any: as above
        """Add messages and promises that are there at once, unless the sequence has ended."""
        if self.ended:
            return
        if self._is_read:
            pieces = _all_promised(pieces)
        self.pieces.extend(pieces)
        if self._wakeup is not None:
            self.wake()

    def _bound_of_messages(self) -> int | None:
        """Return the bound of the messages that are streamed in this work: the one given to the agent."""
        return self.max_ahead if self.has_own_bound else None

    def readable(self) -> list[MessagePromise[M] | Failure]:
        """Return the promises of the messages; from now on each message that comes gets one."""
        if not self._is_read:
            self._is_read = True
            self.pieces[:] = _all_promised(self.pieces)
        return self.pieces


def filled(
    context: PromisingContext | None,
    name: str,
    messages: Iterable[Any],  # Any: messages of any class
) -> MessageBuffer[Any]:  # Any: as above
    """Return the buffer of messages that are all there."""
    buffer: MessageBuffer[Any] = MessageBuffer(context, name)  # Any: as above
    buffer.fill(messages)
    return buffer


_PROMISED: Final = frozenset((MessagePromise, Failure))


class MixedMessages(OutcomeIterator[Any]):  # Any: an M or a MessagePromise[M]
    """A reader of a sequence that makes no promises of messages that have none yet."""

    __slots__ = ()
    makes_readable = False


def _all_promised(pieces: Sequence[Any]) -> Sequence[Any]:  # Any: as for `_promised`
    return pieces if _PROMISED.issuperset(map(type, pieces)) else [_promised(piece) for piece in pieces]


def _promised(piece: object) -> Any:  # Any: a MessagePromise[M] or a Failure
    if type(piece) is not MessagePromise and isinstance(piece, Message):  # isinstance() is slow to say no
        return MessagePromise.of_message(piece)
    return piece


def made_at_once(made: M | Failure, context: PromisingContext | None) -> MessagePromise[M]:
    """Make the promise of a message that is there already, or could not be made; this needs no task."""
    if not isinstance(made, Failure):
        return MessagePromise.of_message(made)
    buffer: PieceBuffer[str] = PieceBuffer(context, made.origin)
    buffer.emit_failure(made)
    buffer.end()
    promise: MessagePromise[M] = message_over(buffer, None)
    promise._failure = made
    return promise


def make_known(
    promise: MessagePromise[Message], message_class: type[Message] | None, known: Mapping[str, object]
) -> None:
    """Have a promise tell the class of its message, and the fields that are known before its end."""
    promise._message_class, promise._known = message_class, known
