"""The sources of pictures and files in messages, checked in one place for all providers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from miniagents.messages import CachePoint

if TYPE_CHECKING:
    from collections.abc import Iterable

    from miniagents.messages import ContentPart, FilePart, ImagePart, TextPart

__all__ = ["SaidPart", "Source", "said_parts", "source_of"]

SaidPart: TypeAlias = "TextPart | ImagePart | FilePart"
"""A part that says something."""


def said_parts(parts: Iterable[ContentPart]) -> tuple[SaidPart, ...]:
    """Return the parts that say something, for a provider that takes no other ones."""
    return tuple(part for part in parts if not isinstance(part, CachePoint))


class Source(NamedTuple):
    """The source of a part's content.

    Attributes:
        kind: The field of the part that has the source.
        value: The value of that field: an address, base64 text or an identifier.
    """

    kind: Literal["url", "data", "file_id"]
    value: str


def source_of(part: ImagePart | FilePart) -> Source:
    """Return the one source of a part.

    Raises:
        ValueError: The part has no source, or more than one.
    """
    kinds: tuple[Literal["url", "data", "file_id"], ...] = ("url", "data", "file_id")
    given = [Source(kind, value) for kind in kinds if (value := getattr(part, kind)) is not None]
    if len(given) != 1:
        names = " and ".join(source.kind for source in given) or "none of them"
        raise ValueError(f"{type(part).__name__}: give one of url, data and file_id, not {names}")
    return given[0]
