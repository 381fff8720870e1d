"""Random schemas (G2) in other forms: draft-04, OpenAPI, `$dynamicRef`, several files, and with an overlay.

Each form says the same as schemas of 2020-12, so their modules must accept what `jsonschema` accepts for these.
"""

# random JSON is Any for pyright, and so is what is taken from it
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownParameterType=false

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Final

import pytest
from hypothesis import HealthCheck, given, strategies as st
from jsonschema import Draft202012Validator

from miniagents import DecodeError
from miniagents.codegen import GenerationError
from miniagents.codegen.reading.bundle import read_bundle
from miniagents.codegen.reading.dialects import DRAFT_04, DRAFT_07
from miniagents.codegen.settings import Reading, Settings
from miniagents.codegen.shaping.modules import module_of
from miniagents.codegen.writing.emitter import emit
from miniagents.validation.keywords import KEYWORDS, MANY, NAMED, ONE
from tests.codegen.test_differential import DEFINITIONS, Json, Schemas, equal, values_for
from tests.effort import examples

INFO: Final = {"title": "any", "version": "1"}
OVERLAID: Final = ("maxLength", "minimum", "required")


def rewritten(schema: Json, change: Callable[[dict[str, Json]], Json]) -> Json:
    """Change a schema and all schemas in it, from the inside."""
    if not isinstance(schema, dict):
        return schema
    made: dict[str, Json] = {}
    for keyword, value in schema.items():
        if keyword in ONE:
            made[keyword] = rewritten(value, change)
        elif keyword in MANY:
            made[keyword] = [rewritten(each, change) for each in value]
        elif keyword in NAMED:
            made[keyword] = {name: rewritten(each, change) for name, each in value.items()}
        else:
            made[keyword] = value
    return change(made)


def known_to(number: int) -> Callable[[dict[str, Json]], Json]:
    """Leave out what an older dialect cannot say."""
    said_otherwise = {"const", "prefixItems", "dependentRequired", "dependentSchemas", "$ref"}
    kept = {name for name, row in KEYWORDS.items() if row.since <= number} | said_otherwise
    return lambda schema: {keyword: value for keyword, value in schema.items() if keyword in kept}


def older(schema: dict[str, Json], prefix: str = "#/definitions/") -> Json:
    """Write one schema as draft-04 has it."""
    made: dict[str, Json] = {}
    for keyword, value in schema.items():
        if keyword in ONE:
            made[keyword] = as_object(value)
        elif keyword in MANY:
            made[keyword] = [as_object(each) for each in value]
        elif keyword in NAMED:
            made[keyword] = {name: as_object(each) for name, each in value.items()}
        else:
            made[keyword] = value
    every: list[dict[str, Json]] = [{"enum": [made.pop("const")]}] if "const" in made and "enum" in made else []
    if "const" in made:
        made["enum"] = [made.pop("const")]
    for exclusive, inclusive in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if exclusive in made:
            every += [{inclusive: made.pop(exclusive), exclusive: True}]
    if "prefixItems" in made:
        made["additionalItems"] = made.pop("items", {})
        made["items"] = made.pop("prefixItems")
    dependencies = {**made.pop("dependentSchemas", {})}
    names = made.pop("dependentRequired", {})
    every += [{"dependencies": each} for each in (dependencies, names) if each]
    if "$ref" in made:
        every += [{"$ref": made.pop("$ref").replace("#/$defs/", prefix)}]
    if made.get("required") == []:
        del made["required"]  # draft-04 has at least one
    return {"allOf": [made, *every]} if every else made


def as_object(schema: Json) -> Json:
    """Write true and false as draft-04 has them."""
    return schema if isinstance(schema, dict) else {} if schema else {"not": {}}


def draft_04(definitions: Json) -> Json:
    return {
        "$schema": DRAFT_04.uri,
        "definitions": {key: as_object(rewritten(each, older)) for key, each in definitions.items()},
    }


def draft_07(definitions: Json) -> Json:
    def change(schema: dict[str, Json]) -> Json:
        made = older({key: value for key, value in schema.items() if key not in OWN_OF_07})
        own = {key: value for key, value in schema.items() if key in OWN_OF_07}
        return {"allOf": [made, own]} if own else made

    return {
        "$schema": DRAFT_07.uri,
        "definitions": {key: as_object(rewritten(each, change)) for key, each in definitions.items()},
    }


OWN_OF_07: Final = frozenset({"if", "then", "else", "exclusiveMinimum", "exclusiveMaximum", "const"})
"""What draft-07 says as 2020-12 does, and draft-04 does not."""


def openapi_30(definitions: Json) -> Json:
    def change(schema: dict[str, Json]) -> Json:
        made = older(schema, "#/components/schemas/")
        declared = made.get("type")
        if isinstance(declared, list) and len(declared) == 2 and declared[1] == "null" and "enum" not in made:
            made |= {"type": declared[0], "nullable": True}
        return made

    schemas = {key: as_object(rewritten(each, change)) for key, each in definitions.items()}
    return {"openapi": "3.0.3", "info": INFO, "paths": {}, "components": {"schemas": schemas}}


def openapi_31(definitions: Json) -> Json:
    text = json.dumps(definitions).replace("#/$defs/", "#/components/schemas/")
    return {"openapi": "3.1.0", "info": INFO, "components": {"schemas": json.loads(text)}}


def dynamic(definitions: Json) -> Json:
    """Refer to every definition by its `$dynamicAnchor`, which is the same in each scope."""
    text = json.dumps(definitions).replace('"$ref": "#/$defs/', '"$dynamicRef": "#')
    anchored = {
        name: {"$dynamicAnchor": name, "allOf": [schema]}
        if isinstance(schema, bool)
        else {"$dynamicAnchor": name, **schema}
        for name, schema in json.loads(text).items()
    }
    return {"$id": "https://x.example/any", "$defs": anchored}


def same(definitions: Json) -> Json:
    return {"$defs": definitions}


FORMS: Final[Mapping[str, tuple[Callable[[Json], Json], int]]] = {
    "draft-04": (draft_04, 4),
    "draft-07": (draft_07, 7),
    "OpenAPI 3.0": (openapi_30, 4),
    "OpenAPI 3.1": (openapi_31, 2020),
    "$dynamicRef": (dynamic, 2020),
    "overlay": (same, 2020),
}


def imported(path: Path, reading: Reading) -> ModuleType:
    model = module_of(read_bundle([path], settings=Settings(reading=reading)))
    module = ModuleType("module_of_another_form")
    sys.modules[module.__name__] = module
    exec(compile(emit(model, sources=[path.name], command="command"), module.__name__, "exec"), vars(module))
    return module


def pointers_to(schema: Json, here: str) -> list[str]:
    """The pointers of all schemas in a schema."""
    found: list[str] = []
    if isinstance(schema, dict):
        found.append(here)
        for keyword, value in schema.items():
            if keyword in ONE:
                found += pointers_to(value, f"{here}/{keyword}")
            elif keyword in MANY or keyword in NAMED:
                inner = enumerate(value) if isinstance(value, list) else value.items()
                for step, each in inner:
                    found += pointers_to(each, f"{here}/{keyword}/{str(step).replace('~', '~0').replace('/', '~1')}")
    return found


@pytest.mark.parametrize("form", FORMS)
@examples(100, unhealthy=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_g2_other_forms_accept_what_the_schema_accepts(tmp_path: Path, form: str, seed: int) -> None:
    write, number = FORMS[form]
    random = Random(seed)
    given = {name: rewritten(each, known_to(number)) for name, each in Schemas(random).definitions().items()}
    path = tmp_path / "any.schema.json"
    path.write_text(json.dumps(write(given)), encoding="utf-8")
    meant, reading = given, Reading()
    if form == "overlay":
        said = {
            pointer: {"ignore-keywords": [*OVERLAID]}
            for name in given
            for pointer in pointers_to(given[name], f"#/$defs/{name}")
        }
        said = {pointer: hints for pointer, hints in said.items() if "%" not in pointer}
        overlay = tmp_path / "overlay.json"
        overlay.write_text(json.dumps(said), encoding="utf-8")
        reading = Reading(overlays=(overlay,))
        meant = {
            name: rewritten(each, lambda schema: {key: each for key, each in schema.items() if key not in OVERLAID})
            for name, each in given.items()
        }
    try:
        module = imported(path, reading)
    except GenerationError:
        return
    for name in DEFINITIONS:
        reference = Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": meant})
        for value in values_for(meant, name, random, 4):
            about = f"seed {seed}: {name}: {json.dumps(value)}\n{json.dumps(given, indent=1)}\n{path.read_text()}"
            is_valid = reference.is_valid(value)
            try:
                read = module.decode(json.dumps(value), getattr(module, name))
            except DecodeError as error:
                assert not is_valid, f"refused: {error}: {about}"
            else:
                assert is_valid, f"accepted: {about}"
                assert equal(json.loads(module.encode(read)), value), f"changed: {about}"
