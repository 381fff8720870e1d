"""The JSON of an object that is still arriving: each piece of its text is read once.

Only the structure is read here. Texts, numbers and words are decoded by the parser that is given, so what they may be
is its matter. No part of the object that is complete is looked at again.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, Final

from miniagents.messages import FrozenDict, freeze
from miniagents.messages.values.freezing import frozen_dict

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ArrivingObject"]


class ArrivingObject:
    """The first object in a text that arrives in pieces.

    Args:
        decode: Decodes the JSON of a text, of a number or of a word such as true; it raises a ValueError for what is
            none.
    """

    __slots__ = ("_decode", "_expected", "_grown", "_is_key", "_open", "_rest", "_text", "_whole")

    def __init__(self, decode: Callable[[bytes], object]) -> None:
        self._decode = decode
        self._open: list[_Container] = []
        self._whole: object = FrozenDict()
        self._expected = _Expected.OBJECT
        self._rest = ""  # what has arrived and cannot be read before more has: a number, a part of an escape
        self._text: str | None = None  # the part of a text that has arrived
        self._is_key = False  # whether that text is a key
        self._grown = False

    def feed(self, piece: str) -> bool:
        """Read a piece of the text, and return whether more is known of the object.

        Nothing more becomes known of text that is no JSON, and of what stands behind the object.

        Raises:
            ValueError: A number is none that JSON has.
        """
        self._grown = False
        text = self._rest + piece
        try:
            self._rest = text[self._read(text) :]
        except _MalformedError:
            self._expected, self._rest, self._text = _Expected.NOTHING, "", None
            return False
        return self._grown

    def value(self) -> object:
        """Return what is known of the object."""
        if not self._open:
            return self._whole
        containers = reversed(self._open)
        is_text = self._text is not None and not self._is_key
        value: object = self._text if is_text else next(containers).frozen()
        for container in containers:
            value = container.frozen_with(value)
        return value

    # --- machinery ---

    def _read(self, text: str) -> int:
        """Read a text as far as possible, and return how far that was."""
        place = 0
        if self._expected is _Expected.OBJECT:
            place = text.find("{")
            if place < 0:
                return len(text)
            self._expected = _Expected.VALUE
        while place < len(text) and self._expected is not _Expected.NOTHING:
            so_far = self._text
            if so_far is not None:
                place = self._read_text(so_far, text, place)
                if self._text is not None:
                    return place  # there is more of it to come
                continue
            match = _LEXEME.match(text, place)
            if match is None:
                raise _MalformedError
            mark, scalar = match.groups()
            if mark is not None:
                self._read_mark(mark)
            elif scalar is not None:
                if match.end() == len(text):
                    return place  # there may be more of it
                self._read_scalar(scalar)
            place = match.end()
        return len(text)

    def _read_text(self, so_far: str, text: str, place: int) -> int:
        """Read a part of a text, up to its end or to an escape that is not complete."""
        match = _IN_TEXT.match(text, place)
        end = place if match is None else match.end()
        if end > place:
            so_far += str(self._decoded(f'"{text[place:end]}"'))
            self._text = so_far
            self._grown = self._grown or not self._is_key
        if end == len(text):
            return end
        if text[end] == '"':
            self._text = None
            if self._is_key:
                self._open[-1].key = so_far
                self._expected = _Expected.COLON
            else:
                self._open[-1].add(so_far)
                self._expected = _Expected.COMMA
            return end + 1
        if _BEGUN_ESCAPE.fullmatch(text, end) is None:
            raise _MalformedError
        return end

    def _read_scalar(self, scalar: str) -> None:
        if self._expected not in _VALUES:
            raise _MalformedError
        decoded = self._decoded(scalar)
        try:
            value = freeze(decoded)
        except ValueError:
            self._expected = _Expected.NOTHING
            raise
        self._grown = self._open[-1].add(value) or self._grown
        self._expected = _Expected.COMMA

    def _read_mark(self, mark: str) -> None:
        expected = self._expected
        if mark == '"' and (expected in _KEYS or expected in _VALUES):
            self._text = ""
            self._is_key = expected in _KEYS
            self._grown = self._grown or not self._is_key
        elif mark in "{[" and expected in _VALUES and len(self._open) <= _DEEPEST:
            self._open.append(_Container(is_object=mark == "{"))
            self._grown = True
            self._expected = _Expected.FIRST_KEY if mark == "{" else _Expected.FIRST_VALUE
        elif mark == ":" and expected is _Expected.COLON:
            self._expected = _Expected.VALUE
        elif mark == "," and expected is _Expected.COMMA:
            self._expected = _Expected.KEY if self._open[-1].is_object else _Expected.VALUE
        elif expected in _ENDS and mark == self._open[-1].end:
            self._close()
        else:
            raise _MalformedError

    def _close(self) -> None:
        value = self._open.pop().frozen()
        if self._open:
            self._open[-1].add(value)
            self._expected = _Expected.COMMA
        else:
            self._whole = value
            self._expected = _Expected.NOTHING

    def _decoded(self, text: str) -> object:
        try:
            return self._decode(text.encode())
        except ValueError:
            raise _MalformedError from None


class _Expected(Enum):
    """What the next piece of structure has to be."""

    OBJECT = "the object"
    FIRST_KEY = "a key, or the end of the object"
    KEY = "a key"
    COLON = "a colon"
    FIRST_VALUE = "a value, or the end of the list"
    VALUE = "a value"
    COMMA = "a comma, or the end of the container"
    NOTHING = "nothing that matters"


_KEYS: Final = frozenset((_Expected.FIRST_KEY, _Expected.KEY))
_VALUES: Final = frozenset((_Expected.FIRST_VALUE, _Expected.VALUE))
_ENDS: Final = frozenset((_Expected.FIRST_KEY, _Expected.FIRST_VALUE, _Expected.COMMA))
_DEEPEST: Final = 200
"""How many containers may be around one, as in the parser of complete texts."""

_LEXEME: Final = re.compile(r'[ \t\n\r]*(?:([{}\[\]:,"])|([-+.0-9A-Za-z]++)|\Z)')
_HEX: Final = "[0-9A-Fa-f]"
_HIGH: Final = rf"u[Dd][89ABab]{_HEX}{{2}}"
_IN_TEXT: Final = re.compile(
    rf'(?:[^"\\]++|\\[^u]|\\(?!{_HIGH})u{_HEX}{{4}}|\\{_HIGH}\\u[Dd][C-Fc-f]{_HEX}{{2}})*+', re.DOTALL
)
"""A part of a text without incomplete escapes; a pair of surrogates is one escape."""
_BEGUN_ESCAPE: Final = re.compile(rf"\\(?:u{_HEX}{{0,3}}|{_HIGH}(?:\\(?:u{_HEX}{{0,3}})?)?)?")


class _MalformedError(Exception):
    """The text is no JSON."""


class _Container:
    """An object or a list that is not complete; its parts are.

    Attributes:
        is_object: Whether it is an object.
        end: The mark that ends it.
        key: The key of the part that is arriving.
    """

    __slots__ = ("_fields", "_items", "end", "is_object", "key")

    def __init__(self, *, is_object: bool) -> None:
        self.is_object = is_object
        self.end = "}" if is_object else "]"
        self.key = ""
        self._fields: dict[str, object] = {}
        self._items: list[object] = []

    def add(self, value: object) -> bool:
        """Add a complete part, and return whether it is a new one: a key may come twice."""
        if not self.is_object:
            self._items.append(value)
            return True
        is_new = self.key not in self._fields or self._fields[self.key] != value
        if is_new:
            self._fields[self.key] = value
        return is_new

    def frozen(self) -> object:
        """Return the container with the parts that are complete."""
        return frozen_dict(self._fields) if self.is_object else tuple(self._items)

    def frozen_with(self, value: object) -> object:
        """Return the container with the parts that are complete and the one that is arriving."""
        return frozen_dict({**self._fields, self.key: value}) if self.is_object else (*self._items, value)
