"""Read schema files into a bundle: definitions by name, in JSON Schema 2020-12, which refer only to each other.

Users of a bundle need not know files, dialects, identities and references. Schemas are first checked against their
meta-schemas. One run finds all problems of all files.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from miniagents.codegen.documents import Document, JsonValue, Place
from miniagents.codegen.library import HAND_WRITTEN, LIBRARY, RECORD, SCHEME
from miniagents.codegen.reading.circles import endless
from miniagents.codegen.reading.definition_names import NAME_REMEDY, definitions_of, names_of
from miniagents.codegen.reading.dialects import ignores_siblings, knows
from miniagents.codegen.reading.metaschemas import Metaschemas
from miniagents.codegen.reading.normalising import Normaliser, text_of
from miniagents.codegen.reading.registry import Registry, Site
from miniagents.codegen.reading.sources import Source, load
from miniagents.codegen.schema_errors import GenerationError, Problem
from miniagents.codegen.settings import USUAL, Settings
from miniagents.validation.keywords import DOCUMENTATION, HINTS, REFERENCES


@dataclass(frozen=True, slots=True)
class Definition:
    """A schema with a name.

    Attributes:
        name: The name in PascalCase, unique in the bundle. It comes from the key of a definition, from the title or the
            stem of a file, or from the place of the schema.
        schema: JSON Schema 2020-12 without identities: every `$ref` is `#/$defs/` and the name of a definition, or
            `miniagents:` and the name of a type of the library; every `pattern` is for Python's `re.search`. Notes
            (`title`, `description`, `default`, `format`, unknown keywords, …) are kept.
        place: The place of the definition in its file.
        origins: The places of all schemas in `schema`, by JSON pointer ("" is the whole).
    """

    name: str
    schema: JsonValue
    place: Place
    origins: Mapping[str, Place]


@dataclass(frozen=True, slots=True)
class Bundle:
    """The definitions of some schema files.

    Attributes:
        definitions: The definitions by name, in the order of the files and in the order of each file.
        files: The files that were read, in the order of their paths.
        doc: The descriptions of files that contain only definitions.
        is_library: Whether they are the library's own schemas.
        settings: The choices of the user where schemas leave something open.
    """

    definitions: Mapping[str, Definition]
    files: tuple[Path, ...]
    doc: str
    is_library: bool
    settings: Settings = USUAL


def read_bundle(paths: Sequence[Path], *, is_library: bool = False, settings: Settings = USUAL) -> Bundle:
    """Read schema files.

    Args:
        paths: JSON and YAML files (the latter with the extra `yaml`), and folders of files that end in `.schema.json`,
            `.schema.yaml` or `.schema.yml`. Their order does not matter.
        is_library: Whether they are the library's own schemas, the targets of references with `miniagents:`.
        settings: The choices of the user where schemas leave something open.

    Raises:
        GenerationError: Something is wrong with the files, or a package is not installed; it has all problems.
    """
    return bundle_of(load(paths), is_library=is_library, settings=settings)


def bundle_of(sources: Sequence[Source], *, is_library: bool = False, settings: Settings = USUAL) -> Bundle:
    """Return the definitions of schema files that are loaded.

    Args:
        sources: The files, in the order of their absolute paths.
        is_library: Whether they are the library's own schemas.
        settings: The choices of the user where schemas leave something open.

    Raises:
        GenerationError: Something is wrong with the files; it has all problems.
    """
    registry = Registry(sources)
    references = _References(registry, is_library)
    references.follow()
    problems = [*references.problems]
    metaschemas = Metaschemas()
    for site in registry.sites.values():
        problems += metaschemas.problems(site)
    problems += _changed_meanings(registry)
    own = list(definitions_of(registry))
    names = names_of(own, references.schemas(), problems)
    if is_library:
        problems += references.unknown(names.values())
    normaliser = Normaliser(registry.sites, references.targets, names, settings.formats)
    sites = [registry.sites[key] for key in names]
    order = {source.document: place for place, source in enumerate(registry.sources)}
    sites.sort(
        key=lambda site: order[site.source.document]
    )  # the sort is stable: definitions of files stay before targets
    made = [_definition(normaliser, site, names) for site in sites]
    definitions = _united(made, problems)
    problems += registry.problems + normaliser.problems
    problems += endless({name: each.schema for name, each in definitions.items()}, definitions)
    if problems:
        raise GenerationError(tuple(dict.fromkeys(problems)))
    kept = {each.place for each in definitions.values()}
    docs = (registry.sites[source.document, "#"] for source in registry.sources)
    texts = (root.members.get("description") for root in docs if root.place not in kept)
    doc = "\n\n".join(text.strip() for text in texts if isinstance(text, str) and text.strip())
    return Bundle(definitions, tuple(source.path for source in registry.sources), doc, is_library, settings)


def _definition(normaliser: Normaliser, site: Site, names: Mapping[tuple[Document, str], str]) -> Definition:
    schema, origins = normaliser.normalised(site)
    return Definition(names[site.source.document, site.pointer], schema, site.place, origins)


def _united(definitions: Sequence[Definition], problems: list[Problem]) -> dict[str, Definition]:
    """Return definitions by name; if several have one name, take the first, and report those that differ from it."""
    by_name: dict[str, list[Definition]] = {}
    for each in definitions:
        by_name.setdefault(each.name, []).append(each)
    result: dict[str, Definition] = {}
    for name, group in by_name.items():
        # Generators of schemas write files that are only a reference to the definition with the name of the file.
        meant = [each for each in group if not _only_refers_to(each.schema, name)] if len(group) > 1 else group
        first, *others = meant or group[:1]
        result[name] = first
        text = text_of(first.schema) if others else ""
        for other in others:
            if text_of(other.schema) != text:
                where = f"{first.place.document.name} {first.place.pointer}"
                problems.append(other.place.problem("name", f"{name} is also the name of {where}", NAME_REMEDY))
    return result


def _only_refers_to(schema: JsonValue, name: str) -> bool:
    if not isinstance(schema, dict) or schema.get("$ref") != f"#/$defs/{name}":
        return False
    return not schema.keys() - DOCUMENTATION - {"$ref"}


def _changed_meanings(registry: Registry) -> Iterator[Problem]:
    """Yield a problem for each keyword whose meaning differs between an older dialect and the newest."""
    if not any("unevaluatedItems" in site.members for site in registry.sites.values()):
        return
    for site in registry.sites.values():
        if "contains" in site.members and site.dialect.number < 2020:
            wrong = f"in {site.dialect.name} what it finds is not evaluated for unevaluatedItems; in 2020-12 it is"
            yield site.at("contains").problem("contains", wrong, "write the file in 2020-12")


class _References:
    """The targets of the references in all files."""

    def __init__(self, registry: Registry, is_library: bool) -> None:
        self.targets: dict[tuple[Document, str, str], Site | str] = {}
        self.problems: list[Problem] = []
        self._registry = registry
        self._is_library = is_library
        self._of_library: list[tuple[str, Place, str]] = []

    def follow(self) -> None:
        """Resolve every reference, also those in schemas that are found by resolving others."""
        done = 0
        while done < len(self._registry.sites):
            for site in list(self._registry.sites.values())[done:]:
                done += 1
                for keyword, reference, place in self._references(site):
                    target = self._target(site, keyword, reference, place)
                    if target is not None:
                        self.targets[site.source.document, site.pointer, keyword] = target

    def schemas(self) -> list[Site]:
        """Return the schemas that are referred to."""
        return [target for target in self.targets.values() if isinstance(target, Site)]

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

    def _target(self, site: Site, keyword: str, reference: str, place: Place) -> Site | str | None:
        if reference.startswith(SCHEME):
            return self._name(reference.removeprefix(SCHEME), place, keyword)
        return self._registry.resolve(site, keyword, reference, place)

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
