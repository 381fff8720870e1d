"""How compositions ask several agents: each reply tells who said it, and errors become messages if that is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from miniagents.agents.members import (
    AnyContext,
    AnyMember,
    AnyReplies,
    Classes,
    ask,
    declared_by,
    ends_loop,
    error_as_message,
    pieces_of,
    union,
)
from miniagents.messages import ErrorMessage, MessagePromise
from miniagents.messages.promised.attribution import Speaker, derived_replies, said_by
from miniagents.promising.core.access import failure_of
from miniagents.promising.core.failure import Failure, count_as_read

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

__all__ = ["ask_speaker", "gives"]


def ask_speaker(
    ctx: AnyContext,
    agent: AnyMember,
    messages: MessagePromise[Any] | AnyReplies,  # Any: of the classes that the agent takes
    *,
    settled: bool = False,
) -> AnyReplies:
    """Call a member on behalf of a composition, as `ask` does; the replies tell who said them.

    Args:
        ctx: The composition's call.
        agent: The member.
        messages: The messages for the member, or the one that it is asked with alone.
        settled: Whether an `ErrorMessage` stands in the place of each error.
    """
    speaker = Speaker(agent, messages if isinstance(messages, MessagePromise) else None)
    replies = ask(ctx, agent, messages, speaker=speaker)
    if not settled:
        return replies
    callers = tuple(reversed(ctx.names()))

    def told(error: Exception) -> ErrorMessage:
        if ends_loop(error):
            raise error
        return error_as_message(error, speaker.alias, callers)

    async def pieces(_: object) -> AsyncIterator[MessagePromise[Any] | Failure]:  # Any: as above
        async for piece in pieces_of(replies):
            if not isinstance(piece, Failure):
                yield piece if piece.done() and failure_of(piece) is None else piece.recover_message(told)
            elif ends_loop(piece.error) or not isinstance(piece.error, Exception):
                yield piece
            else:
                count_as_read(piece)
                yield said_by(MessagePromise.of_message(told(piece.error)), speaker)

    return derived_replies(replies, pieces, "settled")


def gives(agents: Iterable[AnyMember], *, settled: bool) -> Classes:
    """Return the classes of the messages that agents give; with `settled` there are messages for errors, too."""
    classes = union(declared_by(agent)[1] for agent in agents)
    return union((classes, (ErrorMessage,))) if settled else classes
