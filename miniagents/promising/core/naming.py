"""What promises are called, where nobody says so."""

from __future__ import annotations

from typing import Final

__all__ = ["derived_name", "name_of"]

_LONGEST: Final = 200


def derived_name(source: str, what: str) -> str:
    """What to call the result of a combinator; of a long chain of them, both ends.

    Otherwise the names of a chain of thousands would be thousands of times as long, each of them.
    """
    name = f"{source}.{what}"
    if len(name) <= _LONGEST:
        return name
    kept = _LONGEST // 2 - 1
    return f"{name[:kept]}…{name[-kept:]}"


def name_of(source: object) -> str:
    """What to call a promise that is made by `source`: the name of the function, or of the object's class."""
    name: object = getattr(source, "__qualname__", None)
    return name if isinstance(name, str) else type(source).__qualname__
