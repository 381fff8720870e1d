"""The sixth scene: a wrong message arrives at a socket."""

import asyncio
import socket
import sys
from typing import Final

from rich.text import Text

from miniagents import encode
from miniagents.wire import RecordError, aread_records
from scripts.demonstration.help_desk import Ticket
from scripts.demonstration.stage import Stage, source_of

__all__ = ["play", "receive"]

RECORDS: Final = (
    encode(Ticket("Hello?", customer="Ada", topics=("network",))),
    b'{"@type":"Ticket","text":"Sun?","customer":"Bob","topics":["network","sky"]}',
    encode(Ticket("Paid?", customer="Eve", topics=("billing",))),
)


async def play(stage: Stage) -> None:
    """Send three records through a socket; the second is wrong."""
    stage.code(source_of(sys.modules[__name__], "receive"))
    stage.say()
    await stage.pause(1.5)
    here, there = socket.socketpair()
    with here, there:
        _, writer = await asyncio.open_connection(sock=here)
        reader, _ = await asyncio.open_connection(sock=there)
        for record in RECORDS:
            stage.say(Text.assemble(("→ ", "cyan"), record.decode()))
            writer.write(record + b"\n")
        writer.close()
        stage.say()
        await stage.pause(0.7)
        await receive(reader, stage)


async def receive(reader: asyncio.StreamReader, stage: Stage) -> None:
    """Show the tickets that arrive, and the errors in their places."""

    def refuse(error: RecordError) -> None:
        stage.say(Text(f"✗ {error}", style="bold red"))

    async for ticket in aread_records(reader, Ticket, on_error=refuse):
        stage.say(Text.assemble(("✓ ", "green"), repr(ticket)))
