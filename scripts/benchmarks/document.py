"""The report as a Markdown file, with the plot beside it: ratios alone, which carry over to other machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.benchmarks.plot import plot
from scripts.benchmarks.table import MISSED, number, ratio_words

if TYPE_CHECKING:
    from pathlib import Path

    from scripts.benchmarks.results import Cell, Report, Row

__all__ = ["markdown", "write_document"]

PLOT = "ratios.svg"


def write_document(report: Report, folder: Path) -> None:
    """Writes `report.md` and the plot into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.md").write_text(markdown(report), encoding="utf-8")
    (folder / PLOT).write_text(plot(report), encoding="utf-8")


def markdown(report: Report) -> str:
    """The ratios as a table of Markdown."""
    lines = [
        (
            f"Python {report.python}, {report.loop}. Medians of the rounds' ratios; ± is half the distance between "
            f"their quartiles. {MISSED}: misses its target."
        ),
        "",
        f"![How many times what the limit needs]({PLOT})",
        "",
        "| workload | × limit | at most | × faster than 0.0.35 | at least | × faster than aiostream | at least |",
        "|---|---|---|---|---|---|---|",
        *(f"| {' | '.join(_cells(row))} |" for row in report.rows),
    ]
    if report.counts:
        lines += ["", "| instructions per operation | ours | limit | × limit |", "|---|---|---|---|"]
        lines += [
            f"| {each.title} | {each.ours:,.0f} | {each.limit:,.0f} | {each.ratio:.2f} |" for each in report.counts
        ]
    return "\n".join([*lines, ""])


def _cells(row: Row) -> list[str]:
    limit, old, peer = row.others.limit, row.others.old, row.others.aiostream
    own_target = row.exponent if row.absolute is None else row.absolute
    if own_target is None:
        first = [_marked(ratio_words(limit), "limit" in row.missed), _target(limit)]
    else:  # the figure itself has a target, not its ratio
        is_missed = bool({"absolute", "exponent"} & {*row.missed})
        first = [_marked(f"{number(row.median)} {row.unit}", is_missed), f"{own_target:g} {row.unit}"]
    return [
        row.title,
        *first,
        _marked(ratio_words(old), "old" in row.missed),
        _target(old),
        _marked(ratio_words(peer), "aiostream" in row.missed),
        _target(peer),
    ]


def _marked(words: str, is_missed: bool) -> str:
    return f"{MISSED} {words}" if is_missed else words


def _target(cell: Cell | None) -> str:
    return "" if cell is None or cell.target is None else f"{cell.target:g}"
