"""One run of one workload, for what counts instructions from outside."""

from __future__ import annotations

import ast
import asyncio
import sys
from contextlib import suppress

from scripts.benchmarks.watch import Stopped, Watch
from scripts.benchmarks.worker import functions_of

__all__ = ["main"]


def main() -> None:
    """Runs the side, function and size of the arguments up to a place; the others are the workload's: `name=value`."""
    side, function, n, stop, *words = sys.argv[1:]
    arguments = {name: ast.literal_eval(value) for name, _, value in (word.partition("=") for word in words)}
    work = functions_of(side)[function]
    asyncio.run(work(Watch(), _FEW, **arguments))  # what is done once only, decoders for example, is not to be counted
    with suppress(Stopped):
        asyncio.run(work(Watch(stop), int(n), **arguments))


_FEW = 3
