"""Agents whose replies a test chooses."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from typing import Final, TypeAlias

import msgspec

from miniagents.messages import Message, MessagePromise, StreamEvent, stream_message
from miniagents.miniagents import InteractionContext, MiniAgent, miniagent

__all__ = ["Pause", "Reply", "Step", "scripted_agent"]


class Pause(msgspec.Struct, frozen=True):
    """A pause between the tokens of a scripted agent.

    Attributes:
        seconds: The length of the pause, on the loop's clock.
    """

    seconds: float


Step: TypeAlias = str | StreamEvent | Pause | BaseException
"""A token, an event, a pause or an error in its place in a streamed message."""

Reply: TypeAlias = str | Message | BaseException | Sequence[Step]
"""The answer of a scripted agent to one call.

A string or a message is streamed word by word. A sequence of steps is streamed step by step. An exception is raised.
"""

_WORD: Final = re.compile(r"\s*\S+\s*$|\s*\S+|\s+")


def scripted_agent(
    *replies: Reply, alias: str = "scripted_agent", pause: float = 0.0
) -> MiniAgent[Message, Message, []]:
    """Return an agent that answers its first call with the first reply, its second with the second, and so on.

    Args:
        replies: The answers, one for each call. A further call fails with an `AssertionError`.
        alias: The agent's name in logs, errors and records.
        pause: Seconds before each word of a string or message, on the loop's clock.

    >>> agent = scripted_agent("Hello there", ["to", "k", "ens"], ValueError("no"))
    >>> async def main() -> None:
    ...     async with MiniAgents():
    ...         print(await transcript(agent.inquire()))
    ...         print(await transcript(agent.inquire()))
    ...         print(await transcript(agent.inquire()))
    >>> asyncio.run(main())
    1 'Hello'
    1 ' there'
    1 = Message(text='Hello there')
    end
    1 'to'
    1 'k'
    1 'ens'
    1 = Message(text='tokens')
    end
    ! ValueError: no
    end
    """
    left = iter(replies)

    @miniagent(alias=alias)
    async def scripted(ctx: InteractionContext) -> None:
        reply = next(left, None)
        if reply is None:
            raise AssertionError(f"scripted agent {alias!r} has {len(replies)} replies and was called once more")
        if isinstance(reply, BaseException):
            raise reply
        if isinstance(reply, Message):
            ctx.reply(_streamed(reply, pause))
        else:
            ctx.reply(stream_message(Message, _played(_words(reply, pause) if isinstance(reply, str) else reply)))

    return scripted


# --- machinery ---


def _words(text: str, pause: float) -> list[Step]:
    return [step for word in _WORD.findall(text) for step in ([Pause(pause), word] if pause else [word])]


def _streamed(message: Message, pause: float) -> MessagePromise[Message]:
    async def whole(_: object) -> Message:
        return message

    known = {name: value for name, value in msgspec.structs.asdict(message).items() if name != "text"}
    return MessagePromise(lambda: _played(_words(str(message), pause)), whole, message_class=type(message), known=known)


async def _played(steps: Sequence[Step]) -> AsyncIterator[str | StreamEvent]:
    for step in steps:
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
        elif isinstance(step, BaseException):
            raise step
        else:
            yield step
