"""Partial values: what is known of a structured reply while it arrives."""

import asyncio
import itertools
import json
import re
import string
import sys
from collections.abc import AsyncIterator
from typing import Any, TypeVar

import pytest
from hypothesis import given, strategies as st
from jiter import from_json

from miniagents import Message, MiniAgents, stream_message
from miniagents.ext.llm import MissingSDKError, partial_values
from miniagents.messages import freeze
from miniagents.messages.values.freezing import is_mapping, is_tuple
from miniagents.testing import scripted_agent

T = TypeVar("T")


async def values_of(*tokens: str | BaseException) -> list[Any]:  # Any: plain JSON
    async def pieces() -> AsyncIterator[str]:
        for token in tokens:
            if isinstance(token, BaseException):
                raise token
            yield token

    async with MiniAgents():
        return [value async for value in partial_values(stream_message(Message, pieces()))]


async def test_texts_grow_and_numbers_come_when_they_are_complete() -> None:
    assert await values_of('{"a": "x', "y", '", "b": 1', "2", ', "c": tr', 'ue, "d": -', "1.", "5e", "1}") == [
        {"a": "x"},
        {"a": "xy"},
        {"a": "xy", "b": 12},
        {"a": "xy", "b": 12, "c": True},
        {"a": "xy", "b": 12, "c": True, "d": -15.0},
    ]


async def test_replies_of_several_messages_are_refused_with_what_to_write() -> None:
    async with MiniAgents():
        sequence: Any = scripted_agent("{}").inquire()  # Any: the checkers refuse it
        with pytest.raises(
            TypeError, match=r"^partial_values: <.*> has several messages; give one, such as replies\.only"
        ):
            partial_values(sequence)


async def test_what_stands_before_and_behind_the_object_is_passed_over() -> None:
    assert await values_of("Here:\n```json\n", '{"a"', ': "}"', "}\n``", "`") == [{"a": "}"}]


async def test_there_is_nothing_in_what_is_no_object() -> None:
    assert await values_of("I would", " rather ", '"not"') == []
    assert await values_of("{", "}") == []


async def test_cut_escapes_wait_for_their_rest() -> None:
    assert await values_of('{"a": "x\\', "n\\u00", 'e9\\"', 'z", "b": "\\\\', '"}') == [
        {"a": "x"},
        {"a": "x\n"},
        {"a": 'x\né"'},
        {"a": 'x\né"z', "b": "\\"},
    ]


async def test_an_error_stands_where_it_happened() -> None:
    with pytest.raises(ConnectionError):
        await values_of('{"a": 1,', ConnectionError("lost"))


async def test_values_are_frozen() -> None:
    (value,) = await values_of('{"a": [{"b": 1}]}')
    assert hash(value) == hash(value)
    assert value["a"] == ({"b": 1},)


async def test_without_jiter_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jiter", None)
    with pytest.raises(MissingSDKError, match="pip install 'miniagents"):
        await values_of("{}")


async def test_the_end_of_the_object_may_come_with_what_stands_behind_it() -> None:
    assert await values_of('{"a": 1}\n``', "`") == [{"a": 1}]
    assert await values_of('{"a": [1]} {"b": 2}') == [{"a": (1,)}]


async def test_a_key_that_comes_twice() -> None:
    assert await values_of('{"a": 1, ', '"b": 2, "a": 1', ", ", '"a": [') == [
        {"a": 1},
        {"a": 1, "b": 2},
        {"a": (), "b": 2},
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        *(
            '"b" 1',
            '"b": 1 2,',
            '"b": [1,]',
            '"b": [1}',
            '"b": {]',
            "1",
            ",",
            '"b": tru,',
            '"b": 01,',
            '"b": "\\q',
            ":",
        ),
        *('"b": "\n', '"b": "\\ud83dx', '"b": "\\ud83d\\u0041', '"b": "\\ude00', '"b": "\\u00g', '"b": @', '"b": ]'),
        '"b": ' + "[" * 300,
    ],
)
async def test_nothing_is_known_of_what_is_no_json(wrong: str) -> None:
    assert await values_of('{"a": "x", ', wrong, '"c": 3}', '{"d": 4}') == [{"a": "x"}]
    assert await values_of('{"a": "x", ' + wrong + " ", '"c": 3}') == []


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999"])
async def test_a_number_that_json_has_not_is_an_error(number: str) -> None:
    with pytest.raises(ValueError, match="JSON has only finite numbers"):
        await values_of('{"a": 1, "b": ', number, ", ", '"c": 2}')


# --- laws ---

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(-1e6, 1e6) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=10,
)
OBJECTS = st.dictionaries(st.text(max_size=4), PLAIN, max_size=4)


@st.composite
def cut(draw: st.DrawFn) -> tuple[dict[str, Any], list[str]]:  # Any: plain JSON
    """An object, and its text in pieces."""
    value = draw(OBJECTS)
    text = json.dumps(value, ensure_ascii=draw(st.booleans()), indent=draw(st.none() | st.just(1)))
    places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=12)))
    return value, [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]


@given(cut())
def test_the_last_value_is_the_whole_object(drawn: tuple[dict[str, Any], list[str]]) -> None:  # Any: as above
    value, tokens = drawn
    seen = asyncio.run(values_of(*tokens))
    assert (seen[-1] if seen else {}) == freeze(value)


@given(cut())
def test_each_value_is_that_of_the_whole_text_so_far(drawn: tuple[dict[str, Any], list[str]]) -> None:  # Any: as above
    _, tokens = drawn
    expected: list[object] = [{}]
    for count in range(1, len(tokens) + 1):
        text = "".join(tokens[:count])
        if not is_in_text(text):  # a number or a word at the end may go on
            text = text.rstrip("+-.0123456789" + string.ascii_letters)
        known: object = freeze(from_json(text.encode(), partial_mode="trailing-strings") if "{" in text else {})
        if known != expected[-1]:
            expected.append(known)
    assert asyncio.run(values_of(*tokens)) == expected[1:]


def is_in_text(json_text: str) -> bool:
    """Whether the end of a part of JSON is between the quotes of a text."""
    return re.sub(r"\\.?", "", json_text, flags=re.DOTALL).count('"') % 2 == 1


@given(cut())
def test_what_is_known_only_grows(drawn: tuple[dict[str, Any], list[str]]) -> None:  # Any: as above
    _, tokens = drawn
    seen = asyncio.run(values_of(*tokens))
    for before, after in itertools.pairwise(seen):
        assert grows_to(before, after)


def grows_to(before: object, after: object) -> bool:
    """Whether a value may become another one as more of its text arrives."""
    if is_mapping(before):
        return is_mapping(after) and all(key in after and grows_to(part, after[key]) for key, part in before.items())
    if is_tuple(before):
        return is_tuple(after) and len(before) <= len(after) and all(map(grows_to, before, after))
    if isinstance(before, str):
        return isinstance(after, str) and after.startswith(before)
    return before == after
