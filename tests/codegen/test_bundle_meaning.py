"""What a bundle accepts is what the schema accepts (G2): random schemas of every dialect before and after."""

import json
from functools import reduce
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from hypothesis import given, strategies as st
from jsonschema import Draft4Validator, Draft6Validator, Draft7Validator, Draft201909Validator, Draft202012Validator

from miniagents.codegen import GenerationError
from miniagents.codegen.reading.bundle import read_bundle
from miniagents.codegen.reading.dialects import DRAFT_04, DRAFT_06, DRAFT_07, DRAFT_2019_09, DRAFT_2020_12, Dialect
from miniagents.validation import Validator
from tests.effort import examples

VALIDATORS: Final = {
    DRAFT_04: Draft4Validator,
    DRAFT_06: Draft6Validator,
    DRAFT_07: Draft7Validator,
    DRAFT_2019_09: Draft201909Validator,
    DRAFT_2020_12: Draft202012Validator,
}
NAMES: Final = ("a", "b", "c", "a/b", "~")
SCALARS: Final = (None, False, True, 0, 1, 1.0, 2, 2.5, -1, "", "a", "ab", "b")
TYPES: Final = ("object", "array", "string", "number", "integer", "boolean", "null")
PATTERNS: Final = ("^a", "b$", "a|b", "^\\w$", "^[A-Za-z0-9_]$")
SIZES: Final = ("minimum", "exclusiveMaximum", "minLength", "maxItems", "minItems", "maxProperties")
URI: Final = "http://example.com"
Json = Any  # Any: any JSON


class Maker:
    """Makes schemas and values by chance."""

    def __init__(self, dialect: Dialect, seed: int) -> None:
        self.dialect = dialect
        self.random = Random(seed)
        self.is_oldest = dialect is DRAFT_04
        self.key = "definitions" if dialect.number <= 7 else "$defs"
        self.here = ["#", "#/properties/a", f"#/{self.key}/A", f"#/{self.key}/C", "#c", "#/properties/%7E0"]
        self.here += [f"#/{self.key}/C/additionalProperties", "b.json", f"{URI}/b.json#/{self.key}/Inner"]
        self.in_b = ["#", f"#/{self.key}/Inner", f"root.json#/{self.key}/A", "root.json", f"{URI}/root.json#c"]

    def value(self, depth: int = 2) -> Json:
        kind = self.random.random() if depth else 0
        if kind < 0.4:
            # 1.0 is no integer in draft-04, but all newer dialects and programs say that it is
            return self.random.choice([each for each in SCALARS if not (self.is_oldest and str(each) == "1.0")])
        if kind < 0.7:
            return [self.value(depth - 1) for _ in range(self.random.randrange(4))]
        return {name: self.value(depth - 1) for name in self.names()}

    def names(self) -> list[str]:
        return self.random.sample(NAMES, self.random.randrange(4))

    def many(self, depth: int, refs: list[str]) -> list[Json]:
        return [self.schema(depth, refs) for _ in range(self.random.randint(1, 2))]

    def schema(self, depth: int, refs: list[str]) -> Json:
        kind = self.random.random()
        if kind < 0.1:
            return ({} if kind < 0.07 else {"not": {}}) if self.is_oldest else kind < 0.07
        if kind < 0.25:
            return {"$ref": self.random.choice(refs)}
        return self.object(depth, refs)

    def object(self, depth: int, refs: list[str]) -> dict[str, Json]:
        words = [*("type", "enum", "const", "required", "uniqueItems", "pattern", "multipleOf", "note"), *SIZES]
        if self.is_oldest:
            words = [*(word for word in words if word != "const"), "exclusiveMinimum"]
        if depth:
            words += [
                *("properties", "additionalProperties", "patternProperties", "propertyNames", "items", "contains")
            ]
            words += [*("allOf", "anyOf", "oneOf", "not", "properties", "items", "$ref", "$ref")]
            words = [word for word in words if not (self.is_oldest and word in {"propertyNames", "contains"})]
            words += ["if", "then", "else"] if self.dialect.number >= 7 else []
            words += ["additionalItems", "items"] if self.dialect.number <= 2019 else ["prefixItems", "items"]
            if self.dialect.number <= 7:
                words += ["dependencies"]
            else:
                words += ["dependentSchemas", "dependentRequired", "minContains"]
                # the validator of 2019-09 does not see what additionalProperties evaluate
                words += ["unevaluatedItems", "unevaluatedProperties"] if self.dialect.number >= 2020 else []
        chosen = self.random.sample(words, self.random.randint(1, 4))
        made = dict(self.member(word, depth - 1, refs) for word in chosen)
        for exclusive, limit in {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}.items():
            if self.is_oldest and exclusive in made:
                made |= {exclusive: self.random.choice([True, False]), limit: self.random.randrange(4)}
        return made

    def member(self, word: str, depth: int, refs: list[str]) -> tuple[str, Json]:
        choose = self.random.choice
        if word in {*SIZES, "exclusiveMinimum"}:
            return word, self.random.randrange(4)
        if word in {"properties", "dependentSchemas"}:
            return word, {name: self.schema(depth, refs) for name in self.names()}
        if word in {"allOf", "anyOf", "oneOf", "prefixItems"}:
            return word, self.many(depth, refs)
        match word:
            case "type":
                return word, choose([choose(TYPES), self.random.sample(TYPES, 3)])
            case "enum":
                return word, [self.value() for _ in range(3)]
            case "const":
                return word, self.value()
            case "required":
                return word, self.names()[:2]
            case "uniqueItems":
                return word, choose([True, False])
            case "pattern":
                return word, choose(PATTERNS)
            case "multipleOf":
                return word, choose([2, 0.5])
            case "note":
                note = choose(["description", "title", "default", "x-note", "unheard of"])
                return note, "Note" if note in {"description", "title"} else self.value()
            case "patternProperties":
                return word, {pattern: self.schema(depth, refs) for pattern in self.random.sample(PATTERNS, 2)}
            case "$ref":
                return word, choose(refs)
            case "items" if self.dialect.number <= 2019 and choose([True, False]):
                return word, self.many(depth, refs)
            case "dependencies":
                return word, {name: choose([self.schema(depth, refs), self.names()]) for name in self.names()}
            case "dependentRequired":
                return word, {name: self.names() for name in self.names()}
            case "minContains":
                return word, self.random.randrange(3)
            case _:
                return word, self.schema(depth, refs)

    def file(self) -> dict[str, Json]:
        """A file with definitions, an anchor, and a schema that is a resource of its own."""
        is_old = self.dialect.number <= 7
        word = "id" if self.is_oldest else "$id"
        root = {**self.object(2, self.here), "properties": {name: self.schema(2, self.here) for name in ("a", "~")}}
        b = {**self.object(2, self.in_b), word: f"{URI}/b.json", self.key: {"Inner": self.schema(2, self.in_b)}}
        c = {**self.object(2, self.here), "additionalProperties": self.schema(2, self.here)}
        for each in (root, b, c) if is_old else ():
            each.pop("$ref", None)  # it would hide what makes them what they are
        c |= {word: "#c"} if is_old else {"$anchor": "c"}
        definitions = {"A": self.schema(2, self.here), "B": b, "C": c}
        return {"$schema": self.dialect.uri, word: f"{URI}/root.json", **root, self.key: definitions}


@pytest.mark.parametrize("dialect", VALIDATORS, ids=lambda dialect: dialect.name)
def test_g2_a_bundle_accepts_what_the_schema_accepts(tmp_path: Path, dialect: Dialect) -> None:
    path = tmp_path / "root.schema.json"
    outcomes = {"compared": 0, "refused": 0}

    @examples(150)
    @given(st.integers(0, 2**64))
    def compare(seed: int) -> None:
        maker = Maker(dialect, seed)
        schema = maker.file()
        path.write_text(json.dumps(schema), encoding="utf-8")
        try:
            bundle = read_bundle([path])
        except GenerationError:
            outcomes["refused"] += 1
            return
        outcomes["compared"] += 1
        before = VALIDATORS[dialect](schema)
        definitions = {name: each.schema for name, each in bundle.definitions.items()}
        root = next((each for each in bundle.definitions.values() if each.place.pointer == "#"), None)
        after = Draft202012Validator({"$defs": definitions, **({"$ref": f"#/$defs/{root.name}"} if root else {})})
        own = Validator(definitions)
        for value in (maker.value(3) for _ in range(20)):
            try:
                expected = fits(before, value)
            except (AttributeError, TypeError):
                continue  # the validator takes names of dependencies, and "items": true, for what they are not
            assert expected == fits(after, value), (value, schema, definitions)
            assert root is None or expected == own.accepts(root.name, value), (value, schema, definitions)
        for each in bundle.definitions.values():
            for pointer, place in each.origins.items():
                assert isinstance(at(each.schema, pointer), bool | dict)
                assert isinstance(at(place.document.value, place.pointer.removeprefix("#")), bool | dict)

    compare()
    assert outcomes["compared"] > outcomes["refused"] / 4


class Trees:
    """Makes resources with dynamic anchors, which refer to each other and to the anchors."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def schema(self, depth: int) -> Json:
        choose = self.random.choice
        kind = self.random.randrange(10)
        if kind < 3 or not depth:
            return {"type": choose(TYPES)}
        if kind < 5:
            return {"$ref": choose(["r0", "r1", "r2", "r1#/$defs/Leaf", "r2#/$defs/Leaf"])}
        if kind < 8:
            # `jsonschema` takes a resource that a dynamic reference names, and does not lead to, into the scope
            return {"$dynamicRef": choose(["#node", "#leaf", "r0#/$defs/Leaf"])}
        word = choose(["items", "additionalProperties"])
        return {word: self.schema(depth - 1), "type": ["array", "object", choose(TYPES[2:])]}

    def resource(self, name: str) -> dict[str, Json]:
        anchors = self.random.sample(["$dynamicAnchor", "$dynamicAnchor", "$anchor"], 2)
        word = self.random.choice(["items", "additionalProperties", "anyOf"])
        body: Json = [self.schema(2), {"type": "null"}] if word == "anyOf" else self.schema(2)
        leaf = {anchors[1]: "leaf", **self.schema(1)}
        return {"$id": f"{URI}/{name}", anchors[0]: "node", word: body, "$defs": {"Leaf": leaf}}

    def file(self) -> dict[str, Json]:
        root, *others = (self.resource(f"r{place}") for place in range(3))
        root["$defs"] |= {"R1": others[0], "R2": others[1]}
        return {"$schema": DRAFT_2020_12.uri, **root}


def test_g2_dynamic_references_lead_where_the_standard_says(tmp_path: Path) -> None:
    path = tmp_path / "root.schema.json"
    outcomes = {"compared": 0, "refused": 0, "several": 0}

    @examples(300)
    @given(st.integers(0, 2**64))
    def compare(seed: int) -> None:
        schema = Trees(seed).file()
        path.write_text(json.dumps(schema), encoding="utf-8")
        try:
            bundle = read_bundle([path])
        except GenerationError as error:
            assert {each.keyword for each in error.problems} == {"$ref"}  # a circle, and nothing else
            outcomes["refused"] += 1
            return
        outcomes["compared"] += 1
        places = [(each.place.document, each.place.pointer) for each in bundle.definitions.values()]
        outcomes["several"] += len(set(places)) < len(places)
        definitions = {name: each.schema for name, each in bundle.definitions.items()}
        root = next(each.name for each in bundle.definitions.values() if each.place.pointer == "#")
        before = Draft202012Validator(schema)
        after = Draft202012Validator({"$defs": definitions, "$ref": f"#/$defs/{root}"})
        maker, own = Maker(DRAFT_2020_12, seed), Validator(definitions)
        for value in (maker.value(3) for _ in range(20)):
            expected = fits(before, value)
            assert expected == fits(after, value), (value, schema, definitions)
            assert expected == own.accepts(root, value), (value, schema, definitions)

    compare()
    assert outcomes["compared"] > outcomes["refused"] / 4
    assert outcomes["several"]


def fits(validator: Json, value: Json) -> bool:
    return bool(validator.is_valid(value))


def at(value: Json, pointer: str) -> Json:
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    return reduce(lambda here, step: here[int(step) if isinstance(here, list) else step], steps, value)
