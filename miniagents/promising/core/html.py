"""Promises and messages as HTML for notebooks, with nothing in it that could be run."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from miniagents.promising.core.failure import Failure

if TYPE_CHECKING:
    from miniagents.promising.core.pieces import AnyBuffer

__all__ = ["html_of", "html_of_failure", "html_of_pieces", "html_of_value"]

_MOST_CHARACTERS: Final = 2_000
_MOST_PIECES: Final = 100


def html_of(heading: str, text: str) -> str:
    """Return a text below a heading as HTML."""
    return f'<div><small>{escape(heading)}</small><pre style="white-space: pre-wrap">{escape(text)}</pre></div>'


def html_of_value(name: str, value: object) -> str:
    """Return the value of a promise as HTML; the end of a long one is left out."""
    return html_of(name, _shown(value))


def html_of_failure(name: str, failure: Failure, text: str = "") -> str:
    """Return the error of a promise as HTML, below what came before it."""
    return html_of(f"{name}, failed", f"{text}{type(failure.error).__name__}: {failure.error}")


def html_of_pieces(name: str, buffer: AnyBuffer) -> str:
    """Return the pieces of a stream that have come as HTML: one text, or the first ones in a line each."""
    pieces: list[object] = buffer.pieces
    if all(isinstance(piece, str) for piece in pieces):
        text = "".join(map(str, pieces))
    else:
        shown = pieces[:_MOST_PIECES]
        text = "".join(
            f"{f'{type(each.error).__name__}: {each.error}' if isinstance(each, Failure) else _shown(each)}\n"
            for each in shown
        )
        if len(pieces) > len(shown):
            text += f"… {len(pieces) - len(shown)} more\n"
    return html_of(name, text) if buffer.ended else html_of(f"{name}, still to come", f"{text}…")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}…"
