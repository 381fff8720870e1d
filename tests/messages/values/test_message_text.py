"""M6: what a message says is computed of its fields, never remembered from others."""

import copy
from typing import Any, ClassVar

import msgspec

from miniagents import Message


class Temperature(Message, kw_only=True):
    text_template: ClassVar[str | None] = "{place}: {degrees} °C"

    place: str
    degrees: float


def test_m6_a_copy_with_changed_fields_has_a_text_and_a_key_of_its_own() -> None:
    warm: Any = Temperature(place="Rome", degrees=21)  # Any: checkers know of no __replace__ in Python 3.11
    said, key = str(warm), warm.hash_key
    cold = warm.__replace__(degrees=3)
    assert (said, str(cold)) == ("Rome: 21.0 °C", "Rome: 3.0 °C")
    assert cold.hash_key != key
    assert str(warm) == said
    assert warm.hash_key == key
    assert str(copy.copy(cold)) == str(cold)
    assert copy.copy(cold).hash_key == cold.hash_key


def test_m6_a_text_that_is_given_stands_before_the_template() -> None:
    assert str(Temperature("hot", place="Rome", degrees=40)) == "hot"
    assert str(msgspec.structs.replace(Message("a"), text="b")) == "b"
