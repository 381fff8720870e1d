"""Docstrings of generated modules as what schemas say: the way back from `docstrings` and `notes`."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from miniagents.codegen.documents import JsonValue
from miniagents.codegen.model import ALSO, UNTOLD
from miniagents.validation.keywords import KEYWORDS

_FLAGS: Final = (("Deprecated.", "deprecated"), ("Write-only.", "writeOnly"), ("Read-only.", "readOnly"))
_DEFAULT: Final = re.compile(r"(?:^|(?<= ))Schema default: (?P<value>[^…]+)\.$")
_FORMAT: Final = re.compile(r"(?:^|(?<= ))Format: (?P<value>[\w-]+)\.$")
_RULES: Final = {UNTOLD, *(each.rule for each in KEYWORDS.values() if each.rule)}


@dataclass(frozen=True, slots=True)
class Described:
    """The content of a docstring.

    Attributes:
        text: The description.
        notes: Keywords that do not restrict values: `format`, `default`, `deprecated`, ….
        attributes: The descriptions of fields by their names in Python.
    """

    text: str
    notes: Mapping[str, JsonValue]
    attributes: Mapping[str, str]


def described(doc: str, summary: str = "") -> Described:
    """Return the content of a docstring.

    Args:
        doc: The docstring.
        summary: The summary that the generator writes if only attributes are described.

    >>> described("The place. Format: uri. Deprecated.")
    Described(text='The place.', notes={'format': 'uri', 'deprecated': True}, attributes={})
    """
    from miniagents.describing.docstrings import read_docstring  # noqa: PLC0415 - generating does without the package

    read = read_docstring(doc, sections=("Attributes",))  # any other heading is a line of the description
    text, notes = _notes("" if read.attributes and read.text == summary else _without_rules(read.text))
    return Described(text, notes, read.attributes)


def _without_rules(text: str) -> str:
    """Return a text without its last paragraph, if this has the rules that the generator names."""
    before, _, last = text.rpartition("\n\n")
    words = " ".join(last.split())
    rules = words.removeprefix(ALSO).removesuffix(".").split("; ")
    return before.rstrip() if words.startswith(ALSO) and _RULES.issuperset(rules) else text


def _notes(text: str) -> tuple[str, dict[str, JsonValue]]:
    """Split a text into the description of its author and the notes after it."""
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
