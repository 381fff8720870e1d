"""Conjunctions: schemas that must all hold, from `allOf`, references with other keywords, and chosen branches.

A conjunction is one list of parts, which must all hold. Nothing is copied: a part is a place in a definition, so that a
part from another definition keeps its identity.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from miniagents.codegen.documents import JsonValue, escape
from miniagents.codegen.library import SCHEME
from miniagents.codegen.reading.dialects import DRAFT_2020_12, subschemas
from miniagents.validation.keywords import ASSERTIONS, FORMAT_CHOICE, is_idle

REFERENCE: Final = "#/$defs/"
"""The text before the name of a definition in a reference."""

CHECKED: Final = ASSERTIONS | {FORMAT_CHOICE}
"""Keywords that can refuse a value. All others are notes."""


@dataclass(frozen=True, slots=True)
class Site:
    """The place of a schema in a definition.

    Attributes:
        definition: The name of the definition, or the reference to a type of the library.
        pointer: The JSON pointer in the definition; "" is the whole.
    """

    definition: str
    pointer: str = ""

    def at(self, *steps: str) -> "Site":
        """Return the place at some steps below this one."""
        return Site(self.definition, "/".join((self.pointer, *map(escape, steps))))


@dataclass(frozen=True, slots=True)
class Part:
    """One schema of a conjunction, without its references and its `allOf`, which are parts themselves."""

    site: Site
    schema: Mapping[str, JsonValue]


class Schemas:
    """The schemas of all definitions.

    Args:
        definitions: Schemas by name.
    """

    def __init__(self, definitions: Mapping[str, JsonValue]) -> None:
        self._schemas: dict[Site, JsonValue] = {}
        self._texts: dict[Site, str] = {}
        self._checked: dict[Site, frozenset[str]] = {}
        self._required: dict[Site, frozenset[Site]] = {}
        self._within: dict[str, list[Site]] = {name: [] for name in definitions}
        for name, schema in definitions.items():
            todo = [(Site(name), schema)]
            while todo:
                site, value = todo.pop()
                self._schemas[site] = value
                self._within[name].append(site)
                if isinstance(value, dict):
                    found = subschemas(value, DRAFT_2020_12)
                    todo.extend((site.at(*steps), member) for _, steps, member in found)

    def __iter__(self) -> Iterator[Site]:
        return iter(self._schemas)

    def at(self, site: Site) -> JsonValue:
        """Return the schema at a place."""
        return self._schemas[site]

    def members(self, site: Site) -> Mapping[str, JsonValue]:
        """Return the keywords of the schema at a place; none for true and false."""
        schema = self._schemas.get(site)
        return schema if isinstance(schema, dict) else {}

    def checked(self, site: Site) -> frozenset[str]:
        """Return the keywords at a place that can refuse a value."""
        known = self._checked.get(site)
        if known is None:
            found = self.members(site)
            known = self._checked[site] = frozenset(
                keyword
                for keyword in found
                if keyword == FORMAT_CHOICE or (keyword in ASSERTIONS and not is_idle(found, keyword))
            )
        return known

    def target(self, site: Site) -> Site | None:
        """Return the target of the reference at a place."""
        reference = self.members(site).get("$ref")
        if not isinstance(reference, str):
            return None
        return Site(reference if reference.startswith(SCHEME) else reference.removeprefix(REFERENCE))

    def meant(self, site: Site) -> Site:
        """Follow a schema that is only a reference, or only an `allOf` of one schema, and return its target."""
        while True:
            checked = self.checked(site)
            branches = self.members(site).get("allOf")
            target = self.target(site)
            if checked == frozenset({"$ref"}) and target is not None:
                return target  # the name of a definition is kept
            if checked == frozenset({"allOf"}) and isinstance(branches, list) and len(branches) == 1:
                site = site.at("allOf", "0")
            else:
                return site

    def united(self, sites: tuple[Site, ...]) -> tuple[Site, ...]:
        """Return the same conjunction without empty schemas, and without schemas that another one includes."""
        seen: dict[str, Site] = {}
        for each in sites:
            site = self.meant(each)
            if site.definition.startswith(SCHEME):
                seen.setdefault(site.definition, site)
            elif self._schemas[site] is False or self.checked(site):
                seen.setdefault(self._text(site), site)
        return tuple(seen.values())

    def strictest(self, sites: tuple[Site, ...]) -> tuple[Site, ...]:
        """Return a conjunction without the definitions that its other schemas refer to, and so include."""
        left = [*sites]
        for site in sites:
            if not site.pointer and any(site in self._required_by(other) for other in left if other != site):
                left.remove(site)
        return tuple(left)

    def _required_by(self, site: Site) -> frozenset[Site]:
        """Return the schemas that a value must fit to fit the schema at a place."""
        if site not in self._required:
            self._required[site] = frozenset(part.site for part in self.parts((site,)))
        return self._required[site]

    def parts(self, sites: tuple[Site, ...]) -> list[Part]:
        """Return all parts of some schemas, in the order in which they are written."""
        found: dict[Site, Part] = {}
        todo = list(reversed(sites))
        while todo:
            site = todo.pop()
            if site in found:
                continue
            schema = self._schemas.get(site, {"$ref": site.definition})
            found[site] = Part(site, schema if isinstance(schema, dict) else {} if schema else {"not": {}})
            inner: list[Site] = []
            target = self.target(site)
            if target is not None:
                inner.append(target)
            branches = found[site].schema.get("allOf")
            if isinstance(branches, list):
                inner.extend(site.at("allOf", str(index)) for index in range(len(branches)))
            todo.extend(reversed(inner))
        return list(found.values())

    def within(self, name: str) -> Iterator[tuple[Site, JsonValue]]:
        """Yield every schema of a definition."""
        return ((site, self._schemas[site]) for site in self._within[name])

    def _text(self, site: Site) -> str:
        if site not in self._texts:
            self._texts[site] = json.dumps(bare(self._schemas[site]), sort_keys=True)
        return self._texts[site]


def bare(schema: JsonValue) -> JsonValue:
    """Return a schema without its notes, with only the keywords that can refuse a value."""
    if not isinstance(schema, dict):
        return schema
    result: dict[str, JsonValue] = {
        keyword: _copied(value)
        for keyword, value in schema.items()
        if keyword in CHECKED or (keyword == "format" and FORMAT_CHOICE in schema)
    }
    for keyword, steps, member in subschemas(schema, DRAFT_2020_12):
        argument = result.get(keyword)
        step = steps[-1]
        if len(steps) == 1 and keyword in result:
            result[keyword] = bare(member)
        elif isinstance(argument, dict):
            argument[step] = bare(member)
        elif isinstance(argument, list):
            argument[int(step)] = bare(member)
    return result


def _copied(value: JsonValue) -> JsonValue:
    return [*value] if isinstance(value, list) else {**value} if isinstance(value, dict) else value
