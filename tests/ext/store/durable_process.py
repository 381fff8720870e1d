"""A process with a durable run: it tells its steps on stdout, notes its effects in a file, and may be killed.

Its arguments are the address of the store, the file, and the lease if it is not the store's own. With a last argument
"waits" it does nothing behind its first step before its stdin ends.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from miniagents import AssistantMessage, InteractionContext, MiniAgents, miniagent, stream_message
from miniagents.ext.store import PostgresStore, SQLiteStore, call_key, durable, open_store


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def note(effect: str) -> None:
    with EFFECTS.open("a", encoding="utf-8") as effects:
        effects.write(f"{effect}\n")


@miniagent
async def step(ctx: InteractionContext, number: int) -> None:
    asked = "".join([message.text or "" for message in await ctx.messages])
    note(call_key())

    async def tokens() -> AsyncIterator[str]:
        for token in (f"{number}", "(", asked[-30:], ")"):
            await asyncio.sleep(0.002)
            yield token

    ctx.reply(stream_message(AssistantMessage, tokens()))


@miniagent
async def part(ctx: InteractionContext, number: int) -> None:
    text = f"part {number}"
    for each in range(3):
        text = str(await step.inquire(text, number=each).only())
        say(text)
        if WAITS:
            await asyncio.to_thread(sys.stdin.read)
    found = await asyncio.gather(*(step.inquire(text, number=each).only() for each in range(4)))
    ctx.reply(" ".join(map(str, found)))


def store_at(address: str) -> SQLiteStore | PostgresStore:
    if LEASE is None:
        return open_store(address)
    return PostgresStore(address, lease=LEASE) if "://" in address else SQLiteStore(address, lease=LEASE)


async def main(address: str) -> None:
    async with (
        store_at(address) as store,
        durable(store, run="order-17") as run,
        MiniAgents(around_calls=run),
    ):
        found = [str(await part.inquire("go", number=number).only()) for number in range(3)]
        say(repr(found))


if __name__ == "__main__":
    EFFECTS = Path(sys.argv[2])
    WAITS = sys.argv[-1] == "waits"
    leases = sys.argv[3 : len(sys.argv) - WAITS]
    LEASE = float(leases[0]) if leases else None
    asyncio.run(main(sys.argv[1]))
