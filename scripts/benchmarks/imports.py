"""What an import costs in a fresh interpreter."""

from __future__ import annotations

import statistics
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scripts.benchmarks.watch import Watch

__all__ = ["imported"]

_PROGRAM = """
import sys, time
before = set(sys.modules)
start = time.process_time()
{statement}
print(time.process_time() - start, len(set(sys.modules) - before))
"""


def imported(watch: Watch, n: int, statement: str) -> None:
    """Takes the CPU time of an import, and the number of modules that it adds, in `n` interpreters."""
    program = _PROGRAM.format(statement=statement)
    seconds: list[float] = []
    modules = ""
    for _ in range(n):
        ran = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, check=True, text=True)  # noqa: S603  # ours
        time, modules = ran.stdout.split()
        seconds.append(float(time))
    watch.figures["cpu"] = statistics.median(seconds) * n
    watch.figures["modules"] = float(modules)
