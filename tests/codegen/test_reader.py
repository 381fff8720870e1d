"""What schemas mean (G1), what is refused and how that is said (G2)."""

from collections.abc import Callable
from pathlib import Path

import pytest

from miniagents.codegen import GenerationError, generate
from miniagents.codegen.library import LIBRARY
from miniagents.codegen.model import ObjectType
from miniagents.codegen.reader import read

Refusals = Callable[..., list[str]]
ROOT = Path(__file__).parents[2]


def thing(properties: object = None, **others: object) -> dict[str, object]:
    return {"type": "object", "properties": properties or {}, "additionalProperties": False, **others}


def test_m2_the_generator_knows_the_library_as_its_schemas_describe_it() -> None:
    module = read([ROOT / "schemas"], is_library=True)
    assert {each.name: each for each in module.types} == LIBRARY


def test_m2_everything_in_the_library_is_described() -> None:
    for each in read([ROOT / "schemas"], is_library=True).types:
        assert each.doc, each.name
        if isinstance(each, ObjectType):
            assert all(field.doc for field in each.fields), each.name


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({}, '#/$defs/T: type: is missing, so anything would be accepted; write "type": "string"'),
        (True, '#/$defs/T: type: true accepts anything and false nothing; write an object with a "type"'),
        (7, '#/$defs/T: type: is no schema; write an object with a "type"'),
        ({"minLength": 1}, '#/$defs/T: type: is missing, so anything would be accepted; write "type": "string"'),
        ({"type": "text"}, "#/$defs/T/type: type: unknown: text; write one of string, integer, "),
        ({"type": ["string", "string"]}, "#/$defs/T/type: type: unknown: ['string', 'string']; "),
        ({"type": []}, "#/$defs/T/type: type: unknown: []; "),
        ({"type": "string", "minimum": 1}, "#/$defs/T/minimum: minimum: says nothing about a value that is no integer"),
        ({"type": "string", "maxlength": 1}, "#/$defs/T/maxlength: maxlength: unknown keyword; remove it, or mend its"),
        ({"type": "string", "allOf": []}, "#/$defs/T/allOf: allOf: cannot be honoured here; write the properties out"),
        ({"type": "string", "$id": "x"}, "#/$defs/T/$id: $id: only the root of a file can have it; move it there"),
        ({"type": "string", "$ref": "#"}, "#/$defs/T/type: type: cannot be combined with its neighbours; say it in"),
        ({"type": "string", "pattern": r"\s"}, "#/$defs/T/pattern: pattern: this expression may mean something else"),
        ({"type": "string", "pattern": 3}, "#/$defs/T/pattern: pattern: this expression may mean something else"),
        ({"type": "string", "minLength": -1}, "#/$defs/T/minLength: minLength: is no count; write an integer from 0"),
        ({"type": "string", "maxLength": True}, "#/$defs/T/maxLength: maxLength: is no count; "),
        ({"type": "string", "description": 1}, "#/$defs/T/description: description: is no text; write a text"),
        ({"type": "string", "default": "x"}, "#/$defs/T/default: default: cannot be honoured here; give the default"),
        ({"type": "integer", "minimum": "1"}, "#/$defs/T/minimum: minimum: is no number; write a number"),
        ({"type": "integer", "minimum": 1.5}, "#/$defs/T/minimum: minimum: an integer cannot be compared with a frac"),
        ({"type": "integer", "minimum": 2**63}, "#/$defs/T/minimum: minimum: the limit does not fit into 64 bits; "),
        ({"type": "number", "minimum": 2**53 + 1}, "#/$defs/T/minimum: minimum: no double has this value; "),
        ({"type": "integer", "multipleOf": 0}, "#/$defs/T/multipleOf: multipleOf: is not above 0; write a positive"),
        ({"type": "number", "multipleOf": 0.1}, "#/$defs/T/multipleOf: multipleOf: cannot be honoured here; divide"),
        (
            {"type": "integer", "minimum": 1, "exclusiveMinimum": 1},
            "#/$defs/T/exclusiveMinimum: exclusiveMinimum: given together with minimum; keep the stricter of the two",
        ),
        ({"type": "array"}, '#/$defs/T: items: is missing, so anything would be accepted; write "items": {...}'),
        ({"type": "array", "items": {}, "uniqueItems": True}, "#/$defs/T/items: type: is missing"),
        ({"const": True}, "#/$defs/T/const: const: only texts, integers and null can be told apart by value; write a"),
        ({"enum": [1.5]}, "#/$defs/T/enum: enum: only texts, integers and null can be told apart by value; "),
        ({"enum": []}, "#/$defs/T/enum: enum: is no list of values; write at least one"),
        ({"enum": ["a", "a"]}, "#/$defs/T/enum: enum: a is given twice; keep one of them"),
        ({"enum": [2**63]}, "#/$defs/T/enum: enum: 9223372036854775808 does not fit into 64 bits; "),
        ({"type": "integer", "enum": ["a"]}, "#/$defs/T/enum: enum: a is not of the type beside it; remove it"),
        ({"anyOf": []}, "#/$defs/T/anyOf: anyOf: is no list of schemas; write at least one"),
        (
            {"anyOf": [{"type": "integer"}, {"type": "number"}]},
            "#/$defs/T/anyOf: anyOf: two branches cannot be told apart: both are number; write one branch for both",
        ),
        ({"oneOf": [{"const": "a"}, {"type": "string"}]}, "#/$defs/T/oneOf: oneOf: two branches cannot be told apart"),
        ({"anyOf": [thing(), {"type": "null"}]}, "#/$defs/T/anyOf/0: title: an object among several needs a name of"),
        (
            {"anyOf": [thing(title="A"), {"type": "object", "additionalProperties": {"type": "null"}}]},
            "#/$defs/T/anyOf: anyOf: two branches cannot be told apart: object A and a map are both objects; ",
        ),
        ({"$ref": 1}, "#/$defs/T/$ref: $ref: is no text; write a reference such as #/$defs/Name"),
        ({"$ref": "#/$defs/U"}, "#/$defs/T/$ref: $ref: there is no type at #/$defs/U; describe it in $defs and write"),
        ({"$ref": "#"}, "#/$defs/T/$ref: $ref: the root of that file describes no type; refer to one of its $defs"),
        ({"$ref": "#a"}, "#/$defs/T/$ref: $ref: anchors cannot be followed; refer to the type by its place"),
        ({"$ref": "miniagents:Nothing"}, "#/$defs/T/$ref: $ref: the library has no type Nothing; one of Message, "),
        ({"type": "object"}, "#/$defs/T: additionalProperties: an open object would lose the properties it does not"),
        (
            thing(additionalProperties=True),
            "#/$defs/T/additionalProperties: additionalProperties: an open object would lose the properties it does ",
        ),
        ({**thing(), "properties": []}, "#/$defs/T/properties: properties: is no object; write an object"),
        (thing(required=["a"]), "#/$defs/T/required: required: a is required but not described; describe it in"),
        (thing(required="a"), '#/$defs/T/required: required: is no list of different names; write ["name", ...]'),
        (thing(minProperties=1), "#/$defs/T/minProperties: minProperties: a closed object cannot count its properties"),
        (thing({"@type": {"type": "null"}}), "#/$defs/T/properties/@type: properties: this name is taken by the tag"),
        (
            thing({"a-b": {"type": "null"}, "a_b": {"type": "null"}}),
            "#/$defs/T/properties/a_b: name: a_b would also be",
        ),
        (thing({"T": {"type": "null"}}), "#/$defs/T/properties/T: name: T is also the name of a type; name it by"),
        (
            thing({"a": {"type": "integer", "minimum": 3, "default": 2}}),
            "#/$defs/T/properties/a: default: its own type does not accept it, or it is an object; mend it, or remove",
        ),
        (thing({"a": {"type": "integer", "default": True}}), "#/$defs/T/properties/a: default: its own type does not"),
        (
            {"type": "object", "properties": {"a": {"type": "null"}}, "additionalProperties": {"type": "null"}},
            "#/$defs/T/properties: properties: cannot stand beside a schema for all properties; write ",
        ),
    ],
)
def test_g2_what_cannot_be_honoured_is_refused_by_name(refusals: Refusals, schema: object, said: str) -> None:
    problems = refusals({"T": schema})
    assert any(problem.partition(": ")[2].startswith(said) for problem in problems), problems
    assert all(problem.split(":")[0].isdigit() and "; " in problem for problem in problems)


@pytest.mark.parametrize(
    ("hints", "said"),
    [
        (1, "#/$defs/T/x-miniagents: x-miniagents: is no object; write"),
        ({"nmae": "X"}, "#/$defs/T/x-miniagents/nmae: x-miniagents: nmae: unknown hint; allowed here: base, name, "),
        ({"field": "x"}, "#/$defs/T/x-miniagents/field: x-miniagents: field: has no meaning here; allowed here: "),
        ({"name": "t()"}, "#/$defs/T/x-miniagents/name: x-miniagents: name: not allowed: t(); write a name in"),
        ({"name": "None"}, "#/$defs/T/x-miniagents/name: x-miniagents: name: not allowed: None; write a name in"),
        ({"name": "Message"}, "#/$defs/T: name: Message is a name that generated modules need; name it by"),
        ({"name": "U"}, "#/$defs/U: name: U is also the name of "),
        ({"base": ""}, "#/$defs/T/x-miniagents/base: x-miniagents: base: not allowed: ; write Message, or a reference"),
        ({"base": "MessageBase"}, "#/$defs/T/x-miniagents/base: x-miniagents: the library has no type MessageBase; "),
        ({"base": "os:system"}, "#/$defs/T/x-miniagents/base: $ref: os:system is none of the given files, and nothing"),
        ({"base": "StreamEvent"}, "#/$defs/T: x-miniagents: base: StreamEvent is no class; name a closed object"),
        ({"base": "#/$defs/T"}, "#/$defs/T: x-miniagents: base: a type cannot extend itself: T -> T; name another"),
        (
            {"base": "Message", "template": "{"},
            "#/$defs/T: x-miniagents: template: a brace stands alone; write {{ or }} for a brace",
        ),
        (
            {"base": "Message", "template": "{b}"},
            "#/$defs/T: x-miniagents: template: {b} is no property; its properties are: a, text",
        ),
        (
            {"base": "Message", "template": "{a.real}"},
            "#/$defs/T: x-miniagents: template: {a.real} is no property; its properties are",
        ),
        ({"positional": 1}, "#/$defs/T/x-miniagents/positional: x-miniagents: positional: is neither true nor false;"),
    ],
)
def test_g2_wrong_hints_are_refused(refusals: Refusals, hints: object, said: str) -> None:
    problems = refusals({"T": thing({"a": {"type": "null"}}, **{"x-miniagents": hints}), "U": thing()})
    assert any(problem.partition(": ")[2].startswith(said) for problem in problems), problems


def test_g2_positional_properties_need_the_required_ones_first(refusals: Refusals) -> None:
    properties = {"a": {"type": "null"}, "b": {"type": "null"}}
    hinted = thing(properties, required=["b"], **{"x-miniagents": {"positional": True}})
    assert "positional: a required property stands behind an optional one" in refusals({"T": hinted})[0]


def test_g2_what_a_base_has_may_be_repeated_but_not_changed(refusals: Refusals, generated: Callable[..., str]) -> None:
    text = {"type": ["string", "null"], "default": None}
    base = {"x-miniagents": {"base": "Message"}}
    assert "text:" not in generated({"T": thing({"text": text}, **base)})
    said = refusals({"T": thing({"text": {"type": "string"}}, **base)})
    assert "Message has this property already, described otherwise; remove it here, or repeat it word" in said[0]


def test_g3_types_made_only_of_themselves_are_refused(refusals: Refusals) -> None:
    items = {"type": "array", "items": {"$ref": "#/$defs/B"}}
    said = refusals({"A": {"$ref": "#/$defs/A"}, "B": items, "C": {"$ref": "#/$defs/D"}, "D": {"$ref": "#/$defs/C"}})
    assert [line.split("no end: ")[1].split(";")[0] for line in said] == ["A -> A", "B -> B", "C -> D -> C"]


@pytest.mark.timeout(20)
def test_g3_long_chains_are_no_danger(generated: Callable[..., str], refusals: Refusals) -> None:
    chain = {f"T{i}": {"$ref": f"#/$defs/T{i + 1}"} for i in range(2000)}
    assert generated({**chain, "T2000": {"type": "string"}}).index("T2000: ") < 60_000
    assert "has no end" in refusals({**chain, "T2000": {"$ref": "#/$defs/T0"}})[0]
    bases = {f"T{i}": thing(**{"x-miniagents": {"base": f"#/$defs/T{i + 1}"}}) for i in range(300)}
    assert "class T0(T1, " in generated({**bases, "T300": thing()})


def test_all_problems_are_found_in_one_run(schema_file: Callable[..., Path], tmp_path: Path) -> None:
    first = schema_file({"$defs": {"A": {"type": "x"}, "B": {"enum": []}}}, "first.schema.json")
    second = schema_file({"$defs": {"C": {"$ref": "#/nowhere"}}}, "second.schema.json")
    with pytest.raises(GenerationError) as caught:
        generate([second, first], tmp_path / "out.py")
    places = [(Path(each.file).name, each.line, each.pointer) for each in caught.value.problems]
    assert places == [
        ("first.schema.json", 4, "#/$defs/A/type"),
        ("first.schema.json", 7, "#/$defs/B/enum"),
        ("second.schema.json", 4, "#/$defs/C/$ref"),
    ]


def test_g1_references_reach_every_given_file_by_path_and_by_id(
    schema_file: Callable[..., Path], tmp_path: Path
) -> None:
    reading = thing({"unit": {"$ref": "units/unit.json#/$defs/a~1b%20c"}, "next": {"$ref": "#"}}, title="Reading")
    one = schema_file({"$id": "https://example.org/s/reading.json", **reading}, "reading.json")
    two = schema_file({"$defs": {"a/b c": {"enum": ["K"]}}}, "units/unit.json")
    three = schema_file({"$id": "urn:x:y", "type": "array", "items": {"$ref": "reading.json"}}, "list.json")
    four = schema_file({"$defs": {"Lists": {"type": "array", "items": {"$ref": "urn:x:y"}}}}, "d.json")
    five = schema_file({"$defs": {"R": {"$ref": "https://example.org/s/reading.json#"}}}, "e.json")
    text = generate([one, two, three, four, five], tmp_path / "out.py")
    for line in [
        "unit: ABC | msgspec.UnsetType",
        '"Reading | msgspec.UnsetType"',
        "List: TypeAlias = tuple[Reading, ...]",
        "Lists: TypeAlias = tuple[List, ...]",
        "R: TypeAlias = Reading",
    ]:
        assert line in text


@pytest.mark.parametrize(
    "reference", ["other.json#/$defs/A", "../../etc/passwd", "https://example.org/x.json", "file:///etc/passwd", "//x"]
)
def test_g3_references_to_anything_not_given_are_refused(refusals: Refusals, reference: str) -> None:
    assert (
        "is none of the given files, and nothing is fetched; give that file too"
        in refusals({"A": {"$ref": reference}})[0]
    )


@pytest.mark.parametrize("reference", ["http://[", "\0", "#/%ff", "a\nb", "#/$defs/~9", "::"])
def test_g3_broken_references_are_refused(refusals: Refusals, reference: str) -> None:
    assert refusals({"A": {"$ref": reference}})


@pytest.mark.parametrize(
    ("root", "said"),
    [
        ("[]", ":1: #: type: the file is no schema; write"),
        ('{"$schema": "http://json-schema.org/draft-07/schema#", "$defs": {}}', "$schema: is not JSON Schema 2020-12"),
        ('{"$id": 3, "$defs": {}}', "$id: is no text; write a URI"),
        ('{"$defs": []}', "$defs: is no object; write an object of schemas"),
        ('{"definitions": {}}', 'definitions: cannot be honoured here; write "$defs"'),
        ('{"$defs": {"404": {"type": "null"}}}', "name: no name for a class can be made of this one; name it by"),
        ('{"$defs": {"type error": {"type": "null"}}}', "name: TypeError is a name that generated modules need; name"),
    ],
)
def test_g2_wrong_roots_are_refused(schema_file: Callable[..., Path], tmp_path: Path, root: str, said: str) -> None:
    with pytest.raises(GenerationError) as caught:
        generate([schema_file(root)], tmp_path / "out.py")
    assert said in str(caught.value)
