"""Notes on errors about the agents that they happened in, and that passed them on.

Promises know nothing of agents, but the variable `calling` says in whose call the running code is. Readers of an error
see its notes below its traceback.
"""

from __future__ import annotations

from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final, Protocol

from miniagents.promising.core.current import calling, producing
from miniagents.promising.core.notes import add_note
from miniagents.promising.errors import PromiseCancelledError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextvars import Context

    from miniagents.promising.core.failure import Failure
    from miniagents.promising.core.production import Production

__all__ = ["Calling", "call_of", "called", "note_call"]

_MOST_NOTES: Final = 20
"""One exception object can be raised by any number of agents, and must not grow with them."""
_SHOWN: Final = 8
"""How many callers are named at each end of a chain that would otherwise be too long."""


class Calling(Protocol):
    """A call of an agent, as the code that serves it sees it."""

    def names(self) -> list[str]:
        """Return the name of the agent, and those of the agents whose calls led there, the nearest first."""
        ...


def note_call(failure: Failure, production: Production) -> None:
    """Add a note to an error that a production fails with, or passes on, about the agent whose work that is.

    An error has one note for each agent. A cancellation has none: its text says where it happened. Neither have Ctrl+C
    and `sys.exit()`, which are no errors of agents.
    """
    error = failure.error
    if isinstance(error, PromiseCancelledError | KeyboardInterrupt | SystemExit):
        return
    call = call_of(production)
    if call is None:
        return
    names = call.names()
    noted = failure.noted_agents()
    if names[0] not in noted and len(noted) < _MOST_NOTES:
        add_note(error, f"passed on by {names[0]!r}" if noted else f"in agent {called(names)}")
        noted.add(names[0])


def called(names: Sequence[str]) -> str:
    """Return the names of agents, each called by the next, in words; of a long chain only both ends are named."""
    left_out = len(names) - 2 * _SHOWN
    shown = [repr(name) for name in names]
    if left_out > 1:
        shown[_SHOWN:-_SHOWN] = [f"… {left_out} more …"]
    return ", called by ".join(shown)


def call_of(production: Production) -> Calling | None:
    """Return the call that a production is a part of the work of, as far as anything still shows it."""
    running = producing.get()
    owner: Production | None = production
    while owner is not None:
        variables = copy_context() if owner is running else _variables_of_work(owner)
        if variables is not None:
            call: Calling | None = variables.get(calling)
            return call
        owner = owner._owner
    return None


def _variables_of_work(production: Production) -> Context | None:
    from miniagents.promising.core.joins import variables_of  # noqa: PLC0415  # which imports productions

    task: Any = production._task  # Any: no checker sees what a follower is without importing it here
    if task is None:
        return production._birth
    return task._variables if hasattr(task, "_variables") else variables_of(task)
