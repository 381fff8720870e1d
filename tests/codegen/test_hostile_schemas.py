"""Schemas are untrusted (G3): whatever they say becomes data or is refused, never code, a hang or a crash."""

import ast
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, strategies as st

from miniagents import DecodeError
from miniagents.codegen import GenerationError, generate
from miniagents.codegen.reading.bundle import read_bundle
from miniagents.codegen.shaping.modules import module_of
from miniagents.codegen.shaping.shapes import DEEPEST
from miniagents.codegen.writing.emitter import emit
from tests.effort import examples

HOSTILE = [
    '"""\nimport os\nos.abort()\n"""',
    "'''\nraise SystemExit\n'''",
    "\\",
    '\\"\\"\\"',
    "x\n\nraise SystemExit",
    "{__class__.__mro__}",
    "# type: ignore\r\nraise SystemExit",
    "\u2028raise SystemExit",
    "\x00\x1b[31m\u202e",
    "__init_subclass__",
    "__post_init__",
    "hash_key",
    "extra_properties",
    "None",
    "lambda",
    "msgspec",
    'a"',
]


def branch(name: str, value: str) -> dict[str, object]:
    """Give an object that is told from others by a property of that name, or of a tame one where msgspec needs it."""
    name = name if re.search(r'["\\\x00-\x1f]', name) is None else "tag"
    return {"type": "object", "properties": {name: {"const": value}}, "required": [name], "additionalProperties": False}


@pytest.mark.parametrize("text", HOSTILE)
def test_g3_texts_come_out_as_the_data_they_are(imported: Callable[[object], ModuleType], text: str) -> None:
    template = text.replace("{", "{{").replace("}", "}}")
    # no field can have such a name: see the next test
    name = text if re.search(r'["\\\x00-\x1f]', text) is None else "name"
    module = imported(
        {
            "T": {
                "title": text,
                "description": text,
                "type": "object",
                "x-miniagents": {"base": "Message", "template": template},
                "properties": {
                    name: {"description": text, "type": "string", "default": text},
                    "choice": {"enum": [text, 1], "default": text},
                    "list": {"type": "array", "items": {"type": "string"}, "default": [text]},
                },
                "additionalProperties": False,
            },
            "Alias": {"description": text, "const": text},
            "Open": {
                "type": "object",
                "properties": {name: {"default": text, "examples": [text], "format": text, "type": "string"}},
                "patternProperties": {f"^{re.escape(text)}$": {"type": "string"}, "^y": {"pattern": re.escape(text)}},
            },
            "One": branch(text, text),
            "Two": branch(text, f"{text}2"),
            "Both": {"oneOf": [{"$ref": "#/$defs/One"}, {"$ref": "#/$defs/Two"}]},
            text: {"type": "array", "items": {"type": "object", "title": text, "properties": {"x": {"const": text}}}},
        }
    )
    opened = module.decode(json.dumps({name: "a", "z": 1}), module.Open)
    assert json.loads(module.encode(opened)) == {name: "a", "z": 1}
    tagged = {"tag" if name == "name" else name: f"{text}2"}
    assert json.loads(module.encode(module.decode(json.dumps(tagged), module.Both))) == tagged
    message = module.T()
    assert str(message) == text
    assert message.choice == text
    assert message.list == (text,)
    names = {each.encode_name: each.name for each in msgspec.structs.fields(module.T)}
    assert getattr(message, names[name]) == text
    assert "".join(text.split()) in "".join(module.T.__doc__.split())


@pytest.mark.parametrize("name", ['a"', "\\", "\n", "\x00", '"""', "'\\''", "@extra"])
@pytest.mark.parametrize("is_closed", [True, False])
def test_g3_names_that_no_field_can_have_stand_among_the_extras(
    imported: Callable[[object], ModuleType], name: str, *, is_closed: bool
) -> None:
    odd = {"type": "integer", "minimum": 1}
    thing = {"type": "object", "properties": {name: odd, "b": {"type": "string"}}, "required": [name]}
    module = imported({"T": {**thing, "additionalProperties": False} if is_closed else thing})
    read = module.decode(json.dumps({name: 1, "b": "x"}), module.T)
    assert read.b == "x"
    assert read.extra_properties == {name: 1}
    assert json.loads(module.encode(read)) == {name: 1, "b": "x"}
    assert module.decode(module.encode(read), module.T) == read
    assert hash(read) == hash(module.T(b="x", extra_properties={name: 1}))
    for bad in ({name: 0}, {name: "1"}, {"b": "x"}, {name: 1, "b": 1}):
        with pytest.raises(DecodeError):
            module.decode(json.dumps(bad), module.T)
    if is_closed:
        with pytest.raises(DecodeError):
            module.decode(json.dumps({name: 1, "other": 1}), module.T)


@pytest.mark.parametrize("name", ['a"', "\\", "\n", "\x00"])
def test_g3_names_that_no_field_can_have_are_refused_in_messages(
    refusals: Callable[[object], list[str]], name: str
) -> None:
    thing = {
        "type": "object",
        "x-miniagents": {"base": "Message"},
        "properties": {name: {"type": "null"}},
        "additionalProperties": False,
    }
    assert "no field of a message can have a name with quotes" in refusals({"T": thing})[0]


def nodes(text: str) -> Iterator[str]:
    """Give the kinds of syntax that a generated module is made of."""
    return (type(node).__name__ for node in ast.walk(ast.parse(text)))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(HOSTILE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(HOSTILE), inner, max_size=3),
    max_leaves=4,
)
KEYWORDS = st.sampled_from(
    [
        *("type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf", "oneOf", "$ref"),
        *("default", "description", "title", "minimum", "maxLength", "pattern", "minItems", "x-miniagents", "format"),
        *("name", "base", "template", "positional", "field", "$defs", "$id", "$schema", "multipleOf", "not", "allOf"),
    ]
)
VALUES = st.sampled_from(
    [
        *("object", "string", "array", "integer", "null", "#/$defs/A", "#/$defs/B", "#", "Message", "{a}", "^a$", "A"),
        *("miniagents:Message", 0, 1, False, True, ["string", "null"], ["a", None]),
    ]
)
SCHEMAS = st.recursive(
    VALUES | JSON,
    lambda inner: (
        st.dictionaries(KEYWORDS | st.sampled_from(["a", "b", *HOSTILE]), inner, max_size=5)
        | st.lists(inner, max_size=3)
    ),
    max_leaves=20,
)


@examples(300, unhealthy=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(["A", "B", *HOSTILE]), SCHEMAS, max_size=3) | SCHEMAS)
def test_g3_any_json_gives_plain_declarations_or_a_refusal(tmp_path: Path, definitions: object) -> None:
    path = tmp_path / "any.schema.json"
    path.write_text(json.dumps({"$defs": definitions}), encoding="utf-8")
    try:
        text = emit(module_of(read_bundle([path])), sources=["any.schema.json"], command="command")
    except GenerationError as error:
        text = ""
        unprintable = [problem for problem in error.problems if not str(problem).isprintable()]
    else:
        unprintable = []
    assert not unprintable
    assert not {"FunctionDef", "Lambda", "Try", "For", "While", "Delete", "Raise", "If"} & set(nodes(text))


def test_g3_deep_schemas_are_taken_or_refused_but_never_crash(tmp_path: Path) -> None:
    path = tmp_path / "deep.schema.json"
    for depth in (20, 60, 125, 500, 10_000):
        inner = '{"type":"array","items":' * depth + '{"type":"null"}' + "}" * depth
        path.write_text('{"$defs":{"A":' + inner + "}}", encoding="utf-8")
        if depth <= 125:
            text = generate([path], tmp_path / "out.py")
            assert text.count("tuple[") == min(depth, DEEPEST + 1)  # what is deeper is checked only
            module: dict[str, Any] = {"__name__": __name__}  # Any: whatever a module holds
            exec(text, module)
            decode = module["decode"]
            decode("[" * depth + "]" * depth, module["A"])
            with pytest.raises(DecodeError):
                decode("[" * depth + "1" + "]" * depth, module["A"])
        else:
            with pytest.raises(GenerationError, match="nested deeper than"):
                generate([path], tmp_path / "out.py")


def test_g3_unions_that_hold_together_do_not_multiply_without_end(imported: Callable[[object], ModuleType]) -> None:
    """Ten to the eighth combinations: what they come to is left to the schema."""
    unions = [
        {"anyOf": [{"type": "object", "properties": {f"x{union}_{branch}": {"type": "null"}}} for branch in range(10)]}
        for union in range(8)
    ]
    module = imported({"A": {"allOf": unions}})
    assert module.encode(module.decode('{"x0_0": null}', module.A)) == b'{"x0_0":null}'
    with pytest.raises(DecodeError):
        module.decode(json.dumps({f"x0_{branch}": 1 for branch in range(10)}), module.A)


def test_g3_megabytes_of_values_are_no_danger(tmp_path: Path) -> None:
    path = tmp_path / "large.schema.json"
    values = [f"value number {index}" for index in range(50_000)]
    path.write_text(json.dumps({"$defs": {"A": {"enum": values}}}), encoding="utf-8")
    assert generate([path], tmp_path / "out.py").count("value number ") == 2 * len(values)


def test_a_folder_of_600_types_is_generated_in_time(tmp_path: Path) -> None:
    member = {"type": "array", "items": {"$ref": "#/$defs/T1"}}
    thing = {"type": "object", "properties": {"a": member, "b": {"type": "string"}}, "additionalProperties": False}
    path = tmp_path / "many.schema.json"
    path.write_text(json.dumps({"$defs": {f"T{index}": thing for index in range(600)}}), encoding="utf-8")
    assert generate([path], tmp_path / "out.py").count("\nclass ") == 600
