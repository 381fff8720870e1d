"""G3: integers with one hash, in sets and as keys, do not make decoding take quadratic time."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping  # evaluated by msgspec
from typing import Annotated, Any, TypeAlias

import msgspec
import pytest
from hypothesis import given, strategies as st

from miniagents.messages import Codec, DecodeError, FrozenDict, Message, decode, encode
from miniagents.messages.coding.crowds import has_large_integers
from miniagents.messages.coding.native_types import NativeTypes
from miniagents.messages.values.frozen import Frozen
from miniagents.messages.values.record import Record
from tests.effort import examples

PRIME = 2**61 - 1


def crowd(size: int) -> list[int]:
    """Return large integers that all have the hash 5."""
    return [5 + PRIME * (2**70 + number) for number in range(size)]


class Numbers(Message, kw_only=True, tag="crowds.Numbers"):
    text: str = ""
    numbers: frozenset[int] = frozenset()
    names: Mapping[int, str] = FrozenDict()  # immutable
    listed: tuple[int, ...] = ()


class Counted(Record):
    numbers: frozenset[int | str]


class Around(Frozen, tag="crowds.Around"):
    inside: Message | None = None
    counted: Counted | None = None
    by_number: Mapping[int, Message] = FrozenDict()  # immutable


def as_array(numbers: list[int]) -> object:
    return numbers


def as_keys(numbers: list[int]) -> object:
    return {str(number): "x" for number in numbers}


def message_of(field: str, value: object) -> dict[str, object]:
    return {"@type": "crowds.Numbers", field: value}


MakeData: TypeAlias = Callable[[list[int]], object]

FORMS: list[tuple[Any, MakeData]] = [  # Any: a type of whatever kind
    (frozenset[int], as_array),
    (set[int], as_array),
    (frozenset[int | str], as_array),
    (frozenset[Annotated[int, msgspec.Meta(ge=0)]], as_array),
    (frozenset[tuple[int, ...]], lambda numbers: [[number] for number in numbers]),
    (frozenset[int | tuple[int, int]], as_array),
    (tuple[frozenset[int], ...], lambda numbers: [numbers]),
    (dict[int, str], as_keys),
    (dict[str, frozenset[int]], lambda numbers: {"a": numbers}),
    (FrozenDict[int, str], as_keys),
    (Numbers, lambda numbers: message_of("numbers", numbers)),
    (Numbers, lambda numbers: message_of("names", as_keys(numbers))),
    (Message, lambda numbers: message_of("numbers", numbers)),
    (Counted, lambda numbers: {"numbers": numbers}),
    (Around, lambda numbers: {"inside": message_of("names", as_keys(numbers))}),
    (Around, lambda numbers: {"counted": {"numbers": numbers}}),
    (Around, lambda numbers: {"by_number": {str(each): {"@type": "Message", "text": ""} for each in numbers}}),
]


@pytest.mark.parametrize(("form", "data_of"), FORMS)
def test_g3_many_integers_of_one_hash_are_refused(form: Any, data_of: MakeData) -> None:  # Any: as in FORMS
    encoded = msgspec.json.encode(data_of(crowd(200)))
    codec: Codec[Any] = Codec(form)  # Any: values of that type
    inputs: list[Any] = [encoded, encoded.decode(), bytearray(encoded)]  # Any: checkers allow no bytearray
    for data in inputs:
        with pytest.raises(DecodeError, match=r"^\$: 200 integers have the same hash.*at most 100"):
            decode(data, form)
        with pytest.raises(DecodeError, match="same hash"):
            codec.decode(data)


@pytest.mark.parametrize(("form", "data_of"), FORMS)
def test_m5_large_integers_in_sets_and_keys_are_decoded(form: Any, data_of: MakeData) -> None:  # Any: as in FORMS
    numbers = [*crowd(20), 2**63 - 1, 2**63, 2**64, 10**40, 7]
    value = decode(msgspec.json.encode(data_of(numbers)), form)
    assert decode(encode(value), form) == value
    assert str(10**40) in repr(value)
    assert type(decode(msgspec.json.encode(data_of([1, 2])), form)) is type(value)


def test_m5_integers_that_need_no_hash_may_be_of_any_kind() -> None:
    value = Numbers(listed=tuple(crowd(300)), numbers=frozenset((1, 2)))
    assert decode(encode(value), Numbers) == value


@pytest.mark.parametrize(("form", "data"), [
    (frozenset[int], "[{}]"),
    (frozenset[tuple[int, ...]], "[[{}]]"),
    (dict[int, str], '{{"{}":"x"}}'),
    (Numbers, '{{"numbers":[{}]}}'),
    (Message, '{{"@type":"crowds.Numbers","names":{{"{}":"x"}}}}'),
    (Counted, '{{"numbers":[{}]}}'),
    (Around, '{{"inside":{{"@type":"crowds.Numbers","numbers":[{}]}}}}'),
])  # fmt: skip
def test_g3_msgspec_makes_no_set_of_large_integers(form: Any, data: str) -> None:  # Any: a type of whatever kind
    """Only this keeps a reader from comparing them all: an error after the set was made would come too late."""
    native: Any = NativeTypes((Numbers,), limited=True).of(form)  # Any: msgspec takes it for a type
    msgspec.json.decode(data.format(2**63 - 1), type=native)
    for large in (2**63, -(2**63) - 1):
        with pytest.raises(msgspec.ValidationError, match="Expected `int` [<>]="):
            msgspec.json.decode(data.format(large), type=native)


@pytest.mark.parametrize(("form", "data", "said"), [
    (frozenset[int], b'["x", 1234567890123456789012]', r"\$\[0\]: Expected `int`, got `str`"),
    (frozenset[Annotated[int, msgspec.Meta(le=9)]], b"[1234567890123456789012]", r"\$\[0\]: Expected `int` <= 9"),
    (Numbers, b'{"numbers": [1234567890123456789012, 1.5]}', r"\$\.numbers\[1\]: Expected `int`, got `float`"),
    (dict[int, int], b'{"1234567890123456789012": "x"}', r"\$\[...\]: Expected `int`, got `str`"),
])  # fmt: skip
def test_errors_in_large_data_are_those_of_the_declared_type(form: Any, data: bytes, said: str) -> None:  # Any: a type
    with pytest.raises(DecodeError, match=said):
        decode(data, form)


@examples(300)
@given(st.lists(st.text("09a\u0663\ud800", max_size=3) | st.sampled_from(["1" * 18, "9" * 19]), max_size=4))
def test_g3_data_with_nineteen_digits_in_a_row_may_have_large_integers(parts: list[str]) -> None:
    text = "".join(parts)
    expected = re.search("[0-9]{19}", text) is not None
    encoded = text.encode(errors="surrogatepass")
    inputs: list[Any] = [text, encoded, bytearray(encoded), memoryview(encoded)]  # Any: checkers allow no bytearray
    assert [has_large_integers(each) for each in inputs] == [expected] * len(inputs)


integers = st.integers() | st.integers(-(2**66), 2**66) | st.sampled_from([2**63 - 1, 2**63, -(2**63), -(2**63) - 1])


@examples(200)
@given(st.lists(integers, max_size=6))
def test_m5_sets_and_keys_of_any_integers_come_back(numbers: list[int]) -> None:
    value = Around(
        Numbers(numbers=frozenset(numbers), names=FrozenDict(dict.fromkeys(numbers, "x"))),
        Counted(frozenset([*numbers, "x"])),
    )
    assert decode(encode(value), Around) == value
    assert decode(encode(frozenset(numbers)), frozenset[int]) == frozenset(numbers)
