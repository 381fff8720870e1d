"""Pictures and files in messages: where they come from, checked once for all providers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from miniagents.messages import FilePart, ImagePart

__all__ = ["Source", "source_of"]


class Source(NamedTuple):
    """Where the contents of a part are.

    Attributes:
        kind: Which field of the part says it.
        value: What that field holds.
    """

    kind: Literal["url", "data", "file_id"]
    value: str


def source_of(part: ImagePart | FilePart) -> Source:
    """Return the one source of a part.

    Raises:
        ValueError: There is none, or more than one.
    """
    kinds: tuple[Literal["url", "data", "file_id"], ...] = ("url", "data", "file_id")
    given = [Source(kind, value) for kind in kinds if (value := getattr(part, kind)) is not None]
    if len(given) != 1:
        names = " and ".join(source.kind for source in given) or "none of them"
        raise ValueError(f"{type(part).__name__}: give one of url, data and file_id, not {names}")
    return given[0]
