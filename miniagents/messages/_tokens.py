"""The text among the pieces of a message that is streamed: tokens as they are, other events skipped."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from miniagents.messages._generated import StreamEvent, TextDelta
from miniagents.promising._failure import Failure
from miniagents.promising._pieces import OutcomeIterator

if TYPE_CHECKING:
    from miniagents.promising._pieces import PieceBuffer

__all__ = ["TextOutcomes", "Tokens", "text_of"]


class Tokens(AsyncIterator[str]):
    """Raises the failures among the outcomes."""

    __slots__ = ("_outcomes",)

    def __init__(self, outcomes: AsyncIterator[str | Failure]) -> None:
        self._outcomes = outcomes

    async def __anext__(self) -> str:
        piece = await anext(self._outcomes)
        if isinstance(piece, Failure):
            piece.reraise()
        return piece


class TextOutcomes(AsyncIterator[str | Failure]):
    """Skips what is no text."""

    __slots__ = ("_outcomes",)

    def __init__(self, buffer: PieceBuffer[str | StreamEvent]) -> None:
        self._outcomes = OutcomeIterator(buffer)

    async def __anext__(self) -> str | Failure:
        while True:
            piece = await anext(self._outcomes)
            if isinstance(piece, str | Failure):
                return piece
            if isinstance(piece, TextDelta):
                return piece.text


def text_of(piece: object, name: str) -> str:
    """The text of a piece of the message `name`; none where the piece is an event of another kind.

    Raises:
        TypeError: it is no piece of a message.
    """
    if isinstance(piece, str):
        return piece
    if isinstance(piece, TextDelta):
        return piece.text
    if isinstance(piece, StreamEvent):
        return ""
    raise TypeError(f"{name}: a token is a string or a stream event, not {type(piece).__qualname__}: {piece!r:.200}")
