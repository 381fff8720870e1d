"""Leaves: the keywords that check a value itself without other schemas, with their conditions and messages."""

import re
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, Final, NamedTuple

from miniagents.validation.formats import FORMATS, is_checked
from miniagents.validation.keywords import KEYWORDS
from miniagents.validation.values import (
    CLASSES,
    TYPES,
    Check,
    JsonValue,
    Memo,
    canonical,
    counted,
    equal_items,
    listed,
    missing,
    shown,
)


class Leaf(NamedTuple):
    """A keyword with its argument, which needs no other schema to check a value."""

    keyword: str
    classes: tuple[type, ...]
    """The classes of values that the keyword restricts; it accepts all other values."""
    accepts: Check
    message: Callable[[Any, Memo], str]  # Any: a value of `classes`
    """Returns what is wrong with a refused value."""
    expected: str = ""
    """The kinds of values that are allowed, for keywords that name kinds."""


# --- which classes of values there may be ---


def admitted(schema: dict[str, Any]) -> dict[type, list[Check]]:  # Any: a schema
    """Return the classes of values that `type`, `const` and `enum` allow, each with its remaining checks."""
    table: dict[type, list[Check]] = {cls: [] for cls in CLASSES}
    if "type" in schema:
        names = _type_names(schema["type"])
        allowed = {cls for name in names for cls in TYPES[name]}
        table = {cls: [] for cls in CLASSES if cls in allowed}
        if "integer" in names and "number" not in names:
            table[float].append(_is_whole)
    for keyword in ("const", "enum"):
        if keyword in schema:
            values = [schema["const"]] if keyword == "const" else schema["enum"]
            table = {
                cls: [*checks, *more]
                for cls, checks in table.items()
                if (more := _member_checks(cls, values)) is not None
            }
    return table


def _type_names(argument: str | list[str]) -> list[str]:
    return [argument] if isinstance(argument, str) else argument


def _is_whole(value: float, _: Memo) -> bool:
    return value.is_integer()


def _member_checks(cls: type, values: list[JsonValue]) -> list[Check] | None:
    """Return the checks that a value of a class is one of `values`, or None if it cannot be one of them."""
    if cls in (int, float):
        members = [value for value in values if type(value) in (int, float)]
    else:
        members = [value for value in values if type(value) is cls]
    if not members:
        return None
    if cls in (list, dict):
        texts = frozenset(map(canonical, members))
        longest = max(map(len, texts))
        return [lambda value, _: canonical(value, longest) in texts]
    if cls is type(None):
        return []
    if cls is bool:
        return [] if len(set(members)) == 2 else [lambda value, _: value is members[0]]
    known = frozenset(members)
    return [lambda value, _: value in known]


# --- all of a schema ---


def leaves(schema: dict[str, Any]) -> Iterator[Leaf]:  # Any: a schema
    """Yield the leaves of a schema; `type`, `const` and `enum` come first."""
    for keyword in ("type", "const", "enum"):
        if keyword in schema:
            yield _kind(keyword, schema[keyword])
    yield from constraints(schema)


def constraints(schema: dict[str, Any]) -> Iterator[Leaf]:  # Any: a schema
    """Yield the leaves of a schema except `type`, `const` and `enum`."""
    for keyword, make in _MAKERS.items():
        if keyword in schema:
            yield make(schema[keyword])
    if is_checked(schema):
        yield _format(schema["format"])
    if schema.get("uniqueItems"):
        yield _unique()


def _kind(keyword: str, argument: Any) -> Leaf:  # Any: any JSON
    table = admitted({keyword: argument})

    def accepts(value: JsonValue, memo: Memo) -> bool:
        checks = table.get(type(value))
        return checks is not None and all(check(value, memo) for check in checks)

    match keyword:
        case "type":
            expected = listed(_type_names(argument))
        case "enum" if len(argument) != 1:
            expected = f"one of {listed([_shown_whole(value) for value in argument], ',')}"
        case "enum":
            expected = _shown_whole(argument[0])
        case _:
            expected = _shown_whole(argument)

    def message(value: JsonValue, _: Memo) -> str:
        return f"Expected {expected}; got {shown(value)}"

    return Leaf(keyword, CLASSES, accepts, message, expected)


def _shown_whole(value: JsonValue) -> str:
    return f"{shown(value)} given in the schema" if value and isinstance(value, list | dict) else shown(value)


def _leaf(keyword: str, accepts: Check, message: Callable[[Any, Memo], str]) -> Leaf:  # Any: as in `Leaf`
    about = KEYWORDS[keyword].about
    return Leaf(keyword, CLASSES if about is None else TYPES[about], accepts, message)


def _bound(keyword: str, words: str, accepts: Callable[[float], Check]) -> Callable[[float], Leaf]:
    def make(limit: float) -> Leaf:
        def message(value: float, _: Memo) -> str:
            return f"Expected a number {words} {shown(limit)}; got {shown(value)}"

        return _leaf(keyword, accepts(limit), message)

    return make


def _multiple_of(factor: float) -> Leaf:
    whole = int(factor) if factor == int(factor) else None
    exact = Fraction(repr(factor)) if whole is None else Fraction(whole)

    def accepts(value: float, _: Memo) -> bool:
        if isinstance(value, int):
            return (value % whole if whole is not None else value % exact) == 0
        if value.is_integer() and whole is not None:
            return int(value) % whole == 0
        if whole is not None or value - value != 0:
            return False
        return Fraction(repr(value)) % exact == 0

    def message(value: float, _: Memo) -> str:
        return f"Expected a multiple of {shown(factor)}; got {shown(value)}"

    return _leaf("multipleOf", accepts, message)


def _size(keyword: str, one: str, many: str) -> Callable[[float], Leaf]:
    least = keyword.startswith("min")

    def make(limit: float) -> Leaf:
        def at_least(value: str, _: Memo) -> bool:
            return len(value) >= limit

        def at_most(value: str, _: Memo) -> bool:
            return len(value) <= limit

        def message(value: str, _: Memo) -> str:
            return f"Expected at {'least' if least else 'most'} {counted(limit, one, many)}; got {len(value)}"

        return _leaf(keyword, at_least if least else at_most, message)

    return make


def _pattern(pattern: str) -> Leaf:
    search = re.compile(pattern).search

    def accepts(value: str, _: Memo) -> bool:
        return search(value) is not None

    def message(value: str, _: Memo) -> str:
        return f"Expected a string that matches {pattern}; got {shown(value)}"

    return _leaf("pattern", accepts, message)


def _format(name: str) -> Leaf:
    fits = FORMATS[name]

    def accepts(value: str, _: Memo) -> bool:
        return fits(value)

    def message(value: str, _: Memo) -> str:
        return f"Expected a {name}; got {shown(value)}"

    return Leaf("format", (str,), accepts, message)


def _unique() -> Leaf:
    def accepts(value: list[JsonValue], memo: Memo) -> bool:
        return len(value) < 2 or equal_items(value, memo) is None

    def message(value: list[JsonValue], memo: Memo) -> str:
        first, second = equal_items(value, memo) or (0, 0)
        return f"Expected different items; items {first} and {second} are equal"

    return _leaf("uniqueItems", accepts, message)


def _required(names: list[str]) -> Leaf:
    def accepts(value: dict[str, JsonValue], _: Memo) -> bool:
        for name in names:  # noqa: SIM110 all() takes twice the time
            if name not in value:
                return False
        return True

    def message(value: dict[str, JsonValue], _: Memo) -> str:
        return missing([name for name in names if name not in value])

    return _leaf("required", accepts, message)


def _dependent_required(dependencies: dict[str, list[str]]) -> Leaf:
    def first_missing(value: dict[str, JsonValue]) -> tuple[str, str] | None:
        for name, others in dependencies.items():
            if name in value:
                for other in others:
                    if other not in value:
                        return name, other
        return None

    def accepts(value: dict[str, JsonValue], _: Memo) -> bool:
        return first_missing(value) is None

    def message(value: dict[str, JsonValue], _: Memo) -> str:
        name, other = first_missing(value) or ("", "")
        return f"property {shown(other)} is missing, which has to be there together with {shown(name)}"

    return _leaf("dependentRequired", accepts, message)


_MAKERS: Final[dict[str, Callable[[Any], Leaf]]] = {  # Any: `survey` has looked at the arguments
    "minimum": _bound("minimum", "of at least", lambda limit: lambda value, _: value >= limit),
    "maximum": _bound("maximum", "of at most", lambda limit: lambda value, _: value <= limit),
    "exclusiveMinimum": _bound("exclusiveMinimum", "above", lambda limit: lambda value, _: value > limit),
    "exclusiveMaximum": _bound("exclusiveMaximum", "below", lambda limit: lambda value, _: value < limit),
    "multipleOf": _multiple_of,
    "minLength": _size("minLength", "character", "characters"),
    "maxLength": _size("maxLength", "character", "characters"),
    "pattern": _pattern,
    "minItems": _size("minItems", "item", "items"),
    "maxItems": _size("maxItems", "item", "items"),
    "minProperties": _size("minProperties", "property", "properties"),
    "maxProperties": _size("maxProperties", "property", "properties"),
    "required": _required,
    "dependentRequired": _dependent_required,
}
