"""The names of promises that were given none."""

from __future__ import annotations

from typing import Final

__all__ = ["derived_name", "name_of"]

_LONGEST: Final = 200


def derived_name(source: str, what: str) -> str:
    """Return a name for the result of a combinator; of a long chain only both ends are kept.

    Otherwise each promise of a chain of thousands would have a name of thousands of words.
    """
    name = f"{source}.{what}"
    if len(name) <= _LONGEST:
        return name
    kept = _LONGEST // 2 - 1
    return f"{name[:kept]}…{name[-kept:]}"


def name_of(source: object) -> str:
    """Return a name for a promise made by `source`: the name of the function, or of the object's class."""
    name: object = getattr(source, "__qualname__", None)
    return name if isinstance(name, str) else type(source).__qualname__
