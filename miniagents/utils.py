"""Functions that many programs of agents need."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from miniagents.agents.members import Member
from miniagents.messages import Message, MessageSequencePromise, MessageType, join_messages, split_messages
from miniagents.miniagents import EndLoop, Inquirable
from miniagents.promising import AWAIT, CLEAR, Control
from miniagents.promising.core.access import settled

__all__ = ["Link", "achain_loop", "join_messages", "split_messages"]

Link: TypeAlias = (
    Inquirable[Any, Message]  # Any: the loop cannot tie an agent's messages to the replies of the agent before it
    | Callable[[MessageType[Message] | None], MessageSequencePromise[Message]]
    | Control
)
"""A step of a loop: an agent, a function that calls agents, `AWAIT` or `CLEAR`."""


async def achain_loop(agents: Iterable[Link], initial_input: MessageType[Message] | None = None) -> None:
    """Call agents in turn, each with the replies of the one before it; after the last, begin again with the first.

    `AWAIT` waits until all replies so far are complete. `CLEAR` makes the next agent start without messages. The loop
    ends when an agent raises `EndLoop`, even if the next agent does not read that far. It also ends with `EOFError`,
    which `input()` raises at the end of its input. Any other error is raised here. Replies before an error are not
    lost: the next agent gets them, followed by the error.

    Args:
        agents: The steps. There must be at least one agent, and at least one `AWAIT`; without it the loop would never
            wait.
        initial_input: The messages for the first agent in the first round.

    Raises:
        ValueError: There is no agent, or no `AWAIT`, among the steps.
        TypeError: A step is not an agent, a function, `AWAIT` or `CLEAR`.
        BaseException: Any other error, among the replies that `AWAIT` waits for or that `CLEAR` dropped.

    >>> @miniagent
    ... async def count_down(ctx: InteractionContext) -> None:
    ...     number = int((await ctx.messages)[0].text or "0")
    ...     if number == 0:
    ...         raise EndLoop
    ...     print(number)
    ...     ctx.reply(str(number - 1))
    >>> async def main() -> None:
    ...     async with MiniAgents():
    ...         await achain_loop([count_down, AWAIT], "3")
    >>> asyncio.run(main())
    3
    2
    1
    """
    steps = tuple(agents)
    if AWAIT not in steps:
        raise ValueError("achain_loop: without AWAIT among its steps the loop would call agents without end")
    if all(isinstance(step, Control) for step in steps):
        raise ValueError("achain_loop: there is no agent among its steps")
    for step in steps:
        if not isinstance(step, Control) and not callable(step) and not hasattr(step, "inquire"):
            raise TypeError(f"achain_loop: {step!r} is neither an agent nor a function nor AWAIT nor CLEAR")
    messages = initial_input
    passed_on: list[MessageSequencePromise[Message]] = []
    cleared: list[MessageSequencePromise[Message]] = []
    try:
        while True:
            for step in steps:
                if step is AWAIT:
                    if isinstance(messages, MessageSequencePromise):
                        messages = await messages
                    await _complete(passed_on, cleared)
                    continue
                if isinstance(messages, MessageSequencePromise):
                    (cleared if step is CLEAR else passed_on).append(messages)
                messages = None if step is CLEAR else _call_of(step)(messages)
    except EndLoop:
        return
    except EOFError as error:
        if type(error) is not EOFError:
            raise  # a subclass such as asyncio.IncompleteReadError is a failure, not the end of the user's input


def _call_of(step: object) -> Callable[[MessageType[Message] | None], MessageSequencePromise[Message]]:
    """Return how to call an agent or a function."""
    call: Any = step  # Any: as `Link` says
    return call if callable(step) and not isinstance(step, Member) else call.inquire  # type: ignore[no-any-return] # as above


async def _complete(
    passed_on: list[MessageSequencePromise[Message]], cleared: list[MessageSequencePromise[Message]]
) -> None:
    """Wait for the replies that earlier steps passed on or cleared.

    Raises:
        EndLoop: One of the agents raised it.
        BaseException: An error among cleared replies. Errors among replies that were passed on are left to the agent
            that got them.
    """
    for replies in passed_on:
        failure = await settled(replies)
        if failure is not None and isinstance(failure.error, EndLoop):
            await replies
    for replies in cleared:
        await replies
    passed_on.clear()
    cleared.clear()
