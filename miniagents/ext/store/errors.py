"""The errors of stores; each names the store, and the stream with the position or the key where there is one.

StoreError
├── StoreLockedError        another process holds the file longer than the store waits
├── StoreFullError          there is no room left
├── StoreDamagedError       what was read is not what was written
├── StoreVersionError       a newer version of this library has written it, or another program
├── StoreUnavailableError   the file cannot be opened, or the server cannot be reached
├── StoreClosedError        the store was closed
├── NotStoredError          there is no such message, stream or run (also a LookupError)
└── StreamError
    ├── StreamTakenError     another process that is alive writes the stream
    ├── StreamGapError       pieces are missing between those that are there and the new ones
    ├── StreamEndedError     there are pieces behind the end
    └── StreamAbandonedError the process that wrote the stream is gone, and has not ended it
"""

from __future__ import annotations

__all__ = [
    "NotStoredError",
    "StoreClosedError",
    "StoreDamagedError",
    "StoreError",
    "StoreFullError",
    "StoreLockedError",
    "StoreUnavailableError",
    "StoreVersionError",
    "StreamAbandonedError",
    "StreamEndedError",
    "StreamError",
    "StreamGapError",
    "StreamTakenError",
]


class StoreError(Exception):
    """Something is wrong with a store. What the store acknowledged before is kept.

    Attributes:
        store: The file of the store, or the address of its server.
        reason: What is wrong, and what to do.
        stream: The name of the stream that the error is about; None if it is about none.
        index: The position of the piece in the stream.
        key: The key of the message that the error is about; None if it is about none.
    """

    def __init__(
        self, store: str, reason: str, *, stream: str | None = None, index: int | None = None, key: str | None = None
    ) -> None:
        super().__init__(store, reason, stream, index, key)
        self.store = store
        self.reason = reason
        self.stream = stream
        self.index = index
        self.key = key

    def __str__(self) -> str:
        place = "" if self.stream is None else f"stream {self.stream!r}"
        place += "" if self.index is None else f" at piece {self.index}"
        place = place if self.key is None else f"message {self.key}"
        return ": ".join(part for part in (self.store, place, self.reason) if part)

    def __reduce__(self) -> tuple[object, ...]:
        return _again, (type(self), *self.args)


def _again(cls: type[StoreError], store: str, reason: str, stream: str, index: int, key: str) -> StoreError:
    return cls(store, reason, stream=stream, index=index, key=key)


class StoreLockedError(StoreError):
    """Another process has locked the store for longer than this one waits."""


class StoreFullError(StoreError):
    """The store has no room left."""


class StoreDamagedError(StoreError):
    """What was read from the store is not what was written."""


class StoreVersionError(StoreError):
    """A newer version of this library has written the store, or another program, or another version of this one."""


class StoreUnavailableError(StoreError):
    """The store cannot be opened or reached, or cannot be written."""


class StoreClosedError(StoreError):
    """The store was closed."""


class NotStoredError(StoreError, LookupError):
    """The store has no such message, stream or run."""


class StreamError(StoreError):
    """Something is wrong with one stream of a store."""


class StreamTakenError(StreamError):
    """Another process that is alive writes the stream."""


class StreamGapError(StreamError):
    """Pieces are missing between those that are there and the new ones."""


class StreamEndedError(StreamError):
    """There are new pieces, or a wish to write some, behind the end of a stream."""


class StreamAbandonedError(StreamError):
    """The process that wrote the stream is gone and has not ended it; all that it had committed was read."""
