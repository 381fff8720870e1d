"""The classes of a module as a schema file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from miniagents.describing.json_schema import JsonSchema, class_schemas

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["module_schema"]


def module_schema(module: ModuleType, library: str) -> JsonSchema:
    """Return the schema of the Structs that a module defines, and of the classes that they refer to.

    Args:
        module: The module.
        library: What stands before the name of a class of the library where a schema refers to it.

    Raises:
        ExceptionGroup: The module defines no Structs, or types in it have no form in JSON; it holds a TypeError for
            each of them, with the path to it.
    """
    own = [each for each in vars(module).values() if isinstance(each, type) and each.__module__ == module.__name__]
    definitions = class_schemas([each for each in own if issubclass(each, msgspec.Struct)], library)
    if not definitions:
        nothing = "there are no types in it; name a module with classes that extend Message, Frozen or Record"
        raise ExceptionGroup("this module has no JSON Schema", [TypeError(nothing)])
    described = {"description": module.__doc__.strip()} if module.__doc__ else {}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **described, "$defs": definitions}
