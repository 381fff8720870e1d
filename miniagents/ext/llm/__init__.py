"""Language models as agents like any other: OpenAI, Anthropic, and all servers that speak their protocols.

An SDK is imported when a model is first asked.
"""

from typing import TYPE_CHECKING

from miniagents._lazy import teaching
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
    TooManyTurnsError,
    TransientModelError,
    TruncatedError,
    WrongReplyError,
)
from miniagents.ext.llm.openai import (
    OpenAIAgent,
    OpenAIResponsesAgent,
    create_openai_agent,
    create_openai_embedding_agent,
)
from miniagents.ext.llm.partials import Partial, partial_values
from miniagents.ext.llm.providers import Provider, Providers, create_agent
from miniagents.ext.llm.warming import warm_up

if not TYPE_CHECKING:  # for checkers this would allow any name
    __getattr__ = teaching(__name__)

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
    "Partial",
    "ProtocolError",
    "Provider",
    "ProviderError",
    "Providers",
    "QuotaExceededError",
    "RateLimitError",
    "ReplySchema",
    "RequestRefusedError",
    "TooManyTurnsError",
    "ToolDefinition",
    "TransientModelError",
    "TruncatedError",
    "WrongReplyError",
    "create_agent",
    "create_anthropic_agent",
    "create_openai_agent",
    "create_openai_embedding_agent",
    "partial_values",
    "warm_up",
]
