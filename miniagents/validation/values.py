"""Plain JSON values: their types, their equality, and their form in messages."""

import json
from collections.abc import Callable
from types import NoneType
from typing import Any, Final, Literal, TypeAlias, TypeGuard

__all__ = ["JsonValue"]

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
"""Plain JSON as `json.loads` returns it: `dict`, `list`, `str`, `int`, `float`, `bool` and None, no subclasses."""

Schema: TypeAlias = bool | dict[str, Any]  # Any: `survey` has looked at the form of every keyword
Memo: TypeAlias = "dict[tuple[object, int], bool | set[str | int]]"
"""The cached results of one validation, by the identity of the check and the id of the value."""
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


def canonical(value: JsonValue) -> str:
    """Return a text that is the same for values that are equal in JSON Schema, and different for all others.

    >>> canonical({"b": 1.0, "a": [True]}) == canonical({"a": [True], "b": 1}), canonical([1]) == canonical([True])
    (True, False)
    """
    parts: list[str] = []
    todo: list[JsonValue] = [value]
    while todo:
        match todo.pop():
            case _Text() as text:
                parts.append(text)
            case str() as text:
                parts.append(json.dumps(text))
            case None | bool() as constant:
                parts.append(str(constant))
            case int() | float() as number:
                parts.append(_number(number))
            case list() as items:
                parts.append("[")
                todo.append(_Text("]"))
                for item in reversed(items):
                    todo += (_Text(","), item)
            case dict() as members:
                parts.append("{")
                todo.append(_Text("}"))
                for name in sorted(members, reverse=True):
                    todo += (_Text(","), members[name], _Text(json.dumps(name) + ":"))
    return "".join(parts)


def _number(number: float) -> str:
    if type(number) is float and not number.is_integer():
        return repr(number)
    return f"{int(number):x}"  # Python limits the number of decimal digits, but not of hexadecimal digits


def equal_items(items: list[JsonValue]) -> tuple[int, int] | None:
    """Return the indexes of the first two equal items, or None if all items are different."""
    seen: dict[object, int] = {}
    containers: dict[tuple[bool, int], list[int]] = {}
    found: tuple[int, int] | None = None
    for place, item in enumerate(items):
        if isinstance(item, list | dict):
            containers.setdefault((isinstance(item, list), len(item)), []).append(place)
            continue
        first = seen.setdefault((item,) if isinstance(item, bool) else item, place)
        if first != place:
            found = (first, place)
            break
    for places in containers.values():
        if len(places) > 1:
            texts: dict[str, int] = {}
            for place in places:
                first = texts.setdefault(canonical(items[place]), place)
                if first != place:
                    found = min(found or (first, place), (first, place), key=lambda pair: pair[1])
                    break
    return found


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
