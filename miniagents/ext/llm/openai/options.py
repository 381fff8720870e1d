"""The options of OpenAI's APIs, as type checkers see them: the parameters of the SDK's methods.

OpenAI's reference describes them. The parameters that the library sets itself (model, messages, tools, streaming) are
not options.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from miniagents.ext.llm._options import GIVEN_ELSEWHERE, CommonOptions, NewAgentOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from openai import AsyncOpenAI
    from openai.types.chat import (
        ChatCompletionAudioParam,
        ChatCompletionPredictionContentParam,
        ChatCompletionStreamOptionsParam,
        ChatCompletionToolChoiceOptionParam,
        completion_create_params,
    )
    from openai.types.responses import (
        ResponseIncludable,
        ResponsePromptParam,
        ResponseTextConfigParam,
        response_create_params,
    )
    from openai.types.shared import ReasoningEffort
    from openai.types.shared_params import Metadata, Reasoning

__all__ = [
    "WITHDRAWN_FROM_CHAT",
    "WITHDRAWN_FROM_RESPONSES",
    "ChatOptions",
    "NewChatOptions",
    "NewResponsesOptions",
    "ResponsesOptions",
]


class _BothOptions(CommonOptions, total=False):
    """The options that both APIs take, besides `CommonOptions`."""

    metadata: Metadata | None
    prompt_cache_key: str | None
    prompt_cache_retention: Literal["in_memory", "24h"] | None
    safety_identifier: str | None
    service_tier: Literal["auto", "default", "flex", "scale", "priority", "fast"] | None
    store: bool | None
    temperature: float | None
    top_logprobs: int | None
    top_p: float | None
    user: str


class ChatOptions(_BothOptions, total=False):
    """The options of chat completions (`client.chat.completions.create`), besides `CommonOptions`.

    Attributes:
        send_reasoning_as: The property of messages that returns a model's reasoning to it, such as
            "reasoning_content". By default a server gets its own reasoning back in the property in which it sent it,
            and no reasoning of others. None leaves all reasoning out.
    """

    audio: ChatCompletionAudioParam | None
    frequency_penalty: float | None
    logit_bias: Mapping[str, int] | None
    logprobs: bool | None
    max_completion_tokens: int | None
    max_tokens: int | None
    modalities: list[Literal["text", "audio"]] | None
    moderation: completion_create_params.Moderation | None
    parallel_tool_calls: bool
    prediction: ChatCompletionPredictionContentParam | None
    presence_penalty: float | None
    prompt_cache_options: completion_create_params.PromptCacheOptions
    reasoning_effort: ReasoningEffort | None
    response_format: completion_create_params.ResponseFormat
    seed: int | None
    send_reasoning_as: str | None
    stop: str | list[str] | None
    stream_options: ChatCompletionStreamOptionsParam | None
    tool_choice: ChatCompletionToolChoiceOptionParam
    verbosity: Literal["low", "medium", "high"] | None
    web_search_options: completion_create_params.WebSearchOptions


class ResponsesOptions(_BothOptions, total=False):
    """The options of the responses API (`client.responses.create`), besides `CommonOptions`."""

    access_programs: response_create_params.AccessPrograms
    context_management: Iterable[response_create_params.ContextManagement] | None
    conversation: response_create_params.Conversation | None
    image: response_create_params.Image
    include: list[ResponseIncludable] | None
    max_output_tokens: int | None
    max_tool_calls: int | None
    moderation: response_create_params.Moderation | None
    parallel_tool_calls: bool | None
    previous_response_id: str | None
    prompt: ResponsePromptParam | None
    prompt_cache_options: response_create_params.PromptCacheOptions
    reasoning: Reasoning | None
    stream_options: response_create_params.StreamOptions | None
    text: ResponseTextConfigParam
    tool_choice: response_create_params.ToolChoice
    truncation: Literal["auto", "disabled"] | None


class _NewOpenAIOptions(NewAgentOptions, total=False):
    """The keyword arguments of `create_openai_agent` that do not depend on the API; its docstring describes them."""

    client: AsyncOpenAI | Callable[[], AsyncOpenAI] | None


class NewChatOptions(ChatOptions, _NewOpenAIOptions, total=False):
    """The keyword arguments of `create_openai_agent` for chat completions."""


class NewResponsesOptions(ResponsesOptions, _NewOpenAIOptions, total=False):
    """The keyword arguments of `create_openai_agent` for the responses API."""


_OWN: Final = {
    **GIVEN_ELSEWHERE,
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
