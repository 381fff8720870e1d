"""Cuts Markdown that is still arriving into blocks that will not change any more."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["MarkdownBlocks"]

_FENCE: Final = re.compile(r"\s*(`{3,}|~{3,})(.*)")


class MarkdownBlocks:
    r"""Cuts a text into blocks, each of which can be rendered by itself: at empty lines outside of fenced code.

    An indented line belongs to the block before it, as in a list.

    >>> blocks = MarkdownBlocks()
    >>> blocks.feed("One\n\n```\ncode\n\nmore\n")
    ['One\n\n']
    >>> blocks.tail(1)
    '```\nmore\n'
    >>> blocks.feed("```\nTw")
    []
    >>> blocks.rest
    '```\ncode\n\nmore\n```\nTw'
    """

    def __init__(self) -> None:
        self._lines: list[str] = []
        """The complete lines of the current block."""
        self._open = ""
        """The line whose end has not arrived yet."""
        self._fence = ""
        """The opening fence of the current code; "" outside of code."""
        self._language = ""
        """The text behind that fence, usually the name of a language."""

    @property
    def rest(self) -> str:
        """The text of the current block, which may still change."""
        return "".join(self._lines) + self._open

    def tail(self, most_lines: int) -> str:
        """Return the last lines of `rest`: as many as fit on a screen.

        If they begin inside fenced code, they begin with its fence.
        """
        lines = self._lines[-most_lines:]
        is_cut_in_code = self._fence and len(lines) < len(self._lines)
        return "".join([f"{self._fence}{self._language}\n" if is_cut_in_code else "", *lines, self._open])

    def feed(self, text: str) -> list[str]:
        """Add a piece of the text and return the blocks that it completes."""
        *lines, last = (self._open + text).split("\n")
        self._open = ""
        blocks = [block for line in lines if (block := self._add(f"{line}\n"))]
        self._open = last
        return blocks

    def finish(self) -> str:
        """Return the last block, when the text has ended, and start again."""
        rest, self._lines, self._open, self._fence = self.rest, [], "", ""
        return rest

    def _add(self, line: str) -> str:
        """Add a line; if it begins a block, return the block before it, else ""."""
        done = ""
        begins_block = bool(line.strip()) and not line[0].isspace() and not self._fence
        if begins_block and self._lines and not self._lines[-1].strip() and self.rest.strip():
            done, self._lines = "".join(self._lines), []
        fence = _FENCE.match(line)
        if fence is not None:
            if not self._fence:
                self._fence, self._language = fence[1], fence[2]
            elif fence[1].startswith(self._fence) and not fence[2].strip():
                self._fence = ""
        self._lines.append(line)
        return done
