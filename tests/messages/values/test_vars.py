"""`vars(value)` is the value as plain JSON: no private state shows, and nothing that is kept beside it changes it."""

from __future__ import annotations

import copy
import json
import pickle
from functools import cached_property

import msgspec
import pytest
from hypothesis import given, strategies as st

from miniagents.messages import (
    NO_EXTRAS,
    AgentCallNode,
    Extras,
    Frozen,
    ImagePart,
    JsonValue,
    Message,
    Record,
    UserMessage,
    decode,
    encode,
)


class VarTown(Message, frozen=True):
    """A message with a result that is kept."""

    name: str = ""
    lengths: tuple[int, ...] = ()

    @cached_property
    def loud(self) -> list[str]:
        """A new list each time it is computed."""
        return [self.name.upper()]


class VarOpen(Record, frozen=True):
    """An open record."""

    x: int
    extra_properties: Extras[JsonValue] = msgspec.field(default=NO_EXTRAS, name="@extra")


VALUES: list[Frozen] = [
    Message("a"),
    UserMessage("a", content=(ImagePart(url="b"),)),
    VarTown("a", name="Rome", lengths=(1, 2)),
    AgentCallNode(agent="a", messages=(VarTown(name="Oslo"),), arguments={"b": (1,)}),
    VarOpen(1, extra_properties={"name": "b"}),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_vars_are_what_encode_writes(value: Frozen) -> None:
    """Also after the key of the value was computed, which nothing shows."""
    plain = json.loads(encode(value))
    names = dir(value)
    assert vars(value) == plain
    assert value.hash_key
    assert vars(value) == plain
    assert json.loads(json.dumps(value, default=vars)) == plain
    assert dir(value) == names
    assert "@key" not in names
    assert {*type(value).__struct_fields__, "hash_key", "replace"} <= {*names}


@given(st.text(), st.text())
def test_vars_change_nothing(key: str, text: str) -> None:
    """They are the caller's own, and setting one of a field is refused."""
    town = VarTown("a", name="Rome")
    shown = vars(town)
    shown.clear()
    assert vars(town) == {"@type": "VarTown", "text": "a", "name": "Rome"}
    with pytest.raises(TypeError, match=r"^VarTown\.name is frozen: use `value\.replace\(name=\.\.\.\)`$"):
        vars(town)["name"] = text
    if key not in VarTown.__struct_fields__:
        vars(town)[key] = text
    assert (town.text, town.name, vars(town)["name"]) == ("a", "Rome", "Rome")


def test_a_cached_property_is_computed_once() -> None:
    """And is taken along by no copy, so it cannot outlive a change."""
    town = VarTown(name="Rome")
    loud = town.loud
    assert town.loud is loud == ["ROME"]
    assert "loud" not in vars(town)
    for same in (copy.copy(town), copy.deepcopy(town), pickle.loads(pickle.dumps(town)), decode(encode(town), VarTown)):
        assert same == town
        assert hash(same) == hash(town)
        assert same.loud is not loud
