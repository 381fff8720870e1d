"""Find the classes that can extend another one: every value of theirs is, by their schemas, a value of the other.

A class that is merged from a named object and more, as by `allOf`, has all properties of the object already. If their
types allow it, the class extends the one of the object and repeats only the properties that it narrows. Nothing changes
for decoding.
"""

from collections.abc import Iterator
from dataclasses import replace

from miniagents.codegen.model import (
    AliasType,
    Anything,
    ArrayOf,
    Choice,
    Chosen,
    Field,
    Form,
    MapOf,
    Named,
    ObjectType,
    OneOf,
    Scalar,
    TupleOf,
    TypeDefinition,
    Types,
    ancestors,
    inherited_fields,
    within,
)
from miniagents.codegen.shaping.classes import ClassMaker
from miniagents.codegen.shaping.conjunctions import Schemas


def extended(own: dict[str, TypeDefinition], known: Types, schemas: Schemas, classes: ClassMaker) -> bool:
    """Let classes extend those of the objects that they are merged from; return whether any does.

    Args:
        own: The types of the module, which are changed.
        known: The types of the library.
        schemas: The schemas of all definitions.
        classes: The maker of the classes, which knows the schemas of each.
    """
    record = classes.foreign("Record")
    candidates = {
        name: [*_candidates(own, schemas, classes, name)]
        for name, each in own.items()
        if isinstance(each, ObjectType) and each.base == record and not each.positional and not each.template
    }
    found: dict[str, ObjectType] = {}
    goes_on = True
    while goes_on:  # a property may be narrowed to a class that has just become a subclass
        goes_on = False
        for name, bases in candidates.items():
            definition = own[name]
            if name in found or not isinstance(definition, ObjectType):
                continue
            types = {**known, **own}
            base = next((each for each in bases if _can_extend(types, definition, each)), None)
            if base is not None:
                own[name] = found[name] = replace(definition, base=base)
                goes_on = True
    types = {**known, **own}
    for name, definition in found.items():
        inherited = inherited_fields(types, name)
        fields = tuple(each for each in definition.fields if inherited.get(each.json_name) != each)
        own[name] = replace(definition, fields=fields, extras=None)
    return bool(found)


def _candidates(own: Types, schemas: Schemas, classes: ClassMaker, name: str) -> Iterator[str]:
    """Yield the classes of the definitions that a class is merged from, nearest first."""
    sites = classes.sites[name]
    if len(sites) == 1 and classes.hints(sites[0]).base is not None:
        return
    for part in schemas.parts(sites):
        for site in (part.site, schemas.target(part.site)):
            found = own.get(site.definition) if site is not None and not site.pointer else None
            if isinstance(found, ObjectType) and name != found.name and classes.sites[found.name] == (site,):
                yield found.name


def _can_extend(types: Types, definition: ObjectType, name: str) -> bool:
    base = types[name]
    if not isinstance(base, ObjectType) or definition.name in {name, *ancestors(types, name)}:
        return False
    if base.positional or base.template or base.tag is not None:
        return False
    if base.extras is None or base.extras != definition.extras or _root(types, name) != definition.base:
        return False
    fields = {each.json_name: each for each in definition.fields}
    inherited = {**inherited_fields(types, name), **{each.json_name: each for each in base.fields}}
    tag = definition.tag[0] if definition.tag is not None else None
    types = {**types, definition.name: replace(definition, base=name)}  # its properties may hold values of itself
    return tag not in inherited and all(
        (field := fields.get(each.json_name)) is not None and _is_narrower_field(types, field, each)
        for each in inherited.values()
    )


def _root(types: Types, name: str) -> str:
    return ancestors(types, name)[-1]


def _is_narrower_field(types: Types, field: Field, base: Field) -> bool:
    return (
        field.name == base.name
        and (field.required or not base.required)
        and _is_narrower(types, field.form, base.form, frozenset())
    )


def _is_narrower(types: Types, form: Form, base: Form, seen: frozenset[tuple[Form, Form]]) -> bool:
    """Return whether type checkers take a form as a subtype of another one; limits do not count for them."""
    if form == base:
        return True
    if base == Anything():
        return _is_plain(types, form)
    if (form, base) in seen:
        return False
    seen |= {(form, base)}
    for each, other in (("form", form), ("base", base)):
        inner = _inside(types, other)
        if inner is not None:
            pair = (inner, base) if each == "form" else (form, inner)
            return _is_narrower(types, *pair, seen)
    if isinstance(form, OneOf):
        return all(_is_narrower(types, each, base, seen) for each in form.forms)
    if isinstance(base, OneOf):
        return any(_is_narrower(types, form, each, seen) for each in base.forms)
    match form, base:
        case Named(), Named():
            return base.name in ancestors(types, form.name)
        case Choice(), Choice():
            return set(form.values) <= set(base.values)
        case Choice(), Scalar():
            return all(_is_of(value, base) for value in form.values)
        case Scalar(), Scalar():
            return form.format == base.format and (form.kind, base.kind) in {
                (form.kind, form.kind),
                ("integer", "number"),
            }
        case ArrayOf(), ArrayOf():
            return _is_narrower(types, form.item, base.item, seen)
        case MapOf(), MapOf():
            return _is_narrower(types, form.value, base.value, seen)
        case TupleOf(), ArrayOf():
            items = form.items if form.rest is None else (*form.items, form.rest)
            return all(_is_narrower(types, each, base.item, seen) for each in items)
        case _:
            return False


def _is_plain(types: Types, form: Form) -> bool:
    """Return whether values of a form are plain JSON, and neither of classes nor of the types for formats."""
    seen: set[str] = set()
    todo = [form]
    while todo:
        for part in within(todo.pop()):
            if isinstance(part, Scalar) and part.format is not None:
                return False
            if isinstance(part, Named) and part.name not in seen:
                seen.add(part.name)
                definition = types.get(part.name)
                if not isinstance(definition, AliasType):
                    return False
                todo.append(definition.form)
    return True


def _inside(types: Types, form: Form) -> Form | None:
    """Return the form inside of an alias or of a member with a condition."""
    if isinstance(form, Chosen):
        return form.form
    definition = types.get(form.name) if isinstance(form, Named) else None
    return definition.form if isinstance(definition, AliasType) else None


def _is_of(value: str | int | None, base: Scalar) -> bool:
    if value is None:
        return base.kind == "null"
    return base.format is None and base.kind in ({"string"} if isinstance(value, str) else {"integer", "number"})
