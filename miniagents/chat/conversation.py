"""The conversation: it reads questions from an input and shows the agent's answers to a view.

It knows nothing of terminals, and calls its input, view and interrupts through protocols.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from miniagents.chat.chat_errors import ChatError
from miniagents.messages import AssistantMessage, Message, TextDelta
from miniagents.messages.promised.tokens import known_class
from miniagents.miniagents import EndLoop
from miniagents.promising import PromiseCancelledError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from miniagents.chat.agents import Partner
    from miniagents.chat.history import History
    from miniagents.messages import MessagePromise, MessageSequencePromise, StreamEvent

__all__ = ["Conversation", "Input", "Interrupted", "Interrupts", "View"]


class Interrupted(Exception):  # noqa: N818 - like KeyboardInterrupt it is no error
    """The user pressed Ctrl+C while no answer was arriving."""


class Input(Protocol):
    """The source of questions and commands."""

    async def read(self) -> str:
        """Wait for the next text of the user and return it.

        Raises:
            Interrupted: The user pressed Ctrl+C in an empty input.
            EOFError: The input has ended.
        """
        ...


class View(Protocol):
    """A view of a conversation.

    For each question the conversation calls `waiting`, then `begins`, `piece`… and `ends` for each message of the
    answer, and at last `answered`. It calls `failed` at any place between them.
    """

    def waiting(self) -> None:
        """Show that the agent was asked and has not answered yet."""
        ...

    def begins(self, known: Mapping[str, object], message_class: type[Message]) -> None:
        """Begin a message.

        Args:
            known: The fields whose values are known before the message is complete.
            message_class: The class of the message, if it is known already.
        """
        ...

    def piece(self, piece: StreamEvent) -> None:
        """Show a piece of the current message."""
        ...

    def ends(self, message: Message | None) -> None:
        """End the current message.

        Args:
            message: The complete message; None if it failed.
        """
        ...

    def failed(self, error: BaseException) -> None:
        """Show an error."""
        ...

    def answered(self) -> None:
        """End the answer, even if it failed or was stopped."""
        ...

    def said(self, message: Message) -> None:
        """Show a complete message that was said before."""
        ...

    def note(self, text: str) -> None:
        """Show a text about the chat, which is not part of the conversation."""
        ...


class Interrupts(Protocol):
    """The way in which the user stops an answer."""

    def stopping(self, stop: Callable[[], object], /) -> AbstractContextManager[None]:
        """Return a context in which Ctrl+C calls a function, in the event loop of the conversation."""
        ...


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
    """

    def __init__(
        self,
        partner: Partner,
        view: View,
        interrupts: Interrupts,
        history: History,
        messages: Sequence[Message] = (),
    ) -> None:
        self.partner = partner
        self.view = view
        self.history: History = history
        self.messages: list[Message] = list(messages)
        self.has_ended = False
        """Whether the agent has ended the conversation (`EndLoop`)."""
        self._interrupts = interrupts

    async def ask(self, text: str) -> bool:
        """Ask a question and show the answer.

        Returns:
            Whether the answer is complete and without errors.
        """
        try:
            question = self.partner.question(text)
        except ChatError as error:
            self.view.failed(error)
            return False
        self.messages.append(question)
        self._keep()
        return await self._answer()

    async def retry(self) -> bool:
        """Forget the answer to the last question, and ask the question again.

        Returns:
            Whether the answer is complete and without errors.
        """
        questions = [place for place, message in enumerate(self.messages) if self._is_question(message)]
        if not questions:
            self.view.note("nothing was asked yet")
            return False
        del self.messages[questions[-1] + 1 :]
        self._keep()
        return await self._answer()

    def begin_anew(self, history: History) -> None:
        """Forget all messages, and save later ones in another history."""
        self.messages.clear()
        self.history = history

    # --- machinery ---

    def _is_question(self, message: Message) -> bool:
        return isinstance(message, self.partner.question_classes)

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
        answer = _Answer(self)
        self.view.waiting()
        try:
            with self._interrupts.stopping(lambda: answer.stop(replies)):
                await answer.read(replies)
        finally:
            self.view.answered()
        if answer.was_stopped:
            self.view.note("stopped")
        return not answer.was_stopped and not answer.errors


class _Answer:
    """Reads one answer for the view and the conversation."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._view = conversation.view
        self.was_stopped = False
        self.errors: list[BaseException] = []

    def stop(self, replies: MessageSequencePromise[Message]) -> None:
        """Cancel the agent's work; pieces that have arrived are still read."""
        self.was_stopped = True
        replies.cancel()

    async def read(self, replies: MessageSequencePromise[Message]) -> None:
        """Show all messages in their order, those behind an error as well."""
        promises = aiter(replies)
        while True:
            try:
                promise = await anext(promises)
            except StopAsyncIteration:
                return
            except EndLoop:
                self._conversation.has_ended = True
                return
            except Exception as error:  # noqa: BLE001 - an agent may fail with any error
                self.failed(error)
            else:
                await self._read_message(promise)

    async def _read_message(self, promise: MessagePromise[Message]) -> None:
        cls = promise.message_class
        is_model = issubclass(cls, AssistantMessage)
        has_no_words = is_model and promise.known.get("text", ...) is None
        said: list[str] = []
        message: Message | None = None
        failure: Exception | None = None
        self._view.begins(promise.known, cls)
        pieces = aiter(promise.events)
        while message is None and failure is None:
            try:
                piece = await anext(pieces, None)
                if piece is None:
                    message = await promise
            except Exception as error:  # noqa: BLE001 - an agent may fail with any error
                failure = error
            else:
                if isinstance(piece, TextDelta):
                    if has_no_words:
                        continue  # a message without words streams its JSON as text, which is not for readers
                    said.append(piece.text)
                if piece is not None:
                    self._view.piece(piece)
        self._view.ends(message)
        if message is None and said:
            message = self._incomplete(promise, "".join(said))
        if message is not None:
            self._keep(message)
        if failure is not None:
            self.failed(failure)

    def _incomplete(self, promise: MessagePromise[Message], text: str) -> Message:
        """Return a message of the text that had arrived.

        It has the class of the failed message, unless that class needs more fields than those known.
        """
        cls = known_class(promise)
        known: dict[str, Any] = dict(promise.known)  # Any: the fields of the class
        if cls is None or issubclass(cls, AssistantMessage):
            return AssistantMessage(text)
        try:
            return cls(text, **known)
        except TypeError:
            return Message(text)

    def _keep(self, message: Message) -> None:
        self._conversation.messages.append(message)
        self._conversation._keep()

    def failed(self, error: BaseException) -> None:
        """Show an error, but only once: a failed message often makes its agent fail with the same error."""
        if self.was_stopped and isinstance(error, PromiseCancelledError):
            return
        if not any(error is each for each in self.errors):
            self.errors.append(error)
            self._view.failed(error)
