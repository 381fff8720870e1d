"""A chat without a terminal: what the user does is a script, and what is seen is a list of lines."""

import asyncio
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias

from miniagents import (
    InnerEvent,
    Message,
    MiniAgent,
    MiniAgents,
    ReasoningDelta,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    ToolProgress,
)
from miniagents.chat.agents import Partner
from miniagents.chat.commands import Choices, chat
from miniagents.chat.conversation import Conversation
from miniagents.chat.history import History
from miniagents.chat.interfaces import Interrupted
from miniagents.testing import VirtualClockEventLoop

Said: TypeAlias = str | Exception
"""What the user says, or `Interrupted()` and `EOFError()`."""


class ScriptedInput:
    """A user who says one thing after the other, and ends."""

    def __init__(self, *said: Said) -> None:
        self._said = list(said)
        self.given: list[str] = []
        """What stood in the input each time."""

    async def read(self, text: str = "") -> str:
        self.given.append(text)
        if not self._said:
            raise EOFError
        said = self._said.pop(0)
        if isinstance(said, Exception):
            raise said
        return said


class ScriptedInterrupts:
    """A user who presses Ctrl+C so many seconds after each question; None does not press it."""

    def __init__(self, *seconds: float | None) -> None:
        self._seconds = list(seconds)
        self.pressed_at: list[float] = []

    @contextmanager
    def stopping(self, stop: Callable[[], object], /) -> Generator[None]:
        loop = asyncio.get_running_loop()
        seconds = self._seconds.pop(0) if self._seconds else None

        def press() -> None:
            self.pressed_at.append(loop.time())
            stop()

        timer = None if seconds is None else loop.call_later(seconds, press)
        try:
            yield
        finally:
            if timer is not None:
                timer.cancel()


class ListedView:
    """Makes a line of everything that is shown."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def waiting(self) -> None:
        self.lines.append("waiting")

    def begins(self, known: Mapping[str, object], message_class: type[Message] | None) -> None:
        self.lines.append(f"begins {message_class.__name__ if message_class else '?'}")

    def piece(self, piece: StreamEvent) -> None:
        if isinstance(piece, TextDelta | ReasoningDelta | RefusalDelta):
            text = piece.text
        elif isinstance(piece, InnerEvent):
            text = "/".join(piece.path)
        else:
            text = piece.note if isinstance(piece, ToolProgress) else f"{piece.name}"
        self.lines.append(f"  {type(piece).__name__} {text!r}")

    def ends(self, message: Message | None) -> None:
        self.lines.append("ends" if message is not None else "breaks off")

    def failed(self, error: BaseException) -> None:
        self.lines.append(f"failed: {type(error).__name__}: {error}")

    def answered(self) -> None:
        self.lines.append("answered")

    def said(self, message: Message) -> None:
        self.lines.append(f"said: {message}")

    def note(self, text: str) -> None:
        self.lines.append(f"note: {text.splitlines()[0]}")


CHOICES: Final = Choices(
    new_history=lambda: History(None), reopened=lambda path, count: History(path, kept=count), folder=Path("/nowhere")
)


class Talk:
    """A conversation that was had from its first question to its end."""

    def __init__(
        self,
        agent: MiniAgent[Any, Any, ...],  # whatever agent a test is about
        *said: Said,
        interrupts: Sequence[float | None] = (),
        history: History | None = None,
        before: Sequence[Message] = (),
        choices: Choices | None = None,
        **partner: Any,  # as `Partner` takes it
    ) -> None:
        self.view = ListedView()
        self.source = ScriptedInput(*said)
        self.interrupts = ScriptedInterrupts(*interrupts)
        self.conversation = Conversation(
            Partner(agent, **partner), self.view, self.interrupts, history or History(None), before
        )
        self.ended_at = 0.0

        async def main() -> None:
            await chat(self.conversation, self.source, choices or CHOICES)
            self.ended_at = asyncio.get_running_loop().time()

        MiniAgents().run(main(), loop_factory=VirtualClockEventLoop)

    @property
    def lines(self) -> list[str]:
        return self.view.lines

    @property
    def notes(self) -> list[str]:
        return [line.removeprefix("note: ") for line in self.lines if line.startswith("note: ")]

    @property
    def failures(self) -> list[str]:
        return [line.removeprefix("failed: ") for line in self.lines if line.startswith("failed: ")]

    @property
    def messages(self) -> list[Message]:
        return self.conversation.messages

    @property
    def texts(self) -> list[str]:
        return [str(message) for message in self.messages]


__all__ = ["Interrupted", "ListedView", "ScriptedInput", "ScriptedInterrupts", "Talk"]
