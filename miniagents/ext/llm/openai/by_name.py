"""The providers of this package by the names that stand before those of their models, as in "openai:NAME"."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from miniagents.ext.llm.openai.model_agents import create_openai_agent, default_client
from miniagents.ext.llm.providers import Provider

__all__ = ["PROVIDERS"]

PROVIDERS: Final[Mapping[str, Provider]] = MappingProxyType(
    {
        "openai": Provider(
            create_agent=create_openai_agent,
            make_client=default_client,
            key_variable="OPENAI_API_KEY",
        ),
    }
)
"""The providers."""
