"""Agents: functions and classes that answer messages with messages."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Concatenate, Final, Generic, Protocol, Self, TypeAlias, overload

from typing_extensions import ParamSpec, TypeVar

from miniagents.agents.composable import Composable
from miniagents.agents.context import MiniAgents
from miniagents.agents.interaction import AgentCall, EndLoop, InteractionContext, keep_open
from miniagents.agents.members import Chain, Declared
from miniagents.agents.persistence import PersistenceError, PersistHandler
from miniagents.agents.signatures import declared_messages, names_around, own_docstring, signature_of
from miniagents.messages import ErrorMessage, Message, MessageSequence, MessageSequencePromise, MessageType
from miniagents.messages.promised.sequence import ready_message
from miniagents.messages.promised.streaming import sequence_of
from miniagents.promising import DEFAULT, Default, NoActiveContextError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from miniagents.agents.members import AnyAgent

__all__ = [
    "AgentBody",
    "AgentCall",
    "AgentFunction",
    "EndLoop",
    "Inquirable",
    "InteractionContext",
    "MiniAgent",
    "MiniAgents",
    "PersistHandler",
    "PersistenceError",
    "miniagent",
]

In_contra = TypeVar("In_contra", bound=Message, default=Message, contravariant=True)
Out_co = TypeVar("Out_co", bound=Message, default=Message, covariant=True)
Params = ParamSpec("Params", default=...)
In = TypeVar("In", bound=Message)
Out = TypeVar("Out", bound=Message)
P = ParamSpec("P")
T = TypeVar("T")

_SHAPES_KEPT: Final = 64
"""How many ways to be given arguments an agent remembers: one with `**kwargs` may see any number of them."""

AgentFunction: TypeAlias = Callable[Concatenate[InteractionContext[In, Out], P], Awaitable[None]]
"""An async function that is an agent: it takes its context and whatever other arguments it likes."""


class AgentBody(Protocol):
    """What a class must be to make agents: its objects are called without arguments to do the work."""

    async def __call__(self) -> None:
        """Does the work of one call."""


class Inquirable(Protocol[In_contra, Out_co]):
    """Whatever can be asked without further arguments."""

    def inquire(self, messages: MessageType[In_contra] | None = None, /) -> MessageSequencePromise[Out_co]:
        """Asks, and gives the replies."""
        ...


class MiniAgent(Composable[In_contra, Out_co, Params], Generic[In_contra, Out_co, Params]):
    """An agent function or class together with the ways to call it; `miniagent` makes it.

    Agents are values: `bound` and `options` give new ones and change nothing.

    Attributes:
        alias: what logs, errors and records call the agent.
        description: what it does, by default its docstring.
    """

    __slots__ = (
        "_args",
        "_declared",
        "_declares",
        "_fitting",
        "_function",
        "_kwargs",
        "_local_names",
        "_signature",
        "_start_asap",
        "alias",
        "description",
    )

    def __init__(
        self,
        function: Callable[..., Any],  # Any: a function whose result is awaited, or a class whose objects are called
        *,
        alias: str | None = None,
        description: str | None = None,
        local_names: Mapping[str, object] | None = None,
        declares: Callable[[], Declared] | None = None,
    ) -> None:
        self._function = function
        self._signature = signature_of(function)
        self._fitting: set[tuple[object, ...]] = set()  # how many and which arguments are known to fit
        self._args: tuple[Any, ...] = ()  # Any: arguments are checked by `Params`
        self._kwargs: dict[str, Any] = {}  # Any: as above
        self._start_asap: bool | Default = DEFAULT
        self._local_names = local_names or {}
        self._declared: Declared | None = None
        self._declares = declares
        self.alias: str = alias if alias is not None else getattr(function, "__name__", type(function).__name__)
        self.description: str | None = description if description is not None else own_docstring(function)
        with contextlib.suppress(NameError):  # a class that is defined further down: by the first call it will be there
            self._classes()

    def inquire(
        self, messages: MessageType[In_contra] | None = None, /, *args: Params.args, **kwargs: Params.kwargs
    ) -> MessageSequencePromise[Out_co]:
        """Calls the agent with messages and arguments, and gives the promise of its replies at once.

        Raises:
            TypeError: the arguments do not fit, or something is no message or a message of another class.
            NoActiveContextError: there is no active `MiniAgents`.

        >>> @miniagent
        ... async def shout(ctx: InteractionContext, times: int = 1) -> None:
        ...     ctx.reply([f"{message}{times * '!'}" for message in await ctx.messages])
        >>> async def main() -> None:
        ...     async with MiniAgents():
        ...         print(await shout.inquire(["Hello", "world"], times=2))
        >>> asyncio.run(main())
        (Message(text='Hello!!'), Message(text='world!!'))
        """
        return self._ask(messages, args, kwargs)

    def initiate_inquiry(self, *args: Params.args, **kwargs: Params.kwargs) -> AgentCall[In_contra, Out_co]:
        """Calls the agent with arguments; messages may be sent to the call until it is finished.

        Raises:
            TypeError: the arguments do not fit.
            NoActiveContextError: there is no active `MiniAgents`.
        """
        call = self._call(args, kwargs)
        messages = self._incoming(call._context, kept_open=True)
        held: AgentCall[In_contra, Out_co] = AgentCall(messages, call._replies.promise)
        keep_open(held, call._context)
        self._begun(call, messages.promise)
        return held

    def options(self, *, start_asap: bool | Default = DEFAULT, alias: str | None = None) -> Self:
        """The same agent with another way to be called.

        Args:
            start_asap: True starts calls at the next turn of the loop, False when somebody first reads the replies.
            alias: what logs, errors and records call the agent.
        """
        agent = self._copy()
        if start_asap is not DEFAULT:
            agent._start_asap = start_asap
        if alias is not None:
            agent.alias = alias
        return agent

    def bound(self, *args: Params.args, **kwargs: Params.kwargs) -> MiniAgent[In_contra, Out_co, []]:
        """The same agent with its arguments given once and for all.

        Raises:
            TypeError: the arguments do not fit.

        >>> @miniagent
        ... async def repeat(ctx: InteractionContext, times: int) -> None:
        ...     ctx.reply([await ctx.messages] * times)
        >>> async def main() -> None:
        ...     async with MiniAgents():
        ...         print(await repeat.bound(times=2).inquire("ho"))
        >>> asyncio.run(main())
        (Message(text='ho'), Message(text='ho'))
        """
        agent: Any = self._copy()  # Any: the parameters that are left are none
        agent._args = (*self._args, *args)
        agent._kwargs = {**self._kwargs, **kwargs}
        agent._check_arguments(agent._args, agent._kwargs)
        bound: MiniAgent[In_contra, Out_co, []] = agent
        return bound

    def __repr__(self) -> str:
        return f"<MiniAgent {self.alias!r}>"

    # --- machinery ---

    def _classes(self) -> Declared:
        """The classes of the messages that the agent takes, and of those it gives.

        Raises:
            TypeError: the annotation is wrong, or what the agent is made of does not fit together.
            NameError: a class is defined further down.
        """
        if self._declared is None:
            if self._declares is not None:
                self._declared = self._declares()
            else:
                self._declared = declared_messages(self._function, InteractionContext, self._local_names, self.alias)
            self._local_names = {}
            self._declares = None
        return self._declared

    def _check_complete(self) -> None:
        self._check_arguments(self._args, self._kwargs)

    def _parts(self) -> tuple[AnyAgent, ...]:
        chain = self._function
        plain = isinstance(chain, Chain) and self.alias == chain.alias and self._start_asap is DEFAULT
        return chain.agents if isinstance(chain, Chain) and plain else (self,)

    def _guarded(
        self,
        body: Callable[[AnyAgent], Callable[..., Any]],  # Any: as for any agent's function
        alias: str,
        declares: Callable[[], Declared] | None = None,
    ) -> Self:
        inner, agent = self._copy(), self._copy()
        inner._args, inner._kwargs = (), {}
        agent._function = body(inner)
        agent._declares = declares or self._classes
        agent._declared = None
        agent.alias = alias
        with contextlib.suppress(NameError):  # as above
            agent._classes()
        return agent

    def _copy(self) -> Self:
        agent = object.__new__(type(self))
        for name in MiniAgent.__slots__:
            setattr(agent, name, getattr(self, name))
        return agent

    def _check_arguments(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> None:
        shape = (len(args), *kwargs)
        if shape in self._fitting:  # to bind arguments takes as long as a tenth of a call
            return
        try:
            self._signature.bind(None, *args, **kwargs)
        except TypeError as error:
            raise TypeError(f"agent {self.alias!r}: {error}") from None
        if len(self._fitting) < _SHAPES_KEPT:
            self._fitting.add(shape)

    def _ask(
        self,
        messages: Any,  # Any: a MessageType[In_contra]
        args: tuple[Any, ...],  # Any: checked by `Params`
        kwargs: Mapping[str, Any],  # Any: as above
        *,
        raises: bool = False,
    ) -> MessageSequencePromise[Out_co]:
        call = self._call(args, kwargs, raises=raises)
        return self._begun(call, self._given(call._context, messages))

    def _call(
        self,
        args: tuple[Any, ...],  # Any: checked by `Params`
        kwargs: Mapping[str, Any],  # Any: as above
        *,
        raises: bool = False,
    ) -> InteractionContext[Any, Any]:  # Any: whatever the agent takes and gives
        """A call that has not begun."""
        try:
            context = MiniAgents.current()
        except NoActiveContextError as error:
            raise NoActiveContextError(f"agent {self.alias!r} was called where {error}") from None
        context.open_loop(f"{self.alias}.messages")
        args = (*self._args, *args)
        kwargs = {**self._kwargs, **kwargs}
        self._check_arguments(args, kwargs)
        gives = self._classes()[1]
        if context.errors_as_messages and not issubclass(ErrorMessage, gives):
            gives = (*gives, ErrorMessage)
        replies: MessageSequence[Any] = MessageSequence(  # Any: the writing end of Out_co
            name=self.alias,
            place=f"agent {self.alias!r}: reply",
            message_classes=gives,
            context=context,
            kept_open=False,
        )
        return InteractionContext(self, context, replies, args, kwargs, raises=raises)

    def _given(
        self,
        context: MiniAgents,
        messages: Any,  # Any: a MessageType[In_contra]
    ) -> MessageSequencePromise[Any]:  # Any: of In_contra
        """The promise of messages that are sent all at once."""
        message = None if messages is None else ready_message(messages, self._classes()[0])
        if (
            message is not None or messages is None
        ):  # no writing end is needed, nor a buffer: they are a fifth of a call
            ready = () if message is None else (message,)
            return sequence_of(ready, context, f"{self.alias}.messages")
        sequence = self._incoming(context, kept_open=False)
        sequence.put(messages)
        sequence.close()
        return sequence.promise

    def _incoming(
        self, context: MiniAgents, *, kept_open: bool
    ) -> MessageSequence[Any]:  # Any: the writing end of In_contra
        return MessageSequence(
            name=f"{self.alias}.messages",
            place=f"agent {self.alias!r}: messages",
            message_classes=self._classes()[0],
            context=context,
            kept_open=kept_open,
        )

    def _begun(
        self,
        call: InteractionContext[Any, Any],  # Any: as above
        messages: MessageSequencePromise[Any],  # Any: of In_contra
    ) -> MessageSequencePromise[Any]:  # Any: of Out_co
        """Begins a call, and gives its replies."""
        context = call._context
        call._messages = messages
        context.notify_resolved(messages)
        call._replies.produce(
            call.work,
            start_asap=context.start_asap if self._start_asap is DEFAULT else self._start_asap,
            instead=call.error_message if context.errors_as_messages and not call._raises else None,
        )
        return call._replies.promise


@overload
def miniagent(fn: AgentFunction[In, Out, P], /) -> MiniAgent[In, Out, P]: ...
@overload
def miniagent(cls: Callable[Concatenate[InteractionContext[In, Out], P], AgentBody], /) -> MiniAgent[In, Out, P]: ...
@overload
def miniagent(*, alias: str | None = None, description: str | None = None) -> _Decorator: ...
def miniagent(
    fn: Callable[..., Any] | None = None,  # Any: the overloads say what it is
    /,
    *,
    alias: str | None = None,
    description: str | None = None,
) -> Any:  # Any: as above
    """Makes an agent of an async function, or of a class whose objects are called to do the work.

    The first parameter is the `InteractionContext`; its annotation declares which messages the agent takes and gives:
    `ctx: InteractionContext[UserMessage, AssistantMessage]`, or bare for any messages. Strings that are sent or replied
    become messages of the (first) declared class.

    Args:
        fn: the function or class.
        alias: what logs, errors and records call the agent; by default the name of the function or class.
        description: what the agent does; by default the docstring.

    Raises:
        TypeError: it is no async function (or class with an async `__call__`), or does not take an
            `InteractionContext` first.

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
    local_names = names_around(2)

    def decorate(function: Callable[..., Any]) -> MiniAgent[Any, Any, ...]:  # Any: the overloads say what it is
        _check_async(function)
        return MiniAgent(function, alias=alias, description=description, local_names=local_names)

    return decorate if fn is None else decorate(fn)


class _Decorator(Protocol):
    """What `@miniagent(...)` does to a function or class."""

    @overload
    def __call__(self, fn: AgentFunction[In, Out, P], /) -> MiniAgent[In, Out, P]: ...
    @overload
    def __call__(
        self, cls: Callable[Concatenate[InteractionContext[In, Out], P], AgentBody], /
    ) -> MiniAgent[In, Out, P]: ...


def _check_async(function: Callable[..., object]) -> None:
    """Refuses the common mistake; what only returns an awaitable (a partial, a wrapper) is taken at its word."""
    name: str = getattr(function, "__qualname__", repr(function))
    if inspect.isclass(function):
        if not inspect.iscoroutinefunction(getattr(function, "__call__", None)):  # noqa: B004 - it must be async
            raise TypeError(f"@miniagent: class {name} needs `async def __call__(self) -> None`")
        return
    if not callable(function):
        raise TypeError(
            f"@miniagent: {name} is no function and no class; write `@miniagent` or `@miniagent(alias=...)`"
        )
    if inspect.isasyncgenfunction(function):
        raise TypeError(f"@miniagent: {name} yields, and nobody gets that: answer with `ctx.reply(...)`")
    is_plain = inspect.isfunction(function) and not hasattr(function, "__wrapped__")
    if is_plain and not inspect.iscoroutinefunction(function):
        raise TypeError(f"@miniagent: {name} is not async: write `async def {name}(ctx, ...)`")
