"""Recognise definitions and properties that have another name in the new version.

A definition keeps its identity with its place in a file. Anything else about renames is a guess from what two schemas
say. A wrong guess is reported as a rename with changes, instead of as a removal and an addition.
"""

import re
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from pathlib import PurePosixPath
from typing import Final

from miniagents.codegen.comparing.sameness import Sameness
from miniagents.codegen.documents import Document
from miniagents.codegen.reading.bundle import Bundle
from miniagents.codegen.reading.views import Spot, Spots, own_values, same_text, spots_of, tag_values

_MOST_PAIRS: Final = 10_000
_LIKE_NAMES: Final = 0.6
_LIKE_SCHEMAS: Final = 0.6


def renamed_definitions(old: Bundle, new: Bundle) -> dict[str, str]:
    """Return the definitions that were renamed, as new names by old names.

    A definition at the same place of the same file is the same. The only file of each version is the same file, even if
    it has another name. Other definitions are the same if they say the same, or else if they are most like each other.
    """
    gone = [name for name in old.definitions if name not in new.definitions]
    come = [name for name in new.definitions if name not in old.definitions]
    before, after = spots_of(old.definitions), spots_of(new.definitions)
    found = dict(_by_place(old, new, gone, come))
    if len(gone) * len(come) > _MOST_PAIRS:
        return found
    for name in gone:
        for other in come:
            is_free = name not in found and other not in found.values() and isinstance(before[name].schema, dict)
            if is_free and Sameness(before, after, {**found, name: other}).same(before[name], after[other]):
                found[name] = other
    rest = [name for name in gone if name not in found], [name for name in come if name not in found.values()]
    return found | dict(_by_likeness(*rest, before, after))


def _by_place(old: Bundle, new: Bundle, gone: list[str], come: list[str]) -> Iterator[tuple[str, str]]:
    files = _files(old, new)
    places = {(new.definitions[name].place.document, new.definitions[name].place.pointer): name for name in come}
    for name in gone:
        place = old.definitions[name].place
        other = places.pop((files.get(place.document, place.document), place.pointer), None)
        if other is not None:
            yield name, other


def _files(old: Bundle, new: Bundle) -> dict[Document, Document]:
    """Return the file of the new version for each file of the old one, if it is clear which that is."""
    before, after = _documents(old), _documents(new)
    found = {before[name]: after[name] for name in before.keys() & after.keys()}
    gone, come = before.keys() - after.keys(), after.keys() - before.keys()
    if len(gone) == len(come) == 1:
        found[before[gone.pop()]] = after[come.pop()]
    return found


def _documents(bundle: Bundle) -> dict[str, Document]:
    """Return the files by their names without folders; those that share a name are left out."""
    found: dict[str, list[Document]] = {}
    for document in dict.fromkeys(each.place.document for each in bundle.definitions.values()):
        found.setdefault(PurePosixPath(document.name.rpartition(":")[2]).name, []).append(document)
    return {name: documents[0] for name, documents in found.items() if len(documents) == 1}


def _by_likeness(gone: list[str], come: list[str], before: Spots, after: Spots) -> Iterator[tuple[str, str]]:
    """Yield the pairs of which each is most like the other."""
    tags = {name: tag_values(before[name], before) for name in gone}
    others_tags = {other: tag_values(after[other], after) for other in come}
    likeness = {
        (name, other): 0.0 if _is_told(tags[name], others_tags[other]) else _likeness(before[name], after[other])
        for name in gone
        for other in come
    }
    for name in gone:
        others = sorted(come, key=lambda other: -likeness[name, other])  # stable: of equals the first in the file
        if others and likeness[name, others[0]] >= _LIKE_SCHEMAS:
            rivals = [likeness[each, others[0]] for each in gone if each != name]
            if all(likeness[name, others[0]] > rival for rival in rivals):
                yield name, others[0]


def _is_told(tags: Mapping[str, str], others: Mapping[str, str]) -> bool:
    """Return whether readers tell two definitions apart, by a property with another fixed value in each."""
    return any(tags[name] != others[name] for name in tags.keys() & others.keys())


def _likeness(old: Spot, new: Spot) -> float:
    """Return the share of their properties, or of their values, that two definitions have in common: from 0 to 1."""
    values, listed = own_values(old), own_values(new)
    if values and listed:
        return len(values.keys() & listed.keys()) / len(values.keys() | listed.keys())
    mine, named = old.named("properties"), new.named("properties")
    shared = mine.keys() & named.keys()
    if len(shared) < 2:
        return 0
    same = sum(same_text(mine[name].schema) == same_text(named[name].schema) for name in shared)
    return (len(shared) + same) / 2 / len(mine.keys() | named.keys())


def renamed_properties(old: Spot, new: Spot, sameness: Sameness) -> dict[str, str]:
    """Return the properties of an object that were renamed, as new names by old names.

    Such properties have names of the same words, or they say the same and have like names or the same description.
    """
    mine, named = old.named("properties"), new.named("properties")
    gone = [name for name in mine if name not in named]
    come = [name for name in named if name not in mine]
    if len(gone) * len(come) > _MOST_PAIRS:
        return {}
    pairs = [
        (name, other) for name in gone for other in come if _is_like(name, mine[name], other, named[other], sameness)
    ]
    names, others = [name for name, _ in pairs], [other for _, other in pairs]
    return {name: other for name, other in pairs if names.count(name) == others.count(other) == 1}


def _is_like(name: str, old: Spot, other: str, new: Spot, sameness: Sameness) -> bool:
    words, others = (re.sub(r"[\W_]", "", each).casefold() for each in (name, other))
    if words and words == others:
        return True
    if not sameness.same(old, new):
        return False
    said = old.members.get("description")
    is_said = isinstance(said, str) and bool(said.strip()) and said == new.members.get("description")
    return is_said or SequenceMatcher(None, words, others, autojunk=False).ratio() >= _LIKE_NAMES


def is_of_files(old: Spot, new: Spot) -> bool:
    """Return whether two definitions have other names only because their files have."""
    mine, other = old.definition.place, new.definition.place
    names = [PurePosixPath(each.document.name).name for each in (mine, other)]
    is_at_place = mine.pointer == other.pointer and names[0] != names[1]
    return is_at_place and old.members.get("title") == new.members.get("title")
