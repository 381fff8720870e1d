"""Frames that were kept: checked before they are needed, and with errors of the classes that they had."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import msgspec

from miniagents.messages import Message, StreamEvent, decode
from miniagents.wire._frames import codec_of_frames, error_classes, error_of
from miniagents.wire._generated import Failed

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["check_contents", "check_frame", "error_in", "errors_in"]


def check_frame(data: bytes) -> None:
    """Check that bytes are one frame of `encode_stream`, as JSON.

    Raises:
        DecodeError: They are none.
    """
    codec_of_frames("json").decode(data)


class _Content(msgspec.Struct):
    """As much of a frame as classes of this program are needed for."""

    message: msgspec.Raw = msgspec.Raw()
    event: msgspec.Raw = msgspec.Raw()


_read_content: Final = msgspec.json.Decoder(_Content).decode


def check_contents(data: bytes) -> None:
    """Check that the message or event in a frame can be read with the classes of this program.

    The classes may have changed since the frame was kept, or their module may not be imported.

    Raises:
        DecodeError: It cannot.
    """
    if b'"whole"' not in data and b'"event"' not in data:
        return  # most frames are tokens
    content = _read_content(data)
    if bytes(content.message):
        decode(bytes(content.message), Message)
    if bytes(content.event):
        decode(bytes(content.event), StreamEvent)


def error_in(data: bytes, classes: Iterable[type[BaseException]]) -> BaseException:
    """Return the error of a frame that stands in the place of a message.

    Raises:
        ValueError: It is another frame.
    """
    frame = codec_of_frames("json").decode(data)
    if not isinstance(frame, Failed):
        raise ValueError(f"a frame {type(frame).__name__.lower()!r} has no error")  # noqa: TRY004 - of any type of value
    return error_of(frame.error, error_classes(classes), "json")


class _Error(msgspec.Struct):
    type: str


class _Head(msgspec.Struct):
    """As much of a frame as is looked at here."""

    error: _Error | None = None


_read: Final = msgspec.json.Decoder(_Head).decode


def errors_in(frames: Iterable[bytes]) -> list[type[Exception]]:
    """Return the classes of the errors in frames that are loaded in this process; nothing is imported."""
    found: dict[str, type[Exception]] = {}
    for frame in frames:
        error = _read(frame).error if b'"error"' in frame else None
        if error is not None and error.type not in found:
            cls = _loaded(error.type)
            if cls is not None:
                found[error.type] = cls
    return [*found.values()]


def _loaded(name: str) -> type[Exception] | None:
    parts = name.split(".")
    for count in range(len(parts) - 1, 0, -1):
        found: object = sys.modules.get(".".join(parts[:count]))
        if found is not None:
            for part in parts[count:]:
                found = getattr(found, part, None)
            if isinstance(found, type) and issubclass(found, Exception):
                return found
    return None
