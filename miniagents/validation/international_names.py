"""Internationalised host names (IDNA 2008: RFC 5890 to 5893).

The properties of characters are derived from those in `unicodedata`, as RFC 5892 says. So the version of Unicode is
that of Python.
"""

import re
import unicodedata
from functools import cache
from typing import Final

from miniagents.validation.ranges import Ranges

_LABEL: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_DOTS: Final = re.compile("[.\u3002\uff0e\uff61]")
_LONGEST: Final = 253
_LONGEST_LABEL: Final = 63
_VIRAMA: Final = 9
"""The canonical combining class of signs that join letters."""

_ALLOWED: Final = Ranges("df 3c2 6fd 6fe f0b 3007")
"""Characters that RFC 5892 allows as exceptions."""
_REFUSED: Final = Ranges(
    "640 7fa 302e 302f 3031-3035 303b "  # exceptions
    "34f 17b4-17b5 180b-180f fe00-fe0f e0100-e01ef "  # characters to be ignored
    "20d0-20ff 1d100-1d24f 1100-11ff a960-a97c d7b0-d7ff"  # marks for symbols, music, old Hangul
)
_LETTERS: Final = frozenset({"Ll", "Lu", "Lo", "Nd", "Lm", "Mn", "Mc"})
_ARABIC_DIGITS: Final = Ranges("660-669")
_EXTENDED_DIGITS: Final = Ranges("6f0-6f9")
_JAPANESE: Final = ("HIRAGANA", "KATAKANA", "CJK UNIFIED", "IDEOGRAPHIC ITERATION", "IDEOGRAPHIC NUMBER ZERO")
_FORMS: Final = Ranges("fb50-fdff fe70-fefc")


def is_host(text: str) -> bool:
    """Return whether a text is the name of a host in ASCII; labels in Punycode must stand for valid labels."""
    return len(text) <= _LONGEST and all(map(_is_label, text.split(".")))


def is_international_host(text: str) -> bool:
    """Return whether a text is the name of a host, with letters of any language."""
    labels = [_ascii(label) for label in _DOTS.split(text)]
    return None not in labels and is_host(".".join(map(str, labels)))


def _ascii(label: str) -> str | None:
    """Return a label in ASCII, or None if it is invalid."""
    if label.isascii():
        return label
    return f"xn--{label.encode('punycode').decode()}" if _is_unicode_label(label) else None


def _is_label(label: str) -> bool:
    if not _LABEL.fullmatch(label):
        return False
    if label[:4].lower() != "xn--":
        return True
    try:
        meant = label[4:].lower().encode().decode("punycode")
    except UnicodeError:
        return False
    return not meant.isascii() and _is_unicode_label(meant) and meant.encode("punycode").decode() == label[4:].lower()


def _is_unicode_label(label: str) -> bool:
    try:
        is_short = len(label.encode("punycode")) + len("xn--") <= _LONGEST_LABEL
    except UnicodeError:
        return False
    return (
        is_short
        and unicodedata.is_normalized("NFC", label)
        and "-" not in (label[0], label[-1])
        and label[2:4] != "--"
        and unicodedata.category(label[0])[0] != "M"
        and all(_is_allowed(label, place) for place in range(len(label)))
        and _has_one_direction(label)
    )


def _is_allowed(label: str, place: int) -> bool:
    """Return whether a character may be in a label, at its place."""
    char = label[place]
    before, after = label[:place][-1:], label[place + 1 :][:1]
    match char:
        case "\u00b7":
            return before == after == "l"
        case "\u0375":
            return _name(after).startswith("GREEK")
        case "\u05f3" | "\u05f4":
            return _name(before).startswith("HEBREW")
        case "\u30fb":
            return any(_name(each).startswith(_JAPANESE) for each in label if each != char)
        case "\u200d":
            return _joins(before)
        case "\u200c":
            return _joins(before) or _is_between_joining(label, place)
        case _:
            pass
    if char in _ARABIC_DIGITS or char in _EXTENDED_DIGITS:
        other = _EXTENDED_DIGITS if char in _ARABIC_DIGITS else _ARABIC_DIGITS
        return not any(each in other for each in label)
    if char in _ALLOWED or (char.isascii() and (char == "-" or char.isdecimal() or char.islower())):
        return True
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", char).casefold())
    return char not in _REFUSED and folded == char and unicodedata.category(char) in _LETTERS


def _name(char: str) -> str:
    return unicodedata.name(char, "") if char else ""


def _joins(char: str) -> bool:
    return bool(char) and unicodedata.combining(char) == _VIRAMA


def _is_between_joining(label: str, place: int) -> bool:
    """Return whether letters on both sides would join; marks between do not count."""
    both, right = _joining_letters()
    before = next((each for each in reversed(label[:place]) if unicodedata.category(each) != "Mn"), "")
    after = next((each for each in label[place + 1 :] if unicodedata.category(each) != "Mn"), "")
    return before in both and after in both | right


@cache
def _joining_letters() -> tuple[frozenset[str], frozenset[str]]:
    """Return the letters that join on both sides, and those that join to the right only: their forms tell."""
    found: dict[str, set[str]] = {"<medial>": set(), "<final>": set()}
    for code in _FORMS.codes():
        form, *letters = unicodedata.decomposition(chr(code)).split() or [""]
        if form in found and len(letters) == 1:
            found[form].add(chr(int(letters[0], 16)))
    return frozenset(found["<medial>"]), frozenset(found["<final>"] - found["<medial>"])


def _has_one_direction(label: str) -> bool:
    """Return whether a label with letters from right to left is in one direction (RFC 5893)."""
    kinds = [unicodedata.bidirectional(char) for char in label]
    if not {"R", "AL", "AN"} & {*kinds}:
        return True
    ends = [kind for kind in kinds if kind != "NSM"]
    return (
        kinds[0] in {"R", "AL"}
        and {*kinds} <= {"R", "AL", "AN", "EN", "ES", "CS", "ET", "ON", "BN", "NSM"}
        and ends[-1] in {"R", "AL", "EN", "AN"}
        and not {"EN", "AN"} <= {*kinds}
    )
