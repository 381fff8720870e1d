"""The report as a Markdown file with a plot. It has only ratios, which are similar on other machines.

`put_into_documents` puts a shorter form of it into the guide, with the reason for each missed target, and a few of its
rows into the README.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from scripts.benchmarks.plot import plot
from scripts.benchmarks.table import MISSED, number, ratio_words
from scripts.benchmarks.workloads import WORKLOADS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scripts.benchmarks.results import Cell, Report, Row

__all__ = [
    "BEGIN",
    "END",
    "GUIDE",
    "HEADLINES",
    "README",
    "few_rows",
    "markdown",
    "put_into_documents",
    "short_markdown",
    "write_document",
]

PLOT = "ratios.svg"
BEGIN = "<!-- bench -->"
END = "<!-- /bench -->"
UNEXPLAINED = "no reason is known yet"

README: Final = Path("README.md")
GUIDE: Final = Path("miniagents/guide/speed.md")
HEADLINES: Final = (
    "tokens: one turn per token",
    "relay: mapped by 16",
    "calls: 1,000 at once",
    "combine: merge",
    "messages: create",
    "messages: decode JSON, by a codec",
    "models: OpenAI, tokens",
)
"""The rows that the README shows, besides the row with the largest ratio to the limit."""


def write_document(report: Report, folder: Path) -> None:
    """Write `report.md` and the plot into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.md").write_text(markdown(report), encoding="utf-8")
    (folder / PLOT).write_text(plot(report), encoding="utf-8")


def markdown(report: Report) -> str:
    """Return the ratios as a Markdown table."""
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


def put_into_documents(report: Report, root: Path) -> None:
    """Replace the tables in the guide and in the README by the short form and a few of its rows.

    Args:
        report: The report of a run of all workloads.
        root: The folder of the repository.

    Raises:
        OSError: One of the documents does not exist.
        ValueError: A document has no place for its table, or the report lacks rows that the README shows.
    """
    lacking = set(HEADLINES) - {row.title for row in report.rows}
    if lacking:
        raise ValueError(f"the report lacks {', '.join(map(repr, sorted(lacking)))}: measure all workloads")
    texts = {README: few_rows(report), GUIDE: short_markdown(report)}
    written = {root / document: _with_table(root / document, text) for document, text in texts.items()}
    for document, text in written.items():  # only after both were checked, so that neither is written alone
        document.write_text(text, encoding="utf-8")


def _with_table(document: Path, table: str) -> str:
    before, begin, rest = document.read_text(encoding="utf-8").partition(f"{BEGIN}\n")
    _, end, after = rest.partition(f"{END}\n")
    if not begin or not end:
        raise ValueError(f"{document}: there is no line {BEGIN} with a line {END} below it")
    return f"{before}{begin}\n{table}\n{end}{after}"


def few_rows(report: Report) -> str:
    """Return the headlines and the row with the largest ratio to the limit as a Markdown table."""
    worst = max((row for row in report.rows if row.title not in HEADLINES), key=_times_the_limit, default=None)
    rows = [row for row in report.rows if row.title in HEADLINES or row is worst]
    return "\n".join([*_table(rows, {}), "", _how(report), ""])


def _times_the_limit(row: Row) -> float:
    limit = row.others.limit
    if limit is None or row.exponent is not None or row.absolute is not None:  # no ratio is shown
        return 0.0
    return limit.ratio


def short_markdown(report: Report, reasons: Mapping[str, str] | None = None) -> str:
    """Return the ratios with their targets as a Markdown table, and below it the reasons for missed targets.

    Args:
        report: The report.
        reasons: The reasons by the titles of rows; by default those of the workloads.
    """
    told = reasons_of_workloads() if reasons is None else reasons
    missed = {row.title: told.get(row.title) or UNEXPLAINED for row in report.rows if row.missed}
    notes = [*dict.fromkeys(missed.values())]
    numbers = {title: f" ({notes.index(reason) + 1})" for title, reason in missed.items()}
    lines = [*_table(report.rows, numbers), "", _how(report)]
    if notes:
        lines += ["", f"{MISSED} misses its target:", ""]
        lines += [f"{place}. {reason}" for place, reason in enumerate(notes, 1)]
    return "\n".join([*lines, ""])


def _table(rows: Sequence[Row], notes: Mapping[str, str]) -> list[str]:
    return [
        "| workload | × the limit | × faster than 0.0.35 | × faster than aiostream |",
        "|---|---|---|---|",
        *(f"| {' | '.join(_short_cells(row, notes.get(row.title, '')))} |" for row in rows),
    ]


def _how(report: Report) -> str:
    scale = "" if report.scale == 1 else f" Sizes × {report.scale:g}: a first impression only."
    return f"Python {report.python}, {report.loop}; medians of {report.rounds} rounds.{scale}"


def reasons_of_workloads() -> dict[str, str]:
    """Return the reasons for missed targets that the workloads give, by the titles of rows."""
    return {each.title_of(figure): figure.reason for each in WORKLOADS for figure in each.figures if figure.reason}


def _short_cells(row: Row, note: str) -> list[str]:
    limit, old, peer = row.others.limit, row.others.old, row.others.aiostream
    if row.exponent is not None:  # an exponent has no ratio and no unit
        first = _short(f"n^{number(row.median)}", f"≤ n^{row.exponent:g}", "exponent" in row.missed, note)
    elif row.absolute is not None:  # times differ between machines: show only whether the target is reached
        is_missed = "absolute" in row.missed
        first = _short(f"{'more than' if is_missed else 'within'} {row.absolute:g} {row.unit}", "", is_missed, note)
    else:
        target = "" if limit is None or limit.target is None else f"≤ {limit.target:g}"
        if row.more is not None:
            target = f"{'more than' if 'more' in row.missed else 'within'} {row.more:g} {row.unit} of it"
        is_missed = bool({"limit", "more"} & {*row.missed})
        first = _short("" if limit is None else number(limit.ratio), target, is_missed, note)
    others = [
        _short(
            "" if cell is None else number(cell.ratio),
            "" if cell is None or cell.target is None else f"≥ {cell.target:g}",
            name in row.missed,
            note,
        )
        for name, cell in (("old", old), ("aiostream", peer))
    ]
    return [row.title, first, *others]


def _short(words: str, target: str, is_missed: bool, note: str) -> str:
    return _marked(f"{words} ({target})" if target else words, is_missed) + (note if is_missed else "")


def _cells(row: Row) -> list[str]:
    limit, old, peer = row.others.limit, row.others.old, row.others.aiostream
    own_target = row.exponent if row.absolute is None else row.absolute
    if row.more is not None:
        words = f"{row.difference:+.2g} {row.unit}"
        first = [_marked(words, "more" in row.missed), f"+{row.more:g} {row.unit}"]
    elif own_target is None:
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
