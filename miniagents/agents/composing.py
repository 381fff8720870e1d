"""Agents whose work is a plain function of their context, as compositions make them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import TypeVar

from miniagents.agents.agent import MiniAgent

if TYPE_CHECKING:
    from collections.abc import Callable

    from miniagents.agents.members import AnyMember, Declared

__all__ = ["composed", "surrounding"]

A = TypeVar("A", bound=MiniAgent[Any, Any, ...])  # Any: of any agent


def composed(
    body: Callable[..., Any],  # Any: as for any agent's function
    alias: str,
    declares: Callable[[], Declared],
    made_of: tuple[object, ...] | None = None,
    recipe: Callable[[], MiniAgent[Any, Any, []]] | None = None,  # Any: as in the result
) -> MiniAgent[Any, Any, []]:  # Any: the composing function declares the types
    """Return the agent that does the given work and has no parameters.

    Args:
        body: The work of one call; it is called with the call's context.
        alias: The agent's name.
        declares: Returns the classes of the messages that the agent takes, and of those it gives.
        made_of: What the work is made of: equal for works that are equal. By default no other work is.
        recipe: Makes the agent once more, in another process; None for an agent that cannot be pickled.

    Raises:
        TypeError: The agents of the composition do not fit together.

    >>> async def work(ctx: InteractionContext) -> None:
    ...     ctx.reply("done")
    >>> async def main() -> None:
    ...     async with MiniAgents():
    ...         print(await composed(work, "worker", lambda: ((Message,), (Message,))).inquire())
    >>> asyncio.run(main())
    (Message(text='done'),)
    """
    agent = MiniAgent[Any, Any, []](body, alias=alias, declares=declares, made_of=made_of)  # Any: as in the result
    agent._description = agent.__doc__ = None
    agent._recipe = recipe
    return agent


def surrounding(
    agent: A,
    body: Callable[[AnyMember], Callable[..., Any]],  # Any: as for any agent's function
    alias: str,
    made_of: tuple[object, ...],
) -> A:
    """Return an agent with the same messages and parameters, whose work surrounds that of an agent.

    Args:
        agent: The agent.
        body: Makes the work of the result. It is given the agent without its bound arguments; the result passes them on
            with each call.
        alias: The result's name.
        made_of: What else than the agent the work is made of.

    >>> class Loud:
    ...     def __init__(self, agent: MiniAgent) -> None:
    ...         self.agent = agent
    ...     async def __call__(self, ctx: InteractionContext) -> None:
    ...         ctx.reply([f"{reply}!" for reply in await self.agent.inquire(ctx.messages)])
    >>> async def main() -> None:
    ...     async with MiniAgents():
    ...         print(*await surrounding(scripted_agent("Hello"), Loud, "loud", ("loud",)).inquire())
    >>> asyncio.run(main())
    Hello!
    """
    return agent._guarded(body, alias, made_of)
