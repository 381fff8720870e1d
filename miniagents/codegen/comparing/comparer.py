"""Compare two versions of schemas: find every change, its rule, and whom it breaks.

The keywords of a schema are conditions that must all hold, so two schemas are compared keyword by keyword. If each
keyword of the new version accepts everything that the old one accepts, so does the whole schema. Some keywords cannot
be compared like this: `not`, `if`, and unions whose branches overlap. Any difference in them is reported to break both
readers and writers. That may report too much, but never too little.
"""

from collections.abc import Iterator, Mapping

from miniagents.codegen.comparing.renames import is_of_files, renamed_definitions
from miniagents.codegen.comparing.rules import (
    AUDIENCES,
    DIFF_RULES,
    NOBODY,
    READERS,
    SOURCE,
    Audience,
    Change,
)
from miniagents.codegen.comparing.sameness import Sameness
from miniagents.codegen.comparing.schemas import Comparer
from miniagents.codegen.reading.bundle import Bundle, Definition
from miniagents.codegen.reading.views import Spot, spots_of, tag_values
from miniagents.validation.keywords import DEFINITIONS, HINTS

__all__ = ["AUDIENCES", "DIFF_RULES", "Audience", "Change", "compare"]


def compare(old: Bundle, new: Bundle) -> tuple[Change, ...]:
    """Return every change between two versions of schemas, type by type.

    Args:
        old: The version of existing data and code.
        new: The next version.
    """
    before, after = spots_of(old.definitions), spots_of(new.definitions)
    renamed = renamed_definitions(old, new)
    sameness = Sameness(before, after, renamed)
    tags = {*_tags(before), *_tags(after)}
    changes: list[Change] = []
    for name, spot in before.items():
        successor = renamed.get(name, name)
        if successor not in after:
            breaks = (*READERS, *SOURCE) if _is_public(old.definitions[name]) else SOURCE
            what = f"{name} was removed"
            changes.append(Change(name, "definition-removed", breaks, spot.place(), None, what))
            continue
        comparer = Comparer(before, after, sameness, tags, name)
        if successor != name:
            is_message = _is_message(spot) or _is_message(after[successor])
            breaks, could_break = AUDIENCES if is_message else SOURCE, NOBODY
            what = f"{name} is called {successor} now"
            if is_of_files(spot, after[successor]):
                breaks, could_break = NOBODY, breaks
                what += ", as its file is"
            places = spot.place(), after[successor].place()
            comparer.report("definition-renamed", breaks, *places, what, could_break=could_break)
        comparer.compare(spot, after[successor])
        changes += dict.fromkeys(comparer.changes)
    known = {renamed.get(name, name) for name in before}
    for name, spot in after.items():
        if name not in known:
            changes.append(Change(name, "definition-added", NOBODY, None, spot.place(), f"{name} is new"))
    return tuple(changes)


def _is_public(definition: Definition) -> bool:
    """Return whether a definition is a named one or a whole file, rather than a part that a reference points to."""
    steps = definition.place.pointer.split("/")
    return len(steps) == 1 or (len(steps) == 3 and steps[1] in DEFINITIONS)


def _is_message(spot: Spot) -> bool:
    hints = spot.members.get(HINTS)
    return isinstance(hints, dict) and "base" in hints


def _tags(spots: Mapping[str, Spot]) -> Iterator[tuple[str, str]]:
    """Yield the properties that tell branches of unions apart: the definition with the branch, and the name."""
    for definition in spots.values():
        for spot in definition.within():
            for keyword in ("anyOf", "oneOf"):
                branches = spot.many(keyword)
                tags = [tag_values(each, spots) for each in branches] if len(branches) > 1 else []
                for name in sorted(frozenset(tags[0]).intersection(*tags)) if tags else []:
                    for branch in branches:
                        reference = branch.members.get("$ref")
                        owner = str(reference).removeprefix("#/$defs/") if reference else branch.definition.name
                        yield owner, name
