"""Agents that call several others: one after the other, or at the same time."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal, overload

from typing_extensions import TypeVar

from miniagents.agents.composing import composed
from miniagents.agents.members import (
    AnyContext,
    AnyMember,
    Chain,
    Composable,
    Declared,
    check_agents,
    common,
    joined_alias,
)
from miniagents.composition._asking import ask_speaker, gives
from miniagents.messages import ErrorMessage, Message

if TYPE_CHECKING:
    from miniagents.agents.agent import MiniAgent

__all__ = ["chain", "first_to_reply", "parallel"]

In = TypeVar("In", bound=Message)
Out = TypeVar("Out", bound=Message)
M0 = TypeVar("M0", bound=Message)
M1 = TypeVar("M1", bound=Message)
M2 = TypeVar("M2", bound=Message)
M3 = TypeVar("M3", bound=Message)
M4 = TypeVar("M4", bound=Message)
M5 = TypeVar("M5", bound=Message)
M6 = TypeVar("M6", bound=Message)
M7 = TypeVar("M7", bound=Message)
M8 = TypeVar("M8", bound=Message)


# --- one after the other ---


@overload
def chain(a1: Composable[M0, M1], /) -> MiniAgent[M0, M1, []]: ...
@overload
def chain(a1: Composable[M0, M1], a2: Composable[M1, M2], /) -> MiniAgent[M0, M2, []]: ...
@overload
def chain(a1: Composable[M0, M1], a2: Composable[M1, M2], a3: Composable[M2, M3], /) -> MiniAgent[M0, M3, []]: ...
@overload
def chain(
    a1: Composable[M0, M1], a2: Composable[M1, M2], a3: Composable[M2, M3], a4: Composable[M3, M4], /
) -> MiniAgent[M0, M4, []]: ...
@overload
def chain(
    a1: Composable[M0, M1],
    a2: Composable[M1, M2],
    a3: Composable[M2, M3],
    a4: Composable[M3, M4],
    a5: Composable[M4, M5],
    /,
) -> MiniAgent[M0, M5, []]: ...
@overload
def chain(
    a1: Composable[M0, M1],
    a2: Composable[M1, M2],
    a3: Composable[M2, M3],
    a4: Composable[M3, M4],
    a5: Composable[M4, M5],
    a6: Composable[M5, M6],
    /,
) -> MiniAgent[M0, M6, []]: ...
@overload
def chain(
    a1: Composable[M0, M1],
    a2: Composable[M1, M2],
    a3: Composable[M2, M3],
    a4: Composable[M3, M4],
    a5: Composable[M4, M5],
    a6: Composable[M5, M6],
    a7: Composable[M6, M7],
    /,
) -> MiniAgent[M0, M7, []]: ...
@overload
def chain(
    a1: Composable[M0, M1],
    a2: Composable[M1, M2],
    a3: Composable[M2, M3],
    a4: Composable[M3, M4],
    a5: Composable[M4, M5],
    a6: Composable[M5, M6],
    a7: Composable[M6, M7],
    a8: Composable[M7, M8],
    /,
) -> MiniAgent[M0, M8, []]: ...
@overload
def chain(agent: Composable[M0, M0], /, *agents: Composable[M0, M0]) -> MiniAgent[M0, M0, []]: ...
def chain(*agents: AnyMember) -> MiniAgent[Any, Any, []]:  # Any: the overloads tie it to the agents
    """Return an agent that calls the given agents one after the other; `first >> second` is short for it.

    The first agent is called with the messages, and each later one with the replies of the one before it. The replies
    are those of the last agent. Everything streams: an agent can work with the first tokens of the one before it.
    Errors stay in their places, where the next agent reads them. Chaining is associative: the agents of an inner chain
    become members of the outer one, unless `options` gave the inner chain a name or options of its own.

    A string becomes a message of the class that the first agent declares. Cancelling the replies cancels all calls. All
    agents are called at once. Each call costs the tasks that any call of its agent does. Only the replies are kept in
    memory.

    Args:
        agents: The agents, in their order.

    Raises:
        TypeError: An agent gives messages of a class that the next can never take, one of them cannot be called without
            arguments, or none is given.

    >>> @miniagent
    ... async def shout(ctx: InteractionContext) -> None:
    ...     ctx.reply(ctx.messages.map_messages(lambda message: Message(f"{message}!")))
    >>> @miniagent
    ... async def twice(ctx: InteractionContext) -> None:
    ...     ctx.reply([ctx.messages, ctx.messages])
    >>> async def main() -> None:
    ...     async with MiniAgents():
    ...         print(await chain(shout, twice, shout).inquire("Hello"))
    >>> asyncio.run(main())
    (Message(text='Hello!!'), Message(text='Hello!!'))
    """
    chained = Chain(*agents)
    return composed(chained, chained.alias, chained.declares, ("chain", *chained.agents))


# --- side by side ---


@overload
def parallel(
    a1: Composable[In, M1], /, *, ordered: bool = True, settled: Literal[False] = False
) -> MiniAgent[In, M1, []]: ...
@overload
def parallel(
    a1: Composable[In, M1], /, *, ordered: bool = True, settled: Literal[True]
) -> MiniAgent[In, M1 | ErrorMessage, []]: ...
@overload
def parallel(
    a1: Composable[In, M1], a2: Composable[In, M2], /, *, ordered: bool = True, settled: Literal[False] = False
) -> MiniAgent[In, M1 | M2, []]: ...
@overload
def parallel(
    a1: Composable[In, M1], a2: Composable[In, M2], /, *, ordered: bool = True, settled: Literal[True]
) -> MiniAgent[In, M1 | M2 | ErrorMessage, []]: ...
@overload
def parallel(
    a1: Composable[In, M1],
    a2: Composable[In, M2],
    a3: Composable[In, M3],
    /,
    *,
    ordered: bool = True,
    settled: Literal[False] = False,
) -> MiniAgent[In, M1 | M2 | M3, []]: ...
@overload
def parallel(
    a1: Composable[In, M1],
    a2: Composable[In, M2],
    a3: Composable[In, M3],
    /,
    *,
    ordered: bool = True,
    settled: Literal[True],
) -> MiniAgent[In, M1 | M2 | M3 | ErrorMessage, []]: ...
@overload
def parallel(
    a1: Composable[In, M1],
    a2: Composable[In, M2],
    a3: Composable[In, M3],
    a4: Composable[In, M4],
    /,
    *,
    ordered: bool = True,
    settled: Literal[False] = False,
) -> MiniAgent[In, M1 | M2 | M3 | M4, []]: ...
@overload
def parallel(
    a1: Composable[In, M1],
    a2: Composable[In, M2],
    a3: Composable[In, M3],
    a4: Composable[In, M4],
    /,
    *,
    ordered: bool = True,
    settled: Literal[True],
) -> MiniAgent[In, M1 | M2 | M3 | M4 | ErrorMessage, []]: ...
@overload
def parallel(
    a1: Composable[In, M1],
    a2: Composable[In, M2],
    a3: Composable[In, M3],
    a4: Composable[In, M4],
    a5: Composable[In, M5],
    /,
    *,
    ordered: bool = True,
    settled: Literal[False] = False,
) -> MiniAgent[In, M1 | M2 | M3 | M4 | M5, []]: ...
@overload
def parallel(
    a1: Composable[In, M1],
    a2: Composable[In, M2],
    a3: Composable[In, M3],
    a4: Composable[In, M4],
    a5: Composable[In, M5],
    /,
    *,
    ordered: bool = True,
    settled: Literal[True],
) -> MiniAgent[In, M1 | M2 | M3 | M4 | M5 | ErrorMessage, []]: ...
@overload
def parallel(
    a1: Composable[In, M1],
    a2: Composable[In, M2],
    a3: Composable[In, M3],
    a4: Composable[In, M4],
    a5: Composable[In, M5],
    a6: Composable[In, M6],
    /,
    *,
    ordered: bool = True,
    settled: Literal[False] = False,
) -> MiniAgent[In, M1 | M2 | M3 | M4 | M5 | M6, []]: ...
@overload
def parallel(
    a1: Composable[In, M1],
    a2: Composable[In, M2],
    a3: Composable[In, M3],
    a4: Composable[In, M4],
    a5: Composable[In, M5],
    a6: Composable[In, M6],
    /,
    *,
    ordered: bool = True,
    settled: Literal[True],
) -> MiniAgent[In, M1 | M2 | M3 | M4 | M5 | M6 | ErrorMessage, []]: ...
@overload
def parallel(
    a1: Composable[In, M1],
    a2: Composable[In, M2],
    a3: Composable[In, M3],
    a4: Composable[In, M4],
    a5: Composable[In, M5],
    a6: Composable[In, M6],
    a7: Composable[In, M7],
    /,
    *,
    ordered: bool = True,
    settled: Literal[False] = False,
) -> MiniAgent[In, M1 | M2 | M3 | M4 | M5 | M6 | M7, []]: ...
@overload
def parallel(
    a1: Composable[In, M1],
    a2: Composable[In, M2],
    a3: Composable[In, M3],
    a4: Composable[In, M4],
    a5: Composable[In, M5],
    a6: Composable[In, M6],
    a7: Composable[In, M7],
    /,
    *,
    ordered: bool = True,
    settled: Literal[True],
) -> MiniAgent[In, M1 | M2 | M3 | M4 | M5 | M6 | M7 | ErrorMessage, []]: ...
@overload
def parallel(
    a1: Composable[In, M1],
    a2: Composable[In, M2],
    a3: Composable[In, M3],
    a4: Composable[In, M4],
    a5: Composable[In, M5],
    a6: Composable[In, M6],
    a7: Composable[In, M7],
    a8: Composable[In, M8],
    /,
    *,
    ordered: bool = True,
    settled: Literal[False] = False,
) -> MiniAgent[In, M1 | M2 | M3 | M4 | M5 | M6 | M7 | M8, []]: ...
@overload
def parallel(
    a1: Composable[In, M1],
    a2: Composable[In, M2],
    a3: Composable[In, M3],
    a4: Composable[In, M4],
    a5: Composable[In, M5],
    a6: Composable[In, M6],
    a7: Composable[In, M7],
    a8: Composable[In, M8],
    /,
    *,
    ordered: bool = True,
    settled: Literal[True],
) -> MiniAgent[In, M1 | M2 | M3 | M4 | M5 | M6 | M7 | M8 | ErrorMessage, []]: ...
@overload
def parallel(
    agent: Composable[In, Out], /, *agents: Composable[In, Out], ordered: bool = True, settled: Literal[False] = False
) -> MiniAgent[In, Out, []]: ...
@overload
def parallel(
    agent: Composable[In, Out], /, *agents: Composable[In, Out], ordered: bool = True, settled: Literal[True]
) -> MiniAgent[In, Out | ErrorMessage, []]: ...
def parallel(
    *agents: AnyMember, ordered: bool = True, settled: bool = False
) -> MiniAgent[Any, Any, []]:  # Any: the overloads tie it to the agents
    """Return an agent that calls all the given agents at the same time, with the same messages.

    The replies are those of the first agent, then those of the second, and so on. Without `ordered`, each reply comes
    as soon as it appears. Either way the replies stream, and all agents start at once. `promise.by` of a reply tells
    which of the agents said it. An error stays among the replies of the agent that raised it, and the other agents go
    on.

    With `settled`, no reply is an error: an `ErrorMessage` stands in its place, which names the agent. The tokens of a
    message that is still arriving follow when it is complete, because it may yet turn out to be an `ErrorMessage`.

    Cancelling the replies cancels all calls. Each call costs the tasks that any call of its agent does, and one more
    without `ordered`. `settled` adds one for each agent, and three for each message that is still arriving. Only the
    replies are kept in memory.

    Args:
        agents: The agents; there may be any number of them.
        ordered: Whether the replies keep the order of the agents.
        settled: Whether errors become messages.

    Raises:
        TypeError: There is no class of messages that all agents take, one of them cannot be called without arguments,
            or none is given.

    >>> async def main() -> None:
    ...     async with MiniAgents():
    ...         optimist, pessimist = scripted_agent("half full"), scripted_agent("half empty")
    ...         print(await parallel(optimist, pessimist).inquire("How is the glass?"))
    >>> asyncio.run(main())
    (Message(text='half full'), Message(text='half empty'))
    >>> async def fails() -> None:
    ...     async with MiniAgents():
    ...         lost = scripted_agent(ConnectionError("lost"), alias="lost")
    ...         for message in await parallel(lost, scripted_agent("here"), settled=True).inquire():
    ...             print(message.agent if isinstance(message, ErrorMessage) else "fine", "-", message)
    >>> asyncio.run(fails())
    lost - ConnectionError: lost
    fine - here
    """
    check_agents("parallel", agents)

    async def ask_all(ctx: AnyContext) -> None:
        for replies in [ask_speaker(ctx, agent, ctx.messages, settled=settled) for agent in agents]:
            if ordered:
                ctx.reply(replies)
            else:
                ctx.reply_out_of_order(replies)

    def declares() -> Declared:
        return common("parallel", agents), gives(agents, settled=settled)

    made_of = ("parallel", *agents, ordered, settled)
    recipe = partial(parallel, *agents, ordered=ordered, settled=settled)
    return composed(ask_all, f"parallel({joined_alias(', ', agents)})", declares, made_of, recipe)


@overload
def first_to_reply(a1: Composable[In, M1], /) -> MiniAgent[In, M1, []]: ...
@overload
def first_to_reply(a1: Composable[In, M1], a2: Composable[In, M2], /) -> MiniAgent[In, M1 | M2, []]: ...
@overload
def first_to_reply(
    a1: Composable[In, M1], a2: Composable[In, M2], a3: Composable[In, M3], /
) -> MiniAgent[In, M1 | M2 | M3, []]: ...
@overload
def first_to_reply(
    a1: Composable[In, M1],
    a2: Composable[In, M2],
    a3: Composable[In, M3],
    a4: Composable[In, M4],
    /,
) -> MiniAgent[In, M1 | M2 | M3 | M4, []]: ...
@overload
def first_to_reply(
    a1: Composable[In, M1],
    a2: Composable[In, M2],
    a3: Composable[In, M3],
    a4: Composable[In, M4],
    a5: Composable[In, M5],
    /,
) -> MiniAgent[In, M1 | M2 | M3 | M4 | M5, []]: ...
@overload
def first_to_reply(
    a1: Composable[In, M1],
    a2: Composable[In, M2],
    a3: Composable[In, M3],
    a4: Composable[In, M4],
    a5: Composable[In, M5],
    a6: Composable[In, M6],
    /,
) -> MiniAgent[In, M1 | M2 | M3 | M4 | M5 | M6, []]: ...
@overload
def first_to_reply(
    a1: Composable[In, M1],
    a2: Composable[In, M2],
    a3: Composable[In, M3],
    a4: Composable[In, M4],
    a5: Composable[In, M5],
    a6: Composable[In, M6],
    a7: Composable[In, M7],
    /,
) -> MiniAgent[In, M1 | M2 | M3 | M4 | M5 | M6 | M7, []]: ...
@overload
def first_to_reply(
    a1: Composable[In, M1],
    a2: Composable[In, M2],
    a3: Composable[In, M3],
    a4: Composable[In, M4],
    a5: Composable[In, M5],
    a6: Composable[In, M6],
    a7: Composable[In, M7],
    a8: Composable[In, M8],
    /,
) -> MiniAgent[In, M1 | M2 | M3 | M4 | M5 | M6 | M7 | M8, []]: ...
@overload
def first_to_reply(*agents: Composable[In, Out]) -> MiniAgent[In, Out, []]: ...
def first_to_reply(*agents: AnyMember) -> MiniAgent[Any, Any, []]:  # Any: the overloads tie it to the agents
    """Return an agent that calls all the given agents, and gives the reply of the one that is first to say something.

    This hedges requests: ask two models the same, and read the one whose first token comes first. The calls of the
    others are cancelled at that moment, which stops their requests; what they have cost until then is spent. The first
    part of a reply decides, a token or a message that is complete. From there on the reply streams, and an error in it
    stays in its place. If several come at once, the earliest argument wins.

    An agent that fails before it says anything, or whose reply is empty, is out; its error is logged at level INFO and
    counts as read. If all are out, the replies are the errors of all, in the order of the agents. `first_to_speak` does
    the same with streams.

    Cancelling the replies cancels all calls. Each call costs the tasks that any call of its agent does, and two more
    until the first part has come.

    Args:
        agents: The agents.

    Raises:
        TypeError: There is no class of messages that all agents take, one of them cannot be called without arguments,
            or none is given.

    >>> @miniagent
    ... async def slow(ctx: InteractionContext) -> None:
    ...     await asyncio.sleep(60)
    >>> async def main() -> None:
    ...     async with MiniAgents():
    ...         print(await first_to_reply(slow, scripted_agent("I know")).inquire("Who knows?"))
    >>> asyncio.run(main())
    (Message(text='I know'),)
    """
    from miniagents.agents.guarding import FirstToReply  # noqa: PLC0415  # few agents are guarded

    check_agents("first_to_reply", agents)

    def declares() -> Declared:
        return common("first_to_reply", agents), gives(agents, settled=False)

    alias = f"first_to_reply({joined_alias(', ', agents)})"
    return composed(
        FirstToReply(agents), alias, declares, ("first_to_reply", *agents), partial(first_to_reply, *agents)
    )
