"""The rules of each keyword: what it accepts, and what it refuses."""

import json
from typing import Any, Final

import pytest

from miniagents.validation import Validator
from miniagents.validation.values import JsonValue

DEEP: Final[Any] = json.loads("[" * 400 + "]" * 400)  # Any: any JSON

# keyword, schema, accepted values, refused values
TABLE: Final[list[tuple[str, Any, list[Any], list[Any]]]] = [  # Any: any JSON
    ("true", True, [None, 1, "", [], {}], []),
    ("false", False, [], [None, 1, "", [], {}]),
    ("{}", {}, [None, 1, "", [], {}], []),
    # --- kinds of values ---
    ("type", {"type": "null"}, [None], [False, 0, "", [], {}]),
    ("type", {"type": "boolean"}, [True, False], [0, 1, None, "true"]),
    ("type", {"type": "integer"}, [0, -3, 1.0, 1e300, 10**400], [True, 0.5, "1", None]),
    ("type", {"type": "number"}, [0, 1.5, -(10**400)], [True, False, "1", None, [1]]),
    ("type", {"type": "string"}, ["", "a"], [None, 1, ["a"]]),
    ("type", {"type": "array"}, [[], [1], DEEP], [{}, "[]", None]),
    ("type", {"type": "object"}, [{}, {"a": 1}], [[], "{}", None]),
    ("type", {"type": ["string", "null"]}, ["", None], [0, False, []]),
    ("type", {"type": ["integer", "number"]}, [0.5, 1], [True]),
    ("type", {"type": ["integer", "boolean"]}, [True, 1.0, 2], [0.5]),
    ("const", {"const": 1}, [1, 1.0], [True, "1", [1], 2]),
    ("const", {"const": True}, [True], [1, 1.0, False, "true"]),
    ("const", {"const": 0}, [0, 0.0, -0.0], [False, None, "", [], {}]),
    ("const", {"const": None}, [None], [False, 0, ""]),
    ("const", {"const": "a"}, ["a"], ["A", ["a"], None]),
    ("const", {"const": 2**53 + 1}, [2**53 + 1], [2**53, 2.0**53]),
    ("const", {"const": [1, {"a": None}]}, [[1, {"a": None}], [1.0, {"a": None}]], [[True, {"a": None}], [1], [1, {}]]),
    ("const", {"const": {"a": 1, "b": [2]}}, [{"b": [2], "a": 1}], [{"a": 1}, {"a": 1, "b": [2], "c": 3}, {}]),
    ("const", {"const": {"a": False}}, [{"a": False}], [{"a": 0}, {"a": None}]),
    ("const", {"const": []}, [[]], [{}, [[]], None]),
    ("const", {"const": ["a,b"]}, [["a,b"]], [["a", "b"]]),
    ("enum", {"enum": ["a", 1, None, [0]]}, ["a", 1, 1.0, None, [0], [0.0]], ["b", True, 0, [False], []]),
    ("enum", {"enum": [False, True]}, [True, False], [0, 1, None]),
    ("enum", {"enum": [True, 0]}, [True, 0, 0.0], [1, False]),
    ("enum", {"enum": []}, [], [None, 1, "a"]),
    ("type, enum, const", {"type": "string", "enum": ["a", 1], "const": "a"}, ["a"], [1, "b"]),
    # --- numbers ---
    ("minimum", {"minimum": 1.5}, [1.5, 2, 10**400, "a", None, True], [1, 1.4999]),
    ("minimum", {"minimum": 10**400}, [10**400, "a"], [1, 10**399]),
    ("maximum", {"maximum": 3}, [3, 3.0, -1, [], False], [3.0001, 4, 10**400]),
    ("exclusiveMinimum", {"exclusiveMinimum": 0}, [0.001, 1, "0"], [0, 0.0, -0.0, -1]),
    ("exclusiveMaximum", {"exclusiveMaximum": 2**53}, [2**53 - 1], [2**53, 2**53 + 1]),
    ("multipleOf", {"multipleOf": 2}, [0, 4, -2, 4.0, "3", 1e308, 10**400], [1, 3.0, 0.5, 10**400 + 1]),
    ("multipleOf", {"multipleOf": 0.1}, [0.3, 0.7, 1, 1.1, 1e22], [0.35, 0.01, 1e-9]),
    ("multipleOf", {"multipleOf": 0.01}, [4.35, 19.99, 1.0], [0.001, 4.355]),
    ("multipleOf", {"multipleOf": 1e-8}, [12391239123, 1e-8, 3e-8], [1e-9]),
    ("multipleOf", {"multipleOf": 2.5}, [5, 7.5, 0], [1, 4, 2.4]),
    ("multipleOf", {"multipleOf": 1e308}, [0, 1e308], [1, 1.5, 1e307]),
    # --- strings ---
    ("minLength", {"minLength": 2}, ["ab", "\U0001f600a", 1, []], ["", "a", "\U0001f600"]),
    ("maxLength", {"maxLength": 2.0}, ["", "\U0001f600\U0001f600", 123], ["abc"]),
    ("pattern", {"pattern": "^a+\\Z"}, ["a", "aa", 1], ["", "ba", "a\n"]),
    ("pattern", {"pattern": "b"}, ["abc"], ["ac"]),
    ("format", {"format": "ipv4"}, ["what it is is a note", 1], []),
    # --- arrays ---
    ("prefixItems", {"prefixItems": [{"type": "string"}, False]}, [[], ["a"], {}, "a"], [[1], ["a", 1]]),
    ("items", {"items": {"type": "integer"}}, [[], [1, 2.0], {"0": "a"}], [["a"], [1, None]]),
    ("items", {"items": False}, [[], "a"], [[1]]),
    ("prefixItems, items", {"prefixItems": [True], "items": False}, [[], [1]], [[1, 2]]),
    ("prefixItems, items", {"prefixItems": [True], "items": {"const": 1}}, [["a"], ["a", 1, 1]], [["a", 2]]),
    ("contains", {"contains": {"const": 1}}, [[1], [0, 1], "a", {}], [[], [0]]),
    ("contains", {"contains": True}, [[None]], [[]]),
    ("contains", {"contains": False}, ["a"], [[], [1]]),
    ("minContains", {"contains": {"const": 1}, "minContains": 2}, [[1, 0, 1], [1, 1, 1]], [[1], []]),
    ("minContains", {"contains": {"const": 1}, "minContains": 0}, [[], [0]], []),
    ("minContains", {"minContains": 5, "maxContains": 0}, [[], [0]], []),
    ("maxContains", {"contains": {"const": 1}, "maxContains": 1}, [[1], [0, 1]], [[], [1, 1]]),
    ("both", {"contains": {"const": 1}, "minContains": 0, "maxContains": 1}, [[], [1]], [[1, 1]]),
    ("minItems", {"minItems": 1}, [[0], "", {}], [[]]),
    ("maxItems", {"maxItems": 1}, [[], [0], "ab"], [[0, 1]]),
    (
        "uniqueItems",
        {"uniqueItems": True},
        [
            [],
            [1],
            [1, True, "1", [1]],
            [0, False],
            [[], {}],
            [{"a": 1}, {"a": 2}],
            [[1], [True]],
            ["a", "b"],
            [None, 0],
        ],
        [[1, 1], [1, 1.0], ["a", "b", "a"], [[1], [1.0]], [{"a": 1, "b": 2}, {"b": 2, "a": 1}], [None, None], [[], []]],
    ),
    ("uniqueItems", {"uniqueItems": False}, [[1, 1]], []),
    # --- objects ---
    (
        "properties",
        {"properties": {"a": {"type": "string"}, "b": False}},
        [{}, {"a": ""}, {"c": 1}, []],
        [{"a": 1}, {"b": 1}],
    ),
    ("patternProperties", {"patternProperties": {"^x-": {"const": 1}}}, [{"x-a": 1, "y": 2}, {"ax-": 2}], [{"x-": 2}]),
    (
        "properties, patternProperties",
        {"properties": {"ab": {"type": "integer"}}, "patternProperties": {"b": {"minimum": 5}, "^a": {"maximum": 9}}},
        [{"ab": 5}, {"b": 6}, {"a": 1}, {"c": 1}],
        [{"ab": 5.5}, {"ab": 4}, {"ab": 10}, {"b": 1}],
    ),
    ("additionalProperties", {"additionalProperties": False}, [{}, [1], "a"], [{"a": 1}]),
    (
        "additionalProperties",
        {"properties": {"a": True}, "additionalProperties": False},
        [{}, {"a": 1}],
        [{"a": 1, "b": 1}],
    ),
    (
        "additionalProperties",
        {"properties": {"a": {}}, "additionalProperties": {"const": 1}},
        [{"a": 2, "b": 1}],
        [{"b": 2}],
    ),
    ("additionalProperties", {"patternProperties": {"^a": {}}, "additionalProperties": False}, [{"ab": 1}], [{"b": 1}]),
    (
        "additionalProperties sees neither allOf nor $ref",
        {"allOf": [{"properties": {"a": True}}], "additionalProperties": False},
        [{}],
        [{"a": 1}],
    ),
    ("propertyNames", {"propertyNames": {"maxLength": 1}}, [{}, {"a": 1}, ["ab"]], [{"ab": 1}]),
    ("propertyNames", {"propertyNames": False}, [{}], [{"a": 1}]),
    ("propertyNames", {"propertyNames": {"enum": ["a", "b"]}}, [{"a": 1, "b": 2}], [{"a": 1, "c": 2}]),
    ("required", {"required": ["a", "b"]}, [{"a": None, "b": 1, "c": 2}, [], "a"], [{}, {"a": 1}]),
    ("required", {"required": []}, [{}], []),
    ("minProperties", {"minProperties": 1}, [{"a": 1}, []], [{}]),
    ("maxProperties", {"maxProperties": 1}, [{}, {"a": 1}, [1, 2]], [{"a": 1, "b": 2}]),
    ("dependentRequired", {"dependentRequired": {"a": ["b"]}}, [{}, {"b": 1}, {"a": 1, "b": 1}, "a"], [{"a": 1}]),
    (
        "dependentSchemas",
        {"dependentSchemas": {"a": {"maxProperties": 1}, "b": False}},
        [{}, {"a": 1}],
        [{"a": 1, "c": 2}, {"b": 1}],
    ),
    # --- several schemas ---
    ("allOf", {"allOf": [{"minimum": 1}, {"maximum": 2}]}, [1, 2, "a"], [0, 3]),
    ("allOf", {"allOf": [True, False]}, [], [1]),
    ("anyOf", {"anyOf": [{"type": "string"}, {"minimum": 2}]}, ["a", 2, [], None], [1]),
    ("anyOf", {"anyOf": [{"type": "string", "minLength": 1}, {"type": "null"}]}, ["a", None], ["", 1]),
    ("anyOf", {"anyOf": [False, False]}, [], [1]),
    ("oneOf", {"oneOf": [{"type": "integer"}, {"minimum": 2}]}, [1, 2.5, "a"], [3, 1.5]),
    ("oneOf", {"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}, [{"a": 1}, {"b": 1}], [{}, {"a": 1, "b": 1}, 1]),
    ("oneOf", {"oneOf": [True, True]}, [], [1]),
    ("not", {"not": {"type": "string"}}, [1, None], ["a"]),
    ("not", {"not": True}, [], [1]),
    ("not", {"not": {"not": {"type": "string"}}}, ["a"], [1]),
    ("if", {"if": {"minimum": 1}, "then": {"multipleOf": 2}, "else": {"const": 0}}, [2, 0, "a"], [1, -1]),
    ("if", {"if": {"type": "string"}, "then": {"minLength": 1}}, ["a", 1], [""]),
    ("if", {"if": {"type": "string"}, "else": False}, [""], [1]),
    ("if", {"if": False}, [1], []),
    ("then, else", {"then": False, "else": False}, [1], []),
    # --- what is left ---
    ("unevaluatedProperties", {"unevaluatedProperties": False}, [{}, 1], [{"a": 1}]),
    (
        "unevaluatedProperties sees allOf, $ref and itself",
        {
            "$ref": "#/$defs/HasA",
            "allOf": [{"properties": {"b": {}}}],
            "properties": {"c": {}},
            "unevaluatedProperties": False,
        },
        [{"a": 1, "b": 1, "c": 1}],
        [{"d": 1}],
    ),
    (
        "unevaluatedProperties sees branches that fit",
        {
            "anyOf": [{"properties": {"a": {"const": 1}}}, {"properties": {"b": {"const": 2}}}],
            "unevaluatedProperties": False,
        },
        [{"a": 1}, {"b": 2}, {"a": 1, "b": 2}],
        [{"a": 0, "b": 2}, {"a": 1, "b": 0}],
    ),
    (
        "unevaluatedProperties sees the branch that was taken",
        {
            "if": {"properties": {"a": {"const": 1}}, "required": ["a"]},
            "then": {"properties": {"b": {}}},
            "else": {"properties": {"c": {}}},
            "unevaluatedProperties": False,
        },
        [{"a": 1, "b": 1}, {"c": 1}],
        [{"a": 1, "c": 1}, {"a": 2}, {"b": 1}],
    ),
    (
        "unevaluatedProperties does not see into not, or into values",
        {"not": {"not": {"properties": {"a": {}}}}, "propertyNames": True, "unevaluatedProperties": False},
        [{}],
        [{"a": 1}],
    ),
    (
        "unevaluatedProperties is not seen by a schema beside it, but by one around",
        {
            "allOf": [{"properties": {"a": {}}}, {"unevaluatedProperties": {"type": "integer"}}],
            "unevaluatedProperties": False,
        },
        [{"a": 1, "b": 2}],
        [{"a": "x"}, {"b": "x"}],
    ),
    (
        "unevaluatedProperties sees dependentSchemas, patternProperties, additionalProperties",
        {
            "dependentSchemas": {"a": {"properties": {"a": {}, "b": {}}}},
            "patternProperties": {"^x": {}},
            "anyOf": [{"required": ["all"], "additionalProperties": True}, True],
            "unevaluatedProperties": False,
        },
        [{"a": 1, "b": 1, "x1": 1}, {"all": 1, "z": 1}],
        [{"b": 1}, {"z": 1}],
    ),
    (
        "unevaluatedProperties",
        {"properties": {"a": {}}, "unevaluatedProperties": {"const": 1}},
        [{"a": 0, "b": 1}],
        [{"b": 0}],
    ),
    ("unevaluatedItems", {"unevaluatedItems": False}, [[], {"a": 1}], [[1]]),
    ("unevaluatedItems", {"prefixItems": [{}], "unevaluatedItems": {"const": 1}}, [[0], [0, 1]], [[0, 0]]),
    ("unevaluatedItems", {"items": {}, "unevaluatedItems": False}, [[1, 2]], []),
    (
        "unevaluatedItems sees contains and allOf",
        {"allOf": [{"prefixItems": [True]}], "contains": {"type": "string"}, "unevaluatedItems": False},
        [["a"], [1, "a"], ["a", "b", "c"]],
        [[1], [1, "a", 2], []],
    ),
    (
        "unevaluatedItems sees the branches that fit",
        {"oneOf": [{"prefixItems": [{"const": 1}, True]}, {"prefixItems": [{"const": 2}]}], "unevaluatedItems": False},
        [[1, 5], [2], []][:2],
        [[2, 5], [1, 5, 6], []],
    ),
    # --- references ---
    ("$ref", {"$ref": "#/$defs/HasA", "maxProperties": 1}, [{"a": 1}], [{}, {"a": 1, "b": 1}]),
    ("$ref", {"properties": {"$ref": {"const": 1}}}, [{"$ref": 1}], [{"$ref": 2}]),
    (
        "recursion",
        {"$ref": "#/$defs/Tree"},
        [{}, {"left": {"right": {}}}, {"left": {}, "right": {"left": {}}}],
        [{"left": 1}, {"left": {"right": {"up": {}}}}, []],
    ),
    # --- notes ---
    (
        "notes",
        {"$comment": 1, "title": [], "default": 1, "examples": 1, "x-what": {"type": 1}, "$defs": 1},
        [1, "a"],
        [],
    ),
    (
        "notes",
        {"dependencies": {"a": ["b"]}, "additionalItems": False, "contentEncoding": "base64"},
        [{"a": 1}, [1]],
        [],
    ),
]
DEFINITIONS: Final[dict[str, Any]] = {  # Any: schemas
    "HasA": {"required": ["a"], "properties": {"a": True}},
    "Tree": {
        "type": "object",
        "properties": {"left": {"$ref": "#/$defs/Tree"}, "right": {"$ref": "#/$defs/Tree"}},
        "additionalProperties": False,
    },
}


@pytest.mark.parametrize(("rule", "schema", "accepted", "refused"), TABLE)
def test_keywords(rule: str, schema: Any, accepted: list[Any], refused: list[Any]) -> None:  # Any: any JSON
    validator = Validator({"X": schema, **DEFINITIONS})
    assert validator.unsupported() == ()
    for value in accepted:
        assert validator.accepts("X", value), (rule, value)
        assert validator.violation("X", value) is None, (rule, value)
        assert validator._explainer.finding("X", value) is None, (rule, value)
    for value in refused:
        assert not validator.accepts("X", value), (rule, value)
        assert validator.violation("X", value) is not None, (rule, value)


@pytest.mark.parametrize(
    ("name", "yes", "no"),
    [
        (
            "date",
            ["2024-02-29", "0000-02-29"],
            ["2023-02-29", "2024-1-1", "2024-13-01", "2024-01-01T00:00:00Z", "\u0662024-01-01"],
        ),
        (
            "time",
            ["10:00:00Z", "10:00:00.5+23:59", "23:59:60z", "01:59:60+02:00"],
            ["24:00:00Z", "10:00:00", "10:00Z", "12:00:60Z"],
        ),
        (
            "date-time",
            ["2024-01-01T00:00:00Z", "2024-01-01t00:00:00.1-01:30"],
            ["2024-01-01 00:00:00Z", "2024-01-01", ""],
        ),
        (
            "duration",
            ["P1Y", "PT1M", "P1Y2M3DT4H5M6S", "P2W", "P0D"],
            ["P", "PT", "1D", "P1DT", "P1H", "P1W1D", "P1YT", "P1Y1D"],
        ),
        ("uuid", ["2eb8aa08-AA98-11ea-b4aa-73b441d16380"], ["2eb8aa08aa9811eab4aa73b441d16380", "x", ""]),
        ("ipv4", ["127.0.0.1"], ["127.0.0.01", "127.0.0", "256.0.0.1", "127.0.0.1\n"]),
        ("ipv6", ["::1", "1::8", "::ffff:1.2.3.4"], ["1:2", "::1%eth0", "1::2::3", "[::1]"]),
        (
            "email",
            ["a.b@c.org", '"a b"@c.org', "a@[127.0.0.1]", "a@[IPv6:::1]"],
            ["a", "@c", "a@", "a..b@c", "a@c@d", "a@[x]"],
        ),
        ("hostname", ["a", "a-b.c", "x" * 63], ["", "-a", "a.", "a_b", "x" * 64, "a..b", "\u00e9.org"]),
        (
            "uri",
            ["http://a:80/b?c#d", "urn:x:y", "mailto:a@b", "http://[::1]/", "file:///x"],
            ["a", "/b", "http://a b", "http://[x]", ":a"],
        ),
        ("uri-reference", ["", "a/b", "//x/y", "?q", "#f", "http://a"], ["\\a", "a b", "1:2", "#a#b"]),
        ("json-pointer", ["", "/", "/a~0b~1/0"], ["a", "/~", "/~2"]),
        ("relative-json-pointer", ["0", "1/a", "2#"], ["", "/a", "01", "-1"]),
    ],
)
def test_formats_are_checked_where_the_schema_wants_it(name: str, yes: list[str], no: list[str]) -> None:
    validator = Validator({"X": {"format": name, "x-miniagents-format": "checked"}, "Note": {"format": name}})
    assert validator.accepts("X", 1)
    assert [text for text in yes if not validator.accepts("X", text)] == []
    assert [text for text in no if validator.accepts("X", text)] == []
    assert all(validator.accepts("Note", text) for text in no)
    assert Validator({"X": {"format": "odd", "x-miniagents-format": "checked"}}).unsupported()


def test_references_may_be_answered_by_predicates() -> None:
    def is_message(value: JsonValue) -> bool:
        return isinstance(value, dict) and "@type" in value

    schema: JsonValue = {"$ref": "miniagents:Message", "unevaluatedProperties": False}
    validator = Validator({"X": {"items": schema}}, {"miniagents:Message": is_message})
    assert validator.accepts("X", [{"@type": "Message", "text": ""}])
    violation = validator.violation("X", [{}])
    assert violation is not None
    assert (violation.path, violation.keyword) == ((0,), "$ref")
    assert violation.message == "Expected miniagents:Message; got an empty object"


def test_references_to_the_library_may_be_answered_by_schemas() -> None:
    validator = Validator({"X": {"$ref": "miniagents:Message"}, "miniagents:Message": {"required": ["text"]}})
    assert validator.accepts("X", {"text": ""})
    assert not validator.accepts("X", {})


def test_a_schema_within_a_definition_has_a_pointer() -> None:
    validator = Validator({"X": {"properties": {"a/b": {"anyOf": [{"const": 1}, {"const": 2}]}}}})
    assert validator.accepts("X", 2, "/properties/a~1b/anyOf/1")
    violation = validator.violation("X", 1, "/properties/a~1b/anyOf/1")
    assert violation is not None
    assert violation.pointer == "/properties/a~1b/anyOf/1"
    with pytest.raises(KeyError):
        validator.accepts("X", 1, "/properties/b")
    with pytest.raises(KeyError):
        validator.accepts("Y", 1)
