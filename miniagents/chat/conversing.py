"""Conversations of a user and an agent whose messages are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from miniagents.chat.console_agent import console_user
from miniagents.chat.histories import MemoryHistory
from miniagents.messages import AssistantMessage, Message, UserMessage
from miniagents.miniagents import InteractionContext, MiniAgent, miniagent
from miniagents.promising import AWAIT
from miniagents.promising.core.access import settled
from miniagents.utils import achain_loop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miniagents.chat.histories import ConversationHistory
    from miniagents.messages import MessageSequencePromise, MessageType
    from miniagents.miniagents import Inquirable

__all__ = ["converse", "with_history"]


async def converse(
    agent: Inquirable[Any, Message],  # Any: of the classes that the conversation has
    /,
    *,
    user: Inquirable[Any, Message] = console_user,  # Any: as above
    history: ConversationHistory | None = None,
) -> tuple[Message, ...]:
    """Let a user and an agent speak in turns, until one of them ends it, and return the conversation.

    The agent is sent the whole conversation each time, as models need it. The user sees the answer as it arrives. The
    conversation ends when one of them raises `EndLoop`, or the user's input ends (`EOFError`). An error of the agent
    goes to the user among the replies: `console_user` shows it, and asks again.

    Args:
        agent: The agent that answers.
        user: The agent that asks; by default the user at the console.
        history: Where the messages are kept; by default in memory. If it has messages already, the conversation is
            continued, and the user is shown the last answer first.

    Raises:
        NoActiveContextError: There is no active `MiniAgents`.
        BaseException: An error of the user's side.

    >>> user = scripted_agent("Hello", "How are you?", EndLoop())
    >>> agent = scripted_agent("Hi!", "Fine.")
    >>> async def main() -> None:
    ...     async with MiniAgents():
    ...         print(*await converse(agent, user=user), sep=" | ")
    >>> asyncio.run(main())
    Hello | Hi! | How are you? | Fine.
    """
    kept = history if history is not None else MemoryHistory()
    remembering = with_history(agent, kept)
    answer: MessageSequencePromise[Message] | None = None

    def ask(question: MessageType[Message] | None) -> MessageSequencePromise[Message]:
        nonlocal answer
        answer = remembering.inquire(question)
        return answer

    await achain_loop([user, AWAIT, ask], _last_answer(kept.messages))
    if answer is not None:  # the user may have ended the conversation before the answer was complete
        await settled(answer)
    return kept.messages


def with_history(
    agent: Inquirable[Any, Message],  # Any: of the classes that the conversation has
    history: ConversationHistory,
    /,
) -> MiniAgent[Message, Message, []]:
    """Return an agent that remembers: it sends `agent` all that was said, and keeps the messages and the replies.

    Messages are kept before the agent is asked, and each reply once it is complete; what failed is not kept. A text
    without a role becomes a `UserMessage`, and in the replies an `AssistantMessage`. Let one call end before the next,
    as `achain_loop` does.

    Args:
        agent: The agent.
        history: Where the messages are kept.

    >>> from miniagents.chat import MemoryHistory
    >>> async def main() -> None:
    ...     async with MiniAgents():
    ...         agent = with_history(scripted_agent("Hi!", "Fine."), MemoryHistory([SystemMessage("Be brief.")]))
    ...         print(*await agent.inquire("Hello"), *await agent.inquire("How are you?"))
    >>> asyncio.run(main())
    Hi! Fine.
    """

    @miniagent(alias=getattr(agent, "alias", type(agent).__name__))
    async def remembering(ctx: InteractionContext) -> None:
        history.add([_in_role(message, UserMessage) for message in await ctx.messages])
        replies = agent.inquire(history.messages)
        ctx.reply(replies)
        async for message, _ in replies.settled_messages():
            if message is not None:
                history.add((_in_role(message, AssistantMessage),))

    return remembering


# --- machinery ---


def _in_role(message: Message, role: type[Message]) -> Message:
    """Return a message that is a text alone as one of a class with a role."""
    return role(message.text) if type(message) is Message and not message.metadata else message


def _last_answer(messages: Sequence[Message]) -> tuple[Message, ...] | None:
    questions = [place for place, message in enumerate(messages) if isinstance(message, UserMessage)]
    return tuple(messages[questions[-1] + 1 :]) if questions else None
