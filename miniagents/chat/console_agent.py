"""The user at the console, as an agent."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from miniagents.chat.answering import Answer
from miniagents.chat.interfaces import Interrupted
from miniagents.chat.plain import PlainView
from miniagents.messages import Message, UserMessage
from miniagents.messages.values.surrogates import mended
from miniagents.miniagents import EndLoop, InteractionContext, MiniAgents, miniagent

if TYPE_CHECKING:
    from miniagents.chat.interfaces import Input, View

__all__ = ["PACKAGES", "console_user"]

PACKAGES: Final = ("prompt_toolkit", "rich")
"""The packages of the extra `chat`, which terminals need."""

_PROMPT: Final = "> "


@miniagent
async def console_user(ctx: InteractionContext[Message, UserMessage]) -> None:
    """Show the messages as they arrive, then ask the user at the console, and reply what they write.

    At a terminal, with the extra `chat`, Markdown is drawn and the input can be edited, as in `miniagents chat`.
    Otherwise the texts of messages go to stdout, everything else to stderr, and a line of stdin is a reply. Errors
    among the messages are shown, and the user is asked what to do. When the input ends, by Ctrl+D for example, the call
    fails with `EOFError`, which ends `achain_loop` and `converse`.
    """
    console = MiniAgents.current().shared("miniagents.chat.console_user", _Console, _Console.close)
    async with console.turn:
        said = await console.talk(ctx)
    ctx.reply(UserMessage(said))


# --- machinery ---


class _Console:
    """The console of a context; one agent at a time speaks with the user."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self._view, self._source = _view_and_input()
        self._has_asked = False

    async def close(self) -> None:
        """Do nothing: stdin stays open."""

    async def talk(self, ctx: InteractionContext[Message, UserMessage]) -> str:
        """Show messages, and return the text of the user."""
        answer = Answer(self._view, lambda _: None)
        if self._has_asked:  # before that there is nobody to wait for
            self._view.waiting()
        try:
            await answer.read(ctx.messages)
        finally:
            self._view.answered()
        if answer.has_ended:
            raise EndLoop
        self._has_asked = True
        while True:
            try:
                said = mended(await self._source.read())
            except Interrupted:
                raise EOFError from None
            if said.strip():
                return said


def _view_and_input() -> tuple[View, Input]:
    is_at_terminal = all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))
    if not is_at_terminal or any(importlib.util.find_spec(name) is None for name in PACKAGES):
        return PlainView(sys.stdout, sys.stderr), _Lines()
    from rich.console import Console  # noqa: PLC0415 - of the extra, which only terminals need

    from miniagents.chat.markdown import THEME  # noqa: PLC0415 - needs the extra
    from miniagents.chat.terminal_input import TerminalInput  # noqa: PLC0415 - needs the extra
    from miniagents.chat.terminal_view import TerminalView  # noqa: PLC0415 - needs the extra

    return TerminalView(Console(highlight=False, theme=THEME)), TerminalInput(commands={})


class _Lines:
    """Lines of stdin, read by a thread so that agents go on meanwhile.

    A thread that reads cannot be stopped. Whoever reads after one that was cancelled gets its line.
    """

    def __init__(self) -> None:
        self._line: asyncio.Future[str] | None = None

    async def read(self, text: str = "") -> str:  # noqa: ARG002 - a plain line cannot be edited
        """Wait for the next line and return it.

        Raises:
            EOFError: The input has ended.
        """
        if self._line is None:
            if sys.stdin is None:  # the parent process has closed it
                raise EOFError
            self._line = asyncio.get_running_loop().create_future()
            if sys.stdin.isatty():
                sys.stdout.write(_PROMPT)
                sys.stdout.flush()
            # a daemon: the program may end while nobody writes anything
            threading.Thread(target=_read_line, args=(self._line,), daemon=True, name="console_user").start()
        try:
            line = await asyncio.shield(self._line)
        finally:
            if self._line.done():
                self._line = None
        if not line:
            raise EOFError
        return line.removesuffix("\n")


def _read_line(line: asyncio.Future[str]) -> None:
    def give(text: str, error: BaseException | None) -> None:
        if line.cancelled():
            return
        if error is None:
            line.set_result(text)
        else:
            line.set_exception(error)

    text, failure = "", None
    try:
        text = sys.stdin.readline()
    except (OSError, ValueError) as error:  # closed, or not in its encoding
        failure = error
    with suppress(RuntimeError):  # the loop is closed: nobody waits any more
        line.get_loop().call_soon_threadsafe(give, text, failure)
