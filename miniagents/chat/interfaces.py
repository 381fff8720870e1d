"""What a conversation asks of its input, of its view, and of the way in which the user stops an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    from miniagents.messages import Message, StreamEvent

__all__ = ["Input", "Interrupted", "Interrupts", "View"]


class Interrupted(Exception):  # noqa: N818 - like KeyboardInterrupt it is no error
    """The user pressed Ctrl+C while no answer was arriving."""


class Input(Protocol):
    """The source of questions and commands."""

    async def read(self, text: str = "") -> str:
        """Wait for the next text of the user and return it.

        Args:
            text: What stands in the input already, to be edited.

        Raises:
            Interrupted: The user pressed Ctrl+C in an empty input.
            EOFError: The input has ended.
        """
        ...


class View(Protocol):
    """A view of a conversation.

    For each question the conversation calls `waiting`, then `begins`, `piece`… and `ends` for each message of the
    answer, and at last `answered`. It calls `failed` at any place between them.
    """

    def waiting(self) -> None:
        """Show that the agent was asked and has not answered yet."""
        ...

    def begins(self, known: Mapping[str, object], message_class: type[Message]) -> None:
        """Begin a message.

        Args:
            known: The fields whose values are known before the message is complete.
            message_class: The class of the message, if it is known already.
        """
        ...

    def piece(self, piece: StreamEvent) -> None:
        """Show a piece of the current message."""
        ...

    def ends(self, message: Message | None) -> None:
        """End the current message.

        Args:
            message: The complete message; None if it failed.
        """
        ...

    def failed(self, error: BaseException) -> None:
        """Show an error."""
        ...

    def answered(self) -> None:
        """End the answer, even if it failed or was stopped."""
        ...

    def said(self, message: Message) -> None:
        """Show a complete message that was said before."""
        ...

    def note(self, text: str) -> None:
        """Show a text about the chat, which is not part of the conversation."""
        ...


class Interrupts(Protocol):
    """The way in which the user stops an answer."""

    def stopping(self, stop: Callable[[], object], /) -> AbstractContextManager[None]:
        """Return a context in which Ctrl+C calls a function, in the event loop of the conversation."""
        ...
