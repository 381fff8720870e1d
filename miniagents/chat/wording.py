"""The wording that all views share: tool calls, and the line about an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from miniagents.messages import AssistantMessage

if TYPE_CHECKING:
    from miniagents.messages import Message

__all__ = ["call_text", "footer", "is_silent"]


def is_silent(message: Message) -> bool:
    """Tell whether a message is a model's answer without words, whose text would be its JSON."""
    return isinstance(message, AssistantMessage) and not message.text


def call_text(name: str, arguments: str) -> str:
    """Return a tool call as Python would write it; arguments that are not a complete JSON object stay unchanged."""
    try:
        given = msgspec.json.decode(arguments, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        return f"{name}({arguments})"
    return f"{name}({', '.join(f'{key}={bytes(value).decode()}' for key, value in given.items())})"


def footer(message: AssistantMessage) -> str:
    """Return the line about an answer: the model, its tokens, and the reason for an unusual end."""
    parts: list[str] = []
    if message.model is not None:
        parts.append(message.model)
    if message.usage is not None:
        usage = message.usage
        cached = f" ({usage.cache_read_tokens} cached)" if usage.cache_read_tokens else ""
        thought = f" ({usage.reasoning_tokens} reasoning)" if usage.reasoning_tokens else ""
        parts.append(f"{usage.input_tokens}{cached} → {usage.output_tokens}{thought} tokens")
    if message.finish_reason not in (None, "stop", "tool_calls", "refusal"):
        parts.append(f"ended by: {message.finish_reason}")
    return " · ".join(parts)
