"""What an engine does for a store: plain rows in and out. `EngineStore` makes a store of it."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from miniagents.ext.store._bodies import MessageRow
    from miniagents.ext.store.protocols import RunInfo, StreamInfo
    from miniagents.wire import Pieces

__all__ = [
    "PAGE",
    "CallRow",
    "Engine",
    "Page",
    "digest_of_call",
    "digest_of_pieces",
    "is_gone",
    "is_read",
    "named",
    "place_of_processes",
    "streams_of",
]


PAGE: Final = 500
"""How many rows an engine gives at once; if it gives fewer, there are no more."""


class Page(NamedTuple):
    """A part of a stream."""

    info: StreamInfo | None
    """What is known of the stream; None if there is none."""
    pieces: Sequence[tuple[Pieces, int]]
    """The pieces with their checksums."""


class CallRow(NamedTuple):
    """A call as it is kept."""

    run: str
    number: int
    outcome: str | None
    digest: int
    record: bytes
    messages: bytes | None
    replies: bytes
    stream: str | None


def digest_of_pieces(first: int, data: bytes) -> int:
    """Return the checksum of pieces at a position."""
    return crc32(data, first & 0xFFFF_FFFF)


def digest_of_call(record: bytes, messages: bytes | None, replies: bytes) -> int:
    """Return the checksum of a call."""
    return crc32(replies, crc32(messages or b"", crc32(record)))


def streams_of(run: str) -> tuple[str, str]:
    """Return the names between which the streams of a run are."""
    return f"{run}/", f"{run}0"  # "0" comes behind "/"


def named(stream: str) -> tuple[str, str]:
    """Return the name of a stream, and the name before which those are that are meant too; "" if it is meant alone."""
    return stream, f"{stream[:-1]}0" if stream.endswith("/") else ""


def is_read(run: str, read: Collection[str]) -> bool:
    """Return whether a stream of a run is among those that are read."""
    return any(stream.startswith(f"{run}/") for stream in read)


def place_of_processes() -> str:
    """Return what tells apart the places in which one process number is another process."""
    try:
        space = Path("/proc/self/ns/pid").readlink()
    except OSError:  # not on Linux
        space = Path()
    return f"{platform.node()} {space}"


def is_gone(process: int) -> bool:
    """Return whether a process of this place has ended for sure."""
    if os.name != "posix":
        return False  # `os.kill` would end it there
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


class Engine(Protocol):
    """Keeps rows. What writes returns when it is committed."""

    @property
    def shown(self) -> str:
        """The name of the store for errors: a path, or an address without a password."""
        ...

    def check_open(self) -> None:
        """Raise a `StoreClosedError` if the store was closed."""
        ...

    async def claim(self, stream: str) -> int:
        """See `StreamLog.claim`."""
        ...

    async def append(self, stream: str, pieces: Pieces) -> None:
        """See `StreamLog.append`."""
        ...

    async def end(self, stream: str) -> None:
        """See `StreamLog.end`."""
        ...

    async def page(self, stream: str, start: int, *, follow: bool, wait: bool) -> Page:
        """Return some pieces from a position on.

        Args:
            stream: The name of the stream.
            start: The position.
            follow: Whether to wait for a piece, the end or the death of the writer.
            wait: Whether to wait for the stream itself.
        """
        ...

    async def streams(self, prefix: str, after: str) -> Sequence[StreamInfo]:
        """Return some streams whose names begin with a prefix and come after a name; none if there are none."""
        ...

    async def put(self, rows: Sequence[MessageRow], pinned: Sequence[bytes]) -> None:
        """Keep rows of messages that are not there, and note which were put by hand."""
        ...

    async def rows(self, keys: Collection[bytes]) -> dict[bytes, MessageRow]:
        """Return the rows of those keys that are there."""
        ...

    async def keys_between(self, low: bytes, high: bytes) -> Sequence[bytes]:
        """Return the first two keys of messages between two keys, both included."""
        ...

    async def record(
        self,
        run: str,
        rows: Sequence[MessageRow],
        calls: Sequence[CallRow],
    ) -> bool:
        """Keep messages and calls of a run, which this begins; return whether it did, because there was no such run."""
        ...

    async def end_run(self, run: str) -> None:
        """Note that a run has ended, and let go of its streams that have not."""
        ...

    async def runs(self, before: tuple[float, str] | None) -> Sequence[RunInfo]:
        """Return some runs, the latest first, that were begun before another one."""
        ...

    async def calls(self, run: str, after: int) -> Sequence[CallRow] | None:
        """Return some calls of a run behind a number; None if there is no such run."""
        ...

    async def prune(self, keep: Collection[str] | int, older_than: float, read: Collection[str]) -> int:
        """See `Store.prune`; runs with streams among those that are read are kept."""
        ...

    async def forget(self, stream: str) -> int:
        """See `StreamLog.forget`."""
        ...

    async def flush(self) -> None:
        """Wait until everything that was handed over is committed."""
        ...

    async def close(self) -> None:
        """Let go of the streams and runs that have not ended, and close."""
        ...
