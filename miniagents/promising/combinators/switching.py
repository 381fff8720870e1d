"""The tasks of `switch_map`: one reads the source, the other the stream that was made of its latest piece."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic

from typing_extensions import TypeVar

from miniagents.promising.combinators.joining import Reader, end_own, stop_others
from miniagents.promising.combinators.piped import END, End, attempt
from miniagents.promising.core.current import producing
from miniagents.promising.core.failure import Catching, Failure
from miniagents.promising.core.pieces import PieceBuffer

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable

    from miniagents.promising.combinators.piped import TimedOutcomes
    from miniagents.promising.context import PromisingContext
    from miniagents.promising.core.pieces import AnyBuffer

__all__ = ["switch_each"]

P = TypeVar("P")
Q = TypeVar("Q")


def switch_each(
    context: PromisingContext | None,
    name: str,
    source: Callable[[AnyBuffer], TimedOutcomes[P]],
    fn: Callable[[P], AsyncIterable[Q]],
) -> PieceBuffer[Q]:
    """Make the buffer of the pieces of the stream that a plain function makes of the latest piece of a source."""
    out: PieceBuffer[Q] = PieceBuffer(context, name)
    out.set_work(lambda: _Switch(out, fn).run(source))
    return out


class _Switch(Generic[P, Q]):
    """The stream that is read now."""

    def __init__(self, out: PieceBuffer[Q], fn: Callable[[P], AsyncIterable[Q]]) -> None:
        self._out = out
        self._fn = fn
        self._current: Reader | None = None
        self._source_ended = False

    async def run(self, source: Callable[[AnyBuffer], TimedOutcomes[P]]) -> None:
        """Read the source."""
        out = self._out
        producing.set(out)
        with Catching(out):
            outcomes = source(out)
            latest: P | End = END
            while not out.ended:
                outcome = await anext(outcomes, END)
                if not isinstance(outcome, Failure | End):
                    latest = outcome
                    if outcomes.is_ready():
                        continue  # the function is not called for a piece that is no longer the latest
                if not isinstance(latest, End):
                    await self._switch_to(latest)
                    latest = END
                if isinstance(outcome, Failure):
                    await self._give(outcome)
                elif isinstance(outcome, End):
                    self._source_ended = True
                    break
            self._end_if_over()
        if out.ended:
            stop_others(out)

    async def _switch_to(self, piece: P) -> None:
        if self._current is not None:
            self._current.leave()
            end_own(self._out, self._current.stream)
            self._current = None
        made = attempt(self._out, self._fn, piece)
        if isinstance(made, Failure):
            await self._give(made)
        elif not self._out.ended:
            self._current = Reader(self._out, made)
            self._current.begin(self._out.emit_outcome, self._current_ended)

    async def _give(self, failure: Failure) -> None:
        if self._out.bounded:
            await self._out.room()
        if not self._out.ended:
            self._out.emit_failure(failure)

    def _current_ended(self) -> None:
        self._current = None
        self._end_if_over()

    def _end_if_over(self) -> None:
        if self._source_ended and self._current is None:
            self._out.end()
