"""Files that are replaced as a whole: whoever reads one sees all of the old content, or all of the new.

New content is written to another file in the same folder, which then takes the place of the old one. So the folder must
be writable, and an error, a full disk included, leaves the old file as it was. The new file has the permissions of the
old one, and its owner where the system allows that. Other hard links to the old file keep the old content.

A symbolic link stays a link: the file that it leads to is replaced. A device, a pipe or an open descriptor, such as
`/dev/stdout`, cannot be replaced: it is written directly.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = [
    "EXACTLY",
    "Target",
    "create",
    "named_errors",
    "open_directly",
    "put_in_place",
    "replace",
    "target_of",
    "write_all",
]

_MOST_LINKS: Final = 40
"""How many links in a row are followed, as on Linux."""
EXACTLY: Final[int] = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)  # both are missing on some systems
"""Flags of `os.open`: follow no link, change no byte."""


class Target(NamedTuple):
    """A place for output; `target_of` finds it."""

    path: Path
    """The path of the file itself: it is no link."""
    is_direct: bool = False
    """Whether the place cannot be replaced and is written directly."""


def target_of(path: str | os.PathLike[str]) -> Target:
    """Return the place that a path leads to; links are followed.

    Raises:
        IsADirectoryError: It is a folder.
        PermissionError: It is a file that is protected against writing.
        OSError: The path cannot be followed.
    """
    place = Path(path)
    for _ in range(_MOST_LINKS):
        if _is_open(place):
            return Target(place, is_direct=True)
        try:
            place = place.parent / place.readlink()
        except OSError:  # it is no link, or does not exist
            break
    try:
        mode = place.stat().st_mode
    except FileNotFoundError:
        return Target(place)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
    if not os.access(place, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))
    return Target(place, is_direct=not stat.S_ISREG(mode))


def replace(target: Target, data: bytes, *, mode: int = 0o666, is_durable: bool = True) -> None:
    """Write the whole content of a file.

    Args:
        target: The place of the file.
        data: The new content.
        mode: The permissions of a file that is new; the umask is applied.
        is_durable: Whether the new content must survive a loss of power. If not, the file may be empty after one.

    Raises:
        OSError: The file cannot be written. It is unchanged, unless it is written directly.
    """
    with named_errors(target.path):
        if target.is_direct:
            with open_directly(target) as file:
                write_all(file, data)
            return
        beside = target.path.with_name(f".miniagents-{os.urandom(8).hex()}.tmp")
        try:
            with create(beside, target, mode) as file:
                write_all(file, data)
                put_in_place(file, beside, target, is_durable=is_durable)
        except BaseException:
            with suppress(OSError):
                beside.unlink()
            raise


def create(beside: Path, target: Target, mode: int = 0o666) -> FileIO:
    """Create the file that will take the place of another; it did not exist, not even as a link.

    Args:
        beside: Its path, in the folder of the target.
        target: The place that it is for.
        mode: Its permissions if nothing is there yet. If something is, only its owner may read it for now.

    Raises:
        FileExistsError: Something is at the path.
        OSError: It cannot be created.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | EXACTLY
    return FileIO(os.open(beside, flags, 0o600 if os.path.lexists(target.path) else mode), "r+")


def put_in_place(file: FileIO, beside: Path, target: Target, *, is_durable: bool = True) -> None:
    """Let a file that is complete take the place of another. On Windows it is closed.

    Raises:
        OSError: It cannot be written, or not take the place; the old file is unchanged.
    """
    with suppress(FileNotFoundError):
        _keep_owner(file, target.path.lstat())
    if is_durable:
        os.fsync(file.fileno())
    if sys.platform == "win32":
        file.close()  # an open file cannot be renamed there
    beside.replace(target.path)
    if is_durable and sys.platform != "win32":
        with suppress(OSError):  # some file systems cannot do it; the content is complete in any case
            folder = os.open(target.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def open_directly(target: Target) -> FileIO:
    """Open a place that cannot be replaced.

    Raises:
        OSError: It cannot be opened.
    """
    if _is_open(target.path) and target.path.absolute().parts[-3] in ("dev", "self", str(os.getpid())):
        # a second opening would begin at the start of a file that the output is redirected to
        return FileIO(os.dup(int(target.path.name)), "w")
    return FileIO(os.open(target.path, os.O_WRONLY | getattr(os, "O_BINARY", 0)), "w")


def write_all(file: FileIO, data: bytes) -> None:
    """Write all bytes; a system may take fewer of them at once.

    Raises:
        OSError: They cannot be written.
    """
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


@contextmanager
def named_errors(path: Path) -> Generator[None, None, None]:
    """Make errors of the system name this path, not one that the user does not know, or none."""
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        reason = error.strerror or os.strerror(error.errno)
        if error.filename not in (None, str(path)) and isinstance(error, PermissionError):
            reason += " in its folder, where the new content is written first"
        raise OSError(error.errno, reason, str(path)) from error


def _keep_owner(file: FileIO, old: os.stat_result) -> None:
    """Give a file the permissions and the owner of another one."""
    if sys.platform == "win32":
        return
    mode = stat.S_IMODE(old.st_mode) & 0o777
    now = os.fstat(file.fileno())
    if (now.st_uid, now.st_gid) != (old.st_uid, old.st_gid):
        try:
            os.fchown(file.fileno(), old.st_uid, old.st_gid)
        except OSError:
            try:
                os.fchown(file.fileno(), -1, old.st_gid)
            except OSError:
                mode &= ~0o070  # they were for another group
    os.fchmod(file.fileno(), mode)


def _is_open(path: Path) -> bool:
    """Tell whether a path is that of an open descriptor: `/dev/fd/1`, `/proc/self/fd/1`."""
    parts = path.absolute().parts
    return parts[-1].isdecimal() and len(parts) > 3 and parts[-2] == "fd" and parts[1] in ("dev", "proc")
