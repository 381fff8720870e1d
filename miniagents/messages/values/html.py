"""Messages and promises of them as HTML for notebooks, with nothing in it that could be run."""

from __future__ import annotations

from html import escape

__all__ = ["html_of"]


def html_of(heading: str, text: str) -> str:
    """Return a text below a heading as HTML."""
    return f'<div><small>{escape(heading)}</small><pre style="white-space: pre-wrap">{escape(text)}</pre></div>'
