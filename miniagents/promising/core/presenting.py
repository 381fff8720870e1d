"""What `repr` and the completion of an interactive session show of promises and contexts."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from miniagents.promising.errors import PromiseCancelledError

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

__all__ = ["HidesMachinery", "PresentedContext", "number_of", "state_of_error"]


class HidesMachinery:
    """Objects of which `dir`, and so the completion of an interactive session, shows what is for users alone."""

    __slots__ = ()

    _machinery: ClassVar[frozenset[str]] = frozenset()
    """The public names that only the library uses, and names that only raise an error."""

    def __dir__(self) -> list[str]:
        hidden = {name for cls in type(self).__mro__ for name in getattr(cls, "_machinery", ())}
        return [name for name in super().__dir__() if name not in hidden]


class PresentedContext(HidesMachinery):
    """What is shown of a context."""

    __slots__ = ()

    _machinery = frozenset(
        {
            *("body", "end_what_nobody_can_end", "forget", "notify_resolved", "open_loop", "own"),
            *(
                "register_writing_end",
                "remember",
                "report",
                "running_task",
                "spawn_hook",
                "tasks",
                "waiting_task",
                "watch",
            ),
        }
    )

    _state: str

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._state}, {number_of(len(self.tasks), 'task')}>"

    # --- for promises ---

    @property
    def tasks(self) -> AbstractSet[object]:
        """The tasks and followers of the context that have not ended."""
        raise NotImplementedError


def number_of(number: int, what: str) -> str:
    """Return a number with its noun."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def state_of_error(error: BaseException) -> str:
    """Return what `repr` shows of a promise that has failed."""
    return "cancelled" if isinstance(error, PromiseCancelledError) else f"failed: {type(error).__name__}"
