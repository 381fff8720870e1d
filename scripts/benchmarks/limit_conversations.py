"""The limit of records of mixed conversations: msgspec by hand, and pydantic."""

from __future__ import annotations

import hashlib
import io
from typing import Literal

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


async def write_conversations(watch: Watch, n: int, format: str, by: str = "") -> object:
    """Write the messages of conversations with models to a file in memory."""
    file = io.BytesIO()
    if by == "pydantic":
        from scripts.benchmarks.pydantic_models import ADAPTER  # noqa: PLC0415  # only this needs pydantic

        models = [ADAPTER.validate_json(each) for each in conversation(n)]
        with watch:
            for model in models:
                file.write(ADAPTER.dump_json(model, by_alias=True, exclude_unset=True) + b"\n")
    else:
        messages = [_decode.decode(each) for each in conversation(n)]
        write = write_lines if format == "json" else write_frames
        with watch:
            write(messages, file)
    data = file.getvalue()
    watch.moved(len(data))
    return hashlib.sha256(data).hexdigest()


async def read_conversations(watch: Watch, n: int, format: str, by: str = "") -> object:
    """Read such messages, of any class, from bytes in one piece."""
    file = io.BytesIO()
    write = write_lines if format == "json" else write_frames
    write([_decode.decode(each) for each in conversation(n)], file)
    data = file.getvalue()
    if by == "pydantic":
        from scripts.benchmarks.pydantic_models import ADAPTER  # noqa: PLC0415  # only this needs pydantic

        with watch:
            models = [ADAPTER.validate_json(line) for line in data.splitlines()]
        watch.moved(len(data))
        return [model.text for model in models]
    with watch:
        read = read_lines([data], _decode.decode_lines) if format == "json" else read_frames([data], _unpack)
        messages = list(read)
    watch.moved(len(data))
    return [message.text for message in messages]
