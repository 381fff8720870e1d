"""Turn formats into types of Python."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time
from typing import Final

from miniagents.codegen.documents import JsonValue
from miniagents.validation.formats import FORMATS
from miniagents.validation.keywords import FORMAT_CHOICE


def _is_short(text: str) -> bool:
    """Return whether a duration has a fixed length, that is no years and no months."""
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
"""The formats with a Python type; each function raises or returns False for a text that Python cannot represent."""


def typed(schemas: Iterable[Mapping[str, JsonValue]]) -> str | None:
    """Return the format of texts that are decoded to a Python type, if some schemas agree on one."""
    found = {str(schema["format"]) for schema in schemas if schema.get(FORMAT_CHOICE) == "typed" and "format" in schema}
    name = found.pop() if len(found) == 1 else None
    return name if name in PARSED else None


def is_value(name: str, text: JsonValue) -> bool:
    """Return whether a value can be decoded to the Python type for a format."""
    if not isinstance(text, str) or not FORMATS[name](text):
        return False
    try:
        return PARSED[name](text) is not False
    except ValueError:
        return False
