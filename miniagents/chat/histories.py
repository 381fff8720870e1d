"""Histories: where the messages of a conversation are kept, in memory or in a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from miniagents.chat.history import History, read_conversation

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from miniagents.messages import Message

__all__ = ["ConversationHistory", "MemoryHistory", "NDJSONHistory"]


class ConversationHistory(Protocol):
    """What keeps the messages of a conversation; write a class like this one to keep them elsewhere."""

    @property
    def messages(self) -> tuple[Message, ...]:
        """All messages so far."""
        ...

    def add(self, messages: Iterable[Message], /) -> None:
        """Keep further messages."""
        ...


class MemoryHistory:
    """A history in memory.

    Args:
        messages: The messages of a conversation that is continued.

    >>> history = MemoryHistory()
    >>> history.add([UserMessage("Hello")])
    >>> history.messages
    (UserMessage(text='Hello'),)
    """

    def __init__(self, messages: Iterable[Message] = ()) -> None:
        self._messages = tuple(messages)

    @property
    def messages(self) -> tuple[Message, ...]:
        """All messages so far."""
        return self._messages

    def add(self, messages: Iterable[Message], /) -> None:
        """Keep further messages."""
        self._messages = (*self._messages, *messages)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self.messages)} messages>"


class NDJSONHistory:
    """A history in a file with a line of JSON for each message: nothing of a message is lost.

    A file that is there is continued. Only its owner may read a new one. `miniagents chat` saves its conversations in
    such files, and `miniagents chat --resume FILE` continues one.

    Args:
        path: The file, which is made when the first message is kept.

    Raises:
        ChatError: The file cannot be read, or a line of it is no message.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        place = Path(path)
        self._messages = list(read_conversation(place)) if place.exists() else []
        self._file = History(place, kept=len(self._messages))

    @property
    def messages(self) -> tuple[Message, ...]:
        """All messages so far."""
        return tuple(self._messages)

    def add(self, messages: Iterable[Message], /) -> None:
        """Append further messages to the file.

        Raises:
            ChatError: The file cannot be written; the messages are in the history nevertheless, and are written with
                the next ones.
        """
        self._messages += messages
        self._file.keep(self._messages)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self._messages)} messages in {str(self._file.path)!r}>"
