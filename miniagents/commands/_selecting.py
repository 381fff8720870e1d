"""Which records a command is for, and how each is written again: the options that `cat` and `convert` share."""

from __future__ import annotations

import argparse
import importlib
import operator
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from miniagents.messages import Codec, DecodeError, Frozen, encode
from miniagents.messages.coding.exactness import refuse_unwritable
from miniagents.messages.coding.msgspec_formats import functions_of, may_have_nan, refuse_unpackable, with_string_keys
from miniagents.messages.values.freezing import is_list, is_mapping
from miniagents.wire.compression import DamagedError, Inflater, told_by_magic
from miniagents.wire.splitting import MARKER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from miniagents.messages import Format
    from miniagents.wire import Compression

__all__ = [
    "Condition",
    "Selector",
    "add_options",
    "compression_of",
    "condition",
    "format_of",
    "format_of_data",
    "import_modules",
]


class Condition(NamedTuple):
    """What a field must be."""

    text: str
    """As it was written."""
    path: tuple[str, ...]
    holds: Callable[[object, object], bool]
    value: object

    def accepts(self, record: object) -> bool:
        """Tell whether it is so; a record that has no such field is not accepted, but by `!=`."""
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


_OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {  # Any: what JSON can say
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
        argparse.ArgumentTypeError: It is none.
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
    """Add the options that say which records are meant."""
    parser.add_argument(
        "--type", action="append", default=[], metavar="TAG", help='only records with this "@type"; may be repeated'
    )
    parser.add_argument(
        "--where",
        action="append",
        default=[],
        type=condition,
        metavar="FIELD=VALUE",
        help="only records whose field is so: = != < <= > >=, or ~ for a text or list that has it in it; "
        "a.b.0 is a field of a field; may be repeated, and all must hold",
    )
    parser.add_argument(
        "--import",
        dest="modules",
        action="append",
        default=[],
        metavar="MODULE",
        help="import message types, and hold every record against its type; may be repeated",
    )
    parser.add_argument(
        "--skip-errors", action="store_true", help="go on behind records that cannot be read; each is told on stderr"
    )
    parser.add_argument(
        "--max-bytes", type=int, default=1 << 24, metavar="N", help="how large a record may be (default: 16 MiB)"
    )


def import_modules(names: list[str]) -> bool:
    """Import modules of message types, those in the current folder as well.

    Returns:
        Whether there are any.

    Raises:
        ImportError: One cannot be imported.
    """
    folder = str(Path.cwd())
    if names and folder not in sys.path:
        sys.path.insert(0, folder)
    for name in names:
        importlib.import_module(name.removesuffix(".py").replace("/", "."))
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
    """Tell a format by the name of a file; None if that says nothing."""
    suffixes = [suffix for suffix in Path(path).suffixes if suffix not in _COMPRESSIONS]
    return _FORMATS.get(suffixes[-1].lower()) if suffixes else None


def format_of_data(start: bytes) -> Format:
    """Tell a format by the first bytes of a file, which may be compressed."""
    compression = told_by_magic(start)
    if compression is not None:
        try:
            start = next(Inflater(compression).feed(start), b"")
        except DamagedError:
            start = b""
    return "msgpack" if start.startswith(MARKER) else "json"


def compression_of(path: str) -> Compression | None:
    """Tell how a file is to be compressed by its name."""
    return _COMPRESSIONS.get(Path(path).suffix.lower())


class Selector:
    """Reads a record, and gives the bytes that are to be written for it; None if it is not one of those asked for.

    What is written in the format it was read in is passed on as it is, but for white space around it.

    Args:
        format: How the records are written that are read.
        written: How they are to be written.
        types: The tags of those asked for; all if there are none.
        conditions: What must hold.
        checked: Whether each record must be what its class says.
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
        """How the records are written that are read."""
        return self._format

    def decode(self, data: bytes, /) -> bytes | None:
        """Do it for one record.

        Raises:
            DecodeError: It cannot be read, or not be written in the other format.
        """
        try:
            return self._selected(data)
        except DecodeError:
            raise
        except (msgspec.MsgspecError, UnicodeError, RecursionError, TypeError, ValueError, OverflowError) as error:
            path, colon, reason = str(error).partition(": ")
            if not (colon and path.startswith("$")):
                path, reason = "$", str(error)
            raise DecodeError(path, reason) from None

    def _fast(self) -> Callable[[bytes], bytes | None]:
        return self.decode

    def _are_simple(self, _: Sequence[object]) -> bool:
        return True

    def _careful(self) -> Callable[[bytes], bytes | None]:
        return self.decode

    def _selected(self, data: bytes) -> bytes | None:
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


def _json_of(value: object, data: bytes) -> bytes:
    written = functions_of("json").encode(with_string_keys(value))
    if may_have_nan(data) and b"null" in written:
        refuse_unwritable(value)
    return written


def _msgpack_of(value: object) -> bytes:
    try:
        return functions_of("msgpack").encode(value)
    except OverflowError:
        refuse_unpackable(value)
        raise
