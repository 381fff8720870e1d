"""The conversation: questions from an input, answers of an agent to a view. It knows nothing of terminals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from miniagents.chat.chat_errors import ChatError
from miniagents.messages import AssistantMessage, Message, TextDelta
from miniagents.miniagents import EndLoop
from miniagents.promising import PromiseCancelledError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from miniagents.chat.agents import Partner
    from miniagents.chat.history import History
    from miniagents.messages import MessagePromise, MessageSequencePromise, StreamEvent

__all__ = ["Conversation", "Input", "Interrupted", "Interrupts", "View"]


class Interrupted(Exception):  # noqa: N818 - like KeyboardInterrupt it is no mistake
    """The user pressed Ctrl+C where there was nothing to stop."""


class Input(Protocol):
    """Where questions come from."""

    async def read(self) -> str:
        """Return the next thing that the user says.

        Raises:
            Interrupted: The user pressed Ctrl+C, and had written nothing.
            EOFError: There is nothing more.
        """
        ...


class View(Protocol):
    """Where a conversation is seen."""

    def waiting(self) -> None:
        """The agent was asked, and has yet to answer."""
        ...

    def begins(self, known: Mapping[str, object], message_class: type[Message] | None) -> None:
        """A message begins; those of its fields that are known already."""
        ...

    def piece(self, piece: StreamEvent) -> None:
        """A piece of the message that has begun."""
        ...

    def ends(self, message: Message | None) -> None:
        """The message that has begun is complete; None: its end will not come."""
        ...

    def failed(self, error: BaseException) -> None:
        """Something went wrong."""
        ...

    def answered(self) -> None:
        """The answer is at its end, whatever it was."""
        ...

    def said(self, message: Message) -> None:
        """A message of a conversation that was had before."""
        ...

    def note(self, text: str) -> None:
        """Something that is no part of the conversation."""
        ...


class Interrupts(Protocol):
    """What the user stops an answer with."""

    def stopping(self, stop: Callable[[], object], /) -> AbstractContextManager[None]:
        """For as long as the context lasts, Ctrl+C calls a function of the conversation, in its loop."""
        ...


class Conversation:
    """What was said so far, with an agent to answer and a file to keep it in.

    Whatever the user saw of an answer is part of the conversation: of a message that was stopped or lost, the text that
    had come.

    Args:
        partner: Who answers.
        view: Where it is seen.
        interrupts: What stops an answer.
        history: Where it is kept.
        messages: What was said before.
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
            Whether there was an answer, to its end.
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
        """Forget all that was said since the last question, and ask it again.

        Returns:
            Whether there was an answer, to its end.
        """
        questions = [place for place, message in enumerate(self.messages) if self._is_question(message)]
        if not questions:
            self.view.note("nothing was asked yet")
            return False
        del self.messages[questions[-1] + 1 :]
        self._keep()
        return await self._answer()

    def begin_anew(self, history: History) -> None:
        """Forget all that was said; what is said from now on is kept elsewhere."""
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
        except (TypeError, ValueError) as error:  # the agent does not take what it was sent
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
    """The answer that is being given."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._view = conversation.view
        self.was_stopped = False
        self.errors: list[BaseException] = []

    def stop(self, replies: MessageSequencePromise[Message]) -> None:
        """Cancel the work of the agent; what has come is still read."""
        self.was_stopped = True
        replies.cancel()

    async def read(self, replies: MessageSequencePromise[Message]) -> None:
        """Show the messages one after the other; what comes behind an error is shown too."""
        promises = aiter(replies)
        while True:
            try:
                promise = await anext(promises)
            except StopAsyncIteration:
                return
            except EndLoop:
                self._conversation.has_ended = True
                return
            except Exception as error:  # noqa: BLE001 - whatever an agent fails with
                self.failed(error)
            else:
                await self._read_message(promise)

    async def _read_message(self, promise: MessagePromise[Message]) -> None:
        cls = promise.message_class
        is_model = cls is not None and issubclass(cls, AssistantMessage)
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
            except Exception as error:  # noqa: BLE001 - as above
                failure = error
            else:
                if isinstance(piece, TextDelta):
                    if has_no_words:
                        continue  # this is what the message is as a text, its JSON
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
        """Return what has come of a message: its class may ask for more than that."""
        cls = promise.message_class
        known = dict(promise.known)
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
        """Show an error, once: a message that fails may well be what its agent fails with."""
        if self.was_stopped and isinstance(error, PromiseCancelledError):
            return
        if not any(error is each for each in self.errors):
            self.errors.append(error)
            self._view.failed(error)
