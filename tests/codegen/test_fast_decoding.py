"""G7: data that msgspec alone cannot decode needs no look at the schema, and becomes the values of the exact way.

The differential test compares both ways for random schemas. These tests say which data needs no schema.
"""

# JSON is Any for pyright, and so is what is taken from it
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false, reportUnknownMemberType=false

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import GenericAlias, ModuleType
from typing import Annotated, Any, Final, Literal, TypeAlias, Union

import msgspec
import pytest

from miniagents import Codec, DecodeError, decode
from tests.codegen.test_differential import generated

Json: TypeAlias = Any  # Any: whatever JSON can say

FILE: Final[Json] = {"anyOf": [{"$ref": "#/$defs/Bytes"}, {"$ref": "#/$defs/Uri"}]}
DEFINITIONS: Final[Json] = {
    "Bytes": {"type": "object", "properties": {"bytes": {"type": "string"}}, "required": ["bytes"]},
    "Uri": {
        "type": "object",
        "properties": {"uri": {"type": "string"}, "size": {"type": "integer"}},
        "required": ["uri"],
    },
    "Text": {
        "type": "object",
        "properties": {"kind": {"const": "text"}, "text": {"type": "string"}},
        "required": ["kind", "text"],
    },
    "Image": {
        "type": "object",
        "properties": {"kind": {"const": "image"}, "file": FILE, "more": {"type": "array", "items": FILE}},
        "required": ["kind", "file"],
    },
    "Part": {"anyOf": [{"$ref": "#/$defs/Text"}, {"$ref": "#/$defs/Image"}]},
    "Letter": {
        "type": "object",
        "properties": {
            "parts": {"type": "array", "items": {"$ref": "#/$defs/Part"}, "minItems": 1},
            "first": {"$ref": "#/$defs/Text"},
            "answers": {"type": "array", "items": {"$ref": "#/$defs/Letter"}},
            "by_name": {"type": "object", "additionalProperties": FILE},
            "note": {"anyOf": [{"type": "string"}, *FILE["anyOf"], {"type": "null"}]},
            "metadata": {"type": "object"},
        },
        "required": ["parts"],
    },
    "Odd": {"type": "object", "properties": {"list": {"type": "array", "uniqueItems": True}}, "required": ["list"]},
    "Holder": {
        "type": "object",
        "properties": {"odd": {"$ref": "#/$defs/Odd"}, "file": FILE},
        "additionalProperties": False,
    },
    "Named": {"type": "object", "properties": {"a": {"type": "integer"}}, "patternProperties": {"^x": {}}},
    "Exclusive": {"oneOf": [{"$ref": "#/$defs/Bytes"}, {"$ref": "#/$defs/Uri"}]},
}
TEXT: Final[Json] = {"kind": "text", "text": "Hello"}
IMAGE: Final[Json] = {"kind": "image", "file": {"uri": "x:y", "size": 3}, "more": [{"bytes": "AA"}, {"uri": "x:z"}]}


def values_by(ways: Iterable[Any], packed: bytes) -> Iterator[object]:  # Any: functions of bytes
    """Yield the values that these ways to decode give."""
    for way in ways:
        with suppress(msgspec.MsgspecError, KeyError):
            yield way(packed)


@pytest.fixture
def module(tmp_path: Path) -> ModuleType:
    return generated(DEFINITIONS, tmp_path)[1]


LETTERS: Final[Json] = [
    {"parts": [TEXT]},
    {"parts": [TEXT, IMAGE]},
    {"parts": [TEXT], "first": TEXT, "metadata": {"a": [1, {"b": None}]}},
    {"parts": [IMAGE], "answers": [{"parts": [TEXT], "answers": [{"parts": [IMAGE], "note": {"uri": ""}}]}]},
    {"parts": [TEXT], "by_name": {"a": {"bytes": ""}, "b": {"uri": ""}}},
    *({"parts": [TEXT], "note": note} for note in ("a", None, {"bytes": "b"}, {"uri": "c", "size": 1})),
    {"parts": [TEXT], "unknown": 1, "@extra": {"a": [0.5]}},
    {"parts": [{**TEXT, "unknown": []}, {**IMAGE, "file": {"bytes": "", "name": "a"}}]},
    {"parts": [TEXT], "answers": [{"parts": [TEXT], "unknown": {"kind": "text"}}]},
    {"parts": [TEXT], "by_name": {"a": {"bytes": "", "uri": 1}}},
]


@pytest.mark.parametrize("value", LETTERS, ids=json.dumps)
def test_g7_objects_are_told_apart_and_extras_kept_without_the_schema(module: ModuleType, value: Json) -> None:
    data = json.dumps(value)
    made = module.decode(data, module.Letter)
    assert module._codec._validator is None
    assert json.loads(module.encode(made)) == value
    assert made == module._codec._ways[module.Letter].exact(data)
    assert repr(made) == repr(module._codec._ways[module.Letter].exact(data))
    assert module.decode(data, module.Letter) == made  # also in another order of the ways
    form: Any = tuple  # Any: it takes arguments that are known when the test runs
    assert module.decode(json.dumps([value]), form[module.Letter, ...]) == (made,)
    assert decode(data, module.Letter) == Codec(module.Letter).decode(data) == made
    packed = msgspec.msgpack.encode(value)
    assert decode(packed, module.Letter, "msgpack") == Codec(module.Letter, "msgpack").decode(packed) == made
    ways = (module._codec.unpacking(module.Letter), module._codec.unpacking_open(module.Letter))
    assert made in [*values_by(ways, packed)]
    hash(made)


@pytest.mark.parametrize("part", [float("nan"), b"x", datetime(2026, 1, 1, tzinfo=UTC)])
@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"parts": [TEXT], "unknown": {"a": [..., 1]}}, "$.unknown.a[0]"),
        ({"parts": [TEXT, {**TEXT, "unknown": ...}]}, "$.parts[1].unknown"),
        ({"parts": [TEXT], "metadata": {"a": {"b": ...}}}, "$.metadata.a.b"),
        ({"parts": [TEXT], "metadata": {"a": {"b": ...}}, "unknown": 1}, "$.metadata.a.b"),
    ],
    ids=str,
)
def test_m5_what_json_cannot_express_is_found_beside_and_in_undeclared_properties(
    module: ModuleType, value: Json, path: str, part: object
) -> None:
    def filled(here: Json) -> Json:
        if isinstance(here, dict):
            return {name: filled(item) for name, item in here.items()}
        return [filled(item) for item in here] if isinstance(here, list) else part if here is ... else here

    with pytest.raises(DecodeError) as caught:
        decode(msgspec.msgpack.encode(filled(value)), module.Letter, "msgpack")
    assert str(caught.value).replace(".extra_properties", "").startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("name", "value", "path"),
    [
        ("Letter", {"parts": []}, "$.parts"),
        ("Letter", {"parts": [{"text": "Hello"}]}, "$.parts[0]"),
        ("Letter", {"parts": [TEXT], "first": {"text": "Hello"}}, "$.first"),
        ("Letter", {"parts": [{**IMAGE, "file": {"size": 3}}]}, "$.parts[0].file"),
        ("Letter", {"parts": [{**IMAGE, "file": {"uri": 3, "bytes": 4}}]}, "$.parts[0].file.bytes"),
        ("Letter", {"parts": [TEXT], "unknown": 1, "answers": [{}]}, "$.answers[0]"),
        ("Holder", {"odd": {"list": [1, 1]}}, "$.odd.list"),
        ("Holder", {"file": {"bytes": ""}, "more": 1}, "$"),
        ("Named", {"a": 1, "y": 2, "x": 3}, None),
        ("Named", {"a": "b", "y": 2}, "$.a"),
        ("Exclusive", {"bytes": "", "uri": ""}, "$"),
    ],
)
def test_g2_what_the_schema_refuses_is_refused_with_its_path(
    module: ModuleType, name: str, value: Json, path: str | None
) -> None:
    data, form = json.dumps(value), getattr(module, name)
    if path is None:
        assert json.loads(module.encode(module.decode(data, form))) == value
        return
    codec: Codec[object] = Codec(form)
    for read in (lambda: module.decode(data, form), lambda: decode(data, form), lambda: codec.decode(data)):
        with pytest.raises(DecodeError) as caught:
            read()
        assert str(caught.value).startswith(f"{path}: ")


def test_g7_the_generator_says_what_msgspec_cannot_check(tmp_path: Path) -> None:
    model, module = generated(DEFINITIONS, tmp_path)
    assert model.checked == {"Odd", "Exclusive"}
    assert module._codec._checked_extras == {"Named"}
    assert {"Letter", "Part", "Image", "Holder"} <= model.loose.keys()


def test_g7_one_schema_is_asked_only_for_its_own_data(module: ModuleType) -> None:
    """A class whose schema says more than its fields is checked wherever it stands, and nothing around it."""
    holder = module.decode('{"file": {"uri": "a"}}', module.Holder)
    assert module._codec._validator is None
    assert holder.file == module.Uri(uri="a")
    assert module.decode('{"odd": {"list": [1, 2]}}', module.Holder).odd.list == (1, 2)


@pytest.mark.parametrize("wrong", [float("nan"), b"bytes", datetime(2025, 1, 1, tzinfo=UTC)], ids=repr)
def test_m8_messagepack_that_is_no_json_is_refused(module: ModuleType, wrong: object) -> None:
    for value in (
        {"parts": [TEXT], "metadata": {"a": [wrong]}},
        {"parts": [TEXT], "unknown": wrong},
        {"parts": [{**IMAGE, "file": {"uri": "", "more": wrong}}]},
    ):
        with pytest.raises(DecodeError):
            decode(msgspec.msgpack.encode(value), module.Letter, "msgpack")


def test_g7_a_module_of_an_earlier_release_decodes_the_same(module: ModuleType) -> None:
    """It does not say which types are checked, so that all are that msgspec alone cannot decode."""
    module._codec._checked = None
    for value in LETTERS:
        data = json.dumps(value)
        made = module.decode(data, module.Letter)
        assert module._codec._ways[module.Letter].native == ()
        assert json.loads(module.encode(made)) == value


def test_g2_a_class_that_cannot_be_read_spoils_no_other(tmp_path: Path) -> None:
    """A union of objects without a tag and an array of fixed length has no fast way, nor has what contains it."""
    pair = {"type": "array", "prefixItems": [FILE, FILE], "items": False, "minItems": 2}
    slow = {"anyOf": [*FILE["anyOf"], pair]}
    _, module = generated(
        {
            **DEFINITIONS,
            "Slow": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Round"}, "all": slow}},
            "Round": {"type": "object", "properties": {"slow": {"$ref": "#/$defs/Slow"}, "file": FILE}},
        },
        tmp_path,
    )
    value = {"slow": {"next": {"file": {"uri": "a"}}, "all": [{"bytes": ""}, {"uri": ""}]}}
    for form in (module.Slow, module.Round, module.Slow):
        data = json.dumps(value if form is module.Round else value["slow"])
        assert json.loads(module.encode(module.decode(data, form))) == json.loads(data)
        assert module._codec._ways[form].native == ()


def test_g2_the_first_member_of_a_union_that_accepts_an_object_has_it(tmp_path: Path) -> None:
    """The order of the members counts, also where Python takes two unions of them for the same."""
    one, other = {"$ref": "#/$defs/Bytes"}, {"$ref": "#/$defs/Uri"}
    properties = {"x": {"anyOf": [one, other]}, "y": {"anyOf": [other, one]}}
    _, module = generated({**DEFINITIONS, "Both": {"type": "object", "properties": properties}}, tmp_path)
    both = {"bytes": "", "uri": ""}
    data = json.dumps({"x": both, "y": both})
    made = module.decode(data, module.Both)
    assert (type(made.x), type(made.y)) == (module.Bytes, module.Uri)
    assert module._codec._ways[module.Both].exact(data) == made


OPEN: Final[Json] = {
    "Any": {},
    "Map": {"type": "object", "additionalProperties": {"type": "string"}},
    "Array": {"type": "array"},
    "Files": {"type": "array", "items": FILE},
    "File": FILE,
}


@pytest.mark.parametrize(
    ("names", "value"),
    [
        (("Map", "File"), {"uri": ""}),
        (("Any", "File"), {"uri": ""}),
        (("Any", "Uri"), {"uri": ""}),
        (("Uri", "Any"), {"uri": ""}),
        (("Array", "Files"), [{"uri": ""}]),
        (("Files", "Array"), [{"uri": ""}]),
        (("Files", "Any"), [{"uri": ""}]),
    ],
    ids=str,
)
def test_g2_a_union_of_types_that_overlap_has_the_value_of_the_first(
    tmp_path: Path, names: tuple[str, str], value: Json
) -> None:
    _, module = generated({**DEFINITIONS, **OPEN}, tmp_path)
    first, second = (getattr(module, name) for name in names)
    form: Any = Union[first, second]  # noqa: UP007 # a class and a class that is its alias make no `|`
    data = json.dumps(value)
    alone = module.decode(data, first)
    for _ in range(2):
        made = module.decode(data, form)
        assert (made, type(made)) == (alone, type(alone))


@pytest.mark.parametrize("other", [{"type": "null"}, {"type": "array"}, None], ids=json.dumps)
def test_g2_one_of_two_equal_maps_that_declare_no_properties_refuses_all_objects(tmp_path: Path, other: Json) -> None:
    """An empty `properties` makes no class, by whose properties a value could be told to be of one branch only."""
    a_map = {"type": "object", "properties": {}}
    branches = [{"$ref": "#/$defs/One"}, {"$ref": "#/$defs/Two"}, *([other] if other else [])]
    _, module = generated({"One": a_map, "Two": a_map, "Either": {"oneOf": branches}}, tmp_path)
    assert module.decode("{}", module.One) == {}
    with pytest.raises(DecodeError, match="oneOf"):
        module.decode("{}", module.Either)


@pytest.mark.parametrize("format", ["json", "msgpack"])
def test_g2_the_functions_of_the_library_check_an_alias_that_contains_records(
    tmp_path: Path, format: Literal["json", "msgpack"]
) -> None:
    aliases = {
        "Few": {"type": "array", "items": {"$ref": "#/$defs/Uri"}, "uniqueItems": True},
        "ByName": {
            "type": "object",
            "additionalProperties": {"$ref": "#/$defs/Uri"},
            "propertyNames": {"pattern": "^x"},
        },
    }
    _, module = generated({**DEFINITIONS, **aliases}, tmp_path)
    uri = {"uri": ""}
    encoded = msgspec.json.encode if format == "json" else msgspec.msgpack.encode
    for alias, good, bad in ((module.Few, [uri], [uri, uri]), (module.ByName, {"x": uri}, {"y": uri})):
        forms: list[tuple[Any, Json, Json]] = [
            (alias, good, bad),
            (Union[alias, None], good, bad),  # noqa: UP007 # the checkers do not know the type
            (GenericAlias(tuple, (alias, ...)), [good], [bad]),
        ]
        for form, accepted, refused in forms:
            codec: Codec[object] = Codec(form, format)
            assert json.loads(module.encode(codec.decode(encoded(accepted)))) == accepted
            with pytest.raises(DecodeError):
                codec.decode(encoded(refused))


def test_g6_aliases_that_are_equal_or_short_lived_are_decoded_as_what_they_are(tmp_path: Path) -> None:
    """A codec knows the aliases of its module by their places in memory, and only these: others may be gone."""
    definitions: Json = {
        "Id": {"type": "string", "minLength": 2},
        "Note": {"type": "string"},
        "Either": {"anyOf": [{"$ref": "#/$defs/Note"}, {"type": "integer"}]},
    }
    module = generated(definitions, tmp_path)[1]
    again = generated(definitions, tmp_path)[1]
    for _ in range(3):
        assert module.decode(b'"a"', module.Note) == "a"
        assert module.decode(b"1", module.Either) == 1
        with pytest.raises(DecodeError, match="at least 2"):
            module.decode(b'"a"', module.Id)
        with pytest.raises(TypeError, match="is no type of this module"):
            module.decode(b'"a"', again.Note)
    annotated: Any = Annotated  # Any: it takes arguments that are known when the test runs
    for name in (module.Id, module.Note) * 50:
        evaluated = annotated[(str, *name.__metadata__)]  # as `get_type_hints` may give it
        assert module.decode(b'"ab"', evaluated) == "ab"
        if name is module.Id:
            with pytest.raises(DecodeError, match="at least 2"):
                module.decode(b'"a"', evaluated)
        else:
            assert module.decode(b'"a"', evaluated) == "a"
