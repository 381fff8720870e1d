"""Entries, the checks for values of one class, and functions that combine them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from miniagents.validation.values import Check, JsonValue, Memo

Seen: TypeAlias = "set[str | int]"
"""The properties or items of one value that schemas have evaluated; all others are "unevaluated" in JSON Schema."""
Collector: TypeAlias = Callable[[Any, Memo, Seen], bool]  # Any: as for Check
"""A check that also adds evaluated properties or items to a set; if it refuses, its additions must be ignored."""


@dataclass(slots=True)
class Entry:
    """The checks for values of one class. Without collectors the properties or items count as unevaluated."""

    checks: list[Check] = field(default_factory=list[Check])
    collectors: list[Collector] = field(default_factory=list[Collector])

    def add(self, other: "Entry") -> None:
        """Add the checks and collectors of another entry."""
        self.checks += other.checks
        self.collectors += other.collectors

    def is_empty(self) -> bool:
        """Return whether the entry accepts every value and evaluates none of its properties or items."""
        return not self.checks and not self.collectors


# --- entries as functions ---


def as_check(entry: Entry) -> Check:
    """Combine all checks and collectors of an entry into one check."""
    checks, collectors = tuple(entry.checks), tuple(entry.collectors)
    if collectors:
        collector = as_collector(entry)
        return lambda value, memo: collector(value, memo, set())
    if len(checks) == 1:
        return checks[0]

    def check(value: JsonValue, memo: Memo) -> bool:
        for each in checks:  # noqa: SIM110 all() takes twice the time, and one more frame of the stack
            if not each(value, memo):
                return False
        return True

    return check


def as_collector(entry: Entry) -> Collector:
    """Combine all checks and collectors of an entry into one collector."""
    checks, collectors = tuple(entry.checks), tuple(entry.collectors)

    def collector(value: JsonValue, memo: Memo, seen: Seen) -> bool:
        for check in checks:
            if not check(value, memo):
                return False
        for each in collectors:  # noqa: SIM110 all() takes twice the time
            if not each(value, memo, seen):
                return False
        return True

    return collectors[0] if len(collectors) == 1 and not checks else collector


# --- unions ---


def union(entries: list[Entry], *, exactly_one: bool) -> Entry:
    """Return an entry that accepts a value if at least one of the entries accepts it, or exactly one."""
    if len(entries) == 1:
        return entries[0]
    if any(entry.collectors for entry in entries):
        return Entry(collectors=[_collecting_union([as_collector(entry) for entry in entries], exactly_one)])
    if not exactly_one and any(entry.is_empty() for entry in entries):
        return Entry()
    checks = tuple(as_check(entry) for entry in entries)

    def any_of(value: JsonValue, memo: Memo) -> bool:
        for check in checks:  # noqa: SIM110 all() takes twice the time
            if check(value, memo):
                return True
        return False

    def one_of(value: JsonValue, memo: Memo) -> bool:
        found = False
        for check in checks:
            if check(value, memo):
                if found:
                    return False
                found = True
        return found

    return Entry([one_of if exactly_one else any_of])


def _collecting_union(branches: list[Collector], exactly_one: bool) -> Collector:
    def collector(value: JsonValue, memo: Memo, seen: Seen) -> bool:
        found = 0
        for branch in branches:
            own: Seen = set()
            if branch(value, memo, own):
                found += 1
                seen |= own
        return found == 1 or (found > 1 and not exactly_one)

    return collector


def tagged(name: str, groups: dict[str, Entry]) -> Entry:
    """Return an entry for objects that applies the entry named by the string property `name`."""
    if any(entry.collectors for entry in groups.values()):
        collectors = {tag: as_collector(entry) for tag, entry in groups.items()}

        def collector(value: dict[str, JsonValue], memo: Memo, seen: Seen) -> bool:
            tag = value.get(name)
            chosen = collectors.get(tag) if isinstance(tag, str) else None
            return chosen is not None and chosen(value, memo, seen)

        return Entry(collectors=[collector])
    checks = {tag: as_check(entry) for tag, entry in groups.items()}

    def check(value: dict[str, JsonValue], memo: Memo) -> bool:
        tag = value.get(name)
        chosen = checks.get(tag) if isinstance(tag, str) else None
        return chosen is not None and chosen(value, memo)

    return Entry([check])


# --- keywords that choose ---


def see_all(value: dict[str, JsonValue], _: Memo, seen: Seen) -> bool:
    """Mark all properties of an object as evaluated."""
    seen.update(value)
    return True


def see_all_items(value: list[JsonValue], _: Memo, seen: Seen) -> bool:
    """Mark all items of an array as evaluated."""
    seen.update(range(len(value)))
    return True


def negated(check: Check) -> Check:
    """Return a check that accepts exactly the values that another check refuses."""
    return lambda value, memo: not check(value, memo)


def chosen(condition: Entry, yes: Entry | None, no: Entry | None) -> Entry:
    """Return an entry that applies `yes` if the condition accepts a value, and `no` if not; None refuses everything."""
    test = as_collector(condition)
    if not any(entry is not None and entry.collectors for entry in (condition, yes, no)):
        plain = as_check(condition)
        then, otherwise = as_check(yes) if yes else None, as_check(no) if no else None

        def check(value: JsonValue, memo: Memo) -> bool:
            chosen = then if plain(value, memo) else otherwise
            return chosen is not None and chosen(value, memo)

        return Entry([check])
    collect_then, collect_otherwise = as_collector(yes) if yes else None, as_collector(no) if no else None

    def collector(value: JsonValue, memo: Memo, seen: Seen) -> bool:
        own: Seen = set()
        if test(value, memo, own):
            seen |= own
            return collect_then is not None and collect_then(value, memo, seen)
        return collect_otherwise is not None and collect_otherwise(value, memo, seen)

    return Entry(collectors=[collector])


def dependent(name: str, entry: Entry | None) -> Entry:
    """Return an entry for objects that applies another entry if the object has the property `name`."""
    if entry is None:
        return Entry([lambda value, _: name not in value])
    if not entry.collectors:
        check = as_check(entry)
        return Entry([lambda value, memo: name not in value or check(value, memo)])
    collector = as_collector(entry)
    return Entry(collectors=[lambda value, memo, seen: name not in value or collector(value, memo, seen)])


def remembered(entry: Entry) -> Entry:
    """Return an entry that caches its result for each value in the memo of the validation."""
    token = object()
    if not entry.collectors:
        plain = as_check(entry)

        def check(value: JsonValue, memo: Memo) -> bool:
            key = (token, id(value))
            known = memo.get(key)
            if known is None:
                known = memo[key] = plain(value, memo)
            return known is True

        return Entry([check])
    run = as_collector(entry)

    def collector(value: JsonValue, memo: Memo, seen: Seen) -> bool:
        key = (token, id(value))
        known = memo.get(key)
        if known is None:
            own: Seen = set()
            known = memo[key] = own if run(value, memo, own) else False
        if not isinstance(known, set):
            return False
        seen |= known
        return True

    return Entry(collectors=[collector])
