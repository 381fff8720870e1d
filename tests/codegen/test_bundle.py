"""Schema files of every dialect become definitions by name in 2020-12 that refer to each other alone (G1)."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from miniagents.codegen import GenerationError
from miniagents.codegen.documents import JsonValue
from miniagents.codegen.names import definition_name
from miniagents.codegen.reading.bundle import read_bundle
from miniagents.codegen.reading.dialects import DRAFT_06, DRAFT_07, DRAFT_2019_09, DRAFT_2020_12

ROOT: Final = Path(__file__).parent.parent.parent
DATA: Final = ROOT.parent / "shared" / "data"
OLD: Final = DRAFT_07.uri
Files = dict[str, Any]  # Any: schemas are any JSON
Bundled = Callable[[Files], dict[str, JsonValue]]


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[Files], Path]:
    def write(files: Files) -> Path:
        for name, schema in files.items():
            path = tmp_path / "schemas" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(schema if isinstance(schema, str) else json.dumps(schema), encoding="utf-8")
        return tmp_path / "schemas"

    return write


@pytest.fixture
def bundled(folder: Callable[[Files], Path]) -> Bundled:
    """Give the definitions of files."""

    def read(files: Files) -> dict[str, JsonValue]:
        return {name: each.schema for name, each in read_bundle([folder(files)]).definitions.items()}

    return read


def ref(name: str) -> dict[str, JsonValue]:
    return {"$ref": f"#/$defs/{name}"}


CASES: Final[dict[str, tuple[Files, dict[str, JsonValue]]]] = {
    "keys of $defs, without a root that says nothing": (
        {"a.schema.json": {"description": "Things.", "$defs": {"tool_call": {"type": "string"}, "B": True}}},
        {"ToolCall": {"type": "string"}, "B": True},
    ),
    "a root by its title": (
        {"a.schema.json": {"title": "Big thing", "type": "object", "properties": {"next": {"$ref": "#"}}}},
        {"BigThing": {"title": "Big thing", "type": "object", "properties": {"next": ref("BigThing")}}},
    ),
    "a root by the file": ({"tool-call.schema.json": {"minLength": 1}}, {"ToolCall": {"minLength": 1}}),
    "a root that only refers to a definition of its name": (
        {"a.schema.json": {"title": "T", "description": "D", "$ref": "#/$defs/T", "$defs": {"T": {"type": "null"}}}},
        {"T": {"type": "null"}},
    ),
    "a name by a hint": (
        {"a.schema.json": {"$defs": {"a": {"x-miniagents": {"name": "Other"}}, "b": {"$ref": "#/$defs/a"}}}},
        {"Other": {"x-miniagents": {"name": "Other"}}, "B": ref("Other")},
    ),
    "names that are Python's own or none at all": (
        {
            "a.schema.json": {
                "$defs": {"404": True, "None": True, "日本": True, "str": True, "__init__": True, "$": True}
            }
        },
        dict.fromkeys(["Type404", "TypeNone", "日本", "Str", "Init", "TypeU24"], True),
    ),
    "the library's types": (
        {"a.schema.json": {"$defs": {"Message": {"$ref": "miniagents:Message"}}}},
        {"Message": {"$ref": "miniagents:Message"}},
    ),
    "bases": (
        {
            "a.schema.json": {
                "$defs": {
                    "A": {"x-miniagents": {"base": "Message"}},
                    "B": {"x-miniagents": {"base": "#/$defs/A"}},
                    "C": {"x-miniagents": {"base": "miniagents:Message"}},
                }
            }
        },
        {
            "A": {"x-miniagents": {"base": "Message"}},
            "B": {"x-miniagents": {"base": "#/$defs/A"}},
            "C": {"x-miniagents": {"base": "Message"}},
        },
    ),
    "targets at odd places, with what belongs to the place kept there": (
        {
            "a.schema.json": {
                "title": "Thing",
                "properties": {
                    "a": {
                        "type": "object",
                        "description": "D",
                        "items": True,
                        "x-miniagents": {"field": "b", "positional": True},
                    },
                    "b": {"$ref": "#/properties/a"},
                    "c": {"items": {"prefixItems": [{"type": "null"}]}},
                    "d": {"$ref": "#/properties/c/items/prefixItems/0"},
                    "e": {"$ref": "#/elsewhere/x~1y%7E0"},
                },
                "elsewhere": {"x/y~": {"type": "array"}},
            }
        },
        {
            "Thing": {
                "title": "Thing",
                "properties": {
                    "a": {**ref("ThingA"), "description": "D", "x-miniagents": {"field": "b"}},
                    "b": ref("ThingA"),
                    "c": {"items": {"prefixItems": [ref("ThingCItemItem1")]}},
                    "d": ref("ThingCItemItem1"),
                    "e": ref("ThingElsewhereXY"),
                },
                "elsewhere": {"x/y~": {"type": "array"}},
            },
            "ThingElsewhereXY": {"type": "array"},
            "ThingA": {"type": "object", "description": "D", "items": True, "x-miniagents": {"positional": True}},
            "ThingCItemItem1": {"type": "null"},
        },
    ),
    "definitions within definitions, as far as they are used": (
        {
            "a.schema.json": {
                "$defs": {"A": {"$defs": {"B": {"not": {}}, "C": True}, "items": {"$ref": "#/$defs/A/$defs/B"}}}
            }
        },
        {"A": {"items": ref("AB")}, "AB": {"not": {}}},
    ),
    "draft-07": (
        {
            "a.schema.json": {
                "$schema": OLD,
                "definitions": {
                    "A": {"items": [{"type": "null"}, True], "additionalItems": False},
                    "B": {"items": True, "additionalItems": False},
                    "C": {"dependencies": {"a": ["b"], "c": {"minProperties": 2.0}}},
                    "D": {"$ref": "#/definitions/A", "description": "D", "type": "null", "default": 1},
                    "E": {"$id": "#e", "then": False, "anyOf": [{"$ref": "#e2"}]},
                    "F": {"$id": "#e2", "const": {"$ref": "kept"}},
                },
            }
        },
        {
            "A": {"prefixItems": [{"type": "null"}, True], "items": False},
            "B": {"items": True},
            "C": {"dependentRequired": {"a": ["b"]}, "dependentSchemas": {"c": {"minProperties": 2}}},
            "D": {**ref("A"), "description": "D", "default": 1},
            "E": {"anyOf": [ref("F")]},
            "F": {"const": {"$ref": "kept"}},
        },
    ),
    "a file of old words without a dialect is draft-07": (
        {"a.schema.json": {"definitions": {"A": {"items": [True]}, "B": {"$ref": "#/definitions/A", "maxItems": 1}}}},
        {"A": {"prefixItems": [True]}, "B": ref("A")},
    ),
    "a file of old and new words without a dialect is 2020-12": (
        {
            "a.schema.json": {
                "definitions": {"A": {"prefixItems": [True]}, "B": {"$ref": "#/definitions/A", "maxItems": 1}}
            }
        },
        {"A": {"prefixItems": [True]}, "B": {**ref("A"), "maxItems": 1}},
    ),
    "anchors, identities and resources within": (
        {
            "a.schema.json": {
                "$id": "https://example.com/a",
                "$defs": {
                    "A": {"$anchor": "here", "type": "null"},
                    "B": {
                        "$id": "b/",
                        "$defs": {"Inner": {"$anchor": "here", "type": "string"}},
                        "allOf": [{"$ref": "#here"}, {"$ref": "../a#here"}, {"$ref": "#/$defs/Inner"}],
                    },
                    "C": {"anyOf": [{"$ref": "#here"}, {"$ref": "b/#here"}, {"$ref": "https://example.com/b/"}]},
                },
            }
        },
        {
            "A": {"type": "null"},
            "B": {"allOf": [ref("BInner"), ref("A"), ref("BInner")]},
            "C": {"anyOf": [ref("A"), ref("BInner"), ref("B")]},
            "BInner": {"type": "string"},
        },
    ),
    "other files, by path and by identity; dialects side by side": (
        {
            "a.schema.json": {"type": "object", "items": {"$ref": "in%20side/b.schema.yaml#/definitions/B"}},
            "in side/b.schema.yaml": f"$schema: {OLD}\n$id: urn:b\ndefinitions:\n  B: {{items: [true]}}\n",
            "c.schema.json": {"$ref": "urn:b#/definitions/B", "title": "C"},
            "d.schema.json": {"$ref": "a.schema.json", "title": "D"},
        },
        {
            "A": {"type": "object", "items": ref("B")},
            "C": {**ref("B"), "title": "C"},
            "D": {**ref("A"), "title": "D"},
            "B": {"prefixItems": [True]},
        },
    ),
    "the same definition in two files": (
        {
            "a.schema.json": {"$defs": {"Error": {"items": {"$ref": "#/$defs/Code"}}, "Code": {"type": "integer"}}},
            "b.schema.json": {"$defs": {"Code": {"type": "integer"}, "Error": {"items": {"$ref": "#/$defs/Code"}}}},
        },
        {"Error": {"items": ref("Code")}, "Code": {"type": "integer"}},
    ),
    "dynamic references that can only mean one": (
        {
            "a.schema.json": {"$dynamicAnchor": "node", "items": {"$dynamicRef": "#node"}, "title": "A"},
            "b.schema.json": {
                "$schema": DRAFT_2019_09.uri,
                "title": "B",
                "$recursiveAnchor": True,
                "items": {"$recursiveRef": "#", "allOf": [{"$ref": "#"}]},
            },
            "c.schema.json": {"title": "C", "$ref": "#/$defs/T", "$dynamicRef": "#t", "$defs": {"T": {"$anchor": "t"}}},
        },
        {
            "A": {"items": ref("A"), "title": "A"},
            "B": {"title": "B", "items": {**ref("B"), "allOf": [ref("B")]}},
            "T": {},
            "C": {"title": "C", **ref("T"), "allOf": [ref("T")]},
        },
    ),
    "patterns": (
        {
            "a.schema.json": {
                "$defs": {"A": {"pattern": "^a$", "patternProperties": {"^\\d$": {"type": "null"}, "^[0-9]$": True}}}
            }
        },
        {
            "A": {
                "pattern": "^a\\Z",
                "patternProperties": {"^[0-9]\\Z": {"allOf": [{"type": "null"}, True]}},
            }
        },
    ),
    "notes are kept": (
        {
            "a.schema.json": {
                "$defs": {"A": {"x-order": [1], "discriminator": {}, "example": 1, "unheard": {"$ref": "#x"}}}
            }
        },
        {"A": {"x-order": [1], "discriminator": {}, "example": 1, "unheard": {"$ref": "#x"}}},
    ),
    "YAML in the sense of 1.2": (
        {
            "a.schema.yaml": (
                "$defs:\n  A: {enum: [on, yes, 2020-01-01, 012, 0x1F, 1_0, 1.5, ~, '1', !!str 2, True, ]}\n"
                "  B: &b {const: &c [1]}\n  D: *b\n  C: {properties: {on: {const: *c}, &k key: true}, required: [*k]}\n"
            )
        },
        {
            "A": {"enum": ["on", "yes", "2020-01-01", 12, 31, "1_0", 1.5, None, "1", "2", True]},
            "B": {"const": [1]},
            "D": {"const": [1]},
            "C": {"properties": {"on": {"const": [1]}, "key": True}, "required": ["key"]},
        },
    ),
    "a file that is true": ({"any.schema.json": "true"}, {"Any": True}),
}


@pytest.mark.parametrize("case", CASES)
def test_g1_files_become_definitions(bundled: Bundled, case: str) -> None:
    files, expected = CASES[case]
    found = bundled(files)
    assert found == expected
    assert list(found) == list(expected)


@pytest.mark.parametrize(
    "merging",
    [
        "<<: *base\n  required: [b]",
        "required: [b]\n  <<: *base",
        "<<: [*base]\n  required: [b]",
        "<<: [*base, {required: [c], type: array}]\n  required: [b]",
        "<<: {<<: *base, required: [d]}\n  required: [b]",
    ],
)
def test_g5_merge_keys_of_yaml_add_members(bundled: Bundled, merging: str) -> None:
    """As in YAML 1.1, and as API documents use them: own members win, then the first object that is merged."""
    text = f"$defs:\n Base: &base\n  type: object\n  properties: {{a: {{type: string}}}}\n Thing:\n  {merging}\n"
    thing = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["b"]}
    assert bundled({"a.schema.yaml": text})["Thing"] == thing
    quoted = bundled({"a.schema.yaml": '$defs:\n A: {properties: {"<<": {type: string}}}\n'})
    assert quoted["A"] == {"properties": {"<<": {"type": "string"}}}


def test_every_schema_knows_where_it_was_written(folder: Callable[[Files], Path]) -> None:
    text = f'{{"$schema": "{OLD}",\n "definitions": {{"A": {{\n  "items": [true,\n   {{"not": {{}}}}]}}}}}}'
    definition = read_bundle([folder({"a.schema.json": text})]).definitions["A"]
    places = {at: (place.pointer, place.document.lines[place.pointer]) for at, place in definition.origins.items()}
    assert places == {
        "": ("#/definitions/A", 2),
        "/prefixItems/0": ("#/definitions/A/items/0", 3),
        "/prefixItems/1": ("#/definitions/A/items/1", 4),
        "/prefixItems/1/not": ("#/definitions/A/items/1/not", 4),
    }


def test_what_a_bundle_says_of_itself(folder: Callable[[Files], Path]) -> None:
    path = folder({"a.schema.json": {"description": "One.", "$defs": {"A": True}}, "b.schema.json": {"type": "null"}})
    bundle = read_bundle([path])
    assert bundle.doc == "One."
    assert bundle.files == (path / "a.schema.json", path / "b.schema.json")
    assert not bundle.is_library


def test_the_library_refers_to_itself(folder: Callable[[Files], Path]) -> None:
    bundle = read_bundle([ROOT / "schemas"], is_library=True)
    assert {"Message", "StreamEvent"} <= bundle.definitions.keys()
    path = folder({"a.schema.json": {"$defs": {"A": True, "B": {"$ref": "miniagents:A"}}}})
    assert read_bundle([path], is_library=True).definitions["B"].schema == ref("A")


def test_the_order_of_the_arguments_means_nothing(folder: Callable[[Files], Path]) -> None:
    path = folder({"a.schema.json": {"type": "null"}, "b.schema.json": {"$ref": "a.schema.json"}})
    files = [path / "b.schema.json", path / "a.schema.json"]
    assert read_bundle(files).definitions.keys() == read_bundle([path]).definitions.keys()
    seen = [read_bundle(each) for each in (files, files[::-1], [path, *files], [files[0], path])]
    for bundle in seen:
        assert bundle.files == seen[0].files
        assert [(each.name, each.schema, each.place.document.name) for each in bundle.definitions.values()] == [
            (each.name, each.schema, each.place.document.name) for each in seen[0].definitions.values()
        ]


def test_hash_seeds_mean_nothing() -> None:
    program = (
        "import json; from pathlib import Path; from miniagents.codegen.reading.bundle import read_bundle\n"
        "bundle = read_bundle([Path('schemas')], is_library=True)\n"
        "print(json.dumps({name: each.schema for name, each in bundle.definitions.items()}))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(outputs) == 1


@pytest.mark.parametrize("protocol", ["mcp", "cloudevents", "a2a"])
def test_real_schemas_are_read(protocol: str) -> None:
    if not DATA.exists():
        pytest.skip(f"there is no {DATA}")
    path = DATA / protocol / "schema.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    names = {definition_name(key) for key in schema.get("$defs", schema.get("definitions"))}
    definitions = read_bundle([path]).definitions
    assert names <= definitions.keys() <= names | {"Schema"}


@pytest.mark.parametrize("dialect", [DRAFT_06, DRAFT_07, DRAFT_2019_09, DRAFT_2020_12], ids=lambda each: each.name)
def test_each_dialect_is_read_by_any_spelling_of_its_name(bundled: Bundled, dialect: Any) -> None:
    plain = dialect.uri.removesuffix("#").partition("://")[2]
    for uri in (f"{scheme}://{plain}{fragment}" for scheme in ("http", "https") for fragment in ("", "#")):
        assert bundled({"a.schema.json": {"$schema": uri, "type": "null"}}) == {"A": {"type": "null"}}


@pytest.mark.parametrize(
    ("package", "name", "said"),
    [
        (
            "yaml",
            "a.schema.yaml",
            "a.schema.yaml: reading YAML needs PyYAML; install it: pip install 'miniagents[yaml]'",
        ),
        (
            "jsonschema",
            "a.schema.json",
            "reading schemas needs the package jsonschema; install it: pip install 'miniagents[codegen]'",
        ),
    ],
)
def test_what_is_not_installed_is_said_in_a_line(
    folder: Callable[[Files], Path], monkeypatch: pytest.MonkeyPatch, package: str, name: str, said: str
) -> None:
    path = folder({name: "true"})
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(GenerationError) as caught:
        read_bundle([path])
    assert str(caught.value).endswith(said)
    assert "\n" not in str(caught.value)
