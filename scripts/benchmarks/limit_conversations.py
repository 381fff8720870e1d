"""The limit of records of mixed conversations: msgspec by hand, and other libraries of messages.

The module of another library has `of_json`, `write`, `read` and `text_of`. It is imported when it is needed, because
the library may not be installed.
"""

from __future__ import annotations

import hashlib
import io
from importlib import import_module
from typing import Any, Literal

import msgspec

from scripts.benchmarks.limit_kinds import Message, OpenAIMessage, Part
from scripts.benchmarks.limit_records import read_frames, read_lines, write_frames, write_lines
from scripts.benchmarks.samples import conversation
from scripts.benchmarks.watch import Watch


class TextPart(Part, frozen=True, tag="TextPart"):
    """A part of the content of a message."""

    text: str


class SystemMessage(Message, frozen=True, kw_only=True, tag="SystemMessage"):
    """The instructions for a model."""

    role: Literal["system"] = "system"


class UserMessage(Message, frozen=True, kw_only=True, tag="UserMessage"):
    """A message to a model."""

    role: Literal["user"] = "user"
    content: tuple[TextPart, ...] = ()


class ToolResultMessage(Message, frozen=True, kw_only=True, tag="ToolResultMessage"):
    """The result of a tool."""

    role: Literal["tool"] = "tool"
    tool_call_id: str
    tool_name: str | None = None
    is_error: bool = False
    content: tuple[TextPart, ...] = ()


AnyMessage = Message | SystemMessage | UserMessage | OpenAIMessage | ToolResultMessage
_decode = msgspec.json.Decoder(AnyMessage)
_unpack = msgspec.msgpack.Decoder(AnyMessage).decode


async def write_conversations(watch: Watch, n: int, format: str) -> object:
    """Write the messages of conversations with models to a file in memory."""
    messages = [_decode.decode(each) for each in conversation(n)]
    write = write_lines if format == "json" else write_frames
    file = io.BytesIO()
    with watch:
        write(messages, file)
    data = file.getvalue()
    watch.moved(len(data))
    return hashlib.sha256(data).hexdigest()


async def read_conversations(watch: Watch, n: int, format: str) -> object:
    """Read such messages, of any class, from bytes in one piece."""
    file = io.BytesIO()
    write = write_lines if format == "json" else write_frames
    write([_decode.decode(each) for each in conversation(n)], file)
    data = file.getvalue()
    with watch:
        read = read_lines([data], _decode.decode_lines) if format == "json" else read_frames([data], _unpack)
        messages = list(read)
    watch.moved(len(data))
    return [message.text for message in messages]


async def write_against(watch: Watch, n: int, format: str, by: str) -> object:  # noqa: ARG001  # the library has one
    """Write them with another library."""
    library: Any = import_module(f"scripts.benchmarks.{by}_messages")  # Any: its own classes of messages
    messages = [library.of_json(each) for each in conversation(n)]
    file = io.BytesIO()
    with watch:
        library.write(messages, file)
    return [library.text_of(message) for message in messages]


async def read_against(watch: Watch, n: int, format: str, by: str) -> object:  # noqa: ARG001  # as above
    """Read them with another library, from what it has written."""
    library: Any = import_module(f"scripts.benchmarks.{by}_messages")  # Any: as above
    file = io.BytesIO()
    library.write([library.of_json(each) for each in conversation(n)], file)
    data = file.getvalue()
    with watch:
        messages = library.read(data)
    return [library.text_of(message) for message in messages]
