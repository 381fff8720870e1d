"""What cannot be checked is refused by name; deep, wide and malicious input is no trouble."""

from threading import Thread
from typing import Any, Final

import pytest

from miniagents.validation import UnsupportedSchemaError, Validator
from miniagents.validation.values import JsonValue

DEPTH: Final = 10_000


def nested(depth: int, innermost: JsonValue = None) -> JsonValue:
    value: JsonValue = innermost
    for _ in range(depth):
        value = [value]
    return value


REFUSED: Final[list[tuple[Any, str, str]]] = [  # Any: any JSON
    ({"items": {"$dynamicRef": "#x"}}, "/items", "$dynamicRef"),
    ({"$recursiveRef": "#"}, "", "$recursiveRef"),
    ({"$id": "http://example.com/"}, "", "$id"),
    ({"properties": {"a/b": {"$ref": "#/properties/a"}}}, "/properties/a~1b", "$ref"),
    ({"$ref": "#/$defs/Unknown"}, "", "$ref"),
    ({"$ref": "other.json"}, "", "$ref"),
    ({"$ref": "X"}, "", "$ref"),
    ({"$ref": "miniagents:Message"}, "", "$ref"),
    ({"$ref": 1}, "", "$ref"),
    ({"type": "float"}, "", "type"),
    ({"type": []}, "", "type"),
    ({"minLength": -1}, "", "minLength"),
    ({"minLength": True}, "", "minLength"),
    ({"minimum": "1"}, "", "minimum"),
    ({"multipleOf": 0}, "", "multipleOf"),
    ({"required": "a"}, "", "required"),
    ({"enum": 1}, "", "enum"),
    ({"uniqueItems": 1}, "", "uniqueItems"),
    ({"dependentRequired": {"a": "b"}}, "", "dependentRequired"),
    ({"pattern": "("}, "", "pattern"),
    ({"patternProperties": {"(": {}}}, "", "patternProperties"),
    ({"items": [{}]}, "", "items"),
    ({"allOf": []}, "", "allOf"),
    ({"allOf": [{}, 1]}, "/allOf/1", "allOf"),
    ({"properties": {"a": None}}, "/properties/a", "properties"),
    (None, "", ""),
    ({"format": "colour", "x-miniagents-format": "checked"}, "", "format"),
    ({"format": ["date"], "x-miniagents-format": "checked"}, "", "format"),
    ({"not": {"$ref": "#/$defs/X"}}, "/not", "$ref"),
    ({"dependentSchemas": {"a": {"$ref": "#/$defs/X"}}}, "/dependentSchemas/a", "$ref"),
]


@pytest.mark.parametrize(("schema", "pointer", "keyword"), REFUSED)
def test_g2_what_cannot_be_checked_is_refused_by_name(schema: Any, pointer: str, keyword: str) -> None:  # Any: any JSON
    validator = Validator({"X": schema})
    with pytest.raises(UnsupportedSchemaError) as caught:
        validator.accepts("X", {})
    assert (caught.value.definition, caught.value.pointer, caught.value.keyword) == ("X", pointer, keyword)
    assert (pointer, keyword) in [(each.pointer, each.keyword) for each in validator.unsupported()]


def test_g2_what_cannot_be_checked_matters_where_it_is_referred_to() -> None:
    validator = Validator({"Good": {}, "Bad": {"items": {"$ref": "#/$defs/Worse"}}, "Worse": {"$dynamicRef": "#a"}})
    assert validator.accepts("Good", 1)
    with pytest.raises(UnsupportedSchemaError, match=r"^Worse: #: \$dynamicRef: what it refers to depends on"):
        validator.violation("Bad", 1)


def test_all_that_cannot_be_checked_is_told_at_once() -> None:
    validator = Validator({"A": {"type": "x", "minimum": "y"}, "B": {"$ref": "#/$defs/B"}, "C": {"$ref": "#/$defs/B"}})
    assert list(map(str, validator.unsupported())) == [
        'A: #: type: expected one of null, boolean, integer, number, string, array, object, or a list of them; got "x"',
        'A: #: minimum: expected a number; got "y"',
        "B: #: $ref: refers to itself without end: B -> B",
    ]


def test_g3_circles_of_references_are_refused() -> None:
    validator = Validator(
        {
            "A": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/B"}]},
            "B": {"if": {"$ref": "#/$defs/C"}},
            "C": {"allOf": [{"$ref": "#/$defs/A"}]},
        }
    )
    with pytest.raises(UnsupportedSchemaError, match="A -> B -> C -> A"):
        validator.accepts("A", None)


def test_g3_long_chains_are_checked_or_refused() -> None:
    def chain(length: int) -> Validator:
        links: dict[str, JsonValue] = {f"L{n}": {"allOf": [{"$ref": f"#/$defs/L{n + 1}"}]} for n in range(length)}
        return Validator({**links, f"L{length}": {"const": 1}})

    assert chain(20).accepts("L0", 1)
    assert not chain(20).accepts("L0", 2)
    with pytest.raises(UnsupportedSchemaError, match="references for one value"):
        chain(DEPTH).accepts("L0", 1)


@pytest.mark.parametrize("keyword", ["not", "items", "allOf"])
def test_g3_deep_schemas_are_checked_or_refused(keyword: str) -> None:
    schema: JsonValue = {"type": "array"}
    for _ in range(DEPTH):
        schema = {keyword: [schema]} if keyword == "allOf" else {keyword: schema}
    validator = Validator({"X": schema})
    if keyword == "items":
        assert validator.accepts("X", nested(DEPTH + 1, []))
        assert not validator.accepts("X", nested(DEPTH, 1))
    else:
        with pytest.raises(UnsupportedSchemaError, match="nested"):
            validator.accepts("X", 1)


LISTS: Final[dict[str, Any]] = {  # Any: schemas
    "Plain": {"type": ["array", "null"], "items": {"$ref": "#/$defs/Plain"}},
    "Union": {
        "anyOf": [
            {"type": "null"},
            {"type": "array", "items": {"$ref": "#/$defs/Union"}, "minItems": 2},
            {"type": "array", "prefixItems": [{"$ref": "#/$defs/Union"}], "unevaluatedItems": False},
        ]
    },
    "Contains": {"if": {"type": "array"}, "then": {"contains": {"$ref": "#/$defs/Contains"}}, "else": {"const": None}},
    "Unique": {"type": ["array", "null"], "items": {"$ref": "#/$defs/Unique"}, "uniqueItems": True},
}


@pytest.mark.parametrize("name", LISTS)
def test_deep_values_are_checked(name: str) -> None:
    validator = Validator(LISTS)
    assert validator.accepts(name, nested(DEPTH))
    assert validator.violation(name, nested(DEPTH)) is None
    violation = validator.violation(name, nested(DEPTH, 1))
    assert violation is not None
    if name != "Contains":
        assert violation.path == (0,) * DEPTH


def test_deep_constants_are_compared() -> None:
    validator = Validator({"X": {"const": nested(DEPTH)}, "Y": {"uniqueItems": True}})
    assert validator.accepts("X", nested(DEPTH))
    assert not validator.accepts("X", nested(DEPTH + 1))
    assert validator.accepts("Y", [nested(DEPTH), nested(DEPTH + 1)])
    assert not validator.accepts("Y", [nested(DEPTH), nested(DEPTH)])


@pytest.mark.parametrize("keyword", ["anyOf", "oneOf"])
def test_g3_unions_of_recursive_branches_take_no_exponential_time(keyword: str) -> None:
    below: JsonValue = {"$ref": "#/$defs/X"}
    plain: dict[str, JsonValue] = {"type": "object", "properties": {"left": below, "right": below}}
    branches: list[JsonValue] = [
        {**plain, "required": ["a"], "unevaluatedProperties": False},
        {**plain, "required": ["b"]},
        {"type": "null"},
    ]
    validator = Validator({"X": {keyword: branches, "unevaluatedProperties": {"type": "integer"}}})
    value: JsonValue = None
    for _ in range(60):
        value = {"left": value, "b": 1}
    assert validator.accepts("X", value)
    assert validator.violation("X", {"left": value, "b": "1"}) is not None
    spoiled: JsonValue = 1
    for _ in range(60):
        spoiled = {"left": spoiled, "b": 1}
    assert validator.violation("X", spoiled) is not None


def test_g3_definitions_that_double_take_no_exponential_time() -> None:
    definitions: dict[str, JsonValue] = {"D20": {"const": 1}}
    for n in range(20):
        again: JsonValue = {"$ref": f"#/$defs/D{n + 1}"}
        definitions[f"D{n}"] = {"oneOf": [{"allOf": [again, again]}, {"not": again}], "properties": {"a": again}}
    validator = Validator(definitions)
    assert validator.unsupported() == ()
    values: list[JsonValue] = [1, 2, {"a": {"a": {}}}, [1]]
    for value in values:
        assert validator.accepts("D0", value) == (validator.violation("D0", value) is None)


def test_unique_items_are_found_in_linear_time() -> None:
    many: list[JsonValue] = [*range(300_000), *map(str, range(300_000))]
    validator = Validator({"X": {"uniqueItems": True}})
    assert validator.accepts("X", many)  # what took quadratic time would hang
    assert not validator.accepts("X", [*many, 0.0])
    assert validator.accepts("X", [[n] for n in range(50_000)])


def test_a_validator_may_be_used_in_many_threads() -> None:
    validator = Validator(LISTS)
    results: list[bool] = []
    threads = [Thread(target=lambda: results.append(validator.accepts("Union", nested(50)))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 8
