"""Collect the texts of schemas for docstrings."""

import json
from collections.abc import Mapping

from miniagents.codegen.documents import JsonValue

_LONGEST = 60


def documentation(members: Mapping[str, JsonValue], *, with_default: bool = False) -> str:
    """Return the description of a schema with its notes.

    Args:
        members: The keywords of the schema.
        with_default: Whether to mention the default, because it is not a default in Python.
    """
    text = members.get("description")
    notes = [text.strip() if isinstance(text, str) else ""]
    if isinstance(members.get("format"), str):
        notes.append(f"Format: {members['format']}.")
    if with_default and "default" in members:
        notes.append(default_note(members["default"]))
    if members.get("readOnly") is True:
        notes.append("Read-only.")
    if members.get("writeOnly") is True:
        notes.append("Write-only.")
    if members.get("deprecated") is True:
        notes.append("Deprecated.")
    return " ".join(note for note in notes if note)


def default_note(value: JsonValue) -> str:
    """Return the note of a default that is not one in Python."""
    return f"Schema default: {_short(value)}."


def _short(value: JsonValue) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
