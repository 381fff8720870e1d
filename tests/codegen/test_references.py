"""References to schemas outside of the given files: the user says where they are, and nothing is fetched (G3, G5)."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from miniagents import DecodeError
from miniagents.codegen import GenerationError
from miniagents.codegen.commands.command_line import main
from miniagents.codegen.reading.bundle import Bundle, read_bundle
from miniagents.codegen.reading.dialects import DRAFT_04, DRAFT_07, DRAFT_2020_12
from miniagents.codegen.settings import Reading, Settings

Json = Any  # Any: any JSON
Write = Callable[..., Path]

URL: Final = "https://schemas.example.org"
COLOUR: Final = {"enum": ["red", "green"]}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file, and give its path."""

    def write(name: str, schema: Json) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(schema if isinstance(schema, str) else json.dumps(schema, indent=1), encoding="utf-8")
        return path

    return write


def read(path: Path, *references: tuple[str, Path], **choices: Json) -> Bundle:
    return read_bundle([path], settings=Settings(reading=Reading(references, **choices)))


def schemas(bundle: Bundle) -> dict[str, Json]:
    return {name: each.schema for name, each in bundle.definitions.items()}


def refused(path: Path, *references: tuple[str, Path], **choices: Json) -> list[str]:
    with pytest.raises(GenerationError) as caught:
        read(path, *references, **choices)
    return [f"{each.pointer}: {each.wrong}; {each.remedy}" for each in caught.value.problems]


# --- where schemas are ---


def test_g5_a_reference_leads_to_the_file_that_the_user_names(write: Write) -> None:
    path = write("main.json", {"$defs": {"Car": {"items": {"$ref": f"{URL}/colour.json?version=2#/$defs/Colour"}}}})
    colour = write("elsewhere/c.json", {"$defs": {"Colour": COLOUR, "Unused": {"type": "null"}}})
    bundle = read(path, (f"{URL}/colour.json?version=2", colour))
    assert schemas(bundle) == {"Car": {"items": {"$ref": "#/$defs/Colour"}}, "Colour": COLOUR}
    assert bundle.files == (colour, path)
    (wrong,) = refused(path, (f"{URL}/colour.json", colour))
    assert f"--ref {URL}/colour.json?version=2=FILE" in wrong


def test_g5_schemas_in_a_folder_are_found_by_their_identity(write: Write) -> None:
    path = write("main.json", {"$id": f"{URL}/main", "items": {"$ref": "colour?v=2"}})
    folder = write("all/a.json", {"$id": f"{URL}/colour?v=2", **COLOUR}).parent
    write("all/deep/b.json", {"$schema": DRAFT_04.uri, "id": f"{URL}/old#", "type": "null"})
    write("all/no-schema.json", "[not JSON")
    write("all/list.json", [1])
    assert schemas(read(path, ("", folder)))["Main"] == {"items": {"$ref": "#/$defs/A"}}
    old = write("old.json", {"properties": {"a": {"$ref": f"{URL}/old"}, "b": {"$ref": f"{URL}/old#"}}})
    assert schemas(read(old, ("", folder)))["B"] == {"type": "null"}


def test_g2_two_files_for_one_reference_are_refused(write: Write) -> None:
    path = write("main.json", {"items": {"$ref": f"{URL}/colour"}})
    folder = write("all/a.json", {"$id": f"{URL}/colour", **COLOUR}).parent
    write("all/b.json", {"$id": f"{URL}/colour", **COLOUR})
    write("all/c.json", {"$id": f"{URL}/other"})
    assert schemas(read(path, ("", folder)))["A"] == COLOUR
    write("all/d.json", {"$id": f"{URL}/other", **COLOUR})
    assert read(path, ("", folder)).definitions
    write("all/b.json", {"$id": f"{URL}/colour", "type": "null"})
    (wrong,) = refused(path, ("", folder))
    assert f"{URL}/colour is also {folder.as_posix()}/a.json" in wrong


def test_g5_a_folder_has_a_url(write: Write) -> None:
    path = write(
        "main.json", {"properties": {"a": {"$ref": f"{URL}/v1/a%20b.json"}, "b": {"$ref": f"{URL}/v1/b.json"}}}
    )
    write("all/a b.json", {"$ref": "in/c.json"})
    write("all/b.json", COLOUR)
    write("all/in/c.json", {"items": {"$ref": "../b.json"}})
    found = schemas(read(path, (f"{URL}/v1/", path.parent / "all")))
    assert found["C"] == {"items": {"$ref": "#/$defs/B"}}


def test_g5_given_files_have_a_base_url(write: Write) -> None:
    path = write("a.schema.json", {"items": {"$ref": f"{URL}/b.schema.json"}})
    write("in/b.schema.json", {"type": "null"})
    write("b.schema.json", {"$ref": f"{URL}/in/b.schema.json#"})
    found = read(path.parent, base_url=f"{URL}/")
    assert schemas(found)["A"] == {"items": {"$ref": "#/$defs/B"}}
    assert sum("nothing is fetched" in each for each in refused(path.parent)) == 2


def test_g5_mapping_files_say_where_schemas_are(write: Write) -> None:
    path = write("main.json", {"items": {"$ref": f"{URL}/c#/$defs/C"}})
    write("maps/c.json", {"$defs": {"C": COLOUR}})
    mapping = write("maps/all.json", {f"{URL}/c": "c.json"})
    assert schemas(read(path, reference_maps=(mapping,)))["C"] == COLOUR
    mistakes: list[Json] = [[], {f"{URL}/c": 1}, {f"{URL}/c": "nowhere.json"}, "{"]
    for wrong in mistakes:
        write("maps/all.json", wrong)
        assert refused(path, reference_maps=(mapping,))


def test_g5_files_may_refer_to_each_other_in_circles(write: Write) -> None:
    path = write("tree.json", {"properties": {"below": {"$ref": f"{URL}/list"}}})
    write("list.json", {"$id": f"{URL}/list", "items": {"$ref": f"{URL}/tree"}})
    bundle = read(path, (f"{URL}/tree", path), ("", path.parent / "list.json"))
    assert schemas(bundle) == {
        "Tree": {"properties": {"below": {"$ref": "#/$defs/List"}}},
        "List": {"items": {"$ref": "#/$defs/Tree"}},
    }
    write("list.json", {"$id": f"{URL}/list", "$ref": f"{URL}/tree"})
    write("tree.json", {"allOf": [{"$ref": f"{URL}/list"}]})
    assert (
        "refers to itself without end: List -> Tree -> List"
        in refused(path, (f"{URL}/tree", path), ("", path.parent / "list.json"))[0]
    )


def test_what_is_wrong_in_a_referenced_file_matters_only_where_a_reference_leads(write: Write) -> None:
    path = write("main.json", {"items": {"$ref": f"{URL}/c#/$defs/C"}})
    parts = {"C": COLOUR, "Wrong": {"type": "strin"}, "Lost": {"$ref": "nowhere.json"}}
    other = write("c.json", {"$defs": parts})
    assert read(path, (f"{URL}/c", other)).definitions.keys() == {"Main", "C"}
    write("main.json", {"items": {"$ref": f"{URL}/c#/$defs/Lost"}, "not": {"$ref": f"{URL}/c#/$defs/Wrong"}})
    assert len(refused(path, (f"{URL}/c", other))) == 2


def test_g3_all_missing_files_are_told_once_with_the_option(write: Write) -> None:
    references = [f"{URL}/a.json", f"{URL}/a.json#/$defs/A", "b.json", "a.json", "urn:c"]
    path = write("m.json", {"$id": f"{URL}/m", "$defs": {f"R{n}": {"$ref": each} for n, each in enumerate(references)}})
    nowhere = "is none of the given files, and nothing is fetched"
    remedy = "give that file too, or say where it is: --ref"
    assert refused(path) == [
        f"#/$defs/R0/$ref: {URL}/a.json {nowhere} (3 references); {remedy} {URL}/a.json=FILE",
        f"#/$defs/R2/$ref: b.json {nowhere}; {remedy} {URL}/b.json=FILE",
        f"#/$defs/R4/$ref: urn:c {nowhere}; {remedy} urn:c=FILE",
    ]


def test_identities_of_draft_04_may_repeat_unless_a_reference_means_them(write: Write) -> None:
    twice = {"a": {"id": f"{URL}/x", "type": "null"}, "b": {"id": f"{URL}/x", "type": "string"}}
    path = write("old.json", {"$schema": DRAFT_04.uri, "properties": twice})
    assert read(path).definitions
    write("old.json", {"$schema": DRAFT_04.uri, "properties": {**twice, "c": {"$ref": f"{URL}/x"}}})
    (wrong,) = refused(path)
    assert f"{URL}/x is also {path.as_posix()} #/properties/a" in wrong
    pointers = {name: {"$id": "#/properties/a", "items": {"$ref": "#/definitions/A"}} for name in "ab"}
    made = {"$schema": DRAFT_07.uri, "properties": {**pointers, "c": {"$id": "#/c"}}, "definitions": {"A": COLOUR}}
    assert schemas(read(write("made.json", made)))["A"] == COLOUR


# --- meta-schemas ---


@pytest.mark.parametrize(
    ("uri", "judge"),
    [
        ("http://json-schema.org/draft-07/schema#", Draft7Validator),
        ("https://json-schema.org/draft-07/schema", Draft7Validator),
        ("https://json-schema.org/draft/2020-12/schema", Draft202012Validator),
    ],
)
def test_g5_meta_schemas_are_built_in(write: Write, tmp_path: Path, uri: str, judge: Json) -> None:
    path = write("tool.json", {"$defs": {"Tool": {"properties": {"schema": {"$ref": uri}}, "type": "object"}}})
    assert main(["generate", str(path), "--output", str(tmp_path / "tool.py")]) == 0
    module = sys.modules["tool_of_schemas"] = ModuleType("tool_of_schemas")
    exec(compile((tmp_path / "tool.py").read_text(encoding="utf-8"), "tool.py", "exec"), vars(module))
    meta = judge(judge.META_SCHEMA)
    inner: list[Json] = [{"minLength": -1}, {"allOf": []}, {"type": "null"}]
    for schema in (True, {}, {"type": "strin"}, *({"items": each} for each in inner)):
        try:
            module.decode(json.dumps({"schema": schema}), module.Tool)
            is_valid = True
        except DecodeError:
            is_valid = False
        assert is_valid == meta.is_valid(schema), schema


def test_g5_a_dialect_of_others_is_read_as_the_one_it_is_built_on(write: Write) -> None:
    limit = {"minimum": 1, "exclusiveMinimum": True}
    path = write("a.json", {"$schema": f"{URL}/strict", "properties": {"a": limit}})
    meta = write("strict.json", {"$schema": f"{URL}/strict", "allOf": [{"$ref": f"{URL}/base"}]})
    base = write("base.json", {"$id": f"{URL}/base", "$schema": DRAFT_04.uri})
    bundle = read(path, (f"{URL}/strict", meta), ("", base))
    assert schemas(bundle)["A"] == {"properties": {"a": {"exclusiveMinimum": 1}}}
    assert [each.wrong for each in bundle.warnings] == [f"{URL}/strict is read as draft-04"]
    assert f"--ref {URL}/strict=FILE" in refused(path, strict_keywords=True)[0]
    (doubt,) = read(path).warnings
    assert doubt.wrong == f"{URL}/strict is not known, and the file is read as draft-04, by the keywords it uses"
    assert f"--ref {URL}/strict=FILE" in doubt.remedy
    write("a.json", {"$schema": "https://json.schemastore.org/metaschema-draft-07-unofficial-strict.json", "if": True})
    assert [DRAFT_07.name in each.wrong for each in read(path).warnings] == [True]


@pytest.mark.parametrize(
    ("vocabularies", "expected"),
    [
        (["core", "applicator", "validation"], {"items": {"format": "date", "minLength": 1}, "maxItems": 2}),
        (["core", "applicator"], {"items": {"format": "date"}}),
        (["core", "validation"], {"maxItems": 2}),
        (
            ["core", "applicator", "format-assertion"],
            {"items": {"format": "date", "x-miniagents-format": "checked"}},
        ),
    ],
)
def test_g5_a_dialect_of_others_has_the_vocabularies_that_it_names(
    write: Write, vocabularies: list[str], expected: Json
) -> None:
    """As the standard says; the keywords of the others are notes, and each is warned of."""
    path = write("a.json", {"$schema": f"{URL}/own", "items": {"format": "date", "minLength": 1}, "maxItems": 2})
    named = {f"https://json-schema.org/draft/2020-12/vocab/{each}": True for each in vocabularies}
    meta = write("own.json", {"$id": f"{URL}/own", "$schema": DRAFT_2020_12.uri, "$vocabulary": named})
    bundle = read(path, ("", meta))
    assert schemas(bundle)["A"] == expected
    ignored = {each.keyword for each in bundle.warnings if "does not name its vocabulary" in each.wrong}
    assert ignored & {"items", "maxItems"} == {"items", "maxItems"} - expected.keys()
    assert ("minLength" in ignored) == ("items" in expected and "minLength" not in expected["items"])


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"minimum": 1, "exclusiveMinimum": True}, {"exclusiveMinimum": 1}),
        ({"id": "#a", "items": {"$ref": "#a", "type": "null"}}, {"items": {"$ref": "#/$defs/A"}}),
        ({"not": {"$ref": "#b"}, "definitions": {"b": {"id": "#b"}}}, {"not": {"$ref": "#/$defs/B"}}),
        ({"definitions": {}, "items": [True]}, {"prefixItems": [True]}),
        (
            {"items": [True], "dependentRequired": {"a": ["b"]}},
            {"prefixItems": [True], "dependentRequired": {"a": ["b"]}},
        ),
        ({"items": True, "minContains": 1}, {"items": True, "minContains": 1}),
        ({"dependencies": {"a": ["b"]}}, {"dependentRequired": {"a": ["b"]}}),
        ({"id": "a", "const": 1}, {"const": 1}),
    ],
)
def test_g5_a_file_without_a_dialect_has_the_one_that_it_uses(write: Write, schema: Json, expected: Json) -> None:
    assert schemas(read(write("a.json", schema)))["A"] == expected


# --- the command line ---


def test_the_options_stand_in_the_header_and_generate_the_same(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write("in/main.json", {"$defs": {"A": {"type": "array", "items": {"$ref": f"{URL}/c.json"}, "itms": 1}}})
    write("in/c.json", COLOUR)
    assert main(["generate", "in/main.json", "--output", "out.py"]) == 2
    assert f"--ref {URL}/c.json=FILE" in capsys.readouterr().err
    arguments = ["generate", "in/main.json", "--output", "out.py", "--ref", f"{URL}/c.json=in/c.json"]
    assert main(arguments) == 0
    said = capsys.readouterr().err
    assert said == (
        "warning: in/main.json:8: #/$defs/A/itms: itms: unknown keyword; "
        'did you mean "items"? (--ignore-keyword itms accepts it)\n'
    )
    text = (tmp_path / "out.py").read_text(encoding="utf-8")
    (command,) = [line for line in text.replace("\\\n#", "").splitlines() if " generate " in line]
    assert command.split()[4:] == [*arguments[:-2], f"--ref={URL}/c.json=in/c.json"]
    assert main([*command.split()[4:], "--check"]) == 0
    assert main([*arguments, "--strict-keywords"]) == 2
    assert main([*arguments, "--strict-keywords", "--ignore-keyword", "itms"]) == 0
    assert main(["lint", "in/main.json", f"--ref={URL}/c.json=in/c.json", "--level", "basic"]) == 0
    both = ["in/main.json", "in/main.json"]
    assert main(["diff", *both, f"--ref={URL}/c.json=in/c.json"]) == 0


@pytest.mark.parametrize("option", ["--base", "--base-url"])
def test_the_base_is_a_class_or_a_url(write: Write, tmp_path: Path, option: str) -> None:
    write("a.schema.json", {"$defs": {"A": {"type": "array", "items": {"$ref": f"{URL}/b.schema.json"}}}})
    write("b.schema.json", COLOUR)
    output = str(tmp_path / "out.py")
    assert main(["generate", str(tmp_path), "--output", output, option, f"{URL}/"]) == 0
    assert main(["generate", str(tmp_path), "--output", output, "--base", "Recrod"]) == 2
