"""Agents that call another one repeatedly: with its own replies (`loop`), or once per message (`map_agent`)."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, overload

from typing_extensions import TypeVar

from miniagents.agents.composing import composed
from miniagents.agents.members import (
    AnyContext,
    Declared,
    alias_of,
    ask,
    check_agents,
    declared_by,
    passed_on,
    pieces_of,
    refuse_misfits,
)
from miniagents.composition._asking import ask_speaker, gives
from miniagents.messages import Message
from miniagents.promising.core.access import settled as ended, until_ended
from miniagents.promising.core.arguments import check_count, check_plain
from miniagents.promising.core.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from miniagents.agents.agent import MiniAgent
    from miniagents.agents.members import AnyMember, AnyReplies, Composable
    from miniagents.messages import ErrorMessage

__all__ = ["TooManyRoundsError", "loop", "map_agent"]

In = TypeVar("In", bound=Message)
Out = TypeVar("Out", bound=Message)


# --- with its own replies ---


class TooManyRoundsError(RuntimeError):
    """The agent of a `loop` was called `max_rounds` times, and its replies never satisfied `until`.

    Attributes:
        agent: The name of the agent.
        rounds: The number of calls.
        replies: The replies of the last round.
    """

    def __init__(self, agent: str, rounds: int, replies: tuple[Message, ...]) -> None:
        super().__init__(agent, rounds, replies)
        self.agent: str = agent
        self.rounds: int = rounds
        self.replies: tuple[Message, ...] = replies

    def __str__(self) -> str:
        return (
            f"agent {self.agent!r} was called {self.rounds} times, and its replies never satisfied `until` of the loop"
        )


def loop(
    agent: Composable[In, In],
    /,
    *,
    until: Callable[[tuple[In, ...]], object],
    max_rounds: int,
    keep_question: bool = False,
    every_round: bool = False,
) -> MiniAgent[In, In, []]:
    """Return an agent that calls another one with its own replies, again and again, until these satisfy a condition.

    The first round is called with the messages. The replies are those of the last round. `until` needs the complete
    replies of a round, so none of their tokens can be read before it has returned; then all can. A round with an error
    in it is the last one: its replies are passed on as they are, with the errors in their places. If `until` raises,
    its error is the only reply.

    With `every_round`, the replies are those of all rounds, one round behind the other. Their tokens can be read while
    the round goes on. An error of `until`, or a `TooManyRoundsError`, stands behind them.

    Cancelling the replies cancels the running round. The cost is one more task than the agent itself has. The replies
    of one round are kept in memory, or those of all rounds with `every_round`.

    Args:
        agent: The agent; it must take messages of the classes that it gives.
        until: A plain function of the replies of a round; the loop ends when its result is true.
        max_rounds: The greatest number of rounds; if none of them satisfies `until`, the reply is a
            `TooManyRoundsError`.
        keep_question: Whether each round is called with the messages of the first one, followed by the replies of the
            round before it, rather than with these replies alone.
        every_round: Whether the replies of all rounds are passed on as they come, and not only those of the last.

    Raises:
        TypeError: The agent can never take what it gives, it cannot be called without arguments, or `until` is async.
        ValueError: `max_rounds` is less than 1.

    >>> @miniagent
    ... async def halve(ctx: InteractionContext) -> None:
    ...     ctx.reply([str(int(str(message)) // 2) for message in await ctx.messages])
    >>> async def main() -> None:
    ...     async with MiniAgents():
    ...         small = loop(halve, until=lambda replies: int(str(replies[-1])) < 10, max_rounds=20)
    ...         print(await small.inquire("1000"))
    >>> asyncio.run(main())
    (Message(text='7'),)
    >>> async def rounds() -> None:
    ...     async with MiniAgents():
    ...         poet = scripted_agent("Roses are", "Roses are red.")
    ...         poem = loop(poet, until=lambda drafts: "." in str(drafts[-1]), max_rounds=3, every_round=True)
    ...         print([str(draft) for draft in await poem.inquire("A poem, please")])
    >>> asyncio.run(rounds())
    ['Roses are', 'Roses are red.']
    """
    check_agents("loop", (agent,))
    check_plain("loop: until", until)
    check_count(f"loop: max_rounds={max_rounds!r}", max_rounds, 1)
    name = alias_of(agent)

    async def go_round(ctx: AnyContext) -> None:
        replies = ctx.messages
        for number in range(max_rounds):
            question = [ctx.messages, replies] if keep_question and number else replies
            replies = ask(ctx, agent, question, raises=True)
            if every_round:
                ctx.reply(passed_on(ctx, replies))
            if await ended(replies) is not None or until(await replies):
                if not every_round:
                    ctx.reply(passed_on(ctx, replies))
                return
        raise TooManyRoundsError(name, max_rounds, await replies)

    def declares() -> Declared:
        takes, gives = declared_by(agent)
        refuse_misfits("loop", gives, takes, f"agent {name!r}", "it")
        return takes, gives

    made_of = ("loop", agent, until, max_rounds, keep_question, every_round)
    recipe = partial(
        loop, agent, until=until, max_rounds=max_rounds, keep_question=keep_question, every_round=every_round
    )
    return composed(go_round, f"loop({name})", declares, made_of, recipe)


# --- once per message ---


@overload
def map_agent(
    agent: Composable[In, Out],
    /,
    *,
    concurrency: int | None = None,
    ordered: bool = True,
    settled: Literal[False] = False,
) -> MiniAgent[In, Out, []]: ...
@overload
def map_agent(
    agent: Composable[In, Out], /, *, concurrency: int | None = None, ordered: bool = True, settled: Literal[True]
) -> MiniAgent[In, Out | ErrorMessage, []]: ...
def map_agent(
    agent: AnyMember, /, *, concurrency: int | None = None, ordered: bool = True, settled: bool = False
) -> MiniAgent[Any, Any, []]:  # Any: the overloads tie it to the agent
    """Return an agent that calls another one once for each message; the calls run at the same time.

    A call starts as soon as its message appears, before the message is complete. The replies to the first message come
    first, then those to the second, and so on. Without `ordered`, each reply comes as soon as it appears. Either way
    the replies stream. `promise.by` of a reply tells the message that it answers. An error among the messages stays in
    its place. An error of the agent stands among the replies to the message that it was called with. With `settled`, an
    `ErrorMessage` stands there instead, as `parallel` has it.

    Cancelling the replies cancels all calls. Each call costs the tasks that any call of the agent does. A bound, and
    also the lack of `ordered`, add one task to each. Only the replies are kept in memory.

    Args:
        agent: The agent.
        concurrency: The greatest number of calls at the same time; None for any number. A call counts until its replies
            are complete; the messages after it wait.
        ordered: Whether the replies keep the order of the messages.
        settled: Whether errors of the agent become messages.

    Raises:
        TypeError: The agent cannot be called without arguments.
        ValueError: `concurrency` is less than 1.

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
        check_count(f"map_agent: concurrency={concurrency!r}", concurrency, 1)

    async def ask_each(ctx: AnyContext) -> None:
        reply = ctx.reply if ordered else ctx.reply_out_of_order
        calls: set[asyncio.Task[None]] = set()
        try:
            async for piece in pieces_of(ctx.messages):
                if isinstance(piece, Failure):
                    reply(piece)
                    continue
                while concurrency is not None and len(calls) >= concurrency:
                    # Tasks rather than a semaphore: the context sees what a task waits for, and so can end a circle of
                    # agents that wait for each other.
                    done, _ = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
                    for call in done:
                        call.result()  # raises if the context ended the wait because it closed such a circle
                    calls -= done
                replies = ask_speaker(ctx, agent, piece, settled=settled)
                reply(replies)
                if concurrency is not None:
                    calls.add(asyncio.create_task(_complete(replies), name=f"{ctx.this_agent.alias}.settled"))
                if ctx.is_bounded:
                    await ctx.drain()
        finally:
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)

    def declares() -> Declared:
        return declared_by(agent)[0], gives((agent,), settled=settled)

    made_of = ("map_agent", agent, concurrency, ordered, settled)
    again: Callable[..., MiniAgent[Any, Any, []]] = map_agent  # Any: as in the result
    recipe = partial(again, agent, concurrency=concurrency, ordered=ordered, settled=settled)
    return composed(ask_each, f"map_agent({alias_of(agent)})", declares, made_of, recipe)


async def _complete(replies: AnyReplies) -> None:
    await until_ended(replies)  # first: this is no reader, for which a bounded agent would go on
    await ended(replies)
