"""Hostile texts: parts of escape sequences, of Markdown that becomes one, of paths and of JSON."""

import unicodedata
from random import Random
from typing import Final

PIECES: Final = (
    *("\x1b]0;title\x07", "\x1b]52;c;cm0=\x07", "\x1b[2J", "\x9b2J", "\x1b", "[31m", "\x07", "\x08", "\x7f", "\x85"),
    *("\x00", "\r", "\n", "\t", "\r\n", "\u2028", "\u202e", "\u2066", "\u200f", "\u061c", "\ufeff", "\u200b"),
    *("\U000e0041", "\ud83d", "\ude00", "\udc9b", "&#x202e;", "&#27;", "&rlm;", "[a](\x1b)", "`", "é", "👩‍👧", "\\x1b"),
    *("$", "{", "}", '"', "'", "..", "/", "\\", "C:", ".", "~", "%2e%2e", "*", "-", "--", "=", ".schema.json", "safe"),
)

_DIRECTIONS: Final = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
_MARKS: Final = "\u200e\u200f\u061c\u200b\ufeff\u2060"


def text(chance: Random) -> str:
    """Make a text of hostile pieces and of random characters."""
    chars = [
        chr(chance.choice((chance.randrange(0x100), chance.randrange(0x110000)))) for _ in range(chance.randrange(4))
    ]
    pieces = [*chance.choices(PIECES, k=chance.randrange(5)), *chars]
    chance.shuffle(pieces)
    return "".join(pieces)


def unseen(text: str, *, but: str = "") -> list[str]:
    """Return the characters of a text that a terminal obeys, that hide text, or that turn it around.

    Args:
        text: The text.
        but: Characters that may be there.
    """
    return [
        char
        for char in text
        if char not in but
        and (
            unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"}
            or unicodedata.bidirectional(char) in _DIRECTIONS
            or char in _MARKS
        )
    ]
