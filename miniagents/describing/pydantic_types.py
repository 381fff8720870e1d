"""Types with classes of pydantic: their JSON Schema, and what reads them.

Only a program that has such a class loads this module, so it may import pydantic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from miniagents.messages.coding.codec import DecodeError, encode
from miniagents.messages.values.freezing import is_list, is_mapping

if TYPE_CHECKING:
    from collections.abc import Callable

    from miniagents.describing.json_schema import JsonSchema

__all__ = ["typed_by_pydantic"]


def typed_by_pydantic(form: Any) -> tuple[JsonSchema, Callable[[object], object]]:  # Any: a type of whatever kind
    """Return the JSON Schema of a type, and the function that reads values of it.

    Raises:
        TypeError: Pydantic knows no schema of the type.
    """
    try:
        adapter: TypeAdapter[object] = TypeAdapter(form)
        schema = adapter.json_schema()
    except PydanticUserError as error:
        raise TypeError(f"pydantic: {error.message}") from None

    def read(data: object) -> object:
        try:
            return adapter.validate_json(encode(data))
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            path = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in first["loc"])
            raise DecodeError(f"${path}", first["msg"]) from None

    return _alternatives(_at_its_place(schema)), read


# --- machinery ---


def _at_its_place(schema: JsonSchema) -> JsonSchema:
    """Return a schema that is no reference as a whole, as that of a class with itself in a field is."""
    definitions: JsonSchema = schema.get("$defs", {})
    if "$ref" not in schema:
        return schema
    return {**definitions[schema["$ref"].rpartition("/")[2]], "$defs": definitions}


def _alternatives(schema: Any) -> Any:  # Any: a schema, or a part of one
    """Return a schema whose alternatives are all `anyOf`, the only form that providers take."""
    if is_list(schema):
        return [_alternatives(each) for each in schema]
    if not is_mapping(schema):
        return schema
    is_choice = is_list(schema.get("oneOf"))
    parts: dict[object, object] = {
        "anyOf" if is_choice and name == "oneOf" else name: _alternatives(part)
        for name, part in schema.items()
        if not is_choice or name != "discriminator"
    }
    return parts
