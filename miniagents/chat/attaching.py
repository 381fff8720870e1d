"""Pictures and files that go with a question."""

from __future__ import annotations

import base64
import mimetypes
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from miniagents.chat.chat_errors import ChatError
from miniagents.messages import CachePoint, FilePart, ImagePart, TextPart

if TYPE_CHECKING:
    from miniagents.messages import ContentPart

__all__ = ["MOST_BYTES", "attachment", "said_of"]

MOST_BYTES: Final = 32 << 20
"""The size of the largest file that can be attached; vendors refuse larger requests."""


def attachment(place: str) -> ContentPart:
    """Return a file, or the address of one, as a part of a message.

    Files of text are sent as text, which every model reads.

    Raises:
        ChatError: There is no such file, or it is too large.
    """
    if place.startswith(("http://", "https://")):
        kind = mimetypes.guess_type(urlsplit(place).path)[0] or ""
        return ImagePart(url=place) if kind.startswith("image/") else FilePart(url=place)
    path = _path(place)
    try:
        if not path.is_file():
            raise ChatError(f"there is no file {path}")
        if path.stat().st_size > MOST_BYTES:
            raise ChatError(f"{path} has {path.stat().st_size:,} bytes, and {MOST_BYTES:,} can be attached")
        content = path.read_bytes()
    except OSError as error:
        raise ChatError(f"{path}: {error.strerror}") from None
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if kind.startswith("image/") and kind != "image/svg+xml":
        return ImagePart(data=base64.b64encode(content).decode(), media_type=kind)
    if kind != "application/pdf" and b"\0" not in content:
        try:
            return TextPart(f"{path.name}:\n{content.decode()}")
        except UnicodeDecodeError:
            pass  # it is no text
    return FilePart(data=base64.b64encode(content).decode(), media_type=kind, name=path.name)


def said_of(part: ContentPart) -> str:
    """Return a few words about an attachment."""
    if isinstance(part, TextPart):
        return part.text.partition("\n")[0].removesuffix(":")[:80]
    if isinstance(part, CachePoint):
        return "the end of what is cached"
    name = part.name if isinstance(part, FilePart) else None
    return part.url or name or part.media_type


# --- machinery ---


def _path(place: str) -> Path:
    """Return the path that was typed, or that a terminal has quoted when the file was dragged into it."""
    path = Path(place).expanduser()
    if path.exists():
        return path
    try:
        words = shlex.split(place)
    except ValueError:
        return path
    return Path(words[0]).expanduser() if len(words) == 1 else path
