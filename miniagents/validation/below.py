"""Keywords that apply schemas to the parts of a value: its properties and items."""

import re
from collections.abc import Callable
from typing import Any

from miniagents.validation.entries import Entry, Seen, see_all, see_all_items
from miniagents.validation.values import Check, JsonValue, Memo, Schema


class Cell:
    """The check of a schema for a part of a value; the first call of `check` makes it, and then replaces itself."""

    __slots__ = ("check",)

    def __init__(self, make: Callable[[], Check]) -> None:
        self.check: Check

        def first(value: JsonValue, memo: Memo) -> bool:
            self.check = make()
            return self.check(value, memo)

        self.check = first


# --- properties ---


def add_members(
    entry: Entry,
    schema: dict[str, Any],  # Any: surveyed
    cell: Callable[[Schema], Cell],
    *,
    collecting: bool,
) -> None:
    """Add the checks of a schema for the properties of an object to an entry."""
    cells = {name: cell(below) for name, below in schema.get("properties", {}).items()}
    patterns = [(_search(text), cell(below)) for text, below in schema.get("patternProperties", {}).items()]
    rest = schema.get("additionalProperties")
    if patterns or (rest is not None and rest is not True and rest is not False):
        entry.checks.append(_each_member(cells, patterns, None if rest is None or rest is True else cell(rest)))
    elif rest is False:
        entry.checks.append(_known_members(cells))
    elif cells:
        entry.checks.append(_some_members(cells))
    if "propertyNames" in schema:
        entry.checks.append(_names(cell(schema["propertyNames"])))
    if collecting and rest is not None:
        entry.collectors.append(see_all)
    elif collecting and (cells or patterns):
        searches = [search for search, _ in patterns]

        def collector(value: dict[str, JsonValue], _: Memo, seen: Seen) -> bool:
            seen.update(name for name in value if name in cells or any(search(name) for search in searches))
            return True

        entry.collectors.append(collector)


def _search(pattern: str) -> Callable[[str], object]:
    return re.compile(pattern).search


def _each_member(
    cells: dict[str, Cell], patterns: list[tuple[Callable[[str], object], Cell]], rest: Cell | None
) -> Check:
    def check(value: dict[str, JsonValue], memo: Memo) -> bool:
        for name, member in value.items():
            cell = cells.get(name)
            if cell is not None and not cell.check(member, memo):
                return False
            is_known = cell is not None
            for search, below in patterns:
                if search(name):
                    is_known = True
                    if not below.check(member, memo):
                        return False
            if not is_known and rest is not None and not rest.check(member, memo):
                return False
        return True

    return check


def _known_members(cells: dict[str, Cell]) -> Check:
    def check(value: dict[str, JsonValue], memo: Memo) -> bool:
        for name, member in value.items():
            cell = cells.get(name)
            if cell is None or not cell.check(member, memo):
                return False
        return True

    return check


def _some_members(cells: dict[str, Cell]) -> Check:
    def check(value: dict[str, JsonValue], memo: Memo) -> bool:
        for name, member in value.items():
            cell = cells.get(name)
            if cell is not None and not cell.check(member, memo):
                return False
        return True

    return check


def _names(cell: Cell) -> Check:
    def check(value: dict[str, JsonValue], memo: Memo) -> bool:
        for name in value:  # noqa: SIM110 all() takes twice the time, and one more frame of the stack
            if not cell.check(name, memo):
                return False
        return True

    return check


# --- items ---


def add_items(
    entry: Entry,
    schema: dict[str, Any],  # Any: surveyed
    cell: Callable[[Schema], Cell],
    *,
    collecting: bool,
) -> None:
    """Add the checks of a schema for the items of an array to an entry."""
    first = tuple(cell(below) for below in schema.get("prefixItems", ()))
    rest = schema.get("items")
    if first:
        entry.checks.append(_first_items(first))
    if rest is False:
        count = len(first)
        entry.checks.append(lambda value, _: len(value) <= count)
    elif rest is not None and rest is not True:
        entry.checks.append(_other_items(len(first), cell(rest)))
    if collecting and rest is not None:
        entry.collectors.append(see_all_items)
    elif collecting and first:

        def collector(value: list[JsonValue], _: Memo, seen: Seen) -> bool:
            seen.update(range(min(len(first), len(value))))
            return True

        entry.collectors.append(collector)
    if "contains" in schema:
        least, most = schema.get("minContains", 1), schema.get("maxContains")
        if collecting:
            entry.collectors.append(_seen_containing(cell(schema["contains"]), least, most))
        elif least > 0 or most is not None:
            entry.checks.append(_containing(cell(schema["contains"]), least, most))


def _first_items(cells: tuple[Cell, ...]) -> Check:
    def check(value: list[JsonValue], memo: Memo) -> bool:
        for cell, item in zip(cells, value, strict=False):  # noqa: SIM110 all() takes twice the time
            if not cell.check(item, memo):
                return False
        return True

    return check


def _other_items(start: int, cell: Cell) -> Check:
    def check(value: list[JsonValue], memo: Memo) -> bool:
        for item in value[start:] if start else value:  # noqa: SIM110 all() takes twice the time
            if not cell.check(item, memo):
                return False
        return True

    return check


def _containing(cell: Cell, least: float, most: float | None) -> Check:
    def check(value: list[JsonValue], memo: Memo) -> bool:
        found = 0
        for item in value:
            if cell.check(item, memo):
                found += 1
                if most is None and found >= least:
                    return True
                if most is not None and found > most:
                    return False
        return found >= least

    return check


def _seen_containing(cell: Cell, least: float, most: float | None) -> Callable[[list[JsonValue], Memo, Seen], bool]:
    def collector(value: list[JsonValue], memo: Memo, seen: Seen) -> bool:
        places = [place for place, item in enumerate(value) if cell.check(item, memo)]
        seen.update(places)
        return len(places) >= least and (most is None or len(places) <= most)

    return collector
