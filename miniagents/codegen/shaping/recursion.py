"""Open circles of aliases without a class in between, which neither msgspec nor type checkers accept."""

from dataclasses import replace

from miniagents.codegen.model import (
    AliasType,
    Anything,
    Form,
    Named,
    OneOf,
    TypeDefinition,
    Types,
    named_in,
    parts_of,
    rebuilt,
)
from miniagents.codegen.shaping.unions import united


def opened(own: dict[str, TypeDefinition], known: dict[str, TypeDefinition], loose: dict[str, dict[str, None]]) -> None:
    """Replace the reference that closes such a circle by a form that accepts anything.

    Args:
        own: The types of the module, which are changed.
        known: These types and those of the library, which are changed too.
        loose: Receives the reasons why the schema of a type must be checked.
    """
    done: set[str] = set()
    for name in list(own):
        closing = _closing(known, name, done)
        while closing is not None:
            owner, target = closing
            definition = own[owner]
            if not isinstance(definition, AliasType):
                raise TypeError(f"{owner} is no alias")
            own[owner] = known[owner] = replace(definition, form=_without(definition.form, target))
            loose.setdefault(owner, {})["recursion"] = None
            closing = _closing(known, name, done)


def _closing(types: Types, start: str, done: set[str]) -> tuple[str, str] | None:
    """Return the first reference that closes a circle, on a path from an alias through aliases.

    `done` contains the names from which no path leads into a circle; the function adds more of them.
    """
    open_names: dict[str, None] = {}
    todo: list[tuple[str, bool]] = [(start, False)]
    while todo:
        name, is_left = todo.pop()
        if is_left:
            del open_names[name]
            done.add(name)
            continue
        if name in open_names or name in done:
            continue
        definition = types.get(name)
        if not isinstance(definition, AliasType):
            continue
        open_names[name] = None
        names = named_in(definition.form)
        for each in names:
            if each in open_names:
                return name, each
        todo.append((name, True))
        todo.extend((each, False) for each in reversed(names))
    return None


def _without(form: Form, name: str) -> Form:
    def change(part: Form) -> Form:
        if part == Named(name):
            return Anything()
        is_open = isinstance(part, OneOf) and Anything() in part.forms
        return united(parts_of(part), exclusive=False)[0] if is_open else part

    return rebuilt(form, change)
