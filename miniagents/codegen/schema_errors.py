"""Errors in schemas, for the authors of the schemas.

All problems of a run are collected and raised together. Each has its file, line, JSON pointer and keyword, says what is
wrong, and what to write instead.
"""

from dataclasses import dataclass
from typing import Final

from miniagents.printing import printable

_LONGEST: Final = 1000
"""The greatest length of each part of a problem as it is shown: a name in a schema may have megabytes."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """A problem of a schema, because of which nothing is generated."""

    file: str
    line: int
    column: int
    pointer: str
    keyword: str
    wrong: str
    remedy: str

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (_short(self.file), self.line, self.column) if part)
        what = ": ".join(_short(part) for part in (place, self.pointer, self.keyword, self.wrong) if part)
        return printable(f"{what}; {self.remedy}" if self.remedy else what)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]}…{text[-_LONGEST // 2 :]}"


class GenerationError(Exception):
    """Schemas cannot be turned into a module.

    Attributes:
        problems: All problems, sorted by file and line.
        warnings: What is doubtful besides.
    """

    def __init__(self, problems: tuple[Problem, ...], warnings: tuple[Problem, ...] = ()) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(problems))
        self.warnings: tuple[Problem, ...] = warnings
        super().__init__("\n".join(map(str, self.problems)))
