"""Open circles of aliases without a class in between, and cut long chains of them.

Neither msgspec nor type checkers accept such a circle. An alias that names another contains all of its type, so a long
chain of references would become a type that is too deep to be imported.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Final

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
from miniagents.codegen.schema_errors import Problem
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
            own[owner] = known[owner] = replace(definition, form=_without(definition.form, {target}))
            loose.setdefault(owner, {})["recursion"] = None
            closing = _closing(known, name, done)


DEEPEST_ALIAS: Final = 120
"""The greatest depth of an alias with all aliases that it contains: Python takes three calls for each level."""


def shortened(
    own: dict[str, TypeDefinition], known: dict[str, TypeDefinition], loose: dict[str, dict[str, None]]
) -> Iterator[Problem]:
    """Replace references to aliases that would make an alias too deep by forms that accept anything.

    Yields a problem for each that only consists of unions: no check of one value goes that deep either.

    Args:
        own: The types of the module, which are changed. There are no circles of aliases.
        known: These types and those of the library, which are changed too.
        loose: Receives the reasons why the schema of a type must be checked.
    """
    depths: dict[str, int] = {}
    unions: dict[str, int] = {}
    for name in _innermost_first(known, own):
        definition = known[name]
        if not isinstance(definition, AliasType):
            continue
        unions[name] = _depth(definition.form, unions, OneOf)
        if unions[name] > DEEPEST_ALIAS and definition.place is not None:
            wrong = f"more than {DEEPEST_ALIAS} unions for one value lead on from here"
            yield definition.place.problem("", wrong, "put an object with a property between")
            unions[name] = 0
        if name in own and _depth(definition.form, depths) > DEEPEST_ALIAS:
            # the form alone is not too deep, so this is enough
            room = DEEPEST_ALIAS - _depth(definition.form, {})
            far = {each for each in named_in(definition.form) if depths.get(each, 0) > room}
            definition = own[name] = known[name] = replace(definition, form=_without(definition.form, far))
            loose.setdefault(name, {})["nesting"] = None
        depths[name] = _depth(definition.form, depths)


def _innermost_first(types: Types, names: Collection[str]) -> Iterator[str]:
    """Yield aliases, each after those that it mentions."""
    done: set[str] = set()
    todo = [(name, False) for name in names]
    while todo:
        name, is_ready = todo.pop()
        definition = types.get(name)
        if is_ready:
            yield name
        elif name not in done and isinstance(definition, AliasType):
            done.add(name)
            todo.append((name, True))
            todo.extend((each, False) for each in named_in(definition.form))


def _depth(form: Form, depths: Mapping[str, int], kind: type[OneOf] | None = None) -> int:
    """Return the depth of a form, given the depths of aliases; only one kind of forms has parts if it is given."""
    if isinstance(form, Named):
        return depths.get(form.name, 0)
    parts = parts_of(form) if kind is None or isinstance(form, kind) else ()
    return 1 + max(_depth(each, depths, kind) for each in parts) if parts else 0


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


def _without(form: Form, names: Collection[str]) -> Form:
    def change(part: Form) -> Form:
        if isinstance(part, Named) and part.name in names:
            return Anything()
        is_open = isinstance(part, OneOf) and Anything() in part.forms
        return united(parts_of(part), exclusive=False)[0] if is_open else part

    return rebuilt(form, change)
