"""Colours for terminals."""

import os
from dataclasses import dataclass
from typing import Final, Literal, TextIO, TypeAlias

When: TypeAlias = Literal["auto", "always", "never"]
"""When to write in colours; `auto` means only on a terminal."""

_CODES: Final = {"red": "31", "green": "32", "yellow": "33", "cyan": "36", "bold": "1", "dim": "2"}


@dataclass(frozen=True, slots=True)
class Paint:
    """Adds colours to texts, if they are switched on.

    Attributes:
        is_on: Whether colours are switched on.
    """

    is_on: bool

    def __call__(self, text: str, colour: str) -> str:
        """Return a text in a colour, or unchanged if colours are switched off."""
        return f"\033[{_CODES[colour]}m{text}\033[0m" if self.is_on and text else text


def paint_for(stream: TextIO, when: When = "auto") -> Paint:
    """Return the writer of colours for a stream.

    With `auto`, `NO_COLOR` and `FORCE_COLOR` count (https://no-color.org, https://force-color.org).
    """
    if when != "auto":
        return Paint(when == "always")
    if os.environ.get("NO_COLOR"):
        return Paint(is_on=False)
    if os.environ.get("FORCE_COLOR"):
        return Paint(is_on=True)
    return Paint(stream.isatty() and os.environ.get("TERM") != "dumb")


def painted(problem: str, paint: Paint) -> str:
    """Colour a line of the form `place: #/pointer: keyword: what is wrong; what to write`."""
    if not paint.is_on:
        return problem
    place, separator, rest = problem.partition(": ")
    if not separator:
        return problem
    said, semicolon, remedy = rest.rpartition("; ")
    if not semicolon:
        return f"{paint(place, 'bold')}: {rest}"
    pointer, colon, words = said.partition(": ")
    if colon and pointer.startswith("#"):
        keyword, second, wrong = words.partition(": ")
        words = f"{paint(keyword, 'yellow')}{second}{paint(wrong, 'red')}"
        said = f"{paint(pointer, 'cyan')}: {words}"
    else:
        said = paint(said, "red")
    return f"{paint(place, 'bold')}: {said}; {paint(remedy, 'green')}"
