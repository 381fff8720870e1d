"""Docstrings in Google's style, read: what something is, and what its arguments or attributes are."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

__all__ = ["GOOGLE", "Docstring", "read_docstring"]

_ARGUMENTS: Final = ("Args", "Arguments", "Parameters", "Keyword Args")
GOOGLE: Final = (
    *(*_ARGUMENTS, "Attributes", "Returns", "Yields", "Raises", "Warns", "Example", "Examples", "Note", "Notes"),
    *("See Also", "References", "Todo", "Warning", "Warnings"),
)
"""The headings of the sections in Google's style."""


class Docstring(msgspec.Struct, frozen=True):
    """What a docstring says.

    Attributes:
        text: What stands before the first section.
        arguments: What is said of each argument, in one line.
        attributes: What is said of each attribute, in one line.
    """

    text: str
    arguments: Mapping[str, str]
    attributes: Mapping[str, str]


def read_docstring(doc: str | None, sections: Collection[str] = GOOGLE) -> Docstring:
    r"""Return what a docstring says.

    Args:
        doc: The docstring.
        sections: The headings of sections; any other line that looks like one is text.

    >>> read_docstring("The weather.\n\nArgs:\n    city (str): Where\n        to look.\n\nReturns:\n    Celsius.")
    Docstring(text='The weather.', arguments={'city': 'Where to look.'}, attributes={})
    """
    text: list[str] = []
    found: dict[str, list[str]] = {}
    lines = text
    for line in inspect.cleandoc(doc or "").splitlines():
        heading = line.rstrip().removesuffix(":")
        if heading in sections and heading != line:
            lines = found.setdefault(heading, [])
        else:
            lines.append(line)
    return Docstring(
        "\n".join(text).strip(),
        _entries(line for name in _ARGUMENTS for line in found.get(name, ())),
        _entries(found.get("Attributes", ())),
    )


_ENTRY: Final = re.compile(r"\*{0,2}(?P<name>\w+)(?:\s*\([^)]*\))?\s*:\s*(?P<text>.*)")


def _entries(lines: Iterable[str]) -> Mapping[str, str]:
    """Return the entries of a section; a line that is further in than the first belongs to the entry above it."""
    entries: dict[str, str] = {}
    depth: int | None = None
    name = ""
    for line in lines:
        stripped = line.strip()
        if not stripped:
            continue
        indentation = len(line) - len(line.lstrip())
        depth = indentation if depth is None else depth
        entry = _ENTRY.fullmatch(stripped) if indentation <= depth else None
        if entry is not None:
            name = entry["name"]
            entries[name] = entry["text"]
        elif name:
            entries[name] = f"{entries[name]} {stripped}".strip()
    return entries
