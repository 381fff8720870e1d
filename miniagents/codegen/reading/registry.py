"""The registry of all schemas in the given files, which resolves references.

References can only point to the given files: a reference to anything else is refused, and nothing is fetched.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from miniagents.codegen.documents import Document, JsonValue, Place, escape
from miniagents.codegen.reading.dialects import (
    DIALECTS,
    DRAFT_2020_12,
    Dialect,
    dialect_of,
    guessed,
    ignores_siblings,
    subschemas,
)
from miniagents.codegen.reading.sources import Source
from miniagents.codegen.schema_errors import Problem
from miniagents.validation.keywords import DATA

_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """A schema and its place.

    Attributes:
        source: The file.
        pointer: The JSON pointer in the file, beginning with `#`.
        value: The schema.
        dialect: The dialect of the schema.
        base: The URI of the resource that the schema belongs to.
        root: The root of that resource; None if it is this schema.
        parent: The schema around it; None for the root of a file.
        steps: The steps of the pointer from the parent.
    """

    source: Source
    pointer: str
    value: bool | dict[str, JsonValue]
    dialect: Dialect
    base: str
    root: "Site | None"
    parent: "Site | None"
    steps: tuple[str, ...]

    @property
    def place(self) -> Place:
        """The place of the schema."""
        return Place(self.source.document, self.pointer)

    @property
    def members(self) -> dict[str, JsonValue]:
        """The keywords of the schema; none for true and false."""
        return self.value if isinstance(self.value, dict) else {}

    def at(self, keyword: str) -> Place:
        """Return the place of a keyword of the schema."""
        return Place(self.source.document, f"{self.pointer}/{escape(keyword)}")


@dataclass(slots=True)
class Registry:
    """The schemas of some files, and the identities by which references find them.

    Attributes:
        sources: The files.
        sites: Every schema by its document and pointer.
        problems: The problems of identities and references.
    """

    sources: Sequence[Source]
    sites: dict[tuple[Document, str], Site] = field(default_factory=dict[tuple[Document, str], Site])
    problems: list[Problem] = field(default_factory=list[Problem])
    _resources: dict[str, Site] = field(default_factory=dict[str, Site])
    _anchors: dict[str, Site] = field(default_factory=dict[str, Site])
    _dynamic: dict[str, list[Site]] = field(default_factory=dict[str, list[Site]])
    _recursive: list[Site] = field(default_factory=list[Site])

    def __post_init__(self) -> None:
        for source in self.sources:
            value = source.document.value
            if isinstance(value, bool | dict):
                base = Path(source.absolute).as_uri()
                root = Site(source, "#", value, DRAFT_2020_12, base, None, None, ())
                for _ in self.enter(root):
                    pass
            else:
                problem = source.document.root.place.problem("type", "the file is no schema", 'write {"$defs": {...}}')
                self.problems.append(problem)

    def enter(self, start: Site) -> Iterator[Site]:
        """Register a schema and all its sub-schemas, and yield each of them."""
        todo = [start]
        while todo:
            site = todo.pop()
            if (site.source.document, site.pointer) in self.sites:
                continue
            site = self._identified(site)
            self.sites[site.source.document, site.pointer] = site
            yield site
            inner: list[Site] = []
            for _, steps, value in subschemas(site.members, site.dialect):
                pointer = "/".join((site.pointer, *map(escape, steps)))
                if isinstance(value, bool | dict):
                    root = site.root or site
                    inner.append(Site(site.source, pointer, value, site.dialect, site.base, root, site, steps))
                else:
                    place = Place(site.source.document, pointer)
                    problem = place.problem(steps[0], "is no schema", "write an object, or true or false")
                    self.problems.append(problem)
            todo += reversed(inner)

    def _identified(self, site: Site) -> Site:
        """Return the schema with its dialect and base, and register the names by which references find it."""
        value = site.members
        identity = value.get("$id")
        dialect = self._dialect(site, is_resource=site.parent is None or isinstance(identity, str))
        base, root = site.base, site.root
        if site.parent is None and site.root is None:
            self._resources.setdefault(base, site)
        if isinstance(identity, str) and not (ignores_siblings(dialect) and "$ref" in value):
            uri, _, fragment = identity.partition("#")
            if uri:
                base, root = _joined(base, uri), None
            site = Site(site.source, site.pointer, site.value, dialect, base, root, site.parent, site.steps)
            if uri:
                self._take(self._resources, base, site, "$id", base)
            if fragment and ignores_siblings(dialect):
                self._take(self._anchors, f"{base}#{fragment}", site, "$id", f"#{fragment}")
        else:
            site = Site(site.source, site.pointer, site.value, dialect, base, root, site.parent, site.steps)
        if site.root is None and value.get("$recursiveAnchor") is True:
            self._recursive.append(site)
        for keyword in ("$anchor", "$dynamicAnchor"):
            name = value.get(keyword)
            if isinstance(name, str) and dialect.number >= 2019 and (keyword == "$anchor" or dialect.number >= 2020):
                self._take(self._anchors, f"{base}#{name}", site, keyword, f"#{name}")
                if keyword == "$dynamicAnchor":
                    self._dynamic.setdefault(name, []).append(site)
        return site

    def _take(self, taken: dict[str, Site], key: str, site: Site, keyword: str, name: str) -> None:
        other = taken.setdefault(key, site)
        if other.source is not site.source or other.pointer != site.pointer:
            wrong = f"{name[:200]} is also {other.source.document.name} {other.pointer}"
            self.problems.append(site.at(keyword).problem(keyword, wrong, "give one of them another name"))

    def _dialect(self, site: Site, *, is_resource: bool) -> Dialect:
        declared = site.members.get("$schema")
        is_root = site.parent is None and site.root is None
        if not isinstance(declared, str):
            return guessed(site.value) if is_root else site.dialect
        found = dialect_of(declared)
        if found is None:
            known = ", ".join(each.name for each in DIALECTS)
            wrong = f"{declared[:200]} is none of {known}"
            remedy = f'write the file in one of them, and "$schema": "{DRAFT_2020_12.uri}"'
            self.problems.append(site.at("$schema").problem("$schema", wrong, remedy))
        elif not is_resource and found is not site.dialect:
            remedy = 'remove it, or put an "$id" beside it'
            self.problems.append(site.at("$schema").problem("$schema", "only a resource has a dialect", remedy))
            return site.dialect
        return found or (guessed(site.value) if is_root else site.dialect)

    # --- references ---

    def resolve(self, site: Site, keyword: str, reference: str, place: Place) -> Site | None:
        """Return the target of a reference, or report a problem and return None.

        Args:
            site: The schema that contains the reference.
            keyword: The keyword of the reference: `$ref`, `$dynamicRef`, `$recursiveRef`, or that of hints.
            reference: The text of the reference.
            place: The place of the reference, for problems.
        """
        target, problem = self._resolved(site, reference, place, keyword)
        if target is None:
            self.problems.append(problem or place.problem(keyword, "leads nowhere", "correct it"))
            return None
        rivals: list[Site] = []
        if keyword == "$dynamicRef":
            name = unquote(reference.partition("#")[2])
            if target.members.get("$dynamicAnchor") == name:
                rivals = self._dynamic.get(name, [])
        elif keyword == "$recursiveRef" and target.members.get("$recursiveAnchor") is True:
            rivals = self._recursive
        if len(rivals) > 1:
            where = ", ".join(f"{each.source.document.name} {each.pointer}" for each in rivals[:4])
            wrong = f"what it means depends on who refers to it: {where}"
            self.problems.append(place.problem(keyword, wrong, 'write "$ref" to the one that is meant'))
        return target

    def _resolved(self, site: Site, reference: str, place: Place, keyword: str) -> tuple[Site | None, Problem | None]:
        path, _, fragment = reference.partition("#")
        root = self._resource(site, path)
        if root is None:
            wrong = f"{path[:200]} is none of the given files, and nothing is fetched"
            return None, place.problem(keyword, wrong, "give that file too, or describe the type here")
        name = unquote(fragment)
        if not name:
            return root, None
        if name.startswith("/"):
            found, wrong = self._at(root, name)
            remedy = "describe it in $defs and write #/$defs/Name"
            return found, place.problem(keyword, f"{wrong} at #{name[:200]}", remedy) if wrong else None
        anchor = self._anchors.get(f"{root.base}#{name}")
        if anchor is None:
            wrong = f'there is no "$anchor" {name[:200]} in {root.source.document.name} {root.pointer}'
            return None, place.problem(keyword, wrong, "name one that is there, or write #/$defs/Name")
        return anchor, None

    def _resource(self, site: Site, path: str) -> Site | None:
        if not path:
            return site.root or site
        found = self._resources.get(path) or self._resources.get(_joined(site.base, path))
        if found is not None:
            return found
        try:
            if urlsplit(path).scheme:
                return None
            beside = os.path.abspath(site.source.path.parent / unquote(path).replace("\0", ""))  # noqa: PTH100 - a link is another file than what it points to
        except ValueError:
            return None
        source = next((each for each in self.sources if each.absolute == beside), None)
        return self.sites.get((source.document, "#")) if source is not None else None

    def _at(self, root: Site, path: str) -> tuple[Site | None, str]:
        """Return the schema at a JSON pointer in a resource, or None and a text about what is there instead."""
        around, value, pointer = root, root.value, root.pointer
        through: list[str] = []
        here: JsonValue = value
        for step in path[1:].split("/"):
            key = step.replace("~1", "/").replace("~0", "~")
            if isinstance(here, dict) and key in here:
                here = here[key]
            elif isinstance(here, list) and _INDEX.fullmatch(key) and int(key) < len(here):
                here = here[int(key)]
            else:
                return None, "there is nothing"
            pointer = f"{pointer}/{escape(key)}"
            through.append(key)
            known = self.sites.get((root.source.document, pointer))
            if known is not None:
                around, through = known, []
        if not through:
            return around, ""
        if not isinstance(here, bool | dict) or through[0] in DATA:
            return None, "there is a value, but no schema,"
        if len(through) == 1 and any(keyword == through[0] for keyword, _, _ in subschemas(around.members, None)):
            return None, "there are schemas, but not one schema,"
        inner = around.root or around
        new = Site(root.source, pointer, here, around.dialect, around.base, inner, around, tuple(through))
        for _ in self.enter(new):
            pass
        return self.sites[root.source.document, pointer], ""


def _joined(base: str, reference: str) -> str:
    try:
        return urldefrag(urljoin(base, reference)).url
    except ValueError:
        return reference
