"""Plain JSON in untyped fields, and the note of the fields that have held something else.

A field declared as `object` or `Any` is decoded as plain JSON, so `encode` accepts nothing else in it. A look at every
such field would cost more than the encoding itself. Freezing looks at these fields anyway, so it notes on a class the
names of those that have ever held anything else. Values of a class without such a note need no look. A class with a
`__post_init__` of its own has a note for each field from the start, because that runs after freezing.

Decoding JSON makes no notes, because it gives plain JSON. `encode` decides by a look whether a noted field holds plain
JSON, so a note costs time and changes no result.
"""

from __future__ import annotations

from threading import RLock
from typing import TYPE_CHECKING, Any, Final, cast

from miniagents.messages.values.freezing import (
    JSON_FLAT,
    FrozenDict,
    OpenDict,
    _FrozenDict,
    class_of,
    freeze,
    note_json,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["JSON_SCALARS", "frozen_json", "is_plain", "note", "noted", "notes_lock", "when_noted"]

JSON_SCALARS: Final = JSON_FLAT | {float}
"""The classes of the scalars of JSON."""

when_noted: list[Callable[[], None]] = []
"""Functions to call after a note was made. They clear caches that depend on the notes."""

notes_lock: Final = RLock()
"""Held while a note is made, and while a cache that depends on notes is filled; so no cache misses a note."""


def is_plain(value: Any) -> bool:  # Any: of any class; checkers do not see the slot
    """Return whether a frozen value is plain JSON. A FrozenDict remembers the answer."""
    if class_of(value) is not FrozenDict:
        return _is_plain(value)
    is_json: bool | None = value._is_json
    if is_json is None:  # it was not looked at before
        is_json = _is_plain(value)
        note_json(value, is_json)
    return is_json


def _is_plain(value: object) -> bool:
    pending = [value]
    while pending:
        current = pending.pop()
        kind = type(current)
        if kind is FrozenDict:
            mapping = cast("Mapping[object, object]", current)  # `kind` narrows nothing
            if not _ONLY_STRINGS.issuperset(map(type, mapping)):
                return False
            if not JSON_SCALARS.issuperset(map(type, mapping.values())):
                pending += mapping.values()
        elif kind is tuple:
            items = cast("tuple[object, ...]", current)  # `kind` narrows nothing
            if not JSON_SCALARS.issuperset(map(type, items)):
                pending += items
        elif kind not in JSON_SCALARS:
            return False
    return True


def frozen_json(raw: dict[Any, Any]) -> object:  # Any: JSON or MessagePack
    """Freeze an object that was just decoded, and so has no other owner; its dicts may change.

    Unlike `freeze`, this copies each dict once only, and expects few types.

    Raises:
        ValueError: JSON cannot express a part of it.
    """
    try:
        for key, item in raw.items():
            kind = class_of(item)
            if kind not in JSON_FLAT:  # the keys stay the same, so the loop may go on
                if kind is dict:
                    raw[key] = frozen_json(item)
                elif kind is list:
                    raw[key] = _frozen_array(item)
                elif kind is not float or item - item:  # NaN for infinity and NaN
                    raise ValueError(f"{kind.__qualname__} is no plain JSON")
            if type(key) is not str:
                raise ValueError(f"{key!r} is no name of a property")
    except RecursionError:
        if not is_plain(frozen := freeze(raw)):
            raise ValueError("a part of the object is no plain JSON") from None
        return frozen
    if not raw:
        return _EMPTY
    made: Any = OpenDict(raw)  # Any: checkers do not see the slot
    made._is_json = True
    made.__class__ = _FrozenDict
    return made


def _frozen_array(items: list[Any]) -> tuple[Any, ...]:  # Any: as above
    for item in items:
        if type(item) not in JSON_FLAT:
            return tuple([item if type(item) in JSON_FLAT else _frozen_item(class_of(item), item) for item in items])
    return tuple(items)


def _frozen_item(kind: type[object], item: Any) -> object:  # Any: of that class
    if kind is dict:
        return frozen_json(item)
    if kind is list:
        return _frozen_array(item)
    if kind is not float or item - item:
        raise ValueError(f"{kind.__qualname__} is no plain JSON")
    return item


_EMPTY: Final[object] = _FrozenDict()


def note(owner: type, name: str) -> None:
    """Note that an untyped field of a class has held something other than plain JSON."""
    if name in noted(owner):
        return
    with notes_lock:
        setattr(owner, _NOTED, noted(owner) | {name})
        for forget in when_noted:
            forget()


def noted(owner: type) -> frozenset[str]:
    """Return the names of the noted fields of exactly this class."""
    names: frozenset[str] = vars(owner).get(_NOTED, _NONE)
    return names


_NOTED: Final = "__not_plain__"
_NONE: Final = frozenset[str]()
_ONLY_STRINGS: Final = frozenset((str,))
