"""Choose the schemas that become definitions, and their names.

A definition is a schema that a file defines by name, a whole file that describes values, or the target of a reference.
A name depends only on the schema and its own place, so adding another definition changes no name.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from miniagents.codegen.documents import escape
from miniagents.codegen.names import definition_name, is_class_name
from miniagents.codegen.reading.registry import Registry, Site
from miniagents.codegen.reading.scopes import Key, Scope, ScopedKey
from miniagents.codegen.schema_errors import Problem
from miniagents.validation.keywords import DEFINITIONS, DOCUMENTATION, HINTS, IDENTITY, KNOWN, NAMED

NAME_REMEDY: Final = 'name one of them by "x-miniagents": {"name": ...}'
"""The remedy for two definitions of one name."""

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


def names_of(
    definitions: Iterable[tuple[Site, Scope]], targets: Iterable[tuple[Site, Scope]], problems: list[Problem]
) -> dict[ScopedKey, str]:
    """Return the names of definitions by their document, pointer and scope; two may have the same.

    Args:
        definitions: The schemas that files define, each with its scope.
        targets: The targets of references, each with its scope.
        problems: The list to which problems of names in hints are added.
    """
    names: dict[Key, str] = {}
    scopes: dict[Key, dict[Scope, None]] = {}
    own: dict[Key, Scope] = {}
    for site, scope in definitions:
        key = site.source.document, site.pointer
        names.setdefault(key, _hint(site, problems) or _own_name(site))
        own.setdefault(key, scope)
        scopes.setdefault(key, {}).setdefault(scope)
    rest: dict[Key, Site] = {}
    for site, scope in targets:
        key = site.source.document, site.pointer
        scopes.setdefault(key, {}).setdefault(scope)
        if key not in names:
            rest[key] = site
    for _, site in sorted(rest.items(), key=lambda each: (each[1].source.absolute, each[0][1].count("/"), each[0][1])):
        names[site.source.document, site.pointer] = _hint(site, problems) or _place_name(site, names)
    return {
        (*key, scope): name if scope == own.get(key) or len(scopes[key]) == 1 else _scoped_name(name, scope, names)
        for key, name in names.items()
        for scope in scopes[key]
    }


def _scoped_name(name: str, scope: Scope, names: Mapping[Key, str]) -> str:
    """Return the name of a definition in one of several dynamic scopes: with the schemas that the scope holds."""
    others = dict.fromkeys(names.get(key) or definition_name(key[1]) for _, key in scope)
    return f"{name}Of{''.join([each for each in others if each != name] or others)}"


def _own_name(site: Site) -> str:
    if site.label:
        return definition_name(site.label)
    if site.pointer != "#":
        return definition_name(site.steps[-1])
    title = site.members.get("title")
    return definition_name(title if isinstance(title, str) and title.strip() else site.source.stem)


def _place_name(site: Site, names: Mapping[Key, str]) -> str:
    """Return the name of a schema inside others: the name of the nearest named one, and the steps from there."""
    words: list[str] = []
    here = site
    while (here.source.document, here.pointer) not in names and here.parent is not None:
        words = [*_words(here.steps), *words]
        here = here.parent
    known = names.get((here.source.document, here.pointer))
    if known is None and here.label and here.pointer == "#":
        # Somewhere in an API document: its names may be numbers. `~` and `/` of a step are no part of a name anyway.
        return "".join(_capital(step.replace("~1", "/")) for step in site.pointer.split("/")[1:])
    if known is None and site.parent is here and not describes(here):
        return definition_name(site.steps[-1])  # an unknown keyword, which the author uses for definitions
    return (known or _own_name(here)) + "".join(words)


def _words(steps: tuple[str, ...]) -> Iterator[str]:
    """Yield the words that the steps from one schema to the next add to a name."""
    keyword, *rest = steps
    if keyword in NAMED and rest:
        yield from (_capital(step) for step in rest)
    else:
        yield _PLACES.get(keyword) or _capital(keyword)
        yield from (_capital(step) if not step.isdecimal() else str(int(step) + 1) for step in rest)


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
