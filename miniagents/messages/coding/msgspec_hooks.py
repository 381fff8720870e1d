"""Hooks: the functions that msgspec calls with what it has decoded for a type that it does not know.

Such a type is `FrozenDict`, for which they freeze a decoded dict in place, or a `Choice`, which has a function of its
own. For MessagePack it is also `object`, for parts that are not typed. All other types are refused by msgspec, because
the hooks return what was decoded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import UNSET

from miniagents.messages.values.freezers import Metadata
from miniagents.messages.values.freezing import JSON_FLAT, FrozenDict, OpenDict, class_of, freeze
from miniagents.messages.values.untyped import JSON_SCALARS, frozen_json

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["OBJECTS", "Choice", "made_of_json", "made_of_msgpack", "refuse_other"]

OBJECTS: Final[frozenset[object]] = frozenset((FrozenDict, Metadata))
"""The types that stand for any JSON objects; absent metadata is not stored."""


class Choice(type):
    """The class of types whose values a function makes of plain JSON."""

    __origin__: type = object  # the class that msgspec asks whether a value is of the type that it was made for
    __args__: tuple[object, ...] = ()
    make: Callable[[Any], Any]  # Any: takes plain JSON, and returns a value of any type

    @staticmethod
    def of(make: Callable[[Any], Any]) -> Choice:  # Any: as above
        """Return the type for a function."""
        return Choice("Choice", (), {"make": staticmethod(make)})


def made_of_json(form: Any, raw: Any) -> object:  # Any: a type; JSON of any class
    """Make the value of a type that msgspec does not know from what it has decoded from JSON.

    A JSON object is written into, and must have no other owner. Calling another function for it would take a tenth
    more.
    """
    if form is _FrozenDict and class_of(raw) is dict:
        try:
            for key in raw:  # faster than `items`; the keys stay the same, so the loop may go on
                kind = class_of(raw[key])
                if kind is dict:
                    raw[key] = made_of_json(FrozenDict, raw[key])
                elif kind is list:
                    raw[key] = _frozen_array(raw[key])
        except RecursionError:
            return freeze(raw)
        if not raw:
            return _EMPTY
        made: Any = OpenDict(raw)  # Any: checkers do not see the slot
        made._is_json = True
        made.__class__ = FrozenDict
        return made
    if class_of(form) is Choice:
        return form.make(raw)
    if form is Metadata and class_of(raw) is dict:
        return made_of_json(FrozenDict, raw) if raw else UNSET
    return raw


def _frozen_array(items: list[Any]) -> tuple[Any, ...]:  # Any: JSON
    for item in items:
        if type(item) not in JSON_SCALARS:
            break
    else:
        return tuple(items)
    return tuple(
        [
            made_of_json(FrozenDict, item)
            if (kind := class_of(item)) is dict
            else _frozen_array(item)
            if kind is list
            else item
            for item in items
        ]
    )


def made_of_msgpack(form: Any, value: Any) -> object:  # Any: a type; of any class
    """Make the value of a type that msgspec does not know from what it has decoded from MessagePack.

    Raises:
        ValueError: JSON cannot express what was decoded. Or the type is not known here either.
    """
    if form is _FrozenDict and class_of(value) is dict:
        return frozen_json(value)
    if form is object:
        refuse_other(value)
        return value
    if class_of(form) is Choice:
        refuse_other(value)
        return form.make(value)
    if form is Metadata and class_of(value) is dict:
        return frozen_json(value) if value else UNSET
    raise ValueError(f"{form} is not known")


def refuse_other(value: Any) -> None:  # Any: of any class
    """Refuse what JSON cannot express.

    Raises:
        ValueError: A part of the value is of another class, is NaN or infinity, or has a key that is no string.
    """
    if class_of(value) is dict:  # mostly of a few scalars
        for key in value:
            if type(key) is not str or type(value[key]) not in JSON_FLAT:
                break
        else:
            return
    pending: list[Any] = [] if type(value) in JSON_FLAT else [value]  # Any: of any class
    while pending:
        current = pending.pop()
        kind = class_of(current)
        if kind is list:
            if not JSON_FLAT.issuperset(map(type, current)):
                pending += current
        elif kind is dict:
            for key, part in current.items():
                if type(key) is not str:
                    raise ValueError("a key is no string")
                if type(part) not in JSON_FLAT:
                    pending.append(part)
        elif kind not in JSON_FLAT and not (kind is float and current - current == 0):
            raise ValueError(f"{kind.__qualname__} is no plain JSON")


_FrozenDict: Final[Any] = FrozenDict  # Any: checkers would narrow what is compared with it
_EMPTY: Final[FrozenDict[str, Any]] = FrozenDict()  # Any: it is empty
