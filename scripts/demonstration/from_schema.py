"""The first scene: a schema, and the class that is generated from it."""

import re
import textwrap

from rich.text import Text

from scripts.demonstration import help_desk
from scripts.demonstration.generating import SCHEMA
from scripts.demonstration.stage import Stage, source_of

__all__ = ["play"]


async def play(stage: Stage) -> None:
    """Show the part of the schema file that describes a class, and the class."""
    stage.code(_definition("Advice"), "json")
    stage.say()
    await stage.pause(2.5)
    made = stage.generated
    stage.say(Text(f"$ miniagents generate {SCHEMA.name} --output {made.path.name}", style="bold"))
    lines, classes = len(made.text.splitlines()), made.text.count("\nclass ")
    stage.say(f"{classes} classes, {lines} lines of Python, in {made.seconds * 1000:.0f} ms; one of them:")
    stage.say()
    stage.code(source_of(help_desk, "Advice"))


def _definition(name: str) -> str:
    """Return the lines of the schema file for one definition."""
    found = re.search(rf'^    "{name}": {{.*?^    }}', SCHEMA.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    if found is None:
        raise LookupError(f"{SCHEMA} has no definition {name} that is indented by 4 spaces")
    return textwrap.dedent(found[0])
