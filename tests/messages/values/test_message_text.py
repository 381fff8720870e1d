"""M6: what a message says is computed of its fields, never remembered from others."""

import copy
import inspect
from typing import Any, ClassVar

import msgspec

from miniagents import Message
from miniagents.messages import Frozen
from miniagents.messages.values.frozen import loaded_classes


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


def test_positional_patterns_are_for_positional_fields() -> None:
    """`__match_args__` has the names that the constructor takes by position, and no others."""
    own: list[Any] = [cls for cls in loaded_classes(Frozen) if cls.__module__.startswith("miniagents.")]
    for cls in (*own, Temperature):
        parameters = inspect.signature(cls).parameters.values()
        by_position = tuple(each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD)
        assert cls.__match_args__ == by_position, cls


def test_the_text_of_a_message_with_a_template_is_none() -> None:
    """It is the field; `str` gives the text. A text that was given replaces the template."""
    assert Temperature(place="Rome", degrees=21).text is None
    assert str(Temperature("warm", place="Rome", degrees=21)) == "warm"
