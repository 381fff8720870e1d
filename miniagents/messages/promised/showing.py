"""Promises of messages as HTML: what has come, and whether more is to come. Looking starts nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from miniagents.promising.core.access import failure_of, has_value, value_of
from miniagents.promising.core.failure import Failure
from miniagents.promising.core.html import html_of, html_of_error

if TYPE_CHECKING:
    from miniagents.messages._generated import Message
    from miniagents.messages.promised.message_promise import MessagePromise
    from miniagents.messages.promised.sequence_promise import MessageSequencePromise

__all__ = ["html_of_message", "html_of_sequence"]


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
