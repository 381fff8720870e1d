"""A promise of one value, and the combinators of one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Generic, NoReturn, overload

from typing_extensions import TypeVar, TypeVarTuple, Unpack

from miniagents.promising.core.arguments import (
    check_callable,
    check_errors,
    check_kind,
    check_not_negative,
    check_plain,
)
from miniagents.promising.core.current import active_context, producing
from miniagents.promising.core.failure import Catching
from miniagents.promising.core.naming import derived_name, name_of
from miniagents.promising.core.production import Production
from miniagents.promising.errors import PromiseCancelledError
from miniagents.promising.sentinels import DEFAULT, Default

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Iterable

    from miniagents.promising.context import PromisingContext
    from miniagents.promising.core.failure import Failure

__all__ = ["Promise"]

T_co = TypeVar("T_co", covariant=True)
U = TypeVar("U")
E = TypeVar("E", bound=BaseException)
Ts = TypeVarTuple("Ts")


class Promise(Production, Generic[T_co]):
    """A value that will be there later.

    Awaiting gives the value, or raises the error that kept it from being made: the same object each time, to any number
    of readers. The work runs in a task of its own, so that a reader who is cancelled or loses patience takes nothing
    away from the others.

    The combinators make new promises of this one, which start at once, or lazily if it is lazy. Unless one says
    otherwise, an error stays the error, and one that a given function raises is that of the result; cancelling the
    result cancels this promise too, unless somebody else uses it; each costs one task. What is no promise or no class
    of exceptions where one is asked for is refused by a `TypeError`, and so is an async function that nobody would
    await. The names are those of Rust's futures where they have one.

    Args:
        resolver: an async function (or anything whose call gives an awaitable) that makes the value; called once.
        start_asap: True starts the work at the next turn of the loop, False when somebody first awaits it; by default
            as the active context says.
        name: what errors, logs and tasks call this promise; by default the resolver's name.

    Raises:
        NoActiveContextError: there is no active context that could own the work.
        TypeError: the resolver cannot be called; a coroutine, for one, is no function that gives one.

    >>> async def answer() -> int:
    ...     return 42
    >>> async def main() -> None:
    ...     async with PromisingContext():
    ...         promise = Promise(answer)
    ...         print(await promise, await promise)
    >>> asyncio.run(main())
    42 42
    """

    __slots__ = ("_failure", "_resolver", "_value")

    def __init__(
        self,
        resolver: Callable[[], Awaitable[T_co]],
        *,
        start_asap: bool | Default = DEFAULT,
        name: str | None = None,
    ) -> None:
        check_callable("Promise", resolver)
        self._prepare(active_context.get(), name if name is not None else name_of(resolver), resolver)
        context = self.context
        context.open_loop(self.name)
        context.notify_resolved(self)
        if context.start_asap if start_asap is DEFAULT else start_asap:
            self._start()
        else:
            self._belongs_here()

    @classmethod
    def resolved(cls, value: U, /) -> Promise[U]:
        """A promise that already has its value; needs no context.

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
        """A promise that has already failed; needs no context.

        Raises:
            TypeError: it is given something that is no exception.

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

    # --- reading ---

    def __await__(self) -> Generator[Any, None, T_co]:  # Any: what asyncio's futures yield is asyncio's own affair
        if self._value is PENDING and self._failure is None and not self._is_at_hand():
            yield from self._settle().__await__()
        if self._failure is not None:
            self._failure.reraise()
        value: T_co = self._value
        return value

    def done(self) -> bool:
        """Whether there is a value or an error."""
        return self._is_done()

    def cancelled(self) -> bool:
        """Whether the promise was cancelled before it had a value."""
        return self.done() and self._failure is not None and isinstance(self._failure.error, PromiseCancelledError)

    def cancel(self) -> bool:
        """Stops the work and everything that it started, also what still runs after the promise has resolved.

        The promises that a combinator made this of are cancelled as well, unless somebody else uses them: reads them,
        or has made something else of them that is not finished. Readers get `PromiseCancelledError`. Nothing happens
        to what is finished.

        Returns:
            Whether there was anything to stop.
        """
        self.done()  # a whole that can be made of pieces that are all there is not lost
        return super().cancel()

    def __repr__(self) -> str:
        state = "resolved" if self._value is not PENDING else "pending" if self._failure is None else "failed"
        return f"<{type(self).__name__} {self._name!r} {state}>"

    # --- combinators ---

    def map(self, fn: Callable[[T_co], U], /) -> Promise[U]:
        """What a plain function makes of the value; an error stays the error.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await Promise.resolved(20).map(lambda value: value + 1))
        >>> asyncio.run(main())
        21
        """

        async def mapped() -> U:
            return fn(await self)

        return self._derived(mapped, "map")

    def then(self, fn: Callable[[T_co], Awaitable[U]], /) -> Promise[U]:
        """What an async function makes of the value; an error stays the error (JavaScript's and Rust's `then`).

        Cancelling the result cancels the call. The function may as well give a promise: one that it made is cancelled
        with the call, any other goes on for its other readers.

        >>> async def double(value: int) -> int:
        ...     return 2 * value
        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await Promise.resolved(21).then(double))
        >>> asyncio.run(main())
        42
        """

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
        """What a plain function makes of an error of the given classes (by default of any `Exception`).

        The value, where there is one, and other errors stay as they are. It is JavaScript's `catch` and Rust's
        `unwrap_or_else`.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await Promise.failed(ValueError("no")).recover(lambda error: str(error), ValueError))
        >>> asyncio.run(main())
        no
        """
        check_errors("recover", errors)
        expected = errors or (Exception,)

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
        """The value if it comes within `seconds` of the start of the result, else `default` or a `TimeoutError`.

        The work itself goes on for its other readers, where `asyncio.wait_for` cancels it: cancel this promise if
        nobody else needs it. A `TimeoutError` of the work is an error like any other: `default` does not replace it.

        Raises:
            ValueError: the time is negative.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         slow = Promise(lambda: asyncio.sleep(0.05, "late"))
        ...         print(await slow.timeout(0.001, default="nothing"), await slow)
        >>> asyncio.run(main())
        nothing late
        """
        check_not_negative(f"timeout({seconds})", seconds)

        async def in_time() -> T_co | U:
            limit = asyncio.timeout(seconds)
            try:
                async with limit:
                    return await self
            except TimeoutError:
                if not limit.expired():
                    raise  # the source's own
                if default is not DEFAULT:
                    return default
                raise TimeoutError(f"{self._name!r} gave no result within {seconds} s") from None

        return self._derived(in_time, "timeout")

    def tap(self, fn: Callable[[T_co], object], /) -> Promise[T_co]:
        """The same value, after a plain function has looked at it; an error of the function is the result's.

        An error is not looked at. It is Rust's `inspect`; the name is that of ReactiveX and Ruby.

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
        """A tuple's promise with one more value behind it.

        Its error is that of the tuple, else that of the other promise. Both are awaited one after the other, and are
        cancelled with the result as all sources are.

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await Promise.resolved((1, "a")).pair(Promise.resolved(True)))
        >>> asyncio.run(main())
        (1, 'a', True)
        """
        check_kind("pair", other, Promise, "no promise")

        async def paired() -> tuple[*Ts, U]:
            return (*(await self), await other)

        return self._derived(paired, "pair", other)

    def starmap(self: Promise[tuple[*Ts]], fn: Callable[[Unpack[Ts]], U], /) -> Promise[U]:
        """What a plain function makes of a tuple's values, each an argument of its own (`itertools.starmap`).

        >>> async def main() -> None:
        ...     async with PromisingContext():
        ...         print(await Promise.resolved((3, "a")).starmap(lambda count, text: count * text))
        >>> asyncio.run(main())
        aaa
        """

        async def mapped() -> U:
            return fn(*(await self))

        return self._derived(mapped, "starmap")

    def flatten(self: Promise[Promise[U]]) -> Promise[U]:
        """The value of the promise that this promise resolves to, or the first error of the two.

        Cancelling the result cancels the inner promise likewise, once it is there, unless somebody else uses it.

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

    def _prepare(
        self, context: PromisingContext | None, name: str, resolver: Callable[[], Awaitable[T_co]] | None = None
    ) -> None:
        """Makes this a promise with nothing in it yet."""
        self._context = context
        self._name = name
        self._birth = self._owner = self._tasks = self._started = self._sources = self._results = self._wakeup = None
        self._guests = 0
        self._value: Any = PENDING  # Any: the sentinel aside it is a T_co, which no checker can follow through a slot
        self._failure: Failure | None = None
        self._resolver = resolver

    def _is_done(self) -> bool:
        """Whether there is a value or an error."""
        return self._value is not PENDING or self._failure is not None

    def _is_lazy(self) -> bool:
        """Whether the work waits for a first reader: what is derived from this then does so too."""
        return self._resolver is not None and not self._is_done()

    def _give_up(self, error: BaseException) -> None:
        """Fails, unless this is done."""
        if not self._is_done():
            self._resolver = None
            self._failure = self._failure_of(error)
            self._finished()

    def _when_started(self, then: Callable[[], object]) -> None:
        """Calls something when the work starts; at once where it has started."""
        resolver = self._resolver
        if resolver is None:
            then()
            return

        def start() -> Awaitable[T_co]:
            then()
            return resolver()

        self._resolver = start

    async def _settled(self) -> Failure | None:
        """Waits for the end without raising the promise's error, which nobody has seen by this."""
        if not self._is_done():
            await self._settle()
        return self._failure

    async def _settle(self) -> None:
        """Waits until there is a value or an error."""
        self._start()
        await self._until_done()

    def _start(self) -> None:
        resolver = self._resolver
        if resolver is not None:
            self._resolver = None
            self._launch(self._produce(resolver))

    async def _produce(self, resolver: Callable[[], Awaitable[T_co]]) -> None:
        producing.set(self)
        with Catching(self):
            value = await resolver()
            if not self._is_done():
                self._value = value
                self._finished()

    def _derived(self, resolver: Callable[[], Awaitable[U]], what: str, *others: Promise[object]) -> Promise[U]:
        """A promise made of this one and others: as lazy as they are, and cancelling those that nobody else uses."""
        return derived(resolver, derived_name(self._name, what), (self, *others))


PENDING = object()


def derived(resolver: Callable[[], Awaitable[U]], name: str, sources: Iterable[Promise[object]]) -> Promise[U]:
    """A promise that is made of others.

    It is as lazy as they are, and cancels those that nobody else uses when it is cancelled.
    """
    sources = tuple(sources)
    lazy = any(source._is_lazy() for source in sources)
    promise = Promise(resolver, start_asap=False, name=name)
    promise._made_of(sources)  # before the work begins, which may be at once where tasks are eager
    if not lazy and promise.context.start_asap:
        promise._start()
    return promise


def blank(cls: type[Promise[Any]]) -> Any:  # Any: the caller says of what, and puts that in
    """A promise of the class that was not prepared yet."""
    return object.__new__(cls)


def _settled_promise(name: str) -> Promise[Any]:  # Any: the caller puts the value in
    promise: Promise[Any] = blank(Promise)  # Any: as above
    promise._prepare(None, name)
    return promise
