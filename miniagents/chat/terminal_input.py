"""What the user writes at a terminal, several lines at a time if need be, and Ctrl+C while an answer comes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import Completer, Completion
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.history import FileHistory, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings

from miniagents.chat.commands import COMMANDS
from miniagents.chat.conversation import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path
    from types import FrameType

    from prompt_toolkit.completion import CompleteEvent
    from prompt_toolkit.document import Document
    from prompt_toolkit.history import History
    from prompt_toolkit.input import Input
    from prompt_toolkit.key_binding import KeyPressEvent
    from prompt_toolkit.output import Output

__all__ = ["SignalInterrupts", "TerminalInput"]

PROMPT: Final = "> "
PATIENCE: Final = 2.0
"""Seconds that an answer is given to stop before another Ctrl+C ends the program."""


class TerminalInput:
    """Reads what the user writes; Enter sends it.

    Args:
        remembered: The file that has what the user wrote before; None remembers nothing.
        source: Where keys come from; by default the terminal.
        output: Where the line is drawn; by default the terminal.
    """

    def __init__(
        self, remembered: Path | None = None, *, source: Input | None = None, output: Output | None = None
    ) -> None:
        self._session: PromptSession[str] = PromptSession(
            FormattedText([("", "\n"), ("bold", PROMPT)]),
            multiline=True,
            prompt_continuation=FormattedText([("", " " * len(PROMPT))]),
            key_bindings=_keys(),
            history=_history(remembered),
            completer=_CommandCompleter(),
            complete_while_typing=True,
            enable_suspend=True,
            interrupt_exception=Interrupted,
            eof_exception=EOFError,
            reserve_space_for_menu=len(COMMANDS),
            input=source,
            output=output,
        )

    async def read(self) -> str:
        """Return the next thing that the user says.

        Raises:
            Interrupted: The user pressed Ctrl+C, and had written nothing.
            EOFError: The user pressed Ctrl+D.
        """
        return await self._session.prompt_async()


class SignalInterrupts:
    """Ctrl+C, while an answer comes. What is typed in the meantime is not drawn into it: it is for the next prompt."""

    @contextmanager
    def stopping(self, stop: Callable[[], object], /) -> Generator[None]:
        """Return the first Ctrl+C stops; one after some seconds in which nothing stopped ends the program."""
        loop = asyncio.get_running_loop()
        first: float | None = None

        def handle(_signal: int, _frame: FrameType | None) -> None:
            nonlocal first
            now = time.monotonic()
            if first is None:
                first = now
                loop.call_soon_threadsafe(stop)
            elif now - first > PATIENCE:
                raise KeyboardInterrupt

        before = signal.signal(signal.SIGINT, handle)
        try:
            with _unseen():
                yield
        finally:
            signal.signal(signal.SIGINT, before)


# --- machinery ---


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter")
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.document.current_line_before_cursor.endswith("\\") and buffer.document.is_cursor_at_the_end:
            buffer.delete_before_cursor()
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    @keys.add("escape", "enter")
    @keys.add("c-j")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    @keys.add("c-c")
    @keys.add("<sigint>")
    def _(event: KeyPressEvent) -> None:
        if event.current_buffer.text:
            event.current_buffer.reset()
        else:
            event.app.exit(exception=Interrupted(), style="class:aborting")

    return keys


def _history(remembered: Path | None) -> History:
    if remembered is None:
        return InMemoryHistory()
    try:
        remembered.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(remembered, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600))
    except OSError:  # a folder that cannot be written to is no reason not to talk
        return InMemoryHistory()
    return FileHistory(str(remembered))


class _CommandCompleter(Completer):
    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:  # noqa: ARG002
        text = document.text
        if text.startswith("/") and " " not in text:
            for name, does in COMMANDS.items():
                if name.startswith(text):
                    yield Completion(name, start_position=-len(text), display_meta=does)


@contextmanager
def _unseen() -> Generator[None]:
    """Return the terminal does not show what is typed, and keeps it as it is for the next prompt, Enter included."""
    try:
        import termios  # noqa: PLC0415 - not everywhere
    except ImportError:
        yield
        return
    before = None
    with contextlib.suppress(termios.error, OSError, ValueError):
        before = termios.tcgetattr(sys.stdin)
        silent = termios.tcgetattr(sys.stdin)
        silent[0] &= ~termios.ICRNL
        silent[3] &= ~(termios.ECHO | termios.ICANON)
        termios.tcsetattr(sys.stdin, termios.TCSANOW, silent)
    try:
        yield
    finally:
        if before is not None:
            with contextlib.suppress(termios.error, OSError, ValueError):
                termios.tcsetattr(sys.stdin, termios.TCSANOW, before)
