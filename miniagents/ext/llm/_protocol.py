"""The base classes of a provider's protocol, which writes requests and reads answers."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final, Generic

from typing_extensions import TypeVar

from miniagents.ext.llm._clients import Closable
from miniagents.ext.llm._conversation import ConversationRules
from miniagents.ext.llm._json import frozen_object, is_object
from miniagents.ext.llm.common import ToolDefinition
from miniagents.messages import AssistantMessage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator, Mapping

    from miniagents.ext.llm._conversation import Conversation
    from miniagents.ext.llm._events import ModelEvent
    from miniagents.ext.llm._json import JsonObject
    from miniagents.ext.llm._options import OptionRules
    from miniagents.ext.llm._strict_schemas import StrictForm
    from miniagents.ext.llm.common import ReplySchema
    from miniagents.messages import CachePoint, ToolCall

__all__ = ["AS_IT_CAME", "ModelProtocol", "ModelRequest", "Reader", "message_of"]

C_contra = TypeVar("C_contra", bound=Closable, contravariant=True)
M = TypeVar("M", bound=AssistantMessage)

AS_IT_CAME: Final = ""
"""Reasoning goes back to the server that sent it, in the property in which it came, and to no other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """A request to a model, independent of a provider's protocol.

    Attributes:
        model: The name of the model.
        conversation: The conversation that the model continues.
        options: The provider's own options, as they go into the request.
        tools: The tools that the model may call; a mapping is a tool of the provider in its own format.
        reply_schema: The schema of the answer; None for any answer.
        stream: Whether the answer is streamed.
        send_reasoning_as: The property that returns a model's reasoning to it in chat completions; None to leave it
            out, `AS_IT_CAME` for the property in which this server sent it.
        server: What names the server (`server_of`); None if it is not known.
        think_tags: Whether reasoning is looked for in the text, between tags.
        cache_system: How the instructions, and the tools before them, are cached; None for not.
        cache_tools: How the tools are cached; None for not.
    """

    model: str
    conversation: Conversation
    options: Mapping[str, object] = field(default_factory=dict[str, object])
    tools: tuple[ToolDefinition | JsonObject, ...] = ()
    reply_schema: ReplySchema | None = None
    stream: bool = True
    send_reasoning_as: str | None = AS_IT_CAME
    server: str | None = None
    think_tags: bool = False
    cache_system: CachePoint | None = None
    cache_tools: CachePoint | None = None

    def name_of(self, call: ToolCall) -> str:
        """Return the name of a call as all providers take it: models also call tools that do not exist."""
        name = call.name
        if _NAME.fullmatch(name) or any(isinstance(tool, ToolDefinition) and tool.name == name for tool in self.tools):
            return name
        return _NO_NAME.sub("_", name)[:_LONGEST_NAME] or "unknown"

    def tools_by(self, write: Callable[[ToolDefinition], JsonObject]) -> list[JsonObject]:
        """Return the tools in the provider's format.

        Args:
            write: Writes a definition in that format. Mappings are in it already.
        """
        return [write(tool) if isinstance(tool, ToolDefinition) else dict(tool) for tool in self.tools]


_LONGEST_NAME: Final = 64
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NO_NAME: Final = re.compile(r"[^A-Za-z0-9_-]")


class Reader(ABC):
    """Reads one answer; each answer needs a new reader."""

    @abstractmethod
    def read(self, chunk: JsonObject) -> Iterator[ModelEvent]:
        """Yield the events of one piece of a streamed answer.

        Raises:
            LanguageModelError: The provider reports an error in this piece.
        """

    @abstractmethod
    def read_whole(self, answer: JsonObject) -> Iterator[ModelEvent]:
        """Yield the events of an answer that was not streamed.

        Raises:
            LanguageModelError: The provider reports an error instead of an answer, or as a part of it.
        """


class ModelProtocol(ABC, Generic[C_contra, M]):
    """A protocol of a provider.

    Attributes:
        provider: The name of the provider.
        rules: Its requirements for a conversation.
        option_rules: The options that it takes.
        strict_form: The schemas that it can enforce; None if it enforces none, and models are asked in words.
        reply_option: The option of the API with the purpose of `reply_type`, such as "text.format"; empty if there is
            none.
        modules: The modules to import in a thread before the first request, because that takes long: the SDK, and what
            it imports by itself when it makes requests.
        message_class: The class of the answers. It needs a field `provider_data` if the reader yields `Noted` events.
    """

    provider: ClassVar[str]
    rules: ClassVar[ConversationRules] = ConversationRules()
    option_rules: ClassVar[OptionRules]
    strict_form: ClassVar[StrictForm | None] = None
    reply_option: ClassVar[str] = ""
    modules: ClassVar[tuple[str, ...]] = ()
    message_class: type[M]

    @abstractmethod
    def body(self, request: ModelRequest) -> dict[str, object]:
        """Return the arguments of the SDK's method: the body of the request, and options of the SDK itself.

        Raises:
            ValueError: The protocol cannot express a part of the conversation.
        """

    @abstractmethod
    def chunks(self, client: C_contra, body: Mapping[str, object], *, stream: bool) -> AsyncGenerator[object, None]:
        """Make the request, and yield the pieces of the answer as plain JSON; one that is not streamed is one piece."""

    async def counted(self, client: C_contra, body: Mapping[str, object]) -> object:  # noqa: ARG002  # for overrides
        """Ask the provider how many tokens the input of a request has; return its answer, or None if it counts none.

        The answer is plain JSON with the number under `input_tokens`.

        Args:
            client: The SDK's client.
            body: The arguments of the SDK's method for the request.
        """
        return None

    @abstractmethod
    def reader(self, request: ModelRequest | None = None) -> Reader:
        """Return a new reader, for one answer to a request."""

    def message(
        self,
        said: AssistantMessage,
        content: tuple[JsonObject, ...],  # noqa: ARG002  # for overrides
        notes: JsonObject,
        *,
        server: str | None = None,  # noqa: ARG002  # for overrides
    ) -> M:
        """Return the message of an answer. Override this if the provider wants its content back as it was sent.

        Args:
            said: A message with the fields that all providers have.
            content: The whole answer as the provider sent it.
            notes: Data of the provider that has no field of its own.
            server: What names the server (`server_of`); None if it is not known.
        """
        return message_of(self.message_class, said, notes)


def message_of(
    make: Callable[..., M],
    said: AssistantMessage,
    notes: JsonObject,
    **content: tuple[JsonObject, ...] | JsonObject,
) -> M:
    """Return the message of an answer in a provider's own class.

    Args:
        make: That class.
        said: A message with the fields that all providers have.
        notes: Data of the provider that has no field of its own; it goes into `provider_data`.
        content: The names and values of fields with the content as the provider sent it; empty ones are left out.
    """
    fields = {name: getattr(said, name) for name in AssistantMessage.__struct_fields__}
    fields |= {
        name: frozen_object(items) if is_object(items) else tuple(map(frozen_object, items))
        for name, items in content.items()
        if items
    }
    if notes:
        fields["provider_data"] = frozen_object(notes)
    return make(**fields)
