"""Python types described as JSON Schema."""

from typing import TYPE_CHECKING

from miniagents._lazy import lazy_names

if TYPE_CHECKING:
    from miniagents.describing import json_schema as json_schema
else:
    __getattr__, __dir__ = lazy_names(__name__, {"json_schema": ()})
