"""The agents of a help desk. They reply prepared texts word by word, like a language model."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Final

from miniagents import InteractionContext, join_messages, miniagent, parallel, stream_message
from scripts.demonstration.help_desk import Advice, Answer, Ticket

__all__ = ["SAYS", "TICKET", "editor", "flaky", "help_desk", "reliable", "specialist", "stand_in"]

SAYS: Final = {
    "billing": "The second invoice was a mistake, and we have taken it back. You owe us nothing.",
    "network": "Please switch the router off, count to ten, and switch it on again.",
    "contract": "Your contract stays as it is, and the next month is free.",
}
TICKET: Final = Ticket(
    "I was billed twice, and now the network is down. Shall I leave?",
    customer="Ada",
    topics=("billing", "network", "contract"),
)


async def spoken(text: str, pause: float) -> AsyncIterator[str]:
    """Yield the words of a text, with a pause before each."""
    for word in re.findall(r"\S+\s*", text):
        await asyncio.sleep(pause)
        yield word


# --- specialists and their editor ---


@miniagent
async def specialist(ctx: InteractionContext[Ticket, Advice], topic: str, pause: float) -> None:
    """Give advice on one topic, with a pause before each word."""
    ctx.reply(stream_message(Advice, spoken(SAYS[topic], pause), topic=topic, urgency=5))


help_desk: Final = parallel(
    specialist.bound("billing", pause=0.17),
    specialist.bound("network", pause=0.25),
    specialist.bound("contract", pause=0.22),
)


@miniagent
async def editor(ctx: InteractionContext[Advice, Answer], to: str) -> None:
    """Merge all advice into one answer, while it is still arriving."""
    topics = [str(each.known["topic"]) async for each in ctx.messages]
    text = join_messages(ctx.messages, "\n")
    ctx.reply(stream_message(Answer, text, to=to, topics=tuple(topics)))


# --- one that fails, and one that continues ---


@miniagent
async def flaky(ctx: InteractionContext[Ticket, Advice]) -> None:
    """Fail in the middle of a sentence, as providers do."""

    async def words() -> AsyncIterator[str]:
        async for word in spoken(SAYS["network"], pause=0.22):
            if word == "ten, ":
                raise ConnectionError("the line is dead")
            yield word

    ctx.reply(stream_message(Advice, words(), topic="network", urgency=5))


@miniagent
async def stand_in(ctx: InteractionContext[Ticket, Advice], so_far: str) -> None:
    """Continue where another agent stopped."""
    rest = SAYS["network"].removeprefix(so_far)
    ctx.reply(stream_message(Advice, spoken(rest, pause=0.22), topic="network", urgency=5))


@miniagent
async def reliable(ctx: InteractionContext[Ticket, Advice]) -> None:
    """Pass on one agent's replies; if it fails, another one continues."""
    async for promise in flaky.inquire(ctx.messages):
        ctx.reply(promise)
        so_far = ""
        try:
            async for token in promise:
                so_far += token
        except ConnectionError:
            ctx.reply(stand_in.inquire(ctx.messages, so_far))
