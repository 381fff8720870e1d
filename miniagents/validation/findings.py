"""What is wrong with a value, and which of the branches of a union it was meant for."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from miniagents.validation.tags import Found
from miniagents.validation.values import JsonValue, listed, missing, shown

if TYPE_CHECKING:
    from collections.abc import Iterator


class Way(NamedTuple):
    """Keys, linked so that one more in front costs little."""

    key: str | int
    rest: "Way | None"


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a schema refuses a value."""

    keyword: str
    message: str
    definition: str
    pointer: str
    expected: str = ""
    """What kind of value there should be, where the kind is what is wrong."""
    path: "Way | None" = None
    """The first key on the way to what is wrong, and the rest of the way: short to make on every level."""
    depth: int = 0
    """How long the way is."""

    def below(self, key: str | int) -> "Finding":
        """Return the finding as one of the value that has under `key` what it is about."""
        path = Way(key, self.path)
        return Finding(self.keyword, self.message, self.definition, self.pointer, self.expected, path, self.depth + 1)

    def keys(self) -> "Iterator[str | int]":
        """Yield the keys on the way to what is wrong."""
        way = self.path
        while way is not None:
            yield way.key
            way = way.rest


_ORDINALS: Final = ("first", "second", "third")


def ordinal(index: int) -> str:
    """Return the place of a branch in words, counted from one.

    >>> ordinal(0), ordinal(11)
    ('first', '12th')
    """
    if index < len(_ORDINALS):
        return _ORDINALS[index]
    number = index + 1
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number % 100 not in (11, 12, 13) else "th"
    return f"{number}{ending}"


def describe_union(findings: dict[int, Finding], found: Found | None, value: JsonValue, blank: Finding) -> Finding:
    """Return the most telling finding of a union that no branch of which fits.

    Args:
        findings: Of each branch, by its place.
        found: The property that tells the branches apart.
        value: What was found.
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
    best = max(findings.values(), key=_telling)  # of equals the first
    if _telling(best)[0] > 0:
        return best
    expected = listed([each.expected for each in findings.values() if each.expected])
    if not expected:
        return best
    return replace(blank, message=f"Expected {expected}; got {shown(value)}", expected=expected)


def _telling(finding: Finding) -> tuple[int, int]:
    if finding.depth == 0 and (finding.expected or finding.keyword == "false"):
        return 0, 0  # it is of another kind
    if finding.depth == 1 and finding.keyword == "const":
        return 1, 0  # it says itself that it is something else
    return 2, finding.depth
