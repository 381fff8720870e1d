"""`miniagents picture`: draws the calls of a run, of the records in a file."""

from __future__ import annotations

import argparse
import math
import sys
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from miniagents._replacing import replace, target_of
from miniagents.command_parser import CommandParser, Example
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

    from miniagents.messages import Format

__all__ = ["build_parser", "main"]

_NAMED: Final = 10
"""How many other runs are named."""


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
    try:
        options = build_parser().parse_args(argv, Options())
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 2
    try:
        return _draw(options)
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.filename is None:  # a stream of the process cannot be used
            raise
        say(f"miniagents picture: {error}")
        return 2


def build_parser() -> CommandParser:
    """Return the parser of the command line."""
    parser = CommandParser(
        prog="miniagents picture",
        description="Draw the calls of a run, of the CallRecords in a file: one HTML file that needs nothing else. "
        "Exit status: 0 done, 1 a record cannot be read (the others are drawn), 2 the arguments or files are wrong.",
    )
    parser.add_argument("file", metavar="FILE", help="a file of records; - is stdin")
    parser.add_argument(
        "run", nargs="?", metavar="RUN", help="the identifier of a run, or how it begins (default: the last run)"
    )
    parser.add_argument("--output", default="run.html", metavar="FILE", help="where the picture goes; - is stdout")
    parser.examples = (
        Example("miniagents picture calls.jsonl", "the last run, in run.html"),
        Example("miniagents picture calls.jsonl 3fb2 --output slow.html", "the run whose identifier begins with 3fb2"),
    )
    return parser


def _draw(options: Options) -> int:
    runs: dict[str, dict[int, CallRecord]] = {}
    wrong = 0
    for each in _records_of(options.file):
        if isinstance(each, RecordError):  # the program may have ended in the middle of a record
            wrong += 1
            say(f"{options.file}: {each}")
        elif options.run is None or each.run.startswith(options.run):
            runs.setdefault(each.run, {})[each.number] = each
    name = _chosen(options, runs)
    calls = runs[name]
    page = html_page((DrawnCall(record=record) for record in calls.values()), f"Run {name}").encode()
    if options.output == "-":
        _print(page)
    else:
        replace(target_of(options.output), page, is_durable=False)
        say(f"{options.output}: {number_of(len(calls), 'call')} of run {name}")
    return 1 if wrong else 0


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
    others = [name for name in runs if name != last]
    named = ", ".join(others[:_NAMED]) + (f" and {len(others) - _NAMED} more" if len(others) > _NAMED else "")
    if options.run is not None:
        raise ValueError(f"{options.file}: several runs begin with {options.run!r}: {last}, {named}")
    say(f"{options.file}: this is the last of {len(runs)} runs; name another to see it: {named}")
    return last


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
