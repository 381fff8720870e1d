"""Change unions that break msgspec (0.22), which crashes or runs out of memory on their decoders.

Such a union has a text with a pattern beside an array or a map, or a scalar with any limits beside a tuple of fixed
length. The scalars lose their limits, and the schema checks them instead. If an alias in a union may be anything,
anything becomes the last member of the union, and only members with classes are kept beside it. If an alias in a union
is null, it becomes null itself, because a union needs null only once. If two aliases in a union have the same array or
map, their members are written out, because msgspec takes a union with one array and one map only.
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
    within,
)
from miniagents.codegen.shaping.union_tags import leaves
from miniagents.codegen.shaping.unions import NULL, united


def defused(own: dict[str, TypeDefinition], known: Types, loose: dict[str, dict[str, None]]) -> None:
    """Change the unions that would break msgspec.

    Args:
        own: The types of the module, which are changed.
        known: These types and those of the library.
        loose: Receives the reasons why the schema of a type must be checked.
    """
    for name, definition in own.items():
        before = forms_of(definition)
        same = tuple(rebuilt(form, lambda part: _written_out(known, part)) for form in before)
        after = tuple(rebuilt(form, lambda part: _defused(known, part)) for form in same)
        if after == before:
            continue
        if after != same:
            loose.setdefault(name, {})["a union that msgspec does not read rightly"] = None
        if isinstance(definition, AliasType):
            own[name] = replace(definition, form=after[0])
        else:
            own[name] = _with_forms(definition, after)


def _written_out(types: Types, form: Form) -> Form:
    """Return a union with the members of its aliases, if two of them have the same array or map."""
    if not isinstance(form, OneOf):
        return form
    members = [each for part in form.forms for each in leaves(types, part)]
    containers = [each for each in members if isinstance(each, ArrayOf | TupleOf | MapOf)]
    return OneOf(tuple(dict.fromkeys(members))) if len(set(containers)) < len(containers) else form


def _defused(types: Types, form: Form) -> Form:
    if not isinstance(form, OneOf):
        return form
    plain = [NULL if isinstance(each, Named) and leaves(types, each) == [NULL] else each for each in form.forms]
    if NULL in plain:  # an alias of None is None as well, and `None | None` is an error in Python
        form = united(plain, exclusive=False)[0]
        if not isinstance(form, OneOf):
            return form
    found = leaves(types, form)
    if Anything() in found:
        return _open(types, form)
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


def _open(types: Types, form: OneOf) -> Form:
    """Return a union that allows anything: its members that lead to classes, and anything as its last one."""
    members: dict[Form, None] = {}
    todo: list[Form] = [*reversed(form.forms)]
    while todo:
        part = todo.pop()
        if Anything() not in leaves(types, part):
            members[part] = None
        elif isinstance(part, OneOf):
            todo += reversed(part.forms)
        elif isinstance(part, Named) and isinstance(definition := types.get(part.name), AliasType):
            todo.append(definition.form)
    kept = [part for part in members if _has_class(types, part)]
    return OneOf((*kept, Anything())) if kept else Anything()


def _has_class(types: Types, form: Form) -> bool:
    """Return whether values of a form may hold values of classes."""
    seen: set[str] = set()
    todo = [form]
    while todo:
        for part in within(todo.pop()):
            definition = types.get(part.name) if isinstance(part, Named) else None
            if isinstance(definition, ObjectType):
                return True
            if definition is not None and definition.name not in seen:
                seen.add(definition.name)
                todo.append(definition.form)
    return False


def _with_forms(definition: ObjectType, forms: tuple[Form, ...]) -> ObjectType:
    count = len(definition.fields)
    fields = tuple(replace(field, form=form) for field, form in zip(definition.fields, forms[:count], strict=True))
    return replace(definition, fields=fields, extras=forms[count] if definition.extras is not None else None)
