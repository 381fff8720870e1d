"""Random trees of agents: tokens, events, errors, replies out of order, and calls that are cancelled."""

import asyncio
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal

from hypothesis import strategies as st

from miniagents import (
    CallHandler,
    InteractionContext,
    Message,
    MessageSequencePromise,
    MiniAgents,
    ReasoningDelta,
    StreamEvent,
    miniagent,
    stream_message,
)


@dataclass(frozen=True)
class Say:
    """A message that takes its time."""

    pieces: tuple[tuple[int, str | StreamEvent], ...]
    """Each with the seconds before it."""
    fails: bool
    waits: bool
    """Whether the agent goes on when the message is complete."""


@dataclass(frozen=True)
class Ask:
    """A call of another node."""

    node: int
    how: Literal["forward", "await", "cancel"]
    seconds: int


@dataclass(frozen=True)
class Raise:
    """An error."""


@dataclass(frozen=True)
class Sleep:
    """A pause."""

    seconds: int


Step = Say | Ask | Raise | Sleep
Tree = tuple[tuple[Step, ...], ...]
"""The steps of each node; a node calls those behind it. The first one is the root."""


class TreeError(Exception):
    """The error of a node."""


async def _tokens(say: Say) -> AsyncIterator[str | StreamEvent]:
    for seconds, piece in say.pieces:
        await asyncio.sleep(seconds)
        yield piece
    if say.fails:
        raise TreeError("a message broke")


_tree: list[Tree] = []


@miniagent
async def node(ctx: InteractionContext, number: int) -> None:
    """Do the steps of a node, and end with a message for every message that came."""
    for message in await ctx.messages:
        ctx.reply(f"{number} was given {message}")
    for step in _tree[-1][number]:
        if isinstance(step, Say):
            ctx.reply(said := stream_message(Message, _tokens(step)))
            if step.waits:
                await said.recover(lambda _: Message("broken"))
        elif isinstance(step, Ask):
            replies = node.inquire("from above", number=step.node)
            if step.how == "forward":
                ctx.reply(replies)
            elif step.how == "await":
                found = await replies.recover(lambda error: (Message(f"caught {type(error).__name__}"),))
                ctx.reply([f"it said {message}" for message in found])
            else:
                await asyncio.sleep(step.seconds)
                replies.cancel()
        elif isinstance(step, Sleep):
            await asyncio.sleep(step.seconds)
        else:
            raise TreeError(f"{number} gave up")


_seconds: Final = st.integers(0, 4)
_pieces: Final = st.sampled_from(["a", "bc", "", "é ", ReasoningDelta("hm")])
_says: Final = st.builds(
    Say,
    pieces=st.lists(st.tuples(_seconds, _pieces), max_size=4).map(tuple),
    fails=st.sampled_from([False, False, False, True]),
    waits=st.booleans(),
)


@st.composite
def trees(draw: st.DrawFn, most: int = 4) -> Tree:
    """Make the steps of up to so many nodes."""
    count = draw(st.integers(1, most))
    nodes: list[tuple[Step, ...]] = []
    for number in range(count):
        steps: list[st.SearchStrategy[Step]] = [_says, st.builds(Sleep, _seconds)]
        if number + 1 < count:
            asks = st.builds(
                Ask,
                node=st.integers(number + 1, count - 1),
                how=st.sampled_from(["forward", "forward", "await", "cancel"]),
                seconds=_seconds,
            )
            steps += [asks, asks]
        drawn = draw(st.lists(st.one_of(steps), max_size=4))
        if draw(st.integers(0, 7)) == 0:
            drawn.append(Raise())
        nodes.append(tuple(drawn))
    return tuple(nodes)


@contextmanager
def grown(tree: Tree) -> Generator[None]:
    """Give `node` the steps of a tree."""
    _tree.append(tree)
    try:
        yield
    finally:
        _tree.pop()


async def outcome(*around: CallHandler, start: int = 0) -> list[str]:
    """Return everything that a node replies with."""
    async with MiniAgents(around_calls=around):
        return await said_in(node.inquire("from the test", number=start))


async def said_in(replies: MessageSequencePromise[Message]) -> list[str]:
    """Return all pieces of replies, message by message, whatever the order of their arrival."""
    lines: list[str] = []
    pieces = aiter(replies)
    while True:
        try:
            message = await anext(pieces)
        except StopAsyncIteration:
            return lines
        except Exception as error:  # noqa: BLE001 - it is compared
            lines.append(f"! {_said(error)}")
            continue
        tokens = aiter(message.events)
        while True:
            try:
                lines.append(repr(await anext(tokens)))
            except StopAsyncIteration:
                break
            except Exception as error:  # noqa: BLE001 - as above
                lines.append(f"token ! {_said(error)}")
        try:
            lines.append(f"= {await message!r}")
        except Exception as error:  # noqa: BLE001 - as above
            lines.append(f"= ! {_said(error)}")


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
