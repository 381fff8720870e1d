"""Generated modules at work.

They import, keep what they decode (M1, M5), accept what the schema accepts (G2), and please the checkers (G1).
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

import miniagents
import miniagents.messages
from miniagents.codegen import generate
from miniagents.codegen.library import FROZEN, JSON_VALUE, LIBRARY, RECORD

Imported = Callable[[object], ModuleType]
CLOSED: dict[str, object] = {"type": "object", "additionalProperties": False}
DEFINITIONS: dict[str, object] = {
    "Reading": {
        **CLOSED,
        "description": "What a sensor said.",
        "x-miniagents": {"base": "Message", "template": "{place-name}: {value} {unit} {{raw}} {by}{tags}"},
        "properties": {
            "place-name": {"description": "Where.", "type": "string", "minLength": 1},
            "value": {"description": "How much.", "type": ["number", "null"]},
            "unit": {"description": "Of what.", "enum": ["C", "F"], "default": "C"},
            "tags": {"description": "Words.", "type": "array", "items": {"type": "string"}, "default": []},
            "limits": {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}},
            "by": {"description": "Who.", "type": ["string", "null"]},
            "parts": {"type": "array", "items": {"$ref": "#/$defs/Part"}},
            "note": {"$ref": "miniagents:Message"},
        },
        "required": ["place-name", "value"],
    },
    "Part": {"anyOf": [{"$ref": "#/$defs/Reading"}, {"$ref": "#/$defs/Point"}, {"type": "integer"}]},
    "Point": {
        **CLOSED,
        "x-miniagents": {"positional": True},
        "properties": {"x": {"type": "integer"}, "y": {"type": "integer", "default": 0}},
        "required": ["x"],
    },
}


@pytest.fixture
def module(imported: Imported) -> ModuleType:
    return imported(DEFINITIONS)


@pytest.mark.parametrize(
    "text",
    [
        '{"@type":"Reading","place-name":"x","value":1}',
        '{"@type":"Reading","place-name":"x","value":1.0}',
        '{"@type":"Reading","place-name":"x","value":123456789012345678901234567890}',
        '{"@type":"Reading","text":"t","place-name":"x","value":null,"unit":"F","tags":["a"],"limits":{"a":1}}',
        '{"@type":"Reading","place-name":"x","value":null,"by":null}',
        '{"@type":"Reading","place-name":"x","value":null,"parts":[{"x":1},7]}',
        '{"@type":"Reading","place-name":"x","value":null,"parts":[{"@type":"Reading","place-name":"y","value":2}]}',
        '{"@type":"Reading","place-name":"x","value":null,"note":{"@type":"Message","text":"n"}}',
    ],
)
def test_m5_what_is_decoded_comes_back_byte_for_byte_and_is_frozen(module: ModuleType, text: str) -> None:
    value = module.decode(text, module.Reading)
    assert module.encode(value).decode() == text
    assert module.decode(text, module.AnyMessage) == value
    assert hash(value) == hash(module.decode(text, module.Reading))
    assert miniagents.decode(text, module.Reading) == value
    with pytest.raises(AttributeError):
        value.value = 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"place-name":"x"}', '$: property "value" is missing (required)'),
        ('{"place-name":"","value":1}', "$['place-name']: Expected at least 1 character; got 0 (minLength)"),
        ('{"place-name":"x","value":"1"}', '$.value: Expected number or null; got "1" (type)'),
        ('{"place-name":"x","value":1,"unit":"K"}', '$.unit: Expected one of "C", "F"; got "K" (enum)'),
        ('{"place-name":"x","value":1,"unit":null}', '$.unit: Expected one of "C", "F"; got null (enum)'),
        ('{"place-name":"x","value":1,"other":1}', '$: unknown property "other" (additionalProperties)'),
        (
            '{"place-name":"x","value":1,"limits":{"a":-1}}',
            "$.limits.a: Expected a number of at least 0; got -1 (minimum)",
        ),
        ('{"place-name":"x","value":1,"parts":[{"y":1}]}', "$.parts[0]"),
        ('{"place-name":"x","value":1,"parts":[{"place-name":"y","value":2}]}', "$.parts[0]"),
        ('{"place-name":"x","value":1,"parts":[{"@type":"Point","x":1}]}', "$.parts[0]: unknown property"),
        ('{"@type":"Point","place-name":"x","value":1}', "$['@type']"),
    ],
)
def test_g2_what_the_schema_does_not_accept_is_refused_with_its_path(module: ModuleType, text: str, said: str) -> None:
    with pytest.raises(miniagents.DecodeError) as caught:
        module.decode(text, module.Reading)
    assert said in str(caught.value)


def test_absent_is_not_null(module: ModuleType) -> None:
    assert module.Reading(place_name="x", value=1).by is msgspec.UNSET
    assert module.Reading(place_name="x", value=1, by=None).by is None


def test_m1_containers_given_to_a_constructor_are_frozen(module: ModuleType) -> None:
    reading = module.Reading(place_name="x", value=1, tags=["a"], limits={"a": 1})
    assert reading.tags == ("a",)
    assert hash(reading) == hash(module.Reading(place_name="x", value=1, tags=("a",), limits={"a": 1}))
    with pytest.raises(TypeError):
        reading.limits["b"] = 2


def test_positional_fields_are_taken_by_position_others_only_by_name(module: ModuleType) -> None:
    assert module.Point(1, 2) == module.Point(x=1, y=2)
    assert miniagents.Message("x").text == "x"
    with pytest.raises(TypeError):
        module.Reading("text", "x", 1)


def test_m6_a_template_is_filled_with_what_the_fields_hold(module: ModuleType) -> None:
    assert str(module.Reading(place_name="x", value=1.5, tags=["a"])) == 'x: 1.5 C {raw} ["a"]'
    assert str(module.Reading(place_name="{unit}", value=None, by="me", text=None)) == "{unit}:  C {raw} me[]"
    assert str(module.Reading("said", place_name="x", value=1)) == "said"
    assert issubclass(module.Reading, miniagents.Message)


def test_m6_a_message_without_text_and_template_is_json_in_a_fence(imported: Imported) -> None:
    module = imported({"T": {**CLOSED, "x-miniagents": {"base": "Message"}, "properties": {"a": {"type": "integer"}}}})
    assert str(module.T(a=1)) == '```json\n{\n  "@type": "T",\n  "a": 1\n}\n```'


THING = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
WHEN = {"type": "string", "format": "date", "x-miniagents-format": "typed"}
ANY_ARRAY = {"type": "array"}
ANY_MAP = {"type": "object", "maxProperties": 5}


@pytest.mark.parametrize(
    ("branches", "value"),
    [
        ([{"type": "array", "items": THING}, ANY_ARRAY], [{"a": 1}]),
        ([{"type": "array", "items": THING}, ANY_ARRAY], [{"a": 1}, 2]),
        ([{"type": "array", "items": WHEN}, ANY_ARRAY], ["2020-01-01"]),
        ([{"type": "array", "items": {"type": "array", "items": THING}}, ANY_ARRAY], [[{"a": 1}]]),
        ([{"type": "array", "items": {"enum": [1, 2]}, "uniqueItems": True}, ANY_ARRAY], [2, 1]),
        ([{**ANY_ARRAY, "minItems": 2}, {"type": "array", "items": THING}], [{"a": 1}]),
        ([{"type": "array", "prefixItems": [THING], "items": False, "minItems": 1}, ANY_ARRAY], [{"a": 1}]),
        ([{"type": "array", "prefixItems": [True, THING], "items": False, "minItems": 2}, ANY_ARRAY], [1, {"a": 1}]),
        ([{"type": "object", "additionalProperties": THING}, ANY_MAP], {"x": {"a": 1}}),
    ],
)
def test_m5_what_one_container_of_a_union_has_no_type_for_another_may(
    imported: Imported, branches: list[object], value: object
) -> None:
    module = imported({"T": {**CLOSED, "properties": {"b": {"anyOf": branches}}}})
    data = json.dumps({"b": value}, separators=(",", ":")).encode()
    read = module.decode(data, module.T)
    assert json.loads(module.encode(read)) == json.loads(data)
    assert module.decode(module.encode(read), module.T) == read


@pytest.mark.parametrize(
    ("named", "beside", "good", "bad"),
    [
        ({"type": "string"}, {"type": "string"}, [], ["x"]),
        ({"type": ["boolean", "null"]}, {"type": ["integer", "null"]}, [True, 1], [None]),
        ({"type": "integer"}, {"type": "number"}, [0.5], [1]),
        ({"type": "array", "items": {"type": "string"}}, {"type": "array", "items": {"type": "string"}}, [], [["a"]]),
        ({"type": "object", "additionalProperties": THING}, ANY_MAP, [{"x": 1}], [{"x": {"a": 1}}, {}]),
        ({"type": "string"}, {"type": "integer"}, ["x", 1], [None]),
    ],
)
def test_g2_one_of_refuses_what_fits_two_branches_by_whatever_name(
    imported: Imported, named: object, beside: object, good: list[object], bad: list[object]
) -> None:
    choice = {"oneOf": [beside, {"$ref": "#/$defs/Named"}]}
    module = imported({"Named": named, "T": {**CLOSED, "properties": {"b": choice}}})
    for value in good:
        assert json.loads(module.encode(module.decode(json.dumps({"b": value}), module.T))) == {"b": value}
    for value in bad:
        with pytest.raises(miniagents.DecodeError, match=r"^\$\.b"):
            module.decode(json.dumps({"b": value}), module.T)


def test_the_package_has_every_name_that_generated_modules_import() -> None:
    assert {*LIBRARY, FROZEN, RECORD, JSON_VALUE} <= set(miniagents.__all__)
    assert {"NO_EXTRAS", "Extras", "SchemaCodec", "SchemaName"} <= set(miniagents.messages.__all__)


def test_g1_generated_modules_are_clean_for_mypy_pyright_and_ruff(
    tmp_path: Path, schema_file: Callable[..., Path]
) -> None:
    path = tmp_path / "types_of_mine.py"
    text = generate([schema_file({"$defs": DEFINITIONS})], path)
    path.write_text(text, encoding="utf-8")
    root = Path(__file__).parents[2]
    config = ["--config-file", str(root / "pyproject.toml"), "--cache-dir", str(tmp_path / "cache")]
    # in a project of a user the module is part of a package, and the library is a third party's
    lint = ["--config", str(root / "pyproject.toml"), "--no-cache", "--ignore", "INP001"]
    lint += ["--config", 'lint.isort.known-third-party = ["miniagents"]']
    commands = [
        ["mypy", *config, str(path)],
        ["pyright", "--pythonpath", sys.executable, "--warnings", "--project", str(tmp_path)],
        ["ruff", "check", *lint, str(path)],
    ]
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict", "include": ["types_of_mine.py"]}')
    for command in commands:
        done = subprocess.run([sys.executable, "-m", *command], cwd=root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
