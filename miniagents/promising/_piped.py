"""What all combinators of pieces stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic

from typing_extensions import TypeVar

from miniagents.promising._pieces import Replayed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from miniagents.promising._failure import Failure
    from miniagents.promising._pieces import PieceBuffer
    from miniagents.promising.stream import Stream

__all__ = ["Piped", "attempt"]

P_co = TypeVar("P_co", covariant=True)
Q = TypeVar("Q")
A = TypeVar("A")
W = TypeVar("W")


class Piped(Replayed[P_co], Generic[P_co]):
    """A stream that others can be made of."""

    __slots__ = ()

    def _piped(
        self,
        pipe: Callable[[PieceBuffer[Q]], AsyncIterator[Q | Failure]],
        what: str,
        *others: object,
        max_ahead: int | None = None,
    ) -> Stream[Q]:
        """The stream of what an async generator yields that is given the buffer it yields into.

        Args:
            pipe: makes the pieces of this stream's.
            what: the name of the combinator.
            others: what else the stream is made of.
            max_ahead: a bound of its own, instead of that of the sources.
        """
        raise NotImplementedError


def attempt(out: PieceBuffer[Any], fn: Callable[[A], W], piece: A) -> W | Failure:  # Any: `out` is not read
    """What a function makes of a piece, or the failure that takes its place."""
    try:
        return fn(piece)
    except Exception as error:  # noqa: BLE001 - an error becomes a piece of the stream
        return out.failure_of(error)
