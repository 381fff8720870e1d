"""Checks that need all types of a module.

They find classes that are their own base, defaults that their own type refuses, properties that contradict those of the
base, and templates that show properties which do not exist.
"""

from collections.abc import Iterator

from miniagents.codegen.model import (
    AliasType,
    Field,
    Module,
    ObjectType,
    TypeDefinition,
    Types,
    inherited_fields,
    made_of,
)
from miniagents.codegen.reading.normalising import IGNORING
from miniagents.codegen.schema_errors import Problem
from miniagents.codegen.shaping.defaults import accepts
from miniagents.codegen.shaping.templates import has_stray_brace, names
from miniagents.validation.keywords import HINTS


def check(module: Module) -> tuple[Problem, ...]:
    """Return the problems of a module as a whole."""
    loops = tuple(_loops(module))
    if loops:
        return loops
    problems: list[Problem] = []
    for each in module.types:
        if isinstance(each, ObjectType):
            problems.extend(_check_base(module.known, each))
            for field in each.fields:
                problems.extend(_check_field(module.known, each, field))
            problems.extend(_check_template(module.known, each))
    return tuple(problems)


def _loops(module: Module) -> Iterator[Problem]:
    """Yield types that contain themselves: an alias without an object in between, or a class that is its own base."""
    done: set[str] = set()
    for start in module.types:
        open_names: dict[str, None] = {}
        todo: list[tuple[str, bool]] = [(start.name, False)]
        while todo:
            name, is_left = todo.pop()
            if is_left:
                del open_names[name]
                done.add(name)
            elif name in open_names:
                path = list(open_names)
                circle = " -> ".join([*path[path.index(name) :], name])
                yield _loop(module.known[name], circle)
            elif name not in done:
                open_names[name] = None
                todo.append((name, True))
                todo.extend((inner, False) for inner in made_of(module.known.get(name)))


def _loop(definition: TypeDefinition, circle: str) -> Problem:
    if definition.place is None:
        raise AssertionError("the library's own types are no circle")
    if isinstance(definition, ObjectType):
        return definition.place.problem(HINTS, f"base: a type cannot extend itself: {circle}", "name another base")
    wrong = f"a type that is made of itself has no end: {circle}"
    return definition.place.problem("$ref", wrong, "put an object with a property between")


def _check_base(types: Types, owner: ObjectType) -> Iterator[Problem]:
    if isinstance(types.get(owner.base), AliasType) and owner.place is not None:
        yield owner.place.problem(HINTS, f"base: {owner.base} is no class", "name a closed object")


def _check_field(types: Types, owner: ObjectType, field: Field) -> Iterator[Problem]:
    if field.place is None:
        return
    if field.default is not None and not accepts(types, field.form, field.default.value):
        wrong = "its own type does not accept it"
        yield field.place.problem("default", wrong, f'correct it, or remove it, {IGNORING} ["default"]')
    inherited = inherited_fields(types, owner.name)
    known = inherited.get(field.json_name)
    if known is not None and known != field:
        wrong = f"{owner.base} has this property already, described otherwise"
        yield field.place.problem("properties", wrong, "remove it here, or repeat it word for word")
    elif known is None and any(each.name == field.name for each in inherited.values()):
        wrong = f"{field.name} is in Python the name of another property, of {owner.base}"
        yield field.place.problem("name", wrong, 'name it by "x-miniagents": {"field": ...}')


def _check_template(types: Types, owner: ObjectType) -> Iterator[Problem]:
    if owner.template is None or owner.place is None:
        return
    place = owner.place
    if has_stray_brace(owner.template):
        yield place.problem(HINTS, "template: a brace stands alone", "write {{ or }} for a brace")
    own = {field.json_name for field in owner.fields} | set(inherited_fields(types, owner.name))
    for name in names(owner.template):
        if name not in own:
            has = ", ".join(sorted(own)) or "none"
            yield place.problem(HINTS, f"template: {{{name[:60]}}} is no property", f"its properties are: {has}")
