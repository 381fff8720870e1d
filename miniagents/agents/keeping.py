"""What a store must have to keep the runs of a context: `MiniAgents(store=...)` takes any object that has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from miniagents.agents.persistence import PersistFilter
    from miniagents.calls import Call, Proceed
    from miniagents.messages import Message, MessageSequencePromise

__all__ = ["RunKeeper", "RunStore"]


class RunKeeper(Protocol):
    """Keeps the calls of one context, with their messages and replies."""

    async def around_call(self, call: Call, proceed: Proceed, /) -> MessageSequencePromise[Message]:
        """Note that a call begins, and let it go on."""
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
