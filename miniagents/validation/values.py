"""Plain JSON values: their types, their equality, and their form in messages."""

import json
import math
from collections.abc import Callable, Sequence
from json.encoder import encode_basestring_ascii
from types import NoneType
from typing import Any, Final, Literal, TypeAlias, TypeGuard

__all__ = ["JsonValue"]

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
"""Plain JSON as `json.loads` returns it: `dict`, `list`, `str`, `int`, `float`, `bool` and None, no subclasses."""

Schema: TypeAlias = bool | dict[str, Any]  # Any: `survey` has looked at the form of every keyword
Memo: TypeAlias = "dict[tuple[object, int], bool | set[str | int] | str]"
"""The cached results of one validation, by the identity of the check and the id of the value.

Besides, it holds the names that `name_of` gives to containers.
"""
Check: TypeAlias = Callable[[Any, Memo], bool]  # Any: a value of the classes that the check is listed for

JsonType: TypeAlias = Literal["null", "boolean", "integer", "number", "string", "array", "object"]
"""The types of JSON Schema, as the keyword `type` names them."""

CLASSES: Final = (NoneType, bool, int, float, str, list, dict)
"""The classes of all JSON values."""
TYPES: Final[dict[str, tuple[type, ...]]] = {
    "null": (NoneType,),
    "boolean": (bool,),
    "integer": (int, float),  # a float only if it is a whole number
    "number": (int, float),
    "string": (str,),
    "array": (list,),
    "object": (dict,),
}
_MOST_SHOWN: Final = 60
_MOST_LISTED: Final = 12


def is_array(value: object) -> TypeGuard[list[Any]]:  # Any: any JSON
    """Return whether a JSON value is an array."""
    return isinstance(value, list)


def is_object(value: object) -> TypeGuard[dict[str, Any]]:  # Any: any JSON
    """Return whether a JSON value is an object."""
    return isinstance(value, dict)


class _Text(str):
    """A piece of JSON text that `canonical` writes unchanged."""

    __slots__ = ()


def canonical(value: JsonValue, most: float = math.inf) -> str:
    """Return a text that is the same for values that are equal in JSON Schema, and different for all others.

    A text longer than `most` characters is cut off somewhere behind them.

    >>> canonical({"b": 1.0, "a": [True]}) == canonical({"a": [True], "b": 1}), canonical([1]) == canonical([True])
    (True, False)
    """
    parts: list[str] = []
    length = 0
    todo: list[JsonValue] = [value]
    while todo and length <= most:
        match todo.pop():
            case list() as items:
                part = "["
                todo.append(_Text("]"))
                for item in reversed(items):
                    todo += (_Text(","), item)
            case dict() as members:
                part = "{"
                todo.append(_Text("}"))
                for name in sorted(members, reverse=True):
                    todo += (_Text(","), members[name], _Text(encode_basestring_ascii(name) + ":"))
            case scalar:
                part = _scalar(scalar)
        parts.append(part)
        length += len(part)
    return "".join(parts)


def _scalar(value: bool | float | str | None) -> str:
    if isinstance(value, str):
        return value if type(value) is _Text else encode_basestring_ascii(value)
    if value is None or isinstance(value, bool):
        return str(value)
    if type(value) is float and not value.is_integer():
        return repr(value)
    return f"{int(value):x}"  # Python limits the number of decimal digits, but not of hexadecimal digits


def name_of(value: JsonValue, memo: Memo) -> str:
    """Return a text that is the same for equal values of one validation, and different for all others.

    It is the canonical text of a scalar, and a number for a container. Each container is written once, with the numbers
    of those inside it. So the time is linear also if each container of a deeply nested value is asked for.
    """
    todo = [value]
    while todo:
        part = todo[-1]
        parts = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
        unknown = [each for each in parts if type(each) in _CONTAINERS and (name_of, id(each)) not in memo]
        if unknown:
            todo += unknown
            continue
        todo.pop()
        if type(part) not in _CONTAINERS or (name_of, id(part)) in memo:
            continue
        if isinstance(part, dict):
            members = [f"{encode_basestring_ascii(key)}:{_known_name(part[key], memo)}" for key in sorted(part)]
            text = f"{{{','.join(members)}"
        else:
            text = f"[{','.join([_known_name(each, memo) for each in parts])}"
        memo[name_of, id(part)] = memo.setdefault((text, 0), f"#{len(memo)}")
    return _known_name(value, memo)


def _known_name(value: Any, memo: Memo) -> str:  # Any: any JSON
    return str(memo[name_of, id(value)]) if type(value) in _CONTAINERS else _scalar(value)


_CONTAINERS: Final = frozenset((list, dict))
_STRINGS: Final[frozenset[type]] = frozenset((str,))
_NUMBERS: Final[frozenset[type]] = frozenset((int, float))


def equal_items(items: list[Any], memo: Memo) -> tuple[int, int] | None:  # Any: any JSON
    """Return the indexes of the first two equal items, or None if all items are different."""
    kinds = {*map(type, items)}
    if items and (kinds <= _STRINGS or kinds <= _NUMBERS) and _are_different(items):
        return None
    seen: dict[object, int] = {}
    containers: dict[tuple[type, int], list[int]] = {}
    found: tuple[int, int] | None = None
    for place, item in enumerate(items):
        kind: type = type(item)  # pyright: ignore[reportUnknownVariableType] # of an Any
        if kind in _CONTAINERS:
            containers.setdefault((kind, len(item)), []).append(place)
            continue
        is_plain = kind is str or (kind in _NUMBERS and _is_small(item))
        first = seen.setdefault(item if is_plain else (_scalar(item),), place)
        if first != place:
            found = (first, place)
            break
    for places in containers.values():
        if len(places) > 1:
            names: dict[str, int] = {}
            for place in places:
                first = names.setdefault(name_of(items[place], memo), place)
                if first != place:
                    found = min(found or (first, place), (first, place), key=lambda pair: pair[1])
                    break
    return found


def _are_different(scalars: Sequence[Any]) -> bool:  # Any: strings alone or numbers alone
    """Return quickly whether strings or numbers are different; False is not certain."""
    if type(scalars[0]) is not str and not (_is_small(min(scalars)) and _is_small(max(scalars))):
        return False
    return len(frozenset(scalars)) == len(scalars)


def _is_small(number: float) -> bool:
    """Return whether few other numbers of this size can have the hash of this one; of large ones, any number can."""
    return -_MANY <= number <= _MANY


_MANY: Final = 2**64
"""At most nine integers between zero and this have the same hash."""


def shown(value: JsonValue) -> str:
    """Return a value as messages show it: scalars as shortened JSON, containers as a description.

    >>> shown("x" * 100)[:8], shown([1, 2]), shown({}), shown(None)
    ('"xxxxxxx', 'an array of 2 items', 'an empty object', 'null')
    """
    match value:
        case list():
            return f"an array of {counted(len(value), 'item')}" if value else "an empty array"
        case dict():
            return f"an object of {counted(len(value), 'property', 'properties')}" if value else "an empty object"
        case str():
            text = json.dumps(value[:_MOST_SHOWN], ensure_ascii=not value[:_MOST_SHOWN].isprintable())
            return text if len(value) <= _MOST_SHOWN else f'{text[:-1]}…"'
        case int() if value.bit_length() > 4 * _MOST_SHOWN:
            return f"an integer of {value.bit_length()} bits"
        case _:
            return json.dumps(value)


def listed(texts: list[str], last: str = "or") -> str:
    """Join texts to a list in words, without repetitions.

    >>> listed(["string", "null", "string"]), listed(["a", "b", "c"], ",")
    ('string or null', 'a, b, c')
    """
    different = list(dict.fromkeys(texts))
    if len(different) > _MOST_LISTED:
        rest = len(different) - _MOST_LISTED
        return f"{', '.join(different[:_MOST_LISTED])} {'and' if last == ',' else last} {rest} more"
    if last == ",":
        return ", ".join(different)
    return f" {last} ".join(part for part in (", ".join(different[:-1]), *different[-1:]) if part)


def counted(count: float, one: str, many: str = "") -> str:
    """Return a number with its noun, in the plural if the number is not one.

    >>> counted(1, "item"), counted(2, "item")
    ('1 item', '2 items')
    """
    return f"{count:g} {one if count == 1 else many or f'{one}s'}"


def missing(names: list[str]) -> str:
    """Return the message that properties are missing."""
    if len(names) == 1:
        return f"property {shown(names[0])} is missing"
    return f"properties {listed([shown(name) for name in names], 'and')} are missing"
