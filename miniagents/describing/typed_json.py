"""Types whose values a model writes as JSON: the schema that it is told, and what reads the JSON.

These are all types that `decode` takes, and besides: unions of classes that msgspec cannot tell apart, which the model
names by "@type", and types of pydantic, if it is there.
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any, Final, NamedTuple, get_args, get_origin

from miniagents.describing.json_schema import JsonSchema, json_schema, object_schema
from miniagents.messages.coding.codec import DecodeError, decode, encode
from miniagents.messages.coding.type_shapes import bare, is_union, union_of
from miniagents.messages.values.freezing import is_list, is_mapping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["TypedJson", "full_name", "members_of", "short_name", "typed_json"]


class TypedJson(NamedTuple):
    """A type whose values are written as JSON.

    Attributes:
        schema: Its JSON Schema. Objects have only the properties that are declared, so that a model invents none.
        read: Returns the value of plain JSON.
    """

    schema: JsonSchema
    read: Callable[[object], object]


def typed_json(form: Any) -> TypedJson:  # Any: a type of whatever kind
    """Return the schema of a type for a model, and the function that reads values of it.

    The function raises a `DecodeError` for JSON that is not of the type.

    Raises:
        TypeError: The type, or a part of it, has no form in JSON, or its values cannot be read.
    """
    if _is_of_pydantic(form):
        from miniagents.describing.pydantic_types import typed_by_pydantic  # noqa: PLC0415  # an extra

        schema, read = typed_by_pydantic(form)
        return TypedJson(_closed(schema), read)
    try:
        _refuse_unreadable(form)
    except TypeError:
        members = members_of(form)
        if len(members) == 1:
            raise
        return _tagged(members)

    def read_decoded(data: object) -> object:
        value: object = decode(encode(data), form)
        return value

    return TypedJson(_closed(json_schema(form)), read_decoded)


def members_of(form: object) -> tuple[Any, ...]:  # Any: types of whatever kind
    """Return the members of a union once each, those of named unions in it included; else the type itself."""
    inner = bare(form)
    if not is_union(inner):
        return (inner,)
    found: list[object] = []
    for each in get_args(inner):
        found.extend(member for member in members_of(each) if member not in found)  # not all types are hashable
    return tuple(found)


def short_name(form: Any) -> str:  # Any: a type of whatever kind
    """Return the name of a type as errors show it: `list[Order]`."""
    return _name(form, lambda cls: cls.__name__)


def full_name(form: Any) -> str:  # Any: a type of whatever kind
    """Return the name of a type with the modules of its classes: `list[shop.Order]`."""
    return _name(form, lambda cls: cls.__qualname__ if cls.__module__ == "builtins" else _path(cls))


# --- machinery ---

_TAG: Final = "@type"


def _tagged(members: tuple[Any, ...]) -> TypedJson:  # Any: types of whatever kind
    """Return a union of classes that only their names tell apart, and of other types."""
    names = [short_name(each) for each in members]
    if len({*names}) < len(names):
        raise TypeError(f"two types of the union have one name, and nothing else tells them apart: {', '.join(names)}")
    whole = object_schema({name: (each, {}) for name, each in zip(names, members, strict=True)}, names)
    definitions: JsonSchema = whole.get("$defs", {})
    classes: dict[object, Any] = {}  # Any: types of whatever kind
    others: list[object] = []
    schemas: list[JsonSchema] = []
    for name, each in zip(names, members, strict=True):
        schema: JsonSchema = whole["properties"][name]
        schema = definitions[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
        if "properties" in schema:
            _refuse_unreadable(each)
            tag = {_TAG: {"type": "string", "const": name}}
            required = [_TAG, *(each for each in schema.get("required", ()) if each != _TAG)]
            schema = {**schema, "properties": tag | schema["properties"] | tag, "required": required}
            classes[name] = each
        else:
            others.append(each)
        schemas.append(schema)
    rest: Any = union_of(others) if others else None  # Any: as above
    if others:
        _refuse_unreadable(rest)

    def read(data: object) -> object:
        tag = data.get(_TAG) if is_mapping(data) else None
        cls = classes.get(tag) if isinstance(tag, str) else None
        value: object
        if cls is not None and is_mapping(data):
            value = decode(encode({name: part for name, part in data.items() if name != _TAG}), cls)
            return value
        if others and not is_mapping(data):
            value = decode(encode(data), rest)
            return value
        raise DecodeError(f"$.{_TAG}", f"expected {' or '.join(map(repr, classes))}, got {tag!r:.100}")

    beside = {"$defs": definitions} if definitions else {}
    return TypedJson(_closed({"anyOf": schemas, **beside}), read)


def _refuse_unreadable(form: Any) -> None:  # Any: a type of whatever kind
    """Raise a TypeError for a type that cannot be decoded."""
    with contextlib.suppress(DecodeError):
        decode(b"null", form)


def _is_of_pydantic(form: Any) -> bool:  # Any: a type of whatever kind
    """Return whether a type, or one that it contains by its arguments, is a class of pydantic."""
    inner = bare(form)
    if "pydantic" not in sys.modules:  # no class is derived from one of it then
        return False
    is_model = isinstance(inner, type) and hasattr(inner, "__pydantic_validator__")
    return is_model or any(map(_is_of_pydantic, get_args(inner)))


def _closed(schema: Any) -> Any:  # Any: a schema, or a part of one
    """Return a schema whose objects have no other properties than those that are declared."""
    if is_list(schema):
        return [_closed(each) for each in schema]
    if not is_mapping(schema):
        return schema
    closed = {name: _closed(part) for name, part in schema.items()}
    if schema.get("type") == "object" and is_mapping(schema.get("properties")):
        closed.setdefault("additionalProperties", False)
    return closed


def _name(form: Any, of_class: Callable[[type], str]) -> str:  # Any: a type of whatever kind
    arguments = get_args(form)
    if is_union(form):
        return " | ".join(_names(arguments, of_class))
    origin = get_origin(form)
    if isinstance(origin, type) and arguments:
        return f"{of_class(origin)}[{', '.join(_names(arguments, of_class))}]"
    if form is type(None):
        return "None"
    return of_class(form) if isinstance(form, type) else getattr(form, "__name__", None) or repr(form)


def _names(forms: Iterable[object], of_class: Callable[[type], str]) -> list[str]:
    return ["..." if each is ... else _name(each, of_class) for each in forms]


def _path(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
