"""Each alias of a generated module is a type of its own (G6), and the type it stands for to everybody else."""

import copy
import json
from collections.abc import Callable, Mapping
from types import GenericAlias, ModuleType
from typing import Annotated, Any, Final, Literal, TypeAlias, Union

import msgspec
import pytest

import miniagents
from miniagents import Codec, DecodeError, InteractionContext, Message, MiniAgents, UserMessage, decode, miniagent
from miniagents.messages import SchemaName
from miniagents.messages.values.frozen import FrozenMeta
from miniagents.tools import tool

Imported = Callable[[object], ModuleType]
CLOSED: Final[dict[str, object]] = {"type": "object", "additionalProperties": False}
TEXTS: Final[dict[str, object]] = {"type": "array", "items": {"type": "string"}}


def reference(name: str) -> dict[str, object]:
    return {"$ref": f"#/$defs/{name}"}


def an_object(kind: str) -> dict[str, object]:
    return {**CLOSED, "properties": {"kind": {"const": kind}}, "required": ["kind"]}


DEFINITIONS: Final[dict[str, object]] = {
    "UserId": {"type": "string", "pattern": "^u"},
    "Note": {"type": "string"},
    "Short": {"type": "string", "maxLength": 3},
    "Anything": {},
    "AnyObject": {"minProperties": 1, "type": "object"},
    "Cat": an_object("cat"),
    "Dog": an_object("dog"),
    "Pet": {"anyOf": [reference("Cat"), reference("Dog")]},
    "Guest": {"oneOf": [reference("Cat"), reference("Dog")]},
    "Same": {"description": "Another word for it.", **reference("Pet")},
    "SameAgain": reference("Same"),
    "Feline": reference("Cat"),
    "Role": {"enum": ["a", "b"]},
    "House": {
        **CLOSED,
        "properties": {
            "owner": reference("UserId"),
            "notes": {"type": "array", "items": reference("Note")},
            "pets": {"type": "array", "items": reference("Pet")},
            "by_role": {"type": "object", "additionalProperties": {"anyOf": [reference("Role"), {"type": "null"}]}},
        },
    },
}
VALUES: Final[dict[str, tuple[list[object], list[object]]]] = {
    "UserId": (["u1"], ["x", 1]),
    "Note": (["x", ""], [1]),
    "Short": (["abc"], ["abcd"]),
    "Anything": ([1, None, {"a": []}], []),
    "AnyObject": ([{"a": None}], [{}, []]),
    "Cat": ([{"kind": "cat"}], [{"kind": "dog"}, {}]),
    "Dog": ([{"kind": "dog"}], [{"kind": "cat"}]),
    "Pet": ([{"kind": "cat"}, {"kind": "dog"}], [{"kind": "cow"}, "cat"]),
    "Guest": ([{"kind": "cat"}, {"kind": "dog"}], [{"kind": "cow"}]),
    "Same": ([{"kind": "dog"}], [{}]),
    "SameAgain": ([{"kind": "dog"}], [{}]),
    "Feline": ([{"kind": "cat"}], [{"kind": "dog"}]),
    "Role": (["a"], ["c"]),
    "House": (
        [{"owner": "u", "notes": ["n"], "pets": [{"kind": "dog"}], "by_role": {"x": "a", "y": None}}],
        [{"owner": "x"}, {"notes": [1]}, {"pets": [{"kind": "cow"}]}, {"by_role": {"x": "c"}}],
    ),
}
"""Values that each type accepts, and values that it refuses."""


def tuple_of(*items: object) -> Any:  # Any: a type, of types that are known when the test runs
    return GenericAlias(tuple, items)


def mapping_of(value: object) -> Any:  # Any: as above
    return GenericAlias(Mapping, (str, value))


def holds(module: ModuleType, form: Any, good: object, bad: object) -> None:  # Any: types
    """Check that a type of the module accepts a value, gives it back, and refuses another."""
    assert json.loads(module.encode(module.decode(json.dumps(good), form))) == good
    with pytest.raises(DecodeError):
        module.decode(json.dumps(bad), form)


@pytest.fixture
def module(imported: Imported) -> ModuleType:
    return imported(DEFINITIONS)


@pytest.mark.parametrize("name", VALUES)
def test_g6_every_name_decodes_alone_and_in_containers_by_its_own_schema(module: ModuleType, name: str) -> None:
    assert VALUES.keys() == set(module.__all__) - {"decode", "encode"}
    form: Any = getattr(module, name)  # Any: a type
    good, bad = VALUES[name]
    for value in good:
        assert json.loads(module.encode(module.decode(json.dumps(value), form))) == value
        assert json.loads(module.encode(module.decode(json.dumps([value]), tuple_of(form, ...)))) == [value]
        assert json.loads(module.encode(module.decode(json.dumps({"a": value}), mapping_of(form)))) == {"a": value}
    for value in bad:
        for outer, wrapped in [(form, value), (tuple_of(form, ...), [value]), (mapping_of(form), {"a": value})]:
            with pytest.raises(DecodeError):
                module.decode(json.dumps(wrapped), outer)


def test_g6_two_aliases_of_one_type_are_checked_one_by_one_in_one_union_and_one_tuple(module: ModuleType) -> None:
    holds(module, tuple_of(module.UserId, module.Note), ["u", "x"], ["x", "u"])
    holds(module, tuple_of(module.Note, module.UserId), ["x", "u"], ["u", "x"])
    holds(module, module.UserId | module.Short, "abc", "abcd")
    holds(module, module.UserId | module.Short, "u-long", "long")
    holds(module, module.UserId | None, None, "x")
    holds(module, mapping_of(module.Role | int), {"a": "b", "b": 1}, {"a": "c"})


def test_g6_one_more_alias_changes_no_other(imported: Imported) -> None:
    before = imported({"UserId": DEFINITIONS["UserId"], "House": {**CLOSED, "properties": {}}})
    after = imported({"Earlier": {"type": "string"}, **DEFINITIONS, "Later": {"type": "string", "maxLength": 1}})
    for each in (before, after):
        holds(each, each.UserId, "u1", "x")
    holds(after, after.Later, "x", "xy")
    holds(after, after.Earlier, "xy", 1)


def test_g6_aliases_of_two_modules_are_two_types(imported: Imported) -> None:
    one, other = imported({"Id": {"type": "string", "maxLength": 1}}), imported({"Id": {"type": "string"}})
    holds(one, one.Id, "x", "xy")
    holds(other, other.Id, "xy", 1)
    forms = [other.Id, tuple_of(other.Id, ...), one.Id | other.Id, mapping_of(other.Id), str]
    for form in forms:
        with pytest.raises(TypeError, match="is no type of this module; its types are: Id"):
            one.decode('"x"', form)


def test_a_pure_reference_is_the_type_it_refers_to(module: ModuleType) -> None:
    assert module.SameAgain is module.Same is module.Pet
    assert module.Feline is module.Cat
    assert module.Guest != module.Pet
    assert repr(module.Note) == "typing.Annotated[str, SchemaName('Note')]"


def test_g6_references_to_a_union_of_the_library_decode_under_each_name(imported: Imported) -> None:
    part: dict[str, object] = {"$ref": "miniagents:ContentPart"}
    module = imported({"Part": part, "AlsoPart": {"allOf": [part]}, "Told": {"$ref": "miniagents:Message"}})
    for name in ("Part", "AlsoPart"):
        holds(module, getattr(module, name), {"@type": "TextPart", "text": "x"}, {"@type": "TextPart"})
    assert module.Part is module.AlsoPart is miniagents.ContentPart
    holds(module, module.Told, {"@type": "Message", "text": "x"}, {"@type": "Message", "text": 1})


def test_g6_a_reference_to_a_class_of_the_library_means_its_derived_classes_too(imported: Imported) -> None:
    module = imported(
        {
            "Told": {"$ref": "miniagents:Message"},
            "Case": {"type": "object", "properties": {"told": {"$ref": "#/$defs/Told"}}},
        }
    )
    told = {"@type": "UserMessage", "text": "x"}
    assert module.decode(json.dumps(told), module.Told) == UserMessage("x")
    assert module.decode(json.dumps({"told": told}), module.Case).told == UserMessage("x")
    assert module.decode(json.dumps({"told": told, "more": 1.0}), module.Case).told == UserMessage("x")


def test_g6_an_alias_of_a_tuple_with_a_rest_is_found_again_in_a_message(imported: Imported) -> None:
    row = {
        "type": "array",
        "minItems": 1,
        "prefixItems": [{"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}],
        "items": {"type": ["string", "null"]},
    }
    module = imported({"Row": row})
    body: dict[str, Any] = {"__module__": __name__, "__annotations__": {"row": module.Row}}  # Any: as in a class
    holder: Any = FrozenMeta("RowHolder", (Message,), body, kw_only=True, tag="RowHolder")  # Any: a class
    for _ in range(2):
        found = decode('{"@type":"RowHolder","row":[{"a":1},"b",null]}', holder)
        assert module.encode(found.row) == b'[{"a":1},"b",null]'
        with pytest.raises(DecodeError, match=r"^\$\.row\[0\]"):
            decode('{"@type":"RowHolder","row":[{"a":"1"},"b"]}', holder)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (TEXTS, TEXTS),
        ({"anyOf": [TEXTS, {"type": "integer"}]}, {"anyOf": [{"type": "boolean"}, TEXTS]}),
        ({"type": "object", "additionalProperties": TEXTS}, {"type": "object", "additionalProperties": TEXTS}),
        ({"type": ["array", "null"], "items": {"type": "integer"}}, {"type": "array", "items": {"type": "integer"}}),
    ],
)
def test_g7_msgspec_alone_decodes_a_union_in_which_two_aliases_have_the_same_container(
    imported: Imported, one: object, other: object
) -> None:
    union = {"anyOf": [reference("One"), reference("Other")]}
    holder = {**CLOSED, "properties": {"a": union, "b": {"type": "array", "items": union}}}
    module = imported({"One": one, "Other": other, "Either": union, "Holder": holder})
    msgspec.json.Decoder(module.Holder)
    msgspec.json.Decoder(module.Either)
    assert module._codec.is_sound(module.Holder)
    assert module._codec.is_sound(module.Either)


def test_m1_fields_of_aliases_are_frozen_and_found_again_by_the_general_codec(module: ModuleType) -> None:
    house = module.House(owner="u", notes=["n"], pets=[module.Dog()], by_role={"x": "a"})
    assert house.notes == ("n",)
    assert miniagents.decode(miniagents.encode(house), module.House) == house
    assert Codec[object](tuple_of(module.Pet, ...)).decode(b'[{"kind":"cat"}]') == (module.Cat(),)
    assert Codec[object](module.Note).decode(b'"x"') == "x"


class AliasBegun(Message, frozen=True, kw_only=True, tag="AliasBegun"):
    """A message of a union."""

    at: int


class AliasEnded(Message, frozen=True, kw_only=True, tag="AliasEnded"):
    """Another message of the union."""

    at: int


Event: TypeAlias = Annotated[AliasBegun | AliasEnded, SchemaName("Event")]
Role: TypeAlias = Annotated[Literal["a", "b"], SchemaName("Role")]
Id: TypeAlias = Annotated[str, msgspec.Meta(pattern="^u"), SchemaName("Id")]


@miniagent
async def ending(ctx: InteractionContext[Event, Event]) -> None:
    for event in await ctx.messages:
        ctx.reply(AliasEnded(at=event.at))


async def test_a1_agents_declare_aliases() -> None:
    async with MiniAgents():
        assert await ending.inquire(AliasBegun(at=3)) == (AliasEnded(at=3),)
        with pytest.raises(TypeError, match="AliasBegun"):
            await ending.inquire([UserMessage("x")])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType] # what is tested


def test_m5_unions_see_the_messages_of_the_aliases_in_them() -> None:
    form = tuple[Event | UserMessage | int, ...]
    data = b'[{"@type":"AliasBegun","at":1},{"@type":"UserMessage","text":"x"},2]'
    slow = b'[{"@type":"AliasBegun","at":1,"more":0},{"@type":"UserMessage","text":"x"},2]'
    expected = (AliasBegun(at=1), UserMessage("x"), 2)
    assert miniagents.decode(data, form) == miniagents.decode(slow, form, unknown="ignore") == expected
    with pytest.raises(DecodeError, match="Event2"):
        miniagents.decode(b'[{"@type":"Event2"}]', form)


@tool
async def keep(owner: Id, role: Role | Event | None) -> str:
    """Keep them."""
    return f"{owner} {role}"


@pytest.mark.parametrize(
    ("names", "refused"),
    [
        (("OneOf",), {"kind": "cat"}),
        (("OneOf", "NotA"), {"kind": "cat"}),
        (("NotA", "House"), "a"),
        (("House", "NotA"), "a"),
    ],
)
def test_g2_the_fast_way_checks_an_alias_beside_a_record_in_a_message_as_the_slow_one_does(
    imported: Imported, names: tuple[str, ...], refused: object
) -> None:
    branches = [reference("Cat"), {"anyOf": [reference("Cat"), reference("Dog")]}]
    module = imported(
        {
            "Cat": DEFINITIONS["Cat"],
            "Dog": DEFINITIONS["Dog"],
            "House": {**CLOSED, "properties": {"rooms": {"type": "integer"}}},
            "NotA": {"type": "string", "not": {"const": "a"}},
            "OneOf": {"oneOf": branches},
        }
    )
    form: Any = Union[tuple(getattr(module, name) for name in names)]  # noqa: UP007 # Any: a type that is made here
    body = {"__annotations__": {"held": form}}
    holder: Any = FrozenMeta("AliasHolder", (Message,), body, kw_only=True, tag="AliasHolder")  # Any: a class
    for more in ({}, {"more": 1}):  # only the slow way ignores a field
        with pytest.raises(DecodeError, match=r"^\$\.held"):
            miniagents.decode(json.dumps({"held": refused, **more}), holder, unknown="ignore")


def test_models_are_told_the_type_that_an_alias_stands_for() -> None:
    properties: Any = keep.parameters["properties"]  # Any: JSON
    assert properties["owner"] == {"type": "string", "pattern": "^u"}
    assert [each.get("type", "object") for each in properties["role"]["anyOf"]] == [
        "string",
        "object",
        "object",
        "null",
    ]


def test_names_are_equal_to_themselves_alone() -> None:
    one, other = SchemaName("Id"), SchemaName("Id")
    assert one == one  # noqa: PLR0124 # what is tested
    assert one != other
    assert repr(one) == "SchemaName('Id')"
    form: object = Annotated[str, one]
    assert copy.deepcopy(form) == copy.copy(form) == form != Annotated[str, other]
