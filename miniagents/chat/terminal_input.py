"""The input of a chat at a terminal, of one or more lines, and Ctrl+C while an answer arrives."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import Completer, Completion
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.history import FileHistory, InMemoryHistory
from prompt_toolkit.input.typeahead import get_typeahead, store_typeahead
from prompt_toolkit.input.vt100_parser import Vt100Parser
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.patch_stdout import patch_stdout

from miniagents.chat.commands import COMMANDS
from miniagents.chat.interfaces import Interrupted
from miniagents.chat.terminal_keys import unseen

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping
    from pathlib import Path
    from types import FrameType

    from prompt_toolkit.completion import CompleteEvent
    from prompt_toolkit.document import Document
    from prompt_toolkit.history import History
    from prompt_toolkit.input import Input
    from prompt_toolkit.key_binding import KeyPress, KeyPressEvent
    from prompt_toolkit.output import Output

__all__ = ["SignalInterrupts", "TerminalInput"]

PROMPT: Final = "> "
MOST_OFFERED: Final = 6
"""How many commands are offered at once: below the prompt there is room for them."""
PATIENCE: Final = 2.0
"""The seconds that an answer has to stop; after them another Ctrl+C ends the program."""


class TerminalInput:
    """Reads texts of the user; Enter sends one.

    Args:
        remembered: The file of earlier texts, which the arrow keys bring back; None remembers nothing.
        commands: The commands that the Tab key completes, with their help.
        typed: What the user has typed before, for the first prompt.
        source: The source of keys; by default the terminal.
        output: The output that the input line is drawn on; by default the terminal.
    """

    def __init__(
        self,
        remembered: Path | None = None,
        *,
        commands: Mapping[str, str] = COMMANDS,
        typed: str = "",
        source: Input | None = None,
        output: Output | None = None,
    ) -> None:
        self._session: PromptSession[str] = PromptSession(
            FormattedText([("", "\n"), ("bold", PROMPT)]),
            multiline=True,
            prompt_continuation=FormattedText([("", " " * len(PROMPT))]),
            key_bindings=_keys(),
            history=_history(remembered),
            completer=_CommandCompleter(commands),
            complete_while_typing=True,
            enable_suspend=True,
            interrupt_exception=Interrupted,
            eof_exception=EOFError,
            reserve_space_for_menu=min(len(commands), MOST_OFFERED),
            input=source,
            output=output,
        )
        self._asking: PromptSession[str] = PromptSession(
            history=InMemoryHistory(), interrupt_exception=Interrupted, eof_exception=EOFError,
            input=self._session.input, output=self._session.output,
        )  # fmt: skip
        self._turn = asyncio.Lock()  # a prompt that was cancelled leaves the terminal first
        if typed:
            keys: list[KeyPress] = []
            Vt100Parser(keys.append).feed(typed)
            store_typeahead(self._session.input, keys)

    async def read(self, text: str = "") -> str:
        """Wait for the next text of the user and return it.

        Args:
            text: What stands in the input already, to be edited.

        Raises:
            Interrupted: The user pressed Ctrl+C in an empty input.
            EOFError: The user pressed Ctrl+D.
        """
        async with self._turn:
            return await self._session.prompt_async(default=text)

    async def ask(self, prompt: str, text: str = "") -> str:
        """Wait for a line while an answer arrives, and return it.

        What was typed before the question is no answer to it: it stays for the next `read`.

        Args:
            prompt: The text before the input.
            text: What stands in the input already, to be edited.

        Raises:
            EOFError: The user pressed Ctrl+D, or Ctrl+C, which stops the answer as well.
        """
        source = self._session.input
        async with self._turn:
            before = [*get_typeahead(source), *source.read_keys()]
            try:
                with patch_stdout(raw=True):  # what arrives meanwhile is drawn above
                    return await self._asking.prompt_async(prompt, default=text)
            except Interrupted:
                signal.raise_signal(signal.SIGINT)
                raise EOFError from None
            finally:
                store_typeahead(source, [*before, *get_typeahead(source)])


class SignalInterrupts:
    """Stops an answer at Ctrl+C. Keys typed while it arrives are not shown; the next prompt reads them."""

    @contextmanager
    def stopping(self, stop: Callable[[], object], /) -> Generator[None]:
        """Return a context in which the first Ctrl+C calls `stop`.

        If the answer has not stopped after `PATIENCE` seconds, another Ctrl+C raises `KeyboardInterrupt`.
        """
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
            with unseen():
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
    except OSError:  # a chat needs no file of earlier texts: without one it remembers those of this session
        return InMemoryHistory()
    return FileHistory(str(remembered))


class _CommandCompleter(Completer):
    def __init__(self, commands: Mapping[str, str]) -> None:
        self._commands = commands

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:  # noqa: ARG002
        text = document.text
        if text.startswith("/") and " " not in text:
            for name, does in self._commands.items():
                if name.startswith(text):
                    yield Completion(name, start_position=-len(text), display_meta=does)
