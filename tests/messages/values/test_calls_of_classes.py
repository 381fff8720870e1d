"""M1, M8: a call of a class freezes and checks its arguments; decoding gives the same value without code in Python."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Mapping  # evaluated by msgspec
from typing import TYPE_CHECKING, Any
from unittest.mock import create_autospec

import msgspec
import pytest

from miniagents import DecodeError, Message, UserMessage
from miniagents.messages import Codec, Format, FrozenDict, decode, encode
from miniagents.messages.values.frozen import Frozen
from miniagents.messages.values.record import Record
from miniagents.wire import read_records, write_records

if TYPE_CHECKING:
    from pathlib import Path

NOT_FINITE = (float("nan"), float("inf"), float("-inf"))


class Place(Record, kw_only=True):
    at: tuple[float, float] = (0.0, 0.0)


class Measure(Frozen, kw_only=True, tag="calls.Measure"):
    ratio: float = 0.0
    maybe: float | None = None
    either: int | float | str = 0
    many: tuple[float, ...] = ()
    names: tuple[str, ...] = ()
    place: Place = Place()  # immutable
    data: Mapping[str, float] = FrozenDict()  # immutable


class Fast(Frozen, kw_only=True, tag="calls.Fast"):
    ratio: float = 0.0
    maybe: float | msgspec.UnsetType = msgspec.UNSET
    many: tuple[float, ...] = ()
    names: frozenset[str] = frozenset()
    place: Place = Place()  # immutable


class Holder(Message, kw_only=True, tag="calls.Holder"):
    fast: Fast = Fast()  # immutable
    any_of: tuple[Frozen, ...] = ()


class Numbers(Message, kw_only=True, tag="calls.Numbers"):
    text: int = 0  # type: ignore[assignment] # pyright: ignore[reportIncompatibleVariableOverride] # no text any more


def test_m1_decoding_runs_no_code_for_fields_that_it_freezes() -> None:
    assert not hasattr(Fast, "__post_init__")
    assert not hasattr(UserMessage, "__post_init__")
    assert hasattr(Measure, "__post_init__")  # msgspec decodes a plain dict


@pytest.mark.parametrize("format", ["json", "msgpack"])
def test_m1_calls_and_decoding_give_equal_values(format: Format) -> None:
    given: Any = {"ratio": 1, "maybe": 2, "many": [3.0, 4.5], "place": Place(at=(1.0, 2.0))}
    for cls in (Fast, Measure):
        for _ in range(2):  # the first call compiles the function
            made: Any = cls(**given)
            assert (type(made.ratio), type(made.maybe), type(made.many)) == (float, float, tuple)
            assert decode(encode(made, format), cls, format) == made
            assert hash(made) == hash(decode(encode(made, format), cls, format))


@pytest.mark.parametrize("number", NOT_FINITE)
@pytest.mark.parametrize("field", ["ratio", "maybe", "many"])
@pytest.mark.parametrize("form", [Fast, Frozen, Holder, Message, Fast | Place, tuple[Fast, ...], Record | Frozen])
def test_m1_numbers_that_are_not_finite_are_refused_in_messagepack(field: str, number: float, form: Any) -> None:
    tagged: object = {"@type": "calls.Fast", field: [1.0, number] if field == "many" else number}
    if form in (Holder, Message):
        tagged = {"@type": "calls.Holder", "any_of": [tagged]}
    data = msgspec.msgpack.encode([tagged] if form == tuple[Fast, ...] else tagged)
    with pytest.raises(DecodeError, match=rf"^\$.*{field}.*: -?(nan|inf)"):
        decode(data, form, "msgpack")
    with pytest.raises(DecodeError, match=rf"^\$.*{field}.*: -?(nan|inf)"):
        Codec(form, "msgpack").decode(data)


@pytest.mark.parametrize("number", NOT_FINITE)
def test_m1_numbers_that_are_not_finite_are_refused_by_calls_and_copies(number: float) -> None:
    for _ in range(2):
        for given in ({"ratio": number}, {"maybe": number}, {"many": (1.0, number)}, {"many": [number]}):
            arguments: Any = given
            with pytest.raises(ValueError, match=rf"Fast\.{next(iter(given))}"):
                Fast(**arguments)
            fast: Any = Fast()  # Any: checkers know of no __replace__ in Python 3.11
            with pytest.raises(ValueError, match=rf"Fast\.{next(iter(given))}"):
                fast.__replace__(**arguments)


def test_m1_records_of_messages_are_read_as_they_were_made(tmp_path: Path) -> None:
    made = [Holder("a", fast=Fast(ratio=0.5, many=(1.0,)), any_of=(Fast(names=frozenset("x")), Measure(maybe=1.5)))]
    for name in ("a.ndjson", "a.msgpack"):
        write_records(tmp_path / name, made)
        assert list(read_records(tmp_path / name, Holder)) == made


def test_m1_copies_with_changed_fields_are_frozen() -> None:
    fast: Any = Fast(ratio=0.5)  # Any: as above
    changed = fast.__replace__(many=[1.0], ratio=2)
    assert changed == Fast(many=(1.0,), ratio=2.0)
    assert (type(changed.many), type(changed.ratio)) == (tuple, float)
    with pytest.raises(ValueError, match=r"^Message\.text: .*lone surrogate"):
        message: Any = Message("a")
        message.__replace__(text="\ud800")
    for value in (fast, Holder("a", fast=fast)):
        assert type(copy.copy(value)) is type(value)
        assert copy.copy(value) == copy.deepcopy(value) == pickle.loads(pickle.dumps(value)) == value


def test_m8_a_class_without_the_text_of_its_base_is_called_as_well() -> None:
    for _ in range(2):
        assert Numbers(text=1).text == 1
        with pytest.raises(ValueError, match=r"^Message\.text: "):
            Message("\ud800")
        with pytest.raises(TypeError, match="Unexpected keyword argument 'other'"):
            Numbers(other=1)  # type: ignore[call-arg] # pyright: ignore[reportCallIssue] # wrong on purpose


def test_m8_a_post_init_of_the_class_runs_once_and_its_fields_are_looked_at() -> None:
    seen: list[object] = []

    class Own(Message, kw_only=True, tag="calls.Own"):
        many: tuple[str, ...] = ()

        def __post_init__(self) -> None:
            seen.append(self.many)
            if self.text == "lone":
                msgspec.structs.force_setattr(self, "text", "\ud800")

    given: Any = ["a"]
    for text in ("a", "b"):
        assert Own(text, many=given).many == ("a",)
        with pytest.raises(ValueError, match=r"\.Own\.text: .*lone surrogate"):
            Own("lone")
    assert seen == [("a",), ()] * 2


def test_m9_tools_find_a_constructor() -> None:
    double = create_autospec(Fast, instance=True)
    assert isinstance(double, Fast)
    assert create_autospec(Message)("a") is not None
    assert callable(Message.__init__)
    assert str(inspect.signature(Message)) == (
        "(text: str | None = None, *, metadata: miniagents.messages.FrozenDict = FrozenDict())"
    )
    made: Any = Message("a")
    assert made.__init__("b") is None  # like the one of `object`
    assert made.text == "a"


def test_any_argument_may_have_the_name_of_a_parameter_of_python() -> None:
    class Names(Frozen, tag="calls.Names"):
        self: str
        args: str = ""
        cls: str = ""
        value: tuple[str, ...] = ()
        made: float = 0.0

    for _ in range(2):
        names = Names(self="a", args="b", cls="c", value=("d",), made=1.0)
        assert (names.self, names.args, names.cls, names.value, names.made) == ("a", "b", "c", ("d",), 1.0)
