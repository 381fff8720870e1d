"""Measures the cost of an import in a new interpreter."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from scripts.benchmarks.watch import Watch

__all__ = ["imported"]

_PROGRAM = """
import sys, time
sys.path.append({folder!r})
{before}
before = set(sys.modules)
start = time.process_time()
{statement}
print(time.process_time() - start, len(set(sys.modules) - before))
"""


def imported(watch: Watch, n: int, statement: str, *, before: str = "", folder: Path | None = None) -> None:
    """Take the CPU time of an import, and the number of modules that it adds, in `n` interpreters.

    All modules are compiled beforehand, like those of an installed package.

    Args:
        watch: The watch.
        n: The number of interpreters.
        statement: The statement that imports.
        before: Statements whose imports do not count.
        folder: A folder in which modules are found, besides those of the installed packages.
    """
    program = _PROGRAM.format(statement=statement, before=before, folder=str(folder or ""))
    seconds: list[float] = []
    modules = ""
    environment = _with_compiled(program)
    for _ in range(n):
        time, modules = _run(program, environment)
        seconds.append(float(time))
    watch.figures["cpu"] = statistics.median(seconds) * n
    watch.figures["modules"] = float(modules)


@cache
def _with_compiled(program: str) -> dict[str, str]:
    """Return an environment in which all modules are compiled already."""
    environment = dict(os.environ)
    if sys.dont_write_bytecode:  # the caller wants no bytecode files: write them to a folder of this process
        environment["PYTHONPYCACHEPREFIX"] = _folder().name
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
    _run(program, environment)
    return environment


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Return a folder that exists as long as this process does."""
    return tempfile.TemporaryDirectory()


def _run(program: str, environment: dict[str, str]) -> list[str]:
    return subprocess.run(  # noqa: S603  # ours
        [sys.executable, "-P", "-c", program], capture_output=True, check=True, text=True, env=environment
    ).stdout.split()
