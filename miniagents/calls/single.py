"""Calls whose reply is one message, such as those of tools and models: with handlers around them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import TypeVar

from miniagents.messages import Message
from miniagents.messages.promised.message_promise import derived_message, mixed_buffer
from miniagents.messages.promised.sequence_promise import sequence_of
from miniagents.messages.promised.tokens import MixedOutcomes

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Mapping

    from miniagents.calls.call import Callee
    from miniagents.calls.surrounding import Surroundings
    from miniagents.messages import MessagePromise

__all__ = ["around_one"]

M = TypeVar("M", bound=Message)


def around_one(
    around: Surroundings,
    callee: Callee,
    messages: tuple[Message, ...],
    plain: Callable[[], MessagePromise[M]],
    as_reply: Callable[[Message], M],
    *,
    message_class: type[M],
    known: Mapping[str, object],
    start_asap: bool,
) -> MessagePromise[M]:
    """Make a call whose reply is one message, with handlers around it.

    Args:
        around: The handlers.
        callee: What is called.
        messages: The messages of the call.
        plain: Makes the call if no handler stands around it.
        as_reply: Makes the reply of the message that the handlers give.
        message_class: The class of the reply.
        known: The fields of the reply that are known beforehand.
        start_asap: True begins at the next turn of the loop, False when the reply is first read.
    """
    replies = callee.sequence()
    given = sequence_of(messages, None, f"{callee.name}.messages")
    if not around.surround(callee, given, replies, start_asap=start_asap):
        return plain()
    only = replies.promise.only()

    async def whole(_: AsyncIterable[str]) -> M:
        return as_reply(await only)

    def pieces(_: object) -> Any:  # Any: tokens, events and failures
        return MixedOutcomes(mixed_buffer(only), only.name)

    return derived_message(only, pieces, whole, "reply", message_class=message_class, known=known)
