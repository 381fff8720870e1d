"""Agents that are models of OpenAI, or of any server that speaks its protocols."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, Literal, Self, overload

from typing_extensions import TypeVar, Unpack

from miniagents.ext.llm._agent import OptionRules
from miniagents.ext.llm._clients import ClientSettings, clients_for, import_sdk
from miniagents.ext.llm._equipping import equipped
from miniagents.ext.llm._model import LanguageModel
from miniagents.ext.llm._strict_schemas import openai_form
from miniagents.ext.llm.errors import MissingKeyError
from miniagents.ext.llm.openai.chat import ChatCompletions
from miniagents.ext.llm.openai.embeddings import EmbeddingModel
from miniagents.ext.llm.openai.options import (
    WITHDRAWN_FROM_CHAT,
    WITHDRAWN_FROM_RESPONSES,
    ChatOptions,
    ResponsesOptions,
)
from miniagents.ext.llm.openai.responses import Responses
from miniagents.messages import EmbeddingMessage, Message, OpenAIMessage
from miniagents.miniagents import MiniAgent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from openai import AsyncOpenAI

    from miniagents.ext.llm._equipping import AnyTool
    from miniagents.ext.llm.common import ToolDefinition
    from miniagents.ext.llm.openai.options import NewChatOptions, NewResponsesOptions
    from miniagents.messages import MessageSequencePromise, MessageType, ToolResultMessage

__all__ = [
    "ChatOptions",
    "OpenAIAgent",
    "OpenAIResponsesAgent",
    "ResponsesOptions",
    "create_openai_agent",
    "create_openai_embedding_agent",
]

Out_co = TypeVar("Out_co", bound=Message, default=OpenAIMessage, covariant=True)
Reply = TypeVar("Reply", bound=Message)

_CHAT: Final = OptionRules("OpenAI's chat completions API", ChatOptions, WITHDRAWN_FROM_CHAT)
_RESPONSES: Final = OptionRules("OpenAI's responses API", ResponsesOptions, WITHDRAWN_FROM_RESPONSES)


class OpenAIAgent(MiniAgent[Message, Out_co, ...], Generic[Out_co]):
    """An agent that is a model behind chat completions; `create_openai_agent` makes it.

    It is asked like any other agent. The options that it was made with may be given anew for a call.
    """

    __slots__ = ()

    if TYPE_CHECKING:  # the options are checked below; here they get their types

        def inquire(
            self, messages: MessageType[Message] | None = None, /, **options: Unpack[ChatOptions]
        ) -> MessageSequencePromise[Out_co]:
            """Asks the model."""
            ...

        def bound(self, **options: Unpack[ChatOptions]) -> Self:
            """The same agent with other options."""
            ...

    def _check_arguments(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> None:
        super()._check_arguments(args, {})
        _CHAT.check(f"agent {self.alias!r}", kwargs)


class OpenAIResponsesAgent(MiniAgent[Message, Out_co, ...], Generic[Out_co]):
    """An agent that is a model behind the responses API; `create_openai_agent` makes it.

    It is asked like any other agent. The options that it was made with may be given anew for a call.
    """

    __slots__ = ()

    if TYPE_CHECKING:  # as above

        def inquire(
            self, messages: MessageType[Message] | None = None, /, **options: Unpack[ResponsesOptions]
        ) -> MessageSequencePromise[Out_co]:
            """Asks the model."""
            ...

        def bound(self, **options: Unpack[ResponsesOptions]) -> Self:
            """The same agent with other options."""
            ...

    def _check_arguments(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> None:
        super()._check_arguments(args, {})
        _RESPONSES.check(f"agent {self.alias!r}", kwargs)


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
def create_openai_agent(
    model: str,
    *,
    api: Literal["chat_completions"] = ...,
    tools: tuple[()] = ...,
    reply_type: type[Reply],
    strict_reply: bool = ...,
    **options: Unpack[NewChatOptions],
) -> OpenAIAgent[Reply]: ...
@overload
def create_openai_agent(
    model: str,
    *,
    api: Literal["chat_completions"] = ...,
    tools: Iterable[AnyTool],
    reply_type: type[Reply],
    strict_reply: bool = ...,
    **options: Unpack[NewChatOptions],
) -> OpenAIAgent[OpenAIMessage | ToolResultMessage | Reply]: ...
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
def create_openai_agent(
    model: str,
    *,
    api: Literal["responses"],
    tools: tuple[()] = ...,
    reply_type: type[Reply],
    strict_reply: bool = ...,
    **options: Unpack[NewResponsesOptions],
) -> OpenAIResponsesAgent[Reply]: ...
@overload
def create_openai_agent(
    model: str,
    *,
    api: Literal["responses"],
    tools: Iterable[AnyTool],
    reply_type: type[Reply],
    strict_reply: bool = ...,
    **options: Unpack[NewResponsesOptions],
) -> OpenAIResponsesAgent[OpenAIMessage | ToolResultMessage | Reply]: ...
def create_openai_agent(
    model: str,
    *,
    api: Literal["chat_completions", "responses"] = "chat_completions",
    tools: Iterable[AnyTool] = (),
    reply_type: type[Message] | None = None,
    strict_reply: bool = True,
    client: AsyncOpenAI | Callable[[], AsyncOpenAI] | None = None,
    api_key: str | None = None,
    base_url: str | None = None,
    max_retries: int | None = None,
    default_headers: Mapping[str, str] | None = None,
    alias: str | None = None,
    description: str | None = None,
    **options: Any,  # Any: the overloads say which there are, and it is looked at below
) -> OpenAIAgent[Any] | OpenAIResponsesAgent[Any]:  # Any: the overloads say which messages
    """An agent that is a model of OpenAI, or of any server that speaks one of its protocols.

    Its answer is an `OpenAIMessage`, streamed: tokens as `str`, the rest by `promise.events`. Errors are those of
    `miniagents.ext.llm.errors`. The SDK (`pip install 'miniagents[openai]'`) is imported when the agent is first asked.

    With `tools`, the reply has all that happens, as it comes: what the model says, the results of the tools that it
    calls (those of one answer run at the same time), what it says to these, up to the answer without calls. What a tool
    fails with, the model is told. A tool that is given as a mere definition is for whoever asks to carry out: a call of
    one ends the reply.

    With a `reply_type`, the answer is a message of that class, or a `WrongReplyError` with the path to what is wrong.
    Its tokens are JSON; `partial_values` reads them as they come.

    Args:
        model: the name of the model.
        api: which of the two protocols is spoken; most servers that are not OpenAI's know chat completions only.
        tools: the tools that the model may call (see `miniagents.tool`, and `as_tool` of agents); a mapping is one of
            OpenAI's own, as its reference writes it.
        reply_type: the class of the answer, a message class with fields of its own.
        strict_reply: whether OpenAI is to see to it that the answer is of the class. It does so for what its strict
            schemas can say, and what they cannot say is refused; servers of others may not know them.
        client: the client to use, or a function that makes one for each `MiniAgents` context. By default one is made
            for each context in which it is needed, and closed with it.
        api_key: the key; by default that of the environment, OPENAI_API_KEY. A server with a `base_url` of its own
            may need none: then give any text.
        base_url: where the server is; by default OPENAI_BASE_URL, or OpenAI.
        max_retries: how often the SDK asks again where an answer has not begun; by default twice. It keeps to the
            pauses that the server asks for. No token is ever streamed twice.
        default_headers: headers of all requests.
        alias: what logs, errors and records call the agent; by default the name of the model.
        description: what the agent does.
        options: those of the API (`ChatOptions`, `ResponsesOptions`), `system` and `stream` among them.

    Raises:
        TypeError: the API does not take one of the options; the text says what it takes. Or something is no tool, or a
            schema cannot be said in OpenAI's strict form.
        ValueError: there is no such API, or a limit is too small.
    """
    where = "create_openai_agent"
    if api not in ("chat_completions", "responses"):
        raise ValueError(f"{where}: api={api!r}: give 'chat_completions' or 'responses'")
    (_CHAT if api == "chat_completions" else _RESPONSES).check(where, options)
    settings = ClientSettings(api_key=api_key, base_url=base_url, max_retries=max_retries, headers=default_headers)
    language_model = LanguageModel(
        name=model,
        protocol=ChatCompletions() if api == "chat_completions" else Responses(),
        clients=clients_for(where, default_client, settings, client),
        options=options,
    )
    work, gives = equipped(
        where,
        language_model,
        openai_form,
        tools=tools,
        reply_type=reply_type,
        strict_reply=strict_reply,
        format_option="response_format" if api == "chat_completions" else "text.format",
    )
    cls = OpenAIAgent[Any] if api == "chat_completions" else OpenAIResponsesAgent[Any]  # Any: as above
    return cls(
        work,
        alias=alias if alias is not None else model,
        description=description or f"The language model {model}.",
        declares=lambda: ((Message,), gives),
    )


def create_openai_embedding_agent(
    model: str,
    *,
    dimensions: int | None = None,
    batch_size: int = 256,
    client: AsyncOpenAI | Callable[[], AsyncOpenAI] | None = None,
    api_key: str | None = None,
    base_url: str | None = None,
    max_retries: int | None = None,
    default_headers: Mapping[str, str] | None = None,
    alias: str | None = None,
) -> MiniAgent[Message, EmbeddingMessage, []]:
    """An agent that answers each message with the embedding of its text, in the same order.

    Args:
        model: the name of the model.
        dimensions: how many coordinates an embedding is to have; by default as many as the model likes.
        batch_size: how many messages at most go into one request; requests begin while messages are still arriving.
        client: as for `create_openai_agent`, and so is the rest.
        api_key: as above.
        base_url: as above.
        max_retries: as above.
        default_headers: as above.
        alias: as above.

    Raises:
        ValueError: the batches are empty.
    """
    where = "create_openai_embedding_agent"
    if batch_size < 1:
        raise ValueError(f"{where}: batch_size={batch_size}: a request is for one message at least")
    settings = ClientSettings(api_key=api_key, base_url=base_url, max_retries=max_retries, headers=default_headers)
    embedding_model = EmbeddingModel(
        name=model,
        clients=clients_for(where, default_client, settings, client),
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


def default_client(settings: ClientSettings) -> AsyncOpenAI:
    """Return a client of the SDK with these settings.

    Raises:
        MissingKeyError: Neither the settings nor the environment have a key.
    """
    sdk: Any = import_sdk("openai")  # Any: a module that is imported by name
    try:
        client: AsyncOpenAI = sdk.AsyncOpenAI(**settings.given())
    except sdk.OpenAIError as error:
        if "api_key" not in str(error) and "credentials" not in str(error):
            raise
    else:
        return client
    raise MissingKeyError(
        "there is no key for OpenAI: set OPENAI_API_KEY, or give api_key=... (any text for a server that wants none)",
        provider="OpenAI",
    )
