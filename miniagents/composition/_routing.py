"""Agents of which each message goes to one."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeGuard, overload

from typing_extensions import TypeVar

from miniagents.agents.agent import composed
from miniagents.agents.members import (
    AnyAgent,
    AnyContext,
    AnyReplies,
    Declared,
    alias_of,
    ask,
    check_agents,
    declared_by,
    error_in_place,
    pieces_of,
    refuse_misfits,
    union,
)
from miniagents.messages import Message, MessagePromise, MessageSequence
from miniagents.promising.core.access import failure_of, settled, value_of
from miniagents.promising.core.arguments import check_plain
from miniagents.promising.core.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from miniagents.agents.agent import MiniAgent
    from miniagents.agents.members import Inquirable

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


class NoRouteError(LookupError):
    """None of the cases of a `route` takes a message.

    Attributes:
        message_class: The class of the message.
        routes: The cases, each in words.
    """

    def __init__(self, message_class: type[Message], routes: tuple[str, ...]) -> None:
        super().__init__(message_class, routes)
        self.message_class: type[Message] = message_class
        self.routes: tuple[str, ...] = routes

    def __str__(self) -> str:
        return f"no route for this {self.message_class.__qualname__}: the routes are {', '.join(self.routes)}"


class Case(Generic[In_contra, Out_co]):
    """One case of a `route`: an agent, and the messages that go to it. `case` makes it."""

    __slots__ = ("_agent", "_class", "_predicate", "name")

    def __init__(
        self,
        agent: Inquirable[In_contra, Out_co],
        message_class: type[Message] | None,
        predicate: Callable[[Any], object] | None,  # Any: a message of the classes that the agent takes
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
        """Return whether a message goes here; None as long as that cannot be known."""
        cls = promise.message_class
        classes = self._classes()
        if cls is not None and not issubclass(cls, classes):
            return False
        return True if self._predicate is None and (cls is not None or Message in classes) else None

    def _takes(self, message: Message) -> bool:
        """Return whether a message goes here."""
        return isinstance(message, self._classes()) and (self._predicate is None or bool(self._predicate(message)))


@overload
def case(accepts: type[In], agent: Inquirable[In, Out], /) -> Case[In, Out]: ...
@overload
def case(accepts: Callable[[In], object], agent: Inquirable[In, Out], /) -> Case[In, Out]: ...
def case(
    accepts: type[Message] | Callable[[Any], object],  # Any: the overloads tie it to the agent
    agent: Inquirable[Any, Out],  # Any: as above
    /,
) -> Case[Any, Out]:  # Any: as above
    """Return a case of a `route`: an agent, and the class or the plain function that chooses its messages.

    Args:
        accepts: The class, subclasses included; or the function. It is asked about messages of the classes that the
            agent takes, and its error stands in the place of the replies to that message.
        agent: The agent that they go to.

    Raises:
        TypeError: The agent can never take messages of the class, cannot be called without arguments, or there is
            neither a class of messages nor a function.

    >>> case(UserMessage, scripted_agent("Hello", alias="host"))
    <Case UserMessage: host>
    """
    check_agents("case", (agent,))
    if isinstance(accepts, type):
        if not issubclass(accepts, Message):
            raise TypeError(f"case: {accepts.__qualname__} is no class of messages")
        with contextlib.suppress(NameError):  # a class that is defined further down is checked by the agent
            refuse_misfits("case", (accepts,), declared_by(agent)[0], "the route", f"agent {alias_of(agent)!r}")
        return Case(agent, accepts, None, accepts.__qualname__)
    if not callable(accepts):
        raise TypeError(f"case: {accepts!r:.200} is neither a class of messages nor a function")
    check_plain("case", accepts)
    return Case(agent, None, accepts, getattr(accepts, "__name__", type(accepts).__qualname__))


@overload
def route(c1: Case[I1, O1], /) -> MiniAgent[I1, O1, []]: ...
@overload
def route(c1: Case[I1, O1], /, *, otherwise: Inquirable[I0, O0]) -> MiniAgent[I1 | I0, O1 | O0, []]: ...
@overload
def route(c1: Case[I1, O1], c2: Case[I2, O2], /) -> MiniAgent[I1 | I2, O1 | O2, []]: ...
@overload
def route(
    c1: Case[I1, O1], c2: Case[I2, O2], /, *, otherwise: Inquirable[I0, O0]
) -> MiniAgent[I1 | I2 | I0, O1 | O2 | O0, []]: ...
@overload
def route(c1: Case[I1, O1], c2: Case[I2, O2], c3: Case[I3, O3], /) -> MiniAgent[I1 | I2 | I3, O1 | O2 | O3, []]: ...
@overload
def route(
    c1: Case[I1, O1], c2: Case[I2, O2], c3: Case[I3, O3], /, *, otherwise: Inquirable[I0, O0]
) -> MiniAgent[I1 | I2 | I3 | I0, O1 | O2 | O3 | O0, []]: ...
@overload
def route(
    c1: Case[I1, O1], c2: Case[I2, O2], c3: Case[I3, O3], c4: Case[I4, O4], /
) -> MiniAgent[I1 | I2 | I3 | I4, O1 | O2 | O3 | O4, []]: ...
@overload
def route(
    c1: Case[I1, O1], c2: Case[I2, O2], c3: Case[I3, O3], c4: Case[I4, O4], /, *, otherwise: Inquirable[I0, O0]
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
    otherwise: Inquirable[I0, O0],
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
    otherwise: Inquirable[I0, O0],
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
    otherwise: Inquirable[I0, O0],
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
    otherwise: Inquirable[I0, O0],
) -> MiniAgent[I1 | I2 | I3 | I4 | I5 | I6 | I7 | I8 | I0, O1 | O2 | O3 | O4 | O5 | O6 | O7 | O8 | O0, []]: ...
@overload
def route(*cases: Case[In, Out]) -> MiniAgent[In, Out, []]: ...
@overload
def route(*cases: Case[In, Out], otherwise: Inquirable[I0, O0]) -> MiniAgent[In | I0, Out | O0, []]: ...
def route(
    *cases: object,  # the overloads say what they are
    otherwise: AnyAgent | None = None,
) -> MiniAgent[Any, Any, []]:  # Any: as above
    """Return an agent that has each message answered by the first of several agents that it fits.

    Each message is a call of its own, made as soon as it is known where it goes: by its class that is at once where its
    promise names it (`message_class`), so that its tokens stream; a function needs the whole message. Messages behind
    it do not wait for that. The replies to the first message come first, then those to the second, and so on. An error
    among the messages stays in its place; a message that fits nowhere is a `NoRouteError` in its place.

    It takes what the cases take, `otherwise` included; a string becomes a message of the first case's class. Cancelling
    the replies cancels all calls. Each call has the tasks of any call of its agent, and one more where a function has
    to wait for the message; their number is not bounded, but by `map_agent(route(...), concurrency=...)`.

    Args:
        cases: The cases, made by `case`; the first that fits counts.
        otherwise: The agent for what fits none of them.

    Raises:
        TypeError: Something is no case, there is none, or `otherwise` cannot be called without arguments.

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

    return composed(route_all, alias, declares)


def _checked_case(each: object) -> AnyCase:
    if not _is_case(each):
        raise TypeError(f"route: {each!r:.200} is no case; write case(SomeMessage, agent) or case(function, agent)")
    return each


def _is_case(each: object) -> TypeGuard[AnyCase]:
    return isinstance(each, Case)


def _replies_to(
    ctx: AnyContext,
    promise: MessagePromise[Any],  # Any: of any class
    cases: tuple[AnyCase, ...],
    names: tuple[str, ...],
) -> Any:  # Any: replies, to come or there, or an error
    """Return what is replied to one message."""
    for each in cases:
        takes = each._takes_promised(promise)
        if takes:
            return ask(ctx, each._agent, promise)
        if takes is None:
            break

    def by_message(message: Message) -> AnyReplies:
        for each in cases:
            if each._takes(message):
                return ask(ctx, each._agent, promise)
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
    replies = MessageSequence[Any](name=f"{ctx.this_agent.alias}.replies", context=ctx._context)  # Any: as above
    replies.produce(when_complete, start_asap=ctx._context.start_asap, instead=instead)
    return replies.promise
