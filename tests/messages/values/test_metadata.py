"""Metadata: facts about a message that its class does not declare. They are frozen, and a part of the message."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given, strategies as st

from miniagents.messages import (
    AgentCallNode,
    AssistantMessage,
    Codec,
    DecodeError,
    FrozenDict,
    Message,
    UserMessage,
    canonical_form,
    decode,
    encode,
)
from tests.effort import examples

FORMATS: tuple[Literal["json", "msgpack"], ...] = ("json", "msgpack")
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FACTS = st.dictionaries(st.text(), JSON, max_size=4)


class MetaWeather(Message, frozen=True):
    """A class of a user, with another message in it."""

    city: str = ""
    inner: Message | None = None


@examples(100)
@given(FACTS, FACTS)
def test_metadata_is_kept_and_tells_messages_apart(facts: dict[str, Any], others: dict[str, Any]) -> None:
    """On the wire in both formats, in copies and pickles, at any depth, by every way to decode."""
    inner = UserMessage("a", metadata=others)
    message = MetaWeather("b", city="Rome", inner=inner, metadata=facts)
    for name in FORMATS:
        for form in (MetaWeather, Message):
            read = decode(encode(message, name), form, name)
            assert read == message
            assert read.hash_key == message.hash_key
            assert type(read.metadata) is FrozenDict
            assert Codec(form, name).decode(encode(message, name)) == message
        assert decode(encode((message, inner), name), tuple[Message, ...], name) == (message, inner)
        node = AgentCallNode(agent="c", messages=(message, inner))
        assert decode(encode(node, name), AgentCallNode, name) == node
    for same in (copy.copy(message), copy.deepcopy(message), pickle.loads(pickle.dumps(message)), message.replace()):
        assert same == message
        assert hash(same) == hash(message)
    assert (MetaWeather(metadata=facts) == MetaWeather(metadata=others)) is (facts == others)
    assert (MetaWeather(metadata=facts).hash_key == MetaWeather(metadata=others).hash_key) is (facts == others)


@pytest.mark.parametrize("message", [Message("a"), UserMessage("a"), AssistantMessage("a", model="b")])
def test_a_message_without_metadata_is_as_it_was(message: Message) -> None:
    """In what is written, in its text and in its key: stored data outlives a version."""
    assert message.metadata == FrozenDict()
    assert b"metadata" not in encode(message) + encode(message, "msgpack") + canonical_form(message)
    assert "metadata" not in repr(message)
    empties: list[Any] = [{}, FrozenDict(), OrderedDict()]  # Any: mappings
    for empty in empties:
        assert message.replace(metadata=empty).hash_key == message.hash_key
        assert encode(message.replace(metadata=empty)) == encode(message)
    assert decode(encode(message)[:-1] + b',"metadata":{}}', Message) == message


def test_keys_stay_what_they_were() -> None:
    """These were computed before there was any metadata."""
    assert Message("a").hash_key == "06ed7971ae403f5008d52414aaa8c16ad03f37e1"
    assert UserMessage("a").hash_key == "28221e133cd98d7fc2d2f70e103e8b24e15c0f5b"


@pytest.mark.parametrize(
    ("wrong", "kind", "said"),
    [
        ({"a": object()}, TypeError, r"^Message\.metadata\.a: object is not a value that can be frozen"),
        ({1: 2}, TypeError, r"^Message\.metadata: metadata is a mapping of names to plain JSON, not \{1: 2\}"),
        ({"a": {1: 2}}, TypeError, r"^Message\.metadata: metadata is a mapping of names to plain JSON"),
        ("x", TypeError, r"^Message\.metadata: .* not 'x': declare a field for anything else$"),
        (None, TypeError, r"^Message\.metadata: .* not None"),
        ([("a", 1)], TypeError, r"^Message\.metadata: "),
        ({"a": b"x"}, TypeError, r"^Message\.metadata: "),
        ({"a": Message("b")}, TypeError, r"^Message\.metadata: "),
        ({"a": float("nan")}, ValueError, r"^Message\.metadata\.a: nan"),
        ({"a": ["\ud800"]}, ValueError, r"^Message\.metadata\.a\[0\]: .* lone surrogate"),
        ({"\udfff": 1}, ValueError, r"^Message\.metadata.* lone surrogate"),
    ],
)
def test_what_is_no_json_is_refused(wrong: Any, kind: type[Exception], said: str) -> None:  # Any: wrong on purpose
    with pytest.raises(kind, match=said):
        Message("a", metadata=wrong)


@pytest.mark.parametrize("wrong", ["1", "null", "[]", '"a"', '{"a":1e999}'])
def test_wrong_data_is_refused(wrong: str) -> None:
    with pytest.raises(DecodeError):
        decode(f'{{"metadata":{wrong}}}', Message)
    with pytest.raises(DecodeError):
        decode(f'{{"@type":"MetaWeather","inner":{{"@type":"UserMessage","metadata":{wrong}}}}}', Message)


def test_metadata_cannot_change() -> None:
    facts: dict[str, Any] = {"a": [1], "b": {"c": [2]}}  # Any: JSON
    message = Message("a", metadata=facts)
    facts["a"].append(3)
    assert message.metadata == {"a": (1,), "b": {"c": (2,)}}
    changeable: Any = message.metadata  # Any: it cannot change
    with pytest.raises(TypeError, match="cannot change"):
        changeable["a"] = 1
    with pytest.raises(msgspec.ValidationError, match="FrozenDict"):  # msgspec alone would not freeze it
        msgspec.json.decode(encode(message), type=Message)


def test_a_language_model_does_not_see_it() -> None:
    """It is no part of the text."""
    assert str(Message("a", metadata={"secret": 1})) == "a"
    assert "secret" not in str(MetaWeather(city="Rome", metadata={"secret": 1}))


def test_a_class_may_have_a_field_of_that_name() -> None:
    class MetaOwn(Message, frozen=True):
        metadata: str = ""  # type: ignore[assignment]  # pyright: ignore[reportIncompatibleVariableOverride]  # a field of its own

    make: Any = MetaOwn  # Any: to type checkers both fields are arguments of one name
    own = make("a", metadata="b")
    assert decode(encode(own), Message) == own
    assert own.hash_key != make("a").hash_key
