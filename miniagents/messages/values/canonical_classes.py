"""A fast path to the canonical form of messages, which lets msgspec write most of it.

For each class a function is written out, as in `freezers.py`. It fills a Struct whose fields have the sorted and
escaped names. msgspec writes nearly all values as RFC 8785 demands: text, integers and most other numbers.
`canonical.py` defines the form, writes the remaining values and raises the errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from miniagents.messages.values.canonical import EXACT, escape, message_form, utf16, value_form
from miniagents.messages.values.freezers import attribute, function, hashed_name
from miniagents.messages.values.freezing import FrozenDict, FrozenType, class_tag, is_record

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    KeyOf: TypeAlias = Callable[[msgspec.Struct], str]
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
    contents = ", ".join(
        f"content if type(content := {attribute(hashed_name(cls, name))}) in as_they_are or content is nothing"
        f" or content is no_entries else written(content, key_of, cls, {name!r})"
        for _, name in names
    )
    lines = [
        f"try: return write(properties({contents}))",
        "except (TypeError, ValueError): return message_form(value, key_of)",  # an error with the path and the reason
    ]
    known: dict[str, object] = {
        "as_they_are": _AS_THEY_ARE,
        "nothing": (),
        "no_entries": FrozenDict(),
        "written": _written,
        "cls": cls,
        "write": _write,
        "properties": properties,
        "message_form": message_form,
    }
    return function(lines, known, "form(value, key_of)")


def _written(
    content: Any,  # Any: of the type that is asked for before each use
    key_of: KeyOf,
    owner: type,
    name: str,
) -> object:
    """Return a value whose JSON is the canonical form of a value that msgspec might write in another way.

    The value is not the empty tuple.
    """
    kind = type(content)  # pyright: ignore[reportUnknownVariableType] # of an Any
    if kind is tuple:
        if type(content[0]) in _ITEMS_AS_THEY_ARE and _ITEMS_AS_THEY_ARE.issuperset(map(type, content)):
            return content
        # most tuples are of messages: a call for each of them would double the time
        return [
            _Part(key_of(item)) if isinstance(type(item), FrozenType) else _item(item, key_of, owner, name)
            for item in content
        ]
    if kind is float:
        # msgspec and ECMAScript format numbers in this range in the same way.
        if not content.is_integer():
            return content if _PLAIN_FROM < abs(content) < _PLAIN_TO else _raw(content, key_of, owner, name)
        return int(content) if -EXACT < content < EXACT else _raw(content, key_of, owner, name)
    if kind is FrozenDict and _is_plain(content):
        return {key: content[key] for key in sorted(content)}
    return _Part(key_of(content)) if isinstance(kind, FrozenType) else _raw(content, key_of, owner, name)


def _is_plain(content: FrozenDict[Any, Any]) -> bool:  # Any: keys and values are asked for their types here
    """Return whether msgspec writes a mapping canonically once it is sorted: its keys are names, its values scalars."""
    if not _TEXTS.issuperset(map(type, content)):
        return False
    names = "".join(content)  # only of ASCII, the order of characters is that of UTF-16
    return names.isascii() and "@" not in names and _ITEMS_AS_THEY_ARE.issuperset(map(type, content.values()))


def _item(item: object, key_of: KeyOf, owner: type, name: str) -> object:
    """Do the same for an item of a tuple; a tuple in a tuple is written whole, because that needs no recursion."""
    kind = type(item)
    if kind in _ITEMS_AS_THEY_ARE:
        return item
    return _raw(item, key_of, owner, name) if kind is tuple else _written(item, key_of, owner, name)


def _raw(content: object, key_of: KeyOf, owner: type, name: str) -> msgspec.Raw:
    return msgspec.Raw(value_form(content, key_of, owner, name))


class _Part(msgspec.Struct, gc=False):
    """The form of a message inside another one: its key."""

    key: str = msgspec.field(name="@key")


_TEXTS: Final = frozenset((str,))
_ITEMS_AS_THEY_ARE: Final = _AS_THEY_ARE - {msgspec.UnsetType}
_PLAIN_FROM: Final = 1e-4
_PLAIN_TO: Final = 1e15
