"""Compare two schemas keyword by keyword."""

from collections.abc import Collection, Set as AbstractSet

from miniagents.codegen.comparing.leaf_changes import leaf_changes
from miniagents.codegen.comparing.note_changes import note_changes
from miniagents.codegen.comparing.objects import array_changes, object_changes
from miniagents.codegen.comparing.rules import AUDIENCES, DATA, READERS, SOURCE, WRITERS, Audience, Change, in_order
from miniagents.codegen.comparing.sameness import Sameness
from miniagents.codegen.comparing.union_changes import lone_union_changes, union_changes
from miniagents.codegen.documents import Place
from miniagents.codegen.reading.views import Spot, Spots, asserted, constrains, reference_of
from miniagents.validation.keywords import KEYWORDS

_OPAQUE = tuple(name for name, row in KEYWORDS.items() if row.is_opaque)
_MOST_FOLLOWED = 16
_MOST_TRIED = 5_000


class Comparer:
    """Compares the schemas of one type.

    Attributes:
        old: The definitions of the old version.
        new: The definitions of the new version.
        sameness: Tells whether schemas are equivalent.
        tags: The properties that tell branches of unions apart: definition and name.
        changes: The changes found so far.
    """

    def __init__(
        self, old: Spots, new: Spots, sameness: Sameness, tags: AbstractSet[tuple[str, str]], type_name: str
    ) -> None:
        self.old = old
        self.new = new
        self.sameness = sameness
        self.tags = tags
        self.changes: list[Change] = []
        self._type = type_name
        self._open: list[tuple[str, str]] = []
        self._tries = 0
        self._left = 0

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
        self.changes.append(Change(self._type, rule, in_order(breaks), old, new, what, in_order(could_break)))

    def differ(self, rule: str, breaks: tuple[Audience, ...], old: Spot, new: Spot, keyword: str, what: str) -> None:
        """Report that a keyword of a schema changed."""
        before = old.place(keyword) if keyword in old.members else old.place()
        after = new.place(keyword) if keyword in new.members else new.place()
        self.report(rule, breaks, before, after, what)

    def verdict(self, old: Spot, new: Spot) -> tuple[Audience, ...]:
        """Return whom it would or could break if one schema replaced another; report nothing."""
        kept, self.changes = self.changes, []
        if not self._tries:
            self._left = _MOST_TRIED
        self._tries += 1
        try:
            self.compare(old, new)
            found: set[Audience] = {each for change in self.changes for each in change.concerns}
        finally:
            self._tries -= 1
            self.changes = kept
        if not self._left:
            return AUDIENCES
        return in_order(found)

    def narrows(self, old: Spot, new: Spot) -> bool:
        """Return whether some values may fit the old schema but not the new one."""
        return "readers" in self.verdict(old, new)

    def widens(self, old: Spot, new: Spot) -> bool:
        """Return whether some values may fit the new schema but not the old one."""
        return "writers" in self.verdict(old, new)

    def compare(self, old: Spot, new: Spot) -> None:
        """Report all changes between two schemas."""
        if self._tries:
            self._left = max(self._left - 1, 0)
            if not self._left:
                return
        name, named = reference_of(old), reference_of(new)
        is_called = self.sameness.is_called(name, named)
        if not is_called and (name is not None or named is not None):
            if (name is None or named is None) and lone_union_changes(self, old, new):
                note_changes(self, old, new)
            else:
                self._follow(old, new)
            return
        if self._is_nothing(old, new):
            return
        if not constrains(old) and not constrains(new):
            note_changes(self, old, new)
            return
        if lone_union_changes(self, old, new):
            note_changes(self, old, new)
            return
        union_changes(self, old, new)
        leaf_changes(self, old, new)
        object_changes(self, old, new)
        array_changes(self, old, new)
        self._all_of(old, new)
        self._conditions(old, new)
        note_changes(self, old, new)

    def _follow(self, old: Spot, new: Spot) -> None:
        """Compare the targets of references to different definitions."""
        name, named = reference_of(old), reference_of(new)
        pair = (f"{old.definition.name}{old.pointer}", f"{new.definition.name}{new.pointer}")
        if pair in self._open:
            return
        if len(self._open) >= _MOST_FOLLOWED:
            what = f"{name or 'a schema'} is {named or 'another schema'} now"
            self.report("too-different", AUDIENCES, old.place(), new.place(), what)
            return
        before, after = self._target(old, self.old), self._target(new, self.new)
        if before is None or after is None:
            what = f"{name or 'a schema'} is {named or 'another schema'} now"
            self.differ("type-changed", AUDIENCES, old, new, "$ref", what)
            return
        self._open.append(pair)
        try:
            self.compare(before, after)
        finally:
            self._open.pop()

    def _target(self, spot: Spot, spots: Spots) -> Spot | None:
        """Return a schema without `$ref`: the target, or an `allOf` of the target and the other keywords."""
        name = reference_of(spot)
        if name is None:
            return spot
        if asserted(spot).keys() == {"$ref"}:
            return spots.get(name)
        if name not in spots:
            return None
        given = spot.members.get("allOf")
        rest = {keyword: value for keyword, value in spot.members.items() if keyword != "$ref"}
        rest["allOf"] = [*(given if isinstance(given, list) else []), {"$ref": spot.members["$ref"]}]
        return Spot(spot.definition, spot.pointer, rest)

    def _is_nothing(self, old: Spot, new: Spot) -> bool:
        """Report a change of a schema that accepts nothing; return whether one of the two accepts nothing."""
        if old.schema is False and new.schema is False:
            return True
        if old.schema is False:
            self.report("nothing-changed", (*WRITERS, *SOURCE), old.place(), new.place(), "something is allowed here")
            return True
        if new.schema is False:
            self.report("nothing-changed", (*READERS, *SOURCE), old.place(), new.place(), "nothing is allowed here")
            return True
        return False

    def _all_of(self, old: Spot, new: Spot) -> None:
        branches, others = old.many("allOf"), new.many("allOf")
        for match in (self._is_one, self.sameness.same, self._is_any):
            for branch in branches[:]:
                other = next((each for each in others if match(branch, each)), None)
                if other is not None:
                    branches.remove(branch)
                    others.remove(other)
                    self.compare(branch, other)
        for branch in branches:
            if constrains(branch):
                self.report(
                    "all-of-changed", (*WRITERS, *SOURCE), branch.place(), new.place(), "a part of allOf was removed"
                )
        for other in others:
            if constrains(other):
                self.report("all-of-changed", (*READERS, *SOURCE), old.place(), other.place(), "a part of allOf is new")

    def _is_one(self, old: Spot, new: Spot) -> bool:
        return self.sameness.is_called(reference_of(old), reference_of(new))

    def _is_any(self, old: Spot, new: Spot) -> bool:
        del old, new
        return True

    def _conditions(self, old: Spot, new: Spot) -> None:
        for keyword in _OPAQUE:
            self._opaque(old, new, keyword, _alone(old, keyword), _alone(new, keyword))
        if "if" in old.members and "if" in new.members and self.sameness.same(old.one("if"), new.one("if")):
            for keyword in ("then", "else"):
                self.compare(old.one(keyword), new.one(keyword))
        elif "if" in old.members and "if" in new.members:
            self.differ("condition-changed", DATA, old, new, "if", "if: asks something else")
        elif "if" in old.members or "if" in new.members:
            self._opaque(old, new, "if", old, new)
        if "unevaluatedItems" in old.members or "unevaluatedItems" in new.members:
            self._opaque(old, new, "unevaluatedItems", old, new)

    def _opaque(self, old: Spot, new: Spot, keyword: str, before: Spot, after: Spot) -> None:
        """Compare a keyword as a whole, because its parts cannot be compared one by one."""
        if keyword in old.members and keyword in new.members:
            if not self.sameness.same(before, after):
                self.differ("condition-changed", DATA, old, new, keyword, f"{keyword}: something is different in it")
        elif keyword in old.members:
            self.differ("condition-changed", WRITERS, old, new, keyword, f"{keyword}: the condition was removed")
        elif keyword in new.members:
            self.differ("condition-changed", READERS, old, new, keyword, f"{keyword}: the condition is new")


def _alone(spot: Spot, keyword: str) -> Spot:
    """Return a schema with one of its keywords and no other."""
    return Spot(spot.definition, spot.pointer, {keyword: spot.members[keyword]} if keyword in spot.members else True)
