"""How combinators select messages: by class, by their content, and one of a sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

from typing_extensions import TypeVar

from miniagents.messages._generated import Message
from miniagents.messages.promised.message_buffer import make_known
from miniagents.messages.promised.message_promise import MessagePromise, mixed_buffer
from miniagents.messages.promised.tokens import MixedOutcomes, known_class
from miniagents.promising.core.access import failure_of, settled
from miniagents.promising.core.presenting import derived_name
from miniagents.promising.promise import derived
from miniagents.promising.sentinels import DEFAULT

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
    from types import TracebackType

    from miniagents.promising.core.failure import Failure
    from miniagents.promising.core.pieces import PieceBuffer
    from miniagents.promising.core.production import Production
    from miniagents.promising.core.working import Working
    from miniagents.promising.promise import Promise
    from miniagents.promising.stream import StreamedPromise

__all__ = ["Using", "bind", "check_classes", "limited", "may_be", "of_one", "settled_for"]

M = TypeVar("M", bound=Message)
A = TypeVar("A")
B = TypeVar("B")


def check_classes(caller: str, classes: tuple[object, ...]) -> None:
    """Refuse at the call what would fail at the first message.

    Raises:
        TypeError: No class is given, or something that is no class of messages.
    """
    for cls in classes:
        if not (isinstance(cls, type) and issubclass(cls, Message)):
            raise TypeError(f"{caller}({cls!r}): give classes of messages")
    if not classes:
        raise TypeError(f"{caller}(): give at least one class of messages")


def may_be(known: type[Message] | None, classes: tuple[type[Message], ...]) -> bool | None:
    """Return whether a message can be of one of the classes, by what is known of its class; None: wait for it."""
    if known is None:
        return None
    if issubclass(known, classes):
        return True
    # the message may be of a subclass of the class that is known beforehand
    return None if any(issubclass(cls, classes) for cls in _with_subclasses(known)) else False


def _with_subclasses(cls: type[Message]) -> Iterable[type[Message]]:
    yield cls
    for subclass in cls.__subclasses__():
        yield from _with_subclasses(subclass)


async def settled_for(out: PieceBuffer[MessagePromise[M]], promise: MessagePromise[Message]) -> Failure | None:
    """Wait for a message as a source of `out`, in whose work this is called; its error does not count as read."""
    if promise.done():
        return failure_of(promise)
    with Using(out, promise):
        return await settled(promise)


class Using:
    """A block in which one production is a source of another one."""

    __slots__ = ("_out", "_source")

    def __init__(self, out: Working, source: Production) -> None:
        self._out = out
        self._source = source

    def __enter__(self) -> None:
        self._out._made_of((self._source,))

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._out._let_go_of(self._source)


def limited(fn: Callable[[A], Awaitable[B]], free: asyncio.Semaphore) -> Callable[[A], Awaitable[B]]:
    """Return the function as one that has only so many calls running at the same time."""

    async def call(argument: A) -> B:
        async with free:
            return await fn(argument)

    return call


def bind(out: PieceBuffer[str], source: Production) -> None:
    """Give a buffer the bound of one more source, unless its own is narrower."""
    bound = source._bound_to_readers()
    if bound is not None and (out.max_ahead is None or bound < out.max_ahead):
        out.bound(bound)


def of_one(
    sequence: StreamedPromise[MessagePromise[M], object],
    choose: Callable[[], Awaitable[MessagePromise[M]]],
    what: str,
    checked: Promise[None] | None = None,
) -> MessagePromise[M]:
    """Make the promise of one message of a sequence, streamed as that is.

    Args:
        sequence: The sequence.
        choose: Gives the message.
        what: The name of the combinator.
        checked: Fails if the message should not have been chosen; that error stands behind the message's tokens.
    """
    name = derived_name(sequence.name, what)
    choice = derived(choose, name, (sequence,))

    def announce(chosen: MessagePromise[M]) -> None:
        promise = promise_of_result()  # not in the frame of `pieces`, which would hold it
        if promise is not None:
            make_known(promise, known_class(chosen), chosen.known)

    async def pieces() -> AsyncIterator[Any]:  # Any: tokens, events, and failures, which a buffer takes as well
        chosen = await choice
        announce(chosen)
        for work in all_work:
            work._made_of((chosen,))
        bind(buffer, chosen)
        async for piece in MixedOutcomes(mixed_buffer(chosen), chosen.name):
            yield piece
        if checked is not None:
            await checked

    async def whole(_: AsyncIterable[str]) -> M:
        message = await (await choice)
        if checked is not None:
            await checked
        return message

    made = MessagePromise(pieces, whole, start_asap=False, max_ahead=None, name=name)
    made._made_of((sequence, choice, *(() if checked is None else (checked,))))
    promise_of_result, buffer, all_work = (
        ref(made),
        made._buffer,
        made._all_work(),
    )  # the work refers to no promise of it
    made._start_if(False if sequence._is_lazy() else DEFAULT)
    return made
