"""A flat stream of whatever is put in, nested as deep as one likes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import TypeVar

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

    Sequences and iterators are taken apart at once, as they are at that moment; async iterables and streams give their
    pieces as they come. Order is kept: a piece appears when all that was put in before it has appeared. An exception
    object that is put in is raised to readers at its place.

    Args:
        adapt: makes a piece of an item, or returns `NotImplemented` for what is no single item.
        name: what errors and logs call the stream.

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
    ) -> None:
        super().__init__(PieceBuffer(context or active_context.get(), name))
        self._adapts = adapt

    @property
    def promise(self) -> Stream[P]:
        """The flat stream."""
        return stream_over(self._buffer)

    def put(self, item: object) -> None:
        """Adds an item, or whatever it is made of, behind all that was put in before.

        Raises:
            TypeError: there is something in it that is no item; then nothing of it is added.
            AppenderClosedError: the sequence was closed.
            PromiseCancelledError: the stream was cancelled.
        """
        self._put(item)

    def put_out_of_order(self, item: object) -> None:
        """Adds an item that appears as soon as it is there, whatever was put in before or after it.

        Raises:
            TypeError: there is something in it that is no item; then nothing of it is added.
            AppenderClosedError: the sequence was closed.
            PromiseCancelledError: the stream was cancelled.
        """
        self._put_out_of_order(item)

    def fail(self, error: BaseException) -> None:
        """Adds an error that readers get raised behind all that was put in before."""
        self._put(error)

    def _adapt(self, item: object) -> Any:  # Any: as above
        return self._adapts(item)
