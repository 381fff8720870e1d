"""What is wrong with a schema, said so that its author can mend it.

All problems of a run are collected and raised together, each with file, line, JSON pointer, keyword, what is wrong and
what to write instead.
"""

from dataclasses import dataclass

from miniagents.codegen.texts import escaped, is_printable


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One reason why nothing was generated."""

    file: str
    line: int
    column: int
    pointer: str
    keyword: str
    wrong: str
    remedy: str

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        what = ": ".join(part for part in (place, self.pointer, self.keyword, self.wrong) if part)
        return printable(f"{what}; {self.remedy}" if self.remedy else what)


class GenerationError(Exception):
    """Schemas that cannot be turned into a module.

    Attributes:
        problems: Everything that was found wrong, sorted by file and line.
    """

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(problems))
        super().__init__("\n".join(map(str, self.problems)))


def printable(text: str) -> str:
    """Return `text` with every character that could break a line or steer a terminal written as an escape."""
    return "".join(char if is_printable(char) else escaped(char) for char in text)
