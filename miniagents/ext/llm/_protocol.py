"""What a provider's protocol has to know: how to write a request, and how to read what comes back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Generic

from typing_extensions import TypeVar

from miniagents.ext.llm._clients import Closable
from miniagents.messages import AssistantMessage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Mapping

    from miniagents.ext.llm._conversation import Conversation, ConversationRules
    from miniagents.ext.llm._events import ModelEvent
    from miniagents.ext.llm._json import JsonObject
    from miniagents.ext.llm.common import ReplySchema, ToolDefinition

__all__ = ["ModelProtocol", "ModelRequest", "Reader"]

C_contra = TypeVar("C_contra", bound=Closable, contravariant=True)
M = TypeVar("M", bound=AssistantMessage)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """What a model is asked, before a provider's protocol says how to write that.

    Attributes:
        model: the name of the model.
        conversation: what it is to go on with.
        options: the provider's own options, as they go into the request.
        tools: the tools that it may call; a mapping is one of the provider's own, as that writes it.
        reply_schema: the form that the answer must have, if any.
        stream: whether the answer is to be streamed.
        send_reasoning_as: the property in which chat completions have a model's reasoning go back to it, if any.
    """

    model: str
    conversation: Conversation
    options: Mapping[str, object] = field(default_factory=dict[str, object])
    tools: tuple[ToolDefinition | JsonObject, ...] = ()
    reply_schema: ReplySchema | None = None
    stream: bool = True
    send_reasoning_as: str | None = None


class Reader(ABC):
    """Reads one answer."""

    @abstractmethod
    def read(self, chunk: JsonObject) -> Iterator[ModelEvent]:
        """What a piece of a streamed answer says.

        Raises:
            LanguageModelError: it is an error.
        """

    @abstractmethod
    def read_whole(self, answer: JsonObject) -> Iterator[ModelEvent]:
        """What an answer says that came as a whole.

        Raises:
            LanguageModelError: it is an error.
        """


class ModelProtocol(ABC, Generic[C_contra, M]):
    """A protocol of a provider.

    Attributes:
        provider: whose protocol it is.
        rules: what it wants of a conversation.
        message_class: the class of the answers.
    """

    provider: ClassVar[str]
    rules: ClassVar[ConversationRules]
    message_class: type[M]

    @abstractmethod
    def body(self, request: ModelRequest) -> dict[str, object]:
        """The arguments of the SDK's call, which but for those of the SDK itself are the body of the request.

        Raises:
            ValueError: something in the conversation cannot be said in this protocol.
        """

    @abstractmethod
    def chunks(self, client: C_contra, body: Mapping[str, object], *, stream: bool) -> AsyncGenerator[object, None]:
        """Makes the request, and yields what comes back as plain JSON; a whole answer as the only piece."""

    @abstractmethod
    def reader(self) -> Reader:
        """What reads one answer."""

    @abstractmethod
    def message(self, said: AssistantMessage, content: tuple[JsonObject, ...], notes: JsonObject) -> M:
        """The message of an answer.

        Args:
            said: what it says in the fields that all providers have.
            content: all of it as the provider gave it, where it may want that back.
            notes: what else the provider said.
        """
