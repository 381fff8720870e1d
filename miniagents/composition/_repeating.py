"""Agents that ask another one again and again: round and round, and once per message."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from typing_extensions import TypeVar

from miniagents.agents.agent import composed
from miniagents.agents.members import (
    AnyContext,
    Declared,
    alias_of,
    ask,
    check_agents,
    check_count,
    declared_by,
    passed_on,
    pieces_of,
    refuse_misfits,
)
from miniagents.messages import Message
from miniagents.promising.core.access import settled
from miniagents.promising.core.arguments import check_plain
from miniagents.promising.core.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from miniagents.agents.agent import MiniAgent
    from miniagents.agents.members import Inquirable

__all__ = ["TooManyRoundsError", "loop", "map_agent"]

In = TypeVar("In", bound=Message)
Out = TypeVar("Out", bound=Message)


# --- round and round ---


class TooManyRoundsError(RuntimeError):
    """A `loop` came to the end of its rounds, and its replies were still not what it was to go on until.

    Attributes:
        agent: The name of the agent that was asked.
        rounds: How often it was asked.
        replies: What it replied in the last round.
    """

    def __init__(self, agent: str, rounds: int, replies: tuple[Message, ...]) -> None:
        super().__init__(agent, rounds, replies)
        self.agent: str = agent
        self.rounds: int = rounds
        self.replies: tuple[Message, ...] = replies

    def __str__(self) -> str:
        return (
            f"agent {self.agent!r} was asked {self.rounds} times, and its replies were not what the loop goes on until"
        )


def loop(
    agent: Inquirable[In, In], /, *, until: Callable[[tuple[In, ...]], object], max_rounds: int
) -> MiniAgent[In, In, []]:
    """Return an agent that is asked its own replies, again and again, until a plain function says that they will do.

    The first round is asked the messages. The replies are those of the last round. The function needs the replies of a
    round as a whole, so none of their tokens can be read before; then all can. A round with an error in it is the last
    one, and its replies are given as they are, with the errors in their places. An error of the function stands alone.

    Cancelling the replies cancels the round that is under way. There is one task more than the agent itself has. One
    round's replies are kept.

    Args:
        agent: The agent; it must take what it gives.
        until: Is given the replies of a round, and says whether it was the last.
        max_rounds: How often the agent may be asked; if the function has not said yes by then, the reply is a
            `TooManyRoundsError`.

    Raises:
        TypeError: The agent can never take what it gives, or cannot be called without arguments; or the function is
            async.
        ValueError: There is not even one round.

    >>> @miniagent
    ... async def halve(ctx: InteractionContext) -> None:
    ...     ctx.reply([str(int(str(message)) // 2) for message in await ctx.messages])
    >>> async def main() -> None:
    ...     async with MiniAgents():
    ...         small = loop(halve, until=lambda replies: int(str(replies[-1])) < 10, max_rounds=20)
    ...         print(await small.inquire("1000"))
    >>> asyncio.run(main())
    (Message(text='7'),)
    """
    check_agents("loop", (agent,))
    check_plain("loop: until", until)
    check_count(f"loop: max_rounds={max_rounds}", max_rounds)
    name = alias_of(agent)

    async def go_round(ctx: AnyContext) -> None:
        messages = ctx.messages
        for _ in range(max_rounds):
            replies = ask(ctx, agent, messages, raises=True)
            if await settled(replies) is not None or until(await replies):
                ctx.reply(passed_on(ctx, replies))
                return
            messages = replies
        raise TooManyRoundsError(name, max_rounds, await messages)

    def declares() -> Declared:
        takes, gives = declared_by(agent)
        refuse_misfits("loop", gives, takes, f"agent {name!r}", "it")
        return takes, gives

    return composed(go_round, f"loop({name})", declares)


# --- once per message ---


def map_agent(
    agent: Inquirable[In, Out], /, *, concurrency: int | None = None, ordered: bool = True
) -> MiniAgent[In, Out, []]:
    """Return an agent that is asked each message by itself, several of them at the same time.

    A message is asked as soon as it appears, before it is complete. The replies to the first message come first, then
    those to the second, and so on; where they are not `ordered`, each comes as soon as it is there. Either way they
    stream. An error among the messages stays in its place; an error of the agent stands among the replies to the
    message that it was asked.

    Cancelling the replies cancels all calls. Each call has the tasks of any call of the agent; where there is a bound,
    or replies are not ordered, there is one task more for each. Nothing but the replies is kept.

    Args:
        agent: The agent.
        concurrency: How many calls there may be at a time, None for any number. A call counts until its replies are
            complete; messages behind it wait.
        ordered: Whether the replies keep the order of the messages.

    Raises:
        TypeError: The agent cannot be called without arguments.
        ValueError: The bound is less than one.

    >>> @miniagent
    ... async def count(ctx: InteractionContext) -> None:
    ...     ctx.reply(str(len(await ctx.messages)))
    >>> async def main() -> None:
    ...     async with MiniAgents():
    ...         print(await map_agent(count, concurrency=2).inquire(["a", "b", "c"]))
    >>> asyncio.run(main())
    (Message(text='1'), Message(text='1'), Message(text='1'))
    """
    check_agents("map_agent", (agent,))
    if concurrency is not None:
        check_count(f"map_agent: concurrency={concurrency}", concurrency)

    async def ask_each(ctx: AnyContext) -> None:
        reply = ctx.reply if ordered else ctx.reply_out_of_order
        calls: set[asyncio.Task[Failure | None]] = set()
        try:
            async for piece in pieces_of(ctx.messages):
                if isinstance(piece, Failure):
                    reply(piece)
                    continue
                while concurrency is not None and len(calls) >= concurrency:
                    # tasks rather than a semaphore: it can be seen what they wait for, should it be in a circle
                    done, _ = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
                    for call in done:
                        call.result()  # the wait itself fails if the call is in a circle with this one
                    calls -= done
                replies = ask(ctx, agent, piece)
                reply(replies)
                if concurrency is not None:
                    calls.add(asyncio.create_task(settled(replies), name=f"{ctx.this_agent.alias}.settled"))
        finally:
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)

    return composed(ask_each, f"map_agent({alias_of(agent)})", lambda: declared_by(agent))
