"""Language models as agents like any other: OpenAI, Anthropic, and all servers that speak their protocols.

No SDK is imported before a model is asked.
"""

from miniagents.ext.llm.anthropic import AnthropicAgent, create_anthropic_agent
from miniagents.ext.llm.common import ReplySchema, ToolDefinition
from miniagents.ext.llm.errors import (
    AuthenticationError,
    ContentFilterError,
    ContextTooLongError,
    LanguageModelError,
    MissingKeyError,
    MissingSDKError,
    ModelConnectionError,
    ModelSetupError,
    ModelTimeoutError,
    OverloadedError,
    ProtocolError,
    ProviderError,
    QuotaExceededError,
    RateLimitError,
    RequestRefusedError,
    TransientModelError,
    TruncatedError,
)
from miniagents.ext.llm.openai import (
    OpenAIAgent,
    OpenAIResponsesAgent,
    create_openai_agent,
    create_openai_embedding_agent,
)

__all__ = [
    "AnthropicAgent",
    "AuthenticationError",
    "ContentFilterError",
    "ContextTooLongError",
    "LanguageModelError",
    "MissingKeyError",
    "MissingSDKError",
    "ModelConnectionError",
    "ModelSetupError",
    "ModelTimeoutError",
    "OpenAIAgent",
    "OpenAIResponsesAgent",
    "OverloadedError",
    "ProtocolError",
    "ProviderError",
    "QuotaExceededError",
    "RateLimitError",
    "ReplySchema",
    "RequestRefusedError",
    "ToolDefinition",
    "TransientModelError",
    "TruncatedError",
    "create_anthropic_agent",
    "create_openai_agent",
    "create_openai_embedding_agent",
]
