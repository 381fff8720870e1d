"""What agents that are made of other agents have in common: how they ask, what they declare, what they are called."""

from __future__ import annotations

from functools import reduce
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from typing_extensions import TypeVar

from miniagents.messages import Message
from miniagents.promising import PromiseCancelledError
from miniagents.promising.core.access import outcomes
from miniagents.promising.core.failure import Failure, mark_as_read

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence

    from miniagents.agents.interaction import InteractionContext
    from miniagents.messages import MessagePromise, MessageSequencePromise, MessageType

__all__ = [
    "AgentBody",
    "AnyAgent",
    "AnyContext",
    "AnyReplies",
    "Chain",
    "Classes",
    "Declared",
    "Inquirable",
    "Member",
    "alias_of",
    "ask",
    "check_agents",
    "check_count",
    "common",
    "declared_by",
    "error_in_place",
    "failure_in_place",
    "is_cancelled",
    "joined_alias",
    "operand",
    "passed_on",
    "pieces_of",
    "refuse_misfits",
    "union",
]

In_contra = TypeVar("In_contra", bound=Message, default=Message, contravariant=True)
Out_co = TypeVar("Out_co", bound=Message, default=Message, covariant=True)

Classes: TypeAlias = tuple[type[Message], ...]
"""The classes of some messages."""
Declared: TypeAlias = tuple[Classes, Classes]
"""The classes of the messages that an agent takes, and of those it gives."""
AnyAgent: TypeAlias = "Inquirable[Any, Message]"  # Any: contravariant, so that any agent is one
"""Whatever can be asked."""
AnyContext: TypeAlias = "InteractionContext[Any, Any]"  # Any: what made the composition has checked the types
"""A composition\'s call."""
AnyReplies: TypeAlias = "MessageSequencePromise[Any]"  # Any: as above
"""Messages, or replies, of a composition or a member."""

_SHOWN: Final = 4
"""How many agents are named at each end of an alias that would otherwise be too long."""


class AgentBody(Protocol):
    """What a class must be to make agents: its objects are called without arguments to do the work."""

    async def __call__(self) -> None:
        """Do the work of one call."""


class Inquirable(Protocol[In_contra, Out_co]):
    """Whatever can be asked without further arguments."""

    def inquire(self, messages: MessageType[In_contra] | None = None, /) -> MessageSequencePromise[Out_co]:
        """Asks, and gives the replies."""
        ...


class Member:
    """What the library knows of its own agents, beyond what any `Inquirable` has."""

    __slots__ = ()

    alias: str

    def _classes(self) -> Declared:
        """Return the classes of the messages that the agent takes, and of those it gives.

        Raises:
            NameError: A class is defined further down.
        """
        raise NotImplementedError

    def _check_complete(self) -> None:
        """Refuse an agent that cannot be called without arguments.

        Raises:
            TypeError: There are parameters without a default.
        """
        raise NotImplementedError

    def _parts(self) -> tuple[AnyAgent, ...]:
        """Return the agents of a chain that has no name or way to be called of its own; of any other agent, itself."""
        raise NotImplementedError

    def _ask(
        self,
        messages: Any,  # Any: what messages may be, whose type the composition has checked
        args: tuple[Any, ...],  # Any: checked by the agent's signature
        kwargs: Mapping[str, Any],  # Any: as above
        *,
        raises: bool,
    ) -> AnyReplies:
        """As `inquire` does it; where it `raises`, an error is one, also where the context wants errors as messages."""
        raise NotImplementedError


class Chain:
    """The work of a chain: asks agents one after the other, each with the replies of the one before it.

    Attributes:
        agents: The agents that are asked; chains without anything of their own are taken apart.
        alias: The chain's name, made of those of the agents.

    Raises:
        TypeError: One of the agents cannot be called without arguments, or there is none.
    """

    __slots__ = ("_links", "agents", "alias")

    def __init__(self, *agents: AnyAgent) -> None:
        check_agents("chain", agents)
        self._links = agents
        self.agents: tuple[AnyAgent, ...] = tuple(part for agent in agents for part in _parts(agent))
        self.alias: str = joined_alias(" >> ", self.agents, operand)

    async def __call__(self, ctx: AnyContext, /) -> None:
        """Do the work of one call."""
        replies = ctx.messages
        for agent in self.agents:
            replies = ask(ctx, agent, replies)
        ctx.reply(replies)

    def declares(self) -> Declared:
        """Return the classes of the messages that the first agent takes, and of those that the last one gives.

        Raises:
            TypeError: An agent gives messages of a class that the next can never take.
        """
        declared = [declared_by(agent) for agent in self._links]
        for (giver, taker), ((_, gives), (takes, _)) in zip(pairwise(self._links), pairwise(declared), strict=True):
            ends = (f"agent {alias_of(agent)!r}" for agent in (_parts(giver)[-1], _parts(taker)[0]))
            refuse_misfits(self.alias, gives, takes, *ends)
        return declared[0][0], declared[-1][1]


def _parts(agent: AnyAgent) -> tuple[AnyAgent, ...]:
    return agent._parts() if isinstance(agent, Member) else (agent,)


# --- asking ---


def ask(
    ctx: AnyContext,
    agent: AnyAgent,
    messages: Any,  # Any: a message promise or a sequence of messages, whose type the composition has checked
    args: tuple[Any, ...] = (),  # Any: checked by the agent's signature
    kwargs: Mapping[str, Any] | None = None,  # Any: as above
    *,
    raises: bool = False,
) -> AnyReplies:
    """Ask a member on behalf of a composition.

    Args:
        ctx: The composition's call.
        agent: The member.
        messages: What it is asked.
        args: Arguments of the member.
        kwargs: As above.
        raises: Whether the composition has to see the member's errors as errors. If so, members of members show theirs.
    """
    if isinstance(agent, Member):
        return agent._ask(messages, args, kwargs or {}, raises=raises or ctx._raises)
    return agent.inquire(messages, *args, **(kwargs or {}))


def pieces_of(sequence: AnyReplies) -> AsyncIterator[MessagePromise[Any] | Failure]:  # Any: as in `AnyReplies`
    """Return the message promises of a sequence, and its errors as objects, which nobody has seen by this."""
    return outcomes(sequence)


def passed_on(ctx: AnyContext, replies: AnyReplies) -> Any:  # Any: what a reply may be, or an iterator of that
    """Return the replies of a member that was asked so that it raises, as the composition gives them."""
    if ctx._raises or not ctx._context.errors_as_messages:
        return replies

    async def with_messages() -> AsyncIterator[object]:
        async for piece in pieces_of(replies):
            yield failure_in_place(ctx, piece) if isinstance(piece, Failure) else piece

    return with_messages()


def failure_in_place(ctx: AnyContext, failure: Failure) -> Any:  # Any: the failure, or a message where these are wanted
    """Return what a composition gives in the place of an error that a member raised."""
    replaced = error_in_place(ctx, failure.error)
    if replaced is failure.error:
        return failure  # with the origin and the traceback that it has
    failure.seen = True
    mark_as_read(failure.error)
    return replaced


def error_in_place(ctx: AnyContext, error: BaseException) -> Any:  # Any: an error, or a message where these are wanted
    """Return what a composition puts in the place of a reply that could not be made."""
    if ctx._raises or not ctx._context.errors_as_messages or not isinstance(error, Exception) or is_cancelled(error):
        return error
    return ctx.error_message(error)


def is_cancelled(error: BaseException) -> bool:
    """Return whether an error says that something was cancelled, which is never a reason to try anything else."""
    return isinstance(error, PromiseCancelledError)  # that is also what readers get of a CancelledError


# --- what is declared ---


def declared_by(agent: AnyAgent) -> Declared:
    """Return what an agent declares; one that is not of this library declares nothing."""
    return agent._classes() if isinstance(agent, Member) else ((Message,), (Message,))


def union(all_classes: Iterable[Classes]) -> Classes:
    """Return all classes, each once."""
    return tuple(dict.fromkeys(cls for classes in all_classes for cls in classes))


def common(what: str, agents: Sequence[AnyAgent]) -> Classes:
    """Return the classes of the messages that all agents take.

    Raises:
        TypeError: There are none.
    """

    def both(left: Classes, right: Classes) -> Classes:
        narrower = [(one if issubclass(one, other) else other) for one in left for other in right if _fits(one, other)]
        return tuple(dict.fromkeys(narrower))

    taken = [declared_by(agent)[0] for agent in agents]
    classes = reduce(both, taken)
    if not classes:
        each = ", ".join(
            f"{alias_of(agent)!r} takes {_named(takes)}" for agent, takes in zip(agents, taken, strict=True)
        )
        raise TypeError(f"{what}: there is no message that all agents take: {each}")
    return classes


def refuse_misfits(what: str, gives: Classes, takes: Classes, giver: str, taker: str) -> None:
    """Refuse a giver of messages that the taker can never take.

    A class that is wider than what is taken may still turn out to fit, message by message.

    Raises:
        TypeError: A class that is given is neither a subclass nor a base of any that is taken.
    """
    misfits = tuple(given for given in gives if not any(_fits(given, taken) for taken in takes))
    if misfits:
        raise TypeError(f"{what}: {giver} gives {_named(misfits)} where {taker} takes {_named(takes)}")


def _fits(one: type[Message], other: type[Message]) -> bool:
    return issubclass(one, other) or issubclass(other, one)


def _named(classes: Classes) -> str:
    return " or ".join(cls.__qualname__ for cls in classes)


# --- arguments ---


def check_agents(what: str, agents: Sequence[object]) -> None:
    """Refuse what cannot be asked without further arguments.

    Raises:
        TypeError: Something is no agent, needs arguments, or there is nothing at all.
    """
    if not agents:
        raise TypeError(f"{what}: there is no agent; give it at least one")
    for agent in agents:
        if not callable(getattr(agent, "inquire", None)):
            raise TypeError(f"{what}: {agent!r:.200} is no agent, it has no `inquire`")
        if isinstance(agent, Member):
            try:
                agent._check_complete()
            except TypeError as error:
                raise TypeError(f"{what}: {error}; give it with `bound(...)`") from None


def check_count(what: str, count: int) -> None:
    """Refuse what cannot be counted to.

    Raises:
        ValueError: The count is less than one.
    """
    if count < 1:
        raise ValueError(f"{what} must be at least 1")


# --- names ---


def alias_of(agent: object) -> str:
    """Return what an agent is called."""
    alias: object = getattr(agent, "alias", None)
    return alias if isinstance(alias, str) else type(agent).__name__


def operand(agent: object) -> str:
    """Return what an agent is called as a part of an expression."""
    alias = alias_of(agent)
    return f"({alias})" if " >> " in alias else alias


def joined_alias(separator: str, agents: Sequence[object], name: Callable[[object], str] = alias_of) -> str:
    """Return the names of all agents; of very many those at both ends."""

    def names() -> Iterator[str]:
        left_out = len(agents) - 2 * _SHOWN
        if left_out <= 1:
            yield from map(name, agents)
            return
        yield from map(name, agents[:_SHOWN])
        yield f"… {left_out} more …"
        yield from map(name, agents[-_SHOWN:])

    return separator.join(names())
