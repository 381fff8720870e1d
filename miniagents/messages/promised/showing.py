"""Promises of messages as text and as HTML: what has come, and whether more is to come. Looking starts nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from miniagents.messages._generated import Message, TextDelta
from miniagents.promising.core.access import failure_of, has_value, value_of
from miniagents.promising.core.failure import Failure
from miniagents.promising.core.html import html_of, html_of_error

if TYPE_CHECKING:
    from miniagents.messages.promised.message_promise import MessagePromise
    from miniagents.messages.promised.sequence_promise import MessageSequencePromise
    from miniagents.promising.stream import StreamedPromise

__all__ = ["html_of_message", "html_of_sequence", "repr_of_message", "repr_of_sequence"]


def repr_of_message(promise: MessagePromise[Message]) -> str:
    """Return such as ``<MessagePromise 'bot' 14 tokens, arriving>``."""
    if has_value(promise):
        count = _tokens(promise._buffer.pieces)
        return _shown(promise, count, "token", "ended")
    pieces: list[Any] = promise._buffer.pieces  # Any: tokens, events and failures
    return _shown(promise, _tokens(pieces), "token", _state(promise, pieces))


def repr_of_sequence(promise: MessageSequencePromise[Message]) -> str:
    """Return such as ``<MessageSequencePromise 'bot' 2 messages, ended>``."""
    if has_value(promise):
        return _shown(promise, len(value_of(promise)), "message", "ended")
    pieces: list[Any] = promise._buffer.pieces  # Any: messages, promises of messages and failures
    count = sum(not isinstance(piece, Failure) for piece in pieces)
    return _shown(promise, count, "message", _state(promise, pieces))


def html_of_message(promise: MessagePromise[Message]) -> str:
    """Return what has come of a message as HTML."""
    if has_value(promise):
        return value_of(promise)._repr_html_()
    pieces: list[Any] = promise._buffer.pieces  # Any: tokens, events and failures
    text = "".join([piece for piece in pieces if isinstance(piece, str)])
    failure = failure_of(promise) or next((piece for piece in pieces if isinstance(piece, Failure)), None)
    name = promise.message_class.__name__
    if failure is None:
        return html_of(f"{name}, still to come", f"{text}…")
    return html_of_error(name, failure.error, f"{text}\n")


def html_of_sequence(promise: MessageSequencePromise[Message]) -> str:
    """Return what has come of a sequence as HTML."""
    buffer = promise._buffer
    parts = [
        html_of("error", f"{type(piece.error).__name__}: {piece.error}")
        if isinstance(piece, Failure)
        else piece._repr_html_()
        for piece in buffer.pieces
    ]
    if not buffer.ended:
        parts.append(html_of(promise.name, "…"))
    return "".join(parts)


def _tokens(pieces: list[Any]) -> int:  # Any: tokens, events and failures
    return sum(isinstance(piece, (str, TextDelta)) for piece in pieces)


def _state(
    promise: StreamedPromise[Any, Any],  # Any: of messages, or a message
    pieces: list[Any],  # Any: as above
) -> str:
    if failure_of(promise) is not None or (promise._buffer.ended and any(isinstance(each, Failure) for each in pieces)):
        return "failed"
    if promise._buffer.ended:
        return "ended"
    return "not started" if promise._is_lazy() else "arriving"


def _shown(promise: StreamedPromise[Any, Any], count: int, what: str, state: str) -> str:  # Any: as above
    plural = "" if count == 1 else "s"
    return f"<{type(promise).__name__} {promise.name!r} {count} {what}{plural}, {state}>"
