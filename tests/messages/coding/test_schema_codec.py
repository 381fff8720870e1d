"""G2, M5: what a generated module reads is what its schema accepts, and it is written as it was read.

The modules here are what the generator writes, by hand: a closed one, an open one, one with unions.
"""

import copy
import json
import math
import pickle
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, TypeAlias

import msgspec
import pytest
from hypothesis import given, strategies as st
from msgspec import UNSET, UnsetType
from typing_extensions import TypeAliasType

from miniagents.messages import (
    NO_EXTRAS,
    DecodeError,
    Extras,
    FrozenDict,
    JsonValue,
    Message,
    Record,
    SchemaCodec,
    UnknownMessage,
    UserMessage,
    decode,
    encode,
)
from miniagents.messages.values.freezing import is_list, is_mapping, is_tuple
from tests.effort import examples

# A closed module -----------------------------------------------------------------------------------------------------


class ScAddress(Record, frozen=True, kw_only=True):
    street: str
    city: str | None
    zip_code: str | UnsetType = msgspec.field(default=UNSET, name="zip-code")


class ScCustomer(Record, frozen=True, kw_only=True):
    name: str
    age: int
    active: bool
    home: ScAddress
    work: ScAddress | UnsetType = UNSET
    scores: tuple[int | float, ...] | UnsetType = UNSET


ADDRESS = """{"type": "object", "properties": {"street": {"type": "string"}, "city": {"type": ["string", "null"]},
    "zip-code": {"type": "string"}}, "required": ["street", "city"], "additionalProperties": false}"""
CUSTOMER = """{"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"},
    "active": {"type": "boolean"}, "home": {"$ref": "#/$defs/ScAddress"}, "work": {"$ref": "#/$defs/ScAddress"},
    "scores": {"type": "array", "items": {"type": "number"}}},
    "required": ["name", "age", "active", "home"], "additionalProperties": false}"""
closed = SchemaCodec(
    {"ScAddress": ADDRESS, "ScCustomer": CUSTOMER},
    {"ScAddress": ScAddress, "ScCustomer": ScCustomer},
    sound=("ScAddress", "ScCustomer"),
)

# An open module ------------------------------------------------------------------------------------------------------


class ScToolInput(Record, frozen=True, kw_only=True):
    type: Literal["object"]
    required: tuple[str, ...] | UnsetType = UNSET
    extra_properties: Extras[JsonValue] = msgspec.field(default=NO_EXTRAS, name="@extra")


class ScTool(Record, frozen=True, kw_only=True):
    name: str
    input: ScToolInput
    meta: Mapping[str, JsonValue] | UnsetType = msgspec.field(default=UNSET, name="_meta")
    extra_properties: Extras[JsonValue] = msgspec.field(default=NO_EXTRAS, name="@extra")


class ScLimits(Record, frozen=True, kw_only=True):
    """Open, with numbers only beside what is declared."""

    unit: str
    extra_properties: Extras[int] = msgspec.field(default=NO_EXTRAS, name="@extra")


ScHeaders: TypeAlias = Mapping[str, str]
ScName: TypeAlias = str
ScTitle: TypeAlias = str

open_ = SchemaCodec(
    {
        "ScTool": """{"type": "object", "properties": {"name": {"$ref": "#/$defs/ScName"}, "input": {"type": "object",
            "properties": {"type": {"const": "object"}, "required": {"type": "array", "items": {"type": "string"},
            "uniqueItems": true}}, "required": ["type"]}, "_meta": {"type": "object"}},
            "required": ["name", "input"]}""",
        "ScLimits": """{"type": "object", "properties": {"unit": {"type": "string"}}, "required": ["unit"],
            "additionalProperties": {"type": "integer", "minimum": 0}}""",
        "ScHeaders": '{"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": 2}',
        "ScName": '{"type": "string", "pattern": "^[a-z]+$"}',
        "ScTitle": '{"type": "string"}',
    },
    {
        "ScTool": ScTool,
        "ScTool#/properties/input": ScToolInput,
        "ScLimits": ScLimits,
        "ScHeaders": ScHeaders,
        "ScName": ScName,
        "ScTitle": ScTitle,
    },
)

# A module with unions ------------------------------------------------------------------------------------------------


class ScText(Record, frozen=True, kw_only=True, tag_field="type", tag="text"):
    type: ClassVar[Literal["text"]] = "text"
    text: str


class ScImage(Record, frozen=True, kw_only=True, tag_field="type", tag="image"):
    type: ClassVar[Literal["image"]] = "image"
    width: int


class ScCat(Record, frozen=True, kw_only=True):
    meows: bool


class ScDog(Record, frozen=True, kw_only=True):
    barks: bool
    tricks: tuple[str, ...] | UnsetType = UNSET


class ScNode(Record, frozen=True, kw_only=True):
    value: JsonValue
    children: "tuple[ScNode, ...] | UnsetType" = UNSET
    pet: ScCat | ScDog | str | UnsetType | None = UNSET
    contents: Mapping[str, ScText | ScImage] | UnsetType = UNSET
    pair: tuple[int, str, *tuple[bool, ...]] | UnsetType = UNSET
    only: bool | UnsetType = UNSET
    parent: "ScNode | UnsetType | None" = UNSET


class ScNote(Message, frozen=True, kw_only=True, tag="ScNote"):
    """A message of the module."""

    pets: tuple[ScCat | ScDog, ...] = ()
    content: ScText | None = None


ScContent: TypeAlias = ScText | ScImage
ScPet: TypeAlias = ScCat | ScDog
ScTree = TypeAliasType("ScTree", "int | tuple[ScTree, ...]")

unions = SchemaCodec(
    {
        "ScText": """{"type": "object", "properties": {"type": {"const": "text"}, "text": {"type": "string"}},
            "required": ["type", "text"], "additionalProperties": false}""",
        "ScImage": """{"type": "object", "properties": {"type": {"const": "image"}, "width": {"type": "integer"}},
            "required": ["type", "width"], "additionalProperties": false}""",
        "ScCat": """{"type": "object", "properties": {"meows": {"type": "boolean"}}, "required": ["meows"],
            "additionalProperties": false}""",
        "ScDog": """{"type": "object", "properties": {"barks": {"type": "boolean"}, "tricks": {"type": "array",
            "items": {"type": "string"}, "maxItems": 2}}, "required": ["barks"], "additionalProperties": false}""",
        "ScContent": '{"oneOf": [{"$ref": "#/$defs/ScText"}, {"$ref": "#/$defs/ScImage"}]}',
        "ScPet": '{"anyOf": [{"$ref": "#/$defs/ScCat"}, {"$ref": "#/$defs/ScDog"}]}',
        "ScTree": '{"anyOf": [{"type": "integer"}, {"type": "array", "items": {"$ref": "#/$defs/ScTree"}}]}',
        "ScNode": """{"type": "object", "properties": {"value": true,
            "children": {"type": "array", "items": {"$ref": "#/$defs/ScNode"}},
            "pet": {"anyOf": [{"$ref": "#/$defs/ScPet"}, {"type": ["string", "null"]}]},
            "contents": {"type": "object", "additionalProperties": {"$ref": "#/$defs/ScContent"}},
            "pair": {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "minItems": 2,
            "items": {"type": "boolean"}}, "only": {"const": true},
            "parent": {"anyOf": [{"$ref": "#/$defs/ScNode"}, {"type": "null"}]}},
            "required": ["value"], "additionalProperties": false}""",
        "ScNote": """{"type": "object", "properties": {"@type": {"const": "ScNote"},
            "text": {"type": ["string", "null"]}, "pets": {"type": "array", "items": {"$ref": "#/$defs/ScPet"}},
            "content": {"anyOf": [{"$ref": "#/$defs/ScText"}, {"type": "null"}]}}, "additionalProperties": false}""",
    },
    {
        "ScText": ScText,
        "ScImage": ScImage,
        "ScCat": ScCat,
        "ScDog": ScDog,
        "ScContent": ScContent,
        "ScPet": ScPet,
        "ScTree": ScTree,
        "ScNode": ScNode,
        "ScNote": ScNote,
    },
    sound=("ScText", "ScImage", "ScCat", "ScContent"),
)

# Data ----------------------------------------------------------------------------------------------------------------

texts = st.text(max_size=4)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts | st.just("@extra"), inner, max_size=3),
    max_leaves=5,
)
integers = st.integers() | st.sampled_from([1.0, -2e3, 1e22])


def objects(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:  # Any: strategies
    return st.fixed_dictionaries(required, optional=optional)


def with_extras(base: st.SearchStrategy[dict[str, Any]], values: Any) -> st.SearchStrategy[dict[str, Any]]:  # Any: JSON
    names = texts.map("x".__add__) | st.sampled_from(["@extra", "extra_properties", "@type", ""])
    both: st.SearchStrategy[tuple[dict[str, Any], dict[str, Any]]] = st.tuples(  # Any: JSON
        st.dictionaries(names, values, max_size=3), base
    )
    return both.map(lambda both: both[0] | both[1])


addresses = objects({"street": texts, "city": st.none() | texts}, {"zip-code": texts})
customers = objects(
    {"name": texts, "age": integers, "active": st.booleans(), "home": addresses},
    {"work": addresses, "scores": st.lists(st.integers(-9, 9) | st.floats(-9, 9), max_size=3)},
)
inputs = with_extras(
    objects({"type": st.just("object")}, {"required": st.lists(texts, max_size=2, unique=True)}), json_values
)
tools = with_extras(
    objects(
        {"name": st.sampled_from(["a", "ab"]), "input": inputs},
        {"_meta": st.dictionaries(texts, json_values, max_size=2)},
    ),
    json_values,
)
limits = with_extras(objects({"unit": texts}, {}), st.integers(0, 5) | st.just(3.0))
contents = objects({"type": st.just("text"), "text": texts}, {}) | objects(
    {"type": st.just("image"), "width": integers}, {}
)
pets = objects({"meows": st.booleans()}, {}) | objects(
    {"barks": st.booleans()}, {"tricks": st.lists(texts, max_size=2)}
)
leaf_nodes = objects(
    {"value": json_values},
    {
        "pet": pets | st.none() | texts,
        "contents": st.dictionaries(texts, contents, max_size=2),
        "pair": st.tuples(integers, texts, st.lists(st.booleans(), max_size=2)).map(lambda pair: [*pair[:2], *pair[2]]),
        "only": st.just(True),
    },
)


def within(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:  # Any: JSON
    around = objects({"children": st.lists(inner, max_size=2)}, {"parent": st.none() | inner})
    return st.tuples(leaf_nodes, around).map(lambda both: both[0] | both[1])


nodes: st.SearchStrategy[dict[str, Any]] = st.recursive(leaf_nodes, within, max_leaves=3)  # Any: JSON
trees = st.recursive(integers, lambda inner: st.lists(inner, max_size=3), max_leaves=6)

DATA: list[tuple[SchemaCodec, Any, Any]] = [  # Any: types, strategies
    (closed, ScAddress, addresses),
    (closed, ScCustomer, customers),
    (closed, tuple[ScCustomer, ...], st.lists(customers, max_size=2)),
    (open_, ScTool, tools),
    (open_, ScToolInput, inputs),
    (open_, ScLimits, limits),
    (open_, ScHeaders, st.dictionaries(texts, texts, max_size=2)),
    (open_, list[ScTool | ScLimits], st.lists(tools | limits, max_size=2)),
    (unions, ScText, contents.filter(lambda content: content["type"] == "text")),
    (unions, ScContent, contents),
    (unions, ScPet, pets),
    (unions, ScCat | ScText, contents.filter(lambda content: content["type"] == "text")),
    (unions, ScNode, nodes),
    (unions, ScTree, trees),
    (unions, Mapping[str, ScNode | None], st.dictionaries(texts, nodes | st.none(), max_size=2)),
]
each_type = pytest.mark.parametrize(("codec", "form", "values"), DATA, ids=[str(form) for _, form, _ in DATA])


def is_frozen(value: object) -> bool:
    if isinstance(value, msgspec.Struct):
        return all(is_frozen(getattr(value, name)) for name in value.__struct_fields__)
    if is_tuple(value):
        return all(map(is_frozen, value))
    if is_mapping(value):
        return isinstance(value, FrozenDict) and all(map(is_frozen, value.values()))
    return isinstance(value, str | int | float | None | UnsetType)


@each_type
@examples(30)
@given(data=st.data())
def test_m5_valid_data_is_read_and_written_as_it_was(
    codec: SchemaCodec,
    form: Any,
    values: Any,
    data: st.DataObject,  # Any: types, strategies
) -> None:
    raw = data.draw(values)
    value: object = codec.decode(json.dumps(raw), form)
    assert json.loads(codec.encode(value)) == raw
    again: object = codec.decode(codec.encode(value), form)
    assert again == value
    if not isinstance(value, list):
        assert is_frozen(value)
        assert hash(value) == hash(again)
    if isinstance(value, Record):
        assert value.hash_key == codec.decode(codec.encode(value), type(value)).hash_key
        assert pickle.loads(pickle.dumps(value)) == copy.copy(value) == copy.deepcopy(value) == value


@each_type
@examples(30)
@given(data=st.data())
def test_g2_what_the_schema_refuses_is_refused_whatever_was_spoiled(
    codec: SchemaCodec,
    form: Any,
    values: Any,
    data: st.DataObject,  # Any: types, strategies
) -> None:
    raw = data.draw(values)
    places = list(walk(raw))
    spoiled = copy.deepcopy(raw)
    path = data.draw(st.sampled_from(places))
    spoiled = spoil(spoiled, path, data.draw(st.sampled_from([None, True, 5, -1.5, "x", [], ["y"], {}, {"z": 1}, ...])))
    text = json.dumps(spoiled)
    exact = SchemaCodec(codec._texts, codec._types)
    assert outcome(codec, text, form) == outcome(exact, text, form)


def walk(raw: Any, path: tuple[str | int, ...] = ()) -> Any:  # Any: JSON
    yield path
    items: Any = raw.items() if is_mapping(raw) else enumerate(raw) if is_list(raw) else ()  # Any: JSON
    for key, item in items:
        yield from walk(item, (*path, key))


def spoil(raw: Any, path: tuple[str | int, ...], new: object) -> Any:  # Any: JSON
    if not path:
        return 7 if new is ... else new
    target = raw
    for step in path[:-1]:
        target = target[step]
    if new is ...:
        del target[path[-1]]
    else:
        target[path[-1]] = new
    return raw


def outcome(codec: SchemaCodec, text: str, form: Any) -> object:  # Any: a type
    try:
        return codec.decode(text, form)
    except DecodeError as error:
        assert error.path.startswith("$")
        return error.path, error.reason


# Errors --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("codec", "form", "text", "path", "reason"),
    [
        (closed, ScCustomer, '{"name": "a", "age": 1, "active": true}', "$", "home.*required"),
        (closed, ScCustomer, '{"name": "a", "age": 1.5, "active": true, "home": {}}', r"$.age", "integer"),
        (closed, tuple[ScAddress, ...], '[{"street": "a", "city": "b", "x": 1}]', "$[0]", "x"),
        (closed, ScAddress, '{"street": "a", "city": "b", "zip-code": 5}', "$['zip-code']", "string"),
        (closed, ScAddress | None, "[]", "$", "expected ScAddress or null, got an array"),
        (open_, ScTool, '{"name": "A", "input": {"type": "object"}}', "$.name", "pattern"),
        (
            open_,
            ScTool,
            '{"name": "a", "input": {"type": "object", "required": ["a", "a"]}}',
            "$.input.required",
            "uniq",
        ),
        (open_, ScLimits, '{"unit": "a", "b": -1}', "$.b", "minimum"),
        (open_, ScHeaders, '{"a": "", "b": "", "c": ""}', "$", "maxProperties"),
        (unions, ScText, '{"text": "a"}', "$", "type"),
        (unions, ScText | None, '{"text": "a"}', "$", "type"),
        (unions, tuple[ScText, ...], '[{"text": "a"}]', "$[0]", "type"),
        (unions, ScNode, '{"value": 1, "only": false}', "$.only", "const"),
        (unions, ScNode, '{"value": 1, "contents": {"a": {"type": "video"}}}', "$.contents.a.type", "video"),
        (unions, ScNote, '{"@type": "Other"}', "$['@type']", "const"),
        (closed, ScAddress, "", "$", "line 1 column 1"),
        (closed, ScAddress, '{"street": "a", "city": NaN}', "$", "NaN"),
        (open_, ScTool, '{"name": "a", "input": {"type": "object", "x": [1e999]}}', "$", "1e999.*too large"),
        (open_, ScTool, '{"name": "a", "input": {"type": "object", "x": ["\\ud800"]}}', "$.input.x[0]", "surrogate"),
        (open_, ScTool, '{"name": "a", "input": {"type": "object", "\\ud800": 1}}', "$.input", "surrogate"),
        (open_, ScTool, '{"name": "a", "input": {"type": "object", "x": 1, "x": 2}}', "$.input", "'x' is there twice"),
        (open_, ScTool, '{"name": "a", "input": {"type": "object", "x": ' + "9" * 5000 + "}}", "$", "4300"),
        (open_, ScTool, "[" * 100_000, "$", "nested deeper"),
        (closed, ScAddress, "[" * 100_000, "$", "nested deeper"),
        (closed, ScAddress, b'{"street": "\xff", "city": null}', "$", "utf-8"),
        (open_, ScTool, b'{"name": "\xff"}', "$", "utf-8"),
        (closed, ScAddress, '{"street": "\ud800", "city": null}', "$.street", "surrogate"),
    ],
)
def test_g2_refused_data_has_its_path_and_its_reason(
    codec: SchemaCodec,
    form: Any,
    text: str | bytes,
    path: str,
    reason: str,  # Any: types
) -> None:
    with pytest.raises(DecodeError, match=f"(?s){reason}") as caught:
        codec.decode(text, form)
    assert caught.value.path == path


def test_m5_values_nested_as_deep_as_json_is_read_are_built() -> None:
    depth = 300  # each level is two of JSON
    text = '{"value":1,"children":[' * depth + '{"value":2.0,"pet":{"meows":true}}' + "]}" * depth
    node = unions.decode(text, ScNode)
    for _ in range(depth):
        assert isinstance(node.children, tuple)
        node = node.children[0]
    assert node.pet == ScCat(meows=True)


def test_m5_numbers_are_what_their_type_says() -> None:
    customer = closed.decode(
        '{"name": "a", "age": 2.0, "active": true, "home": {"street": "", "city": null}}', ScCustomer
    )
    assert (customer.age, type(customer.age)) == (2, int)
    node = unions.decode('{"value": 1.0, "pair": [3.0, "a"]}', ScNode)
    assert isinstance(node.pair, tuple)
    assert (type(node.value), type(node.pair[0])) == (float, int)


def test_m5_extras_are_kept_beside_the_declared_properties() -> None:
    tool = open_.decode('{"x": [{"y": 1}], "name": "a", "input": {"type": "object", "@extra": {"b": 2}}}', ScTool)
    assert tool.extra_properties == {"x": ({"y": 1},)}
    assert tool.input.extra_properties == {"@extra": {"b": 2}}
    assert open_.encode(tool) == b'{"name":"a","input":{"type":"object","@extra":{"b":2}},"x":[{"y":1}]}'
    assert ScTool(name="a", input=ScToolInput(type="object")).extra_properties is NO_EXTRAS


def test_types_that_are_none_of_the_module_are_refused_by_name() -> None:
    forms: list[Any] = [int, ScTool, tuple[int, ...], list[UserMessage], tuple[ScAddress, ScTool], "x"]  # Any: types
    for form in forms:
        with pytest.raises(TypeError, match="is no type of this module; its types are: ScAddress, ScCustomer"):
            closed.decode("1", form)
    with pytest.raises(TypeError, match="ScName and ScTitle are one type for Python, str, but not one schema"):
        open_.decode('"a"', ScName)


def test_a_message_of_a_module_is_read_by_both_codecs() -> None:
    note = ScNote(text="a", pets=(ScDog(barks=True), ScCat(meows=False)), content=ScText(text="t"))
    text = encode(note)
    assert unions.encode(note) == text
    assert unions.decode(text, ScNote) == note
    assert decode(text, Message) == decode(text, ScNote) == note
    assert unions.decode("{}", ScNote) == ScNote()
    with pytest.raises(DecodeError, match=r"\$\.pets\[0\]"):
        unions.decode('{"pets": [{"barks": 1}]}', ScNote)


# Records in messages -------------------------------------------------------------------------------------------------


class ScCarrier(Message, kw_only=True):
    """A message that is written by hand, with records of all kinds."""

    tool: ScTool | None = None
    content: ScText | ScImage | None = None
    alone: ScText | None = None
    pets: tuple[ScPet | UserMessage | str, ...] = ()
    customers: Mapping[str, ScCustomer] = FrozenDict()  # immutable
    node: ScNode | None = None


@examples(30)
@given(tools | st.none(), contents | st.none(), st.lists(pets, max_size=2), customers | st.none(), nodes | st.none())
def test_m5_records_in_messages_come_back(
    tool: Any, content: Any, some: Any, customer: Any, node: Any
) -> None:  # Any: JSON
    given_pets: list[Any] = [unions.decode(json.dumps(pet), ScPet) for pet in some]  # Any: a list is given for a tuple
    carrier = ScCarrier(
        tool=tool and open_.decode(json.dumps(tool), ScTool),
        content=content and unions.decode(json.dumps(content), ScContent),
        pets=(*given_pets, "text", UserMessage("hi")),
        customers={} if customer is None else {"a": closed.decode(json.dumps(customer), ScCustomer)},
        node=node and unions.decode(json.dumps(node), ScNode),
    )
    text = encode(carrier)
    assert decode(text, Message) == decode(text, ScCarrier) == carrier
    assert decode(encode([carrier]), tuple[Message, ...]) == (carrier,)
    assert decode(text, ScCarrier).hash_key == carrier.hash_key
    if tool:
        assert json.loads(text)["tool"] == tool


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('{"@type": "ScCarrier", "tool": {"name": "A", "input": {"type": "object"}}}', "$.tool.name"),
        ('{"@type": "ScCarrier", "pets": ["a", {"barks": true, "tricks": ["a", "b", "c"]}]}', "$.pets[1].tricks"),
        ('{"@type": "ScCarrier", "content": {"type": "text"}}', "$.content"),
        ('{"@type": "ScCarrier", "alone": {"text": "a"}}', "$.alone"),
        ('{"@type": "ScCarrier", "pets": [{"@type": "UserMessage", "role": 1}]}', "$.pets[0].role"),
        ('{"@type": "ScCarrier", "customers": {"b": {}}}', "$.customers.b"),
    ],
)
def test_m5_records_in_messages_are_held_against_their_schemas(text: str, path: str) -> None:
    for form in (ScCarrier, Message):
        with pytest.raises(DecodeError) as caught:
            decode(text, form)
        assert caught.value.path == path


def test_m5_what_is_not_known_in_a_record_is_kept_with_its_message() -> None:
    text = '{"@type": "ScCarrier", "content": {"type": "text", "text": "a", "new": 1}}'
    with pytest.raises(DecodeError, match="new"):
        decode(text, Message)
    kept = decode(text, Message, unknown="keep")
    assert isinstance(kept, UnknownMessage)
    assert json.loads(encode(kept)) == json.loads(text)


# Costs ---------------------------------------------------------------------------------------------------------------


def test_a_module_is_imported_without_its_validator() -> None:
    program = (
        "import sys, miniagents; print(*[name for name in sys.modules if name.startswith('miniagents.validation')])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, encoding="utf-8")
    assert not ran.stdout.strip()


def test_sound_types_are_read_without_their_schema() -> None:
    codec = SchemaCodec({"ScAddress": "no JSON"}, {"ScAddress": ScAddress}, sound=["ScAddress"])
    assert codec.decode('{"street": "a", "city": null}', ScAddress) == ScAddress(street="a", city=None)
    assert codec._validator is None


def test_m5_what_json_cannot_say_is_not_written() -> None:
    wrong: Any = math.nan  # Any: a checker refuses it
    with pytest.raises(ValueError, match=r"ScCustomer\.scores\[0\]: nan"):
        ScCustomer(name="a", age=1, active=True, home=ScAddress(street="", city=None), scores=(wrong,))
    with pytest.raises(ValueError, match="surrogate"):
        closed.encode(msgspec.structs.replace(ScAddress(street="", city=None), street="\ud800"))
    with pytest.raises(TypeError, match="would be read back as plain JSON"):
        unions.encode(ScNode(value=frozenset()))  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
