"""Agents in notebooks: one context for all cells."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from typing_extensions import TypeVar

from miniagents.promising import ContextStateError

if TYPE_CHECKING:
    from miniagents.promising import PromisingContext

__all__ = ["open_in_cells"]

C = TypeVar("C", bound="PromisingContext")


def open_in_cells(context: C, /) -> C:
    """Open a context, and make it the active one in this cell and all later ones.

    Each cell runs in a task of its own, so `async with` cannot be open from one cell to the next. End the context with
    `await context.afinalize()`; then a new one can be opened.

    Args:
        context: The context, such as `MiniAgents()`.

    Raises:
        RuntimeError: The code does not run in a notebook or another IPython shell.
        ContextStateError: The context was opened before.
    """
    try:
        shell: Any = importlib.import_module("IPython").get_ipython()  # Any: IPython is not needed elsewhere
    except ModuleNotFoundError:
        shell = None
    if shell is None:
        raise RuntimeError("open_in_cells() is for cells of notebooks: write `async with` in other programs")
    context.activate()

    def enter(*_: object) -> None:
        try:
            context.entered().__enter__()  # until the next cell enters it again
        except ContextStateError:
            shell.events.unregister("pre_run_cell", enter)  # it has ended

    shell.events.register("pre_run_cell", enter)
    return context
