"""How nested items become a flat stream.

Items that are there go straight into the stream. Only those still to come need a task: one for the whole sequence.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterable, Iterator, Sequence, Set as AbstractSet
from functools import cache, partial
from itertools import chain, islice
from threading import get_ident
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, NoReturn, TypeAlias, TypeGuard

from typing_extensions import TypeVar

from miniagents.promising.core.current import current_task, producing
from miniagents.promising.core.failure import Failure, caught, is_cancellation
from miniagents.promising.core.pieces import take_turn
from miniagents.promising.core.places import hand_over
from miniagents.promising.core.presenting import number_of, state_of
from miniagents.promising.core.production import Production
from miniagents.promising.errors import AppenderClosedError, PromiseCancelledError, PromiseDeadlockError
from miniagents.promising.stream import StreamedPromise

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from miniagents.promising.core.pieces import AnyBuffer, PieceBuffer
    from miniagents.promising.forwarding import Forwarding

__all__ = ["AnyPart", "Flattening", "Pending", "is_stream"]

P = TypeVar("P")

_LISTS: Final = {list}
_QUICK_DEPTH: Final = 8
"""How deep lists within lists are looked into all at once: a list may contain itself."""
_QUICK_ITEMS: Final = 1_000_000
"""How many items are looked at all at once: a list that contains itself more than once grows with each level."""


class Pending:
    """A nested stream whose pieces are still to come.

    Args:
        stream: The stream.
        position: How many of its pieces have been passed on already.
    """

    __slots__ = ("position", "stream")

    def __init__(self, stream: AsyncIterable[object], position: int = 0) -> None:
        self.stream: AsyncIterable[object] = stream
        self.position: int = position


AnyPart: TypeAlias = "Any | Failure | Pending"  # Any: a piece of any type
"""A part of a flat stream."""


def is_stream(item: object) -> TypeGuard[StreamedPromise[object, object]]:
    """Return whether an item is a stream; isinstance() asks an abstract base class, which takes four times as long."""
    return StreamedPromise in type(item).__mro__


class Flattening(Generic[P]):
    """The writing end of a flat stream; derived classes know what a piece is.

    Args:
        buffer: The pieces of the stream.
        kept_open: Whether any code may put something in at any time. False for a sequence that the code that makes it
            fills and closes, or hands to `produce`: its end needs no watching then.
    """

    _writes: ClassVar[bool] = True  # for the watch: whoever has this can add to the stream

    __slots__ = (
        "__weakref__",
        "_buffer",
        "_closed",
        "_closing",
        "_home",
        "_instead",
        "_on_their_way",
        "_others",
        "_queue",
    )

    def __init__(self, buffer: PieceBuffer[P], *, kept_open: bool = True) -> None:
        self._buffer = buffer
        if kept_open and buffer._context is not None:
            buffer._context.register_writing_end(buffer)
            buffer.adopt()
            buffer.belongs_here()
        self._queue: deque[AnyPart] | None = None  # what was put in behind something that is still to come
        self._on_their_way = 0  # how many queues there are: each part that is out of order has its own
        self._instead: Callable[[Exception], object] | None = None
        context = buffer._context
        self._home = 0 if context is None else context._thread  # the loop's thread as long as this is not closed
        self._closed = False
        self._closing = False  # whether another thread has closed this, which the loop has yet to do
        self._others = 0  # how many functions put items in besides one, and have not ended

    def _adapt(self, item: object) -> Any:  # Any: a P or NotImplemented, which has no type of its own to say
        """Make a piece of an item, or return `NotImplemented` for an item that has to be taken apart.

        Raises:
            TypeError: It is nothing that can be put in.
        """
        raise NotImplementedError

    @property
    def closed(self) -> bool:
        """Whether the sequence is closed; pieces of the stream may still be to come."""
        return self._closed or self._closing

    def produce(
        self,
        work: Callable[[], Awaitable[object]],
        *,
        start_asap: bool,
        instead: Callable[[Exception], object] | None = None,
    ) -> None:
        """Run an async function that puts items in, in a task of this sequence, and close the sequence afterwards.

        Args:
            work: The function; its error becomes the last piece.
            start_asap: True starts it at the next turn of the loop, False when somebody first reads the stream.
            instead: Makes an item in the place of an `Exception` of the work; None puts in the error itself.
        """
        buffer = self._buffer
        self._instead = instead
        if start_asap:
            buffer.launch_here(self._run(work), tells=True)
        else:
            buffer.adopt()
            buffer.belongs_here()
            buffer.set_work(partial(self._run, work))

    def produce_also(self, work: Callable[[], Awaitable[object]]) -> None:
        """Run another async function besides the one given to `produce`; the last of them to end closes the sequence.

        It starts at the next turn of the loop. Its error becomes a piece, as that of the first function does.

        Raises:
            AppenderClosedError: The sequence is closed.
            PromiseCancelledError: The stream was cancelled.
        """
        if self.closed or self._buffer.ended:
            self._refuse()
        if get_ident() != self._home and self._is_elsewhere():
            hand_over(self._buffer.context, self._produce_late, work)
            return
        self._others += 1
        self._buffer.launch(self._run(work), tells=True)

    async def drain(self) -> None:
        """Wait until readers are near enough to what was put in; at least one turn of the loop.

        A sequence with a bound N waits until less than N parts are unread. What is still to come counts as one part.
        Without a bound this waits for no reader. It returns when the sequence ends.
        """
        await take_turn()
        if self._buffer.bounded:
            await self._buffer.room(self._under_way)

    def close(self) -> None:
        """End the sequence: the stream ends when everything that was put in has appeared."""
        if get_ident() != self._home and self._is_elsewhere():
            if not self.closed and not self._buffer.ended:
                self._closing = True
                hand_over(self._buffer.context, self.close)
            return
        self._close_here()

    def __repr__(self) -> str:
        buffer = self._buffer
        number = sum(not isinstance(piece, Failure) for piece in buffer.pieces)
        return f"<{type(self).__name__} {buffer.name!r} {state_of(buffer, number_of(number, 'item'))}>"

    # --- machinery ---

    def _close_here(self) -> None:
        """Close this, in the thread of the loop."""
        self._closed = True
        self._home = 0
        if not self._on_their_way:
            self._buffer.end()

    def _under_way(self) -> int:
        """Return how many parts were put in and have not appeared."""
        return self._on_their_way + len(self._queue or ())

    def _put(self, item: object) -> None:
        """Add an item, or everything in it, behind all that was put in before."""
        # one comparison for two questions, the thread and whether this is closed: it is asked for each reply
        buffer = self._buffer
        if get_ident() != self._home or buffer.ended:
            if self._closed or buffer.ended:
                self._refuse()
            if self._is_elsewhere():
                hand_over(buffer.context, self._add_late, self._parts_for_loop(item), self._add)
                return
        kind = type(item)
        if kind is list and self._queue is None:
            pieces = self._pieces_in(item)
            if pieces is not None:
                buffer.emit_all(pieces)
                return
        piece: Any = NotImplemented if kind is Failure else self._adapt(item)  # Any: as for `_adapt`
        if piece is not NotImplemented and self._queue is None:
            buffer.emit(piece)  # the short way for nearly everything that is ever put in
            return
        self._add(self._take_apart(item) if piece is NotImplemented else [piece])

    def _add(self, parts: list[P | Failure | Pending]) -> None:
        if self._queue is not None:
            self._queue.extend(parts)
            return
        kinds = set(map(type, parts))
        if Pending in kinds:
            ready = 0
            while type(parts[ready]) is not Pending:
                ready += 1
            if ready:
                self._emit(parts[:ready], kinds)
                parts = parts[ready:]
            self._queue = deque(parts)
            self._forward(self._queue)
        else:
            self._emit(parts, kinds)

    def _put_out_of_order(self, item: object) -> None:
        if self._closed or self._buffer.ended:
            self._refuse()
        if get_ident() != self._home and self._is_elsewhere():
            hand_over(self._buffer.context, self._add_late, self._parts_for_loop(item), self._add_out_of_order)
            return
        self._add_out_of_order(self._parts(item))

    def _add_out_of_order(self, parts: list[P | Failure | Pending]) -> None:
        for part in parts:
            if isinstance(part, Pending):
                self._forward(deque((part,)))
            else:
                self._buffer.emit_outcome(part)

    def _forward(self, queue: deque[AnyPart]) -> None:
        self._on_their_way += 1
        _forwarding()(self, queue).launch()

    async def _run(self, work: Callable[[], Awaitable[object]]) -> None:
        buffer = self._buffer
        task = current_task((buffer._context or buffer.context)._loop)
        has_told = False
        try:
            producing.set(buffer)
            buffer._birth = None  # tasks for what is put in from here on are a part of this work
            await work()
            has_told = True
        except BaseException as error:
            has_told = caught(error, task, self._take_error)
            if not has_told:
                raise
        finally:
            if self._others:
                self._others -= 1
            else:
                self._close_here()
            buffer._work_ended(task, has_told=has_told)
            del self, buffer, task, work  # see `core.failure`

    def _take_error(self, error: BaseException) -> None:
        """Put in an error of the work, or what stands for it; if it is too late for that, the context raises it."""
        if not self._closed and not self._buffer.ended:
            instead = self._instead
            self._put(error if instead is None or not isinstance(error, Exception) else instead(error))
        elif self._buffer.was_cancelled():
            self._buffer.end_with(error)
        elif not is_cancellation(error):
            failure = self._buffer.failure_of(
                error
            )  # a cancellation becomes an error for readers: leaving the context must not look cancelled
            failure.seen = True
            self._buffer.context.report(failure.error)

    def _is_elsewhere(self) -> bool:
        """Return whether this runs in another thread than the loop's."""
        context = self._buffer._context
        return context is not None and not context._is_here()

    def _parts_for_loop(self, item: object) -> list[Any]:  # Any: a P or a _ForLoop
        """Return the parts of an item as they are now, in another thread than the loop's.

        Raises:
            TypeError: Something in it is no item.
            AppenderClosedError: The sequence is closed.
            PromiseCancelledError: The stream was cancelled.
        """
        if self._closing:
            self._refuse()

        def adapt(part: object) -> Any:  # Any: as for `_adapt`
            is_loops_own: bool = issubclass(type(part), _LOOPS_OWN)  # isinstance() would half forget the type
            return _ForLoop(part) if is_loops_own else self._adapt(part)

        piece = adapt(item)
        return self._take_apart(item, adapt) if piece is NotImplemented else [piece]

    def _add_late(
        self,
        parts: list[Any],  # Any: as `_parts_for_loop` says
        add: Callable[[list[P | Failure | Pending]], None],
    ) -> None:
        """Add what another thread has put in; if the stream has ended since, that thread is not there to be told."""
        if self._buffer.ended:
            self._log_late()
            return
        ready: list[P | Failure | Pending] = []
        for part in parts:
            ready.extend(self._parts_of(part.item) if type(part) is _ForLoop else (part,))
        add(ready)

    def _produce_late(self, work: Callable[[], Awaitable[object]]) -> None:
        """Run a function that another thread has given, as `_add_late` adds what it has put in."""
        if self._closed or self._buffer.ended:
            self._log_late()
        else:
            self.produce_also(work)

    def _log_late(self) -> None:
        late = AppenderClosedError(f"{self._buffer.name!r} ended before it got what another thread had put in")
        self._buffer.failure_of(late).log_unseen()

    def _refuse(self) -> NoReturn:
        if self._buffer.was_cancelled():
            raise PromiseCancelledError(f"{self._buffer.name!r} was cancelled: nothing can be added to it")
        raise AppenderClosedError(f"{self._buffer.name!r} is closed: nothing can be added to it")

    def _pieces_in(self, items: Any) -> list[Any] | None:  # Any: a list of what `_adapt` takes, and a P
        """Return the pieces in a list, or in lists that are all at one depth; None if there is anything else.

        This looks at the types in a list all at once, which takes a tenth of what one look at each part takes.
        """
        for _ in range(_QUICK_DEPTH):
            kinds = set(map(type, items))
            if kinds != _LISTS:
                return self._adapt_all(items, kinds)
            items = list(islice(chain.from_iterable(items), _QUICK_ITEMS))
            if len(items) == _QUICK_ITEMS:
                break
        return None

    def _adapt_all(self, items: list[Any], kinds: set[type]) -> list[Any] | None:  # Any: as above
        """Make pieces of items of these types as `_adapt` does; None if it has to look at each."""

    def _parts(self, item: object) -> list[P | Failure | Pending]:
        """Return the item as a piece, or its parts."""
        piece = NotImplemented if isinstance(item, Failure) else self._adapt(item)
        return self._take_apart(item) if piece is NotImplemented else [piece]

    def _take_apart(
        self,
        item: object,
        adapt: Callable[[object], Any] | None = None,  # Any: as for `_adapt`
    ) -> list[P | Failure | Pending]:
        """Return the pieces, and the parts still to come, of an item; lists within lists cost no recursion.

        Args:
            item: The item, which `adapt` makes no piece of.
            adapt: Used instead of `_adapt`.
        """
        adapt = adapt or self._adapt
        opened = self._opened(item)
        if not isinstance(opened, tuple):
            return [opened]
        parts: list[P | Failure | Pending] = []
        nested = [opened]
        within = {id(opened[0])}
        while nested:
            for part in nested[-1][1]:
                piece = NotImplemented if type(part) is Failure else adapt(part)
                if piece is not NotImplemented:
                    parts.append(piece)
                elif isinstance(opened := self._opened(part), tuple):
                    if id(opened[0]) in within:
                        raise TypeError(
                            f"{self._buffer.name!r} takes no {type(part).__qualname__} that contains itself"
                        )
                    within.add(id(opened[0]))
                    nested.append(opened)
                    break
                else:
                    parts.append(opened)
            else:
                within.discard(id(nested.pop()[0]))
        return parts

    def _opened(self, part: object) -> Failure | Pending | tuple[object, Iterator[object]]:
        """Return what stands for a part that is no piece.

        That is an error, something still to come, or the part's own parts together with the object that has them.
        """
        kind = type(part)
        if kind is list or kind is tuple:
            plain: Any = part  # Any: no checker sees that it is one of the two
            return plain, iter(tuple(plain))
        if is_stream(part):
            buffer = part._buffer
            if buffer is self._buffer:
                raise PromiseDeadlockError((buffer.name,))  # it would repeat itself without end
            return (buffer, iter(self._pieces_of(buffer))) if buffer.ended else Pending(part)
        if isinstance(part, Failure):
            return self._buffer.taken_over(part)
        if isinstance(part, BaseException):
            return self._buffer.failure_of(part)
        if _is_async_iterable(part):
            return Pending(part)
        if _is_iterator(part):
            return part, part
        if _is_sequence(part):
            return part, iter(tuple(part))
        raise TypeError(f"{self._buffer.name!r} takes no {type(part).__qualname__}: {part!r:.200}")

    def _pieces_of(self, buffer: AnyBuffer) -> list[Any]:  # Any: its pieces may be of any type
        """Return the pieces of a stream."""
        return buffer.readable()

    def _outcomes_of(self, stream: AsyncIterable[object]) -> AsyncIterator[object]:
        """Read the pieces and failures of a stream that is still to come."""
        from miniagents.promising.core.foreign import outcomes_of  # noqa: PLC0415  # a first agent does without

        return outcomes_of(stream, self._buffer)

    def _emit(self, parts: list[Any], kinds: AbstractSet[type]) -> None:  # Any: a P or a Failure
        """Add parts that are there already, and may be of these classes."""
        if Failure not in kinds:
            self._buffer.emit_all(parts)
        else:
            for part in parts:
                self._buffer.emit_outcome(part)

    def _parts_of(self, item: object) -> list[P | Failure | Pending]:
        """Take an item of a nested stream apart; if something is wrong with it, an error takes its place."""
        try:
            return self._parts(item)
        except Exception as error:  # noqa: BLE001 - an error becomes a piece of the stream
            return [self._buffer.failure_of(error)]

    def _forwarded(self, queue: deque[AnyPart]) -> None:
        """Note that all parts in a queue have been passed on."""
        if queue is self._queue:
            self._queue = None
        self._on_their_way -= 1
        if self._buffer.bounded:
            self._buffer.make_room()  # perhaps nothing came of them
        if self._closed and not self._on_their_way:
            self._buffer.end()


class _ForLoop:
    """A part that only the thread of the loop may look at."""

    __slots__ = ("item",)

    def __init__(self, item: object) -> None:
        self.item = item


@cache  # an import takes as long as all the rest of `_forward`, each time
def _forwarding() -> type[Forwarding]:
    from miniagents.promising.forwarding import Forwarding  # noqa: PLC0415  # a first agent does without

    return Forwarding


_LOOPS_OWN: Final = (Production, BaseException, AsyncIterable)


# isinstance() alone would leave the types of the elements unknown.


def _is_async_iterable(item: object) -> TypeGuard[AsyncIterable[object]]:
    return isinstance(item, AsyncIterable)


def _is_iterator(item: object) -> TypeGuard[Iterator[object]]:
    return isinstance(item, Iterator)


def _is_sequence(item: object) -> TypeGuard[Sequence[object]]:
    return isinstance(item, Sequence) and not isinstance(item, str | bytes | bytearray | memoryview)
