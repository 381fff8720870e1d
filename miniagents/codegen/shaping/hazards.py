"""Unions that break msgspec (0.22): it crashes, or runs out of memory, when it makes or uses a decoder for them.

They are a text with a pattern beside an array or a map, and a scalar with any limits beside a tuple of fixed length. In
such unions the scalars go without limits, which are checked by the schema then. And what may be anything by the name of
another type is anything: msgspec would not look at the rest of the union, and others would trust it. Null by the name
of another type is null, of which a union needs but one.
"""

from dataclasses import replace

from miniagents.codegen.model import (
    AliasType,
    Anything,
    ArrayOf,
    Form,
    MapOf,
    Named,
    ObjectType,
    OneOf,
    Scalar,
    TupleOf,
    TypeDefinition,
    Types,
    forms_of,
    rebuilt,
)
from miniagents.codegen.shaping.union_tags import leaves
from miniagents.codegen.shaping.unions import NULL, united


def defused(own: dict[str, TypeDefinition], known: Types, loose: dict[str, dict[str, None]]) -> None:
    """Take the limits from scalars where they would break msgspec.

    Args:
        own: The types of the module, which are changed.
        known: These and others.
        loose: Takes why what is no longer said by a type is to be checked.
    """
    for name, definition in own.items():
        before = forms_of(definition)
        after = tuple(rebuilt(form, lambda part: _defused(known, part)) for form in before)
        if after == before:
            continue
        loose.setdefault(name, {})["a union that msgspec does not read rightly"] = None
        if isinstance(definition, AliasType):
            own[name] = replace(definition, form=after[0])
        else:
            own[name] = _with_forms(definition, after)


def _defused(types: Types, form: Form) -> Form:
    if not isinstance(form, OneOf):
        return form
    plain = [NULL if isinstance(each, Named) and leaves(types, each) == [NULL] else each for each in form.forms]
    if NULL in plain:  # by the name of another type it is None all the same, and `None | None` is nothing in Python
        form = united(plain, exclusive=False)[0]
        if not isinstance(form, OneOf):
            return form
    found = leaves(types, form)
    if Anything() in found:  # by the name of another type
        return Anything()
    has_tuple = any(isinstance(each, TupleOf) for each in found)
    has_container = any(isinstance(each, ArrayOf | MapOf) for each in found)

    def is_hazard(part: Form) -> bool:
        if not isinstance(part, Scalar) or not part.limits:
            return False
        return has_tuple or (has_container and any(name == "pattern" for name, _ in part.limits))

    if not any(map(is_hazard, found)):
        return form
    result: list[Form] = []
    for each in form.forms:
        inner = leaves(types, each) if isinstance(each, Named) else [each]
        if any(map(is_hazard, inner)):
            result.extend(replace(part, limits=()) if isinstance(part, Scalar) else part for part in inner)
        else:
            result.append(each)
    return united(result, exclusive=False)[0]


def _with_forms(definition: ObjectType, forms: tuple[Form, ...]) -> ObjectType:
    count = len(definition.fields)
    fields = tuple(replace(field, form=form) for field, form in zip(definition.fields, forms[:count], strict=True))
    return replace(definition, fields=fields, extras=forms[count] if definition.extras is not None else None)
