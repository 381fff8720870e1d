"""The view of a chat without a terminal: the answer goes to one stream, everything else to another."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

from miniagents.chat.chat_errors import ChatError, one_line
from miniagents.chat.wording import call_text
from miniagents.messages import (
    AssistantMessage,
    ErrorMessage,
    Message,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolResultMessage,
)
from miniagents.printing import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from miniagents.messages import StreamEvent

__all__ = ["PlainView"]


class PlainView:
    """Writes texts unchanged as they arrive, with an empty line between messages.

    Args:
        answer: The stream of the answer.
        rest: The stream of everything else: thoughts, tool calls and their results, errors, notes.
    """

    def __init__(self, answer: TextIO, rest: TextIO) -> None:
        self._answer = answer
        self._rest = rest
        self._is_terminal = answer.isatty()
        self._is_aside = False
        """Whether the current message is not part of the answer."""
        self._wrote = ""
        """The text that was written last to the answer."""
        self._is_open = False
        """Whether the last line of the rest is incomplete."""
        self._message_has_text = False

    def waiting(self) -> None:
        """Do nothing: a pipe needs no sign that its reader has to wait."""

    def begins(self, known: Mapping[str, object], message_class: type[Message]) -> None:
        """Begin a message; results of tools and errors go to the rest."""
        self._is_aside = issubclass(message_class, ToolResultMessage | ErrorMessage)
        self._message_has_text = False
        if self._is_aside:
            self._say(f"[{'result' if issubclass(message_class, ToolResultMessage) else 'error'}] ")
            name = known.get("tool_name")
            if isinstance(name, str):
                self._say(f"{name}: ")

    def piece(self, piece: StreamEvent) -> None:
        """Write text to the stream of its message, thoughts and refusals to the rest; tool calls wait for the end."""
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
        """Write the tool calls of a complete message."""
        self._close_line()
        if isinstance(message, AssistantMessage):
            for call in message.tool_calls:
                self._line(f"[call] {call_text(call.name, call.arguments)}")
            if message.finish_reason == "length":
                self._line("[the answer reached the limit of tokens]")

    def failed(self, error: BaseException) -> None:
        """Write an error as a line of the rest."""
        text = str(error) if isinstance(error, ChatError) else one_line(error)
        self._line(f"miniagents chat: {text}")

    def answered(self) -> None:
        """Complete the last line of both streams."""
        self._close_line()
        if self._wrote and not self._wrote.endswith("\n"):
            self._write("\n")
        self._wrote = ""

    def said(self, message: Message) -> None:
        """Do nothing: a user who resumes a conversation has seen its messages."""

    def note(self, text: str) -> None:
        """Write a note as a line of the rest."""
        self._line(f"[{text}]")

    # --- machinery ---

    def _write(self, text: str) -> None:
        self._answer.write(printable(text, lines=True) if self._is_terminal else text)
        self._answer.flush()
        self._wrote = text

    def _say(self, text: str) -> None:
        if self._is_terminal and self._wrote and not self._wrote.endswith("\n"):
            self._write("\n")
        with suppress(OSError):  # the answer goes on if nobody can be told the rest
            self._rest.write(printable(text, lines=True))
            self._rest.flush()
        if text:
            self._is_open = not text.endswith("\n")

    def _line(self, text: str) -> None:
        self._close_line()
        self._say(f"{text}\n")

    def _close_line(self) -> None:
        if self._is_open:
            self._say("\n")
