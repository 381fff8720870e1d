"""Find definitions that refer to themselves endlessly, directly or through others, for one and the same value."""

from collections.abc import Iterator, Mapping
from typing import Final, Protocol

from miniagents.codegen.documents import JsonValue, Place, escape
from miniagents.codegen.schema_errors import Problem
from miniagents.validation.keywords import IN_PLACE, NAMED

_PREFIX: Final = "#/$defs/"
_SHOWN: Final = 5


class Placed(Protocol):
    """An object that knows the places of its schemas."""

    @property
    def origins(self) -> Mapping[str, Place]:
        """The places of its schemas, by JSON pointer."""
        ...


def endless(schemas: Mapping[str, JsonValue], definitions: Mapping[str, Placed]) -> Iterator[Problem]:
    """Yield a problem for every circle of definitions that apply each other to the value itself."""
    references = {name: dict(_references(schema)) for name, schema in schemas.items()}
    edges = {name: [each for each in found if each in schemas] for name, found in references.items()}
    for group in _knots(edges):
        members = set(group)
        start = min(group)
        path: list[str] = [start]
        while True:  # in the group every definition leads to another one, so the path must come back
            following = next(each for each in edges[path[-1]] if each in members)
            if following in path[-_SHOWN:] or len(path) == _SHOWN:
                break
            path.append(following)
        if following in path:
            path = path[path.index(following) :]
        elif following != start:
            path.append("…")
            following = start
        pointer = references[path[0]][next(each for each in edges[path[0]] if each in members)]
        origin = definitions[path[0]].origins.get(pointer) or definitions[path[0]].origins[""]
        place = Place(origin.document, f"{origin.pointer}/$ref")
        wrong = f"refers to itself without end: {' -> '.join([*path, following])}"
        yield place.problem("$ref", wrong, "put an object with a property between")


def _references(schema: JsonValue) -> Iterator[tuple[str, str]]:
    """Yield the definitions that a schema applies to the value itself: name, and JSON pointer of the reference."""
    todo: list[tuple[JsonValue, str]] = [(schema, "")]
    while todo:
        each, pointer = todo.pop()
        if not isinstance(each, dict):
            continue
        reference = each.get("$ref")
        if isinstance(reference, str) and reference.startswith(_PREFIX):
            yield reference.removeprefix(_PREFIX), pointer
        for keyword, value in each.items():
            if keyword not in IN_PLACE:
                continue
            if isinstance(value, list):
                todo.extend((item, f"{pointer}/{keyword}/{index}") for index, item in enumerate(value))
            elif keyword in NAMED and isinstance(value, dict):
                todo.extend((item, f"{pointer}/{keyword}/{escape(name)}") for name, item in value.items())
            else:
                todo.append((value, f"{pointer}/{keyword}"))


def _knots(edges: Mapping[str, list[str]]) -> Iterator[list[str]]:
    """Yield the strongly connected components that have a circle (Tarjan's algorithm without recursion)."""
    found: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    waiting: set[str] = set()
    for root in edges:
        todo = [] if root in found else [(root, iter(edges[root]))]
        while todo:
            node, rest = todo[-1]
            if node not in found:
                found[node] = lowest[node] = len(found)
                stack.append(node)
                waiting.add(node)
            for each in rest:
                if each not in found:
                    todo.append((each, iter(edges[each])))
                    break
                if each in waiting:
                    lowest[node] = min(lowest[node], found[each])
            else:
                todo.pop()
                if todo:
                    lowest[todo[-1][0]] = min(lowest[todo[-1][0]], lowest[node])
                if lowest[node] == found[node]:
                    group = [stack.pop()]
                    while group[-1] != node:
                        group.append(stack.pop())
                    waiting.difference_update(group)
                    if len(group) > 1 or node in edges[node]:
                        yield group
