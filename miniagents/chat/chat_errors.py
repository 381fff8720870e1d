"""What keeps a chat from going on, said in one line."""

from __future__ import annotations

__all__ = ["ChatError", "one_line"]


class ChatError(Exception):
    """Something must be mended first; the text says what and how."""


def one_line(error: BaseException) -> str:
    """Return an error as a line: its class, where that says more than the text does, and what it says."""
    text = " ".join(str(error).split())
    name = type(error).__name__
    return f"{name}: {text}" if text else name
