"""Schemas as forms: what a value may be.

Objects found on the way become types of their own, named after their place.
"""

import json
from typing import Final, Literal, TypeAlias

from miniagents.codegen.documents import Node
from miniagents.codegen.hints import ON_OBJECT, ON_PROPERTY, ON_TYPE, Hints, read_hints
from miniagents.codegen.keywords import BY_KIND, FORMS, HINTS, refused
from miniagents.codegen.library import FROZEN
from miniagents.codegen.limits import read_limits
from miniagents.codegen.model import (
    ArrayOf,
    Choice,
    Default,
    Field,
    Form,
    Kind,
    MapOf,
    Named,
    ObjectType,
    OneOf,
    Scalar,
)
from miniagents.codegen.names import class_name, field_name
from miniagents.codegen.scope import Scope

Role: TypeAlias = Literal["definition", "property", "inner"]
"""Where a schema stands: it is a type of its own, a property's, or within one of these."""

_INT64 = range(-(2**63), 2**63)
_HINTS: Final[dict[Role, frozenset[str]]] = {"definition": ON_TYPE, "property": ON_PROPERTY, "inner": frozenset()}


def is_class(node: Node) -> bool:
    """Whether the schema at `node` is an object and nothing else, and so becomes a class."""
    value = node.value
    if not isinstance(value, dict) or next((each for each in FORMS if each in value), None) != "type":
        return False
    return value["type"] in ("object", ["object"]) and not _is_map(node)


def documentation(scope: Scope, node: Node) -> str:
    """Return what the schema at `node` says to people."""
    if not isinstance(node.value, dict):
        return ""
    text = node.value.get("description", "")
    if not isinstance(text, str):
        scope.report(node.child("description").place.problem("description", "is no text", "write a text"))
        return ""
    notes: list[str] = []
    if isinstance(node.value.get("format"), str):
        notes.append(f"Format: {node.value['format']}.")
    if node.value.get("deprecated") is True:
        notes.append("Deprecated.")
    return " ".join([text, *notes]).strip()


def read_form(scope: Scope, node: Node, name: str, role: Role = "inner") -> Form | None:
    """Return what the schema at `node` accepts; None after reporting that it cannot be honoured.

    Args:
        scope: What the reader knows.
        node: A schema.
        name: What an object described right here is called, unless it names itself.
        role: Where `node` stands: a property may have a default and a name in Python, a definition a name.
    """
    if not isinstance(node.value, dict):
        wrong = "true accepts anything and false nothing" if isinstance(node.value, bool) else "is no schema"
        scope.report(node.place.problem("type", wrong, 'write an object with a "type"'))
        return None
    also = frozenset({"default", HINTS}) if role == "property" else frozenset({HINTS})
    mark = next((each for each in FORMS if each in node.value), None)
    if mark == "type":
        return _of_types(scope, node, name, also, role)
    read_hints(node, _HINTS[role], scope.report)
    if mark is None:
        _report_untyped(scope, node, also)
        return None
    values = frozenset({"type"}) if mark in {"const", "enum"} else frozenset[str]()
    _refuse_others(scope, node, also | values | {mark})
    if mark == "$ref":
        return scope.resolve(node.child("$ref"))
    if mark in {"anyOf", "oneOf"}:
        return _branches(scope, node.child(mark), name)
    return _choice(scope, node, mark)


def read_object(scope: Scope, node: Node, name: str, hints: Hints) -> ObjectType:
    """Return the class for the closed object at `node`; what is wrong with it is reported.

    Args:
        scope: What the reader knows.
        node: A schema for which `is_class` is true.
        name: The name of the class, already reserved.
        hints: The hints on the schema.
    """
    value = node.value if isinstance(node.value, dict) else {}
    if value.get("additionalProperties") is not False:
        place = (node.child("additionalProperties") if "additionalProperties" in value else node).place
        wrong = "an open object would lose the properties it does not know"
        scope.report(place.problem("additionalProperties", wrong, 'write "additionalProperties": false'))
    for keyword in ("minProperties", "maxProperties"):
        if keyword in value:
            wrong = "a closed object cannot count its properties"
            scope.report(node.child(keyword).place.problem(keyword, wrong, 'say it by "required"'))
    base = scope.base(node, hints.base) if hints.base is not None else FROZEN
    fields = _fields(scope, node, name)
    if hints.positional:
        optional = [each for each in fields if not each.required]
        if optional and any(each.required for each in fields[fields.index(optional[0]) :]):
            wrong = "positional: a required property stands behind an optional one"
            scope.report(node.child(HINTS).place.problem(HINTS, wrong, "write the required ones first"))
    doc = documentation(scope, node)
    return ObjectType(name, base or FROZEN, fields, hints.template, hints.positional, doc, node.place)


def _ignore(_: object) -> None:
    """Take a report that another call makes."""


def _refuse_others(scope: Scope, node: Node, allowed: frozenset[str]) -> None:
    scope.problems.extend(refused(node, allowed))


def _report_untyped(scope: Scope, node: Node, also: frozenset[str]) -> None:
    before = len(scope.problems)
    kinds = [kind for kind, names in BY_KIND.items() if isinstance(node.value, dict) and names & node.value.keys()]
    if not kinds:
        _refuse_others(scope, node, also)
    if len(scope.problems) == before:
        example = f'"{kinds[0]}"' if kinds else '"string"'
        scope.report(
            node.place.problem("type", "is missing, so anything would be accepted", f'write "type": {example}')
        )


def _of_types(scope: Scope, node: Node, name: str, also: frozenset[str], role: Role) -> Form | None:
    kinds = _kinds(scope, node.child("type"))
    makes_class = "object" in kinds and not _is_map(node)
    hints = read_hints(node, _HINTS[role] | (ON_OBJECT if makes_class else frozenset[str]()), scope.report)
    keywords = frozenset({"type"}).union(*(BY_KIND[kind] for kind in kinds))
    if kinds:
        _refuse_others(scope, node, keywords | also)
    forms: list[Form] = []
    for kind in kinds:
        form: Form | None
        if kind == "array":
            form = _array(scope, node, name)
        elif kind == "object":
            inner = f"{name}Object" if role == "definition" else hints.name or name
            form = _class(scope, node, inner, hints) if makes_class else _map(scope, node, name)
        else:
            form = Scalar(kind, read_limits(node, kind, scope.report))
        if form is not None:
            forms.append(form)
    return _one_of(forms, node) if kinds and len(forms) == len(kinds) else None


def _kinds(scope: Scope, node: Node) -> list[Kind]:
    names = node.value if isinstance(node.value, list) else [node.value]
    kinds: list[Kind] = [kind for name in names for kind in BY_KIND if kind == name]
    if len(kinds) != len(names) or not kinds or len(set(kinds)) != len(kinds):
        remedy = f"write one of {', '.join(BY_KIND)}, or several of them, each once"
        scope.report(node.place.problem("type", f"unknown: {str(node.value)[:60]}", remedy))
        return []
    if "number" in kinds and "integer" in kinds:
        kinds.remove("integer")
    return kinds


def _one_of(forms: list[Form], node: Node) -> Form:
    flat: list[Form] = []
    for form in forms:
        flat.extend(form.forms if isinstance(form, OneOf) else [form])
    flat.sort(key=lambda form: form == Scalar("null"))
    return flat[0] if len(flat) == 1 else OneOf(tuple(flat), node.place)


def _branches(scope: Scope, node: Node, name: str) -> Form | None:
    branches = node.items()
    if not branches:
        scope.report(node.place.problem(node.pointer.rpartition("/")[2], "is no list of schemas", "write at least one"))
        return None
    forms: list[Form] = []
    for branch in branches:
        inner = name
        if is_class(branch) and isinstance(branch.value, dict):
            title = branch.value.get("title")
            named = read_hints(branch, ON_OBJECT, _ignore).name or (
                class_name(title) if isinstance(title, str) else None
            )
            if named is None:
                wrong = "an object among several needs a name of its own"
                remedy = 'move it to "$defs", or name it by "title"'
                scope.report(branch.place.problem("title", wrong, remedy))
                continue
            inner = named
        form = read_form(scope, branch, inner)
        if form is not None:
            forms.append(form)
    return _one_of(forms, node) if len(forms) == len(branches) else None


def _choice(scope: Scope, node: Node, mark: str) -> Form | None:
    place = node.child(mark)
    values = [place] if mark == "const" else place.items()
    kinds = _kinds(scope, node.child("type")) if isinstance(node.value, dict) and "type" in node.value else None
    chosen: dict[str | int | None, None] = {}
    wrong, remedy = "", ""
    for each in values:
        value = each.value
        if isinstance(value, bool | float | list | dict):
            wrong, remedy = "only texts, integers and null can be told apart by value", 'write a "type" instead'
        elif isinstance(value, int) and value not in _INT64:
            wrong, remedy = f"{value} does not fit into 64 bits", "write a smaller integer"
        elif kinds and not _kind_of(value) & set(kinds):
            wrong, remedy = f"{str(value)[:60]} is not of the type beside it", "remove it, or mend the type"
        elif value in chosen:
            wrong, remedy = f"{str(value)[:60]} is given twice", "keep one of them"
        else:
            chosen[value] = None
    if not values:
        wrong, remedy = "is no list of values", "write at least one"
    if wrong:
        scope.report(place.place.problem(mark, wrong, remedy))
        return None
    return Choice(tuple(chosen)) if set(chosen) != {None} else Scalar("null")


def _kind_of(value: str | int | None) -> set[Kind]:
    if value is None:
        return {"null"}
    return {"string"} if isinstance(value, str) else {"integer", "number"}


def _array(scope: Scope, node: Node, name: str) -> Form | None:
    limits = read_limits(node, "array", scope.report)
    if not isinstance(node.value, dict) or "items" not in node.value:
        scope.report(node.place.problem("items", "is missing, so anything would be accepted", 'write "items": {...}'))
        return None
    item = read_form(scope, node.child("items"), f"{name}Item")
    return ArrayOf(item, limits) if item is not None else None


def _is_map(node: Node) -> bool:
    return isinstance(node.value, dict) and isinstance(node.value.get("additionalProperties"), dict)


def _map(scope: Scope, node: Node, name: str) -> Form | None:
    limits = read_limits(node, "object", scope.report)
    for keyword in ("properties", "required"):
        if isinstance(node.value, dict) and node.value.get(keyword):
            wrong = "cannot stand beside a schema for all properties"
            remedy = 'write "additionalProperties": false, or give the map a property of its own'
            scope.report(node.child(keyword).place.problem(keyword, wrong, remedy))
    form = read_form(scope, node.child("additionalProperties"), f"{name}Value")
    return MapOf(form, limits) if form is not None else None


def _class(scope: Scope, node: Node, name: str, hints: Hints) -> Form | None:
    """Make a class of an object that is described where it is used."""
    taken = scope.take_name(name, node)
    if taken is None:
        return None
    scope.types[taken] = read_object(scope, node, taken, hints)
    return Named(taken)


def _fields(scope: Scope, node: Node, name: str) -> tuple[Field, ...]:
    value = node.value if isinstance(node.value, dict) else {}
    required = _required(scope, node)
    properties = value.get("properties", {})
    if not isinstance(properties, dict):
        scope.report(node.child("properties").place.problem("properties", "is no object", "write an object"))
        return ()
    fields: dict[str, Field] = {}
    for key in properties:
        each = node.child("properties").child(key)
        field = _field(scope, each, key, name, is_required=key in required)
        if field is None:
            continue
        if field.name in fields:
            wrong = f"{field.name} would also be the name of {fields[field.name].json_name} in Python"
            scope.report(each.place.problem("name", wrong, 'name it by "x-miniagents": {"field": ...}'))
        fields[field.name] = field
    for key in required:
        if key not in properties:
            wrong = f"{key[:60]} is required but not described"
            scope.report(node.child("required").place.problem("required", wrong, "describe it in properties"))
    return tuple(fields.values())


def _required(scope: Scope, node: Node) -> tuple[str, ...]:
    if not isinstance(node.value, dict) or "required" not in node.value:
        return ()
    place = node.child("required")
    names = tuple(each.value for each in place.items() if isinstance(each.value, str))
    if not isinstance(place.value, list) or len(names) != len(place.value) or len(set(names)) != len(names):
        scope.report(place.place.problem("required", "is no list of different names", 'write ["name", ...]'))
    return names


def _field(scope: Scope, node: Node, key: str, owner: str, *, is_required: bool) -> Field | None:
    if key == "@type":
        wrong = "this name is taken by the tag of the type"
        scope.report(node.place.problem("properties", wrong, "give the property another name"))
        return None
    if any(char in '\\"' or char < " " for char in key):
        wrong = "msgspec cannot write names with quotes, backslashes or control characters"
        scope.report(node.place.problem("properties", wrong, "give the property another name"))
        return None
    hinted = read_hints(node, ON_PROPERTY | ON_OBJECT, _ignore).field
    form = read_form(scope, node, class_name(f"{owner}_{key}") or owner, "property")
    if form is None:
        return None
    default = None
    if isinstance(node.value, dict) and "default" in node.value:
        default = Default(node.value["default"])
    doc = documentation(scope, node)
    if is_required and default is not None:  # it can never apply: readers are told, and the field stays required
        doc = f"{doc} Schema default: {json.dumps(default.value, ensure_ascii=False)[:60]}.".strip()
    return Field(hinted or field_name(key), key, form, is_required, default, doc, node.place)
