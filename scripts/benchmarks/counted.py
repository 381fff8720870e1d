"""One run of one workload, for what counts instructions from outside."""

from __future__ import annotations

import ast
import asyncio
import sys

from scripts.benchmarks.watch import Watch
from scripts.benchmarks.worker import functions_of

__all__ = ["main"]


def main() -> None:
    """Runs the side, function and size of the arguments; the others are the workload's, as `name=value`."""
    side, function, n, *words = sys.argv[1:]
    arguments = {name: ast.literal_eval(value) for name, _, value in (word.partition("=") for word in words)}
    asyncio.run(functions_of(side)[function](Watch(), int(n), **arguments))
