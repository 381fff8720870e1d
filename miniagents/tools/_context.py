"""What the loop gives to tools: parameters that a model neither sees nor fills in."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Final, Generic, TypeAlias, TypeGuard, Union, get_args, get_origin

from typing_extensions import TypeVar

from miniagents.messages import ToolCall
from miniagents.promising import NoActiveContextError
from miniagents.promising.core.current import calling

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from miniagents.messages import Message

__all__ = ["GivenBy", "ToolContext", "arguments_given", "given_by"]

Deps_co = TypeVar("Deps_co", default=Any, covariant=True)  # Any: a tool that does not say which it needs

_NO_CALL: Final = ToolCall(id="", name="")

GivenBy: TypeAlias = "Callable[[str, ToolContext[Any]], object]"  # Any: of the tool's own type
"""Makes the argument for a parameter of a tool, and raises an error that begins with the given words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolContext(Generic[Deps_co]):
    """The call of a tool, as the tool sees it: a parameter with this annotation is filled in by the loop.

    The model does not see such a parameter. Its type says which `deps` the tool needs.

    Attributes:
        deps: What the program gives to its tools, such as the user or a connection: the option `deps` of the model.
        call: The model's call.
        messages: The conversation so far. The message that makes the call is the last one.

    >>> @tool
    ... async def balance(ctx: ToolContext[dict[str, int]], account: str) -> int:
    ...     return ctx.deps[account]
    >>> [*balance.parameters["properties"]]
    ['account']
    >>> asyncio.run(balance(ToolContext(deps={"a": 3}), "a"))
    3
    """

    deps: Deps_co
    call: ToolCall = _NO_CALL
    messages: Sequence[Message] = field(default=(), repr=False)


def given_by(form: object) -> GivenBy | None:
    """Return what gives the argument for a parameter of a type; None if the model writes it."""
    cls: object = get_origin(form) or form
    if cls is Annotated or _is_union(cls):
        parts = [part for part in get_args(form)[: 1 if cls is Annotated else None] if part is not NoneType]
        return given_by(parts[0]) if len(parts) == 1 else None
    if not inspect.isclass(cls):
        return None
    if issubclass(cls, ToolContext):
        deps = get_args(form)[0] if get_args(form) else object
        return lambda what, context: _with_deps(what, context, deps)
    return _running_call if getattr(cls, "_is_given_to_tools", False) else None


def arguments_given(
    what: str,
    givers: Mapping[str, GivenBy],
    context: ToolContext[Any],  # Any: of each tool's own type
) -> dict[str, object]:
    """Return the arguments that the loop gives, by the names of their parameters.

    Args:
        what: The name of the tool in errors.
        givers: What gives them.
        context: The call.

    Raises:
        TypeError: The `deps` are missing or not of the type that the tool needs.
        NoActiveContextError: The tool takes the agent's call, and no agent is running.
    """
    return {name: give(f"{what}: parameter {name!r}", context) for name, give in givers.items()}


# Machinery -----------------------------------------------------------------------------------------------------------


def _running_call(what: str, _: ToolContext[Any]) -> object:  # Any: as above
    interaction: object = calling.get()
    if interaction is None:
        raise NoActiveContextError(
            f"{what} is given the call of the agent whose model calls the tool, and no agent is running here"
        )
    return interaction


def _with_deps(what: str, context: ToolContext[Any], form: object) -> ToolContext[Any]:  # Any: as above
    if _may_be(context.deps, form):
        return context
    named = getattr(form, "__qualname__", None) or str(form)
    if context.deps is None:
        raise TypeError(
            f"{what} needs deps of the type {named}, and there are none: "
            "give deps=... where the model's agent is made, bound or asked"
        )
    raise TypeError(f"{what} needs deps of the type {named}; got {type(context.deps).__qualname__}")


def _may_be(deps: object, form: object) -> bool:
    """Return whether deps may be of a type, as far as one can tell without looking into them."""
    cls: object = get_origin(form) or form
    if cls is Annotated:
        return _may_be(deps, get_args(form)[0])
    if _is_union(cls):
        return any(_may_be(deps, part) for part in get_args(form))
    if cls is None:
        return deps is None
    if not _is_checkable(cls):
        return True
    return isinstance(deps, cls)


def _is_union(cls: object) -> bool:
    return cls is Union or cls is UnionType


def _is_checkable(cls: object) -> TypeGuard[type]:
    # Any is a class from Python 3.11 on, and a TypedDict is one that refuses to be asked
    if not inspect.isclass(cls) or cls.__module__ == "typing" or hasattr(cls, "__total__"):
        return False
    return not getattr(cls, "_is_protocol", False) or getattr(cls, "_is_runtime_protocol", False)
