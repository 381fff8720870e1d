"""The view of a run at a terminal: calls that have ended scroll by, those that are under way stand below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from miniagents.commands._run_texts import columns_of, cut
from miniagents.promising.core.presenting import number_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["LiveView"]


class LiveView:
    """Shows a run at the terminal; a context manager, because the terminal must be given back.

    Args:
        console: The terminal; None for that of the process.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = Console(highlight=False) if console is None else console
        self._live = Live(console=self._console, transient=True, auto_refresh=False)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def ended(self, line: str, *, is_wrong: bool = False) -> None:
        """Show a line that stays."""
        self._console.print(Text(cut(line, self._console.width), style="red" if is_wrong else ""))

    def running(self, lines: Sequence[str]) -> None:
        """Show the calls that are under way; of a long text its end, which is what has just come."""
        most = max(self._console.height - 2, 1)
        shown = [Text(_with_end(line, self._console.width), style="cyan") for line in lines[-most:]]
        if len(lines) > most:
            shown[0] = Text(f"… and {number_of(len(lines) - most + 1, 'call')} before these", style="dim")
        self._live.update(Text("\n").join(shown), refresh=True)


def _with_end(line: str, width: int) -> str:
    head, colon, text = line.partition(": ")
    room = width - columns_of(head) - 3
    if columns_of(line) <= width or not colon or room < 1:
        return cut(line, width)
    end = text[-room:]
    while columns_of(end) > room:
        end = end[1:]
    return f"{head}: …{end}"
