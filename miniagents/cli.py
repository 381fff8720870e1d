"""The `miniagents` command: finds the command that is asked for. Each lives in a module of its own."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


class Command(NamedTuple):
    """A command: where its `main(argv)` is, and what it does."""

    module: str
    help: str
    is_named: bool = False
    """Whether its `main` takes the name of the command as the first argument."""


COMMANDS: Final = {
    "generate": Command("miniagents.codegen", "write a module of message types", is_named=True),
    "lint": Command("miniagents.codegen", "say what could be better in schemas", is_named=True),
    "diff": Command("miniagents.codegen", "say what a change of schemas breaks, and for whom", is_named=True),
    "export": Command("miniagents.codegen", "write the types of a module as JSON Schema", is_named=True),
    "chat": Command("miniagents.chat.program", "talk to an agent or a language model in the terminal"),
    "cat": Command("miniagents.commands.cat", "show the records of files: some or all, pretty, counted, as they come"),
    "convert": Command("miniagents.commands.convert", "write the records of a file in another format"),
    "guide": Command("miniagents.commands.guide", "show a page of the guide, or list its topics"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        argv: the arguments, without the name of the program; those of the process when None.

    Returns:
        The exit status: 0 done, 1 a check found something, 2 something must be mended first, 130 interrupted.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    name = arguments[0] if arguments else ""
    if name in ("-h", "--help"):
        sys.stdout.write(usage())
        return 0
    if name not in COMMANDS:
        wrong = f"there is no command {name!r}" if name else "name a command"
        sys.stderr.write(f"{usage()}\nminiagents: {wrong}\n")
        return 2
    command = COMMANDS[name]
    run = import_module(command.module).main
    status: int = run(arguments if command.is_named else arguments[1:])
    return status


def usage() -> str:
    """Says what commands there are."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {command.help}" for name, command in COMMANDS.items()]
    program = "miniagents" if Path(sys.argv[0]).stem == "miniagents" else "python -m miniagents"
    return "\n".join((f"usage: {program} COMMAND ...", "", "commands:", *lines, "", "COMMAND --help says more.", ""))
