"""The last scene: what to type next."""

from typing import Final

from rich.text import Text

from scripts.demonstration.stage import Stage

__all__ = ["COMMANDS", "play"]

COMMANDS: Final = {
    ".venv/bin/miniagents chat --model scripted": "talk in the terminal, offline",
    ".venv/bin/miniagents generate --help": "classes from a schema of yours",
    "scripts/bench --quick": "all that can be measured",
    "scripts/check": "what CI runs",
    "less README.md": "agents, streams, schemas, models",
}
"""Commands, and what they are for."""


async def play(stage: Stage) -> None:
    """Show commands."""
    widest = max(map(len, COMMANDS))
    for command, purpose in COMMANDS.items():
        stage.say(Text.assemble((f"{command:<{widest}}", "bold"), f"  {purpose}"))
