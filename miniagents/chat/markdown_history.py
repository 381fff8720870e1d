"""A conversation as Markdown that people read, and edit, in their own editor."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from miniagents.chat.chat_errors import ChatError
from miniagents.chat.history import MAX_CONVERSATION_BYTES, append_private
from miniagents.messages import AssistantMessage, DecodeError, Message, SystemMessage, UserMessage, decode, encode
from miniagents.messages.values.surrogates import mended

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

__all__ = ["MarkdownHistory", "read_markdown", "written_as_markdown"]

_CLASSES: Final[dict[str, type[Message]]] = {
    "user": UserMessage,
    "assistant": AssistantMessage,
    "system": SystemMessage,
}
"""The classes that are written as their text, by the headings."""
_WHOLE: Final = "message"
"""The heading of a message that is written as JSON."""
_HEADING: Final = re.compile(rf"## ({'|'.join((*_CLASSES, _WHOLE))})[ \t]*")
_LIKE_HEADING: Final = re.compile(rf"\\*{_HEADING.pattern}")
"""A line of a text that would be read as a heading, or as an escaped one."""


class MarkdownHistory:
    r"""A history in a Markdown file that is good to read, and to edit.

    Each message is a heading, `## user`, `## assistant` or `## system`, with its text below. A message that is more
    than a text, such as one with tool calls or pictures, is JSON below `## message`. Of an answer of a model its text
    and its calls of tools are kept; its reasoning, usage and so on are not. Neither are line ends around a text.

    A file that is there is continued. What stands before the first heading stays, and is no part of the conversation.

    Args:
        path: The file, which is made when the first message is kept.

    Raises:
        ChatError: The file cannot be read, or a message in it cannot be decoded.

    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     history = MarkdownHistory(f"{folder}/talk.md")
    ...     history.add([UserMessage("Hello"), AssistantMessage("Hi!", model="small")])
    ...     print(pathlib.Path(f"{folder}/talk.md").read_text(), end="")
    ...     print([str(message) for message in MarkdownHistory(f"{folder}/talk.md").messages])
    ## user
    <BLANKLINE>
    Hello
    <BLANKLINE>
    ## assistant
    <BLANKLINE>
    Hi!
    <BLANKLINE>
    ['Hello', 'Hi!']
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._messages = read_markdown(self._path) if self._path.exists() else ()

    @property
    def messages(self) -> tuple[Message, ...]:
        """All messages so far; those that were read from the file are as they are there."""
        return self._messages

    def add(self, messages: Iterable[Message], /) -> None:
        """Append further messages to the file.

        Raises:
            ChatError: The file cannot be written; the messages are not kept.
        """
        further = tuple(messages)
        if further:
            append_private(self._path, "".join(map(written_as_markdown, further)).encode())
        self._messages += further

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self._messages)} messages in {str(self._path)!r}>"


def written_as_markdown(message: Message) -> str:
    """Return a message as a section of a Markdown history."""
    for heading, cls in _CLASSES.items():
        if type(message) is cls or (cls is AssistantMessage and isinstance(message, cls)):
            text = None if _has_more(message) else message.text
            if text is not None:
                lines = mended(text).strip("\n").split("\n")
                body = "\n".join(f"\\{line}" if _LIKE_HEADING.fullmatch(line) else line for line in lines)
                return f"## {heading}\n\n{body}\n\n"
    return f"## {_WHOLE}\n\n```json\n{encode(message).decode()}\n```\n\n"


def read_markdown(path: Path) -> tuple[Message, ...]:
    """Return the messages in a Markdown history.

    Raises:
        ChatError: The file cannot be read, is larger than a conversation may be, or a message in it cannot be decoded.
    """
    try:
        if path.stat().st_size > MAX_CONVERSATION_BYTES:
            raise ChatError(f"{path}: it has more than {MAX_CONVERSATION_BYTES:,} bytes")
        text = path.read_bytes().decode()
    except OSError as error:
        raise ChatError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ChatError(f"{path}: it is not UTF-8: {error.reason} at byte {error.start}") from None
    messages: list[Message] = []
    heading, began = "", 0
    body: list[str] = []
    for number, line in enumerate([*text.split("\n"), f"## {_WHOLE}"], 1):
        found = _HEADING.fullmatch(line.removesuffix("\r"))
        if found is None:
            body.append(line[1:] if line.startswith("\\") and _LIKE_HEADING.fullmatch(line[1:]) else line)
            continue
        if heading:
            messages.append(_message_of(heading, "\n".join(body), f"{path}:{began}"))
        heading, began, body = found[1], number, []
    return tuple(messages)


# --- machinery ---


def _has_more(message: Message) -> bool:
    """Return whether more than the text of a message matters to whoever continues the conversation."""
    if isinstance(message, AssistantMessage):
        return bool(message.tool_calls or message.refusal or message.metadata)
    return bool(message.metadata) or (isinstance(message, UserMessage) and bool(message.content))


def _message_of(heading: str, body: str, place: str) -> Message:
    body = body.strip("\r\n")
    if heading != _WHOLE:
        return _CLASSES[heading](body)
    written = body.strip().removeprefix("```json").removesuffix("```").strip()
    try:
        message: Message = decode(written, Message, unknown="keep")
    except DecodeError as error:
        raise ChatError(f"{place}: this is no message: {error}") from None
    return message
