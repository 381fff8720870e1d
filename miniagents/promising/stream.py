"""A promise of a whole that arrives piece by piece, and the combinators of pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeAlias

from typing_extensions import TypeVar

from miniagents.promising.combinators.of_calls import AsyncCombinators
from miniagents.promising.combinators.of_groups import GroupCombinators
from miniagents.promising.combinators.of_pieces import PieceCombinators
from miniagents.promising.combinators.of_places import PlaceCombinators
from miniagents.promising.combinators.of_time import TimeCombinators
from miniagents.promising.combinators.piped import TimedOutcomes
from miniagents.promising.core.arguments import check_callable
from miniagents.promising.core.current import active_context
from miniagents.promising.core.failure import ends_task, running_task
from miniagents.promising.core.naming import derived_name, name_of
from miniagents.promising.core.pieces import OutcomeIterator, PieceBuffer, PieceIterator
from miniagents.promising.core.production import Production
from miniagents.promising.promise import Promise, blank
from miniagents.promising.sentinels import DEFAULT, Default

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable

    from miniagents.promising.context import PromisingContext
    from miniagents.promising.core.failure import Failure

__all__ = ["Stream", "StreamedPromise"]

P_co = TypeVar("P_co", covariant=True)
W_co = TypeVar("W_co", covariant=True)
Q = TypeVar("Q")
A = TypeVar("A")
W = TypeVar("W")


class StreamedPromise(
    Promise[W_co],
    PieceCombinators[P_co],
    PlaceCombinators[P_co],
    AsyncCombinators[P_co],
    TimeCombinators[P_co],
    GroupCombinators[P_co],
    Generic[P_co, W_co],
):
    """A whole value that arrives piece by piece and can be replayed from the first piece.

    Iterating gives the pieces, to each reader all of them from the first one, be they there already or still to come.
    An error is a piece: it is raised to each reader at the place where it happened, and going on with the same iterator
    reads what came behind it. Awaiting gives the whole, or raises the first error.

    The combinators make new streams of this one, which can be replayed as it can, and are as lazy and as bounded.
    Unless one says otherwise, an error of the source stays at its place, one that a given function raises takes the
    place of the piece that it was given, and the pieces behind it follow. Cancelling the result cancels this stream
    too, unless somebody else uses it: reads it, or has made something else of it. Each costs one task and a list of its
    pieces; ready pieces cost no task switch. An async iterable that is no promise can be given wherever streams are; it
    can be read once, and ends with its first error.

    Args:
        streamer: makes the pieces: a function that returns an async iterator; called once.
        resolver: makes the whole of the pieces; called once, when the last piece is there.
        start_asap: True starts the streamer at the next turn of the loop, False at the first await or iteration; by
            default as the active context says.
        max_ahead: how many pieces the streamer may be ahead of the furthest reader; None for no bound.
        name: what errors, logs and tasks call this promise; by default the streamer's name.

    Raises:
        NoActiveContextError: there is no active context that could own the work.
        TypeError: the streamer or the resolver cannot be called.
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
        if max_ahead is not None and max_ahead < 1:
            raise ValueError(f"max_ahead={max_ahead}: a bound lets at least one piece through; None means no bound")
        check_callable("StreamedPromise: streamer", streamer)
        check_callable("StreamedPromise: resolver", resolver)
        name = name if name is not None else name_of(streamer)
        buffer: PieceBuffer[P_co] = PieceBuffer(active_context.get(), name, streamer=streamer, max_ahead=max_ahead)
        self._look_at(buffer, None)
        self._resolver = lambda: resolver(self)
        context = self.context
        context.open_loop(name)
        context.notify_resolved(self)
        self._start_if(start_asap)

    @classmethod
    def of(cls, pieces: Iterable[Q], /) -> Stream[Q]:
        """A stream of pieces that are there already; needs no context.

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
        """Whether the whole, or the error in its place, is known."""
        if self._collect is not None and self._buffer.ended:
            self._make_whole()
        return self._is_done()

    # --- combinators: of the whole ---

    def into(self, collect: Callable[[Iterable[P_co]], W], /) -> StreamedPromise[P_co, W]:
        """The same pieces with another whole: what a plain function makes of all of them, as Rust's `collect` does.

        The whole is the first error of the pieces, else what the function makes or raises; iterating gives the errors
        in their places as before. It is a view of the same pieces and costs no task: the function is called by whoever
        awaits it first, or asks whether it is done. Cancelling it cancels this stream.

        Raises:
            TypeError: what is given is no function.

        >>> async def main() -> None:
        ...     print(await StreamedPromise.of([1, 2, 3]).into(sum))
        >>> asyncio.run(main())
        6
        """
        check_callable("into", collect)
        return view_of(self._buffer, collect)

    def pieces(self) -> Stream[P_co]:
        """The same pieces with the tuple of them for the whole: a view as `into(tuple)` is.

        >>> async def main() -> None:
        ...     print(await StreamedPromise.of([1, 2, 3]).into(sum).pieces())
        >>> asyncio.run(main())
        (1, 2, 3)
        """
        return stream_over(self._buffer)

    def fold(self, fn: Callable[[A, P_co], A], initial: A, /) -> Promise[A]:
        """What is left of all pieces when each is combined with the result so far, as `functools.reduce` does it.

        The first error, be it of the source or of the function, is that of the result, and nothing is read behind it.
        Cost: one task; no intermediate results are kept.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await StreamedPromise.of([1, 2, 3]).fold(lambda total, piece: total + piece, 0))
        >>> asyncio.run(main())
        6
        """

        async def folded() -> A:
            result = initial
            async for piece in self:
                result = fn(result, piece)
            return result

        return self._derived(folded, "fold")

    # --- machinery ---

    def _look_at(self, buffer: PieceBuffer[P_co], collect: Callable[[Iterable[P_co]], W_co] | None) -> None:
        """Makes this a promise of the buffer's pieces; `collect` makes the whole where no resolver does."""
        self._prepare(buffer._context, buffer.name)
        self._buffer = buffer
        self._collect = collect

    def _start_if(self, start_asap: bool | Default) -> None:
        """Starts the work, be it at once where tasks are eager, unless it is to wait for a reader.

        Who makes a promise of others does so as the last thing, when the work can be told what it is made of.
        """
        if self.context.start_asap if start_asap is DEFAULT else start_asap:
            self._birth = None
            self._buffer.start(at_end=self._start)
        else:
            self._belongs_here()

    def _when_started(self, then: Callable[[], object]) -> None:
        """Calls something when the work starts; at once where it has started."""
        self._buffer._when_started(then)

    def _outcomes(self) -> OutcomeIterator[P_co]:
        """Reads from the first piece, failures as objects."""
        return self._buffer.outcomes()

    def _is_lazy(self) -> bool:
        """Whether the work waits for a first reader."""
        return self._buffer._is_lazy()

    def _all_there(self) -> bool:
        """Whether no more pieces will come."""
        return self._buffer.ended

    def _bound_to_readers(self) -> int | None:
        """How many pieces this may be ahead of its furthest reader, as long as there are more to come."""
        return None if self._buffer.ended else self._buffer.max_ahead

    def _pieces_production(self) -> Production:
        """Where readers and results are counted."""
        return self._buffer

    def _made_of(self, sources: Iterable[Production]) -> None:
        """Notes what the pieces and the whole are made of."""
        self._buffer._made_of(sources)
        super()._made_of(sources)

    def _parts(self) -> Iterable[Production]:
        """What is cancelled with this: the making of the pieces, and whatever was started."""
        return (self._buffer, *super()._parts())

    async def _settle(self) -> None:
        await self._buffer.completed()
        if self._collect is not None:
            self._make_whole()
        else:
            await super()._settle()

    def _make_whole(self) -> None:
        """Makes the whole of pieces that are all there."""
        collect = self._collect
        if collect is None or self._is_done():
            return
        value, failure = self._value, self._buffer.failure
        if failure is None:
            self._collect = None  # it is called once, even if it asks whether this is done, or cancels it
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
        """The stream of what an async generator yields that is given the buffer it yields into."""
        return piped(pipe, derived_name(self._name, what), (self, *others), max_ahead=max_ahead)

    def _worked(self, make: Callable[[PromisingContext | None, str], PieceBuffer[Q]], what: str) -> Stream[Q]:
        """The stream of what tasks put into a buffer, for what one async generator cannot do."""
        buffer = make(active_context.get(), derived_name(self._name, what))
        buffer.belongs_here()
        return made_of((self,), buffer)

    @staticmethod
    def _over(buffer: PieceBuffer[Q]) -> Stream[Q]:
        """The promise of a buffer's pieces."""
        return stream_over(buffer)

    def _timed(self, out: PieceBuffer[Any]) -> TimedOutcomes[P_co]:  # Any: `out` is not read
        """Reads this as a source of `out`, in whose work it is called, with an eye on the clock."""
        source = self.pieces()
        if source._buffer is not self._buffer:  # what this buffer holds is not yet what reading this gives
            out._made_of((source,))
        return TimedOutcomes(source._buffer)


Stream: TypeAlias = StreamedPromise[Q, tuple[Q, ...]]
"""A stream whose whole is the tuple of its pieces."""


def stream_over(buffer: PieceBuffer[Q]) -> Stream[Q]:
    """The promise of a buffer's pieces."""
    return view_of(buffer, tuple)


def view_of(buffer: PieceBuffer[Q], collect: Callable[[Iterable[Q]], W]) -> StreamedPromise[Q, W]:
    """The promise of a buffer's pieces and of what a plain function makes of them."""
    promise: StreamedPromise[Q, W] = blank(StreamedPromise)
    promise._look_at(buffer, collect)
    return promise


def piped(
    pipe: Callable[[PieceBuffer[Q]], AsyncIterator[Q | Failure]],
    name: str,
    sources: Iterable[object],
    *,
    lazy: bool = False,
    max_ahead: int | None = None,
) -> Stream[Q]:
    """The stream of what an async generator yields that is given the buffer it yields into; see `made_of`."""
    buffer: PieceBuffer[Q] = PieceBuffer(active_context.get(), name, streamer=lambda: pipe(buffer), max_ahead=max_ahead)
    return made_of(sources, buffer, lazy=lazy)


def made_of(sources: Iterable[object], buffer: PieceBuffer[Q], *, lazy: bool = False) -> Stream[Q]:
    """The promise of a buffer's pieces, which are made of sources, whatever of those are streams.

    It is as lazy as they are, has the narrowest of their bounds unless it has one of its own, and cancels those that
    nobody else uses when it is cancelled.
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
