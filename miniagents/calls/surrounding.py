"""How handlers stand around a call.

The handlers of a call run one after the other in the task of its replies, the outermost first, and behind them the work
of the call itself, as long as each of them only passes the call on. The inner replies are then the replies that the
caller gets: nothing is copied. A handler that keeps the way to the inner replies for itself, because it waits or reads
them, has what is further inside run in a task and a sequence of its own:

| state of a `proceed()`      | event                                          | then                              |
|-----------------------------|------------------------------------------------|-----------------------------------|
| pending                     | the handler returns its replies, or None       | fused: it runs in the same task   |
| pending                     | something looks at its replies, or the handler | apart: it runs in a task of its   |
|                             | waits, calls `proceed()` again, returns others | own, with a sequence of its own   |
|                             | or raises                                      |                                   |
| apart                       | the handler returns its replies, or None       | they are forwarded                |

Cancelling a sequence cancels its task, and all that it began. If it is cancelled before it has begun, its handlers are
shown the call: each runs until it first waits, where it is cancelled.

Watchers are told of each call as well, before its handlers, and cannot change it: a store needs no more than that.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextvars import ContextVar, copy_context
from functools import partial
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeAlias

from typing_extensions import TypeVar

from miniagents.calls.call import Call, Run
from miniagents.calls.progress import Progress, clock_offset
from miniagents.messages.promised.deferred import deferred_sequence, look_at
from miniagents.promising.core.arguments import check_kind
from miniagents.promising.core.current import active_context
from miniagents.promising.core.ending import give_up_task
from miniagents.promising.core.failure import ends_task, running_task
from miniagents.promising.core.notes import add_note
from miniagents.promising.core.presenting import name_of
from miniagents.promising.errors import ContextStateError, PromiseCancelledError
from miniagents.promising.flattening import Flattening

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator

    from miniagents.calls.call import Callee
    from miniagents.messages import Message, MessageSequence, MessageSequencePromise, MessageType
    from miniagents.promising.context import PromisingContext
    from miniagents.promising.core.pieces import AnyBuffer

__all__ = ["CallHandler", "CallWatcher", "Proceed", "Surroundings", "surroundings_here"]

logger: Final = logging.getLogger("miniagents")

T = TypeVar("T")


_COROUTINES: Final = {CoroutineType}


class Proceed(Protocol):
    """The way further inside: to the next handler, and in the end to the call itself."""

    def __call__(
        self, *, messages: MessageType[Message] | None = None, arguments: Mapping[str, object] | None = None
    ) -> MessageSequencePromise[Message]:
        """Begin the call and return its replies at once.

        Calling this again makes the call again. Attempts run at the same time; cancel one that is not needed any more.
        An error with which the call cannot even begin stands in the replies. The handler must not have returned yet.

        Args:
            messages: Other messages for the call; None keeps its own.
            arguments: Other arguments, by their names; those that are not named stay.
        """
        ...


CallHandler: TypeAlias = "Callable[[Call, Proceed], Awaitable[MessageType[Message] | None]]"
"""What stands around calls: an async function that is given a call and the way to begin it.

It returns the replies for the caller, or None for those of the last `proceed()`.
"""


CallWatcher: TypeAlias = "Callable[[Call], Coroutine[Any, Any, object] | None]"  # Any: asyncio keeps these to itself
"""What is told that a call begins, or was cancelled before that; a call that begins waits for what is returned."""


_Place: TypeAlias = tuple[Call, tuple["CallHandler", ...]]
"""Where code runs: in a call, and in handlers, which do not stand around the calls that they make themselves.

It is a plain tuple, because making a named one takes as long as all else that is done for a handler.
"""

_here: ContextVar[_Place | None] = ContextVar("miniagents.call", default=None)


class Surroundings:
    """The handlers that stand around the calls of one context.

    Attributes:
        handlers: The handlers, the outermost first.
        watchers: What is told of each call before them.
        run: The run of the calls that no other call has made.
    """

    def __init__(self, handlers: tuple[CallHandler, ...], watchers: tuple[CallWatcher, ...] = ()) -> None:
        self.handlers: Final = handlers
        self.watchers: Final = watchers
        self.run: Final = Run()
        self._loop = asyncio.get_running_loop()
        self._offset = clock_offset(self._loop)
        self._showing: set[asyncio.Task[None]] = set()

    def surround(
        self,
        callee: Callee,
        messages: MessageSequencePromise[Any],  # Any: of the classes that the callee takes
        replies: MessageSequence[Any],  # Any: of the classes that it gives
        *,
        start_asap: bool,
    ) -> bool:
        """Make a call with all handlers around it.

        Args:
            callee: What is called.
            messages: The messages of the call.
            replies: The writing end of the replies that the caller gets.
            start_asap: True begins at the next turn of the loop, False when the replies are first read.

        Returns:
            Whether there was a handler or watcher; if not, nothing was done.
        """
        place = _here.get()
        within: tuple[CallHandler, ...] = ()
        handlers = self.handlers
        if place is not None and place[1]:
            within = place[1]
            handlers = tuple(handler for handler in handlers if not any(handler is other for other in within))
            if not handlers and not self.watchers:
                return False
        parent = None if place is None else place[0]
        progress = Progress(replies._buffer, self._loop, self._offset)
        run = self.run if parent is None else parent.run
        call = Call(callee, run, parent, messages, progress)
        level = _Level(self, call, handlers, within, replies)
        progress.unbegun = level.was_cancelled
        replies.produce(level.work, start_asap=start_asap, instead=callee.in_place_of)
        return True

    def show(self, call: Call, handlers: tuple[CallHandler, ...], cancelled: MessageSequencePromise[Message]) -> None:
        """Show a call that was cancelled before it began to watchers and handlers that have not begun either."""
        if call.began is None:
            for watcher in self.watchers:
                waits_for = watcher(call)
                if waits_for is not None:
                    waits_for.close()
        for handler in handlers:
            # a task of the context might be cancelled with it, before its first step
            task = self._loop.create_task(_shown(handler, call, cancelled), name=f"{name_of(handler)}({call!r})")
            self._showing.add(task)
            task.add_done_callback(self._showing.discard)

    def is_showing(self) -> bool:
        """Return whether handlers are being shown cancelled calls."""
        return bool(self._showing)

    async def finish(
        self, seconds: float, impatient: asyncio.Future[None], report: Callable[[BaseException], object]
    ) -> None:
        """Wait for handlers that are shown cancelled calls; give up those that do not stop.

        Args:
            seconds: How long they have.
            impatient: When this is done, the time is over.
            report: Takes warnings that a filter makes errors.
        """
        deadline = self._loop.time() + seconds
        while self._showing and not impatient.done() and (left := deadline - self._loop.time()) > 0:
            await asyncio.wait((*self._showing, impatient), timeout=left, return_when=asyncio.FIRST_COMPLETED)
        for task in tuple(self._showing):
            give_up_task(task, f"the handler {task.get_name()}", f"within {seconds} s of its cancellation", report)


def surroundings_here() -> Surroundings | None:
    """Return what stands around the calls that are made here, if anything does."""
    context: PromisingContext | None = active_context.get()
    while context is not None:
        if hasattr(context, "around"):
            holder: Any = context  # Any: a context of agents, which this package does not know
            around: Surroundings | None = holder.around
            return around
        context = context.parent
    return None


class _Level:
    """Handlers that run in one task, with the sequence that their replies go into."""

    __slots__ = (
        "_around",
        "_call",
        "_handlers",
        "_has_begun",
        "_inside",
        "_last",
        "_pending",
        "_pending_call",
        "_pending_inside",
        "_replies",
        "_within",
    )

    def __init__(
        self,
        around: Surroundings,
        call: Call,
        handlers: tuple[CallHandler, ...],
        within: tuple[CallHandler, ...],
        replies: MessageSequence[Any],  # Any: of the classes that the callee gives
    ) -> None:
        self._around = around
        self._call = call
        self._handlers = handlers
        self._within = within
        self._replies = replies
        self._has_begun = False
        self._inside: tuple[CallHandler, ...] | None = None  # of the handler that runs; None between handlers
        self._last: MessageSequencePromise[Any] | None = None  # Any: of the classes that the callee gives
        self._pending: MessageSequencePromise[Any] | None = None  # Any: as above
        self._pending_call = call  # what is further inside of it, likewise the next
        self._pending_inside = handlers

    async def work(self) -> None:
        """Run the handlers, and the call itself behind the last one, until one of them does not only pass it on."""
        self._has_begun = True
        call = self._call
        if call._progress.began is None:
            call._progress.begin()
            call._callee.begins(call)
            for watcher in self._around.watchers:
                waits_for = watcher(call)
                if waits_for is not None:
                    await waits_for
        inside = self._handlers
        while inside:
            _here.set((call, (*self._within, *inside) if self._within else inside))
            handler, inside = inside[0], inside[1:]
            self._inside = inside
            try:
                # the first step by hand: most handlers do not wait, and need nothing that looks on while they do
                self._last = None
                running: Any = handler(call, partial(self._proceed, inside))  # Any: an awaitable
                if type(running) in _COROUTINES:
                    try:
                        future: object = running.send(None)
                    except StopIteration as end:
                        returned: object = end.value
                    else:
                        self._begin_pending()
                        returned = await _Driven(running, future, self._begin_pending)
                else:
                    coroutine = _awaited(running)  # it waits for one turn of the loop
                    returned = await _Driven(coroutine, None, self._begin_pending)
                if returned is None:
                    returned = self._last
                pending, self._last, self._inside = self._pending, None, None
                if pending is not None and returned is pending:
                    self._pending = None
                    look_at(pending, self._replies._buffer)  # no circle of references stays
                    self._call = call = self._pending_call
                    continue
                self._give(returned)
            except BaseException as error:
                self._begin_pending()
                self._inside = None
                if not ends_task(error, running_task()):
                    add_note(error, f"in the handler {name_of(handler)!r} around {call.kind} {call.name!r}")
                raise
            return
        _here.set((call, self._within))
        await call._callee.work(call, self._replies)

    def apart(self) -> AnyBuffer:
        """Run what is further inside in a task of its own; return the buffer of its replies."""
        self._pending = None
        call = self._pending_call
        replies: MessageSequence[Any] = call._callee.sequence()  # Any: of the classes that the callee gives
        level = _Level(self._around, call, self._pending_inside, self._within, replies)
        replies._buffer.follow(level)
        # not as `MessageSequence` does it: hooks hear of the replies that the caller gets, and of no others
        produce = Flattening[Any].produce  # Any: as above
        copy_context().run(produce, replies, level.work, start_asap=True, instead=call._callee.in_place_of)
        return replies._buffer

    def woken(self) -> None:
        """Look whether the sequence has ended before its task has begun."""
        if self._replies._buffer.ended:
            self.was_cancelled()

    def was_cancelled(self) -> None:
        """Show the call to the handlers, if they have not begun."""
        if not self._has_begun:
            self._has_begun = True
            if self._replies._buffer.was_cancelled():
                self._around.show(self._call, self._handlers, self._replies.shown())

    # --- machinery ---

    def _proceed(
        self,
        inside: tuple[CallHandler, ...],
        *unnamed: object,
        messages: MessageType[Message] | None = None,
        arguments: Mapping[str, object] | None = None,
    ) -> MessageSequencePromise[Message]:
        """Begin what is further inside, as `Proceed` says."""
        if unnamed:
            raise TypeError("proceed: give other messages or arguments by name: proceed(messages=…, arguments={…})")
        if self._inside is not inside:
            raise RuntimeError(f"proceed() was called after its handler had returned, for {self._call!r}")
        if self._pending is not None:
            self._begin_pending()
        call = self._call
        if messages is not None or arguments is not None:
            if arguments is not None:
                check_kind("proceed: arguments", arguments, Mapping, "no mapping of names to values")
            callee = call._callee if arguments is None else call._callee.with_arguments(arguments)
            call = call._changed(callee, call.messages if messages is None else callee.given(messages))
        self._pending_call, self._pending_inside = call, inside
        self._last = self._pending = proceeded = deferred_sequence(self._replies._buffer, self.apart)
        return proceeded

    _proceed.__name__ = _proceed.__qualname__ = "proceed"  # under which handlers know it, for errors

    def _give(self, returned: Any) -> None:  # Any: a MessageType, which its writing end checks
        """Put in what a handler returned that does not only pass the call on."""
        self._begin_pending()
        if returned is None:
            raise RuntimeError(
                "it returned no replies and did not call `proceed()`: return replies, [] for none, "
                "or raise an error to refuse the call"
            )
        if not self._replies._buffer.ended:
            self._replies.put(returned)

    def _begin_pending(self) -> None:
        pending = self._pending
        if pending is not None:
            look_at(pending, self.apart())


class _Driven(Generic[T]):
    """Goes on with a coroutine that waits for something, and calls a function each time before it waits again."""

    __slots__ = ("_before_waiting", "_coroutine", "_waits_for")

    def __init__(
        self,
        coroutine: Coroutine[Any, Any, T],  # Any: asyncio keeps the type of what its futures yield to itself
        waits_for: object,
        before_waiting: Callable[[], object],
    ) -> None:
        self._coroutine = coroutine
        self._waits_for = waits_for
        self._before_waiting = before_waiting

    def __await__(self) -> Generator[Any, Any, T]:  # Any: as above
        coroutine = self._coroutine
        waits_for = self._waits_for
        while True:
            try:
                sent = yield waits_for
            except GeneratorExit:
                coroutine.close()
                raise
            except BaseException as error:  # noqa: BLE001 - it is raised where the coroutine waits
                step = partial(coroutine.throw, error)
            else:
                step = partial(coroutine.send, sent)
            try:
                waits_for = step()
            except StopIteration as end:
                value: T = end.value
                return value
            self._before_waiting()


async def _awaited(awaitable: Awaitable[T]) -> T:
    return await awaitable


async def _shown(handler: CallHandler, call: Call, cancelled: MessageSequencePromise[Message]) -> None:
    """Run a handler until it first waits."""

    def proceed(
        *,
        messages: MessageType[Message] | None = None,  # noqa: ARG001 - nothing is begun
        arguments: Mapping[str, object] | None = None,  # noqa: ARG001 - nothing is begun
    ) -> MessageSequencePromise[Message]:
        return cancelled

    task = asyncio.current_task()
    if task is not None:
        task.cancel()
    _here.set((call, (handler,)))
    try:
        await handler(call, proceed)
    except (asyncio.CancelledError, PromiseCancelledError, ContextStateError):
        pass  # it waited, read the cancelled replies, or began something where the context has ended
    except Exception:
        logger.exception("the handler %r failed, with the cancelled %r", name_of(handler), call)
