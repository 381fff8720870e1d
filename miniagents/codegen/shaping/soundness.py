"""Decide which types are sound: their schemas accept everything that msgspec accepts for them."""

from collections.abc import Iterator, Mapping

from miniagents.codegen.library import FROZEN, MESSAGE_BASE
from miniagents.codegen.model import (
    Anything,
    ArrayOf,
    Choice,
    Form,
    MapOf,
    Module,
    Named,
    ObjectType,
    OneOf,
    Scalar,
    TupleOf,
    Types,
    ancestors,
    forms_of,
    named_in,
    parts_of,
    root_of,
)
from miniagents.codegen.shaping.union_tags import leaves


def judged(module: Module, loose: Mapping[str, Mapping[str, None]]) -> dict[str, tuple[str, ...]]:
    """Return the types that are not sound, each with the reasons.

    Args:
        module: The module, with all tags.
        loose: The reasons that were noted while the forms were read.
    """
    reasons = {each.name: dict(loose.get(each.name, {})) for each in module.types}
    users: dict[str, list[str]] = {}
    for each in module.types:
        own = reasons[each.name]
        own.update(dict.fromkeys(reason for form in forms_of(each) for reason in _ambiguous(module.known, form)))
        mentioned = [name for form in forms_of(each) for name in named_in(form)]
        for name in [*mentioned, *ancestors(module.known, each.name)]:
            users.setdefault(name, []).append(each.name)
    todo = [name for name, own in reasons.items() if own]
    while todo:
        name = todo.pop()
        for user in users.get(name, ()):
            if not reasons[user]:
                reasons[user][f"it holds {name}"] = None
                todo.append(user)
    return {name: tuple(own) for name, own in reasons.items() if own}


def _ambiguous(types: Types, form: Form) -> Iterator[str]:
    """Yield reasons why msgspec cannot tell the members of a union apart, or accepts one without its tag."""
    todo = [form]
    while todo:
        part = todo.pop()
        if isinstance(part, OneOf | Named):
            yield from _ambiguous_alone(types, part)
        todo.extend(each for each in parts_of(part) if not (isinstance(part, OneOf) and isinstance(each, Named)))


def _ambiguous_alone(types: Types, form: Form) -> Iterator[str]:
    found = leaves(types, form)
    classes = [definition for each in found if (definition := _class(types, each)) is not None]
    if len(classes) == 1 and classes[0].tag is not None:
        yield f"{classes[0].name} stands alone"
    if len(classes) > 1:
        fields = {_tag_field(types, each) for each in classes}
        tags = [each.tag[1] if each.tag is not None else each.name for each in classes]
        if len(fields) > 1 or None in fields or len(set(tags)) < len(tags):
            yield "objects without a tag"
    seen: set[str] = set()
    for mark in (mark for each in found for mark in _marks(each)):
        if mark in seen:
            yield f"several of {mark}"
        seen.add(mark)
    if "object" in seen and classes:
        yield "a map beside an object"
    if "anything" in seen and len(found) > 1:
        yield "anything beside others"


def _class(types: Types, form: Form) -> ObjectType | None:
    definition = types.get(form.name) if isinstance(form, Named) else None
    return definition if isinstance(definition, ObjectType) else None


def _tag_field(types: Types, definition: ObjectType) -> str | None:
    if definition.tag is not None:
        return definition.tag[0]
    return "@type" if root_of(types, definition.name) in {FROZEN, MESSAGE_BASE} else None


def _marks(form: Form) -> set[str]:
    match form:
        case Scalar():
            return {"number" if form.kind == "integer" else form.kind}
        case Choice():
            return {
                "null" if value is None else "string" if isinstance(value, str) else "number" for value in form.values
            }
        case ArrayOf() | TupleOf():
            return {"array"}
        case MapOf():
            return {"object"}
        case Anything():
            return {"anything"}
        case _:
            return set()
