"""Messages as OpenTelemetry's conventions write them into attributes: JSON text."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Final

from miniagents.messages import AssistantMessage, CachePoint, ImagePart, Message, TextPart, ToolResultMessage

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["captures_contents", "clean", "spoken", "text_part"]

_VARIABLE: Final = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_IN_SPANS: Final = frozenset({"true", "1", "span_only", "span_and_event"})


def captures_contents() -> bool:
    """Return whether OpenTelemetry's environment variable asks for the contents of messages in spans."""
    return os.environ.get(_VARIABLE, "").strip().lower() in _IN_SPANS


def clean(text: str) -> str:
    """Return text that every exporter can encode: lone surrogates become question marks."""
    return text if text.isascii() else text.encode(errors="replace").decode()


def spoken(messages: Iterable[Message], role: str) -> str:
    """Return messages as JSON text.

    Args:
        messages: The messages.
        role: The role of those that have none of their own.
    """
    return json.dumps([_message(message, role) for message in messages])


def text_part(text: object) -> dict[str, object]:
    """Return a part that is text."""
    return {"type": "text", "content": str(text)}


def _message(message: Message, role: str) -> dict[str, object]:
    parts: list[object] = []
    if isinstance(message, AssistantMessage):
        parts += [{"type": "reasoning", "content": each.text} for each in message.reasoning]
    if isinstance(message, ToolResultMessage):
        parts.append({"type": "tool_call_response", "id": message.tool_call_id, "response": str(message)})
    else:
        # without a text an answer would show itself as JSON, with the parts that come here as parts
        text = message.text if isinstance(message, AssistantMessage) else str(message)
        parts += [text_part(text)] if text else []
    if isinstance(message, AssistantMessage):
        parts += [
            {"type": "tool_call", "id": each.id, "name": each.name, "arguments": each.arguments}
            for each in message.tool_calls
        ]
    for part in getattr(message, "content", ()):
        if isinstance(part, TextPart):
            parts.append(text_part(part.text))
        elif not isinstance(part, CachePoint):  # what a picture or a file holds would be too long for an attribute
            parts.append({"type": "image" if isinstance(part, ImagePart) else "file"})
    said: dict[str, object] = {"role": getattr(message, "role", role), "parts": parts}
    if isinstance(message, AssistantMessage):
        said["finish_reason"] = message.finish_reason or "stop"
    return said
