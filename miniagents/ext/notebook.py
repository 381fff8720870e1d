"""Agents in notebooks: one context for all cells."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from typing_extensions import TypeVar

from miniagents.promising import ContextStateError
from miniagents.promising.core.current import active_context

if TYPE_CHECKING:
    from miniagents.promising import PromisingContext

__all__ = ["open_in_cells"]

C = TypeVar("C", bound="PromisingContext")


def open_in_cells(context: C, /) -> C:
    """Open a context, and make it the active one in this cell and all later ones.

    Each cell runs in a task of its own, so `async with` cannot be open from one cell to the next. End the context with
    `await context.afinalize()`.

    A cell that is run again opens a new context in the place of the earlier one. That one is not around the new one, so
    its handlers see nothing of the calls to come. Its agents go on.

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
    earlier = [each for each in shell.events.callbacks["pre_run_cell"] if isinstance(each, _Entering)]
    here = active_context.get()
    is_again = here is not None and any(each.context is here for each in earlier)
    active_context.set(here.parent if is_again and here is not None else here)
    try:
        context.activate()
    except ContextStateError:
        active_context.set(here)
        raise
    for each in earlier:
        each.end()
    shell.events.register("pre_run_cell", _Entering(context, shell))
    return context


class _Entering:
    """Enters a context before each cell.

    Args:
        context: The context.
        shell: The shell that runs the cells.
    """

    def __init__(self, context: PromisingContext, shell: Any) -> None:  # Any: IPython is not needed elsewhere
        self.context: Final = context
        self._shell: Final = shell

    def __call__(self, *_: object) -> None:
        try:
            self.context.entered().__enter__()  # until the next cell enters it again
        except ContextStateError:
            self.end()  # it is closed

    def end(self) -> None:
        """Enter the context no more."""
        self._shell.events.unregister("pre_run_cell", self)
