"""`miniagents picture`: draws the calls of a run, of a store or of the records in a file."""

from __future__ import annotations

import argparse
import asyncio
import math
import sys
import time
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from miniagents._replacing import replace, target_of
from miniagents.command_parser import CommandParser, Example
from miniagents.commands._named_runs import is_store, others, state_of, the_run
from miniagents.commands._selecting import Selector, format_of, format_of_data
from miniagents.commands.cat import _blocks
from miniagents.messages import CallRecord, Codec
from miniagents.picturing.drawn_calls import DrawnCall
from miniagents.picturing.page import html_page
from miniagents.printing import printable, say
from miniagents.promising.core.presenting import number_of
from miniagents.wire import RecordDecoder, RecordError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from miniagents.ext.store import RunInfo, Store
    from miniagents.messages import Format

__all__ = ["build_parser", "main"]

_TOLD: Final = 10
"""How many records that cannot be read are told one by one: a file of another kind has millions."""
_MEANING: Final = {
    "cut": "it was cut: its process ended before it",
    "running": "it is still running: draw it again to see more",
}


class Options(argparse.Namespace):
    """The parsed command line."""

    file: str
    run: str | None
    output: str


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: The arguments after the name of the command; None for those of the process.

    Returns:
        The exit status: 0 done, 1 a record cannot be read, 2 the arguments or files are wrong, 130 interrupted.
    """
    options = build_parser().parse_args(argv, Options())
    try:
        return _draw(options)
    except ValueError as error:
        say(f"miniagents picture: {error}")
        return 2


def build_parser() -> CommandParser:
    """Return the parser of the command line."""
    parser = CommandParser(
        prog="miniagents picture",
        description="Draw the calls of a run as one HTML file that needs nothing else: of a store, with messages and "
        "the pieces of replies, or of the CallRecords in a file. A run that goes on or was cut is drawn as far as it "
        "came. Exit status: 0 done, 1 a record cannot be read (the others are drawn), 2 the arguments or files are "
        "wrong.",
    )
    parser.add_argument(
        "file", metavar="FILE", help="a store, by its file or postgresql:// address, or a file of records; - is stdin"
    )
    parser.add_argument(
        "run", nargs="?", metavar="RUN", help="the identifier of a run, or how it begins (default: the last run)"
    )
    parser.add_argument("--output", default="run.html", metavar="FILE", help="where the picture goes; - is stdout")
    parser.examples = (
        Example("miniagents picture runs.db", "the last run of a store, in run.html"),
        Example("miniagents picture runs.db 3fb2 --output slow.html", "the run whose identifier begins with 3fb2"),
        Example("miniagents picture calls.jsonl", "the last run in a file of CallRecords"),
    )
    return parser


def _check(options: Options) -> None:
    """Refuse to put the picture where runs are kept."""
    output = Path(options.output)
    if output.is_file() and (
        is_store(options.output) or (Path(options.file).exists() and output.samefile(options.file))
    ):
        raise ValueError(f"{options.output}: it has runs, and the picture would replace them; --output is another file")


def _draw(options: Options) -> int:
    _check(options)
    if is_store(options.file):
        return asyncio.run(_draw_kept(options))
    runs: dict[str, dict[int, CallRecord]] = {}
    wrong = 0
    for each in _records_of(options.file):
        if isinstance(each, RecordError):  # the program may have ended in the middle of a record
            wrong += 1
            if wrong <= _TOLD:
                say(f"{options.file}: {each}")
        elif options.run is None or each.run.startswith(options.run):
            runs.setdefault(each.run, {})[each.number] = each
    if wrong > _TOLD:
        say(f"{options.file}: {number_of(wrong - _TOLD, 'more record')} cannot be read")
    name = _chosen(options, runs)
    _write(options, name, [DrawnCall(record=record) for record in runs[name].values()], None)
    return 1 if wrong else 0


async def _draw_kept(options: Options) -> int:
    from miniagents.ext.store import StoreError, open_store  # noqa: PLC0415  # records need no store
    from miniagents.ext.store.kept_contents import contents_of  # noqa: PLC0415  # as above

    store = open_store(options.file)
    try:
        async with store:
            run = await (_last_run(options, store) if options.run is None else the_run(store.runs(), options.run))
            calls = [
                DrawnCall(
                    record=each.call.record,
                    messages=each.messages,
                    replies=each.replies,
                    unfinished=each.unfinished,
                    pieces=each.times,
                )
                async for each in contents_of(store, store.calls(run.id))
            ]
    except (StoreError, ImportError) as error:
        raise ValueError(str(error)) from error
    except ValueError as error:
        raise ValueError(f"{options.file}: {error}") from error
    _write(options, run.id, calls, time.time() if run.is_live else None)
    state = state_of(run)
    if state in _MEANING:
        say(f"run {run.id}: {_MEANING[state]}")
    return 0


async def _last_run(options: Options, store: Store) -> RunInfo:
    runs = [run async for run in store.runs()]
    if not runs:
        raise ValueError("there is no run in it; `MiniAgents(store=...)` keeps runs")
    if len(runs) > 1:
        say(_others(options, [run.id for run in runs[1:]]))
    return runs[0]


def _write(options: Options, name: str, calls: Sequence[DrawnCall], until: float | None) -> None:
    page = html_page(calls, f"Run {name}", until=until).encode()
    if options.output == "-":
        _print(page)
    else:
        replace(target_of(options.output), page, is_durable=False)
        say(f"{options.output}: {number_of(len(calls), 'call')} of run {name}")


def _print(page: bytes) -> None:
    buffer: IO[bytes] | None = getattr(sys.stdout, "buffer", None)
    if buffer is None:
        sys.stdout.write(page.decode())
        return
    sys.stdout.flush()
    buffer.write(page)
    buffer.flush()


def _chosen(options: Options, runs: Mapping[str, Mapping[int, CallRecord]]) -> str:
    """Return the identifier of the run to draw.

    Raises:
        ValueError: There is none, or the command line means several.
    """
    if not runs and options.run is None:
        raise ValueError(f"{options.file}: there is no CallRecord in it; `trace()` makes them: write its `run.records`")
    if not runs:
        raise ValueError(
            f"{options.file}: there is no run {options.run!r}; leave it out for the last one, or see all: "
            f"miniagents cat --type CallRecord {printable(options.file)}"
        )
    if options.run is not None and options.run in runs:
        return options.run
    if len(runs) == 1:
        return next(iter(runs))
    last = max(runs, key=lambda name: _began(runs[name]))
    rest = [name for name in runs if name != last]
    if options.run is not None:
        raise ValueError(f"{options.file}: several runs begin with {options.run!r}: {last}, {others(rest)}")
    say(_others(options, rest))
    return last


def _others(options: Options, rest: Sequence[str]) -> str:
    return f"{options.file}: this is the last of {len(rest) + 1} runs; name another to see it: {others(rest)}"


def _began(calls: Mapping[int, CallRecord]) -> float:
    return max((call.began for call in calls.values() if call.began is not None), default=-math.inf)


class _CallRecords:
    """Decodes the CallRecords among records.

    Args:
        format: The format of the records.
    """

    def __init__(self, format: Format) -> None:
        self._selector = Selector(format, "json", ["CallRecord"], [], checked=False)
        self._codec = Codec(CallRecord)

    @property
    def format(self) -> Format:
        """The format of the records."""
        return self._selector.format

    def decode(self, data: bytes, /) -> CallRecord | None:
        """Decode a record; None if it is of another class.

        Raises:
            DecodeError: It cannot be read.
        """
        record = self._selector.decode(data)
        return None if record is None else self._codec.decode(record)

    def _fast(self) -> Callable[[bytes], CallRecord | None]:
        return self.decode


def _records_of(name: str) -> Iterator[CallRecord | RecordError]:
    blocks = _blocks_of(name)
    first = next(blocks, b"")
    decoder = RecordDecoder(_CallRecords(format_of(name) or format_of_data(first)))
    for block in chain((first,), blocks):
        yield from _flat(decoder.feed(block))
    yield from _flat(decoder.finish())


def _flat(parts: Iterator[list[CallRecord | None] | RecordError]) -> Iterator[CallRecord | RecordError]:
    for part in parts:
        if isinstance(part, RecordError):
            yield part
        else:
            yield from (record for record in part if record is not None)


def _blocks_of(name: str) -> Iterator[bytes]:
    if name == "-":
        if sys.stdin is None:
            raise ValueError("stdin is closed: name a file")
        yield from _blocks(sys.stdin.buffer)
        return
    with Path(name).open("rb") as file:
        yield from _blocks(file)
