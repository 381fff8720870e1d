r"""Translate regular expressions of ECMA-262, which JSON Schema uses, to Python, where an equivalent exists.

They are read as with the flag `u`, that is by code points. Some expressions are errors with that flag and have one
clear meaning without it: needless escapes, and braces that repeat nothing. They keep that meaning, unless another part
of the expression needs the flag. Parts that look the same but mean something else in Python are translated: `$` before
a last newline, `\d`, `\w` and `\s`, `.` and the ends of lines, `\b`, escapes of characters.
Expressions without a reliable equivalent in Python are refused: lookbehind without a fixed length, flags, and
references to groups that may not have matched (in ECMA-262 such a reference matches anywhere).
"""

import re
import warnings
from typing import Final

from miniagents.codegen.patterns.character_classes import (
    ANY,
    ESCAPES,
    CharacterSet,
    literal,
    literal_in_set,
    property_set,
)

_REPEAT: Final = re.compile(r"[*+?]\??|\{(?P<least>[0-9]+)(?:,(?P<most>[0-9]*))?\}\??")
_ALMOST_REPEAT: Final = re.compile(r"\{,[0-9]*\}")
_GROUP: Final = re.compile(r"\((?:\?(?:[:=!]|<[=!]|<(?P<name>[A-Za-z_$][\w$]*)>))?(?!\?)", re.ASCII)
_UNICODE: Final = re.compile(r"x(?P<two>[0-9A-Fa-f]{2})|u(?P<four>[0-9A-Fa-f]{4})|u\{(?P<any>0*[0-9A-Fa-f]{1,6})\}")
_LOW_HALF: Final = re.compile(r"\\u(?P<low>[dD][c-fC-F][0-9A-Fa-f]{2})")
_PROPERTY: Final = re.compile(r"(?P<sign>[pP])\{(?P<words>[A-Za-z_=]+)\}")
_NAMED_REFERENCE: Final = re.compile(r"k<(?P<name>[A-Za-z_$][\w$]*)>", re.ASCII)
_NUMBERED_REFERENCE: Final = re.compile(r"[1-9][0-9]?(?![0-9])")
_CONTROLS: Final = {"t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r"}
_SPECIAL: Final = frozenset("\\.^$*+?{}[]|()")
_ESCAPABLE: Final = _SPECIAL | frozenset("/-")
_LAST_CODE: Final = 0x10FFFF


class _BeyondError(Exception):
    """The expression cannot be translated."""


def translate(pattern: str) -> str | None:
    r"""Return the equivalent pattern for `re.search` of Python, or None if there is none.

    >>> translate("^[a-z]+$"), translate(r"^\d{4}$"), translate(r"(?<=a+)b")
    ('^[a-z]+\\Z', '^[0-9]{4}\\Z', None)
    """
    try:
        translated = _Translation(pattern).run()
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)
            re.compile(translated)
    except (_BeyondError, FutureWarning, re.error, OverflowError, RecursionError, ValueError):
        return None  # a ValueError is about a number with thousands of digits
    return translated


class _Translation:
    """The translation of one pattern: a position in it, and the parts translated so far."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._position = 0
        self._parts: list[str] = []
        self._open: list[tuple[str, int | None]] = []
        """The groups around the position: their first characters, and their number if they can be referred to."""
        self._groups = 0
        self._names: dict[str, int] = {}
        self._taken: set[int] = set()
        """The groups that must have matched before the position."""
        self._modern = False
        """Whether the pattern has something that exists only with the flag `u`."""
        self._sloppy = False
        """Whether the pattern has something that the flag `u` forbids."""

    def run(self) -> str:
        is_atom = False
        """Whether the part before the position can be repeated."""
        last: int | None = None
        """The number of the group that ends at the position."""
        while self._position < len(self._pattern):
            char = self._pattern[self._position]
            repeat = _REPEAT.match(self._pattern, self._position)
            if repeat is not None:
                self._repeat(repeat, is_atom=is_atom)
                self._taken.discard(last or 0)
                is_atom, last = False, None
                continue
            last = None
            match char:
                case "(":
                    is_atom = self._begin()
                case ")":
                    is_atom, last = self._end()
                case "[":
                    is_atom = self._put(self._set())
                case "\\":
                    self._position += 1
                    is_atom = self._escape()
                case ".":
                    is_atom = self._put(ANY.inside(), 1)
                case "^" | "$" | "|":
                    if char == "|" and not self._open:
                        self._taken.clear()
                    self._put(r"\Z" if char == "$" else char, 1)
                    is_atom = False
                case "]" | "*" | "+" | "?":
                    raise _BeyondError
                case _:
                    if _ALMOST_REPEAT.match(self._pattern, self._position):
                        raise _BeyondError  # plain text in ECMA-262, but surely a mistake
                    self._sloppy = self._sloppy or char in "{}"
                    is_atom = self._put(literal(char, _SPECIAL), 1)
        if self._open or (self._modern and self._sloppy):
            raise _BeyondError
        return "".join(self._parts)

    def _put(self, text: str, width: int = 0) -> bool:
        self._parts.append(text)
        self._position += width
        return True

    def _repeat(self, repeat: re.Match[str], *, is_atom: bool) -> None:
        least, most = repeat["least"], repeat["most"]
        if not is_atom or (most and int(least) > int(most)):
            raise _BeyondError
        self._put(repeat.group())
        self._position = repeat.end()

    # --- groups ---

    def _begin(self) -> bool:
        match = _GROUP.match(self._pattern, self._position)
        if match is None:
            raise _BeyondError
        text, name = match.group(), match["name"]
        number: int | None = None
        if text == "(" or name:
            self._groups += 1
            number = self._groups
            if name:
                if name in self._names:
                    raise _BeyondError
                self._names[name] = number
                text = "("
        self._open.append((text, number))
        self._put(text)
        self._position = match.end()
        return False

    def _end(self) -> tuple[bool, int | None]:
        if not self._open:
            raise _BeyondError
        text, number = self._open.pop()
        self._put(")", 1)
        if number is not None and not self._open:
            self._taken.add(number)
        return text in {"(", "(?:"}, number

    def _reference(self, number: int) -> bool:
        if number not in self._taken or any(text.startswith("(?<") for text, _ in self._open):
            raise _BeyondError
        return self._put(f"(?:\\{number})")

    # --- escapes ---

    def _escape(self) -> bool:
        """Translate the escape after a backslash."""
        rest = self._pattern[self._position : self._position + 1]
        if rest in {"b", "B"}:
            self._put(
                r"(?a:\b)" if rest == "b" else r"(?!(?a:\b))", 1
            )  # before Python 3.14 `\B` does not match an empty text
            return False
        for expression in (_NAMED_REFERENCE, _NUMBERED_REFERENCE):
            match = expression.match(self._pattern, self._position)
            if match is not None:
                self._position = match.end()
                text = match.group()
                return self._reference(int(text) if text.isdecimal() else self._names.get(match["name"], 0))
        self._sloppy = self._sloppy or rest == "-"
        found = self._escaped()
        return self._put(found.inside() if isinstance(found, CharacterSet) else literal(found, _SPECIAL))

    def _escaped(self) -> str | CharacterSet:
        """Read an escape that means the same inside and outside of brackets."""
        pattern, start = self._pattern, self._position
        char = pattern[start : start + 1]
        self._position += 1
        if char in ESCAPES:
            return ESCAPES[char]
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char == "0" and not pattern[start + 1 : start + 2].isdecimal():
            return "\0"
        if char == "c" and re.match("[A-Za-z]", pattern[start + 1 : start + 2]):
            self._position += 1
            return chr(ord(pattern[start + 1]) % 32)
        if char in {"p", "P"}:
            match = _PROPERTY.match(pattern, start)
            found = property_set(match["words"], negated=match["sign"] == "P") if match else None
            if match is None or found is None:
                raise _BeyondError
            self._position = match.end()
            self._modern = True
            return found
        match = _UNICODE.match(pattern, start)
        if match is not None:
            self._position = match.end()
            return self._code(match)
        if not char.isascii() or char.isalnum() or not char:
            raise _BeyondError
        self._sloppy = self._sloppy or char not in _ESCAPABLE
        return char

    def _code(self, match: re.Match[str]) -> str:
        code = int(match["two"] or match["four"] or match["any"], 16)
        if code > _LAST_CODE:
            raise _BeyondError
        self._modern = self._modern or match["any"] is not None
        low = _LOW_HALF.match(self._pattern, self._position)
        if match["four"] and 0xD800 <= code < 0xDC00 and low is not None:  # the first half of a surrogate pair
            self._position = low.end()
            return chr(0x10000 + (code - 0xD800) * 0x400 + int(low["low"], 16) - 0xDC00)
        return chr(code)

    # --- sets ---

    def _set(self) -> str:
        self._position += 1
        is_negated = self._pattern.startswith("^", self._position)
        self._position += is_negated
        contents: list[str] = []
        complements: list[str] = []
        while not self._pattern.startswith("]", self._position):
            first = self._member()
            if self._pattern.startswith("-", self._position) and not self._pattern.startswith("-]", self._position):
                start = self._position
                self._position += 1
                last = self._member()
                if isinstance(first, str) and isinstance(last, str):
                    if first > last:
                        raise _BeyondError
                    contents.append(f"{literal_in_set(first)}-{literal_in_set(last)}")
                    continue
                self._position = start  # beside a class the hyphen is a plain character
                self._sloppy = True
            if isinstance(first, CharacterSet):
                contents.append(first.content)
                complements += first.complements
            else:
                contents.append(literal_in_set(first))
        self._position += 1
        result = CharacterSet("".join(contents), tuple(complements))
        return result.outside() if is_negated else result.inside()

    def _member(self) -> str | CharacterSet:
        """Read one member of a set: a character or a class."""
        char = self._pattern[self._position : self._position + 1]
        self._position += 1
        if not char:
            raise _BeyondError
        if char != "\\":
            return char
        if self._pattern.startswith("b", self._position):
            self._position += 1
            return "\b"
        return self._escaped()
