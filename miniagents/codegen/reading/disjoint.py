"""Decide whether two schemas have no value in common, if that is certain."""

from typing import Final, TypeAlias

from miniagents.codegen.library import LIBRARY, SCHEME
from miniagents.codegen.model import AliasType
from miniagents.codegen.reading.views import (
    Spot,
    Spots,
    followed,
    kinds_of,
    own_values,
    parts,
    property_of,
    reference_of,
    required,
)
from miniagents.validation.keywords import HINTS

_DEPTH: Final = 6


Known: TypeAlias = dict[tuple[str, str, str, str, int], bool]
"""What is known of pairs of schemas, by their definitions and pointers, and the depth to which they were compared."""


def disjoint(one: Spot, other: Spot, spots: Spots, depth: int = _DEPTH, known: Known | None = None) -> bool:
    """Return whether no value fits both schemas: True is certain, False is not.

    Args:
        one: A schema.
        other: Another schema.
        spots: The schemas of all definitions.
        depth: The number of schemas inside of each other to compare.
        known: What is known of pairs; more is added.
    """
    known = {} if known is None else known
    one, other = followed(one, spots), followed(other, spots)
    key = (one.definition.name, one.pointer, other.definition.name, other.pointer, depth)
    if key not in known:
        known[key] = _compared(one, other, spots, depth, known)
    return known[key]


def _compared(one: Spot, other: Spot, spots: Spots, depth: int, known: Known) -> bool:
    common = kinds_of(one, spots) & kinds_of(other, spots)
    if not common or _are_messages(one, other, spots):
        return True
    if (one.definition.name, one.pointer) == (other.definition.name, other.pointer):
        return False  # what many objects have, such as a sender, tells none of them from the others
    if depth == 0:
        return False
    for first, second in ((one, other), (other, one)):
        for part in parts(first, spots):
            for keyword in ("anyOf", "oneOf"):
                branches = part.many(keyword)
                if branches and all(disjoint(each, second, spots, depth - 1, known) for each in branches):
                    return True
    values, others = _values(one, spots), _values(other, spots)
    if values is not None and others is not None:
        return values.isdisjoint(others)
    return common == frozenset({"object"}) and _objects_are_disjoint(one, other, spots, depth, known)


def all_disjoint(branches: list[Spot], spots: Spots) -> bool:
    """Return whether no value fits more than one of the schemas: True is certain, False is not."""
    known: Known = {}
    return _have_tags(branches, spots) or all(
        disjoint(one, other, spots, _DEPTH, known)
        for place, one in enumerate(branches)
        for other in branches[place + 1 :]
    )


def _have_tags(branches: list[Spot], spots: Spots) -> bool:
    """Return whether objects have a property with other values in each branch; this takes no time for each pair."""
    if not branches or any(kinds_of(each, spots) != frozenset({"object"}) for each in branches):
        return False
    first, *others = (frozenset[str](required(each, spots)) for each in branches)
    for name in sorted(first.intersection(*others)):
        tags = [
            next(filter(None, (_values(spot, spots) for spot in property_of(each, name, spots))), None)
            for each in branches
        ]
        known = [values for values in tags if values]
        if len(known) == len(branches) and len(frozenset[str]().union(*known)) == sum(map(len, known)):
            return True
    return False


def _are_messages(one: Spot, other: Spot, spots: Spots) -> bool:
    """Return whether both are messages of different classes, which their tags tell apart."""
    first, second = message_of(one, spots), message_of(other, spots)
    return first is not None and second is not None and first != second


def message_of(spot: Spot, spots: Spots) -> str | None:
    """Return the name of the message that a schema describes, or None if it describes none."""
    name = reference_of(spot)
    if name is not None and name.startswith(SCHEME):
        return None if isinstance(LIBRARY.get(name.removeprefix(SCHEME)), AliasType) else name
    target = followed(spot, spots)
    hints = target.members.get(HINTS)
    is_message = isinstance(hints, dict) and "base" in hints and not target.pointer
    return target.definition.name if is_message else None


def _values(spot: Spot, spots: Spots) -> frozenset[str] | None:
    found = [own_values(part) for part in parts(spot, spots)]
    known = [frozenset(values) for values in found if values is not None]
    return known[0].intersection(*known) if known else None


def _objects_are_disjoint(one: Spot, other: Spot, spots: Spots, depth: int, known: Known) -> bool:
    needed, others = required(one, spots), required(other, spots)
    for name in sorted(needed & others):
        for first in property_of(one, name, spots):
            for second in property_of(other, name, spots):
                if disjoint(first, second, spots, depth - 1, known):
                    return True
    return any(_forbids(other, name, spots) for name in needed) or any(_forbids(one, name, spots) for name in others)


def _forbids(spot: Spot, name: str, spots: Spots) -> bool:
    """Return whether a schema refuses every object with a property of this name."""
    for part in parts(spot, spots):
        declared = part.member("properties", name)
        is_closed = part.members.get("additionalProperties") is False and not part.members.get("patternProperties")
        if is_closed and declared is None:
            return True
        if declared is not None and declared.schema is False:
            return True
    return False
