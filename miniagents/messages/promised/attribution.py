"""Who said a message: the attribution of the replies of agents that another agent has asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from typing_extensions import TypeVar

from miniagents.messages._generated import Message
from miniagents.messages.promised.message_promise import MessagePromise
from miniagents.messages.promised.message_sequence import MessageSequence

if TYPE_CHECKING:
    from collections.abc import Callable

    from miniagents.messages.promised.sequence_promise import Messages, MessageSequencePromise
    from miniagents.promising.context import PromisingContext
    from miniagents.promising.core.pieces import PieceBuffer

__all__ = ["Speaker", "Speaking", "derived_replies", "said_by"]

M = TypeVar("M", bound=Message, default=Message)


class Speaking(Protocol):
    """An agent, or another object that replies to messages."""

    def inquire(self, messages: Any = None, /) -> MessageSequencePromise[Message]:  # Any: each takes classes of its own
        """Return the promise of the replies to the messages."""
        ...


class Speaker:
    """Who said a message: `MessagePromise.by`.

    Attributes:
        agent: The agent that was asked, as it was given to the agent that asked it.
        answers: The promise of the message that this agent was asked with, if each message is a call of its own; None
            if it was asked with all messages.
        quotes: The speaker of the message that this agent passed on as it was; None if it made the message.
    """

    __slots__ = ("agent", "answers", "quotes")

    def __init__(
        self, agent: Speaking, answers: MessagePromise[Message] | None = None, quotes: Speaker | None = None
    ) -> None:
        self.agent: Speaking = agent
        self.answers: MessagePromise[Message] | None = answers
        self.quotes: Speaker | None = quotes

    @property
    def alias(self) -> str:
        """The agent's name in logs, errors and records; for an agent from outside the library, that of its class."""
        alias: object = getattr(self.agent, "alias", None)
        return alias if isinstance(alias, str) else type(self.agent).__name__

    def __repr__(self) -> str:
        return f"<Speaker {self.alias!r}>"

    # --- machinery ---

    def says(self, piece: Any) -> MessagePromise[Any]:  # Any: a message, or the promise of one; of its class
        """Return the promise of a message that this speaker says, or passes on."""
        if isinstance(piece, Message):
            return said_by(MessagePromise.of_message(piece), self)
        said: MessagePromise[Any] = piece  # Any: as above
        return said._passed_on(self if said.by is None else Speaker(self.agent, self.answers, said.by))

    def attributed(self, replies: MessageSequencePromise[M], context: PromisingContext) -> MessageSequencePromise[M]:
        """Return replies from elsewhere as replies of this speaker."""
        sequence = MessageSequence[M](name=replies.name, context=context, kept_open=False, speaker=self)
        sequence.put(replies)
        sequence.close()
        return sequence.promise


def said_by(promise: MessagePromise[M], speaker: Speaker | None) -> MessagePromise[M]:
    """Note the speaker of a message promise that nobody else has yet, and return it."""
    promise._by = speaker
    return promise


def derived_replies(
    source: MessageSequencePromise[Message],
    pipe: Callable[[PieceBuffer[MessagePromise[M]]], Messages[M]],
    what: str,
) -> MessageSequencePromise[M]:
    """Make a sequence of another one: of the message promises, and errors as objects, that an async generator yields.

    It is as lazy and as bounded as the other, and cancelling it cancels the other, unless that is used elsewhere.
    """
    return source._sequence(pipe, what)
