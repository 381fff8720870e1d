"""What arrives from a language model, whatever its provider: the language between protocols and the assembler.

A protocol makes these events of what a provider sends, streamed or not; the assembler makes a message of them. Text is
`str`, and what readers see of the rest are the library's own stream events.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from miniagents.messages import ReasoningDelta, RefusalDelta, ToolCallDelta, Usage

if TYPE_CHECKING:
    from miniagents.ext.llm._json import JsonObject

__all__ = ["FinishReason", "Finished", "ModelEvent", "Noted", "ReasoningEnded", "Started", "ToolCallPiece"]

FinishReason: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter", "refusal", "pause", "other"]
"""Why a model stopped, as `AssistantMessage.finish_reason` has it."""


@dataclass(frozen=True, slots=True)
class Started:
    """The provider has begun to answer.

    Attributes:
        model: The name of the model, as the provider says it.
        response_id: The provider's identifier of the answer.
    """

    model: str | None = None
    response_id: str | None = None


@dataclass(frozen=True, slots=True)
class ReasoningEnded:
    """The reasoning since the last such event belongs together, and this is its signature."""

    signature: str | None = None


@dataclass(frozen=True, slots=True)
class ToolCallPiece:
    """A fragment of a call of a tool, by the provider's own count.

    Attributes:
        index: What the provider counts the call as; None where it does not say.
        id: The identifier of the call, where this fragment has it.
        name: The name of the tool, where this fragment has it.
        arguments: A fragment of the arguments.
    """

    index: int | None
    id: str | None = None
    name: str | None = None
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Noted:
    """Something that the provider says of the answer and that has no field of its own; later notes replace earlier."""

    data: JsonObject


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer is complete.

    Attributes:
        reason: Why the model stopped.
        content: All of the answer as the provider gave it, where it may want that back.
    """

    reason: FinishReason
    content: tuple[JsonObject, ...] = field(default=())


ModelEvent: TypeAlias = (
    str | ReasoningDelta | RefusalDelta | ToolCallPiece | Usage | Started | ReasoningEnded | Noted | Finished
)
"""A piece of an answer; `Usage` is that of the whole answer so far."""

StreamedEvent: TypeAlias = str | ReasoningDelta | RefusalDelta | ToolCallDelta
"""A piece that readers of the message see."""
