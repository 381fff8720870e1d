"""An agent as a value: its name, its identity, and which agents are equal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from typing_extensions import TypeIs

from miniagents.agents.members import Member

if TYPE_CHECKING:
    import inspect
    from collections.abc import Callable, Iterable, Mapping

    from miniagents.messages import Identity
    from miniagents.promising import Default

__all__ = ["AgentValue", "hint_at_bound", "refuse_bound"]


class AgentValue(Member):
    """What makes agents equal, or tells them apart; `MiniAgent` is the one kind of it."""

    __slots__ = ()

    _alias: str
    _args: tuple[Any, ...]  # Any: of the agent's parameters
    _description: str | None
    _errors_as_messages: bool | Default
    _function: Callable[..., Any]  # Any: a function whose result is awaited, or a class whose objects are called
    _kwargs: dict[str, Any]  # Any: of the agent's parameters
    _made_of: tuple[object, ...]
    _max_ahead: int | Default | None
    _model_identity: Callable[[], Identity] | None
    _signature: inspect.Signature
    _start_asap: bool | Default
    _version: str | None

    @property
    def alias(self) -> str:
        """The agent's name in logs, errors and records."""
        return self._alias

    @property
    def version(self) -> str | None:
        """The version that its author gave it, a part of its identity; None without one."""
        return self._version

    @property
    def description(self) -> str | None:
        """What the agent does; by default its docstring."""
        return self._description

    @property
    def identity(self) -> Identity:
        """What the agent is, as a frozen value with a hash key: its name, version and bound arguments.

        Agents with equal identities are taken to behave alike, for example by a cache of replies. So give an agent
        another `version` when its behaviour changes. A composition has the identities of its members. A language model
        has its provider, address, name, options and schemas. No identity has a key or another secret.

        >>> @miniagent(version="2")
        ... async def repeat(ctx: InteractionContext, times: int) -> None:
        ...     ctx.reply([await ctx.messages] * times)
        >>> identity = repeat.bound(times=2).identity
        >>> identity.name, identity.version, identity.details["arguments"]["times"]
        ('repeat', '2', 2)
        >>> identity == repeat.bound(times=3).identity
        False
        """
        from miniagents.agents.agent_identity import identity_of  # noqa: PLC0415  # many programs do not ask

        return identity_of(self)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not _is_agent(other):
            return NotImplemented
        # asked first: values such as `{1}` and `frozenset({1})` are equal, and only one of them can be hashed
        return hash(self) == hash(other) and self._likeness() == other._likeness()

    def __hash__(self) -> int:
        try:
            return hash((self._made_of, self._alias, self._args, frozenset(self._kwargs.items())))
        except TypeError:  # an argument has no hash
            return hash((type(self), self._alias))

    def __copy__(self) -> Self:
        return self  # it does not change

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        return self

    if not TYPE_CHECKING:  # for type checkers this would allow any attribute

        def __setattr__(self, name: str, value: object) -> None:
            if not name.startswith("_"):
                instead = "; use agent.options(alias=…)" if name == "alias" else ""
                raise AttributeError(f"agent {self._alias!r}: {name!r} cannot be changed, agents are values{instead}")
            object.__setattr__(self, name, value)

    # --- machinery ---

    def _likeness(self) -> tuple[object, ...]:
        """Return everything that makes two agents different."""
        options = (
            *(self._alias, self._description, self._version),
            *(self._start_asap, self._max_ahead, self._errors_as_messages),
        )
        return type(self), self._made_of, options, self._args, self._kwargs

    def _without_secrets(self, arguments: Iterable[tuple[str, object]]) -> Iterable[tuple[str, object]]:
        """Return arguments as records and identities may show them."""
        return arguments


def _is_agent(value: object) -> TypeIs[AgentValue]:
    return isinstance(value, AgentValue)


def refuse_bound(
    alias: str,
    given: Mapping[str, object],
    bound_args: tuple[object, ...],
    bound_kwargs: Mapping[str, object],
) -> None:
    """Refuse keyword arguments that are bound already.

    Raises:
        TypeError: One of them is.
    """
    again = [repr(name) for name in given if name in bound_kwargs]
    if again:
        raise TypeError(f"agent {alias!r}: got {', '.join(again)} again{hint_at_bound(bound_args, bound_kwargs)}")


def hint_at_bound(args: tuple[object, ...], kwargs: Mapping[str, object]) -> str:
    """Return the end of an error text about arguments, which tells of bound ones; it is empty if there are none."""
    bound = ["…" for _ in args] + [f"{name}=…" for name in kwargs]  # not the values: they may be secret or long
    if not bound:
        return ""
    return f"; bound({', '.join(bound)}) has given these: for other values, call `bound` of the agent without them"
