"""What language models of all providers have in common, for those who build on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ReplySchema", "ToolDefinition"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolDefinition:
    """What a model is told of a tool.

    Attributes:
        name: What the model calls it.
        description: What it does and when to use it.
        parameters: The JSON Schema of its arguments, an object's.
        strict: Whether the provider is to see to it that the arguments are of that schema; it then takes schemas of a
            certain form only. None leaves it to the provider.
    """

    name: str
    description: str | None = None
    parameters: Mapping[str, object]
    strict: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplySchema:
    """The form that a model's answer must have.

    Attributes:
        name: What the provider is told it is called.
        description: What it is for.
        schema: Its JSON Schema.
        strict: Whether the provider is to see to it that the answer is of that schema, where it can do so.
    """

    name: str
    description: str | None = None
    schema: Mapping[str, object]
    strict: bool = True
