"""M5: what msgspec decodes for a native type is what the slow way decodes for the declared one."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, NewType, TypedDict
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, strategies as st

from miniagents.messages import Codec, DecodeError, Frozen, FrozenDict, Message, Record, decode, encode
from miniagents.messages.coding import readers
from miniagents.messages.coding.codec import UnknownMessage
from miniagents.messages.coding.msgspec_formats import refuse_unpacked, with_string_keys
from miniagents.messages.coding.readers import reader_of
from miniagents.messages.coding.rebuilding import Rebuilder, classes_met
from miniagents.messages.coding.schema_codec import SchemaCodec
from miniagents.messages.values.freezing import is_list, is_mapping
from miniagents.messages.values.frozen import FrozenMeta, loaded_classes
from tests.effort import examples

if TYPE_CHECKING:
    from collections.abc import Callable

    from miniagents.messages import Format

FORMATS = pytest.mark.parametrize("format", ["json", "msgpack"])
PLAIN: dict[str, Any] = {  # Any: functions of msgspec for any type
    "json": (msgspec.json.encode, msgspec.json.decode),
    "msgpack": (msgspec.msgpack.encode, msgspec.msgpack.decode),
}


def know(*classes: type[Frozen]) -> None:
    """Let the readers know exactly these classes, beside the declared ones."""
    classes_met.clear()
    classes_met.update(dict.fromkeys(classes))
    readers._forget_readers()


def slowly(data: bytes, form: object, format: Format) -> object:
    """Decode as if msgspec could decode no message at all."""
    raw = PLAIN[format][1](data)
    if format == "json":
        return Rebuilder(None, UnknownMessage).build(raw, form)
    refuse_unpacked(raw, untyped=False)
    made = Rebuilder(None, UnknownMessage).build(with_string_keys(raw), form)
    refuse_unpacked(made, untyped=form is object)
    return made


# Generated classes ---------------------------------------------------------------------------------------------------

NUMBERS = itertools.count()
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=3)
floats = st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | floats | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)


class Pair(NamedTuple):
    left: int
    right: float


class Some(TypedDict):
    anything: Any  # Any: what is tested


class Row(Record, kw_only=True):
    ratio: float = 0.0
    inner: Message | None = None


class Leaf(Message, kw_only=True, tag="native.Leaf"):
    number: int = 0


class Kind(NamedTuple):
    """A type, and a strategy for its values."""

    form: Any  # Any: a type of whatever kind
    values: st.SearchStrategy[Any]  # Any: of that type
    slow: tuple[Format, ...] = ()
    """The formats in which msgspec alone need not decode all values."""


LEAVES = [
    Kind(str, texts),
    Kind(int, st.integers(-(2**60), 2**60)),
    Kind(float, floats),
    Kind(Annotated[float, msgspec.Meta(gt=0)], st.floats(0.5, 2)),
    Kind(bool | None, st.none() | st.booleans()),
    Kind(Literal["a", "b"], st.sampled_from(["a", "b"])),
    Kind(UUID, st.uuids()),
    Kind(date, st.dates()),
    Kind(bytes, st.binary(max_size=2)),
    Kind(object, json_values),
    Kind(Mapping[str, Any], st.dictionaries(texts, json_values, max_size=2)),
    Kind(Mapping[str, Any] | None, st.none() | st.dictionaries(texts, json_values, max_size=2)),
    Kind(FrozenDict[str, Any], st.dictionaries(texts, json_values, max_size=2)),
    Kind(tuple[dict[str, Any], ...], st.lists(st.dictionaries(texts, json_values, max_size=2), max_size=2)),
    Kind(
        Annotated[dict[str, Any], msgspec.Meta(max_length=2)],
        st.dictionaries(texts, json_values, max_size=2),
    ),
    Kind(Mapping[int | str, int], st.dictionaries(texts, st.integers(0, 3), max_size=2)),
    Kind(Mapping[UUID, float], st.dictionaries(st.uuids(), floats, max_size=2)),
    Kind(Pair, st.builds(Pair, st.integers(0, 3), floats), ("msgpack",)),
    Kind(Some, st.fixed_dictionaries({"anything": json_values}), ("msgpack",)),
    Kind(Row, st.builds(Row, ratio=floats, inner=st.none() | st.builds(Leaf, number=st.integers(0, 3)))),
]
"""Declared types whose values contain no messages, but for the record."""


tuple_of: Any = tuple  # Any: here and below, takes types that are known only when the program runs
set_of: Any = frozenset
mapping_of: Any = Mapping
dict_of: Any = FrozenDict
annotated: Any = Annotated
new_type: Any = NewType
make_class: Any = FrozenMeta


@st.composite
def kinds(draw: st.DrawFn, messages: list[Kind]) -> Kind:
    """Draw a type that may contain messages."""
    kind: Kind = draw(st.sampled_from(LEAVES + 3 * messages))
    form, values = kind.form, kind.values
    match draw(st.integers(0, 9)):
        case 0:
            return Kind(tuple_of[form, ...], st.lists(values, max_size=3), kind.slow)
        case 1:
            return Kind(mapping_of[str, form], st.dictionaries(texts, values, max_size=2), kind.slow)
        case 2:
            return Kind(tuple_of[int, form], st.tuples(st.integers(0, 3), values), kind.slow)
        case 3 if kind in messages:
            other = draw(st.sampled_from(messages))
            return Kind(form | other.form | None, st.none() | values | other.values)
        case 4 if kind in messages:
            limited = new_type("limited", annotated[tuple_of[form, ...], msgspec.Meta(max_length=2)])
            return Kind(limited, st.lists(values, max_size=2))
        case 5 if kind in messages:
            return Kind(set_of[form], st.frozensets(values, max_size=2))
        case 6 if kind in messages:
            return Kind(dict_of[str, form], st.dictionaries(texts, values, max_size=2))
        case 7 if kind in messages:
            return Kind(mapping_of[UUID, form], st.dictionaries(st.uuids(), values, max_size=2), ("json", "msgpack"))
        case _:
            return kind


@st.composite
def families(draw: st.DrawFn) -> tuple[list[type[Message]], Message, set[Format]]:
    """Draw some new message classes, a value of one of them, and the formats that may need the slow way."""
    number = next(NUMBERS)
    fields_of: dict[type[Message], dict[str, Kind]] = {Message: {}}
    messages = [Kind(Message, st.builds(Message, texts)), Kind(Leaf, st.builds(Leaf, number=st.integers(0, 3)))]
    for place in range(draw(st.integers(1, 4))):
        base = draw(st.sampled_from(list(fields_of)))
        own = {f"f{place}{each}": draw(kinds(messages)) for each in range(draw(st.integers(1, 3)))}
        namespace = {"__annotations__": {name: kind.form for name, kind in own.items()}, "__module__": __name__}
        cls: type[Message] = make_class(f"Native{number}x{place}", (base,), namespace, kw_only=True)
        fields_of[cls] = fields_of[base] | own
        values = st.builds(cls, text=st.none() | texts, **{name: kind.values for name, kind in fields_of[cls].items()})
        messages = [
            Kind(kind.form, kind.values | values if issubclass(cls, kind.form) else kind.values) for kind in messages
        ]
        messages.append(Kind(cls, values))
    slow: set[Format] = set()
    slow.update(*(kind.slow for fields in fields_of.values() for kind in fields.values()))
    return [*fields_of, Leaf], draw(messages[-1].values), slow


STRANGE: list[object] = [
    None,
    True,
    0,
    -1,
    1.0,
    0.5,
    "",
    "a",
    [],
    {},
    [0],
    {"a": 1},
    {"@type": "Message"},
    {"@type": 3},
]
UNPACKED: list[object] = [
    float("nan"),
    float("inf"),
    b"x",
    {1: 2},
    {"a": {None: 1}},
    msgspec.msgpack.Ext(5, b""),
    -(2**63),
]


def spoiled(draw: Callable[[st.SearchStrategy[Any]], Any], data: object, format: Format) -> object:
    """Change plain data at one place."""
    content: dict[Any, object] = {}
    if is_mapping(data):
        content = dict(data)
    elif is_list(data):
        content = dict(enumerate(data))
    if content and draw(st.integers(0, 3)):
        key = draw(st.sampled_from(list(content)))
        if draw(st.integers(0, 5)) == 0:
            del content[key]
        elif key == "@type":
            content[key] = draw(st.sampled_from(["Message", "native.Leaf", "nope", "", None, 3]))
        else:
            content[key] = spoiled(draw, content[key], format)
        return content if is_mapping(data) else list(content.values())
    if is_mapping(data) and draw(st.booleans()):
        return content | {draw(st.sampled_from(["text", "number", "@type", "other"])): draw(st.sampled_from(STRANGE))}
    return draw(st.sampled_from(STRANGE + (UNPACKED if format == "msgpack" else [])))


def outcome(decoded: Callable[[], object]) -> object:
    """Return a decoded value as something that is equal only for values of the same classes, or the error."""
    try:
        value = decoded()
    except DecodeError as error:
        return str(error)
    assert isinstance(value, Frozen)
    hash(value)  # a value that is not frozen has none
    return value, value.hash_key


@FORMATS
@examples(80)
@given(st.data())
def test_m5_native_types_accept_what_is_written(format: Format, data: st.DataObject) -> None:
    classes, value, slow = data.draw(families())
    know(*classes)
    form = data.draw(st.sampled_from([cls for cls in classes if isinstance(value, cls)]))
    encoded = encode(value, format)
    expected = outcome(lambda: slowly(encoded, form, format))
    assert expected == (value, value.hash_key)
    assert outcome(lambda: decode(encoded, form, format)) == expected
    if format not in slow:
        assert outcome(lambda: reader_of(form, format)(encoded)) == expected


@FORMATS
@examples(120)
@given(st.data())
def test_m5_native_types_accept_nothing_else(format: Format, data: st.DataObject) -> None:
    classes, value, _ = data.draw(families())
    form = data.draw(st.sampled_from([cls for cls in classes if isinstance(value, cls)]))
    write, read = PLAIN[format]
    encoded = write(spoiled(data.draw, read(encode(value, format)), format))
    know()
    before = outcome(lambda: decode(encoded, form, format))
    know(*classes)
    after = outcome(lambda: decode(encoded, form, format))
    if format == "json" or not isinstance(before, str):
        assert after == before
    else:
        assert isinstance(after, str)
    try:
        fast = reader_of(form, format)(encoded)
    except (msgspec.MsgspecError, DecodeError):
        return
    assert outcome(lambda: slowly(encoded, form, format)) == (fast, fast.hash_key)


# Which classes are known ---------------------------------------------------------------------------------------------


class Thread(Message, kw_only=True, tag="native.Thread"):
    messages: tuple[Message, ...] = ()


class Counted(Message, kw_only=True, tag="native.Counted"):
    inner: Message | None = None

    def __post_init__(self) -> None:
        made_times.append(1)


made_times: list[int] = []


@FORMATS
def test_m5_a_subclass_in_a_field_is_decoded_by_msgspec_after_it_was_met(format: Format) -> None:
    know()
    value = Thread(messages=(Leaf(number=1), Thread(messages=(Leaf(),))))
    data = encode(value, format)
    codec = Codec(Thread, format)
    with pytest.raises(msgspec.ValidationError):
        reader_of(Thread, format)(data)
    assert codec.decode(data) == value
    assert reader_of(Thread, format)(data) == value
    assert codec.decode(data) == value
    assert decode(data, Message, format) == value


@FORMATS
def test_a_class_made_later_costs_the_readers_nothing(format: Format) -> None:
    know(Leaf)
    reader = reader_of(Thread, format)

    class Later(Message, tag=f"native.later.{format}"):
        pass

    assert reader_of(Thread, format) is reader
    value = Thread(messages=(Later("x"), Leaf()))
    assert decode(encode(value, format), Thread, format) == value


@FORMATS
def test_m5_a_tag_that_a_later_class_has_too_is_not_decoded_by_what_was_known(format: Format) -> None:
    class First(Message, tag=f"native.twice.{format}"):
        pass

    know(First)
    data = encode(Thread(messages=(First("x"),)), format)
    codec = Codec(Thread, format)
    assert codec.decode(data) == Thread(messages=(First("x"),))

    class Second(Message, tag=f"native.twice.{format}"):
        pass

    with pytest.raises(DecodeError, match=r"is ambiguous, for .*First and .*Second have it"):
        codec.decode(data)
    with pytest.raises(DecodeError, match=r"is ambiguous, for .*First and .*Second have it"):
        decode(data, Message, format)
    with pytest.raises(DecodeError, match="is ambiguous"):
        decode(encode(Second("x"), format), Message, format)
    assert decode(encode(First("x"), format), First, format) == First("x")


@FORMATS
def test_m5_a_class_defined_again_is_the_one_that_is_decoded(format: Format) -> None:
    def define() -> type[Message]:
        class Again(Message, tag=f"native.again.{format}"):
            pass

        return Again

    first = define()
    data = encode(Thread(messages=(first("x"),)), format)
    for _ in range(3):
        assert type(decode(data, Thread, format).messages[0]) is first
    again = define()
    for _ in range(3):
        assert type(decode(data, Thread, format).messages[0]) is again


@FORMATS
def test_m5_a_field_of_one_class_needs_no_tag_and_a_union_needs_one(format: Format) -> None:
    class Needs(Message, kw_only=True, tag=f"native.needs.{format}"):
        one: Leaf | None = None
        two: Leaf | Thread | None = None

    know()
    write = PLAIN[format][0]
    for _ in range(2):
        assert decode(write({"one": {"number": 1}}), Needs, format) == Needs(one=Leaf(number=1))
        with pytest.raises(DecodeError, match=r"^\$\.two\.@type: expected the tag of a class, got nothing"):
            decode(write({"two": {"number": 1}}), Needs, format)
        know(Leaf, Thread, Needs)


@FORMATS
def test_native_types_are_seen_by_nobody(format: Format) -> None:
    know(Leaf, Thread)
    before = list(loaded_classes(Frozen)), type.__subclasses__(Thread), type.__subclasses__(Message)
    value = decode(encode(Thread(messages=(Leaf(),)), format), Thread, format)
    assert type(value) is Thread
    assert type(value.messages[0]) is Leaf
    assert (list(loaded_classes(Frozen)), type.__subclasses__(Thread), type.__subclasses__(Message)) == before


@FORMATS
def test_a_post_init_runs_once(format: Format) -> None:
    know(Counted, Leaf)
    data = encode(Counted(inner=Leaf()), format)
    made_times.clear()
    assert reader_of(Message, format)(data) == decode(data, Counted, format)
    assert len(made_times) == 2


class Floats(Record, kw_only=True):
    ratio: float = 0.0
    limited: Annotated[float, msgspec.Meta(gt=-1, lt=1)] = 0.0
    either: float | tuple[int, int] = 0.0
    anything: object = None


@FORMATS
def test_m5_a_class_that_msgspec_cannot_decode_leaves_the_others_fast(format: Format) -> None:
    class Unclear(Message, kw_only=True, tag=f"native.unclear.{format}"):
        either: Row | Floats

    know(Leaf, Unclear)
    value = Thread(messages=(Leaf(number=1),))
    assert reader_of(Thread, format)(encode(value, format)) == value
    slow = Thread(messages=(Unclear(either=Row(ratio=0.5)),))
    assert decode(encode(slow, format), Message, format) == slow


@FORMATS
def test_m5_a_class_that_msgspec_cannot_decode_leaves_mappings_decodable(format: Format) -> None:
    class Odd(Message, kw_only=True, tag=f"native.odd.{format}"):
        either: FrozenDict[str, object] | int | None = None

    data = PLAIN[format][0]({"1": Leaf(number=1)})
    assert decode(data, dict[int, Leaf | Odd], format) == {1: Leaf(number=1)}


class One(Message, tag="native.same"):
    pass


class Other(One, tag="native.same"):
    pass


class Choice(Message, kw_only=True, tag="native.Choice"):
    one: Leaf | One | None = None


@FORMATS
def test_m5_a_tag_is_required_where_only_one_of_the_declared_classes_is_clear(format: Format) -> None:
    know(Leaf, Choice)
    value = Choice(one=Leaf(number=1))
    assert reader_of(Message, format)(encode(value, format)) == value
    with pytest.raises(DecodeError, match=r"^\$\.one\.@type: expected the tag of a class, got nothing"):
        decode(PLAIN[format][0]({"@type": "native.Choice", "one": {"number": 1}}), Choice, format)
    with pytest.raises(DecodeError, match=r"^\$\.one\.@type: .*is ambiguous"):
        decode(encode(Choice(one=Other()), format), Choice, format)


@FORMATS
def test_m5_more_classes_that_contain_messages_than_msgspec_can_look_at_are_decoded_slowly(format: Format) -> None:
    classes: list[type[Message]] = [
        make_class(
            f"Nesting{number}{format}", (Message,), {"__annotations__": {"inner": Message | None}, "inner": None}
        )
        for number in range(150)
    ]
    know(*classes)
    value: Message = Message("x")
    for cls in classes[::15]:
        value = make_value(cls, value)
    data = encode(value, format)
    with pytest.raises(msgspec.ValidationError):
        reader_of(Message, format)(data)
    assert decode(data, Message, format) == value
    known = make_value(classes[20], Leaf())
    assert reader_of(Message, format)(encode(make_value(classes[10], make_value(classes[20], None)), format))
    assert decode(encode(known, format), Message, format) == known


def make_value(cls: Any, inner: Message | None) -> Message:  # Any: of a class with that field
    value: Message = cls(inner=inner)
    return value


# MessagePack ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"ratio": float("nan")}, r"^\$\[0\]\.ratio: nan"),
        ({"ratio": float("-inf")}, r"^\$\[0\]\.ratio: -inf"),
        ({"limited": float("nan")}, r"^\$\[0\]\.limited"),
        ({"either": float("inf")}, r"^\$\[0\]\.either: inf"),
        ({"anything": [{"a": float("nan")}]}, r"^\$\[0\]\.anything\[0\]\.a: nan"),
        ({"anything": {1: 2}}, r"^\$\[0\]\.anything: the key 1"),
        ({"anything": b"x"}, r"^\$\[0\]\.anything: bytes"),
    ],
)
def test_m5_what_json_cannot_express_is_refused_where_it_stands(fields: dict[str, object], path: str) -> None:
    data = msgspec.msgpack.encode([fields])
    with pytest.raises(DecodeError, match=path):
        decode(data, tuple[Floats, ...], "msgpack")


def test_m5_floats_at_their_limits_are_unpacked() -> None:
    value = Floats(ratio=1.7976931348623157e308, limited=-0.5, either=(1, 2), anything=[{"a": -1.5}])
    assert decode(encode(value, "msgpack"), Floats, "msgpack") == value


class Point(msgspec.Struct):
    x: float
    rest: tuple[float | None, ...] = ()


def test_m5_structs_that_are_no_messages_are_unpacked_by_msgspec() -> None:
    read = reader_of(tuple[Point, ...], "msgpack")
    assert read(msgspec.msgpack.encode([Point(1.5, (2.5, None))])) == (Point(1.5, (2.5, None)),)
    for wrong in (Point(float("nan")), Point(1.5, (float("inf"),))):
        data = msgspec.msgpack.encode([wrong])
        with pytest.raises(msgspec.ValidationError):
            read(data)
        with pytest.raises(DecodeError, match=r"^\$\[0\]\.(x: nan|rest\[0\]: inf)"):
            decode(data, tuple[Point, ...], "msgpack")


# Threads -------------------------------------------------------------------------------------------------------------


@FORMATS
def test_threads_that_decode_a_type_for_the_first_time_do_not_disturb_each_other(format: Format) -> None:
    value = Thread(messages=(Leaf(number=1), Thread(messages=(Counted(inner=Leaf()),))))
    data = encode(value, format)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as threads:
            for _ in range(20):
                know(Leaf, Thread, Counted)
                decoded: list[Future[Message]] = []
                decoded += (threads.submit(decode, data, form, format) for form in (Thread, Message, Thread, Message))
                assert all(each.result() == value for each in decoded)
    finally:
        sys.setswitchinterval(interval)


# Records with schemas ------------------------------------------------------------------------------------------------


class Envelope(Record, kw_only=True):
    content: Message


class Sealed(Record, kw_only=True):
    number: int


class Post(Message, kw_only=True, tag="native.Post"):
    envelope: Envelope | None = None
    sealed: Sealed | None = None


SCHEMAS = SchemaCodec(
    {
        "Envelope": '{"type": "object", "properties": {"content": {"$ref": "miniagents:Message"}}, '
        '"required": ["content"], "additionalProperties": false}',
        "Sealed": '{"type": "object", "properties": {"number": {"type": "integer", "minimum": 3}}, '
        '"required": ["number"], "additionalProperties": false}',
    },
    {"Envelope": Envelope, "Sealed": Sealed},
    sound=["Envelope"],
)


@FORMATS
def test_m5_a_record_with_a_schema_contains_derived_messages(format: Format) -> None:
    know(Leaf, Post)
    value = Post(envelope=Envelope(content=Leaf(number=1)))
    data = encode(value, format)
    assert reader_of(Envelope, format)(encode(value.envelope, format)) == value.envelope
    for _ in range(2):
        assert decode(data, Post, format) == value
        assert decode(encode(value.envelope, format), Envelope, format) == value.envelope
        with pytest.raises(DecodeError, match=r"^\$\.envelope\.content"):
            decode(PLAIN[format][0]({"envelope": {"content": {"@type": "native.Leaf", "number": "x"}}}), Post, format)
        know()


@FORMATS
def test_g2_a_class_with_a_record_whose_schema_says_more_than_its_type_is_checked(format: Format) -> None:
    know(Leaf, Post)
    good = Thread(messages=(Post(sealed=Sealed(number=3)),))
    assert decode(encode(good, format), Message, format) == good
    bad = Thread(messages=(Post(sealed=Sealed(number=2)),))
    for form in (Message, Thread):
        with pytest.raises(DecodeError, match=r"^\$\.messages\[0\]\.sealed\.number: "):
            decode(encode(bad, format), form, format)
