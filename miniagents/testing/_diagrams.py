"""Reads promises, draws when their pieces and values arrive, and compares the drawing with an expected one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from textwrap import indent
from typing import Final, TypeAlias

from miniagents.promising import Promise, PromisingContext
from miniagents.promising.core.arguments import check_kind, check_not_negative, check_plain
from miniagents.promising.core.failure import ends_task
from miniagents.testing._marbles import current_picture, positive
from miniagents.testing._pictures import (
    Line,
    Picture,
    Row,
    as_mark,
    error_in_words,
    events_in,
    in_columns,
    in_words,
    promises_in,
)
from miniagents.testing._virtual_clock import VirtualClockEventLoop

__all__ = ["Delivered", "Scenario", "assert_marbles", "diagram", "run_marbles"]

Delivered: TypeAlias = Awaitable[object] | AsyncIterable[object]
"""Anything that can be drawn: a promise, a stream, or another object that can be awaited or iterated."""

Scenario: TypeAlias = Callable[[], Delivered | Mapping[str, Delivered]]
"""A function that returns the promises to draw: one, or several with the labels of their lines."""


async def diagram(
    delivered: Delivered | Mapping[str, Delivered],
    /,
    *,
    unit: float = 1.0,
    until: float = 1000.0,
    cancel_at: float | None = None,
    pause: float = 0.0,
) -> str:
    """Read promises and draw what they deliver: a line for each, in the notation of `marbles`, then the whole result.

    All promises are read at the same time, from now on. Events in the same column happened at the same time. The line
    of a stream has its pieces and its end, and the line of a promise has its value; the rest of the line is empty. The
    line of a promise that has not ended reaches the right edge. On a `VirtualClockEventLoop` the text is the same in
    every run.

    | mark | meaning |
    |---|---|
    | `a`, `1` | a piece, or the value of a promise, of one character |
    | `'text'`, `[ab]`, `[10,20]`, `<10>`, `<None>` | longer pieces: a string, tuples or lists, any other object |
    | `#`, `<#KeyError>` | an error: `ValueError("#")`, or any other |
    | `*`, `[a*]` | a promise among the pieces; it has a line of its own below, which begins in the same column |
    | `(ab)`, `(a|)` | several events at the same time, in their order |
    | `<a@2.5>` | an event between two columns |
    | `~60~` | nothing happens for 60 units |
    | `=` | the whole result arrives later than the end of the stream |
    | `!` | a source is cancelled |

    Args:
        delivered: One promise, or several with the labels of their lines.
        unit: The width of a column, in seconds of the loop's clock.
        until: The number of columns after which reading stops, even if more would come.
        cancel_at: The column in which all given promises are cancelled; what comes in that column is still drawn. None
            cancels none.
        pause: The columns that a reader waits after each piece, to see what happens while readers are slow.

    Raises:
        ValueError: `unit` or `until` is not positive, or `cancel_at` or `pause` is negative.
        TypeError: Something cannot be drawn, or `cancel_at` is given and something is no promise that can be cancelled.

    >>> async def main() -> None:
    ...     async with PromisingContext():
    ...         source = marbles("a-b--(cd)|")
    ...         print(await diagram({"source": source, "batch": source.batch(2)}))
    >>> with asyncio.Runner(loop_factory=VirtualClockEventLoop) as runner:
    ...     runner.run(main())
    source  a-b   --(cd)|  = ('a', 'b', 'c', 'd')
    batch   --[ab]--[cd]|  = (('a', 'b'), ('c', 'd'))
    """
    picture = Picture(positive("unit", unit))
    return in_columns(await _drawn(delivered, picture, _Reading(until, cancel_at, pause), "result"))


def run_marbles(
    scenario: Scenario,
    /,
    *,
    result: str = "result",
    unit: float = 1.0,
    until: float = 1000.0,
    cancel_at: float | None = None,
    pause: float = 0.0,
    subscriptions: bool = False,
    context: PromisingContext | None = None,
) -> str:
    """Run a scenario on a `VirtualClockEventLoop`, without waiting, and return its diagram.

    The scenario is a plain function. It makes sources with `marbles` and `marble`, and returns the promises that it
    makes from them. The lines of the sources come first. Drawing does not read a source, so it does not change the
    result: a lazy source without a reader has an empty line. The lines of the returned promises follow, as `diagram`
    draws them. If several sources have an event at the same time, the source that started first comes first. Work that
    is still running when reading stops is cancelled.

    Args:
        scenario: Returns the promises to draw: one, or several with the labels of their lines.
        result: The label of the line if the scenario returns one promise.
        unit: The seconds of a column and of a unit of the sources.
        until: The number of columns after which reading stops, even if more would come.
        cancel_at: The column in which all given promises are cancelled; what comes in that column is still drawn. None
            cancels none.
        pause: The columns that a reader waits after each piece, to see what happens while readers are slow.
        subscriptions: Whether each source gets a second line, with the label `source ^`: `^` is its start, `|` its end,
            and `!` its cancellation.
        context: The context to run the scenario in, not yet entered; by default a new `PromisingContext`.

    Raises:
        ValueError: `unit` or `until` is not positive, or `cancel_at` or `pause` is negative.
        TypeError: The scenario is no plain function, or returns something that cannot be drawn. Or `cancel_at` is
            given, and it returns something that is no promise.
        RuntimeError: An event loop is running in this thread; await `diagram` there.

    >>> print(run_marbles(lambda: marbles("a-b--c|").batch(2)))
    source  a-b   --c|
    result  --[ab]---([c]|)  = (('a', 'b'), ('c',))
    >>> print(run_marbles(lambda: race(marble("---a", name="slow"), marble("-b", name="quick")), subscriptions=True))
    slow     -!
    slow ^   ^!
    quick    -b
    quick ^  ^|
    result   -b  = 'b'
    """
    reading = _Reading(until, cancel_at, pause)
    return in_columns(_run("run_marbles", scenario, result, unit, reading, context, subscriptions))


def assert_marbles(
    scenario: Scenario,
    expected: str | Mapping[str, str],
    /,
    *,
    result: str = "result",
    unit: float = 1.0,
    until: float = 1000.0,
    cancel_at: float | None = None,
    pause: float = 0.0,
    subscriptions: bool = False,
    context: PromisingContext | None = None,
) -> None:
    """Run a scenario as `run_marbles` does, and compare lines of its diagram with expected ones.

    Only events and their times are compared, not the columns in which they are drawn: spaces have no meaning, `~3~` is
    the same as `---`, and a pause after the last event can be left out. The whole behind `=` or `!` is not compared.

    Args:
        scenario: Returns the promises to draw: one, or several with the labels of their lines.
        expected: The line of the only result, or several lines by their labels, those of sources included. Lines that
            are not mentioned are not compared.
        result: The label of the line if the scenario returns one promise.
        unit: The seconds of a column and of a unit of the sources.
        until: The number of columns after which reading stops, even if more would come.
        cancel_at: The column in which all given promises are cancelled; what comes in that column is still drawn. None
            cancels none.
        pause: The columns that a reader waits after each piece, to see what happens while readers are slow.
        subscriptions: Whether each source gets a second line, with the label `source ^`: `^` is its start, `|` its end,
            and `!` its cancellation.
        context: The context to run the scenario in, not yet entered; by default a new `PromisingContext`.

    Raises:
        AssertionError: A line differs or is missing; the message has both pictures.
        ValueError: An expected line is a whole picture, or as for `run_marbles`.
        TypeError: As for `run_marbles`.
        RuntimeError: As for `run_marbles`.

    >>> assert_marbles(lambda: marbles("a-b--c|").batch(2), "--[ab]---([c]|)")
    >>> assert_marbles(lambda: race(marble("--a"), marble("-b")), {"source 1": "-!", "result": "-b"})
    >>> assert_marbles(lambda: marbles("a-b|").map_pieces(str.upper), "A--B|")
    Traceback (most recent call last):
    AssertionError: the diagram differs in the line 'result'
      expected:
        result  A--B|
      drawn:
        source  a-b|
        result  A-B|  = ('A', 'B')
    """
    __tracebackhide__ = True
    lines = expected if isinstance(expected, Mapping) else {result: expected}
    for label, body in lines.items():
        check_kind(f"assert_marbles: the expected line {label!r}", body, str, "no text; write one such as 'a-b|'")
        if "\n" in body:
            raise ValueError(f"assert_marbles: {label!r} is more than one line; give several lines by their labels")
    rows = _run("assert_marbles", scenario, result, unit, _Reading(until, cancel_at, pause), context, subscriptions)
    drawn = {row.label.strip(): events_in(row.body) for row in reversed(rows)}
    differing = [label for label, body in lines.items() if drawn.get(label) != events_in(body)]
    if differing:
        wanted = indent(in_columns([Row(label, body, "") for label, body in lines.items()]), "    ")
        where = f"the line{'s' * (len(differing) > 1)} {', '.join(map(repr, differing))}"
        came = indent(in_columns(rows), "    ")
        raise AssertionError(f"the diagram differs in {where}\n  expected:\n{wanted}\n  drawn:\n{came}")


# --- machinery ---


@dataclass(frozen=True)
class _Reading:
    """How promises are read; all times are numbers of columns."""

    until: float
    cancel_at: float | None
    pause: float

    def __post_init__(self) -> None:
        positive("until", self.until)
        check_not_negative(f"pause={self.pause}", self.pause)
        if self.cancel_at is not None:
            check_not_negative(f"cancel_at={self.cancel_at}", self.cancel_at)


def _run(
    caller: str,
    scenario: Scenario,
    result: str,
    unit: float,
    reading: _Reading,
    context: PromisingContext | None,
    subscriptions: bool,
) -> list[Row]:
    """Draw a scenario in a loop and a context of its own."""
    positive("unit", unit)
    if _runs_a_loop():
        raise RuntimeError(f"{caller}() runs an event loop of its own, but one runs already: await diagram() in it")
    check_plain(caller, scenario)
    if context is not None:
        check_kind(f"{caller}: context", context, PromisingContext, "no context; write PromisingContext()")

    async def main() -> list[Row]:
        picture = Picture(unit)
        picture.shows_subscriptions = subscriptions
        current_picture.set(picture)
        rows: list[Row] = []
        with suppress(_Drawn):
            async with context or PromisingContext():
                rows = await _drawn(scenario(), picture, reading, result)
                raise _Drawn
        return rows

    with asyncio.Runner(loop_factory=VirtualClockEventLoop) as runner:
        return runner.run(main())


_NOT_DRAWN: Final = "no promise and no stream; several are given by their labels: {'a': …, 'b': …}"


class _Drawn(Exception):  # noqa: N818 - it reports no failure
    """Raised in the context when the picture is complete, so that the context cancels the work that still runs."""


def _runs_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def _drawn(
    delivered: Delivered | Mapping[str, Delivered], picture: Picture, reading: _Reading, label: str
) -> list[Row]:
    """Read the promises until all lines have ended or the time is over; return the lines of the picture."""
    named = delivered if isinstance(delivered, Mapping) else {label: delivered}
    for name, each in named.items():
        check_kind("a diagram: the label of a line", name, str, "no text")
        check_kind(f"a diagram: the line {name!r}", each, Awaitable | AsyncIterable, _NOT_DRAWN)
    cancelled = [] if reading.cancel_at is None else [_cancellable(promise) for promise in named.values()]
    drawing = _Drawing(picture, reading.pause)
    picture.known.extend(named.values())
    for name, promise in named.items():
        picture.results.append(drawing.line_of(promise, name))
    try:
        async with asyncio.timeout(reading.until * picture.unit):
            # Sources that start at the next turn of the loop must begin before the picture can be complete. Their
            # timers are then set, so that what comes in the column of `cancel_at` comes before the cancellation.
            await asyncio.sleep(0)
            if reading.cancel_at is not None:
                drawing.cancel_later(reading.cancel_at, cancelled)
            while not picture.is_complete():
                picture.line_ended.clear()
                await picture.line_ended.wait()
    except TimeoutError:
        pass
    finally:
        picture.finished = True
        await drawing.end()
    return picture.rows()


def _cancellable(delivered: Delivered) -> Promise[object]:
    if not isinstance(delivered, Promise):
        raise TypeError(f"cancel_at: only a promise can be cancelled, not {type(delivered).__name__}")
    return delivered


class _Drawing:
    """The tasks that read promises and draw each on a line.

    Args:
        picture: Where they draw.
        pause: How many columns a reader waits after each piece.
    """

    def __init__(self, picture: Picture, pause: float) -> None:
        self._picture = picture
        self._pause = pause * picture.unit
        self._tasks: list[asyncio.Task[None]] = []
        self._timers: list[asyncio.TimerHandle] = []

    def cancel_later(self, column: float, promises: Iterable[Promise[object]]) -> None:
        """Cancel promises at a column."""
        loop = asyncio.get_running_loop()
        moment = loop.time() + (column - self._picture.now()) * self._picture.unit
        self._timers += [loop.call_at(moment, promise.cancel) for promise in promises]

    def line_of(self, delivered: Delivered, label: str, *, has_whole: bool = True) -> Line:
        """Start to read a promise, and return the line on which it is drawn."""
        line = Line(self._picture, label, self._picture.now())
        self._tasks.append(asyncio.create_task(self._draw(delivered, line, has_whole=has_whole)))
        return line

    async def end(self) -> None:
        """Stop reading; raise an error of the drawing itself, if there was one."""
        for timer in self._timers:
            timer.cancel()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        for task in self._tasks:
            if not task.cancelled():
                task.result()

    async def _draw(self, delivered: Delivered, line: Line, *, has_whole: bool) -> None:
        try:
            if isinstance(delivered, AsyncIterable):
                await self._draw_pieces(delivered, line)
            if isinstance(delivered, Awaitable):
                await self._draw_whole(delivered, line, is_stream=isinstance(delivered, AsyncIterable))
        finally:
            line.ends()
        if not has_whole:
            line.whole = ""

    async def _draw_pieces(self, stream: AsyncIterable[object], line: Line) -> None:
        pieces = aiter(stream)
        while True:
            try:
                piece = await anext(pieces)
            except StopAsyncIteration:
                break
            except BaseException as error:
                if ends_task(error, asyncio.current_task()):
                    raise
                line.error(error)
            else:
                self._came(piece, line)
            if self._pause:
                await asyncio.sleep(self._pause)
        line.mark("|")

    async def _draw_whole(self, promise: Awaitable[object], line: Line, *, is_stream: bool) -> None:
        began = self._picture.now()
        try:
            whole = await promise
        except BaseException as error:
            if ends_task(error, asyncio.current_task()):
                raise
            if not is_stream:
                line.error(error)
            line.whole = f"! {error_in_words(error)}"
        else:
            if not is_stream:
                self._came(whole, line)
            line.whole = f"= {in_words(whole)}"
        if is_stream and self._picture.now() > began:
            line.mark("=")

    def _came(self, piece: object, line: Line) -> None:
        line.piece(piece)
        for promise in promises_in(piece):
            if not any(promise is other for other in self._picture.known):
                self._picture.known.append(promise)
                line.nested.append(self.line_of(promise, as_mark(piece), has_whole=False))
