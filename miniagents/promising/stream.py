"""A promise of a whole that arrives piece by piece, and the combinators of the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeAlias

from typing_extensions import TypeVar

from miniagents.promising.combinators.of_joined import JoinedCombinators
from miniagents.promising.combinators.of_pieces import PieceCombinators
from miniagents.promising.combinators.of_places import PlaceCombinators
from miniagents.promising.combinators.of_time import TimeCombinators
from miniagents.promising.combinators.piped import TimedOutcomes
from miniagents.promising.core.arguments import check_bound, check_callable, check_plain
from miniagents.promising.core.current import active_context, producing
from miniagents.promising.core.failure import Failure, ends_task, running_task
from miniagents.promising.core.pieces import OutcomeIterator, PieceBuffer, PieceIterator
from miniagents.promising.core.presenting import derived_name, name_of, number_of, state_of
from miniagents.promising.core.production import Production
from miniagents.promising.core.working import Settling
from miniagents.promising.promise import UNHELD, Holder, Promise, blank
from miniagents.promising.sentinels import DEFAULT, Default

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable

    from miniagents.promising.context import PromisingContext
    from miniagents.promising.core.pieces import AnyBuffer
    from miniagents.promising.core.working import Working

__all__ = ["Stream", "StreamedPromise"]

P_co = TypeVar("P_co", covariant=True)
W_co = TypeVar("W_co", covariant=True)
Q = TypeVar("Q")
A = TypeVar("A")
W = TypeVar("W")


class StreamedPromise(
    Promise[W_co],
    PieceCombinators[P_co],
    JoinedCombinators[P_co],
    PlaceCombinators[P_co],
    TimeCombinators[P_co],
    Generic[P_co, W_co],
):
    """A whole value that arrives piece by piece and can be replayed from the first piece.

    Iterating gives the pieces: each reader gets all of them, from the first one. An error is a piece. It is raised to
    each reader at the place where it happened, and the same iterator then goes on behind it. Awaiting gives the whole,
    or raises the first error.

    The combinators make new streams of this one. They can be replayed like it, and are as lazy and as bounded. Unless
    one says otherwise, an error of the source stays at its place, an error that a given function raises takes the place
    of the piece it was given, and the pieces behind it follow. Cancelling the result cancels this stream too, unless it
    is used elsewhere: somebody reads it, or something else is made of it. A result that ends before this stream lets go
    of it, as said in `Promise`: the stream is cancelled when nobody holds or reads it any more. Each combinator costs
    one task and a list of its pieces; ready pieces cost no task switch. An async iterable that is no promise can stand
    for any stream that is given. It is read once, and ends with its first error.

    Args:
        streamer: Makes the pieces: a function that returns an async iterator; called once.
        resolver: Makes the whole of the pieces; called once, when the last piece is there.
        start_asap: True starts the streamer at the next turn of the loop, False at the first await or iteration; by
            default as the active context says.
        max_ahead: How many pieces the streamer may be ahead of the furthest reader; None for no bound.
        name: The name of this promise in errors, logs and tasks; by default the streamer's name.

    Raises:
        NoActiveContextError: No context is active that could own the work.
        TypeError: The streamer or the resolver cannot be called.
        ValueError: `max_ahead` is less than one.

    >>> async def letters() -> AsyncIterator[str]:
    ...     for letter in "abc":
    ...         yield letter
    >>> async def join(pieces: AsyncIterable[str]) -> str:
    ...     return "".join([piece async for piece in pieces])
    >>> async def main() -> None:
    ...     async with PromisingContext():
    ...         promise = StreamedPromise(letters, join)
    ...         print([piece async for piece in promise], await promise)
    >>> asyncio.run(main())
    ['a', 'b', 'c'] abc
    """

    __slots__ = ("_buffer", "_collect")

    def __init__(
        self,
        streamer: Callable[[], AsyncIterator[P_co]],
        resolver: Callable[[AsyncIterable[P_co]], Awaitable[W_co]],
        *,
        start_asap: bool | Default = DEFAULT,
        max_ahead: int | None = None,
        name: str | None = None,
    ) -> None:
        check_bound(max_ahead)
        check_callable("StreamedPromise: streamer", streamer)
        check_callable("StreamedPromise: resolver", resolver)
        name = name if name is not None else name_of(streamer)
        buffer: PieceBuffer[P_co] = PieceBuffer(active_context.get(), name, streamer=streamer, max_ahead=max_ahead)
        self._look_at(buffer, None)
        view_of_pieces = type(self)._shown

        def resolved() -> Awaitable[W_co]:  # refers to the pieces, and not to this promise
            return resolver(view_of_pieces(buffer, producing.get()))

        self._work = Settling(self, resolved, buffer)
        context = self.context
        context.open_loop(name)
        context.notify_resolved(self)
        self._start_if(start_asap)

    @classmethod
    def of(cls, pieces: Iterable[Q], /) -> Stream[Q]:
        """Make a stream of pieces that are there already; needs no context.

        >>> async def main() -> None:
        ...     print([piece async for piece in StreamedPromise.of("abc")])
        >>> asyncio.run(main())
        ['a', 'b', 'c']
        """
        buffer: PieceBuffer[Q] = PieceBuffer(None, "of")
        buffer.fill(pieces)
        return stream_over(buffer)

    # --- reading ---

    def __aiter__(self) -> AsyncIterator[P_co]:
        return PieceIterator(self._buffer)

    def done(self) -> bool:
        """Return whether the whole, or the error in its place, is known."""
        if self._is_done():
            return True  # without a look at the pieces, which messages that are there have none of before they are read
        self._buffer._see_to_ended()
        if self._collect is not None and self._buffer.ended:
            self._make_whole()
        return super().done()

    # --- combinators: of the whole ---

    def into(self, collect: Callable[[Iterable[P_co]], W], /) -> StreamedPromise[P_co, W]:
        """Give the same pieces another whole: a plain function makes it of all of them, like Rust's `collect`.

        The whole is the first error of the pieces, else the function's result or error. Iterating gives the errors in
        their places as before. The result is a view of the same pieces and costs no task: the function is called by
        whoever first awaits the result, or asks whether it is done. Cancelling it cancels this stream.

        Raises:
            TypeError: The argument is no function.

        >>> async def main() -> None:
        ...     print(await StreamedPromise.of([1, 2, 3]).into(sum))
        >>> asyncio.run(main())
        6
        """
        check_plain("into", collect)
        return view_of(self._buffer, collect, self._held_by())

    def pieces(self) -> Stream[P_co]:
        """Give the same pieces the tuple of them for the whole: a view as `into(tuple)` is.

        >>> async def main() -> None:
        ...     print(await StreamedPromise.of([1, 2, 3]).into(sum).pieces())
        >>> asyncio.run(main())
        (1, 2, 3)
        """
        return stream_over(self._buffer, self._held_by())

    def fold(self, fn: Callable[[A, P_co], A], initial: A, /) -> Promise[A]:
        """Combine each piece with the result so far and give the last result, as `functools.reduce` does.

        The first error, of the source or of the function, is that of the result. Nothing is read behind it, and the
        result lets go of this stream. Cost:
        one task; no intermediate results are kept.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of([1, 2, 3]).fold(lambda total, piece: total + piece, 0))
        >>> asyncio.run(main())
        6
        """
        check_plain("fold", fn)
        pieces = self._shown(self._buffer)  # not this promise: an error of the function would hold it
        pieces._name = self._name

        async def folded() -> A:
            result = initial
            async for piece in pieces:
                result = fn(result, piece)
            return result

        return self._derived(folded, "fold")

    # --- machinery ---

    def _state(self) -> str:
        buffer = self._buffer_if_any()
        if buffer is None:
            return super()._state()
        return state_of(buffer, self._counted(buffer.pieces), self._failure)

    def _buffer_if_any(self) -> PieceBuffer[P_co] | None:
        """Return the buffer; None if one would be made by looking for it."""
        try:
            buffer: PieceBuffer[P_co] = object.__getattribute__(
                self, "_buffer"
            )  # not by the `__getattr__` of a subclass
        except AttributeError:
            return None
        return buffer

    @staticmethod
    def _counted(pieces: Iterable[object]) -> str:
        """Return how many pieces there are, as `repr` shows it."""
        return number_of(sum(not isinstance(piece, Failure) for piece in pieces), "piece")

    def _repr_html_(self) -> str:
        """Return the pieces that have come so far as notebooks show them."""
        from miniagents.promising.core.html import html_of_pieces  # noqa: PLC0415  # few programs are notebooks

        pieces = [piece.error if isinstance(piece, Failure) else piece for piece in self._buffer.pieces]
        return html_of_pieces(self._name, pieces, has_ended=self._buffer.ended)

    def _look_at(self, buffer: PieceBuffer[P_co], collect: Callable[[Iterable[P_co]], W_co] | None) -> None:
        """Make this a promise of the buffer's pieces; `collect` makes the whole if no resolver does."""
        self._prepare(buffer._context, buffer._name)
        self._buffer = buffer
        self._collect = collect

    def _start_if(self, start_asap: bool | Default) -> None:
        """Start the work, unless it waits for a reader.

        Call this last: if tasks are eager the work runs at once, and it has to know its sources by then.
        """
        work = self._work
        if self.context.start_asap if start_asap is DEFAULT else start_asap:
            self._buffer.start(at_end=None if work is None else work.start)
        elif work is not None:
            work._belongs_here()

    def _when_started(self, then: Callable[[], object]) -> None:
        """Call something when the work starts, at once if it has already started."""
        self._buffer._when_started(then)

    def _outcomes(self) -> OutcomeIterator[P_co]:
        """Read from the first piece, failures as objects."""
        return self._buffer.outcomes()

    def _reading(self) -> Callable[[], OutcomeIterator[P_co]]:
        """Return a function that begins to read from the first piece, failures as objects, and holds no promise."""
        return self._buffer.outcomes

    def _is_lazy(self) -> bool:
        """Return whether the work waits for a first reader."""
        return self._buffer._is_lazy()

    def _bound_to_readers(self) -> int | None:
        """Return how many pieces this may be ahead of its furthest reader, as long as there are more to come."""
        return None if self._is_done() or self._buffer.ended else self._buffer.max_ahead

    def _pieces_production(self) -> Production:
        """Return the buffer, which counts readers and results."""
        return self._buffer

    def _all_work(self) -> tuple[Working, ...]:
        """Return the buffer, and the work that makes the whole."""
        return (self._buffer,) if self._work is None else (self._buffer, self._work)

    def _origin(self) -> str:
        """Return the names of this and of the work that started it, innermost first."""
        return Production._origin(self) if self._work is None else self._work._origin()

    def _has_given_all(self) -> bool:
        """Return whether all pieces are there."""
        return self._buffer.ended

    @classmethod
    def _shown(
        cls, buffer: PieceBuffer[Q], work: Production | None = None
    ) -> StreamedPromise[Q, Any]:  # Any: of any whole
        """Make a view of the pieces that keeps nothing from being let go, for machinery."""
        view: StreamedPromise[Q, Any] = blank(cls)  # Any: as above
        view._look_at(buffer, None)
        view._holder = UNHELD
        if isinstance(work, Settling):
            view._work = work
        return view

    def _made_again(self) -> Any:  # Any: what this is
        promise = blank(type(self))
        promise._look_at(self._buffer, self._collect)
        return promise

    async def _until_complete(self) -> None:
        self._buffer.start()
        while not self._buffer.ended:
            await self._buffer._progress()

    async def _until_ended(self) -> None:
        """Start the work and wait for the last piece, without counting as a reader."""
        self._buffer.start()
        await self._buffer._until_done()

    async def _settle(self) -> None:
        await self._buffer.completed()
        if self._collect is not None:
            self._make_whole()
        else:
            await super()._settle()

    def _make_whole(self) -> None:
        """Make the whole of pieces that are all there."""
        collect = self._collect
        if collect is None or self._is_done():
            return
        value, failure = self._value, self._buffer.failure
        if failure is None:
            self._collect = (
                None  # first: `collect` may itself ask whether this is done, or cancel it, and is called once
            )
            try:
                value = collect(self._buffer.whole_pieces())
            except BaseException as error:
                if ends_task(error, running_task()):
                    self._collect = collect
                    raise
                failure = self._failure_of(error)
            if self._is_done():
                return
        self._value, self._failure = value, failure
        self._finished()

    def _piped(
        self,
        pipe: Callable[[PieceBuffer[Q]], AsyncIterator[Q | Failure]],
        what: str,
        *others: object,
        max_ahead: int | None = None,
    ) -> Stream[Q]:
        """Make the stream of the pieces that an async generator yields; it is given the buffer they go into."""
        return piped(pipe, derived_name(self._name, what), (self, *others), max_ahead=max_ahead)

    def _worked(
        self, make: Callable[[PromisingContext | None, str], PieceBuffer[Q]], what: str, *others: object
    ) -> Stream[Q]:
        """Make the stream of the pieces that tasks put into a buffer, for what one async generator cannot do."""
        buffer = make(active_context.get(), derived_name(self._name, what))
        buffer.belongs_here()
        return made_of((self, *others), buffer)

    @staticmethod
    def _over(buffer: PieceBuffer[Q]) -> Stream[Q]:
        """Make the promise of a buffer's pieces."""
        return stream_over(buffer)

    def _timed(self, out: AnyBuffer) -> TimedOutcomes[P_co]:  # noqa: ARG002  # of messages
        """Read this against the clock, as a source of `out`, in whose work this is called."""
        return TimedOutcomes(self._buffer)


Stream: TypeAlias = StreamedPromise[Q, tuple[Q, ...]]
"""A stream whose whole is the tuple of its pieces."""


def stream_over(buffer: PieceBuffer[Q], holder: Holder | None = None) -> Stream[Q]:
    """Make the promise of a buffer's pieces."""
    return view_of(buffer, tuple, holder)


def view_of(
    buffer: PieceBuffer[Q], collect: Callable[[Iterable[Q]], W], holder: Holder | None = None
) -> StreamedPromise[Q, W]:
    """Make the promise of a buffer's pieces and of the whole that a plain function makes of them.

    Args:
        buffer: The pieces.
        collect: Makes the whole.
        holder: What `_held_by` of another promise of the same buffer returns, if there is one.
    """
    promise: StreamedPromise[Q, W] = blank(StreamedPromise)
    promise._look_at(buffer, collect)
    promise._holder = holder
    return promise


def piped(
    pipe: Callable[[PieceBuffer[Q]], AsyncIterator[Q | Failure]],
    name: str,
    sources: Iterable[object],
    *,
    lazy: bool = False,
    max_ahead: int | None = None,
) -> Stream[Q]:
    """Make the stream of the pieces that an async generator yields, given the buffer for them; see `made_of`."""
    buffer: PieceBuffer[Q] = PieceBuffer(active_context.get(), name, streamer=lambda: pipe(buffer), max_ahead=max_ahead)
    return made_of(sources, buffer, lazy=lazy)


def made_of(sources: Iterable[object], buffer: PieceBuffer[Q], *, lazy: bool = False) -> Stream[Q]:
    """Make the promise of a buffer's pieces that have sources, some of which may be promises.

    It is as lazy as they are. It has the narrowest of their bounds unless it has its own. Cancelling it cancels those
    that are not used elsewhere.
    """
    promise = stream_over(buffer)
    context = promise.context
    context.open_loop(promise.name)
    context.notify_resolved(promise)
    productions = [source for source in sources if isinstance(source, Production)]
    bounds = [bound for source in productions if (bound := source._bound_to_readers()) is not None]
    if bounds and not buffer.bounded:
        buffer.bound(min(bounds))
    buffer._made_of(productions)
    if context.start_asap and not lazy and not any(source._is_lazy() for source in productions):
        buffer.start()
    return promise
