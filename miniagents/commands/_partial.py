"""The incomplete output of a conversion, and the note of its progress, with which the conversion can be resumed.

A lock keeps a second conversion away from the output. The system ends the lock with the process, however that ends. The
note has checksums of the converted input and of the written output. So a conversion only continues with the input that
it began with, which may have grown, and with the output that it wrote.
"""

from __future__ import annotations

import os
import stat
import sys
from collections import deque
from contextlib import ExitStack, suppress
from io import FileIO
from itertools import chain
from typing import TYPE_CHECKING, Final
from zlib import crc32

import msgspec

from miniagents._replacing import EXACTLY, Target, create, named_errors, put_in_place, replace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

__all__ = ["Note", "Partial", "Prefix", "skipped"]

_BLOCK: Final = 1 << 20


class Note(msgspec.Struct, frozen=True):
    """The progress of a conversion."""

    process: int
    """The process that wrote the note."""
    task: dict[str, object]
    """The files and options: only a command with the same ones continues."""
    size: int
    """The size of the input file then, in bytes."""
    changed: int
    """When the input file was changed last, in nanoseconds since 1970."""
    offset: int = 0
    """The number of bytes of the uncompressed input that are converted."""
    read: int = 0
    """The number of bytes of the input file that they were read from."""
    checksum: int = 0
    """The CRC-32 of those bytes of the file."""
    index: int = 0
    """The number of records in those bytes."""
    written: int = 0
    """The size of the output then, in bytes."""
    written_checksum: int = 0
    """The CRC-32 of the output then."""
    count: int = 0
    """The number of records in the output then."""
    wrong: int = 0
    """The number of records that could not be read."""


class Partial:
    """The incomplete output beside its place, locked until it is closed.

    Args:
        target: The place of the output.
        resume: Whether to keep what is there.

    Raises:
        OSError: It cannot be opened.
        ValueError: Another process writes it, or something else is in its place.
    """

    def __init__(self, target: Target, *, resume: bool) -> None:
        self._target = target
        self._path = target.path.with_name(f"{target.path.name}.partial")
        self._note = target.path.with_name(f"{target.path.name}.partial.json")
        with named_errors(target.path):
            self._is_new, self.file = self._opened(resume=resume)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def keep(self, note: Note) -> None:
        """Write the note; a crash never leaves half a note.

        Raises:
            OSError: It cannot be written; the note before it is still there.
        """
        # The note need not survive a loss of power: if the output does not, its checksum says so.
        replace(Target(self._note), msgspec.json.encode(note), is_durable=False)

    def resumed(self, task: dict[str, object]) -> Note | None:
        """Return the note of the interrupted conversion, and move to the end of its output; None without a note.

        Raises:
            OSError: A file cannot be read.
            ValueError: The note is of another conversion, or does not fit the output.
        """
        try:
            note = None if self._is_new else msgspec.json.decode(self._note.read_bytes(), type=Note)
        except FileNotFoundError:
            note = None
        except msgspec.MsgspecError as error:
            raise ValueError(f"{self._note} cannot be read, start without --resume: {error}") from None
        if note is None:
            self.file.truncate(0)
            return None
        if note.task != task:
            raise ValueError(f"{self._path} is of another conversion, start without --resume: {note.task}")
        if os.fstat(self.file.fileno()).st_size < note.written:
            raise ValueError(f"{self._path} is shorter than {self._note} says, start without --resume")
        blocks = iter(lambda: self.file.read(_BLOCK), b"")
        if skipped(blocks, note.written, note.written_checksum) is None:
            raise ValueError(f"{self._path} is not as the conversion left it, start without --resume")
        return note

    def cut(self, size: int) -> None:
        """Drop what is behind the first bytes, and continue there.

        Raises:
            OSError: The file cannot be changed.
        """
        self.file.seek(size)
        self.file.truncate()

    def complete(self) -> None:
        """Let the output take its place.

        Raises:
            OSError: It cannot be written, or not take its place.
        """
        with named_errors(self._target.path):
            self._note.unlink(missing_ok=True)  # first, so that a crash never leaves it without its output
            put_in_place(self.file, self._path, self._target)

    def discard(self) -> None:
        """Remove the output and its note."""
        if sys.platform == "win32":
            self.file.close()  # an open file cannot be removed there
        for path in (self._note, self._path):
            with suppress(OSError):
                path.unlink()

    # --- machinery ---

    def _opened(self, *, resume: bool) -> tuple[bool, FileIO]:
        """Return whether the file is new, and the file, locked.

        Another process may do the same at each step. So only a file that is still at the path counts once it is locked,
        and one that another process has created in the meantime is treated as one that was there before.
        """
        while True:
            is_new = False
            try:
                about = self._path.lstat()
                if not stat.S_ISREG(about.st_mode) or about.st_nlink > 1:
                    raise ValueError(f"{self._path} is a link or no file, which no conversion has made: remove it")
                file = FileIO(os.open(self._path, os.O_RDWR | EXACTLY), "r+")
            except FileNotFoundError:
                try:
                    file, is_new = create(self._path, self._target), True
                except FileExistsError:
                    continue
            with ExitStack() as stack:
                stack.callback(file.close)
                self._lock(file)
                if self._is_at_path(file):
                    if is_new or resume:
                        stack.pop_all()
                        return is_new, file
                    if sys.platform == "win32":
                        file.close()
                    self._note.unlink(missing_ok=True)
                    self._path.unlink()  # another user may have created it: a new one belongs to this process

    def _lock(self, file: FileIO) -> None:
        if not _locked(file):
            raise ValueError(f"{self._target.path} is being written by {self._holder()}: wait until it ends")

    def _is_at_path(self, file: FileIO) -> bool:
        try:
            return os.path.samestat(os.fstat(file.fileno()), self._path.lstat())
        except FileNotFoundError:
            return False

    def _holder(self) -> str:
        try:
            return f"process {msgspec.json.decode(self._note.read_bytes(), type=Note).process}"
        except (OSError, msgspec.MsgspecError):
            return "another process"


class Prefix:
    """The checksum of a stream up to a place, of which more is known than is asked for.

    Args:
        offset: The number of bytes that the checksum is of.
        checksum: Their CRC-32. It takes a hundredth of the time of the conversion; a cryptographic hash takes a tenth.
    """

    def __init__(self, offset: int, checksum: int) -> None:
        self._offset = offset
        self._checksum = checksum
        self._blocks: deque[bytes] = deque()
        self._taken = 0  # how many bytes of the first block the checksum has

    def add(self, block: bytes) -> None:
        """Add the next bytes of the stream."""
        self._blocks.append(block)

    def up_to(self, offset: int) -> int:
        """Return the checksum of the bytes before a place, which is not before that of the last call."""
        while self._offset < offset:
            block = self._blocks[0]
            part = memoryview(block)[self._taken : self._taken + offset - self._offset]
            self._checksum = crc32(part, self._checksum)
            self._offset += len(part)
            self._taken += len(part)
            if self._taken == len(block):
                self._blocks.popleft()
                self._taken = 0
        return self._checksum


def skipped(blocks: Iterator[bytes], size: int, checksum: int) -> Iterator[bytes] | None:
    """Return the blocks behind the first bytes; None if those bytes have another checksum, or are fewer."""
    found = 0
    while size:
        block = next(blocks, b"")
        if not block:
            return None
        part = block[:size]
        found = crc32(part, found)
        size -= len(part)
        if len(part) < len(block):
            blocks = chain([block[len(part) :]], blocks)
    return blocks if found == checksum else None


if sys.platform == "win32":
    import msvcrt

    def _locked(file: FileIO) -> bool:
        """Lock a byte far behind the end of the file; return False if another process has done so."""
        file.seek(1 << 40)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            file.seek(0)
        return True

else:
    import fcntl

    def _locked(file: FileIO) -> bool:
        """Lock a file; return False if another process has done so."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # this file system has no locks
            return True
        return True
