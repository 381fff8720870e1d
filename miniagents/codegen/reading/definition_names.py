"""Choose the schemas that become definitions, and their names.

A definition is a schema that a file defines by name, a whole file that describes values, or the target of a reference.
A name depends only on the schema and its own place, never on the number or the order of other definitions.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from miniagents.codegen.documents import escape
from miniagents.codegen.names import definition_name, is_class_name
from miniagents.codegen.reading.qualified_names import digests, qualified_names, steps_to
from miniagents.codegen.reading.registry import Registry, Site
from miniagents.codegen.reading.scopes import Key, Scope, ScopedKey
from miniagents.codegen.schema_errors import Problem
from miniagents.validation.keywords import DEFINITIONS, DOCUMENTATION, HINTS, IDENTITY, KNOWN, NAMED

_DIGITS: Final = 9
"""The greatest number of digits of a place in an array; Python refuses to read thousands of them."""

_PLACES: Final = {"items": "Item", "prefixItems": "Item", "additionalProperties": "Value"}


def definitions_of(registry: Registry) -> Iterator[Site]:
    """Yield the schemas that files define by name or as a whole, file by file."""
    for source in registry.sources:
        if source.is_given:
            yield from registry.parts.get(source.document, ())
        root = registry.sites.get((source.document, "#"))
        if root is None or not source.is_given:
            continue
        has_definitions = False
        for keyword in DEFINITIONS:
            members = root.members.get(keyword)
            for key in members if isinstance(members, dict) else ():
                has_definitions = True
                site = registry.sites.get((source.document, f"#/{keyword}/{escape(key)}"))
                if site is not None:
                    yield site
        if describes(root) or not has_definitions:
            yield root


def describes(root: Site) -> bool:
    """Return whether a schema describes values, rather than only containing definitions."""
    return isinstance(root.value, bool) or bool(root.value.keys() & KNOWN - IDENTITY - DOCUMENTATION)


class Naming:
    """Gives names to definitions.

    Every definition has one name that it gets if no better one of that name says something else: its plain name. The
    others get qualified names, which also come from their own places. So an additional definition renames nothing
    unless it has a better right to the same plain name.

    Args:
        definitions: The schemas that files define, each with its scope.
        targets: The targets of references, each with its scope.
        common: The folder that contains all given files.

    Attributes:
        problems: The problems of names in hints.
    """

    def __init__(
        self, definitions: Iterable[tuple[Site, Scope]], targets: Iterable[tuple[Site, Scope]], common: Path
    ) -> None:
        self.problems: list[Problem] = []
        self._common = common
        self._scopes: dict[Key, dict[Scope, None]] = {}
        self._own: dict[Key, Scope] = {}
        self._sites: dict[Key, Site] = {}
        for site, scope in definitions:
            self._add(site, scope)
            self._own.setdefault((site.source.document, site.pointer), scope)
        for site, scope in sorted(targets, key=_place_order):
            self._add(site, scope)
        fixed = {key: _hint(site, self.problems) for key, site in self._sites.items()}
        self._fixed = {key: name for key, name in fixed.items() if name is not None}
        self._order = sorted(self._sites, key=self._right)
        self._ranks = {key: rank for rank, key in enumerate(self._order)}

    def names(self, lost: Collection[ScopedKey] = ()) -> dict[ScopedKey, str]:
        """Return the names of definitions by their document, pointer and scope; several may have the same plain name.

        Args:
            lost: The definitions that get qualified names, because others have a better right to their plain names.
        """
        names: dict[Key, str] = {}
        taken: set[str] = set()
        for key in self._order:
            site = self._sites[key]
            parts = (self._fixed[key],) if key in self._fixed else self._parts(site, names)
            name = "".join(parts)
            if (*key, self._plain_scope(key)) in lost:
                around = steps_to(site.source, self._common)
                name = next(other for other in qualified_names(site, parts, around) if other not in taken)
            names[key] = name
            taken.add(name)
        result: dict[ScopedKey, str] = {}
        used = set(names.values())
        for key in self._sites:
            for scope in self._scopes[key]:
                name = self._scoped(key, scope, names)
                if (*key, scope) in lost and scope != self._plain_scope(key):
                    others = (f"{name}_{each}" for each in digests(*(f"{anchor} {at}" for anchor, (_, at) in scope)))
                    name = next(other for other in others if other not in used)
                    used.add(name)
                result[*key, scope] = name
        return result

    def is_fixed(self, key: ScopedKey) -> bool:
        """Return whether the author of a definition wrote its name."""
        return key[:2] in self._fixed and key[2] == self._plain_scope(key[:2])

    def rank(self, key: ScopedKey) -> tuple[int, bool]:
        """Return a number that is smaller, the better the right of a definition to its plain name is."""
        return self._ranks[key[:2]], key[2] != self._plain_scope(key[:2])

    def _add(self, site: Site, scope: Scope) -> None:
        key = site.source.document, site.pointer
        self._sites.setdefault(key, site)
        self._scopes.setdefault(key, {}).setdefault(scope)

    def _right(self, key: Key) -> tuple[object, ...]:
        """Return a sort key: names in hints, exact names of definitions, other names of definitions, files, places."""
        site = self._sites[key]
        if key not in self._own:
            kind, length = 4, key[1].count("/")
        else:
            text = _text_of_name(site)
            is_root = site.pointer == "#" and not site.label
            kind, length = 3 if is_root else 2 if definition_name(text) != text else 1, len(text)
        folders = "".join(f"{step}/" for step in steps_to(site.source, self._common))
        file = not site.source.is_given, f"{folders}{site.source.path.name}", site.source.absolute
        return 0 if key in self._fixed else kind, length, file, key[1]

    def _parts(self, site: Site, names: Mapping[Key, str]) -> tuple[str, ...]:
        is_own = (site.source.document, site.pointer) in self._own
        return (definition_name(_text_of_name(site)),) if is_own else _place_name(site, names)

    def _plain_scope(self, key: Key) -> Scope | None:
        """Return the scope in which a definition has its own name, rather than one made from it."""
        scopes = self._scopes[key]
        return next(iter(scopes)) if len(scopes) == 1 else self._own.get(key)

    def _scoped(self, key: Key, scope: Scope, names: Mapping[Key, str]) -> str:
        """Return the name of a definition in one of several dynamic scopes: with the schemas that the scope holds."""
        name = names[key]
        if scope == self._plain_scope(key):
            return name
        others = dict.fromkeys(names.get(each) or definition_name(each[1]) for _, each in scope)
        return f"{name}Of{''.join([each for each in others if each != name] or others)}"


def _place_order(each: tuple[Site, Scope]) -> tuple[str, int, str]:
    site = each[0]
    return site.source.absolute, site.pointer.count("/"), site.pointer


def _text_of_name(site: Site) -> str:
    """Return the text of which the name of a definition is made."""
    if site.label:
        return site.label
    if site.pointer != "#":
        return site.steps[-1]
    title = site.members.get("title")
    return title if isinstance(title, str) and title.strip() else site.source.stem


def _place_name(site: Site, names: Mapping[Key, str]) -> tuple[str, ...]:
    """Return the name of a schema inside others: the name of the nearest named one, and the words from there."""
    words: list[str] = []
    here = site
    while (here.source.document, here.pointer) not in names and here.parent is not None:
        words = [*_words(here.steps), *words]
        here = here.parent
    known = names.get((here.source.document, here.pointer))
    if known is None and here.label and here.pointer == "#":
        # Somewhere in an API document: its names may be numbers. `~` and `/` of a step are no part of a name anyway.
        return ("".join(_capital(step.replace("~1", "/")) for step in site.pointer.split("/")[1:]),)
    if known is None and site.parent is here and not describes(here):
        return (definition_name(site.steps[-1]),)  # an unknown keyword, which the author uses for definitions
    return (known or definition_name(_text_of_name(here)), "".join(words))


def _words(steps: tuple[str, ...]) -> Iterator[str]:
    """Yield the words that the steps from one schema to the next add to a name."""
    keyword, *rest = steps
    if keyword in NAMED and rest:
        yield from (_capital(step) for step in rest)
    else:
        yield _PLACES.get(keyword) or _capital(keyword)
        yield from (
            str(int(step) + 1) if step.isdecimal() and len(step) <= _DIGITS else _capital(step) for step in rest
        )


def _capital(step: str) -> str:
    name = definition_name(step)
    return name.removeprefix("Type") if step[:1].isdigit() else name


def _hint(site: Site, problems: list[Problem]) -> str | None:
    hints = site.members.get(HINTS)
    name = hints.get("name") if isinstance(hints, dict) else None
    if name is None:
        return None
    if isinstance(name, str) and is_class_name(name):
        return name
    wrong = f"name: not allowed: {str(name)[:60]}"
    remedy = "write a name in PascalCase, such as WeatherReport"
    problems.append(site.at(HINTS).problem(HINTS, wrong, remedy))
    return None
