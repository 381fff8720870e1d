"""The class of agents: the ways to call one, and the agents that can be made from it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Concatenate, Final, Generic, Self, overload

from typing_extensions import ParamSpec, TypeVar

from miniagents.agents.agent_value import AgentValue, checked_alias, is_chained, refuse_bound
from miniagents.agents.agents_context import MiniAgents
from miniagents.agents.interaction import AgentCall, InteractionContext, keep_open
from miniagents.agents.members import (
    AnyContext,
    AnyMember,
    Chain,
    Composable,
    Declared,
    alias_of,
    check_agents,
    common,
    declared_by,
    operand,
    union,
)
from miniagents.messages import ErrorMessage, Message, MessageSequence, MessageSequencePromise, MessageType
from miniagents.messages.promised.message_sequence import ready_message, writing_end
from miniagents.messages.promised.sequence_promise import sequence_of
from miniagents.promising import DEFAULT, Default, NoActiveContextError
from miniagents.promising.core.arguments import check_bound, check_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from miniagents.agents.binding import A1, Rest, TakesOne
    from miniagents.messages import Identity
    from miniagents.messages.promised.attribution import Speaker
    from miniagents.promising import Backoff
    from miniagents.tools import Tool

__all__ = ["MiniAgent"]

In_contra = TypeVar("In_contra", bound=Message, default=Message, contravariant=True)
Out_co = TypeVar("Out_co", bound=Message, default=Message, covariant=True)
Params = ParamSpec("Params", default=...)
In = TypeVar("In", bound=Message)
Mid = TypeVar("Mid", bound=Message)
Out = TypeVar("Out", bound=Message)
OtherOut = TypeVar("OtherOut", bound=Message)
E = TypeVar("E", bound=BaseException)

_SHAPES_KEPT: Final = 64
"""How many shapes of arguments an agent caches as valid; with `**kwargs` their number is unbounded."""


class MiniAgent(AgentValue, Generic[In_contra, Out_co, Params]):
    """An agent function or class together with the ways to call it; `miniagent` makes it.

    Agents are values: `bound` and `options` return new ones and change nothing. Agents that are made alike, of the same
    function with the same arguments and options, are equal.

    """

    __slots__ = (
        "__dict__",
        "_alias",
        "_args",
        "_declared",
        "_declares",
        "_description",
        "_errors_as_messages",
        "_fitting",
        "_function",
        "_kwargs",
        "_local_names",
        "_made_of",
        "_max_ahead",
        "_model_identity",
        "_names",
        "_signature",
        "_start_asap",
        "_version",
    )

    def __init__(
        self,
        function: Callable[..., Any],  # Any: a function whose result is awaited, or a class whose objects are called
        *,
        alias: str | None = None,
        description: str | None = None,
        version: str | None = None,
        local_names: Mapping[str, object] | None = None,
        errors_as_messages: bool | Default = DEFAULT,
        declares: Callable[[], Declared] | None = None,
        made_of: tuple[object, ...] | None = None,
    ) -> None:
        from miniagents.describing.signatures import own_docstring, signature_of  # noqa: PLC0415  # see `decorating`

        self._function = function
        self._made_of = made_of or (function,)  # what its work is made of: equal for works that are equal
        self._signature = signature_of(function)
        self._fitting: set[tuple[object, ...]] = set()  # shapes of arguments that are known to fit
        self._args: tuple[Any, ...] = ()  # Any: checked by `Params`
        self._kwargs: dict[str, Any] = {}  # Any: checked by `Params`
        self._start_asap: bool | Default = DEFAULT
        self._max_ahead: int | Default | None = DEFAULT
        self._errors_as_messages = errors_as_messages
        self._local_names = local_names or {}
        self._declared: Declared | None = None
        self._declares = declares
        self._model_identity: Callable[[], Identity] | None = None  # of an agent that is a language model
        self._names: tuple[str, str, str, str] = ("", "", "", "")
        self._alias: str = checked_alias(alias, function)
        self._description = description if description is not None else own_docstring(function)
        self._version = version
        self._look_like(function if declares is None else None)
        with contextlib.suppress(NameError):  # a class that is defined further down exists by the first call
            self._classes()

    def inquire(
        self, messages: MessageType[In_contra] | None = None, /, *args: Params.args, **kwargs: Params.kwargs
    ) -> MessageSequencePromise[Out_co]:
        """Call the agent with messages and arguments, and return the promise of its replies at once.

        Raises:
            TypeError: The arguments do not fit, one is bound already, or something among the messages is not a message
                of a class that the agent takes.
            NoActiveContextError: There is no active `MiniAgents`.

        >>> @miniagent
        ... async def shout(ctx: InteractionContext, times: int = 1) -> None:
        ...     ctx.reply([f"{message}{times * '!'}" for message in await ctx.messages])
        >>> async def main() -> None:
        ...     async with MiniAgents():
        ...         print(await shout.inquire(["Hello", "world"], times=2))
        >>> asyncio.run(main())
        (Message(text='Hello!!'), Message(text='world!!'))
        """
        call = self._call(args, kwargs)
        return self._begun(call, self._given(call._context, messages))

    def initiate_inquiry(self, *args: Params.args, **kwargs: Params.kwargs) -> AgentCall[In_contra, Out_co]:
        """Start a call to which messages can be sent one after the other, until it is finished.

        Raises:
            TypeError: The arguments do not fit, or one is bound already.
            NoActiveContextError: There is no active `MiniAgents`.
        """
        call = self._call(args, kwargs)
        messages = self._incoming(call._context, kept_open=True)
        held: AgentCall[In_contra, Out_co] = AgentCall(messages, call._replies.promise)
        keep_open(held, call._context)
        self._begun(call, messages.promise)
        return held

    def options(
        self,
        *,
        start_asap: bool | Default = DEFAULT,
        max_ahead: int | Default | None = DEFAULT,
        alias: str | None = None,
        errors_as_messages: bool | Default = DEFAULT,
    ) -> Self:
        """Return the same agent with other options: for good, or for one call, `agent.options(…).inquire(…)`.

        Args:
            start_asap: True starts calls at the next turn of the loop, False when the replies are first read. By
                default the context decides.
            max_ahead: How many replies the agent may be ahead of their furthest reader; None for no bound. By default
                the context decides. The agent waits in `ctx.drain()`. What it replies with that is still to come, and
                the tokens of messages that it streams, come by themselves no further than that. A bound of a
                composition is also that of its members. Without a bound, the replies have the narrowest bound of the
                streams among them.
            alias: The agent's name in logs, errors and records; by default it stays.
            errors_as_messages: True replies with an `ErrorMessage` where the agent fails, False with the error. By
                default the context decides. The agents that a composition calls take this over, unless they have
                options of their own; the agents that an agent function calls do not.

        Raises:
            ValueError: `max_ahead` is less than one.

        >>> failing = scripted_agent(ValueError("no"), alias="failing")
        >>> async def main() -> None:
        ...     async with MiniAgents():
        ...         (message,) = await failing.options(errors_as_messages=True).inquire()
        ...         print(message.text)
        >>> asyncio.run(main())
        ValueError: no
        """
        agent = self._copy()
        if start_asap is not DEFAULT:
            agent._start_asap = start_asap
        if max_ahead is not DEFAULT:
            check_bound(max_ahead)
            agent._max_ahead = max_ahead
        if errors_as_messages is not DEFAULT:
            agent._errors_as_messages = errors_as_messages
        if alias is not None:
            agent._alias = checked_alias(alias, self)
        return agent

    @overload
    def bound(self, *args: Params.args, **kwargs: Params.kwargs) -> MiniAgent[In_contra, Out_co, []]: ...
    @overload
    def bound(self: TakesOne[A1, Rest, In, Out], a1: A1, /) -> MiniAgent[In, Out, Rest]: ...
    def bound(self, *args: Any, **kwargs: Any) -> Any:  # Any: the overloads say which, and what is left
        """Return the same agent with these arguments already given; calls give the rest.

        Type checkers know what is left if all required arguments are given, or the first one by position.

        Each argument is given once: neither a call nor `bound` replaces one that is bound. For another value, call
        `bound` of the agent without it.

        Raises:
            TypeError: The arguments do not fit, or one is bound already.

        >>> @miniagent
        ... async def repeat(ctx: InteractionContext, times: int) -> None:
        ...     ctx.reply([await ctx.messages] * times)
        >>> async def main() -> None:
        ...     async with MiniAgents():
        ...         print(await repeat.bound(times=2).inquire("ho"))
        >>> asyncio.run(main())
        (Message(text='ho'), Message(text='ho'))
        """
        agent = self._copy()
        refuse_bound(self._alias, kwargs, self._args, self._kwargs)
        agent._args, agent._kwargs = (*self._args, *args), {**self._kwargs, **kwargs}
        self._check_arguments(agent._args, agent._kwargs)
        return agent

    def __rshift__(self: Composable[In, Mid], other: Composable[Mid, Out], /) -> MiniAgent[In, Out, []]:
        """Return the `chain` of this agent and another one, which is called with this agent's replies.

        Replies stream from one to the other; neither waits for a whole message. An error stays in its place in the
        stream, where the other agent reads it. Cancellation and cost are those of `chain`.

        Raises:
            TypeError: This agent replies with messages of a class that the other can never take, or one of the two
                cannot be called without arguments.

        >>> @miniagent
        ... async def shout(ctx: InteractionContext) -> None:
        ...     ctx.reply(ctx.messages.map_messages(lambda message: Message(f"{message}!")))
        >>> async def main() -> None:
        ...     async with MiniAgents():
        ...         print((shout >> shout).alias, await (shout >> shout).inquire("Hello"))
        >>> asyncio.run(main())
        shout >> shout (Message(text='Hello!!'),)
        """
        if not is_chained(other):
            return NotImplemented
        from miniagents.agents.composing import composed  # noqa: PLC0415  # a circle: it makes agents of this class

        chained = Chain(self, other)
        return composed(chained, chained.alias, chained.declares, ("chain", *chained.agents))

    def with_retry(
        self,
        *,
        attempts: int = 3,
        backoff: Backoff = 0.0,
        errors: type[BaseException] | tuple[type[BaseException], ...] = (Exception,),
    ) -> Self:
        """Return the same agent, called again if it fails before any part of its reply can be read.

        The first message is held back until it gives its first token or event, is complete, or fails. From then on
        every piece is passed on as it comes, and an error stays in its place, so no reader reads anything twice.

        A failed call is cancelled with all that it started, and its errors count as read. The error of the last attempt
        gets a note with the number of attempts and the errors of the earlier ones. `EndLoop` and cancellations do not
        count as failures.

        Cancelling the replies cancels the running attempt, or the pause before the next one. The cost is one more task
        than the agent itself has. The task ends when the reply begins or, after a failed attempt, when the reply ends.
        Of each failed attempt only a line for the note is kept.

        Args:
            attempts: The greatest number of calls, the first included.
            backoff: Seconds before the next attempt, or a function of the number of failed attempts (1, 2, …). If the
                error has an attribute `retry_after`, the pause lasts at least so many seconds.
            errors: The classes of errors after which the agent is called again.

        Raises:
            TypeError: `errors` has something that is not a class of exceptions.
            ValueError: `attempts` is less than 1, or `backoff` is negative.

        >>> failing_once = scripted_agent(ConnectionError("lost"), "Here I am", alias="flaky")
        >>> async def main() -> None:
        ...     async with MiniAgents():
        ...         print(await failing_once.with_retry(attempts=2, errors=(ConnectionError,)).inquire())
        >>> asyncio.run(main())
        (Message(text='Here I am'),)
        """
        from miniagents.agents.guarding import Retried  # noqa: PLC0415  # few agents are guarded

        expected = errors if isinstance(errors, tuple) else (errors,)
        alias = f"{operand(self)}.with_retry({attempts})"
        made_of = ("with_retry", attempts, backoff, expected)
        return self._guarded(lambda agent: Retried(agent, attempts, backoff, expected), alias, made_of)

    @overload
    def with_repair(self, told: Callable[[Exception], MessageType[In_contra]], /, *, attempts: int = ...) -> Self: ...
    @overload
    def with_repair(
        self, told: Callable[[E], MessageType[In_contra]], error: type[E], /, *errors: type[E], attempts: int = ...
    ) -> Self: ...
    def with_repair(
        self,
        told: Callable[[Any], MessageType[In_contra]],  # Any: the overloads tie it to the classes given
        /,
        *errors: type[BaseException],
        attempts: int = 3,
    ) -> Self:
        """Return the same agent, called again with its error in the question until a whole reply has no error.

        The next call gets the messages, followed by what the function makes of the error of each call before it. No
        part of a reply can be read before the whole is known to have no error, or the last attempt has ended.

        Failed calls, their errors, notes and cancellation are those of `with_retry`. An error of the function is the
        only reply. The cost is one more task than the agent itself has. Of each failed attempt only a line for the note
        and what the function has made are kept.

        Args:
            told: A plain function of the error, which returns messages for the agent: a string, for one.
            errors: The classes of errors after which the agent is called again; by default any `Exception`.
            attempts: The greatest number of calls, the first included.

        Raises:
            TypeError: `told` is async, or `errors` has something that is not a class of exceptions.
            ValueError: `attempts` is less than 1.

        >>> @miniagent
        ... async def number(ctx: InteractionContext) -> None:
        ...     asked = [str(message) for message in await ctx.messages]
        ...     ctx.reply(str(int("seven" if len(asked) == 1 else "7")))
        >>> async def main() -> None:
        ...     async with MiniAgents():
        ...         careful = number.with_repair(lambda error: f"That was wrong: {error}", ValueError)
        ...         print(await careful.inquire("A number?"))
        >>> asyncio.run(main())
        (Message(text='7'),)
        """
        from miniagents.agents.guarding import Repaired  # noqa: PLC0415  # few agents are guarded

        expected = errors or (Exception,)
        alias = f"{operand(self)}.with_repair({attempts})"
        made_of = ("with_repair", told, attempts, expected)
        return self._guarded(lambda agent: Repaired(agent, told, attempts, expected), alias, made_of)

    def with_timeout(self, seconds: float, /) -> Self:
        """Return the same agent, whose reply must be complete within some seconds of the start of the call.

        Everything that arrived in time stays. An incomplete message gets a `TimeoutError` behind its tokens. The
        replies end with a `TimeoutError` too, unless they were already known to be complete. The agent's call is
        cancelled with all that it started.

        Each message that is incomplete when it appears is read by a task of its own, so lazy messages start too. Their
        tokens are held twice in memory. A bound (`max_ahead`) does not hold the call up, as its time is running.
        Cancelling the replies cancels the call and these tasks.

        Args:
            seconds: How long the reply may take, on the loop's clock.

        Raises:
            ValueError: `seconds` is not a positive number.

        >>> @miniagent
        ... async def slow(ctx: InteractionContext) -> None:
        ...     ctx.reply("soon")
        ...     await asyncio.sleep(60)
        >>> async def main() -> None:
        ...     async with MiniAgents():
        ...         print(await transcript(slow.with_timeout(0.1).inquire()))
        >>> asyncio.run(main())
        1 'soon'
        1 = Message(text='soon')
        ! TimeoutError: agent 'slow' did not complete its reply within 0.1 s
        end
        """
        from miniagents.agents.guarding import Timed  # noqa: PLC0415  # few agents are guarded

        alias = f"{operand(self)}.with_timeout({seconds})"
        return self._guarded(lambda agent: Timed(agent, seconds), alias, ("with_timeout", seconds))

    def with_fallback(
        self, other: Composable[In_contra, OtherOut], /, *errors: type[BaseException]
    ) -> MiniAgent[In_contra, Out_co | OtherOut, Params]:
        """Return the same agent, replaced by another one if it fails before any part of its reply can be read.

        Streaming, errors, cancellation and cost are those of `with_retry`. Arguments go to this agent only; the other
        is called without any.

        Args:
            other: The agent that is called with the same messages.
            errors: The classes of errors after which it is called; by default any `Exception`.

        Raises:
            TypeError: There is no class of messages that both agents take, the other cannot be called without
                arguments, or `errors` has something that is not a class of exceptions.

        >>> async def main() -> None:
        ...     async with MiniAgents():
        ...         first = scripted_agent(["Hel", "lo"], ConnectionError("lost"), alias="first")
        ...         agent = first.with_fallback(scripted_agent("Sorry", alias="second"), ConnectionError)
        ...         print(await agent.inquire(), await agent.inquire())
        >>> asyncio.run(main())
        (Message(text='Hello'),) (Message(text='Sorry'),)
        """
        from miniagents.agents.guarding import FallenBack  # noqa: PLC0415  # few agents are guarded

        check_agents("with_fallback", (other,))
        check_errors("with_fallback", errors)

        def declares() -> Declared:
            return common("with_fallback", (self, other)), union(declared_by(each)[1] for each in (self, other))

        def body(inner: AnyMember) -> FallenBack:
            return FallenBack(inner, other, errors or (Exception,))

        alias, made_of = f"{operand(self)}.with_fallback({alias_of(other)})", ("with_fallback", other, errors)
        made: Any = self._guarded(body, alias, made_of, declares)  # Any: it gives more than this agent
        agent: MiniAgent[In_contra, Out_co | OtherOut, Params] = made
        return agent

    def as_tool(
        self, *, name: str | None = None, description: str | None = None, strict: bool = False
    ) -> Tool[Concatenate[MessageType[In_contra], Params], MessageSequencePromise[Out_co]]:
        """Return the agent as a tool that language models call.

        A model gives a `message` for the agent and the agent's own arguments. The message is a string if the agent
        takes a class of messages that can be made from text alone, otherwise an object with the fields of the class.
        The result is the text of the agent's replies, streamed; results of the agent's own tools are left out.

        Args:
            name: The tool's name for models; by default the agent's alias.
            description: What the tool does and when to use it; by default the agent's description.
            strict: Whether providers must enforce the schema of the arguments, as for `tool`.

        Raises:
            TypeError: A parameter has no type or a type without a form in JSON, or the name is invalid for a tool.

        >>> @miniagent
        ... async def echo(ctx: InteractionContext, times: int = 1) -> None:
        ...     '''Repeats what it is told.'''
        ...     ctx.reply([ctx.messages] * times)
        >>> async def main() -> None:
        ...     async with MiniAgents():
        ...         tool = echo.as_tool()
        ...         print(tool.description, [*tool.parameters["properties"]], await tool("ho", times=2))
        >>> asyncio.run(main())
        Repeats what it is told. ['message', 'times'] (Message(text='ho'), Message(text='ho'))
        """
        from miniagents.agents.as_tool import tool_of_agent  # noqa: PLC0415  # many programs need no tools
        from miniagents.describing.signatures import names_around  # noqa: PLC0415  # see `decorating`

        names = names_around(2)
        return tool_of_agent(self, names, name=name, description=description, strict=strict)

    def __repr__(self) -> str:
        return f"<MiniAgent {self._alias!r}>"

    # --- machinery ---

    def _classes(self) -> Declared:
        """Return the classes of the messages that the agent takes, and of those it gives.

        Raises:
            TypeError: The annotation is wrong, or the agents of a composition do not fit together.
            NameError: A class in the annotation is not defined yet.
        """
        if self._declared is None:
            if self._declares is not None:
                self._declared = self._declares()
            else:
                from miniagents.agents.agent_signatures import declared_messages  # noqa: PLC0415  # see `decorating`

                self._declared = declared_messages(self._function, InteractionContext, self._local_names, self._alias)
            self._local_names = {}
            self._declares = None
        return self._declared

    def _check_complete(self) -> None:
        self._check_arguments(self._args, self._kwargs)

    def _parts(self) -> tuple[AnyMember, ...]:
        chain = self._function
        options = self._start_asap, self._max_ahead, self._errors_as_messages
        plain = isinstance(chain, Chain) and self._alias == chain.alias and options == (DEFAULT, DEFAULT, DEFAULT)
        return chain.agents if isinstance(chain, Chain) and plain else (self,)

    def _guarded(
        self,
        body: Callable[[AnyMember], Callable[..., Any]],  # Any: as for any agent's function
        alias: str,
        made_of: tuple[object, ...],
        declares: Callable[[], Declared] | None = None,
    ) -> Self:
        """Return an agent with the same parameters, whose work surrounds this agent's.

        Args:
            body: Makes the work of the result. It is given this agent without its bound arguments; the result passes
                them on with each call.
            alias: The result's name.
            made_of: What else than this agent the work is made of.
            declares: Returns the classes that the result takes and gives; by default those of this agent.
        """
        inner, agent = self._copy(), self._copy()
        inner._args, inner._kwargs = (), {}
        agent._function = body(inner)
        agent._made_of = (inner, *made_of)
        agent._declares = declares or self._classes
        agent._declared = None
        agent._model_identity = None
        agent._alias = alias
        with contextlib.suppress(NameError):  # a class that is defined further down exists by the first call
            agent._classes()
        return agent

    def _copy(self) -> Self:
        agent = object.__new__(type(self))
        for name in MiniAgent.__slots__:
            setattr(agent, name, getattr(self, name))
        return agent

    def _check_arguments(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> None:
        try:
            self._signature.bind(None, *args, **kwargs)
        except TypeError as error:
            raise TypeError(self._misfit(kwargs, f"{error}")) from None
        if len(self._fitting) < _SHAPES_KEPT:
            self._fitting.add((len(args), *kwargs))

    def _ask(
        self,
        messages: Any,  # Any: a MessageType[In_contra]
        args: tuple[Any, ...],  # Any: checked by `Params`
        kwargs: Mapping[str, Any],  # Any: checked by `Params`
        *,
        composition: AnyContext | None = None,
        raises: bool = False,
        speaker: Speaker | None = None,
    ) -> MessageSequencePromise[Out_co]:
        call = self._call(args, kwargs, composition, raises=raises, speaker=speaker)
        return self._begun(call, self._given(call._context, messages))

    def _call(
        self,
        args: tuple[Any, ...],  # Any: checked by `Params`
        kwargs: Mapping[str, Any],  # Any: checked by `Params`
        composition: AnyContext | None = None,
        *,
        raises: bool = False,
        speaker: Speaker | None = None,
    ) -> AnyContext:
        """Return a call that has not begun: it has no messages and no task yet.

        Args:
            args: The positional arguments.
            kwargs: The keyword arguments.
            composition: The call that makes this one on behalf of a composition. The agent takes over its bound and its
                way with errors, unless it was given its own.
            raises: Whether errors stay errors, despite `errors_as_messages`.
            speaker: What the replies tell of who said them, if anything.
        """
        try:
            context = MiniAgents.current()
        except NoActiveContextError as error:
            raise NoActiveContextError(f"agent {self._alias!r} was called where {error}") from None
        alias, messages, _, replies_place = self._names if self._names[0] is self._alias else self._named()
        context.open_loop(messages)
        if self._args:
            args = (*self._args, *args)
        if self._kwargs:
            if kwargs:
                refuse_bound(self._alias, kwargs, self._args, self._kwargs)
            kwargs = {**self._kwargs, **kwargs}
        if (len(args), *kwargs) not in self._fitting:  # binding arguments takes a tenth of the time of a call
            self._check_arguments(args, kwargs)
        gives = (self._declared or self._classes())[1]
        as_messages = self._errors_as_messages
        if as_messages is DEFAULT:
            as_messages = context.errors_as_messages if composition is None else composition._errors_as_messages
        bound = self._max_ahead
        if bound is DEFAULT:
            bound = (composition is not None and composition.own_bound) or context.max_ahead
        if as_messages and not issubclass(ErrorMessage, gives):
            gives = (*gives, ErrorMessage)
        replies = writing_end(alias, replies_place, gives, context, bound, speaker)
        return InteractionContext(self, context, replies, args, kwargs, as_messages, raises)

    def _named(self) -> tuple[str, str, str, str]:
        """Cache the alias, the name of the messages, their place, and that of the replies."""
        alias = self._alias
        self._names = (alias, f"{alias}.messages", f"agent {alias!r}: messages", f"agent {alias!r}: reply")
        return self._names

    def _given(
        self,
        context: MiniAgents,
        messages: Any,  # Any: a MessageType[In_contra]
    ) -> MessageSequencePromise[Any]:  # Any: of In_contra
        """Return the promise of messages that are sent all at once."""
        looks = messages is not None and not context.strict
        message = ready_message(messages, (self._declared or self._classes())[0]) if looks else None
        # one ready message or none needs no writing end and no buffer, which take a fifth of the time of a call
        if message is not None or messages is None:
            return sequence_of(() if message is None else (message,), context, self._names[1])
        sequence = self._incoming(context, kept_open=False)
        sequence.put(messages)
        sequence.close()
        return sequence.promise

    def _incoming(
        self, context: MiniAgents, *, kept_open: bool
    ) -> MessageSequence[Any]:  # Any: the writing end of In_contra
        return MessageSequence(
            name=self._names[1],
            place=self._names[2],
            message_classes=self._classes()[0],
            context=context,
            kept_open=kept_open,
        )

    def _begun(
        self,
        call: AnyContext,
        messages: MessageSequencePromise[Any],  # Any: of In_contra
    ) -> MessageSequencePromise[Any]:  # Any: of Out_co
        """Begin a call and return its replies."""
        context = call._context
        call._messages = messages
        if context._listening:
            context.notify_resolved(messages)
        start_asap = context.start_asap if self._start_asap is DEFAULT else self._start_asap
        if (around := context.around) is not None:
            callee = around.agent_callee(call, call._args, call._kwargs)
            if around.surround(callee, messages, call._replies, start_asap=start_asap):
                return call._replies.promise
        call._replies.produce(
            call.work,
            start_asap=start_asap,
            instead=call.error_message if call._errors_as_messages and not call._raises else None,
        )
        return call._replies.promise
