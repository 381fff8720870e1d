"""Promises and messages as HTML for notebooks, with nothing in it that could be run."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["html_of", "html_of_error", "html_of_pieces", "html_of_value"]

_MOST_CHARACTERS: Final = 2_000
_MOST_PIECES: Final = 100


def html_of(heading: str, text: str) -> str:
    """Return a text below a heading as HTML."""
    return f'<div><small>{escape(heading)}</small><pre style="white-space: pre-wrap">{escape(text)}</pre></div>'


def html_of_value(name: str, value: object) -> str:
    """Return the value of a promise as HTML; the end of a long one is left out."""
    return html_of(name, _shown(value))


def html_of_error(name: str, error: BaseException, text: str = "") -> str:
    """Return the error of a promise as HTML, behind what came before it."""
    return html_of(f"{name}, failed", f"{text}{_shown(error)}")


def html_of_pieces(name: str, pieces: Sequence[object], *, has_ended: bool) -> str:
    """Return the pieces of a stream that have come as HTML: one text, or the first ones in a line each."""
    if all(isinstance(piece, str) for piece in pieces):
        text = "".join(map(str, pieces))
    else:
        text = "".join(f"{_shown(piece)}\n" for piece in pieces[:_MOST_PIECES])
        if len(pieces) > _MOST_PIECES:
            text += f"… {len(pieces) - _MOST_PIECES} more\n"
    return html_of(name, text) if has_ended else html_of(f"{name}, still to come", f"{text}…")


def _shown(value: object) -> str:
    text = f"{type(value).__name__}: {value}" if isinstance(value, BaseException) else repr(value)
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}…"
