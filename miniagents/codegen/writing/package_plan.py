"""Divide the types of a package among its modules.

There is a module for each schema file. If a file has very many types, each of its definitions gets a module of its own,
and the file's module has only aliases of scalars and the like.

A module imports another one if its types cannot be made without: for the base of a class, and for all that an alias
mentions. Other modules are imported too, unless that makes a circle. Names of modules in a circle are imported for type
checkers only, and the codec of the package sets them when all modules are there.
"""

import keyword
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

from miniagents.codegen.documents import Place
from miniagents.codegen.model import AliasType, Module, TypeDefinition, forms_of, made_of, named_in
from miniagents.codegen.names import MODULE_NAMES
from miniagents.codegen.schema_errors import GenerationError, Problem
from miniagents.codegen.writing.order import in_order

MOST_TYPES: Final = 200
"""The greatest number of types in the module of one file."""

_TAKEN: Final = MODULE_NAMES | {"decode", "encode", "schema_table", "miniagents"}


@dataclass(frozen=True, slots=True)
class Part:
    """A module of a package.

    Attributes:
        name: Its name.
        sources: The schema files of its types.
        types: Its types, in the order in which they are written.
        imports: The types that it imports, each with the name of its module.
        later: The types that it mentions, and that exist only after it.
    """

    name: str
    sources: tuple[str, ...]
    types: tuple[TypeDefinition, ...]
    imports: Mapping[str, str]
    later: Mapping[str, str]


def parts_of_package(module: Module) -> tuple[Part, ...]:
    """Return the modules of a package, sorted by name.

    Raises:
        GenerationError: Two modules would have the same name.
    """
    types = in_order(module)
    homes = {each.name: home for each, home in zip(types, _homes(types), strict=True)}
    needs = {each.name: _known(made_of(each), homes) for each in types}
    mentions = {
        each.name: needs[each.name] | _known((name for form in forms_of(each) for name in named_in(form)), homes)
        for each in types
    }
    # types of modules that need each other stand in one of them
    homes = _joined(homes, circles(_between(homes, needs)))
    names = _names({*homes.values()}, {*homes})
    circle_of = {home: group for group in circles(_between(homes, mentions)) for home in group}
    found: list[Part] = []
    for home in {*homes.values()}:
        own = tuple(each for each in types if homes[each.name] == home)
        needed = {name for each in own for name in needs[each.name]}
        others = {name for each in own for name in mentions[each.name] if homes[name] != home}
        later = {name for name in others - needed if homes[name] in circle_of[home]}
        sources = tuple(sorted({_place(each).document.name for each in own}))
        found.append(
            Part(
                names[home],
                sources,
                own,
                {name: names[homes[name]] for name in sorted(others - later)},
                {name: names[homes[name]] for name in sorted(later)},
            )
        )
    return tuple(sorted(found, key=lambda each: each.name))


@dataclass(frozen=True, slots=True, order=True)
class _Home:
    """The file of a type, and the name of its definition if the file has very many of them."""

    file: str
    definition: str = ""


def _place(definition: TypeDefinition) -> Place:
    if definition.place is None:
        raise TypeError(f"{definition.name} has no place")
    return definition.place


def _homes(types: Iterable[TypeDefinition]) -> list[_Home]:
    every = [*types]
    counts: dict[str, int] = {}
    for each in every:
        counts[_place(each).document.name] = counts.get(_place(each).document.name, 0) + 1
    small: set[str] = set()
    homes: list[_Home] = []
    for each in every:  # an alias comes after all that it mentions
        place = _place(each)
        if isinstance(each, AliasType) and small.issuperset(named_in(each.form)):
            small.add(each.name)
            homes.append(_Home(place.document.name))
        else:
            many = counts[place.document.name] > MOST_TYPES
            homes.append(_Home(place.document.name, _definition_at(place.pointer) if many else ""))
    return homes


def _definition_at(pointer: str) -> str:
    """Return the name of the definition that a pointer leads into; "" is the whole file.

    >>> _definition_at("#/$defs/a~1b/properties/x"), _definition_at("#/components/schemas/Pet"), _definition_at("#")
    ('a/b', 'Pet', '')
    """
    match = re.match(r"#(?:/\$defs|/definitions|/components/schemas)/(?P<name>[^/]+)", pointer)
    return "" if match is None else match["name"].replace("~1", "/").replace("~0", "~")


def _known(names: Iterable[str], homes: Mapping[str, _Home]) -> set[str]:
    return {name for name in names if name in homes}


def _between(homes: Mapping[str, _Home], edges: Mapping[str, Iterable[str]]) -> dict[_Home, set[_Home]]:
    found: dict[_Home, set[_Home]] = {home: set() for home in homes.values()}
    for name, others in edges.items():
        found[homes[name]] |= {homes[other] for other in others} - {homes[name]}
    return found


def _joined(homes: Mapping[str, _Home], groups: Iterable[frozenset[_Home]]) -> dict[str, _Home]:
    first = {home: min(group) for group in groups for home in group}
    return {name: first[home] for name, home in homes.items()}


def circles(edges: Mapping[_Home, Iterable[_Home]]) -> list[frozenset[_Home]]:
    """Return the strongly connected components of a graph."""
    against: dict[_Home, list[_Home]] = {}
    for one, others in edges.items():
        for other in others:
            against.setdefault(other, []).append(one)
    left: list[_Home] = []
    seen: set[_Home] = set()
    for start in sorted(edges):
        _visit(start, lambda home: edges.get(home, ()), seen, left.append)
    groups: list[frozenset[_Home]] = []
    seen = set()
    for start in reversed(left):
        group: list[_Home] = []
        _visit(start, lambda home: against.get(home, ()), seen, group.append)
        if group:
            groups.append(frozenset(group))
    return groups


def _visit(
    start: _Home, following: Callable[[_Home], Iterable[_Home]], seen: set[_Home], leave: Callable[[_Home], object]
) -> None:
    """Visit all that can be reached and was not seen yet; call `leave` for each after all that follow it."""
    todo = [(start, False)]
    while todo:
        home, is_left = todo.pop()
        if is_left:
            leave(home)
        elif home not in seen:
            seen.add(home)
            todo.append((home, True))
            todo.extend((each, False) for each in sorted(following(home)))


def _names(homes: Iterable[_Home], types: Iterable[str]) -> dict[_Home, str]:
    """Return the names of modules; if two would be the same, they begin with the names of file or folder."""
    taken = {*_TAKEN, *types}
    names = {home: _name(home.definition or _stem(home.file), taken) for home in sorted(homes)}
    for home in _repeated(names):
        above = _stem(home.file) if home.definition else PurePath(home.file).parent.name
        names[home] = _name(f"{above} {home.definition or _stem(home.file)}", taken)
    repeated = _repeated(names)
    if repeated:
        wrong = f"the name of its module, {names[repeated[0]]}, is also the name of another one"
        raise GenerationError(tuple(Problem(home.file, 0, 0, "", "", wrong, "rename the file") for home in repeated))
    return names


def _repeated(names: Mapping[_Home, str]) -> list[_Home]:
    count: dict[str, int] = {}
    for name in names.values():
        count[name.casefold()] = count.get(name.casefold(), 0) + 1
    return [home for home, name in names.items() if count[name.casefold()] > 1]


def _stem(file: str) -> str:
    return re.sub(r"\.(schema\.)?(json|ya?ml)$", "", PurePath(file).name)


def _name(text: str, taken: Iterable[str]) -> str:
    """Return the name of a module in snake_case.

    >>> _name("WeatherReport.v2", ()), _name("import", ()), _name("2nd", ())
    ('weather_report_v2', 'import_', 'module_2nd')
    """
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", text)
    name = "_".join(re.findall(r"[a-z0-9]+", apart.lower())) or "module"
    name = f"module_{name}" if name[0].isdigit() else name
    return f"{name}_" if keyword.iskeyword(name) or name in taken else name
