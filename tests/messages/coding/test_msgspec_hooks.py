"""M1, M5: what msgspec has decoded for a type that it does not know becomes the frozen value, or is refused."""

from __future__ import annotations

import copy
import pickle
import sys
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st
from msgspec import UNSET

from miniagents.messages import Codec, DecodeError, FrozenDict, Message, decode, freeze
from miniagents.messages.coding.msgspec_hooks import Choice, made_of_json, made_of_msgpack
from miniagents.messages.values.freezers import Metadata
from miniagents.messages.values.freezing import class_of, frozen_dict
from miniagents.messages.values.untyped import is_plain
from tests.effort import examples
from tests.messages.values.test_quick_freezing import NOT_JSON, json, same, with_part

list_of: Any = list  # Any: takes types that are known only when the program runs
OBJECTS = st.dictionaries(st.text(max_size=2), json, max_size=3)


@examples(200)
@given(OBJECTS)
def test_m1_an_object_is_frozen_as_freezing_does_it(value: dict[str, object]) -> None:
    expected = freeze(value)
    for hook in (made_of_json, made_of_msgpack):
        made: Any = hook(FrozenDict, copy.deepcopy(value))  # Any: checkers do not see the slot
        assert same(made, expected)
        assert made._is_json is True
        assert is_plain(made)


def test_m1_an_object_may_be_nested_deeper_than_python_can_call() -> None:
    deep: dict[str, object] = {}
    for _ in range(sys.getrecursionlimit()):
        deep = {"a": [deep]}
    expected: Any = freeze(deep)  # Any: of any depth
    made: Any = made_of_json(FrozenDict, deep)  # Any: JSON
    assert is_plain(made)
    while made:  # comparing them would recurse
        assert class_of(made) is FrozenDict
        (made,), (expected,) = made["a"], expected["a"]


@examples(100)
@given(OBJECTS)
def test_m1_however_a_dict_was_frozen_it_tells_whether_it_is_known_to_be_plain_json(value: dict[str, object]) -> None:
    made: list[Any] = [FrozenDict(value), freeze(value), frozen_dict({"a": b"b"})]  # Any: of any values
    made += [frozen_dict(dict(FrozenDict(value)))]
    made += [copy.copy(made[0]), copy.deepcopy(made[0]), pickle.loads(pickle.dumps(made[0])), made[0] | {"c": b"d"}]
    for each in made:
        assert class_of(each) is FrozenDict
        assert each._is_json in (None, is_plain(each))
        assert is_plain(each) is all(type(part) is not bytes for part in each.values())
        with pytest.raises(TypeError, match="cannot change"):
            each._is_json = True


NO_OBJECTS: list[object] = [[], [{}], "a", 1, True]


def test_m5_other_values_are_refused_where_an_object_is_declared() -> None:
    for hook in (made_of_json, made_of_msgpack):
        for form in (FrozenDict, Metadata):
            for value in NO_OBJECTS:
                with pytest.raises((msgspec.ValidationError, ValueError)):
                    msgspec.convert(value, form, dec_hook=hook)
    assert made_of_json(FrozenDict, {}) == FrozenDict()
    assert made_of_json(Metadata, {}) is UNSET


@examples(200)
@given(json, st.lists(st.integers(0, 3), max_size=4), st.sampled_from(NOT_JSON))
def test_m5_untyped_parts_of_msgpack_hold_only_what_json_can_express(
    value: object,
    path: list[int],
    other: Any,  # Any: of any class
) -> None:
    assert made_of_msgpack(object, value) is value
    with pytest.raises(ValueError, match=r"no plain JSON|a key is no string"):
        made_of_msgpack(object, with_part(value, path, other))


class Celsius:
    """A class of a program; data is no argument of its calls."""

    def __init__(self, degrees: object) -> None:
        raise AssertionError(f"called with {degrees}")

    make = __init__


def test_m5_classes_that_nobody_knows_are_never_called_with_data() -> None:
    class Weather(Message, kw_only=True, tag="hooks.Weather"):
        degrees: Celsius

    for data in (b'{"@type":"hooks.Weather","degrees":21}', b'{"@type":"hooks.Weather","degrees":{"a":1}}'):
        with pytest.raises(DecodeError):
            decode(data, Weather)
        with pytest.raises(DecodeError):
            Codec(Message).decode(data)
        with pytest.raises(DecodeError):
            decode(msgspec.msgpack.encode(msgspec.json.decode(data)), Weather, "msgpack")


def test_m5_a_choice_is_made_of_what_was_decoded() -> None:
    form: Any = Choice.of(lambda raw: ("made", raw))  # Any: a type for msgspec
    decoder: Any = msgspec.json.Decoder(list_of[form], dec_hook=made_of_json)  # Any: of a form that is a value here
    assert decoder.decode(b'[1, {"a": [2]}, "b"]') == [("made", 1), ("made", {"a": [2]}), ("made", "b")]
    unpacker: Any = msgspec.msgpack.Decoder(list_of[form], dec_hook=made_of_msgpack)  # Any: as above
    with pytest.raises(msgspec.ValidationError, match=r"bytes is no plain JSON - at `\$\[1\]`"):
        unpacker.decode(msgspec.msgpack.encode([1, [{"a": b"b"}]]))
    with pytest.raises(msgspec.ValidationError, match="a key is no string"):
        unpacker.decode(msgspec.msgpack.encode([{"a": {1: 2}}]))
