"""Shows the changes since an earlier report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from scripts.benchmarks.table import number

if TYPE_CHECKING:
    from rich.console import Console

    from scripts.benchmarks.results import Cell, Count, Report, Row

__all__ = ["print_comparison"]


def print_comparison(before: Report, now: Report, console: Console) -> None:
    """Print how each row of both reports has changed, relative to the limit, which varies with the machine as well."""
    earlier = {row.title: row for row in before.rows}
    pairs = [(earlier[row.title], row) for row in now.rows if row.title in earlier]
    if pairs:
        console.print(_rows(pairs))
    earlier_counts = {count.title: count for count in before.counts}
    counts = [(earlier_counts[count.title], count) for count in now.counts if count.title in earlier_counts]
    if counts:
        console.print(_counts(counts))
    if not pairs and not counts:
        console.print("The reports have no workload in common.")
    if (before.python, before.loop, before.scale) != (now.python, now.loop, now.scale):
        console.print(
            f"Not the same conditions: Python {before.python}, {before.loop}, sizes × {before.scale:g} then; "
            f"Python {now.python}, {now.loop}, sizes × {now.scale:g} now.",
            highlight=False,
        )


def _rows(pairs: list[tuple[Row, Row]]) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False, title="Then and now")
    table.add_column("workload", no_wrap=True)
    for title in ("ours then", "now", "× limit then", "now", "change"):
        table.add_column(title, justify="right")
    table.add_column("")
    for then, now in pairs:
        limits = then.others.limit, now.others.limit
        by_limit = now.exponent is None and None not in limits
        old, new = (_ratio(limits[0]), _ratio(limits[1])) if by_limit else (then.median, now.median)
        change = new / old - 1
        noise = sum(cell.spread for cell in limits if cell is not None)
        is_better = change > 0 if now.is_rate and not by_limit else change < 0
        verdict = "" if abs(change) <= max(noise, 0.02) else "better" if is_better else "worse"
        table.add_row(
            now.title,
            number(then.median),
            number(now.median),
            number(old) if by_limit else "",
            number(new) if by_limit else "",
            f"{change:+.1%}",
            verdict,
            style={"better": "green", "worse": "red"}.get(verdict, ""),
        )
    return table


def _ratio(cell: Cell | None) -> float:
    return 1.0 if cell is None else cell.ratio


def _counts(pairs: list[tuple[Count, Count]]) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False, title="Instructions per operation, then and now")
    table.add_column("workload", no_wrap=True)
    for title in ("then", "now", "change"):
        table.add_column(title, justify="right")
    for then, now in pairs:
        table.add_row(now.title, f"{then.ours:,.0f}", f"{now.ours:,.0f}", f"{now.ours / then.ours - 1:+.2%}")
    return table
