"""The options of Anthropic's messages API, as type checkers see them: the parameters of the SDK's method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from miniagents.ext.llm._options import GIVEN_ELSEWHERE, CommonOptions, NewAgentOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from anthropic import AsyncAnthropic
    from anthropic.lib.bedrock import AsyncAnthropicBedrock
    from anthropic.lib.vertex import AsyncAnthropicVertex
    from anthropic.types import (
        CacheControlEphemeralParam,
        DiagnosticsParam,
        MessageCreateParamsContainerParam,
        MetadataParam,
        OutputConfigParam,
        ThinkingConfigParam,
        ToolChoiceParam,
    )

    AnthropicClient: TypeAlias = AsyncAnthropic | AsyncAnthropicBedrock | AsyncAnthropicVertex
    """A client of Anthropic's SDK."""

__all__ = ["WITHDRAWN_FROM_MESSAGES", "MessagesOptions", "NewMessagesOptions"]


class MessagesOptions(CommonOptions, total=False):
    """The options of the messages API (`client.messages.create`), besides `CommonOptions`.

    Anthropic's reference describes them. `max_tokens` has a default here. The parameters that the library sets itself
    (model, messages, tools, streaming) are not options.
    """

    cache_control: CacheControlEphemeralParam | None
    container: MessageCreateParamsContainerParam | None
    diagnostics: DiagnosticsParam | None
    inference_geo: str | None
    max_tokens: int
    metadata: MetadataParam
    output_config: OutputConfigParam
    service_tier: Literal["auto", "standard_only"]
    speed: Literal["standard", "fast"] | None
    stop_sequences: list[str]
    thinking: ThinkingConfigParam
    tool_choice: ToolChoiceParam
    user_profile_id: str
    workspace_id: str


class NewMessagesOptions(MessagesOptions, NewAgentOptions, total=False):
    """The keyword arguments of `create_anthropic_agent` that its overloads share; its docstring describes them."""

    client: AnthropicClient | Callable[[], AnthropicClient] | None


_SAMPLING: Final = (
    "Anthropic has withdrawn it; steer the model by the prompt, by output_config={'effort': ...} or by `thinking`. "
    "For a server that still takes it, give it in `extra_body`"
)

WITHDRAWN_FROM_MESSAGES: Final = {
    **GIVEN_ELSEWHERE,
    "frequency_penalty": "that is an option of OpenAI's",
    "max_completion_tokens": "here it is called `max_tokens`",
    "max_output_tokens": "here it is called `max_tokens`",
    "output_format": "give output_config={'format': ...}",
    "presence_penalty": "that is an option of OpenAI's",
    "reasoning_effort": "give output_config={'effort': ...}",
    "response_format": "give output_config={'format': ...}",
    "seed": "that is an option of OpenAI's",
    "stop": "here it is called `stop_sequences`",
    "temperature": _SAMPLING,
    "top_k": _SAMPLING,
    "top_p": _SAMPLING,
}
"""Options that the messages API does not take, or not any more, and what to do instead."""
