"""What generated modules look like (G1), pinned."""

from collections.abc import Callable
from pathlib import Path

from syrupy.assertion import SnapshotAssertion

from miniagents.codegen import generate

Generated = Callable[..., str]
CLOSED: dict[str, object] = {"type": "object", "additionalProperties": False}


def test_g1_messages(generated: Generated, snapshot: SnapshotAssertion) -> None:
    definitions = {
        "weather_report": {
            **CLOSED,
            "description": "The weather in one place.\n\nSent by the weather agent.",
            "x-miniagents": {"base": "Message", "template": "{city}: {celsius} °C {{{wind-speed}}}"},
            "properties": {
                "city": {"description": "The place.", "type": "string", "minLength": 1},
                "celsius": {"description": "The temperature.", "type": "number", "exclusiveMinimum": -273.15},
                "wind-speed": {"description": "In metres per second.", "type": "integer", "minimum": 0},
            },
            "required": ["city", "celsius"],
        },
        "Forecast": {
            **CLOSED,
            "x-miniagents": {"base": "#/$defs/weather_report"},
            "properties": {"by": {"$ref": "miniagents:UserMessage"}, "day": {"type": "string", "format": "date"}},
        },
    }
    assert generated(definitions) == snapshot


def test_g1_forms(generated: Generated, snapshot: SnapshotAssertion) -> None:
    properties = {
        "text": {"type": "string"},
        "kind": {"description": "One kind.", "const": "a", "default": "a"},
        "size": {"enum": ["S", "it's", 3, None], "default": "S"},
        "nothing": {"type": "null"},
        "flag": {"type": ["boolean", "null"], "default": None},
        "absent_or_null": {"type": ["null", "string"]},
        "some": {"type": ["string", "integer"], "maxLength": 3, "minimum": 1},
        "names": {"type": "array", "items": {"type": "string"}, "maxItems": 3, "default": ["x"]},
        "scores": {"type": "object", "additionalProperties": {"type": "number"}, "default": {}},
        "code": {"type": "string", "pattern": r"^\d{3}$"},
        "nested": {"anyOf": [{"type": "array", "items": {"anyOf": [{"$ref": "#/$defs/Forms"}, {"type": "null"}]}}]},
        "inline": {**CLOSED, "description": "Here.", "properties": {"x": {"type": "integer", "multipleOf": 2}}},
        "many": {"type": "array", "items": {**CLOSED, "x-miniagents": {"positional": True}}},
        "class": {"type": "integer", "default": 1},
        "str": {"type": "string"},
        "renamed": {"type": "string", "x-miniagents": {"field": "other"}, "deprecated": True},
        "$map": {"type": "object", "additionalProperties": {"type": "null"}, "default": {}},
    }
    assert generated({"Forms": {**CLOSED, "properties": properties, "required": ["text", "kind"]}}) == snapshot


def test_g1_unions_and_recursion(generated: Generated, snapshot: SnapshotAssertion) -> None:
    definitions = {
        "Expression": {"description": "A term.", "oneOf": [{"$ref": "#/$defs/Sum"}, {"$ref": "#/$defs/Number"}]},
        "Sum": {
            **CLOSED,
            "properties": {"terms": {"type": "array", "items": {"$ref": "#/$defs/Expression"}}},
            "required": ["terms"],
        },
        "Number": {**CLOSED, "properties": {"value": {"type": "number"}}, "required": ["value"]},
        "Answer": {"anyOf": [{**CLOSED, "title": "Yes"}, {**CLOSED, "title": "No"}, {"type": ["null", "string"]}]},
        "Unit": {"enum": ["C", "F"]},
        "Maybe": {**CLOSED, "type": ["object", "null"]},
    }
    assert generated(definitions) == snapshot


def test_g1_several_files(schema_file: Callable[..., Path], tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    schema_file(
        {"description": "The first.", **CLOSED, "properties": {"b": {"$ref": "b.schema.json"}}}, "a.schema.json"
    )
    schema_file({"title": "Number two", "type": "integer"}, "b.schema.json")
    assert generate([tmp_path / "schemas"], tmp_path / "app" / "types.py") == snapshot
