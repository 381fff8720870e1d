"""Definitions of tools and of replies, which are the same for all providers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ReplySchema", "ToolDefinition"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolDefinition:
    """The description of a tool for a model.

    Attributes:
        name: The name by which the model calls it.
        description: What it does and when to use it.
        parameters: The JSON Schema of its arguments; it describes an object.
        strict: Whether the provider enforces that schema; it then takes only schemas of a certain form. None means
            the provider's default.
    """

    name: str
    description: str | None = None
    parameters: Mapping[str, object]
    strict: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplySchema:
    """The schema that a model's answer must have.

    Attributes:
        name: The name of the schema, for the provider.
        description: The purpose of the answer, for the model.
        schema: The JSON Schema.
        strict: Whether the provider enforces the schema, if it can.
    """

    name: str
    description: str | None = None
    schema: Mapping[str, object]
    strict: bool = True
