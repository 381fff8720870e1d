"""Repeated keys: the last one wins, unless `unique_keys` refuses them wherever and however they are written."""

from __future__ import annotations

import json
import struct
from typing import Final, Literal, TypeAlias

import msgspec
import pytest
from hypothesis import given, strategies as st

from miniagents import Codec, DecodeError, Message, UnknownMessage, decode
from tests.effort import examples

Format: TypeAlias = Literal["json", "msgpack"]
FORMATS: Final = pytest.mark.parametrize("format", ["json", "msgpack"])

Tree: TypeAlias = "str | int | float | tuple[Tree, ...] | list[tuple[str, Tree]] | None"
"""A document: a tuple is an array, a list of pairs is an object."""


class LooseKeys(Message, kw_only=True):
    data: object = None
    big: int = 0


TREES: Final = st.recursive(
    st.text(":a\\\"'u03é", max_size=4) | st.integers(-(2**63), 2**64 - 1) | st.floats(width=32).filter(abs) | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple)
        | st.lists(st.tuples(st.sampled_from(["a", "b", "é:"]), inner), max_size=3)
    ),
    max_leaves=12,
).filter(lambda tree: "nan" not in repr(tree) and "inf" not in repr(tree))


def repeats(tree: Tree) -> bool:
    """Return whether an object in a document has a key twice."""
    if isinstance(tree, tuple):
        return any(map(repeats, tree))
    if not isinstance(tree, list):
        return False
    return len({key for key, _ in tree}) < len(tree) or any(repeats(item) for _, item in tree)


def as_json(tree: Tree, draw: st.DrawFn) -> str:
    if isinstance(tree, tuple):
        return f"[{', '.join(as_json(each, draw) for each in tree)}]"
    if isinstance(tree, list):
        return f"{{{','.join(f'{as_json(key, draw)} :{as_json(item, draw)}' for key, item in tree)}}}"
    if isinstance(tree, str) and draw(st.booleans()):
        return '"' + "".join(f"\\u{ord(letter):04{draw(st.sampled_from('xX'))}}" for letter in tree) + '"'
    return json.dumps(tree, ensure_ascii=draw(st.booleans()))


def as_msgpack(tree: Tree, draw: st.DrawFn) -> bytes:
    wide = draw(st.booleans())
    if isinstance(tree, tuple):
        head = b"\xdc" + len(tree).to_bytes(2, "big") if wide else bytes([0x90 | len(tree)])
        return head + b"".join(as_msgpack(each, draw) for each in tree)
    if isinstance(tree, list):
        head = b"\xdf" + len(tree).to_bytes(4, "big") if wide else bytes([0x80 | len(tree)])
        return head + b"".join(as_msgpack(key, draw) + as_msgpack(item, draw) for key, item in tree)
    if isinstance(tree, str) and wide:
        data = tree.encode()
        width = draw(st.sampled_from((1, 2, 4)))
        return bytes([{1: 0xD9, 2: 0xDA, 4: 0xDB}[width]]) + len(data).to_bytes(width, "big") + data
    if isinstance(tree, float) and wide:
        return struct.pack(">Bf", 0xCA, tree)
    if isinstance(tree, int) and wide and tree < 2**63:
        return struct.pack(">Bq", 0xD3, tree)
    return msgspec.msgpack.encode(tree)


@st.composite
def documents(draw: st.DrawFn) -> tuple[bool, Format, bytes]:
    """Return a document whose keys, texts and numbers are written in all ways that its format has."""
    tree = draw(TREES)
    if draw(st.booleans()):
        return repeats(tree), "json", as_json(tree, draw).encode()
    return repeats(tree), "msgpack", as_msgpack(tree, draw)


@given(documents())
@examples(500)
def test_a_document_is_refused_if_and_only_if_an_object_has_a_key_twice(document: tuple[bool, Format, bytes]) -> None:
    is_repeated, written_as, data = document
    value = decode(data, object, written_as)
    if is_repeated:
        with pytest.raises(DecodeError, match="is there twice"):
            decode(data, object, written_as, unique_keys=True)
        with pytest.raises(DecodeError, match="is there twice"):
            Codec(object, written_as, unique_keys=True).decode(data)
    else:
        assert decode(data, object, written_as, unique_keys=True) == value
        assert Codec(object, written_as, unique_keys=True).decode(data) == value


TWICE: Final = {
    "the tag": (b'{"@type":"UserMessage","@type":"Message","text":"x"}', "$", "@type"),
    "a field": (b'{"@type":"Message","text":"x","text":"y"}', "$", "text"),
    "an escaped name": (b'{"@type":"Message","text":"x","te\\u0078t":"y"}', "$", "text"),
    "behind an escaped colon": (b'{"@type":"Message","text":"\\u003A","text":"y"}', "$", "text"),
    "inside": (b'{"@type":"LooseKeys","data":[1,{"a":{"b":1,"b":2}}]}', "$.data[1].a", "b"),
    "beside a long integer": (b'{"@type":"LooseKeys","big":' + b"9" * 30 + b',"big":1,"data":0}', "$", "big"),
}


@pytest.mark.parametrize("case", TWICE)
def test_the_error_names_the_object_and_the_key(case: str) -> None:
    data, path, key = TWICE[case]
    with pytest.raises(DecodeError) as caught:
        decode(data, Message, unique_keys=True)
    assert caught.value.path == path
    assert repr(key) in caught.value.reason
    for text in (data, data.decode()):
        assert isinstance(decode(text, Message), Message)  # the last one wins
        with pytest.raises(DecodeError):
            decode(text, Message, unique_keys=True)


def test_a_key_that_another_form_of_a_number_makes_up_for_is_found() -> None:
    """msgspec writes each float in eight bytes: what is lost with a key may be as long as what a float gains."""
    once, twice = (b"\x92\x81\xa1a\xcc\x80", b"\x92\x82\xa1a\xcc\x80\xa1a\xcc\x80")
    narrow = b"\xca\x3f\x80\x00\x00"
    assert len(msgspec.msgpack.encode(msgspec.msgpack.decode(twice + narrow))) == len(twice + narrow)
    assert decode(once + narrow, object, "msgpack", unique_keys=True) == [{"a": 128}, 1.0]
    with pytest.raises(DecodeError, match=r"^\$\[0\]: the property 'a' is there twice"):
        decode(twice + narrow, object, "msgpack", unique_keys=True)


def test_a_long_integer_alone_is_no_repeated_key() -> None:
    for digits in (30, 4_000):
        data = b'{"@type":"LooseKeys","big":' + b"9" * digits + b"}"
        assert decode(data, Message, unique_keys=True) == decode(data, Message)


@FORMATS
@pytest.mark.parametrize("unknown", ["keep", "ignore"])
def test_a_key_that_is_unknown_is_not_repeated_either(format: Format, unknown: Literal["keep", "ignore"]) -> None:
    once = b'{"@type":"Message","text":"x","new":1}'
    twice = b'{"@type":"Message","text":"x","new":1,"new":2}'
    if format == "msgpack":
        once = msgspec.msgpack.encode(json.loads(once))
        twice = b"\x84" + once[1:] + b"\xa3new\x02"
    made = Message("x") if unknown == "ignore" else UnknownMessage(raw={"@type": "Message", "text": "x", "new": 1})
    keeping = Codec(Message, format, unknown="keep", unique_keys=True)
    codec = keeping if unknown == "keep" else Codec(Message, format, unknown="ignore", unique_keys=True)
    assert codec.unique_keys
    assert codec.decode(once) == made
    with pytest.raises(DecodeError, match="'new' is there twice"):
        codec.decode(twice)


@pytest.mark.parametrize("count", [1, 300_000])
def test_finding_a_repeated_key_takes_time_in_proportion_to_the_data(count: int) -> None:
    """The watchdog ends this test if each name is compared with all others, or each object with all wrong ones."""
    names = ",".join(f'"{number}":0' for number in range(count))
    with pytest.raises(DecodeError, match="'last' is there twice"):
        decode(f'{{{names},"last":0,"last":0}}', object, unique_keys=True)
    wrong = ",".join(['{"a":1,"a":2}'] * count)
    with pytest.raises(DecodeError, match=rf"^\$\[{count}\]: the property 'a' is there twice"):
        decode(f"[{'0,' * count}{wrong}]", object, unique_keys=True)
