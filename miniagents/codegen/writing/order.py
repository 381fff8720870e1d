"""The order of the types in a module: the types that a type is made of come before it.

The types that it only mentions come before it too, if possible.
"""

import heapq
from collections.abc import Iterable

from miniagents.codegen.model import AliasType, Module, TypeDefinition, made_of, named_in


def in_order(module: Module) -> tuple[TypeDefinition, ...]:
    """Return the types in dependency order, and otherwise in the order of the schemas.

    A class comes after its base, and an alias after all types that it mentions. A class comes after the types of its
    fields, unless they mention the class in turn. Then the first of them in the schemas comes first.
    """
    position = {each.name: index for index, each in enumerate(module.types)}
    needs: dict[str, set[str]] = {}
    wants: dict[str, set[str]] = {}
    for each in module.types:
        needs[each.name] = _known(made_of(each), position, each.name)
        wants[each.name] = needs[each.name] | _known(_mentioned(each), position, each.name)
    needed_by, wanted_by = _reversed(needs), _reversed(wants)
    content = [position[name] for name, names in wants.items() if not names]
    possible = [position[name] for name, names in needs.items() if not names]
    heapq.heapify(content)
    heapq.heapify(possible)
    done: dict[str, TypeDefinition] = {}
    while content or possible:
        each = module.types[heapq.heappop(content or possible)]
        if each.name in done:
            continue
        done[each.name] = each
        for name in needed_by.get(each.name, ()):
            needs[name].discard(each.name)
            if not needs[name]:
                heapq.heappush(possible, position[name])
        for name in wanted_by.get(each.name, ()):
            wants[name].discard(each.name)
            if not wants[name]:
                heapq.heappush(content, position[name])
    return tuple(done.values())


def _mentioned(definition: TypeDefinition) -> list[str]:
    if isinstance(definition, AliasType):
        return []
    return [name for field in definition.fields for name in named_in(field.form)]


def _known(names: Iterable[str], position: dict[str, int], itself: str) -> set[str]:
    return {name for name in names if name in position and name != itself}


def _reversed(edges: dict[str, set[str]]) -> dict[str, list[str]]:
    result: dict[str, list[str]] = {}
    for name, targets in edges.items():
        for target in targets:
            result.setdefault(target, []).append(name)
    return result
