"""The output of the command line: results go to stdout, everything else to stderr, and colours only to terminals."""

import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from miniagents.codegen.commands.painting import Paint, When, paint_for, painted
from miniagents.codegen.reading.sources import SUFFIX, YAML_SUFFIXES
from miniagents.codegen.schema_errors import Problem

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

    def say(self, text: str, colour: str = "") -> None:
        """Write a line for people to stderr."""
        paint = paint_for(sys.stderr, self._when)
        sys.stderr.write(f"{paint(text, colour) if colour else text}\n")
        sys.stderr.flush()

    def problems(self, problems: Iterable[Problem]) -> None:
        """Write problems to stderr, one on each line."""
        paint = paint_for(sys.stderr, self._when)
        for problem in problems:
            sys.stderr.write(f"{painted(str(problem), paint)}\n")
        sys.stderr.flush()

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


def schema_files(paths: Sequence[Path]) -> list[Path]:
    """Return the schema files at paths, which are files or folders."""
    found: set[Path] = set()
    for path in paths:
        if path.is_dir():
            found.update(each for suffix in (SUFFIX, *YAML_SUFFIXES) for each in path.rglob(f"*{suffix}"))
        else:
            found.add(path)
    return sorted(found)
