"""Selects records and writes them in another format: the options and code that `cat` and `convert` share."""

from __future__ import annotations

import argparse
import importlib
import operator
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from miniagents.commands._named_runs import STORE_HEADER
from miniagents.messages import Codec, DecodeError, Frozen, encode
from miniagents.messages.coding.exactness import refuse_unwritable
from miniagents.messages.coding.msgspec_formats import functions_of, may_have_nan, refuse_unpackable, with_string_keys
from miniagents.messages.values.freezing import is_list, is_mapping
from miniagents.wire import MAX_RATIO
from miniagents.wire.compression import Inflater, told_by_magic
from miniagents.wire.splitting import MARKER

if TYPE_CHECKING:
    from collections.abc import Callable

    from miniagents.messages import Format
    from miniagents.wire import Compression, RecordError

__all__ = [
    "Condition",
    "Selector",
    "add_options",
    "compression_of",
    "condition",
    "format_of",
    "format_of_data",
    "import_modules",
    "said_of",
]


class Condition(NamedTuple):
    """A condition that a field of a record must meet."""

    text: str
    """The condition as the user wrote it."""
    path: tuple[str, ...]
    holds: Callable[[object, object], bool]
    value: object

    def accepts(self, record: object) -> bool:
        """Tell whether a record meets the condition; a record without the field meets only `!=`."""
        current = record
        for step in self.path:
            if is_mapping(current) and step in current:
                current = current[step]
            elif is_list(current) and step.isdecimal() and int(step) < len(current):
                current = current[int(step)]
            else:
                return self.holds is operator.ne
        try:
            return bool(self.holds(current, self.value))
        except TypeError:  # values of different types have no order
            return False


def _contains(value: object, part: object) -> bool:
    return str(part) in value if isinstance(value, str) else is_list(value) and part in value


_OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {  # Any: JSON values of any type
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
    "~": _contains,
}


def condition(text: str) -> Condition:
    """Read a condition as in "author.name=Ada".

    Raises:
        argparse.ArgumentTypeError: The text is no condition.
    """
    match = re.fullmatch(r"(?s)([^!<>=~]+)(!=|<=|>=|=|<|>|~)(.*)", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no condition; write FIELD=VALUE (or != < <= > >= ~)")
    path, sign, written = match.groups()
    try:
        value: object = msgspec.json.decode(written)
    except msgspec.MsgspecError:
        value = written
    return Condition(text, tuple(path.strip().split(".")), _OPERATORS[sign], str(value) if sign == "~" else value)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that select records."""
    parser.add_argument(
        "--type", action="append", default=[], metavar="TAG", help='only records with this "@type"; may be repeated'
    )
    parser.add_argument(
        "--where",
        action="append",
        default=[],
        type=condition,
        metavar="FIELD=VALUE",
        help="only records whose field has this value; other operators are != < <= > >=, and ~ for a text or list "
        "that contains it; a.b.0 is the first item of field b of field a; may be repeated, and all must hold",
    )
    parser.add_argument(
        "--import",
        dest="modules",
        action="append",
        default=[],
        metavar="MODULE",
        help="import message types and check every record against its type; may be repeated",
    )
    parser.add_argument(
        "--skip-errors",
        action="store_true",
        help="continue after records that cannot be read; each is reported on stderr",
    )
    parser.add_argument(
        "--max-bytes", type=int, default=1 << 24, metavar="N", help="the largest size of a record (default: 16 MiB)"
    )
    parser.add_argument(
        "--max-ratio",
        type=int,
        default=MAX_RATIO,
        metavar="N",
        help="read no more than N bytes for each byte of compressed data, from 64 MiB on (default: 1000)",
    )
    parser.add_argument(
        "--max-total", type=int, metavar="N", help="read no more than N bytes of decompressed data (default: no limit)"
    )


def import_modules(names: list[str]) -> bool:
    """Import modules of message types; the current folder is searched first.

    Returns:
        Whether `names` has any.

    Raises:
        ImportError: A module cannot be imported.
    """
    folder = str(Path.cwd())
    if names and folder not in sys.path:
        sys.path.insert(0, folder)
    for name in names:
        try:
            importlib.import_module(name.removesuffix(".py").removeprefix("./").replace("/", "."))
        except ImportError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the module does
            raise ImportError(f"{name} cannot be imported: {type(error).__name__}: {error}") from None
    return bool(names)


_FORMATS: Final[dict[str, Format]] = {
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".msgpack": "msgpack",
    ".mp": "msgpack",
}
_COMPRESSIONS: Final[dict[str, Compression]] = {".gz": "gzip", ".zst": "zstd"}


def format_of(path: str) -> Format | None:
    """Return the format that the suffix of a file means; None if it means none."""
    suffixes = [suffix for suffix in Path(path).suffixes if suffix not in _COMPRESSIONS]
    return _FORMATS.get(suffixes[-1].lower()) if suffixes else None


def format_of_data(start: bytes) -> Format:
    """Return the format of a file, recognised by its first bytes, which may be compressed."""
    return "msgpack" if _inflated(start).startswith(MARKER) else "json"


def said_of(name: str, error: RecordError, start: bytes) -> str:
    """Return what a command says of a record that it cannot read.

    Args:
        name: The name of the file.
        error: The error.
        start: The first bytes of the file, which may be compressed.
    """
    said = f"{name}: {error}"
    if error.index:
        return said
    if start.startswith(STORE_HEADER):
        return f"{said}; this is a database: `miniagents runs` and `miniagents picture` show what a store has"
    line, end, _ = _inflated(start).lstrip().partition(b"\n")
    opened = line.strip()
    if not end or opened not in _OPENED:
        return said
    program = "jq -c ." if opened == b"{" else "jq -c '.[]'"
    return f"{said}; records are one on each line, and this is JSON on several lines: `{program}` writes it so"


_OPENED: Final = (b"{", b"[", b"[{")
"""How the first line looks of a document that was written for people."""


def _inflated(start: bytes) -> bytes:
    compression = told_by_magic(start)
    if compression is None:
        return start
    return next((block for block in Inflater(compression).feed(start) if isinstance(block, bytes)), b"")


def compression_of(path: str) -> Compression | None:
    """Return the compression that the suffix of a file means; None if it means none."""
    return _COMPRESSIONS.get(Path(path).suffix.lower())


class Selector:
    """Reads a record and returns the bytes to write for it; None if the record is not selected.

    If both formats are the same, the bytes are passed on unchanged, except for white space around them.

    Args:
        format: The format that records are read in.
        written: The format that records are written in.
        types: The tags of the selected records; if empty, all are selected.
        conditions: The conditions that selected records meet, all of them.
        checked: Whether each record is checked against its class.
    """

    def __init__(
        self, format: Format, written: Format, types: list[str], conditions: list[Condition], *, checked: bool
    ) -> None:
        self._format: Format = format
        self._written: Format = written
        self._types = frozenset(types)
        self._conditions = conditions
        self._read = functions_of(format).decode_plain
        self._codec = Codec(Frozen, format) if checked else None

    @property
    def format(self) -> Format:
        """The format that records are read in."""
        return self._format

    @property
    def takes_all(self) -> bool:
        """Whether all records are selected."""
        return not self._types and not self._conditions

    def decode(self, data: bytes, /) -> bytes | None:
        """Return the bytes to write for a record; None if it is not selected.

        Raises:
            DecodeError: The record cannot be read, or cannot be written in the other format.
        """
        try:
            value = self._read(data)
            if self._types and not (is_mapping(value) and value.get("@type") in self._types):
                return None
            if self._conditions and not all(each.accepts(value) for each in self._conditions):
                return None
            if self._codec is not None:
                message = self._codec.decode(data)
                if self._written != self._format:
                    return encode(message, self._written)
            if self._written == self._format:
                return data.strip() if self._format == "json" else data
            return _json_of(value, data) if self._written == "json" else _msgpack_of(value)
        except DecodeError:
            raise
        except (msgspec.MsgspecError, UnicodeError, RecursionError, TypeError, ValueError, OverflowError) as error:
            path, colon, reason = str(error).partition(": ")
            if not (colon and path.startswith("$")):
                path, reason = "$", str(error)
            raise DecodeError(path, reason) from None

    def _fast(self) -> Callable[[bytes], bytes | None]:
        if not self.takes_all or self._codec is not None:
            return self.decode
        return self._passed if self._written == self._format else self._rewritten

    def _passed(self, data: bytes) -> bytes:
        """Pass on a record that only needs to be valid. It takes 7 % less time than `decode`, which explains errors."""
        self._read(data)
        return data.strip() if self._format == "json" else data

    def _rewritten(self, data: bytes) -> bytes | None:
        value = self._read(data)
        try:
            return _json_of(value, data) if self._written == "json" else _write_msgpack(value)
        except (TypeError, ValueError, OverflowError):
            return self.decode(data)


def _json_of(value: object, data: bytes) -> bytes:
    written = _write_json(with_string_keys(value))
    if may_have_nan(data) and b"null" in written:
        refuse_unwritable(value)
    return written


def _msgpack_of(value: object) -> bytes:
    try:
        return _write_msgpack(value)
    except OverflowError:
        refuse_unpackable(value)
        raise


_write_json: Final = functions_of("json").encode
_write_msgpack: Final = functions_of("msgpack").encode
