"""The common parts of agents that are made of other agents: how they call members, what they declare, their names."""

from __future__ import annotations

from functools import reduce
from itertools import pairwise
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from typing_extensions import TypeVar

from miniagents.messages import ErrorMessage, Message
from miniagents.promising import PromiseCancelledError, StreamedPromise
from miniagents.promising.core.failure import Failure, count_as_read
from miniagents.promising.sentinels import EndLoop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence

    from miniagents.agents.interaction import InteractionContext
    from miniagents.messages import Identity, MessagePromise, MessageSequencePromise, MessageType
    from miniagents.messages.promised.attribution import Speaker

__all__ = [
    "AgentBody",
    "AnyAgent",
    "AnyContext",
    "AnyMember",
    "AnyReplies",
    "Chain",
    "Classes",
    "Composable",
    "Declared",
    "Inquirable",
    "Member",
    "alias_of",
    "ask",
    "check_agents",
    "common",
    "declared_by",
    "ends_loop",
    "error_as_message",
    "error_in_place",
    "failure_in_place",
    "is_cancelled",
    "joined_alias",
    "operand",
    "passed_on",
    "pieces_of",
    "refuse_misfits",
    "union",
    "what_makes_agents",
]

In_contra = TypeVar("In_contra", bound=Message, default=Message, contravariant=True)
Out_co = TypeVar("Out_co", bound=Message, default=Message, covariant=True)

Classes: TypeAlias = tuple[type[Message], ...]
"""The classes of some messages."""
Declared: TypeAlias = tuple[Classes, Classes]
"""The classes of the messages that an agent takes, and of those it gives."""
AnyAgent: TypeAlias = "Inquirable[Any, Message]"  # Any: contravariant, so that any agent is one
"""An agent of any messages."""
AnyMember: TypeAlias = "Composable[Any, Message]"  # Any: contravariant, so that any member is one
"""A member of a composition, of any messages."""
AnyContext: TypeAlias = "InteractionContext[Any, Any]"  # Any: the composing function has checked the types
"""A call of a composition, or of any agent."""
AnyReplies: TypeAlias = "MessageSequencePromise[Any]"  # Any: the composing function has checked the types
"""Messages, or replies, of a composition or a member."""

_SHOWN: Final = 4
"""How many agents are named at each end of an alias that would otherwise be too long."""


class AgentBody(Protocol):
    """The protocol of classes that make agents: an object does the work of one call, called without arguments."""

    async def __call__(self) -> None:
        """Do the work of one call."""


class Inquirable(Protocol[In_contra, Out_co]):
    """Anything that can be called with messages alone: an agent, or an object with a fitting `inquire`."""

    def inquire(self, messages: MessageType[In_contra] | None = None, /) -> MessageSequencePromise[Out_co]:
        """Return the promise of the replies to the messages."""
        ...


class Composable(Protocol[In_contra, Out_co]):
    """What agents can be made of: an agent, or any other object that is `Inquirable`.

    A composition calls its members with promises alone. Because nothing else is asked of them, type checkers find what
    each takes and gives without going through all that can stand for messages. In generic code, ty would not end.
    """

    def inquire(
        self, messages: MessagePromise[In_contra] | MessageSequencePromise[In_contra] | None = None, /
    ) -> MessageSequencePromise[Out_co]:
        """Return the promise of the replies to the messages."""
        ...


class Member:
    """The methods that only the library's own agents have, in addition to those of `Inquirable`."""

    __slots__ = ()

    @property
    def alias(self) -> str:
        """The agent's name in logs, errors and records."""
        raise NotImplementedError

    @property
    def identity(self) -> Identity:
        """What the agent is, as a value."""
        raise NotImplementedError

    def _classes(self) -> Declared:
        """Return the classes of the messages that the agent takes, and of those it gives.

        Raises:
            NameError: A class in the annotation is not defined yet.
        """
        raise NotImplementedError

    def _check_complete(self) -> None:
        """Refuse an agent that cannot be called without arguments.

        Raises:
            TypeError: There are parameters without a default.
        """
        raise NotImplementedError

    def _parts(self) -> tuple[AnyMember, ...]:
        """Return the links of a chain, unless it has a name or options of its own; else the agent itself."""
        raise NotImplementedError

    def _ask(
        self,
        messages: Any,  # Any: a MessageType; the composing function has checked of which class
        args: tuple[Any, ...],  # Any: checked by the agent's signature
        kwargs: Mapping[str, Any],  # Any: checked by the agent's signature
        *,
        composition: AnyContext,
        raises: bool,
        speaker: Speaker | None,
    ) -> AnyReplies:
        """Call the agent as `inquire` does, on behalf of a composition.

        If `raises`, errors stay errors, despite `errors_as_messages`. If there is a `speaker`, the replies are by it.
        """
        raise NotImplementedError


class Chain:
    """The work of a chain: calls agents one after the other, each with the replies of the one before it.

    Attributes:
        agents: The agents in their order; chains without a name or options of their own are taken apart.
        alias: The chain's name, made of the names of the agents.

    Raises:
        TypeError: One of the agents cannot be called without arguments, or there is none.
    """

    __slots__ = ("_links", "agents", "alias")

    def __init__(self, *agents: AnyMember) -> None:
        check_agents("chain", agents)
        self._links = agents
        self.agents: tuple[AnyMember, ...] = tuple(part for agent in agents for part in _parts(agent))
        self.alias: str = joined_alias(" >> ", self.agents, operand)

    async def __call__(self, ctx: AnyContext, /) -> None:
        """Do the work of one call."""
        replies = ctx.messages
        for agent in self.agents:
            replies = ask(ctx, agent, replies)
        ctx.reply(replies)

    def declares(self) -> Declared:
        """Return the classes that the first agent takes, and those that the last one gives.

        Raises:
            TypeError: An agent gives messages of a class that the next can never take.
        """
        declared = [declared_by(agent) for agent in self._links]
        for (giver, taker), ((_, gives), (takes, _)) in zip(pairwise(self._links), pairwise(declared), strict=True):
            ends = (f"agent {alias_of(agent)!r}" for agent in (_parts(giver)[-1], _parts(taker)[0]))
            refuse_misfits(self.alias, gives, takes, *ends)
        return declared[0][0], declared[-1][1]


def _parts(agent: AnyMember) -> tuple[AnyMember, ...]:
    return agent._parts() if isinstance(agent, Member) else (agent,)


# --- calling members ---


def ask(
    ctx: AnyContext,
    agent: AnyMember,
    messages: Any,  # Any: a message promise or a sequence; the composing function has checked of which class
    args: tuple[Any, ...] = (),  # Any: checked by the agent's signature
    kwargs: Mapping[str, Any] | None = None,  # Any: checked by the agent's signature
    *,
    raises: bool = False,
    speaker: Speaker | None = None,
) -> AnyReplies:
    """Call a member on behalf of a composition.

    Args:
        ctx: The composition's call.
        agent: The member.
        messages: The messages for the member.
        args: Positional arguments of the member.
        kwargs: Keyword arguments of the member.
        raises: Whether the composition needs the member's errors as errors, despite `errors_as_messages`. The members
            of members inherit this.
        speaker: What the replies tell of who said them (`MessagePromise.by`), if anything.

    The members have the composition's bound, unless they were given their own.
    """
    if isinstance(agent, Member):
        raises = raises or ctx._raises
        return agent._ask(messages, args, kwargs or {}, composition=ctx, raises=raises, speaker=speaker)
    replies = agent.inquire(messages, *args, **(kwargs or {}))
    return replies if speaker is None else speaker.attributed(replies, ctx._context)


def pieces_of(sequence: AnyReplies) -> AsyncIterator[MessagePromise[Any] | Failure]:  # Any: as in `AnyReplies`
    """Return the message promises of a sequence, and its errors as objects, which do not count as read by this."""
    from miniagents.promising.core.access import outcomes  # noqa: PLC0415  # a first agent does without

    return outcomes(sequence)


def passed_on(ctx: AnyContext, replies: AnyReplies) -> Any:  # Any: a MessageType
    """Return the replies of a member that was called with `raises`, in the form that the composition replies."""
    if ctx._raises or not ctx._errors_as_messages:
        return replies

    ctx.take_over_bound(replies)

    async def with_messages() -> AsyncIterator[object]:
        async for piece in pieces_of(replies):
            yield failure_in_place(ctx, piece) if isinstance(piece, Failure) else piece

    return with_messages()


def failure_in_place(ctx: AnyContext, failure: Failure) -> Any:  # Any: the failure, or a message where these are wanted
    """Return the reply in the place of a member's failure: the failure itself or an `ErrorMessage`."""
    replaced = error_in_place(ctx, failure.error)
    if replaced is failure.error:
        return failure  # not the bare error: the failure keeps the origin and the traceback
    count_as_read(failure)
    return replaced


def error_in_place(ctx: AnyContext, error: BaseException) -> Any:  # Any: an error, or a message where these are wanted
    """Return the reply in the place of an error: the error itself or an `ErrorMessage`."""
    if ctx._raises or not ctx._errors_as_messages or not isinstance(error, Exception) or is_cancelled(error):
        return error
    return ctx.error_message(error)


def error_as_message(error: Exception, agent: str, callers: tuple[str, ...], call: str | None = None) -> ErrorMessage:
    """Return the message that stands for an error.

    Args:
        error: The error.
        agent: The name of the agent that failed.
        callers: The names of the agents whose calls led there, the outermost first.
        call: The key of the record of the call.
    """
    text = f"{type(error).__name__}: {error}"
    error_type = f"{type(error).__module__}.{type(error).__qualname__}"
    return ErrorMessage(text, error_type=error_type, agent=agent, callers=callers, call=call)


def ends_loop(error: BaseException) -> bool:
    """Return whether an error ends a loop of agents, so that no message may stand for it."""
    return isinstance(error, EndLoop | EOFError)


def is_cancelled(error: BaseException) -> bool:
    """Return whether an error is a cancellation, after which no retry or fallback may follow."""
    return isinstance(error, PromiseCancelledError)  # readers get this for an asyncio.CancelledError too


# --- what is declared ---


def declared_by(agent: AnyMember) -> Declared:
    """Return the classes that an agent takes and gives; for agents from outside the library, any message."""
    return agent._classes() if isinstance(agent, Member) else ((Message,), (Message,))


def union(all_classes: Iterable[Classes]) -> Classes:
    """Return the classes of all groups, each once, in their order."""
    return tuple(dict.fromkeys(cls for classes in all_classes for cls in classes))


def common(what: str, agents: Sequence[AnyMember]) -> Classes:
    """Return the classes of the messages that all agents take.

    Raises:
        TypeError: There is no such class.
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

    A base class of what is taken is allowed: its messages may still fit, which is checked for each.

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
    """Refuse objects that cannot be called with messages alone.

    Raises:
        TypeError: One of them is not an agent or needs arguments, or there is none at all.
    """
    if not agents:
        raise TypeError(f"{what}: there is no agent; give it at least one")
    for agent in agents:
        if not callable(getattr(agent, "inquire", None)):
            raise TypeError(f"{what}: {agent!r:.200} is no agent, it has no `inquire`{what_makes_agents(agent)}")
        if isinstance(agent, Member):
            try:
                agent._check_complete()
            except TypeError as error:
                raise TypeError(f"{what}: {error}; give it with `bound(...)`") from None


def what_makes_agents(given: object) -> str:
    """Return the end of an error text about something that is no agent; "" if nothing makes it one."""
    if isinstance(given, list | tuple):
        return "; give agents one by one"
    if isinstance(given, StreamedPromise):
        return "; give the agent itself, without `.inquire(...)`"
    if isinstance(given, FunctionType) or (isinstance(given, type) and not issubclass(given, Message)):
        return "; make it an agent with @miniagent"
    return ""


# --- names ---


def alias_of(agent: object) -> str:
    """Return the name of an agent: its alias, or the name of its class."""
    alias: object = getattr(agent, "alias", None)
    return alias if isinstance(alias, str) else type(agent).__name__


def operand(agent: object) -> str:
    """Return the name of an agent as an operand, in parentheses where these are needed."""
    alias = alias_of(agent)
    return f"({alias})" if " >> " in alias else alias


def joined_alias(separator: str, agents: Sequence[object], name: Callable[[object], str] = alias_of) -> str:
    """Return the names of all agents, joined; long lists are shortened to the names at both ends."""

    def names() -> Iterator[str]:
        left_out = len(agents) - 2 * _SHOWN
        if left_out <= 1:
            yield from map(name, agents)
            return
        yield from map(name, agents[:_SHOWN])
        yield f"… {left_out} more …"
        yield from map(name, agents[-_SHOWN:])

    return separator.join(names())
