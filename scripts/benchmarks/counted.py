"""Runs one workload once, under a program that counts instructions."""

from __future__ import annotations

import ast
import asyncio
import sys
from contextlib import suppress

from scripts.benchmarks.watch import Stopped, Watch
from scripts.benchmarks.worker import functions_of

__all__ = ["main"]


def main() -> None:
    """Run a workload up to a place: side, function, size, place, and the workload's arguments as `name=value`."""
    side, function, n, stop, *words = sys.argv[1:]
    arguments = {name: ast.literal_eval(value) for name, _, value in (word.partition("=") for word in words)}
    work = functions_of(side)[function]
    asyncio.run(work(Watch(), _FEW, **arguments))  # work done only once, such as making decoders, must not count
    with suppress(Stopped):
        asyncio.run(work(Watch(stop), int(n), **arguments))


_FEW = 3
