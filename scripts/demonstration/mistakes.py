"""The second scene: two mistakes, and the two lines in which mypy reports them."""

import asyncio
import subprocess
import sys
from typing import Final

from rich.text import Text

from scripts.demonstration.stage import Stage

__all__ = ["play"]

MISTAKEN: Final = """\
from help_desk import Advice, Ticket
from miniagents import InteractionContext, miniagent

@miniagent
async def billing(ctx: InteractionContext[Ticket, Advice]) -> None:
    for ticket in await ctx.messages:
        text = f"Dear {ticket.client}, you owe us nothing."
        ctx.reply(Advice(text, topic="billing", urgency="high"))
"""
_FILE: Final = "mistaken.py"


async def play(stage: Stage) -> None:
    """Show an agent with two mistakes, and run mypy on it."""
    stage.code(MISTAKEN)
    stage.say()
    stage.say(Text(f"$ mypy --strict {_FILE}", style="bold"))
    folder = stage.generated.path.parent
    (folder / _FILE).write_text(MISTAKEN, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--no-color-output", "--no-error-summary", "--no-pretty"]
    command += ["--config-file=", f"--cache-dir={folder / 'mypy'}", _FILE]
    with stage.busy("mypy reads it"):
        done = await asyncio.to_thread(
            subprocess.run, command, cwd=folder, capture_output=True, encoding="utf-8", check=False
        )
    if done.returncode != 1:
        raise RuntimeError(f"mypy ended with {done.returncode}, not with the 1 that mistakes give:\n{done.stderr}")
    for line in done.stdout.splitlines():
        said = Text(line)
        said.highlight_words(["error:"], "bold red")
        stage.say(said)
