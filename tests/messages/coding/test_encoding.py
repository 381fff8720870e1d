"""M5, M8: the fast ways to encode accept what the slow walk accepts, with the same bytes and the same errors."""

from __future__ import annotations

import itertools
import types
from collections.abc import Mapping  # evaluated by msgspec
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, cast
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, strategies as st
from msgspec.structs import force_setattr

from miniagents.messages import (
    NO_EXTRAS,
    Codec,
    Extras,
    Frozen,
    JsonValue,
    Message,
    Record,
    UnknownMessage,
    decode,
    encode,
    encode_into,
)
from miniagents.messages.coding import encoding
from miniagents.messages.coding.contents import contents_of
from miniagents.messages.coding.exactness import refuse_unwritable
from miniagents.messages.coding.extras import merged
from miniagents.messages.coding.msgspec_formats import functions_of
from miniagents.messages.values import untyped
from miniagents.messages.values.untyped import noted
from tests.effort import examples

if TYPE_CHECKING:
    from collections.abc import Callable

Format: TypeAlias = Literal["json", "msgpack"]
FORMATS = pytest.mark.parametrize("format", ["json", "msgpack"])


class Level(Enum):
    LOW = 1


class Point(NamedTuple):
    x: int
    y: object


class Leaf(Message, kw_only=True, tag="encoding.Leaf"):
    number: int = 0


class Note(Leaf, kw_only=True, tag="encoding.Note"):
    value: object = None


class Closed(Record, frozen=True, kw_only=True):
    label: str
    note: str | None = None


class Open(Record, frozen=True, kw_only=True, tag_field="kind", tag="open"):
    label: str
    parts: tuple[Open | Closed, ...] = ()
    data: Mapping[str, JsonValue] | msgspec.UnsetType = msgspec.UNSET
    extra_properties: Extras[JsonValue] = msgspec.field(default=NO_EXTRAS, name="@extra")


class Table(Record, frozen=True, kw_only=True):
    """Open, for properties of one type, which may have extras of their own."""

    extra_properties: Extras[Open] = msgspec.field(default=NO_EXTRAS, name="@extra")


INFINITE: Any = float("inf")  # Any: type checkers would refuse it where no float is declared


# Classes and values ------------------------------------------------------------------------------------------------


def without_notes(*classes: type) -> None:
    """Forget what freezing has noted on classes, so that the fast ways are open again."""
    for cls in classes:
        if noted(cls):
            delattr(cls, untyped._NOTED)
    for forget in untyped.when_noted:
        forget()


json_values = st.recursive(
    st.sampled_from([None, True, 3, 1.5, "null", ":null", "@extra", '"@extra":', "ä"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "@extra"]), inner, max_size=2),
    max_leaves=4,
)
no_json = st.sampled_from([b"x", UUID(int=4), {"a": [Level.LOW]}])
leaves = st.builds(Leaf, text=st.sampled_from([None, "null", "a"]), number=st.integers(0, 3)) | st.builds(
    Note, value=json_values | json_values | no_json
)
closed = st.builds(Closed, label=st.sampled_from(["a", "null"]), note=st.sampled_from([None, "b"]))
no_extras: st.SearchStrategy[dict[str, Any]] = st.just({})  # Any: as extras are
some_extras: st.SearchStrategy[dict[str, Any]] = st.dictionaries(  # Any: as above
    st.sampled_from(["red", "a b", "@type"]), json_values, max_size=2
)
bad_extras: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries({"red": no_json})  # Any: as above
extras = no_extras | some_extras | some_extras | no_extras | bad_extras
opened: st.SearchStrategy[Open] = st.recursive(
    st.builds(Open, label=st.just("a"), extra_properties=extras),
    lambda inner: st.builds(
        Open,
        label=st.just("b"),
        parts=st.lists(inner | closed, max_size=2),
        data=st.just(msgspec.UNSET) | st.dictionaries(st.just("k"), json_values),
        extra_properties=extras,
    ),
    max_leaves=3,
)
tables = st.builds(Table, extra_properties=st.dictionaries(st.sampled_from(["red", "blue"]), opened, max_size=2))
messages = leaves | st.just(UnknownMessage(raw={"@type": "encoding.nobody", "a": None}))
unset = st.just(msgspec.UNSET)

# Annotations as classes have them, each with right values.
FIELDS: dict[str, st.SearchStrategy[Any]] = {  # Any: of its annotation
    "str": st.sampled_from(["a", "null", "@extra"]),
    "str | None": st.sampled_from(["a", None]),
    "int | UnsetType": unset | st.integers(0, 3),
    "float": st.floats(allow_nan=False, allow_infinity=False),
    "UUID": st.uuids(),
    "Level": st.just(Level.LOW),
    "object": json_values,
    "tuple[str, ...]": st.lists(st.just("a"), max_size=2),
    "tuple[object, ...]": st.lists(json_values, max_size=2),
    "Mapping[str, JsonValue] | None": st.none() | st.dictionaries(st.just("k"), json_values, max_size=1),
    "Mapping[str, UUID]": st.dictionaries(st.just("k"), st.uuids(), max_size=1),
    "Mapping[int | str, int]": st.dictionaries(st.just("k"), st.integers(0, 3), max_size=1),
    "Point": st.builds(Point, st.integers(0, 3), json_values),
    "Message": messages,
    "Leaf | UnsetType": unset | leaves,
    "Closed": closed,
    "Open": opened,
    "Open | UnsetType": unset | opened,
    "Open | Mapping[str, JsonValue]": opened | st.dictionaries(st.just("k"), json_values, max_size=1),
    "Table": tables,
    "tuple[Message, ...]": st.lists(messages, max_size=2),
    "tuple[Open | Closed, ...]": st.lists(opened | closed, max_size=2),
    "tuple[Open | Mapping[str, JsonValue], ...]": st.lists(opened | st.just({"k": None}), max_size=2),
    "tuple[int, Open]": st.tuples(st.integers(0, 3), opened),
    "frozenset[Leaf]": st.sets(leaves, max_size=2),
    "Mapping[str, Open]": st.dictionaries(st.just("k"), opened, max_size=1),
    "Frozen": messages | closed,
}
# Values that are right in some of these places only.
strange: st.SearchStrategy[Any] = st.sampled_from(  # Any: as above
    [
        *(float("nan"), [float("nan")], "null", "null" * 150, None, 3, UUID(int=1), b"x", {1: 2}),
        *({"a": UUID(int=2)}, 2**70),
        *({"a": [b"x"]}, [{"a": 1}, UUID(int=3)], Level.LOW, Point(1, None), Point(1, b"x"), msgspec.UNSET, "x\ud800"),
    ]
)
# Where the type says nothing, type checkers accept these as well.
strange_messages: st.SearchStrategy[Any] = st.sampled_from(  # Any: as above
    [
        *(Leaf(text="a"), Closed(label="x"), UnknownMessage(raw={"a": 1})),
        Leaf(text=INFINITE),
    ]
)
strange_messages |= leaves | opened
NOT_DECLARED = ("object", "tuple[object, ...]", "Mapping[str, JsonValue] | None", "Point")
numbers = itertools.count()


@st.composite
def classes_and_values(draw: st.DrawFn) -> list[Any]:  # Any: values of a class that only the program knows
    """Draw a new class, and values of it, of a class derived from it, and containers of them."""
    without_notes(Note, Open, Table, UnknownMessage)
    base = draw(st.sampled_from([Message, Frozen, Record, Open]))
    chosen = draw(st.lists(st.sampled_from(sorted(FIELDS)), min_size=1, max_size=4))
    annotations = {f"field{place}": annotation for place, annotation in enumerate(chosen)}
    defaults = {name: msgspec.UNSET for name in annotations if draw(st.booleans())}
    body: dict[str, Any] = {"__module__": __name__, "__annotations__": annotations, **defaults}  # Any: as in a class
    name = f"Made{next(numbers)}"
    options = {"kw_only": True} if base is Open or base is Record else {"kw_only": True, "tag": f"encoding.{name}"}
    made: Any = types.new_class(name, (base,), options, lambda space: space.update(body))  # Any: as above
    values: list[Any] = []  # Any: as above
    for _ in range(draw(st.integers(1, 4))):
        right = {each: FIELDS[annotation] for each, annotation in annotations.items()}
        wrong = draw(st.sampled_from([None, None, *annotations]))
        if wrong is not None:
            right[wrong] = strange | strange_messages if annotations[wrong] in NOT_DECLARED else strange
        fields = {each: draw(strategy) for each, strategy in right.items()}
        if base is Open:
            fields |= {"label": "made", "parts": draw(st.lists(opened, max_size=1)), "extra_properties": draw(extras)}
        try:
            values.append(made(**fields))
        except (TypeError, ValueError):  # it cannot be frozen
            continue
    holders = [*values, *([each, {"k": each}] for each in values)]
    return holders + [Holder(content=each, items=(each,)) for each in values]


class Holder(Message, kw_only=True, tag="encoding.Holder"):
    content: Frozen
    items: tuple[Frozen, ...] = ()


class Nullable(Message, kw_only=True, tag="encoding.Nullable"):
    one: str | None
    other: str | None


class Sparse(Record, frozen=True, kw_only=True):
    count: int | None = None
    label: str = ""


class Sparses(Record, frozen=True, kw_only=True):
    first: Sparse


class Cover(Record, frozen=True, kw_only=True):
    value: object
    leaf: Leaf


class Book(Message, kw_only=True, tag="encoding.Book"):
    pass


class Shelf(Message, kw_only=True, tag="encoding.Shelf"):
    books: tuple[Book, ...]


# What encoding does ------------------------------------------------------------------------------------------------


def slowly(value: object, format: Format) -> bytes:
    """Encode a value by walks over all of it: the definition of what the fast ways do."""
    try:
        data = functions_of(format).encode(merged(encoding._checked(value)))
    except (UnicodeEncodeError, RecursionError, OverflowError) as error:
        encoding.refuse(value, error)
    refuse_unwritable(value)
    return data


def outcome(write: Callable[[Any], bytes], value: object) -> tuple[object, ...]:  # Any: as above
    try:
        return (write(value),)
    except (TypeError, ValueError) as error:
        return type(error), str(error)


def into(value: object, format: Format) -> bytes:
    buffer = bytearray(b"before")
    encode_into(value, buffer, 0, format)
    return bytes(buffer)


@examples(150)
@given(classes_and_values(), st.sampled_from(["json", "msgpack"]))
def test_m5_the_fast_ways_do_what_the_slow_walk_does(values: list[Any], format: Format) -> None:  # Any: as above
    codec: Codec[Any] = Codec(object, format)  # Any: as above
    for value in values:
        expected = outcome(lambda value: slowly(value, format), value)
        written = outcome(lambda value: encode(value, format), value)
        others = [outcome(lambda value: into(value, format), value), outcome(codec.encode, value)]
        # Fields that are not declared as float are searched for NaN in the JSON of messages only.
        if "finite numbers" not in str(expected[-1]):
            assert [written, *others] == [expected] * 3
        elif format == "json" and not isinstance(value, Record):
            assert written == expected


@pytest.mark.parametrize("name", FIELDS)
def test_m5_freezing_notes_whatever_an_untyped_field_holds(name: str) -> None:
    """The fields that encoding must look at are fields that freezing notes."""

    class Noting(Frozen, tag=f"encoding.Noting.{name}"):
        __annotations__ = {"field": name}

    for value in ({"a": UUID(int=1)}, [b"x"], UUID(int=1), {1: 2}, Point(1, b"x")):
        cast("Any", Noting)(value)  # Any: checkers do not see the field
    assert noted(Noting) >= contents_of(Noting).untyped


@FORMATS
def test_m5_what_freezing_notes_is_looked_at_from_then_on(format: Format) -> None:
    class Item(Message, kw_only=True, tag=f"encoding.Item.{format}"):
        value: object

    codec = Codec(Holder, format)
    good, holder = Item(value={"a": [1]}), Holder(content=Item(value=None))
    before = encode(good, format), encode(holder, format), codec.encode(holder)
    bad = Holder(content=Item(value={"a": [UUID(int=1)]}))
    writes: list[Callable[[], object]] = [
        lambda: encode(bad, format),
        lambda: encode(Holder(content=bad, items=(good,)), format),
        lambda: codec.encode(bad),
        lambda: encode_into(bad, bytearray(), 0, format),
    ]
    for write in writes:
        with pytest.raises(TypeError, match=r"^\$\.content.*value\.a\[0\]: UUID would be read back"):
            write()
    assert (encode(good, format), encode(holder, format), codec.encode(holder)) == before


@FORMATS
def test_m5_what_a_post_init_puts_into_untyped_fields_is_looked_at(format: Format) -> None:
    class Stamped(Message, kw_only=True, tag=f"encoding.Stamped.{format}"):
        value: object = None

        def __post_init__(self) -> None:
            if self.value is None:
                force_setattr(self, "value", UUID(int=1))

    class Sealed(Stamped, kw_only=True, tag=f"encoding.Sealed.{format}"):
        other: object = None

    for stamped in (Stamped(), Sealed()):
        for value in (stamped, Holder(content=stamped)):
            with pytest.raises(TypeError, match=r"^\$.*value: UUID would be read back"):
                encode(value, format)
    assert decode(encode(Sealed(value=1), format), Message, format) == Sealed(value=1)


@FORMATS
def test_m5_a_class_made_later_may_hold_extras(format: Format) -> None:
    holder = Holder(content=Leaf())
    assert decode(encode(holder, format), Holder, format) == holder

    class Later(Record, frozen=True):
        extra_properties: Extras[JsonValue] = msgspec.field(default=NO_EXTRAS, name="@extra")

    value = Later(extra_properties={"a": 1})
    assert functions_of(format).decode_plain(encode(Holder(content=value), format)) == {
        "@type": "encoding.Holder",
        "content": {"a": 1},
    }


@FORMATS
@pytest.mark.parametrize("depth", [10, 150, 350, 2_000])
def test_m5_extras_are_found_at_any_depth(format: Format, depth: int) -> None:
    value = Open(label="0", extra_properties={"red": 0})
    for number in range(1, depth):
        value = Open(label=str(number), parts=(Closed(label="@extra"), value))
    written = outcome(lambda value: encode(value, format), value)
    assert written == outcome(lambda value: slowly(value, format), value)
    assert b'"@extra":' not in written[0] if isinstance(written[0], bytes) else "too deep" in str(written[1])


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (Holder(content=Leaf(text=INFINITE)), r"^\$\.content\.text: inf"),
        (Holder(content=Leaf(), items=(Leaf(text=cast("Any", [INFINITE])),)), r"^\$\.items\[0\]\.text\[0\]: inf"),
        (Cover(value=UUID(int=0).hex, leaf=Leaf(text=INFINITE)), r"^\$\.leaf\.text: inf"),
        ([Leaf(text="null: null"), Leaf(text=INFINITE)], r"^\$\[1\]\.text: inf"),
        (Sparse(count=INFINITE), r"^\$\.count: inf"),
        (Sparses(first=Sparse(count=INFINITE)), r"^\$\.first\.count: inf"),
        (Nullable(one=None, other=INFINITE), r"^\$\.other: inf"),
        (Nullable(one=INFINITE, other="null"), r"^\$\.one: inf"),
        (Nullable(one=INFINITE, other="null" * 200), r"^\$\.one: inf"),
        (Nullable(one="null" * 200, other=cast("Any", (None, INFINITE))), r"^\$\.other\[1\]: inf"),
        (Nullable(one=None, other=cast("Any", Leaf(text=INFINITE))), r"^\$\.other\.text: inf"),
    ],
)
def test_m5_nan_is_found_where_no_float_is_declared(value: object, path: str) -> None:
    with pytest.raises(ValueError, match=path):
        encode(value)


@pytest.mark.parametrize("text", ["null", ":null", "[null,null]", '{"a":null}', "null null null"])
def test_m5_null_in_a_text_is_no_null(text: str) -> None:
    value = Holder(content=Note(text=text, value=[None, {"a": text}]), items=(Closed(label=text, note=None),))
    assert encode(value) == slowly(value, "json")


def test_values_are_encoded_while_a_class_is_being_made() -> None:
    """Another thread may do so at any time; here the class itself does it, before it has any fields."""
    written: list[bytes] = []

    class Registered(Message, kw_only=True, tag="encoding.Registered"):
        content: Message | None = None

        def __init_subclass__(cls, **options: Any) -> None:  # Any: msgspec checks them
            super().__init_subclass__(**options)
            value = Registered(content=Leaf())
            written.append(encode(value))
            assert value.hash_key

    class Late(Registered, kw_only=True, tag="encoding.Late"):
        late: object = None

    assert written == [encode(Registered(content=Leaf()))]
    with pytest.raises(TypeError, match=r"^\$\.content\.late: UUID"):
        encode(Registered(content=Late(late=UUID(int=1))))


def test_one_more_class_costs_a_look_at_that_class_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parts of a class follow from its own fields, so other classes change nothing in them."""
    value = Shelf(books=(Book(),))
    encode(value)

    class OneMore(Book, kw_only=True, tag="encoding.OneMore"):
        value: object = None

    looked_at: list[type] = []
    fields = msgspec.structs.fields

    def counted(cls: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
        looked_at.append(cls)
        return fields(cls)

    monkeypatch.setattr(msgspec.structs, "fields", counted)
    encode(value)
    assert set(looked_at) == {OneMore}
