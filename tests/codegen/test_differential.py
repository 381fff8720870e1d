"""Random schemas (G2): generated modules accept what `jsonschema` accepts, and nothing else, and lose nothing of it.

What a type is said to be sound for is held against msgspec alone: it accepts nothing that the schema refuses. A schema
that cannot be honoured is refused by name; anything else that goes wrong on the way is a failure.
"""

# random JSON is Any for pyright, and so is what is taken from it
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from random import Random
from types import GenericAlias, ModuleType
from typing import Any, Final, TypeAlias, Union

import msgspec
import pytest
from hypothesis import HealthCheck, given, strategies as st
from jsonschema import Draft202012Validator

from miniagents import DecodeError
from miniagents.codegen import GenerationError
from miniagents.codegen.model import Module
from miniagents.codegen.reading.bundle import read_bundle
from miniagents.codegen.shaping.modules import module_of
from miniagents.codegen.writing.emitter import emit
from miniagents.messages.coding.msgspec_hooks import made_of_json
from tests.effort import examples

Json: TypeAlias = Any  # Any: whatever JSON can say
DEFINITIONS: Final = ("Alpha", "Beta", "Gamma", "Delta")
NAMES: Final = ("a", "b", "kind", "class", "x-y", "str", "Beta", 'q"', "@extra", "extra_properties")
TEXTS: Final = ("", "a", "b", "ab", "é", "kind")
NUMBERS: Final = (0, 1, 2, -1, 1.0, 0.5, 2.5, 3, 2**53 + 1, 10**25)
SCALARS: Final = (None, True, False, *NUMBERS, *TEXTS)
PATTERNS: Final = ("^a", "b", "^.$", "^[ab]+$")
TYPES: Final = ("null", "boolean", "integer", "number", "string", "array", "object")


class Schemas:
    """Makes schemas as people write them, mostly with types, of all keywords over few names and values."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.current = 0

    def definitions(self) -> dict[str, Json]:
        result: dict[str, Json] = {}
        for place, name in enumerate(DEFINITIONS):
            self.current = place
            result[name] = self.schema(3, in_place=True)
        return result

    def chance(self, percent: int) -> bool:
        return self.random.randrange(100) < percent

    def some(self, low: int, high: int) -> range:
        return range(self.random.randint(low, high))

    def reference(self, *, in_place: bool) -> Json:
        targets = DEFINITIONS[self.current + 1 :] if in_place else DEFINITIONS
        return {"$ref": f"#/$defs/{self.random.choice(targets)}"} if targets else {"type": "string"}

    def schema(self, depth: int, *, in_place: bool = False) -> Json:
        """Make a schema; `in_place`: for the value of the whole definition, so it may refer to later ones only."""
        makers: list[Callable[[int], Json]] = [self.scalar, self.scalar, self.choice]
        if depth > 0:
            makers += [self.object, self.object, self.object, self.array, self.map, self.tagged]
        made: Json = {}
        number = self.random.randrange(100)
        if number < 12:
            made = self.reference(in_place=in_place)
        elif number < 14:
            return self.chance(70)
        elif number < 32 and depth > 0:
            made = self.combined(depth, in_place=in_place)
        elif number < 35 and depth > 0:
            made = self.extended(depth, in_place=in_place)
        elif number < 37 and depth > 0:
            made = self.either(depth, in_place=in_place)
        elif number < 41:
            return {**self.random.choice(makers)(depth), "type": [self.random.choice(TYPES[1:]), "null"]}
        else:
            made = self.random.choice(makers)(depth)
        if self.chance(8) and depth > 0:
            made = {**self.combined(depth, in_place=in_place), **made}
        if self.chance(6) and depth > 0:
            made = {**self.condition(depth, in_place=in_place), **made}
        if self.chance(10):
            made = {**made, "description": "Words.", "title": self.random.choice(("Title", "a b", "9"))}
        return made

    def scalar(self, _depth: int) -> Json:
        kind = self.random.choice(("null", "boolean", "integer", "integer", "number", "string", "string"))
        made: Json = {"type": kind} if self.chance(92) else {}
        if kind == "string" and self.chance(40):
            limits: dict[str, Json] = {"minLength": self.random.randint(0, 2), "maxLength": self.random.randint(1, 3)}
            limits["pattern"] = self.random.choice(PATTERNS)
            made |= {key: limits[key] for key in self.random.sample(sorted(limits), 1)}
        if kind in {"integer", "number"} and self.chance(50):
            key = self.random.choice(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"))
            made[key] = self.random.choice((1, 2, 0.5, 1.0, 2.5, 3) if key != "multipleOf" else (1, 2, 0.5, 3))
        return made

    def choice(self, _depth: int) -> Json:
        values = [self.random.choice((*SCALARS, *TEXTS, [1], {"a": 1}, [])) for _ in self.some(1, 3)]
        if self.chance(50):
            return {"const": self.random.choice(values)}
        return {"enum": values}

    def object(self, depth: int) -> Json:
        names = self.random.sample(NAMES, self.random.randint(0, 3))
        made: Json = {"type": "object", "properties": {name: self.schema(depth - 1) for name in names}}
        if self.chance(60):
            made["required"] = [name for name in names if self.chance(60)] + (["b"] if self.chance(5) else [])
            made["required"] = list(dict.fromkeys(made["required"]))
        if self.chance(60):
            made["additionalProperties"] = False if self.chance(70) else self.schema(depth - 1)
        if self.chance(10):
            made["patternProperties"] = {self.random.choice(PATTERNS): self.schema(depth - 1)}
        if self.chance(4):
            made[self.random.choice(("minProperties", "maxProperties"))] = self.random.randint(0, 2)
        if self.chance(4):
            made["propertyNames"] = self.scalar(0)
        if self.chance(4):
            made["dependentRequired"] = {self.random.choice(NAMES): [self.random.choice(NAMES)]}
        if self.chance(5):
            made["unevaluatedProperties"] = False if self.chance(70) else self.schema(depth - 1)
        if self.chance(4):
            del made["type"]
        return made

    def map(self, depth: int) -> Json:
        made: Json = {"type": "object", "additionalProperties": self.schema(depth - 1)}
        if self.chance(20):
            made["patternProperties"] = {self.random.choice(PATTERNS): self.schema(depth - 1)}
        if self.chance(15):
            made[self.random.choice(("minProperties", "maxProperties"))] = self.random.randint(0, 2)
        return made

    def array(self, depth: int) -> Json:
        made: Json = {"type": "array"}
        if self.chance(80):
            made["items"] = self.schema(depth - 1)
        if self.chance(25):
            made["prefixItems"] = [self.schema(depth - 1) for _ in self.some(1, 2)]
            if self.chance(50):
                made["items"] = False
        for keyword in ("minItems", "maxItems"):
            if self.chance(15):
                made[keyword] = self.random.randint(0, 2)
        if self.chance(8):
            made["uniqueItems"] = True
        if self.chance(6):
            made["contains"] = self.schema(depth - 1)
        if self.chance(4):
            made["unevaluatedItems"] = False
        return made

    def tagged(self, depth: int) -> Json:
        branches = []
        for value in self.random.choice((("a", "b"), (1, 2), ("a", "a"), ("ab", 1))):
            made = self.object(depth - 1)
            made.setdefault("properties", {})["kind"] = {"const": value}
            made["required"] = list(dict.fromkeys([*made.get("required", []), *(["kind"] if self.chance(95) else [])]))
            branches.append(made)
        return {self.random.choice(("anyOf", "oneOf")): branches}

    def combined(self, depth: int, *, in_place: bool) -> Json:
        keyword = self.random.choice(("anyOf", "anyOf", "oneOf", "allOf"))
        return {keyword: [self.schema(depth - 1, in_place=in_place) for _ in self.some(1, 3)]}

    def extended(self, depth: int, *, in_place: bool) -> Json:
        """Make a schema of a definition and more."""
        return {"allOf": [self.reference(in_place=in_place), {**self.object(depth - 1), "additionalProperties": True}]}

    def either(self, depth: int, *, in_place: bool) -> Json:
        """Make a schema whose `if` chooses one of two schemas."""
        made = {key: self.schema(depth - 1, in_place=in_place) for key in ("then", "else")}
        return {"if": self.object(depth - 1), **made}

    def condition(self, depth: int, *, in_place: bool) -> Json:
        if self.chance(40):
            return {"not": self.schema(depth - 1, in_place=in_place)}
        if self.chance(30):
            return {"dependentSchemas": {self.random.choice(NAMES): self.schema(depth - 1, in_place=in_place)}}
        made = {"if": self.schema(depth - 1, in_place=in_place)}
        return made | {key: self.schema(depth - 1, in_place=in_place) for key in ("then", "else") if self.chance(70)}


class Values:
    """Makes values that a schema is likely to accept, and others like them."""

    def __init__(self, random: Random, definitions: dict[str, Json]) -> None:
        self.random = random
        self.definitions = definitions

    def any(self, depth: int) -> Json:
        number = self.random.randrange(10)
        if depth <= 0 or number < 5:
            return self.random.choice(SCALARS)
        if number < 7:
            return [self.any(depth - 1) for _ in range(self.random.randint(0, 2))]
        return {self.random.choice(NAMES): self.any(depth - 1) for _ in range(self.random.randint(0, 2))}

    def like(self, schema: Json, depth: int = 7) -> Json:
        if not isinstance(schema, dict) or depth <= 0 or self.random.randrange(100) < 4:
            return self.any(1)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self.random.choice(schema["enum"])
        found: Json = None
        if "$ref" in schema:
            found = self.like(self.definitions[schema["$ref"].removeprefix("#/$defs/")], depth - 1)
        for keyword in ("anyOf", "oneOf", "allOf"):
            branches = schema.get(keyword, [])
            for branch in branches if keyword == "allOf" else [self.random.choice(branches)] if branches else []:
                other = self.like(branch, depth - 1)
                found = {**other, **found} if isinstance(found, dict) and isinstance(other, dict) else other
        if "type" not in schema and "properties" not in schema:
            return found if schema.keys() & {"$ref", "anyOf", "oneOf", "allOf"} else self.any(2)
        kinds = schema.get("type", "object")
        own = self.of_kind(self.random.choice(kinds) if isinstance(kinds, list) else kinds, schema, depth)
        return {**found, **own} if isinstance(found, dict) and isinstance(own, dict) else own

    def of_kind(self, kind: str, schema: Json, depth: int) -> Json:
        match kind:
            case "object":
                properties = schema.get("properties", {})
                required = schema.get("required", [])
                made = {
                    name: self.like(each, depth - 1)
                    for name, each in properties.items()
                    if name in required or (self.random.random() < 0.6 and depth > 2)
                }
                if self.random.random() < 0.3:
                    made[self.random.choice((*NAMES, "other"))] = self.like(
                        schema.get("additionalProperties"), depth - 1
                    )
                return made
            case "array":
                least = schema.get("minItems", 0)
                most = min(schema.get("maxItems", 2), least + 2)
                count = self.random.randint(least, max(most, least) + 1)
                prefix = schema.get("prefixItems", [])
                return [
                    self.like(prefix[index] if index < len(prefix) else schema.get("items", True), depth - 1)
                    for index in range(count)
                ]
            case "integer":
                return self.random.choice((0, 1, 2, 3, 1.0, -1, 10**25))
            case "number":
                return self.random.choice(NUMBERS)
            case "string":
                return self.random.choice(TEXTS)
            case "boolean":
                return self.random.choice((True, False))
            case _:
                return None

    def changed(self, value: Json) -> Json:
        """Change a value in one place."""
        value = deepcopy(value)
        here = value
        while isinstance(here, dict | list) and here:
            key = self.random.choice(sorted(here)) if isinstance(here, dict) else self.random.randrange(len(here))
            if self.random.random() < 0.5:
                if isinstance(here, dict) and self.random.random() < 0.4:
                    del here[key]
                elif isinstance(here, dict) and self.random.random() < 0.4:
                    here[self.random.choice((*NAMES, "other"))] = self.any(1)
                else:
                    here[key] = self.any(1)
                return value
            here = here[key]
        return value if isinstance(value, dict | list) else self.any(1)


def equal(one: Json, other: Json) -> bool:
    """Whether two values are the same JSON."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)


def generated(definitions: Json, folder: Path) -> tuple[Module, ModuleType]:
    """Import the module for some definitions, without formatting it."""
    path = folder / "any.schema.json"
    path.write_text(json.dumps({"$defs": definitions}), encoding="utf-8")
    model = module_of(read_bundle([path]))
    text = emit(model, sources=["any.schema.json"], command="command")
    module = ModuleType("module_of_random_schemas")
    sys.modules[module.__name__] = module
    exec(compile(text, module.__name__, "exec"), vars(module))
    return model, module


def by_msgspec(module: ModuleType, form: Json, value: Json) -> Iterator[Json]:
    """Yield the values that come of some JSON without a look at its schema, from JSON and from MessagePack."""
    for way in module._codec._ways[form].native:
        with suppress(msgspec.MsgspecError, KeyError):
            yield way(json.dumps(value))
    for unpack in (module._codec.unpacking(form), module._codec.unpacking_open(form)):
        if unpack is not None:
            with suppress(msgspec.MsgspecError, KeyError, OverflowError):  # MessagePack has no larger integers
                yield unpack(msgspec.msgpack.encode(value))


def values_for(definitions: Json, name: str, random: Random, count: int) -> Iterator[Json]:
    values = Values(random, definitions)
    for _ in range(count):
        value = values.like(definitions[name])
        yield value
        yield values.changed(value)
    yield values.any(2)


def compare(seed: int, folder: Path, count: int = 4) -> str:
    """Compare one random module with `jsonschema`, and tell what came of it."""
    random = Random(seed)
    definitions = Schemas(random).definitions()
    try:
        model, module = generated(definitions, folder)
    except GenerationError:
        return "refused"
    for name in DEFINITIONS:
        form = getattr(module, name)
        reference = Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": definitions})
        strict = None
        if name not in model.loose:
            strict = msgspec.json.Decoder(module._codec._readings.of(form), dec_hook=made_of_json)
        for value in values_for(definitions, name, random, count):
            data = json.dumps(value)
            said = f"seed {seed}: {name}: {data}\n{json.dumps(definitions, indent=1)}"
            is_valid = reference.is_valid(value)
            try:
                read = module.decode(data, form)
            except DecodeError as error:
                assert not is_valid, f"refused: {error}: {said}"
            else:
                assert is_valid, f"accepted: {said}"
                assert equal(json.loads(module.encode(read)), value), f"changed: {module.encode(read)!r} {said}"
                hash(read)
            for native in by_msgspec(module, form, value):
                exact = module._codec._ways[form].exact(data)
                assert (native, repr(native)) == (exact, repr(exact)), f"another value: {said}"
            if strict is not None and not is_valid:
                with pytest.raises(msgspec.ValidationError):
                    strict.decode(data)
                    pytest.fail(f"not sound: {said}")
    compare_made_of_names(module, definitions, random, seed)
    return "sound" if not model.loose else "loose"


def compare_made_of_names(module: ModuleType, definitions: Json, random: Random, seed: int) -> None:
    """Compare unions and containers of two definitions with `jsonschema`, whatever type both are for Python."""
    names = random.sample(DEFINITIONS, 2)
    one, other = (getattr(module, name) for name in names)
    references = [{"$ref": f"#/$defs/{name}"} for name in names]
    either: Any = Union[one, other]  # noqa: UP007 # a class and a class that is its alias make no `|`
    forms: list[tuple[Any, Json]] = [
        (either, {"anyOf": references}),
        (GenericAlias(tuple, (one, ...)), {"type": "array", "items": references[0]}),
        (GenericAlias(tuple, (other, ...)), {"type": "array", "items": references[1]}),
        (Mapping[str, either], {"type": "object", "additionalProperties": {"anyOf": references}}),
    ]
    for form, schema in forms:
        reference = Draft202012Validator({**schema, "$defs": definitions})
        for value in values_for({**definitions, "": schema}, "", random, 2):
            said = f"seed {seed}: {form}: {json.dumps(value)}\n{json.dumps(definitions, indent=1)}"
            try:
                read = module.decode(json.dumps(value), form)
            except DecodeError as error:
                assert not reference.is_valid(value), f"refused: {error}: {said}"
            else:
                assert reference.is_valid(value), f"accepted: {said}"
                assert equal(json.loads(module.encode(read)), value), f"changed: {module.encode(read)!r} {said}"
            for native in by_msgspec(module, form, value):
                assert native == module._codec._ways[form].exact(json.dumps(value)), f"another value: {said}"


@examples(500, unhealthy=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32))
def test_g2_what_is_accepted_is_what_the_schema_accepts(tmp_path: Path, seed: int) -> None:
    compare(seed, tmp_path)
