"""Reads promises and draws when what came."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping
from contextlib import suppress
from typing import TypeAlias

from miniagents.promising import PromisingContext
from miniagents.promising.core.failure import ends_task
from miniagents.testing._marbles import current_picture, positive
from miniagents.testing._pictures import Line, Picture, as_mark, error_in_words, in_words, promises_in
from miniagents.testing._virtual_clock import VirtualClockEventLoop

__all__ = ["Delivered", "Scenario", "diagram", "run_marbles"]

Delivered: TypeAlias = Awaitable[object] | AsyncIterable[object]
"""What can be drawn: a promise, a stream, or anything else that can be awaited or iterated."""

Scenario: TypeAlias = Callable[[], Delivered | Mapping[str, Delivered]]
"""Makes what is to be drawn: one thing, or several with the labels of their lines."""


async def diagram(
    delivered: Delivered | Mapping[str, Delivered], /, *, unit: float = 1.0, until: float = 1000.0
) -> str:
    """Return what promises deliver, and when: a line for each, in the notation of `marbles`, with the whole behind it.

    All of them are read at once, from now on; what stands in one column happened at one time. The line of a stream has
    its pieces and its end, the line of a promise its value; then it is empty. One that has not ended goes on to the
    right edge. On a `VirtualClockEventLoop` the text is the same in every run.

    | mark | meaning |
    |---|---|
    | `a`, `1` | a piece, or the value of a promise, that takes one character |
    | `'text'`, `[ab]`, `[10,20]`, `<10>`, `<None>` | others: a string, tuples or lists, anything else |
    | `#`, `<#KeyError>` | an error: `ValueError("#")`, any other |
    | `*`, `[a*]` | a promise among the pieces: it has a line of its own below, which begins where it came |
    | `(ab)`, `(a|)` | several things at one time, in their order |
    | `<a@2.5>` | something between two columns |
    | `~60~` | nothing happens for 60 units |
    | `=` | the whole is there, where that is not at the end |
    | `!` | a source is cancelled |

    Args:
        delivered: One promise, or several with the labels of their lines.
        unit: How many seconds of the loop's clock a column has.
        until: After how many columns reading ends, whatever is still to come.

    Raises:
        ValueError: `unit` or `until` is not positive.

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
    return await _drawn(delivered, picture, positive("until", until), "result")


def run_marbles(
    scenario: Scenario,
    /,
    *,
    result: str = "result",
    unit: float = 1.0,
    until: float = 1000.0,
    context: PromisingContext | None = None,
) -> str:
    """Return the diagram of a scenario that runs on a `VirtualClockEventLoop`, and so takes no time.

    The scenario is a plain function that makes sources by `marbles` and `marble`, and returns what it makes of them.
    The lines of the sources come first. They show what the sources made, without reading them, so that nothing is
    different for being drawn: a lazy source that nobody reads has an empty line. Below are the lines of what the
    scenario returned, as `diagram` draws them. Of sources that have something at the same time, the one that was made
    first comes first. What has not ended when reading ends is cancelled.

    Args:
        scenario: Makes what is to be drawn: one thing, or several with the labels of their lines.
        result: The label where there is one thing.
        unit: How many seconds a column has, and a unit of the sources.
        until: After how many columns reading ends, whatever is still to come.
        context: What to run it in, not entered yet; by default a `PromisingContext` of its own.

    Raises:
        ValueError: `unit` or `until` is not positive.
        RuntimeError: An event loop is running here: `diagram` can be awaited in it.

    >>> print(run_marbles(lambda: marbles("a-b--c|").batch(2)))
    source  a-b   --c|
    result  --[ab]---([c]|)  = (('a', 'b'), ('c',))
    >>> print(run_marbles(lambda: race(marble("---a", name="slow"), marble("-b", name="quick"))))
    slow    -!
    quick   -b
    result  -b  = 'b'
    """
    positive("unit", unit)
    positive("until", until)
    if _runs_a_loop():
        raise RuntimeError("run_marbles() runs an event loop of its own and there is one here: await diagram() in it")

    async def main() -> str:
        picture = Picture(unit)
        current_picture.set(picture)
        text = ""
        with suppress(_Drawn):
            async with context or PromisingContext():
                text = await _drawn(scenario(), picture, until, result)
                raise _Drawn
        return text

    with asyncio.Runner(loop_factory=VirtualClockEventLoop) as runner:
        return runner.run(main())


# --- machinery ---


class _Drawn(Exception):  # noqa: N818 - nothing went wrong
    """The picture is complete: what still runs is to be cancelled."""


def _runs_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def _drawn(delivered: Delivered | Mapping[str, Delivered], picture: Picture, until: float, label: str) -> str:
    """Return the picture, when all lines have ended or the time is over."""
    named = delivered if isinstance(delivered, Mapping) else {label: delivered}
    drawing = _Drawing(picture)
    picture.known.extend(named.values())
    for name, promise in named.items():
        picture.results.append(drawing.line_of(promise, name))
    try:
        async with asyncio.timeout(until * picture.unit):
            await asyncio.sleep(0)  # sources that start at once have begun then
            while not picture.is_complete():
                picture.line_ended.clear()
                await picture.line_ended.wait()
    except TimeoutError:
        pass
    finally:
        picture.finished = True
        await drawing.end()
    return picture.text()


class _Drawing:
    """The tasks that read promises and put what comes on lines."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._tasks: list[asyncio.Task[None]] = []

    def line_of(self, delivered: Delivered, label: str, *, has_whole: bool = True) -> Line:
        """Return a line on which will be what a promise delivers."""
        line = Line(self._picture, label, self._picture.now())
        self._tasks.append(asyncio.create_task(self._draw(delivered, line, has_whole=has_whole)))
        return line

    async def end(self) -> None:
        """Stop reading, and raise what went wrong with the drawing."""
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
