"""Models behind Anthropic's API as agents, and models of servers that speak the same protocol."""

from miniagents.ext.llm.anthropic.model_agents import (
    DEFAULT_MAX_TOKENS,
    AnthropicAgent,
    MessagesOptions,
    create_anthropic_agent,
)

__all__ = ["DEFAULT_MAX_TOKENS", "AnthropicAgent", "MessagesOptions", "create_anthropic_agent"]
