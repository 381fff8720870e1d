"""G4: `lint`, rule by rule: a schema that breaks it, where, and one that keeps it; and how rules are switched off."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import pytest

from miniagents.codegen.documents import JsonValue
from miniagents.codegen.linting.linter import IGNORE, IGNORE_RULES, LEVELS, RULES, Level, lint
from miniagents.codegen.reading.bundle import read_bundle

Schema = dict[str, JsonValue]
SchemaFile = Callable[..., Path]

STRING: Final[JsonValue] = {"type": "string"}
TAGGED: Final[list[JsonValue]] = [
    {"type": "object", "properties": {"kind": {"const": kind}}, "required": ["kind"], "additionalProperties": False}
    for kind in "ab"
]


def closed(properties: Mapping[str, JsonValue], **others: JsonValue) -> Schema:
    return {"type": "object", "properties": {**properties}, "additionalProperties": False, **others}


def open_(name: str) -> JsonValue:
    return {"type": "object", "properties": {name: STRING}, "required": [name], "additionalProperties": True}


BREAKS: Final[list[tuple[str, str, Schema, Schema]]] = [
    # rule, where it is broken in T, what breaks it, what keeps it
    ("default-refused", "/default", {"type": "string", "default": 1}, {"type": "string", "default": "a"}),
    (
        "default-refused",
        "/properties/a/default",
        closed({"a": {"$ref": "#/$defs/Other", "default": 1}}),
        closed({"a": {"$ref": "#/$defs/Other", "default": "a"}}),
    ),
    ("example-refused", "/examples/1", {"type": "string", "examples": ["a", 1]}, {"type": "string", "examples": ["a"]}),
    ("enum-value-idle", "/enum/1", {"enum": ["a", "a"]}, {"enum": ["a", "b"]}),
    ("enum-value-idle", "/enum/1", {"type": "string", "enum": ["a", 1]}, {"type": "string", "enum": ["a", "b"]}),
    ("enum-value-idle", "/const", {"type": "string", "const": 1}, {"type": "string", "const": "a"}),
    ("keyword-idle", "/maxLength", {"type": "integer", "maxLength": 3}, {"type": "string", "maxLength": 3}),
    (
        "keyword-idle",
        "/minimum",
        {"type": ["string", "null"], "minimum": 3},
        {"type": ["number", "null"], "minimum": 3},
    ),
    (
        "keyword-idle",
        "/minContains",
        {"type": "string", "minContains": 1},
        {"type": "array", "contains": STRING, "minContains": 1},
    ),
    (
        "keyword-idle",
        "/maxContains",
        {"type": "string", "maxContains": 1},
        {"type": "array", "contains": STRING, "maxContains": 1},
    ),
    (
        "keyword-idle",
        "/contentEncoding",
        {"type": "integer", "contentEncoding": "base64"},
        {"type": "string", "contentEncoding": "base64"},
    ),
    (
        "keyword-idle",
        "/contentMediaType",
        {"type": "integer", "contentMediaType": "text/html"},
        {"type": "string", "contentMediaType": "text/html"},
    ),
    (
        "keyword-idle",
        "/contentSchema",
        {"type": "integer", "contentSchema": True},
        {"type": "string", "contentSchema": True},
    ),
    ("keyword-idle", "/required", {"enum": ["a", "b"], "required": ["a"]}, {"enum": ["a", "b"]}),
    (
        "limits-crossed",
        "/minimum",
        {"type": "number", "minimum": 2, "maximum": 1},
        {"type": "number", "minimum": 1, "maximum": 1},
    ),
    (
        "limits-crossed",
        "/exclusiveMinimum",
        {"type": "number", "exclusiveMinimum": 1, "maximum": 1},
        {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
    ),
    (
        "limits-crossed",
        "/minLength",
        {"type": "string", "minLength": 2, "maxLength": 1},
        {"type": "string", "minLength": 1, "maxLength": 1},
    ),
    (
        "limits-crossed",
        "/minItems",
        {"type": "array", "items": True, "minItems": 2, "maxItems": 1},
        {"type": "array", "items": True, "minItems": 1, "maxItems": 1},
    ),
    (
        "limits-crossed",
        "/minProperties",
        {"type": "object", "minProperties": 2, "maxProperties": 1},
        {"type": "object", "minProperties": 1, "maxProperties": 1},
    ),
    (
        "limits-crossed",
        "/maxContains",
        {"type": "array", "items": True, "contains": STRING, "minContains": 3, "maxContains": 2},
        {"type": "array", "items": True, "contains": STRING, "minContains": 2, "maxContains": 2},
    ),
    (
        "limits-crossed",
        "/maxContains",
        {"type": "array", "items": True, "contains": STRING, "maxContains": 0},
        {"type": "array", "items": True, "contains": STRING, "minContains": 0, "maxContains": 0},
    ),
    (
        "required-undeclared",
        "/required/0",
        closed({"a": STRING}, required=["b"]),
        closed({"a": STRING}, required=["a"]),
    ),
    (
        "required-undeclared",
        "/required/0",
        {"allOf": [{"$ref": "#/$defs/Base"}], "type": "object", "required": ["no"]},
        {"allOf": [{"$ref": "#/$defs/Base"}], "type": "object", "required": ["id"]},
    ),
    ("type-missing", "", {"minLength": 1}, {"type": "string", "minLength": 1}),
    ("type-missing", "", {"properties": {"a": STRING}, "additionalProperties": False}, closed({"a": STRING})),
    ("closed-unsaid", "", {"type": "object", "properties": {"a": STRING}}, closed({"a": STRING})),
    (
        "closed-unsaid",
        "/properties/b",
        closed({"b": {"type": "object", "properties": {"a": STRING}}}),
        closed({"b": {"type": "object", "properties": {"a": STRING}, "additionalProperties": True}}),
    ),
    (
        "default-required",
        "/properties/a/default",
        closed({"a": {"type": "string", "default": "x"}}, required=["a"]),
        closed({"a": {"type": "string", "default": "x"}}),
    ),
    (
        "deprecated-silent",
        "/deprecated",
        {"type": "string", "deprecated": True},
        {"type": "string", "deprecated": True, "description": "Use x."},
    ),
    ("enum-mixed", "/enum", {"enum": ["a", 1]}, {"enum": ["a", None]}),
    ("enum-single", "/enum", {"enum": ["a"]}, {"const": "a"}),
    ("enum-style", "/enum", {"enum": ["inProgress", "not_begun"]}, {"enum": ["in_progress", "not_begun", "done"]}),
    ("enum-style", "/enum", {"enum": ["open", "CLOSED"]}, {"enum": ["OPEN", "CLOSED"]}),
    ("format-unknown", "/format", {"type": "string", "format": "datetime"}, {"type": "string", "format": "date-time"}),
    ("integer-unsafe", "/maximum", {"type": "integer", "maximum": 2**53}, {"type": "integer", "maximum": 2**53 - 1}),
    ("integer-unsafe", "/enum/1", {"enum": [1, 2**60]}, {"enum": [1, 2]}),
    ("integer-unsafe", "/multipleOf", {"type": "integer", "multipleOf": 2**60}, {"type": "integer", "multipleOf": 2}),
    ("items-missing", "/type", {"type": "array"}, {"type": "array", "items": STRING}),
    ("items-missing", "/type", {"type": "array"}, {"type": "array", "unevaluatedItems": STRING}),
    (
        "property-style",
        "/properties/zipCode",
        closed({"zipCode": STRING, "first_name": STRING, "last_name": STRING}),
        closed({"zip_code": STRING, "first_name": STRING, "city": STRING, "_meta": STRING}),
    ),
    ("property-untyped", "/properties/a", closed({"a": {"description": "Any."}}), closed({"a": STRING})),
    ("property-untyped", "/items", {"type": "array", "items": {}}, {"type": "array", "items": STRING}),
    ("type-description", "", {"type": "string", "description": " "}, {"type": "string", "description": "A text."}),
    (
        "union-ambiguous",
        "/anyOf",
        {"anyOf": [open_("a"), open_("b")]},
        {"anyOf": TAGGED},
    ),
    (
        "union-ambiguous",
        "/oneOf",
        {"oneOf": [{"type": "integer"}, {"type": "number"}]},
        {"oneOf": [{"type": "integer"}, STRING]},
    ),
    (
        "union-ambiguous",
        "/anyOf",
        {"anyOf": [{"$ref": "#/$defs/Other"}, {"type": ["string", "null"]}]},
        {"anyOf": [{"$ref": "#/$defs/Other"}, {"type": "null"}]},
    ),
    ("enum-zero", "/enum", {"enum": ["a", "b"]}, {"enum": ["STATE_UNKNOWN", "STATE_A"]}),
    ("integer-unbounded", "/type", {"type": "integer", "minimum": 0}, {"type": "integer", "minimum": 0, "maximum": 9}),
    (
        "nullable-optional",
        "/properties/a",
        closed({"a": {"type": ["string", "null"]}}),
        closed({"a": {"type": ["string", "null"]}}, required=["a"]),
    ),
    ("nullable-optional", "/properties/a", closed({"a": {"anyOf": [STRING, {"type": "null"}]}}), closed({"a": STRING})),
    (
        "object-repeated",
        "/properties/b",
        closed({"a": closed({"x": STRING}), "b": closed({"x": STRING})}),
        closed({"a": closed({"x": STRING}), "b": closed({"y": STRING})}),
    ),
    ("pattern-open", "/pattern", {"type": "string", "pattern": "[a-z]+"}, {"type": "string", "pattern": "^[a-z]+$"}),
    ("pattern-open", "/pattern", {"type": "string", "pattern": "^a|b$"}, {"type": "string", "pattern": "^(a|b)$"}),
    ("pattern-slow", "/pattern", {"type": "string", "pattern": "^(a+)+$"}, {"type": "string", "pattern": "^a+$"}),
    (
        "pattern-slow",
        "/patternProperties",
        {"type": "object", "patternProperties": {"^(a|a)*$": STRING}},
        {"type": "object", "patternProperties": {"^a*$": STRING}},
    ),
    ("property-description", "/properties/a", closed({"a": STRING}), closed({"a": {"$ref": "#/$defs/Other"}})),
    ("property-python-name", "/properties/class", closed({"class": STRING}), closed({"klass": STRING})),
    (
        "union-untagged",
        "/anyOf",
        {"anyOf": [closed({"a": STRING}, required=["a"]), closed({"b": STRING}, required=["b"])]},
        {"anyOf": TAGGED},
    ),
]
OTHERS: Final[Schema] = {
    "Other": {"type": "string", "description": "A text."},
    "Base": {"type": "object", "properties": {"id": STRING}, "description": "What is extended by allOf."},
}


def found(
    schema_file: SchemaFile, schema: object, level: Level = "strict", **options: list[str]
) -> list[tuple[str, str]]:
    bundle = read_bundle([schema_file(schema)])
    return [(each.keyword, each.pointer) for each in lint(bundle, level, ignored=options.get("ignored", []))]


@pytest.mark.parametrize(("rule", "pointer", "bad", "good"), BREAKS)
def test_g4_a_rule_finds_what_breaks_it_and_nothing_else(
    rule: str, pointer: str, bad: Schema, good: Schema, schema_file: SchemaFile
) -> None:
    wrong = found(schema_file, {"$defs": {"T": bad, **OTHERS}})
    assert (rule, f"#/$defs/T{pointer}") in wrong
    right = found(schema_file, {"$defs": {"T": good, **OTHERS}})
    assert [each for each in right if each[0] == rule and each[1].startswith("#/$defs/T")] == []


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("required", ["a"]),
        ("minProperties", 1),
        ("propertyNames", {"minLength": 1}),
        ("dependentRequired", {"a": ["b"]}),
        ("unevaluatedProperties", False),
    ],
)
def test_the_type_that_is_missing_is_named(keyword: str, value: JsonValue, schema_file: SchemaFile) -> None:
    bundle = read_bundle([schema_file({"$defs": {"T": {keyword: value}}})])
    (finding,) = [each for each in lint(bundle) if each.keyword == "type-missing"]
    assert finding.remedy == 'write "type": "object"'


def test_names_of_types(schema_file: SchemaFile) -> None:
    schema = {"$defs": {"weather_report": STRING, "WeatherReport2": STRING}}
    wrong = [each for each in found(schema_file, schema) if each[0] == "type-name"]
    assert wrong == [("type-name", "#/$defs/weather_report")]


def test_definitions_that_nothing_refers_to(schema_file: SchemaFile) -> None:
    library = {"$defs": {"A": closed({}), "B": STRING}}
    assert "definition-unused" not in {rule for rule, _ in found(schema_file, library)}
    document = {"title": "Root", **closed({"a": {"$ref": "#/$defs/A"}}), **library}
    assert ("definition-unused", "#/$defs/B") in found(schema_file, document)
    assert ("definition-unused", "#/$defs/A") not in found(schema_file, document)


def test_definitions_that_say_the_same(schema_file: SchemaFile) -> None:
    schema = {"$defs": {"A": closed({"a": STRING}), "B": closed({"a": STRING}, description="B."), "C": closed({})}}
    wrong = [each for each in found(schema_file, schema) if each[0] == "definition-repeated"]
    assert wrong == [("definition-repeated", "#/$defs/B")]


def test_messages_are_told_by_their_tags(schema_file: SchemaFile) -> None:
    message: Schema = {**closed({"a": STRING}), "x-miniagents": {"base": "Message"}}
    branches: JsonValue = [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/B"}, {"$ref": "miniagents:UserMessage"}]
    wrong = {rule for rule, _ in found(schema_file, {"$defs": {"A": message, "B": message, "U": {"anyOf": branches}}})}
    assert not wrong & {"union-ambiguous", "union-untagged", "definition-repeated"}


def test_files_that_do_not_say_their_dialect(schema_file: SchemaFile) -> None:
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    assert ("dialect-unsaid", "#") in found(schema_file, {"$defs": {}})
    assert ("dialect-unsaid", "#") not in found(schema_file, {**dialect, "$defs": {}})


def test_every_rule_has_an_example() -> None:
    elsewhere = {"type-name", "definition-unused", "definition-repeated", "dialect-unsaid"}
    assert {rule for rule, *_ in BREAKS} | elsewhere == RULES.keys()
    assert [*RULES] == [*{rule.id: rule for rule in RULES.values()}]
    assert not RULES.keys() & IGNORE_RULES.keys()


def test_each_level_asks_all_that_those_before_it_ask(schema_file: SchemaFile) -> None:
    schema = {"$defs": {"t": {"type": "array", "default": 1}, "Count": {"type": "integer"}}}
    basic, standard, strict = (found(schema_file, schema, level) for level in LEVELS)
    assert basic == [("default-refused", "#/$defs/t/default")]
    assert set(basic) < set(standard) < set(strict)
    for level, rules in zip(LEVELS, (basic, standard, strict), strict=True):
        assert all(LEVELS.index(RULES[rule].level) <= LEVELS.index(level) for rule, _ in rules)


# --- switching off ---


def test_a_rule_is_switched_off_at_a_schema_for_all_that_is_in_it(schema_file: SchemaFile) -> None:
    array: Schema = {"type": "array", "description": "D."}
    inner = closed({"a": array, "b": array}, description="D.")
    half: Schema = {**inner, "properties": {"a": {**array, IGNORE: ["items-missing"]}, "b": array}}
    for place in (inner, half):
        count = found(schema_file, {"$defs": {"T": place}}, "standard")
        assert len(count) == (2 if place is inner else 1)
    assert found(schema_file, {"$defs": {"T": {**inner, IGNORE: ["items-missing"]}}}, "standard") == []
    assert found(schema_file, {IGNORE: ["items-missing"], "$defs": {"T": inner}}, "standard") == []


def test_a_rule_is_switched_off_beside_a_reference(schema_file: SchemaFile) -> None:
    there: Schema = {"$ref": "#/$defs/Other", "default": 1, IGNORE: ["default-refused"]}
    schema = {"$defs": {"T": closed({"a": there}), "Other": STRING}}
    assert found(schema_file, schema, "basic") == []


def test_what_is_switched_off_for_nothing_is_a_finding(schema_file: SchemaFile) -> None:
    schema = {"$defs": {"T": {"type": "string", "description": "D.", IGNORE: ["items-missing", "itmes-missing"]}}}
    place = f"#/$defs/T/{IGNORE}"
    assert found(schema_file, schema) == [
        ("dialect-unsaid", "#"),
        ("ignore-needless", place),
        ("ignore-unknown", place),
    ]
    # a rule that was not asked for may be needed at another level
    assert found(schema_file, schema, "basic") == [("ignore-unknown", place)]


def test_a_rule_is_switched_off_for_a_run(schema_file: SchemaFile) -> None:
    schema = {"$defs": {"T": {"type": "array", "description": "D."}}}
    assert found(schema_file, schema, "standard", ignored=["items-missing"]) == []


def test_a_finding_says_where_what_and_what_to_write(schema_file: SchemaFile, tmp_path: Path) -> None:
    path = schema_file(json.dumps({"$defs": {"T": {"description": "D.", "type": "array"}}}, indent=1))
    (finding,) = lint(read_bundle([path]))
    assert str(finding).removeprefix(tmp_path.as_posix()) == (
        '/schemas/types.schema.json:5: #/$defs/T/type: items-missing: the items may be anything; write "items": {...}'
    )
