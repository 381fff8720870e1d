"""Findings, which say what is wrong with a value, and the choice of the most useful one for a union."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from miniagents.validation.tags import Found
from miniagents.validation.values import JsonValue, listed, missing, shown

if TYPE_CHECKING:
    from collections.abc import Iterator


class Way(NamedTuple):
    """A linked list of keys, so that adding one in front is cheap."""

    key: str | int
    rest: "Way | None"


@dataclass(frozen=True, slots=True)
class Finding:
    """The reason why a schema refuses a value."""

    keyword: str
    message: str
    definition: str
    pointer: str
    expected: str = ""
    """The kind of value that is expected, if the value is of the wrong kind."""
    path: "Way | None" = None
    """The keys from the value to the wrong part of it; None for the value itself."""
    depth: int = 0
    """The number of keys in `path`."""

    def below(self, key: str | int) -> "Finding":
        """Return the same finding for the value around it, which holds it under `key`."""
        path = Way(key, self.path)
        return Finding(self.keyword, self.message, self.definition, self.pointer, self.expected, path, self.depth + 1)

    def keys(self) -> "Iterator[str | int]":
        """Yield the keys from the value to the wrong part of it."""
        way = self.path
        while way is not None:
            yield way.key
            way = way.rest


_ORDINALS: Final = ("first", "second", "third")


def ordinal(index: int) -> str:
    """Return the position of a branch as an ordinal number in words, counted from one.

    >>> ordinal(0), ordinal(11)
    ('first', '12th')
    """
    if index < len(_ORDINALS):
        return _ORDINALS[index]
    number = index + 1
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number % 100 not in (11, 12, 13) else "th"
    return f"{number}{ending}"


def describe_union(findings: dict[int, Finding], found: Found | None, value: JsonValue, blank: Finding) -> Finding:
    """Return the most useful finding for a value that fits no branch of a union.

    Args:
        findings: The findings of the branches, by their positions.
        found: The property that tells the branches apart, if there is one.
        value: The value that fits no branch.
        blank: A finding of the union itself, without a message.
    """
    if found is not None and isinstance(value, dict):
        if found.name not in value:
            return replace(blank, message=missing([found.name]))
        tag = value[found.name]
        known = [each for group in found.tags for each in sorted(group)]
        if not isinstance(tag, str) or tag not in known:
            expected = f"one of {listed([shown(each) for each in known], ',')}"
            message = f"Expected {expected}; got {shown(tag)}"
            return replace(blank, message=message).below(found.name)
        findings = {index: each for index, each in findings.items() if tag in found.tags[index]} or findings
    best = max(findings.values(), key=_telling)  # the first one if several are equal
    if _telling(best)[0] > 0:
        return best
    expected = listed([each.expected for each in findings.values() if each.expected])
    if not expected:
        return best
    return replace(blank, message=f"Expected {expected}; got {shown(value)}", expected=expected)


def _telling(finding: Finding) -> tuple[int, int]:
    if finding.depth == 0 and (finding.expected or finding.keyword == "false"):
        return 0, 0  # the value is of another kind
    if finding.depth == 1 and finding.keyword == "const":
        return 1, 0  # its tag says that it is for another branch
    return 2, finding.depth
