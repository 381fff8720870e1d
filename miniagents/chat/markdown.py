"""Renders the Markdown of models and people for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from markdown_it import MarkdownIt
from rich.markdown import Heading, Markdown, MarkdownElement
from rich.segment import Segment
from rich.theme import Theme

from miniagents.printing import printable

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

__all__ = ["THEME", "MarkdownText"]

THEME: Final = Theme({"markdown.code": "cyan", "markdown.code_block": "default"})
"""The styles that a console needs for it; they are readable on dark and light backgrounds."""

_THEME: Final = "ansi_dark"
"""The theme of code, which uses the terminal's own colours."""


class MarkdownText:
    """Renders all of a printable text: line breaks stay line breaks, and HTML is shown as text.

    The result has no empty lines at its beginning and end.
    """

    def __init__(self, text: str) -> None:
        self._markdown = _Markdown("", code_theme=_THEME, inline_code_theme=_THEME)
        self._markdown.parsed = _PARSER.parse(text)
        for token in self._markdown.parsed:
            token.content = printable(token.content, lines=True)
            for child in token.children or ():
                child.content = printable(child.content, lines=True)  # `&#x202e;` is a character only now
                if child.type == "softbreak":
                    child.type = "hardbreak"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = console.render_lines(self._markdown, options.update(height=None), pad=False)
        filled = [place for place, line in enumerate(lines) if any(segment.text.strip() for segment in line)]
        for line in lines[filled[0] : filled[-1] + 1] if filled else ():
            yield from line
            yield Segment.line()


class _LeftHeading(Heading):
    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        self.text.justify = "left"
        yield self.text


class _Markdown(Markdown):
    elements: ClassVar[dict[str, type[MarkdownElement]]] = {**Markdown.elements, "heading_open": _LeftHeading}


_PARSER: Final = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"])
