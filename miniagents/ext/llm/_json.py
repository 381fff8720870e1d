"""Reading JSON that nobody has checked: what is not of the expected type counts as absent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from miniagents.messages import FrozenDict
from miniagents.messages.values.freezing import is_list, is_mapping, is_tuple

if TYPE_CHECKING:
    from typing_extensions import TypeIs

    from miniagents.messages import JsonValue

__all__ = [
    "JsonObject",
    "frozen_object",
    "is_object",
    "list_in",
    "number_in",
    "object_from_text",
    "object_in",
    "objects_in",
    "plain_object",
    "text_in",
]

JsonObject: TypeAlias = Mapping[str, object]
"""An object of JSON as it was read, or as it is to be sent."""


def is_object(value: object) -> TypeIs[JsonObject]:
    """Tell whether it is an object; the names of its properties are strings, as it comes from JSON."""
    return is_mapping(value)


def text_in(data: JsonObject, name: str) -> str | None:
    """Return the text under a name; None where there is none."""
    value = data.get(name)
    return value if isinstance(value, str) else None


def number_in(data: JsonObject, name: str) -> int:
    """Return the number under a name, 0 where there is none."""
    value = data.get(name)
    return value if isinstance(value, int) else 0


def object_in(data: JsonObject, *names: str) -> JsonObject:
    """Return the object under a name, in the object under the name before it; an empty one where there is none."""
    for name in names:
        value = data.get(name)
        data = value if is_object(value) else FrozenDict[str, object]()
    return data


def list_in(data: JsonObject, name: str) -> list[object]:
    """Return the list under a name, a tuple where the object was frozen; an empty one where there is none."""
    value = data.get(name)
    return list(value) if is_list(value) or is_tuple(value) else []


def objects_in(data: JsonObject, name: str) -> list[JsonObject]:
    """Return the objects in the list under a name."""
    return [each for each in list_in(data, name) if is_object(each)]


def plain_object(value: JsonObject) -> dict[str, object]:
    """Return the same object made of what the SDKs can write: dicts and lists."""
    return {name: _plain(each) for name, each in value.items()}


def frozen_object(value: JsonObject) -> Mapping[str, JsonValue]:
    """Return the same object, as fields of messages hold it."""
    content: Mapping[str, Any] = value  # Any: JSON, as it was read
    return FrozenDict(content)


def object_from_text(text: str) -> JsonObject | None:
    """Return the object that a text is the JSON of; None if it is no such text."""
    try:
        value: object = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return None
    return value if is_object(value) else None


def _plain(value: object) -> object:
    if is_object(value):
        return plain_object(value)
    return [_plain(each) for each in value] if is_tuple(value) or is_list(value) else value
