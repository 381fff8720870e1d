"""`scripts/bench` works, and says what it found; no time is tested here.

Every workload runs at the smallest size on all sides but the old release, which needs an environment of its own.
"""

import ast
import asyncio
import io
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console
from syrupy.assertion import SnapshotAssertion

from scripts.benchmarks import counting, loops
from scripts.benchmarks.__main__ import main as bench
from scripts.benchmarks.comparing import print_comparison
from scripts.benchmarks.counted import main as count_one
from scripts.benchmarks.definitions import Figure, Workload
from scripts.benchmarks.document import (
    BEGIN,
    END,
    GUIDE,
    HEADLINES,
    README,
    few_rows,
    markdown,
    put_into_documents,
    short_markdown,
    write_document,
)
from scripts.benchmarks.generated import BARE, CLASSES, folder_of_bare_classes, folder_of_classes
from scripts.benchmarks.message_workloads import _against
from scripts.benchmarks.ours_messages import create
from scripts.benchmarks.plot import plot
from scripts.benchmarks.processes import ROOT, Side, SideError
from scripts.benchmarks.results import Cell, Count, Report, Row, Sides, read_report, write_report
from scripts.benchmarks.running import ResultsDifferError, measure
from scripts.benchmarks.samples import SAMPLES
from scripts.benchmarks.table import print_report
from scripts.benchmarks.worker import answer
from scripts.benchmarks.workloads import SIDES, WORKLOADS

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
        Row(
            title="models: to the first token",
            unit="ms",
            size=100,
            values=(3.5, 4.5, 3.7),
            others=Sides(limit=Cell(values=(2.0, 2.0, 3.5), ratios=(1.75, 2.25, 1.06))),
            more=1.0,
        ),
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


def test_the_guide_gets_ratios_and_reasons(snapshot: SnapshotAssertion) -> None:
    reasons = {"tokens: one burst": "Each token is looked at.", "combine: <map>": "Each token is looked at."}
    assert short_markdown(REPORT, reasons) == snapshot


def row(title: str, ratio: float) -> Row:
    limit = Cell(values=(1.0,), ratios=(ratio,), target=1.5)
    return Row(title=title, unit="µs", size=1, values=(ratio,), others=Sides(limit=limit))


WHOLE = Report(
    python="3.11.7",
    system="Linux x86_64",
    loop="asyncio",
    rounds=3,
    scale=1.0,
    load=0.0,
    cores=2,
    rows=(
        row("first", 4.0),
        *(row(title, 5.0 if place == 3 else 1.25) for place, title in enumerate(HEADLINES)),
        row("worst", 4.5),
        Row(
            title="growth: of it", unit="exponent of n", size=1, values=(9.0,), others=row("", 9.0).others, exponent=1.1
        ),
    ),
)
"""A report with all rows that the README shows, and more."""


def titles_in(table: str) -> list[str]:
    return re.findall(r"^\| (?!workload)(.+?) \| ", table, re.MULTILINE)


def test_the_readme_gets_the_headlines_and_the_worst_of_the_others() -> None:
    assert titles_in(few_rows(WHOLE)) == [*HEADLINES, "worst"]


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    """A folder with both documents, as they stand in the repository."""
    (tmp_path / GUIDE).parent.mkdir(parents=True)
    for document in (README, GUIDE):
        (tmp_path / document).write_text(f"# Speed\n\n{BEGIN}\nold\n{END}\n\nMore.\n")
    return tmp_path


def test_the_tables_of_both_documents_are_replaced(documents: Path) -> None:
    put_into_documents(WHOLE, documents)
    first = {name: (documents / name).read_text(encoding="utf-8") for name in (README, GUIDE)}
    for text in first.values():
        assert text.startswith("# Speed\n\n<!-- bench -->\n\n| workload |")
        assert text.endswith("\n<!-- /bench -->\n\nMore.\n")
        assert "old\n" not in text
    assert titles_in(first[GUIDE]) == [row.title for row in WHOLE.rows]
    put_into_documents(WHOLE, documents)
    assert {name: (documents / name).read_text(encoding="utf-8") for name in (README, GUIDE)} == first


@pytest.mark.parametrize("text", ["", f"{BEGIN}\n", f"{END}\n{BEGIN}\n"])
@pytest.mark.parametrize("document", [README, GUIDE])
def test_where_one_document_has_no_place_both_stay_as_they_are(document: Path, text: str, documents: Path) -> None:
    (documents / document).write_text(text)
    before = {name: (documents / name).read_text() for name in (README, GUIDE)}
    with pytest.raises(ValueError, match=rf"{document.name}: there is no line {BEGIN}"):
        put_into_documents(WHOLE, documents)
    assert {name: (documents / name).read_text() for name in (README, GUIDE)} == before


def test_a_report_of_some_workloads_is_no_table(documents: Path) -> None:
    with pytest.raises(ValueError, match="the report lacks .*'calls: 1,000 at once'.*: measure all workloads"):
        put_into_documents(REPORT, documents)


def test_the_readme_says_how_many_times_the_limit_a_codec_takes() -> None:
    (most,) = re.findall(r"by a codec costs 1 to (\d) times", (ROOT / README).read_text(encoding="utf-8"))
    rows = re.findall(
        r"^\| (.*, by a codec) \| (?:✗ )?([\d.]+)", (ROOT / GUIDE).read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(rows) > 20
    assert [title for title, ratio in rows if round(float(ratio)) > int(most)] == []


def test_the_headlines_are_titles_of_rows() -> None:
    assert set(HEADLINES) <= {each.title_of(figure) for each in WORKLOADS for figure in each.figures}


def table_in(document: Path) -> list[str]:
    table = (ROOT / document).read_text(encoding="utf-8").partition(f"\n{BEGIN}\n")[2].partition(f"\n{END}\n")[0]
    return [line for line in table.splitlines() if line.startswith("| ")][1:]


def test_the_readme_has_eight_rows_of_the_guide() -> None:
    few, all_of_them = table_in(README), table_in(GUIDE)
    assert len(few) == 8
    assert set(few) <= {re.sub(r" \(\d+\)(?= \|)", "", line) for line in all_of_them}


def times_the_limit(line: str) -> float:
    match = re.match(r"\|.*?\| (?:✗ )?([\d.]+)", line)
    return float(match[1]) if match else 0.0


def test_the_worst_row_is_among_them() -> None:
    assert max(map(times_the_limit, table_in(README))) == max(map(times_the_limit, table_in(GUIDE)))


def test_the_reasons_in_the_guide_are_those_of_the_workloads() -> None:
    told = re.findall(r"^\d+\. (.+)$", (ROOT / GUIDE).read_text(encoding="utf-8"), re.MULTILINE)
    assert told
    assert set(told) <= {figure.reason for each in WORKLOADS for figure in each.figures}


def test_a_reason_is_of_a_target() -> None:
    """A reason of a figure that has nothing to reach would never be shown."""
    figures = [figure for workload in WORKLOADS for figure in workload.figures if figure.reason]
    assert figures
    assert all(
        figure.most or figure.least or figure.peers or figure.absolute or figure.more or figure.exponent
        for figure in figures
    )


def test_more_of_a_rate_is_better_and_the_ratio_is_one_of_times() -> None:
    class RateSide(FakeSide):
        def run(self, workload: Workload, n: int, *, profile: bool = False) -> dict[str, Any]:
            return {"figures": {"cpu": 1.0, "rate": self.cpu}, "digest": self.result, "shown": ""}

    workload = Workload("records: read", "work", 100, (Figure("rate", "MB/s", 1e-6, False, is_rate=True),))
    (row,) = measure(workload, [RateSide("ours", "one", 50e6), RateSide("limit", "one", 200e6)], rounds=1)
    assert row.values == pytest.approx((50.0,))
    assert row.others.limit is not None
    assert row.others.limit.ratios == pytest.approx((4.0,))


def test_targets_are_held_against_medians() -> None:
    missed = {row.title: row.missed for row in REPORT.rows}
    assert missed == {
        "tokens: one burst": ("limit",),
        "tokens: one turn per token": ("old",),
        "combine: <map>": ("aiostream",),
        "stall: of the loop": ("absolute",),
        "growth: calls": (),
        "memory: of a token": (),
        "models: to the first token": ("more",),
    }


# --- the workloads ---


def test_every_workload_gives_the_same_result_on_all_sides(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """That they are the same is checked by the run itself."""
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)  # a dozen processes share what one has compiled
    path = tmp_path / "report.json"
    status = bench(["--scale", "0.0001", "--rounds", "1", "--json", str(path)])
    ran = capsys.readouterr()
    assert status == 0, ran.err
    report = read_report(path)
    figures = sum(len(workload.figures) for workload in WORKLOADS)
    assert len(report.rows) == figures
    assert all(row.others.limit is not None for row in report.rows)
    assert {row.title for row in report.rows if row.others.aiostream is not None} == {
        workload.title for workload in WORKLOADS if workload.title.startswith("combine:")
    }
    assert "rows" in ran.out
    assert bench(["--show", str(path)]) == 0
    assert capsys.readouterr().out == ran.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--only", "nothing of the kind"], ["fits none of the workloads", WORKLOADS[0].title]),
        (["--counts", "--eager"], ["--counts: instructions are counted on asyncio's loop alone"]),
    ],
)
def test_what_cannot_be_done_is_told(
    arguments: list[str], told: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def everything_is_there(loop: str, *, eager: bool) -> None:
        pass

    monkeypatch.setattr("scripts.benchmarks.__main__.why_not", everything_is_there)
    with pytest.raises(SystemExit) as ended:
        bench(arguments)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert all(words in said for words in told)


# --- loops ---


def test_a_loop_that_cannot_be_had_is_told_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nothing(name: str) -> None:
        pass

    monkeypatch.setattr(loops, "find_spec", nothing)
    with pytest.raises(SystemExit) as ended:
        bench(["--loop", "uvloop"])
    assert ended.value.code == 2
    assert "--loop uvloop: it is not installed here" in capsys.readouterr().err


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="it has eager tasks")
def test_a_python_without_eager_tasks_says_so() -> None:
    assert str(loops.why_not("asyncio", eager=True)).startswith("--eager: tasks start eagerly from Python 3.12 on")


@pytest.mark.skipif(sys.version_info < (3, 12), reason="it has no eager tasks")
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_eager_tasks_start_at_once(loop: str) -> None:
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    begun: list[str] = []

    async def work() -> str:
        begun.append("work")
        return "done"

    async def main() -> tuple[list[str], str]:
        task = asyncio.create_task(work(), name="a task")
        assert task.get_name() == "a task"
        return [*begun], await task

    with asyncio.Runner(loop_factory=loops.loop_factory(loops.loop_options(loop, eager=True))) as runner:
        assert runner.run(main()) == (["work"], "done")


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
    models = {name for name in functions if name.startswith("model_")}
    old = {each.function for each in WORKLOADS if each.old_size != 0} - combinators - models
    assert defined == {"old": old, "aiostream": combinators}.get(side, functions)


@pytest.mark.parametrize("module", ["no_such_library", "no_such_package.module"])
def test_a_library_that_is_not_installed_is_left_out(module: str) -> None:
    assert not _against("it", module, "json")
    assert len(_against("pydantic", "pydantic", "json")) == 2


def test_every_sample_is_of_a_workload() -> None:
    kinds = {workload.arguments["kind"] for workload in WORKLOADS if "kind" in workload.arguments}
    assert kinds == set(SAMPLES)


def test_the_limit_of_a_generated_module_has_the_same_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(folder_of_classes()), str(folder_of_bare_classes()), *sys.path])
    ours, limit = import_module("generated_classes"), import_module(BARE)
    names = [f"Item{place}" for place in range(CLASSES)]
    for name in names:
        fields = [(each.name, each.required) for each in msgspec.structs.fields(getattr(limit, name))]
        assert [(each.name, each.required) for each in msgspec.structs.fields(getattr(ours, name))] == fields
    assert {*names} < {*ours.__all__}


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
