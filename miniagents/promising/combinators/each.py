"""The work of combinators that call a plain function with each piece.

It takes the pieces that are there in slices and puts the results straight into the buffer. An async generator would
cost two coroutines and a call for each piece: four times as much.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from typing_extensions import TypeVar

from miniagents.promising.core.current import producing
from miniagents.promising.core.failure import Catching, Failure, ends_task, running_task
from miniagents.promising.core.pieces import OutcomeIterator, PieceBuffer

if TYPE_CHECKING:
    from collections.abc import Callable

    from miniagents.promising.context import PromisingContext

__all__ = ["Kept", "for_each"]

P = TypeVar("P")


Kept: TypeAlias = Literal["made", "made unless None", "piece if made is true", "piece"]
"""What the result has for a piece and the value that the function made of it."""


def for_each(
    context: PromisingContext | None,
    name: str,
    source: Callable[[], OutcomeIterator[P]],
    fn: Callable[[P], object],
    kept: Kept,
) -> PieceBuffer[Any]:  # Any: `kept` says of what
    """Make the buffer of the values that a plain function makes of each piece of a source."""
    out: PieceBuffer[Any] = PieceBuffer(context, name)  # Any: as above
    out.set_work(lambda: _work(source, out, fn, kept), is_only_writer=True)
    return out


async def _work(
    source: Callable[[], OutcomeIterator[P]],
    out: PieceBuffer[Any],  # Any: as above
    fn: Callable[[P], object],
    kept: Kept,
) -> None:
    producing.set(out)  # first: whoever reads the source from here on reads it for `out`, and is no guest
    append = out.pieces.append  # not `emit`: one `wake` for each slice is enough
    gives_made = kept in ("made", "made unless None")
    gives_none = kept == "made"
    gives_all = kept == "piece"
    with Catching(out):
        outcomes = source()
        while (taken := await outcomes.next_slice()) is not None:
            bounded = out.bounded  # a source may have got a bound meanwhile
            if out._is_done():  # not `ended`, which checkers would take for known from here on
                return
            for piece in taken:
                if type(piece) is Failure:  # isinstance() takes three times as long to say no
                    out.emit_failure(piece)
                    continue
                try:
                    made = fn(piece)
                    if out.ended:  # the function itself may have cancelled the result
                        return
                    if gives_made:
                        if made is not None or gives_none:
                            append(made)
                    elif made or gives_all:
                        append(piece)
                except BaseException as error:
                    if ends_task(error, running_task()):
                        raise
                    out.emit_failure(out.failure_of(error))
                    if out._is_done():
                        return
                if bounded:
                    out.wake()
                    await out.room()
                    if out._is_done():
                        return
            out.wake()
        out.end()
