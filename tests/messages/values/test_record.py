"""M1, M3, M5: records are Frozen, are encoded as their fields alone, and are known by the name of their class."""

import copy
import pickle
import types
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Literal, cast

import msgspec
import pytest
from hypothesis import given, strategies as st
from msgspec import UNSET, UnsetType

from miniagents.messages import (
    NO_EXTRAS,
    DecodeError,
    Extras,
    Frozen,
    FrozenDict,
    JsonValue,
    Message,
    Record,
    decode,
    encode,
)


class RecPoint(Record, frozen=True):
    x: int
    y: int | UnsetType = UNSET


class RecShape(Record, frozen=True, kw_only=True):
    """Everything in it is frozen when it is decoded."""

    points: tuple[RecPoint, ...] = ()
    names: frozenset[str] = frozenset()
    weight: float = 1.0
    at: datetime | None = None
    inner: "RecShape | None" = None


class RecOpen(Record, frozen=True, kw_only=True):
    name: str
    keyed: str | UnsetType = msgspec.field(default=UNSET, name="@type")
    extra_properties: Extras[JsonValue] = msgspec.field(default=NO_EXTRAS, name="@extra")


class RecNested(Record, frozen=True, kw_only=True):
    """msgspec decodes the mapping as a dict, and the names as a tuple."""

    content: Mapping[str, JsonValue]
    names: tuple[str, ...] = ()


class RecCircle(Record, frozen=True, kw_only=True, tag_field="kind", tag="circle"):
    kind: ClassVar[Literal["circle"]] = "circle"
    radius: float


class RecSquare(Record, frozen=True, kw_only=True, tag_field="kind", tag="square"):
    side: float


class RecOne(Record, frozen=True, kw_only=True, tag_field="v", tag=1):
    a: int = 0


class RecTwo(Record, frozen=True, kw_only=True, tag_field="v", tag=2):
    a: int = 0


def test_m5_a_record_is_encoded_as_its_fields_alone() -> None:
    assert encode(RecPoint(1)) == b'{"x":1}'
    assert encode(RecOpen(name="a", keyed="b")) == b'{"name":"a","@type":"b"}'
    assert encode(RecCircle(radius=1.5)) == b'{"kind":"circle","radius":1.5}'
    assert encode((RecOne(), RecTwo())) == b'[{"v":1},{"v":2}]'
    assert decode('{"v": 2}', RecOne | RecTwo) == RecTwo()
    assert decode('{"kind": "square", "side": 1}', RecCircle | RecSquare) == RecSquare(side=1)


def test_m5_a_tag_is_not_inherited_and_asked_for() -> None:
    class RecDisc(RecCircle, frozen=True):
        pass

    assert encode(RecDisc(radius=1)) == b'{"radius":1.0}'
    with pytest.raises(DecodeError, match=r"\$: RecCircle needs the property 'kind': 'circle'"):
        decode('{"radius": 1}', RecCircle)
    with pytest.raises(DecodeError, match=r"\$\.kind: expected 'circle', got 'square'"):
        decode('{"kind": "square", "radius": 1}', RecCircle)


def test_m1_what_the_constructor_is_given_is_frozen_and_decoding_pays_nothing() -> None:
    assert not hasattr(RecPoint, "__post_init__")
    assert not hasattr(RecShape, "__post_init__")
    assert not hasattr(RecOpen, "__post_init__")
    assert hasattr(RecNested, "__post_init__")
    points: Any = [RecPoint(1)]  # Any: a checker refuses a list for a tuple
    shape = RecShape(points=points, names=cast("frozenset[str]", {"a"}), weight=2)
    assert (type(shape.points), type(shape.names), type(shape.weight)) == (tuple, frozenset, float)
    assert hash(shape) == hash(decode(encode(shape), RecShape))
    for bad in ({"points": [bytearray()]}, {"inner": object()}):
        with pytest.raises(TypeError, match=rf"RecShape\.{next(iter(bad))}"):
            RecShape(**bad)  # pyright: ignore[reportArgumentType]
    content: Any = {"a": [1]}  # Any: as above
    names: Any = ["b"]
    nested = RecNested(content=content, names=names)
    assert (type(nested.content), type(nested.names)) == (FrozenDict, tuple)
    assert decode(encode(nested), RecNested) == nested
    with pytest.raises(ValueError, match=r"RecShape\.weight: nan"):
        RecShape(weight=float("nan"))
    with pytest.raises(ValueError, match=r"RecCircle\.radius: 9007199254740993 has no equal float"):
        RecCircle(radius=2**53 + 1)


def test_m1_copies_are_frozen_too() -> None:
    shape: Any = RecShape(points=(RecPoint(1),))  # Any: checkers know of no __replace__ in Python 3.11
    assert shape.__replace__(points=[]) == RecShape()
    assert type(shape.__replace__(points=[RecPoint(2)]).points) is tuple
    assert pickle.loads(pickle.dumps(shape)) == copy.copy(shape) == copy.deepcopy(shape) == shape


def test_m1_classes_derived_from_records_freeze_all_fields() -> None:
    class RecKeyed(RecShape, frozen=True, kw_only=True):
        data: Mapping[str, int] = FrozenDict()  # immutable

    class RecMore(RecShape, frozen=True, kw_only=True):
        more: tuple[int, ...] = ()

    class RecWatched(RecShape, frozen=True, kw_only=True):
        def __post_init__(self) -> None:
            assert isinstance(self.points, tuple)

    given_points: Any = [RecPoint(1)]  # Any: a checker refuses it
    for cls in (RecKeyed, RecMore, RecWatched):
        assert type(cls(points=given_points).points) is tuple
    assert type(RecKeyed(data={"a": 1}).data) is FrozenDict
    assert type(decode('{"data": {"a": 1}}', RecKeyed).data) is FrozenDict
    assert type(RecMore(more=cast("tuple[int, ...]", [1])).more) is tuple


@pytest.mark.parametrize(
    ("options", "fields", "text"),
    [
        ({"frozen": False}, {}, "frozen=False"),
        ({"forbid_unknown_fields": False}, {}, "forbid_unknown_fields"),
        ({"array_like": True}, {}, "array_like"),
        ({}, {"hash_key": str}, "hash_key"),
        ({}, {"extra_properties": str}, r"extra_properties.*name=\"@extra\""),
    ],
)
def test_m1_records_that_could_not_keep_their_promises_are_refused(
    options: dict[str, Any],
    fields: dict[str, type],
    text: str,  # Any: options of a class
) -> None:
    with pytest.raises(TypeError, match=f"RecBad.*{text}"):
        types.new_class("RecBad", (Record,), options, lambda namespace: namespace.update(__annotations__=fields))


def test_m5_extras_are_beside_the_declared_properties() -> None:
    extras: Any = {"b": [1, {"c": None}], "@extra": {"@extra": 1}, "extra_properties": 2}  # Any: a list in it
    value = RecOpen(name="a", extra_properties=extras)
    text = encode(value)
    assert text == b'{"name":"a","b":[1,{"c":null}],"@extra":{"@extra":1},"extra_properties":2}'
    assert decode(text, RecOpen) == value
    assert decode(b'{"name":"a","@extra":{}}', RecOpen).extra_properties == {"@extra": {}}
    assert encode([{"k": (value,)}]) == b'[{"k":[' + text + b"]}]"
    assert hash(value) == hash(decode(text, RecOpen))


@pytest.mark.parametrize(
    ("extras", "error", "text"),
    [
        ({"name": 1}, ValueError, r"RecOpen\.extra_properties: 'name' is a declared property: give it as `name=...`"),
        ({"@type": 1}, ValueError, r"RecOpen\.extra_properties: '@type' .* `keyed=...`"),
        ({1: 1}, TypeError, r"RecOpen\.extra_properties: the names of properties are strings, not 1"),
        ({"a": object()}, TypeError, r"RecOpen\.extra_properties\.a: object"),
    ],
)
def test_m5_extras_cannot_stand_for_declared_properties(
    extras: Any, error: type[Exception], text: str
) -> None:  # Any: JSON
    with pytest.raises(error, match=text):
        RecOpen(name="a", extra_properties=extras)


def test_m3_keys_of_records_have_the_name_of_the_class() -> None:
    class RecOther(Record, frozen=True):
        x: int

    class RecTagged(Frozen, tag="RecPoint3"):
        x: int

    assert RecPoint(1).hash_key != cast("Record", RecOther(1)).hash_key
    assert RecOne().hash_key != cast("Record", RecTwo()).hash_key
    assert RecTagged(1).hash_key != RecPoint(1).hash_key
    assert RecPoint(1).hash_key == decode('{"x": 1.0}', RecPoint).hash_key


def test_m3_two_classes_of_one_name_have_no_keys() -> None:
    def twin(place: str) -> Record:
        class RecTwin(Record, frozen=True):
            x: int

        RecTwin.__qualname__ = place
        return RecTwin(1)

    twins = [twin("here"), twin("there")]
    for value in twins:
        with pytest.raises(TypeError, match="could be confused.*give one of them another name"):
            assert value.hash_key


def test_m3_a_record_and_a_message_of_one_name_have_different_keys() -> None:
    class RecNamesake(Record, frozen=True):
        x: int

    class Other(Frozen, tag="RecNamesake"):
        x: int

    assert RecNamesake(1).hash_key != Other(1).hash_key


names = st.sampled_from(["@type", "@@type", "@extra", "@key", "a"])


@given(st.dictionaries(names, names, max_size=3), st.dictionaries(names, names, max_size=3), names, names)
def test_m3_no_extra_imitates_a_field(one: dict[str, str], other: dict[str, str], first: str, second: str) -> None:
    for extras in (one, other):
        extras.pop("@type", None)
    values = (
        RecOpen(name=first, extra_properties=one),
        RecOpen(name=second, extra_properties=other),
        RecOpen(name=first, keyed=second),
    )
    for left in values:
        for right in values:
            assert (left.hash_key == right.hash_key) == (left == right)


class RecMessage(Message, kw_only=True):
    """Records that no codec serves, in a message."""

    either: RecPoint | RecOpen | None = None
    shapes: Mapping[str, RecCircle | RecSquare] = FrozenDict()  # immutable
    tree: RecShape | None = None


def test_m5_records_without_a_schema_are_read_by_their_types() -> None:
    for either in (RecPoint(1, 2), RecOpen(name="a", extra_properties={"x": 1}), None):
        message = RecMessage(
            either=either, shapes={"a": RecSquare(side=2)}, tree=RecShape(points=(RecPoint(1),), inner=RecShape())
        )
        assert decode(encode(message), Message) == decode(encode(message), RecMessage) == message
        assert decode(encode((either, message)), tuple[RecPoint | RecOpen | None, Message]) == (either, message)
    with pytest.raises(DecodeError, match=r"\$\.either\.x: Expected `int`, got `str`"):
        decode('{"either": {"x": "a", "y": 1}}', RecMessage)
    with pytest.raises(DecodeError, match=r"\$\.either: expected RecPoint or RecOpen or null, got an array"):
        decode('{"either": []}', RecMessage)
    with pytest.raises(DecodeError, match=r"\$\.tree\.z: RecShape has no such property; its properties are: at, inner"):
        decode('{"tree": {"z": 1}}', RecMessage)


def test_m5_a_derived_record_is_read_back_as_the_declared_class() -> None:
    class RecNamed(RecOpen, frozen=True, kw_only=True):
        age: int = 0

    message = RecMessage(either=RecNamed(name="a", age=3))
    assert decode(encode(message), RecMessage).either == RecOpen(name="a", extra_properties={"age": 3})


def test_m5_nothing_in_a_record_is_read_back_as_something_else() -> None:
    with pytest.raises(TypeError, match=r"\$\.extra_properties\.a: frozenset would be read back as plain JSON"):
        encode(RecOpen(name="a", extra_properties={"a": {1}}))  # type: ignore[dict-item] # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="lone surrogate"):
        encode(msgspec.structs.replace(RecOpen(name=""), name="\ud800"))


class RecPart(Record, frozen=True):
    v: int


class RecArrays(Record, frozen=True):
    plain_first: tuple[int, tuple[JsonValue, ...]] | tuple[str, tuple[RecPart, ...]]
    plain_last: tuple[str, tuple[RecPart, ...]] | tuple[int, tuple[JsonValue, ...]]


@pytest.mark.parametrize("kind", ["plain", "typed"])
def test_m5_of_a_union_of_fixed_arrays_the_one_that_was_read_is_written(kind: str) -> None:
    array = '["a",[{"v":1}]]' if kind == "typed" else '[1,[{"v":1}]]'
    text = f'{{"plain_first":{array},"plain_last":{array}}}'.encode()
    value = decode(text, RecArrays)
    assert isinstance(value.plain_first[1][0], RecPart) == (kind == "typed")
    assert value.plain_first == value.plain_last
    assert encode(value) == text
