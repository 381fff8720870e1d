"""The canonical form of values, from which hash keys are computed.

It follows RFC 8785 (JSON Canonicalization Scheme), and extends it for frozen values that JSON cannot express.

====================  ==================================================================================================
value                 is written as
====================  ==================================================================================================
None, bool, str       themselves
int, float            a JSON number as ECMAScript writes it; a whole number beyond 2**53 in full digits, a float from
                      1e21 with an exponent
tuple                 an array
FrozenDict            an object; a key that starts with ``@`` gets another ``@`` in front. If a key is not a string:
                      ``{"@map": [[key, value], ...]}``, sorted
frozenset             ``{"@set": [item, ...]}``, sorted
a message             ``{"@type": tag, ...}`` with all its fields by their encoded names, including those that hold
                      their defaults; fields that are ``msgspec.UNSET`` are left out; a name that starts with ``@`` gets
                      another ``@`` in front
a record              the same, with ``"@record": name`` instead of the tag; a discriminator is part of the class and is
                      not written; the extras of an open object are written under ``"@@extra"``
a message in a value  ``{"@key": its full key}``
UUID, date            ``{"@uuid": text}``, ``{"@date": text}``
datetime, time        aware: ``{"@datetime": microseconds since 1970 UTC}``, ``{"@time": microseconds since midnight
                      UTC}`` (numbers); naive: the ISO 8601 text instead of the number
timedelta             ``{"@timedelta": microseconds}``
bytes                 ``{"@bytes": base64}``
Decimal               ``{"@decimal": digits "E" exponent}``, without trailing zeros
Enum                  ``{"@enum": [class name, value]}``
====================  ==================================================================================================

Sorting is by the UTF-16 code units of the canonical text. No value can imitate a wrapper such as ``{"@set": ...}``,
because keys of values that start with ``@`` are escaped.

``a == b`` implies equal forms for values of the same types, even if their time zones, exponents or orders differ.
Python's equality across types does not count: ``True`` is not ``1``, ``Decimal(1)`` is not ``1``, and a member of an
enum is not its value. ``1`` and ``1.0`` are one number, as in JSON, and a named tuple is a tuple.

Different numbers have different forms: RFC 8785 alone would write ``2.0**60`` with the digits of another int. From 1e21
an int and the equal float have different forms.

The form names the class of an enum without its module, so that keys stay when the class is moved. If one field of a
class holds members of two enums of one name, their forms could be equal. The second one is refused.
"""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, NoReturn
from uuid import UUID

import msgspec

from miniagents.messages.values.freezers import hashed_name
from miniagents.messages.values.freezing import (
    FrozenDict,
    FrozenType,
    class_tag,
    is_list,
    is_mapping,
    is_record,
    is_set,
    is_tuple,
    path_of,
    same_place,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


def canonical_json(value: object) -> bytes:
    """Write a JSON value (None, bool, int, float, str, list or tuple, dict) as RFC 8785 says.

    Unlike RFC 8785, integers beyond 2**53 are allowed and written in full.

    Raises:
        ValueError: The value contains NaN, infinity or a lone surrogate; the text has its path.
        TypeError: The value contains something that is not JSON; the text has its path.
    """
    return _write(value, _JSON_ATOMS, _json_frame).encode()


def message_form(value: msgspec.Struct, key_of: Callable[[msgspec.Struct], str]) -> bytes:
    """Write the canonical form of a message; `key_of` returns the keys of the messages inside it.

    Raises:
        ValueError: The message contains NaN, infinity or a lone surrogate; the text has its path.
        TypeError: A field holds something that cannot be frozen, or members of two enums of one name; the text has its
            path.
    """
    cls = type(value)
    fields = {"@record" if is_record(cls) else "@type": _quote(class_tag(cls))}
    for name, encoded in zip(cls.__struct_fields__, cls.__struct_encode_fields__, strict=True):
        content = getattr(value, hashed_name(cls, name))
        if content is not msgspec.UNSET:
            fields[escape(encoded)] = _field_form(content, key_of, cls, name)
    return f"{{{','.join(f'{_quote(key)}:{fields[key]}' for key in sorted(fields, key=utf16))}}}".encode()


def value_form(value: object, key_of: Callable[[msgspec.Struct], str], owner: type, name: str) -> bytes:
    """Write the canonical form of the value of a field; `key_of` returns the keys of the messages inside it.

    Args:
        value: The value of the field.
        key_of: A function that returns the key of a message.
        owner: The class of the field.
        name: The name of the field.

    Raises:
        ValueError: The value contains NaN, infinity or a lone surrogate; the text has its path.
        TypeError: The value contains something that cannot be frozen, or a member of another enum than the field has
            held, of the same name; the text has its path.
    """
    return _field_form(value, key_of, owner, name).encode()


def _field_form(value: object, key_of: Callable[[msgspec.Struct], str], owner: type, name: str) -> str:
    def frame_of(part: object) -> _Frame | str:
        if isinstance(type(part), FrozenType) and isinstance(part, msgspec.Struct):
            return f'{{"@key":"{key_of(part)}"}}'
        if isinstance(part, Enum):
            _only_enum_of_its_name(type(part), owner, name)
        return _frozen_frame(part)

    return _write(value, _ATOMS, frame_of, path_of("$", [name]))


def _only_enum_of_its_name(cls: type[Enum], owner: type, name: str) -> None:
    """Raise an error if the field has held members of another enum with this name: their forms could be equal."""
    if _HELD_ENUMS not in vars(owner):
        setattr(owner, _HELD_ENUMS, {})
    held: dict[tuple[str, str], type[Enum]] = vars(owner)[_HELD_ENUMS]
    other = held.setdefault((name, cls.__name__), cls)
    if other is not cls:
        if not same_place(other, cls):
            raise _RefusedError(
                TypeError,
                f"the keys of {cls.__module__}.{cls.__qualname__} and {other.__module__}.{other.__qualname__} could be "
                f"confused, for both enums have the name {cls.__name__!r}: give one of them another name",
            )
        held[name, cls.__name__] = cls


_HELD_ENUMS: Final = "__held_enums__"
"""The attribute of a class that holds the enums of its written fields, by the names of field and enum."""


class _Frame:
    """A container that is being written: its remaining children, and the texts of those already written."""

    __slots__ = ("children", "closing", "opening", "parts", "prefix", "sorts", "step")

    def __init__(
        self,
        opening: str,
        closing: str,
        children: Iterable[tuple[str, str | int | None, object]],
        *,
        sorts: bool = False,
    ) -> None:
        self.opening = opening
        self.closing = closing
        self.children: Iterator[tuple[str, str | int | None, object]] = iter(children)
        self.sorts = sorts
        self.parts: list[str] = []
        self.prefix = ""
        self.step: str | int | None = None

    def close(self) -> str:
        if self.sorts:
            self.parts.sort(key=utf16)
        return f"{self.opening}{','.join(self.parts)}{self.closing}"


def _write(
    root: object,
    atoms: dict[type, Callable[[Any], str]],  # Any: each function takes the type it stands under
    frame_of: Callable[[object], _Frame | str],
    where: str = "$",
) -> str:
    """Write a value without recursion: depth costs memory, not stack."""
    # The root gets a frame around it, so that the loop need not treat it differently from other values.
    stack = [_Frame("", "", [("", None, root)])]
    try:
        while True:
            frame = stack[-1]
            for prefix, step, child in frame.children:
                frame.step = step
                atom = atoms.get(type(child))
                opened = frame_of(child) if atom is None else atom(child)
                if isinstance(opened, str):
                    frame.parts.append(prefix + opened)
                else:
                    frame.prefix = prefix
                    stack.append(opened)
                    break
            else:
                text = stack.pop().close()
                if not stack:
                    return text
                stack[-1].parts.append(stack[-1].prefix + text)
    except _RefusedError as error:
        path = path_of(where, [frame.step for frame in stack])
        raise error.kind(f"{path}: {error.reason}") from None


def _frozen_frame(value: object) -> _Frame:
    if isinstance(value, Enum):  # asked first: a member may be a tuple as well
        member: tuple[object, ...] = (type(value).__name__, value.value)
        return _Frame('{"@enum":[', "]}", (("", None, part) for part in member))
    if is_tuple(value):
        return _Frame("[", "]", (("", index, item) for index, item in enumerate(value)))
    if is_set(value) and isinstance(value, frozenset):
        return _Frame('{"@set":[', "]}", (("", "...", member) for member in value), sorts=True)
    if is_mapping(value) and isinstance(value, FrozenDict):
        if all(type(key) is str for key in value):
            return _object_frame({escape(str(key)): (str(key), item) for key, item in value.items()})
        pairs = ((_shown(key), (key, item)) for key, item in value.items())
        return _Frame('{"@map":[', "]}", (("", step, pair) for step, pair in pairs), sorts=True)
    raise _RefusedError(TypeError, f"{type(value).__qualname__} is not a frozen value and has no canonical form")


def _json_frame(value: object) -> _Frame:
    if is_list(value) or is_tuple(value):
        return _Frame("[", "]", (("", index, item) for index, item in enumerate(value)))
    if is_mapping(value) and isinstance(value, dict):
        for key in value:
            if type(key) is not str:
                raise _RefusedError(TypeError, f"the keys of a JSON object are strings, not {type(key).__qualname__}")
        return _object_frame({str(key): (str(key), item) for key, item in value.items()})
    raise _RefusedError(TypeError, f"{type(value).__qualname__} is not a JSON value")


def _object_frame(entries: dict[str, tuple[str, object]]) -> _Frame:
    return _Frame("{", "}", ((f"{_quote(key)}:", *entries[key]) for key in sorted(entries, key=utf16)))


def _shown(key: object) -> str | int:
    return key if isinstance(key, (str, int)) else repr(key)


def escape(key: str) -> str:
    """Escape a key of an object, so that the object cannot be taken for a wrapper."""
    return f"@{key}" if key.startswith("@") else key


def utf16(text: str) -> bytes:
    """Return the sort key of a text: its UTF-16 code units, as RFC 8785 orders keys."""
    try:
        return text.encode("utf-16-be")
    except UnicodeEncodeError as error:
        _refuse_surrogate(error)


_encode_string = json.JSONEncoder(ensure_ascii=False).encode


def _quote(text: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            _refuse_surrogate(error)
    return _encode_string(text)


def _refuse_surrogate(error: UnicodeEncodeError) -> NoReturn:
    text = str(error.object)
    raise _RefusedError(ValueError, f"the string {text!a} has a lone surrogate at {error.start}: it is no Unicode text")


def _integer(value: int) -> str:
    # Python itself refuses to convert more digits than its limit (4,300 by default).
    try:
        return str(value)
    except ValueError as error:
        raise _RefusedError(ValueError, str(error)) from None


def _float(value: float) -> str:
    """Write a float as ECMAScript's Number::toString does.

    Source: https://tc39.es/ecma262/#sec-numeric-types-number-tostring, with its names for digits (s), their number (k)
    and the place of the point (n).
    """
    shortest = repr(value)  # Python computes the same shortest digits, but formats them differently
    if "n" in shortest:  # nan, inf
        raise _RefusedError(ValueError, f"{value} cannot be written: JSON has only finite numbers")
    if "e" not in shortest:
        return "0" if value == 0 else shortest.removesuffix(".0")
    sign = "-" if value < 0 else ""
    mantissa, exponent = shortest.lstrip("-").split("e")
    digits = mantissa.replace(".", "")
    k, n = len(digits), int(exponent) + 1
    if k <= n <= 21:
        return f"{sign}{digits}{'0' * (n - k)}"
    if -6 < n <= 0:
        return f"{sign}0.{'0' * -n}{digits}"
    fraction = f".{digits[1:]}" if k > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{n - 1:+d}"


def _number(value: float) -> str:
    """Write a float like the equal int, unless ECMAScript writes an exponent."""
    return _integer(int(value)) if EXACT <= abs(value) < _EXPONENT_FROM else _float(value)


EXACT: Final = 2.0**53
"""From here on, the digits that ECMAScript writes of a whole number may be those of another one."""
_EXPONENT_FROM: Final = 1e21


def _decimal(value: Decimal) -> str:
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise _RefusedError(ValueError, f"{value} cannot be written: only finite numbers have a key")
    significant = "".join(map(str, digits)).lstrip("0")
    stripped = significant.rstrip("0")
    if not stripped:
        return '{"@decimal":"0E0"}'
    exponent += len(significant) - len(stripped)
    return f'{{"@decimal":"{"-" if sign else ""}{stripped}E{exponent}"}}'


_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # naive, to be subtracted from times whose offset is taken off by hand


def _datetime(value: datetime) -> str:
    offset = value.utcoffset()
    if offset is None:
        return f'{{"@datetime":"{value.replace(tzinfo=None).isoformat()}"}}'
    # `astimezone` would overflow near the first and the last year.
    return f'{{"@datetime":{(value.replace(tzinfo=None) - _EPOCH - offset) // _MICROSECOND}}}'


def _time(value: time) -> str:
    offset = value.utcoffset()
    if offset is None:
        return f'{{"@time":"{value.replace(tzinfo=None).isoformat()}"}}'
    # The result may be below zero or above a day: Python compares times with zones in the same way.
    midnight = timedelta(hours=value.hour, minutes=value.minute, seconds=value.second, microseconds=value.microsecond)
    return f'{{"@time":{(midnight - offset) // _MICROSECOND}}}'


def _literal(value: bool | None) -> str:
    return "null" if value is None else "true" if value else "false"


class _RefusedError(Exception):
    """A value cannot be written. `_write` turns it into an error with the path of the value."""

    def __init__(self, kind: type[TypeError | ValueError], reason: str) -> None:
        self.kind = kind
        self.reason = reason


_JSON_ATOMS: Final[dict[type, Callable[[Any], str]]] = {  # Any: each function takes the type it stands under
    type(None): _literal,
    bool: _literal,
    int: _integer,
    float: _float,
    str: _quote,
}
_ATOMS: Final[dict[type, Callable[[Any], str]]] = {  # Any: each function takes the type it stands under
    **_JSON_ATOMS,
    float: _number,
    UUID: lambda value: f'{{"@uuid":"{value}"}}',
    date: lambda value: f'{{"@date":"{value.isoformat()}"}}',
    datetime: _datetime,
    time: _time,
    timedelta: lambda value: f'{{"@timedelta":{value // _MICROSECOND}}}',
    bytes: lambda value: f'{{"@bytes":"{b64encode(value).decode()}"}}',
    Decimal: _decimal,
}
