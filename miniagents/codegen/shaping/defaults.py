"""Check that a default is a value of its own type, and write it in Python."""

import re
from collections.abc import Callable
from typing import Final

from miniagents.codegen.documents import JsonValue
from miniagents.codegen.model import (
    AliasType,
    Anything,
    ArrayOf,
    Choice,
    Chosen,
    Form,
    Limits,
    MapOf,
    Named,
    OneOf,
    ScalarKind,
    TupleOf,
    Types,
    parts_of,
)
from miniagents.codegen.shaping.format_types import is_value
from miniagents.codegen.texts import literal
from miniagents.validation.keywords import LimitName


def accepts(types: Types, form: Form, value: JsonValue) -> bool:
    """Return whether `value` fits `form` and can be written as a default."""
    while isinstance(form, Named | Chosen):
        if isinstance(form, Chosen):
            form = form.form
            continue
        definition = types.get(form.name)
        if not isinstance(definition, AliasType):
            return False
        form = definition.form
    if isinstance(form, OneOf):
        return any(accepts(types, each, value) for each in form.forms)
    if isinstance(form, Choice):
        return not isinstance(value, bool | float | list | dict) and value in form.values
    if isinstance(form, ArrayOf):
        if not isinstance(value, list) or any(isinstance(item, dict) for item in value):
            return False
        return _within(form.limits, value) and all(accepts(types, form.item, item) for item in value)
    if isinstance(form, MapOf):
        return isinstance(value, dict) and not value and _within(form.limits, value)
    if isinstance(form, Anything):
        return not isinstance(value, dict) and not (
            isinstance(value, list) and any(isinstance(each, dict) for each in value)
        )
    if isinstance(form, TupleOf):
        return False
    if form.format is not None:
        return is_value(form.format, value)
    return _KINDS[form.kind](value) and _within(form.limits, value)


def is_only_said(types: Types, form: Form, value: JsonValue) -> bool:
    """Return whether a default of a kind that a form allows has objects, which a class does not make for its values.

    The docstring tells such a default, and a missing property is absent, as in records.
    """
    if accepts(types, form, value) or not _has_object(value):
        return False
    kinds = MapOf | Anything if isinstance(value, dict) else ArrayOf | TupleOf | Anything
    todo, seen = [form], set[str]()
    while todo:
        each = todo.pop()
        if isinstance(each, OneOf | Chosen):
            todo += parts_of(each)
        elif isinstance(each, Named) and each.name not in seen:
            seen.add(each.name)
            definition = types.get(each.name)
            if isinstance(definition, AliasType):
                todo.append(definition.form)
            elif isinstance(value, dict):
                return True
        elif isinstance(each, kinds):
            return True
    return False


def _has_object(value: JsonValue) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(map(_has_object, value)))


def expression(value: JsonValue) -> str:
    """Return the Python text of a default that `accepts` has accepted."""
    if isinstance(value, list):
        items = [expression(item) for item in value]
        return f"({', '.join(items)}{',' if len(items) == 1 else ''})"
    if isinstance(value, dict):
        return "{}"  # msgspec makes a new one for each object
    return literal(value)


_KINDS: Final[dict[ScalarKind, Callable[[JsonValue], bool]]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}

_NUMBERS: Final[dict[LimitName, Callable[[float, float], bool]]] = {
    "ge": lambda value, limit: value >= limit,
    "gt": lambda value, limit: value > limit,
    "le": lambda value, limit: value <= limit,
    "lt": lambda value, limit: value < limit,
    "multiple_of": lambda value, limit: value % limit == 0,
}


def _within(limits: Limits, value: JsonValue) -> bool:
    return all(_is_within(name, limit, value) for name, limit in limits)


def _is_within(name: LimitName, limit: float | str, value: JsonValue) -> bool:
    if isinstance(limit, str):
        return isinstance(value, str) and re.search(limit, value) is not None
    if isinstance(value, str | list | dict):
        return len(value) >= limit if name == "min_length" else len(value) <= limit
    return isinstance(value, int | float) and _NUMBERS[name](value, limit)
