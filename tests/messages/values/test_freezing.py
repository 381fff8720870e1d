"""M1: frozen all the way down."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, strategies as st

from miniagents.messages.values.freezing import is_list, is_mapping, is_set, is_tuple
from miniagents.messages.values.frozen import Frozen, FrozenDict, freeze
from tests.effort import examples

if TYPE_CHECKING:
    from collections.abc import Callable


class Point(NamedTuple):
    x: int
    y: object


class Text(str):
    __slots__ = ()


class Number(float):
    __slots__ = ()


class Size(Enum):
    BIG = (1, 2)


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
hashables = st.recursive(
    scalars | st.uuids() | st.decimals(allow_nan=False, allow_infinity=False) | st.binary(),
    lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3),
    max_leaves=5,
)
mutables: st.SearchStrategy[object] = st.recursive(
    hashables,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.sets(hashables, max_size=3)
        | st.dictionaries(hashables, inner, max_size=3)
    ),
    max_leaves=12,
)


def is_frozen(value: object) -> bool:
    if is_mapping(value):
        return all(is_frozen(key) and is_frozen(item) for key, item in value.items()) and type(value) is FrozenDict
    if is_tuple(value) or is_set(value):
        return not isinstance(value, set) and all(map(is_frozen, value))
    return not isinstance(value, list)


def thawed(value: object) -> object:
    """Give a form in which a frozen value and the mutable one it was made of are equal."""
    if is_mapping(value):
        return {key: thawed(item) for key, item in value.items()}
    if is_list(value) or is_tuple(value):
        return [thawed(item) for item in value]
    return value


@examples(150)
@given(mutables)
def test_m1_what_is_frozen_is_immutable_equal_hashable_and_frozen_once(value: object) -> None:
    frozen = freeze(value)
    assert is_frozen(frozen)
    assert thawed(frozen) == thawed(value)
    hash(frozen)
    assert freeze(frozen) is frozen
    assert copy.deepcopy(frozen) == frozen
    assert pickle.loads(pickle.dumps(frozen)) == frozen


def test_m1_containers_become_their_frozen_kinds() -> None:
    assert freeze([1, {2}, {"a": [3]}]) == (1, frozenset({2}), FrozenDict({"a": (3,)}))
    mappings: list[Mapping[str, list[int]]] = [OrderedDict({"a": [1]}), MappingProxyType({"a": [1]})]
    for mapping in mappings:
        frozen = freeze(mapping)
        assert type(frozen) is FrozenDict
        assert frozen == {"a": (1,)}


def test_m1_named_tuples_keep_their_names() -> None:
    point = freeze(Point(1, [2]))
    assert isinstance(point, Point)
    assert point.y == (2,)
    assert freeze(point) is point


def test_m1_subclasses_of_scalars_become_plain() -> None:
    for given_value, plain in ((Text("a"), str), (Number(1.5), float)):
        frozen = freeze([given_value])
        assert is_tuple(frozen)
        assert frozen == (given_value,)
        assert type(frozen[0]) is plain


@pytest.mark.parametrize(
    "value",
    [msgspec.UNSET, Size.BIG, UUID(int=1), b"", Decimal("1.0"), (1, (2,)), frozenset((1,)), FrozenDict({"a": 1})],
)
def test_m1_what_is_immutable_stays_the_same_object(value: object) -> None:
    assert freeze(value) is value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [bytearray(b"x")]}, r"\$\.a\[0\]: bytearray can change: use bytes"),
        ([1, Path("x")], r"\$\[1\]: \w+Path .*use str"),
        ({"a b": {3: object()}}, r"\$\['a b'\]\[3\]: object is not a value that can be frozen"),
        ({(1, object()): 1}, r"\$\[\.\.\.\]\[1\]: object"),
        ({object()}, r"\$\[\.\.\.\]: object"),
        ([msgspec.UNSET], r"\$\[0\]: msgspec.UNSET"),
        (msgspec.defstruct("Mutable", [])(), r"\$: Mutable is a Struct .* derive it from Frozen"),
        (lambda: 1, r"\$: function"),
    ],
)
def test_m1_what_cannot_be_frozen_is_refused_with_path_type_and_advice(value: object, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        freeze(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([1.0, {"a": float("nan")}], r"\$\[1\]\.a: nan"),
        (float("inf"), r"\$: inf"),
        ({float("-inf"): 1}, r"\$\[\.\.\.\]: -inf"),
        ([Number("nan")], r"\$\[0\]: nan"),
        ((Decimal("sNaN"),), r"\$\[0\]: sNaN"),
    ],
)
def test_m1_nan_and_infinity_are_refused_with_their_path(value: object, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        freeze(value)


def test_m1_what_contains_itself_is_refused() -> None:
    endless: list[object] = [1]
    endless.append({"x": endless})
    with pytest.raises(ValueError, match=r"\$\[1\]\.x: this list contains itself"):
        freeze(endless)
    twice = [1]
    assert freeze([twice, twice]) == ((1,), (1,))


def test_m1_depth_is_no_matter() -> None:
    deep: object = [1]
    for level in range(10_000):
        deep = [deep] if level % 2 else {"a": deep}
    frozen = freeze(deep)
    assert freeze(frozen) is frozen


def test_m1_times_with_zones_get_the_offset_they_have() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    for fold, hours in ((0, 2), (1, 1)):
        frozen = freeze(datetime(2020, 10, 25, 2, 30, fold=fold, tzinfo=berlin))
        assert isinstance(frozen, datetime)
        assert (frozen.tzinfo, frozen.fold, frozen.hour) == (timezone(timedelta(hours=hours)), 0, 2)
    old = datetime(1850, 1, 1, tzinfo=berlin)
    assert freeze(old) == old
    assert freeze(time(1, tzinfo=berlin)) == time(1)
    assert repr(freeze(datetime(2020, 1, 1, fold=1))) == repr(datetime(2020, 1, 1))  # noqa: DTZ001  # naive ones too
    assert repr(freeze(time(1, fold=1))) == repr(time(1))
    fixed = datetime(2020, 1, 1, tzinfo=UTC)
    assert freeze(fixed) is fixed


def change(mapping: Any) -> list[Callable[[], object]]:  # Any: a checker refuses to change a FrozenDict
    return [
        lambda: mapping.__setitem__("a", 2),
        lambda: mapping.__delitem__("a"),
        lambda: mapping.__ior__({"a": 2}),
        mapping.clear,
        lambda: mapping.pop("a"),
        mapping.popitem,
        lambda: mapping.setdefault("b", 2),
        lambda: mapping.update(a=2),
        lambda: setattr(mapping, "x", 1),
        lambda: mapping.fromkeys("a"),
    ]


@pytest.mark.parametrize("index", range(10))
def test_m1_a_frozen_dict_cannot_change(index: int) -> None:
    mapping = FrozenDict({"a": 1})
    with pytest.raises(TypeError, match="make a new one"):
        change(mapping)[index]()
    initialize: Any = mapping.__init__  # type: ignore[misc] # Any: nobody should
    initialize({"b": 2})
    assert mapping == {"a": 1}


def test_m1_a_frozen_dict_is_a_value() -> None:
    mapping: FrozenDict[str, object] = FrozenDict({"a": [1], "b": {"c": set[int]()}})
    assert repr(mapping) == "FrozenDict({'a': (1,), 'b': FrozenDict({'c': frozenset()})})"
    assert repr(FrozenDict[str, int]()) == "FrozenDict()"
    assert hash(mapping) == hash(FrozenDict({"b": {"c": set[int]()}, "a": [1]}))
    assert {mapping: 1}[FrozenDict(mapping)] == 1
    assert FrozenDict(mapping) is mapping
    assert copy.copy(mapping) is copy.deepcopy(mapping) is mapping
    loaded = pickle.loads(pickle.dumps(mapping))
    assert loaded == mapping
    assert type(loaded) is FrozenDict
    assert FrozenDict([("a", 1)]) == {"a": 1}


def test_m1_frozen_dicts_are_joined_to_frozen_dicts() -> None:
    one = FrozenDict({"a": 1, "b": 2})
    for joined in (one | {"b": 3}, one | FrozenDict({"b": 3})):
        assert type(joined) is FrozenDict
        assert joined == {"a": 1, "b": 3}
    other = {"b": 3, "c": [4]} | one
    assert type(other) is FrozenDict
    assert other == {"b": 2, "c": (4,), "a": 1}


def test_m1_frozen_values_stay() -> None:
    class Note(Frozen):
        text: str = ""

    note = Note("a")
    assert freeze([note]) == (note,)
    assert freeze(note) is note
