"""The sixth scene: a wrong message arrives at a socket."""

import asyncio
import socket
import sys

from rich.text import Text

from miniagents import encode
from miniagents.wire import RecordError, aread_records
from scripts.demonstration.agents import TICKET
from scripts.demonstration.help_desk import Ticket
from scripts.demonstration.stage import Stage, source_of

__all__ = ["play", "receive"]

WRONG = b'{"@type":"Ticket","text":"Rain?","customer":"Bob","topics":["billing","weather"]}'


async def play(stage: Stage) -> None:
    """Send three records through a socket, the second of which is wrong."""
    stage.code(source_of(sys.modules[__name__], "receive"))
    stage.say()
    await stage.pause(1.5)
    here, there = socket.socketpair()
    lines = [encode(TICKET), WRONG, encode(Ticket("And the bill?", customer="Grace", topics=("billing",)))]
    with here, there:
        _, writer = await asyncio.open_connection(sock=here)
        reader, _ = await asyncio.open_connection(sock=there)
        for line in lines:
            stage.say(Text.assemble(("→ ", "cyan"), line.decode()))
            writer.write(line + b"\n")
        writer.close()
        received = await receive(reader)
    stage.say()
    for each in received:
        if isinstance(each, RecordError):
            stage.say(Text(f"✗ {each}", style="bold red"))
        else:
            stage.say(Text.assemble(("✓ ", "green"), f"{each.customer}: {each}"))


async def receive(reader: asyncio.StreamReader) -> list[Ticket | RecordError]:
    """Return the tickets that arrive, and the errors in their places."""
    received: list[Ticket | RecordError] = []
    async for ticket in aread_records(reader, Ticket, on_error=received.append):
        received.append(ticket)  # noqa: PERF401  # errors come in between
    return received
