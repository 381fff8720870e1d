"""The replies of a recorded call, given again.

Each message is a stream of its own, so that it can come, and be cancelled, while the others do. A message that was
cancelled has no end, and neither has a sequence that was.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from miniagents.messages import Message, StreamEvent, decode
from miniagents.messages.values.frozen import classes_of_tag
from miniagents.wire import decode_stream
from miniagents.wire.replaying import error_in, errors_in

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Sequence

    from miniagents.messages import MessageType
    from miniagents.testing._cassette_file import RecordedCall

__all__ = ["FrameHead", "head_of", "replies_of"]

_MOST: Final = 1 << 30
"""Bytes of a frame: messages of any size may be on a cassette."""


_NOTHING: Final = msgspec.Raw()


class _FrameError(msgspec.Struct):
    """As much of an error as is looked at here."""

    type: str


class FrameHead(msgspec.Struct):
    """As much of a frame as is looked at here."""

    frame: str
    number: int | None = None
    tag: str | None = None
    error: _FrameError | None = None
    whole: msgspec.Raw = msgspec.field(name="message", default=_NOTHING)
    event: msgspec.Raw = _NOTHING

    @property
    def message(self) -> int | None:
        """The number of the message that the frame is a part of; None for one of the sequence."""
        if self.frame == "failed":
            return self.number
        return None if self.frame in ("sequence", "end") else self.number or 0


head_of: Final = msgspec.json.Decoder(FrameHead).decode
"""Reads the head of a frame."""


class _Frame(NamedTuple):
    time: float
    data: bytes


class _Item(NamedTuple):
    """A message of the sequence, by its number, or an error."""

    time: float
    thing: int | BaseException


def replies_of(call: RecordedCall, *, pauses: bool) -> MessageType[Message]:
    """Return the replies of a recorded call.

    Args:
        call: The call.
        pauses: Whether each piece comes as late as it did.

    Raises:
        DecodeError: This program has no class for a message or event, or another one.
    """
    frames = [bytes(frame) for frame in call.frames]
    errors = errors_in(frames)
    items: list[_Item] = []
    messages: dict[int, list[_Frame]] = {}
    tags: dict[int, str | None] = {}
    end: float | None = None
    for time, data in zip(call.times, frames, strict=True):
        head = head_of(data)
        number = head.message
        if number is not None:
            if head.frame == "opened":
                items.append(_Item(time, number))
                tags[number] = head.tag
            messages.setdefault(number, []).append(_Frame(time, data))
            if head.frame == "whole":
                decode(bytes(head.whole), Message)
            elif head.frame == "event":
                decode(bytes(head.event), StreamEvent)
        elif head.frame == "failed":
            items.append(_Item(time, error_in(data, errors)))
        elif head.frame == "end":
            end = time

    def given(thing: int | BaseException, began: float) -> MessageType[Message]:
        if isinstance(thing, BaseException):
            return thing
        source = _pieces(messages[thing], began, pauses=pauses)
        form = _class_of(tags[thing])
        return decode_stream(source, form, errors=errors, max_bytes=_MOST)

    began = asyncio.get_running_loop().time()
    if end is not None and not pauses:
        return [given(item.thing, began) for item in items]

    async def sequence() -> AsyncGenerator[MessageType[Message]]:
        for item in items:
            await _until(began + item.time if pauses else 0)
            yield given(item.thing, began)
        if end is None:
            await asyncio.Event().wait()
        await _until(began + end if pauses and end is not None else 0)

    return sequence()


def _class_of(tag: str | None) -> type[Message]:
    found = classes_of_tag(tag or "", (Message,))
    cls: Any = found[-1] if found else Message  # Any: `classes_of_tag` says of which base they are
    known: type[Message] = cls
    return known


async def _pieces(frames: Sequence[_Frame], began: float, *, pauses: bool) -> AsyncIterator[bytes]:
    """Yield the frames of a message; wait forever behind them if it has no end."""
    if pauses:
        for time, data in frames:
            await _until(began + time)
            yield data + b"\n"
    else:
        yield b"\n".join((*(data for _, data in frames), b""))
    if head_of(frames[-1].data).frame not in ("whole", "broken"):
        await asyncio.Event().wait()


async def _until(moment: float) -> None:
    left = moment - asyncio.get_running_loop().time()
    if left > 0:
        await asyncio.sleep(left)
