"""What a store knows of calls beyond their records: the messages, and how their replies came, piece by piece."""

from __future__ import annotations

import asyncio
from array import array
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from miniagents.ext.store.errors import NotStoredError
from miniagents.messages import Message, decode
from miniagents.promising.core.arguments import NO_STORE, check_method

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Mapping, Sequence

    from miniagents.ext.store.protocols import KeptCall, Store
    from miniagents.wire import Pieces

__all__ = ["CallContents", "StreamContents", "contents_of"]

_TOGETHER: Final = 256
"""How many calls are looked up at once: the store answers what is asked together with one turn of its thread."""


class CallContents(NamedTuple):
    """A call of a run with its messages."""

    call: KeptCall
    messages: tuple[Message, ...]
    """The messages that were sent; none if they had not all come."""
    replies: tuple[Message, ...]
    """The complete replies."""
    unfinished: tuple[str, ...]
    """The texts, as far as they came, of replies that are not complete."""
    times: Sequence[float]
    """When each piece of the stream was kept, in seconds since 1970."""


class StreamContents:
    """What came in a stream of replies, as far as it was read.

    Attributes:
        position: Where to go on reading.
        times: When each token, each event and each message that came at once was kept.
    """

    def __init__(self) -> None:
        self.position: int = 0
        self.times: array[float] = array("d")
        self._messages: dict[int, Message] = {}
        self._texts: dict[int, list[str]] = {}

    @property
    def replies(self) -> tuple[Message, ...]:
        """The messages that are complete."""
        return tuple(self._messages[number] for number in sorted(self._messages))

    @property
    def unfinished(self) -> tuple[str, ...]:
        """The texts of those that are not."""
        return tuple(text for number in sorted(self._texts) if (text := "".join(self._texts[number])))

    async def read(self, store: Store, stream: str) -> None:
        """Read what has come since the last time; this does not wait.

        Raises:
            StoreDamagedError: Pieces are damaged.
        """
        with suppress(NotStoredError):  # its first pieces are still being kept
            async for pieces in store.read(stream, self.position, follow=False):
                self._add(pieces)

    def _add(self, pieces: Pieces) -> None:
        at = pieces.at or 0.0
        for frame in _frames.decode_lines(pieces.data):
            number = frame.number or 0
            if frame.frame == "opened":
                self._texts[number] = []
            elif frame.frame == "text":
                self._texts[number].append(frame.text)
                self.times.append(at)
            elif frame.frame == "event":
                self._texts[number].append("")
                self.times.append(at)
            elif frame.frame == "whole":
                if not self._texts.pop(number):  # it came at once
                    self.times.append(at)
                self._messages[number] = decode(bytes(frame.message), Message, unknown="keep")
        self.position = pieces.end


class _Frame(msgspec.Struct):
    """What is looked at of any frame; see `frames.schema.json`."""

    frame: str
    text: str = ""
    number: int | None = 0
    message: msgspec.Raw = msgspec.Raw()


_frames: Final = msgspec.json.Decoder(_Frame)


async def contents_of(store: Store, calls: AsyncIterable[KeptCall]) -> AsyncGenerator[CallContents]:
    """Yield calls with their messages, whose classes need not be loaded, and the pieces of their streams.

    Args:
        store: The store that has the calls.
        calls: The calls, as `store.calls(run)` yields them.

    Raises:
        TypeError: It is no store.
        StoreError: Something cannot be read, or was forgotten meanwhile.
    """
    check_method("contents_of", store, "get_all", NO_STORE)
    waiting: list[KeptCall] = []
    async for call in calls:
        waiting.append(call)
        if len(waiting) == _TOGETHER:
            for contents in await _looked_up(store, waiting):
                yield contents
            waiting = []
    for contents in await _looked_up(store, waiting):
        yield contents


async def _looked_up(store: Store, calls: Sequence[KeptCall]) -> list[CallContents]:
    keys = dict.fromkeys(key for call in calls for key in (*(call.messages or ()), *call.replies))
    nothing = StreamContents()
    streams = [nothing if call.stream is None else StreamContents() for call in calls]
    done = await asyncio.gather(
        store.get_all(keys, Message, unknown="keep"),
        *(
            stream.read(store, call.stream)
            for call, stream in zip(calls, streams, strict=True)
            if call.stream is not None
        ),
        return_exceptions=True,  # else the others would go on behind the first error
    )
    for each in done:
        if isinstance(each, BaseException):
            raise each
    found: Any = done[0]  # Any: the type checkers see only what all of them return
    messages: dict[str, Message] = dict(zip(keys, found, strict=True))
    return [_contents(call, stream, messages) for call, stream in zip(calls, streams, strict=True)]


def _contents(call: KeptCall, stream: StreamContents, messages: Mapping[str, Message]) -> CallContents:
    replies = tuple(messages[key] for key in call.replies)
    if call.record.outcome is None and len(stream.replies) > len(replies):  # they came behind the record
        replies = stream.replies
    sent = tuple(messages[key] for key in call.messages or ())
    return CallContents(call, sent, replies, stream.unfinished, stream.times)
