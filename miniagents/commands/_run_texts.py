"""Runs and their calls as lines of text."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, NamedTuple
from unicodedata import combining, east_asian_width

from miniagents.chat.wording import call_text
from miniagents.commands._named_runs import state_of
from miniagents.messages import AssistantMessage
from miniagents.printing import printable
from miniagents.promising.core.presenting import number_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from miniagents.commands._costs import Cost
    from miniagents.ext.store import RunInfo
    from miniagents.messages import CallRecord, Message

__all__ = ["ListedRun", "call_line", "columns_of", "cut", "duration", "run_line", "short_text", "table_of"]

_DIGITS: Final = 8
"""How many digits of an identifier are shown at least."""
_GAP: Final = "  "


class ListedRun(NamedTuple):
    """A run with what it cost."""

    info: RunInfo
    cost: Cost
    began: float
    """When the first of its calls began, in seconds since 1970."""
    ended: float | None
    """When the last one ended; None if that is unknown."""
    error: str | None
    """The error of the first call that failed: of the outermost one, as a rule."""
    replayed: int = 0
    """How many calls gave replies that were kept from earlier ones."""


def table_of(runs: Sequence[ListedRun], *, priced: bool, now: float) -> list[str]:
    """Return the lines that list runs.

    Args:
        runs: The runs.
        priced: Whether there is a column for costs.
        now: The time, in seconds since 1970.
    """
    digits = _DIGITS
    while len({run.info.id[:digits] for run in runs}) < len({run.info.id for run in runs}):
        digits += 1
    any_replayed = any(run.replayed for run in runs)
    head = ["run", "began", "state", "took", "calls", *(["replayed"] if any_replayed else []), "failed"]
    rows = [[*head, "tokens in", "out", *(["cost"] if priced else []), "error"]]
    rows += [_row(run, digits, priced=priced, replayed=any_replayed, now=now) for run in runs]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    left = {0, 1, 2, len(widths) - 1}
    return [
        _GAP.join(
            cell.ljust(width) if at in left else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _row(run: ListedRun, digits: int, *, priced: bool, replayed: bool, now: float) -> list[str]:
    info, cost = run.info, run.cost
    ended = now if info.is_live else run.ended
    return [
        printable(info.id[:digits]),
        time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(run.began)),
        state_of(info),
        "" if ended is None else duration(ended - run.began),
        f"{info.calls:,}",
        *([f"{run.replayed:,}"] if replayed else []),
        f"{info.failed:,}",
        f"{cost.input_tokens:,}",
        f"{cost.output_tokens:,}",
        *([cost.price] if priced else []),
        "" if run.error is None else printable(run.error.partition("\n")[0]),
    ]


def run_line(info: RunInfo) -> str:
    """Return the line about one run."""
    calls = number_of(info.calls, "call")
    return f"run {printable(info.id)}: {state_of(info)}, {calls}, {info.failed:,} failed"


def call_line(record: CallRecord, replies: Iterable[Message], unfinished: Iterable[str], now: float | None) -> str:
    """Return the line about one call, indented by its depth.

    Args:
        record: The call.
        replies: Its complete replies.
        unfinished: The texts of others, as far as they came.
        now: The time for a call that goes on; None if it does not go on.
    """
    depth = max(len(record.place) - 1, 0)
    name = f"{_GAP * depth}{printable(record.called.name)} ({record.number})"
    outcome: str = record.outcome or ("cut" if now is None else "running")
    if record.replayed:
        outcome += ", replayed,"
    ended = now if record.ended is None else record.ended
    took = ""
    if record.began is not None and ended is not None:
        took = f" {'after' if record.outcome else 'for'} {duration(ended - record.began)}"
    said = record.error if record.error is not None else " ".join([*map(short_text, replies), *unfinished])
    said = printable(" ".join(said.split()))
    return f"{name}  {outcome}{took}" + (f": {said}" if said else "")


def short_text(message: Message) -> str:
    """Return the text of a message; the calls of a model, or the name of the class, if it has none."""
    if not message.text and isinstance(message, AssistantMessage) and message.tool_calls:
        return ", ".join(call_text(call.name, call.arguments) for call in message.tool_calls)
    return message.text or f"<{type(message).__name__}>"


def columns_of(text: str) -> int:
    """Return how many columns a text takes at a terminal: wide characters take two, and accents none of their own.

    >>> columns_of("abc"), columns_of("漢字"), columns_of("e\u0301")
    (3, 4, 1)
    """
    if text.isascii():
        return len(text)
    return sum(0 if combining(each) else 2 if east_asian_width(each) in "WF" else 1 for each in text)


def cut(line: str, width: int) -> str:
    """Return a line that takes no more columns than a width."""
    if columns_of(line) <= width:
        return line
    line = line[: max(width - 1, 0)]
    while columns_of(line) > width - 1 and line:
        line = line[:-1]
    return f"{line}…"


def duration(seconds: float) -> str:
    """Return a time in words of two parts at most.

    >>> print(duration(0.0123), duration(1.26), duration(83), duration(7290), sep=", ")
    12 ms, 1.3 s, 1 min 23 s, 2 h 1 min
    """
    seconds = max(seconds, 0.0)
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60} min"
