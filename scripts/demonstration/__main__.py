"""The command line of `scripts/demo`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from miniagents import MiniAgents
from miniagents.testing import VirtualClockEventLoop
from scripts.demonstration.generating import generate_into
from scripts.demonstration.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED = 130
"""The exit status that shells report for a program ended by Ctrl+C."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Play all scenes; return the exit status."""
    options = _parser().parse_args(arguments)
    console = Console(highlight=False)
    try:
        with tempfile.TemporaryDirectory() as folder:
            stage = Stage(
                console=console, generated=generate_into(Path(folder)), baseline_python=options.baseline_python
            )
            loop_factory = VirtualClockEventLoop if options.fast else None
            MiniAgents().run(_play(stage), loop_factory=loop_factory)
    except KeyboardInterrupt:
        console.print("\nstopped")
        return INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/demo",
        description="Shows the library in under a minute, offline: types from a schema, agents that stream, errors, "
        "replay, messages on a socket, hash keys and speed. Everything that is seen really happens.",
    )
    parser.add_argument("--fast", action="store_true", help="let all pauses take no time")
    parser.add_argument("--baseline-python", metavar="PYTHON", default="", help=argparse.SUPPRESS)
    return parser


async def _play(stage: Stage) -> None:
    from scripts.demonstration.scenes import SCENES  # noqa: PLC0415  # it imports the module that was just generated

    for number, scene in enumerate(SCENES, 1):
        stage.title(f"{number}/{len(SCENES)}", scene.name, scene.point)
        await scene.play(stage)
        await stage.pause(scene.seconds)


if __name__ == "__main__":
    sys.exit(main())
