"""Where functions, and what decorators make of them, are found by an import."""

from __future__ import annotations

import sys
from typing import Final

__all__ = ["MISSING", "imported"]

MISSING: Final = object()
"""Stands for what no import finds."""


def imported(thing: object) -> object:
    """Return what stands under the module and name of a function or class, perhaps another object; else `MISSING`."""
    module: object = getattr(thing, "__module__", None)
    name: object = getattr(thing, "__qualname__", None)
    if not (isinstance(module, str) and isinstance(name, str)):
        return MISSING
    found: object = sys.modules.get(module, MISSING)
    for part in name.split("."):
        found = getattr(found, part, MISSING)
    return found
