"""Schemas as types of Python say them.

A generated module holds only the schemas that its types do not say. The generator leaves the others out (`unsaid`): it
drops a schema that its type says, and writes null for a part of a schema that a class or a field says. Schemas are
never null. The codec and `export` put them in again (`fill`). The codec reads the types themselves, and the generator
and `export` read annotations in the text of the module; both compose schemas by the functions here.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from miniagents.validation.keywords import KEYWORDS, LIMITS
from miniagents.validation.values import JsonType, JsonValue, is_array, is_object

__all__ = [
    "SCALARS",
    "Said",
    "Schema",
    "UnsaidError",
    "array_said",
    "choice_said",
    "class_said",
    "fill",
    "limited",
    "map_said",
    "union_said",
    "unsaid",
]

T_contra = TypeVar("T_contra", contravariant=True)
T = TypeVar("T")

Schema: TypeAlias = dict[str, JsonValue]
"""A schema that a type says; it is never true or false."""

SCALARS: Final[Mapping[str, JsonType]] = {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "None": "null",
}
"""The JSON types of scalars, by their names in Python."""


class UnsaidError(Exception):
    """A type does not say its schema."""


class Said(Protocol[T_contra]):
    """Reads schemas from types."""

    def schema(self, form: T_contra, /) -> Schema:
        """Return the schema that a type says.

        Raises:
            UnsaidError: The type does not say its schema.
        """
        ...

    def properties(self, form: T_contra, /) -> Mapping[str, Schema]:
        """Return the schemas that the fields of a class say, without those that say none; nothing for an alias."""
        ...


def unsaid(schemas: Mapping[str, JsonValue], types: Mapping[str, T], said: Said[T]) -> dict[str, JsonValue]:
    """Return schemas without all that their types say.

    Args:
        schemas: The schemas by name.
        types: Their types by key: a name, or a name with "#" and the pointer of a part.
        said: Reads schemas from types.
    """
    result: dict[str, JsonValue] = json.loads(json.dumps(dict(schemas)))
    idle_counts = any(f'"{keyword}"' in json.dumps(result) for keyword in ("unevaluatedProperties", "unevaluatedItems"))
    for key in sorted(types, key=len):
        holder, step = _holder(result, key)
        schema = None if holder is None else holder[step]
        if holder is None or not is_object(schema):
            continue
        try:
            is_said = _text(said.schema(types[key]), idle_counts) == _text(schema, idle_counts)
        except UnsaidError:
            is_said = False
        if is_said and "#" not in key:
            del holder[step]
        elif is_said:
            holder[step] = None
        else:
            members = schema.get("properties")
            for name, each in said.properties(types[key]).items():
                if is_object(members) and _text(each, idle_counts) == _text(members.get(name), idle_counts):
                    members[name] = None
    again: dict[str, JsonValue] = json.loads(json.dumps(result))
    fill(again, types, said)
    result |= {  # so that nothing depends on the cases above being all
        name: schema
        for name, schema in schemas.items()
        if _text(again.get(name), idle_counts) != _text(schema, idle_counts)
    }
    return {name: result[name] for name in schemas if name in result}


def fill(schemas: dict[str, JsonValue], types: Mapping[str, T], said: Said[T]) -> None:
    """Add all that was left out of schemas because their types say it; the arguments are those of `unsaid`."""
    for key in sorted(types, key=len):
        if key not in schemas and "#" not in key:
            schemas[key] = said.schema(types[key])
            continue
        holder, step = _holder(schemas, key)
        if holder is None:
            continue
        schema = holder[step]
        members = schema.get("properties") if is_object(schema) else None
        if schema is None:
            holder[step] = said.schema(types[key])
        elif is_object(members) and None in members.values():
            properties = said.properties(types[key])  # the others are classes with keys of their own
            members |= {name: properties[name] for name in members if members[name] is None and name in properties}


_Held: TypeAlias = tuple[Any, Any]  # Any: JSON, which is changed
"""An object and a name, or an array and a place."""


def _holder(schemas: dict[str, JsonValue], key: str) -> _Held:
    """Return the object or array that holds the schema with a key, and its place there; None if there is none."""
    name, _, pointer = key.partition("#")
    holder: Any = schemas  # Any: as above
    step: Any = name  # Any: as above
    for part in pointer.split("/")[1:]:
        if not _has(holder, step):
            return None, step
        holder = holder[step]
        step = int(part) if is_array(holder) else part.replace("~1", "/").replace("~0", "~")
    return (holder, step) if _has(holder, step) else (None, step)


def _has(holder: object, step: Any) -> bool:  # Any: as above
    return (is_object(holder) and step in holder) or (is_array(holder) and isinstance(step, int) and step < len(holder))


def _text(schema: JsonValue, idle_counts: bool) -> str:
    """Return a text that is the same for two ways to write a schema."""
    return json.dumps(schema if idle_counts else _plain(schema), sort_keys=True)


def _plain(schema: JsonValue) -> JsonValue:
    """Return a schema without keywords that accept everything, unless another keyword asks if they are there."""
    if not isinstance(schema, dict):
        return {} if schema is True else schema
    result: Schema = {}
    for name, value in schema.items():
        holds = KEYWORDS[name].holds if name in KEYWORDS else ""
        if holds == "one":
            result[name] = _plain(value)
        elif holds == "many" and isinstance(value, list):
            result[name] = [_plain(each) for each in value]
        elif holds == "named" and isinstance(value, dict):
            result[name] = {key: _plain(each) for key, each in value.items()}
        elif name == "type" and isinstance(value, list):
            result[name] = [*sorted(map(str, value))]
        else:
            result[name] = value
    for name in ("items", "properties", "additionalProperties"):
        if result.get(name) == {}:
            del result[name]
    return result


def limited(schema: Schema, limits: Mapping[str, JsonValue]) -> Schema:
    """Return a schema with the limits of `msgspec.Meta`.

    Raises:
        UnsaidError: The values have no such limits.
    """
    found = dict(schema)
    for kind, keywords in LIMITS.items():
        if kind == schema.get("type"):
            found |= {keyword: limits[name] for name, keyword in keywords.items() if name in limits}
    if len(found) < len(schema) + len(limits):
        raise UnsaidError
    return found


def choice_said(values: Sequence[JsonValue]) -> Schema:
    """Return the schema of a `Literal`.

    Raises:
        UnsaidError: The values have different types.
    """
    names = {type(each).__name__ for each in values}
    if not names <= {"str", "int"} or len(names) > 1:
        raise UnsaidError
    kind = SCALARS[names.pop()]
    return {"type": kind, "const": values[0]} if len(values) == 1 else {"type": kind, "enum": [*values]}


def array_said(item: Schema) -> Schema:
    """Return the schema of a tuple of any length."""
    return {"type": "array", "items": item} if item else {"type": "array"}


def map_said(value: Schema) -> Schema:
    """Return the schema of a mapping."""
    return {"type": "object", "additionalProperties": value} if value else {"type": "object"}


def union_said(members: Sequence[Schema]) -> Schema:
    """Return the schema of a union; `int | float` is a number."""
    forms = [*members]
    for index in reversed(range(len(forms) - 1)):
        if forms[index].get("type") == "integer" and forms[index + 1].get("type") == "number":
            del forms[index]
    if len(forms) == 1:
        return forms[0]
    if all(each.keys() == {"type"} for each in forms):
        return {"type": [each["type"] for each in forms]}
    return {"anyOf": [*forms]}


def class_said(properties: Mapping[str, Schema], required: Sequence[str], extras: Schema | None) -> Schema:
    """Return the schema of a class.

    Args:
        properties: The schemas of its properties.
        required: The names of those that must be there.
        extras: The schema of undeclared properties; None if there are none.
    """
    schema: Schema = {"type": "object"}
    if properties:
        schema["properties"] = {**properties}
    if required:
        schema["required"] = [*required]
    if extras is None:
        schema["additionalProperties"] = False
    elif extras:
        schema["additionalProperties"] = extras
    return schema
