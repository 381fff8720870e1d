"""The ninth scene: commands to type next."""

from typing import Final

from rich.text import Text

from scripts.demonstration.stage import Stage

__all__ = ["COMMANDS", "play"]

COMMANDS: Final = {
    ".venv/bin/miniagents guide agents": "write agents yourself",
    ".venv/bin/miniagents chat --model scripted": "talk in the terminal, offline",
    ".venv/bin/miniagents generate --help": "classes from your own schema",
    "scripts/bench --quick": "measure everything",
    "scripts/check": "run what CI runs",
}
"""The purpose of each command."""


async def play(stage: Stage) -> None:
    """Show the commands and their purposes."""
    widest = max(map(len, COMMANDS))
    for command, purpose in COMMANDS.items():
        stage.say(Text.assemble((f"{command:<{widest}}", "bold"), f"  {purpose}"))
