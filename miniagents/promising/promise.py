"""A promise of one value, and the combinators of one."""

from __future__ import annotations

import asyncio
import enum
from typing import TYPE_CHECKING, Any, Final, Generic, NoReturn, TypeAlias, overload

from typing_extensions import TypeVar, TypeVarTuple, Unpack

from miniagents.promising.core.arguments import (
    check_callable,
    check_kind,
    check_not_negative,
    check_plain,
    check_recovery,
)
from miniagents.promising.core.current import active_context, producing
from miniagents.promising.core.presenting import Unawaited, derived_name, name_of, state_of_error
from miniagents.promising.core.production import Production
from miniagents.promising.core.working import Settling
from miniagents.promising.errors import PromiseCancelledError
from miniagents.promising.sentinels import DEFAULT, Default

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Iterable

    from miniagents.promising.context import PromisingContext
    from miniagents.promising.core.current import Worker
    from miniagents.promising.core.failure import Failure
    from miniagents.promising.core.letting_go import LettingGo
    from miniagents.promising.core.working import Working

__all__ = ["Promise"]

T_co = TypeVar("T_co", covariant=True)
U = TypeVar("U")
E = TypeVar("E", bound=BaseException)
Ts = TypeVarTuple("Ts")


class Promise(Unawaited, Production, Generic[T_co]):
    """A value that will be there later.

    Awaiting gives the value, or raises the error of the work: the same object each time, to any number of readers. The
    work runs in a task of its own, so that a reader who is cancelled or gives up takes nothing away from the others.

    The combinators make new promises of this one, which start at once, or lazily if this one is lazy. Unless one says
    otherwise, an error stays the error, and an error that a given function raises becomes that of the result.
    Cancelling the result cancels this promise too, unless it is used elsewhere. Each combinator costs one task. An
    argument that is no promise, no class of exceptions, or an async function where a plain one is called raises a
    `TypeError` at once. The names are those of Rust's futures where they have one.

    A result that ends before this promise, such as that of `timeout` or a `gather` that has failed, lets go of it. When
    nobody holds or reads this promise any more, it is cancelled. What is held is never cancelled so, and neither is a
    promise that no result has let go of: work that nobody waits for goes on. A variable holds a promise, and so do a
    task that awaits it and a view of it.

    Args:
        resolver: An async function, or any function that returns an awaitable, that makes the value; called once.
        start_asap: True starts the work at the next turn of the loop, False when somebody first awaits it; by default
            as the active context says.
        name: The name of this promise in errors, logs and tasks; by default the resolver's name.

    Raises:
        NoActiveContextError: No context is active that could own the work.
        TypeError: The resolver cannot be called. A coroutine, for one, is no function that returns one.

    >>> async def answer() -> int:
    ...     return 42
    >>> async def main() -> None:
    ...     async with PromisingContext():
    ...         promise = Promise(answer)
    ...         print(await promise, await promise)
    >>> asyncio.run(main())
    42 42
    """

    __slots__ = ("_failure", "_holder", "_value", "_work")

    _work: Settling | None

    def __init__(
        self,
        resolver: Callable[[], Awaitable[T_co]],
        *,
        start_asap: bool | Default = DEFAULT,
        name: str | None = None,
    ) -> None:
        check_callable("Promise", resolver)
        work = self._work_by(resolver, name if name is not None else name_of(resolver))
        if self.context.start_asap if start_asap is DEFAULT else start_asap:
            work.start()
        else:
            work._belongs_here()

    @classmethod
    def resolved(cls, value: U, /) -> Promise[U]:
        """Make a promise that already has its value; needs no context.

        >>> async def main() -> None:
        ...     print(await Promise.resolved(3))
        >>> asyncio.run(main())
        3
        """
        promise: Promise[U] = _settled_promise("resolved")
        promise._value = value
        return promise

    @classmethod
    def failed(cls, error: BaseException, /) -> Promise[NoReturn]:
        """Make a promise that has already failed; needs no context.

        Raises:
            TypeError: The argument is no exception.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await Promise.failed(ValueError("no")).recover(str))
        >>> asyncio.run(main())
        no
        """
        check_kind("Promise.failed", error, BaseException, "no exception")
        promise: Promise[NoReturn] = _settled_promise("failed")
        promise._failure = promise._failure_of(error)
        return promise

    def _repr_html_(self) -> str:
        """Return what has come so far as notebooks show it; this starts nothing, and no error counts as read."""
        from miniagents.promising.core.html import html_of, html_of_error, html_of_value  # noqa: PLC0415  # few programs are notebooks

        if self._failure is not None:
            return html_of_error(self._name, self._failure.error)
        if self._value is PENDING:
            return html_of(f"{self._name}, still to come", "…")
        return html_of_value(self._name, self._value)

    # --- reading ---

    def __await__(
        self,
    ) -> Generator[Any, None, T_co]:  # Any: asyncio keeps the type of what its futures yield to itself
        value: Any = self._value  # Any: a T_co or the sentinel
        if value is PENDING:
            if self._failure is None and not self._is_at_hand():
                yield from self._settle().__await__()
            failure = self._failure
            if failure is not None:
                try:
                    failure.reraise()
                finally:
                    failure.leave_traceback()
            value = self._value
        whole: T_co = value
        return whole

    def done(self) -> bool:
        """Return whether there is a value or an error."""
        if not self._is_done():
            self._see_to_ended()
        return self._is_done()

    def cancelled(self) -> bool:
        """Return whether the promise was cancelled before it had a value."""
        return self.done() and self._failure is not None and isinstance(self._failure.error, PromiseCancelledError)

    def cancel(self) -> bool:
        """Stop the work and everything that it started, including work that still runs after the promise has resolved.

        If this was made by a combinator, its sources are cancelled as well, unless they are used elsewhere: somebody
        reads them, or something else is made of them that is not finished. Readers get `PromiseCancelledError`.
        Promises that have finished stay as they are. A result that has finished before its sources cancels those that
        nobody else holds or reads; without this call that happens at the next turn of the loop.

        Returns:
            Whether there was anything to stop: the work of this, a source, or something that the work had started.
            False for a result that has finished and whose sources have ended, were cancelled, or are wanted elsewhere.
        """
        self.done()  # a whole is not cancelled that can be made at once, because all pieces are there
        return super().cancel()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name!r} {self._state()}>"

    # --- combinators ---

    def map(self, fn: Callable[[T_co], U], /) -> Promise[U]:
        """Apply a plain function to the value; an error stays the error.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await Promise.resolved(20).map(lambda value: value + 1))
        >>> asyncio.run(main())
        21
        """
        check_plain("map", fn, instead="then(…)")

        async def mapped() -> U:
            return fn(await self)

        return self._derived(mapped, "map")

    def then(self, fn: Callable[[T_co], Awaitable[U]], /) -> Promise[U]:
        """Apply an async function to the value; an error stays the error (JavaScript's and Rust's `then`).

        Cancelling the result cancels the call. The function may return a promise instead. A promise that it made is
        cancelled with the call; any other goes on for its other readers.

        >>> async def double(value: int) -> int:
        ...     return 2 * value
        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await Promise.resolved(21).then(double))
        >>> asyncio.run(main())
        42
        """
        check_callable("then", fn)

        async def continued() -> U:
            return await fn(await self)

        return self._derived(continued, "then")

    @overload
    def recover(self, fn: Callable[[Exception], U], /) -> Promise[T_co | U]: ...
    @overload
    def recover(self, fn: Callable[[E], U], error: type[E], /, *errors: type[E]) -> Promise[T_co | U]: ...
    def recover(
        self,
        fn: Callable[[Any], U],  # Any: the overloads tie it to the classes given
        /,
        *errors: type[BaseException],
    ) -> Promise[T_co | U]:
        """Make a value of an error of the given classes by a plain function (by default of any `Exception`).

        A value, and errors of other classes, stay as they are. It is JavaScript's `catch` and Rust's `unwrap_or_else`.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await Promise.failed(ValueError("no")).recover(lambda error: str(error), ValueError))
        >>> asyncio.run(main())
        no
        """
        expected = check_recovery("recover", fn, errors)

        async def recovered() -> T_co | U:
            try:
                return await self
            except expected as error:
                return fn(error)

        return self._derived(recovered, "recover")

    @overload
    def timeout(self, seconds: float, /) -> Promise[T_co]: ...
    @overload
    def timeout(self, seconds: float, /, *, default: U) -> Promise[T_co | U]: ...
    def timeout(self, seconds: float, /, *, default: U | Default = DEFAULT) -> Promise[T_co | U]:
        """Give the value if it comes within `seconds` of the start of the result, else `default` or a `TimeoutError`.

        When the time is over, the result lets go of this promise: its work goes on for those who hold or read it, and
        is cancelled if nobody does. `asyncio.wait_for` would cancel it in any case. A `TimeoutError` that the work
        raises is an error like any other: `default` does not replace it.

        Raises:
            ValueError: The time is negative.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         slow = Promise(lambda: asyncio.sleep(0.05, "late"))
        ...         print(await slow.timeout(0.001, default="nothing"), await slow)
        >>> asyncio.run(main())
        nothing late
        """
        check_not_negative(f"timeout({seconds!r})", seconds)

        async def in_time() -> T_co | U:
            limit = asyncio.timeout(seconds)
            try:
                async with limit:
                    return await self
            except TimeoutError:
                if not limit.expired():
                    raise  # the error of the work itself
            if default is not DEFAULT:
                return default
            nothing: U = failed_here(TimeoutError(f"{self._name!r} gave no result within {seconds} s"))
            return nothing

        return self._derived(in_time, "timeout")

    def tap(self, fn: Callable[[T_co], object], /) -> Promise[T_co]:
        """Call a plain function with the value and give the value; an error of the function is that of the result.

        The function is not called for an error. It is Rust's `inspect`; the name is that of ReactiveX and Ruby.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         await Promise.resolved(3).tap(print)
        >>> asyncio.run(main())
        3
        """
        check_plain("tap", fn)

        async def tapped() -> T_co:
            value = await self
            fn(value)
            return value

        return self._derived(tapped, "tap")

    def pair(self: Promise[tuple[*Ts]], other: Promise[U], /) -> Promise[tuple[*Ts, U]]:
        """Append the value of another promise to a tuple.

        Both are waited for at the same time, and the first error is that of the result. If both have failed already, it
        is that of the tuple. The result then lets go of the promise that is still pending, as that of `gather` does.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await Promise.resolved((1, "a")).pair(Promise.resolved(True)))
        >>> asyncio.run(main())
        (1, 'a', True)
        """
        from miniagents.promising.core.waiting import first_done, is_failed  # noqa: PLC0415 - a circle: it is made of this

        check_kind("pair", other, Promise, "no promise")

        async def paired() -> tuple[*Ts, U]:
            if await first_done((self, other), is_failed) == 1:
                await other
            return (*(await self), await other)

        return self._derived(paired, "pair", other)

    def starmap(self: Promise[tuple[*Ts]], fn: Callable[[Unpack[Ts]], U], /) -> Promise[U]:
        """Apply a plain function to the values of a tuple, each as an argument (`itertools.starmap`).

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await Promise.resolved((3, "a")).starmap(lambda count, text: count * text))
        >>> asyncio.run(main())
        aaa
        """
        check_plain("starmap", fn)

        async def mapped() -> U:
            return fn(*(await self))

        return self._derived(mapped, "starmap")

    def flatten(self: Promise[Promise[U]]) -> Promise[U]:
        """Give the value of the promise that this promise resolves to, or the first error of the two.

        Cancelling the result also cancels the inner promise, once it is there, unless it is used elsewhere.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await Promise.resolved(Promise.resolved(3)).flatten())
        >>> asyncio.run(main())
        3
        """

        async def flat() -> U:
            inner = await self
            check_kind(f"flatten: the value of {self._name!r}", inner, Promise, "no promise")
            result = producing.get()
            if result is not None:
                result._made_of((inner,))
            return await inner

        return self._derived(flat, "flatten")

    # --- machinery ---

    def _prepare(self, context: PromisingContext | None, name: str) -> None:
        """Make this a promise with nothing in it yet."""
        self._context = context
        self._name = name
        self._results = self._wakeup = None
        self._guests = 0
        self._value: Any = PENDING  # Any: a T_co or the sentinel, which no checker can follow through a slot
        self._failure: Failure | None = None
        self._work = None
        self._holder: Holder | None = None  # None: this is no view of another promise

    def _state(self) -> str:
        """Return what `repr` shows of the state; asking starts nothing."""
        if self._failure is not None:
            return state_of_error(self._failure.error)
        return "resolved" if self._value is not PENDING else "not started" if self._is_lazy() else "pending"

    def _work_by(self, resolver: Callable[[], Awaitable[object]], name: str) -> Settling:
        """Make this a promise of what a resolver makes, and return its work, which is still to be started."""
        self._prepare(active_context.get(), name)
        self._work = work = Settling(self, resolver)
        context = self._context or self.context
        context.open_loop(name)
        context.notify_resolved(self)
        return work

    def _is_done(self) -> bool:
        """Return whether there is a value or an error."""
        return self._value is not PENDING or self._failure is not None

    def _is_lazy(self) -> bool:
        """Return whether the work waits for a first reader; combinators make lazy promises of a lazy one."""
        return self._work is not None and self._work._is_lazy() and not self._is_done()

    def _give_up(self, error: BaseException) -> None:
        """Fail, unless this is done."""
        if not self._is_done():
            if self._work is not None and not self._work._is_done():
                self._work._give_up(error)
            else:
                self._settle_with(None, self._failure_of(error))

    def _settle_with(self, value: Any, failure: Failure | None) -> None:  # Any: as for `_value`
        """End with a value or, if there is one, a failure, unless this is done."""
        if self._value is PENDING and self._failure is None:
            if failure is None:
                self._value = value
            self._failure = failure
            self._finished()

    def _finished(self) -> None:
        """Note that this is done."""
        if self._wakeup is not None:
            self._wake()
        work = self._work
        if work is not None and not work._has_ended:
            work.is_at_end()

    def _when_started(self, then: Callable[[], object]) -> None:
        """Call something when the work starts, at once if it has already started."""
        if self._work is None:
            then()
        else:
            self._work.when_started(then)

    # What only work has, this has of its own work.

    def _all_work(self) -> tuple[Working, ...]:
        """Return the work in progress behind this; the first of it counts the readers, if this does not."""
        return () if self._work is None else (self._work,)

    def _parts(self) -> Iterable[Production]:
        """Return the productions that are cancelled with this."""
        return self._all_work()

    def _running(self) -> tuple[Worker, ...]:
        """Return the tasks that make the value."""
        return () if self._work is None else self._work._running()

    def _see_to_ended(self) -> None:
        """Note the end of tasks that have ended without a word."""
        if self._work is not None:
            self._work._see_to_ended()

    def _origin(self) -> str:
        """Return the names of this and of the work that started it, innermost first."""
        return super()._origin() if self._work is None else self._work._origin()

    def _made_of(self, sources: Iterable[Production]) -> None:
        """Note the sources of this."""
        for work in self._all_work():
            work._made_of(sources)

    def _is_made_of(self, source: Production) -> bool:
        """Return whether the source is one of this promise's."""
        return any(work._is_made_of(source) for work in self._all_work())

    def _leave_sources(self, *left: Production) -> tuple[Production, ...]:
        """Forget the sources, or the given ones of them; return those that were forgotten."""
        return tuple({source: None for work in self._all_work() for source in work._leave_sources(*left)})

    def _left_behind(self) -> Iterable[Production]:
        """Return what this has let go of and nobody else holds or reads."""
        return [part for work in self._all_work() for part in work._left_behind()]

    def _let_go(self, by: Production) -> LettingGo | None:
        """Have this stop when nothing wants it any more, because a result of it has ended before it."""
        holder = self._held_by()
        if isinstance(holder, Unheld) or self._has_given_all():
            return None
        work = holder._all_work()
        if not work or not work[0]._has_work():
            return None
        from miniagents.promising.core.letting_go import let_go  # noqa: PLC0415  # a first agent does without

        return let_go(work, holder, by)

    def _without_holder(self) -> Any:  # Any: what this is
        """Return another promise of the same, still to come, which keeps nothing from being let go."""
        promise = self._made_again()
        promise._holder = UNHELD
        if self._work is not None:
            self._work.settles(promise)
        return promise

    def _made_again(self) -> Any:  # Any: as above
        promise = blank(Promise)
        promise._prepare(self._context, self._name)
        return promise

    def _held_by(self) -> Holder:
        """Return the promise that is alive as long as somebody holds what this shows."""
        return self if self._holder is None else self._holder

    def _is_used_besides(self, stream: Working) -> bool:
        """Return whether anybody reads this, or anything but a stream and cancelled results is made of it."""
        pieces = self._pieces_production()
        results = [each for each in pieces._results or () if each is not stream]
        return bool(self._guests or pieces._guests) or not all(each._was_cancelled() for each in results)

    def _has_given_all(self) -> bool:
        """Return whether no result of this can have ended before it any more."""
        return self._is_done()

    async def _settled(self) -> Failure | None:
        """Wait for the end without being raised the error, which does not count as read by this."""
        if not self._is_done():
            await self._settle()
        return self._failure

    async def _until_complete(self) -> None:
        """Start the work and wait until all pieces are there; this counts as no reader, and leaves bounds alone."""

    async def _settled_as_read(self) -> Failure | None:
        """Do as `_settled`, but do not count as a reader, for whom a bounded stream would go on."""
        await self._until_complete()
        return await self._settled()

    async def _settle(self) -> None:
        """Wait until there is a value or an error."""
        if self._work is not None:
            self._work.start()
        await self._until_done()

    def _derived(self, resolver: Callable[[], Awaitable[U]], what: str, *others: Promise[object]) -> Promise[U]:
        """Make a promise of this one and others: as lazy as they are, with them as sources."""
        return derived(resolver, derived_name(self._name, what), (self, *others))


PENDING = object()
"""Stands for the value of a promise that has none yet."""

_new: Any = object.__new__  # Any: the caller says which promise it is, and prepares it
blank: Final[Callable[[type[Promise[Any]]], Any]] = _new  # Any: as above
"""Makes an object of the class that is not prepared yet."""


class Unheld(enum.Enum):
    """The type of what stands for the holder of a view that keeps nothing from being let go."""

    UNHELD = enum.auto()


UNHELD: Final = Unheld.UNHELD
"""The holder of such a view."""

Holder: TypeAlias = "Promise[Any] | Unheld"  # Any: nothing of it is looked at
"""The promise that is alive as long as somebody holds what another one shows."""


def failed_here(error: BaseException) -> Any:  # Any: nobody sees what is made after this
    """Have the running work of a promise fail, with an error that no frame has raised.

    The frame of a combinator refers to its sources. It would hold them as long as somebody holds the error.
    """
    work = producing.get()
    if work is None:
        raise error
    work._end_with(error)


def derived(resolver: Callable[[], Awaitable[U]], name: str, sources: Iterable[Promise[object]]) -> Promise[U]:
    """Make a promise of others.

    It is as lazy as they are. Cancelling it cancels those that are not used elsewhere.
    """
    sources = tuple(sources)
    promise: Promise[U] = blank(Promise)
    work = promise._work_by(resolver, name)
    work._made_of(sources)  # first: if tasks are eager the work runs at once, and has to know its sources
    if promise.context.start_asap and not any(source._is_lazy() for source in sources):
        work.start()
    else:
        work._belongs_here()
    return promise


def _settled_promise(name: str) -> Promise[Any]:  # Any: the caller puts the value in
    promise: Promise[Any] = blank(Promise)  # Any: as above
    promise._prepare(None, name)
    return promise
