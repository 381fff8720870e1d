"""`@miniagent`: agents made of functions and classes."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Generator
from typing import TYPE_CHECKING, Any, Concatenate, Protocol, TypeAlias, overload

from typing_extensions import ParamSpec, TypeVar

from miniagents.agents.agent import MiniAgent
from miniagents.agents.interaction import InteractionContext
from miniagents.messages import Message
from miniagents.promising import DEFAULT, Default

if TYPE_CHECKING:
    from miniagents.agents.members import AgentBody

__all__ = ["AgentFunction", "miniagent"]

In = TypeVar("In", bound=Message)
Out = TypeVar("Out", bound=Message)
P = ParamSpec("P")

AgentFunction: TypeAlias = Callable[Concatenate[InteractionContext[In, Out], P], Awaitable[None]]
"""An async function that is an agent: it takes its context, and then any other arguments."""


class MadeByAsyncDef(Protocol):
    """What a call of an async function returns; the errors of type checkers show the name."""

    def __await__(self) -> Generator[Any, Any, None]: ...  # Any: between an awaitable and its event loop


@overload
def miniagent(
    fn: Callable[Concatenate[InteractionContext[In, Out], P], MadeByAsyncDef | AgentBody], /
) -> MiniAgent[In, Out, P]: ...
@overload
def miniagent(
    *,
    alias: str | None = None,
    description: str | None = None,
    version: str | None = None,
    errors_as_messages: bool | Default = DEFAULT,
) -> _Decorator: ...
def miniagent(
    fn: Callable[..., Any] | None = None,  # Any: the overloads say what it is
    /,
    *,
    alias: str | None = None,
    description: str | None = None,
    version: str | None = None,
    errors_as_messages: bool | Default = DEFAULT,
) -> Any:  # Any: the overloads say what it is
    """Make an agent from an async function, or from a class whose objects are called to do the work.

    The first parameter is the `InteractionContext`; its annotation declares which messages the agent takes and gives:
    `ctx: InteractionContext[UserMessage, AssistantMessage]`, or bare for any messages. Strings that are sent or replied
    become messages of the (first) declared class.

    Args:
        fn: The function or class.
        alias: The agent's name in logs, errors and records; by default the name of the function or class.
        description: What the agent does; by default the docstring.
        version: The version of the agent's behaviour, a part of its `identity`.
        errors_as_messages: True replies with an `ErrorMessage` where the agent fails, False with the error; by default
            the context decides.

    Raises:
        TypeError: `fn` is neither an async function nor a class with an async `__call__`, or its first parameter is
            not an `InteractionContext`.

    >>> @miniagent
    ... async def greeter(ctx: InteractionContext, greeting: str = "Hello") -> None:
    ...     for message in await ctx.messages:
    ...         ctx.reply(f"{greeting}, {message.text}!")
    >>> async def main() -> None:
    ...     async with MiniAgents():
    ...         print(await greeter.inquire("world", greeting="Good morning"))
    >>> asyncio.run(main())
    (Message(text='Good morning, world!'),)
    """
    from miniagents.describing.signatures import names_around  # noqa: PLC0415  # programs that only read messages need it not

    local_names = names_around(2)

    def decorate(function: Callable[..., Any]) -> MiniAgent[Any, Any, ...]:  # Any: the overloads say what it is
        _check_async(function)
        return MiniAgent(
            function,
            alias=alias,
            description=description,
            version=version,
            local_names=local_names,
            errors_as_messages=errors_as_messages,
        )

    return decorate if fn is None else decorate(fn)


class _Decorator(Protocol):
    """The type of `miniagent(...)`: a decorator of functions and classes."""

    def __call__(
        self, fn: Callable[Concatenate[InteractionContext[In, Out], P], MadeByAsyncDef | AgentBody], /
    ) -> MiniAgent[In, Out, P]: ...


def _check_async(function: Callable[..., object]) -> None:
    """Refuse plain functions, a common mistake; partials and wrappers may still return an awaitable and pass."""
    from miniagents.describing.signatures import class_of  # noqa: PLC0415  # as above

    name: str = getattr(function, "__qualname__", repr(function))
    if isinstance(function, MiniAgent):
        raise TypeError(f"@miniagent: {name} is an agent already")
    cls = class_of(function)
    if cls is not None:
        if not inspect.iscoroutinefunction(getattr(cls, "__call__", None)):  # noqa: B004 - it must be async
            raise TypeError(f"@miniagent: class {name} needs `async def __call__(self) -> None`")
        return
    if not callable(function):
        raise TypeError(
            f"@miniagent: {name} is no function and no class; write `@miniagent` or `@miniagent(alias=...)`"
        )
    if inspect.isasyncgenfunction(function):
        raise TypeError(f"@miniagent: {name} yields values, which are ignored: answer with `ctx.reply(...)`")
    is_plain = inspect.isfunction(function) and not hasattr(function, "__wrapped__")
    if is_plain and not inspect.iscoroutinefunction(function):
        raise TypeError(f"@miniagent: {name} is not async: write `async def {name}(ctx, ...)`")
