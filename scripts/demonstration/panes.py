"""Streams side by side: growing boxes on a terminal, and without one, lines that begin with the stream's name."""

from __future__ import annotations

import abc
import textwrap
from typing import TYPE_CHECKING, Final, Self

from rich.console import Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, RenderableType

    from miniagents import Message, MessagePromise

__all__ = ["LinePanes", "LivePanes", "Panes"]

COLOURS: Final = ("cyan", "magenta", "yellow")
BELOW: Final = "green"
NARROWEST: Final = 60
"""The smallest width of a terminal that shows columns side by side."""


class Panes(abc.ABC):
    """Shows the tokens of streams as they arrive.

    Args:
        console: The console to show them on.
        columns: The names of the streams.
        below: The name of a stream that needs more room; empty for none.
    """

    def __init__(self, console: Console, columns: Sequence[str], below: str) -> None:
        self.console = console
        self.columns = tuple(columns)
        self.below = below
        self.tokens: dict[str, list[str]] = {name: [] for name in (*columns, *([below] if below else []))}
        """All tokens of each stream, by its name."""
        self.order: list[str] = []
        """The name of the stream of each token, in the order of arrival."""

    def write(self, name: str, token: str, style: str = "") -> None:
        """Show one more token."""
        self.tokens[name].append(token)
        self.order.append(name)
        self._show(name, token, style)

    @abc.abstractmethod
    def fail(self, name: str, error: BaseException) -> None:
        """Show an error where it stands in the stream."""

    @abc.abstractmethod
    def end(self, name: str) -> None:
        """Show that a stream has ended."""

    @abc.abstractmethod
    def _show(self, name: str, token: str, style: str) -> None: ...

    @abc.abstractmethod
    def __enter__(self) -> Self: ...

    @abc.abstractmethod
    def __exit__(self, *_: object) -> None: ...

    async def read(self, name: str, promise: MessagePromise[Message]) -> None:
        """Show all tokens of a message as they arrive, and its error."""
        try:
            async for token in promise:
                self.write(name, token)
        except Exception as error:  # noqa: BLE001  # any error is shown in its place
            self.fail(name, error)
        self.end(name)


def _failed(error: BaseException) -> str:
    return f"✗ {type(error).__name__}: {error}"


class LivePanes(Panes):
    """Boxes on a terminal, drawn again with every token."""

    def __init__(self, console: Console, columns: Sequence[str], below: str) -> None:
        super().__init__(console, columns, below)
        self._texts = {name: Text() for name in self.tokens}
        self._open = set(self.tokens)
        self._live = Live(get_renderable=self._picture, console=console, auto_refresh=False, vertical_overflow="crop")

    @override
    def _show(self, name: str, token: str, style: str) -> None:
        self._texts[name].append(token, style)
        self._live.refresh()

    @override
    def fail(self, name: str, error: BaseException) -> None:
        self._texts[name].append(f"\n{_failed(error)}", "bold red")
        self._live.refresh()

    @override
    def end(self, name: str) -> None:
        self._open.discard(name)
        self._live.refresh()

    @override
    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    @override
    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def _picture(self) -> RenderableType:
        boxes: list[RenderableType]
        pairs = list(zip(self.columns, COLOURS, strict=False))
        if self.console.width < NARROWEST:
            boxes = [self._box(name, colour, self.console.width) for name, colour in pairs]
        else:
            width, wider = divmod(self.console.width, len(self.columns))
            widths = [width + (place < wider) for place in range(len(self.columns))]
            height = max(map(self._height, self.columns, widths))
            row = Table.grid()
            row.add_row(
                *(self._box(name, colour, each, height) for (name, colour), each in zip(pairs, widths, strict=False))
            )
            boxes = [row]
        if self.below:
            boxes.append(self._box(self.below, BELOW, self.console.width))
        # the terminal itself writes "^C" at the cursor; after a full line, that would move all lines up
        return Group(*boxes, Text())

    def _box(self, name: str, colour: str, width: int, height: int | None = None) -> RenderableType:
        text = self._texts[name].copy()
        if name in self._open:
            text.append("▌", colour)
        return Panel(
            text,
            title=Text(name, style=f"bold {colour}"),
            title_align="left",
            subtitle=Text(_counted(len(self.tokens[name])), style="dim"),
            subtitle_align="right",
            border_style=colour,
            width=width,
            height=height,
        )

    def _height(self, name: str, width: int) -> int:
        """Return the number of lines that the box of a text needs, with its cursor and its frame."""
        return len(Text.assemble(self._texts[name], "▌").wrap(self.console, width - 4)) + 2


class LinePanes(Panes):
    """Lines of text, each with the name of its stream, written as soon as they are full."""

    def __init__(self, console: Console, columns: Sequence[str], below: str) -> None:
        super().__init__(console, columns, below)
        self._widest = max(map(len, self.tokens))
        self._begun = dict.fromkeys(self.tokens, "")

    @override
    def _show(self, name: str, token: str, style: str) -> None:
        *full, rest = (self._begun[name] + token).split("\n")
        *more, rest = textwrap.wrap(rest, self._width, drop_whitespace=False) or [""]
        for line in (*full, *more):
            self._print(name, line)
        self._begun[name] = rest.lstrip() if more else rest

    @override
    def fail(self, name: str, error: BaseException) -> None:
        self.end(name)
        self._print(name, _failed(error))

    @override
    def end(self, name: str) -> None:
        if self._begun[name]:
            self._print(name, self._begun[name])
        self._begun[name] = ""

    @override
    def __enter__(self) -> Self:
        return self

    @override
    def __exit__(self, *_: object) -> None:
        for name in self.tokens:
            self.end(name)
        self.console.print()

    @property
    def _width(self) -> int:
        return max(self.console.width - self._widest - 5, 20)

    def _print(self, name: str, line: str) -> None:
        self.console.print(Text(f"  {name:<{self._widest}} │ {line.rstrip()}"), soft_wrap=True)


def _counted(tokens: int) -> str:
    return "1 token" if tokens == 1 else f"{tokens} tokens"
