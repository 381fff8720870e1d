"""G4: `diff` never says that nothing breaks where something does: held against a validator, on schemas at random.

What was valid and is not any more is data that readers cannot read; what is valid and was not is data that old readers
refuse. Schemas differ in one place or two, so that there is a place that must be named.
"""

import copy
import random
import re
from collections.abc import Callable
from typing import Any

import pytest

from miniagents.codegen.comparing.comparer import compare
from miniagents.codegen.comparing.rules import Change
from miniagents.codegen.documents import JsonValue
from miniagents.validation import Validator
from tests.codegen.bundles import bundle
from tests.codegen.test_diff import DIRECTIONS, effect

Schema = dict[str, JsonValue]
NAMES = ("a", "b", "ab")
SCALARS: list[JsonValue] = [None, True, False, 0, 1, 2, -1, 1.5, 1.0, "", "a", "b", "ab", "1"]


def any_schema(rng: random.Random, depth: int) -> JsonValue:
    makers: list[Callable[[random.Random, int], JsonValue]] = [typed, typed, typed, listed, constant]
    if depth > 0:
        makers += [object_, object_, array, union, union, referring, condition, boolean]
    return rng.choice(makers)(rng, depth)


def boolean(rng: random.Random, depth: int) -> JsonValue:
    return {} if rng.random() < 0.3 else rng.random() < 0.5


def referring(rng: random.Random, depth: int) -> JsonValue:
    return {"$ref": rng.choice(["#/$defs/A", "#/$defs/B"])}


def typed(rng: random.Random, depth: int) -> JsonValue:
    kind = rng.choice(["string", "integer", "number", "boolean", "null"])
    schema: Schema = {"type": kind}
    if rng.random() < 0.3:
        schema["type"] = [*sorted({kind, rng.choice(["null", "string", "object"])})]
    for _ in range(rng.randrange(3)):
        schema.update(rng.choice(LIMITS)(rng))
    return schema


LIMITS: list[Callable[[random.Random], Schema]] = [
    lambda rng: {"minimum": rng.choice([-1, 0, 0.5, 1])},
    lambda rng: {"maximum": rng.choice([0, 1, 1.5, 2])},
    lambda rng: {"exclusiveMinimum": rng.choice([-1, 0, 0.5])},
    lambda rng: {"exclusiveMaximum": rng.choice([1, 1.5, 2])},
    lambda rng: {"multipleOf": rng.choice([1, 2, 0.5])},
    lambda rng: {"minLength": rng.choice([0, 1, 2])},
    lambda rng: {"maxLength": rng.choice([0, 1])},
    lambda rng: {"pattern": rng.choice(["a", "^a", "b"])},
    lambda rng: {"minItems": rng.choice([0, 1, 2])},
    lambda rng: {"maxItems": rng.choice([0, 1])},
    lambda rng: {"uniqueItems": rng.random() < 0.7},
    lambda rng: {"minProperties": rng.choice([0, 1])},
    lambda rng: {"maxProperties": rng.choice([1, 2])},
]


def listed(rng: random.Random, depth: int) -> JsonValue:
    schema: Schema = {"enum": rng.sample(SCALARS, rng.choice([1, 2, 3]))}
    if rng.random() < 0.3:
        schema["type"] = rng.choice(["string", "integer", "number"])
    return schema


def constant(rng: random.Random, depth: int) -> JsonValue:
    return {"const": rng.choice(SCALARS)}


def object_(rng: random.Random, depth: int) -> JsonValue:
    schema: Schema = {"type": "object"} if rng.random() < 0.9 else {}
    for _ in range(rng.randrange(4)):
        schema.update(object_keyword(rng, depth - 1))
    names = rng.sample(NAMES, rng.randrange(4))
    if names:
        schema["properties"] = {name: any_schema(rng, depth - 1) for name in names}
    return schema


def object_keyword(rng: random.Random, depth: int) -> Schema:
    makers: list[Callable[[], Schema]] = [
        lambda: {"additionalProperties": False},
        lambda: {"additionalProperties": any_schema(rng, depth)},
        lambda: {"required": [*rng.sample(NAMES, rng.choice([1, 2]))]},
        lambda: {"patternProperties": {rng.choice(["a", "^b"]): any_schema(rng, depth)}},
        lambda: {"propertyNames": typed(rng, 0)},
        lambda: {"dependentRequired": {"a": ["b"]}},
        lambda: {"dependentSchemas": {"a": any_schema(rng, depth)}},
        lambda: {"unevaluatedProperties": False},
        lambda: {"unevaluatedProperties": {"type": "integer"}},
        lambda: {"allOf": [any_schema(rng, depth) for _ in range(rng.choice([1, 2]))]},
        lambda: {"$ref": rng.choice(["#/$defs/A", "#/$defs/B"])},
    ]
    return rng.choice(makers)()


def array(rng: random.Random, depth: int) -> JsonValue:
    schema: Schema = {"type": "array"}
    makers: list[Callable[[], Schema]] = [
        lambda: {"items": any_schema(rng, depth - 1)},
        lambda: {"prefixItems": [any_schema(rng, depth - 1) for _ in range(rng.choice([1, 2]))]},
        lambda: {"contains": any_schema(rng, depth - 1)},
        lambda: {"contains": typed(rng, 0), "maxContains": 1},
        lambda: {"contains": typed(rng, 0), "minContains": rng.choice([0, 2])},
        lambda: {"unevaluatedItems": False},
        lambda: rng.choice(LIMITS)(rng),
    ]
    for _ in range(rng.randrange(3)):
        schema.update(rng.choice(makers)())
    return schema


def union(rng: random.Random, depth: int) -> JsonValue:
    keyword = rng.choice(["anyOf", "oneOf"])
    branches = [any_schema(rng, depth - 1) for _ in range(rng.choice([1, 2, 2, 3]))]
    schema: Schema = {keyword: branches}
    if rng.random() < 0.2:
        schema["type"] = rng.choice(["object", "string"])
    return schema


def condition(rng: random.Random, depth: int) -> JsonValue:
    keyword = rng.choice(["not", "if", "allOf"])
    if keyword == "if":
        return {"if": any_schema(rng, depth - 1), rng.choice(["then", "else"]): any_schema(rng, depth - 1)}
    inner = any_schema(rng, depth - 1)
    return {keyword: [inner]} if keyword == "allOf" else {keyword: inner}


def changed(rng: random.Random, schema: JsonValue, depth: int) -> JsonValue:
    """A schema that differs from another one in one place or so."""
    schema = copy.deepcopy(schema)
    places = [*inner(schema)]
    if isinstance(schema, dict) and places and rng.random() < 0.75:
        holder, key = rng.choice(places)
        if rng.random() < 0.15:
            if isinstance(holder, dict) or len(holder) > 1:
                del holder[key]
        else:
            holder[key] = changed(rng, holder[key], depth - 1)
        return schema
    if not isinstance(schema, dict) or rng.random() < 0.3:
        return any_schema(rng, max(depth, 0))
    what = rng.random()
    if what < 0.35 and schema:
        del schema[rng.choice([*schema])]
    elif what < 0.7:
        other = any_schema(rng, max(depth, 0))
        schema.update(other if isinstance(other, dict) else {})
    else:
        schema.update(object_keyword(rng, 0) if rng.random() < 0.5 else rng.choice(LIMITS)(rng))
    if "properties" in schema and rng.random() < 0.3 and isinstance(schema["properties"], dict):
        schema["properties"][rng.choice(NAMES)] = any_schema(rng, 0)
    return schema


def inner(schema: JsonValue) -> list[tuple[Any, Any]]:  # Any: an object with a name, or an array with an index
    """The places of the schemas in a schema."""
    found: list[tuple[Any, Any]] = []  # Any: as above
    for keyword, value in schema.items() if isinstance(schema, dict) else ():
        if keyword in {"properties", "patternProperties", "dependentSchemas"} and isinstance(value, dict):
            found += [(value, name) for name in value]
        elif keyword in {"anyOf", "oneOf", "allOf", "prefixItems"} and isinstance(value, list):
            found += [(value, index) for index in range(len(value))]
        elif keyword not in {"const", "enum", "required", "type", "dependentRequired"} and isinstance(value, dict):
            found.append((schema, keyword))
    return found


def any_value(rng: random.Random, depth: int) -> JsonValue:
    what = rng.random()
    if depth == 0 or what < 0.3:
        return rng.choice(SCALARS)
    if what < 0.8:
        return {name: any_value(rng, depth - 1) for name in rng.sample([*NAMES, "c"], rng.randrange(4))}
    return [any_value(rng, depth - 1) for _ in range(rng.randrange(4))]


def is_endless(definitions: Schema) -> bool:
    """Whether definitions refer to themselves in place; the reader refuses them."""
    try:
        validator = Validator(definitions)
        if validator.unsupported():
            return True
        for name in definitions:
            validator.accepts(name, {})
    except Exception:  # noqa: BLE001 - whatever the validator has against them
        return True
    return False


@pytest.mark.parametrize("seed", range(20))
def test_g4_whatever_data_breaks_is_named(seed: int) -> None:
    rng = random.Random(seed)
    told = 0
    for _ in range(60):
        old: Schema = {"A": any_schema(rng, 3), "B": any_schema(rng, 2)}
        new = {**old, "A": changed(rng, old["A"], 2)}
        if rng.random() < 0.3:
            new["B"] = changed(rng, old["B"], 1)
        if rng.random() < 0.1:
            new["C"] = copy.deepcopy(new["B"])
            new["A"] = renamed(new["A"])
        if is_endless(old) or is_endless(new):
            continue
        before, after = Validator(old), Validator(new)
        changes = compare(bundle(old), bundle(new))
        certain = {each for change in changes for each in change.breaks}
        for _ in range(60):
            value = any_value(rng, 3)
            named = certain | {each for change in changes if is_met(change, value) for each in change.could_break}
            was, is_valid = before.accepts("A", value), after.accepts("A", value)
            if was and not is_valid:
                assert "readers" in named, f"{old}\n{new}\n{value}\n{changes}"
            elif is_valid and not was:
                assert "writers" in named, f"{old}\n{new}\n{value}\n{changes}"
            told += was != is_valid
    assert told > 20


def is_met(change: Change, value: JsonValue) -> bool:
    """Whether data has what a change could break: a property of the name that was added, removed or given a form."""
    place = change.old if change.rule.endswith("-removed") else change.new
    name = place.pointer.rpartition("/")[2] if place is not None else ""
    met = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in met:
        is_named = isinstance(key, str) and (
            re.search(name, key) is not None if "pattern" in change.rule else key == name
        )
        if is_named or is_met(change, each):
            return True
    return False


def test_every_direction_that_turns_up_has_a_row() -> None:
    """Whom a rule is said to break at random is among what `test_diff` shows of it, one by one."""
    rng = random.Random(5)
    found: set[tuple[str, str]] = set()
    for _ in range(1000):
        old: Schema = {"A": any_schema(rng, 3), "B": any_schema(rng, 2)}
        new = {**old, "A": changed(rng, old["A"], 2)}
        if not is_endless(old) and not is_endless(new):
            found |= {(change.rule, effect(change)) for change in compare(bundle(old), bundle(new))}
    assert found <= DIRECTIONS
    assert len(found) > 50


def renamed(schema: JsonValue) -> JsonValue:
    """A schema that refers to C where it referred to B."""
    if isinstance(schema, dict):
        return {
            name: "#/$defs/C" if name == "$ref" and each == "#/$defs/B" else renamed(each)
            for name, each in schema.items()
        }
    return [renamed(each) for each in schema] if isinstance(schema, list) else schema


def test_g4_what_is_the_same_breaks_nobody() -> None:
    rng = random.Random(1)
    for _ in range(200):
        old: Schema = {"A": any_schema(rng, 3), "B": any_schema(rng, 2)}
        if not is_endless(old):
            assert compare(bundle(old), bundle(copy.deepcopy(old))) == ()
