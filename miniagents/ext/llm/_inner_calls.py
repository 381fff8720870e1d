"""Shows calls of models and tools beside the result of the tool in whose call they are made: `show_inner_calls`.

A context variable says where the running code is shown. The work of a tool's call, and of all that it starts, sees it.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, TypeAlias

from miniagents.messages import InnerEvent, TextDelta, observe
from miniagents.messages.promised.message_promise import derived_message, mixed_buffer
from miniagents.messages.promised.tokens import MixedOutcomes
from miniagents.promising.core.failure import Failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator

    from miniagents.messages import Message, MessagePromise, StreamEvent, ToolCall, ToolResultMessage
    from miniagents.promising.core.pieces import PieceBuffer

__all__ = ["Showing", "answering", "calling"]

_Call: TypeAlias = tuple[str, str]
"""The name of what is called, and the identifier of the call."""

Showing: TypeAlias = "tuple[tuple[_Inner, tuple[_Call, ...]], ...]"
"""Where something is shown, and inside of which calls; models whose tools ask models may all show inner calls."""

_showing: ContextVar[Showing] = ContextVar("miniagents.showing_inner_calls", default=())


def answering(answer: MessagePromise[Message], model: str) -> Showing:
    """Show the answer of a model wherever the running code is shown.

    Returns:
        Where calls are shown that this answer makes.
    """
    places = _showing.get()
    if not places:
        return ()
    return tuple((inner, inner.follow(answer, calls, (model, inner.next_number()))) for inner, calls in places)


def calling(
    answer: Callable[[], MessagePromise[ToolResultMessage]], call: ToolCall, showing: Showing, *, shows: bool
) -> MessagePromise[ToolResultMessage]:
    """Start the call of a tool.

    Args:
        answer: Starts it.
        call: The call.
        showing: Where it is shown.
        shows: Whether calls inside of it are shown among the events of the result that is returned.
    """
    if not showing and not shows:
        return answer()
    step = (call.name, call.id)
    inner = _Inner()
    inside = tuple((each, (*calls, step)) for each, calls in showing)
    token = _showing.set((*inside, (inner, (step,))) if shows else inside)
    try:
        result = answer()
    finally:
        _showing.reset(token)
    for each, calls in showing:
        each.follow(result, calls, step)
    return inner.beside(result) if shows else result


# Machinery -----------------------------------------------------------------------------------------------------------


class _Followed:
    """A message of an inner call, and how much of it was shown."""

    __slots__ = ("ids", "path", "position", "promise")

    def __init__(self, promise: MessagePromise[Message], calls: tuple[_Call, ...]) -> None:
        self.promise = promise
        self.path: Final = tuple(name for name, _ in calls)
        self.ids: Final = tuple(number for _, number in calls)
        self.position = 0

    def new(self) -> Iterator[InnerEvent]:
        """Yield what has come since the last time."""
        pieces = mixed_buffer(self.promise).readable()
        while self.position < len(pieces):
            piece: str | StreamEvent | Failure = pieces[self.position]
            self.position += 1
            if isinstance(piece, str):
                piece = TextDelta(piece)
            if not isinstance(piece, Failure | InnerEvent):  # an inner call of its own is followed by itself
                yield InnerEvent(path=self.path, ids=self.ids, event=piece)


class _Inner:
    """The events of the calls inside the call of a tool.

    Observers wake the stream of the result, which takes the events. They end with it: it does not wait for them.
    """

    def __init__(self) -> None:
        self._number = 0
        self._unshown: dict[_Followed, None] = {}
        """What may have something new, in the order in which it came."""
        self._observing: dict[asyncio.Task[None], _Followed] = {}
        self._woken = asyncio.Event()
        self._has_ended = False
        self._loop = asyncio.get_running_loop()

    def next_number(self) -> str:
        """Return the number of the next answer of a model."""
        self._number += 1
        return str(self._number)

    def follow(self, promise: MessagePromise[Message], calls: tuple[_Call, ...], last: _Call) -> tuple[_Call, ...]:
        """Show a message that comes from the last one of calls, and return all these calls."""
        calls = (*calls, last)
        if not self._has_ended and asyncio.get_running_loop() is self._loop:  # a thread may have a loop of its own
            task = asyncio.create_task(self._observe(followed := _Followed(promise, calls)), name="showing inner calls")
            self._observing[task] = followed
            task.add_done_callback(self._forget)
        return calls

    def beside(self, result: MessagePromise[ToolResultMessage]) -> MessagePromise[ToolResultMessage]:
        """Return the same result, with these events among its own."""

        async def pieces(_: PieceBuffer[str]) -> AsyncIterator[str | StreamEvent | Failure]:
            outcomes = MixedOutcomes(mixed_buffer(result), result.name)
            reading: asyncio.Task[str | StreamEvent | Failure | None] | None = None
            waking: asyncio.Task[bool] | None = None
            try:
                while True:
                    reading = reading or asyncio.create_task(_next(outcomes))
                    waking = waking or asyncio.create_task(self._woken.wait())
                    await asyncio.wait((reading, waking), return_when=asyncio.FIRST_COMPLETED)
                    if waking.done():
                        waking = None
                        self._woken.clear()
                    is_read = reading.done()
                    if is_read:
                        self._unshown |= dict.fromkeys(self._observing.values())  # what came before it
                    for event in self._new():
                        yield event
                    if is_read:
                        piece = reading.result()
                        if piece is None:
                            return
                        yield piece
                        reading = None
            finally:
                self._end()
                for task in (reading, waking):
                    if task is not None:
                        task.cancel()

        async def whole(_: AsyncIterable[str]) -> ToolResultMessage:
            return await result

        return derived_message(
            result, pieces, whole, "show_inner_calls", message_class=result.message_class, known=result.known
        )

    def _new(self) -> Iterator[InnerEvent]:
        unshown, self._unshown = self._unshown, {}
        for followed in unshown:
            yield from followed.new()

    async def _observe(self, followed: _Followed) -> None:
        async for _ in observe(followed.promise):
            self._unshown[followed] = None
            self._woken.set()

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._observing.pop(task, None)

    def _end(self) -> None:
        self._has_ended = True
        for task in [*self._observing]:
            task.cancel()


async def _next(outcomes: MixedOutcomes) -> str | StreamEvent | Failure | None:
    return await anext(outcomes, None)
