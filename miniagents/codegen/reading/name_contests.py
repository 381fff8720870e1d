"""Decide which definitions get their plain names.

Definitions of one name that say the same are one type. If they say different things, the one with the best right keeps
the name, and the others get qualified names. What a schema says depends on the names of those it refers to, so a new
name may set apart others. That is repeated until nothing changes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from miniagents.codegen.documents import JsonValue, Place
from miniagents.codegen.reading.definition_names import Naming
from miniagents.codegen.reading.normalising import Normaliser, Targets, text_of
from miniagents.codegen.reading.registry import Registry
from miniagents.codegen.reading.scopes import ScopedKey
from miniagents.codegen.schema_errors import Problem
from miniagents.codegen.settings import Formats
from miniagents.validation.keywords import DOCUMENTATION

_MOST_ROUNDS: Final = 30
"""The number of rounds after which definitions of one name are no longer compared, but all set apart."""

_REMEDY: Final = 'name one of them by "x-miniagents": {"name": ...}'
_FIXING: Final = 'fix it by "x-miniagents": {"name": ...}, here or in a file for --overlay'


@dataclass(frozen=True, slots=True)
class Named:
    """The names of definitions, and what each says with these names.

    Attributes:
        names: The names by document, pointer and scope. Several definitions have one name if they say the same.
        schemas: The normalised schema of each definition, and the places of all schemas in it.
        first: The definition that stands for all of its name.
        problems: The problems of schemas, and of names that authors wrote twice.
        incomplete: The schemas with references that lead nowhere.
        notes: The qualified names, with what has the plain ones.
    """

    names: Mapping[ScopedKey, str]
    schemas: Mapping[ScopedKey, tuple[JsonValue, Mapping[str, Place]]]
    first: Mapping[str, ScopedKey]
    problems: Sequence[Problem]
    incomplete: Sequence[Place]
    notes: Sequence[Problem]


def settled(naming: Naming, registry: Registry, targets: Targets, formats: Formats) -> Named:
    """Return the names of definitions, such that no two with different schemas have one name.

    Args:
        naming: The names that definitions can have.
        registry: The registry of the schemas.
        targets: The targets of references.
        formats: The meaning of a `format` if its schema does not tell.
    """
    lost: dict[ScopedKey, ScopedKey] = {}
    rounds = 0
    while True:
        rounds += 1
        names = naming.names(lost)
        normaliser = Normaliser(registry, targets, names, formats)
        schemas: dict[ScopedKey, tuple[JsonValue, Mapping[str, Place]]] = {}
        first: dict[str, ScopedKey] = {}
        again: dict[ScopedKey, ScopedKey] = {}
        problems: list[Problem] = []
        for name, keys in _by_name(names).items():
            if len(keys) == 1:
                first[name] = keys[0]
                continue
            schemas |= {key: normaliser.normalised(registry.sites[key[:2]], key[2]) for key in keys}
            first[name], others = _contest(naming, name, keys, schemas, is_last=rounds > _MOST_ROUNDS)
            for each in others:
                if naming.is_fixed(each):
                    problems.append(_place(each).problem("name", _taken(name, first[name]), _REMEDY))
                else:
                    again[each] = first[name]
        if not again:
            break
        lost |= again
    rest = {key: normaliser.normalised(registry.sites[key[:2]], key[2]) for key in names if key not in schemas}
    notes = sorted(_notes(lost, names, naming.names()))
    return Named(names, schemas | rest, first, [*problems, *normaliser.problems], normaliser.incomplete, notes)


def _contest(
    naming: Naming,
    name: str,
    keys: Sequence[ScopedKey],
    schemas: Mapping[ScopedKey, tuple[JsonValue, Mapping[str, Place]]],
    *,
    is_last: bool,
) -> tuple[ScopedKey, list[ScopedKey]]:
    """Return which of several definitions keeps their name, and those that say something else."""
    # Generators of schemas write files that are only a reference to the definition with the name of the file.
    meant = [key for key in keys if not _only_refers_to(schemas[key][0], name)] or [*keys]
    first, *others = sorted(meant, key=naming.rank)
    text = text_of(schemas[first][0])
    return first, [key for key in others if is_last or text_of(schemas[key][0]) != text]


def _only_refers_to(schema: JsonValue, name: str) -> bool:
    if not isinstance(schema, dict) or schema.get("$ref") != f"#/$defs/{name}":
        return False
    return not schema.keys() - DOCUMENTATION - {"$ref"}


def _by_name(names: Mapping[ScopedKey, str]) -> dict[str, list[ScopedKey]]:
    found: dict[str, list[ScopedKey]] = {}
    for key, name in names.items():
        found.setdefault(name, []).append(key)
    return found


def _notes(
    lost: Mapping[ScopedKey, ScopedKey], names: Mapping[ScopedKey, str], plain: Mapping[ScopedKey, str]
) -> Iterator[Problem]:
    for key, first in lost.items():
        yield _place(key).problem("name", f"{_taken(plain[key], first)}; this one is {names[key]}", _FIXING)


def _taken(name: str, holder: ScopedKey) -> str:
    return f"{name} is also the name of {holder[0].name} {holder[1]}"


def _place(key: ScopedKey) -> Place:
    return Place(key[0], key[1])
