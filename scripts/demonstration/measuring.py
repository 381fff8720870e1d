"""The eighth scene: calls of agents, measured as `scripts/bench` does it."""

import asyncio
import sys
from contextlib import ExitStack
from typing import Final

from rich.text import Text

from scripts.benchmarks.processes import Side
from scripts.benchmarks.running import measure
from scripts.benchmarks.workloads import WORKLOADS
from scripts.demonstration.stage import Stage

__all__ = ["play"]

TITLE: Final = "calls: 1,000 at once"
ROUNDS: Final = 3
WIDEST: Final = 30
"""The length of the longest bar, in characters."""


async def play(stage: Stage) -> None:
    """Measure calls and show their times as bars."""
    (workload,) = (each for each in WORKLOADS if each.title == TITLE)
    with stage.busy("measuring"), ExitStack() as processes:
        sides = [processes.enter_context(Side(name, sys.executable)) for name in ("ours", "limit")]
        if stage.baseline_python:
            sides.append(processes.enter_context(Side("old", stage.baseline_python)))
        (row,) = await asyncio.to_thread(measure, workload, sides, rounds=ROUNDS)
    limit, old = row.others.limit, row.others.old
    bars = [("miniagents", row.median, "cyan")]
    if limit is not None:
        bars.insert(0, ("bare asyncio", limit.median, "green"))
    if old is not None:
        bars.append(("miniagents 0.0.35", old.median, "red"))
    longest = max(value for _, value, _ in bars)
    for name, value, colour in bars:
        stage.say(
            Text.assemble(f"{name:<18}", (f"{_bar(value / longest):<{WIDEST}}", colour), f"{value:>9,.1f} {row.unit}")
        )
    stage.say()
    if limit is not None:
        stage.say(f"That is {limit.ratio:.1f} times what asyncio alone takes, written by hand for this.")
    if old is not None:
        stage.say(f"miniagents 0.0.35 takes {old.ratio:,.0f} times as long.")
    else:
        stage.say("miniagents 0.0.35 is not measured: scripts/setup_baseline installs it.")


def _bar(part: float) -> str:
    """Return a bar whose length is a share of the longest, drawn in eighths of a character."""
    whole, eighths = divmod(max(round(part * WIDEST * 8), 1), 8)
    return "█" * whole + " ▏▎▍▌▋▊▉"[eighths].strip()
