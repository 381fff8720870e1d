"""The program: connects agent, input, view and history, and returns the exit status."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Final

from miniagents.chat.agents import Partner, find_partner
from miniagents.chat.chat_arguments import Arguments, build_parser, read_arguments
from miniagents.chat.chat_errors import ChatError
from miniagents.chat.commands import chat
from miniagents.chat.console_agent import PACKAGES
from miniagents.chat.conversation import Conversation
from miniagents.chat.history import (
    History,
    conversations_folder,
    last_conversation,
    new_conversation,
    read_conversation,
)
from miniagents.chat.plain import PlainView
from miniagents.miniagents import MiniAgents
from miniagents.printing import say

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
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
    if is_at_terminal:
        _check_packages()
    partner = find_partner(arguments)
    kept, messages = _kept(arguments)
    if is_at_terminal:
        return _at_terminal(arguments, partner, kept, messages)
    history = History(kept, kept=len(messages))
    return _one_question(arguments.ask, Conversation(partner, _plain_view(), _NoInterrupts(), history, messages))


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


def _at_terminal(arguments: Arguments, partner: Partner, kept: Path | None, messages: Sequence[Message]) -> int:
    from rich.console import Console  # noqa: PLC0415 - of the extra, which only terminals need

    from miniagents.chat.markdown import THEME  # noqa: PLC0415 - needs the extra
    from miniagents.chat.terminal_input import SignalInterrupts, TerminalInput  # noqa: PLC0415 - needs the extra
    from miniagents.chat.terminal_view import TerminalView  # noqa: PLC0415 - needs the extra

    folder = conversations_folder()

    def new_history() -> History:
        return History(new_conversation(folder) if arguments.keeps else None)

    history = History(kept, kept=len(messages)) if kept is not None else new_history()
    view = TerminalView(Console(highlight=False, theme=THEME))
    conversation = Conversation(partner, view, SignalInterrupts(), history, messages)
    source = TerminalInput(folder.parent / "input_history" if arguments.keeps else None)
    view.note(f"{partner.name} · /help says more")
    for message in messages:
        view.said(message)

    with _logging_to(view):
        MiniAgents().run(chat(conversation, source, new_history))
    return DONE


def _one_question(asked: str | None, conversation: Conversation) -> int:
    if asked is None and sys.stdin.isatty():
        sys.stderr.write("[write the question, and Ctrl+D behind it]\n")
    question = (sys.stdin.read() if asked is None else asked).strip("\n")
    if not question.strip():
        raise ChatError(_NO_QUESTION)
    with _logging_to(conversation.view):
        return DONE if MiniAgents().run(conversation.ask(question)) else FAILED


def _plain_view() -> PlainView:
    return PlainView(sys.stdout, sys.stderr)


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
