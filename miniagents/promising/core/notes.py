"""Notes on errors, about the errors before them."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["add_note", "listed", "said", "said_with_causes"]

_NAMED: Final = 10
"""How many errors are named in a note."""
_CAUSES: Final = 3
"""How many errors are named that an error was raised from."""


def said(error: BaseException) -> str:
    """Return an error in one line, even if its `__str__` gives more."""
    lines = "".join(traceback.format_exception_only(error)).splitlines()
    return f"{lines[0]:.200}"


def said_with_causes(error: BaseException) -> str:
    """Return an error in one line, and those that it was raised from, a few at most, in a line each."""
    lines = [said(error)]
    while (cause := error.__cause__) is not None and len(lines) <= _CAUSES:
        lines.append(f"(caused by {said(cause)})")
        error = cause
    return "\n".join(lines)


def listed(errors: Sequence[str]) -> str:
    """Return the lines of errors in one; of many errors only the last ones."""
    left_out = len(errors) - _NAMED
    return "; ".join([*([f"{left_out} more"] if left_out > 0 else []), *errors[-_NAMED:]])


def add_note(error: BaseException, note: str) -> None:
    """Add a note to an error, once, even if its class forbids assignments, as frozen dataclasses do."""
    notes: list[str] = error.__dict__.setdefault("__notes__", [])
    if note not in notes:
        notes.append(note)
