"""JSON that arrives in pieces and is not known to the library: texts grow, and items of lists are found again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from miniagents.ext.llm._json import JsonObject, is_object
from miniagents.ext.llm.errors import ProtocolError
from miniagents.messages.values.freezing import is_list

if TYPE_CHECKING:
    from typing_extensions import TypeIs

__all__ = ["GrowingFields"]


class GrowingFields:
    """Fields whose values arrive in pieces.

    Texts with the names of texts are joined; any other text, such as an identifier, a format or a signature, replaces
    the one before it. Objects are merged. Items of lists are merged if they have the same index, and if a piece
    continues the item before it; any other item is a new one. An absent value (null) changes nothing.
    """

    __slots__ = ("_fields",)

    def __init__(self) -> None:
        self._fields: dict[str, object] = {}

    def __bool__(self) -> bool:
        return bool(self._fields)

    def add(self, pieces: JsonObject) -> None:
        """Merge the pieces of fields.

        Raises:
            ProtocolError: They are nested too deeply.
        """
        _grown(self._fields, pieces, "", 0)

    def fields(self) -> dict[str, object]:
        """Return what has arrived, as plain JSON."""
        return {name: _plain(value) for name, value in self._fields.items()}


# --- machinery ---

_DEEPEST: Final = 100
"""How deep fields may be nested: a hostile server must not exhaust the stack."""

_TEXTS: Final = frozenset(
    ("content", "data", "reasoning", "reasoning_content", "summary", "text", "thinking", "transcript")
)
"""The names of texts that arrive in pieces."""

_CONTINUED: Final = ("text", "summary", "thinking", "signature")
"""The properties of an item of a list, one of which a piece has that continues the item."""


class _Text:
    """A text whose pieces are still arriving."""

    __slots__ = ("pieces",)

    def __init__(self, piece: str) -> None:
        self.pieces = [piece]


def _grown(so_far: object, piece: object, name: str, depth: int) -> object:
    if depth > _DEEPEST:
        raise ProtocolError(f"the answer is not what the protocol says: {name!r} is nested too deeply")
    if is_object(piece):
        fields: dict[str, object] = so_far if _is_fields(so_far) else {}
        for key, value in piece.items():
            if value is not None:
                fields[key] = _grown(fields.get(key), value, key, depth + 1)
        return fields
    if is_list(piece):
        items: list[object] = so_far if is_list(so_far) else []
        for item in piece:
            place = _place_in(items, item)
            if place is None:
                items.append(_grown(None, item, name, depth + 1))
            else:
                items[place] = _grown(items[place], item, name, depth + 1)
        return items
    if isinstance(piece, str) and name in _TEXTS:
        if not isinstance(so_far, _Text):
            return _Text(piece)
        so_far.pieces.append(piece)
        return so_far
    return piece


def _is_fields(value: object) -> TypeIs[dict[str, object]]:
    return isinstance(value, dict)


def _place_in(items: list[object], piece: object) -> int | None:
    """Return the place of the item that a piece belongs to; None if it is a new item."""
    if not is_object(piece):
        return None
    index = piece.get("index")
    if index is not None:
        for place in reversed(range(len(items))):
            item = items[place]
            if is_object(item) and item.get("index") == index and _may_be_one(item, piece):
                return place
        return None
    last = items[-1] if items else None
    if not is_object(last) or last.get("index") is not None or not _may_be_one(last, piece):
        return None
    is_closed = bool(last.get("signature"))
    continues = piece.get("type") is not None and any(name in piece for name in _CONTINUED)
    return len(items) - 1 if continues and not is_closed else None


def _may_be_one(item: JsonObject, piece: JsonObject) -> bool:
    """Return whether nothing that names an item differs: its type and its identifier."""
    return all(
        item.get(name) is None or piece.get(name) is None or item.get(name) == piece.get(name)
        for name in ("type", "id")
    )


def _plain(value: object) -> object:
    if isinstance(value, _Text):
        return "".join(value.pieces)
    if is_object(value):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if is_list(value) else value
