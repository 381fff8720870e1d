"""The argument parser of all commands, which shows examples and suggests corrections of mistyped words.

It imports nothing of the package but `printing`, because the code generator uses it and runs without the other modules.
"""

from __future__ import annotations

import argparse
import copy
import difflib
import re
import sys
from typing import TYPE_CHECKING, NamedTuple, NoReturn, TypeVar, overload

from miniagents.printing import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed import SupportsWrite

__all__ = ["CommandParser", "Example", "suggestion"]

N = TypeVar("N")


class Example(NamedTuple):
    """A command line that the help shows.

    Attributes:
        command: The whole line, as a user types it.
        comment: Its purpose, in a few words.
    """

    command: str
    comment: str


class CommandParser(argparse.ArgumentParser):
    """An `ArgumentParser` that takes options anywhere, and names the nearest one when it does not know one.

    In older versions of Python, `argparse` does not understand `miniagents runs runs.db --follow 3fb2`: it takes all
    arguments that stand behind each other, and none later. This class tries again then.

    `argparse` reports a missing argument before an unknown one: of a mistyped `--ouput` it says that `--output` is
    missing. This class looks for unknown words first.

    Attributes:
        examples: The examples at the end of the help.
    """

    examples: tuple[Example, ...] = ()
    _is_inside = False  # whether `parse_known_intermixed_args` is parsing

    def format_help(self) -> str:
        """Return the help, with the examples at its end."""
        text = super().format_help()
        if not self.examples:
            return text
        lines = [f"  # {example.comment}\n  {example.command}" for example in self.examples]
        return "\n".join((text, "examples:", *lines, ""))

    def print_help(self, file: SupportsWrite[str] | None = None) -> None:
        """Write the help to a file, by default to stdout; unlike `argparse`, without hiding that this fails."""
        (sys.stdout if file is None else file).write(self.format_help())

    def error(self, message: str) -> NoReturn:
        """Write the usage and an error, which may quote arguments such as the names of files, and exit.

        Raises:
            SystemExit: Always, with status 2.
        """
        super().error(printable(message))

    @overload
    def parse_known_args(
        self, args: Iterable[str] | None = None, namespace: None = None
    ) -> tuple[argparse.Namespace, list[str]]: ...
    @overload
    def parse_known_args(self, args: Iterable[str] | None, namespace: N) -> tuple[N, list[str]]: ...
    @overload
    def parse_known_args(self, *, namespace: N) -> tuple[N, list[str]]: ...
    def parse_known_args(
        self, args: Iterable[str] | None = None, namespace: N | None = None
    ) -> tuple[N | argparse.Namespace, list[str]]:
        """Parse as `argparse` does, but look for unknown options and commands first.

        Raises:
            SystemExit: The arguments are wrong, or help was asked for.
        """
        arguments = list(sys.argv[1:] if args is None else args)
        given = argparse.Namespace() if namespace is None else namespace
        if self._is_inside:
            return super().parse_known_args(arguments, given)
        self._refuse_unknown(arguments)
        untouched = copy.copy(given)
        parsed, left = super().parse_known_args(arguments, given)
        if not left or any(action.nargs == argparse.PARSER for action in self._actions):
            return parsed, left
        self._is_inside = True
        try:
            return self.parse_known_intermixed_args(arguments, untouched)
        finally:
            self._is_inside = False

    def _refuse_unknown(self, arguments: list[str]) -> None:
        options: dict[str, bool] = {}  # whether the help shows it
        commands: list[str] | None = None
        for action in self._actions:
            options.update(dict.fromkeys(action.option_strings, action.help != argparse.SUPPRESS))
            if action.nargs == argparse.PARSER:
                commands = list(map(str, action.choices or ()))
        for argument in arguments:
            if argument == "--":
                return
            if not _is_option(argument):
                if commands is None:
                    continue
                if argument not in commands:
                    self.error(f"there is no command {argument!r}{suggestion(argument, commands)}")
                return  # the rest belongs to the command, whose own parser reads it
            name = argument.partition("=")[0]
            is_short = not name.startswith("--") and name[:2] in options  # its value may stand directly behind it
            if not is_short and not any(option.startswith(name) for option in options):
                shown = [option for option, is_shown in options.items() if is_shown]
                self.error(f"there is no option {name}{suggestion(name, shown)}")


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean ...?" with the known word that is most like this one, or "" if none is.

    >>> suggestion("genrate", ["generate", "lint"])
    '; did you mean generate?'
    >>> suggestion("poem", ["generate", "lint"])
    ''
    """
    nearest = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {nearest[0]}?" if nearest else ""


def _is_option(argument: str) -> bool:
    """Tell whether `argparse` takes an argument for an option: no single dash, negative number or text with spaces."""
    return len(argument) > 1 and argument[0] == "-" and " " not in argument and not re.match(r"-\.?\d", argument)
