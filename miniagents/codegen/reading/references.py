"""Follow the references of all schemas of a run, each in the dynamic scopes in which it can be reached.

The given files are followed as a whole. Of files that are only there for references, the targets are followed alone: a
mistake elsewhere in such a file does no harm.
"""

from collections.abc import Collection, Iterable, Iterator

from miniagents.codegen.documents import Place
from miniagents.codegen.library import HAND_WRITTEN, LIBRARY, RECORD, SCHEME
from miniagents.codegen.reading.dialects import ignores_siblings, knows
from miniagents.codegen.reading.registry import Registry, Site
from miniagents.codegen.reading.scopes import Key, Scope
from miniagents.codegen.schema_errors import Problem
from miniagents.validation.keywords import DEFINITIONS, HINTS, REFERENCES


class References:
    """The targets of the references in all files.

    Attributes:
        targets: The targets by document, pointer of the schema, scope and keyword: a schema and the scope in it, or a
            reference to a type of the library.
        problems: The problems of references to types of the library.
    """

    def __init__(self, registry: Registry, is_library: bool) -> None:
        self.targets: dict[tuple[Key, Scope, str], tuple[Site, Scope] | str] = {}
        self.problems: list[Problem] = []
        self._registry = registry
        self._is_library = is_library
        self._of_library: list[tuple[str, Place, str]] = []
        self._reached: dict[Key, Site] = {}

    def follow(self) -> None:
        """Resolve every reference, also those in schemas that are found by resolving others."""
        registry = self._registry
        given = [site for site in registry.sites.values() if site.parent is None and site.source.is_given]
        parts = [site for document, sites in registry.parts.items() if registry.is_given(document) for site in sites]
        todo = [(site, registry.scope(site)) for site in dict.fromkeys([*given, *parts])]
        done: set[tuple[Key, Scope]] = set()
        todo.reverse()
        while todo:
            site, scope = todo.pop()
            key = site.source.document, site.pointer
            if (key, scope) in done:
                continue
            done.add((key, scope))
            self._reached[key] = site
            found: list[tuple[Site, Scope]] = []
            for keyword, reference, place in self._references(site):
                target = self._target(site, scope, keyword, reference, place)
                if target is not None:
                    self.targets[key, scope, keyword] = target
                if isinstance(target, tuple):
                    found.append(target)
            for each in registry.inner(site):
                if each.steps[0] not in DEFINITIONS:
                    found.append((each, registry.scope(each, scope)))
                elif site.source.is_given:  # it is a type of its own, which nothing has to lead to
                    found.append((each, registry.scope(each)))
            todo += reversed(found)

    def reached(self) -> Collection[Site]:
        """Return the schemas of the given files, and those that references lead to."""
        return self._reached.values()

    def schemas(self) -> list[tuple[Site, Scope]]:
        """Return the schemas that are referred to, with the scope in each."""
        return [target for target in self.targets.values() if isinstance(target, tuple)]

    def unknown(self, names: Iterable[str]) -> Iterator[Problem]:
        """Yield a problem for each reference of the library's own schemas to a type that they do not define."""
        known = set(names)
        for name, place, keyword in self._of_library:
            if name not in known:
                yield _not_of_library(name, place, keyword)

    def _references(self, site: Site) -> Iterator[tuple[str, str, Place]]:
        ignored = ignores_siblings(site.dialect)
        for keyword in REFERENCES:
            value = site.members.get(keyword)
            if isinstance(value, str) and knows(site.dialect, keyword) and (keyword == "$ref" or not ignored):
                yield keyword, value, site.at(keyword)
        hints = site.members.get(HINTS)
        base = hints.get("base") if isinstance(hints, dict) else None
        if isinstance(base, str) and any(char in base for char in "#/:."):
            yield HINTS, base, Place(site.source.document, f"{site.pointer}/{HINTS}/base")
        elif isinstance(base, str) and not (base in HAND_WRITTEN if self._is_library else base == RECORD):
            self._name(base, Place(site.source.document, f"{site.pointer}/{HINTS}/base"), HINTS)

    def _target(
        self, site: Site, scope: Scope, keyword: str, reference: str, place: Place
    ) -> tuple[Site, Scope] | str | None:
        if reference.startswith(SCHEME):
            return self._name(reference.removeprefix(SCHEME), place, keyword)
        target = self._registry.resolve(site, scope, keyword, reference, place)
        return None if target is None else (target, self._registry.scope(target, scope))

    def _name(self, name: str, place: Place, keyword: str) -> str | None:
        """Return a reference to a type of the library."""
        if self._is_library:
            self._of_library.append((name, place, keyword))
            return f"#/$defs/{name}"
        if name in LIBRARY:
            return f"{SCHEME}{name}"
        self.problems.append(_not_of_library(name, place, keyword))
        return None


def _not_of_library(name: str, place: Place, keyword: str) -> Problem:
    remedy = f"one of {', '.join(LIBRARY)}, or a type of yours as #/$defs/Name"
    return place.problem(keyword, f"the library has no type {name[:200]}", remedy)
