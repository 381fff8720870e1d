"""The error of a chat, and other errors as one line."""

from __future__ import annotations

__all__ = ["ChatError", "one_line"]


class ChatError(Exception):
    """A mistake that the user can correct; the text says where it is, what is wrong and what to do."""


def one_line(error: BaseException) -> str:
    """Return an error as one line: its class, and its text if it has one."""
    text = " ".join(str(error).split())
    name = type(error).__name__
    return f"{name}: {text}" if text else name
