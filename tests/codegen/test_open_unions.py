"""Types say what is known, though a schema allows more than they can say (G2).

Such places are unions with an open branch, the branches of an `if`, values of `patternProperties`, and schemas that say
too much, or nothing, together.
"""

import json
from collections.abc import Callable, Mapping
from types import GenericAlias, ModuleType
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator

from miniagents import DecodeError

Generated = Callable[[object], str]
Imported = Callable[[object], ModuleType]

THING: Final = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
REFERENCE: Final = {"type": "object", "properties": {"$ref": {"type": "string"}}}
OR_REFERENCE: Final = {
    "if": {"type": "object", "required": ["$ref"]},
    "then": {"$ref": "#/$defs/Reference"},
    "else": {"$ref": "#/$defs/Item"},
}
"""The Reference requires nothing, and the Item forbids nothing: each accepts most objects meant as the other."""

DEFINITIONS: Final[Mapping[str, Any]] = {  # Any: JSON
    "Reference": REFERENCE,
    "Item": {"type": "object", "properties": {"$ref": {"type": "string"}, "get": {"type": "integer"}}},
    "ItemOrReference": OR_REFERENCE,
    "Thing": THING,
    "Whatever": {"description": "Anything at all."},
    "Items": {
        "type": "object",
        "patternProperties": {"^/": {"$ref": "#/$defs/ItemOrReference"}, "^x-": True},
        "unevaluatedProperties": False,
    },
    "Holder": {
        "type": "object",
        "properties": {
            "open": {"anyOf": [{"$ref": "#/$defs/Thing"}, True]},
            "named": {"anyOf": [{"$ref": "#/$defs/Thing"}, {"$ref": "#/$defs/Whatever"}, {"type": "string"}]},
            "many": {"anyOf": [{"type": "array", "items": {"$ref": "#/$defs/Thing"}}, {}]},
            "object": {"anyOf": [{"$ref": "#/$defs/Thing"}, {"type": "object"}]},
            "inline": OR_REFERENCE,
            "untyped": {"items": {"$ref": "#/$defs/Thing"}},
        },
        "patternProperties": {"^t_": {"$ref": "#/$defs/Thing"}},
        "additionalProperties": {"type": "integer"},
    },
}


@pytest.fixture
def module(imported: Imported) -> ModuleType:
    return imported(DEFINITIONS)


@pytest.mark.parametrize(
    "line",
    [
        'Annotated[Reference, When("ItemOrReference#/if")] | Item, SchemaName("ItemOrReference")',
        'Items: TypeAlias = Annotated[Mapping[str, ItemOrReference | AnyJson], SchemaName("Items")]',
        "open: Maybe[Thing | AnyJson] = msgspec.UNSET",
        "named: Maybe[Thing | AnyJson] = msgspec.UNSET",
        "many: Maybe[tuple[Thing, ...] | AnyJson] = msgspec.UNSET",
        "object: Maybe[Thing | Mapping[str, JsonValue]] = msgspec.UNSET",
        'inline: Maybe[Annotated[Reference, When("Holder#/properties/inline/if")] | Item] = msgspec.UNSET',
        "untyped: Maybe[str | int | float | bool | tuple[Thing, ...] | Mapping[str, JsonValue] | None] = msgspec.UNSET",
        "extra_properties: Extras[int | Thing]",
        'Whatever: TypeAlias = Annotated[JsonValue, SchemaName("Whatever")]',
    ],
)
def test_g1_types_say_what_is_known(generated: Generated, line: str) -> None:
    assert line in " ".join(generated(DEFINITIONS).split())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"open": {"name": "a"}}', "Holder(open=Thing(name='a'))"),
        ('{"open": {"name": 1}}', "Holder(open=FrozenDict({'name': 1}))"),
        ('{"open": [{"name": "a"}]}', "Holder(open=(FrozenDict({'name': 'a'}),))"),
        ('{"open": null}', "Holder(open=None)"),
        ('{"open": 1.0}', "Holder(open=1.0)"),
        (
            '{"named": {"name": "a", "more": 1}}',
            "Holder(named=Thing(extra_properties=FrozenDict({'more': 1}), name='a'))",
        ),
        ('{"named": "a"}', "Holder(named='a')"),
        ('{"many": [{"name": "a"}]}', "Holder(many=(Thing(name='a'),))"),
        ('{"many": [{"name": "a"}, 3]}', "Holder(many=(FrozenDict({'name': 'a'}), 3))"),
        ('{"object": {"name": 1}}', "Holder(object=FrozenDict({'name': 1}))"),
        ('{"inline": {"$ref": "a"}}', "Holder(inline=Reference(ref='a'))"),
        ('{"inline": {}}', "Holder(inline=Item())"),
        ('{"untyped": [{"name": "a"}]}', "Holder(untyped=(Thing(name='a'),))"),
        ('{"untyped": {"name": "a"}}', "Holder(untyped=FrozenDict({'name': 'a'}))"),
        ('{"t_x": {"name": "a"}, "y": 1}', "Holder(extra_properties=FrozenDict({'t_x': Thing(name='a'), 'y': 1}))"),
    ],
)
def test_m5_a_value_is_of_the_first_member_that_it_fits(module: ModuleType, text: str, said: str) -> None:
    value = module.decode(text, module.Holder)
    assert repr(value) == said
    assert json.loads(module.encode(value)) == json.loads(text)
    assert module.decode(module.encode(value), module.Holder) == value
    assert type(hash(value)) is int


def test_m5_the_branch_of_an_if_is_the_one_that_its_condition_chooses(module: ModuleType) -> None:
    data = '{"/a": {"$ref": "b", "get": 1}, "/c": {"get": 1}, "/d": {}, "x-e": {"$ref": 1}}'
    read = module.decode(data, module.Items)
    assert {name: type(each).__name__ for name, each in read.items()} == {
        "/a": "Reference",
        "/c": "Item",
        "/d": "Item",
        "x-e": "FrozenDict",
    }
    assert read == module.decode(module.encode(read), module.Items)
    form: Any = module.ItemOrReference | None  # Any: made of what the program knows
    either = module.decode('[{"$ref": "b"}, {}, null]', GenericAlias(tuple, (form, ...)))
    assert [type(each).__name__ for each in either] == ["Reference", "Item", "NoneType"]


@pytest.mark.parametrize(
    ("name", "text", "path"),
    [
        ("ItemOrReference", '{"$ref": 1}', "$['$ref']"),
        ("ItemOrReference", '{"get": "a"}', "$.get"),
        ("ItemOrReference", "3", "$"),
        ("Items", '{"/a": {"get": "a"}}', "$['/a'].get"),
        ("Items", '{"a": {}}', "$"),
        ("Holder", '{"t_a": {}}', "$.t_a"),
        ("Holder", '{"b": {}}', "$.b"),
        ("Holder", '{"untyped": [{}]}', "$.untyped[0]"),
    ],
)
def test_g2_what_the_schema_refuses_is_refused(module: ModuleType, name: str, text: str, path: str) -> None:
    schema = {"$ref": f"#/$defs/{name}", "$defs": DEFINITIONS}
    validator: Any = Draft202012Validator(schema)  # Any: partly unknown for pyright
    assert not validator.is_valid(json.loads(text))
    with pytest.raises(DecodeError) as caught:
        module.decode(text, getattr(module, name))
    assert str(caught.value).startswith(f"{path}: ")


def test_m8_what_would_be_read_as_something_else_is_not_written(module: ModuleType) -> None:
    thing = module.Thing(name="a")
    assert module.encode(module.Holder(open=thing)) == b'{"open":{"name":"a"}}'
    with pytest.raises(TypeError):
        module.encode(module.Holder(open={"inside": thing}))


def test_a_property_that_is_called_as_the_field_of_extras_keeps_its_schema(imported: Imported) -> None:
    properties = {"a": {"type": "null"}, "@extra": {**THING, "additionalProperties": False}}
    module = imported({"T": {"type": "object", "properties": properties, "minProperties": 1}})
    assert json.loads(module.encode(module.decode('{"@extra": {"name": "a"}}', module.T))) == {"@extra": {"name": "a"}}
    with pytest.raises(DecodeError):
        module.decode('{"@extra": null}', module.T)


def test_schemas_that_say_too_much_together_leave_what_one_of_them_says(generated: Generated) -> None:
    text = generated(
        {
            "T": {
                "allOf": [
                    {"type": "object", "properties": {"a": {"type": "string"}, "b": {"enum": ["x"]}}},
                    {"properties": {"a": {"type": "integer"}, "b": {"enum": ["y"]}, "c": {"$ref": "#/$defs/T"}}},
                    {"properties": {"c": {"$ref": "#/$defs/U"}}},
                ]
            },
            "U": {"type": "object", "properties": {"c": {"$ref": "#/$defs/T"}}},
        }
    )
    assert "    a: Maybe[str] = msgspec.UNSET" in text
    assert '    b: Maybe[Literal["x"]] = msgspec.UNSET' in text
    assert "JsonValue" not in text


def test_an_if_that_only_restricts_what_else_is_said_makes_no_union(generated: Generated) -> None:
    text = generated(
        {
            "T": {**THING, **OR_REFERENCE, "else": True},
            "U": {"if": {"required": ["a"]}, "then": {"properties": {"b": {"const": 1}}}, "else": {"properties": {}}},
            "V": {"if": {"required": ["a"]}, "then": {"$ref": "#/$defs/Reference"}},
            "Reference": REFERENCE,
        }
    )
    assert "class T(OpenRecord, frozen=True, kw_only=True):" in text
    assert 'U: TypeAlias = Annotated[JsonValue, SchemaName("U")]' in text
    assert 'V: TypeAlias = Annotated[JsonValue, SchemaName("V")]' in text


def test_a_chain_of_ifs_is_a_union_of_all_its_branches(imported: Imported) -> None:
    def of_kind(name: str) -> dict[str, object]:
        return {"type": "object", "properties": {"kind": {"const": name}}, "required": ["kind"]}

    module = imported(
        {
            "T": {
                "if": of_kind("a"),
                "then": {"$ref": "#/$defs/Thing"},
                "else": {"if": of_kind("b"), "then": {"$ref": "#/$defs/Other"}, "else": {"type": "null"}},
            },
            "Thing": THING,
            "Other": {"type": "object", "properties": {"name": {"type": ["string", "null"]}}},
        }
    )
    read = module.decode(
        '[{"kind": "a", "name": "x"}, {"kind": "b", "name": "x"}, null]', GenericAlias(tuple, (module.T, ...))
    )
    assert [type(each).__name__ for each in read] == ["Thing", "Other", "NoneType"]
    with pytest.raises(DecodeError):
        module.decode('{"kind": "c"}', module.T)
