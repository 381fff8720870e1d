"""A fast path to the canonical form of messages, which lets msgspec write most of it.

The tag and the names of the fields, escaped and sorted, are computed once for each class. msgspec writes nearly all
values as RFC 8785 demands: text, integers and most other numbers. `canonical.py` defines the form, writes the remaining
values and raises the errors. This is ten times as fast as `canonical.py` alone.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import msgspec

from miniagents.messages.values.canonical import escape, message_form, utf16, value_form
from miniagents.messages.values.freezing import FrozenType, class_tag, is_record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    KeyOf: TypeAlias = Callable[[msgspec.Struct], str]
    Writer: TypeAlias = Callable[[Any, KeyOf], object]  # Any: a value of a certain class
    Former: TypeAlias = Callable[[Any, KeyOf], bytes]  # Any: a value of the class

__all__ = ["former_of"]

_AS_THEY_ARE: Final = frozenset((type(None), bool, int, str, msgspec.UnsetType))
_write: Final = msgspec.json.Encoder().encode


def former_of(cls: type[msgspec.Struct]) -> Former:
    """Return the function that writes the canonical form of values of a class, with the results of `message_form`.

    Args:
        cls: A class of messages or records.
    """
    tag_field = "@record" if is_record(cls) else "@type"
    encoded = zip(cls.__struct_fields__, cls.__struct_encode_fields__, strict=True)
    names = sorted(((escape(key), name) for name, key in encoded), key=lambda pair: utf16(pair[0]))
    if any(utf16(key) < utf16(tag_field) for key, _ in names):  # msgspec would write the tag first
        return message_form
    places = [f"field{place}" for place in range(len(names))]
    properties = msgspec.defstruct(
        cls.__name__,
        places,
        rename=dict(zip(places, (key for key, _ in names), strict=True)),
        tag_field=tag_field,
        tag=class_tag(cls),
        gc=False,
    )
    contents_of = _getter(*(name for _, name in names))
    writers: dict[tuple[type, ...], tuple[tuple[int, Writer], ...]] = {}  # by the classes of the contents

    def form(value: Any, key_of: KeyOf) -> bytes:  # Any: a value of the class
        contents = contents_of(value)
        kinds = tuple(map(type, contents))
        needed = writers.get(kinds)
        if needed is None:
            writer_of = ((place, _writer_of(kind)) for place, kind in enumerate(kinds))
            needed = tuple((place, writer) for place, writer in writer_of if writer is not None)
            if len(writers) < _COMBINATIONS_KEPT:
                writers[kinds] = needed
        try:
            if needed:
                written = list(contents)
                for place, writer in needed:
                    written[place] = writer(contents[place], key_of)
                contents = written
            return _write(properties(*contents))
        except (TypeError, ValueError):
            return message_form(value, key_of)  # it raises an error with the path and the reason

    return form


def _getter(*names: str) -> Callable[[object], Sequence[object]]:
    """Return a function that returns a sequence of these attributes; unlike `attrgetter`, for any number of names."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: [getattr(value, name) for name in names]


_COMBINATIONS_KEPT: Final = 64


def _writer_of(kind: type) -> Writer | None:
    """Return the function that turns a value of a class into one whose JSON is its canonical form, or None."""
    if kind in _AS_THEY_ARE:
        return None
    if isinstance(kind, FrozenType):
        return _part
    if kind is float:
        return _number
    return _tuple if kind is tuple else _raw


def _part(content: msgspec.Struct, key_of: KeyOf) -> object:
    return _Part(key_of(content))


def _number(content: float, key_of: KeyOf) -> object:
    # msgspec and ECMAScript format numbers in this range in the same way.
    if content.is_integer():
        return int(content) if -_EXACT < content < _EXACT else _raw(content, key_of)
    return content if _PLAIN_FROM < abs(content) < _PLAIN_TO else _raw(content, key_of)


def _tuple(content: tuple[object, ...], key_of: KeyOf) -> object:
    return content if _ITEMS_AS_THEY_ARE.issuperset(map(type, content)) else _raw(content, key_of)


def _raw(content: object, key_of: KeyOf) -> object:
    return msgspec.Raw(value_form(content, key_of))


class _Part(msgspec.Struct, gc=False):
    """The form of a message inside another one: its key."""

    key: str = msgspec.field(name="@key")


_ITEMS_AS_THEY_ARE: Final = _AS_THEY_ARE - {msgspec.UnsetType}
_EXACT: Final = 2.0**53
_PLAIN_FROM: Final = 1e-4
_PLAIN_TO: Final = 1e15
