"""The third scene: three agents at the same time, and one that reads them while they speak."""

import asyncio

from miniagents import MessageSequencePromise
from scripts.demonstration import agents
from scripts.demonstration.agents import TICKET, editor, help_desk
from scripts.demonstration.help_desk import Advice, Answer
from scripts.demonstration.stage import Stage, source_of

__all__ = ["ask", "play"]


def ask() -> tuple[MessageSequencePromise[Advice], MessageSequencePromise[Answer]]:
    """Start all agents without waiting for any of them."""
    advice = help_desk.inquire(TICKET)
    return advice, editor.inquire(advice, TICKET.customer)


async def play(stage: Stage) -> None:
    """Show the replies of all agents."""
    stage.code(source_of(agents, "editor"))
    stage.say()
    stage.say(f"{TICKET.customer}: {TICKET}")
    stage.say()
    await stage.pause(2)
    advice, answer = ask()
    with stage.panes(*TICKET.topics, below="editor") as panes:
        async with asyncio.TaskGroup() as readers:
            async for promise in advice:
                readers.create_task(panes.read(str(promise.known["topic"]), promise))
            readers.create_task(panes.read("editor", answer.only()))
    ends = [len(panes.order) - panes.order[::-1].index(name) for name in TICKET.topics]
    early = panes.order[: min(ends)].count("editor")
    stage.say(f"When the first of them ended, the editor had {early} of its {len(panes.tokens['editor'])} tokens.")
    stage.messages = (*await advice, *await answer)
