"""Agents whose work another agent does for a while."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, TypeAlias

from typing_extensions import ParamSpec, TypeVar

from miniagents.agents.agent import MiniAgent
from miniagents.agents.interaction import replacing
from miniagents.messages import Message
from miniagents.promising.core.arguments import check_kind

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

__all__ = ["Replacement", "replaced"]

In = TypeVar("In", bound=Message)
Out = TypeVar("Out", bound=Message)
P = ParamSpec("P")

_SomeAgent: TypeAlias = "MiniAgent[Any, Any, ...]"  # Any: `replaced` ties the one to the other
_Args: TypeAlias = "tuple[Any, ...]"  # Any: checked by the agent's signature
_Kwargs: TypeAlias = "Mapping[str, Any]"  # Any: checked by the agent's signature


class Replacement:
    """An agent, and the one that does its work."""

    __slots__ = ("_agent", "_other")

    def __init__(self, agent: _SomeAgent, other: _SomeAgent) -> None:
        self._agent = agent
        self._other = other

    def stands_for(self, agent: _SomeAgent, args: _Args, kwargs: _Kwargs) -> bool:
        """Return whether a call is one of the replaced agent, or of what `bound` and `options` have made of it."""
        replaced = self._agent
        return (
            agent._made_of == replaced._made_of
            and args[: len(replaced._args)] == replaced._args
            and all(name in kwargs and kwargs[name] == value for name, value in replaced._kwargs.items())
        )

    def work(self, args: _Args, kwargs: _Kwargs) -> tuple[Callable[..., Any], _Args, _Kwargs]:  # Any: of any agent
        """Return the function that does the work, with its arguments; what it calls is not replaced by it again."""
        replacing.set(tuple(each for each in replacing.get() if each is not self))
        other, replaced = self._other, self._agent
        given = {name: value for name, value in kwargs.items() if name not in replaced._kwargs}
        return other._function, (*other._args, *args[len(replaced._args) :]), {**other._kwargs, **given}


@contextlib.contextmanager
def replaced(agent: MiniAgent[In, Out, P], other: MiniAgent[In, Out, P], /) -> Generator[None]:
    """Have another agent do the work of an agent, wherever that is called in this block.

    It holds for all calls that the code of the block makes, and for those that these calls make, however deep in a tree
    of agents. Agents that `bound`, `options`, `with_retry` and the like have made of the agent call its replacement as
    well. Calls keep the agent's name, its options, and the checks of its arguments and messages. The other agent may
    call the replaced one: that call is not replaced. In blocks within blocks, the innermost one decides.

    Args:
        agent: The agent that is replaced.
        other: The agent that does its work, for example `scripted_agent(of=agent)`.

    Raises:
        TypeError: One of the two is no `MiniAgent`, or the agent is a chain whose members other chains take over.

    >>> @miniagent
    ... async def model(ctx: InteractionContext) -> None:
    ...     raise ConnectionError("tests have no network")
    >>> shout = model.with_retry() >> scripted_agent(otherwise=lambda asked: f"{asked.messages[0]}!")
    >>> async def main() -> None:
    ...     async with MiniAgents():
    ...         with replaced(model, fake := scripted_agent("Hello", of=model)):
    ...             print(*await shout.inquire("Say hello"), *fake.asked[0].messages)
    >>> asyncio.run(main())
    Hello! Say hello
    """
    for each in (agent, other):
        check_kind("replaced", each, MiniAgent, "no MiniAgent")
    if agent._parts() != (agent,):
        raise TypeError(
            f"replaced: the chain {agent.alias!r} may be a part of longer chains, which call its agents themselves: "
            "replace these, or give the chain a name of its own by `options(alias=…)`"
        )
    token = replacing.set((Replacement(agent, other), *replacing.get()))
    try:
        yield
    finally:
        replacing.reset(token)
