"""`miniagents runs`: lists the runs that a store keeps, shows the calls of one, and follows one that goes on."""

from __future__ import annotations

import argparse
import asyncio
import math
import shutil
import sys
import time
from typing import TYPE_CHECKING, Final

from miniagents.command_parser import CommandParser, Example
from miniagents.commands._costs import CallsThatCost, Cost, cost_of, price_of
from miniagents.commands._following import follow, latest_live
from miniagents.commands._named_runs import is_store, the_run
from miniagents.commands._run_texts import ListedRun, call_line, cut, run_line, table_of
from miniagents.ext.store import StoreDamagedError, StoreError, forget_answers, forget_durable, open_store
from miniagents.ext.store.kept_contents import contents_of
from miniagents.printing import say
from miniagents.promising.core.presenting import number_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miniagents.calls import Price
    from miniagents.ext.store import KeptCall, RunInfo, Store

__all__ = ["build_parser", "main"]

_LAST: Final = 20
_BATCH: Final = 1000
"""How many calls are looked at together."""


class Options(argparse.Namespace):
    """The parsed command line."""

    store: str
    run: str | None
    follow: bool
    last: int
    price: list[str]
    forget: float | None


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: The arguments after the name of the command; None for those of the process.

    Returns:
        The exit status: 0 done, 1 a run is damaged, 2 the arguments or the store are wrong, 130 interrupted.
    """
    options = build_parser().parse_args(argv, Options())
    try:
        return _checked(options)
    except (ValueError, StoreError, ImportError) as error:
        say(f"miniagents runs: {error}")
        return 2


def build_parser() -> CommandParser:
    """Return the parser of the command line."""
    parser = CommandParser(
        prog="miniagents runs",
        description="List the runs that a store keeps, the latest first, with their calls, tokens and errors; or show "
        "the calls of one run; or follow one while it goes on. Exit status: 0 done, 1 a run is damaged (the others are "
        "listed), 2 the arguments or the store are wrong.",
    )
    parser.add_argument("store", metavar="STORE", help="the file of a store, or its postgresql:// address")
    parser.add_argument("run", nargs="?", metavar="RUN", help="the identifier of a run, or how it begins")
    parser.add_argument(
        "--follow",
        action="store_true",
        help="show the calls of a run as they begin, speak and end, until it ends (default: the latest one that is "
        "running, or the next one)",
    )
    parser.add_argument(
        "--last", type=int, default=_LAST, metavar="N", help=f"how many runs are listed (default: {_LAST})"
    )
    parser.add_argument(
        "--price",
        action="append",
        default=[],
        metavar="MODEL=IN,OUT",
        help="what a million tokens of the models cost whose names begin so, in any currency: those of the input, the "
        "output and, if you like, those read from a cache and written to it; may be repeated",
    )
    parser.add_argument(
        "--forget",
        type=float,
        metavar="DAYS",
        help="forget what has ended more than so many days ago: runs, durable runs of which no call waits for an "
        "answer, and answers of cached agents; what goes on stays",
    )
    parser.examples = (
        Example("miniagents runs runs.db --price gpt-5=1.25,10", "the latest runs, with what they cost"),
        Example("miniagents runs runs.db 3fb2", "the calls of the run whose identifier begins with 3fb2"),
        Example("miniagents runs runs.db --follow", "the run that goes on, live"),
        Example("miniagents runs runs.db --forget 30", "forget what has ended more than 30 days ago"),
    )
    return parser


def _checked(options: Options) -> int:
    prices = dict(map(price_of, options.price))
    if options.last < 1:
        raise ValueError(f"--last is a number of runs from 1, not {options.last}")
    if options.forget is not None and (options.run is not None or options.follow):
        raise ValueError("--forget is for a whole store: give neither a run nor --follow")
    if options.forget is not None and not 0 < options.forget < math.inf:
        raise ValueError(f"--forget is a number of days above 0, not {options.forget:g}")
    if not is_store(options.store):
        raise ValueError(f"{options.store}: this is no store; `MiniAgents(store=...)` keeps runs in one")
    return asyncio.run(_run(options, prices))


async def _run(options: Options, prices: dict[str, Price]) -> int:
    async with open_store(options.store) as store:
        if options.forget is not None:
            await _forget(store, options.forget * 24 * 3600)
            return 0
        if options.follow:
            wanted = options.run
            run = await (latest_live(store) if wanted is None else the_run(store.runs(), wanted))
            await follow(store, run)
            return 0
        if options.run is not None:
            await _show(store, await the_run(store.runs(), options.run))
            return 0
        return await _list(store, options.last, prices)


async def _forget(store: Store, seconds: float) -> None:
    counts = {
        "run": await store.prune(keep=0, older_than=seconds),
        "durable run": await forget_durable(store, older_than=seconds),
        "answer": await forget_answers(store, older_than=seconds),
    }
    found = [number_of(count, name) for name, count in counts.items() if count]
    say(f"forgotten: {', '.join(found)}" if found else "there is nothing so old to forget")


# --- all runs ---


async def _list(store: Store, last: int, prices: dict[str, Price]) -> int:
    runs: list[ListedRun] = []
    more = status = 0
    async for info in store.runs():
        if len(runs) == last:
            more += 1
            continue
        try:
            runs.append(await _looked_at(store, info, prices))
        except StoreDamagedError as error:
            status = 1
            say(f"miniagents runs: {error}")
            runs.append(ListedRun(info, Cost(), info.began, info.ended, "it is damaged"))
    if not runs:
        say("there is no run yet; `MiniAgents(store=...)` keeps runs")
        return status
    for line in table_of(runs, priced=bool(prices), now=time.time()):
        _print(line)
    if more:
        say(f"and {number_of(more, 'earlier run')}: --last {last + more}")
    unpriced = sorted({model for run in runs for model in run.cost.unpriced})
    if prices and unpriced:
        say(f"there is no price for {', '.join(unpriced)}: --price {unpriced[0]}=IN,OUT")
    return status


async def _looked_at(store: Store, info: RunInfo, prices: dict[str, Price]) -> ListedRun:
    cost = Cost()
    error: str | None = None
    began, ended, replayed = info.began, 0.0, 0
    batch: list[KeptCall] = []
    costly = CallsThatCost()

    async def add(calls: Sequence[KeptCall], most: int) -> None:
        nonlocal cost
        batch.extend(calls)
        if len(batch) <= most:
            return
        new = await cost_of(store, batch, prices)
        cost = Cost(
            cost.input_tokens + new.input_tokens,
            cost.output_tokens + new.output_tokens,
            cost.amount + new.amount,
            cost.unpriced | new.unpriced,
        )
        batch.clear()

    async for call in store.calls(info.id):
        record = call.record
        if error is None and record.outcome == "failed":
            error = record.error
        began = min(began, record.began or began)  # the store notes a run a little later
        ended = max(ended, record.ended or ended)
        replayed += record.replayed
        await add(costly.add(call), _BATCH)
    await add(costly.rest(), 0)
    return ListedRun(info, cost, began, ended or None, error, replayed)


# --- one run ---


async def _show(store: Store, info: RunInfo) -> None:
    calls = [each async for each in contents_of(store, store.calls(info.id))]
    calls.sort(key=lambda each: (each.call.record.place, each.call.record.number))  # each behind its caller
    _print(run_line(info))
    for each in calls:
        now = time.time() if info.is_live else None
        _print(call_line(each.call.record, each.replies, each.unfinished, now))


def _print(line: str) -> None:
    """Write a line; at a terminal, cut where the line would go on."""
    out = sys.stdout
    out.write(f"{cut(line, shutil.get_terminal_size().columns) if out.isatty() else line}\n")
