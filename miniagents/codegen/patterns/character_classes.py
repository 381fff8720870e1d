"""Translate character sets of ECMA-262's regular expressions to sets of Python.

A *content* is the text between the brackets of a set. A set is a union of contents and of complements of contents. That
is enough for every class escape, inside and outside of brackets, negated or not.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

_SCRIPT: Final = re.compile("[A-Z][a-z]+(?:_?[A-Z][a-z]+)*")

_SPACES: Final = r"\t-\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_SPECIAL_IN_SET: Final = frozenset("\\]^-[&~|")
_LINE_ENDS: Final = r"\n\r\u2028\u2029"
_DIGITS: Final = "0-9"
_WORD: Final = "A-Za-z0-9_"

_OTHER_NUMBERS: Final = (
    "b2-b3 b9 bc-be 9f4-9f9 b72-b77 bf0-bf2 c78-c7e d58-d5e d70-d78 f2a-f33 1369-137c 16ee-16f0 17f0-17f9 "
    "19da 2070 2074-2079 2080-2089 2150-2182 2185-2189 2460-249b 24ea-24ff 2776-2793 2cfd 3007 3021-3029 "
    "3038-303a 3192-3195 3220-3229 3248-324f 3251-325f 3280-3289 32b1-32bf a6e6-a6ef a830-a835 10107-10133 "
    "10140-10178 1018a-1018b 102e1-102fb 10320-10323 10341 1034a 103d1-103d5 10858-1085f 10879-1087f "
    "108a7-108af 108fb-108ff 10916-1091b 109bc-109bd 109c0-109cf 109d2-109ff 10a40-10a48 10a7d-10a7e "
    "10a9d-10a9f 10aeb-10aef 10b58-10b5f 10b78-10b7f 10ba9-10baf 10cfa-10cff 10e60-10e7e 10f1d-10f26 "
    "10f51-10f54 10fc5-10fcb 11052-11065 111e1-111f4 1173a-1173b 118ea-118f2 11c5a-11c6c 11fc0-11fd4 "
    "12400-1246e 16b5b-16b61 16e80-16e96 16ff4-16ff6 1d2c0-1d2d3 1d2e0-1d2f3 1d360-1d378 1e8c7-1e8cf "
    "1ec71-1ecab 1ecad-1ecaf 1ecb1-1ecb4 1ed01-1ed2d 1ed2f-1ed3d 1f100-1f10c "
)
"""Code points of the categories Nl and No (Unicode 17.0): numbers that are not decimal digits."""


def _content(ranges: str) -> str:
    """Return ranges of code points as the content of a set."""
    return "".join("-".join(escaped(int(end, 16)) for end in each.split("-")) for each in ranges.split())


def escaped(code: int) -> str:
    """Return a code point as an escape of Python's `re`."""
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def literal(char: str, special: frozenset[str]) -> str:
    """Return a character as itself for Python's `re`."""
    if char in special:
        return f"\\{char}"
    # Other characters are escaped, because the printable ones differ between versions of Python.
    return char if " " <= char <= "~" else escaped(ord(char))


def literal_in_set(char: str) -> str:
    """Return a character as itself for a set of Python's `re`."""
    return literal(char, _SPECIAL_IN_SET)


@dataclass(frozen=True, slots=True)
class CharacterSet:
    """The union of the characters in `content` and, for each of `complements`, of all characters outside it."""

    content: str = ""
    complements: tuple[str, ...] = ()

    def inside(self) -> str:
        """Return an expression for one character of the set."""
        parts = [f"[{self.content}]"] if self.content else []
        parts += [f"[^{content}]" for content in dict.fromkeys(self.complements)]
        if not parts:
            return "(?:(?!))"
        return parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})"

    def outside(self) -> str:
        """Return an expression for one character that is not in the set."""
        parts = [f"[^{self.content}]"] if self.content else []
        parts += [f"[{content}]" for content in dict.fromkeys(self.complements)]
        if not parts:
            return r"[\s\S]"
        ahead = "".join(f"(?={part})" for part in parts[:-1])
        return f"(?:{ahead}{parts[-1]})" if ahead else parts[-1]


ANY: Final = CharacterSet(complements=(_LINE_ENDS,))
"""The characters that `.` matches."""

ESCAPES: Final = {
    "d": CharacterSet(_DIGITS),
    "D": CharacterSet(complements=(_DIGITS,)),
    "w": CharacterSet(_WORD),
    "W": CharacterSet(complements=(_WORD,)),
    "s": CharacterSet(_SPACES),
    "S": CharacterSet(complements=(_SPACES,)),
}
"""The characters that a backslash with one of these letters matches."""

# Letters are word characters of Python without digits, other numbers and the underscore.
_NO_LETTERS: Final = r"\W\d_" + _content(_OTHER_NUMBERS)
_NUMBERS: Final = r"\d" + _content(_OTHER_NUMBERS)
_LETTER: Final = (CharacterSet(complements=(_NO_LETTERS,)), CharacterSet(_NO_LETTERS))
_NUMBER: Final = (CharacterSet(_NUMBERS), CharacterSet(complements=(_NUMBERS,)))
_DECIMAL: Final = (CharacterSet(r"\d"), CharacterSet(r"\D"))


def _fixed(ranges: str) -> tuple[CharacterSet, CharacterSet]:
    content = _content(ranges)
    return CharacterSet(content), CharacterSet(complements=(content,))


_CATEGORIES: Final = {
    ("L", "Letter"): _LETTER,
    ("N", "Number"): _NUMBER,
    ("Nd", "Decimal_Number", "digit"): _DECIMAL,
    ("Cc", "Control", "cntrl"): _fixed("0-1f 7f-9f"),
    ("Cs", "Surrogate"): _fixed("d800-dfff"),
    ("Co", "Private_Use"): _fixed("e000-f8ff f0000-ffffd 100000-10fffd"),
    ("Z", "Separator"): _fixed("20 a0 1680 2000-200a 2028 2029 202f 205f 3000"),
    ("Zs", "Space_Separator"): _fixed("20 a0 1680 2000-200a 202f 205f 3000"),
    ("Zl", "Line_Separator"): _fixed("2028"),
    ("Zp", "Paragraph_Separator"): _fixed("2029"),
}
_PROPERTIES: Final = {
    ("Any",): _fixed("0-10ffff"),
    ("ASCII",): _fixed("0-7f"),
    ("ASCII_Hex_Digit", "AHex"): _fixed("30-39 41-46 61-66"),
    ("Hex_Digit", "Hex"): _fixed("30-39 41-46 61-66 ff10-ff19 ff21-ff26 ff41-ff46"),
    ("White_Space", "space"): _fixed("9-d 20 85 a0 1680 2000-200a 2028 2029 202f 205f 3000"),
}


def property_set(words: str, *, negated: bool) -> CharacterSet | None:
    r"""Return the set for `\p{words}` or `\P{words}`, or None if ECMA-262 has no such property of characters.

    >>> property_set("ASCII", negated=False), property_set("Script=Hanunoo", negated=True)
    (CharacterSet(content='\\x00-\\x7f', complements=()), CharacterSet(content='', complements=('\\u1720-\\u1734',)))
    """
    name, equals, value = words.partition("=")
    kind = _KINDS.get(name if equals else "", "")
    tables = {"gc": (_CATEGORIES,), "": (_CATEGORIES, _PROPERTIES) if not equals else ()}.get(kind, ())
    for table in tables:
        for names, (inside, outside) in table.items():
            if (value if equals else words) in names:
                return outside if negated else inside
    found = (
        _listed(kind, value) or (_listed("sc", value) if kind == "scx" else None)
        if equals
        else _listed("gc", words) or _listed("is", words)
    )
    return None if found is None else CharacterSet(complements=(found,)) if negated else CharacterSet(found)


_KINDS: Final = {
    **dict.fromkeys(("General_Category", "gc"), "gc"),
    **dict.fromkeys(("Script", "sc"), "sc"),
    **dict.fromkeys(("Script_Extensions", "scx"), "scx"),
}


@cache
def _listed(kind: str, name: str) -> str | None:
    """Return the content of a set that is listed in the table beside this module.

    A row of the table is a kind of property, its names, and ranges: the distance of the first code point from the end
    of the range before, and of the last one from the first, both in base 36. The names of scripts are in lower case.
    """
    is_script = kind.startswith("sc")
    if is_script and not _SCRIPT.fullmatch(name):
        return None
    row = _rows().get((kind, name.replace("_", "").lower() if is_script else name))
    if row is None:
        return None
    contents: list[str] = []
    last = 0
    for each in row.split():
        distance, _, more = each.partition("-")
        first = last + int(distance, 36)
        last = first + int(more or "0", 36)
        ends = (first,) if first == last else (first, last)
        contents.append("-".join(literal_in_set(chr(end)) for end in ends))
    return "".join(contents)


@cache
def _rows() -> Mapping[tuple[str, str], str]:
    """Return the rows of the table (Unicode 17.0) by the kind and each name of a property."""
    found: dict[tuple[str, str], str] = {}
    for line in Path(__file__).with_name("unicode_properties.txt").read_text(encoding="ascii").splitlines():
        head, _, ranges = line.partition(": ")
        kind, *names = head.split()
        found |= {(kind, name): ranges for name in names}
    return found
