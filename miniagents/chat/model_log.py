"""A log of what models were asked and said, as Markdown."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from miniagents.chat.history import append_private
from miniagents.chat.wording import call_text, footer, is_silent
from miniagents.messages import AssistantMessage, Message, ToolResultMessage, UserMessage
from miniagents.messages.values.surrogates import mended

if TYPE_CHECKING:
    import os

    from miniagents.calls import Call, CallHandler, Proceed
    from miniagents.messages import MessageType

__all__ = ["markdown_log"]


def markdown_log(path: str | os.PathLike[str]) -> CallHandler:
    """Return a handler that appends what models are asked, and what they say, to a Markdown file.

    Each request is a section, written when it has ended, with the time it took, its tokens, and its error if it
    failed. Messages that the section before has already are only counted. Keys and options are not written; what was
    said is, so only the owner may read a new file. A file that cannot be written fails no request: the error is logged.

    Args:
        path: The file, which is made at the first request.

    Give it to a context: `MiniAgents(around_calls=markdown_log("models.md"))`.
    """
    place = Path(path)
    before: tuple[Message, ...] = ()

    def write(call: Call) -> None:
        nonlocal before
        asked, said = call.complete_messages, call.complete_replies
        known = len(before) if before and asked[: len(before)] == before else 0
        before = (*asked, *said)
        append_private(place, mended(_section(call, asked[known:], said, known)).encode())

    async def logged(call: Call, proceed: Proceed) -> MessageType[Message] | None:
        if call.kind == "model" and call.outcome is None:
            call.when_ended(lambda: write(call))
        return proceed()

    logged.__qualname__ = "markdown_log"
    return logged


# --- machinery ---


def _section(call: Call, asked: tuple[Message, ...], said: tuple[Message, ...], known: int) -> str:
    began = "" if call.began is None else f", {datetime.fromtimestamp(call.began).astimezone():%Y-%m-%d %H:%M:%S}"
    took = "" if call.began is None or call.ended is None else f", {call.ended - call.began:.1f} s"
    parts = [f"## {' '.join(call.name.split())}{began}{took}"]
    if known:
        parts.append(f"*({known} earlier message{'' if known == 1 else 's'})*")
    parts += [*(_shown(message, "user") for message in asked), *(_shown(message, "assistant") for message in said)]
    if call.error is not None:
        parts.append(f"**error**\n\n{_quoted(f'{type(call.error).__name__}: {call.error}')}")
    return "\n\n".join(parts) + "\n\n"


def _shown(message: Message, otherwise: str) -> str:
    """Return a message below its role, which is another one if its class has none."""
    who: object = getattr(message, "role", None)
    parts = [f"**{who if isinstance(who, str) else otherwise}**"]
    if isinstance(message, ToolResultMessage) and message.tool_name:
        parts = [f"**result of {' '.join(message.tool_name.split())}**"]
    if isinstance(message, AssistantMessage):
        parts += [f"*{line}*" for each in message.reasoning for line in each.text.split("\n") if line.strip()]
    if not is_silent(message):
        parts.append(_quoted(str(message)))
    if isinstance(message, UserMessage):
        parts += [f"*({type(part).__name__})*" for part in message.content]
    if isinstance(message, AssistantMessage):
        parts += [f"`` → {call_text(call.name, call.arguments)} ``" for call in message.tool_calls]
        parts += [f"*{line}*" for line in (footer(message),) if line]
    return "\n\n".join(parts)


def _quoted(text: str) -> str:
    """Return a text as a quotation, so that no heading in it looks like one of the log."""
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))
