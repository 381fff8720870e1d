"""Models behind OpenAI's APIs as agents, and models of the many servers that speak the same protocols."""

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
