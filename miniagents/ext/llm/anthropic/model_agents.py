"""Agents that are models of Anthropic, or of any server that speaks its protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, overload

from typing_extensions import TypeVar, Unpack

from miniagents.ext.llm.anthropic.messages import DEFAULT_MAX_TOKENS, AnthropicMessages
from miniagents.ext.llm.anthropic.options import MessagesOptions
from miniagents.ext.llm.providers import ClientSettings, ModelAgent, http_client_of, import_sdk, missing_key
from miniagents.messages import AnthropicMessage, Message

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from typing_extensions import TypeForm

    from miniagents.ext.llm.anthropic.options import AnthropicClient, NewMessagesOptions
    from miniagents.ext.llm.providers import AnyTool, Composable, ModelProtocol, ToolDefinition
    from miniagents.messages import MessageSequencePromise, MessageType, ToolResultMessage, ValueMessage
    from miniagents.tools import Tool

__all__ = ["DEFAULT_MAX_TOKENS", "AnthropicAgent", "MessagesOptions", "create_anthropic_agent"]

Out_co = TypeVar("Out_co", bound=Message, default=AnthropicMessage, covariant=True)
OtherOut = TypeVar("OtherOut", bound=Message)
Reply = TypeVar("Reply", bound=Message)
Value = TypeVar("Value")

if TYPE_CHECKING:

    class _MessagesTool(Tool[..., MessageSequencePromise[Out_co]], Generic[Out_co]):
        """A tool that asks a model: programs can give it the options as well."""

        def __call__(
            self, message: MessageType[Message], /, **options: Unpack[MessagesOptions]
        ) -> MessageSequencePromise[Out_co]: ...


class AnthropicAgent(ModelAgent[Out_co], Generic[Out_co]):
    """An agent that is a model behind Anthropic's messages API; `create_anthropic_agent` makes it.

    Ask it like any other agent. Options that are given for a call override those that it was made with.
    """

    __slots__ = ()

    protocol: ClassVar[ModelProtocol[Any, Any]] = AnthropicMessages()  # Any: as in the base

    if TYPE_CHECKING:  # these only declare the types of the options; the protocol checks them at run time

        def inquire(
            self, messages: MessageType[Message] | None = None, /, **options: Unpack[MessagesOptions]
        ) -> MessageSequencePromise[Out_co]:
            """Ask the model; the options are for this call only."""
            ...

        def bound(self, **options: Unpack[MessagesOptions]) -> Self:  # type: ignore[override]  # models take options by name only
            """Return the same agent with other options."""
            ...

        def with_fallback(
            self, other: Composable[Message, OtherOut], /, *errors: type[BaseException]
        ) -> AnthropicAgent[Out_co | OtherOut]:
            """Return the same agent, replaced by another one if it fails before any part of its reply can be read."""
            ...

        def as_tool(
            self, *, name: str | None = None, description: str | None = None, strict: bool = False
        ) -> _MessagesTool[Out_co]:
            """Return the agent as a tool that language models call."""
            ...


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
def create_anthropic_agent(  # type: ignore[overload-overlap]  # pyright: ignore[reportOverlappingOverload]  # messages first
    model: str,
    *,
    tools: tuple[()] = ...,
    reply_type: TypeForm[Reply],
    strict_reply: bool = ...,
    **options: Unpack[NewMessagesOptions],
) -> AnthropicAgent[Reply]: ...
@overload
def create_anthropic_agent(
    model: str,
    *,
    tools: tuple[()] = ...,
    reply_type: TypeForm[Value],
    strict_reply: bool = ...,
    **options: Unpack[NewMessagesOptions],
) -> AnthropicAgent[ValueMessage[Value]]: ...
@overload
def create_anthropic_agent(  # type: ignore[overload-overlap]  # pyright: ignore[reportOverlappingOverload]  # messages first
    model: str,
    *,
    tools: Iterable[AnyTool],
    reply_type: TypeForm[Reply],
    strict_reply: bool = ...,
    **options: Unpack[NewMessagesOptions],
) -> AnthropicAgent[AnthropicMessage | ToolResultMessage | Reply]: ...
@overload
def create_anthropic_agent(
    model: str,
    *,
    tools: Iterable[AnyTool],
    reply_type: TypeForm[Value],
    strict_reply: bool = ...,
    **options: Unpack[NewMessagesOptions],
) -> AnthropicAgent[AnthropicMessage | ToolResultMessage | ValueMessage[Value]]: ...
def create_anthropic_agent(  # pyright: ignore[reportInconsistentOverload]  # of `strict_reply`: nothing is a `NoSuchOption`
    model: str,
    *,
    tools: Iterable[AnyTool] = (),
    reply_type: TypeForm[object] | None = None,
    strict_reply: bool = True,
    client: AnthropicClient | Callable[[], AnthropicClient] | None = None,
    api_key: str | None = None,
    base_url: str | None = None,
    max_retries: int | None = None,
    default_headers: Mapping[str, str] | None = None,
    alias: str | None = None,
    description: str | None = None,
    **options: Any,  # Any: the overloads say which there are, and the protocol checks them
) -> AnthropicAgent[Any]:  # Any: the overloads say which messages
    """Make an agent of a model of Anthropic, or of any server that speaks its protocol.

    Its answer is an `AnthropicMessage`, streamed: iterating the promise gives tokens as `str`, and `promise.events`
    gives the other pieces as well. Its errors are those of `miniagents.ext.llm.errors`. The SDK
    (`pip install 'miniagents[anthropic]'`) is imported when the agent is first asked.

    `tools` and `reply_type` work as `create_openai_agent` describes.

    Args:
        model: The name of the model.
        tools: The tools that the model may call; a mapping is a tool of Anthropic, as its reference describes it.
        reply_type: The type of the answer: a message class with fields of its own, a union of such classes, or any
            other type, whose values the replies have as their `value`.
        strict_reply: Whether Anthropic enforces that type. A type that its schemas cannot express is then refused. If
            False, the model is only shown the schema.
        client: The client to use, or a function that makes one for each `MiniAgents` context. By default each context
            that needs a client makes one, and closes it at its end.
        api_key: The key; by default the environment's ANTHROPIC_API_KEY.
        base_url: The address of the server; by default ANTHROPIC_BASE_URL, or Anthropic. Redirects are not followed.
        max_retries: How often the SDK tries again if no answer has begun; by default twice.
        default_headers: Headers of all requests.
        alias: The name of the agent in logs, errors and records; by default the name of the model.
        description: What the agent does.
        options: The options of the API (`MessagesOptions`), including `system` and `stream`. `max_tokens`, which the
            API requires, is 16384 by default.

    Raises:
        TypeError: The API does not take an option (the text says which it takes), an item of `tools` is no tool, or
            Anthropic's form cannot express a schema.
        ValueError: A limit is too small, or `base_url` is no address of a server.
    """
    given: dict[str, object] = {**options, "tools": tools, "reply_type": reply_type, "strict_reply": strict_reply}
    given |= {"client": client, "api_key": api_key, "base_url": base_url, "default_headers": default_headers}
    given |= {"max_retries": max_retries, "alias": alias, "description": description}
    del options, client, api_key, base_url, default_headers  # frames of errors are recorded with their variables
    return AnthropicAgent[Any].of_model("create_anthropic_agent", model, default_client, given)  # Any: as above


# --- machinery ---


def default_client(settings: ClientSettings) -> AnthropicClient:
    """Return a client of the SDK with these settings.

    Raises:
        MissingKeyError: Neither the settings nor the environment have a key.
    """
    sdk: Any = import_sdk("anthropic")  # Any: a module that is imported by name
    reason = ""
    try:
        made = sdk.AsyncAnthropic(**settings.given(), http_client=http_client_of(sdk))
    except sdk.CredentialsError as error:  # the environment names a profile without valid credentials
        reason = str(error)
    else:
        if made.api_key is not None or made.auth_token is not None or made.credentials is not None:
            client: AnthropicClient = made
            return client
    raise missing_key("Anthropic", "ANTHROPIC_API_KEY", reason=reason)
