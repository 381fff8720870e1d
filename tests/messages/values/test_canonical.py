"""M3: the canonical form is RFC 8785, and no two different values share one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

import msgspec
import pytest
import rfc8785
from hypothesis import given, strategies as st

from miniagents.messages.values.canonical import canonical_json, message_form
from miniagents.messages.values.canonical_classes import former_of
from miniagents.messages.values.freezing import is_mapping, is_set, is_tuple
from miniagents.messages.values.frozen import Frozen, FrozenDict, FrozenMeta, canonical_form, freeze
from miniagents.messages.values.record import Record
from tests.effort import examples

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


class Held(Frozen, tag="canonical.Held"):
    """Holds anything."""

    value: object = None


class Colour(Enum):
    RED = "red"


class Shade(StrEnum):
    RED = "red"


texts = st.text(st.characters(exclude_categories=["Cs"]))
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@examples(150)
@given(json_values)
def test_m3_json_is_written_as_rfc_8785_says(value: Json) -> None:
    assert canonical_json(value) == rfc8785.dumps(value)


@examples(300)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_m3_numbers_are_written_as_ecmascript_does(number: float) -> None:
    assert canonical_json(number) == rfc8785.dumps(number)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2**53 + 1, b"9007199254740993"),
        (-(10**30), b"-1" + b"0" * 30),
        (1e21, b"1e+21"),
        (1e20, b"1" + b"0" * 20),
        (1e-6, b"0.000001"),
        (1.5e-7, b"1.5e-7"),
        (5e-324, b"5e-324"),
        (-0.0, b"0"),
        (333333333.33333329, b"333333333.3333333"),
        ('\u20ac$\x0f\nA\'B"\\\\"/\x7f', '"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/\x7f"'.encode()),
        ({"\U0001f600": 1, "\ufb33": 2, "a": 3}, '{"a":3,"\U0001f600":1,"\ufb33":2}'.encode()),
    ],
)
def test_m3_examples(value: object, expected: bytes) -> None:
    assert canonical_json(value) == expected


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"a": [1, float("nan")]}, r"\$\.a\[1\]: nan"),
        ([float("-inf")], r"\$\[0\]: -inf"),
        ({"a": {"b c": "x\ud800"}}, r"\$\.a\['b c'\]: .* lone surrogate at 1"),
        ([{"\udfff": 1}], r"\$\[0\]: .* lone surrogate"),
    ],
)
def test_m3_what_has_no_form_is_refused_with_its_path(value: object, path: str) -> None:
    with pytest.raises(ValueError, match=path):
        canonical_json(value)


@pytest.mark.parametrize("value", [{1: 2}, {"a": object()}, b"x", frozenset[int]()])
def test_m3_only_json_is_json(value: object) -> None:
    with pytest.raises(TypeError, match=r"^\$"):
        canonical_json(value)


def test_m3_depth_is_no_matter() -> None:
    deep: Json = []
    for _ in range(20_000):
        deep = [deep]
    assert canonical_json(deep) == b"[" * 20_001 + b"]" * 20_001


def test_m3_the_form_has_the_tag_and_all_fields_and_the_keys_of_messages() -> None:
    class Outer(Frozen, rename="camel"):
        first_name: str = "x"
        inner: Held = Held()

    inner = Held(Held(1))
    key = inner.hash_key
    full = canonical_form(Outer(inner=inner)).decode()
    assert full.startswith('{"@type":"Outer","firstName":"x","inner":{"@key":"' + key)
    assert len(full) == len('{"@type":"Outer","firstName":"x","inner":{"@key":""}}') + 64


LOOKALIKES: list[object] = [
    None,
    "null",
    True,
    1,
    "1",
    Decimal(1),
    b"1",
    b"red",
    "red",
    Colour.RED,
    Shade.RED,
    ("Colour", "red"),
    FrozenDict({"@enum": ("Colour", "red")}),
    UUID(int=1),
    str(UUID(int=1)),
    FrozenDict({"@uuid": str(UUID(int=1))}),
    date(2020, 1, 1),
    datetime(2020, 1, 1),  # noqa: DTZ001  # naive on purpose
    datetime(2020, 1, 1, tzinfo=UTC),
    "2020-01-01",
    time(1),
    time(1, tzinfo=UTC),
    timedelta(seconds=1),
    1_000_000,
    (1, 2),
    frozenset((1, 2)),
    FrozenDict({"@set": (1, 2)}),
    FrozenDict({"@@set": (1, 2)}),
    FrozenDict({1: 2}),
    FrozenDict({"1": 2}),
    FrozenDict({"@map": ((1, 2),)}),
    (),
    FrozenDict[str, int](),
    frozenset[int](),
    "",
    b"",
    Held(),
    FrozenDict({"@type": "canonical.Held", "value": None}),
    FrozenDict({"@key": "x"}),
]


held = st.recursive(
    json_values
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False, width=32)
    | st.integers(-(2**60), 2**60).map(float)
    | st.sampled_from((-0.0, 1e-5, 1e-4, 1e15, 1e16, 2.0**53, 1e21, Colour.RED, Shade.RED, b"x"))
    | st.dates()
    | st.tuples(st.integers(), texts),
    lambda inner: st.builds(Held, value=inner) | st.lists(inner, max_size=3),
    max_leaves=6,
)


class Several(Frozen, tag="canonical.Several"):
    """Has names that have to be sorted and escaped, and one that stands before the tag."""

    zebra: object = None
    a_name: object = msgspec.field(default=None, name="@odd")
    missing: object = msgspec.UNSET
    price: float = 0.5
    text: str = ""


class BeforeTheTag(Frozen, tag="canonical.BeforeTheTag"):
    """Has a name that is sorted before the tag."""

    cost: object = msgspec.field(default=None, name="$cost")


def key_of(part: msgspec.Struct) -> str:
    return hashlib.sha256(message_form(part, key_of)).hexdigest()


@examples(300)
@given(held, held, st.floats(allow_nan=False, allow_infinity=False), texts)
def test_m3_what_msgspec_writes_of_a_form_is_what_the_rule_says(
    one: object, other: object, n: float, text: str
) -> None:
    for value in (Several(one, other, price=n, text=text), Several(other, missing=one), BeforeTheTag(one), Held(other)):
        assert canonical_form(value) == message_form(value, key_of)


@examples(300)
@given(st.dictionaries(st.text("aZ@é_\U0001f600\uff5e", max_size=3) | st.integers(0, 2), json_values, max_size=4))
def test_m3_a_mapping_that_msgspec_writes_is_sorted_and_escaped(mapping: dict[object, object]) -> None:
    for value in (Held(mapping), Held(dict.fromkeys(mapping, 1))):
        assert canonical_form(value) == message_form(value, key_of)


PYTHON_NAMES = ("a", "b", "Z", "class", "import", "self", "key_of", "content", "write", "été", "Ⅷ")
"""Names of fields, some of which cannot stand in the source of a function."""

json_names = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"\\'), max_size=3).filter(
    lambda name: name != "@type"
)


@examples(150)
@given(st.data())
def test_m3_the_function_that_is_written_for_a_class_says_what_the_rule_says(data: st.DataObject) -> None:
    python = data.draw(st.lists(st.sampled_from(PYTHON_NAMES), unique=True, max_size=5))
    encoded = data.draw(st.lists(json_names, unique=True, min_size=len(python), max_size=len(python)))
    body = {"__annotations__": dict.fromkeys(python, object), **dict.fromkeys(python, msgspec.UNSET)}
    renamed = dict(zip(python, encoded, strict=True))
    cls: Any = FrozenMeta("WrittenOut", (Frozen,), body, rename=renamed, tag="canonical.WrittenOut")  # Any: a class
    values = data.draw(st.lists(held | st.just(msgspec.UNSET), min_size=len(python), max_size=len(python)))
    made = cls(**dict(zip(python, values, strict=True)))
    forms = [former_of(cls)(made, key_of), message_form(made, key_of)]
    assert forms[0] == forms[1]
    assert made.hash_key == hashlib.sha256(forms[1]).hexdigest()[:40]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (("a", "\ud800"), r"^\$\.value\[1\]: .* lone surrogate"),
        ((1.5, float("nan")), r"^\$\.value\[1\]: nan"),
        ((Held(), [1]), r"^\$\.value\[1\]: list is not a frozen value"),
        ((msgspec.UNSET,), r"^\$\.value\[0\]: UnsetType is not a frozen value"),
        (bytearray(b"x"), r"^\$\.value: bytearray is not a frozen value"),
    ],
)
def test_m3_a_part_of_a_message_that_has_no_form_is_refused_with_its_path(value: object, said: str) -> None:
    wrong = Held()
    msgspec.structs.force_setattr(wrong, "value", value)
    with pytest.raises((TypeError, ValueError), match=said):
        assert wrong.hash_key


def test_m3_values_of_different_types_have_different_forms() -> None:
    forms = [canonical_form(Held(value)) for value in LOOKALIKES]
    assert len(set(forms)) == len(forms)


def test_m3_a_forged_key_is_not_the_message() -> None:
    inner = Held("secret")
    full = canonical_form(Held(inner)).decode().split('"')[-2]
    assert full.startswith(inner.hash_key)
    assert Held(FrozenDict({"@key": full})).hash_key != Held(inner).hash_key


BERLIN = timezone(timedelta(hours=1))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (0.0, -0.0),
        (Decimal("1.50"), Decimal("1.5")),
        (Decimal("-0"), Decimal("0E+7")),
        (Decimal("1E+3"), Decimal(1000)),
        (datetime(2020, 1, 1, 1, tzinfo=BERLIN), datetime(2020, 1, 1, tzinfo=UTC)),
        (datetime.min.replace(tzinfo=BERLIN), datetime.min.replace(tzinfo=timezone(timedelta(minutes=60)))),
        (time(1, tzinfo=BERLIN), time(2, tzinfo=timezone(timedelta(hours=2)))),
        (FrozenDict({"a": 1, "b": 2}), FrozenDict({"b": 2, "a": 1})),
        (FrozenDict({1: "a", "b": 2}), FrozenDict({"b": 2, 1: "a"})),
    ],
)
def test_m3_equal_values_have_equal_forms(one: object, other: object) -> None:
    assert one == other
    assert canonical_form(Held(one)) == canonical_form(Held(other))


def test_m3_times_are_compared_as_python_does() -> None:
    assert time(1, tzinfo=timezone(timedelta(hours=2))) != time(23, tzinfo=UTC)
    assert Held(time(1, tzinfo=timezone(timedelta(hours=2)))).hash_key != Held(time(23, tzinfo=UTC)).hash_key


# --- identity: one form for equal values, and for no others ---


class Pair(tuple[int, int], Enum):
    __slots__ = ()
    FIRST = (1, 2)


class Twin(tuple[int, int], Enum):
    __slots__ = ()
    FIRST = (1, 2)


class Named(NamedTuple):
    left: object
    right: object


class Measured(Frozen, tag="canonical.Measured"):
    """Holds what an annotation tells apart no better than its JSON."""

    value: int | float | str | None = None


class Noted(Record):
    value: object = None


def identity(value: object) -> object:
    """Return what must be equal for two values to share a form, as the docstring of the canonical form says."""
    kind = type(value)
    if isinstance(value, Enum):
        return (kind, value.name)
    if isinstance(value, Frozen):
        return (kind, *(identity(getattr(value, name)) for name in value.__struct_fields__))
    if is_tuple(value):
        return (tuple, *map(identity, value))
    if is_set(value):
        return (frozenset, frozenset(map(identity, value)))
    if is_mapping(value):
        return (dict, frozenset((identity(key), identity(item)) for key, item in value.items()))
    if isinstance(value, (int, float)) and kind is not bool and abs(value) < 1e21:
        return ("number", value)
    return (kind, value)


whole = st.floats(2.0**53, 1e22).map(lambda number: float(int(number)))
identified = st.recursive(
    st.sampled_from(LOOKALIKES)
    | st.sampled_from((Pair.FIRST, Twin.FIRST, Colour.RED, Shade.RED, Named(1, 2), Measured(1), Noted(1), Held(1)))
    | st.integers()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | whole
    | whole.map(int)
    | texts
    | st.binary(max_size=3)
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.datetimes(timezones=st.none() | st.just(UTC))
    | st.timedeltas()
    | st.uuids(),
    lambda inner: (
        st.builds(Held, value=inner)
        | st.builds(Noted, value=inner)
        | st.lists(inner, max_size=3).map(tuple)
        | st.builds(Named, inner, inner)
        | st.frozensets(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["@type", "@key", "@@set", "a"]) | st.integers(0, 2), inner, max_size=3).map(
            freeze
        )
    ),
    max_leaves=5,
)


def imitations(value: object) -> list[object]:
    """Return values that have the form of another value written in them."""
    form = canonical_form(Held(value)).partition(b'"value":')[2][:-1]
    fields = {"@type": "canonical.Held", "value": value}
    return [
        value,
        form,
        form.decode(),
        json.loads(form),
        json.loads(form, parse_int=float),
        [value],
        Held(value),
        fields,
    ]


@examples(400)
@given(identified, identified, st.data())
def test_m3_no_value_has_the_form_of_another_one(one: object, other: object, data: st.DataObject) -> None:
    chosen = data.draw(st.sampled_from([other, *imitations(one)]))
    for cls in (Held, Noted):
        first, second = cls(one), cls(chosen)
        equal = identity(first) == identity(second)
        assert (canonical_form(first) == canonical_form(second)) is equal
        assert (first.hash_key == second.hash_key) is equal


@examples(200)
@given(whole | st.integers(2**53, 2**80).map(float), st.integers(-300, 300))
def test_m3_different_numbers_beyond_two_to_the_53_have_different_forms(number: float, apart: int) -> None:
    as_ecmascript_writes = int(float(rfc8785.dumps(number))), json.loads(rfc8785.dumps(number))
    for other in (*as_ecmascript_writes, int(number) + apart):
        for cls in (Held, Measured):
            for sign in (1, -1):
                one, two = cls(sign * number), cls(sign * other)
                same_kind = number < 1e21 or type(other) is float
                assert (canonical_form(one) == canonical_form(two)) is (number == other and same_kind)


def test_m3_an_int_does_not_have_the_key_of_another_float() -> None:
    assert Held(1152921504606847000).hash_key != Held(2.0**60).hash_key
    assert Held(1152921504606846976).hash_key == Held(2.0**60).hash_key


def test_m3_a_member_of_an_enum_of_tuples_is_not_the_tuple() -> None:
    keys = {Held(value).hash_key for value in (Pair.FIRST, Twin.FIRST, (1, 2), Named("Pair", (1, 2)))}
    assert len(keys) == 4


def enum_of(module: str, name: str = "Kind") -> Enum:
    """Return the member of an enum that stands in a module."""

    class Kind(Enum):
        FIRST = 1

    Kind.__module__ = module
    Kind.__name__ = Kind.__qualname__ = name
    return Kind.FIRST


def itself(member: Enum) -> object:
    return member


def in_a_tuple(member: Enum) -> object:
    return ("x", member)


def as_a_key(member: Enum) -> object:
    return {member: 1}


@pytest.mark.parametrize("wrapped", [itself, in_a_tuple, as_a_key])
def test_m3_two_enums_of_one_name_in_one_field_are_refused(wrapped: Callable[[Enum], object]) -> None:
    class OfEnums(Frozen):
        kind: object
        other: object = None
        a_price: object = msgspec.field(default=None, name="$price")

    orders, tickets = enum_of("orders"), enum_of("tickets")
    key = OfEnums(wrapped(orders)).hash_key
    refused = r"^\$\.kind.*: the keys of tickets.Kind and orders.Kind could be confused.* another name"
    for _ in range(2):
        with pytest.raises(TypeError, match=refused):
            assert OfEnums(wrapped(tickets)).hash_key
    assert OfEnums(wrapped(orders)).hash_key == key
    assert OfEnums(None, wrapped(tickets)).hash_key != OfEnums(None).hash_key, "another field may hold the other one"
    assert OfEnums(wrapped(enum_of("orders"))).hash_key == key, "the same enum, defined again as in a notebook"
    assert OfEnums(wrapped(enum_of("tickets", "Sort"))).hash_key != key


def test_m3_enums_of_one_name_in_different_classes_are_not_confused() -> None:
    class OfOrders(Frozen):
        kind: object

    class OfTickets(Frozen):
        kind: object

    assert OfOrders(enum_of("orders")).hash_key != OfTickets(enum_of("tickets")).hash_key
