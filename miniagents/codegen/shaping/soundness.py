"""Decide which types are sound: their schemas accept everything that msgspec accepts for them.

A type that is not sound may still say all that its schema says, and only msgspec cannot tell the objects in it apart.
The codec can, by the properties that are there. All other types are checked against their schemas.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from miniagents.codegen.library import FROZEN_BASES
from miniagents.codegen.model import (
    AliasType,
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


class Judgement(NamedTuple):
    """The types of a module that are not sound."""

    loose: Mapping[str, tuple[str, ...]]
    """These types, each with the reasons."""
    checked: frozenset[str]
    """Those of them whose schemas say more than their fields, so that their data is checked against the schemas."""


class _Reason(NamedTuple):
    """Why msgspec may accept more than a schema for a union."""

    text: str
    can_tell: bool = False
    """Whether the codec can tell the members apart where msgspec cannot."""


OVERLAP = "objects that several branches accept"
"""The note that a value may fit several branches of a `oneOf`. It is a reason only where no tag tells them apart."""


def judged(module: Module, loose: Mapping[str, Mapping[str, None]]) -> Judgement:
    """Return the types that are not sound.

    Args:
        module: The module, with all tags.
        loose: The reasons that were noted while the forms were read.
    """
    reasons: dict[str, dict[str, None]] = {}
    checked: set[str] = set()
    users: dict[str, list[str]] = {}
    inexact_users: dict[str, list[str]] = {}
    for each in module.types:
        found = dict.fromkeys(reason for form in forms_of(each) for reason in _ambiguous(module.known, form))
        noted = dict(loose.get(each.name, {}))
        overlaps = OVERLAP in noted
        noted.pop(OVERLAP, None)
        reasons[each.name] = noted | dict.fromkeys(reason.text for reason in found)
        if noted or not all(reason.can_tell for reason in found) or (overlaps and found):
            checked.add(each.name)
        mentioned = [name for form in forms_of(each) for name in named_in(form)]
        bases = ancestors(module.known, each.name)
        for name in [*mentioned, *bases]:
            users.setdefault(name, []).append(each.name)
        # a class is decoded by itself wherever it stands; an alias and a base are parts of the types that name them
        for name in [*(name for name in mentioned if isinstance(module.known.get(name), AliasType)), *bases]:
            inexact_users.setdefault(name, []).append(each.name)
    todo = [name for name, own in reasons.items() if own]
    while todo:
        name = todo.pop()
        for user in users.get(name, ()):
            if not reasons[user]:
                reasons[user][f"it holds {name}"] = None
                todo.append(user)
    todo = [*checked]
    while todo:
        added = {user for user in inexact_users.get(todo.pop(), ()) if user not in checked}
        checked |= added
        todo.extend(added)
    return Judgement({name: tuple(own) for name, own in reasons.items() if own}, frozenset(checked))


def _ambiguous(types: Types, form: Form) -> Iterator[_Reason]:
    """Yield reasons why msgspec cannot tell the members of a union apart, or accepts one without its tag."""
    todo = [form]
    while todo:
        part = todo.pop()
        if isinstance(part, OneOf | Named):
            yield from _ambiguous_alone(types, part)
        todo.extend(each for each in parts_of(part) if not (isinstance(part, OneOf) and isinstance(each, Named)))


def _ambiguous_alone(types: Types, form: Form) -> Iterator[_Reason]:
    found = leaves(types, form)
    classes = [definition for each in found if (definition := _class(types, each)) is not None]
    if len(classes) == 1 and classes[0].tag is not None:
        yield _Reason(f"{classes[0].name} stands alone", can_tell=True)
    if len(classes) > 1:
        fields = {_tag_field(types, each) for each in classes}
        tags = [each.tag[1] if each.tag is not None else each.name for each in classes]
        if len(fields) > 1 or None in fields or len(set(tags)) < len(tags):
            yield _Reason("objects without a tag", can_tell=True)
    seen: set[str] = set()
    for mark in (mark for each in found for mark in _marks(each)):
        if mark in seen:
            yield _Reason(f"several of {mark}")
        seen.add(mark)
    if "object" in seen and classes:
        yield _Reason("a map beside an object")
    if "anything" in seen and len(found) > 1:
        yield _Reason("anything beside others")


def _class(types: Types, form: Form) -> ObjectType | None:
    definition = types.get(form.name) if isinstance(form, Named) else None
    return definition if isinstance(definition, ObjectType) else None


def _tag_field(types: Types, definition: ObjectType) -> str | None:
    if definition.tag is not None:
        return definition.tag[0]
    return "@type" if root_of(types, definition.name) in FROZEN_BASES else None


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
