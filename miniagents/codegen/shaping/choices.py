"""Turn `const` and `enum` into forms."""

import json
from collections.abc import Sequence

from miniagents.codegen.documents import JsonValue
from miniagents.codegen.model import Anything, ArrayOf, Choice, Form, Kind, MapOf, Scalar
from miniagents.codegen.shaping.conjunctions import Part
from miniagents.codegen.shaping.unions import united
from miniagents.validation.keywords import ASSERTIONS

_INT64 = range(-(2**63), 2**63)
_UNSAID = ASSERTIONS - {"type", "const", "enum"} - {"$ref", "allOf"}


def choice_of(parts: Sequence[Part], kinds: Sequence[Kind]) -> tuple[Form, bool]:
    """Return the form of the values that all of some schemas allow, and whether the form is exact.

    Args:
        parts: The schemas, of which at least one has `const` or `enum`.
        kinds: The JSON types that they allow.
    """
    lists = [_values(part, keyword) for part in parts for keyword in ("const", "enum") if keyword in part.schema]
    marks = [{_mark(value) for value in values} for values in lists]
    common = {_mark(value): value for value in lists[0] if all(_mark(value) in each for each in marks)}
    left = [value for value in common.values() if _is_of(value, kinds)]
    is_exact = not any(_UNSAID & part.schema.keys() for part in parts)
    plain: list[str | int | None] = []
    forms: list[Form] = []
    booleans: set[bool] = set()
    for value in left:
        if isinstance(value, bool):
            booleans.add(value)
            forms.append(Scalar("boolean"))
        elif isinstance(value, float) and not value.is_integer():
            is_exact = False
            forms.append(Scalar("number"))
        elif isinstance(value, float | int):
            if int(value) in _INT64:
                plain.append(int(value))
            else:
                is_exact = False
                forms.append(Scalar("integer"))
        elif isinstance(value, list):
            is_exact = False
            forms.append(ArrayOf(Anything()))
        elif isinstance(value, dict):
            is_exact = False
            forms.append(MapOf(Anything()))
        else:
            plain.append(value)
    if not left:
        return Anything(), False
    if len(booleans) == 1:
        is_exact = False
    if plain:
        forms.insert(0, Choice(tuple(plain)) if plain != [None] else Scalar("null"))
    form, is_one = united(list(dict.fromkeys(forms)), exclusive=False)
    return form, is_exact and is_one


def kind_of_value(value: JsonValue) -> Kind:
    """Return the JSON type of a value; a whole double is a number."""
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case dict():
            return "object"


def _values(part: Part, keyword: str) -> list[JsonValue]:
    value = part.schema[keyword]
    return [value] if keyword == "const" else value if isinstance(value, list) else []


def _is_of(value: JsonValue, kinds: Sequence[Kind]) -> bool:
    kind = kind_of_value(value)
    if isinstance(value, float) and value.is_integer():
        kind = "integer"
    return kind in kinds or (kind == "integer" and "number" in kinds)


def _mark(value: JsonValue) -> str:
    """Return a mark that is the same for values that are equal in JSON Schema, and different for all others."""
    if isinstance(value, float) and value.is_integer():
        return json.dumps(int(value))
    if isinstance(value, list):
        return f"[{','.join(map(_mark, value))}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{json.dumps(key)}:{_mark(value[key])}' for key in sorted(value))}}}"
    return json.dumps(value)
