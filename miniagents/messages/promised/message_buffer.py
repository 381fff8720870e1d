"""The pieces of a sequence of messages: messages as they are, and promises of messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from typing_extensions import TypeVar

from miniagents.messages._generated import Message
from miniagents.messages.promised.message_promise import MessagePromise
from miniagents.promising.core.failure import Failure
from miniagents.promising.core.pieces import OutcomeIterator, PieceBuffer
from miniagents.promising.promise import UNHELD

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from miniagents.promising.context import PromisingContext
    from miniagents.promising.promise import Promise

__all__ = ["MessageBuffer", "MixedMessages"]

M = TypeVar("M", bound=Message)


class MessageBuffer(PieceBuffer[MessagePromise[M]]):
    """Messages as they are, until somebody wants to look at their promises one by one.

    Readers that await all messages, as most do, need no promise of each.
    """

    __slots__ = ("_is_read",)

    may_go_unread = True

    def __init__(self, context: PromisingContext | None, name: str, max_ahead: int | None = None) -> None:
        super().__init__(context, name, max_ahead=max_ahead)
        self._is_read = False

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

    def _given_out(self) -> Iterable[Promise[object]]:
        """Forget the promises of messages that are still arriving, and return them; others take their places."""
        given_out: list[Promise[object]] = []
        for place, promise in self._promises():
            if isinstance(promise, MessagePromise) and promise._holder is not UNHELD:
                given_out.append(promise)
                self.pieces[place] = promise._shown_again(UNHELD)
        return given_out

    def readable(self) -> list[MessagePromise[M] | Failure]:
        """Return the promises of the messages; from now on each message that comes gets one."""
        if not self._is_read:
            self._is_read = True
            self.pieces[:] = _all_promised(self.pieces)
        return self.pieces


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
