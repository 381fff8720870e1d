"""Docstrings of generated modules as what schemas say: the way back from `docstrings` and `notes`."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from miniagents.codegen.documents import JsonValue

_FLAGS: Final = (("Deprecated.", "deprecated"), ("Write-only.", "writeOnly"), ("Read-only.", "readOnly"))
_DEFAULT: Final = re.compile(r"(?:^|(?<= ))Schema default: (?P<value>[^…]+)\.$")
_FORMAT: Final = re.compile(r"(?:^|(?<= ))Format: (?P<value>[\w-]+)\.$")


@dataclass(frozen=True, slots=True)
class Described:
    """What a docstring says.

    Attributes:
        text: The description.
        notes: Keywords that say nothing of values: `format`, `default`, `deprecated`, …
        attributes: The docs of fields by their names in Python.
    """

    text: str
    notes: Mapping[str, JsonValue]
    attributes: Mapping[str, str]


def described(doc: str) -> Described:
    """Return what a docstring says.

    >>> described("The place. Format: uri. Deprecated.")
    Described(text='The place.', notes={'format': 'uri', 'deprecated': True}, attributes={})
    """
    from miniagents.describing.docstrings import read_docstring  # noqa: PLC0415 - generating does without the package

    read = read_docstring(doc, sections=("Attributes",))  # any other heading is a line of a description
    text, notes = _notes(read.text)
    return Described(text, notes, read.attributes)


def _notes(text: str) -> tuple[str, dict[str, JsonValue]]:
    """Split a text into what its author wrote and the notes behind it."""
    found: dict[str, JsonValue] = {}
    for words, keyword in _FLAGS:
        if text == words or text.endswith(f" {words}"):
            text = text.removesuffix(words).rstrip()
            found[keyword] = True
    match = _DEFAULT.search(text)
    if match is not None:
        try:
            found["default"] = json.loads(match["value"])
            text = text[: match.start()].rstrip()
        except ValueError:
            pass
    match = _FORMAT.search(text)
    if match is not None:
        found["format"] = match["value"]
        text = text[: match.start()].rstrip()
    return text, dict(reversed(found.items()))
