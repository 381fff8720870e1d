"""Makes the module of message classes that the demo runs with."""

import time
from pathlib import Path
from typing import Final, NamedTuple

import scripts.demonstration as package
from miniagents.codegen import generate

__all__ = ["SCHEMA", "Generated", "generate_into"]

SCHEMA: Final = Path(__file__).with_name("help_desk.schema.json")


class Generated(NamedTuple):
    """A module that was just generated."""

    path: Path
    text: str
    seconds: float
    """The time that the generator took, in seconds."""


def generate_into(folder: Path) -> Generated:
    """Generate `help_desk.py` in a folder, and make later imports take it from there."""
    path = folder / "help_desk.py"
    start = time.perf_counter()
    # the header of the module names the schema by its path from the second argument's folder
    text = generate([SCHEMA], SCHEMA.with_name(path.name))
    seconds = time.perf_counter() - start
    path.write_text(text, encoding="utf-8")
    package.__path__.insert(0, str(folder))
    return Generated(path, text, seconds)
