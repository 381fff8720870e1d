"""M1: the quick way to freeze plain JSON gives what the way without recursion gives, or leaves the value to it."""

from __future__ import annotations

import sys
from copy import deepcopy
from datetime import datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from miniagents.messages.values.freezing import (
    _DEEPEST,
    FLAT,
    JSON_FLAT,
    _freeze,
    freeze,
    frozen_quickly,
    is_list,
    is_mapping,
    is_tuple,
)
from miniagents.messages.values.frozen import Frozen
from miniagents.messages.values.untyped import frozen_json, is_plain
from tests.effort import examples
from tests.messages.values.test_freezing import mutables
from tests.messages.values.test_freezing_of_fields import Part, Wider, values


def same(one: object, other: object) -> bool:
    """Return whether two values are equal, and of the same types at every depth."""
    if type(one) is not type(other):
        return False
    if is_mapping(one) and is_mapping(other):
        return [*one] == [*other] and all(map(same, one.values(), other.values()))
    if is_tuple(one) and is_tuple(other):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


@examples(300)
@given(values | mutables)
def test_m1_the_quick_way_agrees_with_the_slow_one(value: object) -> None:
    quick, quick_json = frozen_quickly(value, FLAT), frozen_quickly(value, JSON_FLAT)
    for each in (quick, quick_json):
        if each is None:
            continue
        slow = _freeze(value, "$")
        assert same(each, slow)
        assert (each is value) is (slow is value)
    assert quick_json is None or is_plain(quick_json)


@examples(300)
@given(values | mutables)
def test_m1_errors_are_those_of_the_slow_way(value: object) -> None:
    try:
        _freeze(value, "$")
    except (TypeError, ValueError) as error:
        with pytest.raises(type(error)) as raised:
            freeze(value)
        assert str(raised.value) == str(error)
    else:
        freeze(value)


NOT_JSON: list[object] = [
    float("nan"),
    float("-inf"),
    b"a",
    {1: 2},
    [{"a": {None: 1}}],
    msgspec.msgpack.Ext(5, b""),
    datetime(2026, 1, 1),  # noqa: DTZ001  # as MessagePack may have it
]

json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=12,
)


@examples(100)
@given(st.lists(json, max_size=3) | st.dictionaries(st.text(max_size=2), json))
def test_m1_plain_json_goes_the_quick_way(value: object) -> None:
    assert frozen_quickly(value, FLAT) is not None
    assert frozen_quickly(value, JSON_FLAT) is not None


@examples(200)
@given(st.dictionaries(st.text(max_size=2), json))
def test_m1_an_object_that_was_just_decoded_is_frozen_in_place(value: dict[str, object]) -> None:
    frozen = frozen_json(deepcopy(value))
    assert same(frozen, freeze(value))
    assert is_plain(frozen)


@examples(200)
@given(st.dictionaries(st.text(max_size=2), json), st.lists(st.integers(0, 3), max_size=4), st.sampled_from(NOT_JSON))
def test_m1_an_object_that_json_cannot_express_is_not_frozen_in_place(
    value: dict[str, object], path: list[int], other: object
) -> None:
    with pytest.raises(ValueError, match=r"no plain JSON|no name of a property"):
        frozen_json(with_part(value, path, other))


def with_part(value: object, path: list[int], part: object) -> Any:  # Any: an object if `value` is one
    """Put a part into JSON, at the end of a path of places if there are so many containers in each other."""
    if is_mapping(value):
        key = [*value, "new"][path[0] % (len(value) + 1)] if path else "new"
        return {**value, key: with_part(value.get(key), path[1:], part)}
    if is_list(value) and path:
        place = path[0] % (len(value) + 1)
        return [*value[:place], with_part([*value, None][place], path[1:], part), *value[place + 1 :]]
    return part


def test_m1_an_object_that_was_just_decoded_may_be_nested_deeper_than_python_can_call() -> None:
    deep: dict[str, object] = {}
    for _ in range(sys.getrecursionlimit()):
        deep = {"a": deep}
    assert is_plain(frozen_json(deep))


@pytest.mark.parametrize("value", [msgspec.UNSET, float("nan"), float("inf"), {1: 2}, {"a"}, bytearray(b"a")])
def test_m1_other_values_are_left_to_the_slow_way(value: object) -> None:
    assert frozen_quickly([value], FLAT) is None
    assert frozen_quickly({"a": value}, FLAT) is None
    assert frozen_quickly(value, FLAT) is None


def nested(depth: int) -> object:
    value: object = "core"
    for _ in range(depth):
        value = [value, 1.5]
    return value


def test_m1_deep_values_are_left_to_the_slow_way() -> None:
    assert frozen_quickly(nested(_DEEPEST), FLAT) is not None
    assert frozen_quickly(nested(_DEEPEST + 2), FLAT) is None
    assert same(freeze(nested(2 * _DEEPEST)), _freeze(nested(2 * _DEEPEST), "$"))


def test_m1_the_quick_way_needs_no_stack_that_is_not_there() -> None:
    """Just below the recursion limit the slow way still has the few calls that it needs."""
    value = nested(_DEEPEST - 1)

    def at(depth: int) -> object:
        return at(depth - 1) if depth else freeze(value)

    depth = 1
    frame = sys._getframe()
    while frame.f_back is not None:
        frame, depth = frame.f_back, depth + 1
    assert same(at(sys.getrecursionlimit() - depth - 20), _freeze(value, "$"))


class Thread(Frozen, kw_only=True, tag="quick.Thread"):
    parts: tuple[Part, ...] = ()


def test_m1_items_of_derived_classes_are_frozen_already() -> None:
    """So the tuple stays the same object, as with items of exactly the declared class."""
    parts = (Part("a"), Wider(more=("b",)))
    assert Thread(parts=parts).parts is parts
    with pytest.raises(TypeError, match=r"^Thread\.parts\[2\]: bytearray can change"):
        Thread(parts=(*parts, bytearray(b"c")))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # as meant
