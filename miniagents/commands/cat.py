"""`miniagents cat`: shows all or some records of files."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Literal

import msgspec

from miniagents.command_parser import CommandParser, Example
from miniagents.commands._progress import Progress
from miniagents.commands._selecting import (
    Condition,
    Selector,
    add_options,
    format_of,
    format_of_data,
    import_modules,
    said_of,
)
from miniagents.printing import printable, printable_json, say
from miniagents.wire import RecordDecoder, RecordError
from miniagents.wire.compression import BLOCK

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from io import FileIO

    from miniagents.messages import Format

__all__ = ["build_parser", "main"]

_PAUSE: Final = 0.1
"""The seconds between two looks at a file that may grow."""


class Options(argparse.Namespace):
    """The parsed command line."""

    files: list[str]
    format: Literal["auto", "json", "msgpack"]
    type: list[str]
    where: list[Condition]
    modules: list[str]
    pretty: bool
    count: bool
    follow: bool
    limit: int | None
    skip_errors: bool
    max_bytes: int
    max_ratio: int
    max_total: int | None


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: The arguments after the name of the command; None for those of the process.

    Returns:
        The exit status: 0 done, 1 a record cannot be read, 2 the arguments or files are wrong, 130 interrupted.
    """
    options = build_parser().parse_args(argv, Options())
    return _Cat(options).run()


def build_parser() -> CommandParser:
    """Return the parser of the command line."""
    parser = CommandParser(
        prog="miniagents cat",
        description="Show the records of files as JSON, one on each line. "
        "Exit status: 0 done, 1 a record cannot be read, 2 the arguments or files are wrong.",
    )
    parser.add_argument("files", nargs="*", default=["-"], metavar="FILE", help="a file of records; - is stdin")
    parser.add_argument(
        "--format",
        choices=("auto", "json", "msgpack"),
        default="auto",
        help="the format of the records; auto (the default) recognises it by the name of the file or its first bytes",
    )
    add_options(parser)
    parser.add_argument("--pretty", action="store_true", help="show records with line breaks and indentation")
    parser.add_argument("--count", action="store_true", help='show the number of records of each "@type" instead')
    parser.add_argument("--limit", type=int, metavar="N", help="show no more than N records")
    parser.add_argument(
        "--follow", action="store_true", help="wait for more at the end of the file, until Ctrl+C; one file only"
    )
    parser.examples = (
        Example("miniagents cat log.jsonl", "one record on each line; any format and compression of the file"),
        Example("miniagents cat --count log.jsonl", "the number of records of each type"),
        Example("miniagents cat --type Order --where customer.city=Kiel --pretty log.jsonl", "some, pretty-printed"),
        Example("miniagents cat --follow log.jsonl", "records as they arrive, until Ctrl+C"),
    )
    return parser


class _EnoughError(Exception):
    """The limit of records is reached."""


class _Cat:
    def __init__(self, options: Options) -> None:
        self._options = options
        self._counts: Counter[str] = Counter()
        self._shown = 0
        self._wrong = 0
        self._progress = Progress(None)

    def run(self) -> int:
        options = self._options
        if options.follow and (len(options.files) != 1 or options.files == ["-"]):
            self._say("miniagents cat: --follow is for one file")
            return 2
        try:
            import_modules(options.modules)
            for name in options.files:
                self._show_file(name)
        except _EnoughError:
            pass
        except KeyboardInterrupt:
            if not options.follow:
                raise
        except RecordError:
            return 1
        except (ImportError, ValueError) as error:
            self._say(f"miniagents cat: {error}")
            return 2
        if options.count:
            self._show_counts()
        if self._wrong:
            self._say(f"{self._wrong} records could not be read")
        return 1 if self._wrong else 0

    def _show_file(self, name: str) -> None:
        if name == "-":
            if sys.stdin is None:
                raise ValueError("stdin is closed: name a file")
            self._show(name, _blocks(sys.stdin.buffer))
            return
        with Path(name).open("rb", buffering=0) as file:
            if not self._options.follow:
                self._progress = Progress(Path(name).stat().st_size)
                self._show(name, _blocks(file, self._progress))
                self._progress.clear()
                return
            self._show(name, _growing(file))

    def _show(self, name: str, blocks: Iterator[bytes]) -> None:
        first = next(blocks, b"")
        options = self._options
        read: Format = format_of(name) or format_of_data(first) if options.format == "auto" else options.format
        selector = Selector(read, "json", options.type, options.where, checked=bool(options.modules))
        decoder = RecordDecoder(
            selector, max_bytes=options.max_bytes, max_ratio=options.max_ratio, max_total=options.max_total
        )
        self._show_parts(name, first, decoder.feed(first))
        while not decoder.ended and (block := next(blocks, None)) is not None:
            self._show_parts(name, first, decoder.feed(block))
        self._show_parts(name, first, decoder.finish())

    def _show_parts(self, name: str, start: bytes, parts: Iterator[list[bytes | None] | RecordError]) -> None:
        for part in parts:
            if isinstance(part, RecordError):
                self._wrong += 1
                self._say(said_of(name, part, start))
                if not self._options.skip_errors:
                    raise part
                continue
            records = [record for record in part if record is not None]
            limit = self._options.limit
            if limit is not None:
                records = records[: max(limit - self._shown, 0)]
            self._shown += len(records)
            if self._options.count:
                self._counts.update(map(_tag_of, records))
            elif records:
                self._progress.clear()
                if self._options.pretty:
                    records = [msgspec.json.format(record, indent=2) for record in records]
                _write(b"\n".join(records) + b"\n")
            if limit is not None and self._shown >= limit:
                raise _EnoughError

    def _show_counts(self) -> None:
        width = max(len(str(self._counts.total())), 6)
        lines = [f"{count:{width}}  {tag}" for tag, count in sorted(self._counts.items())]
        lines.append(f"{self._counts.total():{width}}  in all")
        _write("".join(f"{printable(line)}\n" for line in lines).encode())

    def _say(self, text: str) -> None:
        self._progress.clear()
        say(text)


class _Tagged(msgspec.Struct):
    tag: object = msgspec.field(default=None, name="@type")


_read_tag = msgspec.json.Decoder(_Tagged).decode


def _tag_of(record: bytes) -> str:
    try:
        tag = _read_tag(record).tag
    except msgspec.ValidationError:  # it is no object
        tag = None
    return tag if isinstance(tag, str) else "(no @type)"


def _blocks(file: IO[bytes] | FileIO, progress: Progress | None = None) -> Iterator[bytes]:
    read = getattr(file, "read1", file.read)
    done = 0
    while data := read(BLOCK):
        yield data
        done += len(data)
        if progress is not None:
            progress.update(done)


def _growing(file: FileIO) -> Iterator[bytes]:
    """Read a file that other processes append to; this iterator never ends.

    Raises:
        ValueError: The file has become shorter.
    """
    done = 0
    while True:
        while data := file.read(BLOCK):
            done += len(data)
            yield data
        time.sleep(_PAUSE)
        if file.seek(0, 2) < done:
            raise ValueError(f"{file.name} has become shorter: it is not the same file any more")
        file.seek(done)


def _write(data: bytes) -> None:
    """Write bytes of JSON or of printable text to stdout; as text if it is a terminal, or has no buffer of bytes."""
    buffer: IO[bytes] | None = getattr(sys.stdout, "buffer", None)
    if sys.stdout.isatty():
        sys.stdout.write(printable_json(data.decode()))
        sys.stdout.flush()
    elif buffer is None:
        sys.stdout.write(data.decode())
    else:
        sys.stdout.flush()
        buffer.write(data)
        buffer.flush()
