"""The combinators of streams that choose, order or delay pieces: of message sequences they make message sequences."""

# mypy: disable-error-code="override"
# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Final, overload

from typing_extensions import TypeIs, TypeVar

from miniagents.messages._generated import Message
from miniagents.messages.promised.message_promise import MessagePromise
from miniagents.promising.core.failure import Failure
from miniagents.promising.core.presenting import number_of
from miniagents.promising.core.working import Settling
from miniagents.promising.promise import PENDING
from miniagents.promising.stream import Stream, StreamedPromise

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Callable, Hashable, Iterable

    from miniagents.messages.promised.sequence_promise import MessageSequencePromise
    from miniagents.promising.core.production import Production

__all__ = ["SameMessages"]

M_co = TypeVar("M_co", bound=Message, default=Message, covariant=True)
M = TypeVar("M", bound=Message)
Q = TypeVar("Q")


class SameMessages(StreamedPromise[MessagePromise[M_co], tuple[M_co, ...]]):
    """A message sequence whose pieces can be chosen, ordered and delayed as those of any stream.

    The pieces are the promises of the messages. Where a stream would have the tuple of its pieces for the whole, the
    result has the tuple of its messages.
    """

    __slots__ = ()

    if TYPE_CHECKING:
        # The whole of each result is a tuple of messages, and not of promises: no subtype of what the base class
        # returns. A message sequence is no `Stream` either, so this misleads only code for a `StreamedPromise` of any
        # whole that relies on the wholes of its combinators.

        def take(self, count: int, /) -> MessageSequencePromise[M_co]:
            """Keep the first messages, as `StreamedPromise.take` does."""
            ...

        def skip(self, count: int, /) -> MessageSequencePromise[M_co]:
            """Leave out the first messages, as `StreamedPromise.skip` does."""
            ...

        def take_while(
            self, goes_on: Callable[[MessagePromise[M_co]], object], /, *, inclusive: bool = False
        ) -> MessageSequencePromise[M_co]:
            """Keep the messages before the first whose promise a function refuses, as `StreamedPromise.take_while`."""
            ...

        def skip_while(self, goes_on: Callable[[MessagePromise[M_co]], object], /) -> MessageSequencePromise[M_co]:
            """Leave out the messages before the first whose promise a function refuses, as `take_while` keeps them."""
            ...

        def distinct(
            self, key: Callable[[MessagePromise[M_co]], Hashable] | None = None, /
        ) -> MessageSequencePromise[M_co]:
            """Leave out promises that came before, or whose keys did, as `StreamedPromise.distinct` does."""
            ...

        def distinct_until_changed(
            self, key: Callable[[MessagePromise[M_co]], object] | None = None, /
        ) -> MessageSequencePromise[M_co]:
            """Leave out promises that equal the one before, as `StreamedPromise.distinct_until_changed` does."""
            ...

        def tap_pieces(self, fn: Callable[[MessagePromise[M_co]], object], /) -> MessageSequencePromise[M_co]:
            """Call a function with each promise of a message, as `StreamedPromise.tap_pieces` does."""
            ...

        def take_until(self, promise: Awaitable[object], /) -> MessageSequencePromise[M_co]:
            """Keep the messages that come before something is there, as `StreamedPromise.take_until` does."""
            ...

        def rate_limit(self, per_second: float, /) -> MessageSequencePromise[M_co]:
            """Give so many messages in a second at most, as `StreamedPromise.rate_limit` does."""
            ...

        def conflate(self) -> MessageSequencePromise[M_co]:
            """Give a slow reader the latest message only, as `StreamedPromise.conflate` does."""
            ...

        @overload
        def filter(
            self, keep: Callable[[MessagePromise[M_co]], TypeIs[MessagePromise[M]]], /
        ) -> MessageSequencePromise[M]: ...
        @overload
        def filter(self, keep: Callable[[MessagePromise[M_co]], object], /) -> MessageSequencePromise[M_co]: ...
        def filter(
            self, keep: Callable[[MessagePromise[M_co]], object], /
        ) -> MessageSequencePromise[Any]:  # Any: as above
            """Keep the messages whose promises a plain function accepts, complete or not; see `filter_messages`."""
            ...

        @overload
        def chain(self, *others: MessageSequencePromise[M]) -> MessageSequencePromise[M_co | M]: ...
        @overload
        def chain(self, *others: AsyncIterable[Q]) -> Stream[MessagePromise[M_co] | Q]: ...
        def chain(self, *others: AsyncIterable[Any]) -> Any:  # Any: the overloads say what
            """Continue with other sequences, as `StreamedPromise.chain` does."""
            ...

        def buffer(self, max_ahead: int, /) -> MessageSequencePromise[M_co]:
            """Bound the sequence, as `StreamedPromise.buffer` does."""
            ...

        def throttle(self, seconds: float, /, *, trailing: bool = True) -> MessageSequencePromise[M_co]:
            """Give at most one message in some seconds, as `StreamedPromise.throttle` does."""
            ...

        def debounce(self, seconds: float, /) -> MessageSequencePromise[M_co]:
            """Give a message when none has followed for some seconds, as `StreamedPromise.debounce` does."""
            ...

        def timeout_pieces(
            self, *, each: float | None = None, whole: float | None = None
        ) -> MessageSequencePromise[M_co]:
            """Wait for the next message, or for all, only so long, as `StreamedPromise.timeout_pieces` does."""
            ...

    # --- machinery ---

    def _state(self) -> str:
        if self._buffer_if_any() is None:  # the messages are there already, or nobody has looked at them
            return "not started" if self._value is PENDING else f"{self._counted(self._value)}, ended"
        return super()._state()

    @staticmethod
    def _counted(pieces: Iterable[object]) -> str:
        return number_of(sum(not isinstance(piece, Failure) for piece in pieces), "message")

    def _alike(
        self,
        stream: StreamedPromise[Any, Any],  # Any: promises of messages
        sources: Iterable[Production],
    ) -> MessageSequencePromise[M_co]:
        """Make a message sequence of a stream of the messages of some sequences."""
        from miniagents.messages.promised.sequence_promise import sequence_over  # noqa: PLC0415 - a circle: of this class

        made: MessageSequencePromise[M_co] = sequence_over(stream._buffer)
        made._work = Settling(made, None, made._buffer)  # when the last promise has come, its message may be arriving
        made._made_of(sources)
        return made


_SAME: Final = (
    *("take", "skip", "take_while", "skip_while", "distinct", "filter", "chain", "buffer", "throttle", "debounce"),
    *("timeout_pieces", "distinct_until_changed", "tap_pieces", "take_until", "rate_limit", "conflate"),
)


def _of_messages(name: str) -> Callable[..., object]:
    combinator: Callable[..., StreamedPromise[Any, Any]] = getattr(StreamedPromise, name)  # Any: as the types above say

    @wraps(combinator)
    def combined(self: SameMessages[Message], *args: Any, **kwargs: Any) -> object:  # Any: as the types above say
        made = combinator(self, *args, **kwargs)
        others = args if name == "chain" else ()
        if not all(isinstance(each, SameMessages) for each in others):
            return made
        return self._alike(made, (self, *others))

    return combined


for _name in _SAME:
    setattr(SameMessages, _name, _of_messages(_name))
