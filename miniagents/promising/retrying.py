"""Promises and streams that are tried again when they fail."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from typing_extensions import TypeVar

from miniagents.promising.combinators.joining import end_own
from miniagents.promising.combinators.piped import attempt
from miniagents.promising.core.arguments import check_callable, check_count, check_errors, check_not_negative
from miniagents.promising.core.current import producing
from miniagents.promising.core.failure import Failure, count_as_read, ends_task
from miniagents.promising.core.foreign import reading
from miniagents.promising.core.notes import add_note, listed, said
from miniagents.promising.core.pieces import PieceBuffer
from miniagents.promising.core.presenting import name_of
from miniagents.promising.core.waiting import as_promise
from miniagents.promising.errors import PromiseCancelledError
from miniagents.promising.promise import Promise
from miniagents.promising.stream import Stream, piped, stream_over

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Awaitable

__all__ = ["Backoff", "exponential_backoff", "retry", "retry_stream"]

T = TypeVar("T")

logger: Final = logging.getLogger("miniagents")

Backoff: TypeAlias = Callable[[int], float] | float
"""Seconds before the next attempt; as a function, of the number of attempts that have failed, from 1."""

_NEVER_RETRIED: Final = (asyncio.CancelledError, PromiseCancelledError, KeyboardInterrupt, SystemExit)
"""They are no failures but requests to end."""


def retry(
    factory: Callable[[], Awaitable[T]],
    /,
    *,
    attempts: int = 3,
    backoff: Backoff = 0.0,
    errors: type[BaseException] | tuple[type[BaseException], ...] = (Exception,),
) -> Promise[T]:
    """Call a function until an attempt succeeds, and give the result of that one.

    The function is called again when an attempt fails with an error of the given classes, including an error of the
    function itself. Errors after which it was called again count as read. The last error is raised as it is, with a
    note of how many attempts there were and how the others failed. Cancellations, Ctrl+C and `SystemExit` are never
    retried. Everything that an attempt started is cancelled when it fails. Cancelling the result cancels the running
    attempt, or the pause before the next.

    Cost: one task, and a promise for each attempt unless the function returns one. Of a failed attempt only a line for
    the note is kept. If promises are lazy by default so is this one: the first attempt is made when somebody reads the
    result.

    Args:
        factory: Makes an attempt: an async function, or any function that returns a coroutine or a promise.
        attempts: The number of attempts, at most.
        backoff: Seconds before the next attempt, or a function of the number of failed attempts, from 1; see
            `exponential_backoff`.
        errors: The classes of the errors after which it is tried again.

    Raises:
        TypeError: The factory is no function (a coroutine runs only once), something is no class of exceptions, or
            `attempts` is no integer.
        ValueError: `attempts` is less than one, or the pause is negative. In the result, if a function gave the pause.

    >>> answers = [Promise.failed(ConnectionError("lost")), Promise.resolved("Here I am")]
    >>> async def main() -> None:
    ...     async with PromisingContext():
    ...         print(await retry(lambda: answers.pop(0), attempts=2, errors=ConnectionError))
    >>> asyncio.run(main())
    Here I am
    """
    check_callable("retry", factory)
    policy = _Policy("retry", f"{name_of(factory)}.retry", attempts, backoff, errors)

    async def retried() -> T:
        failed: list[str] = []
        work: Any = producing.get()  # Any: the work of the result, and not the result: it would never be collected
        while True:
            made = _attempt(factory)
            work._made_of((made,))
            failure = await made._settled()
            seconds = None if failure is None else policy.pause_after(failure, failed)
            if seconds is None:
                return await made
            end_own(work, made)  # it has ended, but what it started may still run
            del made, failure
            await asyncio.sleep(seconds)

    return Promise(retried, name=policy.name)


def retry_stream(
    factory: Callable[[], AsyncIterable[T]],
    /,
    *,
    attempts: int = 3,
    backoff: Backoff = 0.0,
    errors: type[BaseException] | tuple[type[BaseException], ...] = (Exception,),
) -> Stream[T]:
    """Give the pieces of a stream that a function makes, and call it again when the stream has an error.

    It is `retry` for streams, and `retry` of ReactiveX and Kotlin. Pieces that came before an error stay, as they do
    there, and the pieces of the next attempt follow them: let the function begin behind what has come, or fold the
    pieces of one attempt into one value and use `retry`. In contrast to ReactiveX's, the last attempt is given with its
    errors in their places and with what is behind them. So is an attempt with an error of another class.

    Errors after which the function was called again count as read. What the function made for an attempt is cancelled
    then, unless it is used elsewhere. Cancelling the result cancels the running attempt, or the pause before the next.

    Args:
        factory: Makes an attempt: an async generator function, or any plain function that returns a stream.
        attempts: The number of attempts, at most.
        backoff: Seconds before the next attempt, or a function of the number of failed attempts, from 1; see
            `exponential_backoff`.
        errors: The classes of the errors after which it is tried again.

    Raises:
        TypeError: The factory is no function (a generator runs only once), or something is no class of exceptions.
        ValueError: `attempts` is less than one, or the pause is negative. In the result, if a function gave the pause.

    >>> letters = list[str]()
    >>> async def rest() -> AsyncIterator[str]:
    ...     for letter in "abcd"[len(letters) :]:
    ...         letters.append(letter)
    ...         yield letter
    ...         if letter == "b":
    ...             raise ConnectionError("lost")
    >>> async def main() -> None:
    ...     async with PromisingContext():
    ...         print(await retry_stream(rest, errors=ConnectionError))
    >>> asyncio.run(main())
    ('a', 'b', 'c', 'd')
    """
    check_callable("retry_stream", factory)
    policy = _Policy("retry_stream", f"{name_of(factory)}.retry_stream", attempts, backoff, errors)

    async def retried(out: PieceBuffer[T]) -> AsyncIterator[T | Failure]:
        failed: list[str] = []
        seconds: float | None = 0.0
        while seconds is not None:
            seconds, is_final = None, False
            stream = _stream_of(out, factory)
            async with reading(stream, out) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Failure) and not is_final:
                        seconds = policy.pause_after(piece, failed)
                        if seconds is not None:
                            del piece  # it holds what failed, which nobody needs during the pause
                            break
                        is_final = True
                    yield piece
            if seconds is not None:
                end_own(out, stream)
                del stream
                await asyncio.sleep(seconds)

    return piped(retried, policy.name, ())


def exponential_backoff(
    *,
    initial: float = 0.1,
    factor: float = 2.0,
    maximum: float = 5.0,
    jitter: float | Callable[[], float] = 1.0,
) -> Callable[[int], float]:
    """Make a `backoff` for `retry` that grows with each failed attempt, up to a maximum, with a random part.

    The pause after the n-th failed attempt is `initial * factor ** (n - 1)` plus the jitter, at most `maximum`. The
    defaults are those of stamina (`wait_initial`, `wait_exp_base`, `wait_max`, `wait_jitter`), the formula is
    tenacity's `wait_exponential_jitter`. Jitter keeps callers that failed together from trying again together.

    Args:
        initial: Seconds after the first failed attempt.
        factor: How many times longer each pause is than the one before.
        maximum: The longest pause in seconds.
        jitter: The longest random part in seconds, or a function that gives the seconds to add, such as
            `random.Random(seed).random` for pauses that can be predicted. 0 adds none.

    Raises:
        ValueError: A number is negative.

    >>> backoff = exponential_backoff(jitter=0)
    >>> [backoff(failed) for failed in range(1, 9)]
    [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    """
    for what, number in (("initial", initial), ("factor", factor), ("maximum", maximum)):
        check_not_negative(f"exponential_backoff: {what}={number}", number)
    if not callable(jitter):
        check_not_negative(f"exponential_backoff: jitter={jitter}", jitter)

    def seconds(failed: int) -> float:
        from random import random  # noqa: PLC0415 - few programs need it, and it brings three modules along

        added = jitter() if callable(jitter) else jitter * random()  # noqa: S311 - no secret depends on it
        try:
            return max(0.0, min(initial * factor ** (failed - 1) + added, maximum))
        except OverflowError:  # the power is too large for a float
            return maximum

    return seconds


# --- machinery ---


class _Policy:
    """When to try again, and how long to wait before that.

    Args:
        what: The function that was called, for errors.
        name: The name of its result.
        attempts: As for `retry`.
        backoff: As for `retry`.
        errors: As for `retry`.

    Raises:
        TypeError: As for `retry`.
        ValueError: As for `retry`.
    """

    def __init__(
        self,
        what: str,
        name: str,
        attempts: int,
        backoff: Backoff,
        errors: type[BaseException] | tuple[type[BaseException], ...],
    ) -> None:
        check_count(f"{what}: attempts={attempts!r}", attempts, 1, "give at least one attempt")
        if not callable(backoff):
            check_not_negative(f"{what}: backoff={backoff}", backoff)
        self._expected = errors if isinstance(errors, tuple) else (errors,)
        check_errors(what, self._expected)
        self.name: Final = name
        self._attempts = attempts
        self._backoff = backoff

    def pause_after(self, failure: Failure, failed: list[str]) -> float | None:
        """Return the seconds until the next attempt; None if there is none.

        Args:
            failure: The error of the last attempt. It counts as read if there is another attempt, and else has a note
                about the attempts before.
            failed: The errors of the attempts before, in words; this one is added.
        """
        error = failure.error
        goes_on = isinstance(error, self._expected) and not isinstance(error, _NEVER_RETRIED)
        made = len(failed) + 1
        if not goes_on or made >= self._attempts:
            if failed:
                add_note(error, f"{self.name!r} failed in {made} attempts, before this one by {listed(failed)}")
            return None
        seconds = self._backoff(made) if callable(self._backoff) else self._backoff
        check_not_negative(f"{self.name!r}: the backoff function gave {seconds}", seconds)
        failed.append(said(count_as_read(failure)))
        where = f"attempt {made} of {self._attempts} of {self.name!r}"
        logger.info("%s failed, the next follows in %s s: %s", where, seconds, failed[-1])
        return seconds


def _attempt(factory: Callable[[], Awaitable[T]]) -> Promise[T]:
    try:
        return as_promise(factory())
    except BaseException as error:
        if ends_task(error, asyncio.current_task()):
            raise
        return Promise.failed(error)


def _stream_of(out: PieceBuffer[T], factory: Callable[[], AsyncIterable[T]]) -> AsyncIterable[T]:
    made = attempt(out, lambda _: factory(), None)
    if not isinstance(made, Failure):
        return made
    failed: PieceBuffer[T] = PieceBuffer(None, "failed")
    failed.emit_failure(made)
    failed.end()
    return stream_over(failed)
