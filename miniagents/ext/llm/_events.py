"""The events of a model's answer, which are the same for all providers.

A protocol makes these events from the data of a provider, streamed or not. The assembler makes a message from them.
Text is `str`. The other events that readers see are the library's own stream events.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

import msgspec

from miniagents.messages import ReasoningDelta, RefusalDelta, ToolCallDelta, Usage

if TYPE_CHECKING:
    from miniagents.ext.llm._json import JsonObject

__all__ = [
    "FinishReason",
    "Finished",
    "Kept",
    "ModelEvent",
    "Noted",
    "ReasoningEnded",
    "Started",
    "ToolCallPiece",
    "raw_piece",
]

D = TypeVar("D", ReasoningDelta, RefusalDelta)

FinishReason: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter", "refusal", "pause", "other"]
"""Why a model stopped; see `AssistantMessage.finish_reason`."""


@dataclass(frozen=True, slots=True)
class Started:
    """The provider has begun to answer.

    Attributes:
        model: The provider's name of the model.
        response_id: The provider's identifier of the answer.
    """

    model: str | None = None
    response_id: str | None = None


@dataclass(frozen=True, slots=True)
class ReasoningEnded:
    """The end of one piece of reasoning: everything since the last such event; `signature` belongs to it."""

    signature: str | None = None


@dataclass(frozen=True, slots=True)
class ToolCallPiece:
    """A fragment of a call of a tool.

    Attributes:
        index: The provider's number of the call; None if it sends none.
        id: The identifier of the call; None if this fragment has none.
        name: The name of the tool; None if this fragment has none.
        arguments: A fragment of the arguments, which are JSON.
        kept: Properties of the call that only the server understands.
    """

    index: int | None
    id: str | None = None
    name: str | None = None
    arguments: str = ""
    kept: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """Pieces of properties of the message that only the server understands, and wants back."""

    pieces: JsonObject


@dataclass(frozen=True, slots=True)
class Noted:
    """Data of the provider that has no field of its own; a later value replaces an earlier one of the same name."""

    data: JsonObject


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer is complete.

    Attributes:
        reason: Why the model stopped; None if the server does not say.
        content: The whole answer as the provider sent it, if the provider may want it back in a later request.
    """

    reason: FinishReason | None
    content: tuple[JsonObject, ...] = field(default=())


def raw_piece(cls: type[D], text: str) -> D:
    """Return a piece of reasoning or of a refusal as the provider sent it.

    It may have halves of surrogate pairs, which the class refuses. The assembler mends them.
    """
    return msgspec.structs.replace(cls(""), text=text)


ModelEvent: TypeAlias = (
    str | ReasoningDelta | RefusalDelta | ToolCallPiece | Usage | Started | ReasoningEnded | Kept | Noted | Finished
)
"""A piece of an answer. `Usage` counts the whole answer so far, not only one piece."""

StreamedEvent: TypeAlias = str | ReasoningDelta | RefusalDelta | ToolCallDelta
"""A piece that readers of the message see."""
