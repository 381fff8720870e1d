"""What models and tools are told of Python types and functions: JSON Schema, and the texts of docstrings."""

from typing import TYPE_CHECKING

from miniagents._lazy import lazy_names

if TYPE_CHECKING:
    from miniagents.describing.json_schema import class_schema
else:
    __getattr__, __dir__ = lazy_names(__name__, {"json_schema": ("class_schema",)})

__all__ = ["class_schema"]
