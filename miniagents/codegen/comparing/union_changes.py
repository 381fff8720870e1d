"""Compare two unions: added branches, removed branches, and changes of the other branches."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from miniagents.codegen.comparing.rules import DATA, READERS, SOURCE, WRITERS, Audience
from miniagents.codegen.comparing.sameness import Sameness
from miniagents.codegen.documents import Place
from miniagents.codegen.reading.disjoint import all_disjoint
from miniagents.codegen.reading.views import (
    Spot,
    Spots,
    asserted,
    constrains,
    followed,
    kinds_of,
    names_in,
    reference_of,
    tag_values,
)
from miniagents.codegen.shown import listed


class Comparing(Protocol):
    """Compares schemas and receives the changes that are found.

    Attributes:
        old: The definitions of the old version.
        new: The definitions of the new version.
        sameness: Tells whether schemas are equivalent.
    """

    old: Spots
    new: Spots
    sameness: Sameness

    def report(self, rule: str, breaks: tuple[Audience, ...], old: Place | None, new: Place | None, what: str) -> None:
        """Report a change."""

    def differ(self, rule: str, breaks: tuple[Audience, ...], old: Spot, new: Spot, keyword: str, what: str) -> None:
        """Report that a keyword of a schema changed."""

    def compare(self, old: Spot, new: Spot) -> None:
        """Report all changes between two schemas."""

    def narrows(self, old: Spot, new: Spot) -> bool:
        """Return whether some values may fit the old schema but not the new one."""
        ...

    def widens(self, old: Spot, new: Spot) -> bool:
        """Return whether some values may fit the new schema but not the old one."""
        ...


def lone_union_changes(comparer: Comparing, old: Spot, new: Spot) -> bool:
    """Compare a schema that is only a union with a schema that is not one; return whether that was possible."""
    before, after = _alone(old), _alone(new)
    if before == after:
        return False
    mine = old.many(before) if before is not None else _by_type(old, comparer.old)
    others = new.many(after) if after is not None else _by_type(new, comparer.new)
    is_told = _is_told(mine, before, comparer.old) and _is_told(others, after, comparer.new)
    if not mine or not others or not is_told:
        return False
    _match(comparer, old, new, mine, others)
    return True


def union_changes(comparer: Comparing, old: Spot, new: Spot) -> None:
    """Report the changes of `anyOf` and `oneOf`."""
    keyword, other = _keyword(old), _keyword(new)
    if keyword is None or other is None:
        for each in ("anyOf", "oneOf"):
            _one_keyword(comparer, old, new, each)
        return
    mine, others = old.many(keyword), new.many(other)
    if _is_told(mine, keyword, comparer.old) and _is_told(others, other, comparer.new):
        _match(comparer, old, new, mine, others)
    else:
        _as_a_whole(comparer, old, new, keyword, other)


def _keyword(spot: Spot) -> str | None:
    """Return the keyword of the union in a schema, or None if there are none or two."""
    found = [keyword for keyword in ("anyOf", "oneOf") if keyword in spot.members]
    return found[0] if len(found) == 1 else None


def _alone(spot: Spot) -> str | None:
    """Return the keyword of a schema that is only a union, or None for any other schema."""
    found = asserted(spot).keys()
    return next(iter(found)) if len(found) == 1 and found <= {"anyOf", "oneOf"} else None


def _is_told(branches: list[Spot], keyword: str | None, spots: Spots) -> bool:
    """Return whether a value that fits one branch fits the union; for `oneOf` no two branches may overlap."""
    return keyword != "oneOf" or all_disjoint(branches, spots)


def _by_type(spot: Spot, spots: Spots) -> list[Spot]:
    """Return a schema as the branches of a union, one for each of its types; return none if it accepts anything."""
    if not asserted(spot) or _alone(followed(spot, spots)) is not None:
        return []
    types = names_in(spot.members.get("type"))
    if "integer" in types and "number" in types:
        types.remove("integer")
    if not types:
        return [spot]
    return [replace(spot, schema={**spot.members, "type": each}) for each in types]


def _one_keyword(comparer: Comparing, old: Spot, new: Spot, keyword: str) -> None:
    """Compare the unions at one keyword, of which one may be missing."""
    mine, others = old.many(keyword), new.many(keyword)
    if mine and others:
        if _is_told(mine, keyword, comparer.old) and _is_told(others, keyword, comparer.new):
            _match(comparer, old, new, mine, others)
        else:
            _as_a_whole(comparer, old, new, keyword, keyword)
    elif mine and (keyword == "oneOf" or all(map(constrains, mine))):
        comparer.differ("union-changed", (*WRITERS, *SOURCE), old, new, keyword, f"{keyword}: the union was removed")
    elif others and (keyword == "oneOf" or all(map(constrains, others))):
        comparer.differ("union-changed", (*READERS, *SOURCE), old, new, keyword, f"{keyword}: the union is new")


def _as_a_whole(comparer: Comparing, old: Spot, new: Spot, keyword: str, other: str) -> None:
    before, after = old.many(keyword), new.many(other)
    is_same = keyword == other and len(before) == len(after)
    if not is_same or not all(comparer.sameness.same(*pair) for pair in zip(before, after, strict=True)):
        what = f"{other}: something is different in a union whose branches may overlap"
        breaks = (*DATA, *SOURCE) if len(before) != len(after) else DATA
        comparer.differ("union-changed", breaks, old, new, other, what)


def _match(comparer: Comparing, old: Spot, new: Spot, before: list[Spot], after: list[Spot]) -> None:
    """Compare the branches that belong together, and report the others as removed or added."""
    gone, come = before[:], after[:]
    pairs: list[tuple[Spot, Spot]] = []
    for is_pair in (_by_name(comparer), comparer.sameness.same, _by_tag(comparer), _by_title, _by_kind(comparer)):
        for branch in gone[:]:
            found = [other for other in come if is_pair(branch, other)]
            if found:
                gone.remove(branch)
                come.remove(found[0])
                pairs.append((branch, found[0]))
    if len(gone) == len(come) == 1 and _are_versions(comparer, gone[0], come[0]):
        pairs.append((gone.pop(), come.pop()))
    for pair in pairs:
        comparer.compare(*pair)
    for branch in gone:
        is_null = kinds_of(branch, comparer.old) == frozenset({"null"})
        is_kept = any(not comparer.narrows(branch, each) for each in after)
        breaks = SOURCE if is_kept else (*READERS, *SOURCE)
        rule = "nullable-removed" if is_null else "branch-removed"
        comparer.report(rule, breaks, branch.place(), new.place(), f"{_shown(branch, comparer.old)} was removed")
    for branch in come:
        is_null = kinds_of(branch, comparer.new) == frozenset({"null"})
        was_there = any(not comparer.widens(each, branch) for each in before)
        breaks = SOURCE if was_there else (*WRITERS, *SOURCE)
        rule = "nullable-added" if is_null else "branch-added"
        comparer.report(rule, breaks, old.place(), branch.place(), f"{_shown(branch, comparer.new)} is new")


def _are_versions(comparer: Comparing, old: Spot, new: Spot) -> bool:
    """Return whether the new one of two unmatched branches may be a new version of the old one."""
    are_named = reference_of(old) is not None or reference_of(new) is not None
    return not are_named and bool(kinds_of(old, comparer.old) & kinds_of(new, comparer.new))


def _by_name(comparer: Comparing) -> Callable[[Spot, Spot], bool]:
    return lambda one, other: comparer.sameness.is_called(reference_of(one), reference_of(other))


def _by_tag(comparer: Comparing) -> Callable[[Spot, Spot], bool]:
    def is_pair(one: Spot, other: Spot) -> bool:
        tags = tag_values(one, comparer.old)
        return bool(tags) and tags == tag_values(other, comparer.new)

    return is_pair


def _by_title(one: Spot, other: Spot) -> bool:
    title = one.members.get("title")
    return title is not None and title == other.members.get("title")


def _by_kind(comparer: Comparing) -> Callable[[Spot, Spot], bool]:
    def is_pair(one: Spot, other: Spot) -> bool:
        kinds = kinds_of(one, comparer.old)
        return len(kinds) <= 2 and kinds == kinds_of(other, comparer.new) and "object" not in kinds

    return is_pair


def _shown(branch: Spot, spots: Spots) -> str:
    name = reference_of(branch)
    if name is not None:
        return f"the branch {name}"
    title = branch.members.get("title")
    if isinstance(title, str):
        return f"the branch {title}"
    kinds = {"number" if kind == "fraction" else kind for kind in kinds_of(branch, spots)}
    kinds -= {"integer"} if "number" in kinds else set()
    tags = list(tag_values(branch, spots).values())
    return f"the branch {listed(tags)}" if tags else f"a branch of {listed(sorted(kinds), 'or') or 'nothing'}"
