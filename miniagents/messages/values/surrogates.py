r"""Lone surrogates: strings that are no Unicode text, so that nothing can encode them.

Decoding never yields one. Python makes them from undecodable file names, from JSON such as ``"\ud83d"`` and from text
that was cut in half. So arguments are looked at where values are made.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec

__all__ = [
    "LONE",
    "NO_TEXT",
    "Surrogate",
    "ends_in_half",
    "has_surrogates",
    "look_for_surrogates",
    "mended",
    "refusal",
    "surrogate_in",
    "with_joined_halves",
]

LONE: Final = "\ufffd"
"""The character that stands for a lone surrogate in text that was mended."""

NO_TEXT: Final[frozenset[type]] = frozenset(
    (type(None), bool, int, float, bytes, UUID, date, datetime, time, timedelta, Decimal, msgspec.UnsetType)
)
"""Classes of scalars that contain no text."""


class Surrogate(NamedTuple):
    """A lone surrogate in a value."""

    steps: list[str | int]
    """The path of the string in the value."""
    reason: str
    """What is wrong, where in the string, and how to repair it."""


def has_surrogates(text: str) -> bool:
    """Return whether a string is no Unicode text."""
    return not text.isascii() and refusal(text) is not None


def ends_in_half(text: str) -> bool:
    """Return whether a text ends in the first half of a surrogate pair."""
    return "\ud800" <= text[-1:] <= "\udbff"


def begins_in_half(text: str) -> bool:
    """Return whether a text begins with the second half of a surrogate pair."""
    return "\udc00" <= text[:1] <= "\udfff"


def with_joined_halves(text: str) -> str:
    """Return a text in which each two halves of a surrogate pair are the character that they stand for."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def mended(text: str) -> str:
    r"""Return Unicode text: halves of surrogate pairs are joined, and U+FFFD replaces each lone one.

    >>> ascii(mended("\ud83d\ude00 \ud83d"))
    "'\\U0001f600 \\ufffd'"
    """
    if not has_surrogates(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def surrogate_in(value: object) -> Surrogate | None:
    """Return the first lone surrogate in a frozen value, or None if there is none.

    Messages and records inside the value are not looked at: they were looked at when they were made.
    """
    try:
        look_for_surrogates(value)
    except UnicodeEncodeError:
        return _place_in(value)
    return None


def look_for_surrogates(value: object) -> None:
    """Raise a UnicodeEncodeError if a frozen value contains a lone surrogate; see `surrogate_in`."""
    pending: list[Any] = [value] if value else []  # Any: frozen values
    for part in pending:  # which grows meanwhile
        if isinstance(part, str):
            if not part.isascii():
                part.encode()
        elif isinstance(part, _MAPPING):
            if not getattr(part, "_is_json", False) or not _is_encoded(part):
                pending += part
                pending += part.values()
        elif isinstance(part, _COLLECTIONS):
            pending += part


def _place_in(value: object) -> Surrogate | None:
    pending: list[tuple[list[str | int], Any]] = [([], value)]  # Any: frozen values
    while pending:
        steps, part = pending.pop()
        if isinstance(part, str):
            reason = refusal(part)
            if reason is not None:
                return Surrogate(steps, reason)
        elif isinstance(part, _MAPPING):
            for key, item in part.items():
                pending += (([*steps, key if isinstance(key, (str, int)) else repr(key)], item), ([*steps, "..."], key))
        elif isinstance(part, _COLLECTIONS):
            is_ordered = isinstance(part, _SEQUENCES)
            pending += reversed([([*steps, index if is_ordered else "..."], item) for index, item in enumerate(part)])
    return None


def _is_encoded(value: object) -> bool:
    """Encode plain JSON, 30 times as fast as its strings could be looked at; return False if msgspec cannot."""
    try:
        _encode(value)
    except (OverflowError, RecursionError):
        return False
    return True


_MAPPING: Final[Any] = dict  # Any: isinstance() would otherwise narrow to items of unknown types
_SEQUENCES: Final[Any] = (tuple, list)  # Any: as above
_COLLECTIONS: Final[Any] = (tuple, frozenset, list, set)  # Any: as above
_encode: Final = msgspec.json.Encoder().encode


def refusal(text: str) -> str | None:
    """Return why a string is no Unicode text, or None if it is."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        shown = ascii(text[max(error.start - 20, 0) : error.start + 20])
        return (
            f"the string {'…' if error.start > 20 else ''}{shown} has a lone surrogate at {error.start}: it is no "
            'Unicode text: repair it with `text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")`'
        )
    return None
