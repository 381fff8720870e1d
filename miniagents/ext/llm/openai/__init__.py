"""Models behind OpenAI's APIs, and behind the many servers that speak the same protocol, as agents."""

from miniagents.ext.llm.openai.model_agents import (
    ChatOptions,
    OpenAIAgent,
    OpenAIResponsesAgent,
    ResponsesOptions,
    create_openai_agent,
    create_openai_embedding_agent,
)

__all__ = [
    "ChatOptions",
    "OpenAIAgent",
    "OpenAIResponsesAgent",
    "ResponsesOptions",
    "create_openai_agent",
    "create_openai_embedding_agent",
]
