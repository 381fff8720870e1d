"""The errors of cassettes; each names the file, the record where there is one, and what to do.

CassetteError
├── CassetteMissingError    there is no such file (also a FileNotFoundError)
├── CassetteFormatError     it is the file of another program, or of a newer version of this library
├── CassetteDamagedError    a record, or a message in it, cannot be read
└── UnrecordedCallError     a call was made that is not on the cassette (also a LookupError)
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = [
    "CassetteDamagedError",
    "CassetteDifference",
    "CassetteError",
    "CassetteFormatError",
    "CassetteMissingError",
    "UnrecordedCallError",
]


class CassetteError(Exception):
    """Something is wrong with a cassette.

    Attributes:
        path: The file.
        reason: What is wrong, and what to do.
        record: The number of the record in the file, from 0, which is the head; None if it is about none.
    """

    def __init__(self, path: str, reason: str, record: int | None = None) -> None:
        super().__init__(path, reason, record)
        self.path: str = path
        self.reason: str = reason
        self.record: int | None = record

    def __str__(self) -> str:
        place = "" if self.record is None else f", record {self.record}"
        return f"{self.path}{place}: {self.reason}"


class CassetteMissingError(CassetteError, FileNotFoundError):
    """There is no such file, and nothing may be recorded."""


class CassetteFormatError(CassetteError):
    """It is the file of another program, or of a newer version of this library."""


class CassetteDamagedError(CassetteError):
    """A record of the file cannot be read, or a message in it with the classes of this program."""


class CassetteDifference(NamedTuple):
    """Where two calls first differ.

    Attributes:
        path: The place, as in ``$.messages[0].text``.
        recorded: The part of the recorded call, as text.
        now: The part of the call that was made, as text.
    """

    path: str
    recorded: str
    now: str


class UnrecordedCallError(CassetteError, LookupError):
    """A call was made that is not on the cassette, or more often than it was recorded.

    Attributes:
        call: The call that was made.
        nearest: The recorded call that is most like it; None if there is none of the same kind. `record` is its number.
        difference: Where both first differ; None if they are equal, and the recorded one was replayed already.
    """

    def __init__(
        self,
        path: str,
        reason: str,
        record: int | None = None,
        call: str = "",
        nearest: str | None = None,
        difference: CassetteDifference | None = None,
    ) -> None:
        super().__init__(path, reason, record)
        self.args: tuple[object, ...] = (path, reason, record, call, nearest, difference)
        self.call: str = call
        self.nearest: str | None = nearest
        self.difference: CassetteDifference | None = difference

    def __str__(self) -> str:
        lines = [f"{self.path}: {self.reason}", f"  now:      {self.call}"]
        if self.nearest is not None:
            lines.append(f"  nearest:  {self.nearest} (record {self.record})")
        if self.difference is not None:
            path, recorded, now = self.difference
            lines += ["  first difference:", f"    {path}", f"    recorded {recorded}", f"    now      {now}"]
        lines.append('To record all calls again: cassette(..., mode="record"), or delete the file')
        return "\n".join(lines)
