"""Models that need no network: one repeats the user's words, the other repeats the answers of a saved conversation."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final

import msgspec

from miniagents.chat.wording import is_silent
from miniagents.messages import (
    AssistantMessage,
    Message,
    MessagePromise,
    Reasoning,
    ReasoningDelta,
    ToolCallDelta,
    UserMessage,
)
from miniagents.miniagents import InteractionContext, MiniAgent, miniagent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from miniagents.messages import StreamEvent

__all__ = ["PAUSE", "echoing_agent", "replaying_agent"]

PAUSE: Final = 0.03
"""The seconds before each word."""

_WORD: Final = re.compile(r"\s*\S+\s*$|\s*\S+|\s+")


@miniagent(alias="scripted")
async def echoing_agent(ctx: InteractionContext, *, pause: float = PAUSE) -> None:
    """Repeat the last message as a quotation, with a thought before it."""
    said = await ctx.messages
    text = str(said[-1]) if said else ""
    count = len(text.split())
    ctx.reply(
        played(
            AssistantMessage(
                "\n".join(
                    ("You said:", "", *(f"> {line}" for line in text.splitlines()), "", "No model is at work here.")
                ),
                model="scripted",
                reasoning=(Reasoning(f"{count} word{'' if count == 1 else 's'}, and I know only a script."),),
                finish_reason="stop",
            ),
            pause,
        )
    )


def replaying_agent(conversation: Sequence[Message], name: str) -> MiniAgent[Message, Message, ...]:
    """Return an agent that repeats the answers of a conversation.

    It answers the n-th message of the user with the messages that follow the n-th `UserMessage` of the conversation.

    Args:
        conversation: The conversation; messages before its first `UserMessage` are ignored.
        name: The name of the agent, which its errors begin with.
    """
    answers: list[list[Message]] = []
    for message in conversation:
        if isinstance(message, UserMessage):
            answers.append([])
        elif answers:
            answers[-1].append(message)

    @miniagent(alias=name)
    async def replaying(ctx: InteractionContext, *, pause: float = PAUSE) -> None:
        """Repeat the answer to the last message of the user."""
        asked = sum(isinstance(message, UserMessage) for message in await ctx.messages)
        if asked > len(answers):
            raise IndexError(f"{name} has answers to {len(answers)} messages of the user, and this is number {asked}")
        for message in answers[asked - 1] if asked else ():
            ctx.reply(promise := played(message, pause))
            await promise

    return replaying


def played(message: Message, pause: float) -> MessagePromise[Message]:
    """Return the promise of a complete message that streams like a model: thoughts, words, tool calls.

    Args:
        message: The message.
        pause: The seconds before each piece.
    """

    async def whole(_: object) -> Message:
        return message

    async def pieces() -> AsyncIterator[str | StreamEvent]:
        for piece in _pieces(message):
            await asyncio.sleep(pause)
            yield piece

    text = {"text", "reasoning", "tool_calls", "finish_reason", "usage"}
    known = {name: value for name, value in msgspec.structs.asdict(message).items() if name not in text}
    return MessagePromise(pieces, whole, message_class=type(message), known=known)


# --- machinery ---


def _pieces(message: Message) -> list[str | StreamEvent]:
    pieces: list[str | StreamEvent] = []
    if isinstance(message, AssistantMessage):
        pieces += [ReasoningDelta(word) for each in message.reasoning for word in _words(each.text)]
    pieces += [] if is_silent(message) else _words(str(message))
    if isinstance(message, AssistantMessage):
        for index, call in enumerate(message.tool_calls):
            pieces.append(ToolCallDelta(index=index, id=call.id, name=call.name))
            pieces += [ToolCallDelta(index=index, arguments=word) for word in _words(call.arguments)]
    return pieces


def _words(text: str) -> list[str]:
    return _WORD.findall(text)
