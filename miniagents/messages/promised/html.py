"""Messages and promises of them as HTML, for notebooks: what has come so far, with nothing in it that could be run."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from miniagents.messages._generated import Message
from miniagents.messages.promised.message_promise import mixed_buffer
from miniagents.promising.core.access import buffer_of, failure_of, has_value, value_of
from miniagents.promising.core.failure import Failure

if TYPE_CHECKING:
    from miniagents.messages.promised.message_promise import MessagePromise
    from miniagents.messages.promised.sequence_promise import MessageSequencePromise

__all__ = ["html_of_message", "html_of_promise", "html_of_sequence"]


def html_of_message(message: object) -> str:
    """Return a message as HTML: its class and its text."""
    return _html(type(message).__name__, str(message))


def html_of_promise(promise: MessagePromise[Any]) -> str:  # Any: of any class
    """Return the part of a message that has come so far as HTML; this starts nothing and waits for nothing."""
    if has_value(promise):
        return html_of_message(value_of(promise))
    pieces = mixed_buffer(promise).pieces
    text = "".join([piece for piece in pieces if isinstance(piece, str)])
    failure = failure_of(promise) or next((piece for piece in pieces if isinstance(piece, Failure)), None)
    cls = promise.message_class
    name = "Message" if cls is None else cls.__name__
    if failure is None:
        return _html(f"{name}, still to come", f"{text}…")
    return _html(f"{name}, failed", f"{text}\n{_said(failure)}")


def html_of_sequence(sequence: MessageSequencePromise[Any]) -> str:  # Any: of any classes
    """Return the messages that have come so far as HTML, one below the other."""
    buffer = buffer_of(sequence)
    parts: list[str] = []
    for piece in buffer.pieces:
        if isinstance(piece, Failure):
            parts.append(_html("error", _said(piece)))
        else:
            parts.append(html_of_message(piece) if isinstance(piece, Message) else html_of_promise(piece))
    if not buffer.ended:
        parts.append(_html(sequence.name, "…"))
    return "".join(parts)


def _said(failure: Failure) -> str:
    return f"{type(failure.error).__name__}: {failure.error}"


def _html(heading: str, text: str) -> str:
    return f'<div><small>{escape(heading)}</small><pre style="white-space: pre-wrap">{escape(text)}</pre></div>'
