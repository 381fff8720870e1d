"""Records calls and replies of agents for the hooks that keep messages."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from miniagents.messages import AgentCallNode, AgentReplyNode, Message, MessageSequencePromise
from miniagents.promising import Promise
from miniagents.promising.core.current import producing

if TYPE_CHECKING:
    from miniagents.agents.interaction import InteractionContext
    from miniagents.agents.persistence import Persister
    from miniagents.promising import PromisingContext

__all__ = ["Recorder"]

logger: Final = logging.getLogger("miniagents")


class Recorder:
    """Hands the messages of every call to the persister as they arrive, then a record of the call and of its reply."""

    def __init__(self, context: PromisingContext, persister: Persister) -> None:
        self._context = context
        self._persister = persister

    def record(
        self,
        interaction: InteractionContext[Any, Any],  # Any: of any agent
        replies: MessageSequencePromise[Message],
    ) -> None:
        """Record one call; the agent's own task calls this as it begins."""
        alias = interaction.this_agent.alias
        caller = interaction.caller

        async def call_node() -> str:
            messages, _ = await self._keep_all(interaction.messages)
            caller_node = caller.call_node if caller is not None else None
            node = AgentCallNode(
                agent=alias, messages=messages, caller=await caller_node if caller_node is not None else None
            )
            self._persister.keep(node)
            return node.hash_key

        async def reply_node() -> None:
            messages, error = await self._keep_all(replies)
            call = await interaction.call_node if interaction.call_node is not None else ""
            said = None if error is None else f"{type(error).__name__}: {error}"
            self._persister.keep(AgentReplyNode(agent=alias, call=call, messages=messages, error=said))

        # Without a producer these promises belong to no call, so cancelling the call does not cancel its record.
        token = producing.set(None)
        try:
            interaction.call_node = Promise(call_node, start_asap=True, name=f"{alias}.call_node")
            Promise(reply_node, start_asap=True, name=f"{alias}.reply_node")
        finally:
            producing.reset(token)

    async def finish(self) -> None:
        """Call the handlers a last time with the messages that they failed to keep."""
        await self._persister.finish()

    def log_not_kept(self) -> None:
        """Log the messages that were not kept because the context was left by an error."""
        self._persister.log_not_kept()

    async def _keep_all(
        self, sequence: MessageSequencePromise[Message]
    ) -> tuple[tuple[Message, ...], BaseException | None]:
        """Hand each message to the persister when it is complete; return all of them and the first error among them."""
        messages: list[Message] = []
        first_error: BaseException | None = None
        async for message, error in sequence.settled_messages():
            if message is not None:
                messages.append(message)
                self._persister.keep(message)
            elif first_error is None:
                first_error = error
        return tuple(messages), first_error
