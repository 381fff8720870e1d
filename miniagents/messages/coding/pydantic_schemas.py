"""Frozen classes as types of pydantic, and so as bodies, responses and fields of FastAPI.

What pydantic is given is decoded by `decode`, and what it is to write is what `encode` writes; the JSON Schema is that
of the class. This module is loaded by pydantic's own call, so it may import pydantic.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pydantic_core import core_schema

from miniagents.messages import DecodeError, decode, encode

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic_core.core_schema import CoreSchema

    from miniagents.messages.values.frozen import Frozen

__all__ = ["core_schema_of"]


def core_schema_of(cls: type[Frozen], describing: frozenset[type] = frozenset()) -> CoreSchema:
    """Return how pydantic checks, writes and describes values of a class and of the classes derived from it.

    Args:
        cls: The class.
        describing: The classes around it whose JSON Schemas are being written.
    """

    def value_of(given: object) -> Frozen:
        return _value_of(cls, given)

    value_of.__name__ = cls.__name__  # pydantic shows it where one of a union did not fit
    return core_schema.no_info_plain_validator_function(
        value_of,
        ref=_ref_of(cls),
        serialization=core_schema.plain_serializer_function_ser_schema(_plain),
        metadata={"pydantic_js_functions": [partial(_json_schema, cls, describing | {cls})]},
    )


def _ref_of(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}:{id(cls)}"


def _value_of(cls: type[Frozen], given: object) -> Frozen:
    """Return a value of the class; pydantic makes one of its own errors of a ValueError."""
    if isinstance(given, cls):
        return given
    try:
        return decode(encode(given), cls)
    except DecodeError:
        raise
    except TypeError as error:  # of `encode`: pydantic lets it through
        raise ValueError(str(error)) from None


def _plain(value: Frozen) -> Any:  # Any: plain JSON
    return decode(encode(value), object)


def _json_schema(
    cls: type[Frozen], describing: frozenset[type], _: CoreSchema, handler: GetJsonSchemaHandler
) -> dict[str, Any]:  # Any: JSON Schema
    """Return the JSON Schema of a class; classes of its fields become definitions of pydantic's own."""
    schemas = import_module("miniagents.describing.json_schema")  # in this way, because it is built on coding

    def refer(other: Any) -> dict[str, Any]:  # Any: a Frozen class
        if other in describing:
            return handler(core_schema.definition_reference_schema(_ref_of(other)))
        array = handler(core_schema.list_schema(core_schema_of(other, describing)))  # only parts are defined
        items: dict[str, Any] = array["items"]  # Any: JSON Schema
        return items

    return {"title": cls.__name__, **schemas.class_schema(cls, refer)}
