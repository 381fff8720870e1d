"""M5 and M8: calls notice each value that is not of the declared type, so that `encode` need not search for NaN."""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given, strategies as st

from miniagents import Codec, Frozen, FrozenDict, JsonValue, Message, Record, decode, encode
from miniagents.messages import _generated
from miniagents.messages.coding import encoding
from miniagents.messages.coding.contents import contents_of, survey
from miniagents.messages.coding.exactness import refuse_unwritable
from miniagents.messages.coding.msgspec_formats import functions_of
from miniagents.messages.values import untyped
from miniagents.messages.values.untyped import noted
from tests.effort import examples

NAN: Any = math.nan  # Any: type checkers refuse it where no float is declared


class Shade(Enum):
    DARK = "dark"


class Ratio(Enum):
    """Such an enum cannot be decoded, and a field of it is searched."""

    HALF = 0.5


class Part(Frozen, kw_only=True, tag="declared.Part"):
    number: int = 0


class Other(Frozen, kw_only=True, tag="declared.Other"):
    number: int = 0


class Piece(Part, kw_only=True, tag="declared.Piece"):
    label: str | None = None


class DeclaredRow(Record, frozen=True, kw_only=True):
    label: str | None
    number: int = 0


class DeclaredLine(Record, frozen=True, kw_only=True):
    label: str | None


RIGHT: list[tuple[Any, list[Any]]] = [  # Any: annotations, and values of each
    (str, ["a", "null"]),
    (str | None, ["a", None]),
    (int, [3]),
    (bool | msgspec.UnsetType, [True]),
    (float, [1.5, 2]),
    (float | int | None, [1.5, 2, None]),
    (Annotated[float, msgspec.Meta(ge=0)], [1.5]),
    (Literal["a", 1] | None, ["a", 1, None]),
    (Shade, [Shade.DARK]),
    (datetime | None, [datetime(2024, 1, 1), None]),  # noqa: DTZ001  # one without a time zone is a value as well
    (Part, [Part(), Piece(label="null")]),
    (Part | DeclaredRow, [Part(), DeclaredRow(label=None)]),
    (tuple[str, ...], [(), ("a",), ["a", "b"]]),
    (tuple[int | None, ...] | None, [(1, None), None]),
    (tuple[Part, ...], [(), [Part(), Piece()]]),
    (tuple[tuple[float, ...], ...], [((1.5,), (2.5,))]),
    (frozenset[str], [{"a"}]),
    (Mapping[str, int], [{"a": 1}, FrozenDict({"a": 1})]),
    (Mapping[str, Part], [{"a": Part()}]),
    (object, [None, 1.5, {"a": [None]}]),
    (Mapping[str, JsonValue] | None, [{"a": [None]}, None]),
]
WRONG: list[Any] = [  # Any: of no type that is declared, or of another one
    *(NAN, -math.inf, [NAN], {"a": NAN}, {"a": [NAN]}, Ratio.HALF),
    *(Other(number=NAN), [Other(number=NAN)], {"a": Other(number=NAN)}, FrozenDict({"a": Other(number=NAN)})),
    *(DeclaredLine(label=NAN), [DeclaredLine(label=NAN)], frozenset([Other(number=NAN)])),
    *(1, "a", None, (), 1.5, [1], ["a", 1], {"a": "b"}, Other(), b"a", True),
]
_numbers = iter(range(10**9))


each_annotation = pytest.mark.parametrize(("annotation", "values"), RIGHT, ids=[str(form) for form, _ in RIGHT])


def new_class(
    annotation: Any,  # Any: a type of whatever kind
    base: type = Frozen,
    **options: Any,
) -> Any:  # Any: no checker sees the class
    number = next(_numbers)
    made: Any = type(base)(  # Any: as above
        f"Declared{number}",
        (base,),
        {"__module__": __name__, "__annotations__": {"value": annotation}, **options},
        kw_only=True,
        **({} if issubclass(base, Record) else {"tag": f"declared.{number}"}),
    )
    return made


def without_notes(cls: type) -> None:
    """Forget what calls have noted on a class."""
    if noted(cls):
        delattr(cls, untyped._NOTED)
        for forget in untyped.when_noted:
            forget()


_classes: dict[str, Any] = {}  # Any: as above


def class_of(annotation: Any) -> Any:  # Any: as above
    """Return a class with one field, on which nothing is noted; it is made once, as loaded classes cost other tests."""
    key = str(annotation)
    cls = _classes[key] = _classes.get(key) or new_class(annotation)
    without_notes(cls)
    return cls


def is_native(value: object) -> bool:
    """Return whether nothing is done for values of a class but to call msgspec."""
    encode(value)
    return encoding._searching_writers[type(value)] is functions_of("json").encode


def has_nan(value: object) -> bool:
    """Walk over the whole value; this is the definition of what `encode` refuses."""
    try:
        refuse_unwritable(value)
    except ValueError:
        return True
    return False


@each_annotation
def test_m5_values_as_declared_are_encoded_by_msgspec_alone(
    annotation: Any,  # Any: here and below, as in `RIGHT`
    values: list[Any],
) -> None:
    cls = class_of(annotation)
    for value in values:
        made = cls(value=value)
        assert is_native(made), value
        assert not noted(cls)
        assert decode(encode(made), cls) == made == copy.copy(made) == made.replace()
    assert survey(cls).is_finite


@each_annotation
@examples(20)
@given(data=st.data())
def test_m5_nan_is_found_wherever_it_is_given(annotation: Any, values: list[Any], data: st.DataObject) -> None:
    """A class is noted by the value that is not as declared, whatever it has held before and holds afterwards."""
    cls, holder = class_of(annotation), class_of(Frozen)
    made: list[Any] = []  # Any: values of these classes
    for _ in range(data.draw(st.integers(1, 4))):
        with contextlib.suppress(TypeError, ValueError):  # some cannot be frozen, and some cannot be encoded
            made.append(cls(value=data.draw(st.sampled_from(values + WRONG))))
            made.append(holder(value=made[-1]))
            for each in made:
                encode(each)
    for each in made:
        try:
            written = encode(each)
        except TypeError:  # it would be decoded as something else
            continue
        except ValueError:
            assert has_nan(each)
        else:
            assert not has_nan(each)
            assert written == functions_of("json").encode(each)


@pytest.mark.parametrize("base", [Frozen, Message, Record])
@pytest.mark.parametrize("annotation", [str, int | None, tuple[int, ...]])
def test_m5_classes_whose_defaults_are_nan_are_searched(base: type, annotation: Any) -> None:
    """Decoding takes a default without a look at it."""
    cls = new_class(annotation, base, value=NAN)
    assert not survey(cls).is_finite


def test_m5_what_a_post_init_sets_is_searched() -> None:
    class Stamped(Message, kw_only=True, tag="declared.Stamped"):
        number: int = 0

        def __post_init__(self) -> None:
            if self.text == "nan":
                msgspec.structs.force_setattr(self, "number", NAN)

    assert encode(Stamped("a")) == b'{"@type":"declared.Stamped","text":"a"}'
    with pytest.raises(ValueError, match=r"^\$\.number: nan"):
        encode(decode(b'{"@type":"declared.Stamped","text":"nan"}', Stamped))


def test_m5_a_class_made_later_is_searched_where_its_values_may_stand() -> None:
    class Cover(Frozen, kw_only=True, tag="declared.Cover"):
        part: Part

    assert is_native(Cover(part=Piece()))

    class Later(Part, kw_only=True, tag="declared.Later"):
        ratio: Ratio | None = None

    assert not is_native(Cover(part=Piece()))
    with pytest.raises(ValueError, match=r"^\$\.part\.ratio: nan"):
        encode(Cover(part=Later(ratio=NAN)))


def test_m5_calls_of_all_messages_of_the_library_are_looked_at() -> None:
    """One that is not would make all messages slower that hold `Message` fields."""
    for name in _generated.__all__:
        cls: Any = getattr(_generated, name)  # Any: a class, or an alias
        if isinstance(cls, type) and issubclass(cls, Frozen) and not cls.is_record:
            assert contents_of(cls).is_looked_at, name


def test_m5_classes_are_noted_while_others_encode_them() -> None:
    cls = class_of(int)
    codec: Codec[Any] = Codec(cls)  # Any: as above
    assert codec.encode(cls(value=1)) == encode(cls(value=1))
    wrong = cls(value=NAN)
    assert noted(cls) == {"value"}
    with pytest.raises(ValueError, match=r"^\$\.value: nan"):
        encode(wrong)
