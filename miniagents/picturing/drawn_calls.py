"""A call as it is drawn."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from miniagents.calls.spending import usage_of
from miniagents.messages import Message, UnknownMessage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from miniagents.calls import Call
    from miniagents.messages import CallRecord, JsonValue, Message
    from miniagents.picturing.pacing import Pace

__all__ = ["DrawnCall", "drawn"]

_LONGEST: Final = 20_000
"""The characters of a text that are kept."""
_UNFINISHED: Final = "not complete"


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnCall:
    """A call as it is drawn: its record, and whatever else is known of it.

    Attributes:
        record: The record.
        messages: The messages that were sent, as far as they are complete.
        replies: The complete replies.
        unfinished: The texts of other replies, as far as they came.
        pieces: When each piece of the replies came, in seconds since 1970.
    """

    record: CallRecord
    messages: tuple[Message, ...] = ()
    replies: tuple[Message, ...] = ()
    unfinished: tuple[str, ...] = ()
    pieces: Sequence[float] = ()

    def more(self, start: float) -> dict[str, object] | None:
        """Return what a click shows, as JSON; None if there is nothing.

        Args:
            start: When the run began, in seconds since 1970.
        """
        record = self.record
        arguments: dict[str, JsonValue] = {
            **record.arguments,
            **{name: f"<{cls}>" for name, cls in record.opaque_arguments.items()},
        }
        more: dict[str, object] = {
            "arguments": _cut(_as_text(arguments)) if arguments else None,
            "count": len(self.pieces),
            "error": None if record.error is None else _cut(record.error),
            "facts": list(self._facts()),
            "messages": _texts(self.messages),
            "pieces": sorted({round((time - start) * 1000, 2) for time in self.pieces}),
            "replies": [*_texts(self.replies), *((_UNFINISHED, _cut(text)) for text in self.unfinished)],
        }
        more = {name: value for name, value in more.items() if value}
        return more or None

    def _facts(self) -> Iterable[tuple[str, str]]:
        called = self.record.called
        if called.version is not None:
            yield "version", called.version
        if isinstance(provider := called.details.get("provider"), str):
            yield "provider", provider
        if self.record.replayed:
            yield "replayed", "the replies were kept from an earlier call"
        usage = usage_of(self.replies)
        if usage is not None:
            yield "tokens", f"{usage.input_tokens:,} in, {usage.output_tokens:,} out"


def drawn(call: Call, pace: Pace | None) -> DrawnCall:
    """Return a call as it is drawn, with what is known of it by now.

    Args:
        call: The call.
        pace: When its pieces came.
    """
    return DrawnCall(
        record=call.record(),
        messages=call.complete_messages,
        replies=call.complete_replies,
        pieces=() if pace is None else pace.times,
    )


def _as_text(arguments: Mapping[str, JsonValue]) -> str:
    try:
        return msgspec.json.format(msgspec.json.encode(arguments), indent=2).decode()
    except UnicodeEncodeError:  # the name of an argument has a lone surrogate
        return json.dumps(arguments, indent=2)


def _texts(messages: Iterable[Message]) -> list[tuple[str, str]]:
    return [(_label(message), _cut(_text(message))) for message in messages]


def _text(message: Message) -> str:
    if isinstance(message, UnknownMessage):  # nothing knows how its class is shown
        return msgspec.json.format(msgspec.json.encode(message.raw), indent=2).decode()
    return str(message)


def _label(message: Message) -> str:
    if isinstance(message, UnknownMessage):
        return str(message.raw.get("@type", "Message"))
    role: object = getattr(message, "role", None)
    name = type(message).__name__
    return name if role is None else f"{name}, {role}"


def _cut(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST]}\n… and {len(text) - _LONGEST:,} more characters"
