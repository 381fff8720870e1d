"""The registry of all schemas in the given files, which resolves references.

References can only point to the given files, and to the meta-schemas of JSON Schema. A reference to anything else is
refused, and nothing is fetched. A file that is there for references is registered when the first of them leads to it.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urldefrag, urljoin

from miniagents.codegen.documents import Document, JsonValue, Node, Place, escape
from miniagents.codegen.reading.api_documents import Api, Part, api_of, parts_of
from miniagents.codegen.reading.dialects import (
    DIALECTS,
    Dialect,
    built_on,
    dialect_of,
    guessed,
    ignores_siblings,
    knows,
    subschemas,
)
from miniagents.codegen.reading.known_schemas import known_schema
from miniagents.codegen.reading.scopes import RECURSIVE, Key, Scope, extended, meant
from miniagents.codegen.reading.sources import Source, identities, is_absolute
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
        label: The name that an API document gives the schema; "" for none.
    """

    source: Source
    pointer: str
    value: bool | dict[str, JsonValue]
    dialect: Dialect
    base: str
    root: "Site | None"
    parent: "Site | None"
    steps: tuple[str, ...]
    label: str = ""

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
        warnings: What is doubtful about them.
        operations: Whether the schemas of the operations of API documents are registered.
        is_strict: Whether a `$schema` that is not known is refused, rather than guessed from the keywords of its file.
        apis: The documents that are no schemas but describe interfaces.
        parts: The schemas that each API document names.
    """

    sources: Sequence[Source]
    operations: bool = False
    is_strict: bool = False
    sites: dict[Key, Site] = field(default_factory=dict[Key, Site])
    problems: list[Problem] = field(default_factory=list[Problem])
    warnings: list[Problem] = field(default_factory=list[Problem])
    apis: dict[Document, Api] = field(default_factory=dict[Document, Api])
    parts: dict[Document, list[Site]] = field(default_factory=dict[Document, list[Site]])
    _missing: dict[str, list[tuple[str, str, Place]]] = field(default_factory=dict[str, list[tuple[str, str, Place]]])
    _roots: dict[Document, Site] = field(default_factory=dict[Document, Site])
    _inner: dict[Key, list[Site]] = field(default_factory=dict[Key, list[Site]])
    _resources: dict[str, Site] = field(default_factory=dict[str, Site])
    _anchors: dict[str, Site] = field(default_factory=dict[str, Site])
    _dynamic: dict[Key, dict[str, Key]] = field(default_factory=dict[Key, dict[str, Key]])
    _waiting: dict[str, Source] = field(default_factory=dict[str, Source])
    _repeated: dict[str, Problem] = field(default_factory=dict[str, Problem])

    def __post_init__(self) -> None:
        for source in self.sources:
            for name in identities(source):
                other = self._waiting.setdefault(name, source)
                if other.document.value != source.document.value and not (other.is_given and source.is_given):
                    wrong = f"{name[:200]} is also {other.document.name}"
                    problem = source.document.root.place.problem("$id", wrong, "leave one of them out")
                    self._repeated.setdefault(name, problem)
        given = [source for source in self.sources if source.is_given]
        for source in sorted(given, key=lambda each: api_of(each.document) is None):
            self._open(source)

    def _open(self, source: Source) -> Site | None:
        """Register the schemas of a file, and return its root."""
        if source.document in self._roots:
            return self._roots[source.document]
        value = source.document.value
        urls = [url for url in source.urls if is_absolute(url)]
        base = urls[0] if urls else Path(source.absolute).as_uri()
        if not isinstance(value, bool | dict):
            problem = source.document.root.place.problem("type", "the file is no schema", 'write {"$defs": {...}}')
            self.problems.append(problem)
            return None
        api = api_of(source.document)
        if api is None:
            for _ in self.enter(Site(source, "#", value, self._unmarked(value), base, None, None, ())):
                pass
            root = self.sites[source.document, "#"]
        else:
            self.apis[source.document] = api
            root = Site(source, "#", value, api.dialect, base, None, None, (), api.title or source.stem)
            self._roots[source.document] = root
            follow = self._followed if self.operations and source.is_given else None
            self.parts[source.document] = [
                site for part in parts_of(api, follow) for site in self._part(part, self._roots[part.node.document])
            ]
        self._roots[source.document] = root
        for name in identities(source):
            self._resources.setdefault(name, root)
        return root

    def _part(self, part: Part, root: Site) -> Iterator[Site]:
        """Register a schema that an API document names, and yield it."""
        node, source = part.node, root.source
        if not isinstance(node.value, bool | dict):
            self.problems.append(node.place.problem("type", "is no schema", "write an object, or true or false"))
            return
        steps = tuple(node.pointer.split("/")[1:])
        for _ in self.enter(
            Site(source, node.pointer, node.value, part.dialect, root.base, root, None, steps, part.label)
        ):
            pass
        yield self.sites[source.document, node.pointer]

    def _followed(self, node: Node, reference: str) -> Node | None:
        """Return the part of an API document that a reference leads to, or report a problem and return None."""
        path, _, fragment = reference.partition("#")
        place = node.child("$ref").place
        root = self._resource(self._roots[node.document], path)
        if root is None:
            self._missing.setdefault(_joined(self._roots[node.document].base, path), []).append(("$ref", path, place))
            return None
        found = Node(root.source.document, root.pointer, root.value)
        for step in unquote(fragment).split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(found.value, dict) or key not in found.value:
                self.problems.append(place.problem("$ref", f"there is nothing at {reference[:200]}", "correct it"))
                return None
            found = found.child(key)
        return found

    def _unmarked(self, value: JsonValue) -> Dialect:
        """Return the dialect of a file without `$schema`: that of the API documents beside it, if there are any."""
        dialects = {each.dialect for each in self.apis.values()}
        return dialects.pop() if len(dialects) == 1 else guessed(value)

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
            self._inner[site.source.document, site.pointer] = inner
            todo += reversed(inner)

    def is_given(self, document: Document) -> bool:
        """Return whether the definitions of a file are generated."""
        return document in self._roots and self._roots[document].source.is_given

    def inner(self, site: Site) -> Iterator[Site]:
        """Yield the direct sub-schemas of a schema."""
        for each in self._inner.get((site.source.document, site.pointer), ()):
            yield self.sites[each.source.document, each.pointer]

    def scope(self, site: Site, outer: Scope = ()) -> Scope:
        """Return the dynamic scope in a schema.

        Args:
            site: The schema.
            outer: The scope outside of the resource of the schema.
        """
        root = site.root or site
        return extended(outer, self._dynamic.get((root.source.document, root.pointer), {}))

    def _identified(self, site: Site) -> Site:
        """Return the schema with its dialect and base, and register the names by which references find it."""
        value = site.members
        dialect = self._dialect(site)
        keyword = "$id" if dialect.number >= 6 else "id"
        identity = value.get(keyword)
        base, root = site.base, site.root
        if site.parent is None and site.root is None:
            self._resources.setdefault(base, site)
        if isinstance(identity, str) and not (ignores_siblings(dialect) and isinstance(value.get("$ref"), str)):
            uri, _, fragment = identity.partition("#")
            if uri:
                base, root = _joined(base, uri), None
            site = replace(site, dialect=dialect, base=base, root=root)
            if uri:
                self._take(self._resources, base, site, keyword, base)
            if fragment and not fragment.startswith("/") and ignores_siblings(dialect):
                self._take(self._anchors, f"{base}#{fragment}", site, keyword, f"#{fragment}")
        else:
            site = replace(site, dialect=dialect)
        for keyword in ("$anchor", "$dynamicAnchor"):
            name = value.get(keyword)
            if isinstance(name, str) and knows(dialect, keyword):
                self._take(self._anchors, f"{base}#{name}", site, keyword, f"#{name}")
                if keyword == "$dynamicAnchor":
                    self._add_dynamic(site, name)
        if root is None and value.get("$recursiveAnchor") is True and knows(dialect, "$recursiveAnchor"):
            self._add_dynamic(site, RECURSIVE)
        return site

    def _add_dynamic(self, site: Site, name: str) -> None:
        root = site.root or site
        anchors = self._dynamic.setdefault((root.source.document, root.pointer), {})
        anchors.setdefault(name, (site.source.document, site.pointer))

    def _take(self, taken: dict[str, Site], key: str, site: Site, keyword: str, name: str) -> None:
        other = taken.setdefault(key, site)
        if other.source is not site.source or other.pointer != site.pointer:
            wrong = f"{name[:200]} is also {other.source.document.name} {other.pointer}"
            problem = site.at(keyword).problem(keyword, wrong, "give one of them another name")
            # Generators of schemas wrote the same `id` many times in older dialects: only references must not use it.
            if keyword in {"id", "$id"} and ignores_siblings(site.dialect) and site.source is other.source:
                self._repeated.setdefault(key, problem)
            else:
                self.problems.append(problem)

    def _dialect(self, site: Site) -> Dialect:
        """Return the dialect of a schema; only resources choose one."""
        declared = site.members.get("$schema")
        is_root = site.parent is None and site.root is None
        if not isinstance(declared, str):
            return site.dialect
        found = dialect_of(declared) or self._built_on(site, declared, is_root=is_root)
        is_resource = site.parent is None or any(isinstance(site.members.get(key), str) for key in ("$id", "id"))
        if found is not None and not is_resource and found != site.dialect:
            remedy = 'remove it, or put an "$id" beside it'
            self.problems.append(site.at("$schema").problem("$schema", "only a resource has a dialect", remedy))
            return site.dialect
        return found or site.dialect

    def _built_on(self, site: Site, declared: str, *, is_root: bool) -> Dialect | None:
        """Return the dialect that the meta-schema of a schema is built on, or report that nothing is known of it."""
        place = site.at("$schema")
        found = built_on(declared, self._given)
        is_older = known_schema(declared.removesuffix("#")) is not None
        is_new = found is None and not _is_old_name(declared)
        if found is None and not is_older and not (is_new and (self.is_strict or not is_root)):
            found = guessed(site.value) if is_root else site.dialect
        if found is not None:
            wrong = f"{declared[:200]} is read as {found.name}"
            remedy = "its other keywords are notes"
            if is_new:
                wrong = f"{declared[:200]} is not known, and the file is read as {found.name}, by the keywords it uses"
                remedy = f"give its meta-schema if that is wrong: --ref {declared[:200]}=FILE"
            self.warnings.append(place.problem("$schema", wrong, remedy))
            return found
        known = ", ".join(each.name for each in DIALECTS)
        remedy = "write the file in one of them" if is_older else f"give its meta-schema: --ref {declared[:200]}=FILE"
        self.problems.append(place.problem("$schema", f"{declared[:200]} is none of {known}", remedy))
        return None

    def _given(self, uri: str) -> JsonValue:
        """Return the file that has a URI, or null if none of the files has it."""
        source = self._waiting.get(uri.removesuffix("#"))
        return None if source is None else source.document.value

    # --- references ---

    def resolve(self, site: Site, scope: Scope, keyword: str, reference: str, place: Place) -> Site | None:
        """Return the target of a reference, or report a problem and return None.

        Args:
            site: The schema that contains the reference.
            scope: The dynamic scope in which the schema is reached.
            keyword: The keyword of the reference: `$ref`, `$dynamicRef`, `$recursiveRef`, or that of hints.
            reference: The text of the reference.
            place: The place of the reference, for problems.
        """
        path, _, fragment = reference.partition("#")
        root = self._resource(site, path)
        if root is None:
            self._missing.setdefault(_joined(site.base, path), []).append((keyword, path, place))
            return None
        target, problem = self._in_resource(root, unquote(fragment), place, keyword)
        if target is None:
            self.problems.append(problem or place.problem(keyword, "leads nowhere", "correct it"))
            return None
        outermost = None
        if keyword == "$dynamicRef":
            name = unquote(fragment)
            outermost = meant(scope, name) if target.members.get("$dynamicAnchor") == name else None
        elif keyword == "$recursiveRef" and target.members.get("$recursiveAnchor") is True:
            outermost = meant(scope, RECURSIVE)
        return target if outermost is None else self.sites[outermost]

    def missing_files(self) -> Iterator[Problem]:
        """Yield a problem for each file that references lead to and that is not given."""
        for url, uses in self._missing.items():
            keyword, path, place = uses[0]
            wrong = f"{path[:200]} is none of the given files, and nothing is fetched"
            more = f" ({len(uses)} references)" if len(uses) > 1 else ""
            is_file = not is_absolute(path) and (url.startswith("file:") or not is_absolute(url))
            remedy = f"give that file too, or say where it is: --ref {path[:200] if is_file else url[:200]}=FILE"
            yield place.problem(keyword, f"{wrong}{more}", remedy)

    def _in_resource(self, root: Site, name: str, place: Place, keyword: str) -> tuple[Site | None, Problem | None]:
        """Return the schema with a fragment in a resource, or the problem of the reference to it."""
        if not name or name.startswith("/"):
            found, wrong = self._at(root, name)
            remedy = "describe it in $defs and write #/$defs/Name"
            return found, place.problem(keyword, f"{wrong} at #{name[:200]}", remedy) if wrong else None
        key = f"{root.base}#{name}"
        anchor = self._anchors.get(key)
        if key in self._repeated:
            return None, self._repeated[key]
        if anchor is None:
            wrong = f'there is no "$anchor" {name[:200]} in {root.source.document.name} {root.pointer}'
            return None, place.problem(keyword, wrong, "name one that is there, or write #/$defs/Name")
        return anchor, None

    def _resource(self, site: Site, path: str) -> Site | None:
        if not path:
            return site.root or site
        full = _joined(site.base, path)
        for name in (path, full):
            if name in self._repeated:
                self.problems.append(self._repeated[name])
            if name in self._resources:
                return self._resources[name]
            source = self._waiting.get(name)
            if source is not None:
                return self._open(source)
        source = known_schema(full)
        if source is not None:
            return self._open(source)
        if is_absolute(path):
            return None
        try:
            beside = os.path.abspath(site.source.path.parent / unquote(path).replace("\0", ""))  # noqa: PTH100 - a link is another file than what it points to
        except ValueError:
            return None
        source = self._waiting.get(beside)
        return self._open(source) if source is not None else None

    def _at(self, root: Site, path: str) -> tuple[Site | None, str]:
        """Return the schema at a JSON pointer in a resource, or None and a text about what is there instead."""
        around, pointer = root, root.pointer
        through: list[str] = []
        here: JsonValue = root.value
        for step in path[1:].split("/") if path else ():
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
            is_api = around.source.document in self.apis and around.pointer == "#"
            return (None, "there is a document, but no schema,") if is_api else (around, "")
        if not isinstance(here, bool | dict) or through[0] in DATA:
            return None, "there is a value, but no schema,"
        if len(through) == 1 and any(keyword == through[0] for keyword, _, _ in subschemas(around.members, None)):
            return None, "there are schemas, but not one schema,"
        inner = around.root or around
        new = Site(root.source, pointer, here, around.dialect, around.base, inner, around, tuple(through))
        for _ in self.enter(new):
            pass
        return self.sites[root.source.document, pointer], ""


def _is_old_name(uri: str) -> bool:
    """Return whether a `$schema` names the newest dialect of the time when the file was written."""
    return uri.partition("://")[2].rstrip("#") == "json-schema.org/schema"


def _joined(base: str, reference: str) -> str:
    try:
        return urldefrag(urljoin(base, reference)).url
    except ValueError:
        return reference
