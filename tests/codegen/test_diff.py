"""G4: `diff` names every change by its rule, and whom it breaks; a row for each rule and direction.

Readers have the new code and old data, writers the new code and old readers, source is Python with the generated types.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from miniagents.codegen.comparing.comparer import DIFF_RULES, compare
from miniagents.codegen.comparing.rules import Change
from miniagents.codegen.documents import JsonValue
from miniagents.codegen.reading.bundle import Bundle, read_bundle
from tests.codegen.bundles import bundle

STRING: Final[JsonValue] = {"type": "string"}
INTEGER: Final[JsonValue] = {"type": "integer"}
NULL: Final[JsonValue] = {"type": "null"}


def closed(properties: dict[str, JsonValue], *required: str, **others: JsonValue) -> JsonValue:
    return {**opened(properties, *required), "additionalProperties": False, **others}


def opened(properties: dict[str, JsonValue], *required: str, **others: JsonValue) -> dict[str, JsonValue]:
    needs: dict[str, JsonValue] = {"required": [*required]} if required else {}
    return {"type": "object", "properties": properties, **needs, **others}


def ref(name: str, **others: JsonValue) -> JsonValue:
    return {"$ref": f"#/$defs/{name}", **others}


def branch(tag: str, **properties: JsonValue) -> JsonValue:
    return closed({"kind": {"const": tag}, **properties}, "kind")


def of(*branches: JsonValue, keyword: str = "anyOf") -> JsonValue:
    return {keyword: [*branches]}


MESSAGE: Final[dict[str, JsonValue]] = {"x-miniagents": {"base": "Message"}}
BY_POSITION: Final[dict[str, JsonValue]] = {"x-miniagents": {"positional": True}}
R, W, S = "readers", "writers", "source"
Row = tuple[str, JsonValue, JsonValue, str]


def limits() -> Iterator[Row]:
    """Each limit on its side, tightened and loosened."""
    each: list[tuple[str, str, JsonValue, JsonValue]] = [
        ("integer", "minimum", 2, 1),
        ("integer", "maximum", 1, 2),
        ("number", "exclusiveMinimum", 0.5, 0.25),
        ("number", "exclusiveMaximum", 0.25, 0.5),
        ("integer", "multipleOf", 4, 2),
        ("string", "minLength", 2, 1),
        ("string", "maxLength", 1, 2),
        ("array", "minItems", 2, 1),
        ("array", "maxItems", 1, 2),
        ("object", "minProperties", 2, 1),
        ("object", "maxProperties", 1, 2),
        ("array", "uniqueItems", True, False),
    ]
    for kind, keyword, tighter, looser in each:
        tight: JsonValue = {"type": kind, keyword: tighter}
        loose: JsonValue = {"type": kind, keyword: looser}
        yield "limit-tightened", loose, tight, R
        yield "limit-loosened", tight, loose, W


ROWS: Final[list[Row]] = [
    # properties: a closed object of old code refuses what it does not know, an open one could have had it (`?`)
    ("property-added", closed({}), closed({"a": STRING}), f"{W}"),
    ("property-added", opened({}), opened({"a": STRING}), f"{R}?"),
    ("property-added", opened({}), opened({"a": True}), ""),
    (
        "property-added",
        opened({}, additionalProperties=STRING),
        opened({"a": STRING}, additionalProperties=STRING),
        "",
    ),
    (
        "property-added",
        opened({}, additionalProperties=STRING),
        opened({"a": INTEGER}, additionalProperties=STRING),
        f"{R} {W}",
    ),
    (
        "property-added",
        opened({}, unevaluatedProperties=False),
        opened({"a": STRING}, unevaluatedProperties=False),
        f"{W}",
    ),
    ("property-removed", closed({"a": STRING}), closed({}), f"{R} {S}"),
    ("property-removed", opened({"a": STRING}), opened({}), f"{W}? {S}"),
    ("property-removed", opened({"a": True}), opened({}), f"{S}"),
    (
        "property-removed",
        opened({"a": STRING}, additionalProperties=INTEGER),
        opened({}, additionalProperties=INTEGER),
        f"{R} {W} {S}",
    ),
    (
        "property-removed",
        opened({"a": STRING}, unevaluatedProperties=False),
        opened({}, unevaluatedProperties=False),
        f"{R} {S}",
    ),
    ("property-renamed", closed({"zipCode": STRING}), closed({"zip_code": STRING}), f"{R} {W} {S}"),
    ("property-renamed", opened({"zip": STRING}), opened({"zip_code": STRING}), f"{R} {W} {S}"),
    (
        "property-renamed",
        opened({"zip-code": STRING}, "zip-code"),
        opened({"zipCode": STRING}, "zipCode"),
        f"{R} {W} {S}",
    ),
    ("required-added", closed({"a": STRING}), closed({"a": STRING}, "a"), f"{R} {S}"),
    ("required-removed", closed({"a": STRING}, "a"), closed({"a": STRING}), f"{W} {S}"),
    ("extras-closed", opened({}), closed({}), f"{R} {S}"),
    ("extras-opened", closed({}), opened({}), f"{W}"),
    ("extras-closed", opened({}), opened({}, unevaluatedProperties=False), f"{R} {S}"),
    ("extras-opened", opened({}, unevaluatedProperties=False), opened({}), f"{W}"),
    ("type-changed", opened({}), opened({}, additionalProperties=STRING), f"{R} {S}"),
    ("pattern-property-added", opened({}), opened({}, patternProperties={"^x": STRING}), f"{R}?"),
    ("pattern-property-added", closed({}), closed({}, patternProperties={"^x": STRING}), f"{W}"),
    (
        "pattern-property-added",
        closed({}, patternProperties={"^x": STRING}),
        closed({}, patternProperties={"^x": STRING, "^y": INTEGER}),
        f"{R} {W} {S}",
    ),
    ("pattern-property-removed", opened({}, patternProperties={"^x": STRING}), opened({}), f"{W}? {S}"),
    ("pattern-property-removed", closed({}, patternProperties={"^x": STRING}), closed({}), f"{R} {S}"),
    *(
        row
        for extras, added, removed in [(INTEGER, f"{R} {W} {S}", f"{R} {W} {S}"), (STRING, "", f"{S}")]
        for plain in [opened({}, additionalProperties=extras)]
        for with_pattern in [opened({}, additionalProperties=extras, patternProperties={"^x": STRING})]
        for row in [
            ("pattern-property-added", plain, with_pattern, added),
            ("pattern-property-removed", with_pattern, plain, removed),
        ]
    ),
    ("dependency-changed", opened({}), opened({}, dependentRequired={"a": ["b"]}), f"{R}"),
    ("dependency-changed", opened({}, dependentRequired={"a": ["b"]}), opened({}), f"{W}"),
    ("dependency-changed", opened({}), opened({}, dependentSchemas={"a": {"required": ["b"]}}), f"{R}"),
    ("dependency-changed", opened({}, dependentSchemas={"a": {"required": ["b"]}}), opened({}), f"{W}"),
    # types
    ("type-changed", STRING, INTEGER, f"{R} {W} {S}"),
    ("type-changed", INTEGER, {"type": "number"}, f"{W} {S}"),
    ("type-changed", {"type": "number"}, INTEGER, f"{R} {S}"),
    ("type-changed", STRING, {"type": ["string", "integer"]}, f"{W} {S}"),
    ("type-changed", {}, STRING, f"{R} {S}"),
    ("nullable-added", STRING, {"type": ["string", "null"]}, f"{W} {S}"),
    ("nullable-removed", {"type": ["string", "null"]}, STRING, f"{R} {S}"),
    ("nullable-added", STRING, of(STRING, NULL), f"{W} {S}"),
    ("nullable-removed", of(STRING, NULL), STRING, f"{R} {S}"),
    ("nullable-added", {"enum": ["a"]}, {"enum": ["a", None]}, f"{W} {S}"),
    ("nullable-removed", {"enum": ["a", None]}, {"enum": ["a"]}, f"{R} {S}"),
    ("nullable-removed", of(NULL, {"enum": ["a", None]}, STRING), of({"enum": ["a", None]}, STRING), f"{S}"),
    ("nullable-added", of({"enum": ["a", None]}, STRING), of(NULL, {"enum": ["a", None]}, STRING), f"{S}"),
    ("nothing-changed", True, False, f"{R} {S}"),
    ("nothing-changed", False, True, f"{W} {S}"),
    # values
    ("enum-value-added", {"enum": ["a", "b"]}, {"enum": ["a", "b", "c"]}, f"{W} {S}"),
    ("enum-value-removed", {"enum": ["a", "b"]}, {"enum": ["a"]}, f"{R} {S}"),
    ("enum-value-added", {"const": "a"}, {"enum": ["a", "b"]}, f"{W} {S}"),
    ("enum-added", STRING, {"enum": ["a", "b"]}, f"{R} {S}"),
    ("enum-removed", {"enum": ["a", "b"]}, STRING, f"{W} {S}"),
    ("enum-added", STRING, {"enum": ["a", 1]}, f"{R} {W} {S}"),
    ("enum-removed", {"enum": ["a", 1]}, STRING, f"{R} {W} {S}"),
    ("const-changed", {"const": "a"}, {"const": "b"}, f"{R} {W} {S}"),
    ("tag-changed", of(branch("a"), branch("b")), of(branch("a"), branch("c")), f"{R} {W} {S}"),
    # limits, each side and each way
    *limits(),
    ("limit-tightened", INTEGER, {"type": "integer", "minimum": 0}, f"{R}"),
    ("limit-loosened", {"type": "integer", "minimum": 0}, INTEGER, f"{W}"),
    ("limit-tightened", {"type": "number", "minimum": 0}, {"type": "number", "exclusiveMinimum": 0}, f"{R}"),
    ("limit-tightened", {"type": "integer", "multipleOf": 2}, {"type": "integer", "multipleOf": 3}, f"{R} {W}"),
    ("pattern-changed", STRING, {"type": "string", "pattern": "a"}, f"{R}"),
    ("pattern-changed", {"type": "string", "pattern": "a"}, STRING, f"{W}"),
    ("pattern-changed", {"type": "string", "pattern": "a"}, {"type": "string", "pattern": "b"}, f"{R} {W}"),
    (
        "format-changed",
        STRING,
        {"type": "string", "format": "date", "x-miniagents-format": "checked"},
        f"{R} {S}",
    ),
    (
        "format-changed",
        {"type": "string", "format": "date", "x-miniagents-format": "checked"},
        {"type": "string", "format": "date"},
        f"{W} {S}",
    ),
    ("note-changed", STRING, {"type": "string", "format": "date"}, ""),
    # arrays
    (
        "array-tuple-changed",
        {"type": "array", "items": STRING},
        {"type": "array", "prefixItems": [STRING], "items": STRING},
        f"{S}",
    ),
    ("contains-changed", {"type": "array"}, {"type": "array", "contains": STRING}, f"{R}"),
    ("contains-changed", {"type": "array", "contains": STRING}, {"type": "array"}, f"{W}"),
    (
        "limit-tightened",
        {"type": "array", "contains": STRING},
        {"type": "array", "contains": STRING, "minContains": 2},
        f"{R}",
    ),
    (
        "limit-loosened",
        {"type": "array", "contains": STRING, "maxContains": 2},
        {"type": "array", "contains": STRING, "maxContains": 3},
        f"{W}",
    ),
    (
        "contains-changed",
        {"type": "array", "contains": STRING, "maxContains": 2},
        {"type": "array", "contains": INTEGER, "maxContains": 2},
        f"{R} {W}",
    ),
    ("condition-changed", {"type": "array"}, {"type": "array", "unevaluatedItems": False}, f"{R}"),
    # unions
    ("branch-added", of(branch("a"), branch("b")), of(branch("a"), branch("b"), branch("c")), f"{W} {S}"),
    ("branch-removed", of(branch("a"), branch("b"), branch("c")), of(branch("a"), branch("b")), f"{R} {S}"),
    (
        "branch-added",
        of(branch("a"), branch("b"), keyword="oneOf"),
        of(branch("a"), branch("b"), branch("c"), keyword="oneOf"),
        f"{W} {S}",
    ),
    ("branch-removed", of(INTEGER, {"type": "number"}, STRING), of({"type": "number"}, STRING), f"{S}"),
    ("branch-added", of({"type": "number"}, STRING), of(INTEGER, {"type": "number"}, STRING), f"{S}"),
    (
        "union-changed",
        of(opened({"a": STRING}), opened({"b": STRING}), keyword="oneOf"),
        of(opened({"a": STRING}), opened({"b": INTEGER}), keyword="oneOf"),
        f"{R} {W}",
    ),
    (
        "union-changed",
        of(opened({"a": STRING}), opened({"b": STRING}), keyword="oneOf"),
        of(opened({"a": STRING}), opened({"b": STRING}), opened({"c": STRING}), keyword="oneOf"),
        f"{R} {W} {S}",
    ),
    ("union-changed", opened({}), opened({}, anyOf=[{"required": ["a"]}, {"required": ["b"]}]), f"{R} {S}"),
    ("union-changed", opened({}, anyOf=[{"required": ["a"]}, {"required": ["b"]}]), opened({}), f"{W} {S}"),
    # conditions
    ("all-of-changed", opened({}), opened({}, allOf=[{"required": ["a"]}]), f"{R} {S}"),
    ("all-of-changed", opened({}, allOf=[{"required": ["a"]}]), opened({}), f"{W} {S}"),
    ("condition-changed", {"not": STRING}, {"not": {"type": ["string", "integer"]}}, f"{R} {W}"),
    ("condition-changed", {"minLength": 1}, {"minLength": 1, "not": STRING}, f"{R}"),
    ("condition-changed", {"minLength": 1, "not": STRING}, {"minLength": 1}, f"{W}"),
    ("condition-changed", {"if": STRING, "then": True}, {"if": INTEGER, "then": True}, f"{R} {W}"),
    ("limit-tightened", {"if": STRING}, {"if": STRING, "then": {"maxLength": 3}}, f"{R}"),
    # what says nothing of values
    ("default-changed", {"default": 1}, {"default": 2}, f"{S}"),
    ("default-changed", {}, {"default": 2}, f"{S}"),
    ("note-changed", {"description": "a"}, {"description": "b"}, ""),
    ("note-changed", {"title": "a"}, {"title": "b"}, ""),
    ("hint-changed", closed({}), closed({}, **BY_POSITION), f"{S}"),
    ("hint-changed", closed({}), closed({}, **MESSAGE), f"{R} {W} {S}"),
    (
        "order-changed",
        closed({"a": STRING, "b": STRING}, **BY_POSITION),
        closed({"b": STRING, "a": STRING}, **BY_POSITION),
        f"{S}",
    ),
]


@pytest.mark.parametrize(("rule", "old", "new", "breaks"), ROWS)
def test_g4_a_change_is_named_and_whom_it_breaks(rule: str, old: JsonValue, new: JsonValue, breaks: str) -> None:
    changes = compare(bundle({"T": old}), bundle({"T": new}))
    assert {effect(change) for change in changes if change.rule == rule} == {breaks}
    assert {whom for change in changes for whom in effect(change).split()} == set(breaks.split())


def effect(change: Change) -> str:
    """Whom a change breaks, as the rows say it: with a question mark for those that it could break."""
    could = [f"{whom}?" for whom in change.could_break]
    return " ".join(sorted((*change.breaks, *could), key=(R, f"{R}?", W, f"{W}?", S, f"{S}?").index))


BESIDE_ANOTHER_TYPE: Final[list[tuple[str, JsonValue, JsonValue]]] = [
    ("limit-tightened", INTEGER, {"type": "string", "maxLength": 0}),
    ("limit-loosened", {"type": "integer", "minimum": -1}, STRING),
    ("pattern-changed", INTEGER, {"type": "string", "pattern": "b"}),
]


@pytest.mark.parametrize(("rule", "old", "new"), BESIDE_ANOTHER_TYPE)
def test_what_a_change_of_type_breaks_is_not_said_again(rule: str, old: JsonValue, new: JsonValue) -> None:
    changes = {change.rule: change.breaks for change in compare(bundle({"T": old}), bundle({"T": new}))}
    assert changes == {"type-changed": (R, W, S), rule: ()}


TYPES: Final = closed({"a": STRING}, "a")
DEFINITIONS: Final[list[tuple[str, dict[str, JsonValue], dict[str, JsonValue], str]]] = [
    ("definition-added", {"A": TYPES}, {"A": TYPES, "B": STRING}, ""),
    ("definition-removed", {"A": TYPES, "B": STRING}, {"A": TYPES}, f"{R} {S}"),
    ("definition-renamed", {"A": TYPES}, {"B": TYPES}, f"{S}"),
    (
        "definition-renamed",
        {"A": closed({"a": STRING}, **MESSAGE)},
        {"B": closed({"a": STRING}, **MESSAGE)},
        f"{R} {W} {S}",
    ),
    (
        "definition-renamed",
        {"A": closed({"a": ref("A")})},
        {"B": closed({"a": ref("B")})},
        f"{S}",
    ),
]


@pytest.mark.parametrize(("rule", "old", "new", "breaks"), DEFINITIONS)
def test_g4_types_that_come_and_go(
    rule: str, old: dict[str, JsonValue], new: dict[str, JsonValue], breaks: str
) -> None:
    assert [(change.rule, effect(change)) for change in compare(bundle(old), bundle(new))] == [(rule, breaks)]


def test_definitions_under_many_new_names_are_not_looked_into() -> None:
    def chain(prefix: str, last: JsonValue) -> dict[str, JsonValue]:
        links = {f"{prefix}{index}": closed({"a": ref(f"{prefix}{index + 1}")}) for index in range(40)}
        return {"T": ref(f"{prefix}0"), **links, f"{prefix}40": last}

    changes = compare(bundle(chain("A", STRING)), bundle(chain("B", INTEGER)))
    assert ("too-different", (R, W, S)) in {(change.rule, change.breaks) for change in changes}


DIRECTIONS: Final[set[tuple[str, str]]] = {
    *((rule, breaks) for rule, *_, breaks in ROWS),
    *((rule, breaks) for rule, *_, breaks in DEFINITIONS),
    *((rule, "") for rule, *_ in BESIDE_ANOTHER_TYPE),
    ("too-different", f"{R} {W} {S}"),
}
"""What the rows above show: rules, and whom each of them breaks."""


def test_every_rule_has_a_row() -> None:
    assert {rule for rule, _ in DIRECTIONS} == DIFF_RULES.keys()


SAME: Final[list[tuple[JsonValue, JsonValue]]] = [
    ({"type": "integer", "minimum": 1}, {"type": "integer", "exclusiveMinimum": 0}),
    ({"enum": ["a"]}, {"const": "a"}),
    ({"type": "boolean"}, {"enum": [True, False]}),
    ({"type": ["string", "null"]}, of(STRING, NULL)),
    (of(STRING, NULL), of(NULL, STRING)),
    (of(STRING, INTEGER), of(STRING, INTEGER, keyword="oneOf")),
    ({"type": ["string", "integer"], "minLength": 0}, {"type": ["integer", "string"]}),
    ({"type": "string", "pattern": "a", "minimum": 3}, {"type": "string", "pattern": "a"}),
    (opened({}), opened({}, additionalProperties=True)),
    (ref("B"), opened({"b": STRING})),
    (of(branch("b"), branch("a")), of(branch("a"), branch("b"))),
]


@pytest.mark.parametrize(("old", "new"), SAME)
def test_what_means_the_same_breaks_nobody(old: JsonValue, new: JsonValue) -> None:
    others: dict[str, JsonValue] = {"B": opened({"b": STRING})}
    for before, after in ((old, new), (new, old)):
        changes = compare(bundle({"T": before, **others}), bundle({"T": after, **others}))
        assert [change for change in changes if change.concerns] == []


def test_a_change_is_named_once_where_it_is_and_not_where_it_is_referred_to() -> None:
    def types(inner: JsonValue) -> dict[str, JsonValue]:
        return {"A": closed({"b": ref("B")}), "B": closed({"c": inner}), "C": {"type": "array", "items": ref("A")}}

    changes = compare(bundle(types(STRING)), bundle(types(INTEGER)))
    assert [(change.type, change.rule) for change in changes] == [("B", "type-changed")]
    (change,) = changes
    assert change.old is not None
    assert change.new is not None
    assert (change.old.pointer, change.new.pointer) == ("#/$defs/B/properties/c/type",) * 2


SAID: Final[JsonValue] = {"type": "string", "description": "Where it is."}
RENAMED: Final[list[tuple[str, JsonValue, str, JsonValue]]] = [
    ("zip", STRING, "zip_code", STRING),
    ("zipCode", STRING, "zip-code", INTEGER),
    ("city", SAID, "place", SAID),
]


@pytest.mark.parametrize(("name", "was", "other", "now"), RENAMED)
def test_a_renamed_property_is_one_change_and_its_schema_is_compared(
    name: str, was: JsonValue, other: str, now: JsonValue
) -> None:
    old, new = closed({name: was, "a": INTEGER}, name), closed({other: now, "a": INTEGER}, other)
    changes = compare(bundle({"T": old}), bundle({"T": new}))
    assert changes[0].what == f'property "{name}" is called "{other}" now'
    assert [change.rule for change in changes[1:]] == (["type-changed"] if was != now else [])


NO_RENAMES: Final[list[tuple[dict[str, JsonValue], dict[str, JsonValue]]]] = [
    ({"city": STRING}, {"place": STRING}),  # nothing but the type is alike
    ({"zip": STRING}, {"zip_code": INTEGER}),
    ({"zip": STRING}, {"zip_code": STRING, "zip_kind": STRING}),  # it could be either
    ({"a_b": STRING, "aB": STRING}, {"a-b": STRING}),
]


@pytest.mark.parametrize(("old", "new"), NO_RENAMES)
def test_properties_that_may_be_others_are_not_taken_for_renamed(
    old: dict[str, JsonValue], new: dict[str, JsonValue]
) -> None:
    changes = compare(bundle({"T": closed(old)}), bundle({"T": closed(new)}))
    assert {change.rule for change in changes} == {"property-removed", "property-added"}


MANY: Final[dict[str, JsonValue]] = {"a": STRING, "b": INTEGER, "c": STRING, "d": STRING}


def test_a_definition_is_renamed_if_most_of_it_stayed() -> None:
    old: dict[str, JsonValue] = {"A": closed(MANY), "T": ref("A"), "E": {"enum": ["x", "y", "z"]}}
    new: dict[str, JsonValue] = {"B": closed({**MANY, "e": STRING}), "T": ref("B"), "F": {"enum": ["x", "y", "z", "w"]}}
    assert [(change.type, change.rule) for change in compare(bundle(old), bundle(new))] == [
        ("A", "definition-renamed"),
        ("A", "property-added"),
        ("E", "definition-renamed"),
        ("E", "enum-value-added"),
    ]


@pytest.mark.parametrize(
    "other",
    [
        closed({"a": STRING, "b": INTEGER, "x": STRING, "y": STRING}),  # half of it is another
        closed({**MANY, "kind": {"const": "other"}}, "kind"),  # readers tell them apart
    ],
)
def test_definitions_that_are_others_are_not_taken_for_renamed(other: JsonValue) -> None:
    old: dict[str, JsonValue] = {"A": closed({**MANY, "kind": {"const": "one"}}, "kind")}
    changes = compare(bundle(old), bundle({"B": other}))
    assert [change.rule for change in changes] == ["definition-removed", "definition-added"]


def test_the_only_files_are_versions_of_one_another_whatever_they_are_called(schema_file: Callable[..., Path]) -> None:
    def version(name: str, kind: str) -> Bundle:
        part = {"type": "object", "properties": {"b": {"type": kind}}}
        root = {"type": "object", "properties": {"a": part, "again": {"$ref": "#/properties/a"}}}
        return read_bundle([schema_file(root, name)])

    changes = compare(version("one.schema.json", "string"), version("two.schema.json", "integer"))
    assert [(change.type, change.rule, effect(change)) for change in changes] == [
        ("One", "definition-renamed", f"{S}?"),
        ("OneA", "definition-renamed", f"{S}?"),
        ("OneA", "type-changed", f"{R} {W} {S}"),
    ]
