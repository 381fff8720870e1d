"""Change members and items in the text of a JSON file, and keep everything else as its author wrote it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from miniagents.codegen.documents import TOKEN, JsonValue, escape

_ENDS: Final = frozenset({"}", "]"})


@dataclass(slots=True)
class _Part:
    """A member of an object, an item of an array, or the whole file.

    Attributes:
        start: The position where it begins: for a member, its name.
        end: The position behind it.
        inside: The positions behind the opening and before the closing bracket; 0 and 0 for other values.
        is_object: Whether its value is an object.
        parts: The pointers of its own members or items.
    """

    start: int
    end: int = 0
    inside: tuple[int, int] = (0, 0)
    is_object: bool = False
    parts: list[str] = field(default_factory=list[str])


def edited(text: str, edits: Mapping[str, tuple[str, JsonValue] | None]) -> str:
    """Return the text of a JSON file after some changes.

    Args:
        text: Valid JSON without repeated names.
        edits: For the pointer of each member or item that changes, the name and the value of the member in its place,
            or None if it is removed. Pointers that lead nowhere and changes within what is removed are left out.

    >>> edited('{"a": [1, 2, 3], "enum": ["x"]}', {"#/a/2": None, "#/enum": ("const", "x")})
    '{"a": [1, 2], "const": "x"}'
    """
    cuts: list[tuple[int, int, str]] = []
    parts = _parts(text)
    todo = ["#"]
    while todo:
        holder = parts[todo.pop()]
        kept = [pointer for pointer in holder.parts if edits.get(pointer, ()) is not None]
        if holder.parts and not kept:
            cuts.append((*holder.inside, ""))
            continue
        for place, pointer in enumerate(holder.parts):
            edit = edits.get(pointer, ())
            if edit is None and kept[-1] in holder.parts[place:]:  # up to the next one
                cuts.append((parts[pointer].start, parts[holder.parts[place + 1]].start, ""))
            elif edit:
                member = ": ".join(json.dumps(each, ensure_ascii=False) for each in edit)
                cuts.append((parts[pointer].start, parts[pointer].end, member))
            elif edit is not None:
                todo.append(pointer)
        if kept and kept[-1] != holder.parts[-1]:  # from the last one that stays, with the comma
            cuts.append((parts[kept[-1]].end, parts[holder.parts[-1]].end, ""))
    for start, end, new in sorted(cuts, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _parts(text: str) -> dict[str, _Part]:
    """Return every value of a JSON file by its pointer."""
    parts: dict[str, _Part] = {"#": _Part(0)}
    open_, here, key = list[str](), "#", -1
    for match in TOKEN.finditer(text):
        mark = match.group()
        if mark in {",", ":"}:
            continue
        if mark in _ENDS:
            here = open_.pop()
            parts[here].inside = parts[here].inside[0], match.start()
            parts[here].end = match.end()
            continue
        if open_ and parts[open_[-1]].is_object and key < 0:
            key = match.start()
            here = f"{open_[-1]}/{escape(json.loads(mark))}"
            continue
        if open_:
            holder = parts[open_[-1]]
            here = here if holder.is_object else f"{open_[-1]}/{len(holder.parts)}"
            holder.parts.append(here)
            parts[here] = _Part(key if holder.is_object else match.start())
            key = -1
        if mark in {"{", "["}:
            parts[here].inside, parts[here].is_object = (match.end(), 0), mark == "{"
            open_.append(here)
        parts[here].end = match.end()
    return parts
