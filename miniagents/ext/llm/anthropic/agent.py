"""Agents that are models of Anthropic, or of any server that speaks its protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, Self, overload

from typing_extensions import TypeVar, Unpack

from miniagents.ext.llm._agent import OptionRules
from miniagents.ext.llm._clients import ClientSettings, clients_for, import_sdk
from miniagents.ext.llm._equipping import equipped
from miniagents.ext.llm._model import LanguageModel
from miniagents.ext.llm._strict_schemas import anthropic_form
from miniagents.ext.llm.anthropic.messages import DEFAULT_MAX_TOKENS, AnthropicMessages
from miniagents.ext.llm.anthropic.options import WITHDRAWN_FROM_MESSAGES, MessagesOptions
from miniagents.ext.llm.errors import MissingKeyError
from miniagents.messages import AnthropicMessage, Message
from miniagents.miniagents import MiniAgent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from anthropic import AsyncAnthropic

    from miniagents.ext.llm._equipping import AnyTool
    from miniagents.ext.llm.anthropic.calls import AnthropicClient
    from miniagents.ext.llm.anthropic.options import NewMessagesOptions
    from miniagents.ext.llm.common import ToolDefinition
    from miniagents.messages import MessageSequencePromise, MessageType, ToolResultMessage

__all__ = ["DEFAULT_MAX_TOKENS", "AnthropicAgent", "MessagesOptions", "create_anthropic_agent"]

Out_co = TypeVar("Out_co", bound=Message, default=AnthropicMessage, covariant=True)
Reply = TypeVar("Reply", bound=Message)

_MESSAGES: Final = OptionRules("Anthropic's messages API", MessagesOptions, WITHDRAWN_FROM_MESSAGES)


class AnthropicAgent(MiniAgent[Message, Out_co, ...], Generic[Out_co]):
    """An agent that is a model behind Anthropic's messages API; `create_anthropic_agent` makes it.

    It is asked like any other agent. The options that it was made with may be given anew for a call.
    """

    __slots__ = ()

    if TYPE_CHECKING:  # the options are checked below; here they get their types

        def inquire(
            self, messages: MessageType[Message] | None = None, /, **options: Unpack[MessagesOptions]
        ) -> MessageSequencePromise[Out_co]:
            """Asks the model."""
            ...

        def bound(self, **options: Unpack[MessagesOptions]) -> Self:
            """The same agent with other options."""
            ...

    def _check_arguments(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> None:
        super()._check_arguments(args, {})
        _MESSAGES.check(f"agent {self.alias!r}", kwargs)


@overload
def create_anthropic_agent(
    model: str,
    *,
    tools: Iterable[ToolDefinition | Mapping[str, object]] = ...,
    reply_type: None = ...,
    **options: Unpack[NewMessagesOptions],
) -> AnthropicAgent: ...
@overload
def create_anthropic_agent(
    model: str,
    *,
    tools: Iterable[AnyTool],
    reply_type: None = ...,
    **options: Unpack[NewMessagesOptions],
) -> AnthropicAgent[AnthropicMessage | ToolResultMessage]: ...
@overload
def create_anthropic_agent(
    model: str,
    *,
    tools: tuple[()] = ...,
    reply_type: type[Reply],
    strict_reply: bool = ...,
    **options: Unpack[NewMessagesOptions],
) -> AnthropicAgent[Reply]: ...
@overload
def create_anthropic_agent(
    model: str,
    *,
    tools: Iterable[AnyTool],
    reply_type: type[Reply],
    strict_reply: bool = ...,
    **options: Unpack[NewMessagesOptions],
) -> AnthropicAgent[AnthropicMessage | ToolResultMessage | Reply]: ...
def create_anthropic_agent(
    model: str,
    *,
    tools: Iterable[AnyTool] = (),
    reply_type: type[Message] | None = None,
    strict_reply: bool = True,
    client: AnthropicClient | Callable[[], AnthropicClient] | None = None,
    api_key: str | None = None,
    base_url: str | None = None,
    max_retries: int | None = None,
    default_headers: Mapping[str, str] | None = None,
    alias: str | None = None,
    description: str | None = None,
    **options: Any,  # Any: the overloads say which there are, and it is looked at below
) -> AnthropicAgent[Any]:  # Any: the overloads say which messages
    """An agent that is a model of Anthropic, or of any server that speaks its protocol.

    Its answer is an `AnthropicMessage`, streamed: tokens as `str`, the rest by `promise.events`. Errors are those of
    `miniagents.ext.llm.errors`. The SDK (`pip install 'miniagents[anthropic]'`) is imported when the agent is first
    asked. What is said of `tools` and `reply_type` at `create_openai_agent` holds here as well.

    Args:
        model: the name of the model.
        tools: the tools that the model may call (see `miniagents.tool`, and `as_tool` of agents); a mapping is one of
            Anthropic's own, as its reference writes it.
        reply_type: the class of the answer, a message class with fields of its own.
        strict_reply: whether Anthropic is to see to it that the answer is of the class. It does so for what its schemas
            can say, and what they cannot say is refused. If it is not, the model is shown the schema.
        client: the client to use, or a function that makes one for each `MiniAgents` context. By default one is made
            for each context in which it is needed, and closed with it.
        api_key: the key; by default that of the environment, ANTHROPIC_API_KEY.
        base_url: where the server is; by default ANTHROPIC_BASE_URL, or Anthropic.
        max_retries: how often the SDK asks again where an answer has not begun; by default twice. It keeps to the
            pauses that the server asks for. No token is ever streamed twice.
        default_headers: headers of all requests.
        alias: what logs, errors and records call the agent; by default the name of the model.
        description: what the agent does.
        options: those of the API (`MessagesOptions`), `system` and `stream` among them. `max_tokens`, which the API
            insists on, is 16384 unless it is given.

    Raises:
        TypeError: the API does not take one of the options; the text says what it takes. Or something is no tool, or a
            schema cannot be said in Anthropic's form.
        ValueError: a limit is too small.
    """
    where = "create_anthropic_agent"
    _MESSAGES.check(where, options)
    settings = ClientSettings(api_key=api_key, base_url=base_url, max_retries=max_retries, headers=default_headers)
    language_model = LanguageModel(
        name=model,
        protocol=AnthropicMessages(),
        clients=clients_for(where, default_client, settings, client),
        options={**options},
    )
    work, gives = equipped(
        where,
        language_model,
        anthropic_form,
        tools=tools,
        reply_type=reply_type,
        strict_reply=strict_reply,
        format_option="output_config.format",
    )
    return AnthropicAgent[Any](  # Any: as above
        work,
        alias=alias if alias is not None else model,
        description=description or f"The language model {model}.",
        declares=lambda: ((Message,), gives),
    )


# --- machinery ---


def default_client(settings: ClientSettings) -> AnthropicClient:
    """Return a client of the SDK with these settings.

    Raises:
        MissingKeyError: Neither the settings nor the environment have a key.
    """
    sdk: Any = import_sdk("anthropic")  # Any: a module that is imported by name
    reason = ""
    try:
        client: AsyncAnthropic = sdk.AsyncAnthropic(**settings.given())
    except sdk.CredentialsError as error:  # of a profile that the environment names
        reason = f" ({error})"
    else:
        if client.api_key is not None or client.auth_token is not None or client.credentials is not None:
            return client
    hint = "set ANTHROPIC_API_KEY, or give api_key=..."
    raise MissingKeyError(f"there is no key for Anthropic{reason}: {hint}", provider="Anthropic")
