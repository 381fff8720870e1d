"""Stores as commands name them, and the runs in them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from miniagents.promising.core.presenting import number_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Sequence

    from miniagents.ext.store import RunInfo

__all__ = ["STORE_HEADER", "is_store", "others", "state_of", "the_run"]

STORE_HEADER: Final = b"SQLite format 3\0"
"""How the file of a store begins, as every file of SQLite."""
_NAMED: Final = 10
"""How many other runs are named."""


def is_store(address: str) -> bool:
    """Return whether an address is that of a server, or of a SQLite file that is there.

    Raises:
        OSError: There is no such file, or it cannot be read.
    """
    if address.startswith(("postgresql://", "postgres://")):
        return True
    if address == "-":
        return False
    with Path(address).open("rb") as file:
        return file.read(len(STORE_HEADER)) == STORE_HEADER


def others(names: Sequence[str]) -> str:
    """Name runs, but not too many."""
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


async def the_run(runs: AsyncIterable[RunInfo], wanted: str) -> RunInfo:
    """Return the run with an identifier, or whose identifier begins so.

    Raises:
        ValueError: There is none, or there are several.
    """
    found: list[RunInfo] = []
    async for run in runs:
        if run.id == wanted:
            return run
        if run.id.startswith(wanted):
            found.append(run)
    if not found:
        raise ValueError(f"there is no run {wanted!r}; `miniagents runs` lists them")
    if len(found) > 1:
        raise ValueError(f"{number_of(len(found), 'run')} begin with {wanted!r}: {others([run.id for run in found])}")
    return found[0]


def state_of(run: RunInfo) -> str:
    """Say how a run stands, in one word."""
    if run.is_live:
        return "running"
    return "cut" if run.ended is None else "ended"
