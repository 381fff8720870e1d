"""What a workload is: a piece of work with its size, its figures and their targets.

This module imports only the standard library, because the old release reads it in an environment of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Figure", "Workload", "cpu", "memory", "rate"]


@dataclass(frozen=True)
class Figure:
    """One number that a workload gives, and its targets."""

    name: str = "cpu"
    """The name of the number in `Watch.figures`."""
    unit: str = ""
    scale: float = 1e6
    """The factor that turns seconds or bytes into the unit."""
    per_operation: bool = True
    """Whether the number is divided by the number of operations."""
    most: float | None = None
    """The largest ratio of this library's number to the limit's."""
    least: float | None = None
    """The smallest ratio of the old release's number to this library's."""
    peers: float | None = None
    """The smallest ratio of other libraries' numbers to this library's."""
    absolute: float | None = None
    """The largest number, in its unit."""
    more: float | None = None
    """The largest difference between this library's number and the limit's, in its unit."""
    exponent: float | None = None
    """For growth: the largest exponent of n."""
    is_rate: bool = False
    """Whether more is better; the ratios are ratios of times nevertheless."""
    reason: str = ""
    """The reason why a target is missed, and what was tried; reports show it if the target is missed."""
    title: str = ""
    """The name of the number, after the title of the workload."""


def cpu(
    per: str,
    most: float | None = None,
    least: float | None = None,
    peers: float | None = None,
    absolute: float | None = None,
    reason: str = "",
) -> tuple[Figure, ...]:
    """Return the figure of the CPU time of one operation."""
    return (Figure("cpu", f"µs per {per}", most=most, least=least, peers=peers, absolute=absolute, reason=reason),)


def rate(most: float | None = None, reason: str = "") -> tuple[Figure, ...]:
    """Return the figure of the bytes that pass in a second of CPU time."""
    return (Figure("rate", "MB/s", 1e-6, per_operation=False, most=most, is_rate=True, reason=reason),)


def memory(per: str, most: float | None = None, least: float | None = None, reason: str = "") -> tuple[Figure, ...]:
    """Return the figure of the memory that is kept for each operation."""
    return (Figure("bytes", f"bytes per {per}", 1.0, most=most, least=least, reason=reason),)


@dataclass(frozen=True)
class Workload:
    """A piece of work that each side does in its own way."""

    title: str
    """The title in tables, which starts with a theme and a colon."""
    function: str
    """The name of the function in the modules of the sides."""
    size: int
    """The number of operations in one run."""
    figures: tuple[Figure, ...]
    arguments: Mapping[str, int | bool | str] = field(default_factory=dict[str, "int | bool | str"])
    times: str = ""
    """The argument that multiplies the number of operations."""
    old_size: int | None = None
    """A smaller size for the old release, if it would take too long; 0 leaves the old release out."""
    grows_from: int | None = None
    """For growth: the size that `size` is compared with; the figure is the exponent."""
    counted: int | None = None
    """For the hot paths: the size at which instructions are counted."""
    fixed: bool = False
    """Whether `--quick` keeps the size."""

    def operations(self, size: int) -> int:
        """Return the number of operations in a run of a size."""
        return size * int(self.arguments.get(self.times, 1))

    def title_of(self, figure: Figure) -> str:
        """Return the title of the row of a figure."""
        return f"{self.title} {figure.title}".strip()
