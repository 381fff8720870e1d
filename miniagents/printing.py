r"""Show text from outside on a terminal: no character of it moves the cursor, renames the window or hides other text.

File names, tags, texts of models and errors that quote them are untrusted. They are written as escapes of Python where
they would do something instead of being seen. This module imports nothing of the package: the generator uses it too.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["escaped", "is_printable", "printable", "printable_json", "say"]

_LATE: Final = range(0x13430, 0x13460)
"""Formatting characters of Egyptian hieroglyphs, the only formatting characters added after Unicode 14."""

_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 except tabs and ends of lines, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # they change the direction of the text around them
    "\u2028\u2029"  # they end a line for some programs
    "\u180e\u200b\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"  # they hide text, or themselves
    "\ud800-\udfff]"  # no encoding can write half of a surrogate pair
)
"""The characters that running text must not hold.

Joiners of emoji and of scripts, all kinds of spaces, and soft hyphens belong to running text.
"""


def printable(text: str, *, lines: bool = False) -> str:
    r"""Return a text with an escape for every character that would not be seen as itself.

    The result has no such character, so it does not change if it is made printable again.

    Args:
        text: Any text.
        lines: Whether it is running text, of which line ends, tabs, joiners and all spaces are kept. Carriage returns
            are removed. Otherwise it is shown on one line, where only the plain space is kept.

    >>> print(printable("a.json\x1b[2J\n"))
    a.json\x1b[2J\n
    >>> print(printable("one\r\ntwo\x9b2J", lines=True))
    one
    two\x9b2J
    """
    if text.isascii() and text.isprintable():
        return text
    if lines:
        return _UNSEEN.sub(lambda found: escaped(found[0]), text.replace("\r", ""))
    return "".join(char if is_printable(char) else escaped(char) for char in text)


def printable_json(text: str) -> str:
    r"""Return JSON that has the same value, and that a terminal can show.

    >>> printable_json('{"a": "\x7f\u202e"}')
    '{"a": "\\u007f\\u202e"}'
    """
    if text.isascii() and text.isprintable():
        return text
    # Outside of strings JSON has no such character but the carriage return, and inside of strings not even that.
    return _UNSEEN.sub(_escaped_in_json, text.replace("\r", " "))


def is_printable(char: str) -> bool:
    """Return whether a character is seen as itself, also between other characters of one line.

    Unassigned characters are: they are harmless, and a newer version of Python may know them.
    """
    if char.isascii():
        return char.isprintable()
    return (char.isprintable() or unicodedata.category(char) == "Cn") and ord(char) not in _LATE


def escaped(char: str) -> str:
    r"""Return a character as an escape of Python.

    >>> print(escaped("\n"), escaped("\u2028"))
    \n \u2028
    """
    return char.encode("unicode_escape", "backslashreplace").decode("ascii")


def say(text: str, paint: Callable[[str], str] = str) -> None:
    """Write a text from any source as one line to stderr; if stderr is closed or full, nobody can be told.

    Args:
        text: Any text.
        paint: A function that adds colours to the line.
    """
    with suppress(OSError, ValueError):
        sys.stderr.write(f"{paint(printable(text))}\n")
        sys.stderr.flush()


def _escaped_in_json(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2))
