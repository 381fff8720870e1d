"""What a run of `scripts/bench` gives, as `--json` writes it and `--compare` reads it."""

from __future__ import annotations

import operator
import statistics
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Cell", "Count", "Report", "Row", "Sides", "read_report", "write_report"]


class Cell(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How this library stands to another way of doing the same."""

    values: tuple[float, ...]
    """The other's figures, in the unit of the row, in the order of the rounds."""
    ratios: tuple[float, ...]
    """The larger by the smaller, seen from the one that is to be smaller: ours by the limit, theirs by ours."""
    target: float | None = None
    """What the median of the ratios is to be: at most for the limit, at least for the others."""

    @property
    def median(self) -> float:
        """The median of the other's figures."""
        return statistics.median(self.values)

    @property
    def ratio(self) -> float:
        """The median of the ratios."""
        return statistics.median(self.ratios)

    @property
    def spread(self) -> float:
        """Half of the distance between the quartiles of the ratios, as a part of the median; 0 for a single round."""
        if len(self.ratios) < 2 or not self.ratio:  # quartiles take two
            return 0.0
        lower, _, upper = statistics.quantiles(self.ratios, n=4, method="inclusive")
        return (upper - lower) / 2 / self.ratio


class Sides(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The other ways of doing the same."""

    limit: Cell | None = None
    old: Cell | None = None
    aiostream: Cell | None = None


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One figure of one workload."""

    title: str
    unit: str
    size: int
    values: tuple[float, ...]
    """Ours, in the order of the rounds."""
    others: Sides = Sides()
    absolute: float | None = None
    """What the figure is to be at most, in its unit."""
    more: float | None = None
    """How much more than the limit's the figure is to be at most, in its unit."""
    exponent: float | None = None
    """What the exponent of the growth is to be at most."""
    is_rate: bool = False
    """Whether more is better."""

    @property
    def median(self) -> float:
        """The median of our figures."""
        return statistics.median(self.values)

    @property
    def difference(self) -> float:
        """The median of how much more ours are than the limit's in the same round; 0 without a limit."""
        limit = self.others.limit
        return 0.0 if limit is None else statistics.median(map(operator.sub, self.values, limit.values))

    @property
    def missed(self) -> tuple[str, ...]:
        """The targets that are not reached: "limit", "old", "aiostream", "absolute", "more", "exponent"."""
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
    """How many instructions one operation takes."""

    title: str
    ours: float
    limit: float

    @property
    def ratio(self) -> float:
        """Ours by the limit's."""
        return self.ours / self.limit


class Report(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that was measured, and where."""

    python: str
    system: str
    loop: str
    rounds: int
    scale: float
    load: float
    """How many other processes wanted to run when it began, on average."""
    cores: int
    rows: tuple[Row, ...] = ()
    counts: tuple[Count, ...] = ()


def write_report(report: Report, path: Path) -> None:
    """Writes a report as JSON."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")


def read_report(path: Path) -> Report:
    """Reads a report.

    Raises:
        OSError: there is no such file.
        ValueError: it is no report.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Report)
    except msgspec.DecodeError as error:
        raise ValueError(f"{path}: no report of scripts/bench: {error}") from None


def _above(value: float, target: float | None) -> bool:
    return target is not None and value > target


def _below(value: float, target: float | None) -> bool:
    return target is not None and value < target
