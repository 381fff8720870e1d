"""A flat stream of nested items, as deep as one likes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import TypeVar

from miniagents.promising.core.arguments import check_bound
from miniagents.promising.core.current import active_context
from miniagents.promising.core.pieces import PieceBuffer
from miniagents.promising.flattening import Flattening
from miniagents.promising.stream import Stream, stream_over

if TYPE_CHECKING:
    from collections.abc import Callable

    from miniagents.promising.context import PromisingContext

__all__ = ["FlatSequence"]

P = TypeVar("P")


class FlatSequence(Flattening[P]):
    """The writing end of a flat stream.

    Sequences and iterators are taken apart at once, as they are at that moment. Async iterables and streams give their
    pieces as they come. Order is kept: a piece appears after all that was put in before it. An exception object that is
    put in is raised to readers at its place.

    Args:
        adapt: Makes a piece of an item, or returns `NotImplemented` for an item that has to be taken apart.
        name: The name of the stream in errors and logs.
        context: The context that owns the stream; by default the active one.
        max_ahead: How many pieces the parts that are still to come, and writers that `drain`, may be ahead of the
            furthest reader. By default it is the narrowest bound of the streams that are put in, if any is bounded.

    Raises:
        ValueError: `max_ahead` is less than one.

    >>> async def later() -> AsyncIterator[str]:
    ...     yield "b"
    >>> async def main() -> None:
    ...     async with PromisingContext():
    ...         letters = FlatSequence[str](lambda item: item if isinstance(item, str) else NotImplemented)
    ...         letters.put(["a", [later()], "c"])
    ...         letters.close()
    ...         print(await letters.promise)
    >>> asyncio.run(main())
    ('a', 'b', 'c')
    """

    __slots__ = ("_adapts",)

    def __init__(
        self,
        adapt: Callable[[object], Any],  # Any: as for `_adapt`
        *,
        name: str = "FlatSequence",
        context: PromisingContext | None = None,
        max_ahead: int | None = None,
    ) -> None:
        check_bound(max_ahead)
        super().__init__(PieceBuffer(context or active_context.get(), name, max_ahead=max_ahead))
        self._adapts = adapt

    @property
    def promise(self) -> Stream[P]:
        """The flat stream."""
        return stream_over(self._buffer)

    def put(self, item: object) -> None:
        """Add an item, or everything in it, behind all that was put in before.

        Raises:
            TypeError: Something in it is no item; then nothing of it is added.
            AppenderClosedError: The sequence was closed.
            PromiseCancelledError: The stream was cancelled.
        """
        self._put(item)

    def put_out_of_order(self, item: object) -> None:
        """Add an item that appears as soon as it is there, before items that were put in earlier but are still to come.

        Raises:
            TypeError: Something in it is no item; then nothing of it is added.
            AppenderClosedError: The sequence was closed.
            PromiseCancelledError: The stream was cancelled.
        """
        self._put_out_of_order(item)

    def fail(self, error: BaseException) -> None:
        """Add an error, which is raised to readers behind all that was put in before."""
        self._put(error)

    def _adapt(self, item: object) -> Any:  # Any: as above
        return self._adapts(item)
