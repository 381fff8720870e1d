"""The output of the command line: results go to stdout, everything else to stderr, and colours only to terminals."""

import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from miniagents.codegen.commands.painting import Paint, When, paint_for, painted
from miniagents.codegen.reading.sources import schema_files
from miniagents.codegen.schema_errors import Problem
from miniagents.printing import printable_json, say

OK, DIFFERS, WRONG = 0, 1, 2
"""Exit statuses: success; a check found something; an error."""

_MANY: Final = 20


class Console:
    """Writes to the current streams of the process, even if they are replaced later.

    Args:
        when: When to write in colours.
    """

    def __init__(self, when: When = "auto") -> None:
        self._when: When = when

    @property
    def paint(self) -> Paint:
        """The writer of colours for stdout."""
        return paint_for(sys.stdout, self._when)

    def write(self, text: str) -> None:
        """Write a result to stdout."""
        sys.stdout.write(text)

    def write_json(self, text: str) -> None:
        """Write JSON to stdout; at a terminal with escapes for what the terminal would not show."""
        self.write(printable_json(text) if sys.stdout.isatty() else text)

    def say(self, text: str, colour: str = "") -> None:
        """Write a line for people to stderr."""
        paint = paint_for(sys.stderr, self._when)
        say(text, (lambda line: paint(line, colour)) if colour else str)

    def problems(self, problems: Iterable[Problem]) -> None:
        """Write problems to stderr, one on each line."""
        paint = paint_for(sys.stderr, self._when)
        for problem in problems:
            say(str(problem), lambda line: painted(line, paint))

    def warnings(self, warnings: Iterable[Problem]) -> None:
        """Write warnings to stderr, one on each line."""
        for warning in warnings:
            self.say(f"warning: {warning}", "yellow")

    @contextmanager
    def reading(self, paths: Sequence[Path]) -> Generator[None, None, None]:
        """Show on a terminal that many files are being read, until the block ends."""
        count = len(schema_files(paths)) if sys.stderr.isatty() else 0
        if count < _MANY:
            yield
            return
        sys.stderr.write(f"reading {count} schema files …")
        sys.stderr.flush()
        try:
            yield
        finally:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()
