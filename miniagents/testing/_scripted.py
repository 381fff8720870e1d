"""What tests of agents need.

Agents that say what the test wants, a stable text of what a stream delivered, streams that are drawn as marble diagrams
and diagrams of what comes of them, and a clock that nobody waits for.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Sequence
from typing import Final, TypeAlias, TypeGuard

import msgspec

from miniagents._diagrams import Delivered, Scenario, diagram, run_marbles
from miniagents._marbles import marble, marbles
from miniagents._virtual_clock import VirtualClockEventLoop
from miniagents.messages import Message, MessagePromise, MessageSequencePromise, StreamEvent, stream_message
from miniagents.miniagents import InteractionContext, MiniAgent, miniagent
from miniagents.promising import StreamedPromise

__all__ = [
    "Delivered",
    "Pause",
    "Reply",
    "Scenario",
    "Step",
    "VirtualClockEventLoop",
    "diagram",
    "marble",
    "marbles",
    "run_marbles",
    "scripted_agent",
    "transcript",
]


class Pause(msgspec.Struct, frozen=True):
    """A moment in which a scripted agent says nothing.

    Attributes:
        seconds: how long, on the loop's clock.
    """

    seconds: float


Step: TypeAlias = str | StreamEvent | Pause | BaseException
"""A token, an event, a pause, or an error, at its place in a streamed message."""

Reply: TypeAlias = str | Message | BaseException | Sequence[Step]
"""What a scripted agent answers to one call.

A string and a message are streamed word by word, a sequence of steps as it stands; an exception is raised.
"""

_WORD: Final = re.compile(r"\s*\S+\s*$|\s*\S+|\s+")


def scripted_agent(
    *replies: Reply, alias: str = "scripted_agent", pause: float = 0.0
) -> MiniAgent[Message, Message, []]:
    """An agent that answers its first call with the first reply, its second with the second, and so on.

    Args:
        replies: the answers; a call beyond the last fails with an `AssertionError`.
        alias: the agent's name.
        pause: seconds before each word of a reply that is streamed word by word.

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


async def transcript(delivered: Awaitable[object]) -> str:
    """What a promise delivers, in the order in which it came, a line for each thing.

    Of a sequence of messages all messages are read at once, so that the lines show how they overlap: `2 'to'` is a
    token of the second message, `2 = …` that message, `! …` an error at its place, `end` the end of the stream. The
    text is the same in every run in which things come in the same order; use it with snapshots.

    >>> async def main() -> None:
    ...     print(await transcript(StreamedPromise.of([1, 2])))
    >>> asyncio.run(main())
    1
    2
    = (1, 2)
    """
    lines: list[str] = []
    if _is_sequence(delivered):
        await _record_messages(delivered, lines)
    else:
        await _record(delivered, lines, "")
    return "\n".join(lines)


# --- machinery ---


def _is_sequence(delivered: Awaitable[object]) -> TypeGuard[MessageSequencePromise[Message]]:
    return isinstance(delivered, MessageSequencePromise)


def _is_stream(delivered: Awaitable[object]) -> TypeGuard[StreamedPromise[object, object]]:
    return isinstance(delivered, StreamedPromise)


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


async def _record_messages(messages: MessageSequencePromise[Message], lines: list[str]) -> None:
    async with asyncio.TaskGroup() as readers:
        pieces, number = aiter(messages), 0
        while True:
            try:
                message = await anext(pieces)
            except StopAsyncIteration:
                break
            except Exception as error:  # noqa: BLE001 - whatever it is, it is what was delivered
                lines.append(_error_line("", error))
            else:
                number += 1
                readers.create_task(_record(message, lines, f"{number} "))
    lines.append("end")


async def _record(delivered: Awaitable[object], lines: list[str], prefix: str) -> None:
    if _is_stream(delivered):
        pieces = aiter(delivered)
        while True:
            try:
                lines.append(f"{prefix}{await anext(pieces)!r}")
            except StopAsyncIteration:
                break
            except Exception as error:  # noqa: BLE001 - whatever it is, it is what was delivered
                lines.append(_error_line(prefix, error))
    try:
        lines.append(f"{prefix}= {await delivered!r}")
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what was delivered
        lines.append(_error_line(f"{prefix}= ", error))


def _error_line(prefix: str, error: Exception) -> str:
    return f"{prefix}! {type(error).__name__}: {error}"
