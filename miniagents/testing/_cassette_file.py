"""The file of a cassette: a head, and a record for each call, as lines of JSON."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from miniagents import _replacing
from miniagents.messages import DecodeError
from miniagents.testing._cassette_errors import (
    CassetteDamagedError,
    CassetteError,
    CassetteFormatError,
    CassetteMissingError,
)
from miniagents.wire.replaying import check_frame

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["RecordedCall", "read_cassette", "write_cassette"]

_VERSION: Final = 1
"""The version of the records below."""
_HEAD: Final = "Cassette"


class _Head(msgspec.Struct, frozen=True):
    """The first record; what else newer versions write in it is ignored."""

    tag: str = msgspec.field(name="@type")
    version: int


class RecordedCall(msgspec.Struct, tag="RecordedCall", tag_field="@type", omit_defaults=True, kw_only=True):
    """A call with its replies.

    Attributes:
        key: The key of what the call was given; equal calls have equal keys.
        within: The key of the calls around it; empty if it is not known.
        place: `Call.place`.
        called: The identity of what is called.
        arguments: The arguments by their names.
        opaque: The classes of arguments that have no JSON.
        messages: The messages, as JSON; errors among them as text.
        outcome: `Call.outcome`.
        times: When each frame came, in seconds from the begin.
        frames: The replies, as `encode_stream` writes them. The last frame of a message, or of the sequence, is missing
            if that was cancelled.
    """

    key: str
    within: str = ""
    place: tuple[int, ...]
    called: msgspec.Raw
    arguments: msgspec.Raw = msgspec.Raw(b"{}")
    opaque: dict[str, str] = {}  # msgspec copies the default for each object
    messages: tuple[msgspec.Raw, ...] = ()
    outcome: Literal["done", "failed", "cancelled"] | None = None
    times: tuple[float, ...] = ()
    frames: tuple[msgspec.Raw, ...] = ()


_read_head: Final = msgspec.json.Decoder(_Head).decode
_read_call: Final = msgspec.json.Decoder(RecordedCall).decode
_NEWER: Final = "it was written by a newer version of miniagents: install that version, or record the calls again"
_OTHER: Final = "it is no cassette of miniagents: give the cassette another path"
_DAMAGED: Final = 'restore the file, or record the calls again with mode="record"'


def read_cassette(path: Path) -> list[RecordedCall]:
    """Return the recorded calls of a file.

    Raises:
        CassetteMissingError: There is no such file.
        CassetteFormatError: It is no cassette, or one of a newer version.
        CassetteDamagedError: A record cannot be read.
        CassetteError: The file cannot be read.
    """
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        reason = 'there is no such cassette: record it with mode="once" or mode="record"'
        raise CassetteMissingError(str(path), reason) from None
    except OSError as error:
        raise _refused(path, "read", error) from error
    first, _, rest = data.partition(b"\n")
    try:
        head = _read_head(first)
    except msgspec.DecodeError as error:
        raise CassetteFormatError(str(path), _OTHER) from error
    if head.tag != _HEAD:
        raise CassetteFormatError(str(path), _OTHER)
    if head.version > _VERSION:
        raise CassetteFormatError(str(path), _NEWER)
    last = data[data.rfind(b"\n") + 1 :]
    try:
        msgspec.json.decode(last or b"0")  # editors leave out the last line break
    except msgspec.DecodeError as error:
        reason = f"the file ends in the middle of a record; {_DAMAGED}"
        raise CassetteDamagedError(str(path), reason, data.count(b"\n")) from error
    return [_call(path, number, line) for number, line in enumerate(rest.split(b"\n"), 1) if line.strip()]


def _call(path: Path, number: int, line: bytes) -> RecordedCall:
    try:
        call = _read_call(line)
        for place, frame in enumerate(call.frames):
            try:
                check_frame(bytes(frame))
            except DecodeError as error:
                reason = f"frame {place} of the replies cannot be read: {error}; {_DAMAGED}"
                raise CassetteDamagedError(str(path), reason, number) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CassetteDamagedError(str(path), f"{error}; {_DAMAGED}", number) from error
    if len(call.times) != len(call.frames):
        reason = f"there are {len(call.frames)} frames and {len(call.times)} times; {_DAMAGED}"
        raise CassetteDamagedError(str(path), reason, number)
    return call


def check_place(path: Path) -> None:
    """Refuse a path at which no file can be written; folders that are missing are made later.

    Raises:
        CassetteError: It is a folder, or protected, or its folder is no folder or is protected.
    """
    try:
        target = _replacing.target_of(path)
    except NotADirectoryError:
        target = _replacing.Target(path)
    except OSError as error:
        raise _refused(path, "written", error) from error
    folder = next(each for each in target.path.absolute().parents if each.exists())
    if not target.is_direct and not folder.is_dir():
        raise CassetteError(str(path), f"it cannot be written: {folder} is no folder; give another path")
    if not target.is_direct and not os.access(folder, os.W_OK | os.X_OK):
        raise CassetteError(str(path), f"it cannot be written: the folder {folder} is protected; give another path")


def _refused(path: Path, done: str, error: OSError) -> CassetteError:
    if isinstance(error, IsADirectoryError):
        return CassetteError(str(path), "it is a folder; give the path of a file")
    return CassetteError(str(path), f"it cannot be {done}: {error.strerror or error}")


def write_cassette(path: Path, calls: Iterable[RecordedCall]) -> None:
    """Replace a file as a whole.

    Raises:
        OSError: It cannot be written; the old file is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [msgspec.json.encode({"@type": _HEAD, "version": _VERSION}), *map(msgspec.json.encode, calls), b""]
    _replacing.replace(_replacing.target_of(path), b"\n".join(lines))
