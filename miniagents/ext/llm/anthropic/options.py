"""The options of Anthropic's messages API, as type checkers see them: the parameters of the SDK's method."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, Protocol

from miniagents.ext.llm.providers import CommonOptions, NewAgentOptions, NoSuchOption, SDKClient
from miniagents.messages import CachePoint  # noqa: TC001 - so that `get_type_hints` finds it

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from miniagents.ext.llm.anthropic import _parameters as parameters
    from miniagents.ext.llm.providers import AsyncResource

__all__ = ["WITHDRAWN_FROM_MESSAGES", "AnthropicClient", "MessagesOptions", "NewMessagesOptions"]


class AnthropicClient(SDKClient, Protocol):
    """A client of Anthropic's SDK: an `AsyncAnthropic`, or one of those for Bedrock, Vertex and others."""

    @property
    def messages(self) -> AsyncResource:
        """The part that is the messages API."""
        ...


class _MessagesOptions(CommonOptions, total=False):
    cache_system: CachePoint | None
    cache_tools: CachePoint | None
    cache_control: parameters.CacheControlEphemeral | None
    container: parameters.Container | str | None
    diagnostics: parameters.Diagnostics | None
    inference_geo: str | None
    max_tokens: int
    metadata: parameters.Metadata
    output_config: parameters.OutputConfig
    service_tier: Literal["auto", "standard_only"]
    speed: Literal["standard", "fast"] | None
    stop_sequences: Sequence[str]
    thinking: parameters.Thinking
    tool_choice: parameters.ToolChoice
    user_profile_id: str
    workspace_id: str


class MessagesOptions(_MessagesOptions, total=False, closed=True):
    """The options of the messages API (`client.messages.create`), besides `CommonOptions`.

    `cache_system` caches the instructions with the tools, and `cache_tools` the tools. Anthropic's reference describes
    the others. `max_tokens` has a default here. The parameters that the library sets itself (model, messages, tools,
    streaming) are not options.
    """


class NewMessagesOptions(_MessagesOptions, NewAgentOptions, total=False, extra_items=NoSuchOption):  # type: ignore[call-arg]  # mypy does not know PEP 728 in full
    """The keyword arguments of `create_anthropic_agent` that its overloads share; its docstring describes them."""

    client: AnthropicClient | Callable[[], AnthropicClient] | None


_SAMPLING: Final = (
    "Anthropic has withdrawn it; steer the model by the prompt, by output_config={'effort': ...} or by `thinking`. "
    "For a server that still takes it, give it in `extra_body`"
)

WITHDRAWN_FROM_MESSAGES: Final = {
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
