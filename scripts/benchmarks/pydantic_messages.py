"""The messages of conversations as models of pydantic, with the fields of the limit's Structs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

if TYPE_CHECKING:
    from typing import IO

__all__ = ["of_json", "read", "text_of", "write"]


class Model(BaseModel):
    """The base class: frozen, and closed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TextPart(Model):
    """A part of the content of a message."""

    tag: Literal["TextPart"] = Field(alias="@type")
    text: str


class Reasoning(Model):
    """A part of a message from a model."""

    tag: Literal["Reasoning"] = Field(alias="@type")
    text: str
    signature: str | None = None


class ToolCall(Model):
    """Another one."""

    tag: Literal["ToolCall"] = Field(alias="@type")
    id: str
    name: str
    arguments: str = "{}"


class Usage(Model):
    """Another one."""

    tag: Literal["Usage"] = Field(alias="@type")
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0


class SystemMessage(Model):
    """The instructions for a model."""

    tag: Literal["SystemMessage"] = Field(alias="@type")
    text: str | None = None
    role: Literal["system"] = "system"


class UserMessage(Model):
    """A message to a model."""

    tag: Literal["UserMessage"] = Field(alias="@type")
    text: str | None = None
    role: Literal["user"] = "user"
    content: tuple[TextPart, ...] = ()


class ToolResultMessage(Model):
    """The result of a tool."""

    tag: Literal["ToolResultMessage"] = Field(alias="@type")
    text: str | None = None
    role: Literal["tool"] = "tool"
    tool_call_id: str
    tool_name: str | None = None
    is_error: bool = False
    content: tuple[TextPart, ...] = ()


class OpenAIMessage(Model):
    """A message from a model."""

    tag: Literal["OpenAIMessage"] = Field(alias="@type")
    text: str | None = None
    role: Literal["assistant"] = "assistant"
    model: str | None = None
    reasoning: tuple[Reasoning, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    refusal: str | None = None
    finish_reason: Literal["stop", "length", "tool_calls", "content_filter", "refusal", "pause", "other"] | None = None
    usage: Usage | None = None
    response_id: str | None = None
    output_items: tuple[dict[str, Any], ...] = ()  # Any: JSON of any type
    provider_data: dict[str, Any] | None = None  # Any: as above


AnyMessage = SystemMessage | UserMessage | ToolResultMessage | OpenAIMessage
_adapter: TypeAdapter[AnyMessage] = TypeAdapter(Annotated[AnyMessage, Field(discriminator="tag")])
of_json = _adapter.validate_json
"""Return the message in JSON."""


def write(messages: list[AnyMessage], file: IO[bytes]) -> None:
    """Write messages as lines of JSON, without their defaults."""
    for message in messages:
        file.write(_adapter.dump_json(message, by_alias=True, exclude_unset=True) + b"\n")


def read(data: bytes) -> list[AnyMessage]:
    """Read messages from lines of JSON."""
    return [_adapter.validate_json(line) for line in data.splitlines()]


def text_of(message: AnyMessage) -> str | None:
    """Return the text of a message."""
    return message.text
