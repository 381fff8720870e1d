"""Counts of instructions: the same on a busy machine as on an idle one, so that a change of a percent can be seen.

Each workload runs twice, once up to the beginning of what is measured and once up to its end: the difference has no
start of an interpreter, no imports and no preparations in it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from scripts.benchmarks.processes import ROOT, command
from scripts.benchmarks.results import Count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from scripts.benchmarks.workloads import Workload

__all__ = ["CountingError", "count"]


class CountingError(Exception):
    """Instructions cannot be counted here."""


def count(workloads: Iterable[Workload], tell: Callable[[str], None], *, scale: float = 1.0) -> list[Count]:
    """Counts the instructions of the hot paths among the workloads, ours and the limit's.

    Raises:
        CountingError: there is no valgrind, or a run under it failed.
    """
    counter = _counter()
    hot = [workload for workload in workloads if workload.counted is not None]
    jobs = [(workload, side, stop) for workload in hot for side in ("ours", "limit") for stop in ("start", "end")]
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:  # counts do not mind company

        def run(job: tuple[Workload, str, str]) -> int:
            workload, side, stop = job
            tell(f"{workload.title}: {side}, up to the {stop}")
            return _instructions(counter, workload, side, _size(workload, scale), stop)

        found = dict(zip([(job[0].title, job[1], job[2]) for job in jobs], pool.map(run, jobs), strict=True))

    def per_operation(workload: Workload, side: str) -> float:
        difference = found[workload.title, side, "end"] - found[workload.title, side, "start"]
        return difference / workload.operations(_size(workload, scale))

    return [
        Count(title=each.title, ours=per_operation(each, "ours"), limit=per_operation(each, "limit")) for each in hot
    ]


def _size(workload: Workload, scale: float) -> int:
    return max(1, round((workload.counted or 0) * scale))


def _counter() -> list[str]:
    """What counts instructions on this machine: the processor where `perf` may ask it, else valgrind."""
    perf = shutil.which("perf")
    if perf is not None:
        tried = [perf, "stat", "-x,", "-e", "instructions:u"]
        ran = subprocess.run([*tried, "true"], capture_output=True, text=True, check=False)  # noqa: S603  # ours
        if re.search(r"^\d+,", ran.stderr, re.MULTILINE):
            return tried
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise CountingError("instructions are counted by `perf stat` or by valgrind, and neither works here")
    return [valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null"]


def _instructions(counter: list[str], workload: Workload, side: str, n: int, stop: str) -> int:
    words = [f"{name}={value!r}" for name, value in workload.arguments.items()]
    program = command(sys.executable, "counted", side, workload.function, str(n), stop, *words)
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    ran = subprocess.run(  # noqa: S603  # ours
        [*counter, *program], capture_output=True, text=True, check=False, cwd=ROOT, env=environment
    )
    found = re.search(r"Collected : (\d+)", ran.stderr) or re.search(r"^(\d+),", ran.stderr, re.MULTILINE)
    if ran.returncode or found is None:
        raise CountingError(f"{workload.title!r}: {side} failed under {counter[0]}:\n{ran.stderr[-2000:]}")
    return int(found[1])
