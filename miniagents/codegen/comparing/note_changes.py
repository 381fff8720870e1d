"""Compare the keywords of two schemas that do not restrict values: notes, defaults, hints."""

from typing import Final, Protocol

from miniagents.codegen.comparing.rules import AUDIENCES, NOBODY, SOURCE, Audience
from miniagents.codegen.documents import JsonValue
from miniagents.codegen.reading.views import Spot, asserted, same_text
from miniagents.codegen.shown import shown
from miniagents.validation.keywords import HINTS, KNOWN


class Noting(Protocol):
    """Receives the changes that are found."""

    def differ(self, rule: str, breaks: tuple[Audience, ...], old: Spot, new: Spot, keyword: str, what: str) -> None:
        """Report that a keyword of a schema changed."""


_IN_WORDS: Final = frozenset({"format", "title", "description", "deprecated"})
"""Notes that say something else now, where of other keywords the argument is just not what it was."""


def note_changes(comparer: Noting, old: Spot, new: Spot) -> None:
    """Report the changes of the notes of two schemas."""
    mine, others = asserted(old), asserted(new)
    for keyword in dict.fromkeys((*old.members, *new.members)):
        before, after = old.members.get(keyword), new.members.get(keyword)
        is_in_both = keyword in old.members and keyword in new.members
        if keyword in mine or keyword in others or (is_in_both and same_text(before) == same_text(after)):
            continue
        if keyword == "default":
            comparer.differ("default-changed", SOURCE, old, new, keyword, _said("default", old, new))
        elif keyword == HINTS:
            _hints(comparer, old, new)
        elif keyword == "title" and _is_branch(old) and _is_branch(new):
            what = f"{_said('title', old, new)}, and the class of the branch is called by it"
            comparer.differ("note-changed", SOURCE, old, new, keyword, what)
        elif keyword not in KNOWN or keyword in _IN_WORDS or not is_in_both:
            comparer.differ("note-changed", NOBODY, old, new, keyword, _words(keyword, old, new))
        else:
            comparer.differ("note-changed", NOBODY, old, new, keyword, f"{keyword} is not what it was")


def _hints(comparer: Noting, old: Spot, new: Spot) -> None:
    before, after = _members(old.members.get(HINTS)), _members(new.members.get(HINTS))
    for hint in dict.fromkeys((*before, *after)):
        if same_text(before.get(hint)) != same_text(after.get(hint)):
            breaks = AUDIENCES if hint == "base" else SOURCE
            what = f"the hint {hint} was {shown(before.get(hint))} and is {shown(after.get(hint))}"
            comparer.differ("hint-changed", breaks, old, new, HINTS, what)


def _members(value: JsonValue) -> dict[str, JsonValue]:
    return value if isinstance(value, dict) else {}


def _is_branch(spot: Spot) -> bool:
    """Return whether a schema is an unnamed object in a union."""
    steps = spot.pointer.split("/")
    is_object = spot.members.get("type") == "object" or "properties" in spot.members
    return len(steps) > 2 and steps[-2] in {"anyOf", "oneOf"} and is_object


def _said(keyword: str, old: Spot, new: Spot) -> str:
    if keyword not in old.members:
        return f"{keyword} is {shown(new.members[keyword])}; there was none"
    if keyword not in new.members:
        return f"{keyword} was {shown(old.members[keyword])} and was removed"
    return f"{keyword} was {shown(old.members[keyword])} and is {shown(new.members[keyword])}"


def _words(keyword: str, old: Spot, new: Spot) -> str:
    if keyword not in old.members:
        return f"{keyword} is new"
    return f"{keyword} was removed" if keyword not in new.members else f"{keyword} says something else"
