"""Compare the keywords of two schemas about objects and arrays."""

import re
from collections.abc import Collection, Mapping
from typing import Protocol

from miniagents.codegen.comparing.leaf_changes import limited
from miniagents.codegen.comparing.renames import renamed_properties
from miniagents.codegen.comparing.rules import AUDIENCES, DATA, NOBODY, READERS, SOURCE, WRITERS, Audience, in_order
from miniagents.codegen.comparing.sameness import Sameness
from miniagents.codegen.documents import Place
from miniagents.codegen.reading.views import Spot, Spots, constrains, names_in, own_kinds, parts, reference_of
from miniagents.validation.keywords import HINTS, IN_PLACE, SOMETIMES


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

    def report(
        self,
        rule: str,
        breaks: Collection[Audience],
        old: Place | None,
        new: Place | None,
        what: str,
        *,
        could_break: Collection[Audience] = (),
    ) -> None:
        """Report a change."""

    def differ(self, rule: str, breaks: tuple[Audience, ...], old: Spot, new: Spot, keyword: str, what: str) -> None:
        """Report that a keyword of a schema changed."""

    def compare(self, old: Spot, new: Spot) -> None:
        """Report all changes between two schemas."""

    def verdict(self, old: Spot, new: Spot) -> tuple[Audience, ...]:
        """Return whom it would break if one schema replaced another; report nothing."""
        ...


def object_changes(comparer: Comparing, old: Spot, new: Spot) -> None:
    """Report the changes of the keywords for objects."""
    if not _may_be(old, new, "object"):
        return
    before, after = old.named("properties"), new.named("properties")
    renamed = renamed_properties(old, new, comparer.sameness)
    for name in dict.fromkeys((*before, *after)):
        if name in renamed:
            what = f'property "{name}" is called "{renamed[name]}" now'
            comparer.report("property-renamed", AUDIENCES, before[name].place(), after[renamed[name]].place(), what)
            comparer.compare(before[name], after[renamed[name]])
        elif name in before and name in after:
            comparer.compare(before[name], after[name])
        elif name in before:
            _removed(comparer, old, new, name)
        elif name not in renamed.values():
            _added(comparer, old, new, name)
    _order(comparer, old, new)
    _required(comparer, old, new, renamed)
    _extras(comparer, old, new)
    _patterns(comparer, old, new)
    comparer.compare(old.one("propertyNames"), new.one("propertyNames"))
    _dependencies(comparer, old, new)
    _unevaluated(comparer, old, new)


def array_changes(comparer: Comparing, old: Spot, new: Spot) -> None:
    """Report the changes of the keywords for arrays."""
    if not _may_be(old, new, "array"):
        return
    before, after = old.many("prefixItems"), new.many("prefixItems")
    if bool(before) != bool(after):
        keyword = "prefixItems" if after else "items"
        kinds = ("items of one form", "items by their places")
        what = f"the array has {kinds[bool(after)]} now, not {kinds[bool(before)]}"
        comparer.differ("array-tuple-changed", SOURCE, old, new, keyword, what)
    for index in range(max(len(before), len(after))):
        first = before[index] if index < len(before) else old.one("items")
        second = after[index] if index < len(after) else new.one("items")
        comparer.compare(first, second)
    comparer.compare(old.one("items"), new.one("items"))
    _contains(comparer, old, new)


def _may_be(old: Spot, new: Spot, kind: str) -> bool:
    return kind in own_kinds(old) and kind in own_kinds(new)


def _matching(spot: Spot, name: str) -> list[Spot]:
    """Return the schemas that apply to an undeclared property with this name."""
    found = [each for pattern, each in spot.named("patternProperties").items() if re.search(pattern, name)]
    return found or [spot.one("unevaluatedProperties" if _is_closed_alone(spot) else "additionalProperties")]


def _is_closed_alone(spot: Spot) -> bool:
    """Return whether `unevaluatedProperties` means the same as `additionalProperties` would here."""
    others = IN_PLACE - {"not"} | {"additionalProperties"}
    return "unevaluatedProperties" in spot.members and not others & spot.members.keys()


def _added(comparer: Comparing, old: Spot, new: Spot, name: str) -> None:
    now = new.child("properties", name)
    before = _matching(old, name)
    verdicts = [comparer.verdict(each, now) for each in before]
    breaks: set[Audience] = set()
    if all("readers" in each for each in verdicts):
        breaks.add("readers")
    if any("writers" in each for each in verdicts):
        breaks.add("writers")
    is_closed = before[0].schema is False
    met = NOBODY if any(map(constrains, before)) else READERS
    what = f'property "{name}" is new' + (
        " to a closed object" if is_closed else "; data could have had one of that name before"
    )
    _report_one(comparer, "property-added", breaks, (old.place(), now.place()), what, met=met)


def _removed(comparer: Comparing, old: Spot, new: Spot, name: str) -> None:
    was = old.child("properties", name)
    after = _matching(new, name)
    verdicts = [comparer.verdict(was, each) for each in after]
    breaks: set[Audience] = {*SOURCE}
    if any("readers" in each for each in verdicts):
        breaks.add("readers")
    if all("writers" in each for each in verdicts):
        breaks.add("writers")
    met = NOBODY if any(map(constrains, after)) else WRITERS
    what = f'property "{name}" was removed'
    what += ", and others are refused" if after[0].schema is False else "; data could still have one of that name"
    _report_one(comparer, "property-removed", breaks, (was.place(), new.place()), what, met=met)


def _report_one(
    comparer: Comparing,
    rule: str,
    breaks: Collection[Audience],
    places: tuple[Place, Place],
    what: str,
    *,
    met: tuple[Audience, ...],
) -> None:
    """Report a change of one declaration.

    Args:
        comparer: Receives the change.
        rule: The name of the rule.
        breaks: The audiences that it breaks.
        places: The places in the old and the new version.
        what: The change in words.
        met: The audience whose data meets the declaration only if it happens to have an undeclared property of that
            name, which may be anything; none if undeclared properties are refused or have a type.
    """
    could_break = in_order(breaks, met)
    certain = in_order(breaks, SOURCE if met else AUDIENCES)
    comparer.report(rule, certain, *places, what, could_break=could_break)


def _order(comparer: Comparing, old: Spot, new: Spot) -> None:
    """Report a changed order of properties, which matters if both versions have positional constructors."""
    for spot in (old, new):
        hints = spot.members.get(HINTS)
        if not isinstance(hints, dict) or hints.get("positional") is not True:
            return
    before, after = [*old.named("properties")], [*new.named("properties")]
    if [name for name in after if name in before] != before[: len(after)] or after[: len(before)] != before:
        what = "the properties stand in another order, and the class is made by position"
        comparer.differ("order-changed", SOURCE, old, new, "properties", what)


def _required(comparer: Comparing, old: Spot, new: Spot, renamed: Mapping[str, str]) -> None:
    before = [renamed.get(name, name) for name in names_in(old.members.get("required"))]
    after = names_in(new.members.get("required"))
    for name in after:
        if name not in before:
            breaks = limited(old, new, {"object"}, (*READERS, *SOURCE)) or SOURCE
            comparer.differ("required-added", breaks, old, new, "required", f'"{name}" is required now')
    for name in before:
        if name not in after:
            breaks = (*WRITERS, *SOURCE)
            comparer.differ("required-removed", breaks, old, new, "required", f'"{name}" may be absent now')


def _extras(comparer: Comparing, old: Spot, new: Spot) -> None:
    before, after = old.one("additionalProperties"), new.one("additionalProperties")
    was_closed, is_closed = before.schema is False, after.schema is False
    if was_closed and not is_closed:
        what = "the object is open now" if after.schema is True else "the object takes more than it declares now"
        comparer.differ("extras-opened", WRITERS, old, new, "additionalProperties", what)
    elif is_closed and not was_closed:
        what = "the object is closed now: it takes only what it declares"
        comparer.differ("extras-closed", (*READERS, *SOURCE), old, new, "additionalProperties", what)
    else:
        comparer.compare(before, after)


def _patterns(comparer: Comparing, old: Spot, new: Spot) -> None:
    before, after = old.named("patternProperties"), new.named("patternProperties")
    for pattern in dict.fromkeys((*before, *after)):
        if pattern in before and pattern in after:
            comparer.compare(before[pattern], after[pattern])
        elif pattern in after:
            extras = old.one("additionalProperties")
            verdict = comparer.verdict(extras, after[pattern])
            met = before or any(re.search(pattern, name) for name in old.named("properties"))
            breaks = in_order(verdict, DATA)
            if met and constrains(after[pattern]) and "readers" not in breaks:
                breaks = (*READERS, *breaks)
            breaks += _of_extras(comparer, old, after[pattern])
            what = f"properties like {pattern} have a form of their own now"
            by_chance = NOBODY if met or constrains(extras) else READERS
            places = old.place(), after[pattern].place()
            _report_one(comparer, "pattern-property-added", breaks, places, what, met=by_chance)
        else:
            extras = new.one("additionalProperties")
            verdict = comparer.verdict(before[pattern], extras)
            met = after or any(re.search(pattern, name) for name in new.named("properties"))
            breaks = in_order(verdict, DATA)
            if met and constrains(before[pattern]) and "writers" not in breaks:
                breaks = (*breaks, *WRITERS)
            what = f"properties like {pattern} no longer have a form of their own"
            by_chance = NOBODY if met or constrains(extras) else WRITERS
            places = before[pattern].place(), new.place()
            _report_one(comparer, "pattern-property-removed", (*breaks, *SOURCE), places, what, met=by_chance)


def _of_extras(comparer: Comparing, old: Spot, added: Spot) -> tuple[Audience, ...]:
    """Return whether code that reads extras breaks: if extras have a type, it now has one more alternative."""
    forms = [*old.named("patternProperties").values(), old.one("additionalProperties")]
    forms = [form for form in forms if form.schema is not False]
    says_something = bool(forms) and all(map(constrains, forms))
    return SOURCE if says_something and all("source" in comparer.verdict(each, added) for each in forms) else ()


def _dependencies(comparer: Comparing, old: Spot, new: Spot) -> None:
    before, after = _pairs(old), _pairs(new)
    for name, other in sorted(after - before):
        what = f'where there is "{name}", "{other}" is required now'
        comparer.differ("dependency-changed", READERS, old, new, "dependentRequired", what)
    for name, other in sorted(before - after):
        what = f'where there is "{name}", "{other}" is no longer required'
        comparer.differ("dependency-changed", WRITERS, old, new, "dependentRequired", what)
    schemas, others = old.named("dependentSchemas"), new.named("dependentSchemas")
    for name in dict.fromkeys((*schemas, *others)):
        if name in schemas and name in others:
            comparer.compare(schemas[name], others[name])
        elif name in others and constrains(others[name]):
            what = f'where there is "{name}", there is a condition now'
            comparer.differ("dependency-changed", READERS, old, new, "dependentSchemas", what)
        elif name in schemas and constrains(schemas[name]):
            what = f'where there is "{name}", there is no longer a condition'
            comparer.differ("dependency-changed", WRITERS, old, new, "dependentSchemas", what)


def _pairs(spot: Spot) -> set[tuple[str, str]]:
    value = spot.members.get("dependentRequired")
    return {
        (name, other) for name, names in (value if isinstance(value, dict) else {}).items() for other in names_in(names)
    }


def _unevaluated(comparer: Comparing, old: Spot, new: Spot) -> None:
    """Compare `unevaluatedProperties`, which depends on all other schemas for the same object."""
    keyword = "unevaluatedProperties"
    if keyword not in old.members and keyword not in new.members:
        return
    if keyword not in old.members or keyword not in new.members:
        if constrains(old.one(keyword)) or constrains(new.one(keyword)):
            is_new = keyword in new.members
            rule = "extras-closed" if is_new else "extras-opened"
            breaks = (*READERS, *SOURCE) if is_new else WRITERS
            what = f"the object is {'closed' if is_new else 'open'} now"
            comparer.differ(rule, breaks, old, new, keyword, what)
        return
    before, after = _known_names(old, comparer.old), _known_names(new, comparer.new)
    if comparer.sameness.same(old, new):
        return
    if _is_closed_alone(old) and _is_closed_alone(new) and not _has_patterns(old) and not _has_patterns(new):
        comparer.compare(old.one(keyword), new.one(keyword))
        return
    if before is None or after is None or not comparer.sameness.same(old.one(keyword), new.one(keyword)):
        what = f"{keyword}: what it is about is different"
        comparer.differ("condition-changed", DATA, old, new, keyword, what)
        return
    for name in sorted(after - before):
        what = f'property "{name}" is new to a closed object'
        comparer.differ("property-added", WRITERS, old, new, keyword, what)
    for name in sorted(before - after):
        what = f'property "{name}" was removed, and others are refused'
        comparer.differ("property-removed", (*READERS, *SOURCE), old, new, keyword, what)


def _has_patterns(spot: Spot) -> bool:
    return "patternProperties" in spot.members


def _known_names(spot: Spot, spots: Spots) -> set[str] | None:
    """Return the properties that are always evaluated, or None if that depends on the value."""
    found: set[str] = set()
    for part in parts(spot, spots):
        if reference_of(part) not in {None, *spots}:
            return None
        if part.members.keys() & (SOMETIMES | {"patternProperties"}):
            return None
        if "additionalProperties" in part.members or ("unevaluatedProperties" in part.members and part is not spot):
            return None
        found |= part.named("properties").keys()
    return found


def _contains(comparer: Comparing, old: Spot, new: Spot) -> None:
    before, after = "contains" in old.members, "contains" in new.members
    if not before and not after:
        return
    if before != after:
        what = "contains: the condition is new" if after else "contains: the condition was removed"
        comparer.differ("contains-changed", READERS if after else WRITERS, old, new, "contains", what)
        return
    has_most = "maxContains" in old.members or "maxContains" in new.members
    if not has_most:
        comparer.compare(old.child("contains"), new.child("contains"))
    elif not comparer.sameness.same(old.child("contains"), new.child("contains")):
        comparer.differ("contains-changed", DATA, old, new, "contains", "contains: it is about something else")
    for keyword in ("minContains", "maxContains"):
        least = 1 if keyword == "minContains" else None
        was, now = _count(old, keyword, least), _count(new, keyword, least)
        if was != now:
            is_tightened = now > was if keyword == "minContains" else now < was
            what = f"{keyword} is not what it was"
            rule = "limit-tightened" if is_tightened else "limit-loosened"
            comparer.differ(rule, READERS if is_tightened else WRITERS, old, new, keyword, what)


def _count(spot: Spot, keyword: str, default: int | None) -> float:
    value = spot.members.get(keyword, default)
    return value if isinstance(value, int) else float("inf")
