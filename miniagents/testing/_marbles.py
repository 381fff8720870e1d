"""Streams and promises that are written as marble diagrams.

The notation is that of ReactiveX, with two differences that make diagrams easier to read. A group takes one unit of
time, however many characters it has. Spaces have no meaning, so they can align lines.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeAlias, overload

from typing_extensions import TypeVar

from miniagents.promising import DEFAULT, Default, NoActiveContextError, Promise, PromisingContext, Stream
from miniagents.promising.core.access import buffer_of
from miniagents.promising.core.arguments import check_bound, check_kind, check_not_negative, check_plain
from miniagents.promising.core.current import active_context
from miniagents.promising.stream import piped
from miniagents.testing._pictures import ERROR, Line, Picture

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator

    from miniagents.promising.core.failure import Failure
    from miniagents.promising.core.pieces import PieceBuffer

__all__ = ["current_picture", "marble", "marbles", "positive"]

Q = TypeVar("Q")

_Values: TypeAlias = "Mapping[str, Any] | Callable[[str], Any]"  # Any: the overloads tie the result to it
_AnyStream: TypeAlias = "Stream[Any]"  # Any: the overloads tie it to `values`
_AnyPromise: TypeAlias = "Promise[Any]"  # Any: the overloads tie it to `values`

current_picture: Final[ContextVar[Picture | None]] = ContextVar("miniagents.current_picture", default=None)
"""The picture on which new sources are drawn; None outside of `run_marbles`."""

_LONG_PAUSE: Final = re.compile(r"~(\d+)~")
_TIME: Final = re.compile(r"(?<![^ ])(\d+(?:\.\d+)?)(ms|s|m)(?![^ ])")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0}
_MARKS: Final = frozenset("-~|() ")


class _Piece(NamedTuple, Generic[Q]):
    """A piece of a stream; the wrapper tells a piece that is an exception or None from an error or the end."""

    value: Q


class _Event(NamedTuple, Generic[Q]):
    """An event of a diagram.

    Attributes:
        place: The index of its character in the diagram.
        time: The time at which it happens, in units from the start.
        what: A piece, an error to raise, or None for the end.
    """

    place: int
    time: float
    what: _Piece[Q] | BaseException | None


@overload
def marbles(
    diagram: str,
    /,
    *,
    errors: Mapping[str, BaseException] | None = None,
    unit: float | None = None,
    name: str = "source",
    times: bool = False,
    start_asap: bool | Default = DEFAULT,
    max_ahead: int | None = None,
) -> Stream[str]: ...
@overload
def marbles(
    diagram: str,
    /,
    *,
    values: Mapping[str, Q] | Callable[[str], Q],
    errors: Mapping[str, BaseException] | None = None,
    unit: float | None = None,
    name: str = "source",
    times: bool = False,
    start_asap: bool | Default = DEFAULT,
    max_ahead: int | None = None,
) -> Stream[Q]: ...
def marbles(
    diagram: str,
    /,
    *,
    values: _Values = str,
    errors: Mapping[str, BaseException] | None = None,
    unit: float | None = None,
    name: str = "source",
    times: bool = False,
    start_asap: bool | Default = DEFAULT,
    max_ahead: int | None = None,
) -> _AnyStream:
    """Return a stream with the timing of a diagram, such as `"a-b--#-(cd)|"`; each character is one unit of time.

    | mark | meaning |
    |---|---|
    | a letter or digit | a piece |
    | `-` | nothing happens for one unit |
    | `~60~` | nothing happens for 60 units |
    | `#` | an error in its place, `ValueError("#")`; more pieces may follow |
    | `(ab#)` | several events at the same time, which take one unit together |
    | `|` | the end of the stream; without it the stream never ends |
    | a space | takes no time; it only aligns one line with another |

    Time begins when the stream starts. If several sources have an event at the same time, the one that started first
    comes first, on a `VirtualClockEventLoop` together with everything that follows from it. In `run_marbles` the stream
    gets a line of its own, on which `!` is the moment at which it was cancelled.

    Args:
        diagram: The pieces, errors and pauses, in the notation above.
        values: The piece for each letter or digit: a mapping, or a function such as `int`. By default the piece is the
            character itself.
        errors: The error for each further character, or for `#` instead of the `ValueError`.
        unit: The length of a unit in seconds of the loop's clock; by default 1, or the unit of `run_marbles`.
        name: The name of the stream in errors and diagrams.
        times: Whether `9ms`, `1.5s` and `2m` between spaces are pauses of that length, as in RxJS. By default they are
            refused, because their letters and digits would be pieces.
        start_asap: True starts the stream at the next turn of the loop, False when it is first read; by default as the
            active context says.
        max_ahead: How many pieces the stream may be ahead of the furthest reader; None for no bound.

    Raises:
        ValueError: The diagram is malformed (the message shows where), or `unit` or `max_ahead` is not positive.
        NoActiveContextError: There is no active context.

    >>> async def main() -> None:
    ...     async with PromisingContext():
    ...         print(await marbles("1-2-(34)|", values=int, unit=0.001))
    >>> asyncio.run(main())
    (1, 2, 3, 4)
    """
    _check_context("marbles")
    length = _length_of_unit(unit)
    reader = _Reader("marbles", diagram, values, errors, length if times else None)
    events = tuple(reader.events())
    check_bound(max_ahead)
    source = _Source(name, length, [*(event.time for event in events), reader.time])

    async def played(out: PieceBuffer[Any]) -> AsyncIterator[Any | Failure]:  # Any: pieces of any type
        with source as line:
            for event in events:
                await source.time(event.time)
                what = event.what
                if what is None:
                    line.mark("|", last=True)
                    return
                if isinstance(what, _Piece):
                    line.piece(what.value)
                    yield what.value
                else:
                    line.error(what)
                    yield out.failure_of(what)
            await source.never(reader.time)

    stream: _AnyStream = piped(played, name, (), lazy=start_asap is False, max_ahead=max_ahead)
    if start_asap is True:
        buffer_of(stream).start()
    source.belongs_to(stream)
    return stream


@overload
def marble(
    diagram: str,
    /,
    *,
    errors: Mapping[str, BaseException] | None = None,
    unit: float | None = None,
    name: str = "source",
    times: bool = False,
    start_asap: bool | Default = DEFAULT,
) -> Promise[str]: ...
@overload
def marble(
    diagram: str,
    /,
    *,
    values: Mapping[str, Q] | Callable[[str], Q],
    errors: Mapping[str, BaseException] | None = None,
    unit: float | None = None,
    name: str = "source",
    times: bool = False,
    start_asap: bool | Default = DEFAULT,
) -> Promise[Q]: ...
def marble(
    diagram: str,
    /,
    *,
    values: _Values = str,
    errors: Mapping[str, BaseException] | None = None,
    unit: float | None = None,
    name: str = "source",
    times: bool = False,
    start_asap: bool | Default = DEFAULT,
) -> _AnyPromise:
    """Return a promise with the timing of a diagram: a value (`"--a"`), an error (`"--#"`), or neither ever (`"--"`).

    The notation is that of `marbles`, without `|`.

    Args:
        diagram: The pause, and the value or error.
        values: The value for each letter or digit: a mapping, or a function such as `int`. By default the value is the
            character itself.
        errors: The error for each further character, or for `#` instead of the `ValueError`.
        unit: The length of a unit in seconds of the loop's clock; by default 1, or the unit of `run_marbles`.
        name: The name of the promise in errors and diagrams.
        times: Whether `9ms`, `1.5s` and `2m` between spaces are pauses of that length, as in RxJS. By default they are
            refused, because their letters and digits would be pieces.
        start_asap: True starts the promise at the next turn of the loop, False when it is first awaited; by default as
            the active context says.

    Raises:
        ValueError: The diagram is malformed or has more than one value or error (the message shows where), or `unit`
            is not positive.
        NoActiveContextError: There is no active context.

    >>> async def main() -> None:
    ...     async with PromisingContext():
    ...         print(await marble("--a", unit=0.001).map(str.upper))
    >>> asyncio.run(main())
    A
    """
    _check_context("marble")
    length = _length_of_unit(unit)
    reader = _Reader("marble", diagram, values, errors, length if times else None)
    events = tuple(reader.events())
    for event in events:
        if event.what is None or event is not events[0]:
            raise reader.refused("a promise has one value and no end; marbles() makes streams", event.place)
    source = _Source(name, length, [*(event.time for event in events), reader.time])

    async def resolved() -> Any:  # Any: a value of any type
        with source as line:
            for event in events:
                await source.time(event.time)
                if isinstance(event.what, _Piece):
                    line.piece(event.what.value, last=True)
                    return event.what.value
                if event.what is not None:
                    line.error(event.what, last=True)
                    raise event.what
            return await source.never(reader.time)

    promise: _AnyPromise = Promise(resolved, start_asap=start_asap, name=name)
    source.belongs_to(promise)
    return promise


def positive(name: str, number: float) -> float:
    """Return the number.

    Raises:
        TypeError: It is no number.
        ValueError: The number is not positive, or is infinite.
    """
    wanted = "it must be a positive number"
    check_not_negative(f"{name}={number}", number, if_zero=wanted, if_infinite=wanted)
    return number


# --- machinery ---


class _Reader(Generic[Q]):
    """Reads a diagram.

    Args:
        function: The name of the calling function, for errors.
        diagram: The diagram.
        values: The piece for each letter or digit.
        errors: The error for each further character.
        unit: The length of a unit in seconds if the diagram may have times such as `9ms`; None if it may not.
    """

    def __init__(
        self,
        function: str,
        diagram: str,
        values: Mapping[str, Q] | Callable[[str], Q],
        errors: Mapping[str, BaseException] | None,
        unit: float | None,
    ) -> None:
        check_kind(function, diagram, str, "no diagram; write a text such as '-a'")
        if callable(values):
            check_plain(f"{function}: values", values)
        else:
            check_kind(f"{function}: values", values, Mapping, "no mapping and no function")
        check_kind(f"{function}: errors", errors, Mapping | None, "no mapping; write {'x': KeyError()}")
        self._function = function
        self._diagram = diagram
        self._values = values if callable(values) else values.__getitem__
        self._errors = errors or {}
        self._unit = unit
        self.time = 0.0
        """The time of the next event, in units; after reading, the length of the diagram."""
        for mark, error in self._errors.items():
            check_kind(f"{function}: the error for {mark!r}", error, BaseException, "no exception; write KeyError()")
            if len(mark) != 1 or mark in _MARKS:
                raise ValueError(
                    f"{function}: {mark!r} cannot stand for an error: it is not one character, or already has a meaning"
                )

    def events(self) -> Iterator[_Event[Q]]:
        """Yield the events of the diagram in their order."""
        diagram, place, group, has_ended, is_empty = self._diagram, 0, -1, False, False
        while place < len(diagram):
            mark, step, units = diagram[place], 1, 1.0 if group < 0 else 0.0
            time = _TIME.match(diagram, place)
            if has_ended and mark not in " )":
                raise self.refused("nothing comes after the end", place)
            if mark == " ":
                units = 0
            elif mark == "(":
                if group >= 0:
                    raise self.refused("a group cannot have a group inside", place)
                group, is_empty, units = place, True, 0
            elif mark == ")":
                if group < 0:
                    raise self.refused("there is no open group that this could close", place)
                if is_empty:
                    raise self.refused("the group is empty", place)
                group, units = -1, 1
            elif mark in "-~" or time is not None:
                if group >= 0:
                    raise self.refused("no time passes inside a group", place)
                if time is not None:
                    step, units = len(time[0]), self._units(time[0], float(time[1]) * _SECONDS[time[2]], place)
                elif mark == "~":
                    pause = _LONG_PAUSE.match(diagram, place)
                    if pause is None:
                        raise self.refused("a long pause needs a number of units, as in ~60~", place)
                    step, units = len(pause[0]), int(pause[1])
            else:
                has_ended, is_empty = mark == "|", False
                yield _Event(place, self.time, None if has_ended else self._meaning(mark, place))
            self.time += units
            place += step
        if group >= 0:
            raise self.refused("the group is not closed", group)

    def refused(self, why: str, place: int) -> ValueError:
        """Return the error for a malformed diagram, which shows the place."""
        return ValueError(f"{self._function}: {why}\n  {self._diagram}\n  {'^':>{place + 1}}")

    def _units(self, text: str, seconds: float, place: int) -> float:
        if self._unit is None:
            why = (
                f"is {text!r} a time or pieces? Say times=True for a time, or write pieces without a space beside them"
            )
            raise self.refused(why, place)
        return seconds / self._unit

    def _meaning(self, mark: str, place: int) -> _Piece[Q] | BaseException:
        if mark in self._errors:
            return self._errors[mark]
        if mark == ERROR:
            return ValueError(ERROR)
        if not mark.isalnum():
            raise self.refused(f"{mark!r} has no meaning; pieces are letters and digits", place)
        try:
            return _Piece(self._values(mark))
        except Exception as error:
            raise self.refused(f"`values` has nothing for {mark!r}", place) from error


def _check_context(function: str) -> None:
    """Refuse to make a source outside of a context, as in `run_marbles(marbles(...))`.

    Raises:
        NoActiveContextError: There is no active context.
    """
    if active_context.get() is None:
        raise NoActiveContextError(
            f"{function}: there is no active PromisingContext here: give `run_marbles` a function that makes its "
            f"sources, as in `run_marbles(lambda: {function}(...))`, or write `async with PromisingContext():`"
        )


def _length_of_unit(unit: float | None) -> float:
    """Return the seconds of a unit: those given, else those of the picture."""
    picture = current_picture.get()
    if unit is None:
        return 1.0 if picture is None else picture.unit
    return positive("unit", unit)


class _Source:
    """The clock of a source, and its line; entering the block begins both, leaving it ends the line.

    All timers are set when the source starts. So its events come before those of timers that are set later for the same
    moment, such as the limit of a timeout.

    Args:
        name: The label of the line.
        unit: The seconds of a unit.
        moments: The moments to wait for, in units from the start.
    """

    def __init__(self, name: str, unit: float, moments: Iterable[float]) -> None:
        PromisingContext.current()
        picture = current_picture.get()
        self._is_drawn = picture is not None
        self._picture = Picture(1.0) if picture is None else picture
        self._unit = unit
        self._moments = tuple(dict.fromkeys(moments))
        self._came: dict[float, asyncio.Future[None]] = {}
        self._timers: list[asyncio.TimerHandle] = []
        self._line = Line(self._picture, name)
        self._picture.sources.append(self._line)

    def belongs_to(self, promise: Promise[object]) -> None:
        """Mark the promise as drawn already, so that it gets no second line."""
        if self._is_drawn:
            self._picture.known.append(promise)

    def __enter__(self) -> Line:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        self._line.begin = self._picture.now()
        for units in self._moments:
            came = self._came[units] = loop.create_future()
            self._timers.append(loop.call_at(begin + units * self._unit, _resolve, came))
        return self._line

    def __exit__(self, *_: object) -> None:
        for timer in self._timers:
            timer.cancel()
        if self._line.end is None:
            self._line.mark("!", last=True)

    async def time(self, units: float) -> None:
        """Wait until this many units have passed since the start; it is one of the given moments."""
        await self._came[units]

    async def never(self, units: float) -> None:
        """Wait for the length of the diagram, then forever."""
        await self.time(units)
        self._picture.reach = max(self._picture.reach, self._picture.now())
        await asyncio.get_running_loop().create_future()


def _resolve(came: asyncio.Future[None]) -> None:
    if not came.done():
        came.set_result(None)
