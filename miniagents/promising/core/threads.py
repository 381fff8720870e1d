"""How other threads reach the loop of a context: what they change there, and what they call there.

Only the thread of a loop may touch the promises of that loop. Another thread hands its change over, and the loop makes
it at its next turn, which begins at once. Changes from one thread are made in their order.
"""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING

from typing_extensions import ParamSpec, TypeVar

from miniagents.promising.core.current import running_loop
from miniagents.promising.core.failure import Failure, count_as_read
from miniagents.promising.core.places import hand_over
from miniagents.promising.core.presenting import name_of
from miniagents.promising.errors import ContextStateError, PromiseCancelledError
from miniagents.promising.promise import Promise

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from miniagents.promising.context import PromisingContext

__all__ = ["call_from_thread"]

T = TypeVar("T")
P = ParamSpec("P")


class _Answer(Future[T]):
    """The result of a call, for the thread that made it."""

    def __init__(self) -> None:
        super().__init__()
        self._failure: Failure | None = None

    def result(self, timeout: float | None = None) -> T:
        """Wait for the result and return it, or raise the error of the call."""
        try:
            return super().result(timeout)
        finally:
            self._was_read()

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait for the result and return the error of the call; None if there is none."""
        try:
            return super().exception(timeout)
        finally:
            self._was_read()

    def take(self, promise: Promise[T]) -> None:
        """Take over how a promise ended; one that has not ended will not any more."""
        if not self.set_running_or_notify_cancel():
            return
        failure = promise._failure
        if failure is not None:
            self._failure = failure  # it counts as read when this is
            self.set_exception(failure.error)
        elif promise._is_done():
            self.set_result(promise._value)
        else:
            self.set_exception(PromiseCancelledError(f"{promise.name!r} was cancelled"))

    def _was_read(self) -> None:
        if self._failure is not None:
            count_as_read(self._failure)


def call_from_thread(
    context: PromisingContext,
    function: Callable[P, Awaitable[T]],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> Future[T]:
    """Call a function in the loop of a context and return the future of what its result resolves to.

    Raises:
        ContextStateError: The context is not open, or this is the thread of its loop.
    """
    answer: _Answer[T] = _Answer()
    name = f"from_thread({name_of(function)})"

    async def call() -> T:
        return await function(*args, **kwargs)

    def begin() -> None:
        if answer.cancelled():
            return
        try:
            promise = Promise(call, start_asap=True, name=name)
            task = context.spawn(_until_settled(promise), name)
        except ContextStateError as error:  # the context has ended since the call
            if answer.set_running_or_notify_cancel():
                answer.set_exception(error)
            return
        task.add_done_callback(lambda _: answer.take(promise))
        answer.add_done_callback(lambda _: promise.cancel() if answer.cancelled() else None)

    if context._is_here() and not (context._loop is None or context._loop.is_closed()):
        if running_loop() is None:
            raise ContextStateError(
                f"{name} is for other threads: the loop of this one does not run, so the result would never come; "
                "write `loop.run_until_complete(…)`, with `context.entered()` in the coroutine"
            )
        raise ContextStateError(
            f"{name} is for other threads: in the thread of the loop, waiting for its result would stop the loop; "
            "call the function itself"
        )
    hand_over(context, begin)
    return answer


async def _until_settled(promise: Promise[object]) -> None:
    await promise._settled()
