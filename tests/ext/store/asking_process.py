"""A process that asks a cached agent once; the agent notes in a file that it was asked, and takes its time."""

import asyncio
import sys
from pathlib import Path

from miniagents import InteractionContext, MiniAgents, miniagent
from miniagents.ext.store import cached, open_store


def note() -> None:
    with Path(sys.argv[2]).open("a", encoding="utf-8") as told:
        told.write("asked\n")


@miniagent(version="1")
async def weather(ctx: InteractionContext) -> None:
    note()
    await asyncio.sleep(float(sys.argv[3]))
    ctx.reply("It rains.")


async def main() -> None:
    async with open_store(sys.argv[1]) as store, MiniAgents():
        sys.stdout.write(f"{await cached(weather, store).inquire('How is the weather?').only()}\n")


if __name__ == "__main__":
    asyncio.run(main())
