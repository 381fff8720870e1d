"""M5 for MessagePack, for buffers that are used again, and for codecs that are prepared for one type."""

from __future__ import annotations

import gc
import weakref
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, assert_type, cast

import msgspec
import pytest
from hypothesis import given, strategies as st

from miniagents.messages import (
    AssistantMessage,
    Codec,
    DecodeError,
    Frozen,
    FrozenDict,
    JsonValue,
    Message,
    Record,
    UnknownMessage,
    UserMessage,
    decode,
    encode,
    encode_into,
)
from miniagents.messages.values.record import NO_EXTRAS, Extras
from tests.effort import examples
from tests.messages.coding import test_codec as kinds

if TYPE_CHECKING:
    from collections.abc import Callable

FORMATS = pytest.mark.parametrize("format", ["json", "msgpack"])
Format = Literal["json", "msgpack"]


class Open(Record, frozen=True, kw_only=True):
    ratio: float = 0.0
    extra_properties: Extras[JsonValue] = msgspec.field(default=NO_EXTRAS, name="@extra")


def is_packable(value: object) -> bool:
    """Whether all integers have 64 bits or less."""
    try:
        msgspec.msgpack.encode(value)
    except OverflowError:
        return False
    return True


@examples(120)
@given((kinds.scalars | kinds.containers | kinds.messages).filter(is_packable))
def test_m5_what_is_packed_is_read_back_equal_and_of_the_same_class(value: Frozen) -> None:
    data = encode(value, "msgpack")
    read = decode(data, Frozen, "msgpack")
    assert read == value
    assert type(read) is type(value)
    assert read.hash_key == value.hash_key
    assert decode(data, type(value), "msgpack") == value


@examples(60)
@given(st.lists(kinds.messages.filter(is_packable), max_size=3))
def test_m5_containers_are_unpacked_as_they_are_asked_for(value: list[Message]) -> None:
    assert decode(encode(value, "msgpack"), list[Message], "msgpack") == value
    assert decode(encode({"a": value}, "msgpack"), dict[str, tuple[Message, ...]], "msgpack") == {"a": tuple(value)}
    assert decode(encode(frozenset(value), "msgpack"), frozenset[Message], "msgpack") == frozenset(value)


@examples(80)
@given(st.lists(kinds.scalars | kinds.containers | kinds.messages, max_size=4), st.sampled_from(["json", "msgpack"]))
def test_m5_a_buffer_has_what_encode_gives(values: list[Frozen], format: Format) -> None:
    values = [value for value in values if format == "json" or is_packable(value)]
    buffer = bytearray(b"what was there before, which is longer than some")
    for value in values:
        encode_into(value, buffer, 0, format)
        assert buffer == encode(value, format)
    buffer.clear()
    for value in values:
        encode_into(value, buffer, -1, format)
    assert buffer == b"".join(encode(value, format) for value in values)


@examples(80)
@given(kinds.scalars | kinds.containers | kinds.messages, st.sampled_from(["json", "msgpack"]))
def test_m5_a_codec_does_what_the_functions_do(value: Frozen, format: Format) -> None:
    if format == "msgpack" and not is_packable(value):
        return
    codec = Codec(Frozen, format)
    assert codec.encode(value) == encode(value, format)
    assert codec.decode(codec.encode(value)) == value
    assert Codec(type(value), format).decode(codec.encode(value)) == value


def test_what_is_read_has_the_type_that_was_asked_for() -> None:
    data = encode(UserMessage("a"), "msgpack")
    assert_type(decode(data, UserMessage | AssistantMessage, "msgpack"), UserMessage | AssistantMessage)
    assert_type(Codec(UserMessage | AssistantMessage, "msgpack").decode(data), UserMessage | AssistantMessage)
    assert_type(Codec(UserMessage, unknown="keep").decode(encode(UserMessage())), UserMessage | UnknownMessage)


def test_open_records_keep_what_is_not_declared() -> None:
    value = Open(ratio=1.5, extra_properties={"a": {"b": (1, None)}})
    assert decode(encode(value, "msgpack"), Open, "msgpack") == value
    assert decode(encode(value, "msgpack"), Open | Message, "msgpack") == value
    assert msgspec.msgpack.decode(encode(value, "msgpack")) == {"ratio": 1.5, "a": {"b": [1, None]}}


# What is refused -----------------------------------------------------------------------------------------------------


packed = msgspec.msgpack.encode
EXTENSION = msgspec.msgpack.Ext(5, b"")


@pytest.mark.parametrize(
    ("data", "form", "text"),
    [
        (packed({"@type": "nope"}), Message, r"^\$\.@type: no class with the tag 'nope'"),
        (packed({"@type": "codec.Picture", "size": 1}), Message, r"^\$\.size: Picture has no such field"),
        (packed({"@type": "codec.Picture", "url": b"x"}), Message, r"^\$\.url: Expected `str`, got `bytes`"),
        (packed({"@type": "codec.Containers", "anything": {1: 2}}), Frozen, r"^\$\.anything: the key 1 "),
        (packed({"@type": "codec.Containers", "anything": b"x"}), Frozen, r"^\$\.anything: bytes "),
        (
            packed({"@type": "codec.Containers", "anything": [msgspec.msgpack.Ext(5, b"")]}),
            Frozen,
            r"^\$: .* extension type 5",
        ),
        (packed({"@type": "codec.Scalars", "ratio": float("nan")}), Frozen, r"^\$.*ratio: nan "),
        (packed([float("-inf")]), list[float], r"^\$\[0\]: -inf "),
        (packed({"a": [float("inf")]}), object, r"^\$\.a\[0\]: inf "),
        (packed({"a": {1: 2}}), object, r"^\$\.a: the key 1 is no string"),
        (packed([b""]), object, r"^\$\[0\]: bytes is no plain JSON"),
        (packed({"ratio": float("nan")}), Open, r"^\$\.ratio: nan "),
        (packed({"ratio": 1.0, "a": float("nan")}), Open, r"^\$\.a: nan "),
        (packed({1: 1, "1": 2}), Open, r"^\$: two keys "),
        (b"\xc1", Message, r"^\$: MessagePack data is malformed"),
        (b"\xa1\xff", str, r"^\$: ('utf-8' codec|Invalid UTF-8 encoded string)"),  # in msgspec's words, which change
        (b"\xdd\xff\xff\xff\xff", list[int], r"^\$: Input data was truncated"),
        (b"\x91" * 20_000, object, r"^\$: nested deeper"),
        (b"", Message, r"^\$: Input data was truncated"),
        (packed(1) + packed(2), int, r"^\$: MessagePack data is malformed: trailing"),
    ],
)
def test_m5_what_does_not_fit_is_refused_with_its_path(data: bytes, form: type[object], text: str) -> None:
    with pytest.raises(DecodeError, match=text):
        decode(data, form, "msgpack")
    with pytest.raises(DecodeError, match=text):
        Codec(form, "msgpack").decode(data)


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (kinds.Scalars(whole=2**64), ValueError, r"^\$\.whole: MessagePack has no form for an integer of 65 bits"),
        ([{"a": -(2**70)}], ValueError, r"^\$\[0\]\.a: MessagePack has no form"),
        ([float("nan")], ValueError, r"^\$\[0\]: nan"),
        (msgspec.structs.replace(kinds.Picture(), url="x\ud800"), ValueError, r"^\$\.url: .* lone surrogate"),
        (kinds.Containers(anything=b"x"), TypeError, r"^\$\.anything: bytes would be read back"),
    ],
)
def test_m5_what_cannot_be_packed_is_refused_with_its_path(value: object, kind: type[Exception], text: str) -> None:
    buffer = bytearray(b"before")
    with pytest.raises(kind, match=text):
        encode(value, "msgpack")
    with pytest.raises(kind, match=text):
        Codec(object, "msgpack").encode(value)
    with pytest.raises(kind, match=text):
        encode_into(value, buffer, -1, "msgpack")
    assert buffer == b"before"


@FORMATS
def test_m5_depth_beyond_the_limit_is_a_clear_error(format: Format) -> None:
    value: object = []
    for _ in range(100_000):
        value = [value]
    try:
        write: list[Callable[[], object]] = [
            lambda: encode(value, format),
            lambda: encode_into(value, bytearray(), 0, format),
        ]
        for each in write:
            with pytest.raises(ValueError, match="this list is nested too deep"):
                each()
    finally:
        while isinstance(value, list) and value:  # Python's own way to take it apart would be as deep
            value = cast("list[object]", value).pop()


def test_there_are_two_formats() -> None:
    wrong: Any = "xml"  # Any: what the checkers refuse
    calls: list[Callable[[], object]] = [
        lambda: encode(1, wrong),
        lambda: decode(b"1", int, wrong),
        lambda: Codec(int, wrong),
        lambda: encode_into(1, bytearray(), 0, wrong),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="there is no format 'xml': it is one of 'json', 'msgpack'"):
            call()


def test_a_buffer_has_an_offset_in_it() -> None:
    for offset in (4, -2):
        with pytest.raises(ValueError, match=f"offset={offset} is not in the buffer, which has 3 bytes"):
            encode_into(1, bytearray(3), offset)


# What is not known ---------------------------------------------------------------------------------------------------


NEW = {"@type": "nope", "text": "x", "more": [1]}


@FORMATS
def test_m5_what_is_not_known_is_refused_ignored_or_kept(format: Format) -> None:
    data = encode(NEW, format)
    with pytest.raises(DecodeError, match=r"^\$\.@type: no class with the tag 'nope'"):
        decode(data, Message, format)
    assert decode(data, Message, format, unknown="ignore") == Message("x")
    assert decode(data, Message, format, unknown="keep") == UnknownMessage(raw=NEW)
    assert Codec(Message, format, unknown="ignore").decode(data) == Message("x")
    assert Codec(Message, format, unknown="keep").decode(data) == UnknownMessage(raw=NEW)
    talk = encode({"@type": "codec.Talk", "items": [NEW], "first": {"@type": "codec.Picture", "x": 1}}, format)
    expected = kinds.Talk(items=(Message("x"),), first=kinds.Picture())
    assert decode(talk, Message, format, unknown="ignore") == expected
    assert decode(encode([NEW], format), tuple[Message, ...], format, unknown="ignore") == (Message("x"),)


@FORMATS
def test_m5_an_unknown_tag_is_ignored_only_where_one_class_may_stand(format: Format) -> None:
    with pytest.raises(DecodeError, match=r"^\$\.@type: no class"):
        decode(encode(NEW, format), UserMessage | AssistantMessage, format, unknown="ignore")
    with pytest.raises(DecodeError, match=r"^\$: Even needs the field 'number'"):
        decode(encode(NEW, format), kinds.Even, format, unknown="ignore")
    with pytest.raises(DecodeError, match=r"^\$\.text: Expected"):
        decode(encode({"@type": "nope", "text": 3}, format), Message, format, unknown="ignore")


@FORMATS
def test_a_codec_knows_classes_that_are_made_later(format: Format) -> None:
    codec = Codec(Message, format)
    assert codec.decode(codec.encode(Message("a"))) == Message("a")

    class Late(Message, kw_only=True, tag=f"codec.late.{format}"):
        value: object = None

    assert codec.decode(codec.encode(Late("x"))) == Late("x")
    with pytest.raises(TypeError, match="bytes would be read back"):
        codec.encode(Late(value=b"x"))


def test_a_codec_that_nobody_holds_is_gone() -> None:
    codec = Codec(Message)
    gone = weakref.ref(codec)
    codec.decode(codec.encode(Message("a")))
    del codec
    gc.collect()
    assert gone() is None


def test_both_formats_say_the_same() -> None:
    """What plain data of one format is, the other has as well: a file may be converted by who knows no class."""
    value = kinds.Scalars(raw=b"\x00\xff", took=timedelta(1), price=Decimal("1.50"), level=kinds.Level.HIGH)
    plain = msgspec.json.decode(encode(value))
    assert decode(packed(plain), Frozen, "msgpack") == value
    keys = kinds.Containers(by_number=FrozenDict({1: b"x"}))
    assert decode(packed(msgspec.json.decode(encode(keys))), Frozen, "msgpack") == keys
