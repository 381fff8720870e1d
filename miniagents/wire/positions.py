"""`Pieces`: frames of a stream with their positions, as logs keep them and readers ask for them."""

from __future__ import annotations

from typing import Final

import msgspec

from miniagents.wire.splitting import MARKER

__all__ = ["Pieces"]

_MARKER: Final = MARKER[0]
_HEADER: Final = 9
"""The bytes before the record in a frame: the marker, the length and the checksum."""


class Pieces(msgspec.Struct, frozen=True, gc=False):
    r"""Frames of one stream that follow each other, with the position of the first one.

    `encode_stream(…, start=0)` yields them, and `ext.store` keeps them. The data of all pieces of a stream, one after
    the other, is what `decode_stream` reads.

    Attributes:
        first: The position of the first frame in the stream, from 0.
        count: How many frames there are.
        data: Their bytes, as lines of JSON or frames of MessagePack.
        at: When they were kept, in seconds since 1970; None if they were not.

    >>> pieces = Pieces(7, 2, b'{"frame":"text","text":"Hel"}\n{"frame":"text","text":"lo"}\n')
    >>> print(pieces.end, pieces.since(8))
    9 Pieces(first=8, count=1, data=b'{"frame":"text","text":"lo"}\n', at=None)
    """

    first: int
    count: int
    data: bytes
    at: float | None = None

    @property
    def end(self) -> int:
        """The position behind the last frame."""
        return self.first + self.count

    def since(self, position: int) -> Pieces:
        """Return the frames from a position on: these if none of them is before it, and none behind the last one."""
        skipped = position - self.first
        if skipped <= 0:
            return self
        if skipped >= self.count:
            return Pieces(position, 0, b"", self.at)
        data = self.data
        if data[0] == _MARKER:
            begin = 0
            for _ in range(skipped):
                begin += _HEADER + int.from_bytes(data[begin + 1 : begin + 5], "big")
            return Pieces(position, self.count - skipped, data[begin:], self.at)
        return Pieces(position, self.count - skipped, data.split(b"\n", skipped)[skipped], self.at)
