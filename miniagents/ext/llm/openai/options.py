"""The options of OpenAI's APIs, as type checkers see them: the parameters of the SDK's methods.

OpenAI's reference describes them. The parameters that the library sets itself (model, messages, tools, streaming) are
not options.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, Protocol

from miniagents.ext.llm.providers import CommonOptions, NewAgentOptions, NoSuchOption, SDKClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from miniagents.ext.llm.openai import _parameters as parameters
    from miniagents.ext.llm.providers import AsyncResource

__all__ = [
    "WITHDRAWN_FROM_CHAT",
    "WITHDRAWN_FROM_RESPONSES",
    "ChatOptions",
    "NewChatOptions",
    "NewResponsesOptions",
    "OpenAIClient",
    "ResponsesOptions",
]


class _ChatResource(Protocol):
    @property
    def completions(self) -> AsyncResource: ...


class OpenAIClient(SDKClient, Protocol):
    """A client of OpenAI's SDK: an `AsyncOpenAI`, an `AsyncAzureOpenAI`, or what has these parts of one."""

    @property
    def chat(self) -> _ChatResource:
        """The part that answers chats."""
        ...

    @property
    def responses(self) -> AsyncResource:
        """The part that is the responses API."""
        ...

    @property
    def embeddings(self) -> AsyncResource:
        """The part that makes embeddings."""
        ...


class _BothOptions(CommonOptions, total=False):
    """The options that both APIs take, besides `CommonOptions`."""

    metadata: dict[str, str] | None
    prompt_cache_key: str | None
    prompt_cache_retention: Literal["in_memory", "24h"] | None
    safety_identifier: str | None
    store: bool | None
    temperature: float | None
    top_logprobs: int | None
    top_p: float | None
    user: str


class _ChatOptions(_BothOptions, total=False):
    audio: parameters.Audio | None
    frequency_penalty: float | None
    logit_bias: dict[str, int] | None
    logprobs: bool | None
    max_completion_tokens: int | None
    max_tokens: int | None
    modalities: list[Literal["text", "audio"]] | None
    moderation: parameters.Moderation | None
    parallel_tool_calls: bool
    prediction: parameters.PredictedContent | None
    presence_penalty: float | None
    prompt_cache_options: parameters.ChatPromptCacheOptions
    reasoning_effort: parameters.ReasoningEffort | None
    response_format: parameters.ChatResponseFormat
    seed: int | None
    send_reasoning_as: str | None
    service_tier: Literal["auto", "default", "flex", "scale", "priority", "fast"] | None
    stop: str | Sequence[str] | None
    stream_options: parameters.ChatStreamOptions | None
    think_tags: bool
    tool_choice: parameters.ChatToolChoice
    verbosity: Literal["low", "medium", "high"] | None
    web_search_options: parameters.WebSearchOptions


class _ResponsesOptions(_BothOptions, total=False):
    access_programs: parameters.AccessPrograms
    context_management: Iterable[parameters.ContextManagement] | None
    conversation: str | parameters.Conversation | None
    image: parameters.ImageOptions
    include: list[parameters.Includable] | None
    max_output_tokens: int | None
    max_tool_calls: int | None
    moderation: parameters.Moderation | None
    parallel_tool_calls: bool | None
    previous_response_id: str | None
    prompt: parameters.Prompt | None
    prompt_cache_options: parameters.ResponsesPromptCacheOptions
    reasoning: parameters.ReasoningOptions | None
    service_tier: Literal["auto", "default", "flex", "scale", "priority", "fast", "ultrafast"] | None
    stream_options: parameters.ResponsesStreamOptions | None
    text: parameters.TextOptions
    tool_choice: parameters.ToolChoice
    truncation: Literal["auto", "disabled"] | None


class _NewOpenAIOptions(NewAgentOptions, total=False):
    """The keyword arguments of `create_openai_agent` that do not depend on the API; its docstring describes them."""

    client: OpenAIClient | Callable[[], OpenAIClient] | None


class ChatOptions(_ChatOptions, total=False, closed=True):
    """The options of chat completions (`client.chat.completions.create`), besides `CommonOptions`.

    Attributes:
        send_reasoning_as: The property of messages that returns a model's reasoning to it, such as
            "reasoning_content". By default a server gets its own reasoning back in the property in which it sent it,
            and no reasoning of others. None leaves all reasoning out.
        think_tags: Whether a text that begins with `<think>` is the model's reasoning up to `</think>`, for servers
            that do not separate it; by default only with a `reply_type`.
    """


class NewChatOptions(_ChatOptions, _NewOpenAIOptions, total=False, extra_items=NoSuchOption):  # type: ignore[call-arg]  # mypy does not know PEP 728 in full
    """The keyword arguments of `create_openai_agent` for chat completions."""


class ResponsesOptions(_ResponsesOptions, total=False, closed=True):
    """The options of the responses API (`client.responses.create`), besides `CommonOptions`."""


class NewResponsesOptions(_ResponsesOptions, _NewOpenAIOptions, total=False, extra_items=NoSuchOption):  # type: ignore[call-arg]  # mypy does not know PEP 728 in full
    """The keyword arguments of `create_openai_agent` for the responses API."""


_OWN: Final = {
    "input": "ask the agent with the messages: agent.inquire(messages)",
    "instructions": "give it as `system`",
}

WITHDRAWN_FROM_CHAT: Final = {
    **_OWN,
    "function_call": "OpenAI has replaced it by `tool_choice`",
    "functions": "OpenAI has replaced them by `tools`",
    "max_output_tokens": "here it is called `max_completion_tokens`",
    "reasoning": "give `reasoning_effort`, or make the agent with api='responses'",
    "text": "make the agent with api='responses', or give `response_format` or `verbosity`",
    "previous_response_id": "make the agent with api='responses'",
}
"""Options that chat completions do not take, and what to do instead."""

WITHDRAWN_FROM_RESPONSES: Final = {
    **_OWN,
    "background": "an answer that is made in the background cannot be read by an agent",
    "background_options": "an answer that is made in the background cannot be read by an agent",
    "max_completion_tokens": "here it is called `max_output_tokens`",
    "max_tokens": "here it is called `max_output_tokens`",
    "reasoning_effort": "give reasoning={'effort': ...}",
    "response_format": "give text={'format': ...}",
    "verbosity": "give text={'verbosity': ...}",
}
"""Options that the responses API does not take, and what to do instead."""
