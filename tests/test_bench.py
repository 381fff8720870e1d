"""`scripts/bench` works, and says what it found; no time is tested here.

Every workload runs at the smallest size on all sides but the old release, which needs an environment of its own.
"""

import ast
import io
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from syrupy.assertion import SnapshotAssertion

from scripts.benchmarks import counting
from scripts.benchmarks.comparing import print_comparison
from scripts.benchmarks.counted import main as count_one
from scripts.benchmarks.document import markdown, write_document
from scripts.benchmarks.ours_messages import create
from scripts.benchmarks.plot import plot
from scripts.benchmarks.processes import ROOT, Side, SideError
from scripts.benchmarks.results import Cell, Count, Report, Row, Sides, read_report, write_report
from scripts.benchmarks.running import ResultsDifferError, measure
from scripts.benchmarks.table import print_report
from scripts.benchmarks.worker import answer
from scripts.benchmarks.workloads import SIDES, WORKLOADS, Figure, Workload

pytestmark = pytest.mark.timeout(60)

REPORT = Report(
    python="3.11.7",
    system="Linux x86_64",
    loop="asyncio",
    rounds=3,
    scale=0.1,
    load=3.0,
    cores=2,
    rows=(
        Row(
            title="tokens: one burst",
            unit="µs per token",
            size=10_000,
            values=(1.1, 1.2, 1.0),
            others=Sides(
                limit=Cell(values=(0.5, 0.5, 0.5), ratios=(2.2, 2.4, 2.0), target=2.0),
                old=Cell(values=(33.0, 36.0, 31.0), ratios=(30.0, 30.0, 31.0), target=25.0),
            ),
        ),
        Row(
            title="tokens: one turn per token",
            unit="µs per token",
            size=1_000,
            values=(8.0, 8.0, 8.0),
            others=Sides(
                limit=Cell(values=(7.0, 7.0, 7.0), ratios=(1.14, 1.14, 1.14), target=1.3),
                old=Cell(values=(16.0, 24.0, 24.0), ratios=(2.0, 3.0, 3.0), target=4.0),
            ),
        ),
        Row(
            title="combine: <map>",
            unit="µs per element",
            size=5_000,
            values=(2.0, 2.0, 2.0),
            others=Sides(
                limit=Cell(values=(1.0, 1.0, 1.0), ratios=(2.0, 2.0, 2.0), target=3.0),
                aiostream=Cell(values=(3.0, 3.0, 3.0), ratios=(1.5, 1.5, 1.5), target=2.0),
            ),
        ),
        Row(
            title="stall: of the loop",
            unit="ms",
            size=10_000,
            values=(12.0, 11.0, 13.0),
            others=Sides(limit=Cell(values=(5.0, 7.0, 5.0), ratios=(2.4, 1.57, 2.6))),
            absolute=10.0,
        ),
        Row(title="growth: calls", unit="exponent of n", size=100_000, values=(1.0, 1.02, 1.01), exponent=1.1),
        Row(title="memory: of a token", unit="bytes per token", size=100_000, values=(1234.5,)),
    ),
    counts=(Count(title="messages: create", ours=34_567.8, limit=4_786.0),),
)


def printed(show: Any, *reports: Report) -> str:
    out = io.StringIO()
    show(*reports, Console(file=out, width=146))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def test_the_table_says_what_was_missed_and_how_far_to_believe_it(snapshot: SnapshotAssertion) -> None:
    assert printed(print_report, REPORT) == snapshot


def test_the_report_in_markdown(snapshot: SnapshotAssertion) -> None:
    assert markdown(REPORT) == snapshot


def test_the_plot(snapshot: SnapshotAssertion) -> None:
    assert plot(REPORT) == snapshot


def test_a_comparison_tells_changes_from_noise(snapshot: SnapshotAssertion) -> None:
    def faster(row: Row, by: float) -> Row:
        limit = row.others.limit
        values = tuple(value / by for value in row.values)
        if limit is None:
            return Row(title=row.title, unit=row.unit, size=row.size, values=values, exponent=row.exponent)
        ratios = tuple(ratio / by for ratio in limit.ratios)
        others = Sides(limit=Cell(values=limit.values, ratios=ratios, target=limit.target))
        return Row(title=row.title, unit=row.unit, size=row.size, values=values, others=others)

    factors = (1.5, 1.01, 0.5, 1.1, 1.0)
    rows = tuple(faster(row, by) for row, by in zip(REPORT.rows, factors, strict=False))
    counts = (Count(title="messages: create", ours=31_111.0, limit=4_786.0),)
    now = Report(
        python="3.12.1", system="", loop="asyncio", rounds=3, scale=0.1, load=0, cores=2, rows=rows, counts=counts
    )
    assert printed(print_comparison, REPORT, now) == snapshot


def test_a_report_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write_report(REPORT, path)
    assert read_report(path) == REPORT


def test_what_is_no_report_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text('{"rows": 1}')
    with pytest.raises(ValueError, match=r"report\.json: no report of scripts/bench"):
        read_report(path)


def test_the_document_has_its_plot_beside_it(tmp_path: Path) -> None:
    write_document(REPORT, tmp_path / "new")
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"report.md", "ratios.svg"}


def test_targets_are_held_against_medians() -> None:
    missed = {row.title: row.missed for row in REPORT.rows}
    assert missed == {
        "tokens: one burst": ("limit",),
        "tokens: one turn per token": ("old",),
        "combine: <map>": ("aiostream",),
        "stall: of the loop": ("absolute",),
        "growth: calls": (),
        "memory: of a token": (),
    }


# --- the workloads ---


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scripts.benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)


@pytest.mark.timeout(240)  # it is some seconds of work, by four processes
def test_every_workload_gives_the_same_result_on_all_sides(tmp_path: Path) -> None:
    """That they are the same is checked by the run itself."""
    path = tmp_path / "report.json"
    ran = bench("--scale", "0.0005", "--rounds", "1", "--json", str(path))
    assert ran.returncode == 0, ran.stderr
    report = read_report(path)
    figures = sum(len(workload.figures) for workload in WORKLOADS)
    assert len(report.rows) == figures
    assert all(row.others.limit is not None for row in report.rows)
    assert {row.title for row in report.rows if row.others.aiostream is not None} == {
        workload.title for workload in WORKLOADS if workload.title.startswith("combine:")
    }
    assert "rows" in ran.stdout
    assert bench("--show", str(path)).stdout == ran.stdout


def test_a_pattern_that_fits_nothing_is_told_with_what_there_is() -> None:
    ran = bench("--only", "nothing of the kind")
    assert ran.returncode == 2
    assert "fits none of the workloads" in ran.stderr
    assert WORKLOADS[0].title in ran.stderr


@pytest.mark.parametrize("side", SIDES)
def test_the_functions_of_a_side_are_those_of_workloads(side: str) -> None:
    """A side that has lost a function, or has one under another name, would silently be left out."""
    functions = {workload.function for workload in WORKLOADS}
    defined = {
        node.name
        for module in SIDES[side]
        for node in ast.parse((ROOT / f"scripts/benchmarks/{module}.py").read_text(encoding="utf-8")).body
        if isinstance(node, ast.AsyncFunctionDef) and node.args.args and node.args.args[0].arg == "watch"
    }
    combinators = {name for name in functions if name.startswith("combine_")}
    assert defined == {"old": functions - combinators, "aiostream": combinators}.get(side, functions)


class FakeSide(Side):
    """Gives what it is told to, without a process."""

    def __init__(self, name: str, result: str | None, cpu: float) -> None:
        self.name = name
        self.functions = {"work"}
        self.result = result
        self.cpu = cpu

    def run(self, workload: Workload, n: int, *, profile: bool = False) -> dict[str, Any]:
        return {"figures": {"cpu": self.cpu * n}, "digest": self.result, "shown": f"{self.result}"}


WORK = Workload("work: done", "work", 100, (Figure("cpu", "µs per piece", most=2.0, least=10.0),), old_size=10)


def test_different_results_are_no_measurement() -> None:
    sides = [FakeSide("ours", "one", 1.0), FakeSide("limit", "another", 1.0)]
    with pytest.raises(ResultsDifferError, match=r"'work: done' with n=40: .*\n  ours: one\n  limit: another"):
        measure(WORK, sides, rounds=1)


def test_ratios_are_made_round_by_round() -> None:
    sides = [FakeSide("ours", "one", 3e-6), FakeSide("limit", "one", 1e-6), FakeSide("old", None, 6e-6)]
    (row,) = measure(WORK, sides, rounds=2)
    assert row.values == pytest.approx((3.0, 3.0))
    assert row.others.limit is not None
    assert row.others.limit.ratios == pytest.approx((3.0, 3.0))
    assert row.others.old is not None
    assert row.others.old.ratios == pytest.approx((2.0, 2.0))
    assert row.missed == ("limit", "old")


def test_an_error_of_a_workload_names_side_and_workload() -> None:
    with Side("limit", sys.executable) as side, pytest.raises(SideError, match=r"limit: 'broken' with n=1: TypeError"):
        side.run(Workload("broken", "tokens", 1, (), {"wrong": 1}), 1)


# --- counting instructions ---


def test_counts_are_what_lies_between_start_and_end(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = "import sys; print('Collected :', 5_000 if 'end' in sys.argv else 1_000, file=sys.stderr)"
    monkeypatch.setattr(counting, "_counter", lambda: [sys.executable, "-c", fake])
    workload = next(workload for workload in WORKLOADS if workload.counted)
    (count,) = counting.count([workload], lambda _: None)
    assert workload.counted is not None
    assert (count.ours, count.ratio) == (4_000 / workload.counted, 1.0)


@pytest.mark.parametrize("stop", ["start", "end"])
@pytest.mark.parametrize("workload", [each for each in WORKLOADS if each.counted], ids=lambda each: each.title)
def test_what_is_counted_ends_where_it_is_told_to(
    workload: Workload, stop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [f"{name}={value!r}" for name, value in workload.arguments.items()]
    monkeypatch.setattr(sys, "argv", ["counted", "ours", workload.function, "3", stop, *words])
    count_one()


# --- profiles ---


def test_a_profile_is_of_what_is_measured_alone() -> None:
    request: dict[str, Any] = {"n": 50, "operations": 50, "arguments": {}, "profile": True}
    told = str(answer(create, request)["profile"])
    assert "ours_messages.py" in told
    assert "asyncio" not in told
    assert re.search(r"^ *[\d.]+% +\d+% +1\.00  benchmarks/ours_messages\.py:\d+ order$", told, re.MULTILINE)
