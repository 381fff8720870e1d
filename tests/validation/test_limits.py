"""What cannot be checked is refused by name; deep, wide and malicious input is no trouble."""

from threading import Thread
from typing import Any, Final

import pytest
from hypothesis import given, strategies as st

from miniagents.validation import UnsupportedSchemaError, Validator
from miniagents.validation.values import JsonValue, Memo, canonical, equal_items, name_of
from tests.counting import calls_of
from tests.effort import examples

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


class Watched(int):
    """An integer that counts how often it is compared with another one."""

    compared = 0

    def __eq__(self, other: object) -> bool:
        Watched.compared += 1
        return int(self) == other

    __hash__ = int.__hash__


def test_integers_of_one_hash_are_not_compared_with_one_another() -> None:
    large: list[JsonValue] = [Watched(5 + number * (2**61 - 1)) for number in range(2**3, 2**3 + 300)]
    assert len(set(map(hash, large))) == 1
    for items in (large, ["x", *large], [1.5, *large]):
        assert equal_items(items, {}) is None
        assert equal_items([*items, float(2**63), 2**63], {}) == (len(items), len(items) + 1)
    assert Watched.compared == 0


UNIQUE: Final[dict[str, Any]] = {"uniqueItems": True, "items": {"$ref": "#/$defs/X"}}  # Any: a schema
AGAIN: Final[dict[str, Any]] = {"anyOf": [{**UNIQUE, "maxItems": 0}, {"not": {"enum": [["x"]]}, **UNIQUE}]}  # Any: too


@pytest.mark.parametrize("schema", [UNIQUE, AGAIN], ids=["unique", "again"])
@pytest.mark.parametrize("is_right", [True, False], ids=["right", "wrong"])
def test_unique_items_in_unique_items_take_linear_time(schema: dict[str, Any], is_right: bool) -> None:  # Any: a schema
    validator = Validator({"X": schema})
    validator.accepts("X", [])

    def calls(depth: int) -> int:
        value: JsonValue = [[1], [2]] if is_right else [[1], [1]]
        for number in range(depth):
            value = [value, [number, [number]]]  # of one length, so that they have to be compared
        assert (validator.violation("X", value) is None) is is_right
        return calls_of(lambda: validator.violation("X", value))

    assert calls(80) < 2.5 * calls(40)


json_values: st.SearchStrategy[Any] = st.recursive(  # Any: any JSON
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([0.0, 1.0, 1.5, 1e30, 10**30, 2**64, 2.0**64])
    | st.sampled_from(["", "1", "#1", "#2", "a,", "null"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "#1"]), inner, max_size=2),
    max_leaves=6,
)  # fmt: skip


@examples(400)
@given(st.lists(json_values, max_size=5))
def test_equal_items_are_those_with_one_canonical_text(items: list[JsonValue]) -> None:
    memo: Memo = {}
    texts = list(map(canonical, items))
    pairs = [(texts.index(text), place) for place, text in enumerate(texts) if texts.index(text) != place]
    assert equal_items(items, memo) == (pairs[0] if pairs else None)
    names = [name_of(item, memo) for item in items]
    assert [names.index(name) for name in names] == [texts.index(text) for text in texts]
    for text, item in zip(texts, items, strict=True):
        for most in range(len(text) + 2):
            cut = canonical(item, most)
            assert text.startswith(cut) if len(cut) <= len(text) else cut == text
            assert cut == text or len(cut) > most


def test_a_validator_may_be_used_in_many_threads() -> None:
    validator = Validator(LISTS)
    results: list[bool] = []
    threads = [Thread(target=lambda: results.append(validator.accepts("Union", nested(50)))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 8
