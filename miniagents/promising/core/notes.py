"""What an error is told of the errors before it."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["add_note", "listed", "said"]

_NAMED: Final = 10
"""How many errors are named in a note."""


def said(error: BaseException) -> str:
    """An error in one line, whatever its `__str__` does."""
    lines = "".join(traceback.format_exception_only(error)).splitlines()
    return f"{lines[0]:.200}"


def listed(errors: Sequence[str]) -> str:
    """What was said of errors, of the last of them where there are many."""
    left_out = len(errors) - _NAMED
    return "; ".join([*([f"{left_out} more"] if left_out > 0 else []), *errors[-_NAMED:]])


def add_note(error: BaseException, note: str) -> None:
    """Adds a note to an error, once, also where its class forbids to assign, as frozen dataclasses do."""
    notes: list[str] = error.__dict__.setdefault("__notes__", [])
    if note not in notes:
        notes.append(note)
