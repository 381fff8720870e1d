"""The errors of records and of streams from other processes, as a tree.

```
DecodeError
└── RecordError             a record cannot be read
    ├── TornRecordError     the data ends in the middle of it, as after a crash
    ├── RecordTooLargeError it is larger than the reader allows
    └── InputLimitError     all the data is; reading ends there
RemoteError                 an error that another process raised, of a class that is unknown here
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from miniagents.messages.coding.codec import DecodeError

if TYPE_CHECKING:
    from typing import Self

__all__ = ["InputLimitError", "RecordError", "RecordTooLargeError", "RemoteError", "TornRecordError"]


class RecordError(DecodeError):
    """A record could not be read.

    Args:
        path: Where in the record, as in ``$.items[0].@type``; ``$`` for the record as a whole.
        reason: What is wrong.
        offset: Where the record starts, in bytes from the start of the (uncompressed) data.
        index: How many records are before it, including those that could not be read.
        size: How many bytes are skipped with it.
    """

    def __init__(self, path: str, reason: str, *, offset: int, index: int, size: int) -> None:
        super().__init__(path, reason)
        self.offset: int = offset
        """Where the record starts, in bytes from the start of the (uncompressed) data."""
        self.index: int = index
        """How many records are before it, including those that could not be read."""
        self.size: int = size
        """How many bytes are skipped with it.

        For a record that is too large, they are those that had arrived; for damaged compressed data, compressed bytes.
        """

    def __str__(self) -> str:
        return f"record {self.index} at byte {self.offset}: {super().__str__()}"

    def __reduce__(self) -> Any:  # Any: the base class returns other arguments
        place = {"offset": self.offset, "index": self.index, "size": self.size}
        return _again, (type(self), self.path, self.reason, place)


class TornRecordError(RecordError):
    """The data ends in the middle of a record; all records before it have been read.

    ``os.truncate(path, error.offset)`` removes the torn record from a file that is not compressed.
    """


class RecordTooLargeError(RecordError):
    """A record is larger than `max_bytes`."""


class InputLimitError(RecordError):
    """The data is larger than `max_total`, decompresses to more than `max_ratio` times its size, or is no stream.

    Of the frames of a stream, no more than 1000 may be wrong.

    It is the last error of a reader: nothing is read behind it. `offset` is the end of the records that were read.
    """


def _again(cls: type[RecordError], path: str, reason: str, place: dict[str, int]) -> RecordError:
    return cls(path, reason, offset=place["offset"], index=place["index"], size=place["size"])


class RemoteError(Exception):
    """An error of another process, of a class that is unknown here.

    Args:
        type_name: The name of its class with the module, as in "my_app.errors.QuotaError".
        text: Its `str()` in that process.
    """

    def __init__(self, type_name: str, text: str) -> None:
        super().__init__(type_name, text)
        self.type_name: str = type_name
        """The name of its class with the module, as in "my_app.errors.QuotaError"."""
        self.text: str = text
        """Its `str()` in the other process."""

    def __str__(self) -> str:
        return f"{self.type_name}: {self.text}" if self.text else self.type_name

    def __copy__(self) -> Self:
        return type(self)(self.type_name, self.text)
