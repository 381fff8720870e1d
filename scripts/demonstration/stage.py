"""The stage for all scenes: a terminal, or plain lines of text where there is none."""

from __future__ import annotations

import ast
import asyncio
import inspect
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.padding import Padding
from rich.rule import Rule
from rich.syntax import Syntax
from rich.text import Text

from scripts.demonstration.panes import LinePanes, LivePanes

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from types import ModuleType

    from rich.console import Console

    from miniagents import Message
    from scripts.demonstration.generating import Generated
    from scripts.demonstration.panes import Panes

__all__ = ["Stage", "source_of"]

_THEME: Final = "ansi_dark"
"""Colours of the terminal's own palette, which are readable on its background."""


@dataclass(kw_only=True)
class Stage:
    """Shows things, one below the other, and holds the data that scenes share."""

    console: Console
    generated: Generated
    """The module of message classes."""
    baseline_python: str
    """The path of an interpreter with miniagents 0.0.35; empty if there is none."""
    messages: tuple[Message, ...] = ()
    """The messages that the help desk exchanged."""

    @property
    def is_live(self) -> bool:
        """Whether there is a terminal that can draw over what it shows."""
        return self.console.is_terminal and not self.console.is_dumb_terminal

    async def pause(self, seconds: float) -> None:
        """Give people time to read; output without a terminal needs none."""
        if self.is_live:
            await asyncio.sleep(seconds)

    def title(self, number: str, name: str, point: str) -> None:
        """Begin a scene."""
        self.say()
        heading = Text.assemble((number, "bold cyan"), "  ", (name, "bold"))
        self.console.print(Rule(heading, align="left", style="cyan"))
        self.say(Text(point, style="italic"))
        self.say()

    def say(self, text: Text | str = "") -> None:
        """Show a paragraph; without a terminal, lines are never broken."""
        shown = Text(text) if isinstance(text, str) else text
        if not shown:
            self.console.print()
        elif self.is_live:
            self.console.print(Padding(shown, (0, 0, 0, 2), expand=False))
        else:
            self.console.print(Text.assemble("  ", shown), soft_wrap=True)

    def code(self, text: str, language: str = "python") -> None:
        """Show source code."""
        highlighted = Syntax("", language, theme=_THEME, background_color="default").highlight(text.rstrip())
        for line in highlighted.split("\n"):
            line.rstrip()
            shown = Text.assemble("  ", ("│ ", "cyan"), line)
            shown.rstrip()
            if self.is_live:
                self.console.print(shown, no_wrap=True, overflow="ellipsis")
            else:
                self.console.print(shown, soft_wrap=True)

    def busy(self, with_what: str) -> AbstractContextManager[object]:
        """Show a sign of progress while the block runs."""
        return self.console.status(with_what) if self.is_live else nullcontext()

    def panes(self, *columns: str, below: str = "") -> Panes:
        """Show streams side by side, and one below them, while the block runs."""
        return LivePanes(self.console, columns, below) if self.is_live else LinePanes(self.console, columns, below)


def source_of(module: ModuleType, *names: str) -> str:
    """Return the source of functions and classes of a module, with their decorators."""
    text = inspect.getsource(module)
    lines = text.splitlines()
    found: list[str] = []
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.name in names:
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            found.append("\n".join(lines[first - 1 : node.end_lineno]))
    return "\n\n".join(found)
