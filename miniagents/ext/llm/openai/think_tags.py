"""Reasoning that a server leaves in the text, between tags such as `<think>` and `</think>`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["CLOSING", "ThinkTags"]

CLOSING: Final[Mapping[str, str]] = {
    "<think>": "</think>",
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "[THINK]": "[/THINK]",
}
"""The tags that models put around their reasoning, and those that close them."""


class ThinkTags:
    """Divides a text that arrives in pieces into reasoning, if it begins with a tag, and what follows.

    White space around both is left out. However a text is cut into pieces, the parts are the same.

    Attributes:
        opening: The tag that the text begins with; None if there is none, or if it is not known yet.
    """

    __slots__ = ("_closing", "_has_thought", "_held", "_is_text", "opening")

    def __init__(self) -> None:
        self.opening: str | None = None
        self._closing = ""
        self._held = ""  # what cannot be told yet: a part of a tag, or white space that may be at an end
        self._is_text = False
        self._has_thought = False

    def fed(self, piece: str) -> Iterator[tuple[bool, str]]:
        """Take a piece, and yield the parts that are known then: whether each is reasoning, and its text."""
        if self._is_text and not self._held:
            yield False, piece
            return
        text = self._held + piece
        self._held = ""
        if self.opening is None and not self._is_text:
            begun = text.lstrip()
            tag = next((each for each in CLOSING if begun.startswith(each)), None)
            if tag is not None:
                self.opening, self._closing = tag, CLOSING[tag]
                text = begun.removeprefix(tag)
            elif any(each.startswith(begun) for each in CLOSING):
                self._held = text
                return
            else:
                self._is_text = True
        if self._closing:
            thought, tag, text = text.partition(self._closing)
            yield from self._thought(thought, is_whole=bool(tag))
            if not tag:
                return
            self._closing = ""
        if not self._is_text:
            text = text.lstrip()
        if text:
            self._is_text = True
            yield False, text

    def end(self) -> Iterator[tuple[bool, str]]:
        """Yield what was held back, at the end of the text."""
        held, self._held = self._held, ""
        if held and self.opening is None:
            yield False, held
        elif self._closing and held.strip():
            yield True, held.rstrip()

    # --- machinery ---

    def _thought(self, text: str, *, is_whole: bool) -> Iterator[tuple[bool, str]]:
        if not self._has_thought:
            text = text.lstrip()
        known = text.rstrip() if is_whole else self._certain(text)
        if not is_whole:
            self._held = text[len(known) :]
        if known:
            self._has_thought = True
            yield True, known

    def _certain(self, text: str) -> str:
        """Return a text without its end, if that may be a part of the closing tag, or white space before it."""
        for size in range(min(len(self._closing) - 1, len(text)), 0, -1):
            if self._closing.startswith(text[-size:]):
                return text[:-size].rstrip()
        return text.rstrip()
