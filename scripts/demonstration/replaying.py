"""The fifth scene: a late reader reads from the first token."""

import asyncio
import sys
from typing import Final

from rich.text import Text

from miniagents import MessagePromise
from scripts.demonstration.agents import TICKET, specialist
from scripts.demonstration.help_desk import Advice
from scripts.demonstration.panes import Panes
from scripts.demonstration.stage import Stage, source_of

__all__ = ["play", "read_twice"]

MISSED: Final = 8
"""The number of tokens that have passed when the late reader begins."""


async def play(stage: Stage) -> None:
    """Show the same stream to two readers."""
    stage.code(source_of(sys.modules[__name__], "read_twice"))
    stage.say()
    await stage.pause(1.5)
    (promise,) = [each async for each in specialist.inquire(TICKET, "billing", pause=0.2)]
    with stage.panes("in time", "late") as panes:
        await read_twice(promise, panes)
    early, late = panes.tokens["in time"], panes.tokens["late"]
    if early != late:
        raise RuntimeError(f"both must have read the same: {early} and {late}")
    at_once = panes.order[MISSED:].index("in time")
    stage.say(Text.assemble("The first token of both: ", (repr(early[0]), "green"), ", ", (repr(late[0]), "green")))
    stage.say(f"The late reader came after {MISSED} tokens, and read {at_once} before the next one arrived.")


async def read_twice(promise: MessagePromise[Advice], panes: Panes) -> None:
    """Read a stream; in its middle, start a second reader of it."""
    async with asyncio.TaskGroup() as readers:
        async for token in promise:
            panes.write("in time", token)
            if len(panes.tokens["in time"]) == MISSED:
                readers.create_task(panes.read("late", promise))
        panes.end("in time")
