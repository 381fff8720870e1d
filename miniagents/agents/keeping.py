"""What a store must have to keep the runs of a context: `MiniAgents(store=...)` takes any object that has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from miniagents.agents.persistence import PersistFilter
    from miniagents.calls import Call

__all__ = ["RunKeeper", "RunStore"]


class RunKeeper(Protocol):
    """Keeps the calls of one context, with their messages and replies."""

    def call_begins(self, call: Call, /) -> Coroutine[Any, Any, object] | None:  # Any: asyncio keeps these to itself
        """Note that a call begins, or was cancelled before that; it waits for what this returns."""
        ...

    async def flush(self) -> None:
        """Wait until everything that was noted is kept.

        Raises:
            Exception: Something was not kept, although it was tried again.
        """
        ...

    async def finish(self) -> None:
        """Keep everything as far as it came; the context has ended.

        Raises:
            Exception: As for `flush`.
        """
        ...


class RunStore(Protocol):
    """Keeps runs; `miniagents.ext.store` has such stores."""

    def keeper(self, wanted: PersistFilter | None, /) -> RunKeeper:
        """Return what keeps the calls of one context.

        Args:
            wanted: Says which messages may be kept; None for all. See `persist_filter`.
        """
        ...
