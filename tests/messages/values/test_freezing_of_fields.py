"""M1: the function that is written out for each class freezes its fields just as `freeze` does."""

from __future__ import annotations

import types
from collections.abc import Mapping  # evaluated by msgspec
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, strategies as st

from miniagents.messages.values.frozen import Frozen, FrozenDict, freeze


class Level(Enum):
    LOW = "low"


class Part(Frozen, tag="fields.Part"):
    text: str = ""


class Wider(Part, tag="fields.Wider"):
    more: tuple[str, ...] = ()


class Number(float):
    """A subclass, whose values become plain floats."""


class Fields(Frozen, kw_only=True, tag="fields.Fields"):
    """A field of each kind that is asked for in its own way."""

    ratio: float = 0.0
    maybe: float | None = None
    either: int | float = 0
    part: Part = Part()
    part_or_text: Part | str | None = None
    texts: tuple[str, ...] = ()
    ratios: tuple[float, ...] = ()
    mixed: tuple[Part | float | None, ...] = ()
    anything: tuple[object, ...] = ()
    pair: tuple[str, float] | None = None
    data: Mapping[str, object] = FrozenDict()  # immutable
    level: Level | tuple[int, ...] = Level.LOW
    at: datetime | None = None
    price: Decimal = Decimal(0)
    value: object = None


scalars = st.one_of(
    st.sampled_from(
        (None, True, 1, 2**60, "a", b"b", Level.LOW, Part("a"), Wider(more=("b",)), Number(1.5), UUID(int=1))
    ),
    st.floats(),
    st.sampled_from((Decimal("NaN"), Decimal(1), datetime(2020, 1, 1, tzinfo=UTC), msgspec.UNSET, bytearray(b"c"))),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    ),
    max_leaves=6,
)


@pytest.mark.parametrize("name", Fields.__struct_fields__)
@given(value=values)
def test_m1_a_field_holds_what_freeze_makes_of_what_it_was_given(name: str, value: object) -> None:
    given: dict[str, Any] = {name: value}
    try:
        expected = freeze(float(value) if name in ("ratio", "maybe") and isinstance(value, int) else value)
    except (TypeError, ValueError) as error:
        with pytest.raises(type(error), match=rf"^Fields\.{name}"):
            Fields(**given)
        return
    held: Any = getattr(Fields(**given), name)  # Any: whatever it was given
    assert type(held) is type(expected)
    assert held == expected
    hash(held)


def test_m1_what_is_frozen_already_stays_the_same_object() -> None:
    given: dict[str, Any] = {"texts": ("a", "b"), "ratios": (1.5, 2.5), "part": Wider(), "pair": ("a", 1.0)}
    made = Fields(**given)
    assert all(getattr(made, name) is value for name, value in given.items())


@pytest.mark.parametrize("name", ["class", "\ufb01eld", "self", "value", "type", "low", "then"])
def test_m1_a_field_may_have_any_name_that_python_allows(name: str) -> None:
    fields = {"__annotations__": {name: tuple[str, ...]}}
    cls: Any = types.new_class(
        "Odd", (Frozen,), {}, lambda namespace: namespace.update(fields)
    )  # Any: it has that field
    assert getattr(cls(["a"]), name) == ("a",)
    assert getattr(cls(("a",)), name) == ("a",)
