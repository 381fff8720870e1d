"""Nulls that stand for what is absent, as models write them who are asked for every property of an object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from miniagents.messages.values.freezing import is_list, is_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping

    from miniagents.describing.json_schema import JsonSchema

__all__ = ["without_nulls"]


def without_nulls(value: object, schema: JsonSchema) -> object:
    """Return a value without the nulls that stand for properties which may be absent but not null.

    If a schema requires all properties of an object, a model writes null for one that is absent.

    Args:
        value: Plain JSON.
        schema: A schema as `json_schema` writes it.
    """
    return _cleared(value, schema, schema.get("$defs", {}))


# Machinery -----------------------------------------------------------------------------------------------------------


def _cleared(value: object, schema: JsonSchema, definitions: Mapping[str, JsonSchema]) -> object:
    schema = _resolved(schema, definitions)
    if "anyOf" in schema:
        branch = next((each for each in schema["anyOf"] if _may_be(value, _resolved(each, definitions))), None)
        return value if branch is None else _cleared(value, branch, definitions)
    if is_mapping(value):
        known: Mapping[object, JsonSchema] = schema.get("properties", {})
        others: JsonSchema = schema.get("additionalProperties") or {}
        return {
            name: _cleared(part, known.get(name, others), definitions)
            for name, part in value.items()
            if part is not None
            or name not in known
            or name in schema.get("required", ())
            or _allows_null(known[name], definitions)
        }
    if is_list(value):
        places: list[JsonSchema] = schema.get("prefixItems", [])
        items: JsonSchema = schema.get("items", {})
        return [
            _cleared(part, places[place] if place < len(places) else items, definitions)
            for place, part in enumerate(value)
        ]
    return value


def _resolved(schema: JsonSchema, definitions: Mapping[str, JsonSchema]) -> JsonSchema:
    return definitions[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def _may_be(value: object, schema: JsonSchema) -> bool:
    """Whether a container may be of a type, as far as its kind and the tags of classes tell."""
    if is_mapping(value):
        known: Mapping[str, JsonSchema] = schema.get("properties", {})
        constants = {name: part["const"] for name, part in known.items() if "const" in part and name in value}
        return (
            schema.get("type") == "object"
            and all(value.get(name) == constant for name, constant in constants.items())
            and value.keys() >= {*schema.get("required", ())}
        )
    return is_list(value) and schema.get("type") == "array"


def _allows_null(schema: JsonSchema, definitions: Mapping[str, JsonSchema]) -> bool:
    schema = _resolved(schema, definitions)
    if "anyOf" in schema:
        return any(_allows_null(each, definitions) for each in schema["anyOf"])
    if "const" in schema or "enum" in schema:
        return None in schema.get("enum", [schema.get("const")])
    kinds = schema.get("type", "null")
    return bool(kinds == "null" or "null" in kinds)
