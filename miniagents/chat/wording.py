"""The wording that all views share: tool calls, the line about an answer, printable text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from miniagents.messages import AssistantMessage

if TYPE_CHECKING:
    from miniagents.messages import Message

__all__ = ["call_text", "footer", "is_silent", "printable"]

_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def printable(text: str) -> str:
    """Return the text without control characters: a model must not move the cursor or rename the window."""
    return _CONTROLS.sub(lambda found: "\ufffd" if found[0] != "\r" else "", text)


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
