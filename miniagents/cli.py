"""The `miniagents` command."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command.

    Args:
        argv: the arguments, without the name of the program; those of the process when None.

    Returns:
        The exit status: 0 done, 1 a check found a difference, 2 something must be mended first.
    """
    from miniagents import codegen  # noqa: PLC0415 - the generator is no part of what programs import

    return codegen.main(argv)
