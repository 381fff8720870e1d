"""What the laws make results of: sources that play a script and remember what happened to them."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final, TypeAlias, TypeGuard, TypeVar

from miniagents.messages import Message, MessagePromise, MessageSequencePromise, stream_message
from miniagents.promising import DEFAULT, Err, Promise, PromiseCancelledError, Stream, StreamedPromise
from miniagents.promising.core.failure import Failure
from miniagents.promising.core.pieces import PieceBuffer
from miniagents.promising.stream import piped

A = TypeVar("A")
B = TypeVar("B")
Q = TypeVar("Q")

Outcome: TypeAlias = object
"""A piece or, where it is an exception, an error in its place."""

Script: TypeAlias = Sequence[int | BaseException]
"""What a source gives, one after the other; of a promise there is one alone."""


class PieceError(Exception):
    """An error with a number, equal to the others of its number."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number: Final = number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PieceError) and other.number == self.number

    def __hash__(self) -> int:
        return hash(self.number)


class OddError(BaseException):
    """The same, but no `Exception`."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number: Final = number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OddError) and other.number == self.number

    def __hash__(self) -> int:
        return hash(self.number)


class AllError(Exception):
    """A group of errors, equal to the others with equal errors."""

    def __init__(self, errors: Iterable[BaseException]) -> None:
        self.errors: Final = tuple(errors)
        super().__init__(*self.errors)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AllError) and other.errors == self.errors

    def __hash__(self) -> int:
        return hash(self.errors)


class CtrlC(KeyboardInterrupt):
    """One that ends the test it escapes from, not the whole run."""


BAD: Final = -1
"""The piece for which the functions given to combinators raise a `PieceError`."""
ODD: Final = -2
"""The piece for which they raise an `OddError`."""


CANCELS: Final = -3
"""The piece for which they cancel the result."""

made_of: Final[ContextVar["Given | None"]] = ContextVar("made_of", default=None)
"""What the result is made of that `CANCELS` cancels."""


def refuse(piece: int) -> None:
    """What the functions given to combinators do first."""
    given = made_of.get()
    if piece == CANCELS and given is not None and given.result is not None:
        given.cancelled = given.result.cancel()
    if piece == BAD:
        raise PieceError(piece)
    if piece == ODD:
        raise OddError(piece)


def token(number: int) -> str:
    return f"{number} "


def text(number: int) -> Message:
    return Message(str(number))


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How sources give what is in their scripts.

    Attributes:
        lazy: they start when somebody reads.
        max_ahead: the bound of streams.
        pause: turns of the loop before each piece.
        waits: they do not end by themselves: streams after their last piece, promises before their value.
        ready: everything is there from the beginning.
        foreign: they are plain async generators, wherever the combinator takes any async iterable.
        circular: they wait for the result before they give anything.
        stuck: the async functions that are given to the combinator do not end by themselves.
    """

    lazy: bool = False
    max_ahead: int | None = None
    pause: int = 0
    waits: bool = False
    ready: bool = False
    foreign: bool = False
    circular: bool = False
    stuck: bool = False


@dataclass(eq=False)
class Source:
    """What became of one source."""

    script: Script
    started: bool = False
    made: int = 0
    stopped: bool = False
    promise: Promise[object] | None = None
    """The promise that the combinator was given, unless it is a plain async generator."""

    generator: AsyncIterator[object] | None = None
    """That generator, kept so that nobody but the combinator closes it."""

    def is_foreign(self) -> bool:
        """Whether it is a plain async generator."""
        return self.promise is None

    def effective(self) -> Script:
        """What it gives: a plain async generator ends with its first error."""
        errors = [place for place, outcome in enumerate(self.script) if isinstance(outcome, BaseException)]
        return self.script[: errors[0] + 1] if self.is_foreign() and errors else self.script


@dataclass(eq=False)
class Given:
    """What a case makes its result of: each call gives one more source, with the next script."""

    scripts: Sequence[Script]
    manner: Manner = Manner()
    sources: list[Source] = field(default_factory=list[Source])
    release: asyncio.Event = field(default_factory=asyncio.Event)
    """Set it, and whatever waits goes on."""
    calls: int = 0
    """How many async functions of the case are running."""
    result: Promise[object] | None = None
    """What was made, for sources that wait for it."""
    cancelled: bool = False
    """Whether a function of the case has cancelled it."""

    def effective(self) -> list[Script]:
        """What the sources give, those as well that nothing was asked of yet."""
        asked_for = [source.effective() for source in self.sources]
        return [*asked_for, *self.scripts[len(asked_for) :]]

    # --- sources ---

    def stream(self) -> Stream[int]:
        """A stream of numbers."""
        return self._stream(int)

    def iterable(self) -> AsyncIterable[int]:
        """The same, or a plain async generator, as the law wants it."""
        return self._foreign(int) if self.manner.foreign else self.stream()

    def promise(self) -> Promise[int]:
        """The promise of a number."""
        source = self._next()
        outcome = source.script[0]
        if self.manner.ready:
            promise = Promise.failed(outcome) if isinstance(outcome, BaseException) else Promise.resolved(outcome)
        else:
            promise = Promise(lambda: self._work(source), start_asap=False if self.manner.lazy else DEFAULT)
        source.promise = promise
        return promise

    def message(self) -> MessagePromise[Message]:
        """A message that is streamed, each number a token with a space behind it."""
        return stream_message(Message, self._stream(token))

    def tokens(self) -> AsyncIterable[str]:
        """The tokens of such a message, as a stream or, if the law wants it, as a plain async generator."""
        return self._foreign(token) if self.manner.foreign else self._stream(token)

    def messages(self) -> MessageSequencePromise[Message]:
        """A sequence of messages, the text of each a number."""
        return MessageSequencePromise.of_promises(self._stream(lambda number: MessagePromise.of_message(text(number))))

    # --- functions ---

    def slowly(self, fn: Callable[[A], B]) -> Callable[[A], Awaitable[B]]:
        """The async function that gives what a plain one does, when the law lets it."""

        async def slow(argument: A) -> B:
            self.calls += 1
            try:
                if self.manner.stuck:
                    await self.release.wait()
                await turns(self.manner.pause)
                return fn(argument)
            finally:
                self.calls -= 1

        return slow

    # --- machinery ---

    def _next(self) -> Source:
        script = self.scripts[len(self.sources)] if len(self.sources) < len(self.scripts) else ()
        source = Source(script)
        self.sources.append(source)
        return source

    def _stream(self, convert: Callable[[int], Q]) -> Stream[Q]:
        source = self._next()
        pieces = [piece for piece in source.script if not isinstance(piece, BaseException)]
        if self.manner.ready and len(pieces) == len(source.script):
            stream = StreamedPromise.of(map(convert, pieces))
        else:
            stream = piped(
                lambda out: self._play(source, convert, out),
                f"source {len(self.sources)}",
                (),
                lazy=self.manner.lazy,
                max_ahead=self.manner.max_ahead,
            )
        source.promise = stream
        return stream

    async def _play(
        self, source: Source, convert: Callable[[int], Q], out: PieceBuffer[Q]
    ) -> AsyncIterator[Q | Failure]:
        source.started = True
        try:
            await self._begin()
            for outcome in source.script:
                await turns(self.manner.pause)
                source.made += 1
                yield out._failure_of(outcome) if isinstance(outcome, BaseException) else convert(outcome)
            await self._end()
        finally:
            source.stopped = True

    def _foreign(self, convert: Callable[[int], Q]) -> AsyncIterator[Q]:
        source = self._next()
        generator = self._generate(source, convert)
        source.generator = generator
        return generator

    async def _generate(self, source: Source, convert: Callable[[int], Q]) -> AsyncIterator[Q]:
        source.started = True
        try:
            await self._begin()
            for outcome in source.script:
                await turns(self.manner.pause)
                source.made += 1
                if isinstance(outcome, BaseException):
                    raise outcome
                yield convert(outcome)
            await self._end()
        finally:
            source.stopped = True

    async def _work(self, source: Source) -> int:
        source.started = True
        try:
            await self._begin()
            await turns(self.manner.pause)
            await self._end()
            source.made += 1
            outcome = source.script[0]
            if isinstance(outcome, BaseException):
                raise outcome
            return outcome
        finally:
            source.stopped = True

    async def _begin(self) -> None:
        if self.manner.circular:
            assert self.result is not None
            await self.result

    async def _end(self) -> None:
        if self.manner.waits:
            await self.release.wait()


# --- readers ---


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def outcome_of(promise: Awaitable[object]) -> Outcome:
    """The value, or the error."""
    try:
        return await promise
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is what was delivered
        return error


async def pieces_of(stream: AsyncIterable[object], limit: int | None = None) -> list[Outcome]:
    """The pieces and errors of a stream, all of them or the first few, in their places."""
    read: list[Outcome] = []
    pieces = aiter(stream)
    while limit is None or len(read) < limit:
        try:
            read.append(await anext(pieces))
        except StopAsyncIteration:
            break
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is what was delivered
            read.append(error)
    return read


async def outcomes(promise: Promise[object], limit: int | None = None) -> list[Outcome]:
    """What a reader gets: the pieces of a stream, the value of any other promise."""
    return await pieces_of(promise, limit) if is_stream(promise) else [await outcome_of(promise)]


async def values(read: Iterable[Outcome]) -> list[Outcome]:
    """The same with what is in those pieces that are promises themselves, so that it can be compared."""
    return [await _value(piece) for piece in read]


async def _value(piece: Outcome) -> Outcome:
    if is_stream(piece) and not is_message(piece):
        return await pieces_of(piece)
    if is_promise(piece):
        return await outcome_of(piece)
    if is_tuple(piece):
        return tuple(await values(piece))
    return AllError(piece.exceptions) if is_group(piece) else piece


def errors_in(outcome: Outcome) -> list[BaseException]:
    """An error, or those in a tuple, in a group of them, or in the outcome of a promise."""
    if isinstance(outcome, Err):
        return [outcome.error]
    if isinstance(outcome, AllError):
        return list(outcome.errors)
    if is_tuple(outcome):
        return [error for part in outcome for error in errors_in(part)]
    return [outcome] if isinstance(outcome, BaseException) else []


def is_message(value: object) -> bool:
    return isinstance(value, MessagePromise)


def is_promise(value: object) -> TypeGuard[Promise[object]]:
    return isinstance(value, Promise)


def is_stream(promise: object) -> TypeGuard[StreamedPromise[object, object]]:
    return isinstance(promise, StreamedPromise)


def is_tuple(value: object) -> TypeGuard[tuple[object, ...]]:
    return isinstance(value, tuple)


def is_group(value: object) -> TypeGuard[BaseExceptionGroup[BaseException]]:
    return isinstance(value, BaseExceptionGroup)


def is_cancelled(outcome: Outcome) -> bool:
    return isinstance(outcome, PromiseCancelledError)
