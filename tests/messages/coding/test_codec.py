"""M1, M4, M5: what is written is read back equal and of the same class, or refused with its path."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping, Sequence  # evaluated by msgspec
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, NamedTuple, TypedDict, TypeVar, assert_type, cast
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, strategies as st

from miniagents.messages._generated import Message
from miniagents.messages.coding.codec import DecodeError, UnknownMessage, decode, encode
from miniagents.messages.coding.typed_codec import Codec
from miniagents.messages.values.frozen import Frozen, FrozenDict
from miniagents.messages.values.record import Record
from tests.effort import examples

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T")


class Left(Record, kw_only=True):
    left: int


class Right(Record, kw_only=True):
    right: int


class WithEither(Message, kw_only=True):
    either: Left | Right


class Level(Enum):
    LOW = 1
    HIGH = 2


class Point(NamedTuple):
    x: int
    y: float


class Extra(TypedDict):
    a: int
    b: object


class Scalars(Frozen, kw_only=True, tag="codec.Scalars"):
    text: str = ""
    whole: int = 0
    ratio: float = 0.0
    flag: bool | None = None
    raw: bytes = b""
    key: UUID = UUID(int=0)
    day: date = date(2020, 1, 1)
    at: datetime = datetime(2020, 1, 1)  # noqa: DTZ001  # naive ones are kept as well
    hour: time = time(0)
    took: timedelta = timedelta(0)
    price: Decimal = Decimal(0)
    level: Level = Level.LOW
    kind: Literal["a", 1] = "a"
    unset: int | msgspec.UnsetType = msgspec.UNSET


class Containers(Frozen, kw_only=True, tag="codec.Containers"):
    many: tuple[int, ...] = ()
    listed: Sequence[str] = ()
    pair: tuple[int, UUID] | None = None
    names: frozenset[str] = frozenset()
    by_name: Mapping[str, tuple[date, ...]] = FrozenDict()  # immutable
    by_number: Mapping[int, bytes] = FrozenDict()  # immutable
    by_key: Mapping[UUID, Level] = FrozenDict()  # immutable
    frozen: FrozenDict[str, int] = FrozenDict()  # immutable
    point: Point = Point(0, 0.0)  # immutable
    anything: object = None
    data: Mapping[str, Any] = FrozenDict()  # immutable; Any: what is tested


class Picture(Message, kw_only=True, tag="codec.Picture"):
    url: str = ""


class Talk(Message, kw_only=True, tag="codec.Talk"):
    items: tuple[Message, ...] = ()
    first: Message | None = None
    by_name: Mapping[str, Message] = FrozenDict()  # immutable
    both: tuple[int, Message] | None = None
    few: Annotated[tuple[Message, ...], msgspec.Meta(max_length=2)] = ()
    group: frozenset[Message] = frozenset()
    frozen: FrozenDict[str, Message] = FrozenDict()  # immutable
    mixed: Message | Scalars | str | tuple[Message, ...] | None = None


class Box(Frozen, Generic[T], tag="codec.Box"):
    value: T


M = TypeVar("M", bound=Message)


class Album(Frozen, Generic[M], tag="codec.Album"):
    cover: M


class Numbered(Box[UUID], tag="codec.Numbered"):
    pass


class Open(Frozen, tag="codec.Open"):
    value: object = None
    extra: Extra | None = None
    keys: Mapping[int | str, int] = FrozenDict()  # immutable


class Unrelated(Frozen, tag="codec.Unrelated"):
    pass


class Even(Message, kw_only=True, tag="codec.Even"):
    number: int

    def __post_init__(self) -> None:
        if self.number % 2:
            raise ValueError("odd")


# Round trips ---------------------------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
floats = st.floats(allow_nan=False, allow_infinity=False)
offsets = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | floats | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
scalars = st.builds(
    Scalars,
    text=texts,
    whole=st.integers(),
    ratio=floats,
    flag=st.none() | st.booleans(),
    raw=st.binary(max_size=5),
    key=st.uuids(),
    day=st.dates(),
    at=st.datetimes() | st.datetimes(timezones=offsets),
    hour=st.times() | st.times(timezones=offsets),
    took=st.timedeltas(),
    price=st.decimals(allow_nan=False, allow_infinity=False),
    level=st.sampled_from(Level),
    kind=st.sampled_from(["a", 1]),
    unset=st.just(msgspec.UNSET) | st.integers(),
)
containers = st.builds(
    Containers,
    many=st.lists(st.integers(), max_size=3),
    listed=st.lists(texts, max_size=3),
    pair=st.none() | st.tuples(st.integers(), st.uuids()),
    names=st.sets(texts, max_size=3),
    by_name=st.dictionaries(texts, st.lists(st.dates(), max_size=2), max_size=2),
    by_number=st.dictionaries(st.integers(), st.binary(max_size=3), max_size=2),
    by_key=st.dictionaries(st.uuids(), st.sampled_from(Level), max_size=2),
    frozen=st.dictionaries(texts, st.integers(), max_size=2),
    point=st.builds(Point, st.integers(), floats),
    anything=json_values,
    data=st.dictionaries(texts, json_values, max_size=2),
)
pictures = st.builds(Picture, text=st.none() | texts, url=texts)
messages: st.SearchStrategy[Message] = st.recursive(
    pictures | st.builds(Message, text=texts),
    lambda inner: st.builds(
        Talk,
        items=st.lists(inner, max_size=2),
        first=st.none() | inner,
        by_name=st.dictionaries(texts, inner, max_size=2),
        both=st.none() | st.tuples(st.integers(), inner),
        few=st.lists(inner, max_size=2),
        group=st.sets(inner, max_size=2),
        frozen=st.dictionaries(texts, inner, max_size=1),
        mixed=st.none() | inner | scalars | texts | st.lists(inner, max_size=2),
    ),
    max_leaves=4,
)


@examples(120)
@given(scalars | containers | messages)
def test_m5_what_is_written_is_read_back_equal_and_of_the_same_class(value: Frozen) -> None:
    read = decode(encode(value), Frozen)
    assert read == value
    assert type(read) is type(value)
    assert read.hash_key == value.hash_key
    assert decode(encode(value).decode(), type(value)) == value


@examples(60)
@given(st.lists(messages, max_size=3))
def test_m5_containers_are_read_back_as_they_are_asked_for(value: list[Message]) -> None:
    assert decode(encode(value), list[Message]) == value
    assert decode(encode(tuple(value)), tuple[Message | Scalars, ...]) == tuple(value)
    assert decode(encode({"a": value}), dict[str, list[Message]]) == {"a": value}
    assert decode(encode(frozenset(value)), frozenset[Message]) == frozenset(value)


def test_m5_what_is_read_has_the_type_that_was_asked_for() -> None:
    data = encode(Picture("a"))
    assert_type(decode(data, Picture), Picture)
    assert_type(decode(data, Message | Scalars), Message | Scalars)
    assert_type(decode(b"[]", tuple[Message, ...]), tuple[Message, ...])
    assert_type(decode(data, Picture, unknown="keep"), Picture | UnknownMessage)


def test_m1_what_is_read_is_frozen() -> None:
    read = decode(b'{"@type":"codec.Containers","anything":[{"a":[1]}],"data":{"b":[2]}}', Containers)
    assert read == Containers(anything=(FrozenDict({"a": (1,)}),), data=FrozenDict({"b": (2,)}))
    assert type(read.data) is FrozenDict
    assert hash(read) == hash(Containers(anything=[{"a": [1]}], data={"b": [2]}))
    slow = decode(b'{"@type":"codec.Talk","by_name":{"x":{"@type":"codec.Picture"}}}', Talk)
    assert type(slow.by_name) is FrozenDict


def test_m4_the_tag_comes_first() -> None:
    assert encode(Picture("a", url="b")) == b'{"@type":"codec.Picture","text":"a","url":"b"}'
    assert encode([Picture()]) == b'[{"@type":"codec.Picture"}]'


def test_m5_generic_messages_are_read_by_their_arguments() -> None:
    assert decode(encode(Box(3)), Box[int]) == Box(3)
    assert decode(encode(Album(Picture())), Album[Picture]) == Album(Picture())
    assert decode(encode(Album(Picture())), Album[Message]) == Album(Picture())
    assert decode(encode(Numbered(UUID(int=1))), Frozen) == Numbered(UUID(int=1))
    with pytest.raises(DecodeError, match=r"^\$\.value: Expected `int`, got `str`"):
        decode(b'{"@type":"codec.Box","value":"x"}', Box[int])


def test_m5_a_class_made_later_is_found() -> None:
    data = b'{"@type":"codec.Later","text":"x"}'
    with pytest.raises(DecodeError, match=r"\$\.@type: no class with the tag 'codec\.Later'"):
        decode(data, Message)

    class Later(Message, tag="codec.Later"):
        pass

    assert decode(data, Message) == Later("x")
    assert decode(b'{"@type":"codec.Talk","first":' + data + b"}", Talk).first == Later("x")


def test_m5_a_tag_of_two_classes_is_refused_and_of_one_defined_again_is_not() -> None:
    def make() -> type[Message]:
        class Twice(Message, tag="codec.Twice"):
            pass

        return Twice

    first, again = make(), make()
    assert type(decode(encode(first("x")), Message)) is again

    class Twice(Message, tag="codec.Twice"):
        pass

    for data in (encode(Twice()), encode([Twice()])):
        with pytest.raises(DecodeError, match=r"'codec\.Twice' is ambiguous.*make.*Twice and .*Twice"):
            decode(data, Message | tuple[Message, ...])
    assert decode(encode(Picture()), Message) == Picture()


def test_m5_a_class_that_cannot_be_decoded_is_not_felt_by_others() -> None:
    class Broken(Message, tag="codec.Broken"):
        value: Path | None = None  # a name known to checkers only

    assert decode(encode(Picture()), Message) == Picture()
    with pytest.raises(TypeError, match=r"Broken.* cannot be decoded, for name 'Path' is not defined"):
        decode(encode(Broken()), Message)


# What is refused -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "form", "text"),
    [
        ('{"@type":"nope"}', Message, r"^\$\.@type: no class with the tag 'nope' .* known are: .*codec\.Picture"),
        ('{"@type":"codec.Unrelated"}', Message, r"^\$\.@type: no class with the tag 'codec\.Unrelated'"),
        ('{"@type":"codec.Talk","items":[{"@type":"nope"}]}', Message, r"^\$\.items\[0\]\.@type: .*'nope'"),
        ('{"@type":"codec.Talk","by_name":{"a b":{"@type":"nope"}}}', Talk, r"^\$\.by_name\['a b'\]\.@type: "),
        ('{"@type":"codec.Picture","size":1}', Message, r"^\$\.size: Picture has no such field; .* text, url"),
        ('{"@type":"codec.Talk","first":{"@type":"codec.Picture","x":1}}', Message, r"^\$\.first\.x: Picture has no"),
        ('{"@type":"codec.Talk","items":[{"@type":"codec.Picture","url":1}]}', Message, r"^\$\.items\[0\]\.url: Exp"),
        ('{"@type":"codec.Talk","both":[1]}', Talk, r"^\$\.both: expected an array of length 2, got 1"),
        ('{"@type":"codec.Talk","few":[{},{},{}]}', Talk, r"^\$\.few: expected a length of 2 or less, got 3"),
        ('{"@type":"codec.Talk","items":{}}', Talk, r"^\$\.items: expected an array, got an object"),
        ('{"@type":"codec.Talk","by_name":[]}', Talk, r"^\$\.by_name: expected an object, got an array"),
        ('{"@type":"codec.Talk","items":[3]}', Talk, r"^\$\.items\[0\]: expected an object, got a number"),
        ('{"@type":"codec.Talk","mixed":3}', Talk, r"^\$\.mixed: Expected"),
        ('{"@type":3}', Message, r"^\$\.@type: expected the tag of a class, got a number"),
        ('{"text":"x"}', Message | Scalars, r"^\$\.@type: expected the tag of a class, got nothing"),
        ('{"@type":"codec.Scalars","at":"soon"}', Scalars, r"^\$\.at: Invalid RFC3339"),
        ('{"@type":"codec.Scalars","ratio":null}', Scalars, r"^\$\.ratio: Expected `float`, got `null`"),
        ('{"@type":"codec.Containers","by_number":{"x":""}}', Containers, r"^\$\.by_number.*: Expected `int`.* key"),
        ('{"@type":"codec.Box"}', Box[int], r"^\$: Box needs the field 'value'"),
        ("[1]", list[str], r"^\$\[0\]: Expected `str`, got `int`"),
        ("{", Message, r"^\$: Input data was truncated"),
        ("[NaN]", list[float], r"^\$: JSON is malformed"),
    ],
)
def test_m5_what_does_not_fit_is_refused_with_its_path(data: str, form: type[object], text: str) -> None:
    with pytest.raises(DecodeError, match=text) as caught:
        decode(data, form)
    assert str(caught.value).startswith(f"{caught.value.path}: ")
    loaded = pickle.loads(pickle.dumps(caught.value))
    assert (str(loaded), loaded.path) == (str(caught.value), caught.value.path)


def test_m5_errors_of_a_post_init_have_their_path() -> None:
    with pytest.raises(DecodeError, match=r"^\$\.items\[0\]: odd"):
        decode('{"@type":"codec.Talk","items":[{"@type":"codec.Even","number":1}]}', Message)


def test_m5_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(DecodeError, match=r"^\$"):
        decode(b'"\xff"', str)


def test_m5_depth_beyond_the_limit_is_a_clear_error() -> None:
    with pytest.raises(DecodeError, match="nested deeper"):
        decode(b"[" * 20_000 + b"]" * 20_000, list[object])
    talk = Talk()
    for _ in range(5_000):
        talk = Talk(first=talk)
    try:  # how deep msgspec goes is a matter of the Python that runs it
        data = encode(talk)
    except ValueError as error:
        assert "Talk is nested too deep" in str(error)
    else:
        assert data.count(b"Talk") == 5_001
    talk = Talk()
    for _ in range(100):
        talk = Talk(items=(talk,))
    assert decode(encode(talk), Message) == talk


@pytest.mark.parametrize("data", ['{"text": "\ud800"}', '{"\udfff": 1}', "\ud800"], ids=ascii)
def test_m5_a_str_that_has_no_utf_8_is_refused(data: str) -> None:
    with pytest.raises(DecodeError, match="surrogates not allowed"):
        decode(data, Message)
    with pytest.raises(DecodeError, match="surrogates not allowed"):
        Codec(Message).decode(data)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ([1, {"a": float("nan")}], r"^\$\[1\]\.a: nan"),
        (Picture(cast("str", float("inf"))), r"^\$\.text: inf"),
        (
            Talk(items=(msgspec.structs.replace(Picture(), url="x\ud800"),)),
            r"^\$\.items\[0\]\.url: .* lone surrogate at 1",
        ),
        (
            msgspec.structs.replace(Containers(), data={"a": {"\udfff": 1}}),
            r"^\$\.data\.a\[\.\.\.\]: .* lone surrogate at 0",
        ),
    ],
)
def test_m5_what_json_cannot_write_is_refused_with_its_path(value: object, path: str) -> None:
    with pytest.raises(ValueError, match=path):
        encode(value)


def test_m5_null_where_it_stands_is_no_error() -> None:
    assert encode(Containers(anything=[None, "null"])) == b'{"@type":"codec.Containers","anything":[null,"null"]}'
    assert encode(None) == b"null"


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (Containers(anything=UUID(int=1)), r"^\$\.anything: UUID would be read back as plain JSON"),
        (Containers(anything=[date(2020, 1, 1)]), r"^\$\.anything\[0\]: date"),
        (Containers(anything=({1, 2},)), r"^\$\.anything\[0\]: frozenset"),
        (Containers(anything=Point(1, 2)), r"^\$\.anything: Point"),
        (Containers(anything=Level.LOW), r"^\$\.anything: Level"),
        (Containers(anything=b"x"), r"^\$\.anything: bytes"),
        (Containers(data={"a": {"b": Decimal(1)}}), r"^\$\.data\.a\.b: Decimal"),
        (Containers(data={"a": {1: 2}}), r"^\$\.data\.a: the key 1 would be read back as a string"),
        (Containers(data={"a": Picture()}), r"^\$\.data\.a: Picture"),
        (Box(Box(UUID(int=1))), r"^\$\.value: Box"),
        (Box(timedelta(1)), r"^\$\.value: timedelta"),
        ([Picture(), {"x": Open(UUID(int=1))}], r"^\$\.value: UUID"),
        (Open(keys={1: 1}), r"^\$\.keys: the key 1 would be read back as a string"),
        (Open(extra={"a": 1, "b": b""}), r"^\$\.extra\.b: bytes"),
    ],
)
def test_m5_what_an_untyped_field_would_not_give_back_is_not_written(value: object, path: str) -> None:
    with pytest.raises(TypeError, match=path):
        encode(value)


def test_m5_untyped_fields_are_found_in_subclasses_and_containers() -> None:
    class Note(Message, kw_only=True, tag="codec.Note"):
        value: object = None

    for talk in (
        Talk(items=(Note(value=b"x"),)),
        Talk(first=Note(value=b"x")),
        Talk(by_name={"a": Note(value=b"x")}),
        Talk(both=(1, Note(value=b"x"))),
        Talk(group=frozenset((Note(value=b"x"),))),
        Talk(mixed=(Note(value=b"x"),)),
    ):
        with pytest.raises(TypeError, match=r"^\$\..*value: bytes would be read back as plain JSON"):
            encode(talk)
    assert decode(encode(Talk(items=(Note(value=["x"]),))), Message) == Talk(items=(Note(value=("x",)),))


# What is not known ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        '{"@type":"nope","a":[1,2.5,{"b":null}],"text":"x"}',
        '{"@type":"codec.Picture","size":1}',
        '{"@type":"codec.Talk","items":[{"@type":"nope"},{"@type":"codec.Picture"}],"text":"y"}',
        '{"@type":"codec.Talk","first":{"@type":"codec.Picture","x":1}}',
    ],
)
def test_m5_what_is_not_known_is_kept_when_asked(data: str) -> None:
    kept = decode(data, Message, unknown="keep")
    assert isinstance(kept, UnknownMessage)
    assert type(kept.raw) is FrozenDict
    assert json.loads(encode(kept)) == json.loads(data)
    assert decode(encode(kept), Message, unknown="keep") == kept
    assert kept.hash_key != UnknownMessage(raw={}).hash_key
    listed = decode(f"[{data},{{}}]", tuple[Message, ...], unknown="keep")
    assert listed == (kept, Message())
    assert json.loads(encode(listed)) == [json.loads(data), {"@type": "Message"}]
    with pytest.raises(DecodeError):
        decode(data, Message)


def test_m5_what_is_wrong_is_refused_even_when_the_unknown_is_kept() -> None:
    for data in ('{"@type":"codec.Picture","url":1}', '{"@type":3}', "[]", '{"@type":"codec.Talk","items":1}'):
        with pytest.raises(DecodeError):
            decode(data, Message, unknown="keep")
    with pytest.raises(DecodeError, match=r"^\$\[0\]\.@type"):
        decode('[{"@type":"nope"}]', tuple[Picture, ...], unknown="keep")


@pytest.mark.parametrize("form", [WithEither, list[WithEither], WithEither | None], ids=str)
@pytest.mark.parametrize("missing", [{}, {"@type": "WithEither"}, {"number": 1}, {"@type": ""}], ids=str)
def test_m5_a_class_that_msgspec_cannot_decode_is_never_taken_for_another_one(
    missing: dict[str, object], form: type[object]
) -> None:
    data = [missing] if form == list[WithEither] else missing
    with pytest.raises(DecodeError):
        decode(msgspec.json.encode(data), form)
    with pytest.raises(DecodeError):
        decode(msgspec.msgpack.encode(data), form, format="msgpack")
    value = WithEither(either=Right(right=1))
    assert decode(encode(value), WithEither) == value


def test_m5_what_is_known_is_read_as_ever_when_the_unknown_is_kept() -> None:
    talk = Talk(items=(Picture(),))
    assert decode(encode(talk), Message, unknown="keep") == talk
    assert decode('{"@type":"nope"}', Picture, unknown="keep") == UnknownMessage(raw={"@type": "nope"})


def test_m5_a_kept_message_in_a_field_is_read_back_as_it_is() -> None:
    talk = Talk(items=(UnknownMessage(raw={"@type": "nope", "a": 1}),))
    assert decode(encode(talk), Message) == talk


# --- mistakes of who calls ---


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("Message", "'Message' is no type; give the class itself, not its name"),
        ((Message, Left), ".* is no type; write several types as A | B"),
        (Message("a"), ".* is no type; give a class, such as Message"),
        (3, "3 is no type; give a class, such as int"),
    ],
)
def test_what_is_no_type_is_refused_where_it_is_given(wrong: Any, said: str) -> None:  # Any: the checkers refuse it
    with pytest.raises(TypeError, match=f"^decode: {said}$"):
        decode(b"{}", wrong)
    with pytest.raises(TypeError, match=f"^Codec: {said}$"):
        Codec(wrong)


@pytest.mark.parametrize("data", [b"{}", bytearray(b"{}"), "{}"])
def test_the_data_comes_before_the_type(data: Any) -> None:  # Any: as above
    with pytest.raises(TypeError, match="is no type; the data comes first, then the type: decode.data, form.$"):
        decode(cast("Any", Message), data)


def test_every_form_of_a_type_is_one() -> None:
    forms: list[Any] = [None, Any, int | None, list[int], Annotated[int, "a"], Literal["a"], Message, Left | Right]
    for form in forms:
        assert Codec(form).form is form


def test_a_way_with_the_unknown_that_there_is_not_is_not_taken_for_another_one() -> None:
    wrong: Any = "drop"  # Any: as above
    said = 'unknown is "refuse", "ignore" or "keep", not \'drop\'$'
    with pytest.raises(ValueError, match=f"^decode: {said}"):
        decode(b'{"@type":"Message","text":"a","more":1}', Message, unknown=wrong)
    with pytest.raises(ValueError, match=f"^Codec: {said}"):
        Codec(Message, unknown=wrong)
