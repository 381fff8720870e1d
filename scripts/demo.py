"""A help desk of agents: two specialists answer a ticket at the same time, an editor makes one answer of it.

Nothing here needs a network: the specialists say what they were told to say, word by word, like a language model would.
"""

import asyncio
import importlib.util
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec

from miniagents import (
    InteractionContext,
    Message,
    MessageSequencePromise,
    MiniAgents,
    decode,
    encode,
    join_messages,
    miniagent,
    stream_message,
)
from miniagents.codegen import generate

SCHEMA = Path(__file__).with_name("demo.schema.json")
KNOWLEDGE = {
    "billing": "The second invoice was sent by mistake, and we have already taken it back. You owe nothing.",
    "network": "Please switch the router off, count to ten, and switch it on again. The line itself is fine.",
}
WIDTH = 22


def generated(schema: Path) -> Any:  # Any: a module that exists from now on
    """Generate the types of a schema file into a temporary module and import it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "help_desk.py"
        text = generate([schema], path)
        path.write_text(text, encoding="utf-8")
        print(f"{schema.name} gave {text.count('class ')} types, {len(text.splitlines())} lines of Python.\n")
        spec = importlib.util.spec_from_file_location("help_desk", path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{path} cannot be imported")
        module = importlib.util.module_from_spec(spec)
        sys.modules["help_desk"] = module
        spec.loader.exec_module(module)
        return module


desk = generated(SCHEMA)


@miniagent
async def specialist(ctx: InteractionContext, topic: str, seconds_per_word: float) -> None:
    """Give advice on one topic, word by word."""

    async def words() -> AsyncIterator[str]:
        space = ""
        for word in KNOWLEDGE[topic].split():
            await asyncio.sleep(seconds_per_word)
            yield space + word
            space = " "

    ctx.reply(stream_message(desk.Advice, words(), specialist=topic, confidence=0.9))


@miniagent
async def dispatcher(ctx: InteractionContext) -> None:
    """Ask all specialists whom the ticket concerns, at the same time."""
    (ticket,) = await ctx.messages
    paces = {"billing": 0.05, "network": 0.07}
    topics: tuple[str, ...] = getattr(ticket, "topics", ())
    for topic in topics:
        ctx.reply(specialist.options(alias=topic).inquire(ticket, topic, seconds_per_word=paces[topic]))


@miniagent
async def editor(ctx: InteractionContext, customer: str) -> None:
    """Make one answer of all advice, while it is still arriving."""
    names = [str(promise.known["specialist"]) async for promise in ctx.messages]
    answer = join_messages(ctx.messages, "\n")
    ctx.reply(stream_message(desk.Answer, answer, to=customer, from_=names))


async def show_side_by_side(advice: MessageSequencePromise[Message]) -> None:
    """Print the tokens of all messages as they come, a column for each message."""

    async def show(column: int, tokens: AsyncIterator[str]) -> None:
        async for token in tokens:
            print(" " * (WIDTH * column) + token.strip(), flush=True)

    async with asyncio.TaskGroup() as columns:
        column = 0
        async for promise in advice:
            print(" " * (WIDTH * column) + f"[{promise.known['specialist']}]")
            columns.create_task(show(column, aiter(promise)))
            column += 1


async def main() -> None:
    """Let the agents answer one ticket, and show what they said."""
    ticket = desk.Ticket(
        "I was billed twice, and since then the network is down.", customer="Ada", topics=["billing", "network"]
    )
    print(f"{ticket.customer}: {ticket}\n")
    advice = dispatcher.inquire(ticket)
    answer = editor.inquire(advice, ticket.customer)
    await show_side_by_side(advice)

    print("\nThe messages as JSON, with their hash keys:")
    for message in (ticket, *await advice, *await answer):
        data = encode(message)
        print(f"{message.hash_key}  {msgspec.json.format(data, indent=0).decode()}")
        if decode(data, Message) != message:
            raise AssertionError("a message must come back as it was")

    print("\nThe answer once more, replayed from its tokens:")
    async for promise in answer:
        async for token in promise:
            print(token, end="", flush=True)
    print()


if __name__ == "__main__":
    MiniAgents().run(main())
