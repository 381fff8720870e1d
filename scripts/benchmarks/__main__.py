"""The command line of `scripts/bench`."""

from __future__ import annotations

import argparse
import os
import platform
import re
import sys
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from scripts.benchmarks.comparing import print_comparison
from scripts.benchmarks.counting import CountingError, count
from scripts.benchmarks.document import GUIDE, README, put_into_documents, write_document
from scripts.benchmarks.loops import loop_options, why_not
from scripts.benchmarks.processes import ROOT, Side, SideError
from scripts.benchmarks.results import Report, Row, read_report, write_report
from scripts.benchmarks.running import SMALLEST, ResultsDifferError, measure
from scripts.benchmarks.table import print_report
from scripts.benchmarks.workloads import WORKLOADS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scripts.benchmarks.definitions import Workload

QUICK = 0.1
WIDEST = 156


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for, and return the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    reason = why_not(options.loop, eager=options.eager)
    if reason is not None:
        parser.error(reason)
    if options.counts and (options.eager or options.loop != "asyncio"):
        parser.error("--counts: instructions are counted on asyncio's loop alone, without --eager")
    console = Console()
    console.width = max(console.width, WIDEST)  # a line that is too long is better than truncated words
    progress = Console(stderr=True)
    try:
        before = None if options.compare is None else read_report(options.compare)
        if options.show is not None:
            report = read_report(options.show)
        else:
            workloads = [each for each in WORKLOADS if re.search(options.only, each.title, re.IGNORECASE)]
            if not workloads:
                titles = "\n".join(f"  {each.title}" for each in WORKLOADS)
                parser.error(f"--only {options.only!r} fits none of the workloads:\n{titles}")
            if options.profile:
                _profile(workloads, console, options)
                return 0
            report = _measured(workloads, options, progress)
    except (CountingError, OSError, ResultsDifferError, SideError, ValueError) as error:
        print(f"scripts/bench: {error}", file=sys.stderr)
        return 1
    if options.json is not None:
        write_report(report, options.json)
    try:
        if options.report is not None:
            write_document(report, options.report)
        if options.readme:
            put_into_documents(report, ROOT)
    except (OSError, ValueError) as error:
        print(f"scripts/bench: {error}", file=sys.stderr)
        return 1
    print_report(report, console)
    if before is not None:
        print_comparison(before, report, console)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description="Measure the CPU time of every hot path of miniagents. It is compared with the limit, which is the "
        "same work written by hand with asyncio and msgspec, or the bare SDK of a language model. It is also compared "
        "with miniagents 0.0.35 and aiostream. The sides take turns, and their results are compared. A full run takes "
        "some minutes.",
        epilog="Ratios are similar on other machines, times are not. A row with a large spread says little.",
    )
    parser.add_argument(
        "--only", metavar="PATTERN", default="", help="only workloads whose title matches this regular expression"
    )
    parser.add_argument(
        "--quick", action="store_true", help="a tenth of the sizes, three rounds: for a first impression"
    )
    parser.add_argument("--rounds", type=_positive, default=None, help="the number of runs of each side (7)")
    parser.add_argument("--scale", type=float, default=None, help="the factor for all sizes (1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report as JSON")
    parser.add_argument("--report", type=Path, metavar="FOLDER", help="write report.md and its plot into a folder")
    parser.add_argument(
        "--readme", action="store_true", help=f"put the ratios into {GUIDE}, and eight rows of them into {README}"
    )
    parser.add_argument(
        "--compare", type=Path, metavar="OLD.json", help="show what has changed since an earlier --json"
    )
    parser.add_argument("--show", type=Path, metavar="FILE.json", help="show an earlier --json instead of measuring")
    parser.add_argument("--counts", action="store_true", help="count instructions instead of taking times (minutes)")
    parser.add_argument("--profile", action="store_true", help="show where our side spends its time instead")
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio", help="the event loop of all sides")
    parser.add_argument("--eager", action="store_true", help="all sides start tasks eagerly (Python 3.12)")
    parser.add_argument("--baseline-python", metavar="PYTHON", default="", help=argparse.SUPPRESS)
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is less than 1")
    return value


def _measured(workloads: Sequence[Workload], options: argparse.Namespace, progress: Console) -> Report:
    scale = options.scale or (QUICK if options.quick else 1.0)
    rounds = options.rounds or (3 if options.quick else 7)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    rows: list[Row] = []
    with progress.status("starting") as status, ExitStack() as stack:
        if options.counts:
            counts = count(workloads, status.update, scale=scale)
        else:
            counts = []
            sides = [stack.enter_context(side) for side in _sides(options, progress)]
            for workload in workloads:
                rows += measure(workload, sides, rounds=rounds, scale=scale, tell=status.update)
                if not progress.is_terminal:
                    progress.print(f"{len(rows)} rows: {workload.title}", highlight=False)
    return Report(
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        loop=options.loop + (", eager tasks" if options.eager else ""),
        rounds=rounds,
        scale=scale,
        load=load,
        cores=os.cpu_count() or 1,
        rows=tuple(rows),
        counts=tuple(counts),
    )


def _sides(options: argparse.Namespace, progress: Console) -> list[Side]:
    how = loop_options(options.loop, eager=options.eager)
    sides = [Side("ours", sys.executable, *how), Side("limit", sys.executable, *how)]
    if find_spec("aiostream") is not None:
        sides.append(Side("aiostream", sys.executable, *how))
    if not options.baseline_python:
        progress.print("without miniagents 0.0.35: there is no environment with it")
    elif options.eager or options.loop != "asyncio":
        progress.print("without miniagents 0.0.35: it hangs with eager tasks, and its environment has asyncio alone")
    else:
        sides.append(Side("old", options.baseline_python))
    return sides


def _profile(workloads: Sequence[Workload], console: Console, options: argparse.Namespace) -> None:
    timed = [each for each in workloads if each.figures[0].name == "cpu" and each.grows_from is None and not each.fixed]
    how = loop_options(options.loop, eager=options.eager)
    with Side("ours", sys.executable, *how) as side:
        for workload in timed:
            console.rule(workload.title)
            side.run(workload, SMALLEST)  # work that is done only once must not appear
            answered = side.run(workload, round(workload.size * (options.scale or 1.0)), profile=True)
            console.print(answered["profile"], markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
