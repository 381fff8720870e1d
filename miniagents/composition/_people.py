"""People as agents: calls that wait until somebody answers them from elsewhere in the process."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Generic

from typing_extensions import TypeVar

from miniagents.agents.composing import composed
from miniagents.messages import Message

if TYPE_CHECKING:
    from miniagents.agents.agent import MiniAgent
    from miniagents.agents.interaction import InteractionContext
    from miniagents.messages import MessagePromise, MessageSequencePromise, MessageType

__all__ = ["OpenQuestion", "Person"]

In = TypeVar("In", bound=Message, default=Message)
Out = TypeVar("Out", bound=Message, default=Message)


class Person(Generic[In, Out]):
    """A person whom agents ask: each call is an open question until `OpenQuestion.answer` answers it.

    `questions` lists the open questions for whatever shows them to the person: a terminal, a web page, a chat. The
    object stands wherever an agent does. A question is open as long as the call that asks it: cancelling the call, for
    example by a time limit, closes the question. A context that is left waits for the answers. Questions are kept in
    this process only.

    Args:
        alias: The name in logs, errors and records.
        takes: The class of the messages that the person is asked with; by default any.
        gives: The class of the messages that the person answers with; by default any. A string becomes one.

    >>> async def main() -> None:
    ...     async with MiniAgents():
    ...         editor = Person("editor")
    ...         verdict = editor.ask("Publish it?")
    ...         question = await editor.next_question()
    ...         print(*await question.messages)
    ...         question.answer("Not yet.")
    ...         print(await verdict, editor.questions)
    >>> asyncio.run(main())
    Publish it?
    Not yet. ()
    """

    __slots__ = ("_agent", "_asked", "_open", "_waiting")

    def __init__(
        self, alias: str = "person", /, *, takes: type[In] | None = None, gives: type[Out] | None = None
    ) -> None:
        declared = (takes or Message,), (gives or Message,)
        self._agent: MiniAgent[In, Out, []] = composed(self._wait, alias, lambda: declared)
        self._asked = 0
        self._open: dict[OpenQuestion[In, Out], None] = {}
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def alias(self) -> str:
        """The name in logs, errors and records."""
        return self._agent.alias

    @property
    def questions(self) -> tuple[OpenQuestion[In, Out], ...]:
        """The open questions, the oldest first."""
        return tuple(self._open)

    async def next_question(self) -> OpenQuestion[In, Out]:
        """Return the oldest open question; wait for one if there is none."""
        while not self._open:
            asked: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(asked)
            await asked
        return next(iter(self._open))

    def ask(self, messages: MessageType[In] | None = None, /) -> MessagePromise[Out]:
        """Ask the person, and return the promise of the answer, which is a single message.

        Raises:
            TypeError: Something among the messages is not a message of a class that the person takes.
            NoActiveContextError: There is no active `MiniAgents`.
        """
        return self.inquire(messages).only()

    def inquire(self, messages: MessageType[In] | None = None, /) -> MessageSequencePromise[Out]:
        """Ask the person as any agent is asked; the answer may be any number of messages.

        Raises:
            TypeError: Something among the messages is not a message of a class that the person takes.
            NoActiveContextError: There is no active `MiniAgents`.
        """
        return self._agent.inquire(messages)

    def __repr__(self) -> str:
        return f"<Person {self.alias!r} with {len(self._open)} open questions>"

    # --- machinery ---

    async def _wait(self, ctx: InteractionContext[In, Out]) -> None:
        """Keep a question open until it is answered."""
        self._asked += 1
        question = OpenQuestion(self, self._asked, ctx)
        self._open[question] = None
        try:
            waiting, self._waiting = self._waiting, []
            for asked in waiting:
                if not asked.done():
                    asked.set_result(None)
            await question._answered
        finally:
            self._open.pop(question, None)


class OpenQuestion(Generic[In, Out]):
    """A question to a `Person`, open until somebody answers it.

    Attributes:
        number: The number of the question among all that the person was asked, from 1.
        person: The person.
        messages: The question itself, perhaps still arriving.
        callers: The names of the agents whose calls led to the question, the nearest first.
    """

    __slots__ = ("_answered", "_claim", "_ctx", "_loop", "callers", "messages", "number", "person")

    def __init__(self, person: Person[In, Out], number: int, ctx: InteractionContext[In, Out]) -> None:
        self._loop = asyncio.get_running_loop()
        self._answered: asyncio.Future[None] = self._loop.create_future()
        self._claim = threading.Lock()  # only one answer is taken, whatever thread it comes from
        self._ctx = ctx
        self.number: int = number
        self.person: Person[In, Out] = person
        self.messages: MessageSequencePromise[In] = ctx.messages
        self.callers: tuple[str, ...] = tuple(ctx.names()[1:])

    def answer(self, messages: MessageType[Out], /) -> None:
        """Answer the question; any thread may do that.

        Args:
            messages: The answer. An exception refuses one: whoever asked is raised it.

        Raises:
            TypeError: Something in it is not a message, or is a message of a class that the person does not give. The
                question stays open.
            PromiseCancelledError: The call that asked was cancelled.
            RuntimeError: The question was answered before.
        """
        if not self._claim.acquire(blocking=False):
            raise RuntimeError(f"{self!r} was answered before")
        try:
            self._ctx.reply(messages)
        except BaseException:
            self._claim.release()
            raise
        self.person._open.pop(self, None)
        self._loop.call_soon_threadsafe(self._close)

    def __repr__(self) -> str:
        return f"<OpenQuestion {self.number} to {self.person.alias!r}>"

    # --- machinery ---

    def _close(self) -> None:
        if not self._answered.done():
            self._answered.set_result(None)
