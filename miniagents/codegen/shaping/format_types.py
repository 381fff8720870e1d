"""Formats as types of Python."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time
from typing import Final

from miniagents.codegen.documents import JsonValue
from miniagents.validation.formats import FORMATS
from miniagents.validation.keywords import FORMAT_CHOICE


def _is_short(text: str) -> bool:
    """Whether a duration is made of what has a fixed length: no years, no months."""
    days = text.partition("T")[0]
    return "Y" not in days and "M" not in days


PARSED: Final[Mapping[str, Callable[[str], object]]] = {
    "date-time": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "duration": _is_short,
    "uuid": len,
    "byte": len,
}
"""The formats that are types of Python's, each with what fails or gives False for a text that Python cannot hold."""


def typed(schemas: Iterable[Mapping[str, JsonValue]]) -> str | None:
    """Return the format that texts are to be turned from, if all of some schemas have one that is a type."""
    found = {str(schema["format"]) for schema in schemas if schema.get(FORMAT_CHOICE) == "typed" and "format" in schema}
    name = found.pop() if len(found) == 1 else None
    return name if name in PARSED else None


def is_value(name: str, text: JsonValue) -> bool:
    """Whether a value can be turned into the type for a format."""
    if not isinstance(text, str) or not FORMATS[name](text):
        return False
    try:
        return PARSED[name](text) is not False
    except ValueError:
        return False
