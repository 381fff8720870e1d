"""Decide whether two schemas are equivalent, including the schemas that they refer to."""

from collections.abc import Mapping

from miniagents.codegen.reading.views import Spot, Spots, asserted, names_in, reference_of, same_text
from miniagents.validation.keywords import MANY, NAMED, ONE


class Sameness:
    """Tells whether schemas of two versions accept the same values.

    Args:
        old: The definitions of the old version.
        new: The definitions of the new version.
        renamed: The new names of renamed definitions, by their old names.
    """

    def __init__(self, old: Spots, new: Spots, renamed: Mapping[str, str]) -> None:
        self._old = old
        self._new = new
        self._renamed = renamed

    def is_called(self, old: str | None, new: str | None) -> bool:
        """Return whether a reference of the old version and one of the new version mean the same definition."""
        return old is not None and self._renamed.get(old, old) == new

    def same(self, old: Spot, new: Spot) -> bool:
        """Return whether two schemas accept the same values: True is certain, False is not."""
        todo = [(old, new)]
        seen: set[tuple[str, str]] = set()
        while todo:
            one, other = todo.pop()
            if isinstance(one.schema, bool) or isinstance(other.schema, bool):
                if one.schema is not other.schema and (one.schema is False or other.schema is False):
                    return False
                if asserted(one) or asserted(other):
                    return False
                continue
            left, right = asserted(one), asserted(other)
            if left.keys() != right.keys():
                return False
            pairs = self._pairs(one, other)
            if pairs is None:
                return False
            todo += pairs
            name, named = reference_of(one), reference_of(other)
            if name is None or named is None or (name, named) in seen:
                continue
            seen.add((name, named))
            if name in self._old and named in self._new:
                todo.append((self._old[name], self._new[named]))
            elif name != named:
                return False
        return True

    def _pairs(self, one: Spot, other: Spot) -> list[tuple[Spot, Spot]] | None:
        """Return the pairs of sub-schemas at the same keywords of two schemas, or None if anything else differs."""
        pairs: list[tuple[Spot, Spot]] = []
        right = asserted(other)
        for keyword, value in asserted(one).items():
            if keyword in ONE:
                pairs.append((one.child(keyword), other.child(keyword)))
            elif keyword in MANY:
                branches, others = one.many(keyword), other.many(keyword)
                if len(branches) != len(others):
                    return None
                pairs += zip(branches, others, strict=True)
            elif keyword in NAMED:
                members, named = one.named(keyword), other.named(keyword)
                if members.keys() != named.keys():
                    return None
                pairs += [(each, named[name]) for name, each in members.items()]
            elif keyword == "required":
                if set(names_in(value)) != set(names_in(right[keyword])):
                    return None
            elif keyword != "$ref" and same_text(value) != same_text(right[keyword]):
                return None
        return pairs
