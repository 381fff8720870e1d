"""Reads an answer as it arrives, and shows it to a view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from miniagents.messages import AssistantMessage, Message, TextDelta
from miniagents.messages.promised.tokens import known_class
from miniagents.miniagents import EndLoop
from miniagents.promising import PromiseCancelledError

if TYPE_CHECKING:
    from collections.abc import Callable

    from miniagents.chat.interfaces import View
    from miniagents.messages import MessagePromise, MessageSequencePromise

__all__ = ["Answer"]


class Answer:
    """Reads one answer.

    Args:
        view: The view that shows it.
        keep: A function that is given each message once it is complete, and what had arrived of one that failed.
    """

    def __init__(self, view: View, keep: Callable[[Message], object]) -> None:
        self._view = view
        self._keep = keep
        self.was_stopped: bool = False
        self.has_ended: bool = False
        """Whether the agent has ended the conversation (`EndLoop`)."""
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
                self.has_ended = True
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

    def failed(self, error: BaseException) -> None:
        """Show an error, but only once: a failed message often makes its agent fail with the same error."""
        if self.was_stopped and isinstance(error, PromiseCancelledError):
            return
        if not any(error is each for each in self.errors):
            self.errors.append(error)
            self._view.failed(error)
