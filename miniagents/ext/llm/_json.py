"""Reads JSON that was not validated.

A value of another type than expected counts as absent where that loses nothing. Where it would lose a part of what a
model said, it is read all the same, or it is an error (`wrong_type`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from miniagents.ext.llm.errors import ProtocolError
from miniagents.messages import FrozenDict
from miniagents.messages.values.freezing import is_list, is_mapping, is_tuple
from miniagents.messages.values.surrogates import mended

if TYPE_CHECKING:
    from typing_extensions import TypeIs

    from miniagents.messages import JsonValue

__all__ = [
    "JsonObject",
    "frozen_object",
    "identifier_in",
    "is_list",
    "is_object",
    "json_text",
    "list_in",
    "mended_json",
    "number_in",
    "object_from_text",
    "object_in",
    "objects_in",
    "plain_object",
    "text_in",
    "valid_arguments",
    "wrong_type",
]

JsonObject: TypeAlias = Mapping[str, object]
"""A JSON object that was received, or that is to be sent."""


def is_object(value: object) -> TypeIs[JsonObject]:
    """Return whether a value is a JSON object. Its names are not checked: in JSON they are always strings."""
    return is_mapping(value)


def text_in(data: JsonObject, name: str) -> str | None:
    """Return the text under a name; None if there is none."""
    value = data.get(name)
    return value if isinstance(value, str) else None


def identifier_in(data: JsonObject, name: str) -> str | None:
    """Return the identifier or the code under a name as text; None if there is none. Some servers send numbers."""
    value = data.get(name)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else text_in(data, name)


def json_text(value: object) -> str:
    """Return JSON that is expected as text; some servers send the value itself. There may be none."""
    if value is None or isinstance(value, str):
        return value or ""
    return msgspec.json.encode(mended_json(value)).decode()


def wrong_type(name: str, value: object) -> ProtocolError:
    """Return the error for a value that is no part of an answer as the protocol says."""
    return ProtocolError(f"the answer is not what the protocol says: {name!r} is {value!r:.100}")


def number_in(data: JsonObject, name: str) -> int:
    """Return the whole number under a name; 0 if there is none."""
    value = data.get(name)
    return value if isinstance(value, int) else 0


def object_in(data: JsonObject, *names: str) -> JsonObject:
    """Return the object at a path of names; an empty object if there is none."""
    for name in names:
        value = data.get(name)
        data = value if is_object(value) else FrozenDict[str, object]()
    return data


def list_in(data: JsonObject, name: str) -> list[object]:
    """Return the list (or the tuple of a frozen object) under a name; an empty list if there is none."""
    value = data.get(name)
    return list(value) if is_list(value) or is_tuple(value) else []


def objects_in(data: JsonObject, name: str) -> list[JsonObject]:
    """Return the objects in the list under a name; other items are left out."""
    return [each for each in list_in(data, name) if is_object(each)]


def plain_object(value: JsonObject) -> dict[str, object]:
    """Return a copy that is made of dicts and lists; the SDKs cannot write frozen objects."""
    return {name: _plain(each) for name, each in value.items()}


def frozen_object(value: JsonObject) -> Mapping[str, JsonValue]:
    """Return a frozen copy of an object, for a field of a message; its text is mended."""
    content: Mapping[str, Any] = value  # Any: JSON that was received
    try:
        return FrozenDict(content)
    except ValueError:  # a lone surrogate
        return FrozenDict({mended(name): mended_json(each) for name, each in content.items()})


def mended_json(value: object) -> Any:  # Any: JSON that was received
    """Return JSON whose text is Unicode text: halves of surrogate pairs are joined or replaced."""
    if isinstance(value, str):
        return mended(value)
    if is_object(value):
        return {mended(name): mended_json(each) for name, each in value.items()}
    return [mended_json(each) for each in value] if is_tuple(value) or is_list(value) else value


def object_from_text(text: str) -> JsonObject | None:
    """Decode the JSON of an object; return None if the text is invalid or not an object."""
    try:
        value: object = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return None
    return value if is_object(value) else None


def valid_arguments(text: str) -> str:
    """Return the arguments of a call as JSON of an object.

    Models write other texts, and the limit of tokens cuts them off. Many servers decode the arguments of all calls in a
    conversation, and would refuse every further request.
    """
    return text if object_from_text(text) is not None else msgspec.json.encode({"invalid_json": text}).decode()


def _plain(value: object) -> object:
    if is_object(value):
        return plain_object(value)
    return [_plain(each) for each in value] if is_tuple(value) or is_list(value) else value
