"""`UnknownMessage`, which holds a message that no loaded class can."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  # evaluated by msgspec

from miniagents.messages._generated import Message

__all__ = ["UnknownMessage"]


class UnknownMessage(Message, kw_only=True):
    """A message with a tag or a field that no loaded class has; `decode` returns it with ``unknown="keep"``.

    `encode` writes the same JSON again; only white space and the notation of numbers may differ.
    """

    raw: Mapping[str, object]
    """The whole message as plain JSON, with its tag under "@type"."""
