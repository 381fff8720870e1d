"""Secrets stay out of cassettes: where one stands in what is recorded, its name is written instead."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from miniagents.messages.values.freezing import is_list, is_mapping
from miniagents.promising.core.arguments import check_kind

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Secrets"]

_SECRET_NAME: Final = re.compile(
    r"(?:^|_)(?:KEY|APIKEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)(?:$|_)", re.IGNORECASE
)
_SHORTEST: Final = 12
"""Values of environment variables that are shorter may be words that stand in any text."""


class Secrets:
    """The texts that must not be written.

    Args:
        given: Secrets of the user's; further ones are the values of environment variables whose names tell.
    """

    def __init__(self, given: Iterable[str]) -> None:
        named: dict[str, str] = {}
        for text in given:
            check_kind("cassette: secrets", text, str, "no text")
            if text:
                named[text] = "SECRET"
        for name, value in os.environ.items():
            if len(value) >= _SHORTEST and _SECRET_NAME.search(name):
                named.setdefault(value, name)
        # the longest first: one may be a part of another
        found = sorted(named.items(), key=lambda item: -len(item[0]))
        self._texts: tuple[str, ...] = tuple(text for text, _ in found)
        self._masks: list[tuple[bytes, bytes]] = []
        for text, name in found:
            once = _escaped(text)
            mask = f"[{name}]".encode()
            self._masks += ((form, mask) for form in dict.fromkeys((_escaped(once.decode()), once)))

    def hide(self, data: bytes) -> bytes:
        """Return JSON without secrets, also if they stand in JSON in a string."""
        for secret, mask in self._masks:
            if secret in data:
                data = data.replace(secret, mask)
        return data

    def hide_text(self, text: str) -> str:
        """Return a text without secrets."""
        hidden: str = msgspec.json.decode(self.hide(msgspec.json.encode(text)))
        return hidden

    def hide_in_frames(self, frames: list[bytes], times: list[float]) -> tuple[list[bytes], list[float]]:
        """Return frames without secrets, with their times.

        If the pieces of a message only have a secret together, its tokens become one, and it has no events.
        """
        if not self._masks:
            return frames, times
        texts: dict[int, list[str]] = {}
        events: dict[int, list[str]] = {}
        heads = [_read_piece(frame) for frame in frames]
        for head in heads:
            if head.frame == "text":
                texts.setdefault(head.number or 0, []).append(head.text)
            elif head.frame == "event":
                events.setdefault(head.number or 0, []).extend(_strings(head.event))
        split = {number for parts in (texts, events) for number, strings in parts.items() if self._is_split(strings)}
        kept: list[bytes] = []
        kept_times: list[float] = []
        begun: set[int] = set()
        for frame, head, time in zip(frames, heads, times, strict=True):
            hidden = self.hide(frame)
            if head.frame in ("text", "event") and (number := head.number or 0) in split:
                if head.frame == "event" or number in begun:
                    continue
                begun.add(number)
                whole = msgspec.json.encode({"frame": "text", "text": "".join(texts[number]), "number": number})
                hidden = self.hide(whole)
            kept.append(hidden)
            kept_times.append(time)
        return kept, kept_times

    def _is_split(self, strings: list[str]) -> bool:
        joined = "".join(strings)
        return any(joined.count(text) > sum(each.count(text) for each in strings) for text in self._texts)


class _Piece(msgspec.Struct):
    """As much of a frame as is looked at here."""

    frame: str
    number: int | None = None
    text: str = ""
    event: Any = None  # Any: JSON


_read_piece: Final = msgspec.json.Decoder(_Piece).decode


def _escaped(text: str) -> bytes:
    return msgspec.json.encode(text)[1:-1]


def _strings(value: Any) -> list[str]:  # Any: JSON
    """Return the texts in a value, in their order."""
    if isinstance(value, str):
        return [value]
    parts: Iterable[Any] = value.values() if is_mapping(value) else value if is_list(value) else ()  # Any: as above
    return [text for part in parts for text in _strings(part)]
