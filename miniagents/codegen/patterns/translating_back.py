"""Translate regular expressions that `translating` wrote for Python back to ECMA-262."""

import re
from functools import cache
from typing import Final

from miniagents.codegen.patterns.translating import translate

_CLASSES: Final = (r"\s", r"\S", r"\W", r"\D", r"\w", r"\d")
_PROPERTIES: Final = (
    "L",
    "Lu",
    "Ll",
    "Lt",
    "Lm",
    "Lo",
    "N",
    "Nd",
    "Nl",
    "No",
    "P",
    "S",
    "Z",
    "Zs",
    "M",
    "C",
    "Alphabetic",
)
_WORDS: Final = ((r"(?!(?a:\b))", r"\B"), (r"(?a:\b)", r"\b"))


def translated_back(pattern: str) -> str | None:
    r"""Return a pattern of ECMA-262 that `translate` turns into the given one, or None if none is found.

    >>> translated_back(r"^[0-9]{4}\Z"), translated_back(r"[^\n\r\u2028\u2029]*(?a:\b)")
    ('^[0-9]{4}$', '.*\\b')
    """
    if translate(pattern) == pattern:
        return pattern
    found = pattern
    for ours, theirs in (*_WORDS, *_known()):
        found = found.replace(ours, theirs)
    found = re.sub(r"(?<!\\)((?:\\\\)*)\\Z", r"\1$", found)
    found = re.sub(r"\(\?:(\\[0-9]+)\)", r"\1", found)
    found = re.sub(r"\\U([0-9A-Fa-f]{8})", lambda match: f"\\u{{{int(match[1], 16):x}}}", found)
    return found if translate(found) == pattern else None


@cache
def _known() -> tuple[tuple[str, str], ...]:
    """Return translations of character classes with the classes, the longest first, alone and in brackets."""
    found: dict[str, str] = {}
    for each in (".", *_CLASSES, *(f"\\{sign}{{{name}}}" for name in _PROPERTIES for sign in "pP")):
        alone, inside = translate(each), translate(f"[a{each}]")
        if alone is not None and len(alone) > len("[^A-Za-z]"):
            found.setdefault(alone, each)
        if inside is not None and inside.startswith("[a") and each != ".":
            content = inside[2:-1]
            if len(content) > len("A-Za-z0-9_"):
                found.setdefault(content, each)
    return tuple(sorted(found.items(), key=lambda pair: -len(pair[0])))
