"""Counts instructions. Their number is the same on a busy and on an idle machine, so that a change of 1 % is visible.

Each workload runs twice: once up to the beginning of the measured part, and once up to its end. The difference does not
contain the start of the interpreter, imports and preparations.
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

    from scripts.benchmarks.definitions import Workload

__all__ = ["CountingError", "count"]


class CountingError(Exception):
    """Instructions cannot be counted on this machine."""


def count(workloads: Iterable[Workload], tell: Callable[[str], None], *, scale: float = 1.0) -> list[Count]:
    """Count the instructions of the hot paths among the workloads, ours and the limit's.

    Raises:
        CountingError: Neither `perf` nor valgrind can count, or a run failed.
    """
    counter = _counter()
    hot = [workload for workload in workloads if workload.counted is not None]
    jobs = [(workload, side, stop) for workload in hot for side in ("ours", "limit") for stop in ("start", "end")]
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:  # other processes do not change counts

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
    """Return the command that counts instructions here: `perf` if the processor counts for it, else valgrind."""
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
