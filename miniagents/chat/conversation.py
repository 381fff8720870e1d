"""The conversation: it reads questions from an input and shows the agent's answers to a view.

It knows nothing of terminals: `interfaces` says what it asks of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from miniagents.chat.answering import Answer
from miniagents.chat.chat_errors import ChatError
from miniagents.chat.costs import Costs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miniagents.chat.agents import Partner
    from miniagents.chat.history import History
    from miniagents.chat.interfaces import Interrupts, View
    from miniagents.messages import ContentPart, Message

__all__ = ["Conversation"]


class Conversation:
    """The messages so far, the agent that answers them, and the file that they are saved in.

    The conversation has everything that the user saw: if a message was stopped or failed, it has the text that had
    arrived.

    Args:
        partner: The agent that answers.
        view: The view that shows the conversation.
        interrupts: The way in which the user stops an answer.
        history: The file that the messages are saved in.
        messages: The messages of a conversation that is continued.
        costs: Counts what the answers cost.
    """

    def __init__(
        self,
        partner: Partner,
        view: View,
        interrupts: Interrupts,
        history: History,
        messages: Sequence[Message] = (),
        costs: Costs | None = None,
    ) -> None:
        self.partner = partner
        self.view = view
        self.history: History = history
        self.messages: list[Message] = list(messages)
        self.has_ended: bool = False
        """Whether the agent has ended the conversation (`EndLoop`)."""
        self.attached: list[ContentPart] = []
        """Pictures and files that go with the next question."""
        self.costs: Costs = costs if costs is not None else Costs()
        self._interrupts = interrupts

    async def ask(self, text: str) -> bool:
        """Ask a question and show the answer.

        Returns:
            Whether the answer is complete and without errors.
        """
        try:
            question = self.partner.question(text, self.attached)
        except ChatError as error:
            self.view.failed(error)
            return False
        self.attached.clear()
        self.messages.append(question)
        self._keep()
        return await self._answer()

    async def retry(self) -> bool:
        """Forget the answer to the last question, and ask the question again.

        Returns:
            Whether the answer is complete and without errors.
        """
        place = self.last_question
        if place is None:
            self.view.note("nothing was asked yet")
            return False
        self.forget(place + 1)
        return await self._answer()

    @property
    def last_question(self) -> int | None:
        """The place of the last question among the messages; None if nothing was asked yet."""
        places = [place for place, message in enumerate(self.messages) if self._is_question(message)]
        return places[-1] if places else None

    def forget(self, place: int) -> None:
        """Forget the messages from a place on."""
        del self.messages[place:]
        self._keep()

    def begin_anew(self, history: History, messages: Sequence[Message] = ()) -> None:
        """Leave this conversation for another one.

        Args:
            history: The history of the other one.
            messages: Its messages so far.
        """
        self.messages[:] = messages
        self.attached.clear()
        self.history = history

    # --- machinery ---

    def _is_question(self, message: Message) -> bool:
        return isinstance(message, self.partner.question_classes)

    def _add(self, message: Message) -> None:
        self.messages.append(message)
        self.costs.add(message)
        self._keep()

    def _keep(self) -> None:
        try:
            self.history.keep(self.messages)
        except ChatError as error:
            self.view.failed(error)

    async def _answer(self) -> bool:
        try:
            replies = self.partner.ask(self.messages)
        except (TypeError, ValueError) as error:  # the agent refuses the messages
            self.view.failed(error)
            return False
        answer = Answer(self.view, self._add)
        self.costs.begin()
        self.view.waiting()
        try:
            with self._interrupts.stopping(lambda: answer.stop(replies)):
                await answer.read(replies)
        finally:
            self.view.answered()
        self.has_ended = self.has_ended or answer.has_ended
        if self.costs.line:
            self.view.note(self.costs.line)
        if answer.was_stopped:
            self.view.note("stopped")
        return not answer.was_stopped and not answer.errors
