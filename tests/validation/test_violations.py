"""What is said of values that do not fit: where, by which keyword, in which words."""

import doctest
import importlib
import pkgutil
from typing import Any, Final

import pytest

import miniagents.validation
from miniagents.validation import Validator

SHAPES: Final[dict[str, Any]] = {  # Any: schemas
    "Text": {
        "type": "object",
        "properties": {"type": {"const": "text"}, "text": {"type": "string", "maxLength": 3}},
        "required": ["type", "text"],
        "additionalProperties": False,
    },
    "Image": {
        "properties": {"type": {"const": "image"}, "size": {"type": "array", "items": {"type": "integer"}}},
        "required": ["type", "size"],
    },
    "Block": {"oneOf": [{"$ref": "#/$defs/Text"}, {"$ref": "#/$defs/Image"}]},
    "Blocks": {"type": "array", "items": {"$ref": "#/$defs/Block"}},
    "Untagged": {
        "anyOf": [
            {"type": "object", "properties": {"a": {"type": "object", "required": ["b"]}}, "required": ["a"]},
            {"type": "string"},
            {"type": "object", "properties": {"kind": {"const": 1}}},
            {"type": "array", "items": {"enum": ["x"]}},
        ]
    },
}


@pytest.mark.parametrize(
    ("name", "value", "path", "keyword", "message", "place"),
    [
        ("Text", 1, (), "type", "Expected object; got 1", "Text#"),
        ("Text", {"type": "text"}, (), "required", 'property "text" is missing', "Text#"),
        ("Text", {}, (), "required", 'properties "type" and "text" are missing', "Text#"),
        (
            "Text",
            {"type": "text", "text": "a", "y": 1},
            (),
            "additionalProperties",
            'unknown property "y"',
            "Text#",
        ),
        ("Block", {"type": "text", "text": 1}, ("text",), "type", "Expected string; got 1", "Text#/properties/text"),
        (
            "Blocks",
            [{"type": "image", "size": [1, 2.5]}],
            (0, "size", 1),
            "type",
            "Expected integer; got 2.5",
            "Image#/properties/size/items",
        ),
        ("Block", {"type": "txt"}, ("type",), "oneOf", 'Expected one of "text", "image"; got "txt"', "Block#"),
        ("Block", {"text": ""}, (), "oneOf", 'property "type" is missing', "Block#"),
        ("Block", {"type": "image"}, (), "required", 'property "size" is missing', "Image#"),
        (
            "Untagged",
            {"a": {}, "kind": 2},
            ("a",),
            "required",
            'property "b" is missing',
            "Untagged#/anyOf/0/properties/a",
        ),
        ("Untagged", 1, (), "anyOf", "Expected object, string or array; got 1", "Untagged#"),
        ("Untagged", [1], (0,), "enum", 'Expected "x"; got 1', "Untagged#/anyOf/3/items"),
    ],
)
def test_the_most_telling_violation_is_reported(
    name: str,
    value: Any,  # Any: any JSON
    path: tuple[str | int, ...],
    keyword: str,
    message: str,
    place: str,
) -> None:
    violation = Validator(SHAPES).violation(name, value)
    assert violation is not None
    assert (violation.path, violation.keyword, violation.message) == (path, keyword, message)
    assert f"{violation.definition}#{violation.pointer}" == place


WORDS: Final[list[tuple[Any, Any, str]]] = [  # Any: any JSON
    ({"enum": ["a", "b"]}, "c", 'Expected one of "a", "b"; got "c"'),
    ({"enum": list(range(20))}, "c", f'Expected one of {", ".join(map(str, range(12)))} and 8 more; got "c"'),
    ({"const": 1}, "x" * 99, f'Expected 1; got "{"x" * 60}…"'),
    ({"const": {"a": 1}}, {}, "Expected an object of 1 property given in the schema; got an empty object"),
    ({"type": ["string", "null"]}, [1, 2], "Expected string or null; got an array of 2 items"),
    ({"type": "string"}, True, "Expected string; got true"),
    ({"type": "string"}, None, "Expected string; got null"),
    ({"type": "string"}, 10**500, "Expected string; got an integer of 1661 bits"),
    ({"type": "integer"}, "\x1b[31m\n", 'Expected integer; got "\\u001b[31m\\n"'),
    ({"minimum": 1}, 0.5, "Expected a number of at least 1; got 0.5"),
    ({"maximum": 1}, 2, "Expected a number of at most 1; got 2"),
    ({"exclusiveMinimum": 1}, 1, "Expected a number above 1; got 1"),
    ({"exclusiveMaximum": 1}, 1, "Expected a number below 1; got 1"),
    ({"multipleOf": 0.1}, 0.25, "Expected a multiple of 0.1; got 0.25"),
    ({"minLength": 1}, "", "Expected at least 1 character; got 0"),
    ({"maxLength": 2}, "abc", "Expected at most 2 characters; got 3"),
    ({"pattern": "^a"}, "b", 'Expected a string that matches ^a; got "b"'),
    ({"format": "date", "x-miniagents-format": "checked"}, "b", 'Expected a date; got "b"'),
    ({"minItems": 2}, [1], "Expected at least 2 items; got 1"),
    ({"maxItems": 0}, [1], "Expected at most 0 items; got 1"),
    ({"uniqueItems": True}, [1, [2], [2.0]], "Expected different items; items 1 and 2 are equal"),
    ({"items": False, "prefixItems": [True]}, [1, 2], "Expected at most 1 item; got 2"),
    ({"contains": {"const": 1}}, [], 'Expected at least 1 item as "contains" says; got 0'),
    ({"contains": {"const": 1}, "maxContains": 1}, [1, 1], 'Expected at most 1 item as "contains" says; got 2'),
    ({"minProperties": 1}, {}, "Expected at least 1 property; got 0"),
    ({"maxProperties": 1}, {"a": 1, "b": 2}, "Expected at most 1 property; got 2"),
    ({"properties": {"a": False}}, {"a": 1}, 'property "a" is not allowed'),
    ({"additionalProperties": False}, {"a": 1, "b": 1}, 'unknown properties "a" and "b"'),
    ({"unevaluatedProperties": False}, {"a": 1}, 'unknown property "a"'),
    ({"unevaluatedItems": False}, [1], "item 0 is not allowed"),
    ({"propertyNames": {"maxLength": 1}}, {"ab": 1}, 'name of property "ab": Expected at most 1 character; got 2'),
    (
        {"dependentRequired": {"a": ["b"]}},
        {"a": 1},
        'property "b" is missing, which has to be there together with "a"',
    ),
    ({"not": {"type": "string"}}, "a", 'Expected anything but string; got "a"'),
    ({"not": {}}, 1, "Expected anything else; got 1"),
    ({"oneOf": [{}, False, {}]}, 1, "Expected a value for exactly one of the choices; it fits the first and third"),
    ({"oneOf": [{"const": "a"}, {"const": "b"}, {"type": "null"}]}, "c", 'Expected "a", "b" or null; got "c"'),
    (False, 1, "Expected nothing at all; got 1"),
]


@pytest.mark.parametrize(("schema", "value", "message"), WORDS)
def test_the_words(schema: Any, value: Any, message: str) -> None:  # Any: any JSON
    violation = Validator({"X": schema}).violation("X", value)
    assert violation is not None
    assert violation.message == message


@pytest.mark.parametrize(
    "name",
    [
        "miniagents.validation",
        *(f"miniagents.validation.{each.name}" for each in pkgutil.iter_modules(miniagents.validation.__path__)),
    ],
)
def test_the_examples_in_docstrings_are_true(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
