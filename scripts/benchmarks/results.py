"""The results of a run of `scripts/bench`, as `--json` writes them and `--compare` reads them."""

from __future__ import annotations

import operator
import statistics
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Cell", "Count", "Report", "Row", "Sides", "read_report", "write_report"]


class Cell(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The comparison of this library with one other side."""

    values: tuple[float, ...]
    """The other side's figures, in the unit of the row, in the order of the rounds."""
    ratios: tuple[float, ...]
    """For the limit, our figure divided by the limit's; for other sides, their figure divided by ours."""
    target: float | None = None
    """The target of the median ratio: the largest for the limit, the smallest for other sides."""

    @property
    def median(self) -> float:
        """The median of the other side's figures."""
        return statistics.median(self.values)

    @property
    def ratio(self) -> float:
        """The median of the ratios."""
        return statistics.median(self.ratios)

    @property
    def spread(self) -> float:
        """Half the distance between the quartiles of the ratios, divided by the median; 0 for a single round."""
        if len(self.ratios) < 2 or not self.ratio:  # quartiles need two values
            return 0.0
        lower, _, upper = statistics.quantiles(self.ratios, n=4, method="inclusive")
        return (upper - lower) / 2 / self.ratio


class Sides(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The comparisons with all other sides."""

    limit: Cell | None = None
    old: Cell | None = None
    aiostream: Cell | None = None


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One figure of one workload."""

    title: str
    unit: str
    size: int
    values: tuple[float, ...]
    """This library's figures, in the order of the rounds."""
    others: Sides = Sides()
    absolute: float | None = None
    """The largest figure that reaches the target, in its unit."""
    more: float | None = None
    """The largest difference from the limit's figure that reaches the target, in its unit."""
    exponent: float | None = None
    """The largest exponent of growth that reaches the target."""
    is_rate: bool = False
    """Whether more is better."""

    @property
    def median(self) -> float:
        """The median of our figures."""
        return statistics.median(self.values)

    @property
    def difference(self) -> float:
        """The median of the differences between our figure and the limit's of the same round; 0 without a limit."""
        limit = self.others.limit
        return 0.0 if limit is None else statistics.median(map(operator.sub, self.values, limit.values))

    @property
    def missed(self) -> tuple[str, ...]:
        """The names of missed targets: "limit", "old", "aiostream", "absolute", "more", "exponent"."""
        others = self.others
        misses = {
            "limit": others.limit is not None and _above(others.limit.ratio, others.limit.target),
            "old": others.old is not None and _below(others.old.ratio, others.old.target),
            "aiostream": others.aiostream is not None and _below(others.aiostream.ratio, others.aiostream.target),
            "absolute": _above(self.median, self.absolute),
            "more": _above(self.difference, self.more),
            "exponent": _above(self.median, self.exponent),
        }
        return tuple(name for name, is_missed in misses.items() if is_missed)


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """The number of instructions of one operation."""

    title: str
    ours: float
    limit: float

    @property
    def ratio(self) -> float:
        """Our number divided by the limit's."""
        return self.ours / self.limit


class Report(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All results of a run, and the machine and options of the run."""

    python: str
    system: str
    loop: str
    rounds: int
    scale: float
    load: float
    """The average number of other processes that were ready to run when it began."""
    cores: int
    rows: tuple[Row, ...] = ()
    counts: tuple[Count, ...] = ()


def write_report(report: Report, path: Path) -> None:
    """Write a report as JSON."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")


def read_report(path: Path) -> Report:
    """Read a report.

    Raises:
        OSError: The file does not exist or cannot be read.
        ValueError: The file is no report.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Report)
    except msgspec.DecodeError as error:
        raise ValueError(f"{path}: no report of scripts/bench: {error}") from None


def _above(value: float, target: float | None) -> bool:
    return target is not None and value > target


def _below(value: float, target: float | None) -> bool:
    return target is not None and value < target
