"""`miniagents convert`: writes all or some records of a file in another format, compressed or not.

The output is written to OUTPUT.partial and renamed when it is complete. The file OUTPUT.partial.json is a note of the
progress. With it, `--resume` continues after an interrupt or a crash. If OUTPUT is a link, both are beside the file
that it leads to. A device or a pipe is written directly, and nothing can be resumed then.
"""

from __future__ import annotations

import argparse
import os
import time
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zlib import crc32

import msgspec

from miniagents._replacing import named_errors, open_directly, target_of, write_all
from miniagents.command_parser import CommandParser, Example
from miniagents.commands._partial import Note, Partial, Prefix, skipped
from miniagents.commands._progress import Progress
from miniagents.commands._selecting import (
    Condition,
    Selector,
    add_options,
    compression_of,
    format_of,
    format_of_data,
    import_modules,
    said_of,
)
from miniagents.printing import say
from miniagents.wire import RecordDecoder, RecordError
from miniagents.wire.compression import BLOCK, deflater_of, told_by_magic
from miniagents.wire.splitting import frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from io import FileIO

    from miniagents.messages import Format
    from miniagents.wire import Compression

__all__ = ["build_parser", "main"]

_SECONDS: Final = 1.0
"""The seconds between two notes of the progress."""
_TOGETHER: Final = 1 << 14
"""The number of bytes that are written at once, or more."""
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


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: The arguments after the name of the command; None for those of the process.

    Returns:
        The exit status: 0 done, 1 a record cannot be read, 2 the arguments or files are wrong, 130 interrupted.
    """
    options = build_parser().parse_args(argv, Options())
    try:
        with Path(options.input).open("rb", buffering=0) as file:
            return _Conversion(options, file).run()
    except RecordError:
        return 1
    except (ImportError, ValueError) as error:
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

    def __init__(self, options: Options, file: FileIO) -> None:
        """Find out formats and compressions.

        Raises:
            ImportError: A module of types cannot be imported.
            OSError: The input cannot be read.
            ValueError: The format of the output is unknown, or the output is the input.
        """
        import_modules(options.modules)
        self._options = options
        self._file = file
        self._output = Path(options.output)
        self._target = target_of(self._output)
        self._about = os.fstat(file.fileno())
        self._start = start = _start_of(file)
        if self._output.exists() and os.path.samestat(self._output.stat(), self._about):
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
            "input": str(Path(options.input).resolve()),
            "formats": [read, write, self._compression],
            "types": sorted(options.type),
            "where": [each.text for each in options.where],
            "modules": options.modules,
        }
        self._done = Note(os.getpid(), self._task, self._about.st_size, self._about.st_mtime_ns)
        self._progress = Progress(self._about.st_size)
        self._skipped = 0  # how many bytes of the input file need not be read again

    def run(self) -> int:
        """Convert all records and return the exit status.

        Raises:
            OSError: A file cannot be read or written.
            RecordError: A record cannot be read, and errors are not skipped.
            ValueError: Another process writes the output, or the conversion cannot be resumed.
        """
        try:
            if self._target.is_direct:
                self._run_directly()
            else:
                self._run_beside()
        except KeyboardInterrupt:
            self._progress.clear()
            after = f"interrupted after {self._done.count} records"
            say(after if self._target.is_direct else f"{after}; continue with --resume")
            return 130
        except OSError as error:
            self._progress.clear()
            if self._target.is_direct or not self._done.written:
                raise
            say(f"miniagents convert: {error}; {self._done.count} records are written: continue with --resume")
            return 2
        self._progress.clear()
        done = self._done
        wrong = f", and {done.wrong} could not be read" if done.wrong else ""
        say(f"{self._output}: {done.count} of {done.index} records{wrong}")
        return 1 if done.wrong else 0

    def _run_directly(self) -> None:
        if self._options.resume:
            raise ValueError(f"{self._output} is no file, so there is nothing to continue: start without --resume")
        with open_directly(self._target) as output:
            self._done = self._convert(output, self._blocks(), lambda _: None)

    def _run_beside(self) -> None:
        with Partial(self._target, resume=self._options.resume) as partial:
            note = partial.resumed(self._task) if self._options.resume else None
            blocks = self._blocks() if note is None else self._continued(note)
            try:
                partial.cut(self._done.written)
                partial.keep(self._done)
                done = self._convert(partial.file, blocks, partial.keep)
                partial.complete()
            except BaseException:
                if self._done.written:
                    with suppress(OSError):  # if the disk is full, the last note counts
                        partial.keep(self._done)
                else:
                    partial.discard()
                raise
            self._done = done

    def _convert(self, output: FileIO, blocks: Iterator[bytes], keep: Callable[[Note], None]) -> Note:
        """Convert the blocks and return the final note.

        After the last line, if it has no line feed, no conversion can continue. So `_done` is the note before that.
        """
        note = self._done
        decoder = RecordDecoder(
            self._selector,
            compression=self._compressed,
            max_bytes=self._options.max_bytes,
            max_ratio=self._options.max_ratio,
            max_total=self._options.max_total,
            offset=note.offset,
            index=note.index,
            read=note.read,
        )
        prefix = Prefix(note.read, note.checksum)
        known = note.read  # how many bytes of the input file were ever read, and
        taken = self._skipped  # how many with those that are read again, since compressed data begins at its start
        batch = _Batch(output, self._target.path, self._write, self._compression, note)
        next_note = time.monotonic() + _SECONDS
        while True:
            block = b"" if decoder.ended else next(blocks, b"")
            for part in decoder.feed(block) if block else decoder.finish():
                self._take(part, batch)
            taken += len(block)
            if taken > known:
                prefix.add(block[known - taken :])
                known = taken
            read = known if self._compressed else decoder.offset
            checksum = prefix.up_to(read)
            if not block or (batch.is_full() and decoder.between_records):
                batch.write()
                done = msgspec.structs.replace(
                    note,
                    offset=decoder.offset,
                    read=read,
                    checksum=checksum,
                    index=decoder.index,
                    written=batch.written,
                    written_checksum=batch.checksum,
                    count=batch.count,
                    wrong=batch.wrong,
                )
                if not block:
                    return done
                self._done = done
                if time.monotonic() >= next_note:
                    keep(self._done)
                    next_note = time.monotonic() + _SECONDS

    def _take(self, part: list[bytes | None] | RecordError, batch: _Batch) -> None:
        if not isinstance(part, RecordError):
            batch.add([record for record in part if record is not None])
            return
        self._progress.clear()
        say(said_of(self._options.input, part, self._start))
        if not self._options.skip_errors:
            raise part
        batch.wrong += 1

    # --- the input ---

    def _blocks(self) -> Iterator[bytes]:
        return self._followed(chain([self._start], self._rest()))

    def _rest(self) -> Iterator[bytes]:
        """Read the input from its current position on.

        Raises:
            OSError: The input cannot be read.
        """
        with named_errors(Path(self._options.input)):
            while data := self._file.read(BLOCK):
                yield data

    def _followed(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Show how much of the input is converted."""
        taken = self._skipped
        for data in blocks:
            yield data
            taken += len(data)
            self._progress.update(taken)

    def _continued(self, note: Note) -> Iterator[bytes]:
        """Take over the progress of an interrupted conversion, and return the blocks that are not converted yet.

        Compressed data can only be read from its start. The decoder then skips what is converted.

        Raises:
            OSError: The input cannot be read, or is a pipe with compressed data.
            ValueError: The converted part is not that of this input.
        """
        fresh = self._done
        self._done = msgspec.structs.replace(note, process=fresh.process, size=fresh.size, changed=fresh.changed)
        behind = skipped(chain([self._start], self._rest()), note.read, note.checksum)
        if behind is None:
            was, now = (
                f"{size} bytes of {_time(changed)}"
                for size, changed in ((note.size, note.changed), (self._about.st_size, self._about.st_mtime_ns))
            )
            raise ValueError(
                f"{self._options.input} is another input than the conversion began with (then {was}, now {now}): "
                "start without --resume"
            )
        if self._compressed is not None:
            with named_errors(Path(self._options.input)):
                self._file.seek(0)
            return self._followed(self._rest())
        self._skipped = note.read
        self._progress = Progress(self._about.st_size, note.read)
        return self._followed(behind)


class _Batch:
    """Writes records to the output, compressed in parts, and counts them."""

    def __init__(self, output: FileIO, path: Path, format: Format, compression: Compression | None, note: Note) -> None:
        self._output = output
        self._path = path
        self._format = format
        self._compression: Compression | None = compression
        self._deflater = None if compression is None else deflater_of(compression)
        self._taken = 0
        self._waiting: list[bytes] = []
        self._size = 0
        self.count = note.count
        self.wrong = note.wrong
        self.written = note.written
        self.checksum = note.written_checksum

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
        """End the compressed part, so that the output up to here can be read and continued, and write everything."""
        if self._deflater is not None and self._compression is not None and (self._taken or not self._begun):
            self._put(self._deflater.flush())
            self._deflater = deflater_of(self._compression)
        self._taken = 0
        self._write()

    @property
    def _begun(self) -> bool:
        return bool(self.written or self._size)

    def _put(self, data: bytes) -> None:
        self._waiting.append(data)
        self._size += len(data)
        if self._size >= _TOGETHER:
            self._write()

    def _write(self) -> None:
        data = b"".join(self._waiting)
        self._waiting, self._size = [], 0
        with named_errors(self._path):
            write_all(self._output, data)
        self.written += len(data)
        self.checksum = crc32(data, self.checksum)


_COMPRESSIONS: Final[dict[str, Compression | None]] = {"none": None, "gzip": "gzip", "zstd": "zstd"}


def _start_of(file: FileIO) -> bytes:
    """Return the first bytes of a file: at least the four that tell its compression, if it has so many."""
    start = b""
    while len(start) < 4 and (data := file.read(BLOCK)):
        start += data
    return start


def _time(nanoseconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(nanoseconds / 1e9))
