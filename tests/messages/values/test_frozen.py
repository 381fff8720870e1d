"""M1, M3: Frozen values are immutable all the way down, equal by value and known by a key."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import subprocess
import sys
import types
from collections.abc import Mapping, Sequence  # evaluated by msgspec
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Generic, Literal, TypeVar, assert_type, cast
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, strategies as st

from miniagents.messages import DecodeError, Message, decode, encode
from miniagents.messages.values.freezing import is_mapping, is_set, is_tuple
from miniagents.messages.values.frozen import Frozen, FrozenDict, freeze, longer_hash_keys
from tests.effort import examples

T = TypeVar("T")


class Level(Enum):
    LOW = "low"


class Plain(Frozen):
    """Only scalars that need no looking at."""

    text: str | None = None
    number: int = 0
    flag: bool = False
    raw: bytes = b""
    key: UUID | None = None
    day: date | None = None
    took: timedelta | None = None
    level: Level = Level.LOW
    kind: Literal["a", "b"] = "a"
    short: Annotated[str, msgspec.Meta(max_length=9)] = ""
    unset: str | msgspec.UnsetType = msgspec.UNSET
    shared: ClassVar[list[int]] = []


class Rich(Plain, kw_only=True):
    items: tuple[object, ...] = ()
    names: frozenset[str] = frozenset()
    data: Mapping[str, object] = FrozenDict()  # immutable
    ratio: float | None = None
    number_or_ratio: int | float = 0
    at: datetime | None = None
    hour: time | None = None
    price: Decimal = Decimal(0)
    inner: Plain = Plain()  # immutable


class Names(Frozen):
    """Names that other libraries take for themselves."""

    keys: int
    items: int
    copy: int
    model_config: int
    class_: int
    values: int = 0
    json: str = ""


class Box(Frozen, Generic[T]):
    value: T


class Held(Frozen):
    value: object = None


# M1: frozen ----------------------------------------------------------------------------------------------------------


def test_m1_what_the_constructor_is_given_mutable_is_frozen() -> None:
    given_items: Any = [1, [2]]  # Any: a checker refuses a list for a tuple
    rich = Rich(items=given_items, data={"a": [{"b": {1}}]}, names=cast("frozenset[str]", {"x"}))
    given_items.append(3)
    assert rich.items == (1, (2,))
    assert rich.names == frozenset({"x"})
    assert type(rich.names) is frozenset
    assert rich.data == {"a": (FrozenDict({"b": frozenset({1})}),)}
    assert type(rich.data) is FrozenDict
    assert type(cast("object", Box([1]).value)) is tuple
    assert {rich: 1}[copy.deepcopy(rich)] == 1


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("data", {"a": [bytearray()]}, r"Rich\.data\.a\[0\]: bytearray can change: use bytes"),
        ("items", (1, Path("x")), r"Rich\.items\[1\]: \w+Path"),
        ("inner", object(), r"Rich\.inner: object"),
    ],
)
def test_m1_what_cannot_be_frozen_is_refused_with_class_and_field(field: str, value: object, text: str) -> None:
    arguments: Any = {field: value}  # Any: a checker refuses them
    with pytest.raises(TypeError, match=text):
        Rich(**arguments)
    with pytest.raises(TypeError, match=text):
        msgspec.structs.replace(Rich(), **arguments)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("field", ["ratio", "number_or_ratio", "price", "data"])
def test_m1_nan_and_infinity_are_refused_with_the_field(field: str, number: float) -> None:
    values: dict[str, object] = {"price": Decimal(number), "data": {"data": number}}
    arguments: Any = {field: values.get(field, number)}  # Any: a checker refuses them
    with pytest.raises(ValueError, match=rf"Rich\.{field}.*(nan|inf|NaN|Infinity)"):
        Rich(**arguments)


def test_m1_a_float_field_holds_floats() -> None:
    class Measured(Frozen):
        size: float

    assert type(Measured(3).size) is float
    assert type(Measured(True).size) is float
    with pytest.raises(ValueError, match=r"Measured\.size: 9007199254740993 has no equal float"):
        Measured(2**53 + 1)
    with pytest.raises(ValueError, match=r"Measured\.size"):
        Measured(10**400)
    assert type(Rich(number_or_ratio=3).number_or_ratio) is int


def test_m1_times_with_zones_keep_the_offset_they_have() -> None:
    at = Rich(at=datetime(2020, 7, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))).at
    assert at is not None
    assert at == datetime(2020, 7, 1, 10, tzinfo=UTC)
    assert at.tzinfo == timezone(timedelta(hours=2))


def test_m1_classes_with_plain_scalars_pay_nothing() -> None:
    assert not hasattr(Plain, "__post_init__")
    assert not hasattr(Names, "__post_init__")
    assert hasattr(Rich, "__post_init__")


def test_m1_a_post_init_of_the_class_runs_on_frozen_fields() -> None:
    seen: list[object] = []

    class First(Frozen):
        one: Sequence[int] = ()

        def __post_init__(self) -> None:
            seen.append(("first", self.one))

    class Second(First, kw_only=True):
        two: Sequence[int] = ()

    class Third(Second, kw_only=True):
        three: Sequence[int] = ()

        def __post_init__(self) -> None:
            super().__post_init__()
            seen.append(("third", self.two, self.three))

    second = Second(one=[1], two=[2])
    assert (second.one, second.two, seen) == ((1,), (2,), [("first", (1,))])
    seen.clear()
    Third(one=[1], two=[2], three=[3])
    assert seen == [("first", (1,)), ("third", (2,), (3,))]


def test_m1_a_field_may_be_declared_anew() -> None:
    class Wide(Frozen):
        value: object = None

    class Narrow(Wide):
        value: int = 0

    class WideAgain(Narrow):
        value: Any = 0  # Any: what is tested

    assert cast("object", WideAgain([1]).value) == (1,)
    assert Narrow(1).value == 1


def test_m1_fields_cannot_be_assigned() -> None:
    plain: Any = Plain("a")  # Any: a checker refuses to change it
    for name in ("text", "hash_key", "new"):
        with pytest.raises(AttributeError):
            setattr(plain, name, "b")
        with pytest.raises(AttributeError):
            delattr(plain, name)


def test_m1_checkers_see_what_cannot_be_done() -> None:
    plain = Plain("a", number=1)
    data = Rich().data
    with pytest.raises(AttributeError):
        plain.text = "b"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(TypeError):
        data["a"] = 1  # type: ignore[index]  # pyright: ignore[reportIndexIssue]
    with pytest.raises(TypeError):
        FrozenDict({"a": 1})["a"] = 1  # type: ignore[index]  # pyright: ignore[reportIndexIssue]
    with pytest.raises(TypeError):
        Plain(txt="a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    with pytest.raises(TypeError):
        Names(1, 2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    assert_type(FrozenDict({"a": 1}) | {"b": "c"}, FrozenDict[str, int | str])
    assert_type(Box(1).value, int)


def make(**options: object) -> type:
    fields = cast("dict[str, object]", options.pop("fields", {}))
    return types.new_class("Made", (Frozen,), options, lambda namespace: namespace.update(fields))


@pytest.mark.parametrize(
    "options",
    [
        {"frozen": False},
        {"eq": False},
        {"array_like": True},
        {"forbid_unknown_fields": False},
        {"tag": False},
        {"tag": 3},
        {"tag_field": "type"},
        {"fields": {"__annotations__": {"hash_key": str}}},
        {"fields": {"hash_key": property(repr)}},
        {"fields": {"__annotations__": {"kind": str}, "kind": msgspec.field(name="@type")}},
        {"rename": {"kind": "@type"}, "fields": {"__annotations__": {"kind": str}}},
        {"fields": {"__annotations__": {"__len__": int}}},
    ],
)
def test_m1_classes_that_could_not_keep_their_promises_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="Made"):
        make(**options)


def test_m1_other_options_are_the_users() -> None:
    made = make(
        tag="made", rename="camel", kw_only=True, order=True, fields={"__annotations__": {"a_b": int}, "module": "x"}
    )
    assert made(a_b=1) < made(a_b=2)
    assert msgspec.json.encode(made(a_b=1)) == b'{"@type":"made","aB":1}'


def test_m4_a_tag_is_not_inherited() -> None:
    class Parent(Frozen, tag="parent"):
        pass

    class Child(Parent):
        pass

    assert msgspec.json.encode([Parent(), Child()]) == b'[{"@type":"parent"},{"@type":"Child"}]'


def test_m5_fields_of_any_name_are_kept() -> None:
    names = Names(keys=1, items=2, copy=3, model_config=4, class_=5)
    assert (names.keys, names.items, names.copy, names.model_config, names.class_) == (1, 2, 3, 4, 5)
    assert msgspec.json.decode(msgspec.json.encode(names), type=Names) == names
    assert copy.copy(names) == names
    assert names.hash_key == Names(1, 2, 3, 4, 5).hash_key


# M3: equality and keys -----------------------------------------------------------------------------------------------


def test_m3_values_are_equal_by_class_and_fields() -> None:
    class Same(Frozen):
        value: object = None

    assert Held([1]) == Held((1,))
    assert hash(Held([1])) == hash(Held((1,)))
    assert Held(1) != cast("object", Same(1))
    assert repr(Rich()) == "Rich()"


def test_m3_a_value_of_a_derived_class_has_another_key_than_one_of_its_base() -> None:
    class Base(Frozen):
        value: int = 1

    class Derived(Base):
        pass

    class Tagged(Base, tag="frozen.Tagged"):
        pass

    assert len({Base().hash_key, Derived().hash_key, Tagged().hash_key}) == 3


def test_m3_a_key_is_computed_once_and_never_taken_along() -> None:
    held = Held({"a": 1})
    key = held.hash_key
    assert held.hash_key == key
    assert len(key) == 40
    assert msgspec.structs.replace(held, value=2).hash_key == Held(2).hash_key != key
    for same in (copy.copy(held), copy.deepcopy(held), pickle.loads(pickle.dumps(held)), msgspec.structs.replace(held)):
        assert same.__kept__ == {}
        assert same.hash_key == key


def test_m3_longer_keys_have_all_digits() -> None:
    held = Held("x")
    key = held.hash_key
    token = longer_hash_keys.set(True)
    try:
        assert len(held.hash_key) == 64
        assert held.hash_key.startswith(key)
    finally:
        longer_hash_keys.reset(token)
    assert held.hash_key == key


def test_m3_fields_at_their_defaults_take_part() -> None:
    class One(Frozen, tag="m3-defaults"):
        a: int = 1

    key = One().hash_key
    assert key == One(1).hash_key
    assert key != One(2).hash_key
    assert Plain().hash_key != Plain(unset="").hash_key


def test_m3_messages_nested_deep_have_a_key() -> None:
    held = Held()
    for _ in range(5_000):
        held = Held((held,))
    assert len(held.hash_key) == 40


def test_m3_a_value_of_the_wrong_type_has_no_key() -> None:
    wrong: Any = [1]  # Any: a checker refuses it
    with pytest.raises(TypeError, match=r"\$\.text: list is not a frozen value"):
        assert Plain(wrong).hash_key
    with pytest.raises(ValueError, match=r"\$\.text: .* lone surrogate"):
        assert msgspec.structs.replace(Plain(), text="\ud800").hash_key
    with pytest.raises(ValueError, match=r"\$\.number: nan"):
        assert Plain(number=cast("int", float("nan"))).hash_key


def namesake(tag: str) -> type[Frozen]:
    class Namesake(Frozen, tag=tag):
        x: int = 1

    return Namesake


def test_m3_two_classes_with_one_tag_have_no_keys() -> None:
    class Namesake(Frozen, tag="m3-namesake"):
        x: int = 1

    other = namesake("m3-namesake")
    for value in (Namesake(), other(), Held((Namesake(),))):
        with pytest.raises(TypeError, match=r"Namesake and .*Namesake could be confused.*tag=\"\.\.\.\""):
            assert value.hash_key


def test_m3_a_class_defined_again_or_gone_is_no_namesake() -> None:
    one, again = namesake("m3-again"), namesake("m3-again")
    assert one().hash_key == again().hash_key

    class Namesake(Frozen, tag="m3-gone"):
        x: int = 1

    gc.disable()  # it is found only by who looks for it
    try:
        gone: type[Frozen] | None = namesake("m3-gone")
        assert gone is not None
        with pytest.raises(TypeError, match="confused"):
            assert Namesake().hash_key
        gone = None
        assert Namesake().hash_key
    finally:
        gc.enable()


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([0.0, 1.5, -0.0, 2.0])
    | st.sampled_from(["", "a", "@type", "1"])
    | st.sampled_from([b"", b"a", date(2020, 1, 1), UUID(int=1), Level.LOW, "low", Held(), Held(1)])
    | st.sampled_from([Decimal("1.50"), Decimal("1.5"), timedelta(days=1), timedelta(seconds=86_400)])
    | st.sampled_from([datetime(2020, 1, 1, h, tzinfo=timezone(timedelta(hours=h))) for h in range(2)])
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.tuples(inner) | st.tuples(inner, inner) | st.frozensets(scalars, max_size=2)
        | st.dictionaries(st.sampled_from(["@type", "@key", "a"]) | st.integers(0, 1), inner, max_size=2)
    ),
    max_leaves=3,
)  # fmt: skip


def typed(value: object) -> object:
    """Give a form in which values are equal when they are equal and of the same types, all numbers being of one."""
    if is_mapping(value):
        return ("map", frozenset((typed(key), typed(item)) for key, item in value.items()))
    if is_tuple(value):
        return ("tuple", *map(typed, value))
    if is_set(value):
        return ("set", frozenset(map(typed, value)))
    if isinstance(value, Held):
        return ("held", typed(value.value))
    return (float if type(value) is int else type(value), value)


@examples(300)
@given(values, values)
def test_m3_equal_values_and_only_they_have_equal_keys(one: object, other: object) -> None:
    equal = typed(freeze(one)) == typed(freeze(other))
    assert (Held(one).hash_key == Held(other).hash_key) is equal


PROGRAM = """
from miniagents.messages.values.frozen import Frozen
from enum import Enum
from uuid import UUID
Colour = Enum("Colour", ["RED", "BLUE"])
class Held(Frozen):
    value: object
words = {chr(97 + i) * 3 for i in range(20)}
inner = Held([set(words), {("x", 1), None, 2, Colour.RED, UUID(int=5), frozenset(words)}])
print(Held({"s": inner, "d": {w: w for w in words}, "n": {i: w for i, w in enumerate(sorted(words))}}).hash_key)
"""


def test_m3_keys_are_the_same_in_every_process() -> None:
    keys = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "77")
    }
    assert len(keys) == 1
    assert len(keys.pop().strip()) == 40


def test_m3_keys_do_not_change_from_version_to_version() -> None:
    class Kept(Frozen, tag="kept"):
        text: str = "hi"
        many: tuple[object, ...] = (1, 2.5, None, True, UUID(int=1), frozenset((1, 2)))

    # sha256 of {"@type":"kept","many":[1,2.5,null,true,{"@uuid":"00…01"},{"@set":[1,2]}],"text":"hi"}
    assert Kept().hash_key == "980a102ea59b75cd4cf2af2cbb595eb5a8a1d8ef"


def test_m3_classes_that_one_function_makes_have_keys_of_their_own() -> None:
    """With other fields they are other classes, and are refused by name; with the same ones they are one class."""

    def order(form: type) -> Any:  # Any: a class with a field of a type that is known when the test runs
        class Order(Message, frozen=True, tag="frozen.MadeOrder"):
            __annotations__ = {"n": form}  # what a module without `from __future__ import annotations` has
            n = 0

        return Order

    one, same = order(int), order(int)
    assert one(n=1).hash_key == same(n=1).hash_key
    assert decode(encode(one(n=1)), Message) == same(n=1)
    other = order(float)
    assert other(n=1) != one(n=1)
    with pytest.raises(TypeError, match=r"Order \(n: float\) and .*Order \(n: int\) could be confused.*tag=\"\.\.\.\""):
        assert other(n=1).hash_key
    with pytest.raises(DecodeError, match=r"the tag 'frozen\.MadeOrder' is ambiguous"):
        decode(encode(other(n=1)), Message)
    del one, same
    gc.collect()
    assert other(n=1).hash_key
