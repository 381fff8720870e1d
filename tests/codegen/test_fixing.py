"""`lint --fix`: what is corrected, and that what schemas accept, and their types, never change by it."""

import ast
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import pytest

from miniagents.codegen import main
from miniagents.codegen.documents import JsonValue
from miniagents.codegen.linting.fixing import Fixed, fix
from miniagents.codegen.linting.levels import Strictness
from miniagents.codegen.linting.linter import IGNORE, findings
from miniagents.codegen.reading.bundle import Bundle, read_bundle
from miniagents.codegen.reading.sources import load
from miniagents.codegen.schema_errors import GenerationError
from miniagents.codegen.settings import USUAL
from miniagents.codegen.shaping.modules import module_of
from miniagents.codegen.writing.emitter import emit
from miniagents.validation import Validator
from tests.codegen.test_diff_laws import any_schema, any_value
from tests.effort import rounds

SchemaFile = Callable[..., Path]
Output = pytest.CaptureFixture[str]
STRICT: Final = Strictness("strict")


def fixed(paths: Sequence[Path], strictness: Strictness = STRICT) -> Fixed:
    return fix(load(paths), lambda _: strictness, is_library=False, settings=USUAL)


def fixed_type(
    schema_file: SchemaFile, schema: JsonValue, name: str = "types.schema.json", **root: JsonValue
) -> JsonValue:
    """What becomes of the schema of T."""
    path = schema_file({**root, "$defs": {"T": schema}}, name)
    text = fixed([path]).texts.get(path)
    return schema if text is None else json.loads(text)["$defs"]["T"]


FIXES: Final[list[tuple[dict[str, JsonValue], dict[str, JsonValue]]]] = [
    ({"enum": ["a"]}, {"const": "a"}),
    ({"type": "string", "enum": ["a", "b", "a"]}, {"type": "string", "enum": ["a", "b"]}),
    ({"type": "string", "enum": ["a", 1]}, {"type": "string", "const": "a"}),  # one makes the other possible
    ({"type": "integer", "maxLength": 3, "minimum": 1}, {"type": "integer", "minimum": 1}),
    ({"type": "string", IGNORE: ["enum-mixed", "enum-zero"]}, {"type": "string"}),
    ({"type": "array", IGNORE: ["enum-mixed", "items-missing"]}, {"type": "array", IGNORE: ["items-missing"]}),
]


@pytest.mark.parametrize(("schema", "after"), FIXES)
def test_what_is_mechanical_is_corrected(
    schema_file: SchemaFile, schema: dict[str, JsonValue], after: dict[str, JsonValue]
) -> None:
    assert fixed_type(schema_file, schema) == after


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "properties": {"a": {"type": "string"}}},  # the type may be the mistake
        {"enum": ["a"], "const": "a"},
        {"type": "string", "default": 1},
        {"not": {"enum": ["a"]}},  # too little is known of what stands within `not`
    ],
)
def test_what_needs_a_person_stays(schema_file: SchemaFile, schema: JsonValue) -> None:
    assert fixed_type(schema_file, schema) == schema


def test_a_dialect_without_const_keeps_its_enums(schema_file: SchemaFile) -> None:
    schema: JsonValue = {"type": "string", "enum": ["a"]}
    draft_04: JsonValue = "http://json-schema.org/draft-04/schema#"
    path = schema_file({"$schema": draft_04, "definitions": {"T": schema}})
    assert fixed([path]).texts == {}


def test_one_correction_that_is_not_safe_stops_no_other(schema_file: SchemaFile) -> None:
    properties: dict[str, JsonValue] = {f"p{number}": {"enum": [str(number)]} for number in range(9)}
    schema: JsonValue = {"type": "object", "properties": {**properties, "q": {"not": {"enum": ["a"]}}}}
    after = fixed_type(schema_file, schema)
    assert isinstance(after, dict)
    corrected = {f"p{number}": {"const": str(number)} for number in range(9)}
    assert after["properties"] == {**corrected, "q": {"not": {"enum": ["a"]}}}


def any_faulty(rng: random.Random, depth: int) -> JsonValue:
    """A schema at random, into which faults are put that can be corrected."""
    return _faulty(rng, any_schema(rng, depth))


def _faulty(rng: random.Random, schema: JsonValue) -> JsonValue:
    if isinstance(schema, list):
        return [_faulty(rng, each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    known = {"const", "enum", "required", "type", "dependentRequired"}
    made = {name: each if name in known else _faulty(rng, each) for name, each in schema.items()}
    if rng.random() < 0.4 and ("type" in made or "enum" in made or "const" in made):
        faults: list[dict[str, JsonValue]] = [
            {"enum": [rng.choice(["a", 1, None])]},
            {"enum": ["a", "b", "a", 1, 1.0, None]},
            {"maxLength": 1},
            {"minimum": 1},
            {"minProperties": 1},
            {"uniqueItems": True},
            {IGNORE: ["enum-zero", "items-missing"]},
        ]
        made.update(rng.choice(faults))
    return made


@pytest.mark.parametrize("seed", range(4))
def test_corrected_schemas_accept_what_they_accepted_and_are_the_same_types(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    corrections = 0
    for number in range(rounds(100)):
        path = tmp_path / f"{number}.schema.json"
        definitions = {"A": any_faulty(rng, 3), "B": any_faulty(rng, 2)}
        path.write_text(json.dumps({"$defs": definitions}), encoding="utf-8")
        try:
            before = read_bundle([path])
            result = fixed([path])
        except GenerationError:
            continue
        corrections += result.corrections
        if not result.texts:
            continue
        path.write_text(result.texts[path], encoding="utf-8")
        after = read_bundle([path])
        assert after.definitions.keys() == before.definitions.keys()
        old = Validator({name: each.schema for name, each in before.definitions.items()})
        new = Validator({name: each.schema for name, each in after.definitions.items()})
        for _ in range(80):
            value = any_value(rng, 3)
            for name in before.definitions:
                assert old.accepts(name, value) == new.accepts(name, value), f"{definitions}\n{result.texts}\n{value}"
        assert outcome(after) == outcome(before)
        again = fixed([path])
        assert again.texts == {}
    assert corrections > 10


def outcome(bundle: Bundle) -> list[str]:
    """The types of the module, with their fields; or that it cannot be generated."""
    try:
        tree = ast.parse(emit(module_of(bundle), sources=["a.schema.json"], command="generate"))
    except GenerationError:
        return ["refused"]
    found: list[str] = []
    for each in tree.body:
        if isinstance(each, ast.ClassDef):
            found += [each.name, *map(ast.unparse, each.bases)]
            found += [ast.unparse(field) for field in each.body if isinstance(field, ast.AnnAssign)]
        elif isinstance(each, ast.AnnAssign) and ast.unparse(each.annotation) == "TypeAlias":
            found.append(ast.unparse(each))
    return found


@pytest.mark.parametrize("data", ["\ufeff{}", "{}\n", "{}\r\n\r\n"])
def test_the_rest_of_a_file_keeps_every_byte(tmp_path: Path, data: str) -> None:
    path = tmp_path / "a.schema.json"
    inner = '{"$defs": {\r\n\t"T": { "type":"string","enum": [ "a" ],  "title" : "\\u00fc" } } }'
    path.write_bytes(data.replace("{}", inner).encode())
    assert main(["lint", "--fix", str(path)]) == 1
    assert path.read_bytes() == data.replace("{}", inner.replace('"enum": [ "a" ]', '"const": "a"')).encode()


def test_yaml_and_files_that_are_only_referred_to_stay(schema_file: SchemaFile, tmp_path: Path) -> None:
    yaml = tmp_path / "a.schema.yaml"
    yaml.write_text("$defs:\n  Y: {enum: [a], $comment: kept}\n", encoding="utf-8")
    other = schema_file({"$id": "https://example.org/b", "enum": ["a"]}, "b.json")
    path = schema_file({"$defs": {"T": {"$ref": "https://example.org/b"}}})
    texts = [each.read_text(encoding="utf-8") for each in (yaml, other, path)]
    assert main(["lint", "--fix", str(path), str(yaml), "--ref", str(other)]) == 1
    assert [each.read_text(encoding="utf-8") for each in (yaml, other, path)] == texts


def test_the_command_says_what_it_did_and_reports_the_rest(schema_file: SchemaFile, capsys: Output) -> None:
    path = schema_file(
        {"$defs": {"T": {"description": "D.", "enum": ["a"]}, "U": {"description": "D.", "type": "array"}}}
    )
    assert main(["lint", "--fix", str(path)]) == 1
    out, err = capsys.readouterr()
    assert err == "1 corrected in 1 file\n"
    assert [line.split(": ")[2] for line in out.splitlines()] == ["items-missing"]
    assert main(["lint", "--fix", str(path), "--ignore", "items-missing"]) == 0
    assert capsys.readouterr() == ("", "")


def test_only_what_is_asked_for_is_corrected(schema_file: SchemaFile) -> None:
    path = schema_file({"$defs": {"T": {"enum": ["a"]}}})
    for strictness in (Strictness("basic"), Strictness("standard", frozenset({"enum-single"})), Strictness(None)):
        assert fixed([path], strictness).texts == {}
    assert findings(read_bundle([path]), lambda _: Strictness(None)) == ()
