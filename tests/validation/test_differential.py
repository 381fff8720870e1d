"""Random schemas and values: the validator accepts just what another validator accepts.

The other one is `jsonschema`. Both parts of the validator are compared with it: the closures, and the explainer. Where
`jsonschema` is known to deviate from the specification, the schemas keep away from it:

* `multipleOf` with fractions that no double has: it divides doubles (`0.3` is no multiple of `0.1` for it), here the
  decimal numbers count as they are written. Halves are exact for both.
* "" in `patternProperties`, the only one there: it is overlooked by the other's `additionalProperties`.
"""

import json
from collections.abc import Callable
from random import Random
from typing import Any, Final, TypeAlias

import pytest
from hypothesis import HealthCheck, given, strategies as st
from jsonschema import Draft202012Validator

from miniagents.validation import Validator, Violation
from miniagents.validation.values import JsonValue
from tests.effort import examples

Schema: TypeAlias = bool | dict[str, Any]  # Any: made here
NAMES: Final = ("a", "b", "c", "ab")
SCALARS: Final[tuple[JsonValue, ...]] = (None, True, False, 0, 1, 1.0, 2, 0.5, -1.5, "", "a", "b", "ab", "\U0001f600")
TYPES: Final = ("null", "boolean", "integer", "number", "string", "array", "object")
DEFINITIONS: Final = ("A", "B", "C")
PATTERNS: Final = ("^a", "b", "^.$", "c?")


class SchemaMaker:
    """Makes schemas of all keywords over few values, so that they accept and refuse about equally often."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.current = 0

    def definitions(self) -> dict[str, Schema]:
        result: dict[str, Schema] = {}
        for place, name in enumerate(DEFINITIONS):
            self.current = place
            result[name] = self.schema(3, in_place=True)
        return result

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    def some(self, low: int, high: int) -> range:
        return range(self.random.randint(low, high))

    def schema(self, depth: int, *, in_place: bool) -> Schema:
        """Make a schema; `in_place`: for the value of the whole definition, so it may refer to later ones only."""
        if depth <= 0 or self.chance(12):
            return self.leaf(in_place=in_place)
        makers = (
            *(self.object, self.object, self.object, self.array, self.array, self.union, self.tagged_union),
            *(self.all_of, self.conditional, self.negation, self.leaf, self.unevaluated, self.unevaluated),
        )
        made: Schema = self.random.choice(makers)(depth, in_place=in_place)
        if made is not False and made is not True and self.chance(25):
            other = self.random.choice(makers)(depth - 1, in_place=in_place)
            if isinstance(other, dict):
                made = {**other, **made}
        return made

    def leaf(self, _depth: int = 0, *, in_place: bool) -> Schema:
        number = self.random.randint(0, 11)
        targets = DEFINITIONS[self.current + 1 :] if in_place else DEFINITIONS
        match number:
            case 0 | 1 if targets:
                return {"$ref": f"#/$defs/{self.random.choice(targets)}"}
            case 2:
                return {"const": self.value(1)}
            case 3:
                return {"enum": [self.value(1) for _ in self.some(1, 4)]}
            case 4:
                return {"type": [self.random.choice(TYPES) for _ in range(self.random.randint(2, 3))]} | {}
            case 5:
                limits = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
                return {self.random.choice(limits): self.random.choice((0, 1, 0.5, 1.0))}
            case 6:
                return {"multipleOf": self.random.choice((1, 2, 0.5, 1.0, 1.5))}
            case 7:
                return {self.random.choice(("minLength", "maxLength")): self.random.choice((0, 1, 2, 1.0))}
            case 8:
                return {"pattern": self.random.choice(PATTERNS)}
            case 9:
                return self.chance(65)
            case _:
                return {"type": self.random.choice(TYPES)}

    def object(self, depth: int, *, in_place: bool) -> Schema:
        made: dict[str, Any] = {}  # Any: a schema
        if self.chance(45):
            made["type"] = "object"
        if self.chance(80):
            made["properties"] = {self.random.choice(NAMES): self.below(depth) for _ in self.some(1, 3)}
        if self.chance(25):
            made["patternProperties"] = {self.random.choice(PATTERNS): self.below(depth) for _ in self.some(1, 2)}
        if self.chance(30):
            made["additionalProperties"] = self.random.choice((False, False, self.below(depth)))
        if self.chance(25):
            made["required"] = sorted({self.random.choice(NAMES) for _ in self.some(1, 2)})
        if self.chance(10):
            made["propertyNames"] = self.below(depth - 2)
        if self.chance(10):
            made["dependentRequired"] = {self.random.choice(NAMES): [self.random.choice(NAMES)]}
        if self.chance(12):
            made["dependentSchemas"] = {self.random.choice(NAMES): self.schema(depth - 1, in_place=in_place)}
        if self.chance(12):
            made[self.random.choice(("minProperties", "maxProperties"))] = self.random.randint(0, 3)
        if self.chance(25):
            made["unevaluatedProperties"] = self.random.choice((False, False, self.below(depth)))
        return made

    def array(self, depth: int, *, in_place: bool) -> Schema:
        made: dict[str, Any] = {}  # Any: a schema
        if self.chance(45):
            made["type"] = "array"
        if self.chance(40):
            made["prefixItems"] = [self.below(depth) for _ in self.some(1, 2)]
        if self.chance(50):
            made["items"] = self.below(depth)
        if self.chance(30):
            made["contains"] = self.below(depth)
        if self.chance(15):
            made["minContains"] = self.random.randint(0, 2)
        if self.chance(15):
            made["maxContains"] = self.random.randint(0, 2)
        if self.chance(15):
            made["uniqueItems"] = self.chance(80)
        if self.chance(15):
            made[self.random.choice(("minItems", "maxItems"))] = self.random.randint(0, 3)
        if self.chance(25):
            made["unevaluatedItems"] = self.random.choice((False, False, self.below(depth)))
        return made

    def union(self, depth: int, *, in_place: bool) -> Schema:
        keyword = self.random.choice(("anyOf", "oneOf"))
        return {keyword: [self.schema(depth - 1, in_place=in_place) for _ in self.some(1, 3)]}

    def tagged_union(self, depth: int, *, in_place: bool) -> Schema:
        branches: list[Schema] = []
        for _ in self.some(2, 3):
            branch = self.object(depth - 1, in_place=in_place)
            assert isinstance(branch, dict)
            tags = [self.random.choice(("a", "b", "c")) for _ in self.some(1, 2)]
            tag: Schema = {"const": tags[0]} if self.chance(70) else {"enum": tags}
            branch["properties"] = {**branch.get("properties", {}), "a": tag}
            if self.chance(85):
                branch["required"] = sorted({"a", *branch.get("required", ())})
            branches.append({"allOf": [branch]} if self.chance(10) else branch)
        return {self.random.choice(("anyOf", "oneOf")): branches}

    def all_of(self, depth: int, *, in_place: bool) -> Schema:
        return {"allOf": [self.schema(depth - 1, in_place=in_place) for _ in self.some(1, 3)]}

    def negation(self, depth: int, *, in_place: bool) -> Schema:
        return {"not": self.schema(depth - 1, in_place=in_place)}

    def conditional(self, depth: int, *, in_place: bool) -> Schema:
        made: dict[str, Any] = {"if": self.schema(depth - 1, in_place=in_place)}  # Any: a schema
        for keyword in ("then", "else"):
            if self.chance(75):
                made[keyword] = self.schema(depth - 1, in_place=in_place)
        return made

    def unevaluated(self, depth: int, *, in_place: bool) -> Schema:
        """What is left of several schemas for one value: where annotations matter."""
        keyword = self.random.choice(("unevaluatedProperties", "unevaluatedProperties", "unevaluatedItems"))
        made: dict[str, Any] = {}  # Any: a schema
        for _ in self.some(1, 2):
            maker = self.random.choice((self.all_of, self.conditional, self.union, self.object, self.array, self.leaf))
            part = maker(depth, in_place=in_place)
            made |= part if isinstance(part, dict) else {}
        return {**made, keyword: self.random.choice((False, False, self.below(depth)))}

    def below(self, depth: int) -> Schema:
        return self.schema(depth - 1, in_place=False) if self.chance(70) else self.leaf(in_place=False)

    def value(self, depth: int) -> JsonValue:
        if depth <= 0 or self.chance(60):
            return self.random.choice(SCALARS)
        if self.chance(50):
            return [self.value(depth - 1) for _ in self.some(0, 3)]
        return {self.random.choice(NAMES): self.value(depth - 1) for _ in self.some(0, 3)}

    # --- values that have something to do with a schema ---

    def instance(self, schema: Schema, definitions: dict[str, Schema], depth: int = 4) -> JsonValue:
        if depth <= 0 or isinstance(schema, bool) or self.chance(8):
            return self.value(2)
        parts = [schema, *self.applied(schema, definitions, depth)]
        merged: dict[str, Any] = {}  # Any: a schema
        for part in parts:
            for keyword, argument in part.items():
                known = merged.get(keyword)
                if isinstance(known, dict) and isinstance(argument, dict) and keyword == "properties":
                    merged[keyword] = {**known, **argument}
                elif known is None or self.chance(50):
                    merged[keyword] = argument
        values: list[JsonValue] = [merged["const"]] if "const" in merged else merged.get("enum", [])
        if values:
            return self.random.choice(values)
        types = merged.get("type", self.guess(merged))
        kind = types if isinstance(types, str) else self.random.choice(types)
        if kind == "object":
            return self.object_value(merged, definitions, depth)
        if kind == "array":
            return self.array_value(merged, definitions, depth)
        return self.random.choice(SCALARS)

    def applied(self, schema: dict[str, Any], definitions: dict[str, Schema], depth: int) -> list[dict[str, Any]]:
        below: list[Schema] = list(schema.get("allOf", ()))
        for keyword in ("anyOf", "oneOf"):
            below += [self.random.choice(schema[keyword])] if keyword in schema else []
        if "$ref" in schema:
            below.append(definitions[schema["$ref"].rpartition("/")[2]])
        if "if" in schema:
            below += [schema["if"], schema.get("then", True)] if self.chance(60) else [schema.get("else", True)]
        below += [sub for sub in schema.get("dependentSchemas", {}).values() if self.chance(50)]
        result: list[dict[str, Any]] = []
        for each in below:
            if isinstance(each, dict) and depth > 0:
                result += (each, *self.applied(each, definitions, depth - 1))
        return result

    def guess(self, schema: dict[str, Any]) -> str:  # Any: a schema
        objects = {"properties", "patternProperties", "additionalProperties", "unevaluatedProperties", "required"}
        arrays = {"prefixItems", "items", "contains", "uniqueItems", "unevaluatedItems", "minItems", "maxItems"}
        if objects & schema.keys() and self.chance(85):
            return "object"
        return "array" if arrays & schema.keys() and self.chance(85) else self.random.choice(TYPES)

    def object_value(self, schema: dict[str, Any], definitions: dict[str, Schema], depth: int) -> JsonValue:
        properties: dict[str, Schema] = schema.get("properties", {})
        names = [name for name in properties if self.chance(75)]
        names += [name for name in schema.get("required", ()) if self.chance(90)]
        names += [self.random.choice(NAMES) for _ in self.some(0, 1)]
        others: list[Schema] = [schema.get(key, True) for key in ("additionalProperties", "unevaluatedProperties")]
        others += schema.get("patternProperties", {}).values()
        return {
            name: self.instance(properties.get(name, self.random.choice(others)), definitions, depth - 1)
            for name in names
        }

    def array_value(self, schema: dict[str, Any], definitions: dict[str, Schema], depth: int) -> JsonValue:
        first: list[Schema] = schema.get("prefixItems", [])
        rest = [schema[key] for key in ("items", "contains", "unevaluatedItems") if key in schema] or [True]
        items = [self.instance(each, definitions, depth - 1) for each in first if self.chance(85)]
        return items + [self.instance(self.random.choice(rest), definitions, depth - 1) for _ in self.some(0, 3)]


def compared(random: Random, values: int, count: Callable[[bool], None] = lambda _: None) -> None:
    maker = SchemaMaker(random)
    definitions = maker.definitions()
    ours = Validator(definitions)
    theirs = Draft202012Validator({"$defs": definitions, "$ref": "#/$defs/A"})
    for _ in range(values):
        value = maker.instance(definitions["A"], definitions)
        expected: bool = theirs.is_valid(value)  # pyright: ignore[reportUnknownMemberType]  # not fully typed there
        count(expected)
        told = f"{json.dumps(definitions)}\n{json.dumps(value)}\nis valid for the other: {expected}"
        assert ours.accepts("A", value) is expected, told
        finding = ours._explainer.finding("A", value)
        assert (finding is None) is expected, f"{told}\n{finding}"
        violation = ours.violation("A", value)
        assert (violation is None) is expected, told
        if violation is not None:
            check_violation(violation, definitions, value, told)


def check_violation(violation: Violation, definitions: dict[str, Schema], value: JsonValue, told: str) -> None:
    """The path leads into the value, the pointer to a schema with the keyword."""
    place: Any = value  # Any: any JSON
    for key in violation.path:
        assert isinstance(key, str) == hasattr(place, "keys"), told
        place = place[key]
    schema: Any = definitions[violation.definition]  # Any: any JSON
    for part in violation.pointer.split("/")[1:]:
        schema = schema[int(part) if isinstance(schema, list) else part]
    assert violation.keyword in ("false" if isinstance(schema, bool) else schema), told
    assert violation.message, told


@examples(300, unhealthy=[HealthCheck.data_too_large])
@given(st.randoms(use_true_random=False))
def test_it_accepts_and_refuses_what_another_validator_does(random: Random) -> None:
    compared(random, values=8)


@pytest.mark.parametrize("seed", range(20))
def test_both_outcomes_are_frequent(seed: int) -> None:
    """Many more pairs than the one above can shrink, from seeds that are always the same."""
    outcomes: list[bool] = []
    for part in range(20):
        compared(Random(seed * 1000 + part), 10, outcomes.append)
    assert 0.15 < sum(outcomes) / len(outcomes) < 0.85
