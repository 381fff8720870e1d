"""Aliases that lead back to themselves without a class between, which no reader of types takes."""

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
    rebuilt,
)


def opened(own: dict[str, TypeDefinition], known: dict[str, TypeDefinition], loose: dict[str, dict[str, None]]) -> None:
    """Let anything stand where such a circle closes.

    Args:
        own: The types of the module, which are changed.
        known: These and others, which are changed too.
        loose: Takes why what is no longer said by a type is to be checked.
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
    """Return the first reference, on the way from an alias through aliases, to one that the way comes from.

    `done` has the names from which no way leads into a circle, and takes more of them.
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
        if part == Named(name) or (isinstance(part, OneOf) and Anything() in part.forms):
            return Anything()
        return part

    return rebuilt(form, change)
