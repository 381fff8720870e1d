"""What an import costs in a fresh interpreter."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
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
    """Takes the CPU time of an import, and the number of modules that it adds, in `n` interpreters.

    All modules are compiled beforehand, as those of an installed package are.
    """
    program = _PROGRAM.format(statement=statement)
    seconds: list[float] = []
    modules = ""
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for place in range(n + 1):
            ran = subprocess.run(  # noqa: S603  # ours
                [sys.executable, "-P", "-c", program], capture_output=True, check=True, text=True, env=environment
            )
            time, modules = ran.stdout.split()
            if place:  # the first one compiles
                seconds.append(float(time))
    watch.figures["cpu"] = statistics.median(seconds) * n
    watch.figures["modules"] = float(modules)
