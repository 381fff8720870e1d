"""Conversations in files: one message on each line, as JSON."""

from __future__ import annotations

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from miniagents._replacing import replace, target_of
from miniagents.chat.chat_errors import ChatError
from miniagents.messages import DecodeError, Message, decode, encode
from miniagents.wire import InputLimitError, RecordError, read_records

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "MAX_CONVERSATION_BYTES",
    "SUFFIX",
    "History",
    "append_private",
    "conversations_folder",
    "last_conversation",
    "listed",
    "new_conversation",
    "numbered",
    "read_conversation",
    "write_conversation",
]

_BLOCK: Final = 1 << 18
_BEGINNING: Final = 50
MOST_LISTED: Final = 20
"""The number of conversations that are listed."""
SUFFIX: Final = ".ndjson"
"""The suffix of files with conversations."""
MAX_CONVERSATION_BYTES: Final = 1 << 30
"""The default limit for the size of a conversation, which is kept in memory: 1 GiB."""


class History:
    """A file that a conversation is saved in, from its first message on.

    Only its owner may read the file.

    Args:
        path: The file; None saves nothing.
        kept: How many messages the file has already.
    """

    def __init__(self, path: Path | None, *, kept: int = 0) -> None:
        self.path = path
        self._kept = kept

    def keep(self, messages: Sequence[Message]) -> None:
        """Append the new messages to the file, or write it again if the conversation has become shorter.

        Raises:
            ChatError: The file cannot be written; its old content is still there.
        """
        if self.path is None or len(messages) == self._kept:
            return
        if len(messages) > self._kept:
            append_private(self.path, _lines(messages[self._kept :]))
        else:
            write_conversation(self.path, messages)
        self._kept = len(messages)


def read_conversation(path: Path, *, max_total: int | None = MAX_CONVERSATION_BYTES) -> tuple[Message, ...]:
    """Return the messages in a file; those of unknown classes as `UnknownMessage`.

    Args:
        path: The file.
        max_total: How many bytes of it are read; None for no limit.

    Raises:
        ChatError: The file cannot be read, is larger than `max_total`, or a line of it is no message.
    """
    most = sys.maxsize if max_total is None else max_total  # a message with pictures may be most of the file
    try:
        with read_records(
            path, Message, unknown="keep", compression=None, max_bytes=most, max_total=max_total
        ) as records:
            return tuple(records)
    except InputLimitError as error:
        raise ChatError(f"{path}: {error.reason}") from None
    except RecordError as error:
        number = _line_at(path, error.offset)
        raise ChatError(f"{path}:{number}: this is no message: {DecodeError.__str__(error)}") from None
    except OSError as error:
        raise ChatError(f"{path}: {error.strerror}") from None


def write_conversation(path: Path, messages: Iterable[Message]) -> None:
    """Write messages to a file; the old content stays until the new one is complete.

    Raises:
        ChatError: The file cannot be written.
    """
    lines = _lines(messages)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace(target_of(path), lines, mode=0o600)
    except OSError as error:
        raise ChatError(f"the conversation cannot be saved: {path}: {error.strerror}") from None


def append_private(path: Path, lines: bytes) -> None:
    """Append complete lines to a file, which is made if it is not there; only its owner may read it.

    Raises:
        ChatError: The file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with open(path, "a+b", opener=_private) as file:
            if file.tell() > 0:  # the user may have edited the file and left its last line without an end
                file.seek(-1, os.SEEK_END)
                if file.read() != b"\n":
                    file.write(b"\n")
            file.write(lines)
    except OSError as error:
        raise ChatError(f"the conversation cannot be saved: {path}: {error.strerror}") from None


def conversations_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of the conversations for which the user named no file."""
    state = environment.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(state) / "miniagents" / "conversations"


def new_conversation(folder: Path, now: datetime | None = None) -> Path:
    """Return the path of a new file, whose name says when the conversation began."""
    name = (now or datetime.now().astimezone()).strftime("%Y-%m-%d_%H-%M-%S")
    path, number = folder / f"{name}{SUFFIX}", 1
    while path.exists():
        number += 1
        path = folder / f"{name}_{number}{SUFFIX}"
    return path


def last_conversation(folder: Path) -> Path:
    """Return the conversation of a folder that was written last.

    Raises:
        ChatError: The folder has no conversation.
    """
    files = _latest_first(folder)
    if not files:
        raise ChatError(f"there is no conversation to resume in {folder}")
    return files[0]


def listed(folder: Path) -> str:
    """Return a list of the last conversations of a folder, numbered, each with its time and how it begins."""
    lines: list[str] = []
    for number, path in enumerate(_latest_first(folder)[:MOST_LISTED], 1):
        when = datetime.fromtimestamp(path.stat().st_mtime).astimezone()
        lines.append(f"{number:>2}  {when:%Y-%m-%d %H:%M}  {_beginning(path)}")
    return "\n".join(lines) if lines else f"there is no conversation in {folder}"


def numbered(folder: Path, number: int) -> Path:
    """Return the conversation that `listed` gives a number.

    Raises:
        ChatError: There is none.
    """
    files = _latest_first(folder)[:MOST_LISTED]
    if not 1 <= number <= len(files):
        raise ChatError(f"there is no conversation {number}; /list lists them")
    return files[number - 1]


# --- machinery ---


def _latest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{SUFFIX}"), key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)


def _beginning(path: Path) -> str:
    """Return the beginning of the first message."""
    try:
        with path.open("rb") as file:
            line = file.readline(_BLOCK)
        text = " ".join(str(decode(line, Message, unknown="keep")).split())
    except (OSError, DecodeError):
        return "(it cannot be read)"
    return f"{text[:_BEGINNING]}…" if len(text) > _BEGINNING else text


def _line_at(path: Path, offset: int) -> int:
    """Return the number of the line that starts at an offset."""
    with path.open("rb") as file:
        return 1 + sum(file.read(min(_BLOCK, offset - done)).count(b"\n") for done in range(0, offset, _BLOCK))


def _lines(messages: Iterable[Message]) -> bytes:
    try:
        return b"".join(encode(message) + b"\n" for message in messages)
    except (TypeError, ValueError) as error:
        raise ChatError(f"the conversation cannot be saved: {error}") from None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
