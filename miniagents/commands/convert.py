"""`miniagents convert`: writes all or some records of a file in another format, compressed or not.

The output is written to OUTPUT.partial and renamed when it is complete. The file OUTPUT.partial.json is a note of the
progress. With it, `--resume` continues after an interrupt or a crash.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import msgspec

from miniagents.command_parser import CommandParser, Example
from miniagents.commands._progress import Progress
from miniagents.commands._selecting import (
    Condition,
    Selector,
    add_options,
    compression_of,
    format_of,
    format_of_data,
    import_modules,
)
from miniagents.printing import say
from miniagents.wire import RecordDecoder, RecordError
from miniagents.wire.compression import BLOCK, deflater_of, told_by_magic
from miniagents.wire.splitting import frame

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from miniagents.messages import Format
    from miniagents.wire import Compression

__all__ = ["build_parser", "main"]

_SECONDS: Final = 1.0
"""The seconds between two notes of the progress."""
_COMPRESSED: Final = 1 << 26
"""The number of bytes that are compressed as one part; smaller parts compress worse."""


class Options(argparse.Namespace):
    """The parsed command line."""

    input: str
    output: str
    read: Format | None
    write: Format | None
    compression: Compression | str | None
    type: list[str]
    where: list[Condition]
    modules: list[str]
    resume: bool
    skip_errors: bool
    max_bytes: int
    max_ratio: int
    max_total: int | None


class Note(msgspec.Struct, frozen=True):
    """The progress of a conversion."""

    task: dict[str, object]
    """The files and options: only a command with the same ones continues."""
    offset: int
    """The number of bytes of the uncompressed input that are converted."""
    index: int
    """The number of records in those bytes."""
    written: int
    """The size of the output then, in bytes."""
    count: int
    """The number of records in the output then."""
    wrong: int
    """The number of records that could not be read."""


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
        conversion = _Conversion(options)
        return conversion.run()
    except RecordError:
        return 1
    except (ImportError, OSError, ValueError) as error:
        say(f"miniagents convert: {error}")
        return 2


def build_parser() -> CommandParser:
    """Return the parser of the command line."""
    parser = CommandParser(
        prog="miniagents convert",
        description="Write the records of a file in another format: .json, .jsonl and .ndjson have one record on "
        "each line, .msgpack has frames of MessagePack with checksums; .gz or .zst after that means compression. "
        "Exit status: 0 done, 1 a record cannot be read, 2 the arguments or files are wrong, 130 interrupted.",
    )
    parser.add_argument("input", metavar="INPUT", help="the file to read")
    parser.add_argument("output", metavar="OUTPUT", help="the file to write; it appears when it is complete")
    formats = ("json", "msgpack")
    parser.add_argument("--from", dest="read", choices=formats, help="the format of INPUT, if its name does not say it")
    parser.add_argument("--to", dest="write", choices=formats, help="the format of OUTPUT, if its name does not say it")
    parser.add_argument(
        "--compression", choices=("none", "gzip", "zstd"), help="the compression of OUTPUT, if its name does not say it"
    )
    add_options(parser)
    parser.add_argument("--resume", action="store_true", help="continue where the same command was interrupted")
    parser.examples = (
        Example("miniagents convert log.jsonl log.msgpack", "the names of the files tell the formats"),
        Example("miniagents convert log.jsonl log.jsonl.gz --where 'total>=100'", "some records, compressed"),
        Example("miniagents convert --resume log.jsonl log.msgpack", "continue after an interrupt"),
    )
    return parser


class _Conversion:
    """The conversion of one input to one output."""

    def __init__(self, options: Options) -> None:
        """Find out formats and compressions, and read the note of an interrupted conversion that is to continue.

        Raises:
            ImportError: A module of types cannot be imported.
            OSError: The input cannot be read.
            ValueError: The format of the output is unknown, or the note is of another conversion.
        """
        import_modules(options.modules)
        self._options = options
        self._input = Path(options.input)
        self._output = Path(options.output)
        self._partial = self._output.with_name(f"{self._output.name}.partial")
        self._note = self._output.with_name(f"{self._output.name}.partial.json")
        with self._input.open("rb") as file:
            start = file.read(BLOCK)
        if self._output.exists() and self._output.samefile(self._input):
            raise ValueError(f"{self._output} cannot be written while it is read: name another file")
        self._compressed: Compression | None = told_by_magic(start)
        read = options.read or format_of(options.input) or format_of_data(start)
        write = options.write or format_of(options.output)
        if write is None:
            raise ValueError(f"{options.output}: its name does not tell a format: give one with --to")
        self._write: Format = write
        self._compression: Compression | None = compression_of(options.output)
        if options.compression is not None:
            self._compression = _COMPRESSIONS[options.compression]
        self._selector = Selector(read, write, options.type, options.where, checked=bool(options.modules))
        self._task: dict[str, object] = {
            "input": str(self._input.resolve()),
            "formats": [read, write, self._compression],
            "types": sorted(options.type),
            "where": [each.text for each in options.where],
            "modules": options.modules,
        }
        self._done = self._resumed() if options.resume else Note(self._task, 0, 0, 0, 0, 0)

    def run(self) -> int:
        """Convert all records and return the exit status.

        Raises:
            OSError: A file cannot be read or written.
            RecordError: A record cannot be read, and errors are not skipped.
        """
        note = self._done
        progress = Progress(self._input.stat().st_size, note.offset if self._compressed is None else 0)
        try:
            with self._partial.open("r+b" if note.written else "wb") as output:
                output.seek(note.written)
                output.truncate()
                try:
                    self._convert(output, progress)
                except RecordError:
                    self._keep(self._done)
                    raise
                output.flush()
                os.fsync(output.fileno())
        except KeyboardInterrupt:
            progress.clear()
            self._keep(self._done)
            say(f"interrupted after {self._done.count} records; continue with --resume")
            return 130
        self._partial.replace(self._output)
        self._note.unlink(missing_ok=True)
        progress.clear()
        done = self._done
        wrong = f", and {done.wrong} could not be read" if done.wrong else ""
        say(f"{self._output}: {done.count} of {done.index} records{wrong}")
        return 1 if done.wrong else 0

    def _convert(self, output: IO[bytes], progress: Progress) -> None:
        note = self._done
        decoder = RecordDecoder(
            self._selector,
            compression=self._compressed,
            max_bytes=self._options.max_bytes,
            max_ratio=self._options.max_ratio,
            max_total=self._options.max_total,
            offset=note.offset,
            index=note.index,
        )
        batch = _Batch(output, self._write, self._compression, note)
        next_note = time.monotonic() + _SECONDS
        blocks = self._blocks(0 if self._compressed else note.offset, progress)
        while True:
            block = b"" if decoder.ended else next(blocks, b"")
            for part in decoder.feed(block) if block else decoder.finish():
                self._take(part, batch, progress)
            if not block:
                batch.write()
                self._done = batch.note(self._task, decoder)
                return
            if batch.is_full() and decoder.between_records:
                batch.write()
                self._done = batch.note(self._task, decoder)
                if time.monotonic() >= next_note:
                    output.flush()
                    self._keep(self._done)
                    next_note = time.monotonic() + _SECONDS

    def _take(self, part: list[bytes | None] | RecordError, batch: _Batch, progress: Progress) -> None:
        if not isinstance(part, RecordError):
            batch.add([record for record in part if record is not None])
            return
        progress.clear()
        say(f"{self._input}: {part}")
        if not self._options.skip_errors:
            raise part
        batch.wrong += 1

    def _blocks(self, offset: int, progress: Progress) -> Iterator[bytes]:
        """Read the input.

        Args:
            offset: The number of bytes to skip.
            progress: The bar that shows how much is read.
        """
        with self._input.open("rb", buffering=0) as file:
            file.seek(offset)
            while data := file.read(BLOCK):
                yield data
                progress.update(file.tell())

    # --- going on after an interrupt ---

    def _keep(self, note: Note) -> None:
        """Write the note of the progress; it is renamed into place, so that a crash never leaves half a note."""
        beside = self._note.with_name(f"{self._note.name}.new")
        beside.write_bytes(msgspec.json.encode(note))
        beside.replace(self._note)

    def _resumed(self) -> Note:
        """Return the note of the interrupted conversion; without one, begin at the start.

        Raises:
            ValueError: The note is of another conversion, or does not fit the output.
        """
        try:
            note = msgspec.json.decode(self._note.read_bytes(), type=Note)
            size = self._partial.stat().st_size
        except FileNotFoundError:
            return Note(self._task, 0, 0, 0, 0, 0)
        except msgspec.MsgspecError as error:
            raise ValueError(f"{self._note} cannot be read, start without --resume: {error}") from None
        if note.task != self._task:
            raise ValueError(f"{self._partial} is of another conversion, start without --resume: {note.task}")
        if size < note.written:
            raise ValueError(f"{self._partial} is shorter than {self._note} says, start without --resume")
        return note


class _Batch:
    """Writes records to the output, compressed in parts, and counts them."""

    def __init__(self, output: IO[bytes], format: Format, compression: Compression | None, note: Note) -> None:
        self._output = output
        self._format = format
        self._compression: Compression | None = compression
        self._deflater = None if compression is None else deflater_of(compression)
        self._taken = 0
        self.count = note.count
        self.wrong = note.wrong
        self._written = note.written

    def add(self, records: list[bytes]) -> None:
        self.count += len(records)
        if not records:
            return
        data = b"\n".join(records) + b"\n" if self._format == "json" else b"".join(map(frame, records))
        self._taken += len(data)
        self._put(data if self._deflater is None else self._deflater.compress(data))

    def is_full(self) -> bool:
        """Tell whether the compressed part is large enough to be ended; without compression it always is."""
        return self._deflater is None or self._taken >= _COMPRESSED

    def write(self) -> None:
        """End the compressed part, so that the output up to here can be read and continued."""
        if self._deflater is not None and self._compression is not None and (self._taken or not self._written):
            self._put(self._deflater.flush())
            self._deflater = deflater_of(self._compression)
        self._taken = 0

    def note(self, task: dict[str, object], decoder: RecordDecoder[bytes | None]) -> Note:
        return Note(task, decoder.offset, decoder.index, self._written, self.count, self.wrong)

    def _put(self, data: bytes) -> None:
        self._output.write(data)
        self._written += len(data)


_COMPRESSIONS: Final[dict[str, Compression | None]] = {"none": None, "gzip": "gzip", "zstd": "zstd"}
