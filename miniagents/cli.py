"""The `miniagents` command: it finds the module of a command and runs it."""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from miniagents import __version__
from miniagents.command_parser import suggestion
from miniagents.command_running import run_command
from miniagents.printing import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miniagents.command_parser import CommandParser

__all__ = ["COMMANDS", "main", "parser_of"]


class Command(NamedTuple):
    """A command: where its `main(argv)` and `build_parser()` are, and what it does."""

    module: str
    help: str
    is_named: bool = False
    """Whether both functions take the name of the command as the first argument."""


_GENERATOR: Final = "miniagents.codegen.commands.command_line"
COMMANDS: Final = {
    "generate": Command(_GENERATOR, "write a module of message types", is_named=True),
    "lint": Command(_GENERATOR, "find mistakes and weak places in schemas", is_named=True),
    "diff": Command(_GENERATOR, "find out what a change of schemas breaks, and for whom", is_named=True),
    "export": Command(_GENERATOR, "write the types of a module as JSON Schema", is_named=True),
    "chat": Command("miniagents.chat.program", "talk to an agent or a language model in the terminal"),
    "cat": Command(
        "miniagents.commands.cat", "show the records of files: all or some, pretty, counted, or as they arrive"
    ),
    "convert": Command("miniagents.commands.convert", "write the records of a file in another format"),
    "picture": Command("miniagents.commands.picture", "draw the calls of a run as a page for the browser"),
    "runs": Command("miniagents.commands.runs", "list the runs in a store with their errors and costs, or follow one"),
    "guide": Command("miniagents.commands.guide", "show a page of the guide, or list its topics"),
    "completion": Command("miniagents.commands.completion", "print the script with which a shell completes commands"),
}
"""The commands by their names, in the order of the help."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that the first argument names.

    Args:
        argv: The arguments, without the name of the program; None for those of the process.

    Returns:
        The exit status: 0 done, 1 a check found something, 2 the arguments or files are wrong, 130 interrupted.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    name = arguments[0] if arguments else ""
    status = run_command(f"miniagents {name}" if name in COMMANDS else "miniagents", lambda: _run(name, arguments))
    if argv is None:  # Python would report another Ctrl+C, while it waits for threads, with a traceback
        with suppress(ValueError):  # only the main thread can say so, and only it is interrupted
            signal.signal(signal.SIGINT, signal.SIG_DFL)
    return status


def _run(name: str, arguments: list[str]) -> int:
    if name in ("-h", "--help"):
        sys.stdout.write(usage())
        return 0
    if name in ("-V", "--version"):
        sys.stdout.write(f"miniagents {__version__}\n")
        return 0
    if name not in COMMANDS:
        wrong = "name a command"
        if name.startswith("-"):
            wrong = f"there is no option {name}{suggestion(name, ('--help', '--version'))}"
        elif name:
            wrong = f"there is no command {name!r}{suggestion(name, COMMANDS)}"
        sys.stderr.write(f"{usage()}\nminiagents: {printable(wrong)}\n")
        return 2
    command = COMMANDS[name]
    run = import_module(command.module).main
    status: int = run(arguments if command.is_named else arguments[1:])
    return status


def parser_of(name: str) -> CommandParser:
    """Import the module of a command and return the command's parser."""
    command = COMMANDS[name]
    build = import_module(command.module).build_parser
    parser: CommandParser = build(name) if command.is_named else build()
    return parser


def usage() -> str:
    """Return the text that lists all commands."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {command.help}" for name, command in COMMANDS.items()]
    program = "miniagents" if Path(sys.argv[0]).stem == "miniagents" else "python -m miniagents"
    return "\n".join(
        (
            f"usage: {program} COMMAND ...",
            "",
            "commands:",
            *lines,
            "",
            "COMMAND --help explains a command.",
            "--version prints the version.",
            "",
        )
    )
