"""The program: connects agent, input, view and history, and returns the exit status."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import sys
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final

from miniagents.calls import approval
from miniagents.chat.agents import Partner, find_partner, with_model
from miniagents.chat.approving import approving, refusing
from miniagents.chat.chat_arguments import Arguments, build_parser, read_arguments
from miniagents.chat.chat_errors import ChatError
from miniagents.chat.chat_tools import opened_servers, user_tools
from miniagents.chat.commands import Choices, chat
from miniagents.chat.console_agent import PACKAGES
from miniagents.chat.conversation import Conversation
from miniagents.chat.costs import Costs
from miniagents.chat.history import (
    History,
    conversations_folder,
    last_conversation,
    new_conversation,
    read_conversation,
)
from miniagents.chat.plain import PlainView
from miniagents.chat.terminal_keys import typed_so_far, unseen
from miniagents.miniagents import MiniAgents
from miniagents.printing import say

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Sequence
    from contextlib import AbstractContextManager

    from miniagents.chat.interfaces import View
    from miniagents.messages import Message

__all__ = ["build_parser", "main"]

DONE, FAILED, WRONG = 0, 1, 2
"""Exit statuses: success; the answer failed; the arguments or files are wrong."""

_NO_QUESTION: Final = "there is no question: give one by a pipe, or by --ask TEXT"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: The arguments, without the names of the program and the command; None for those of the process.

    Returns:
        The exit status: 0 done, 1 the answer failed, 2 the arguments or files are wrong, 130 interrupted.
    """
    try:
        arguments = read_arguments(sys.argv[2:] if argv is None else argv)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else WRONG
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        return _run(arguments)
    except ChatError as error:
        say(f"miniagents chat: {error}")
        return WRONG


# --- machinery ---


def _run(arguments: Arguments) -> int:
    is_at_terminal = False
    if arguments.ask is None:
        if sys.stdin is None:  # the parent process has closed it
            raise ChatError(_NO_QUESTION)
        is_at_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if not is_at_terminal:
        return _one_question(arguments, *_prepared(arguments))
    _check_packages()
    with unseen():
        typed = typed_so_far()
        return _at_terminal(arguments, typed, *_prepared(arguments))


def _prepared(arguments: Arguments) -> tuple[_Partners, Path | None, Sequence[Message]]:
    """Return the partners, the file of the conversation, and its messages; what is wrong with them is told at once."""
    partners = _Partners(arguments)
    return partners, *_kept(arguments)


class _Partners:
    """The agent that the chat is with, and other models with the same options and tools."""

    def __init__(self, arguments: Arguments) -> None:
        self._arguments = arguments
        self._tools = user_tools(arguments.tools)
        self.first = find_partner(arguments, self._tools)

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[None]:
        """Return a context in which the MCP servers run."""
        async with opened_servers(self._arguments.servers) as tools:
            if self._arguments.servers:
                self._tools += tools
                self.first = find_partner(self._arguments, self._tools)
            yield

    def model(self, name: str) -> Partner:
        """Return another model.

        Raises:
            ChatError: There is none, or the options do not fit it.
        """
        return find_partner(with_model(self._arguments, name), self._tools)


def _kept(arguments: Arguments) -> tuple[Path | None, Sequence[Message]]:
    """Return the file that the user named for the conversation, if any, and the messages that it has already."""
    path: Path | None = arguments.file
    messages: Sequence[Message] = ()
    if arguments.resume is not None:
        path = last_conversation(conversations_folder()) if arguments.resume == "last" else Path(arguments.resume)
        messages = read_conversation(path)
    elif path is not None and path.exists():
        raise ChatError(f"{path} is there already; --resume {path} goes on with it")
    return path if arguments.keeps else None, messages


def _check_packages() -> None:
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise ChatError(
            f"a chat at a terminal needs packages that are not installed ({', '.join(missing)}); "
            "install them with: pip install 'miniagents[chat]'"
        )


def _at_terminal(
    arguments: Arguments, typed: str, partners: _Partners, kept: Path | None, messages: Sequence[Message]
) -> int:
    from rich.console import Console  # noqa: PLC0415 - of the extra, which only terminals need

    from miniagents.chat.markdown import THEME  # noqa: PLC0415 - needs the extra
    from miniagents.chat.terminal_input import SignalInterrupts, TerminalInput  # noqa: PLC0415 - needs the extra
    from miniagents.chat.terminal_view import TerminalView  # noqa: PLC0415 - needs the extra

    folder = conversations_folder()

    def reopened(path: Path | None, count: int) -> History:
        return History(path if arguments.keeps else None, kept=count)

    def new_history() -> History:
        return reopened(new_conversation(folder), 0)

    history = reopened(kept, len(messages)) if kept is not None else new_history()
    view = TerminalView(Console(highlight=False, theme=THEME))
    source = TerminalInput(folder.parent / "input_history" if arguments.keeps else None, typed=typed)
    choices = Choices(
        new_history=new_history,
        reopened=reopened,
        folder=folder,
        partner=partners.model if arguments.model is not None else None,
    )

    async def talk() -> None:
        async with partners.opened():
            conversation = Conversation(
                partners.first, view, SignalInterrupts(), history, messages, Costs(arguments.prices)
            )
            view.note(f"{partners.first.name} · /help says more")
            for message in messages:
                view.said(message)
            await chat(conversation, source, choices)

    with _logging_to(view):
        ask = approving(source, view.note, view.paused)
        MiniAgents(around_calls=approval(ask, only_required=not arguments.approves)).run(talk())
    return DONE


def _one_question(arguments: Arguments, partners: _Partners, kept: Path | None, messages: Sequence[Message]) -> int:
    asked = arguments.ask
    if asked is None and sys.stdin.isatty():
        sys.stderr.write("[write the question, and Ctrl+D behind it]\n")
    question = (sys.stdin.read() if asked is None else asked).strip("\n")
    if not question.strip():
        raise ChatError(_NO_QUESTION)
    view = PlainView(sys.stdout, sys.stderr)
    history = History(kept, kept=len(messages))

    async def ask() -> bool:
        async with partners.opened():
            costs = Costs(arguments.prices)
            return await Conversation(partners.first, view, _NoInterrupts(), history, messages, costs).ask(question)

    with _logging_to(view):
        context = MiniAgents(around_calls=approval(refusing, only_required=not arguments.approves))
        return DONE if context.run(ask()) else FAILED


class _NoInterrupts:
    """Leaves Ctrl+C to Python, so that it ends the program."""

    def stopping(self, _stop: Callable[[], object], /) -> AbstractContextManager[None]:
        return nullcontext()


class _NoteHandler(logging.Handler):
    """Shows log records as notes of the view; written directly to stderr, they would cut an answer in two."""

    def __init__(self, view: View) -> None:
        super().__init__(logging.ERROR)
        self._view = view

    def emit(self, record: logging.LogRecord) -> None:
        self._view.note(f"{record.name}: {record.getMessage()}")


@contextlib.contextmanager
def _logging_to(view: View) -> Generator[None]:
    handler = _NoteHandler(view)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)
