"""The report in the terminal: a table of all rows, the missed targets, and how reliable the numbers are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import Console

    from scripts.benchmarks.results import Cell, Report, Row

__all__ = ["number", "print_report", "ratio_words", "theme"]

MISSED = "✗"
NOISY = 0.1
"""The spread of ratios above which a row says little."""
BUSY = 0.5
"""The load per core above which a machine is not idle."""


def print_report(report: Report, console: Console) -> None:
    """Print a whole report."""
    if report.rows:
        console.print(_table(report))
        for line in _notes(report):
            console.print(line, highlight=False, soft_wrap=True)
    if report.counts:
        console.print(_counts(report))


def number(value: float) -> str:
    """Return a number with at least three significant digits."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def theme(title: str) -> str:
    """Return the theme of a workload: the part of its title before the colon."""
    return title.partition(":")[0]


def ratio_words(cell: Cell | None) -> str:
    """Return a ratio and its spread as text."""
    if cell is None:
        return ""
    return f"{number(cell.ratio)} ±{cell.spread:.0%}" if len(cell.ratios) > 1 else number(cell.ratio)


def _table(report: Report) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("workload", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    for title in ("ours", "limit", "× limit", "≤", "0.0.35", "≥", "aiostream", "≥"):
        table.add_column(title, justify="right", no_wrap=True)
    for place, row in enumerate(report.rows):
        last = place + 1 == len(report.rows) or theme(report.rows[place + 1].title) != theme(row.title)
        table.add_row(*_cells(row), end_section=last)
    return table


def _cells(row: Row) -> list[Text]:
    limit, old, peer = row.others.limit, row.others.old, row.others.aiostream
    missed = row.missed
    return [
        Text(row.title),
        Text(row.unit),
        _marked(number(row.median), "absolute" in missed or "exponent" in missed),
        Text("" if limit is None else number(limit.median)),
        _marked(_by_limit(row), "limit" in missed or "more" in missed),
        Text(_target(limit, row)),
        _marked(ratio_words(old), "old" in missed),
        Text(_target(old)),
        _marked(ratio_words(peer), "aiostream" in missed),
        Text(_target(peer)),
    ]


def _by_limit(row: Row) -> str:
    if row.more is not None:
        return f"{row.difference:+.2g} {row.unit}"
    return "" if row.exponent is not None else ratio_words(row.others.limit)


def _marked(words: str, is_missed: bool) -> Text:
    return Text(f"{MISSED} {words}", style="bold red") if is_missed else Text(words)


def _target(cell: Cell | None, row: Row | None = None) -> str:
    target = None if cell is None else cell.target
    if target is None and row is not None:
        if row.absolute is not None:
            return f"{row.absolute:g} {row.unit}"
        if row.more is not None:
            return f"+{row.more:g} {row.unit}"
        target = row.exponent
    return "" if target is None else f"{target:g}"


def _notes(report: Report) -> list[str]:
    """Return the notes that a reader needs to judge the numbers."""
    misses = [row for row in report.rows if row.missed]
    cells = [
        cell
        for row in report.rows
        for cell in (row.others.limit, row.others.old, row.others.aiostream)
        if cell is not None
    ]
    noisy = [row.title for row in report.rows if row.others.limit is not None and row.others.limit.spread > NOISY]
    rounds = [len(row.values) for row in report.rows]
    targets = sum(cell.target is not None for cell in cells)
    lines = [
        f"Python {report.python} on {report.system}, {report.loop}; CPU time unless the unit says otherwise.",
        (
            f"Medians of {min(rounds)} to {max(rounds)} rounds in which the sides took turns; "
            "± is half the distance between the quartiles of the rounds' ratios."
        ),
        "× limit: how many times what the limit takes. 0.0.35, aiostream: how many times what we take.",
        f"{MISSED} {len(misses)} of {len(report.rows)} rows miss a target."
        if misses
        else f"All {targets} ratios with a target reach it.",
    ]
    if report.scale < 1:
        lines.append(f"Sizes were {report.scale:g} of the full ones: fixed costs weigh more than they should.")
    if report.load > BUSY * report.cores:
        lines.append(
            f"The machine was busy when this began (load {report.load:.1f} on {report.cores} cores): "
            "ratios carry over, times do not."
        )
    if noisy:
        lines.append(f"More than ±{NOISY:.0%}, to be taken with care: {'; '.join(noisy)}.")
    return lines


def _counts(report: Report) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False, title="Instructions per operation, as valgrind counts them")
    table.add_column("workload", no_wrap=True)
    for title in ("ours", "limit", "× limit"):
        table.add_column(title, justify="right")
    for count in report.counts:
        table.add_row(count.title, f"{count.ours:,.0f}", f"{count.limit:,.0f}", f"{count.ratio:.2f}")
    return table
