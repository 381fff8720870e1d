"""What schemas become (G1): the types, where msgspec alone will do, and what is refused by name (G2)."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

from miniagents import DecodeError
from miniagents.codegen import GenerationError, generate
from miniagents.codegen.library import HAND_WRITTEN, LIBRARY
from miniagents.codegen.model import Default, Module, ObjectType, inherited_fields
from miniagents.codegen.reading.bundle import read_bundle
from miniagents.codegen.shaping.modules import module_of

Refusals = Callable[..., list[str]]
Modelled = Callable[[object], Module]
ROOT = Path(__file__).parents[2]
CLOSED: dict[str, object] = {"additionalProperties": False}
MESSAGE: dict[str, object] = {"x-miniagents": {"base": "Message"}}


def thing(properties: object = None, **others: object) -> dict[str, object]:
    return {"type": "object", "properties": {} if properties is None else properties, **CLOSED, **others}


@pytest.fixture
def modelled(schema_file: Callable[..., Path]) -> Modelled:
    def make(definitions: object) -> Module:
        return module_of(read_bundle([schema_file({"$defs": definitions})]))

    return make


SCHEMAS: Final = {*(ROOT / "schemas").iterdir()}
FRAMES: Final = {ROOT / "schemas" / "frames.schema.json"}


def of_library(schemas: set[Path]) -> Module:
    return module_of(read_bundle(sorted(schemas), is_library=True))


def test_m2_the_generator_knows_the_library_as_its_schemas_describe_it() -> None:
    """But for the frames, which schemas of users cannot name."""
    assert {each.name: each for each in of_library(SCHEMAS - FRAMES).types} == LIBRARY


def test_m2_what_is_written_by_hand_is_described_but_not_generated() -> None:
    module = of_library(FRAMES)
    assert {"EncodedObject", "EncodedValue"} <= module.known.keys() & HAND_WRITTEN.keys()
    assert not {each.name for each in module.types} & HAND_WRITTEN.keys()


@pytest.mark.parametrize("schemas", [SCHEMAS - FRAMES, FRAMES], ids=["messages", "frames"])
def test_m2_everything_in_the_library_is_described(schemas: set[Path]) -> None:
    for each in of_library(schemas).types:
        assert each.doc, each.name
        if isinstance(each, ObjectType):
            assert all(field.doc for field in each.fields), each.name


FORMS: Final[list[tuple[object, str, bool]]] = [
    ({}, "JsonValue", True),
    (True, "JsonValue", True),
    (False, "JsonValue", False),
    ({"minLength": 1}, "JsonValue", False),
    (
        {"type": "string", "minLength": 1, "maxLength": 3},
        "Annotated[str, msgspec.Meta(max_length=3, min_length=1)]",
        True,
    ),
    ({"type": "string", "format": "date"}, "str", True),
    ({"type": "integer", "multipleOf": 2}, "Annotated[int, msgspec.Meta(multiple_of=2)]", True),
    ({"type": "integer", "minimum": 1.5}, "int", False),
    ({"type": "integer", "minimum": 2**63}, "int", False),
    ({"type": "integer", "minimum": 1, "exclusiveMinimum": 1}, "Annotated[int, msgspec.Meta(ge=1)]", False),
    ({"type": "number"}, "int | float", True),
    ({"type": "number", "multipleOf": 0.1}, "int | float", False),
    ({"type": ["null", "integer"]}, "int | None", True),
    ({"const": "a"}, "Literal['a']", True),
    ({"const": True}, "bool", False),
    ({"enum": [True, False, None]}, "bool | None", True),
    ({"enum": ["a", 1, None]}, "Literal['a', 1] | None", True),
    ({"enum": ["a", 1.0]}, "Literal['a', 1]", True),
    ({"enum": [1.5, [], {"a": 1}]}, "int | float | tuple[JsonValue, ...] | Mapping[str, JsonValue]", False),
    ({"type": "integer", "enum": ["a", 1]}, "Literal[1]", True),
    ({"type": "string", "not": {"const": "a"}}, "str", False),
    ({"type": "array"}, "tuple[JsonValue, ...]", True),
    ({"type": "array", "items": {"type": "null"}, "uniqueItems": True}, "tuple[None, ...]", False),
    ({"type": "array", "prefixItems": [{"type": "null"}], "items": False, "minItems": 1}, "tuple[None]", True),
    (
        {"type": "array", "prefixItems": [{"type": "null"}], "minItems": 1},
        "tuple[None, *tuple[JsonValue, ...]]",
        False,
    ),
    (
        {"type": "array", "prefixItems": [{"type": "null"}], "items": {"type": "string"}},
        "tuple[str | None, ...]",
        False,
    ),
    ({"type": "object"}, "Mapping[str, JsonValue]", True),
    ({"type": "object", "additionalProperties": {"type": "null"}}, "Mapping[str, None]", True),
    (
        {
            "type": "object",
            "patternProperties": {"^a": {"type": "null"}},
            "additionalProperties": {"type": "string"},
        },
        "Mapping[str, str | None]",
        False,
    ),
    ({"type": "object", "required": ["a"]}, "Mapping[str, JsonValue]", False),
    ({"anyOf": [{"type": "integer"}, {"type": "number"}]}, "int | float", True),
    ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, "int | float", False),
    ({"anyOf": [{"const": "a"}, {"type": "string"}]}, "str", True),
    ({"oneOf": [{"const": "a"}, {"const": "b"}, {"type": "null"}]}, "Literal['a', 'b'] | None", True),
    ({"oneOf": [{"enum": ["a", "b"]}, {"const": "b"}]}, "Literal['a', 'b']", False),
    (
        {"allOf": [{"type": ["string", "null"]}, {"type": "string", "minLength": 1}]},
        "Annotated[str, msgspec.Meta(min_length=1)]",
        True,
    ),
    ({"type": ["string", "array"], "pattern": "^a"}, "str | tuple[JsonValue, ...]", False),
    (
        {"type": ["integer", "array"], "minimum": 1, "prefixItems": [{}], "items": False, "minItems": 1},
        "int | tuple[JsonValue]",
        False,
    ),
    ({"type": "string", "anyOf": [{"minLength": 3}, {"maxLength": 1}]}, "str", False),
]
"""Schemas, the types they become, and whether these are sound."""


@pytest.mark.parametrize(("schema", "annotation", "is_sound"), FORMS)
def test_g1_forms_are_as_precise_as_types_and_it_is_known_when_that_is_all(
    modelled: Modelled, generated: Callable[[object], str], schema: object, annotation: str, is_sound: bool
) -> None:
    opening = annotation if annotation.startswith("Annotated[") else f"Annotated[{annotation}]"
    alias = f"T: TypeAlias = {opening.removesuffix(']')}, SchemaName('T')]".replace("'", '"')
    assert "".join(alias.split()) in "".join(generated({"T": schema}).replace(",\n]", "]").split())
    assert ("T" not in modelled({"T": schema}).loose) == is_sound


def class_of(module: Module, name: str) -> ObjectType:
    found = module.known[name]
    assert isinstance(found, ObjectType)
    return found


def test_g1_all_of_is_merged(modelled: Modelled) -> None:
    base = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}, "required": ["a"]}
    more = {"properties": {"b": {"type": "integer", "minimum": 0}, "c": {"type": "null"}}, "required": ["c"]}
    module = modelled({"Base": base, "T": {"allOf": [{"$ref": "#/$defs/Base"}, more]}})
    own = {each.json_name: each for each in class_of(module, "T").fields}
    assert {name: field.required for name, field in own.items()} == {"b": False, "c": True}
    assert (class_of(module, "T").base, {*inherited_fields(module.known, "T")}) == ("Base", {"a", "b"})
    assert not module.loose


def test_g1_inline_objects_are_named_after_their_place(modelled: Modelled) -> None:
    inner = thing({"x": {"type": "null"}})
    module = modelled(
        {
            "Tool": thing(
                {
                    "inputSchema": inner,
                    "many": {"type": "array", "items": inner},
                    "by-name": {"type": "object", "additionalProperties": inner},
                    "one": {
                        "anyOf": [{**inner, "title": "First one"}, thing({"k": {"const": "second"}}, required=["k"])]
                    },
                    "also": {"oneOf": [{**inner, "required": ["x"]}, {**thing({"y": True})}]},
                    "taken": inner,
                }
            ),
            "ToolTaken": {"type": "string"},
        }
    )
    assert [each.name for each in module.types] == [
        *("Tool", "ToolInputSchema", "ToolManyItem", "ToolByNameValue", "ToolOneFirstOne", "ToolOneSecond"),
        *("ToolAlsoWithX", "ToolAlsoOption2", "ToolTakenObject", "ToolTaken"),
    ]


def test_g1_branches_that_differ_by_a_number_or_a_boolean_are_named_after_it(modelled: Modelled) -> None:
    values = (1, 2, -1, True, False)
    branches = [thing({"op": {"const": value}}, required=["op"]) for value in values]
    module = modelled({"Frame": {"oneOf": branches}})
    assert [each.name for each in module.types] == [
        *("Frame", "FrameOp1", "FrameOp2", "FrameOpMinus1", "FrameOpTrue", "FrameOpFalse"),
    ]


def test_g1_defaults_of_messages_that_are_objects_are_told(modelled: Modelled, refusals: Refusals) -> None:
    defaults: list[dict[str, object]] = [
        {"$ref": "#/$defs/P"},
        {"type": "object"},
        {"type": "array", "items": True},
        {"$ref": "#/$defs/M"},
    ]
    values: list[object] = [{"x": 1}, {"y": []}, [1, [{}]], {}]
    members = {f"p{place}": {**each, "default": values[place]} for place, each in enumerate(defaults)}
    module = modelled({"T": thing(members, **MESSAGE), "P": thing({"x": True}), "M": {"type": "object"}})
    fields = class_of(module, "T").fields
    assert [field.default for field in fields] == [None, None, None, Default({})]
    assert [field.doc for field in fields][:2] == [
        'Schema default: {"x": 1}.',
        'Schema default: {"y": []}.',
    ]
    wrong = thing(
        {"a": {"type": "string", "default": {}}, "b": {"items": {}, "type": "array", "default": {}}}, **MESSAGE
    )
    assert len(refusals({"T": wrong})) == 2


def test_g1_a_name_that_many_branches_give_tells_which_of_them_it_is(modelled: Modelled) -> None:
    same = [thing({"x": {"enum": [count, count + 1]}}, required=["x"]) for count in range(4)]
    module = modelled({"T": {"anyOf": same}})
    assert [each.name for each in module.types] == [
        *("T", "TWithX", "TWithX_Option2", "TWithX_Option3", "TWithX_Option4"),
    ]


def test_g1_a_required_property_with_one_value_is_the_tag_of_a_union(modelled: Modelled) -> None:
    def branch(kind: object) -> dict[str, object]:
        return thing({"kind": {"const": kind}, "same": {"const": "x"}}, required=["kind", "same"])

    union = {"oneOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/B"}]}
    holder = thing({"alone": {"$ref": "#/$defs/A"}, "union": {"$ref": "#/$defs/U"}})
    module = modelled({"U": union, "A": branch("a"), "B": branch("b"), "H": holder})
    assert [class_of(module, name).tag for name in "AB"] == [("kind", "a"), ("kind", "b")]
    assert module.loose == {"H": ("A stands alone",)}
    same = modelled({"U": union, "A": branch("a"), "B": branch("a")})
    assert class_of(same, "A").tag is None
    assert same.loose == {"U": ("objects without a tag",)}


def test_g1_aliases_that_lead_back_to_themselves_hold_anything_where_they_close(
    generated: Callable[[object], str],
) -> None:
    text = generated({"Tree": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"$ref": "#/$defs/Tree"}}]}})
    assert 'Tree: TypeAlias = Annotated[str | tuple[JsonValue, ...], SchemaName("Tree")]\n' in text


def test_g1_changing_one_definition_changes_only_its_own_lines(generated: Callable[[object], str]) -> None:
    definitions: dict[str, object] = {
        name: thing({"a": thing({"x": {"type": "string"}}), "b": {"anyOf": [{"$ref": "#/$defs/T0"}, {"type": "null"}]}})
        for name in ("T0", "T1", "T2")
    }
    before = generated(definitions).splitlines()
    changed = thing({"a": thing({"x": {"type": "string", "minLength": 1}, "new": True})})
    after = generated({**definitions, "T1": changed, "T9": thing({"a": thing({})})}).splitlines()
    shared = {"from typing import TypeAlias", "import msgspec", ""}
    lost = [line for line in before if line not in after and "import" not in line and "__all__" not in line]
    assert all("T1" in line or "T0 | None" in line for line in lost), lost
    assert not shared.isdisjoint(after)


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (thing({"@type": True}, **MESSAGE), "#/$defs/T/properties/@type: properties: this name is taken by the tag"),
        (
            {"type": "object", **MESSAGE, "properties": {"a": True}},
            "#/$defs/T: additionalProperties: an open object would lose",
        ),
        (
            thing({"a": {"type": "integer", "minimum": 3, "default": 2}}, **MESSAGE),
            "#/$defs/T/properties/a: default: its own type does not accept it; correct it, or remove it, or in",
        ),
        (
            thing({"a": {"type": "integer", "default": True}}, **MESSAGE),
            "#/$defs/T/properties/a: default: its own type",
        ),
        (
            thing({"a": {"x-miniagents": {"field": "b"}}, "c": {"x-miniagents": {"field": "b"}}}),
            "#/$defs/T/properties/c: name: b would also be the name of another property in Python; write another name",
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
        ({"name": "t()"}, "#/$defs/T/x-miniagents: x-miniagents: name: not allowed: t(); write a name in"),
        ({"base": "MessageBase"}, "#/$defs/T/x-miniagents/base: x-miniagents: the library has no type MessageBase; "),
        ({"base": "os:system"}, "#/$defs/T/x-miniagents/base: x-miniagents: os:system is none of the given files, and"),
        ({"base": "StreamEvent"}, "#/$defs/T: x-miniagents: base: StreamEvent is no class; name a closed object"),
        ({"base": "#/$defs/T"}, "#/$defs/T: x-miniagents: base: a type cannot extend itself: T -> T; name another"),
        (
            {"base": "Message", "template": "{"},
            "#/$defs/T: x-miniagents: template: a brace stands alone; write {{ or }} for a brace",
        ),
        (
            {"base": "Message", "template": "{b}"},
            "#/$defs/T: x-miniagents: template: {b} is no property; its properties are: a, metadata, text",
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
    assert "text:" not in generated({"T": thing({"text": text}, **MESSAGE)})
    said = refusals({"T": thing({"text": {"type": "string"}}, **MESSAGE)})
    assert "Message has this property already, described otherwise; remove it here, or repeat it word" in said[0]


def test_g3_long_chains_are_no_danger(generated: Callable[..., str]) -> None:
    chain = {f"T{i}": {"$ref": f"#/$defs/T{i + 1}"} for i in range(2000)}
    assert generated({**chain, "T2000": {"type": "string"}}).index("T2000: ") < 80_000
    bases = {f"T{i}": thing(**{"x-miniagents": {"base": f"#/$defs/T{i + 1}"}}) for i in range(300)}
    assert "class T0(T1, " in generated({**bases, "T300": thing()})
    merged = {f"T{i}": {"allOf": [{"$ref": f"#/$defs/T{i + 1}"}, thing()]} for i in range(300)}
    assert "class T0(Record, " in generated({**merged, "T300": thing()})


def test_types_may_have_the_names_of_what_a_module_imports(generated: Callable[..., str]) -> None:
    names = ("Message", "Record", "Mapping", "JsonValue", "Literal", "AnyMessage", "TypeAlias", "SchemaCodec")
    text = generated({**{name: thing({"a": True, "b": {"const": 1}}) for name in names}, "M": thing(**MESSAGE)})
    for line in ["class Message(_Record, ", "class M(_Message, ", "_codec = _SchemaCodec("]:
        assert line in text
    compile(text, "module", "exec")


def test_all_problems_are_found_in_one_run(schema_file: Callable[..., Path], tmp_path: Path) -> None:
    schema = {"A": thing({"@type": True}, **MESSAGE), "B": thing(**{"x-miniagents": {"nmae": "X"}})}
    with pytest.raises(GenerationError) as caught:
        generate([schema_file(json.dumps({"$defs": schema}))], tmp_path / "out.py")
    assert [each.pointer for each in caught.value.problems] == [
        "#/$defs/A/properties/@type",
        "#/$defs/B/x-miniagents/nmae",
    ]


def test_null_by_another_name_is_null(imported: Callable[[object], ModuleType]) -> None:
    null = {"$ref": "#/$defs/Null"}
    module = imported(
        {
            "Null": {"type": "null"},
            "Also": {"const": None},
            "T": thing({"a": {"anyOf": [null, {"$ref": "#/$defs/Also"}]}, "b": {"oneOf": [null, {"type": "null"}]}}),
        }
    )
    assert module.decode('{"a": null}', module.T).a is None
    with pytest.raises(DecodeError):
        module.decode('{"b": null}', module.T)  # of both branches
