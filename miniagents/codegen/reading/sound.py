"""Find the definitions that problems elsewhere do not concern, so that one run can report the problems of them all."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Protocol, TypeVar

from miniagents.codegen.documents import JsonValue, Place
from miniagents.codegen.schema_errors import Problem

_REFERENCE: Final = "#/$defs/"


class _Definition(Protocol):
    @property
    def schema(self) -> JsonValue: ...

    @property
    def origins(self) -> Mapping[str, Place]: ...


DefinitionT = TypeVar("DefinitionT", bound=_Definition)


def sound(
    definitions: Mapping[str, DefinitionT], problems: Iterable[Problem], incomplete: Iterable[Place]
) -> dict[str, DefinitionT]:
    """Return the definitions without problems that refer only to such definitions.

    Args:
        definitions: All definitions by name.
        problems: The problems of them; if one is not inside of any definition, none of them is returned.
        incomplete: The places of schemas that lack something, because of a problem elsewhere.
    """
    owners: dict[tuple[str, str], set[str]] = {}
    users: dict[str, set[str]] = {}
    for name, each in definitions.items():
        for place in each.origins.values():
            owners.setdefault((place.document.name, place.pointer), set()).add(name)
        for other in _referred(each.schema):
            users.setdefault(other, set()).add(name)
    todo: list[str] = []
    for file, pointer in (
        *((each.file, each.pointer) for each in problems),
        *((each.document.name, each.pointer) for each in incomplete),
    ):
        here = pointer
        while (file, here) not in owners and "/" in here:
            here = here.rpartition("/")[0]
        if (file, here) not in owners:
            return {}
        todo += owners[file, here]
    wrong: set[str] = set()
    while todo:
        name = todo.pop()
        if name not in wrong:
            wrong.add(name)
            todo += users.get(name, ())
    return {name: each for name, each in definitions.items() if name not in wrong}


def _referred(schema: JsonValue) -> Iterator[str]:
    """Yield the names in texts that may be references."""
    todo = [schema]
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            todo += value.values()
        elif isinstance(value, list):
            todo += value
        elif isinstance(value, str) and value.startswith(_REFERENCE):
            yield value.removeprefix(_REFERENCE)
