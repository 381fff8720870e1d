"""`FollowedSequence`: encodes what comes of a sequence without being one of its readers, and without a task.

It gives the pieces that `encode_stream(…, start=0)` gives, with the same positions. If it is `interleaved`, the pieces
of messages that arrive at the same time come in the order of their arrival.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import msgspec

from miniagents.messages.promised.message_promise import mixed_buffer
from miniagents.messages.promised.tokens import checked_piece, holds_surrogates
from miniagents.messages.values.surrogates import (
    begins_in_half,
    ends_in_half,
    has_surrogates,
    refusal,
    with_joined_halves,
)
from miniagents.promising.core.access import buffer_of, failure_of, value_of, when_woken
from miniagents.promising.core.failure import Failure
from miniagents.wire._frames import info_of
from miniagents.wire._generated import Broken, End, Failed, Sequence, Whole
from miniagents.wire.outgoing import Writer, are_texts, seen
from miniagents.wire.positions import Pieces

if TYPE_CHECKING:
    from collections.abc import Callable

    from miniagents.messages import Message, MessagePromise, MessageSequencePromise, StreamEvent
    from miniagents.messages.coding.codec import Format
    from miniagents.promising.core.pieces import AnyBuffer, PieceBuffer

__all__ = ["FollowedSequence"]

_MOST: Final = 1000
"""How many pieces of a message are encoded at once: the loop gets a turn behind them."""


class FollowedSequence:
    """The frames of a sequence, as far as it has come.

    Args:
        promise: The sequence.
        format: The format of the frames.
        woken: Called when `take` may give something.
        interleaved: Whether messages are not taken one after the other, but as they arrive. Positions have no meaning
            then.

    Attributes:
        ended: Whether the last frame was taken.
    """

    def __init__(
        self,
        promise: MessageSequencePromise[Message],
        format: Format,
        woken: Callable[[], object],
        *,
        interleaved: bool = False,
    ) -> None:
        self._buffer: AnyBuffer = buffer_of(promise)
        self._woken = woken
        self._interleaved = interleaved
        self._writer = Writer(format)
        self._position = 0
        self._number = 0  # of the next message
        self._next = 0  # piece of the sequence
        self._open: list[_FollowedMessage] = []
        self.ended: bool = False
        if not self._buffer.ended:
            self._buffer.follow(self)

    def woken(self) -> None:
        """Tell that something has come; the buffer calls this."""
        self._woken()

    def close(self) -> None:
        """Follow no longer."""
        if not self._buffer.ended:
            self._buffer.unfollow(self)
        for message in self._open:
            message.close()

    def take(self) -> Pieces | None:
        """Return the frames that have come since the last time; None if there are none."""
        frames: list[bytes] = []
        count = 0
        if not self._position:
            frames.append(self._writer.bytes_of(Sequence()))
        pieces = self._buffer.readable()
        while not self.ended:
            if self._open:
                count += sum([message.take(frames) for message in self._open])
                self._open = [message for message in self._open if not message.ended]
                if count > _MOST:
                    self._woken()
                    break
                if self._open and not self._interleaved:
                    break
            if self._next < len(pieces):
                piece = pieces[self._next]
                self._next += 1
                if isinstance(piece, Failure):
                    frames.append(self._writer.bytes_of(Failed(info_of(piece.error, self._writer.encoded))))
                else:
                    frames.append(self._writer.opened(piece, self._number))
                    self._open.append(_FollowedMessage(piece, self._number, self._writer, self._woken))
                    self._number += 1
            elif self._buffer.ended and not self._open:
                frames.append(self._writer.bytes_of(End()))
                self.ended = True
            else:
                break
        # texts are written together: `count` has how many frames are in them beyond the one item of the list
        total = len(frames) + count
        if not total:
            return None
        taken = Pieces(self._position, total, b"".join(frames))
        self._position += total
        return taken


class _FollowedMessage:
    """One message of the sequence."""

    def __init__(
        self, promise: MessagePromise[Message], number: int, writer: Writer, woken: Callable[[], object]
    ) -> None:
        self._promise = promise
        self._number = number
        self._writer = writer
        self._woken = woken
        self._buffer: PieceBuffer[str | StreamEvent] = mixed_buffer(promise)
        self._position = 0
        self._behind: list[Any] = []  # Any: pieces that came before others that were joined
        self.ended = False
        if not self._buffer.ended:
            self._buffer.follow(self)

    def woken(self) -> None:
        self._woken()

    def close(self) -> None:
        if not self._buffer.ended:  # an ended buffer has let go of its followers
            self._buffer.unfollow(self)

    def take(self, frames: list[bytes]) -> int:
        """Add the frames that have come; return how many more they are than items."""
        buffer, more = self._buffer, 0
        pieces: list[Any] = buffer.readable()  # Any: a streamer's pieces are checked below
        new = [*self._behind, *islice(pieces, self._position, self._position + _MOST)]
        self._position = min(len(pieces), self._position + _MOST)
        self._behind = []
        has_all = buffer.ended and self._position == len(pieces)
        if holds_surrogates(new):
            new, self._behind = _joined(new, buffer, self._promise.name, has_all=has_all)
        data = self._writer.texts(new, self._number) if len(new) > 1 and are_texts(new) else b""
        if data:
            frames.append(data)
            more = len(new) - 1
        else:
            frames += map(self._frame, new)
        if self._position < len(pieces):
            self._woken()
        elif buffer.ended:
            self._end(frames)
        return more

    def _frame(self, given: Any) -> bytes:  # Any: a piece of a streamer, which is checked here
        piece = checked_piece(given, self._promise.name, self._buffer)
        if isinstance(piece, Failure):
            if piece is not given:  # the failure is made here, for nobody else
                seen(piece)
            return self._writer.bytes_of(Failed(info_of(piece.error, self._writer.encoded), self._number))
        return self._writer.piece(piece, self._number)

    def _end(self, frames: list[bytes]) -> None:
        promise = self._promise
        if not promise.done():  # the work that makes the message of the tokens is still to be done
            when_woken(promise, self._woken)
            return
        failure = failure_of(promise)
        end: Whole | Broken
        if failure is None:
            try:
                end = Whole(msgspec.Raw(self._writer.encoded(value_of(promise))), self._number)
            except (TypeError, ValueError) as error:
                end = Broken(self._number, info_of(error, self._writer.encoded))
        else:
            first = self._buffer.failure
            is_first = first is not None and first.error is failure.error
            end = Broken(self._number, None if is_first else info_of(failure.error, self._writer.encoded))
        frames.append(self._writer.bytes_of(end))
        self.ended = True


def _joined(
    pieces: list[Any],  # Any: as `checked_piece` takes them
    buffer: PieceBuffer[str | StreamEvent],
    name: str,
    *,
    has_all: bool,
) -> tuple[list[Any], list[Any]]:  # Any: as above
    """Join the halves of surrogate pairs as `MixedOutcomes` does; return what is whole, and what must wait."""
    whole: list[Any] = []  # Any: as above
    while pieces:
        text = pieces[0]
        if not isinstance(text, str) or not has_surrogates(text):
            whole.append(pieces.pop(0))
            continue
        behind: list[Any] = []  # Any: as above
        taken = 1
        while ends_in_half(text):
            if taken == len(pieces):
                if not has_all:
                    return whole, pieces
                break
            piece = pieces[taken]
            taken += 1
            if not isinstance(piece, str):
                behind.append(piece)
                if isinstance(piece, Failure):
                    break
            elif begins_in_half(piece):
                text += piece
            elif piece:
                behind.append(piece)
                break
        pieces = behind + pieces[taken:]
        text = with_joined_halves(text)
        reason = refusal(text)
        if reason is None:
            whole.append(text)
        else:
            whole.append(buffer.failure_of(ValueError(f"{name}: a token: {reason}")))
            seen(whole[-1])
    return whole, []
