"""Agents that are models of OpenAI, or of any server that speaks its protocols."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Self, overload

from typing_extensions import TypeVar, Unpack

from miniagents.ext.llm.openai.chat import ChatCompletions
from miniagents.ext.llm.openai.embeddings import EmbeddingModel
from miniagents.ext.llm.openai.options import ChatOptions, ResponsesOptions
from miniagents.ext.llm.openai.responses import Responses
from miniagents.ext.llm.providers import (
    ClientSettings,
    ModelAgent,
    clients_for,
    http_client_of,
    import_sdk,
    missing_key,
)
from miniagents.messages import EmbeddingMessage, Message, OpenAIMessage
from miniagents.miniagents import MiniAgent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from typing_extensions import TypeForm

    from miniagents.ext.llm.openai.options import NewChatOptions, NewResponsesOptions, OpenAIClient
    from miniagents.ext.llm.providers import AnyTool, Composable, ModelProtocol, ToolDefinition
    from miniagents.messages import MessageSequencePromise, MessageType, ToolResultMessage, ValueMessage
    from miniagents.tools import Tool

__all__ = [
    "ChatOptions",
    "OpenAIAgent",
    "OpenAIResponsesAgent",
    "ResponsesOptions",
    "create_openai_agent",
    "create_openai_embedding_agent",
]

Out_co = TypeVar("Out_co", bound=Message, default=OpenAIMessage, covariant=True)
OtherOut = TypeVar("OtherOut", bound=Message)
Reply = TypeVar("Reply", bound=Message)
Value = TypeVar("Value")

if TYPE_CHECKING:

    class _ChatTool(Tool[..., MessageSequencePromise[Out_co]], Generic[Out_co]):
        """A tool that asks a model: programs can give it the options as well."""

        def __call__(
            self, message: MessageType[Message], /, **options: Unpack[ChatOptions]
        ) -> MessageSequencePromise[Out_co]: ...

    class _ResponsesTool(Tool[..., MessageSequencePromise[Out_co]], Generic[Out_co]):
        """A tool that asks a model: programs can give it the options as well."""

        def __call__(
            self, message: MessageType[Message], /, **options: Unpack[ResponsesOptions]
        ) -> MessageSequencePromise[Out_co]: ...


class OpenAIAgent(ModelAgent[Out_co], Generic[Out_co]):
    """An agent that is a model behind chat completions; `create_openai_agent` makes it.

    Ask it like any other agent. Options that are given for a call override those that it was made with.
    """

    __slots__ = ()

    protocol: ClassVar[ModelProtocol[Any, Any]] = ChatCompletions()  # Any: as in the base

    if TYPE_CHECKING:  # these only declare the types of the options; the protocol checks them at run time

        def inquire(
            self, messages: MessageType[Message] | None = None, /, **options: Unpack[ChatOptions]
        ) -> MessageSequencePromise[Out_co]:
            """Ask the model; the options are for this call only."""
            ...

        def bound(self, **options: Unpack[ChatOptions]) -> Self:  # type: ignore[override]  # models take options by name only
            """Return the same agent with other options."""
            ...

        def with_fallback(
            self, other: Composable[Message, OtherOut], /, *errors: type[BaseException]
        ) -> OpenAIAgent[Out_co | OtherOut]:
            """Return the same agent, replaced by another one if it fails before any part of its reply can be read."""
            ...

        def as_tool(
            self, *, name: str | None = None, description: str | None = None, strict: bool = False
        ) -> _ChatTool[Out_co]:
            """Return the agent as a tool that language models call."""
            ...


class OpenAIResponsesAgent(ModelAgent[Out_co], Generic[Out_co]):
    """An agent that is a model behind the responses API; `create_openai_agent` makes it.

    Ask it like any other agent. Options that are given for a call override those that it was made with.
    """

    __slots__ = ()

    protocol: ClassVar[ModelProtocol[Any, Any]] = Responses()  # Any: as in the base

    if TYPE_CHECKING:  # these only declare the types of the options; the protocol checks them at run time

        def inquire(
            self, messages: MessageType[Message] | None = None, /, **options: Unpack[ResponsesOptions]
        ) -> MessageSequencePromise[Out_co]:
            """Ask the model; the options are for this call only."""
            ...

        def bound(self, **options: Unpack[ResponsesOptions]) -> Self:  # type: ignore[override]  # models take options by name only
            """Return the same agent with other options."""
            ...

        def with_fallback(
            self, other: Composable[Message, OtherOut], /, *errors: type[BaseException]
        ) -> OpenAIResponsesAgent[Out_co | OtherOut]:
            """Return the same agent, replaced by another one if it fails before any part of its reply can be read."""
            ...

        def as_tool(
            self, *, name: str | None = None, description: str | None = None, strict: bool = False
        ) -> _ResponsesTool[Out_co]:
            """Return the agent as a tool that language models call."""
            ...


@overload
def create_openai_agent(
    model: str,
    *,
    api: Literal["chat_completions"] = ...,
    tools: Iterable[ToolDefinition | Mapping[str, object]] = ...,
    reply_type: None = ...,
    **options: Unpack[NewChatOptions],
) -> OpenAIAgent: ...
@overload
def create_openai_agent(
    model: str,
    *,
    api: Literal["chat_completions"] = ...,
    tools: Iterable[AnyTool],
    reply_type: None = ...,
    **options: Unpack[NewChatOptions],
) -> OpenAIAgent[OpenAIMessage | ToolResultMessage]: ...
@overload
def create_openai_agent(  # type: ignore[overload-overlap]  # pyright: ignore[reportOverlappingOverload]  # messages first
    model: str,
    *,
    api: Literal["chat_completions"] = ...,
    tools: tuple[()] = ...,
    reply_type: TypeForm[Reply],
    strict_reply: bool = ...,
    **options: Unpack[NewChatOptions],
) -> OpenAIAgent[Reply]: ...
@overload
def create_openai_agent(
    model: str,
    *,
    api: Literal["chat_completions"] = ...,
    tools: tuple[()] = ...,
    reply_type: TypeForm[Value],
    strict_reply: bool = ...,
    **options: Unpack[NewChatOptions],
) -> OpenAIAgent[ValueMessage[Value]]: ...
@overload
def create_openai_agent(  # type: ignore[overload-overlap]  # pyright: ignore[reportOverlappingOverload]  # messages first
    model: str,
    *,
    api: Literal["chat_completions"] = ...,
    tools: Iterable[AnyTool],
    reply_type: TypeForm[Reply],
    strict_reply: bool = ...,
    **options: Unpack[NewChatOptions],
) -> OpenAIAgent[OpenAIMessage | ToolResultMessage | Reply]: ...
@overload
def create_openai_agent(
    model: str,
    *,
    api: Literal["chat_completions"] = ...,
    tools: Iterable[AnyTool],
    reply_type: TypeForm[Value],
    strict_reply: bool = ...,
    **options: Unpack[NewChatOptions],
) -> OpenAIAgent[OpenAIMessage | ToolResultMessage | ValueMessage[Value]]: ...
@overload
def create_openai_agent(
    model: str,
    *,
    api: Literal["responses"],
    tools: Iterable[ToolDefinition | Mapping[str, object]] = ...,
    reply_type: None = ...,
    **options: Unpack[NewResponsesOptions],
) -> OpenAIResponsesAgent: ...
@overload
def create_openai_agent(
    model: str,
    *,
    api: Literal["responses"],
    tools: Iterable[AnyTool],
    reply_type: None = ...,
    **options: Unpack[NewResponsesOptions],
) -> OpenAIResponsesAgent[OpenAIMessage | ToolResultMessage]: ...
@overload
def create_openai_agent(  # type: ignore[overload-overlap]  # pyright: ignore[reportOverlappingOverload]  # messages first
    model: str,
    *,
    api: Literal["responses"],
    tools: tuple[()] = ...,
    reply_type: TypeForm[Reply],
    strict_reply: bool = ...,
    **options: Unpack[NewResponsesOptions],
) -> OpenAIResponsesAgent[Reply]: ...
@overload
def create_openai_agent(
    model: str,
    *,
    api: Literal["responses"],
    tools: tuple[()] = ...,
    reply_type: TypeForm[Value],
    strict_reply: bool = ...,
    **options: Unpack[NewResponsesOptions],
) -> OpenAIResponsesAgent[ValueMessage[Value]]: ...
@overload
def create_openai_agent(  # type: ignore[overload-overlap]  # pyright: ignore[reportOverlappingOverload]  # messages first
    model: str,
    *,
    api: Literal["responses"],
    tools: Iterable[AnyTool],
    reply_type: TypeForm[Reply],
    strict_reply: bool = ...,
    **options: Unpack[NewResponsesOptions],
) -> OpenAIResponsesAgent[OpenAIMessage | ToolResultMessage | Reply]: ...
@overload
def create_openai_agent(
    model: str,
    *,
    api: Literal["responses"],
    tools: Iterable[AnyTool],
    reply_type: TypeForm[Value],
    strict_reply: bool = ...,
    **options: Unpack[NewResponsesOptions],
) -> OpenAIResponsesAgent[OpenAIMessage | ToolResultMessage | ValueMessage[Value]]: ...
def create_openai_agent(  # pyright: ignore[reportInconsistentOverload]  # of `strict_reply`: nothing is a `NoSuchOption`
    model: str,
    *,
    api: Literal["chat_completions", "responses"] = "chat_completions",
    tools: Iterable[AnyTool] = (),
    reply_type: TypeForm[object] | None = None,
    strict_reply: bool = True,
    client: OpenAIClient | Callable[[], OpenAIClient] | None = None,
    api_key: str | None = None,
    base_url: str | None = None,
    max_retries: int | None = None,
    default_headers: Mapping[str, str] | None = None,
    alias: str | None = None,
    description: str | None = None,
    **options: Any,  # Any: the overloads say which there are, and the protocol checks them
) -> OpenAIAgent[Any] | OpenAIResponsesAgent[Any]:  # Any: the overloads say which messages
    """Make an agent of a model of OpenAI, or of any server that speaks one of its protocols.

    Its answer is an `OpenAIMessage`, streamed: iterating the promise gives tokens as `str`, and `promise.events` gives
    the other pieces as well. Its errors are those of `miniagents.ext.llm.errors`. The SDK
    (`pip install 'miniagents[openai]'`) is imported when the agent is first asked.

    With `tools`, the reply has every step as it happens: an answer of the model, the results of the tools that it
    calls, the next answer, and so on. It ends with the first answer without calls. The tools of one answer run at the
    same time. If a tool raises an error, the model is told. If a tool is only a `ToolDefinition`, the caller carries it
    out: a call of it ends the reply.

    With a `reply_type`, the answer is a message of that class, or of one of the classes of a union. For any other type
    (a dataclass, a Struct, a TypedDict, a list, a model of pydantic, a union of them, …) it is a `ValueMessage`, whose
    `value` is of the type. A wrong answer raises a `WrongReplyError` with the path to the fault. The tokens of the
    answer are JSON, and `partial_values` reads them as they arrive.

    Args:
        model: The name of the model.
        api: The protocol; most servers other than OpenAI's know only chat completions.
        tools: The tools that the model may call (see `miniagents.tool`, and `as_tool` of agents); a mapping is a tool
            of OpenAI, as its reference describes it.
        reply_type: The type of the answer: a message class with fields of its own, a union of such classes, or any
            other type, whose values the replies have as their `value`.
        strict_reply: Whether OpenAI enforces that type. A type that its strict schemas cannot express is then
            refused. Give False for servers that do not know strict schemas.
        client: The client to use, or a function that makes one for each `MiniAgents` context. By default each context
            that needs a client makes one, and closes it at its end.
        api_key: The key; by default the environment's OPENAI_API_KEY. For a server that needs no key, give any text.
        base_url: The address of the server; by default OPENAI_BASE_URL, or OpenAI. Redirects are not followed.
        max_retries: How often the SDK tries again if no answer has begun; by default twice. It waits as long as the
            server asks for. No token is ever streamed twice.
        default_headers: Headers of all requests.
        alias: The name of the agent in logs, errors and records; by default the name of the model.
        description: What the agent does.
        options: The options of the API (`ChatOptions`, `ResponsesOptions`), including `system` and `stream`.

    Raises:
        TypeError: The API does not take an option (the text says which it takes), an item of `tools` is no tool, or
            OpenAI's strict form cannot express a schema.
        ValueError: There is no such API, a limit is too small, or `base_url` is no address of a server.
    """
    given: dict[str, object] = {**options, "tools": tools, "reply_type": reply_type, "strict_reply": strict_reply}
    given |= {"client": client, "api_key": api_key, "base_url": base_url, "default_headers": default_headers}
    given |= {"max_retries": max_retries, "alias": alias, "description": description}
    del options, client, api_key, base_url, default_headers  # frames of errors are recorded with their variables
    given["api"] = api
    return openai_agent_of("create_openai_agent", model, default_client, given)


def create_openai_embedding_agent(
    model: str,
    *,
    dimensions: int | None = None,
    batch_size: int = 256,
    client: OpenAIClient | Callable[[], OpenAIClient] | None = None,
    api_key: str | None = None,
    base_url: str | None = None,
    max_retries: int | None = None,
    default_headers: Mapping[str, str] | None = None,
    alias: str | None = None,
) -> MiniAgent[Message, EmbeddingMessage, []]:
    """Make an agent that answers each message with the embedding of its text, in the same order.

    Args:
        model: The name of the model.
        dimensions: How many coordinates an embedding has; by default the model decides.
        batch_size: How many messages go into one request at most; requests begin while messages are still arriving.
        client: The client to use, or a function that makes one for each `MiniAgents` context. By default each context
            that needs a client makes one, and closes it at its end.
        api_key: The key; by default the environment's OPENAI_API_KEY. For a server that needs no key, give any text.
        base_url: The address of the server; by default OPENAI_BASE_URL, or OpenAI. Redirects are not followed.
        max_retries: How often the SDK tries again if no answer has begun; by default twice.
        default_headers: Headers of all requests.
        alias: The name of the agent in logs, errors and records; by default the name of the model.

    Raises:
        TypeError: Both a client and settings for one are given.
        ValueError: `batch_size` is less than one, or `base_url` is no address of a server.
    """
    given: dict[str, object] = {"client": client, "api_key": api_key, "base_url": base_url, "max_retries": max_retries}
    given["default_headers"] = default_headers
    del api_key, base_url, default_headers, client  # frames of errors are recorded with their variables
    where = "create_openai_embedding_agent"
    client_of = clients_for(where, default_client, given)
    if batch_size < 1:
        raise ValueError(f"{where}: batch_size={batch_size!r}: give a number of at least 1")
    embedding_model = EmbeddingModel(
        name=model,
        client_of=client_of,
        dimensions=dimensions,
        batch_size=batch_size,
    )
    return MiniAgent[Message, EmbeddingMessage, []](
        embedding_model.answer,
        alias=alias if alias is not None else model,
        description=f"The embedding model {model}.",
        declares=lambda: ((Message,), (EmbeddingMessage,)),
    )


# --- machinery ---


def openai_agent_of(
    where: str,
    model: str,
    make_client: Callable[[ClientSettings], OpenAIClient],
    given: dict[str, object],
) -> OpenAIAgent[Any] | OpenAIResponsesAgent[Any]:  # Any: any class of answers
    """Make an agent of a model of a server that speaks OpenAI's protocols.

    Args:
        where: The function that the user called, for errors.
        model: The name of the model.
        make_client: Makes a client with settings.
        given: The arguments of the user: those of `create_openai_agent`.
    """
    api = given.pop("api", "chat_completions")
    if api not in ("chat_completions", "responses"):
        given.clear()  # it may have a key
        raise ValueError(f"{where}: api={api!r}: give 'chat_completions' or 'responses'")
    cls: type[OpenAIAgent[Any] | OpenAIResponsesAgent[Any]]  # Any: as above
    cls = OpenAIAgent if api == "chat_completions" else OpenAIResponsesAgent
    return cls.of_model(where, model, make_client, given)


def default_client(settings: ClientSettings) -> OpenAIClient:
    """Return a client of the SDK with these settings.

    Raises:
        MissingKeyError: Neither the settings nor the environment have a key.
    """
    sdk: Any = import_sdk("openai")  # Any: a module that is imported by name
    try:
        client: OpenAIClient = sdk.AsyncOpenAI(**settings.given(), http_client=http_client_of(sdk))
    except sdk.OpenAIError as error:
        if "api_key" not in str(error) and "credentials" not in str(error):
            raise
    else:
        return client
    raise missing_key("OpenAI", "OPENAI_API_KEY", hint="any text for a server that wants none")
