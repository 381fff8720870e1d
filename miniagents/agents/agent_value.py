"""An agent as a value: its name, its identity, and which agents are equal."""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self

from typing_extensions import TypeIs

from miniagents._lazy import OldName
from miniagents.agents.members import Member, what_makes_agents
from miniagents.promising.core.arguments import check_kind, did_you_mean
from miniagents.promising.core.presenting import HidesMachinery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from miniagents.messages import Identity
    from miniagents.promising import Default

__all__ = ["AgentValue", "checked_alias", "hint_at_bound", "hint_at_names", "is_chained", "refuse_bound"]


class _InquireSignature:
    """The `__signature__` of agents, for `inspect.signature` and `help`: that of their `inquire`."""

    def __get__(self, agent: AgentValue | None, owner: type) -> inspect.Signature:
        if agent is None:
            raise AttributeError("__signature__")  # the class has that of its constructor
        from miniagents.agents.agent_signatures import inquire_signature  # noqa: PLC0415  # few programs ask

        return inquire_signature(agent)


class AgentValue(HidesMachinery, Member):
    """What makes agents equal, or tells them apart; `MiniAgent` is the one kind of it."""

    __slots__ = ()

    _machinery = frozenset({"fork", "initiate_call", "trigger"})

    __name__: str
    __qualname__: str

    _alias: str
    _args: tuple[Any, ...]  # Any: of the agent's parameters
    _description: str | None
    _errors_as_messages: bool | Default
    _function: Callable[..., Any]  # Any: a function whose result is awaited, or a class whose objects are called
    _kwargs: dict[str, Any]  # Any: of the agent's parameters
    _made_of: tuple[object, ...]
    _max_ahead: int | Default | None
    _model_identity: Callable[[], Identity] | None
    _recipe: Callable[[], AgentValue] | None = None  # makes a composition once more
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

    def __reduce__(self) -> str | tuple[Any, ...]:  # Any: the protocol of pickle
        from miniagents.agents.pickling import reduced  # noqa: PLC0415 - a circle: it makes agents

        return reduced(self)

    if not TYPE_CHECKING:  # for type checkers this would allow any attribute, and calls
        __signature__ = _InquireSignature()
        fork = OldName("bound(…) for arguments, options(…) for the rest")
        initiate_call = OldName("initiate_inquiry()")
        trigger = OldName("inquire(…)")

        def __call__(self, *_: object, **__: object) -> NoReturn:  # noqa: D102  # nobody shall call it
            raise TypeError(f"agent {self._alias!r} cannot be called like a function; {self._instead_of_calling}")

        def __await__(self) -> NoReturn:
            raise TypeError(f"agent {self._alias!r} cannot be awaited; {self._instead_of_calling}")

        def __setattr__(self, name: str, value: object) -> None:
            if not name.startswith("_"):
                instead = "; use agent.options(alias=…)" if name == "alias" else ""
                raise AttributeError(f"agent {self._alias!r}: {name!r} cannot be changed, agents are values{instead}")
            object.__setattr__(self, name, value)

    # --- machinery ---

    def what_it_is_made_of(self) -> object:
        """Return the agent that `with_retry`, `with_fallback` and the like made this one of, or else its function."""
        return self._made_of[0]

    @property
    def _instead_of_calling(self) -> str:
        """What to write for an agent that is taken for a function; `core.arguments` asks for it."""
        name = self.__name__ if self.__name__.isidentifier() else "agent"  # as in "gpt-5"
        return f"write {name}.inquire(…), whose replies can be awaited"

    def _look_like(self, function: Callable[..., object] | None) -> None:
        """Take over the names and the docstring of the user's function or class, for `help`, debuggers and tools."""
        while isinstance(function, partial):
            function = function.func
        own = self.__dict__
        own["__name__"] = own["__qualname__"] = self._alias
        own["__doc__"] = self._description
        if inspect.isfunction(function) or inspect.isclass(function):
            own["__name__"] = function.__name__
            own["__qualname__"] = function.__qualname__
            own["__module__"] = function.__module__
            own["__doc__"] = function.__doc__ or self._description
            own["__wrapped__"] = function

    def _likeness(self) -> tuple[object, ...]:
        """Return everything that makes two agents different."""
        options = (
            *(self._alias, self._description, self._version),
            *(self._start_asap, self._max_ahead, self._errors_as_messages),
        )
        return type(self), self._made_of, options, self._args, self._kwargs

    def _misfit(self, given: Iterable[str], said: str) -> str:
        """Return the text of the error for arguments that the agent does not take.

        Args:
            given: The names of the keyword arguments.
            said: What Python says of them.
        """
        hint = hint_at_names(self._signature, given, said) or hint_at_bound(self._args, self._kwargs)
        if not hint and said.startswith("too many") and len(self._signature.parameters) == 1:
            hint = "; it takes none besides the messages, several as one list"
        return f"agent {self._alias!r}: {said}{hint}"

    def _without_secrets(self, arguments: Iterable[tuple[str, object]]) -> Iterable[tuple[str, object]]:
        """Return arguments as records and identities may show them."""
        return arguments


def _is_agent(value: object) -> TypeIs[AgentValue]:
    return isinstance(value, AgentValue)


def checked_alias(alias: str | None, function: object) -> str:
    """Return the name that an agent is given, or else the name of its function or class.

    Raises:
        TypeError: It is no text.
    """
    if alias is None:
        name: str = getattr(function, "__name__", type(function).__name__)
        return name
    check_kind("alias", alias, str, "no text")
    return alias


def is_chained(other: object) -> bool:
    """Return whether an object can stand behind `>>`; Python asks any other one whether it knows better.

    Raises:
        TypeError: It is something that could be made an agent.
    """
    if callable(getattr(other, "inquire", None)):
        return True
    hint = "" if hasattr(type(other), "__rrshift__") else what_makes_agents(other)
    if hint:
        raise TypeError(f">>: {other!r:.200} is no agent, it has no `inquire`{hint}")
    return False


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


def hint_at_names(signature: inspect.Signature, given: Iterable[str], said: str) -> str:
    """Return what an error text about arguments says of the first one that no parameter has the name of.

    Args:
        signature: The signature of the agent's function.
        given: The names of the keyword arguments.
        said: The error text so far.
    """
    parameters = [*signature.parameters.values()][1:]  # not the context
    known = [each.name for each in parameters if each.kind in _NAMED]
    unknown = next((name for name in given if name not in known), None)
    if unknown is None or any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters):
        return ""
    told = "" if repr(unknown) in said else f", and got an unexpected {unknown!r}"
    takes = f"it takes: {', '.join(known)}" if known else "it takes none"
    if unknown in _MESSAGES:
        takes += "; messages come first, without a name"
    return told + (did_you_mean(unknown, known) or f"; {takes}")


_MESSAGES: Final = ("content", "input", "message", "messages", "prompt", "query", "question", "text")
"""Names under which other libraries take messages."""
_NAMED: Final = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def hint_at_bound(args: tuple[object, ...], kwargs: Mapping[str, object]) -> str:
    """Return the end of an error text about arguments, which tells of bound ones; it is empty if there are none."""
    bound = ["…" for _ in args] + [f"{name}=…" for name in kwargs]  # not the values: they may be secret or long
    if not bound:
        return ""
    return f"; bound({', '.join(bound)}) has given these: for other values, call `bound` of the agent without them"
