"""M8: text that nothing can encode does not enter a value."""

from __future__ import annotations

from collections.abc import Mapping  # evaluated by msgspec
from typing import Any, cast

import msgspec
import pytest

from miniagents.messages import FrozenDict, Message, decode, encode
from miniagents.messages.values.frozen import Frozen, FrozenMeta
from miniagents.messages.values.record import NO_EXTRAS, Extras, Record

LONE = "x\ud800"


class Texts(Frozen, kw_only=True, tag="surrogates.Texts"):
    text: str = ""
    maybe: str | None = None
    absent: str | msgspec.UnsetType = msgspec.UNSET
    anything: object = None
    many: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()
    data: Mapping[str, object] = FrozenDict()  # immutable
    number: int = 0


class TextRecord(Record, kw_only=True):
    text: str = ""
    maybe: str | None = None
    absent: str | msgspec.UnsetType = msgspec.UNSET
    anything: object = None
    many: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()
    data: Mapping[str, object] = FrozenDict()  # immutable
    class_: str = msgspec.field(default="", name="class")
    extra_properties: Extras[object] = msgspec.field(default=NO_EXTRAS, name="@extra")


class Made(Frozen, tag="surrogates.Made"):
    """Has a default that is made anew, which no signature can hold."""

    type: str
    made: str = msgspec.field(default_factory=str)


GIVEN: list[tuple[str, object, str]] = [
    ("text", LONE, ""),
    ("maybe", LONE, ""),
    ("absent", "\udfff", ""),
    ("anything", LONE, ""),
    ("anything", [1, {"a": ("b", LONE)}], r"\[1\]\.a\[1\]"),
    ("anything", FrozenDict({1: b"x", "b": ()}), "-"),
    ("anything", {LONE: 1}, r"\[\.\.\.\]"),
    ("anything", (b"x", frozenset((LONE,))), r"\[1\]\[\.\.\.\]"),
    ("many", ["a", LONE], r"\[1\]"),
    ("names", {LONE}, r"\[\.\.\.\]"),
    ("data", {"a": {"b": LONE}}, r"\.a\.b"),
]


@pytest.mark.parametrize("cls", [Texts, TextRecord])
@pytest.mark.parametrize(("name", "value", "path"), GIVEN)
def test_m8_a_lone_surrogate_is_refused_where_it_is_given(
    cls: Any, name: str, value: object, path: str
) -> None:  # Any: a class
    if path == "-":
        assert cls(**{name: value})
        return
    for _ in range(2):  # the first call compiles the function
        with pytest.raises(
            ValueError, match=rf"^{cls.__name__}\.{name}{path}: .* lone surrogate at .*: repair it with"
        ):
            cls(**{name: value})


def test_m8_every_way_to_call_a_class_looks_at_its_text() -> None:
    with pytest.raises(ValueError, match=r"^Message\.text: "):
        Message(LONE)
    for given in ({"type": LONE}, {"type": "", "made": LONE}):
        with pytest.raises(ValueError, match=r"^Made\.(type|made): "):
            Made(**given)
        with pytest.raises(ValueError, match=r"^Made\.(type|made): "):
            Made(*given.values())
    with pytest.raises(ValueError, match=r"^TextRecord\.extra_properties\.a: "):
        TextRecord(extra_properties={"a": LONE})
    with pytest.raises(ValueError, match=r"^TextRecord\.class_: "):
        TextRecord(class_=LONE)
    with pytest.raises(ValueError, match=r"^\$\.a\[0\]: "):
        FrozenDict({"a": [LONE]})


@pytest.mark.parametrize("text", ["", "a", "é", "😀", "\u2028", "\x00"])
def test_m8_all_other_text_is_taken_as_it_is(text: str) -> None:
    value = Texts(
        text=text, maybe=text, anything={text: [text]}, many=(text,), names=frozenset((text,)), data={text: text}
    )
    assert (value.text, value.many) == (text, (text,))
    assert decode(encode(value), Texts) == value


def test_m8_a_tag_is_unicode_text() -> None:
    with pytest.raises(TypeError, match="lone surrogate"):
        FrozenMeta("Tagged", (Frozen,), {}, tag=LONE)


@pytest.mark.parametrize(("call", "said"), [
    (cast("Any", Made), "Missing required argument 'type'"),
    (lambda: cast("Any", Message)("a", "b", "c"), "Extra positional arguments provided"),
    (lambda: cast("Any", Message)(other=1), "Unexpected keyword argument 'other'"),
])  # fmt: skip
def test_wrong_arguments_are_refused_as_msgspec_does(call: Any, said: str) -> None:  # Any: what checkers refuse
    for _ in range(2):
        with pytest.raises(TypeError, match=said):
            call()
