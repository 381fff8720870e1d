"""What a provider's protocol has to know: how to write a request, and how to read what comes back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Generic

from typing_extensions import TypeVar

from miniagents.ext.llm._clients import Closable
from miniagents.ext.llm._json import frozen_object
from miniagents.ext.llm.common import ToolDefinition
from miniagents.messages import AssistantMessage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator, Mapping

    from miniagents.ext.llm._conversation import Conversation, ConversationRules
    from miniagents.ext.llm._events import ModelEvent
    from miniagents.ext.llm._json import JsonObject
    from miniagents.ext.llm._options import OptionRules
    from miniagents.ext.llm._strict_schemas import StrictForm
    from miniagents.ext.llm.common import ReplySchema

__all__ = ["ModelProtocol", "ModelRequest", "Reader", "message_of"]

C_contra = TypeVar("C_contra", bound=Closable, contravariant=True)
M = TypeVar("M", bound=AssistantMessage)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """What a model is asked, before a provider's protocol says how to write that.

    Attributes:
        model: The name of the model.
        conversation: What it is to go on with.
        options: The provider's own options, as they go into the request.
        tools: The tools that it may call; a mapping is one of the provider's own, as that writes it.
        reply_schema: The form that the answer must have, if any.
        stream: Whether the answer is to be streamed.
        send_reasoning_as: The property in which chat completions have a model's reasoning go back to it, if any.
    """

    model: str
    conversation: Conversation
    options: Mapping[str, object] = field(default_factory=dict[str, object])
    tools: tuple[ToolDefinition | JsonObject, ...] = ()
    reply_schema: ReplySchema | None = None
    stream: bool = True
    send_reasoning_as: str | None = None

    def tools_by(self, write: Callable[[ToolDefinition], JsonObject]) -> list[JsonObject]:
        """Return the tools as the provider writes them; its own stay as they are."""
        return [write(tool) if isinstance(tool, ToolDefinition) else dict(tool) for tool in self.tools]


class Reader(ABC):
    """Reads one answer."""

    @abstractmethod
    def read(self, chunk: JsonObject) -> Iterator[ModelEvent]:
        """Return what a piece of a streamed answer says.

        Raises:
            LanguageModelError: It is an error.
        """

    @abstractmethod
    def read_whole(self, answer: JsonObject) -> Iterator[ModelEvent]:
        """Return what an answer says that came as a whole.

        Raises:
            LanguageModelError: It is an error.
        """


class ModelProtocol(ABC, Generic[C_contra, M]):
    """A protocol of a provider.

    Attributes:
        provider: Whose protocol it is.
        rules: What it wants of a conversation.
        option_rules: Which options it takes.
        strict_form: The schemas that it can enforce.
        reply_option: The option that says the same as `reply_type`, such as "text.format".
        message_class: The class of the answers. It has a field `provider_data` if the reader notes anything.
    """

    provider: ClassVar[str]
    rules: ClassVar[ConversationRules]
    option_rules: ClassVar[OptionRules]
    strict_form: ClassVar[StrictForm]
    reply_option: ClassVar[str]
    message_class: type[M]

    @abstractmethod
    def body(self, request: ModelRequest) -> dict[str, object]:
        """Return the arguments of the SDK's call, which but for those of the SDK itself are the body of the request.

        Raises:
            ValueError: Something in the conversation cannot be said in this protocol.
        """

    @abstractmethod
    def chunks(self, client: C_contra, body: Mapping[str, object], *, stream: bool) -> AsyncGenerator[object, None]:
        """Make the request, and yield what comes back as plain JSON; a whole answer as the only piece."""

    @abstractmethod
    def reader(self) -> Reader:
        """Return what reads one answer."""

    def message(self, said: AssistantMessage, content: tuple[JsonObject, ...], notes: JsonObject) -> M:  # noqa: ARG002  # for those who want it back
        """Return the message of an answer. Override this if the provider wants back its content as it came.

        Args:
            said: What it says in the fields that all providers have.
            content: All of it as the provider gave it.
            notes: What else the provider said.
        """
        return message_of(self.message_class, said, notes)


def message_of(
    make: Callable[..., M], said: AssistantMessage, notes: JsonObject, **content: tuple[JsonObject, ...]
) -> M:
    """Return the message of an answer in a provider's own class.

    Args:
        make: That class.
        said: What the answer says in the fields that all providers have.
        notes: What else the provider said; the field `provider_data` has it.
        content: The fields that have the content as the provider gave it.
    """
    fields = {name: getattr(said, name) for name in AssistantMessage.__struct_fields__}
    fields |= {name: tuple(map(frozen_object, items)) for name, items in content.items()}
    if notes:
        fields["provider_data"] = frozen_object(notes)
    return make(**fields)
