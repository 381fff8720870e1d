"""`route`: an agent that passes each message to the first of several agents that takes it."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeGuard, overload

from typing_extensions import TypeVar

from miniagents.agents.composing import composed
from miniagents.agents.members import (
    AnyContext,
    AnyMember,
    AnyReplies,
    Declared,
    alias_of,
    check_agents,
    declared_by,
    error_in_place,
    pieces_of,
    refuse_misfits,
    union,
)
from miniagents.composition._asking import ask_speaker
from miniagents.messages import Message, MessagePromise, MessageSequence
from miniagents.messages.promised.tokens import known_class
from miniagents.promising.core.access import failure_of, settled, value_of
from miniagents.promising.core.arguments import check_plain
from miniagents.promising.core.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from miniagents.agents.agent import MiniAgent
    from miniagents.agents.members import Composable, Inquirable

__all__ = ["Case", "NoRouteError", "case", "route"]

In_contra = TypeVar("In_contra", bound=Message, default=Message, contravariant=True)
Out_co = TypeVar("Out_co", bound=Message, default=Message, covariant=True)
In = TypeVar("In", bound=Message)
Out = TypeVar("Out", bound=Message)
I0 = TypeVar("I0", bound=Message)
I1 = TypeVar("I1", bound=Message)
I2 = TypeVar("I2", bound=Message)
I3 = TypeVar("I3", bound=Message)
I4 = TypeVar("I4", bound=Message)
I5 = TypeVar("I5", bound=Message)
I6 = TypeVar("I6", bound=Message)
I7 = TypeVar("I7", bound=Message)
I8 = TypeVar("I8", bound=Message)
O0 = TypeVar("O0", bound=Message)
O1 = TypeVar("O1", bound=Message)
O2 = TypeVar("O2", bound=Message)
O3 = TypeVar("O3", bound=Message)
O4 = TypeVar("O4", bound=Message)
O5 = TypeVar("O5", bound=Message)
O6 = TypeVar("O6", bound=Message)
O7 = TypeVar("O7", bound=Message)
O8 = TypeVar("O8", bound=Message)

AnyCase: TypeAlias = "Case[Any, Message]"  # Any: contravariant, so that any case is one
Predicate: TypeAlias = "Callable[[Any], object]"  # Any: a message of the classes that the case's agent takes


class NoRouteError(LookupError):
    """No case of a `route` takes a message.

    Attributes:
        message_class: The class of the message.
        routes: The names of the cases, such as `UserMessage: host`.
    """

    def __init__(self, message_class: type[Message], routes: tuple[str, ...]) -> None:
        super().__init__(message_class, routes)
        self.message_class: type[Message] = message_class
        self.routes: tuple[str, ...] = routes

    def __str__(self) -> str:
        return f"no route for this {self.message_class.__qualname__}: the routes are {', '.join(self.routes)}"


class Case(Generic[In_contra, Out_co]):
    """One case of a `route`: an agent, and the condition for messages that go to it. `case` makes it."""

    __slots__ = ("_agent", "_class", "_predicate", "name")

    def __init__(
        self,
        agent: Composable[In_contra, Out_co],
        message_class: type[Message] | None,
        predicate: Predicate | None,
        name: str,
    ) -> None:
        self._agent = agent
        self._class = message_class
        self._predicate = predicate
        self.name: str = f"{name}: {alias_of(agent)}"

    def __repr__(self) -> str:
        return f"<Case {self.name}>"

    # --- machinery ---

    def _classes(self) -> tuple[type[Message], ...]:
        return declared_by(self._agent)[0] if self._class is None else (self._class,)

    def _takes_promised(self, promise: MessagePromise[Any]) -> bool | None:  # Any: of any class
        """Return whether a pending message goes to this case; None if only the complete message can tell."""
        cls = known_class(promise)
        classes = self._classes()
        if cls is not None and not issubclass(cls, classes):
            return False
        return True if self._predicate is None and (cls is not None or Message in classes) else None

    def _takes(self, message: Message) -> bool:
        """Return whether a complete message goes to this case."""
        return isinstance(message, self._classes()) and (self._predicate is None or bool(self._predicate(message)))


# ty would not refuse a misfit if it were `Composable`, as everywhere else
@overload
def case(accepts: type[In], agent: Inquirable[In, Out], /) -> Case[In, Out]: ...
@overload
def case(accepts: Callable[[In], object], agent: Inquirable[In, Out], /) -> Case[In, Out]: ...
def case(
    accepts: type[Message] | Predicate,
    agent: AnyMember,
    /,
) -> AnyCase:
    """Return a case of a `route`: an agent, and the class or the plain function that chooses its messages.

    Args:
        accepts: The class, subclasses included, or the function. The function is called with messages of the classes
            that the agent takes. If it raises, the error stands in the place of the replies to that message.
        agent: The agent that the messages go to.

    Raises:
        TypeError: The agent can never take messages of the class, or cannot be called without arguments; or `accepts`
            is neither a class of messages nor a plain function.

    >>> case(UserMessage, scripted_agent("Hello", alias="host"))
    <Case UserMessage: host>
    """
    check_agents("case", (agent,))
    if isinstance(accepts, type):
        if not issubclass(accepts, Message):
            raise TypeError(f"case: {accepts.__qualname__} is not a class of messages")
        with contextlib.suppress(NameError):  # a class that is defined further down is checked when the agent is called
            refuse_misfits("case", (accepts,), declared_by(agent)[0], "the route", f"agent {alias_of(agent)!r}")
        return Case(agent, accepts, None, accepts.__qualname__)
    if not callable(accepts):
        raise TypeError(f"case: {accepts!r:.200} is neither a class of messages nor a function")
    check_plain("case", accepts)
    return Case(agent, None, accepts, getattr(accepts, "__name__", type(accepts).__qualname__))


@overload
def route(c1: Case[I1, O1], /) -> MiniAgent[I1, O1, []]: ...
@overload
def route(c1: Case[I1, O1], /, *, otherwise: Composable[I0, O0]) -> MiniAgent[I1 | I0, O1 | O0, []]: ...
@overload
def route(c1: Case[I1, O1], c2: Case[I2, O2], /) -> MiniAgent[I1 | I2, O1 | O2, []]: ...
@overload
def route(
    c1: Case[I1, O1], c2: Case[I2, O2], /, *, otherwise: Composable[I0, O0]
) -> MiniAgent[I1 | I2 | I0, O1 | O2 | O0, []]: ...
@overload
def route(c1: Case[I1, O1], c2: Case[I2, O2], c3: Case[I3, O3], /) -> MiniAgent[I1 | I2 | I3, O1 | O2 | O3, []]: ...
@overload
def route(
    c1: Case[I1, O1], c2: Case[I2, O2], c3: Case[I3, O3], /, *, otherwise: Composable[I0, O0]
) -> MiniAgent[I1 | I2 | I3 | I0, O1 | O2 | O3 | O0, []]: ...
@overload
def route(
    c1: Case[I1, O1], c2: Case[I2, O2], c3: Case[I3, O3], c4: Case[I4, O4], /
) -> MiniAgent[I1 | I2 | I3 | I4, O1 | O2 | O3 | O4, []]: ...
@overload
def route(
    c1: Case[I1, O1], c2: Case[I2, O2], c3: Case[I3, O3], c4: Case[I4, O4], /, *, otherwise: Composable[I0, O0]
) -> MiniAgent[I1 | I2 | I3 | I4 | I0, O1 | O2 | O3 | O4 | O0, []]: ...
@overload
def route(
    c1: Case[I1, O1], c2: Case[I2, O2], c3: Case[I3, O3], c4: Case[I4, O4], c5: Case[I5, O5], /
) -> MiniAgent[I1 | I2 | I3 | I4 | I5, O1 | O2 | O3 | O4 | O5, []]: ...
@overload
def route(
    c1: Case[I1, O1],
    c2: Case[I2, O2],
    c3: Case[I3, O3],
    c4: Case[I4, O4],
    c5: Case[I5, O5],
    /,
    *,
    otherwise: Composable[I0, O0],
) -> MiniAgent[I1 | I2 | I3 | I4 | I5 | I0, O1 | O2 | O3 | O4 | O5 | O0, []]: ...
@overload
def route(
    c1: Case[I1, O1], c2: Case[I2, O2], c3: Case[I3, O3], c4: Case[I4, O4], c5: Case[I5, O5], c6: Case[I6, O6], /
) -> MiniAgent[I1 | I2 | I3 | I4 | I5 | I6, O1 | O2 | O3 | O4 | O5 | O6, []]: ...
@overload
def route(
    c1: Case[I1, O1],
    c2: Case[I2, O2],
    c3: Case[I3, O3],
    c4: Case[I4, O4],
    c5: Case[I5, O5],
    c6: Case[I6, O6],
    /,
    *,
    otherwise: Composable[I0, O0],
) -> MiniAgent[I1 | I2 | I3 | I4 | I5 | I6 | I0, O1 | O2 | O3 | O4 | O5 | O6 | O0, []]: ...
@overload
def route(
    c1: Case[I1, O1],
    c2: Case[I2, O2],
    c3: Case[I3, O3],
    c4: Case[I4, O4],
    c5: Case[I5, O5],
    c6: Case[I6, O6],
    c7: Case[I7, O7],
    /,
) -> MiniAgent[I1 | I2 | I3 | I4 | I5 | I6 | I7, O1 | O2 | O3 | O4 | O5 | O6 | O7, []]: ...
@overload
def route(
    c1: Case[I1, O1],
    c2: Case[I2, O2],
    c3: Case[I3, O3],
    c4: Case[I4, O4],
    c5: Case[I5, O5],
    c6: Case[I6, O6],
    c7: Case[I7, O7],
    /,
    *,
    otherwise: Composable[I0, O0],
) -> MiniAgent[I1 | I2 | I3 | I4 | I5 | I6 | I7 | I0, O1 | O2 | O3 | O4 | O5 | O6 | O7 | O0, []]: ...
@overload
def route(
    c1: Case[I1, O1],
    c2: Case[I2, O2],
    c3: Case[I3, O3],
    c4: Case[I4, O4],
    c5: Case[I5, O5],
    c6: Case[I6, O6],
    c7: Case[I7, O7],
    c8: Case[I8, O8],
    /,
) -> MiniAgent[I1 | I2 | I3 | I4 | I5 | I6 | I7 | I8, O1 | O2 | O3 | O4 | O5 | O6 | O7 | O8, []]: ...
@overload
def route(
    c1: Case[I1, O1],
    c2: Case[I2, O2],
    c3: Case[I3, O3],
    c4: Case[I4, O4],
    c5: Case[I5, O5],
    c6: Case[I6, O6],
    c7: Case[I7, O7],
    c8: Case[I8, O8],
    /,
    *,
    otherwise: Composable[I0, O0],
) -> MiniAgent[I1 | I2 | I3 | I4 | I5 | I6 | I7 | I8 | I0, O1 | O2 | O3 | O4 | O5 | O6 | O7 | O8 | O0, []]: ...
@overload
def route(first: Case[In, Out], /, *cases: Case[In, Out]) -> MiniAgent[In, Out, []]: ...
@overload
def route(
    first: Case[In, Out], /, *cases: Case[In, Out], otherwise: Composable[I0, O0]
) -> MiniAgent[In | I0, Out | O0, []]: ...
def route(
    *cases: object,  # the overloads say what they are
    otherwise: AnyMember | None = None,
) -> MiniAgent[Any, Any, []]:  # Any: the overloads tie it to the cases
    """Return an agent that passes each message to the agent of the first case that takes it.

    Each message becomes a call of its own. The call starts as soon as the case is known. If the promise of the message
    names its class (`message_class`) and classes alone decide, the call starts at once and the tokens stream. A
    function needs the complete message; the messages after it do not wait for that. The replies to the first message
    come first, then those to the second, and so on. An error among the messages stays in its place. A message that no
    case takes becomes a `NoRouteError` in its place. `promise.by` of a reply tells the agent and the message that it
    answers.

    The agent takes the classes of all cases and of `otherwise`; a string becomes a message of the first case's class.
    Cancelling the replies cancels all calls. Each call costs the tasks that any call of its agent does, and one more if
    a function has to wait for the message. The number of calls at the same time has no bound;
    `map_agent(route(...), concurrency=...)` gives it one.

    Args:
        cases: The cases, made by `case`; the first one that takes a message gets it.
        otherwise: The agent for messages that no case takes.

    Raises:
        TypeError: An argument is not a case, there is no case at all, or `otherwise` cannot be called without
            arguments.

    >>> async def main() -> None:
    ...     async with MiniAgents():
    ...         host, admin = scripted_agent("Welcome"), scripted_agent("Noted")
    ...         desk = route(case(UserMessage, host), case(lambda message: "!" in str(message), admin))
    ...         print(await desk.inquire([Message("restart!"), UserMessage("Good evening")]))
    >>> asyncio.run(main())
    (Message(text='Noted'), Message(text='Welcome'))
    """
    all_cases = tuple(_checked_case(each) for each in cases)
    if otherwise is not None:
        check_agents("route", (otherwise,))
        all_cases = (*all_cases, Case(otherwise, None, None, "otherwise"))
    if not all_cases:
        raise TypeError("route: there is no case; give it at least one")
    names = tuple(each.name for each in all_cases)
    alias = f"route({', '.join(names)})"

    async def route_all(ctx: AnyContext) -> None:
        async for piece in pieces_of(ctx.messages):
            ctx.reply(piece if isinstance(piece, Failure) else _replies_to(ctx, piece, all_cases, names))

    def declares() -> Declared:
        return union(each._classes() for each in all_cases), union(declared_by(each._agent)[1] for each in all_cases)

    made_of = ("route", *((each._agent, each._class, each._predicate, each.name) for each in all_cases))
    return composed(route_all, alias, declares, made_of, partial(route, *cases, otherwise=otherwise))


def _checked_case(each: object) -> AnyCase:
    if not _is_case(each):
        raise TypeError(f"route: {each!r:.200} is not a case; write case(SomeMessage, agent) or case(function, agent)")
    return each


def _is_case(each: object) -> TypeGuard[AnyCase]:
    return isinstance(each, Case)


def _replies_to(
    ctx: AnyContext,
    promise: MessagePromise[Any],  # Any: of any class
    cases: tuple[AnyCase, ...],
    names: tuple[str, ...],
) -> Any:  # Any: promised replies or an error; the context takes both as a reply
    """Pass one message to its agent; return the replies, or an error in their place."""
    for each in cases:
        takes = each._takes_promised(promise)
        if takes:
            return ask_speaker(ctx, each._agent, promise)
        if takes is None:
            break

    def by_message(message: Message) -> AnyReplies:
        for each in cases:
            if each._takes(message):
                return ask_speaker(ctx, each._agent, promise)
        raise NoRouteError(type(message), names)

    async def when_complete() -> None:
        failure = await settled(promise)
        replies.put(by_message(await promise) if failure is None else failure)

    instead = partial(error_in_place, ctx)
    if promise.done() and failure_of(promise) is None:
        try:
            return by_message(value_of(promise))
        except Exception as error:  # noqa: BLE001 - it stands in the place of the replies to this message
            return instead(error)
    # The case depends on the complete message, so these replies stand for those of a call that has not begun.
    name = f"{ctx.this_agent.alias}.replies"
    replies = MessageSequence[Any](name=name, context=ctx._context)  # Any: the replies of any case's agent
    replies.produce(when_complete, start_asap=ctx._context.start_asap, instead=instead)
    return replies.promise
