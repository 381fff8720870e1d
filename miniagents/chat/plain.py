"""The view of a chat without a terminal: the answer goes to one stream, everything else to another."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from miniagents.chat.chat_errors import ChatError, one_line
from miniagents.chat.wording import call_text, printable
from miniagents.messages import (
    AssistantMessage,
    ErrorMessage,
    Message,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolResultMessage,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from miniagents.messages import StreamEvent

__all__ = ["PlainView"]


class PlainView:
    """Writes texts as they come, just as they are, an empty line between messages.

    Args:
        answer: Where the answer goes.
        rest: Where everything else goes: thoughts, calls of tools and their results, errors, notes.
    """

    def __init__(self, answer: TextIO, rest: TextIO) -> None:
        self._answer = answer
        self._rest = rest
        self._is_terminal = answer.isatty()
        self._is_aside = False
        """Whether the message that has begun is no answer."""
        self._wrote = ""
        """The last that went to the answer."""
        self._is_open = False
        """Whether the last line of the rest is not complete."""
        self._message_has_text = False

    def waiting(self) -> None:
        """Nothing: who reads a pipe waits anyway."""

    def begins(self, known: Mapping[str, object], message_class: type[Message] | None) -> None:
        """What a tool gave, or an error, is no answer."""
        self._is_aside = message_class is not None and issubclass(message_class, ToolResultMessage | ErrorMessage)
        self._message_has_text = False
        if self._is_aside and message_class is not None:
            self._say(f"[{'result' if issubclass(message_class, ToolResultMessage) else 'error'}] ")
            name = known.get("tool_name")
            if isinstance(name, str):
                self._say(f"{name}: ")

    def piece(self, piece: StreamEvent) -> None:
        """Text goes to where it belongs."""
        if isinstance(piece, TextDelta):
            if self._is_aside:
                self._say(piece.text)
            elif piece.text:
                self._close_line()
                if not self._message_has_text and self._wrote:
                    self._write("\n" if self._wrote.endswith("\n") else "\n\n")
                self._write(piece.text)
                self._message_has_text = True
        elif isinstance(piece, ReasoningDelta | RefusalDelta):
            self._say(piece.text)

    def ends(self, message: Message | None) -> None:
        """Say what tools the message asks for."""
        self._close_line()
        if isinstance(message, AssistantMessage):
            for call in message.tool_calls:
                self._line(f"[call] {call_text(call.name, call.arguments)}")
            if message.finish_reason == "length":
                self._line("[the answer reached the limit of tokens]")

    def failed(self, error: BaseException) -> None:
        """An error is a line."""
        text = str(error) if isinstance(error, ChatError) else one_line(error)
        self._line(f"miniagents chat: {text}")

    def answered(self) -> None:
        """The last line is completed."""
        self._close_line()
        if self._wrote and not self._wrote.endswith("\n"):
            self._write("\n")
        self._wrote = ""

    def said(self, message: Message) -> None:
        """What was said before is known to who resumes it."""

    def note(self, text: str) -> None:
        """A note is a line."""
        self._line(f"[{text}]")

    # --- machinery ---

    def _write(self, text: str) -> None:
        self._answer.write(printable(text) if self._is_terminal else text)
        self._answer.flush()
        self._wrote = text

    def _say(self, text: str) -> None:
        if self._is_terminal and self._wrote and not self._wrote.endswith("\n"):
            self._write("\n")
        self._rest.write(printable(text))
        self._rest.flush()
        if text:
            self._is_open = not text.endswith("\n")

    def _line(self, text: str) -> None:
        self._close_line()
        self._say(f"{text}\n")

    def _close_line(self) -> None:
        if self._is_open:
            self._say("\n")
