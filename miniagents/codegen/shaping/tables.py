"""The table of schemas in a generated module, against which data of its types is checked."""

from collections.abc import Mapping

from miniagents.codegen.documents import JsonValue
from miniagents.codegen.library import SCHEME
from miniagents.codegen.model import (
    AliasType,
    ArrayOf,
    Choice,
    Form,
    Module,
    Named,
    ObjectType,
    OneOf,
    Scalar,
)
from miniagents.codegen.reading.dialects import DRAFT_2020_12, subschemas
from miniagents.codegen.shaping.classes import ClassMaker
from miniagents.codegen.shaping.conjunctions import REFERENCE, Schemas, Site, bare
from miniagents.codegen.shaping.union_tags import leaves


def schema_table(
    module: Module, schemas: Schemas, classes: ClassMaker
) -> tuple[Mapping[str, str], Mapping[str, JsonValue]]:
    """Return the key of the schema of each type, and the schemas by their names.

    A class that is merged from several schemas gets a schema of its own, because none of them alone describes it.
    """
    table: dict[str, JsonValue] = {}
    keys: dict[str, str] = {}
    for each in module.types:
        site = Site(each.name)
        if each.place is not None and (each.name not in classes.sites or classes.sites[each.name] == (site,)):
            table[each.name] = _tagged(module, schemas, classes, each.name)
            keys[each.name] = each.name
    for name, sites in classes.sites.items():
        if name in keys:
            continue
        first = sites[0]
        if len(sites) == 1 and not first.pointer and isinstance(module.known.get(first.definition), AliasType):
            # the definition allows objects and other values: the class is for the objects
            table[name] = {"$ref": f"{REFERENCE}{first.definition}", "type": "object"}
            keys[name] = name
        elif len(sites) == 1:
            keys[name] = f"{first.definition}#{first.pointer}"
        else:
            every = [_reference(site, schemas) for site in sites]
            table[name] = {"type": "object", "allOf": every}
            keys[name] = name
    return keys, table


def _reference(site: Site, schemas: Schemas) -> JsonValue:
    if site.definition.startswith(SCHEME):
        return {"$ref": site.definition}
    return {"$ref": f"{REFERENCE}{site.definition}"} if not site.pointer else bare(schemas.at(site))


def _tagged(module: Module, schemas: Schemas, classes: ClassMaker, name: str) -> JsonValue:
    """Return the schema of a definition with the tags of messages, and with the properties of its bases."""
    result = _with_tags(module, classes, bare(schemas.at(Site(name))))
    definition = module.known.get(name)
    if not isinstance(definition, ObjectType) or not isinstance(result, dict):
        return result
    properties: dict[str, JsonValue] = {}
    required: dict[str, None] = {}
    base = module.known.get(definition.base)
    chain: list[ObjectType] = []
    while isinstance(base, ObjectType):
        chain.append(base)
        base = module.known.get(base.base)
    for each in reversed(chain):
        if each.name in classes.sites:
            members = bare(schemas.at(Site(each.name)))
            inherited = members.get("properties") if isinstance(members, dict) else None
            properties |= inherited if isinstance(inherited, dict) else {}
        else:
            properties |= {field.json_name: _schema_of(field.form) for field in each.fields}
        required |= dict.fromkeys(field.json_name for field in each.fields if field.required)
    is_message = not classes.is_record(definition.base)
    if is_message:
        properties["@type"] = {"const": name}
    if not properties:
        return result
    own = result.get("properties")
    own_required = result.get("required")
    result["properties"] = {**properties, **(own if isinstance(own, dict) else {})}
    if required:
        names = own_required if isinstance(own_required, list) else []
        result["required"] = list(dict.fromkeys([*required, *names]))
    return result


def _with_tags(module: Module, classes: ClassMaker, schema: JsonValue) -> JsonValue:
    """Require the tags of messages in unions with other classes."""
    if not isinstance(schema, dict):
        return schema

    def is_class(branch: JsonValue, name: str | None) -> bool:
        return _has_class(module, name) if name is not None else isinstance(branch, dict) and "properties" in branch

    result = dict(schema)
    for keyword, steps, member in subschemas(schema, DRAFT_2020_12):
        new = _with_tags(module, classes, member)
        argument = result[keyword]
        if len(steps) == 1:
            result[keyword] = new
        elif isinstance(argument, dict):
            result[keyword] = {**argument, steps[1]: new}
        elif isinstance(argument, list):
            copy = [*argument]
            copy[int(steps[1])] = new
            result[keyword] = copy
    for keyword in ("anyOf", "oneOf"):
        branches = result.get(keyword)
        if isinstance(branches, list):
            names = [_referred(classes, branch) for branch in branches]
            if sum(map(is_class, branches, names)) > 1:
                result[keyword] = [
                    {"allOf": [branch], "required": ["@type"]}
                    if name is not None and _is_message(module, classes, name)
                    else branch
                    for branch, name in zip(branches, names, strict=True)
                ]
    return result


def _referred(classes: ClassMaker, schema: JsonValue) -> str | None:
    """Return the name of the type that a branch refers to, or None if the branch is not a reference."""
    reference = schema.get("$ref") if isinstance(schema, dict) and schema.keys() == {"$ref"} else None
    if not isinstance(reference, str):
        return None
    return classes.foreign(reference) if reference.startswith(SCHEME) else reference.removeprefix(REFERENCE)


def _has_class(module: Module, name: str) -> bool:
    """Return whether a type is a class, or an alias that leads to a class."""
    return any(
        isinstance(each, Named) and isinstance(module.known.get(each.name), ObjectType)
        for each in leaves(module.known, Named(name))
    )


def _is_message(module: Module, classes: ClassMaker, name: str) -> bool:
    definition = module.known.get(name)
    if not isinstance(definition, ObjectType):
        return False
    return definition.place is None or not classes.is_record(definition.base)


def _schema_of(form: Form) -> JsonValue:
    """Return a schema for a form of the library."""
    match form:
        case Scalar():
            return {"type": form.kind, **({"minimum": 0} if form.limits else {})}
        case Choice():
            return {"enum": [*form.values]}
        case ArrayOf():
            return {"type": "array", "items": _schema_of(form.item)}
        case OneOf():
            return {"anyOf": [_schema_of(each) for each in form.forms]}
        case Named():
            return {"$ref": f"{SCHEME}{form.name.removeprefix('_')}"}
        case _:
            return True
