"""A conversation: calls of one function in turns, each of which gets the state that the one before it returned."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, Protocol

from typing_extensions import TypeVar

from miniagents.agents.agent import MiniAgent
from miniagents.agents.agent_signatures import declared_messages
from miniagents.agents.interaction import InteractionContext
from miniagents.describing.signatures import names_around
from miniagents.messages import Message
from miniagents.promising.core.access import settled
from miniagents.promising.core.arguments import check_async

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from miniagents.agents.members import AnyContext, AnyReplies
    from miniagents.messages import MessageSequencePromise, MessageType

__all__ = ["Conversation", "TurnFunction"]

In_contra = TypeVar("In_contra", bound=Message, contravariant=True)
Out_co = TypeVar("Out_co", bound=Message, covariant=True)
S = TypeVar("S")


class TurnFunction(Protocol[In_contra, Out_co, S]):
    """An async function that takes a turn: it gets its context and the state, and returns the next state."""

    # A protocol rather than a `Callable`: mypy infers a type that a callable mentions from the other arguments alone,
    # so `state=()` would be an empty tuple for good.
    def __call__(self, ctx: InteractionContext[In_contra, Out_co], state: S, /) -> Awaitable[S]:
        """Take a turn."""
        ...


class Conversation(Generic[In_contra, Out_co, S]):
    """Calls of one async function in turns; each gets the state that the turn before it returned.

    Agents are values and remember nothing from one call to the next. What a conversation remembers is the state, a
    value of any type, held by this object alone. An agent or program makes one for each of its conversations.

    A turn begins when the one before it has ended, however soon it was inquired; its messages and replies stream as
    those of any agent. A turn that raises or is cancelled leaves the state as it was. The object stands wherever an
    agent does: in `achain_loop`, `chain` and the like.

    Args:
        turn: The function. It must not change the state that it gets, but return another one.
        state: The state that the first turn gets.
        alias: The name in logs, errors and records; by default the name of the function.

    Raises:
        TypeError: `turn` is no function, or its first parameter is not an `InteractionContext`.

    >>> async def add(ctx: InteractionContext, total: int) -> int:
    ...     total += int(str((await ctx.messages)[0]))
    ...     ctx.reply(f"that makes {total}")
    ...     return total
    >>> async def main() -> None:
    ...     async with MiniAgents():
    ...         adding = Conversation(add, state=0)
    ...         print(*await adding.inquire("2"), *await adding.inquire("3"), adding.state)
    >>> asyncio.run(main())
    that makes 2 that makes 5 5
    """

    __slots__ = ("_agent", "_last", "_state", "_turn")

    def __init__(self, turn: TurnFunction[In_contra, Out_co, S], /, *, state: S, alias: str | None = None) -> None:
        given: object = turn
        if isinstance(given, MiniAgent) or not callable(given):
            raise TypeError(f"Conversation: {turn!r:.200}: give an async function, without @miniagent")
        check_async("Conversation", turn)
        self._turn = turn
        self._state = state
        self._last: _Turn | None = None
        name: str = alias if alias is not None else getattr(turn, "__name__", type(turn).__name__)
        local_names = names_around(2)
        self._agent: MiniAgent[In_contra, Out_co, [_Turn]] = MiniAgent(
            self._take,
            alias=name,
            declares=lambda: declared_messages(turn, InteractionContext, local_names, name),
        )

    @property
    def alias(self) -> str:
        """The name in logs, errors and records."""
        return self._agent.alias

    @property
    def state(self) -> S:
        """The state after the last turn that has ended."""
        return self._state

    def inquire(self, messages: MessageType[In_contra] | None = None, /) -> MessageSequencePromise[Out_co]:
        """Take a turn with messages, and return the promise of its replies at once.

        Raises:
            TypeError: Something among the messages is not a message of a class that the function takes.
            NoActiveContextError: There is no active `MiniAgents`.
        """
        turn = _Turn(self._last)
        replies = self._agent.inquire(messages, turn)
        turn.replies = replies
        self._last = turn
        return replies

    def __repr__(self) -> str:
        return f"<Conversation {self.alias!r}>"

    # --- machinery ---

    async def _take(self, ctx: AnyContext, turn: _Turn) -> None:
        """Do the work of one turn."""
        turn.ended = asyncio.Event()
        try:
            if turn.before is not None:
                await turn.before.until_ended()
                turn.before = None  # a long conversation would hold all of its turns
            self._state = await self._turn(ctx, self._state)
        finally:
            turn.ended.set()


class _Turn:
    """A turn, and the one before it until that has ended."""

    __slots__ = ("before", "ended", "replies")

    def __init__(self, before: _Turn | None) -> None:
        self.before = before
        self.ended: asyncio.Event | None = None  # set when the turn begins
        self.replies: AnyReplies | None = None  # set when the call is made

    async def until_ended(self) -> None:
        """Wait for the end of the turn; it may have ended its replies early, or have been cancelled before it began."""
        if self.replies is not None:
            await settled(self.replies)
        if self.ended is not None:
            await self.ended.wait()
