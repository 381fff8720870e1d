"""The providers of this package by the names that stand before those of their models, as in "anthropic:NAME"."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from miniagents.ext.llm.anthropic.model_agents import create_anthropic_agent, default_client
from miniagents.ext.llm.providers import Provider

__all__ = ["PROVIDERS"]

PROVIDERS: Final[Mapping[str, Provider]] = MappingProxyType(
    {
        "anthropic": Provider(
            create_agent=create_anthropic_agent,
            make_client=default_client,
            key_variable="ANTHROPIC_API_KEY",
        ),
    }
)
"""The providers."""
