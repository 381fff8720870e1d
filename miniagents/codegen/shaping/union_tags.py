"""Find the property that tells the classes of a union apart."""

from collections.abc import Iterator
from dataclasses import replace

from miniagents.codegen.model import (
    AliasType,
    Choice,
    Chosen,
    Field,
    Form,
    Named,
    ObjectType,
    OneOf,
    TypeDefinition,
    Types,
    forms_of,
    within,
)
from miniagents.codegen.shaping.classes import ClassMaker


def tagged(own: dict[str, TypeDefinition], known: Types, classes: ClassMaker) -> None:
    """Give the classes of unions the tags by which msgspec can tell them apart.

    A class has at most one tag, for the first union that contains it.

    Args:
        own: The types of the module, which are changed.
        known: These types and those of the library.
        classes: The maker of the classes, which knows the records.
    """
    extended = {each.base for each in own.values() if isinstance(each, ObjectType)}
    for definition in list(own.values()):
        for form in forms_of(definition):
            for union in unions_in(form):
                members = [own.get(each.name) for each in leaves(known, union) if isinstance(each, Named)]
                found = [each for each in members if isinstance(each, ObjectType)]
                if len(found) < 2 or not all(
                    classes.has_own_tag(each.base) and each.base not in own and each.name not in extended
                    for each in found
                ):
                    continue
                tags = _tags(found)
                if tags is not None:
                    for each, tag in zip(found, tags, strict=True):
                        own[each.name] = replace(each, tag=tag)


def unions_in(form: Form) -> Iterator[OneOf]:
    """Yield the unions in a form, except those in named types."""
    return (each for each in within(form) if isinstance(each, OneOf))


def leaves(types: Types, form: Form) -> list[Form]:
    """Return the alternatives of a form after following all aliases, without repetitions."""
    found: dict[Form, None] = {}
    seen: set[str] = set()
    todo = [form]
    while todo:
        part = todo.pop()
        if isinstance(part, OneOf):
            todo.extend(reversed(part.forms))
        elif isinstance(part, Chosen):
            todo.append(part.form)
        elif isinstance(part, Named) and isinstance(definition := types.get(part.name), AliasType):
            if part.name not in seen:
                seen.add(part.name)
                todo.append(definition.form)
        else:
            found[part] = None
    return list(found)


def _tags(classes: list[ObjectType]) -> list[tuple[str, str | int]] | None:
    """Return the tags of classes, or None if no property tells all of them apart."""
    for candidate in classes[0].fields:
        tags = [_tag(each, candidate.json_name) for each in classes]
        values = [tag[1] for tag in tags if tag is not None]
        if len(values) < len(tags) or len(set(values)) < len(values) or len({type(value) for value in values}) > 1:
            continue
        if all(each.tag in (None, tag) for each, tag in zip(classes, tags, strict=True)):
            return [tag for tag in tags if tag is not None]
    return None


def _tag(owner: ObjectType, name: str) -> tuple[str, str | int] | None:
    field = next((each for each in owner.fields if each.json_name == name), None)
    value = None if field is None else only_value(field)
    return None if value is None else (name, value)


def only_value(field: Field) -> str | int | None:
    """Return the one value that a required property can have."""
    form = field.form
    if not field.required or not isinstance(form, Choice) or len(form.values) != 1:
        return None
    return form.values[0]
