"""Agents whose replies a test chooses."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypeAlias, TypeGuard, overload

import msgspec
from typing_extensions import ParamSpec, TypeVar

from miniagents.messages import (
    AssistantMessage,
    Message,
    MessagePromise,
    StreamEvent,
    ToolCall,
    ToolCallDelta,
    stream_message,
)
from miniagents.miniagents import MiniAgent
from miniagents.promising.core.access import settled
from miniagents.promising.core.arguments import check_kind, check_not_negative

if TYPE_CHECKING:
    from collections.abc import Iterable

    from miniagents.agents.members import AnyContext
    from miniagents.messages import MessageSequencePromise

__all__ = ["Answer", "Asked", "Pause", "Reply", "ScriptedAgent", "Several", "Step", "scripted_agent"]

In = TypeVar("In", bound=Message, default=Message)
Out = TypeVar("Out", bound=Message, default=Message)
P = ParamSpec("P", default=...)


class Pause(msgspec.Struct, frozen=True):
    """A pause between the tokens or the messages of a scripted agent.

    Attributes:
        seconds: The length of the pause, on the loop's clock.
    """

    seconds: float

    def __post_init__(self) -> None:
        """Check the length.

        Raises:
            TypeError: It is no number.
            ValueError: It is negative.
        """
        check_not_negative(f"Pause({self.seconds!r})", self.seconds)


Step: TypeAlias = str | StreamEvent | ToolCall | Pause | BaseException
"""A token, an event, a tool call, a pause or an error in its place in a streamed message."""


class Several:
    """Several messages as one reply of a scripted agent, which come one after the other.

    Args:
        parts: The messages: each is a string, a message or a sequence of steps, as in `Reply`. An exception is an error
            in its place.
    """

    __slots__ = ("parts",)

    def __init__(self, *parts: str | Message | BaseException | Pause | Sequence[Step]) -> None:
        self.parts: tuple[str | Message | BaseException | Pause | Sequence[Step], ...] = parts

    def __repr__(self) -> str:
        return f"Several{self.parts!r}"


Reply: TypeAlias = str | Message | BaseException | Sequence[Step] | Several
"""The reply of a scripted agent to one call.

A string or a message is streamed word by word. A sequence of steps is streamed step by step. An exception is raised.
"""


class Asked(Generic[In]):
    """One call of a scripted agent.

    Attributes:
        promise: The messages that it was sent, perhaps still arriving.
        arguments: The arguments of the call by their names, bound ones included, without secrets.
    """

    __slots__ = ("arguments", "promise")

    def __init__(self, promise: MessageSequencePromise[In], arguments: Mapping[str, object]) -> None:
        self.promise: MessageSequencePromise[In] = promise
        self.arguments: Mapping[str, object] = arguments

    @property
    def messages(self) -> tuple[In, ...]:
        """The messages that it was sent.

        Raises:
            RuntimeError: Some of them are still arriving: await `promise`.
            BaseException: The first error among them.
        """
        if not self.promise.done():
            raise RuntimeError(f"{self.promise.name!r} are still arriving: write `await asked.promise`")
        try:
            self.promise.__await__().send(None)
        except StopIteration as end:
            messages: tuple[In, ...] = end.value
            return messages
        raise AssertionError

    def __repr__(self) -> str:
        arguments = "".join(f", {name}={value!r}" for name, value in self.arguments.items())
        return f"Asked({self.messages if self.promise.done() else self.promise!r}{arguments})"


Answer: TypeAlias = Reply | Callable[[Asked[In]], Reply | Awaitable[Reply]]
"""A reply, or a function that makes it of a call once all messages of the call are there; it may be async."""


class ScriptedAgent(MiniAgent[In, Out, P], Generic[In, Out, P]):
    """An agent that gives the replies of a test, and remembers what it was asked; `scripted_agent` makes it."""

    __slots__ = ("_of", "_script")

    _of: MiniAgent[In, Out, P] | None
    _script: _Script

    @property
    def asked(self) -> tuple[Asked[In], ...]:
        """The calls so far, in their order; agents that `bound` and `options` make of this one share them."""
        return tuple(self._script.asked)

    # --- machinery ---

    def _copy(self) -> Self:
        agent = super()._copy()
        agent._of, agent._script = self._of, self._script
        return agent

    def _check_arguments(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> None:
        if self._of is None:
            super()._check_arguments(args, kwargs)
        else:
            self._of._check_arguments(args, kwargs)

    def _without_secrets(self, arguments: Iterable[tuple[str, object]]) -> Iterable[tuple[str, object]]:
        return arguments if self._of is None else self._of._without_secrets(arguments)


@overload
def scripted_agent(
    *replies: Answer[In],
    of: MiniAgent[In, Out, P],
    otherwise: Answer[In] | None = None,
    alias: str | None = None,
    pause: float = 0.0,
) -> ScriptedAgent[In, Out, P]: ...
@overload
def scripted_agent(
    *replies: Answer[In],
    takes: type[In],
    gives: type[Out],
    otherwise: Answer[In] | None = None,
    alias: str | None = None,
    pause: float = 0.0,
) -> ScriptedAgent[In, Out, []]: ...
@overload
def scripted_agent(
    *replies: Answer[In],
    takes: type[In],
    otherwise: Answer[In] | None = None,
    alias: str | None = None,
    pause: float = 0.0,
) -> ScriptedAgent[In, Message, []]: ...
@overload
def scripted_agent(
    *replies: Answer[Message],
    gives: type[Out],
    otherwise: Answer[Message] | None = None,
    alias: str | None = None,
    pause: float = 0.0,
) -> ScriptedAgent[Message, Out, []]: ...
@overload
def scripted_agent(
    *replies: Answer[Message],
    otherwise: Answer[Message] | None = None,
    alias: str | None = None,
    pause: float = 0.0,
) -> ScriptedAgent[Message, Message, []]: ...
def scripted_agent(
    *replies: Answer[Any],  # Any: the overloads say of which classes
    of: Any = None,  # Any: as above
    takes: type[Message] = Message,
    gives: type[Message] = Message,
    otherwise: Answer[Any] | None = None,  # Any: as above
    alias: str | None = None,
    pause: float = 0.0,
) -> ScriptedAgent[Any, Any, ...]:  # Any: as above
    """Return an agent that answers its first call with the first reply, its second with the second, and so on.

    A reply may be a function of the call. `ScriptedAgent.asked` has all calls so far. `replaced` puts the agent in the
    place of another one, anywhere in a tree of agents.

    Args:
        replies: The answers, one for each call.
        of: The agent that this one stands for: it takes the same messages and arguments, and gives the same messages.
        takes: The class of the messages that the agent takes, unless `of` is given.
        gives: The class of the messages that the agent gives, unless `of` is given. Strings become messages of it.
        otherwise: The answer to each further call. Without it, a further call fails with an `AssertionError`.
        alias: The agent's name in logs, errors and records; by default that of the agent it stands for.
        pause: Seconds before each word of a string or message, on the loop's clock.

    Raises:
        TypeError: A reply is none, or a message of a class that the agent does not give. Or `of` is no `MiniAgent`,
            `takes` or `gives` is no class of messages, or `pause` is no number.
        ValueError: `pause` is negative.

    >>> agent = scripted_agent("Hello there", ["to", "k", "ens"], ValueError("no"))
    >>> async def main() -> None:
    ...     async with MiniAgents():
    ...         print(await transcript(agent.inquire()))
    ...         print(await transcript(agent.inquire()))
    ...         print(await transcript(agent.inquire()))
    >>> asyncio.run(main())
    1 'Hello'
    1 ' there'
    1 = Message(text='Hello there')
    end
    1 'to'
    1 'k'
    1 'ens'
    1 = Message(text='tokens')
    end
    ! ValueError: no
    end
    >>> @miniagent
    ... async def translator(ctx: InteractionContext[UserMessage, AssistantMessage], language: str) -> None: ...
    >>> fake = scripted_agent(Several("Bonjour", "Hallo"), of=translator, otherwise=lambda call: str(call.messages[0]))
    >>> async def ask_it() -> None:
    ...     async with MiniAgents():
    ...         print(await fake.inquire("Hello", language="all"))
    ...         print(await fake.inquire("Bye", language="English"))
    ...     print(fake.asked)
    >>> asyncio.run(ask_it())
    (AssistantMessage(text='Bonjour'), AssistantMessage(text='Hallo'))
    (AssistantMessage(text='Bye'),)
    (Asked((UserMessage(text='Hello'),), language='all'), Asked((UserMessage(text='Bye'),), language='English'))
    """
    if of is not None:
        check_kind("scripted_agent: of", of, MiniAgent, "no MiniAgent")
    _check_class("takes", takes)
    _check_class("gives", gives)
    check_not_negative(f"scripted_agent: pause={pause!r}", pause)
    name: str = alias or ("scripted_agent" if of is None else of.alias)
    script = _Script(name, replies, otherwise, pause)
    agent: ScriptedAgent[Any, Any, ...]  # Any: as above
    if of is None:

        async def scripted(ctx: AnyContext) -> None:
            await script(ctx)

        agent = ScriptedAgent(scripted, alias=name, declares=lambda: ((takes,), (gives,)), made_of=(script,))
    else:
        agent = object.__new__(ScriptedAgent)
        own = {"_function": script, "_made_of": (script,), "_alias": name, "_model_identity": None}
        for slot in MiniAgent.__slots__:
            setattr(agent, slot, own[slot] if slot in own else getattr(of, slot))
    agent._of, agent._script = of, script
    script.check(agent._classes()[1])
    return agent


# --- machinery ---


def _check_class(what: str, cls: object) -> None:
    """Refuse what is no class of messages.

    Raises:
        TypeError: It is none.
    """
    if not (isinstance(cls, type) and issubclass(cls, Message)):
        raise TypeError(f"scripted_agent: {what}: {cls!r:.200} is no class of messages")


def _is_sequence(given: object) -> TypeGuard[Sequence[object]]:
    return isinstance(given, Sequence)


class _Script:
    """The work of a scripted agent."""

    def __init__(
        self,
        alias: str,
        replies: tuple[Answer[Any], ...],  # Any: the overloads say of which classes
        otherwise: Answer[Any] | None,  # Any: as above
        pause: float,
    ) -> None:
        self.asked: list[Asked[Any]] = []  # Any: as above
        self._alias = alias
        self._replies = replies
        self._otherwise = otherwise
        self._pause = pause

    async def __call__(self, ctx: AnyContext, *_: object, **__: object) -> None:
        """Do the work of one call."""
        number = len(self.asked)
        asked: Asked[Any] = Asked(ctx.messages, dict(ctx._named_arguments()))  # Any: as above
        self.asked.append(asked)
        answer = self._replies[number] if number < len(self._replies) else self._otherwise
        if answer is None:
            raise AssertionError(
                f"scripted agent {self._alias!r} has {len(self._replies)} replies and was called once more"
            )
        if callable(answer):
            await ctx.messages
            made = answer(asked)
            reply: Reply = (await made) if inspect.isawaitable(made) else made
            self._check_reply(reply)
        else:
            reply = answer
        if not isinstance(reply, Several):
            if isinstance(reply, BaseException):
                raise reply
            ctx.reply(self._promised(ctx, reply))
            return
        for part in reply.parts:
            if isinstance(part, Pause):
                await asyncio.sleep(part.seconds)
            elif isinstance(part, BaseException):
                ctx.reply(part)
            else:
                promise = self._promised(ctx, part)
                ctx.reply(promise)
                await settled(promise)

    def check(self, gives: tuple[type[Message], ...]) -> None:
        """Refuse what is no reply, and messages of classes that the agent does not give.

        Raises:
            TypeError: There is one among the replies.
        """
        for reply in (*self._replies, *(() if self._otherwise is None else (self._otherwise,))):
            if isinstance(reply, type) or not callable(reply):
                self._check_reply(reply)
            for part in reply.parts if isinstance(reply, Several) else (reply,):
                if isinstance(part, Message) and not isinstance(part, gives):
                    declared = " or ".join(cls.__qualname__ for cls in gives)
                    raise TypeError(
                        f"scripted agent {self._alias!r}: got {type(part).__qualname__} where {declared} is declared"
                    )

    def _check_reply(self, reply: object) -> None:
        """Refuse what the agent cannot say.

        Raises:
            TypeError: It is no reply, or one of its parts is none.
        """
        for part in reply.parts if isinstance(reply, Several) else (reply,):
            if isinstance(part, str | Message | BaseException) or (part is not reply and isinstance(part, Pause)):
                continue
            for wrong in [step for step in part if not isinstance(step, Step)] if _is_sequence(part) else (part,):
                hint = "; give an object of it" if isinstance(wrong, type) else ""
                raise TypeError(f"scripted agent {self._alias!r}: {wrong!r:.200} is no reply{hint}")

    def _promised(self, ctx: AnyContext, reply: str | Message | Sequence[Step]) -> MessagePromise[Any]:  # Any: as above
        if isinstance(reply, Message):
            return _streamed(reply, self._pause)
        steps = _words(reply, self._pause) if isinstance(reply, str) else reply
        gives = ctx.this_agent._classes()[1]
        calls = tuple(step for step in steps if isinstance(step, ToolCall))
        if not calls:
            return stream_message(gives[0], _played(steps))
        cls = gives[0] if issubclass(gives[0], AssistantMessage) else AssistantMessage
        return stream_message(cls, _played(steps), tool_calls=calls)


def _words(text: str, pause: float) -> list[Step]:
    return [step for word in _WORD.findall(text) for step in ([Pause(pause), word] if pause else [word])]


def _streamed(message: Message, pause: float) -> MessagePromise[Message]:
    async def whole(_: object) -> Message:
        return message

    known = {name: value for name, value in msgspec.structs.asdict(message).items() if name != "text"}
    steps = _words(str(message), pause)
    if isinstance(message, AssistantMessage):
        steps.extend(message.tool_calls)
    return MessagePromise(lambda: _played(steps), whole, message_class=type(message), known=known)


async def _played(steps: Sequence[Step]) -> AsyncIterator[str | StreamEvent]:
    calls = 0
    for step in steps:
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
        elif isinstance(step, BaseException):
            raise step
        elif isinstance(step, ToolCall):
            yield ToolCallDelta(index=calls, id=step.id, name=step.name, arguments=step.arguments)
            calls += 1
        else:
            yield step


_WORD: Final = re.compile(r"\s*\S+\s*$|\s*\S+|\s+")
