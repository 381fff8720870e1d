"""What can be made of one agent, as methods of it: `>>`, and what happens when it fails or takes too long."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Concatenate, Generic, Self

from typing_extensions import ParamSpec, TypeVar

from miniagents.agents.guarding import FallenBack, Retried, Timed
from miniagents.agents.members import (
    AnyAgent,
    Declared,
    Member,
    alias_of,
    check_agents,
    check_count,
    common,
    declared_by,
    operand,
    union,
)
from miniagents.agents.signatures import names_around
from miniagents.messages import Message
from miniagents.promising.core.arguments import check_errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from miniagents.messages import MessageSequencePromise, MessageType
    from miniagents.miniagents import Inquirable, MiniAgent
    from miniagents.promising import Backoff
    from miniagents.tools import Tool

__all__ = ["Composable"]

# the same as those of MiniAgent
In_contra = TypeVar("In_contra", bound=Message, default=Message, contravariant=True)
Out_co = TypeVar("Out_co", bound=Message, default=Message, covariant=True)
Params = ParamSpec("Params", default=...)
In = TypeVar("In", bound=Message)
Mid = TypeVar("Mid", bound=Message)
Out = TypeVar("Out", bound=Message)
OtherOut = TypeVar("OtherOut", bound=Message)


class Composable(Member, Generic[In_contra, Out_co, Params]):
    """The methods of an agent that make another agent of it."""

    __slots__ = ()

    def __rshift__(self: Inquirable[In, Mid], other: Inquirable[Mid, Out], /) -> MiniAgent[In, Out, []]:
        """This agent, and another one that is asked its replies: `chain` of the two.

        Replies stream from one to the other; nothing waits for a whole message. An error stays in its place, where the
        other agent reads it. Cancelling and cost are those of `chain`.

        Raises:
            TypeError: this agent gives messages of a class that the other can never take, or one of the two cannot be
                called without arguments.

        >>> @miniagent
        ... async def shout(ctx: InteractionContext) -> None:
        ...     ctx.reply(ctx.messages.map_messages(lambda message: Message(f"{message}!")))
        >>> async def main() -> None:
        ...     async with MiniAgents():
        ...         print((shout >> shout).alias, await (shout >> shout).inquire("Hello"))
        >>> asyncio.run(main())
        shout >> shout (Message(text='Hello!!'),)
        """
        if not callable(getattr(other, "inquire", None)):
            return NotImplemented
        from miniagents.composition._combining import chain  # noqa: PLC0415 - it is made of agents, whose methods these are

        return chain(self, other)

    def with_retry(
        self,
        *,
        attempts: int = 3,
        backoff: Backoff = 0.0,
        errors: type[BaseException] | tuple[type[BaseException], ...] = (Exception,),
    ) -> Self:
        """The same agent, which is asked again when it fails before anything of its reply was there to be read.

        The first message is held back until it gives its first token or event, is complete, or fails; what comes from
        then on is passed on as it comes, and an error stays in its place. So no reader ever reads a thing twice. A call
        that failed is cancelled with all that it started. An error that was replaced counts as read. The last one gets
        a note of how many attempts there were and how the others failed. `EndLoop` and cancellations are no failures.

        Cancelling the replies cancels the attempt or the pause before the next. There is one task more than the agent
        itself has, until the reply begins (after a failure: until it ends), and of the attempts that failed nothing is
        kept but a line for the note.

        Args:
            attempts: how many calls there may be in all.
            backoff: seconds before the next attempt, or a function of the number of failed attempts, from 1; at least
                as many as an error with an attribute `retry_after` asks for.
            errors: the classes of the errors after which it is tried again.

        Raises:
            TypeError: something is given that is no class of exceptions.
            ValueError: there is not even one attempt, or the pause is negative.

        >>> failing_once = scripted_agent(ConnectionError("lost"), "Here I am", alias="flaky")
        >>> async def main() -> None:
        ...     async with MiniAgents():
        ...         print(await failing_once.with_retry(attempts=2, errors=(ConnectionError,)).inquire())
        >>> asyncio.run(main())
        (Message(text='Here I am'),)
        """
        check_count(f"with_retry: attempts={attempts}", attempts)
        if not callable(backoff):
            _check_seconds(f"with_retry: backoff={backoff}", backoff, zero=True)
        expected = errors if isinstance(errors, tuple) else (errors,)
        check_errors("with_retry", expected)
        alias = f"{operand(self)}.with_retry({attempts})"
        return self._guarded(lambda agent: Retried(agent, attempts, backoff, expected), alias)

    def with_timeout(self, seconds: float, /) -> Self:
        """The same agent, whose reply must be complete within some seconds of the start of the call.

        What has come by then stays. Behind it stands a `TimeoutError`: in each message that is not complete, behind its
        tokens, and at the end of the replies, unless no more could have come. The agent's call is cancelled with all
        that it started.

        Messages are read as they come, by a task for each that is not complete when it appears; this starts also those
        that wait for a reader. Their tokens are held twice. Cancelling the replies cancels the call and these tasks.

        Args:
            seconds: how long the reply may take, on the loop's clock.

        Raises:
            ValueError: it is no positive number.

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
        _check_seconds(f"with_timeout({seconds})", seconds, zero=False)
        alias = f"{operand(self)}.with_timeout({seconds})"
        return self._guarded(lambda agent: Timed(agent, seconds), alias)

    def with_fallback(
        self, other: Inquirable[In_contra, OtherOut], /, *errors: type[BaseException]
    ) -> MiniAgent[In_contra, Out_co | OtherOut, Params]:
        """The same agent, in whose stead another one answers when it fails before anything was there to be read.

        What is said of `with_retry` about what readers see, errors, cancellation and cost holds here as well. Arguments
        go to this agent; the other is asked without any.

        Args:
            other: the agent that is asked the same messages.
            errors: the classes of the errors after which it is asked; by default any `Exception`.

        Raises:
            TypeError: there is no message that both agents take, the other cannot be called without arguments, or
                something is given that is no class of exceptions.

        >>> async def main() -> None:
        ...     async with MiniAgents():
        ...         first = scripted_agent(["Hel", "lo"], ConnectionError("lost"), alias="first")
        ...         agent = first.with_fallback(scripted_agent("Sorry", alias="second"), ConnectionError)
        ...         print(await agent.inquire(), await agent.inquire())
        >>> asyncio.run(main())
        (Message(text='Hello'),) (Message(text='Sorry'),)
        """
        check_agents("with_fallback", (other,))
        check_errors("with_fallback", errors)
        agent: Any = self  # Any: a MiniAgent, which the checkers do not know here

        def declares() -> Declared:
            return common("with_fallback", (agent, other)), union(declared_by(each)[1] for each in (agent, other))

        def body(inner: AnyAgent) -> FallenBack:
            return FallenBack(inner, other, errors or (Exception,))

        made: MiniAgent[In_contra, Out_co | OtherOut, Params] = agent._guarded(
            body,
            f"{operand(agent)}.with_fallback({alias_of(other)})",
            declares,
        )
        return made

    def as_tool(
        self, *, name: str | None = None, description: str | None = None, strict: bool = False
    ) -> Tool[Concatenate[MessageType[In_contra], Params], MessageSequencePromise[Out_co]]:
        """The agent as a tool that language models call.

        A model gives a `message`, which the agent is asked, and the agent's own arguments. The message is a text where
        a text makes a message that the agent takes, otherwise an object with the fields of one. The result is what the
        agent replies, streamed: the texts of all its messages but the results of its own tools.

        Args:
            name: what models call it; by default the agent's alias.
            description: what it does and when to use it; by default the agent's description.
            strict: as for `tool`.

        Raises:
            TypeError: an argument has no type or one that has no form in JSON, or the name is none for a tool.

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
        from miniagents.tools._agents import tool_of_agent  # noqa: PLC0415 - a tool knows agents, whose method this is

        agent: Any = self  # Any: a MiniAgent, which the checkers do not know here
        names = names_around(2)
        tool: Any = tool_of_agent(agent, names, name=name, description=description, strict=strict)  # Any: as above
        made: Tool[Concatenate[MessageType[In_contra], Params], MessageSequencePromise[Out_co]] = tool
        return made

    # --- machinery ---

    def _guarded(
        self,
        body: Callable[[AnyAgent], Callable[..., object]],
        alias: str,
        declares: Callable[[], Declared] | None = None,
    ) -> Self:
        """The same agent, parameters and all, with other work around its own.

        Args:
            body: makes the work, given the agent without the arguments it is bound to: these are the result's.
            alias: the result's name.
            declares: what the result declares; by default what this agent does.
        """
        raise NotImplementedError


def _check_seconds(what: str, seconds: float, *, zero: bool) -> None:
    if not (seconds > 0 or (zero and seconds == 0)) or math.isinf(seconds):
        raise ValueError(f"{what}: give a finite number of seconds {'that is not negative' if zero else 'above 0'}")
