"""`miniagents completion`: prints the script with which a shell completes commands and their options.

The package `shtab`, of the extra `completion`, writes the scripts.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from miniagents import __version__
from miniagents.cli import COMMANDS, parser_of
from miniagents.command_parser import CommandParser, Example

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["build_parser", "main"]

_SHELLS: Final = ("bash", "zsh", "tcsh", "fish")
_FILES: Final = frozenset(
    {"AGENT", "FILE", "FILE.json", "FILE.py|FOLDER/", "FILE|last", "INPUT", "MODULE", "NEW", "OLD", "OUTPUT", "SCHEMA"}
)
"""The placeholders in the help for arguments that may be file names."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: The arguments after the name of the command; None for those of the process.

    Returns:
        The exit status: 0 done, 2 the arguments are wrong or `shtab` is not installed.
    """
    shell: str = build_parser().parse_args(argv).shell
    try:
        import shtab  # noqa: PLC0415 - of the extra, which only this command needs
    except ImportError:
        sys.stderr.write(
            "miniagents completion: the package shtab is not installed; pip install 'miniagents[completion]'\n"
        )
        return 2
    sys.stdout.write(f"{shtab.complete(_parser_of_all(shtab.FILE), shell)}\n")
    return 0


def build_parser() -> CommandParser:
    """Return the parser of the command line."""
    parser = CommandParser(
        prog="miniagents completion",
        description="Print the script with which a shell completes commands, options and files. "
        "Exit status: 0 done, 2 the shell is unknown, or the package shtab is not installed.",
    )
    parser.add_argument("shell", choices=_SHELLS, metavar="SHELL", help=f"one of {', '.join(_SHELLS)}")
    parser.examples = (
        Example('eval "$(miniagents completion bash)"', "bash: a line for ~/.bashrc"),
        Example("miniagents completion zsh > ~/.zfunc/_miniagents", "zsh: with ~/.zfunc in $fpath before compinit"),
        Example(
            "miniagents completion tcsh > ~/.miniagents.tcsh", "tcsh: and `source ~/.miniagents.tcsh` in ~/.tcshrc"
        ),
        Example("miniagents completion fish > ~/.config/fish/completions/miniagents.fish", "fish"),
    )
    return parser


def _parser_of_all(complete_file: object) -> CommandParser:
    """Return one parser of all commands; its arguments that name files are marked as such for `shtab`."""
    parser = CommandParser(prog="miniagents")
    parser.add_argument("-V", "--version", action="version", version=__version__, help="show the version")
    commands = parser.add_subparsers(metavar="COMMAND")
    for name, command in COMMANDS.items():
        one = parser_of(name)
        for action in one._actions:
            if (action.metavar or action.dest.upper()) in _FILES:
                setattr(action, "complete", complete_file)  # noqa: B010 - shtab's attribute, which no type declares
        commands.add_parser(name, help=command.help, parents=[one], add_help=False)
    return parser
