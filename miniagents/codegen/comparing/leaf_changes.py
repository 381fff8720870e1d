"""Compare the keywords of two schemas about values without parts: types, enums, limits, texts."""

from collections.abc import Mapping, Set as AbstractSet
from fractions import Fraction
from math import ceil, floor
from typing import Final, Protocol

from miniagents.codegen.comparing.rules import AUDIENCES, DATA, NOBODY, READERS, SOURCE, WRITERS, Audience
from miniagents.codegen.reading.views import Spot, is_checked, own_kinds, own_values
from miniagents.codegen.shown import listed, shown
from miniagents.validation.keywords import COUNT, KEYWORDS


class Noting(Protocol):
    """Receives the changes that are found.

    Attributes:
        tags: The properties that tell branches of unions apart: definition and name.
    """

    @property
    def tags(self) -> AbstractSet[tuple[str, str]]: ...  # noqa: D102 - above

    def differ(self, rule: str, breaks: tuple[Audience, ...], old: Spot, new: Spot, keyword: str, what: str) -> None:
        """Report that a keyword of a schema changed."""


SIZES: Final[Mapping[str, str]] = {
    name: row.about for name, row in KEYWORDS.items() if row.argument is COUNT and row.about and not row.beside
}
"""The keywords that limit a size, with the kind of values that they limit."""

_NUMBERS: Final = frozenset({"integer", "fraction"})


def leaf_changes(comparer: Noting, old: Spot, new: Spot) -> None:
    """Report the changes of types, enums, limits and texts."""
    _types(comparer, old, new)
    _values(comparer, old, new)
    for is_upper in (False, True):
        _bounds(comparer, old, new, is_upper=is_upper)
    for keyword, kind in SIZES.items():
        _sizes(comparer, old, new, keyword, kind)
    _multiples(comparer, old, new)
    if "string" in own_kinds(old) | own_kinds(new):
        _texts(comparer, old, new, "pattern", _pattern(old), _pattern(new))
        _texts(comparer, old, new, "format", _format(old), _format(new))
    before, after = old.members.get("uniqueItems") is True, new.members.get("uniqueItems") is True
    if before != after:
        breaks = limited(old, new, {"array"}, READERS if after else WRITERS)
        if breaks is not None:
            rule = "limit-tightened" if after else "limit-loosened"
            what = "items must be different now" if after else "items need no longer be different"
            comparer.differ(rule, breaks, old, new, "uniqueItems", what)


def limited(
    old: Spot, new: Spot, kinds: set[str] | frozenset[str], breaks: tuple[Audience, ...]
) -> tuple[Audience, ...] | None:
    """Return whom a changed condition on some kinds of values breaks.

    Returns:
        The members of `breaks` that can have such values, or None if no such values are allowed in both versions.
    """
    has_old, has_new = bool(own_kinds(old) & kinds), bool(own_kinds(new) & kinds)
    if not has_old and not has_new:
        return None
    kept = {"readers": has_old, "writers": has_new, "source": True}
    return tuple(each for each in breaks if kept[each])


def _types(comparer: Noting, old: Spot, new: Spot) -> None:
    before, after = own_kinds(old), own_kinds(new)
    added, removed = after - before, before - after
    if _is_listed(old) or _is_listed(new):
        return  # a change of the listed values is reported instead
    if added == frozenset({"null"}) and not removed:
        comparer.differ("nullable-added", (*WRITERS, *SOURCE), old, new, "type", "it may be null now")
    elif removed == frozenset({"null"}) and not added:
        comparer.differ("nullable-removed", (*READERS, *SOURCE), old, new, "type", "it may no longer be null")
    elif added or removed:
        breaks = (*(READERS if removed else ()), *(WRITERS if added else ()), *SOURCE)
        what = f"it was {_typed(before)} and is {_typed(after)}"
        comparer.differ("type-changed", breaks, old, new, "type", what)


def _is_listed(spot: Spot) -> bool:
    return "const" in spot.members or "enum" in spot.members


def _typed(kinds: frozenset[str]) -> str:
    words = set(kinds)
    if words >= _NUMBERS:
        words = words - _NUMBERS | {"number"}
    return "anything" if len(words) == 6 else listed(sorted(words), "or") or "nothing"


def _values(comparer: Noting, old: Spot, new: Spot) -> None:
    if not _is_listed(old) and not _is_listed(new):
        return
    before, after = own_values(old), own_values(new)
    keyword = "const" if "const" in new.members or ("const" in old.members and "enum" not in new.members) else "enum"
    if before is not None and after is not None:
        if len(before) == len(after) == 1 and before.keys() != after.keys():
            name = old.pointer.rpartition("/properties/")[2].replace("~1", "/").replace("~0", "~")
            rule = "tag-changed" if (old.definition.name, name) in comparer.tags else "const-changed"
            what = f"it was {shown(next(iter(before.values())))} and is {shown(next(iter(after.values())))}"
            comparer.differ(rule, AUDIENCES, old, new, keyword, what)
            return
        added = [shown(value) for text, value in after.items() if text not in before]
        removed = [shown(value) for text, value in before.items() if text not in after]
        if added:
            rule = "nullable-added" if added == ["null"] else "enum-value-added"
            comparer.differ(rule, (*WRITERS, *SOURCE), old, new, keyword, f"{listed(added)} added")
        if removed:
            rule = "nullable-removed" if removed == ["null"] else "enum-value-removed"
            comparer.differ(rule, (*READERS, *SOURCE), old, new, keyword, f"{listed(removed)} removed")
    elif after is not None:
        lost = own_kinds(new) - own_kinds(old)
        breaks = (*READERS, *(WRITERS if lost else ()), *SOURCE)
        values = listed((shown(value) for value in after.values()), "or") or "nothing"
        what = f"only {values} is allowed now, instead of {_typed(own_kinds(old))}"
        comparer.differ("enum-added", breaks, old, new, keyword, what)
    elif before is not None:
        lost = own_kinds(old) - own_kinds(new)
        breaks = (*(READERS if lost else ()), *WRITERS, *SOURCE)
        what = f"{_typed(own_kinds(new))} is allowed now, not only the values listed before"
        comparer.differ("enum-removed", breaks, old, new, keyword, what)


Bound = tuple[Fraction, bool]
"""A limit of numbers: its value, and whether it excludes the value itself."""


def _bound(spot: Spot, *, is_upper: bool) -> Bound | None:
    """Return the stricter of the inclusive and the exclusive limit of numbers, or None if there is no limit."""
    sign = 1 if is_upper else -1
    found: list[Bound] = []
    for keyword, is_exclusive in (
        ("maximum" if is_upper else "minimum", False),
        ("exclusiveMaximum" if is_upper else "exclusiveMinimum", True),
    ):
        value = spot.members.get(keyword)
        if isinstance(value, int | float) and not isinstance(value, bool):
            found.append((exact(value), is_exclusive))
    if not found:
        return None
    place, is_exclusive = min(found, key=lambda each: (sign * each[0], not each[1]))
    if not own_kinds(spot) & {"fraction"}:  # for integers every limit can be inclusive
        rounded = floor(place) if is_upper != is_exclusive else ceil(place)
        return Fraction(rounded - sign if is_exclusive else rounded), False
    return place, is_exclusive


def exact(value: float) -> Fraction:
    """Return the decimal number that is written, not the nearest double.

    >>> exact(0.1)
    Fraction(1, 10)
    """
    return Fraction(value) if isinstance(value, int) else Fraction(repr(value))


def _bounds(comparer: Noting, old: Spot, new: Spot, *, is_upper: bool) -> None:
    before, after = _bound(old, is_upper=is_upper), _bound(new, is_upper=is_upper)
    inclusive = "maximum" if is_upper else "minimum"
    exclusive = "exclusiveMaximum" if is_upper else "exclusiveMinimum"
    keyword = exclusive if exclusive in {*old.members, *new.members} - {inclusive} else inclusive
    if before == after:
        return
    sign = 1 if is_upper else -1
    if before is None or after is None:
        is_tightened = before is None
    else:
        is_tightened = (sign * after[0], not after[1]) < (sign * before[0], not before[1])
    breaks = limited(old, new, _NUMBERS, READERS if is_tightened else WRITERS)
    if breaks is not None:
        what = f"{inclusive} was {_limit(before)} and is {_limit(after)}"
        rule = "limit-tightened" if is_tightened else "limit-loosened"
        comparer.differ(rule, breaks, old, new, keyword, what)


def _limit(bound: Bound | None) -> str:
    if bound is None:
        return "not limited"
    number = bound[0].numerator if bound[0].denominator == 1 else float(bound[0])
    return f"{number}, itself excluded," if bound[1] else f"{number}"


def _sizes(comparer: Noting, old: Spot, new: Spot, keyword: str, kind: str) -> None:
    is_lower = keyword.startswith("min")
    before, after = size(old, keyword), size(new, keyword)
    if before == after:
        return
    most = float("inf")
    was, now = ((0 if is_lower else most) if each is None else each for each in (before, after))
    is_tightened = now > was if is_lower else now < was
    breaks = limited(old, new, {kind}, READERS if is_tightened else WRITERS)
    if breaks is not None:
        words = ["not limited" if each is None else str(each) for each in (before, after)]
        rule = "limit-tightened" if is_tightened else "limit-loosened"
        comparer.differ(rule, breaks, old, new, keyword, f"{keyword} was {words[0]} and is {words[1]}")


def size(spot: Spot, keyword: str) -> int | None:
    """Return a limit of a size, or None if there is none or it is a minimum of zero."""
    value = spot.members.get(keyword)
    if not isinstance(value, int) or isinstance(value, bool) or (value == 0 and keyword.startswith("min")):
        return None
    return value


def _multiples(comparer: Noting, old: Spot, new: Spot) -> None:
    before, after = _multiple(old), _multiple(new)
    if before == after:
        return
    narrows = after is not None and (before is None or before % after != 0)
    widens = before is not None and (after is None or after % before != 0)
    breaks = limited(old, new, _NUMBERS, (*(READERS if narrows else ()), *(WRITERS if widens else ())))
    if breaks is not None:
        values = (old.members.get("multipleOf"), new.members.get("multipleOf"))
        words = ["not limited" if value is None else shown(value) for value in values]
        rule = "limit-tightened" if narrows else "limit-loosened"
        comparer.differ(rule, breaks, old, new, "multipleOf", f"multipleOf was {words[0]} and is {words[1]}")


def _multiple(spot: Spot) -> Fraction | None:
    value = spot.members.get("multipleOf")
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    found = exact(value)
    if not own_kinds(spot) & {"fraction"} and Fraction(1) % found == 0:
        return None  # every integer is a multiple of it
    return found


def _pattern(spot: Spot) -> str | None:
    value = spot.members.get("pattern")
    return value if isinstance(value, str) and value else None


def _format(spot: Spot) -> str | None:
    value = spot.members.get("format")
    return value if isinstance(value, str) and is_checked(spot) else None


def _texts(comparer: Noting, old: Spot, new: Spot, keyword: str, before: str | None, after: str | None) -> None:
    if before == after:
        return
    breaks = DATA if before is not None and after is not None else READERS if after is not None else WRITERS
    if keyword == "format":
        breaks = (*breaks, *SOURCE)
    words = ["none" if each is None else shown(each) for each in (before, after)]
    what = f"{keyword} was {words[0]} and is {words[1]}"
    kept = limited(old, new, {"string"}, breaks) or NOBODY
    comparer.differ(f"{keyword}-changed", kept, old, new, keyword, what)
