"""Format values and names for messages."""

import json
from collections.abc import Iterable
from typing import Final

from miniagents.codegen.documents import JsonValue
from miniagents.printing import printable

_MOST: Final = 60
_MOST_LISTED: Final = 8


def shown(value: JsonValue) -> str:
    """Return a value as JSON, shortened.

    >>> shown({"a": [1, None]}), len(shown("x" * 100))
    ('{"a": [1, null]}', 61)
    """
    if isinstance(value, list | dict) and len(value) > _MOST:
        return f"an array of {len(value)}" if isinstance(value, list) else f"an object of {len(value)}"
    text = printable(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= _MOST else f"{text[:_MOST]}…"


def listed(names: Iterable[str], last: str = "and") -> str:
    """Join names to a list in words.

    >>> listed(["a"]), listed(["a", "b", "c"], "or")
    ('a', 'a, b or c')
    """
    every = [*names]
    if len(every) > _MOST_LISTED:
        every = [*every[: _MOST_LISTED - 1], f"{len(every) - _MOST_LISTED + 1} more"]
    return f" {last} ".join(part for part in (", ".join(every[:-1]), *every[-1:]) if part)
