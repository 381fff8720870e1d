"""Read schema files into a bundle: definitions by name, in JSON Schema 2020-12, which refer only to each other.

Users of a bundle need not know files, dialects, identities and references. Schemas are first checked against their
meta-schemas. One run finds all problems of all files.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from miniagents.codegen.documents import JsonValue, Place
from miniagents.codegen.reading.circles import endless
from miniagents.codegen.reading.definition_names import Naming, definitions_of
from miniagents.codegen.reading.metaschemas import Metaschemas
from miniagents.codegen.reading.name_contests import settled
from miniagents.codegen.reading.normalising import IGNORING
from miniagents.codegen.reading.overlays import overlaid
from miniagents.codegen.reading.qualified_names import common_folder
from miniagents.codegen.reading.references import References
from miniagents.codegen.reading.registry import Registry, Site
from miniagents.codegen.reading.scopes import ScopedKey
from miniagents.codegen.reading.sound import sound
from miniagents.codegen.reading.sources import Source, loaded
from miniagents.codegen.schema_errors import GenerationError, Problem
from miniagents.codegen.settings import USUAL, Settings


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
        warnings: What is doubtful in the files, although it refuses nothing.
    """

    definitions: Mapping[str, Definition]
    files: tuple[Path, ...]
    doc: str
    is_library: bool
    settings: Settings = USUAL
    warnings: tuple[Problem, ...] = ()


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
    bundle, problems = read_sound(paths, is_library=is_library, settings=settings)
    if problems:
        raise GenerationError(problems, bundle.warnings)
    return bundle


def read_sound(
    paths: Sequence[Path], *, is_library: bool = False, settings: Settings = USUAL
) -> tuple[Bundle, tuple[Problem, ...]]:
    """Read schema files, and return the definitions that no problem concerns, and all problems.

    Args:
        paths: Files and folders.
        is_library: Whether they are the library's own schemas.
        settings: The choices of the user where schemas leave something open.

    Raises:
        GenerationError: A package is not installed.
    """
    unreadable: list[Problem] = []
    sources = loaded(paths, settings.reading, unreadable)
    bundle, problems = _bundle_of(sources, is_library, settings, is_whole=not unreadable)
    return bundle, tuple(dict.fromkeys([*unreadable, *problems]))


def bundle_of(sources: Sequence[Source], *, is_library: bool = False, settings: Settings = USUAL) -> Bundle:
    """Return the definitions of schema files that are loaded.

    Args:
        sources: The files, in the order of their absolute paths.
        is_library: Whether they are the library's own schemas.
        settings: The choices of the user where schemas leave something open.

    Raises:
        GenerationError: Something is wrong with the files; it has all problems.
    """
    bundle, problems = _bundle_of(sources, is_library, settings)
    if problems:
        raise GenerationError(tuple(dict.fromkeys(problems)), bundle.warnings)
    return bundle


def _bundle_of(
    sources: Sequence[Source], is_library: bool, settings: Settings, *, is_whole: bool = True
) -> tuple[Bundle, list[Problem]]:
    """Return the definitions that no problem concerns, and all problems.

    Args:
        sources: The files, in the order of their absolute paths.
        is_library: Whether they are the library's own schemas.
        settings: The choices of the user where schemas leave something open.
        is_whole: Whether all files could be read; otherwise references may lead to the others.
    """
    reading = settings.reading
    problems: list[Problem] = []
    sources = overlaid(sources, reading, problems)
    registry = Registry(sources, reading.operations, reading.strict_keywords)
    references = References(registry, is_library)
    references.follow()
    problems += [*references.problems, *(registry.missing_files() if is_whole else ())]
    metaschemas = Metaschemas(reading)
    for site in references.reached():
        problems += metaschemas.problems(site)
    problems += _changed_meanings(references.reached())
    own = list(definitions_of(registry))
    problems += _without_schemas(registry)
    naming = Naming([(site, registry.scope(site)) for site in own], references.schemas(), common_folder(sources))
    named = settled(naming, registry, references.targets, settings.formats)
    if is_library:
        problems += references.unknown(named.names.values())
    order = {source.document: place for place, source in enumerate(registry.sources)}
    keys = sorted(named.names, key=lambda key: order.get(key[0], len(order)))  # stable: definitions before targets
    definitions: dict[str, Definition] = {}
    for key in keys:
        name = named.names[key]
        if name not in definitions:
            first = named.first[name]
            definitions[name] = _definition(name, first, *named.schemas[first])
    problems += registry.problems + naming.problems + [*named.problems]
    problems += endless({name: each.schema for name, each in definitions.items()}, definitions)
    warnings = tuple(dict.fromkeys([*registry.warnings, *metaschemas.warnings(), *named.notes]))
    if problems:
        definitions = sound(definitions, problems, named.incomplete)
    kept = {each.place for each in definitions.values()}
    used = {key[0] for key in keys}
    files = tuple(source.path for source in registry.sources if source.is_given or source.document in used)
    return Bundle(definitions, files, _doc(registry, kept), is_library, settings, warnings), problems


def _doc(registry: Registry, kept: Collection[Place]) -> str:
    """Return the descriptions of files whose root is no definition, and the titles of API documents."""
    texts: list[JsonValue] = []
    for source in registry.sources:
        if source.document in registry.apis:
            texts.append(registry.apis[source.document].title)
        elif source.is_given and (source.document, "#") in registry.sites:
            root = registry.sites[source.document, "#"]
            texts.append(None if root.place in kept else root.members.get("description"))
    return "\n\n".join(text.strip() for text in texts if isinstance(text, str) and text.strip())


def _without_schemas(registry: Registry) -> Iterator[Problem]:
    """Yield a problem for each API document of which nothing would be generated."""
    for document, api in registry.apis.items():
        if registry.is_given(document) and not registry.parts[document]:
            wrong = f"the document describes no {'definitions' if api.kind == 'swagger' else 'components/schemas'}"
            remedy = "give other files" if registry.operations else "write --operations for the schemas of operations"
            yield document.root.place.problem(api.kind, wrong, remedy)


def _definition(name: str, key: ScopedKey, schema: JsonValue, origins: Mapping[str, Place]) -> Definition:
    return Definition(name, schema, Place(key[0], key[1]), origins)


def _changed_meanings(sites: Collection[Site]) -> Iterator[Problem]:
    """Yield a problem for each keyword whose meaning differs between an older dialect and the newest."""
    if not any("unevaluatedItems" in site.members and site.dialect.number >= 2019 for site in sites):
        return
    for site in sites:
        if "contains" in site.members and 6 <= site.dialect.number < 2020:
            wrong = f"in {site.dialect.name} what it finds is not evaluated for unevaluatedItems; in 2020-12 it is"
            yield site.at("contains").problem("contains", wrong, f'write the file in 2020-12, {IGNORING} ["contains"]')
